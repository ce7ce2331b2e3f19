//! Each rule of the ledger, both sides of each bound.

use recap_mode::{Fault, FaultKind};
use recap_multi::ledger::{Bucket, EntryKind, LedgerError, RefundOutcome};
use serde_json::json;

use super::*;

const MAY: &str = "2026-05-10T06:00:00Z";

fn taken(answer: &DebitAnswer) -> (i64, Bucket) {
    match answer {
        DebitAnswer::Taken(debit) => (debit.total.get(), debit.source),
        DebitAnswer::Refused(refusal) => panic!("refused: {refusal}"),
    }
}

fn refused(answer: &DebitAnswer) -> bool {
    matches!(answer, DebitAnswer::Refused(_))
}

#[test]
fn the_first_look_makes_a_row_with_the_default_and_a_second_makes_none() {
    let desk = Desk::new(5, Period::Off, MAY);
    let first = desk.ledger.balance_now(&scope("ann")).unwrap();
    desk.advance(TimeDelta::days(400));
    assert_eq!(desk.ledger.balance_now(&scope("ann")).unwrap(), first);
    assert_eq!(
        serde_json::to_value(&first).unwrap(),
        json!({
            "user_id": "ann", "purchased": 0, "replenish": 5, "total": 5,
            "last_replenish_at": 1_778_392_800_000_i64, "lifetime_granted": 5,
            "lifetime_consumed": 0, "period": "off", "next_replenish_at": null,
        })
    );
    desk.verify();
}

#[test]
fn the_replenish_bucket_is_spent_first_and_the_last_credit_is_the_last() {
    let desk = Desk::new(1, Period::Off, MAY);
    desk.ledger.seed_signup_now(&scope("ann"), None).unwrap();
    desk.add("ann", 2);
    assert_eq!(taken(&desk.debit("ann", "a")), (2, Bucket::Replenish));
    assert_eq!(taken(&desk.debit("ann", "b")), (1, Bucket::Purchased));
    assert_eq!(taken(&desk.debit("ann", "c")), (0, Bucket::Purchased));
    assert!(refused(&desk.debit("ann", "d")));
    assert_eq!(desk.buckets("ann"), (0, 0));
    let balance = desk.ledger.balance_now(&scope("ann")).unwrap();
    assert_eq!((balance.lifetime_granted, balance.lifetime_consumed), (3, 3));
    desk.verify();
}

#[test]
fn answers_have_the_shape_of_the_document() {
    let desk = Desk::new(1, Period::Monthly, "2026-01-31T06:00:00Z");
    let shape = |answer: &DebitAnswer| serde_json::to_value(answer).unwrap();
    assert_eq!(
        shape(&desk.debit("ann", "a")),
        json!({"ok": true, "total": 0, "source": "replenish"})
    );
    let empty = desk.debit("ann", "b");
    assert_eq!(
        shape(&empty),
        json!({
            "ok": false, "reason": "no_credits", "total": 0,
            "next_replenish_at": moment("2026-02-28T06:00:00Z").timestamp_millis(),
        })
    );
    let DebitAnswer::Refused(empty) = empty else { panic!("nothing is left") };
    assert_eq!(
        empty.to_string(),
        "No credits are left. New ones come on 2026-02-28 at 06:00 (UTC); until then more can be bought."
    );
    assert_eq!(
        shape(&desk.debit("anon/visitor", "a")),
        json!({"ok": false, "reason": "no_user_id", "total": 0})
    );
    desk.ledger.set_rules(CreditRules::new(0, Period::Monthly).unwrap());
    assert_eq!(
        shape(&desk.debit("ann", "b")),
        json!({"ok": false, "reason": "no_credits", "total": 0}),
        "a refill with nothing in it is nothing to wait for"
    );
}

