//! What the database promises, through its public face, and the steps of the schema.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};
use std::task::{Context, Waker};

use recap_mode::{Fault, FaultKind};
use rusqlite::params;

use super::connection::{beside, open_writer};
use super::schema::Step;
use super::*;

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recap.db");
    (folder, path)
}

fn impatient() -> DatabaseLimits {
    DatabaseLimits { busy: Duration::from_millis(60), ..DatabaseLimits::default() }
}

/// A database with a table `notes(text)` to play with.
fn with_notes(limits: DatabaseLimits) -> (tempfile::TempDir, Database) {
    let (folder, path) = place();
    let database = Database::open_with(&path, limits).unwrap();
    database
        .write_now(|tx| -> Result<(), DatabaseError> {
            Ok(tx.execute_batch("CREATE TABLE notes (text TEXT NOT NULL) STRICT")?)
        })
        .unwrap();
    (folder, database)
}

fn note(tx: &Tx<'_>, text: &str) -> Result<(), DatabaseError> {
    tx.prepare_cached("INSERT INTO notes VALUES (?1)")?.execute([text])?;
    Ok(())
}

fn notes(database: &Database) -> Vec<String> {
    database
        .read(|conn| -> Result<Vec<String>, DatabaseError> {
            let mut all = conn.prepare_cached("SELECT text FROM notes ORDER BY rowid")?;
            let all = all.query_map([], |row| row.get(0))?;
            Ok(all.collect::<Result<_, _>>()?)
        })
        .unwrap()
}

/// Holds the writer inside a job until what `then` hands in waits behind it, then lets go.
fn while_the_writer_is_held(database: &Database, then: impl FnOnce()) {
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let holder = {
        let database = database.clone();
        thread::spawn(move || {
            database.write_now(move |_| -> Result<(), DatabaseError> {
                entered.send(()).unwrap();
                released.recv().unwrap();
                Ok(())
            })
        })
    };
    inside.recv().unwrap();
    then();
    release.send(()).unwrap();
    // A commit that fails takes the holder's empty job with it; that is no matter of the test.
    let _ = holder.join().unwrap();
}

