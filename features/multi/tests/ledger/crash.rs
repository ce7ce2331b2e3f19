//! A process that is killed while it writes, and a disk that is full.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use recap_mode::{Fault, FaultKind};
use recap_multi::ledger::{LedgerError, RefundOutcome};

use super::*;

#[test]
#[ignore = "the life of a process that is killed; alone it does nothing"]
fn child_that_is_killed() {
    let Some(path) = variable("RECAP_CHILD_DATABASE") else { return };
    let database = Database::open(Path::new(&path)).unwrap();
    let clock = Arc::new(ManualClock::at(moment("2026-05-10T06:00:00Z")));
    let ledger = Ledger::new(database, clock, CreditRules::new(1_000_000, Period::Off).unwrap());
    // Not the process's own number: the system gives those out again.
    let round = &variable("RECAP_CHILD_ROUND").unwrap();
    std::thread::scope(|threads| {
        for thread in 0..8 {
            let ledger = &ledger;
            threads.spawn(move || {
                for number in 0_u64.. {
                    let name = format!("{round}-{thread}-{number}");
                    ledger.gate_and_debit_now(&scope("ann"), &job(&name)).unwrap();
                    println!("paid: {name}.");
                    if number % 3 == 0 {
                        ledger.refund_now(&scope("ann"), &job(&name)).unwrap();
                        println!("back: {name}.");
                    }
                }
            });
        }
    });
}

#[test]
fn what_a_killed_process_acknowledged_is_there_and_the_journal_agrees() {
    let desk = Desk::new(1_000_000, Period::Off, "2026-05-10T06:00:00Z");
    for round in 0..rounds(20) {
        let mut child = child("crash::child_that_is_killed", desk.database.path())
            .env("RECAP_CHILD_ROUND", round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        // Another number of lines each time, so that the kill meets another moment.
        let mut lines: Vec<String> =
            output.by_ref().take(20 + round % 50).map(Result::unwrap).collect();
        child.kill().unwrap();
        lines.extend(output.map_while(Result::ok));
        child.wait().unwrap();
        // A line that was cut has no full stop at its end and says nothing.
        let about = |word: &str| {
            let whole = lines.iter().filter_map(|line| line.split_once(word)?.1.strip_suffix('.'));
            whole.map(str::to_owned).collect::<Vec<_>>()
        };
        let (paid, back) = (about("paid: "), about("back: "));
        assert!(paid.len() >= 10, "{lines:?}");
        desk.verify();
        for name in back {
            let again = desk.ledger.refund_now(&scope("ann"), &job(&name)).unwrap();
            assert_eq!(again.outcome, RefundOutcome::Before, "{name}");
        }
        for name in paid {
            match desk.ledger.gate_and_debit_now(&scope("ann"), &job(&name)) {
                Ok(DebitAnswer::Taken(debit)) => assert!(debit.again, "{name}"),
                Err(LedgerError::Refunded { .. }) => {}
                other => panic!("{name}: {other:?}"),
            }
        }
        desk.verify();
    }
    assert_eq!(desk.database.check().unwrap(), Vec::<String>::new());
}

#[test]
fn on_a_full_disk_no_credit_is_lost_or_made_and_it_heals_by_itself() {
    let desk = Desk::in_memory(1_000_000, Period::Off, "2026-05-10T06:00:00Z");
    desk.debit("ann", "before");
    let pages = |count: i64| {
        desk.database
            .write_now(move |tx| -> Result<i64, LedgerError> {
                let sql = format!("PRAGMA max_page_count = {count}");
                Ok(tx.query_row(&sql, [], |row| row.get(0))?)
            })
            .unwrap()
    };
    let least = pages(1);
    let mut paid = 1;
    let refusal = (0..)
        .find_map(|number| {
            let name = job(&format!("job-{number}"));
            match desk.ledger.gate_and_debit_now(&scope("ann"), &name) {
                Ok(_) => {
                    paid += 1;
                    None
                }
                Err(error) => Some((name, error)),
            }
        })
        .unwrap();
    let (name, error) = refusal;
    assert_eq!(Fault::from(error).kind, FaultKind::StorageFull);
    // Looking goes on, and what was acknowledged is all there is.
    assert_eq!(desk.buckets("ann"), (0, 1_000_000 - paid));
    desk.verify();
    pages(least + 1000);
    assert!(matches!(
        desk.ledger.gate_and_debit_now(&scope("ann"), &name).unwrap(),
        DebitAnswer::Taken(debit) if !debit.again
    ));
    assert_eq!(desk.buckets("ann"), (0, 1_000_000 - paid - 1));
    desk.verify();
}

#[test]
#[ignore = "needs RECAP_SMALL_DISK, a folder on a disk of a few megabytes: mount -t tmpfs -o size=4m none FOLDER"]
fn on_a_disk_that_is_really_full_the_same_holds_and_freed_space_is_enough() {
    let Some(disk) = variable("RECAP_SMALL_DISK") else { return };
    let folder = tempfile::tempdir_in(&disk).unwrap();
    let ballast = tempfile::NamedTempFile::new_in(&disk).unwrap();
    std::fs::write(ballast.path(), vec![0; 1 << 20]).unwrap();
    let desk = Desk::open(folder, 1_000_000, Period::Off, moment("2026-05-10T06:00:00Z"));
    let (mut paid, mut refused) = (0, 0);
    for number in 0..1_000_000 {
        let name = job(&format!("job-{number}"));
        match desk.ledger.gate_and_debit_now(&scope("ann"), &name) {
            Ok(_) => paid += 1,
            Err(error) => {
                assert_eq!(Fault::from(error).kind, FaultKind::StorageFull);
                refused += 1;
            }
        }
        if refused == 20 {
            break;
        }
    }
    assert_eq!((refused, desk.buckets("ann")), (20, (0, 1_000_000 - paid)));
    desk.verify();
    drop(ballast);
    let after = job("after");
    assert!(matches!(
        desk.ledger.gate_and_debit_now(&scope("ann"), &after).unwrap(),
        DebitAnswer::Taken(_)
    ));
    desk.verify();
    assert_eq!(desk.database.check().unwrap(), Vec::<String>::new());
}
