//! The one thread that writes. It runs what waits one after another in one transaction, each in
//! its own savepoint, commits once for all, and only then answers: one wait for the disk serves
//! everybody who came meanwhile.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::error::DatabaseError;
use super::{DatabaseLimits, Tx};

/// A batch takes no further job once it has run this long: the first one waits for the last, and
/// other processes wait for the lock.
const BATCH_TIME_MAX: Duration = Duration::from_millis(25);

/// How often the lock of another process is tried, 1 ms apart, before the thread looks who has
/// waited too long. SQLite's own waiting grows to 100 ms between two tries, and so would hardly ever
/// meet the short gap between two commits of a process that writes without a pause.
const LOCK_TRIES: i32 = 50;

fn wait_for_lock(tries: i32) -> bool {
    std::thread::sleep(Duration::from_millis(1));
    tries < LOCK_TRIES
}

/// One job in the queue, whatever it gives back.
pub(super) trait Job: Send {
    /// When it was handed in.
    fn since(&self) -> Instant;
    /// Runs it, once. Says whether what it wrote is to stay.
    fn run(&mut self, tx: &Tx<'_>) -> bool;
    /// Gives its answer out, once: its own where the commit is done or the job had failed anyway.
    fn answer(&mut self, committed: Result<(), DatabaseError>);
}

/// What is run, what came out, and who is told.
pub(super) struct Work<T, E, F, A> {
    since: Instant,
    act: Option<F>,
    outcome: Option<Result<T, E>>,
    tell: Option<A>,
}

impl<T, E, F, A> Work<T, E, F, A> {
    pub(super) fn new(act: F, tell: A) -> Work<T, E, F, A> {
        Work { since: Instant::now(), act: Some(act), outcome: None, tell: Some(tell) }
    }
}

impl<T, E, F, A> Job for Work<T, E, F, A>
where
    T: Send,
    E: From<DatabaseError> + Send,
    F: FnOnce(&Tx<'_>) -> Result<T, E> + Send,
    A: FnOnce(Result<T, E>) + Send,
{
    fn since(&self) -> Instant {
        self.since
    }

    fn run(&mut self, tx: &Tx<'_>) -> bool {
        let Some(act) = self.act.take() else { return false };
        // What a panic leaves half done in the database is rolled back, and the closure is gone.
        let outcome = catch_unwind(AssertUnwindSafe(|| act(tx)))
            .unwrap_or_else(|panic| Err(DatabaseError::Panicked { said: said(&*panic) }.into()));
        self.outcome.insert(outcome).is_ok()
    }

    fn answer(&mut self, committed: Result<(), DatabaseError>) {
        let Some(tell) = self.tell.take() else { return };
        let answer = match (self.outcome.take(), committed) {
            (Some(Err(own)), _) => Err(own),
            (Some(Ok(done)), Ok(())) => Ok(done),
            (_, Err(error)) => Err(error.into()),
            (None, Ok(())) => Err(DatabaseError::Closed.into()),
        };
        // A value whose drop panics (the asker has gone) must not take the thread with it.
        let _ = catch_unwind(AssertUnwindSafe(|| tell(answer)));
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// Runs until the queue is closed and empty.
pub(super) fn run(
    mut connection: Connection,
    queue: &Receiver<Box<dyn Job>>,
    limits: DatabaseLimits,
) {
    let (busy, batch_max) = (limits.busy, limits.batch_max.max(1));
    let mut waiting: VecDeque<Box<dyn Job>> = VecDeque::new();
    if let Err(cause) = connection.busy_handler(Some(wait_for_lock)) {
        tracing::error!(%cause, "the database's patience could not be set");
    }
    loop {
        if waiting.is_empty() {
            let Ok(job) = queue.recv() else { return };
            waiting.push_back(job);
        }
        match statement(&connection, "BEGIN IMMEDIATE") {
            Ok(()) => {
                let (mut batch, committed) = run_batch(&connection, queue, &mut waiting, batch_max);
                for job in &mut batch {
                    job.answer(committed.clone());
                }
            }
            // Another process holds the lock: those who waited long enough are told.
            Err(DatabaseError::Busy) => {
                waiting.extend(queue.try_iter().take(batch_max.saturating_sub(waiting.len())));
                waiting.retain_mut(|job| {
                    let patient = job.since().elapsed() < busy;
                    if !patient {
                        job.answer(Err(DatabaseError::Busy));
                    }
                    patient
                });
            }
            Err(error) => {
                for mut job in waiting.drain(..) {
                    job.answer(Err(error.clone()));
                }
            }
        }
    }
}

/// One transaction: those who waited, and those who come while it runs.
fn run_batch(
    connection: &Connection,
    queue: &Receiver<Box<dyn Job>>,
    waiting: &mut VecDeque<Box<dyn Job>>,
    batch_max: usize,
) -> (Vec<Box<dyn Job>>, Result<(), DatabaseError>) {
    let tx = Tx { connection };
    let started = Instant::now();
    let mut batch = Vec::new();
    let mut state = Ok(());
    while state.is_ok() && batch.len() < batch_max && started.elapsed() < BATCH_TIME_MAX {
        let Some(mut job) = waiting.pop_front().or_else(|| queue.try_recv().ok()) else { break };
        state = run_job(connection, &tx, job.as_mut());
        batch.push(job);
    }
    let committed = state.and_then(|()| statement(connection, "COMMIT"));
    if let Err(error) = &committed {
        tracing::error!(cause = %error, jobs = batch.len(), "what waited could not be written");
        if !connection.is_autocommit()
            && let Err(cause) = statement(connection, "ROLLBACK")
        {
            tracing::error!(%cause, "a failed transaction could not be rolled back");
        }
    }
    (batch, committed)
}

/// One job in its savepoint. An error is the whole batch's: the transaction itself is gone (SQLite
/// ends it by itself when the disk is full) or cannot be trusted.
fn run_job(connection: &Connection, tx: &Tx<'_>, job: &mut dyn Job) -> Result<(), DatabaseError> {
    statement(connection, "SAVEPOINT job")?;
    let stays = job.run(tx);
    if connection.is_autocommit() {
        return Err(DatabaseError::GivenUp);
    }
    if !stays {
        statement(connection, "ROLLBACK TO job")?;
    }
    statement(connection, "RELEASE job")
}

fn statement(connection: &Connection, sql: &str) -> Result<(), DatabaseError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
