//! How one connection to the file is made. Every connection of the daemon and of the commands
//! comes from here, so each keeps the same promises.

use std::fs::{self, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::DatabaseError;
use super::schema::{self, Step};

/// Prepared statements that a connection keeps. All of multi mode has fewer than this.
const STATEMENTS_MAX: usize = 256;

/// Where a write-ahead log that a long reader had grown is cut back to, in bytes.
const LOG_BYTES_MAX: i64 = 64 << 20;

/// Addresses, hashes and balances are for the daemon's own account.
const FILE_MODE: u32 = 0o600;

/// The file's companion with `suffix` (`-wal`, `-shm`).
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The writing connection: makes the file where there is none, refuses what must not be touched,
/// and brings the schema up to date.
///
/// # Errors
/// Those of opening, see [`DatabaseError`].
pub(super) fn open_writer(
    path: &Path,
    steps: &[Step],
    busy: Duration,
) -> Result<Connection, DatabaseError> {
    refuse_truncated(path)?;
    make_private_file(path)?;
    let opening = DatabaseError::opening(path);
    let mut connection = open(path, busy)?;
    // A database that is refused must be left as it is: no log is folded into it at closing.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(&opening)?;
    let newest = steps.len() as i64;
    patiently(busy, || schema::inspect(&connection, path, newest))?;
    patiently(busy, || use_log(&connection, path))?;
    patiently(busy, || schema::migrate(&mut connection, path, steps))?;
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
        .map_err(&opening)?;
    for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        match fs::set_permissions(&file, Permissions::from_mode(FILE_MODE)) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                return Err(DatabaseError::file("Closing to others the file", &file)(cause));
            }
            _ => {}
        }
    }
    Ok(connection)
}

/// A connection that only reads.
///
/// # Errors
/// Those of opening, see [`DatabaseError`].
pub(super) fn open_reader(path: &Path, busy: Duration) -> Result<Connection, DatabaseError> {
    let connection = open(path, busy)?;
    connection.pragma_update(None, "query_only", true).map_err(DatabaseError::opening(path))?;
    Ok(connection)
}

fn open(path: &Path, busy: Duration) -> Result<Connection, DatabaseError> {
    let opening = DatabaseError::opening(path);
    // Never CREATE: a database that vanished while the daemon runs must not come back empty. Each
    // connection is used by one thread at a time, so SQLite's own mutex is not needed.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&opening)?;
    connection.busy_timeout(busy).map_err(&opening)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // FULL: what was acknowledged survives a power cut. recursive_triggers: an `INSERT OR REPLACE`
    // sets off the triggers that keep the journal, too.
    connection
        .execute_batch(&format!(
            "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON; \
             PRAGMA recursive_triggers = ON; PRAGMA synchronous = FULL; \
             PRAGMA journal_size_limit = {LOG_BYTES_MAX};"
        ))
        .map_err(&opening)?;
    Ok(connection)
}

fn use_log(connection: &Connection, path: &Path) -> Result<(), DatabaseError> {
    let opening = DatabaseError::opening(path);
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(&opening)?;
    if mode == "wal" {
        return Ok(());
    }
    let said = format!(
        "its file system allows no write-ahead log (SQLite says `{mode}`); put the data folder on a local disk"
    );
    Err(opening(rusqlite::Error::ToSqlConversionFailure(said.into())))
}

/// Without this SQLite would take an empty file for a new database and throw the log away.
fn refuse_truncated(path: &Path) -> Result<(), DatabaseError> {
    // The log first: where it holds something, the file held something before.
    let holds = |file: &Path| fs::metadata(file).is_ok_and(|found| found.len() > 0);
    if holds(&beside(path, "-wal")) && !holds(path) {
        return Err(DatabaseError::Truncated { path: path.to_owned() });
    }
    Ok(())
}

/// SQLite gives `-wal` and `-shm` the rights of the database, so it is enough to be first.
pub(super) fn make_private_file(path: &Path) -> Result<(), DatabaseError> {
    match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path) {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => {
            Err(DatabaseError::file("Making the database", path)(cause))
        }
        _ => Ok(()),
    }
}

/// SQLite does not wait by itself where two processes turn the log on at once.
fn patiently<T>(
    busy: Duration,
    mut act: impl FnMut() -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    let since = Instant::now();
    loop {
        match act() {
            Err(DatabaseError::Busy) if since.elapsed() < busy => {
                // Short beside any lock that is worth waiting for.
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}