/// Hands a write in and gives back where its answer will come.
fn hand_in<T: Send + 'static>(
    database: &Database,
    act: impl FnOnce(&Tx<'_>) -> Result<T, DatabaseError> + Send + 'static,
) -> mpsc::Receiver<Result<T, DatabaseError>> {
    let (tell, told) = mpsc::channel();
    database.hand_in(act, move |answer| tell.send(answer).unwrap()).unwrap();
    told
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let (_folder, path) = place();
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 7").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(Database::open(&path), Err(DatabaseError::Newer { found: 7, .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_newer_database_with_a_log_keeps_both_as_they_are() {
    let (_folder, path) = place();
    let newer = Connection::open(&path).unwrap();
    newer.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
    newer.execute_batch("CREATE TABLE later (x); PRAGMA user_version = 99").unwrap();
    // Copied while it is open, as a killed process leaves it.
    let (_other, copy) = place();
    fs::copy(&path, &copy).unwrap();
    fs::copy(beside(&path, "-wal"), beside(&copy, "-wal")).unwrap();
    let before = (fs::read(&copy).unwrap(), fs::read(beside(&copy, "-wal")).unwrap());
    assert!(matches!(Database::open(&copy), Err(DatabaseError::Newer { found: 99, .. })));
    assert_eq!((fs::read(&copy).unwrap(), fs::read(beside(&copy, "-wal")).unwrap()), before);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let (_folder, path) = place();
    fs::write(&path, "not a database, but long enough to be looked at").unwrap();
    assert!(matches!(Database::open(&path), Err(DatabaseError::Unreadable { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"not a database, but long enough to be looked at");
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let (_folder, path) = place();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE users (id)").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(Database::open(&path), Err(DatabaseError::Foreign { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_log_without_its_database_is_kept_and_no_empty_database_takes_its_place() {
    for make in [false, true] {
        let (_folder, path) = place();
        if make {
            fs::write(&path, "").unwrap();
        }
        fs::write(beside(&path, "-wal"), "what was acknowledged").unwrap();
        assert!(matches!(Database::open(&path), Err(DatabaseError::Truncated { .. })));
        assert_eq!(fs::read(beside(&path, "-wal")).unwrap(), b"what was acknowledged");
        assert_eq!(path.exists(), make);
    }
}

#[test]
fn a_folder_that_is_not_there_is_said_and_not_made() {
    let (folder, _) = place();
    let path = folder.path().join("gone/recap.db");
    assert!(matches!(Database::open(&path), Err(DatabaseError::File { .. })));
    assert!(!folder.path().join("gone").exists());
}

#[test]
fn an_empty_database_opens_with_durable_commits_and_the_newest_schema() {
    let (_folder, path) = place();
    let database = Database::open(&path).unwrap();
    assert!(database.is_durable().unwrap());
    let version: i64 = database
        .read(|conn| -> Result<i64, DatabaseError> {
            Ok(conn.query_row("PRAGMA user_version", [], |row| row.get(0))?)
        })
        .unwrap();
    assert_eq!(version, schema::SCHEMA_VERSION);
    assert_eq!(database.check().unwrap(), Vec::<String>::new());
}

#[test]
fn the_database_and_its_log_are_closed_to_other_accounts() {
    let (_folder, path) = place();
    drop(Database::open(&path).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let database = Database::open(&path).unwrap();
    database.is_durable().unwrap();
    for file in [path.clone(), beside(&path, "-wal"), beside(&path, "-shm")] {
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn a_job_that_fails_or_panics_is_undone_alone() {
    let (_folder, database) = with_notes(DatabaseLimits::default());
    let mut answers = Vec::new();
    while_the_writer_is_held(&database, || {
        answers.push(hand_in(&database, |tx| note(tx, "first")));
        answers.push(hand_in(&database, |tx| {
            note(tx, "failed")?;
            Err(DatabaseError::Closed)
        }));
        answers.push(hand_in(&database, |tx| {
            note(tx, "panicked")?;
            panic!("a panic of the test")
        }));
        answers.push(hand_in(&database, |tx| note(tx, "last")));
    });
    let answers: Vec<_> = answers.into_iter().map(|told| told.recv().unwrap()).collect();
    assert!(answers[0].is_ok() && answers[3].is_ok(), "{answers:?}");
    assert!(matches!(answers[1], Err(DatabaseError::Closed)), "{answers:?}");
    assert!(
        matches!(&answers[2], Err(DatabaseError::Panicked { said }) if said == "a panic of the test"),
        "{answers:?}"
    );
    assert_eq!(notes(&database), ["first", "last"]);
}

#[test]
fn a_commit_that_fails_is_acknowledged_to_nobody_and_keeps_nothing() {
    let (_folder, database) = with_notes(DatabaseLimits::default());
    database
        .write_now(|tx| -> Result<(), DatabaseError> {
            Ok(tx.execute_batch(
                "CREATE TABLE parents (id TEXT PRIMARY KEY) STRICT;
                 CREATE TABLE children (parent TEXT REFERENCES parents (id)
                     DEFERRABLE INITIALLY DEFERRED) STRICT;",
            )?)
        })
        .unwrap();
    let mut answers = Vec::new();
    while_the_writer_is_held(&database, || {
        answers.push(hand_in(&database, |tx| note(tx, "fine by itself")));
        answers.push(hand_in(&database, |tx| {
            // What is only found out by COMMIT stands in for a disk that fails there.
            Ok(tx.execute_batch("INSERT INTO children VALUES ('nobody')")?)
        }));
    });
    for told in answers {
        assert!(matches!(told.recv().unwrap(), Err(DatabaseError::Failed { .. })));
    }
    assert!(notes(&database).is_empty());
    database.write_now(|tx| note(tx, "afterwards")).unwrap();
    assert_eq!(notes(&database), ["afterwards"]);
}

#[test]
fn a_job_that_ends_the_transaction_fails_with_those_that_shared_it() {
    let (_folder, database) = with_notes(DatabaseLimits::default());
    let ended = database.write_now(|tx| -> Result<(), DatabaseError> {
        note(tx, "lost")?;
        Ok(tx.execute_batch("ROLLBACK")?)
    });
    assert!(matches!(ended, Err(DatabaseError::GivenUp)), "{ended:?}");
    database.write_now(|tx| note(tx, "afterwards")).unwrap();
    assert_eq!(notes(&database), ["afterwards"]);
}

#[test]
fn a_full_disk_is_said_reads_go_on_and_it_heals_without_a_restart() {
    let (_folder, database) = with_notes(DatabaseLimits::default());
    let pages = |count: i64| {
        database
            .write_now(move |tx| -> Result<i64, DatabaseError> {
                let sql = format!("PRAGMA max_page_count = {count}");
                Ok(tx.query_row(&sql, [], |row| row.get(0))?)
            })
            .unwrap()
    };
    database.write_now(|tx| note(tx, "before")).unwrap();
    let least = pages(1);
    let mut answers = Vec::new();
    while_the_writer_is_held(&database, || {
        answers.push(hand_in(&database, |tx| note(tx, &"x".repeat(1 << 20))));
        answers.push(hand_in(&database, |tx| note(tx, &"y".repeat(1 << 20))));
    });
    for told in answers {
        let said = told.recv().unwrap();
        assert!(matches!(said, Err(DatabaseError::Full | DatabaseError::GivenUp)), "{said:?}");
        assert_eq!(Fault::from(said.unwrap_err()).kind, FaultKind::StorageFull);
    }
    assert_eq!(notes(&database), ["before"]);
    pages(least + 1000);
    database.write_now(|tx| note(tx, "after")).unwrap();
    assert_eq!(notes(&database), ["before", "after"]);
}

#[test]
fn a_full_queue_is_busy_at_once() {
    let limits = DatabaseLimits { queue_max: 2, ..DatabaseLimits::default() };
    let (_folder, database) = with_notes(limits);
    while_the_writer_is_held(&database, || {
        let first = hand_in(&database, |tx| note(tx, "1"));
        let second = hand_in(&database, |tx| note(tx, "2"));
        let third = database.write_now(|tx| note(tx, "3"));
        assert!(matches!(third, Err(DatabaseError::Busy)), "{third:?}");
        drop((first, second));
    });
}

#[test]
fn a_lock_held_too_long_by_another_process_is_busy_and_a_short_one_is_waited_for() {
    let (_folder, database) = with_notes(impatient());
    let other = Connection::open(database.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = database.write_now(|tx| note(tx, "too early"));
    assert!(matches!(refused, Err(DatabaseError::Busy)), "{refused:?}");
    assert_eq!(Fault::from(refused.unwrap_err()).kind, FaultKind::Busy);
    other.execute_batch("COMMIT").unwrap();
    database.write_now(|tx| note(tx, "in time")).unwrap();

    let patient = Database::open(database.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let told = hand_in(&patient, |tx| note(tx, "waited"));
    assert!(told.try_recv().is_err());
    other.execute_batch("COMMIT").unwrap();
    told.recv().unwrap().unwrap();
    assert_eq!(notes(&database), ["in time", "waited"]);
}

#[tokio::test]
async fn an_answer_comes_over_await_and_a_dropped_future_undoes_nothing() {
    let (_folder, database) = with_notes(DatabaseLimits::default());
    {
        let mut dropped = Box::pin(database.write(|tx| note(tx, "nobody waited")));
        let _ = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    let count = database.write(|tx| -> Result<i64, DatabaseError> {
        note(tx, "awaited")?;
        Ok(tx.query_row("SELECT count(*) FROM notes", [], |row| row.get(0))?)
    });
    assert_eq!(count.await.unwrap(), 2);
    assert_eq!(notes(&database), ["nobody waited", "awaited"]);
}

#[test]
fn a_write_inside_a_write_is_refused_instead_of_waiting_for_itself() {
    let (_folder, database) = with_notes(DatabaseLimits::default());
    let inner = database.clone();
    let nested = database.write_now(move |_| inner.write_now(|tx| note(tx, "nested")));
    assert!(matches!(nested, Err(DatabaseError::Nested)), "{nested:?}");
}

#[test]
fn the_last_handle_may_go_inside_a_job_and_what_was_handed_in_is_written() {
    let (_folder, database) = with_notes(DatabaseLimits::default());
    let path = database.path().to_owned();
    let told = {
        let inner = database.clone();
        hand_in(&database, move |tx| {
            drop(inner);
            note(tx, "written")
        })
    };
    drop(database);
    told.recv().unwrap().unwrap();
    assert_eq!(notes(&Database::open(&path).unwrap()), ["written"]);
}

#[test]
fn a_read_sees_what_is_committed_one_state_of_it_and_writes_nothing() {
    let (_folder, database) = with_notes(DatabaseLimits::default());
    while_the_writer_is_held(&database, || assert!(notes(&database).is_empty()));
    database
        .read(|conn| -> Result<(), DatabaseError> {
            let count =
                || conn.query_row("SELECT count(*) FROM notes", [], |row| row.get::<_, i64>(0));
            assert_eq!(count()?, 0);
            database.write_now(|tx| note(tx, "meanwhile"))?;
            assert_eq!(count()?, 0);
            Ok(())
        })
        .unwrap();
    assert_eq!(notes(&database), ["meanwhile"]);
    let refused = database.read(|conn| -> Result<(), DatabaseError> {
        conn.execute("INSERT INTO notes VALUES ('by a reader')", [])?;
        Ok(())
    });
    assert!(refused.is_err());
    assert_eq!(notes(&database), ["meanwhile"]);
}

#[test]
fn a_read_that_panics_leaves_the_next_one_well() {
    let (_folder, database) = with_notes(DatabaseLimits::default());
    let reading = database.clone();
    let panicked = thread::spawn(move || {
        reading.read(|_| -> Result<(), DatabaseError> { panic!("a panic of the test") })
    });
    assert!(panicked.join().is_err());
    assert!(notes(&database).is_empty());
}

#[test]
fn a_backup_made_under_writes_is_one_state_sound_private_and_overwrites_nothing() {
    let (folder, database) = with_notes(DatabaseLimits::default());
    let target = folder.path().join("copy.db");
    let stop = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            while !stop.load(Ordering::Relaxed) {
                // Always two at once: an odd number in the copy would be half a transaction.
                database
                    .write_now(|tx| {
                        note(tx, &"a".repeat(3000))?;
                        note(tx, "b")
                    })
                    .unwrap();
                written += 1;
            }
            written
        });
        while notes(&database).len() < 40 {
            thread::yield_now();
        }
        database.backup_to(&target).unwrap();
        stop.store(true, Ordering::Relaxed);
        assert!(writer.join().unwrap() >= 20);
    });
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("copy.db"))
        .collect();
    assert_eq!(left, ["copy.db"]);

    let before = fs::read(&target).unwrap();
    assert!(matches!(database.backup_to(&target), Err(DatabaseError::Exists { .. })));
    assert_eq!(fs::read(&target).unwrap(), before);

    let copy = Database::open(&target).unwrap();
    assert_eq!(copy.check().unwrap(), Vec::<String>::new());
    let count = notes(&copy).len();
    assert!(count >= 40 && count.is_multiple_of(2), "{count}");
}

#[test]
fn a_backup_into_a_folder_that_is_not_there_says_so() {
    let (folder, database) = with_notes(DatabaseLimits::default());
    let refused = database.backup_to(&folder.path().join("gone/copy.db"));
    assert!(matches!(refused, Err(DatabaseError::File { .. })), "{refused:?}");
}

#[test]
fn the_check_names_damage_and_rows_that_point_nowhere() {
    let (_folder, database) = with_notes(DatabaseLimits::default());
    database
        .write_now(|tx| (0..400).try_for_each(|n| note(tx, &format!("{n} {}", "z".repeat(900)))))
        .unwrap();
    let path = database.path().to_owned();
    drop(database);
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch(
        "PRAGMA foreign_keys = OFF;
         CREATE TABLE children (parent TEXT REFERENCES users (id)) STRICT;
         INSERT INTO children VALUES ('nobody');",
    )
    .unwrap();
    raw.close().unwrap();
    let database = Database::open(&path).unwrap();
    let found = database.check().unwrap();
    assert_eq!(found, ["a row of children points to a row of users that is not there"]);
    drop(database);

    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xA5);
    fs::write(&path, &bytes).unwrap();
    let database = Database::open(&path).unwrap();
    // SQLite either lists what is broken or gives up reading; it never says that all is well.
    assert!(database.check().map_or(true, |found| found.len() > 1));
}

#[test]
fn two_that_open_at_once_migrate_once() {
    for _ in 0..20 {
        let (_folder, path) = place();
        let start = Barrier::new(6);
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    start.wait();
                    Database::open(&path).unwrap().is_durable().unwrap()
                });
            }
        });
        let database = Database::open(&path).unwrap();
        assert!(database.check().unwrap().is_empty());
    }
}

