//! The one SQLite file of multi mode: how it is opened, and which schemas this version knows.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

/// The newest schema this version knows (`PRAGMA user_version`); 0 is an empty database.
const SCHEMA_VERSION: i64 = 0;

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// SQLite refused it.
    #[error(
        "The database {path} cannot be opened: {cause}. Restore it from a backup; it was not changed."
    )]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// SQLite's own words.
        cause: rusqlite::Error,
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
}

/// An open database.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
}

impl Database {
    /// Opens or makes the file: write-ahead log, durable commits (a credit that was acknowledged
    /// survives a power cut), foreign keys held.
    ///
    /// # Errors
    /// Each of [`DatabaseError`].
    pub fn open(path: &Path) -> Result<Database, DatabaseError> {
        let unreadable = |cause| DatabaseError::Unreadable { path: path.to_owned(), cause };
        let connection = Connection::open(path).map_err(unreadable)?;
        let found: i64 = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(unreadable)?;
        if found > SCHEMA_VERSION {
            return Err(DatabaseError::Newer { path: path.to_owned(), found });
        }
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
            )
            .map_err(unreadable)?;
        Ok(Database { connection })
    }

    /// Whether what was committed survives a power cut (`PRAGMA synchronous` is FULL).
    ///
    /// # Errors
    /// SQLite's own.
    pub fn is_durable(&self) -> Result<bool, rusqlite::Error> {
        let level: i64 = self.connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
        Ok(level == 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_a_newer_version_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recap.db");
        Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 7").unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(Database::open(&path), Err(DatabaseError::Newer { found: 7, .. })));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recap.db");
        std::fs::write(&path, "not a database, but long enough to be looked at").unwrap();
        assert!(matches!(Database::open(&path), Err(DatabaseError::Unreadable { .. })));
        assert_eq!(
            std::fs::read(&path).unwrap(),
            b"not a database, but long enough to be looked at"
        );
    }

    #[test]
    fn an_empty_database_opens_with_durable_commits() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("recap.db")).unwrap();
        assert!(database.is_durable().unwrap());
    }
}
