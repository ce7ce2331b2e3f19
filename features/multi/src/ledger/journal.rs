//! The journal: one entry for every change of a balance, oldest first, never changed. What may
//! change a balance is not decided here.

use recap_mode::Scope;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, params};
use serde::Serialize;

use super::{LedgerError, user_id};

/// Entries on a page at most.
pub const JOURNAL_PAGE_MAX: usize = 200;

/// One half of a person's credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// Reset at each boundary; spent first.
    Replenish,
    /// Permanent.
    Purchased,
}

/// Why a balance changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// The credits everybody begins with.
    Seed,
    /// The replenish bucket was reset to the default; what was left of the old period is forfeit.
    Refill,
    /// One credit paid for one job.
    Debit,
    /// The credit of a job that failed came back; 0 where its period was over.
    Refund,
    /// An admin gave it.
    Grant,
    /// It was bought.
    Purchase,
    /// What was left of a trial at sign-up.
    TrialCarryOver,
    /// The account was deleted with credits left.
    Closing,
}

/// The words of the closed lists as they stand in the database.
macro_rules! stored_as_word {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// As it stands in the database and in JSON.
            pub fn word(self) -> &'static str {
                match self { $($type::$variant => $word),+ }
            }
        }

        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.word().as_bytes())))
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<$type> {
                match value.as_str()? {
                    $($word => Ok($type::$variant),)+
                    _ => Err(FromSqlError::InvalidType),
                }
            }
        }
    };
}

stored_as_word!(Bucket { Replenish = "replenish", Purchased = "purchased" });
stored_as_word!(EntryKind {
    Seed = "seed",
    Refill = "refill",
    Debit = "debit",
    Refund = "refund",
    Grant = "grant",
    Purchase = "purchase",
    TrialCarryOver = "trial_carry_over",
    Closing = "closing",
});

/// One change of a balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct JournalEntry {
    /// Its number among the person's own, from 1 on, without gaps.
    pub entry: i64,
    /// When, in epoch milliseconds.
    pub at: i64,
    /// Why.
    pub kind: EntryKind,
    /// Which half changed.
    pub bucket: Bucket,
    /// By how much. 0 where a refill found the bucket full or a refund came too late.
    pub amount: i64,
    /// The permanent half afterwards.
    pub purchased_after: i64,
    /// The refilled half afterwards.
    pub replenish_after: i64,
    /// The job of a debit or refund, the invoice of a purchase, the trial of a carry-over.
    pub key: Option<String>,
    /// What an admin wrote beside it.
    pub reason: Option<String>,
    /// Who did it: `system`, or an admin's id.
    pub by_whom: Option<String>,
}

/// A page of entries, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct JournalPage {
    /// At most [`JOURNAL_PAGE_MAX`] entries.
    pub entries: Vec<JournalEntry>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<i64>,
}

/// Columns of an entry in the order in which [`read_entry`] takes them.
pub(super) const COLUMNS: &str =
    "entry, at, kind, bucket, amount, purchased_after, replenish_after, key, reason, by_whom";

pub(super) fn read_entry(row: &Row<'_>) -> rusqlite::Result<JournalEntry> {
    Ok(JournalEntry {
        entry: row.get(0)?,
        at: row.get(1)?,
        kind: row.get(2)?,
        bucket: row.get(3)?,
        amount: row.get(4)?,
        purchased_after: row.get(5)?,
        replenish_after: row.get(6)?,
        key: row.get(7)?,
        reason: row.get(8)?,
        by_whom: row.get(9)?,
    })
}

/// The page of `user`'s entries before the number `before` (`None`: the newest).
pub(super) fn page(
    conn: &Connection,
    user: &Scope,
    before: Option<i64>,
    limit: usize,
) -> Result<JournalPage, LedgerError> {
    let user = user_id(user)?;
    let limit = limit.clamp(1, JOURNAL_PAGE_MAX);
    let mut newest_first = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM credit_journal WHERE user_id = ?1 AND entry < ?2
         ORDER BY entry DESC LIMIT ?3"
    ))?;
    // One more than asked for shows whether there is another page.
    let rows = newest_first
        .query_map(params![user, before.unwrap_or(i64::MAX), limit as i64 + 1], read_entry)?;
    let mut entries = rows.collect::<Result<Vec<_>, _>>()?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|last| last.entry);
    Ok(JournalPage { entries, next })
}