const ONE: Step = ("0001_one", "CREATE TABLE one (x INTEGER) STRICT; INSERT INTO one VALUES (1);");
const TWO: Step = ("0002_two", "CREATE TABLE two (x INTEGER) STRICT; INSERT INTO one VALUES (2);");

fn rows_of_one(path: &Path) -> (i64, i64) {
    let conn = Connection::open(path).unwrap();
    conn.query_row(
        "SELECT user_version, (SELECT sum(x) FROM one) FROM pragma_user_version",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
    .unwrap()
}

#[test]
fn each_step_runs_once_and_only_the_missing_ones() {
    let (_folder, path) = place();
    let busy = Duration::from_secs(1);
    open_writer(&path, &[ONE], busy).unwrap();
    assert_eq!(rows_of_one(&path), (1, 1));
    for _ in 0..2 {
        open_writer(&path, &[ONE, TWO], busy).unwrap();
        assert_eq!(rows_of_one(&path), (2, 3));
    }
    let older = open_writer(&path, &[ONE], busy);
    assert!(matches!(older, Err(DatabaseError::Newer { found: 2, .. })));
}

#[test]
fn a_step_that_fails_changes_nothing_and_the_steps_before_it_are_undone_too() {
    let orphan =
        "CREATE TABLE kept (x INTEGER REFERENCES one (x)) STRICT; INSERT INTO kept VALUES (9);";
    for bad in ["CREATE TABLE three (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1);", orphan] {
        let (_folder, path) = place();
        let busy = Duration::from_secs(1);
        open_writer(&path, &[ONE], busy).unwrap();
        let failed = open_writer(&path, &[ONE, TWO, ("0003_bad", bad)], busy);
        assert!(
            matches!(failed, Err(DatabaseError::Migration { step: "0003_bad", .. })),
            "{failed:?}"
        );
        assert_eq!(rows_of_one(&path), (1, 1));
        open_writer(&path, &[ONE, TWO], busy).unwrap();
        assert_eq!(rows_of_one(&path), (2, 3));
    }
}

#[test]
fn one_that_writes_now_and_then_gets_its_turn_beside_one_that_never_pauses() {
    let (_folder, busy) = with_notes(DatabaseLimits::default());
    let other = Database::open(busy.path()).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    busy.write_now(|tx| note(tx, "busy")).unwrap();
                }
            });
        }
        for _ in 0..30 {
            let written = other.write_now(|tx| note(tx, "other"));
            if written.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            written.unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(notes(&busy).iter().filter(|text| *text == "other").count(), 30);
}

