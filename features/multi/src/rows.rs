//! How times, ids and words stand in rows: epoch milliseconds and text.

use std::pin::pin;
use std::task::{Context, Waker};

use chrono::{DateTime, Utc};
use recap_mode::Entropy;
use rusqlite::Connection;
use rusqlite::types::{FromSqlError, FromSqlResult, ValueRef};
use uuid::Builder;

use crate::database::{Database, DatabaseError};

/// A time as a column.
pub(crate) fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

/// A column as a time.
pub(crate) fn time(ms: i64) -> DateTime<Utc> {
    // Out of range is a year beyond 262,000, which no row of ours holds: the nearest end will do.
    DateTime::from_timestamp_millis(ms).unwrap_or(if ms < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}

/// A new id of a row: UUID version 7 (RFC 9562), lower case, so that it is a safe folder name, no
/// two differ by case alone, and rows made one after the other lie side by side.
pub(crate) fn new_id(now: DateTime<Utc>, entropy: &dyn Entropy) -> String {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    let ms = u64::try_from(millis(now)).unwrap_or(0);
    Builder::from_unix_timestamp_millis(ms, &random).into_uuid().hyphenated().to_string()
}

/// Reads a word of a closed list out of a column.
pub(crate) fn word<T: std::str::FromStr>(value: ValueRef<'_>) -> FromSqlResult<T> {
    value.as_str()?.parse().map_err(|_| FromSqlError::InvalidType)
}

/// Hands a write in and waits for nothing: for notes that may be lost, and for the end of a pass,
/// which can stand in a `Drop`. A database that closes still writes what was handed in.
pub(crate) fn write_soon(
    database: &Database,
    act: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
) {
    // A write is handed in by the first poll, and dropping its future undoes nothing.
    let handed_in = pin!(database.write(move |tx| act(tx).map_err(DatabaseError::from)));
    if let std::task::Poll::Ready(Err(error)) =
        handed_in.poll(&mut Context::from_waker(Waker::noop()))
    {
        tracing::warn!(%error, "a note about a session was not written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use recap_mode::{Scope, SeededEntropy};

    #[test]
    fn an_id_is_a_scope_and_sorts_by_its_time() {
        let entropy = SeededEntropy::new(1);
        let mut last = String::new();
        for ms in [0, 1, 1_763_632_800_000, 4_102_444_800_000] {
            let id = new_id(time(ms), &entropy);
            assert!(Scope::parse(&id).is_ok() && id == id.to_lowercase() && id > last, "{id}");
            assert!(Scope::parse(&format!("anon/{id}")).is_ok());
            last = id;
        }
        assert_ne!(new_id(time(5), &entropy), new_id(time(5), &entropy));
    }

    #[test]
    fn a_time_comes_back_to_the_millisecond() {
        let at = "2026-11-20T10:00:00.123Z".parse().unwrap();
        assert_eq!(time(millis(at)), at);
        assert_eq!(time(i64::MAX), DateTime::<Utc>::MAX_UTC);
        assert_eq!(time(i64::MIN), DateTime::<Utc>::MIN_UTC);
    }
}
