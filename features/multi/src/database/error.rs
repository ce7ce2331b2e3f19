//! What can go wrong with the database, in sentences. No SQL and no handles.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use recap_mode::{Fault, FaultKind};
use rusqlite::ErrorCode;

use super::schema::SCHEMA_VERSION;

/// Why the database cannot be opened, or why what was asked of it was not done. Cloned, since one
/// failed commit is the answer to everything that waited for it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DatabaseError {
    /// SQLite refused the file.
    #[error(
        "The database {path} cannot be opened: {cause}. Restore it from a backup; it was not changed."
    )]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// SQLite's own words.
        cause: Arc<rusqlite::Error>,
    },
    /// It was written by a later version.
    #[error(
        "The database {path} has schema {found}, and this version knows schemas up to {SCHEMA_VERSION}: start the newer \
         version again, or restore a backup made before the upgrade. It was not changed."
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i64,
    },
    /// It is a database, but it holds another program's tables.
    #[error(
        "The file {path} is a database of another program: move it away, and a new one is made. It was not changed."
    )]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// The file is gone or empty, but its write-ahead log still holds data.
    #[error(
        "The database {path} is empty or gone, but the log {path}-wal beside it holds data: restore both from a backup, or \
         move the log away to begin anew. Nothing was changed."
    )]
    Truncated {
        /// Which file.
        path: PathBuf,
    },
    /// A step of the schema failed; the database is as it was.
    #[error(
        "The database {path} could not be brought to schema step {step}: {cause}. It was not changed."
    )]
    Migration {
        /// Which file.
        path: PathBuf,
        /// The step's name, that of its file.
        step: &'static str,
        /// SQLite's own words.
        cause: Arc<rusqlite::Error>,
    },
    /// A file beside or of the database could not be made, read or moved.
    #[error("{doing} {path} failed: {cause}. Check the folder's rights and its free space.")]
    File {
        /// What was being done, at the beginning of a sentence.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// The system's own words.
        cause: Arc<io::Error>,
    },
    /// Too much waits to be written, or another process holds the database for too long.
    #[error("The database is busy and nothing was written; try again in a moment.")]
    Busy,
    /// No room is left for what was to be written.
    #[error("The disk is full and nothing was written; free some space and try again.")]
    Full,
    /// SQLite ended the transaction by itself, as it does when the disk is full or fails, and with
    /// it everything that shared the commit.
    #[error(
        "The database had to give up what was being written, and nothing of it was kept: look whether its disk is full or \
         failing, then try again."
    )]
    GivenUp,
    /// SQLite failed at it; it was not done.
    #[error("The database could not do it, and nothing was written: {cause}.")]
    Failed {
        /// SQLite's own words.
        cause: Arc<rusqlite::Error>,
    },
    /// What was to be done in the transaction panicked; it was rolled back alone.
    #[error("What was to be written ended in a panic, and nothing of it was written: {said}")]
    Panicked {
        /// What the panic said.
        said: String,
    },
    /// A write was asked for from inside a write, which could only wait for itself.
    #[error("A write was asked for from inside a write; it was refused and nothing was written.")]
    Nested,
    /// The writer has ended.
    #[error("The database is closed; nothing was written.")]
    Closed,
    /// A backup was asked for where a file already is.
    #[error("There is already a file {path}; name another one for the backup. It was not changed.")]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// A backup did not pass its check, and was removed.
    #[error(
        "The backup {path} was made but is not sound ({finding}); it was removed. Check the database itself."
    )]
    Unsound {
        /// Where it would have been.
        path: PathBuf,
        /// The first thing that the check found.
        finding: String,
    },
}

impl DatabaseError {
    /// `map_err` for opening: a lock held too long is [`DatabaseError::Busy`], everything else
    /// [`DatabaseError::Unreadable`].
    pub(super) fn opening(path: &std::path::Path) -> impl Fn(rusqlite::Error) -> DatabaseError {
        move |cause| match DatabaseError::from(cause) {
            DatabaseError::Failed { cause } => {
                DatabaseError::Unreadable { path: path.to_owned(), cause }
            }
            other => other,
        }
    }

    /// `map_err` for files.
    pub(super) fn file(
        doing: &'static str,
        path: &std::path::Path,
    ) -> impl Fn(io::Error) -> DatabaseError {
        move |cause| DatabaseError::File { doing, path: path.to_owned(), cause: Arc::new(cause) }
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(cause: rusqlite::Error) -> DatabaseError {
        match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DatabaseError::Busy,
            Some(ErrorCode::DiskFull) => DatabaseError::Full,
            _ => DatabaseError::Failed { cause: Arc::new(cause) },
        }
    }
}

impl From<DatabaseError> for Fault {
    fn from(error: DatabaseError) -> Fault {
        match error {
            DatabaseError::Busy => Fault::new(FaultKind::Busy, error.to_string()),
            DatabaseError::Full | DatabaseError::GivenUp => {
                Fault::new(FaultKind::StorageFull, error.to_string())
            }
            DatabaseError::Exists { .. } => Fault::new(FaultKind::Conflict, error.to_string()),
            other => Fault::internal("asking the database", other),
        }
    }
}
