//! The text of a document until it is put in its place: in memory while it is short, and else in the file
//! that is to take the old one's place. A list of all that was ever seen would be in memory once more while
//! it is written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use twox_hash::XxHash3_128;

use super::StoreError;
use super::replace::Temporary;

/// Most of a text that is held in memory.
pub(super) const HELD_BYTES_MAX: usize = 1024 * 1024;

/// A whole text.
pub(super) enum Draft {
    /// A short one.
    Text(String),
    /// A long one.
    File(Box<DraftFile>),
}

/// A file beside the one that it is for, not synced yet.
pub(super) struct DraftFile {
    pub(super) temporary: Temporary,
    pub(super) file: File,
    hash: XxHash3_128,
    len: usize,
}

impl Draft {
    /// By which its bytes are known again, and how many they are.
    pub(super) fn hash_and_len(&self) -> (u128, usize) {
        match self {
            Draft::Text(text) => (hash_of(text.as_bytes()), text.len()),
            Draft::File(draft) => (draft.hash.finish_128(), draft.len),
        }
    }
}

/// By which bytes are known again. A fast hash, as lists of megabytes are looked at for each change: it tells
/// what a person edited, and one who means to deceive it deceives themselves.
pub(super) fn hash_of(bytes: &[u8]) -> u128 {
    XxHash3_128::oneshot(bytes)
}

/// A draft that is being written.
pub(super) struct Drafting<'a> {
    /// The file that it is for.
    path: PathBuf,
    /// A name that no other file beside it has.
    random: &'a dyn Fn() -> String,
    text: Vec<u8>,
    file: Option<DraftFile>,
}

impl Drafting<'_> {
    /// Begins one for the file at a place.
    pub(super) fn of<'a>(path: &Path, random: &'a dyn Fn() -> String) -> Drafting<'a> {
        // Behind a link, where what it names is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Drafting { path, random, text: Vec::new(), file: None }
    }

    /// Ends it.
    pub(super) fn done(mut self) -> Result<Draft, StoreError> {
        if self.file.is_some() {
            self.spill().map_err(|cause| StoreError::io("writing", &self.path, cause))?;
        }
        match self.file {
            Some(file) => Ok(Draft::File(Box::new(file))),
            None => String::from_utf8(self.text).map(Draft::Text).map_err(|error| {
                StoreError::Unwritable { path: self.path, cause: error.to_string() }
            }),
        }
    }

    /// Moves what is in memory into the file.
    fn spill(&mut self) -> io::Result<()> {
        let draft = match &mut self.file {
            Some(draft) => draft,
            none => {
                let temporary = Temporary::beside(&self.path, &(self.random)())?;
                // For nobody else's eyes until it has the rights of the file that it is for.
                let file = create_private(temporary.path())?;
                none.insert(DraftFile { temporary, file, hash: XxHash3_128::new(), len: 0 })
            }
        };
        draft.file.write_all(&self.text)?;
        draft.hash.write(&self.text);
        draft.len += self.text.len();
        self.text.clear();
        Ok(())
    }
}

impl Write for Drafting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > HELD_BYTES_MAX {
            self.spill()?;
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes a file that only this user may read.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drafted(folder: &Path, pieces: &[&[u8]]) -> Draft {
        let random = || "x".to_owned();
        let path = folder.join("a.json");
        let mut drafting = Drafting::of(&path, &random);
        pieces.iter().for_each(|piece| drafting.write_all(piece).unwrap());
        drafting.done().unwrap()
    }

    #[test]
    fn a_long_text_lies_in_a_file_beside_and_is_known_again_by_the_same_hash() {
        let folder = tempfile::tempdir().unwrap();
        let half = vec![b'x'; HELD_BYTES_MAX / 2 + 1];
        let whole = [half.clone(), half.clone(), b"end".to_vec()].concat();
        let draft = drafted(folder.path(), &[&half, &half, b"end"]);
        assert_eq!(draft.hash_and_len(), (hash_of(&whole), whole.len()));
        let Draft::File(draft) = draft else { panic!("it is held in memory") };
        assert_eq!(fs::read(draft.temporary.path()).unwrap(), whole);
        drop(draft);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nobody put it in its place");
    }

    #[test]
    fn a_short_text_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let draft = drafted(folder.path(), &[b"[", b"]"]);
        assert_eq!(draft.hash_and_len(), (hash_of(b"[]"), 2));
        assert!(matches!(draft, Draft::Text(text) if text == "[]"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let bad = {
            let random = String::new;
            let mut drafting = Drafting::of(&folder.path().join("a.json"), &random);
            drafting.write_all(b"\xff").unwrap();
            drafting.done()
        };
        assert!(matches!(bad, Err(StoreError::Unwritable { .. })));
    }
}
