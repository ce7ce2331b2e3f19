//! Noticing what other hands do to the files: notify for speed, a slow rescan for certainty.
//!
//! A listener is told *which* document may have changed, never what it holds. Our own writes are
//! not echoed: their stamps are noted before the event arrives.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use recap_mode::Scope;
use tokio::sync::broadcast;

use super::slot::{FileName, Stamp};

/// A file must be quiet for this long before it is looked at: editors write in steps.
const QUIET: Duration = Duration::from_millis(50);

/// A file that is gone or empty counts as such only after this: editors save by emptying first, or
/// by a dance of renames.
const GONE_AFTER: Duration = Duration::from_millis(300);

/// One document that other hands changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub scope: Scope,
    /// Which.
    pub name: FileName,
    /// In which way.
    pub kind: ChangeKind,
}

/// What happened to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new or different.
    Changed,
    /// It is gone.
    Removed,
}

/// The state of each file as it was last seen or written by us.
pub(super) struct Stamps {
    root: PathBuf,
    /// By the path below the root: ten thousand times the root would be a megabyte.
    by_path: Mutex<HashMap<Box<Path>, Stamp>>,
}

impl Stamps {
    /// Of the files below `root`.
    pub(super) fn below(root: &Path) -> Stamps {
        Stamps { root: root.to_owned(), by_path: Mutex::default() }
    }

    fn map(&self) -> MutexGuard<'_, HashMap<Box<Path>, Stamp>> {
        self.by_path.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a state; whether it is another than the one noted before.
    pub(super) fn note(&self, path: &Path, stamp: Option<Stamp>) -> bool {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        let mut map = self.map();
        let before = match stamp {
            Some(stamp) => map.insert(path.into(), stamp),
            None => map.remove(path),
        };
        before != stamp
    }

    fn known(&self, path: &Path) -> Option<Stamp> {
        self.map().get(path.strip_prefix(&self.root).unwrap_or(path)).copied()
    }

    /// The files that were there and are not.
    fn gone(&self) -> Vec<PathBuf> {
        let paths: Vec<PathBuf> = self.map().keys().map(|path| self.root.join(path)).collect();
        paths.into_iter().filter(|path| !path.exists()).collect()
    }
}

/// Runs the watch until it is dropped.
pub struct Watching {
    wake: mpsc::Sender<Noticed>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.wake.send(Noticed::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic in there was already logged by the hook.
            let _ = thread.join();
        }
    }
}

enum Noticed {
    Event(notify::Result<Event>),
    Stop,
}

pub(super) fn start(
    root: PathBuf,
    stamps: Arc<Stamps>,
    changes: broadcast::Sender<Change>,
    rescan_every: Duration,
) -> io::Result<Watching> {
    let (wake, noticed) = mpsc::channel();
    let sender = wake.clone();
    let thread = std::thread::Builder::new().name("watch".to_owned()).spawn(move || {
        let mut watch = Watch { root, stamps, changes, dirty: HashMap::new() };
        // The watch is set before the first look, so that nothing falls between them.
        let notifier = notifier(&watch.root, sender);
        watch.rescan(false);
        watch.run(&noticed, rescan_every);
        drop(notifier);
    })?;
    Ok(Watching { wake, thread: Some(thread) })
}

/// Asks the kernel for events; where it has none to give, the rescan alone finds changes.
fn notifier(root: &Path, sender: mpsc::Sender<Noticed>) -> Option<RecommendedWatcher> {
    let handler = move |event| {
        // The receiver is gone only when the watch ends.
        let _ = sender.send(Noticed::Event(event));
    };
    let made = notify::recommended_watcher(handler)
        .and_then(|mut watcher| watcher.watch(root, RecursiveMode::Recursive).map(|()| watcher));
    match made {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            let hint = match error.kind {
                notify::ErrorKind::MaxFilesWatch => " (raise fs.inotify.max_user_watches)",
                _ => "",
            };
            tracing::warn!(%error, "hand edits are noticed only by the slow rescan: this system sends no events{hint}");
            None
        }
    }
}

struct Watch {
    root: PathBuf,
    stamps: Arc<Stamps>,
    changes: broadcast::Sender<Change>,
    /// When each noticed file was last touched.
    dirty: HashMap<PathBuf, Touched>,
}

struct Touched {
    first: Instant,
    last: Instant,
}

