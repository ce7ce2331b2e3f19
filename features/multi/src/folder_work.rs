//! What is still to be done to folders after a commit: a trial's folder becomes a tenant's, a
//! deleted account's folder goes. The rows are written in the transaction that decides it, so a
//! killed process finds them at its next start; the files belong to [`recap_mode::Host`].

use chrono::{DateTime, Utc};
use recap_mode::{Fault, Host, Scope};
use rusqlite::{Connection, params};

use crate::database::{Database, DatabaseError};
use crate::refusal::Refusal;
use crate::rows::{millis, word};

/// Pieces of work that one look takes; the rest comes with the next.
const PENDING_MAX: i64 = 100;

/// One folder to be adopted or erased. Doing it twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderWork {
    /// For [`FolderWorks::done`].
    pub id: i64,
    /// Whose folder.
    pub scope: Scope,
    /// Whose it becomes; `None` where it is to be erased.
    pub into: Option<Scope>,
}

/// The folders that wait.
pub struct FolderWorks {
    database: Database,
}

impl FolderWorks {
    /// Over a database.
    pub fn new(database: Database) -> FolderWorks {
        FolderWorks { database }
    }

    /// What waits, in the order in which it must be done: an adoption before the erasure of its
    /// heir. At most a hundred.
    ///
    /// # Errors
    /// The database alone.
    pub fn pending(&self) -> Result<Vec<FolderWork>, Refusal> {
        Ok(self.database.read(|db| {
            let found = db
                .prepare_cached(
                    "SELECT id, scope, into_scope FROM folder_work ORDER BY id LIMIT ?1",
                )?
                .query_map([PENDING_MAX], |row| {
                    let into = match row.get_ref(2)? {
                        rusqlite::types::ValueRef::Null => None,
                        text => Some(word(text)?),
                    };
                    Ok(FolderWork { id: row.get(0)?, scope: word(row.get_ref(1)?)?, into })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok::<_, DatabaseError>(found)
        })?)
    }

    /// Notes that a piece of work was done.
    ///
    /// # Errors
    /// The database alone; the work is done once more then.
    pub async fn done(&self, id: i64) -> Result<(), Refusal> {
        let done = self.database.write(move |tx| {
            tx.prepare_cached("DELETE FROM folder_work WHERE id = ?1")?.execute([id])?;
            Ok::<_, DatabaseError>(())
        });
        Ok(done.await?)
    }

    /// Does what waits, in order. Where a piece fails, whatever touches the same folders waits with
    /// it for the next call, and the rest is done. Returns how many were done.
    ///
    /// # Errors
    /// The first failure of the host, when all was tried; the database's at once.
    pub async fn work_off(&self, host: &dyn Host) -> Result<usize, Fault> {
        let (mut done, mut failed, mut first_fault) = (0, Vec::new(), None);
        for work in self.pending()? {
            let touches = |scope: &Scope| failed.contains(scope);
            if touches(&work.scope) || work.into.as_ref().is_some_and(touches) {
                continue;
            }
            let outcome = match &work.into {
                Some(into) => host.adopt(&work.scope, into).await,
                None => host.erase(&work.scope).await,
            };
            match outcome {
                Ok(()) => {
                    self.done(work.id).await?;
                    done += 1;
                }
                Err(fault) => {
                    failed.extend([Some(work.scope), work.into].into_iter().flatten());
                    first_fault.get_or_insert(fault);
                }
            }
        }
        first_fault.map_or(Ok(done), Err)
    }
}

/// Notes that a folder is to become another scope's.
pub(crate) fn adopt(
    tx: &Connection,
    scope: &Scope,
    into: &Scope,
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO folder_work (scope, into_scope, created_at) VALUES (?1, ?2, ?3)",
    )?
    .execute(params![scope.as_str(), into.as_str(), millis(now)])
    .map(drop)
}

/// Notes that a folder is to be erased.
pub(crate) fn erase(tx: &Connection, scope: &Scope, now: DateTime<Utc>) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO folder_work (scope, created_at) VALUES (?1, ?2)")?
        .execute(params![scope.as_str(), millis(now)])
        .map(drop)
}