#[test]
fn a_debit_at_zero_is_refused_and_nothing_changes() {
    let desk = Desk::new(0, Period::Off, MAY);
    let before = desk.ledger.balance_now(&scope("ann")).unwrap();
    for name in ["a", "a", "b"] {
        assert!(refused(&desk.debit("ann", name)));
    }
    assert_eq!(desk.ledger.balance_now(&scope("ann")).unwrap(), before);
    assert_eq!(desk.ledger.journal(&scope("ann"), None, 10).unwrap().entries.len(), 1);
    // A job that was refused is not used up.
    desk.add("ann", 1);
    assert_eq!(taken(&desk.debit("ann", "a")), (0, Bucket::Purchased));
}

#[test]
fn a_job_pays_once_however_often_it_asks_and_a_retry_is_a_new_job() {
    let desk = Desk::new(3, Period::Off, MAY);
    assert_eq!(taken(&desk.debit("ann", "ep-1")), (2, Bucket::Replenish));
    for _ in 0..3 {
        let DebitAnswer::Taken(again) = desk.debit("ann", "ep-1") else { panic!("it has paid") };
        assert!(again.again);
        assert_eq!((again.total.get(), again.source), (2, Bucket::Replenish));
    }
    assert_eq!(taken(&desk.debit("ann", "ep-2")), (1, Bucket::Replenish));
    assert_eq!(taken(&desk.debit("ann", "ep-3")), (0, Bucket::Replenish));
    // Going on after a crash asks again when all is spent.
    assert_eq!(taken(&desk.debit("ann", "ep-1")), (0, Bucket::Replenish));
    // The same word is another person's other job.
    assert_eq!(taken(&desk.debit("bob", "ep-1")), (2, Bucket::Replenish));
    desk.verify();
}

#[test]
fn a_refund_comes_once_and_into_the_bucket_it_came_from() {
    let desk = Desk::new(1, Period::Off, MAY);
    desk.ledger.seed_signup_now(&scope("ann"), None).unwrap();
    desk.add("ann", 1);
    desk.debit("ann", "a");
    desk.debit("ann", "b");
    assert_eq!(desk.buckets("ann"), (0, 0));
    for (name, source, after) in
        [("b", Bucket::Purchased, (1, 0)), ("a", Bucket::Replenish, (1, 1))]
    {
        let answer = desk.ledger.refund_now(&scope("ann"), &job(name)).unwrap();
        assert_eq!((answer.outcome, answer.source), (RefundOutcome::Given, Some(source)));
        assert_eq!(desk.buckets("ann"), after);
        let answer = desk.ledger.refund_now(&scope("ann"), &job(name)).unwrap();
        assert_eq!((answer.outcome, answer.source), (RefundOutcome::Before, Some(source)));
        assert_eq!(desk.buckets("ann"), after);
    }
    assert_eq!(desk.ledger.balance_now(&scope("ann")).unwrap().lifetime_consumed, 0);
    desk.verify();
}

#[test]
fn a_job_that_never_paid_or_is_another_s_gets_nothing_back() {
    let desk = Desk::new(1, Period::Off, MAY);
    desk.debit("ann", "a");
    for (user, name) in [("ann", "b"), ("bob", "a")] {
        let answer = desk.ledger.refund_now(&scope(user), &job(name)).unwrap();
        assert_eq!((answer.outcome, answer.source), (RefundOutcome::NeverPaid, None));
    }
    assert_eq!(desk.buckets("ann"), (0, 0));
    assert!(matches!(
        desk.ledger.refund_now(&scope("anon/x"), &job("a")),
        Err(LedgerError::NoUserId(_))
    ));
}

#[test]
fn a_job_that_got_its_credit_back_does_not_run_for_free() {
    let desk = Desk::new(1, Period::Off, MAY);
    desk.debit("ann", "a");
    desk.ledger.refund_now(&scope("ann"), &job("a")).unwrap();
    let again = desk.ledger.gate_and_debit_now(&scope("ann"), &job("a")).unwrap_err();
    assert!(matches!(again, LedgerError::Refunded { .. }));
    assert_eq!(Fault::from(again).kind, FaultKind::Conflict);
    assert_eq!(desk.buckets("ann"), (0, 1));
    assert_eq!(taken(&desk.debit("ann", "a-2")), (0, Bucket::Replenish));
}

