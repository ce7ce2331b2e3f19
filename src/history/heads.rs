//! The fronts of recaps: enough for lists, read from the first bytes of each file and kept in a
//! cache below `<data>/cache/heads/` that may be deleted at any time.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use recap_mode::Scope;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::domain::episode::EpisodeId;
use crate::domain::recap::{EpisodeHead, RecapHead, RecapId};
use crate::store::{FileName, Problem, Stamp, Store, StoreError, parse_now};

use super::layout::{self, RecapFile};

/// How much of a file is read at first; a head that is longer is read on.
const HEAD_BYTES: usize = 4096;

/// The cache's own form; another one is thrown away.
const CACHE_FORMAT: u32 = 2;

/// Heads for which room is made at once: a damaged cache may claim any number.
const HEADS_EXPECTED_MAX: usize = 100_000;

/// Changed files that are read whole at a start: more are a library that nobody knows yet, for which
/// reading the fronts has to do.
const WHOLE_CHECKS_MAX: usize = 200;

/// What is known of one recap's file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) stamp: Stamp,
    /// The newest head that could be read.
    pub(super) head: Option<Arc<RecapHead>>,
    /// Why the file as it is now cannot be used.
    pub(super) problem: Option<Box<Problem>>,
}

/// The recaps of one scope by file name.
pub(super) type Shelf = HashMap<FileName, Entry>;

/// Brings a shelf up to date with the disk; whether anything was different.
pub(super) fn refresh(store: &Store, scope: &Scope, shelf: &mut Shelf) -> Result<bool, StoreError> {
    let listed = store.list_now(scope)?;
    let mut changed = false;
    let mut seen = 0;
    let mut fresh = Vec::new();
    for file in &listed {
        match shelf.get(&file.name) {
            Some(entry) if entry.stamp == file.stamp => seen += 1,
            _ if layout::recap_id(&file.name).is_some() => {
                refresh_one(store, scope, shelf, &file.name, Some(file.stamp));
                fresh.push(&file.name);
                changed = true;
                seen += 1;
            }
            _ => {}
        }
    }
    // What a person changed while nobody watched is looked at whole, not only its front.
    if fresh.len() <= WHOLE_CHECKS_MAX {
        for name in fresh {
            let Some(entry) = shelf.get_mut(name).filter(|entry| entry.problem.is_none()) else {
                continue;
            };
            if let Ok(Some(bytes)) = store.bytes_now(scope, name)
                && let Some(Err(problem)) = layout::check(scope, name, &bytes)
            {
                entry.problem = Some(Box::new(problem));
            }
        }
    }
    if seen < shelf.len() {
        let there: std::collections::HashSet<&FileName> =
            listed.iter().map(|file| &file.name).collect();
        shelf.retain(|name, _| there.contains(name));
        changed = true;
    }
    Ok(changed)
}

/// Reads one file's head again; a file that is gone leaves the shelf.
pub(super) fn refresh_one(
    store: &Store,
    scope: &Scope,
    shelf: &mut Shelf,
    name: &FileName,
    stamp: Option<Stamp>,
) {
    let Some(stamp) = stamp else {
        shelf.remove(name);
        return;
    };
    let known = shelf.get(name).and_then(|entry| entry.head.clone());
    let entry = match read_head(store, scope, name) {
        Ok(Some(head)) => Entry { stamp, head: Some(Arc::new(head)), problem: None },
        Ok(None) => {
            shelf.remove(name);
            return;
        }
        Err(problem) => Entry { stamp, head: known, problem: Some(Box::new(problem)) },
    };
    shelf.insert(name.clone(), entry);
}

/// Reads a head: from the first bytes, else from the whole file. The file's stem is the id.
fn read_head(store: &Store, scope: &Scope, name: &FileName) -> Result<Option<RecapHead>, Problem> {
    let problem =
        |reason: String| Problem { file: format!("{scope}/{name}"), line: 1, column: 1, reason };
    let Some((bytes, whole)) =
        store.head_now(scope, name, HEAD_BYTES).map_err(|e| problem(e.to_string()))?
    else {
        return Ok(None);
    };
    let mut head = if whole { None } else { front(&bytes) };
    if head.is_none() {
        // Short files, long heads and other orders of keys: all of it is read, and checked.
        let Some(bytes) = store.bytes_now(scope, name).map_err(|e| problem(e.to_string()))? else {
            return Ok(None);
        };
        let file: RecapFile = parse_now(scope, name, &bytes)?;
        head = file.0.as_ref().map(RecapHead::from);
    }
    if let Some(head) = &mut head
        && let Ok(id) = name.stem().parse::<RecapId>()
    {
        head.id = id;
    }
    Ok(head)
}

/// The head that stands in the front of a file, if it is all there.
fn front(bytes: &[u8]) -> Option<RecapHead> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut front = Front::default();
    // The text is cut off, so reading always ends in an error; what was read before it counts.
    let _ = serde_json::Deserializer::from_slice(bytes).deserialize_map(FrontVisitor(&mut front));
    Some(RecapHead {
        id: front.id?,
        title: front.title?,
        topic_count: front.topic_count?,
        duration_ms: front.duration_ms?,
        created_at: front.created_at?,
        updated_at: front.updated_at?,
        episode: front.episode?.into(),
        job: front.made_by?.job,
    })
}

#[derive(Default)]
struct Front {
    id: Option<RecapId>,
    title: Option<String>,
    topic_count: Option<usize>,
    duration_ms: Option<u64>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    episode: Option<FrontEpisode>,
    made_by: Option<FrontMadeBy>,
}

