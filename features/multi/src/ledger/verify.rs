//! Does every balance follow from its journal? Reads only, changes nothing, mends nothing.

use std::collections::BTreeMap;
use std::fmt;

use rusqlite::Connection;
use serde::Serialize;

use super::LedgerError;
use super::account::{Row, find_row};
use super::journal::{Bucket, COLUMNS, EntryKind, JournalEntry, read_entry};

/// One thing that does not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whose credits.
    pub user_id: String,
    /// What does not agree with what, as a sentence.
    pub finding: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.user_id, self.finding)
    }
}

/// What a journal adds up to.
#[derive(Default)]
struct Sum {
    purchased: i64,
    replenish: i64,
    granted: i64,
    consumed: i64,
    entries: i64,
    /// Debits and refunds of each job.
    jobs: BTreeMap<String, (i64, i64)>,
}

/// Every difference there is, by person.
pub(super) fn differences(conn: &Connection) -> Result<Vec<Difference>, LedgerError> {
    let mut found = Vec::new();
    let mut people = conn.prepare(
        "SELECT user_id FROM tenant_credits UNION SELECT user_id FROM credit_journal
         UNION SELECT user_id FROM credit_debits ORDER BY 1",
    )?;
    let people = people.query_map([], |row| row.get::<_, String>(0))?;
    for person in people {
        let user = person?;
        let mut say = |finding: String| found.push(Difference { user_id: user.clone(), finding });
        let sum = add_up(conn, &user, &mut say)?;
        compare(&sum, find_row(conn, &user)?.as_ref(), &mut say);
        if !user.starts_with("gone/") {
            compare_jobs(conn, &user, &sum, &mut say)?;
        }
    }
    Ok(found)
}

fn add_up(conn: &Connection, user: &str, say: &mut impl FnMut(String)) -> Result<Sum, LedgerError> {
    let mut sum = Sum::default();
    let mut entries = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM credit_journal WHERE user_id = ?1 ORDER BY entry"
    ))?;
    for entry in entries.query_map([user], read_entry)? {
        let JournalEntry {
            entry, kind, bucket, amount, purchased_after, replenish_after, key, ..
        } = entry?;
        sum.entries += 1;
        if entry != sum.entries {
            say(format!("journal entry {} is missing before {entry}", sum.entries));
            sum.entries = entry;
        }
        match bucket {
            Bucket::Purchased => sum.purchased += amount,
            Bucket::Replenish => sum.replenish += amount,
        }
        if (purchased_after, replenish_after) != (sum.purchased, sum.replenish) {
            say(format!(
                "journal entry {entry} says {purchased_after} purchased and {replenish_after} replenish credits, the \
                 entries up to it add up to {} and {}",
                sum.purchased, sum.replenish
            ));
            // The same difference once, not again at each later entry.
            (sum.purchased, sum.replenish) = (purchased_after, replenish_after);
        }
        let job = || key.clone().unwrap_or_default();
        match kind {
            EntryKind::Debit => {
                sum.consumed += 1;
                sum.jobs.entry(job()).or_default().0 += 1;
            }
            EntryKind::Refund => {
                sum.consumed -= 1;
                sum.jobs.entry(job()).or_default().1 += 1;
            }
            EntryKind::Refill | EntryKind::Closing => {}
            EntryKind::Seed
            | EntryKind::Grant
            | EntryKind::Purchase
            | EntryKind::TrialCarryOver => sum.granted += amount,
        }
    }
    Ok(sum)
}

fn compare(sum: &Sum, row: Option<&Row>, say: &mut impl FnMut(String)) {
    let Some(row) = row else {
        if (sum.purchased, sum.replenish) != (0, 0) {
            say(format!(
                "has no balance, but the journal adds up to {} purchased and {} replenish credits",
                sum.purchased, sum.replenish
            ));
        }
        return;
    };
    for (what, stands, follows) in [
        ("purchased_balance", row.purchased, sum.purchased),
        ("replenish_balance", row.replenish, sum.replenish),
        ("lifetime_granted", row.lifetime_granted, sum.granted),
        ("lifetime_consumed", row.lifetime_consumed, sum.consumed),
        ("the number of journal entries", row.entries, sum.entries),
    ] {
        if stands != follows {
            say(format!("{what} is {stands}, by the journal it is {follows}"));
        }
    }
}

fn compare_jobs(
    conn: &Connection,
    user: &str,
    sum: &Sum,
    say: &mut impl FnMut(String),
) -> Result<(), LedgerError> {
    let mut jobs = sum.jobs.clone();
    let mut debits = conn.prepare_cached(
        "SELECT job, refunded_at IS NOT NULL FROM credit_debits WHERE user_id = ?1",
    )?;
    let debits =
        debits.query_map([user], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    for debit in debits {
        let (job, refunded) = debit?;
        let (paid, given_back) = jobs.remove(&job).unwrap_or_default();
        if (paid, given_back) != (1, refunded) {
            say(format!(
                "job {job} was paid once and refunded {refunded} times, the journal has {paid} debits and \
                 {given_back} refunds of it"
            ));
        }
    }
    for job in jobs.into_keys() {
        say(format!("the journal names job {job}, which never paid"));
    }
    Ok(())
}
