//! How often something may happen, counted in rows, so that neither a restart nor a second process
//! forgets. Works inside a transaction only: what is counted and what it guards stand or fall
//! together.
//!
//! Each key is a bucket that takes `count` at once and drains evenly over `per` (the generic cell
//! rate algorithm of ITU-T I.371): one number a key, and no burst at a window's edge.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::rows::millis;

/// `count` at once, and again as many over `per_minutes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// How many at once; 0 allows nothing.
    pub count: u32,
    /// Minutes after which all of them are free again; at least 1.
    pub per_minutes: u32,
}

impl RateLimit {
    /// A limit of `count` in `per_minutes`.
    pub const fn new(count: u32, per_minutes: u32) -> RateLimit {
        RateLimit { count, per_minutes }
    }

    fn per_ms(self) -> i64 {
        i64::from(self.per_minutes.max(1)) * 60_000
    }

    fn step_ms(self) -> i64 {
        // Rounded up: `count` steps fill the bucket, none more.
        let count = i64::from(self.count.max(1));
        (self.per_ms() + count - 1) / count
    }
}

/// The answer of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was counted.
    Yes,
    /// Nothing was counted; there is room again after this time.
    Full(TimeDelta),
}

/// Counts one of `kind` for `key`, if there is room.
pub(crate) fn take(
    tx: &Connection,
    kind: &str,
    key: &str,
    limit: RateLimit,
    now: DateTime<Utc>,
) -> rusqlite::Result<Taken> {
    let full_ms = limit.per_ms();
    if limit.count == 0 {
        return Ok(Taken::Full(TimeDelta::milliseconds(full_ms)));
    }
    let empty_at = empty_at(tx, kind, key, limit, now)?;
    let after = empty_at + limit.step_ms();
    let over_ms = after - millis(now) - full_ms.max(limit.step_ms() * i64::from(limit.count));
    if over_ms > 0 {
        return Ok(Taken::Full(TimeDelta::milliseconds(over_ms)));
    }
    tx.prepare_cached(
        "INSERT INTO rate_limits (kind, key, empty_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (kind, key) DO UPDATE SET empty_at = excluded.empty_at",
    )?
    .execute(params![kind, key, after])?;
    Ok(Taken::Yes)
}

/// Gives one back: a try that turned out right does not count as a wrong one.
pub(crate) fn give_back(
    tx: &Connection,
    kind: &str,
    key: &str,
    limit: RateLimit,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE rate_limits SET empty_at = empty_at - ?3 WHERE kind = ?1 AND key = ?2",
    )?
    .execute(params![kind, key, limit.step_ms()])?;
    Ok(())
}

/// Forgets the buckets that are empty again. Returns how many.
pub(crate) fn sweep(tx: &Connection, now: DateTime<Utc>) -> rusqlite::Result<usize> {
    tx.prepare_cached("DELETE FROM rate_limits WHERE empty_at <= ?1")?.execute([millis(now)])
}

fn empty_at(
    tx: &Connection,
    kind: &str,
    key: &str,
    limit: RateLimit,
    now: DateTime<Utc>,
) -> rusqlite::Result<i64> {
    let stored: Option<i64> = tx
        .prepare_cached("SELECT empty_at FROM rate_limits WHERE kind = ?1 AND key = ?2")?
        .query_row(params![kind, key], |row| row.get(0))
        .optional()?;
    let now = millis(now);
    // A clock that was set back must not lock anybody out for longer than one period.
    let latest = now + limit.per_ms().max(limit.step_ms() * i64::from(limit.count));
    if stored.is_some_and(|stored| stored > latest) {
        tx.prepare_cached("UPDATE rate_limits SET empty_at = ?3 WHERE kind = ?1 AND key = ?2")?
            .execute(params![kind, key, latest])?;
    }
    Ok(stored.unwrap_or(now).clamp(now, latest))
}

