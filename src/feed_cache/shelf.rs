//! Where the feeds that were read lie: one behind the other in a few files, since making a file a feed
//! takes longer than writing what is in it. What is replaced stays where it lies until half of it
//! all is such.
//!
//! Each process adds to a file of its own, so that a command beside the daemon writes over nothing.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use recap_mode::Entropy;
use serde::{Deserialize, Serialize};

/// What files are named by; the number is to be counted up where what is kept of a feed is laid out
/// otherwise, or read otherwise, so that what an earlier Recap kept counts as deleted.
pub(super) const PREFIX: &str = "feeds3-";

/// Whether a file's name is that of a shelf, and not of this form.
pub(super) fn is_of_another_form(name: &str) -> bool {
    let digits = name.strip_prefix("feeds").map_or("", |rest| rest.split('-').next().unwrap_or(""));
    !name.starts_with(PREFIX)
        && name.contains('-')
        && !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Files that are in use, one a start of the daemon, before they are brought together.
const FILES_MAX: usize = 32;

/// Dead bytes that are not worth moving the others.
const SPARED_BYTES: u64 = 1024 * 1024;

/// How long a file that nobody names may be in use: another process may be about to name it.
const UNNAMED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Where the bytes of one feed lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Extent {
    file: Arc<str>,
    at: u64,
    len: u64,
}

/// The files.
pub(super) struct Shelf {
    folder: PathBuf,
    entropy: Arc<dyn Entropy>,
    /// The one that this process adds to.
    open: Mutex<Option<Open>>,
}

struct Open {
    name: Arc<str>,
    file: File,
    len: u64,
}

impl Shelf {
    pub(super) fn new(folder: PathBuf, entropy: Arc<dyn Entropy>) -> Shelf {
        Shelf { folder, entropy, open: Mutex::default() }
    }

    /// Adds the bytes of a feed. Not synced, since all of it can be fetched again.
    pub(super) fn put(&self, bytes: &[u8]) -> io::Result<Extent> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut to = match open.take() {
            Some(to) if self.folder.join(&*to.name).exists() => to,
            // Deleted by a hand, as all of it may be.
            _ => self.begin()?,
        };
        // What fails half way leaves bytes that nobody names, in a file that is not added to again.
        to.file.write_all(bytes)?;
        let len = bytes.len() as u64;
        let extent = Extent { file: to.name.clone(), at: to.len, len };
        to.len += len;
        *open = Some(to);
        Ok(extent)
    }

    fn begin(&self) -> io::Result<Open> {
        make_folder(&self.folder)?;
        let mut random = [0; 8];
        self.entropy.fill(&mut random);
        let name: Arc<str> = format!("{PREFIX}{:016x}", u64::from_le_bytes(random)).into();
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.folder.join(&*name))?;
        Ok(Open { name, file, len: 0 })
    }

    /// Whether all of a feed is there.
    pub(super) fn holds(&self, extent: &Extent) -> bool {
        let end = extent.at.saturating_add(extent.len);
        self.path(&extent.file)
            .and_then(|path| fs::metadata(path).ok())
            .is_some_and(|meta| meta.len() >= end)
    }

    /// The bytes of a feed; `None` where they are not there any more.
    pub(super) fn get(&self, extent: &Extent) -> Option<Vec<u8>> {
        if !self.holds(extent) {
            return None;
        }
        let mut file = File::open(self.path(&extent.file)?).ok()?;
        file.seek(SeekFrom::Start(extent.at)).ok()?;
        let mut bytes = vec![0; usize::try_from(extent.len).ok()?];
        file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The path of a file, where it is one of ours: an index may have been edited.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let is_ours = name.strip_prefix(PREFIX).is_some_and(|rest| {
            rest.len() == 16 && rest.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        is_ours.then(|| self.folder.join(name))
    }

    /// Removes what none of `extents` names, and brings those together where more than half of the files
    /// is dead, or these are many. What could not be moved is where it was.
    pub(super) fn tidy<'a>(&self, extents: impl Iterator<Item = &'a mut Extent>, now: SystemTime) {
        let extents: Vec<&mut Extent> = extents.collect();
        let mut live: HashMap<Arc<str>, u64> = HashMap::new();
        for extent in &extents {
            *live.entry(extent.file.clone()).or_default() += extent.len;
        }
        let (mut whole, mut used) = (0, 0);
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(meta) = entry.metadata() else { continue };
            if !name.starts_with(PREFIX) {
                continue;
            }
            match live.get(name.as_str()) {
                Some(bytes) => (whole, used) = (whole + meta.len(), used + bytes),
                None if self.is_open(&name) => whole += meta.len(),
                None => {
                    let is_old = meta
                        .modified()
                        .is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > UNNAMED_FOR));
                    if is_old {
                        discard(&entry.path());
                    }
                }
            }
        }
        if whole <= used * 2 + SPARED_BYTES && live.len() <= FILES_MAX {
            return;
        }
        // A new file, so that the old ones hold nothing that is alive once all is moved.
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
        for extent in extents {
            let moved = self.get(extent).map(|bytes| self.put(&bytes));
            match moved {
                Some(Ok(to)) => *extent = to,
                // What is gone counts as deleted.
                None => {}
                Some(Err(error)) => {
                    tracing::warn!(%error, "the cache of feeds could not be brought together; that comes again");
                    return;
                }
            }
        }
        for name in live.keys() {
            if let Some(path) = self.path(name) {
                discard(&path);
            }
        }
    }

    fn is_open(&self, name: &str) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().is_some_and(|open| *open.name == *name)
    }
}

