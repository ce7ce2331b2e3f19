//! What can go wrong with a document, as sentences.

use std::io;
use std::path::{Path, PathBuf};

use recap_mode::{Fault, FaultKind, Scope};
use serde::Serialize;

/// Why one file is not what it must be, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Below the history folder: `owner/subscriptions.json`.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong: `missing field title at topics[2]`.
    pub reason: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, line {}, column {}: {}", self.file, self.line, self.column, self.reason)
    }
}

/// Why a document could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is no document of its kind; it was left as it is.
    #[error("{0}. It is left as it is until you mend it.")]
    Malformed(Problem),
    /// The scope stayed locked.
    #[error("The files of `{scope}` are being changed by another program; try again in a moment.")]
    Busy {
        /// Which scope.
        scope: Scope,
    },
    /// A document was changed between reading and writing; the work is done again on the new one.
    #[error("{path} was changed by somebody else meanwhile.")]
    Changed {
        /// Which file.
        path: PathBuf,
    },
    /// It was changed by somebody else each time we were about to write.
    #[error(
        "A file in {path} keeps being changed by another program; nothing was written. Try again in a moment."
    )]
    Contended {
        /// Which folder.
        path: PathBuf,
    },
    /// No room.
    #[error(
        "The disk is full: {path} could not be written. Free some space (deleting recaps works) and try again."
    )]
    Full {
        /// Which file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("{doing} {path} failed: {cause}.")]
    Io {
        /// `Reading`, `Writing`, …
        doing: String,
        /// Which file.
        path: PathBuf,
        /// The system's own words.
        cause: io::Error,
    },
    /// A value that cannot be JSON.
    #[error("{path} could not be written as JSON: {cause}.")]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// A step panicked; the log has the place.
    #[error("A step on the files ended by a mistake of ours ({0}).")]
    Panicked(String),
}

impl StoreError {
    /// A file-system failure; a full disk has its own kind.
    pub(super) fn io(doing: &str, path: &Path, cause: io::Error) -> StoreError {
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                StoreError::Full { path: path.to_owned() }
            }
            _ => {
                let mut letters = doing.chars();
                let doing =
                    letters.next().map(|first| first.to_uppercase().chain(letters).collect());
                StoreError::Io { doing: doing.unwrap_or_default(), path: path.to_owned(), cause }
            }
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        match error {
            StoreError::Malformed(ref problem) => Fault::new(FaultKind::Conflict, format!("{problem}."))
                .hint("The file is left as it is until you mend it; `recap check` shows whether it is well again.")
                .because(error),
            StoreError::Busy { .. } | StoreError::Changed { .. } | StoreError::Contended { .. } => {
                Fault::new(FaultKind::Busy, "The files are being changed by another program.")
                    .hint("Try again in a moment.")
                    .because(error)
            }
            StoreError::Full { .. } => Fault::new(FaultKind::StorageFull, "The disk is full; nothing was written.")
                .hint("Free some space (deleting recaps works) and try again.")
                .because(error),
            StoreError::Io { ref cause, ref path, .. }
                if matches!(cause.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
            {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                Fault::new(FaultKind::Internal, format!("Recap may not read or write `{name}` in its data folder."))
                    .hint("Give it the right to (`recap check` names the files), and try again.")
                    .because(error)
            }
            StoreError::Io { .. } | StoreError::Unwritable { .. } | StoreError::Panicked(_) => {
                Fault::internal("reading or writing a file of the data folder", error)
            }
        }
    }
}
