//! What was heard and answered, kept by content below `<data>/cache/`: making a recap again, or the same
//! episode for another scope, pays for nothing twice. All of it may be deleted at any time.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{Context, SHA256};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::workspace::write;

/// The two kinds of what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Transcripts.
    Transcript,
    /// Answers of models.
    Answer,
}

impl Sort {
    fn folder(self) -> &'static str {
        match self {
            Sort::Transcript => "transcripts",
            Sort::Answer => "answers",
        }
    }
}

/// The place where things are kept; none for a run that keeps nothing.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    folder: Option<PathBuf>,
}

impl Keep {
    /// Below a data folder.
    pub fn open(data: &Path) -> Keep {
        Keep { folder: Some(data.join("cache")) }
    }

    /// Nowhere.
    pub fn nothing() -> Keep {
        Keep::default()
    }

    fn place(&self, sort: Sort, key: &Key) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?.join(sort.folder()).join(key.owner_folder());
        Some(folder.join(&key.hash[..2]).join(format!("{}.json", key.hash)))
    }

    /// What was kept under a key. May block.
    pub(super) fn find<T: DeserializeOwned>(&self, sort: Sort, key: &Key) -> Option<T> {
        serde_json::from_slice(&fs::read(self.place(sort, key)?).ok()?).ok()
    }

    /// Keeps something. A cache that cannot be written costs money later and nothing now, so it is
    /// said in the log alone. May block.
    pub(super) fn keep(&self, sort: Sort, key: &Key, what: &impl Serialize) {
        let Some(place) = self.place(sort, key) else { return };
        let kept = (|| {
            let folder = place.parent().unwrap_or(&place);
            // What was said in a private feed is nobody else's on this machine.
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            write(&place, &serde_json::to_vec(what)?)
        })();
        if let Err(error) = kept {
            tracing::warn!(%error, "what was made could not be kept for another time");
        }
    }

    /// Removes what was kept for one scope alone. May block.
    ///
    /// # Errors
    /// The file system's.
    pub fn forget_now(&self, scope: &str) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for sort in [Sort::Transcript, Sort::Answer] {
            match fs::remove_dir_all(folder.join(sort.folder()).join("of").join(scope)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes what is older than `days`, and the oldest of what is more than `bytes_max`. May block.
    ///
    /// # Errors
    /// None: what cannot be removed is said in the log.
    pub fn sweep_now(&self, days: u64, bytes_max: u64, now: DateTime<Utc>) {
        let Some(folder) = &self.folder else { return };
        let oldest = SystemTime::from(now).checked_sub(Duration::from_secs(days * 86_400));
        let mut files: Vec<(SystemTime, u64, PathBuf)> = [Sort::Transcript, Sort::Answer]
            .into_iter()
            .flat_map(|sort| walkdir::WalkDir::new(folder.join(sort.folder())))
            .flatten()
            .filter(|entry| entry.file_type().is_file())
            .filter_map(|entry| {
                let meta = entry.metadata().ok()?;
                Some((meta.modified().ok()?, meta.len(), entry.into_path()))
            })
            .collect();
        files.sort_by_key(|(modified, ..)| std::cmp::Reverse(*modified));
        let mut sum = 0;
        for (modified, bytes, path) in files {
            sum += bytes;
            let is_old = oldest.is_none_or(|oldest| modified < oldest);
            if !is_old && sum <= bytes_max {
                continue;
            }
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%error, file = %path.display(), "an old file of the cache could not be removed");
                }
                _ => {}
            }
        }
    }
}

/// By what something is found again: whose it is, and the hash of all that it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// `None` is everybody's.
    scope: Option<String>,
    hash: String,
}

impl Key {
    /// Of a scope and parts, each apart from the next; without a scope it is everybody's.
    pub(super) fn of(scope: Option<&str>, parts: &[&str]) -> Key {
        let mut hash = Context::new(&SHA256);
        for part in parts {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let hash = base16ct::lower::encode_string(hash.finish().as_ref());
        Key { scope: scope.map(str::to_owned), hash }
    }

    /// The folder of what is whose.
    fn owner_folder(&self) -> PathBuf {
        match &self.scope {
            Some(scope) => Path::new("of").join(scope),
            None => PathBuf::from("all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_by_all_that_it_depends_on() {
        let data = tempfile::tempdir().unwrap();
        let keep = Keep::open(data.path());
        let key = Key::of(None, &["ab", "c"]);
        assert_eq!(keep.find::<String>(Sort::Answer, &key), None);
        keep.keep(Sort::Answer, &key, &"said");
        assert_eq!(keep.find::<String>(Sort::Answer, &key).as_deref(), Some("said"));
        assert_eq!(keep.find::<String>(Sort::Answer, &Key::of(None, &["a", "bc"])), None);
        assert_eq!(keep.find::<String>(Sort::Transcript, &key), None);
        let place = keep.place(Sort::Answer, &key).unwrap();
        fs::write(&place, "{broken").unwrap();
        assert_eq!(keep.find::<String>(Sort::Answer, &key), None, "a broken file is none");
        Keep::nothing().keep(Sort::Answer, &key, &"said");
        assert_eq!(Keep::nothing().find::<String>(Sort::Answer, &key), None);
    }

    #[test]
    fn what_is_one_scope_s_alone_goes_with_it() {
        let data = tempfile::tempdir().unwrap();
        let keep = Keep::open(data.path());
        let keys = [Some("ada"), Some("anon/t1"), None].map(|scope| Key::of(scope, &["same"]));
        for key in &keys {
            keep.keep(Sort::Answer, key, &"said");
        }
        keep.forget_now("ada").unwrap();
        keep.forget_now("nobody").unwrap();
        let there = keys.map(|key| keep.find::<String>(Sort::Answer, &key).is_some());
        assert_eq!(there, [false, true, true]);
    }

    #[test]
    fn the_old_and_the_many_are_swept() {
        let data = tempfile::tempdir().unwrap();
        let keep = Keep::open(data.path());
        let keys: Vec<Key> = ["a", "b", "c"].iter().map(|part| Key::of(None, &[part])).collect();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100 * 86_400);
        for (days, key) in [1, 5, 40].into_iter().zip(&keys) {
            keep.keep(Sort::Transcript, key, &"0123456789");
            let file =
                fs::File::options().write(true).open(keep.place(Sort::Transcript, key).unwrap());
            file.unwrap().set_modified(now - Duration::from_secs(days * 86_400)).unwrap();
        }
        let there = || -> Vec<bool> {
            let found = |key| keep.find::<String>(Sort::Transcript, key).is_some();
            keys.iter().map(found).collect()
        };
        keep.sweep_now(30, 1_000, now.into());
        assert_eq!(there(), [true, true, false]);
        keep.sweep_now(30, 12, now.into());
        assert_eq!(there(), [true, false, false]);
        keep.sweep_now(0, 1_000, now.into());
        assert_eq!(there(), [false, false, false]);
    }
}