#[test]
fn a_replenish_credit_refunded_after_the_reset_does_not_come_twice() {
    let desk = Desk::new(5, Period::Daily, MAY);
    desk.debit("ann", "failed");
    assert_eq!(desk.buckets("ann"), (0, 4));
    // Within its period it comes back; a second one is on its way when the boundary passes.
    desk.ledger.refund_now(&scope("ann"), &job("failed")).unwrap();
    assert_eq!(desk.buckets("ann"), (0, 5));
    desk.debit("ann", "late");
    desk.advance(TimeDelta::days(1));
    let answer = desk.ledger.refund_now(&scope("ann"), &job("late")).unwrap();
    assert_eq!(answer.outcome, RefundOutcome::Lapsed);
    assert_eq!(desk.buckets("ann"), (0, 5), "as if it had never been spent");
    assert_eq!(desk.ledger.balance_now(&scope("ann")).unwrap().lifetime_consumed, 0);
    let newest = &desk.ledger.journal(&scope("ann"), None, 2).unwrap().entries;
    assert_eq!(
        [(newest[1].kind, newest[1].amount), (newest[0].kind, newest[0].amount)],
        [(EntryKind::Refill, 1), (EntryKind::Refund, 0)]
    );
    // Nor does a late one fill what the new period has spent.
    desk.debit("ann", "old");
    desk.advance(TimeDelta::days(1));
    desk.debit("ann", "new");
    desk.ledger.refund_now(&scope("ann"), &job("old")).unwrap();
    assert_eq!(desk.buckets("ann"), (0, 4));
    desk.verify();
}

#[test]
fn a_purchased_credit_comes_back_after_any_reset() {
    let desk = Desk::new(1, Period::Daily, MAY);
    desk.ledger.seed_signup_now(&scope("ann"), None).unwrap();
    desk.add("ann", 1);
    desk.debit("ann", "a");
    desk.debit("ann", "b");
    desk.advance(TimeDelta::days(3));
    let answer = desk.ledger.refund_now(&scope("ann"), &job("b")).unwrap();
    assert_eq!(answer.outcome, RefundOutcome::Given);
    assert_eq!(desk.buckets("ann"), (1, 1));
    desk.verify();
}

#[test]
fn a_refill_resets_to_the_default_and_what_was_left_is_forfeit() {
    let desk = Desk::new(5, Period::Weekly, MAY);
    desk.add("bob", 7);
    desk.debit("ann", "a");
    desk.advance(TimeDelta::days(7) - TimeDelta::milliseconds(1));
    assert_eq!(desk.buckets("ann"), (0, 4));
    desk.advance(TimeDelta::milliseconds(1));
    assert_eq!(desk.buckets("ann"), (0, 5));
    let balance = desk.ledger.balance_now(&scope("ann")).unwrap();
    assert_eq!((balance.lifetime_granted, balance.lifetime_consumed), (5, 1));
    // What was bought is not touched.
    assert_eq!(desk.buckets("bob"), (7, 5));
    // A lower default takes from what is there, a higher one gives.
    for (default_credits, after) in [(2, 2), (9, 9), (0, 0)] {
        desk.ledger.set_rules(CreditRules::new(default_credits, Period::Weekly).unwrap());
        assert_ne!(desk.buckets("ann"), (0, after), "rules alone change no balance");
        desk.advance(TimeDelta::days(7));
        assert_eq!(desk.buckets("ann"), (0, after));
    }
    desk.verify();
}

