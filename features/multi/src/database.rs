//! The one SQLite file of multi mode: one thread writes, any thread reads, and several processes
//! may do both at once. What the tables mean belongs to the modules that own them.

mod backup;
mod connection;
mod error;
mod schema;
mod writer;

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

pub use error::DatabaseError;
use writer::{Job, Work};

/// Connections for reading that are kept open for the next read.
const IDLE_READERS_MAX: usize = 16;

/// How long things may wait, and how many.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseLimits {
    /// How long a write or read waits for another process's lock before it is
    /// [`DatabaseError::Busy`].
    pub busy: Duration,
    /// Writes that wait for their turn; one more is [`DatabaseError::Busy`] at once.
    pub queue_max: usize,
    /// Writes that share one commit at most, 1 or more: bounds what a failed commit takes with it.
    pub batch_max: usize,
}

impl Default for DatabaseLimits {
    fn default() -> DatabaseLimits {
        // Five seconds outlast every honest transaction of another process and are the end of what
        // a person waits for. 1024 writes are some 200 ms of work.
        DatabaseLimits { busy: Duration::from_secs(5), queue_max: 1024, batch_max: 256 }
    }
}

/// An open write transaction, lent to what [`Database::write`] runs. Holding one proves that what
/// is written stays or goes as a whole.
///
/// It must not be ended from inside (`COMMIT`, `ROLLBACK`): that fails everything that shares it.
pub struct Tx<'a> {
    connection: &'a Connection,
}

impl Deref for Tx<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// An open database; clones share it. The last one that is dropped waits until what was handed in
/// is written.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    path: PathBuf,
    limits: DatabaseLimits,
    queue: Option<SyncSender<Box<dyn Job>>>,
    writer: Option<JoinHandle<()>>,
    idle_readers: Mutex<Vec<Connection>>,
}

impl Database {
    /// Opens or makes the file: write-ahead log, durable commits (a credit that was acknowledged
    /// survives a power cut), foreign keys held, the newest schema, closed to other accounts.
    ///
    /// # Errors
    /// [`DatabaseError::Unreadable`], [`DatabaseError::Newer`], [`DatabaseError::Foreign`],
    /// [`DatabaseError::Truncated`] and [`DatabaseError::Migration`] leave the file as it was;
    /// [`DatabaseError::Busy`] where another process holds it; [`DatabaseError::File`].
    pub fn open(path: &Path) -> Result<Database, DatabaseError> {
        Database::open_with(path, DatabaseLimits::default())
    }

    /// [`Database::open`] with other limits.
    ///
    /// # Errors
    /// Those of [`Database::open`].
    pub fn open_with(path: &Path, limits: DatabaseLimits) -> Result<Database, DatabaseError> {
        let connection = connection::open_writer(path, &schema::STEPS, limits.busy)?;
        let (queue, jobs) = mpsc::sync_channel(limits.queue_max);
        let writer = thread::Builder::new()
            .name("database".to_owned())
            .spawn(move || writer::run(connection, &jobs, limits))
            .map_err(DatabaseError::file("Starting the thread that writes", path))?;
        Ok(Database(Arc::new(Inner {
            path: path.to_owned(),
            limits,
            queue: Some(queue),
            writer: Some(writer),
            idle_readers: Mutex::new(Vec::new()),
        })))
    }

    /// Runs `act` in a write transaction and answers when what it wrote is durable. Where it gives
    /// an error or panics, nothing of it stays. Other jobs may share the commit, never the outcome;
    /// only where the commit itself fails (a full disk), all of them fail.
    ///
    /// `act` runs on the thread that writes: it must be short and must not wait for anything.
    /// Dropping the future undoes nothing.
    ///
    /// # Errors
    /// What `act` gives; [`DatabaseError::Busy`], [`DatabaseError::Full`],
    /// [`DatabaseError::Failed`], [`DatabaseError::Panicked`], and nothing was written then.
    pub async fn write<T, E, F>(&self, act: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        self.hand_in(act, move |answer| {
            // Nobody may be waiting any more; what was written stays.
            let _ = tell.send(answer);
        })?;
        told.await.unwrap_or_else(|_| Err(DatabaseError::Closed.into()))
    }