/// "in 3 minutes", for a person who has to wait.
pub(crate) fn in_words(wait: TimeDelta) -> String {
    let minutes = (wait.num_seconds().max(1) + 59) / 60;
    match minutes {
        1 => "in a minute".to_owned(),
        2..=90 => format!("in {minutes} minutes"),
        _ => format!("in {} hours", (minutes + 59) / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = include_str!("schema/0001_accounts.sql");

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn open() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(SCHEMA).unwrap();
        db
    }

    #[test]
    fn exactly_the_count_fits_at_once_and_one_more_after_each_step() {
        for (count, per_minutes) in [(1, 1), (3, 60), (5, 10), (7, 60), (1000, 1)] {
            let (db, limit) = (open(), RateLimit::new(count, per_minutes));
            let mut now = at("2026-11-20T10:00:00Z");
            for n in 0..count {
                assert_eq!(take(&db, "x", "k", limit, now).unwrap(), Taken::Yes, "{limit:?} {n}");
            }
            let Taken::Full(wait) = take(&db, "x", "k", limit, now).unwrap() else {
                panic!("{limit:?} takes one more")
            };
            assert!(wait > TimeDelta::zero() && wait <= TimeDelta::minutes(per_minutes.into()));
            assert_eq!(take(&db, "x", "other", limit, now).unwrap(), Taken::Yes);
            assert_eq!(take(&db, "y", "k", limit, now).unwrap(), Taken::Yes);
            now += wait - TimeDelta::milliseconds(1);
            assert!(matches!(take(&db, "x", "k", limit, now).unwrap(), Taken::Full(_)));
            now += TimeDelta::milliseconds(1);
            assert_eq!(take(&db, "x", "k", limit, now).unwrap(), Taken::Yes);
            assert!(matches!(take(&db, "x", "k", limit, now).unwrap(), Taken::Full(_)));
        }
    }

    #[test]
    fn nothing_fits_into_a_limit_of_nothing() {
        let taken = take(&open(), "x", "k", RateLimit::new(0, 5), at("2026-11-20T10:00:00Z"));
        assert!(matches!(taken.unwrap(), Taken::Full(_)));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let (db, limit, now) = (open(), RateLimit::new(2, 10), at("2026-11-20T10:00:00Z"));
        take(&db, "x", "k", limit, now).unwrap();
        take(&db, "x", "k", limit, now).unwrap();
        give_back(&db, "x", "k", limit).unwrap();
        assert_eq!(take(&db, "x", "k", limit, now).unwrap(), Taken::Yes);
        assert!(matches!(take(&db, "x", "k", limit, now).unwrap(), Taken::Full(_)));
    }

    #[test]
    fn a_clock_set_back_by_years_locks_nobody_out_for_longer_than_one_period() {
        let (db, limit) = (open(), RateLimit::new(2, 10));
        take(&db, "x", "k", limit, at("2036-11-20T10:00:00Z")).unwrap();
        let now = at("2026-11-20T10:00:00Z");
        let Taken::Full(wait) = take(&db, "x", "k", limit, now).unwrap() else { panic!("open") };
        assert!(wait <= TimeDelta::minutes(10));
        assert_eq!(take(&db, "x", "k", limit, now + wait).unwrap(), Taken::Yes);
    }

    #[test]
    fn an_empty_bucket_is_swept_and_a_full_one_stays() {
        let (db, limit, now) = (open(), RateLimit::new(2, 10), at("2026-11-20T10:00:00Z"));
        take(&db, "x", "k", limit, now).unwrap();
        assert_eq!(
            sweep(&db, now + TimeDelta::minutes(5) - TimeDelta::milliseconds(1)).unwrap(),
            0
        );
        assert_eq!(sweep(&db, now + TimeDelta::minutes(5)).unwrap(), 1);
        assert_eq!(sweep(&db, now + TimeDelta::days(1)).unwrap(), 0);
    }

    #[test]
    fn a_wait_is_told_in_words() {
        for (seconds, words) in [
            (0, "in a minute"),
            (60, "in a minute"),
            (61, "in 2 minutes"),
            (5400, "in 90 minutes"),
            (5401, "in 2 hours"),
            (86_400, "in 24 hours"),
        ] {
            assert_eq!(in_words(TimeDelta::seconds(seconds)), words);
        }
    }
}
