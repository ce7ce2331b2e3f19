//! Generic JSON documents, one folder a scope: read without a lock, changed under one, replaced
//! whole, watched. Knows [`Scope`] and nothing else of Recap; `history` alone uses it.
//!
//! Invariants:
//! - a document on disk is at every moment either the old or the new one, whole and synced;
//! - a file that does not parse is never written over;
//! - whoever changed a file while we were about to is not lost: what comes out of the exchange is
//!   compared with what was read, and the change is made again on theirs.

mod draft;
mod error;
mod lock;
mod replace;
mod slot;
mod text;
mod transaction;
mod watch;

use std::any::Any;
use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use recap_mode::{Entropy, Scope};
use tokio::sync::broadcast;

use draft::{Draft, hash_of};
use slot::{Own, Parsed};

pub use error::{Problem, StoreError};
pub use slot::{Document, Etag, FileName, Slot, Stamp, Stored};
pub use text::write as pretty;
pub use transaction::Tx;
pub use watch::{Change, ChangeKind, Watching};

/// Largest document that is read: a transcript of the largest size that Recap takes, as JSON.
pub const DOCUMENT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Documents kept as last good copies, in bytes of text altogether.
const LAST_GOOD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Files whose last bytes are remembered to be ours, some 200 bytes each.
const OWN_FILES_MAX: usize = 4096;

/// Bytes of text whose values are kept altogether: a queue of ten thousand. The values take some two
/// times that.
const KEPT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long sweeping waits for a scope's lock.
const SWEEP_WAIT: Duration = Duration::from_secs(2);

/// How often a change is made again on a document that somebody else keeps changing.
const TRIES_MAX: usize = 3;

/// Changes that a slow listener may be behind before it is told to look at everything again.
const CHANGES_KEPT: usize = 1024;

/// The documents below one `history/` folder.
pub struct Store {
    root: PathBuf,
    entropy: Arc<dyn Entropy>,
    lock_wait: Duration,
    in_process: Mutex<HashMap<Scope, Arc<tokio::sync::Mutex<()>>>>,
    last_good: Mutex<LastGood>,
    /// The files that were written as new ones are.
    own: Mutex<OwnFiles>,
    stamps: Arc<watch::Stamps>,
    changes: broadcast::Sender<Change>,
    writer: OnceLock<OwnWrite>,
}

/// Hears of each document that this store itself has written, removed or moved, on the thread that
/// did it and under the scope's lock.
pub type OwnWrite = Box<dyn Fn(&Scope, &FileName) + Send + Sync>;

/// A file of a scope, as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: FileName,
    /// By which a change is noticed without reading it.
    pub stamp: Stamp,
}