fn discard(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(%error, file = %path.display(), "an old file of the cache of feeds could not be removed");
    }
}

/// The cache's folder, for nobody else's eyes: a private feed's link and words are secrets.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use recap_mode::SeededEntropy;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn shelf(folder: &Path, seed: u64) -> Shelf {
        Shelf::new(folder.join("feeds"), Arc::new(SeededEntropy::new(seed)))
    }

    fn files(folder: &Path) -> usize {
        fs::read_dir(folder.join("feeds")).into_iter().flatten().count()
    }

    fn time_of(path: &Path) -> SystemTime {
        fs::metadata(path).unwrap().modified().unwrap()
    }

    #[test]
    fn what_was_put_is_there_until_its_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let one = shelf(folder.path(), 1);
        let (a, b) = (one.put(b"first").unwrap(), one.put(b"").unwrap());
        let c = shelf(folder.path(), 2).put(b"another process").unwrap();
        assert_eq!(files(folder.path()), 2, "each process has its own");
        let again = shelf(folder.path(), 3);
        for (extent, want) in [(&a, &b"first"[..]), (&b, b""), (&c, b"another process")] {
            assert_eq!(again.get(extent).as_deref(), Some(want));
        }
        fs::remove_dir_all(folder.path().join("feeds")).unwrap();
        assert!(!one.holds(&a) && one.get(&a).is_none());
        let anew = one.put(b"after that").unwrap();
        assert_eq!(one.get(&anew).as_deref(), Some(&b"after that"[..]));
    }

    #[test]
    fn an_extent_that_was_made_up_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path(), 1);
        let there = shelf.put(b"words").unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        for file in
            ["../secret", "/etc/passwd", "feeds3-../../secret", "feeds1-0000000000000000", ""]
        {
            let extent = Extent { file: file.into(), at: 0, len: 3 };
            assert!(!shelf.holds(&extent) && shelf.get(&extent).is_none(), "{file}");
        }
        for (at, len) in [(3, 3), (u64::MAX, 1), (0, u64::MAX), (6, 0)] {
            let extent = Extent { at, len, ..there.clone() };
            assert!(shelf.get(&extent).is_none(), "{at} {len}");
        }
    }

    #[test]
    fn what_is_dead_goes_once_it_is_the_larger_half_and_what_is_alive_stays() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path(), 1);
        let now = time_of(folder.path());
        let large = vec![b'x'; SPARED_BYTES as usize];
        let mut kept = shelf.put(b"kept").unwrap();
        for _ in 0..3 {
            shelf.put(&large).unwrap();
        }
        let mut gone = Extent { file: "feeds3-00000000000000ff".into(), at: 0, len: 1 };
        let before = kept.clone();
        shelf.tidy([&mut kept, &mut gone].into_iter(), now);
        assert_ne!(kept, before);
        assert_eq!(shelf.get(&kept).as_deref(), Some(&b"kept"[..]));
        assert_eq!(files(folder.path()), 1, "the old file is gone");
        let settled = kept.clone();
        shelf.tidy([&mut kept].into_iter(), now);
        assert_eq!(kept, settled, "nothing is moved twice");
    }

    #[test]
    fn what_many_starts_have_left_is_brought_together() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept: Vec<Extent> = (0..=FILES_MAX)
            .map(|n| shelf(folder.path(), n as u64).put(&[b'a' + n as u8]).unwrap())
            .collect();
        assert_eq!(files(folder.path()), FILES_MAX + 1);
        let last = shelf(folder.path(), 1_000);
        last.tidy(kept.iter_mut(), time_of(folder.path()));
        assert_eq!(files(folder.path()), 1);
        for (n, extent) in kept.iter().enumerate() {
            assert_eq!(last.get(extent), Some(vec![b'a' + n as u8]));
        }
    }

    #[test]
    fn a_file_that_nobody_names_is_another_s_for_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (shelf(folder.path(), 1), shelf(folder.path(), 2));
        other.put(b"not named yet").unwrap();
        let now = time_of(folder.path());
        one.tidy(std::iter::empty(), now);
        assert_eq!(files(folder.path()), 1);
        other.tidy(std::iter::empty(), now + DAY * 2);
        assert_eq!(files(folder.path()), 1, "it is open");
        one.tidy(std::iter::empty(), now + DAY * 2);
        assert_eq!(files(folder.path()), 0);
    }
}