    /// [`Database::write`] for commands and plain threads: blocks until the answer is there.
    ///
    /// # Errors
    /// Those of [`Database::write`], and [`DatabaseError::Nested`] from inside a write.
    pub fn write_now<T, E, F>(&self, act: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let current = thread::current().id();
        if self.0.writer.as_ref().is_some_and(|writer| writer.thread().id() == current) {
            return Err(DatabaseError::Nested.into());
        }
        let (tell, told) = mpsc::sync_channel(1);
        self.hand_in(act, move |answer| {
            let _ = tell.send(answer);
        })?;
        told.recv().unwrap_or_else(|_| Err(DatabaseError::Closed.into()))
    }

    /// Runs `look` on one state of what is committed, by whichever process. It runs on the calling
    /// thread: microseconds for a row or a page of rows; anything longer belongs on a thread that
    /// may block.
    ///
    /// # Errors
    /// What `look` gives, and where no connection can be opened.
    pub fn read<T, E>(&self, look: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E>
    where
        E: From<DatabaseError>,
    {
        let idle = self.idle_readers().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connection::open_reader(&self.0.path, self.0.limits.busy)?,
        };
        let begin = |sql| connection.prepare_cached(sql)?.execute([]);
        begin("BEGIN").map_err(DatabaseError::from)?;
        let seen = look(&connection);
        // A connection that cannot end its transaction is closed, not kept.
        if begin("COMMIT").is_ok() {
            let mut idle = self.idle_readers();
            if idle.len() < IDLE_READERS_MAX {
                idle.push(connection);
            }
        }
        seen
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether what was committed survives a power cut (`PRAGMA synchronous` is FULL).
    ///
    /// # Errors
    /// Those of [`Database::write`].
    pub fn is_durable(&self) -> Result<bool, DatabaseError> {
        self.write_now(|tx| {
            let level: i64 = tx.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
            Ok(level == 2)
        })
    }

    /// Copies the database to `target` while writes go on: one state of it, one file without a
    /// log, checked, mode 0600. It blocks for as long as the copy takes.
    ///
    /// # Errors
    /// [`DatabaseError::Exists`] where there is something at `target`, which is left alone;
    /// [`DatabaseError::Unsound`], [`DatabaseError::Full`], [`DatabaseError::File`].
    pub fn backup_to(&self, target: &Path) -> Result<(), DatabaseError> {
        backup::copy(&self.0.path, target, self.0.limits.busy)
    }

    /// Everything that is wrong with the file, a sentence each: pages, indices, CHECKs, foreign
    /// keys. Empty where all is well. It reads the whole file.
    ///
    /// # Errors
    /// Where it cannot even be read.
    pub fn check(&self) -> Result<Vec<String>, DatabaseError> {
        self.read(backup::findings)
    }

    fn hand_in<T, E, F>(
        &self,
        act: F,
        tell: impl FnOnce(Result<T, E>) + Send + 'static,
    ) -> Result<(), E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let queue = self.0.queue.as_ref().ok_or(DatabaseError::Closed)?;
        queue.try_send(Box::new(Work::new(act, tell))).map_err(|refused| {
            E::from(match refused {
                TrySendError::Full(_) => DatabaseError::Busy,
                TrySendError::Disconnected(_) => DatabaseError::Closed,
            })
        })
    }

    fn idle_readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.0.idle_readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("path", &self.0.path).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Readers first: the writer's connection is then the last one, which folds the log in.
        self.idle_readers.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // A job that held the last handle drops it on that very thread, which cannot wait for
            // itself.
            if writer.thread().id() != thread::current().id() {
                let _ = writer.join();
            }
        }
    }
}

#[cfg(test)]
mod tests;
