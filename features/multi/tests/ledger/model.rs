//! Random histories against a model that is written from the document, with none of the ledger's
//! code: what a person has, by the rules, in plain variables.

use std::collections::BTreeMap;

use chrono::Datelike;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use recap_multi::ledger::{Bucket, LedgerError, RefundOutcome, RefusalReason};

use super::*;

const USERS: [&str; 3] = ["ann", "bob", "cid"];

#[derive(Clone, Debug)]
enum Act {
    Look(usize),
    Seed(usize, Option<i64>),
    Debit(usize, u8),
    Refund(usize, u8),
    Add(usize, i64, Option<u8>),
    Pass(i64),
    Rules(i64, Period),
    Forget(usize),
    Crash,
}

fn periods() -> impl Strategy<Value = Period> {
    prop_oneof![Just(Period::Off), Just(Period::Daily), Just(Period::Weekly), Just(Period::Monthly)]
}

fn acts() -> impl Strategy<Value = Act> {
    let user = || 0..USERS.len();
    // Hours mostly, now and then years, now and then backwards.
    let hours =
        prop_oneof![6 => 1..30_i64, 3 => 24..24 * 40_i64, 1 => 0..24 * 800_i64, 2 => -100..0_i64];
    prop_oneof![
        3 => user().prop_map(Act::Look),
        2 => (user(), prop::option::of(0..8_i64)).prop_map(|(user, amount)| Act::Seed(user, amount)),
        12 => (user(), 0..24_u8).prop_map(|(user, job)| Act::Debit(user, job)),
        6 => (user(), 0..24_u8).prop_map(|(user, job)| Act::Refund(user, job)),
        2 => (user(), 1..4_i64, prop::option::of(0..3_u8))
            .prop_map(|(user, amount, key)| Act::Add(user, amount, key)),
        6 => hours.prop_map(Act::Pass),
        1 => (-1..6_i64, periods()).prop_map(|(credits, period)| Act::Rules(credits, period)),
        1 => user().prop_map(Act::Forget),
        1 => Just(Act::Crash),
    ]
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Person {
    purchased: i64,
    replenish: i64,
    last: i64,
    granted: i64,
    consumed: i64,
    seeded: bool,
    /// How often the replenish bucket began anew.
    renewals: u32,
    /// Job: from which bucket, in which renewal, and whether it came back.
    jobs: BTreeMap<u8, (Bucket, u32, bool)>,
}

#[derive(Debug)]
struct Model {
    now: i64,
    default_credits: i64,
    period: Period,
    people: BTreeMap<usize, Person>,
    /// Key: whose, in which life, and how many.
    keys: BTreeMap<u8, (Option<usize>, i64)>,
}

impl Model {
    fn after(&self, last: i64) -> Option<i64> {
        const DAY: i64 = 86_400_000;
        match self.period {
            Period::Off => None,
            Period::Daily => Some(last + DAY),
            Period::Weekly => Some(last + 7 * DAY),
            Period::Monthly => {
                let then = DateTime::from_timestamp_millis(last).unwrap();
                let (year, month) = match then.month() {
                    12 => (then.year() + 1, 1),
                    month => (then.year(), month + 1),
                };
                let days = match month {
                    2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
                    2 => 28,
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                let first = chrono::NaiveDate::from_ymd_opt(year, month, 1).unwrap();
                let date = first.with_day(then.day().min(days)).unwrap();
                Some(date.and_time(then.time()).and_utc().timestamp_millis())
            }
        }
    }

    /// The person as a look finds them.
    fn look(&mut self, user: usize) -> &mut Person {
        let (now, default_credits) = (self.now, self.default_credits);
        let fresh = Person {
            replenish: default_credits,
            granted: default_credits,
            last: now,
            seeded: true,
            ..Person::default()
        };
        let mut last = self.people.entry(user).or_insert(fresh).last;
        let mut due = false;
        while let Some(next) = self.after(last).filter(|next| *next <= now) {
            (last, due) = (next, true);
        }
        let person = self.people.get_mut(&user).unwrap();
        if due {
            person.last = last;
            person.replenish = default_credits;
            person.renewals += 1;
        }
        person
    }
}

fn start() -> Model {
    Model {
        now: moment("2027-12-31T22:00:00Z").timestamp_millis(),
        default_credits: 3,
        period: Period::Monthly,
        people: BTreeMap::new(),
        keys: BTreeMap::new(),
    }
}

/// The files as a killed process leaves them, opened by another.
fn crash(desk: Desk, model: &Model) -> Desk {
    let folder = folder_in_memory();
    for name in ["recap.db", "recap.db-wal"] {
        std::fs::copy(desk.folder.path().join(name), folder.path().join(name)).unwrap();
    }
    let now = DateTime::from_timestamp_millis(model.now).unwrap();
    Desk::open(folder, model.default_credits, model.period, now)
}

fn step(desk: &Desk, model: &mut Model, act: &Act) {
    match *act {
        Act::Look(user) => {
            let balance = desk.ledger.balance_now(&scope(USERS[user])).unwrap();
            let (now, period) = (model.now, model.period);
            let person = model.look(user);
            assert_eq!(
                (balance.purchased.get(), balance.replenish.get(), balance.last_replenish_at),
                (person.purchased, person.replenish, Some(person.last))
            );
            assert_eq!(
                (balance.lifetime_granted, balance.lifetime_consumed, balance.period),
                (person.granted, person.consumed, period)
            );
            assert!(balance.next_replenish_at.is_none_or(|next| next > now));
        }
        Act::Seed(user, amount) => {
            let seed = amount.map(|number| Credits::new(number).unwrap());
            let balance = desk.ledger.seed_signup_now(&scope(USERS[user]), seed).unwrap();
            let (now, amount) = (model.now, amount.unwrap_or(model.default_credits));
            let person = model.people.entry(user).or_default();
            if !person.seeded {
                person.seeded = true;
                person.last = now;
                person.renewals += 1;
                person.granted += (amount - person.replenish).max(0);
                person.replenish = person.replenish.max(amount);
            }
            assert_eq!(
                (balance.purchased.get(), balance.replenish.get()),
                (person.purchased, person.replenish)
            );
        }
        Act::Debit(user, number) => {
            let name = job(&format!("j{number}"));
            let answer = desk.ledger.gate_and_debit_now(&scope(USERS[user]), &name);
            let before = model.people.get(&user).and_then(|person| person.jobs.get(&number));
            if let Some((_, _, true)) = before {
                // An error changes nothing, not even by a refill that was due.
                assert!(matches!(answer, Err(LedgerError::Refunded { .. })), "{answer:?}");
                return;
            }
            let person = model.look(user);
            if let Some((source, ..)) = person.jobs.get(&number) {
                let Ok(DebitAnswer::Taken(debit)) = answer else { panic!("{answer:?}") };
                assert_eq!((debit.source, debit.again), (*source, true));
                return;
            }
            let source = if person.replenish > 0 {
                person.replenish -= 1;
                Bucket::Replenish
            } else if person.purchased > 0 {
                person.purchased -= 1;
                Bucket::Purchased
            } else {
                let Ok(DebitAnswer::Refused(refusal)) = answer else { panic!("{answer:?}") };
                assert_eq!(
                    (refusal.reason, refusal.total),
                    (RefusalReason::NoCredits, Credits::ZERO)
                );
                return;
            };
            person.consumed += 1;
            person.jobs.insert(number, (source, person.renewals, false));
            let Ok(DebitAnswer::Taken(debit)) = answer else { panic!("{answer:?}") };
            assert_eq!(
                (debit.source, debit.total.get(), debit.again),
                (source, person.purchased + person.replenish, false)
            );
        }
        Act::Refund(user, number) => {
            let name = job(&format!("j{number}"));
            let answer = desk.ledger.refund_now(&scope(USERS[user]), &name).unwrap();
            let paid = model.people.get(&user).and_then(|person| person.jobs.get(&number)).copied();
            let expected = match paid {
                None => RefundOutcome::NeverPaid,
                Some((_, _, true)) => RefundOutcome::Before,
                Some((source, renewal, false)) => {
                    let person = model.look(user);
                    person.consumed -= 1;
                    person.jobs.insert(number, (source, renewal, true));
                    match source {
                        Bucket::Purchased => {
                            person.purchased += 1;
                            RefundOutcome::Given
                        }
                        Bucket::Replenish if renewal == person.renewals => {
                            person.replenish += 1;
                            RefundOutcome::Given
                        }
                        Bucket::Replenish => RefundOutcome::Lapsed,
                    }
                }
            };
            assert_eq!(answer.outcome, expected);
        }
        Act::Add(user, amount, key) => {
            let name = key.map(|key| format!("k{key}"));
            let credits = Credits::amount(amount).unwrap();
            let answer =
                desk.ledger.add_purchased_now(&scope(USERS[user]), credits, grant(name.as_deref()));
            match key.map(|key| model.keys.entry(key)) {
                Some(std::collections::btree_map::Entry::Occupied(used)) => {
                    if *used.get() != (Some(user), amount) {
                        assert!(matches!(answer, Err(LedgerError::KeyTaken { .. })), "{answer:?}");
                        return;
                    }
                }
                fresh => {
                    if let Some(std::collections::btree_map::Entry::Vacant(free)) = fresh {
                        free.insert((Some(user), amount));
                    }
                    let fresh = Person { last: model.now, ..Person::default() };
                    let person = model.people.entry(user).or_insert(fresh);
                    person.purchased += amount;
                    person.granted += amount;
                }
            }
            let (balance, person) = (answer.unwrap(), &model.people[&user]);
            assert_eq!(
                (balance.purchased.get(), balance.replenish.get()),
                (person.purchased, person.replenish)
            );
        }
        Act::Pass(hours) => {
            desk.advance(TimeDelta::hours(hours));
            model.now += hours * 3_600_000;
        }
        Act::Rules(default_credits, period) => {
            desk.ledger.set_rules(CreditRules::new(default_credits, period).unwrap());
            model.default_credits = default_credits.max(0);
            model.period = period;
        }
        Act::Forget(user) => {
            let gone = desk.ledger.forget_now(&scope(USERS[user])).unwrap();
            assert_eq!(gone.is_some(), model.people.remove(&user).is_some());
            for (owner, _) in model.keys.values_mut() {
                if *owner == Some(user) {
                    *owner = None;
                }
            }
        }
        Act::Crash => {}
    }
}

#[test]
fn every_history_ends_where_the_document_says() {
    let cases = u32::try_from(rounds(400)).unwrap();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    runner
        .run(&prop::collection::vec(acts(), 1..60), |history| {
            let mut model = start();
            let mut desk = Desk::in_memory(3, Period::Monthly, "2027-12-31T22:00:00Z");
            for act in &history {
                if matches!(act, Act::Crash) {
                    desk = crash(desk, &model);
                }
                step(&desk, &mut model, act);
            }
            desk = crash(desk, &model);
            for user in 0..USERS.len() {
                step(&desk, &mut model, &Act::Look(user));
            }
            desk.verify();
            Ok(())
        })
        .unwrap();
}