#[test]
fn after_idle_time_there_is_one_refill_and_the_date_is_the_latest_boundary() {
    let desk = Desk::new(5, Period::Monthly, "2026-01-31T06:00:00Z");
    desk.debit("ann", "a");
    desk.advance(moment("2029-05-30T00:00:00Z") - moment("2026-01-31T06:00:00Z"));
    assert_eq!(desk.buckets("ann"), (0, 5));
    let balance = desk.ledger.balance_now(&scope("ann")).unwrap();
    let latest = moment("2029-05-28T06:00:00Z").timestamp_millis();
    assert_eq!(balance.last_replenish_at, Some(latest));
    assert_eq!(balance.next_replenish_at, Some(moment("2029-06-28T06:00:00Z").timestamp_millis()));
    let entries = desk.ledger.journal(&scope("ann"), None, 50).unwrap().entries;
    assert_eq!(entries.iter().filter(|entry| entry.kind == EntryKind::Refill).count(), 1);
    desk.verify();
}

#[test]
fn a_refill_comes_with_a_debit_too_so_an_empty_bucket_is_never_refused_when_it_is_due() {
    let desk = Desk::new(1, Period::Daily, MAY);
    desk.debit("ann", "a");
    assert!(refused(&desk.debit("ann", "b")));
    desk.advance(TimeDelta::days(1));
    assert_eq!(taken(&desk.debit("ann", "b")), (0, Bucket::Replenish));
}

#[test]
fn a_clock_that_goes_back_and_forth_brings_no_second_refill() {
    let desk = Desk::new(1, Period::Daily, MAY);
    desk.debit("ann", "a");
    desk.advance(TimeDelta::days(3650));
    assert_eq!(taken(&desk.debit("ann", "b")), (0, Bucket::Replenish));
    for by in [-3650, 3649, 1, -1, 0] {
        desk.advance(TimeDelta::days(by));
        assert!(refused(&desk.debit("ann", "c")), "{by}");
    }
    desk.advance(TimeDelta::days(2));
    assert_eq!(taken(&desk.debit("ann", "c")), (0, Bucket::Replenish));
    desk.verify();
}

#[test]
fn without_a_last_refill_or_a_period_nothing_is_ever_due() {
    let desk = Desk::new(1, Period::Daily, MAY);
    desk.debit("ann", "a");
    desk.database
        .write_now(|tx| -> Result<(), LedgerError> {
            tx.execute("UPDATE tenant_credits SET last_replenish_at = NULL", [])?;
            Ok(())
        })
        .unwrap();
    desk.advance(TimeDelta::days(900));
    assert!(refused(&desk.debit("ann", "b")));
    // A credit spent without a date comes back all the same.
    desk.ledger.refund_now(&scope("ann"), &job("a")).unwrap();

    let desk = Desk::new(1, Period::Off, MAY);
    desk.debit("ann", "a");
    desk.advance(TimeDelta::days(900));
    assert!(refused(&desk.debit("ann", "b")));
    desk.ledger.set_rules(CreditRules::new(1, Period::Monthly).unwrap());
    assert_eq!(taken(&desk.debit("ann", "b")), (0, Bucket::Replenish), "rules change live");
}

#[test]
fn the_seed_is_given_once_with_any_amount_from_zero() {
    let desk = Desk::new(5, Period::Off, MAY);
    for (user, amount, seeded) in [("ann", None, 5), ("bob", Some(0), 0), ("cid", Some(12), 12)] {
        let amount = amount.map(|number| Credits::new(number).unwrap());
        for _ in 0..2 {
            let balance = desk.ledger.seed_signup_now(&scope(user), amount).unwrap();
            assert_eq!((balance.replenish.get(), balance.lifetime_granted), (seeded, seeded));
        }
        let other = Some(Credits::new(99).unwrap());
        assert_eq!(
            desk.ledger.seed_signup_now(&scope(user), other).unwrap().replenish.get(),
            seeded
        );
    }
    // A look before sign-up was the seed.
    desk.buckets("dan");
    let more = Some(Credits::new(50).unwrap());
    assert_eq!(desk.ledger.seed_signup_now(&scope("dan"), more).unwrap().total.get(), 5);
    desk.verify();
}