#[derive(Deserialize)]
struct FrontEpisode {
    id: EpisodeId,
    #[serde(default)]
    show: FrontShow,
    #[serde(default)]
    published_at: Option<DateTime<Utc>>,
}

#[derive(Default, Deserialize)]
struct FrontShow {
    #[serde(default)]
    title: String,
}

#[derive(Deserialize)]
struct FrontMadeBy {
    #[serde(default)]
    job: Option<String>,
}

impl From<FrontEpisode> for EpisodeHead {
    fn from(front: FrontEpisode) -> EpisodeHead {
        EpisodeHead {
            id: front.id,
            show_title: front.show.title.into(),
            published_at: front.published_at,
        }
    }
}

struct FrontVisitor<'a>(&'a mut Front);

impl<'de> Visitor<'de> for FrontVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a recap")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let front = self.0;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "id" => front.id = map.next_value()?,
                "title" => front.title = map.next_value()?,
                "topic_count" => front.topic_count = map.next_value()?,
                "duration_ms" => front.duration_ms = map.next_value()?,
                "created_at" => front.created_at = map.next_value()?,
                "updated_at" => front.updated_at = map.next_value()?,
                "episode" => front.episode = map.next_value()?,
                "made_by" => {
                    front.made_by = map.next_value()?;
                    return Ok(());
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The first line of a cache; the others are [`CachedHead`]s.
#[derive(Serialize, Deserialize)]
struct CacheLine {
    format: u32,
    count: usize,
}

#[derive(Deserialize)]
struct CachedHead {
    name: FileName,
    stamp: Stamp,
    head: RecapHead,
}

#[derive(Serialize)]
struct HeadToCache<'a> {
    name: &'a FileName,
    stamp: Stamp,
    head: &'a RecapHead,
}

fn cache_path(cache: &Path, scope: &Scope) -> std::path::PathBuf {
    cache.join("heads").join(format!("{}.jsonl", scope.as_str().replace('/', "~")))
}

/// The cached shelf; an unreadable cache is an empty one. It is read line by line, so that a large
/// library leaves no large buffers behind.
pub(super) fn load(cache: &Path, scope: &Scope) -> Shelf {
    read_cache(&cache_path(cache, scope)).unwrap_or_default()
}

fn read_cache(path: &Path) -> io::Result<Shelf> {
    let mut file = io::BufReader::new(fs::File::open(path)?);
    let mut line = String::new();
    file.read_line(&mut line)?;
    let CacheLine { format, count } = serde_json::from_str(&line)?;
    if format != CACHE_FORMAT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut shelf = Shelf::with_capacity(count.min(HEADS_EXPECTED_MAX));
    for _ in 0..count {
        line.clear();
        file.read_line(&mut line)?;
        let CachedHead { name, stamp, head } = serde_json::from_str(&line)?;
        shelf.insert(name, Entry { stamp, head: Some(Arc::new(head)), problem: None });
    }
    Ok(shelf)
}

/// Keeps a shelf for the next start. A failure costs time then, so it is only logged.
pub(super) fn save(cache: &Path, scope: &Scope, shelf: &Shelf, random: &str) {
    let path = cache_path(cache, scope);
    if let Err(error) = write_cache(&path, shelf, random) {
        tracing::warn!(%error, file = %path.display(), "the cache of recap heads could not be written; the next start reads them again");
    }
}

/// Removes what a killed process left half written; how many. Whoever writes at this moment loses a
/// cache and nothing else.
pub(super) fn sweep(cache: &Path) -> usize {
    walkdir::WalkDir::new(cache.join("heads"))
        .max_depth(2)
        .into_iter()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "tmp"))
        .filter(|entry| fs::remove_file(entry.path()).is_ok())
        .count()
}

fn write_cache(path: &Path, shelf: &Shelf, random: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let sound: Vec<HeadToCache<'_>> = shelf
        .iter()
        .filter(|(_, entry)| entry.problem.is_none())
        .filter_map(|(name, entry)| {
            Some(HeadToCache { name, stamp: entry.stamp, head: entry.head.as_deref()? })
        })
        .collect();
    let temporary = path.with_extension(format!("{random}.tmp"));
    let mut file = io::BufWriter::new(fs::File::create(&temporary)?);
    let first = CacheLine { format: CACHE_FORMAT, count: sound.len() };
    writeln!(file, "{}", serde_json::to_string(&first)?)?;
    for head in &sound {
        writeln!(file, "{}", serde_json::to_string(head)?)?;
    }
    file.flush()?;
    drop(file);
    fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::recap::tests::sample;

    #[test]
    fn a_head_is_read_from_the_front_of_a_longer_file() {
        let recap = sample("2026-11-02-bread-abcdef", "Bread");
        let text = crate::store::pretty(&serde_json::to_value(&recap).unwrap(), &["cues"]);
        let made_by_ends = text.find("\n  \"overview\"").unwrap();
        assert_eq!(front(&text.as_bytes()[..made_by_ends]), Some(RecapHead::from(&recap)));
        assert_eq!(front(&text.as_bytes()[..200]), None);
        for cut in 0..made_by_ends {
            // Never half a head, wherever it is cut.
            assert!(
                front(&text.as_bytes()[..cut]).is_none_or(|head| head == RecapHead::from(&recap))
            );
        }
        for hostile in [&b"{"[..], b"[]", b"\xff", b"{\"id\": {}}", &[b'['; 5000]] {
            assert_eq!(front(hostile), None);
        }
    }
}
