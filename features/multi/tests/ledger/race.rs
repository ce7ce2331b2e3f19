//! One credit and many who want it at once, from threads and from processes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::Barrier;

use recap_multi::ledger::Balance;

use super::*;

/// 64 callers: half of them here, half in other processes.
const THREADS: usize = 32;
const PROCESSES: usize = 4;
const THREADS_OF_A_CHILD: usize = 8;

/// Debits at once by each of `threads`; says how many were taken.
fn debit_at_once(
    ledger: &Ledger,
    user: &str,
    threads: usize,
    name: impl Fn(usize) -> String,
) -> usize {
    let start = Barrier::new(threads);
    let names: Vec<String> = (0..threads).map(name).collect();
    std::thread::scope(|scope_of_threads| {
        let callers: Vec<_> = names
            .iter()
            .map(|name| {
                let start = &start;
                scope_of_threads.spawn(move || {
                    start.wait();
                    let answer = ledger.gate_and_debit_now(&scope(user), &job(name)).unwrap();
                    usize::from(matches!(answer, DebitAnswer::Taken(_)))
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    })
}

#[test]
#[ignore = "the life of a child of the race; alone it does nothing"]
fn child_of_the_race() {
    let Some(path) = variable("RECAP_CHILD_DATABASE") else { return };
    let me = std::process::id();
    let database = Database::open(Path::new(&path)).unwrap();
    let clock = Arc::new(ManualClock::at(moment("2026-05-10T06:00:00Z")));
    let ledger = Ledger::new(database, clock, CreditRules::new(0, Period::Off).unwrap());
    println!("race: ready");
    for user in std::io::stdin().lock().lines() {
        let user = user.unwrap();
        let taken = debit_at_once(&ledger, &user, THREADS_OF_A_CHILD, |n| format!("{me}-{n}"));
        println!("race: {taken}");
    }
}

/// The next line that the child says to the race, past what the test harness prints.
fn said(from: &mut BufReader<std::process::ChildStdout>) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(from.read_line(&mut line).unwrap(), 0, "a child of the race ended");
        if let Some((_, said)) = line.trim_end().split_once("race: ") {
            return said.to_owned();
        }
    }
}

#[test]
fn of_64_debits_of_one_credit_from_threads_and_processes_exactly_one_succeeds() {
    let desk = Desk::new(0, Period::Off, "2026-05-10T06:00:00Z");
    let mut children: Vec<(Child, BufReader<_>)> = (0..PROCESSES)
        .map(|_| {
            let mut child = child("race::child_of_the_race", desk.database.path())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let output = BufReader::new(child.stdout.take().unwrap());
            (child, output)
        })
        .collect();
    for (_, output) in &mut children {
        assert_eq!(said(output), "ready");
    }
    let mut violations = Vec::new();
    for round in 0..rounds(20) {
        let user = format!("round-{round}");
        desk.add(&user, 1);
        for (child, _) in &mut children {
            writeln!(child.stdin.as_mut().unwrap(), "{user}").unwrap();
        }
        let mut taken = debit_at_once(&desk.ledger, &user, THREADS, |n| format!("here-{n}"));
        for (_, output) in &mut children {
            taken += said(output).parse::<usize>().unwrap();
        }
        if taken != 1 || desk.buckets(&user) != (0, 0) {
            violations.push((round, taken, desk.buckets(&user)));
        }
    }
    for (mut child, _) in children {
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(violations, []);
    desk.verify();
}

#[test]
fn of_64_debits_of_one_job_one_is_paid_and_all_are_told_so() {
    for round in 0..20 {
        let desk = Desk::in_memory(5, Period::Off, "2026-05-10T06:00:00Z");
        let user = format!("round-{round}");
        desk.buckets(&user);
        assert_eq!(debit_at_once(&desk.ledger, &user, 64, |_| "same".to_owned()), 64);
        assert_eq!(desk.buckets(&user), (0, 4));
        desk.verify();
    }
}

#[test]
fn at_a_boundary_64_debits_find_one_refill() {
    for _ in 0..20 {
        let desk = Desk::in_memory(3, Period::Daily, "2026-05-10T06:00:00Z");
        for name in ["a", "b", "c"] {
            desk.debit("ann", name);
        }
        desk.advance(TimeDelta::days(1));
        assert_eq!(debit_at_once(&desk.ledger, "ann", 64, |n| format!("j{n}")), 3);
        assert_eq!(desk.buckets("ann"), (0, 0));
        desk.verify();
    }
}

#[test]
fn of_64_first_looks_and_sign_ups_one_seeds() {
    for _ in 0..20 {
        let desk = Desk::in_memory(5, Period::Off, "2026-05-10T06:00:00Z");
        let start = Barrier::new(64);
        let seen: Vec<Balance> = std::thread::scope(|threads| {
            let callers: Vec<_> = (0..64)
                .map(|n| {
                    let (desk, start) = (&desk, &start);
                    threads.spawn(move || {
                        start.wait();
                        if n % 2 == 0 {
                            desk.ledger.balance_now(&scope("ann")).unwrap()
                        } else {
                            desk.ledger.seed_signup_now(&scope("ann"), None).unwrap()
                        }
                    })
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        assert!(seen.iter().all(|balance| balance.total.get() == 5));
        assert_eq!(desk.ledger.journal(&scope("ann"), None, 9).unwrap().entries.len(), 1);
    }
}

#[test]
fn of_64_refunds_of_one_job_one_comes() {
    for _ in 0..20 {
        let desk = Desk::in_memory(5, Period::Off, "2026-05-10T06:00:00Z");
        desk.debit("ann", "a");
        let start = Barrier::new(64);
        std::thread::scope(|threads| {
            for _ in 0..64 {
                threads.spawn(|| {
                    start.wait();
                    desk.ledger.refund_now(&scope("ann"), &job("a")).unwrap();
                });
            }
        });
        assert_eq!(desk.buckets("ann"), (0, 5));
        desk.verify();
    }
}
