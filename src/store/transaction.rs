//! Several documents of one scope, read and changed under its lock.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use recap_mode::Scope;
use serde_json::Value;

use super::draft::{Draft, Drafting, HELD_BYTES_MAX};
use super::slot::{Document, Etag, FileName, Parsed, Stamp, Stored, parse};
use super::{Store, StoreError, read_file, replace, text};

/// How long a file that was there may be gone before it counts as gone: editors save by a dance of
/// renames, or empty the file first.
const GONE_AFTER: Duration = Duration::from_millis(300);

/// One run of the closure of [`Store::transact`]: what it read and what it wants done.
pub struct Tx<'a> {
    store: &'a Store,
    scope: &'a Scope,
    reads: HashMap<FileName, Seen>,
    acts: Vec<Act>,
}

/// A document as it was read; without a text where it is missing.
struct Seen {
    text: Option<String>,
    /// The file's own bytes, where they are not those of the text: a byte order mark, an earlier form.
    raw: Option<Vec<u8>>,
    /// The text is what a new file would be, so that a change is written as one.
    is_plain: bool,
}

impl Seen {
    /// The file's bytes.
    fn bytes(&self) -> Option<&[u8]> {
        self.raw.as_deref().or(self.text.as_ref().map(String::as_bytes))
    }
}

/// How a new text came to be.
enum Written {
    /// As a person laid it out.
    InTheirs,
    /// As a new file is written; what it says, where that is worth keeping.
    Plain(Option<Arc<dyn Any + Send + Sync>>),
}

enum Act {
    Write { name: FileName, draft: Draft, own: Written },
    Remove { name: FileName },
    MoveTo { name: FileName, target: PathBuf },
    MoveFrom { name: FileName, source: PathBuf },
}