#[test]
fn the_seed_comes_although_a_grant_made_the_row_first() {
    let desk = Desk::new(5, Period::Daily, MAY);
    desk.add("ann", 3);
    assert_eq!(desk.buckets("ann"), (3, 0), "a grant seeds nothing");
    desk.advance(TimeDelta::hours(20));
    for _ in 0..2 {
        let balance = desk.ledger.seed_signup_now(&scope("ann"), None).unwrap();
        assert_eq!((balance.purchased.get(), balance.replenish.get()), (3, 5));
        assert_eq!(balance.lifetime_granted, 8);
        assert_eq!(
            balance.last_replenish_at,
            Some((moment(MAY) + TimeDelta::hours(20)).timestamp_millis()),
            "the first period begins at sign-up"
        );
    }
    // A seed lower than what is there takes nothing away.
    desk.add("bob", 1);
    desk.advance(TimeDelta::days(2));
    assert_eq!(desk.buckets("bob"), (1, 5));
    let nothing = Some(Credits::ZERO);
    assert_eq!(desk.ledger.seed_signup_now(&scope("bob"), nothing).unwrap().replenish.get(), 5);
    desk.verify();
}

#[test]
fn adding_triggers_no_refill() {
    let desk = Desk::new(5, Period::Daily, MAY);
    desk.debit("ann", "a");
    desk.advance(TimeDelta::days(1));
    let amount = Credits::amount(2).unwrap();
    let balance = desk.ledger.add_purchased_now(&scope("ann"), amount, grant(None)).unwrap();
    assert_eq!((balance.purchased.get(), balance.replenish.get()), (2, 4));
    assert_eq!(desk.buckets("ann"), (2, 5));
    desk.verify();
}

#[test]
fn a_key_is_paid_out_once_to_one_person_in_one_amount() {
    let desk = Desk::new(0, Period::Off, MAY);
    let two = Credits::amount(2).unwrap();
    let purchase = |key: &str| Addition { kind: AdditionKind::Purchase, ..grant(Some(key)) };
    for _ in 0..50 {
        desk.ledger.add_purchased_now(&scope("ann"), two, purchase("invoice-1")).unwrap();
    }
    assert_eq!(desk.buckets("ann"), (2, 0));
    for (user, amount) in [("bob", 2), ("ann", 3)] {
        let amount = Credits::amount(amount).unwrap();
        let taken = desk.ledger.add_purchased_now(&scope(user), amount, purchase("invoice-1"));
        assert!(matches!(taken, Err(LedgerError::KeyTaken { .. })), "{taken:?}");
    }
    assert_eq!(desk.ledger.journal(&scope("bob"), None, 9).unwrap().entries, []);
    // The same word of another kind is another key; without a key each is its own.
    desk.ledger.add_purchased_now(&scope("ann"), two, grant(Some("invoice-1"))).unwrap();
    desk.add("ann", 2);
    desk.add("ann", 2);
    assert_eq!(desk.buckets("ann"), (8, 0));
    let newest = desk.ledger.journal(&scope("ann"), None, 1).unwrap().entries.remove(0);
    assert_eq!(newest.kind, EntryKind::Grant);
    assert_eq!(newest.reason.as_deref(), Some("for the test"));
    assert_eq!(newest.by_whom.as_deref(), Some("admin"));
    desk.verify();
}

