//! The ledger through its public face: its rules one by one, random histories against a model, and
//! what threads, processes, a kill and a full disk do to it.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

mod crash;
mod model;
mod race;
mod rules;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use recap_mode::{JobId, ManualClock, Scope};
use recap_multi::database::Database;
use recap_multi::ledger::{
    Addition, AdditionKind, CreditRules, Credits, DebitAnswer, Ledger, Period,
};

/// A ledger with its clock and the folder it lies in.
struct Desk {
    folder: tempfile::TempDir,
    database: Database,
    clock: Arc<ManualClock>,
    ledger: Ledger,
}

impl Desk {
    fn new(default_credits: i64, period: Period, now: &str) -> Desk {
        Desk::open(tempfile::tempdir().unwrap(), default_credits, period, moment(now))
    }

    /// In memory where the machine has such a place: for tests that wait for no power cut.
    fn in_memory(default_credits: i64, period: Period, now: &str) -> Desk {
        Desk::open(folder_in_memory(), default_credits, period, moment(now))
    }

    fn open(
        folder: tempfile::TempDir,
        default_credits: i64,
        period: Period,
        now: DateTime<Utc>,
    ) -> Desk {
        let database = Database::open(&folder.path().join("recap.db")).unwrap();
        let clock = Arc::new(ManualClock::at(now));
        let rules = CreditRules::new(default_credits, period).unwrap();
        let ledger = Ledger::new(database.clone(), clock.clone(), rules);
        Desk { folder, database, clock, ledger }
    }

    fn debit(&self, user: &str, name: &str) -> DebitAnswer {
        self.ledger.gate_and_debit_now(&scope(user), &job(name)).unwrap()
    }

    fn add(&self, user: &str, amount: i64) {
        let amount = Credits::amount(amount).unwrap();
        self.ledger.add_purchased_now(&scope(user), amount, grant(None)).unwrap();
    }

    /// `(purchased, replenish)` after everything that is due.
    fn buckets(&self, user: &str) -> (i64, i64) {
        let balance = self.ledger.balance_now(&scope(user)).unwrap();
        assert_eq!(balance.total.get(), balance.purchased.get() + balance.replenish.get());
        (balance.purchased.get(), balance.replenish.get())
    }

    fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    #[track_caller]
    fn verify(&self) {
        assert_eq!(self.ledger.verify().unwrap(), []);
    }
}

fn folder_in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn scope(id: &str) -> Scope {
    Scope::parse(id).unwrap()
}

fn job(name: &str) -> JobId {
    name.parse().unwrap()
}

fn grant(key: Option<&str>) -> Addition {
    Addition {
        kind: AdditionKind::Grant,
        key: key.map(str::to_owned),
        reason: Some("for the test".to_owned()),
        by_whom: "admin".to_owned(),
    }
}

/// What the parent process hands to a child, and how many rounds a person asked for.
#[expect(clippy::disallowed_methods, reason = "tests are steered from outside by variables")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// `RECAP_ROUNDS`, or `few` in the suite.
fn rounds(few: usize) -> usize {
    variable("RECAP_ROUNDS").map_or(few, |rounds| rounds.parse().unwrap())
}

/// This test binary once more, running the one test that is a child's whole life.
fn child(test: &str, database: &Path) -> std::process::Command {
    let binary: PathBuf = std::env::current_exe().unwrap();
    let mut command = std::process::Command::new(binary);
    command
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env("RECAP_CHILD_DATABASE", database);
    command
}