impl Watch {
    fn run(&mut self, noticed: &mpsc::Receiver<Noticed>, rescan_every: Duration) {
        let mut next_scan = Instant::now() + rescan_every;
        loop {
            let now = Instant::now();
            let next_due = self.dirty.values().map(|touched| touched.last + QUIET).min();
            let until = next_due.map_or(next_scan, |due| due.min(next_scan));
            match noticed.recv_timeout(until.saturating_duration_since(now)) {
                Ok(Noticed::Event(event)) => self.take(event),
                Ok(Noticed::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.look_at_quiet_files();
            if Instant::now() >= next_scan {
                self.rescan(true);
                next_scan = Instant::now() + rescan_every;
            }
        }
    }

    /// Only events that end an edit count: a file that is being written is half empty.
    fn take(&mut self, event: notify::Result<Event>) {
        let event = match event {
            Ok(event) if event.need_rescan() => return self.rescan(true),
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(%error, "the file watch stumbled; everything is looked at again");
                return self.rescan(true);
            }
        };
        let ends_an_edit = matches!(
            event.kind,
            EventKind::Access(AccessKind::Close(AccessMode::Write))
                | EventKind::Modify(ModifyKind::Name(_))
                | EventKind::Remove(_)
                | EventKind::Create(CreateKind::File | CreateKind::Folder | CreateKind::Any)
        );
        if !ends_an_edit {
            return;
        }
        for path in event.paths {
            if path.is_dir() {
                // A folder that was made and filled in one go is reported as a folder alone.
                self.scan(&path, true);
            } else {
                self.touch(path);
            }
        }
    }

    fn touch(&mut self, path: PathBuf) {
        if self.document(&path).is_some() {
            let now = Instant::now();
            self.dirty.entry(path).or_insert(Touched { first: now, last: now }).last = now;
        }
    }

    fn document(&self, path: &Path) -> Option<(Scope, FileName)> {
        let relative = path.strip_prefix(&self.root).ok()?;
        let name = FileName::parse(relative.file_name()?.to_str()?).ok()?;
        let scope = Scope::parse(relative.parent()?.to_str()?).ok()?;
        Some((scope, name))
    }

    fn look_at_quiet_files(&mut self) {
        let now = Instant::now();
        let due: Vec<PathBuf> = self
            .dirty
            .iter()
            .filter(|(_, touched)| now >= touched.last + QUIET)
            .map(|(path, _)| path.clone())
            .collect();
        for path in due {
            let stamp = stamp_of(&path);
            let absent = stamp.is_none_or(|stamp| stamp.size_bytes == 0);
            if let Some(touched) = self.dirty.get_mut(&path)
                && absent
                && now < touched.first + GONE_AFTER
            {
                touched.last = now;
                continue;
            }
            self.dirty.remove(&path);
            self.note(&path, stamp);
        }
    }

    fn note(&self, path: &Path, stamp: Option<Stamp>) {
        if !self.stamps.note(path, stamp) {
            return;
        }
        if let Some((scope, name)) = self.document(path) {
            let kind = if stamp.is_some() { ChangeKind::Changed } else { ChangeKind::Removed };
            // Nobody listening is fine: the command line does not.
            let _ = self.changes.send(Change { scope, name, kind });
        }
    }

    fn rescan(&mut self, tell: bool) {
        let root = self.root.clone();
        self.scan(&root, tell);
        if tell {
            self.stamps.gone().into_iter().for_each(|path| self.touch(path));
        }
    }

    /// Walks a folder: `tell` for changes since the last look, otherwise it is the first look.
    fn scan(&mut self, folder: &Path, tell: bool) {
        let entries =
            walkdir::WalkDir::new(folder).follow_links(true).max_depth(3).into_iter().filter_entry(
                |entry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.'),
            );
        for entry in entries.flatten() {
            if self.document(entry.path()).is_none() {
                continue;
            }
            let Some(stamp) =
                entry.metadata().ok().filter(std::fs::Metadata::is_file).as_ref().map(Stamp::of)
            else {
                continue;
            };
            if !tell {
                self.stamps.note(entry.path(), Some(stamp));
            } else if self.stamps.known(entry.path()) != Some(stamp) {
                self.touch(entry.into_path());
            }
        }
    }
}

fn stamp_of(path: &Path) -> Option<Stamp> {
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).as_ref().map(Stamp::of)
}