#[test]
fn what_is_added_is_bounded_and_a_refund_finds_room_at_the_bound() {
    let desk = Desk::new(0, Period::Off, MAY);
    let most = Credits::AT_ONCE_MAX;
    for _ in 0..1000 {
        desk.ledger.add_purchased_now(&scope("ann"), most, grant(None)).unwrap();
    }
    assert_eq!(desk.buckets("ann").0, Credits::FULL.get());
    let one = Credits::amount(1).unwrap();
    let over = desk.ledger.add_purchased_now(&scope("ann"), one, grant(Some("over")));
    assert!(matches!(over, Err(LedgerError::TooMany)));
    desk.debit("ann", "a");
    // The key of what was refused is free.
    desk.ledger.add_purchased_now(&scope("ann"), one, grant(Some("over"))).unwrap();
    desk.ledger.refund_now(&scope("ann"), &job("a")).unwrap();
    assert_eq!(desk.buckets("ann").0, Credits::FULL.get() + 1);
    for number in [Credits::ZERO, Credits::new(1_000_001).unwrap()] {
        let refused = desk.ledger.add_purchased_now(&scope("ann"), number, grant(None));
        assert!(matches!(refused, Err(LedgerError::Credits(_))));
    }
    desk.verify();
}

#[test]
fn words_beside_an_addition_are_bounded() {
    let desk = Desk::new(0, Period::Off, MAY);
    let one = Credits::amount(1).unwrap();
    let with = |key: &str, reason: &str, by_whom: &str| {
        let addition = Addition {
            kind: AdditionKind::Grant,
            key: Some(key.to_owned()),
            reason: Some(reason.to_owned()),
            by_whom: by_whom.to_owned(),
        };
        desk.ledger.add_purchased_now(&scope("ann"), one, addition)
    };
    let (long, longer) = ("k".repeat(200), "k".repeat(201));
    with(&long, &"ä".repeat(500), &long).unwrap();
    for (key, reason, by_whom) in [
        ("", "r", "b"),
        ("k", "", "b"),
        ("k", "r", ""),
        (longer.as_str(), "r", "b"),
        ("k", "r", longer.as_str()),
        ("k", &"ä".repeat(501), "b"),
        ("k\0", "r", "b"),
        ("k", "r\0", "b"),
    ] {
        assert!(matches!(with(key, reason, by_whom), Err(LedgerError::Words)));
    }
    // Whatever else it says is kept as it is.
    let hostile = "'); DROP TABLE tenant_credits; -- \r\n\u{202e}<script>";
    with(hostile, hostile, "admin").unwrap();
    assert_eq!(
        desk.ledger.journal(&scope("ann"), None, 1).unwrap().entries[0].reason.as_deref(),
        Some(hostile)
    );
    desk.verify();
}

#[test]
fn a_trial_has_no_credits_here() {
    let desk = Desk::new(5, Period::Off, MAY);
    let trial = scope("anon/visitor");
    let one = Credits::amount(1).unwrap();
    assert!(matches!(desk.ledger.balance_now(&trial), Err(LedgerError::NoUserId(_))));
    assert!(desk.ledger.seed_signup_now(&trial, None).is_err());
    assert!(desk.ledger.add_purchased_now(&trial, one, grant(None)).is_err());
    assert!(desk.ledger.journal(&trial, None, 9).is_err());
    assert!(desk.ledger.forget_now(&trial).is_err());
    assert_eq!(desk.buckets("visitor"), (0, 5), "an account of the same word is another thing");
}

#[test]
fn the_journal_is_read_in_pages_newest_first_without_gaps() {
    let desk = Desk::in_memory(300, Period::Off, MAY);
    for number in 0..230 {
        desk.debit("ann", &format!("j{number}"));
        desk.debit("bob", &format!("j{number}"));
    }
    for limit in [1, 7, 200, 5000] {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = desk.ledger.journal(&scope("ann"), before, limit).unwrap();
            assert!(page.entries.len() <= limit.min(200));
            seen.extend(page.entries.iter().map(|entry| entry.entry));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, (1..=231).rev().collect::<Vec<_>>(), "{limit}");
    }
    assert_eq!(desk.ledger.journal(&scope("ann"), Some(1), 9).unwrap().entries, []);
    assert_eq!(desk.ledger.journal(&scope("ann"), Some(i64::MIN), 9).unwrap().entries, []);
    assert_eq!(desk.ledger.journal(&scope("nobody"), None, 0).unwrap().next, None);
}