/// Whether this is the store's own and no document: a lock, what is kept beside the documents.
fn is_own(entry: fs::DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

impl Store {
    /// Opens the documents below `root`, which is made where it is missing.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn open(root: &Path, entropy: Arc<dyn Entropy>) -> Result<Arc<Store>, StoreError> {
        fs::create_dir_all(root)
            .map_err(|cause| StoreError::io("making the folder", root, cause))?;
        let root = fs::canonicalize(root)
            .map_err(|cause| StoreError::io("finding the folder", root, cause))?;
        Ok(Arc::new(Store {
            stamps: Arc::new(watch::Stamps::below(&root)),
            root,
            entropy,
            lock_wait: Duration::from_secs(10),
            in_process: Mutex::default(),
            last_good: Mutex::default(),
            own: Mutex::default(),
            changes: broadcast::Sender::new(CHANGES_KEPT),
            writer: OnceLock::new(),
        }))
    }

    /// Has `heard` told of every change that this store itself makes, once it is on disk: also where
    /// whoever asked for it has gone away meanwhile. Only the first call counts.
    pub fn on_own_write(&self, heard: OwnWrite) {
        // A second one would be a mistake of ours, and harmless.
        let _ = self.writer.set(heard);
    }

    fn tell_writer(&self, scope: &Scope, name: &FileName) {
        if let Some(heard) = self.writer.get() {
            heard(scope, name);
        }
    }

    /// The folder of all scopes.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of one scope.
    pub fn folder(&self, scope: &Scope) -> PathBuf {
        self.root.join(scope.folder())
    }

    fn path(&self, scope: &Scope, name: &FileName) -> PathBuf {
        self.folder(scope).join(name.as_str())
    }

    /// Reads a document. A missing file is the type's default. A file that does not parse is
    /// answered with the last copy that did, where there is one, and the problem beside it.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] where there is no such copy; [`StoreError::Io`].
    pub async fn read<T: Document>(
        self: &Arc<Self>,
        slot: &Slot<T>,
    ) -> Result<Stored<T>, StoreError> {
        let (store, slot) = (self.clone(), slot.clone());
        blocking(move || store.read_now(&slot)).await
    }

    /// As [`Store::read`], for callers that may block.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_now<T: Document>(&self, slot: &Slot<T>) -> Result<Stored<T>, StoreError> {
        let path = self.path(&slot.scope, &slot.name);
        let Some(bytes) = read_file(&path)? else {
            return Ok(Stored::missing());
        };
        match slot.parse(&bytes, self.own(&path, &bytes)) {
            Ok(Parsed { value, text, .. }) => {
                let etag = Etag::of(&bytes);
                self.last_good().keep(&path, &text);
                Ok(Stored { value, text: text.into_owned(), etag: Some(etag), problem: None })
            }
            Err(problem) => {
                let kept = self.last_good().find(&path);
                let Some(text) = kept else {
                    return Err(StoreError::Malformed(problem));
                };
                match slot.parse(text.as_bytes(), Own::Unknown) {
                    Ok(Parsed { value, .. }) => Ok(Stored {
                        value,
                        text,
                        etag: Some(Etag::of(&bytes)),
                        problem: Some(problem),
                    }),
                    Err(_) => Err(StoreError::Malformed(problem)),
                }
            }
        }
    }

    /// The first bytes of a document, at most `bytes_max`, and whether that is all of it.
    ///
    /// # Errors
    /// [`StoreError::Io`]; a missing file is `None`.
    pub fn head_now(
        &self,
        scope: &Scope,
        name: &FileName,
        bytes_max: usize,
    ) -> Result<Option<(Vec<u8>, bool)>, StoreError> {
        let path = self.path(scope, name);
        let file = match open_file(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(StoreError::io("opening", &path, cause)),
        };
        let mut bytes = Vec::with_capacity(bytes_max + 1);
        file.take(bytes_max as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|cause| StoreError::io("reading", &path, cause))?;
        let whole = bytes.len() <= bytes_max;
        bytes.truncate(bytes_max);
        Ok(Some((bytes, whole)))
    }

    /// Reads a document's file as it is, for searching and for export; `None` where it is missing.
    ///
    /// # Errors
    /// [`StoreError::Io`], also for a file larger than [`DOCUMENT_BYTES_MAX`].
    pub fn bytes_now(&self, scope: &Scope, name: &FileName) -> Result<Option<Vec<u8>>, StoreError> {
        read_file(&self.path(scope, name))
    }

    /// Changes one document under the scope's lock: reads it afresh, runs the closure, writes only
    /// what changed. The closure may run again on a newer copy, so it does nothing else.
    ///
    /// # Errors
    /// The closure's own; [`StoreError::Busy`], [`StoreError::Malformed`], [`StoreError::Full`].
    pub async fn mutate<T, A, E>(
        self: &Arc<Self>,
        slot: &Slot<T>,
        mut change: impl FnMut(&mut T) -> Result<A, E> + Send + 'static,
    ) -> Result<A, E>
    where
        T: Document,
        A: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let name = slot.name.clone();
        self.transact(&slot.scope, move |tx| {
            let mut document = tx.value::<T>(&name)?;
            let answer = change(&mut document)?;
            tx.write_last(&name, document)?;
            Ok(answer)
        })
        .await
    }

    /// Changes several documents of one scope under its lock. What the closure asked for is done
    /// in its order once it has answered `Ok`; where a document changed meanwhile, the closure runs
    /// again on the newer copies.
    ///
    /// # Errors
    /// As [`Store::mutate`].
    pub async fn transact<A, E>(
        self: &Arc<Self>,
        scope: &Scope,
        mut work: impl FnMut(&mut Tx<'_>) -> Result<A, E> + Send + 'static,
    ) -> Result<A, E>
    where
        A: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let gate = self
            .in_process
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(scope.clone())
            .or_default()
            .clone();
        let Ok(_turn) = tokio::time::timeout(self.lock_wait, gate.lock_owned()).await else {
            return Err(StoreError::Busy { scope: scope.clone() }.into());
        };
        let (store, scope) = (self.clone(), scope.clone());
        blocking(move || {
            let folder = store.folder(&scope);
            let made = !folder.is_dir();
            fs::create_dir_all(&folder)
                .map_err(|cause| StoreError::io("making the folder", &folder, cause))?;
            if made {
                replace::sync_folder(folder.parent().unwrap_or(&store.root))?;
            }
            let _lock = lock::ScopeLock::take(&scope, &folder, store.lock_wait)?;
            for _ in 0..TRIES_MAX {
                let mut tx = Tx::new(&store, &scope);
                let answer = work(&mut tx)?;
                match tx.commit() {
                    Ok(()) => return Ok(answer),
                    Err(StoreError::Changed { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(StoreError::Contended { path: folder }.into())
        })
        .await
    }

    /// Removes a document under the scope's lock; whether there was one.
    ///
    /// # Errors
    /// As [`Store::mutate`].
    pub async fn remove<T: Document>(self: &Arc<Self>, slot: &Slot<T>) -> Result<bool, StoreError> {
        let name = slot.name.clone();
        self.transact(&slot.scope, move |tx| {
            let there = tx.exists(&name);
            tx.remove(&name);
            Ok::<_, StoreError>(there)
        })
        .await
    }

    /// The documents of a scope in no order: dot files, temporaries and folders left out.
    ///
    /// # Errors
    /// [`StoreError::Io`]; a scope without a folder has none.
    pub fn list_now(&self, scope: &Scope) -> Result<Vec<Listed>, StoreError> {
        let folder = self.folder(scope);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(StoreError::io("listing the folder", &folder, cause)),
        };
        let mut listed = Vec::new();
        for entry in entries {
            let entry =
                entry.map_err(|cause| StoreError::io("listing the folder", &folder, cause))?;
            let Some(name) = entry.file_name().to_str().and_then(|name| FileName::parse(name).ok())
            else {
                continue;
            };
            // A link is followed: people keep such files in a repository of theirs.
            let meta = match entry.metadata() {
                Ok(meta) if meta.is_symlink() => fs::metadata(entry.path()),
                other => other,
            };
            let Ok(meta) = meta else { continue };
            if meta.is_file() {
                listed.push(Listed { name, stamp: Stamp::of(&meta) });
            }
        }
        Ok(listed)
    }

    /// The scopes that have a folder, `owner` always among them.
    pub fn scopes_now(&self) -> Vec<Scope> {
        let mut scopes = vec![Scope::owner()];
        // Only the folders' names: a tenant's own folder may hold thousands of files.
        let folders = |below: &Path| -> Vec<String> {
            let entries = fs::read_dir(below).into_iter().flatten().flatten();
            entries
                .filter(|entry| match entry.file_type() {
                    Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
                    kind => kind.is_ok_and(|kind| kind.is_dir()),
                })
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect()
        };
        let names = folders(&self.root);
        let trials = if names.iter().any(|name| name == "anon") {
            folders(&self.root.join("anon"))
        } else {
            Vec::new()
        };
        let trials = trials.into_iter().map(|name| format!("anon/{name}"));
        for name in names.into_iter().chain(trials) {
            if let Ok(scope) = Scope::parse(&name)
                && scope != Scope::owner()
            {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// Makes everything of `from` the things of `to`: what `to` has already is kept, and the
    /// namesake stays in `from`. Can be repeated.
    ///
    /// # Errors
    /// As [`Store::mutate`].
    pub async fn adopt(self: &Arc<Self>, from: &Scope, to: &Scope) -> Result<(), StoreError> {
        let (source, target) = (self.folder(from), self.folder(to));
        let (store, given) = (self.clone(), source.clone());
        let whose = from.clone();
        // One lock at a time is the rule; the target's is enough, since nothing else writes to a
        // scope that is being given away but its owner, who is the one asking.
        self.transact(to, move |_| {
            for listed in store.list_now(&whose)? {
                let (old, new) =
                    (given.join(listed.name.as_str()), target.join(listed.name.as_str()));
                replace::move_new(&old, &new)?;
            }
            replace::sync_folder(&target)
        })
        .await?;
        // What stays there is a person's: files that the new owner has as well. Without any, a folder
        // for each visitor who ever signed up would be looked through for good.
        if fs::read_dir(&source).is_ok_and(|mut left| left.all(|entry| entry.is_ok_and(is_own))) {
            self.erase(from).await?;
        }
        Ok(())
    }

    /// Removes everything of a scope, its folder included.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Busy`].
    pub async fn erase(self: &Arc<Self>, scope: &Scope) -> Result<(), StoreError> {
        let folder = self.folder(scope);
        self.transact(scope, move |_| match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::io("removing the folder", &folder, error))
            }
            _ => Ok(()),
        })
        .await
    }

    /// Removes temporaries that a killed process left; returns how many. Under each scope's lock nobody
    /// is writing, so that what lies there then is nobody's; a scope that stays locked is passed over.
    pub fn sweep_now(&self) -> usize {
        let temporaries = |folder: &Path| -> Vec<PathBuf> {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries
                .filter(|entry| replace::is_temporary(&entry.file_name().to_string_lossy()))
                .map(|entry| entry.path())
                .collect()
        };
        let sweep = |scope: &Scope| {
            let folder = self.folder(scope);
            if temporaries(&folder).is_empty() {
                return 0;
            }
            match lock::ScopeLock::take(scope, &folder, SWEEP_WAIT) {
                // Looked at again under the lock: what was there before may have been in use.
                Ok(_lock) => {
                    temporaries(&folder).iter().filter(|path| fs::remove_file(path).is_ok()).count()
                }
                Err(_) => 0,
            }
        };
        self.scopes_now().iter().map(sweep).sum()
    }

    /// What changed on disk by others' hands. An event is a hint, the disk is the truth.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Starts to watch; it ends when the answer is dropped.
    ///
    /// # Errors
    /// Where no thread can be started. A file system that sends no events is rescanned only, with
    /// a warning in the log.
    pub fn watch(self: &Arc<Self>, rescan_every: Duration) -> Result<Watching, StoreError> {
        watch::start(self.root.clone(), self.stamps.clone(), self.changes.clone(), rescan_every)
            .map_err(|cause| StoreError::io("starting to watch", &self.root, cause))
    }

    fn last_good(&self) -> std::sync::MutexGuard<'_, LastGood> {
        self.last_good.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own_files(&self) -> std::sync::MutexGuard<'_, OwnFiles> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered of a file, where its bytes are still the ones that were written.
    fn own<T: Document>(&self, path: &Path, bytes: &[u8]) -> Own<T> {
        let noted = |file: &OwnFile| (file.hash, file.value.clone());
        let Some((hash, value)) = self.own_files().files.get(path).map(noted) else {
            return Own::Unknown;
        };
        if hash != hash_of(bytes) {
            return Own::Unknown;
        }
        let value = value.as_ref().and_then(|value| value.downcast_ref::<T>());
        value.and_then(T::kept_copy).map_or(Own::Plain, Own::Kept)
    }

    fn random_name(&self) -> String {
        let mut bytes = [0; 4];
        self.entropy.fill(&mut bytes);
        base16ct::lower::encode_string(&bytes)
    }
}

/// The newest texts that parsed, oldest dropped first.
#[derive(Default)]
struct LastGood {
    texts: HashMap<PathBuf, (u64, String)>,
    bytes: usize,
    turn: u64,
}

impl LastGood {
    fn keep(&mut self, path: &Path, text: &str) {
        self.forget(path);
        if text.len() > LAST_GOOD_BYTES_MAX / 4 {
            return;
        }
        self.turn += 1;
        self.bytes += text.len();
        self.texts.insert(path.to_owned(), (self.turn, text.to_owned()));
        while self.bytes > LAST_GOOD_BYTES_MAX {
            let Some(oldest) =
                self.texts.iter().min_by_key(|(_, (turn, _))| *turn).map(|(path, _)| path.clone())
            else {
                return;
            };
            self.forget(&oldest);
        }
    }

    fn forget(&mut self, path: &Path) {
        if let Some((_, text)) = self.texts.remove(path) {
            self.bytes -= text.len();
        }
    }

    fn has(&self, path: &Path) -> bool {
        self.texts.contains_key(path)
    }

    fn find(&self, path: &Path) -> Option<String> {
        self.texts.get(path).map(|(_, text)| text.clone())
    }
}

/// What was written as a new file is written, by the state of its bytes: one with these bytes need not
/// be looked at for a person's hand. What is forgotten costs that look, and nothing else.
#[derive(Default)]
struct OwnFiles {
    files: HashMap<PathBuf, OwnFile>,
    /// Bytes of the texts whose values are kept.
    kept_bytes: usize,
}

struct OwnFile {
    /// Of its bytes.
    hash: u128,
    /// What the text says, where the document wants it kept.
    value: Option<Arc<dyn Any + Send + Sync>>,
    bytes: usize,
}

impl OwnFiles {
    fn note(&mut self, path: &Path, draft: &Draft, value: Option<Arc<dyn Any + Send + Sync>>) {
        self.forget(path);
        if self.files.len() >= OWN_FILES_MAX {
            self.files.clear();
            self.kept_bytes = 0;
        }
        let (hash, len) = draft.hash_and_len();
        let value = value.filter(|_| len <= KEPT_BYTES_MAX);
        let bytes = if value.is_some() { len } else { 0 };
        if self.kept_bytes + bytes > KEPT_BYTES_MAX {
            self.files.values_mut().for_each(|file| (file.value, file.bytes) = (None, 0));
            self.kept_bytes = 0;
        }
        self.kept_bytes += bytes;
        self.files.insert(path.to_owned(), OwnFile { hash, value, bytes });
    }

    fn forget(&mut self, path: &Path) {
        if let Some(file) = self.files.remove(path) {
            self.kept_bytes -= file.bytes;
        }
    }
}

/// Reads the bytes of a document as `T`, as strictly as a read from disk does.
///
/// # Errors
/// The place and the reason.
pub fn parse_now<T: Document>(scope: &Scope, name: &FileName, bytes: &[u8]) -> Result<T, Problem> {
    slot::parse(scope, name, bytes, Own::Unknown).map(|parsed| parsed.value)
}

/// Opens what must be a file: opening a pipe that somebody left there would wait for ever.
fn open_file(path: &Path) -> std::io::Result<fs::File> {
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no file"))
    }
}

/// Reads a whole file; `None` where it is missing.
fn read_file(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let too_large = || {
        std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            format!("it is larger than {DOCUMENT_BYTES_MAX} bytes"),
        )
    };
    let read = || {
        let file = open_file(path)?;
        let len = file.metadata()?.len();
        if len > DOCUMENT_BYTES_MAX {
            return Err(too_large());
        }
        // One more than there is, so that its end is found without growing.
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0) + 1);
        file.take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > DOCUMENT_BYTES_MAX { Err(too_large()) } else { Ok(bytes) }
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(StoreError::io("reading", path, cause)),
    }
}

/// Runs blocking work off the async threads.
async fn blocking<A: Send + 'static, E: From<StoreError> + Send + 'static>(
    work: impl FnOnce() -> Result<A, E> + Send + 'static,
) -> Result<A, E> {
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(error) => Err(StoreError::Panicked(error.to_string()).into()),
    }
}

#[cfg(test)]
mod tests;