#[test]
fn two_backups_to_one_place_at_once_make_one_whole_file() {
    let (folder, database) = with_notes(DatabaseLimits::default());
    database.write_now(|tx| (0..200).try_for_each(|_| note(tx, &"n".repeat(2000)))).unwrap();
    let target = folder.path().join("copy.db");
    let made = thread::scope(|scope| {
        let backups: Vec<_> = (0..4).map(|_| scope.spawn(|| database.backup_to(&target))).collect();
        backups.into_iter().map(|backup| backup.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1, "{made:?}");
    let refused = made.iter().filter(|made| matches!(made, Err(DatabaseError::Exists { .. })));
    assert_eq!(refused.count(), 3, "{made:?}");
    assert_eq!(notes(&Database::open(&target).unwrap()).len(), 200);
}

#[test]
fn many_threads_and_two_handles_lose_no_write() {
    let (_folder, database) = with_notes(DatabaseLimits::default());
    let other = Database::open(database.path()).unwrap();
    let acknowledged = AtomicUsize::new(0);
    thread::scope(|scope| {
        for worker in 0..16 {
            let database = if worker % 2 == 0 { &database } else { &other };
            let acknowledged = &acknowledged;
            scope.spawn(move || {
                for n in 0..25 {
                    database.write_now(move |tx| note(tx, &format!("{worker} {n}"))).unwrap();
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(acknowledged.into_inner(), 400);
    let count: i64 = database
        .read(|conn| -> Result<i64, DatabaseError> {
            Ok(conn
                .query_row("SELECT count(DISTINCT text) FROM notes", params![], |row| row.get(0))?)
        })
        .unwrap();
    assert_eq!(count, 400);
}
