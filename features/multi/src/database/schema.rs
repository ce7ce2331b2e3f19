//! The numbered schema files and how a database is brought up to the newest. What a table means
//! stands in its file; nothing here knows a table.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};

use super::error::DatabaseError;

/// One numbered file: its name without the ending, and what it does.
pub(super) type Step = (&'static str, &'static str);

/// Every step there ever was, oldest first. A step that was released is never edited: a change is
/// a new file.
pub(super) const STEPS: [Step; 2] = [
    ("0001_accounts", include_str!("../schema/0001_accounts.sql")),
    ("0002_credits", include_str!("../schema/0002_credits.sql")),
];

/// The newest schema this version knows (`PRAGMA user_version`); 0 is an empty database.
pub(super) const SCHEMA_VERSION: i64 = STEPS.len() as i64;

/// Refuses a database that this version must not touch, and says which schema it has.
///
/// # Errors
/// [`DatabaseError::Newer`], [`DatabaseError::Foreign`], [`DatabaseError::Unreadable`].
pub(super) fn inspect(
    connection: &Connection,
    path: &Path,
    newest: i64,
) -> Result<i64, DatabaseError> {
    // One statement, so that both are of one moment: another process may be migrating just now.
    let (found, tables): (i64, i64) = connection
        .query_row(
            "SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .map_err(DatabaseError::opening(path))?;
    if found > newest {
        return Err(DatabaseError::Newer { path: path.to_owned(), found });
    }
    if found < 0 || (found == 0 && tables > 0) {
        return Err(DatabaseError::Foreign { path: path.to_owned() });
    }
    Ok(found)
}

/// Runs the steps that are missing, all in one transaction: either the newest schema stands
/// afterwards, or the database is as it was. Of two processes the second finds nothing to do.
///
/// # Errors
/// [`DatabaseError::Migration`] where a step fails, and those of [`inspect`].
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    steps: &[Step],
) -> Result<(), DatabaseError> {
    let newest = steps.len() as i64;
    if inspect(connection, path, newest)? == newest {
        return Ok(());
    }
    let opening = DatabaseError::opening(path);
    // A step may have to make a table anew, which would set off what hangs on its rows. The pragma
    // does nothing inside a transaction, so it stands around it, and all keys are checked at the end.
    connection.pragma_update(None, "foreign_keys", false).map_err(&opening)?;
    let done = run_steps(connection, path, steps);
    connection.pragma_update(None, "foreign_keys", true).map_err(&opening)?;
    done
}

fn run_steps(
    connection: &mut Connection,
    path: &Path,
    steps: &[Step],
) -> Result<(), DatabaseError> {
    let newest = steps.len() as i64;
    let opening = DatabaseError::opening(path);
    let tx =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&opening)?;
    let found = inspect(&tx, path, newest)?;
    for (number, (step, sql)) in (1..).zip(steps) {
        if number <= found {
            continue;
        }
        let failed = |cause| match DatabaseError::from(cause) {
            DatabaseError::Failed { cause } => {
                DatabaseError::Migration { path: path.to_owned(), step, cause }
            }
            other => other,
        };
        tx.execute_batch(sql).map_err(failed)?;
        let orphans: i64 = tx
            .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
            .map_err(failed)?;
        if orphans > 0 {
            let said = format!("{orphans} rows would point to rows that are not there");
            let cause = rusqlite::Error::ToSqlConversionFailure(said.into());
            return Err(DatabaseError::Migration {
                path: path.to_owned(),
                step,
                cause: Arc::new(cause),
            });
        }
    }
    tx.pragma_update(None, "user_version", newest).map_err(&opening)?;
    tx.commit().map_err(&opening)
}