#[test]
fn a_deleted_account_leaves_numbers_without_a_name_and_its_keys_stay_used() {
    let desk = Desk::new(5, Period::Off, MAY);
    desk.debit("ann", "secret-job");
    let two = Credits::amount(2).unwrap();
    let purchase = || Addition { kind: AdditionKind::Purchase, ..grant(Some("invoice-1")) };
    desk.ledger.add_purchased_now(&scope("ann"), two, purchase()).unwrap();
    desk.buckets("bob");
    let gone = desk.ledger.forget_now(&scope("ann")).unwrap().unwrap();
    assert!(gone.starts_with("gone/") && !gone.contains("ann"));
    assert_eq!(desk.ledger.forget_now(&scope("ann")).unwrap(), None);
    assert_eq!(desk.ledger.journal(&scope("ann"), None, 9).unwrap().entries, []);
    desk.verify();
    let (total, named): (i64, i64) = desk
        .database
        .read(|conn| -> Result<_, LedgerError> {
            Ok(conn.query_row(
                "SELECT sum(amount), count(key) + count(reason) + count(by_whom)
                 FROM credit_journal WHERE user_id = ?1",
                [&gone],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?)
        })
        .unwrap();
    assert_eq!((total, named), (0, 0));
    // A refund that comes too late and a webhook that comes again give nothing to anybody.
    let late = desk.ledger.refund_now(&scope("ann"), &job("secret-job")).unwrap();
    assert_eq!(late.outcome, RefundOutcome::NeverPaid);
    assert!(desk.ledger.add_purchased_now(&scope("ann"), two, purchase()).is_err());
    assert_eq!(desk.buckets("bob"), (0, 5));
    desk.verify();
}

#[test]
fn rules_are_read_from_the_settings_by_their_names() {
    let read = serde_json::from_value::<CreditRules>;
    let rules = |credits, period| CreditRules::new(credits, period).unwrap();
    for (settings, expected) in [
        (json!({}), rules(5, Period::Off)),
        (json!({"tenant_default_credits": 0}), rules(0, Period::Off)),
        (json!({"tenant_default_credits": -3}), rules(0, Period::Off)),
        (json!({"tenant_credit_replenish_period": "daily"}), rules(5, Period::Daily)),
        (
            json!({"tenant_default_credits": 1_000_000, "tenant_credit_replenish_period": "monthly"}),
            rules(1_000_000, Period::Monthly),
        ),
    ] {
        assert_eq!(read(settings.clone()).unwrap(), expected, "{settings}");
    }
    for settings in [
        json!({"tenant_default_credits": 1_000_001}),
        json!({"tenant_default_credits": 2.5}),
        json!({"tenant_default_credits": "5"}),
        json!({"tenant_credit_replenish_period": "hourly"}),
        json!({"tenant_credit_replenish_period": "Daily"}),
    ] {
        assert!(read(settings.clone()).is_err(), "{settings}");
    }
}

#[tokio::test]
async fn the_daemon_awaits_what_commands_block_for() {
    let desk = Desk::new(1, Period::Off, MAY);
    let (ann, one) = (scope("ann"), Credits::amount(1).unwrap());
    assert_eq!(desk.ledger.seed_signup(&ann, None).await.unwrap().total.get(), 1);
    assert_eq!(desk.ledger.add_purchased(&ann, one, grant(None)).await.unwrap().total.get(), 2);
    let answer = desk.ledger.gate_and_debit(&ann, &job("a")).await.unwrap();
    assert_eq!(taken(&answer), (1, Bucket::Replenish));
    assert_eq!(desk.ledger.refund(&ann, &job("a")).await.unwrap().outcome, RefundOutcome::Given);
    assert_eq!(desk.ledger.balance(&ann).await.unwrap().total.get(), 2);
    assert_eq!(desk.ledger.balance(&scope("bob")).await.unwrap().total.get(), 1);
    assert!(desk.ledger.forget(&ann).await.unwrap().is_some());
    desk.verify();
}