impl<'a> Tx<'a> {
    pub(super) fn new(store: &'a Store, scope: &'a Scope) -> Tx<'a> {
        Tx { store, scope, reads: HashMap::new(), acts: Vec::new() }
    }

    /// Whether there is a file by this name now.
    pub fn exists(&self, name: &FileName) -> bool {
        self.store.path(self.scope, name).is_file()
    }

    /// Reads a document afresh. A missing file is the type's default.
    ///
    /// # Errors
    /// [`StoreError::Malformed`], also where an older good copy is known: what does not parse is not
    /// written over. [`StoreError::Io`].
    pub fn read<T: Document>(&mut self, name: &FileName) -> Result<Stored<T>, StoreError> {
        let value = self.value(name)?;
        let seen = self.reads.get(name);
        let text = seen.and_then(|seen| seen.text.clone()).unwrap_or_default();
        let etag = seen.and_then(Seen::bytes).map(Etag::of);
        Ok(Stored { value, text, etag, problem: None })
    }

    /// As [`Tx::read`], for who wants no text.
    ///
    /// # Errors
    /// As [`Tx::read`].
    pub fn value<T: Document>(&mut self, name: &FileName) -> Result<T, StoreError> {
        let path = self.store.path(self.scope, name);
        let known = self.store.last_good().has(&path);
        let deadline = Instant::now() + GONE_AFTER;
        let bytes = loop {
            match read_file(&path)? {
                Some(bytes) if !bytes.is_empty() => break Some(bytes),
                other if !known && other.is_none() => break None,
                other if Instant::now() >= deadline => break other,
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        let Some(bytes) = bytes else {
            let seen = Seen { text: None, raw: None, is_plain: false };
            self.reads.insert(name.clone(), seen);
            return Ok(T::default());
        };
        let own = self.store.own(&path, &bytes);
        let Parsed { value, text, is_plain } =
            parse::<T>(self.scope, name, &bytes, own).map_err(StoreError::Malformed)?;
        // Bytes before the text are a byte order mark: the new text is written without it.
        let is_whole = text.len() == bytes.len();
        let other = match text {
            Cow::Borrowed(_) if is_whole => None,
            other => Some(other.into_owned()),
        };
        let (text, raw) = match other {
            Some(text) => (text, Some(bytes)),
            // All of it was seen to be UTF-8, so that nothing is replaced, and nothing copied.
            None => {
                let text = String::from_utf8(bytes)
                    .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
                (text, None)
            }
        };
        self.reads.insert(name.clone(), Seen { text: Some(text), raw, is_plain });
        Ok(value)
    }

    /// Asks for a document to be written. Where it was read before, only what differs from what was
    /// read changes in its text; nothing is written where nothing does. Where it was not read, it
    /// must not exist.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`] where the value cannot be JSON.
    pub fn write<T: Document>(&mut self, name: &FileName, value: &T) -> Result<(), StoreError> {
        let written = self.written(name, value)?;
        self.ask_for(name, written, || value.kept_copy());
        Ok(())
    }

    /// As [`Tx::write`], for who is done with the value: what the store may keep of it is not copied.
    ///
    /// # Errors
    /// As [`Tx::write`].
    pub fn write_last<T: Document>(&mut self, name: &FileName, value: T) -> Result<(), StoreError> {
        let written = self.written(name, &value)?;
        self.ask_for(name, written, || value.into_kept());
        Ok(())
    }

    fn ask_for<T: Document>(
        &mut self,
        name: &FileName,
        written: Option<(Draft, bool)>,
        kept: impl FnOnce() -> Option<T>,
    ) {
        let Some((draft, is_plain)) = written else { return };
        let own = if is_plain {
            Written::Plain(kept().map(|value| Arc::new(value) as _))
        } else {
            Written::InTheirs
        };
        self.acts.push(Act::Write { name: name.clone(), draft, own });
    }

    /// The new text of a document, and whether it is as a new file's; `None` where nothing changes.
    fn written<T: Document>(
        &self,
        name: &FileName,
        value: &T,
    ) -> Result<Option<(Draft, bool)>, StoreError> {
        match self.reads.get(name) {
            Some(Seen { text: Some(text), is_plain: true, .. }) => {
                // Found out before a file is made of it.
                let is_long = text.len() > HELD_BYTES_MAX;
                if is_long && text::is_plain(text, value, T::ONE_LINE_ITEMS) {
                    return Ok(None);
                }
                let draft = self.draft(name, value)?;
                let is_same = matches!(&draft, Draft::Text(new) if new == text);
                Ok((!is_same).then_some((draft, true)))
            }
            Some(Seen { text: Some(text), .. }) => {
                let new =
                    serde_json::to_value(value).map_err(|error| self.unwritable(name, &error))?;
                let base = serde_json::from_str::<T>(text)
                    .and_then(serde_json::to_value)
                    .map_err(|error| self.unwritable(name, &error))?;
                if base == new {
                    return Ok(None);
                }
                let text = text::patch(text, &base, &new, T::ONE_LINE_ITEMS)
                    .map_err(|flaw| self.unwritable(name, &flaw.reason))?;
                Ok(Some((Draft::Text(text), false)))
            }
            _ => Ok(Some((self.draft(name, value)?, true))),
        }
    }

    /// A document's text as a new file has it.
    fn draft<T: Document>(&self, name: &FileName, value: &T) -> Result<Draft, StoreError> {
        let path = self.store.path(self.scope, name);
        let random = || self.store.random_name();
        let mut drafting = Drafting::of(&path, &random);
        text::write_typed(value, T::ONE_LINE_ITEMS, &mut drafting).map_err(|error| {
            // What is nested too deep is said to be no data.
            let is_value = error.io_error_kind() == Some(std::io::ErrorKind::InvalidData);
            if error.is_io() && !is_value {
                StoreError::io("writing", &path, error.into())
            } else {
                self.unwritable(name, &error)
            }
        })?;
        drafting.done()
    }

    /// Asks for a document that was read to hold exactly `new`, fields that no type knows included:
    /// what `new` lacks is taken out. `T` says how it is laid out.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`] where the text that was read cannot be changed.
    pub fn write_json<T: Document>(
        &mut self,
        name: &FileName,
        new: &Value,
    ) -> Result<(), StoreError> {
        let text = match self.reads.get(name) {
            Some(Seen { text: Some(text), .. }) => {
                let base =
                    serde_json::from_str(text).map_err(|error| self.unwritable(name, &error))?;
                text::patch(text, &base, new, T::ONE_LINE_ITEMS)
                    .map_err(|flaw| self.unwritable(name, &flaw.reason))?
            }
            _ => text::write(new, T::ONE_LINE_ITEMS),
        };
        if self.reads.get(name).and_then(|seen| seen.text.as_ref()) != Some(&text) {
            let (draft, own) = (Draft::Text(text), Written::InTheirs);
            self.acts.push(Act::Write { name: name.clone(), draft, own });
        }
        Ok(())
    }

    /// Asks for a document that was read from an earlier form to be written in today's.
    pub fn rewrite(&mut self, name: &FileName) {
        if let Some(Seen { text: Some(text), .. }) = self.reads.get(name) {
            let (draft, own) = (Draft::Text(text.clone()), Written::InTheirs);
            self.acts.push(Act::Write { name: name.clone(), draft, own });
        }
    }

    /// Asks for a document to be removed; if it was read, only in the state in which it was.
    pub fn remove(&mut self, name: &FileName) {
        self.acts.push(Act::Remove { name: name.clone() });
    }

    /// Asks for a document to be moved out of the scope's folder to where it waits, over an older
    /// namesake there. Its time of change becomes the time of the move.
    pub fn move_to(&mut self, name: &FileName, target: PathBuf) {
        self.acts.push(Act::MoveTo { name: name.clone(), target });
    }

    /// Asks for a file to be moved into the scope's folder, where no file by that name may be.
    pub fn move_from(&mut self, name: &FileName, source: PathBuf) {
        self.acts.push(Act::MoveFrom { name: name.clone(), source });
    }

    fn unwritable(&self, name: &FileName, cause: &dyn std::fmt::Display) -> StoreError {
        StoreError::Unwritable { path: self.store.path(self.scope, name), cause: cause.to_string() }
    }

    /// Does what was asked for, in order.
    pub(super) fn commit(self) -> Result<(), StoreError> {
        let Tx { store, scope, acts, reads } = self;
        let folder = store.folder(scope);
        let read = |name: &FileName| reads.get(name).and_then(Seen::bytes);
        for act in acts {
            match act {
                Act::Write { name, draft, own } => {
                    let path = store.path(scope, &name);
                    let random = store.random_name();
                    let stamp = replace::replace(&path, read(&name), &draft, &random)?;
                    store.stamps.note(&path, Some(stamp));
                    match own {
                        Written::Plain(value) => store.own_files().note(&path, &draft, value),
                        Written::InTheirs => store.own_files().forget(&path),
                    }
                    match &draft {
                        Draft::Text(text) => store.last_good().keep(&path, text),
                        Draft::File(_) => store.last_good().forget(&path),
                    }
                    store.tell_writer(scope, &name);
                }
                Act::Remove { name } => {
                    let path = store.path(scope, &name);
                    replace::remove(&path, read(&name))?;
                    store.stamps.note(&path, None);
                    store.last_good().forget(&path);
                    store.tell_writer(scope, &name);
                }
                Act::MoveTo { name, target } => {
                    let path = store.path(scope, &name);
                    let parent = target.parent().unwrap_or(&folder);
                    std::fs::create_dir_all(parent)
                        .map_err(|cause| StoreError::io("making the folder", parent, cause))?;
                    replace::put_away(&path, &target)?;
                    replace::sync_folder(parent)?;
                    replace::sync_folder(&folder)?;
                    store.stamps.note(&path, None);
                    store.last_good().forget(&path);
                    store.tell_writer(scope, &name);
                }
                Act::MoveFrom { name, source } => {
                    let path = store.path(scope, &name);
                    if !replace::move_new(&source, &path)? {
                        return Err(StoreError::Changed { path });
                    }
                    replace::sync_folder(&folder)?;
                    let stamp = std::fs::metadata(&path).ok().as_ref().map(Stamp::of);
                    store.stamps.note(&path, stamp);
                    store.tell_writer(scope, &name);
                }
            }
        }
        Ok(())
    }
}
