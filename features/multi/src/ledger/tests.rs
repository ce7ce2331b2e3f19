//! What only the crate itself can do: join the ledger's functions in a transaction of its own, and
//! break rows to see that it is noticed.

use chrono::DateTime;
use recap_mode::ManualClock;

use super::*;

fn ledger() -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("recap.db")).unwrap();
    let now = DateTime::from_timestamp_millis(1_790_000_000_000).unwrap();
    (folder, Ledger::new(database, Arc::new(ManualClock::at(now)), CreditRules::default()))
}

fn scope(id: &str) -> Scope {
    Scope::parse(id).unwrap()
}

fn carried_over(trial: &str) -> Addition {
    Addition {
        kind: AdditionKind::TrialCarryOver,
        key: Some(trial.to_owned()),
        reason: None,
        by_whom: "system".to_owned(),
    }
}

#[test]
fn sign_up_seeds_and_carries_over_in_its_own_transaction_or_not_at_all() {
    let (_folder, ledger) = ledger();
    let sign_up = |fails: bool| {
        let terms = ledger.terms();
        ledger.database.write_now(move |tx| {
            let at = terms.at();
            let user = scope("ann");
            tx.execute("INSERT INTO notes VALUES ('ann')", [])?;
            account::seed_signup(tx, &at, &user, None)?;
            let rest = Credits::amount(1)?;
            let balance = account::add_purchased(tx, &at, &user, rest, &carried_over("t1"))?;
            if fails { Err(LedgerError::Words) } else { Ok(balance.total) }
        })
    };
    ledger
        .database
        .write_now(|tx| -> Result<(), LedgerError> {
            Ok(tx.execute_batch("CREATE TABLE notes (text TEXT) STRICT")?)
        })
        .unwrap();
    assert!(sign_up(true).is_err());
    assert_eq!(ledger.journal(&scope("ann"), None, 10).unwrap().entries, []);
    assert_eq!(sign_up(false).unwrap().get(), 6);
    // Twice is once.
    assert_eq!(sign_up(false).unwrap().get(), 6);
    assert_eq!(ledger.verify().unwrap(), []);
}

#[test]
fn every_way_in_which_a_balance_can_be_wrong_is_named() {
    for (damage, said) in [
        (
            "UPDATE tenant_credits SET purchased_balance = 9",
            "purchased_balance is 9, by the journal it is 3",
        ),
        (
            "UPDATE tenant_credits SET replenish_balance = 5",
            "replenish_balance is 5, by the journal it is 4",
        ),
        (
            "UPDATE tenant_credits SET lifetime_granted = 0",
            "lifetime_granted is 0, by the journal it is 8",
        ),
        (
            "UPDATE tenant_credits SET lifetime_consumed = 7",
            "lifetime_consumed is 7, by the journal it is 1",
        ),
        (
            "DELETE FROM tenant_credits",
            "has no balance, but the journal adds up to 3 purchased and 4 replenish credits",
        ),
        ("DELETE FROM credit_debits", "the journal names job j2, which never paid"),
        (
            "UPDATE credit_debits SET refunded_at = 1 WHERE job = 'j2'",
            "job j2 was paid once and refunded 1 times, the journal has 1 debits and 0 refunds of it",
        ),
        (
            "DROP TRIGGER credit_journal_is_never_deleted; DELETE FROM credit_journal WHERE entry = 2",
            "journal entry 2 is missing before 3",
        ),
        (
            "DROP TRIGGER credit_journal_is_never_deleted; DELETE FROM credit_journal WHERE entry = 5",
            "the number of journal entries is 5, by the journal it is 4",
        ),
        (
            "DROP TRIGGER credit_journal_is_never_changed; UPDATE credit_journal SET amount = 30 WHERE entry = 2",
            "journal entry 2 says 3 purchased and 5 replenish credits, the entries up to it add up to 30 and 5",
        ),
        (
            "INSERT INTO credit_debits VALUES ('bob', 'j9', 'replenish', 1, NULL, NULL)",
            "job j9 was paid once and refunded 0 times, the journal has 0 debits and 0 refunds of it",
        ),
    ] {
        let (_folder, ledger) = ledger();
        let user = scope("ann");
        ledger.balance_now(&user).unwrap();
        ledger.add_purchased_now(&user, Credits::amount(3).unwrap(), carried_over("t1")).unwrap();
        for job in ["j1", "j2"] {
            ledger.gate_and_debit_now(&user, &job.parse().unwrap()).unwrap();
        }
        ledger.refund_now(&user, &"j1".parse().unwrap()).unwrap();
        assert_eq!(ledger.verify().unwrap(), []);
        ledger
            .database
            .write_now(move |tx| -> Result<(), LedgerError> { Ok(tx.execute_batch(damage)?) })
            .unwrap();
        let found: Vec<String> = ledger.verify().unwrap().into_iter().map(|d| d.finding).collect();
        assert!(found.iter().any(|finding| finding == said), "{damage}: {found:?}");
    }
}

#[test]
fn the_journal_refuses_every_change_that_is_no_farewell() {
    let (_folder, ledger) = ledger();
    ledger.balance_now(&scope("ann")).unwrap();
    ledger.balance_now(&scope("bob")).unwrap();
    let before = ledger.journal(&scope("ann"), None, 10).unwrap();
    for tampering in [
        "DELETE FROM credit_journal",
        "UPDATE credit_journal SET amount = 9",
        "UPDATE credit_journal SET reason = 'because'",
        "UPDATE credit_journal SET user_id = 'carol' WHERE user_id = 'ann'",
        "UPDATE credit_journal SET user_id = 'gone/x', key = NULL, reason = NULL, by_whom = 'ann'",
        "UPDATE credit_journal SET user_id = 'gone/x', by_whom = NULL, amount = 4 WHERE user_id = 'ann'",
        "UPDATE credit_journal SET user_id = 'gone/x', by_whom = NULL, at = 4 WHERE user_id = 'ann'",
        "UPDATE credit_journal SET user_id = 'gone/x', by_whom = NULL, entry = 4 WHERE user_id = 'ann'",
        "INSERT OR REPLACE INTO credit_journal VALUES
             ('ann', 1, 1, 'grant', 'purchased', 9, 9, 9, NULL, NULL, NULL)",
        "INSERT INTO credit_journal VALUES
             ('ann', 2, 1, 'theft', 'purchased', 9, 9, 9, NULL, NULL, NULL)",
        "UPDATE tenant_credits SET replenish_balance = -1",
        "UPDATE tenant_credits SET purchased_balance = 2000000001",
        "UPDATE tenant_credits SET purchased_balance = 'many'",
    ] {
        let refused = ledger
            .database
            .write_now(move |tx| -> Result<(), LedgerError> { Ok(tx.execute_batch(tampering)?) });
        assert!(refused.is_err(), "{tampering}");
    }
    assert_eq!(ledger.journal(&scope("ann"), None, 10).unwrap(), before);
    assert_eq!(ledger.verify().unwrap(), []);
}
