//! Mail that is to be sent, as rows: what to say and to whom, never the words, so that no secret
//! lies on the disk. Rows only; who gets what, and the sending, stand in `posting`.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::rows::{millis, time};

/// Letters that wait at most: a flood of asks must not fill the disk.
pub const OUTBOX_MAX: i64 = 10_000;

/// Seconds that one try owns its letter; a process killed while sending leaves it to the next try
/// after this time. Longer than sending may take.
pub(crate) const CLAIM_SECONDS: i64 = 60;

/// What a letter is to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Letter {
    /// A link and a code for signing in.
    SignIn {
        /// Hash of the asking browser's cookie, in hexadecimal digits.
        browser: String,
        /// From which network it was asked for.
        network: String,
    },
}

impl Letter {
    fn kind(&self) -> &'static str {
        match self {
            Letter::SignIn { .. } => "sign_in",
        }
    }
}

/// A letter that this process has taken in hand.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub id: String,
    pub letter: Letter,
    pub recipient: Email,
    pub expires_at: DateTime<Utc>,
    /// Tries before this one.
    pub tries: i64,
}

/// Puts a letter in; `false` where the outbox is full.
pub(crate) fn put(
    tx: &Connection,
    id: &str,
    letter: &Letter,
    recipient: &Email,
    now: DateTime<Utc>,
    life: TimeDelta,
) -> rusqlite::Result<bool> {
    let payload = serde_json::to_string(letter)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let put = tx
        .prepare_cached(
            "INSERT INTO outbox (id, kind, recipient, payload, created_at, expires_at, not_before)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?5 WHERE (SELECT count(*) FROM outbox) < ?7",
        )?
        .execute(params![
            id,
            letter.kind(),
            recipient.as_str(),
            payload,
            millis(now),
            millis(now + life),
            OUTBOX_MAX
        ])?;
    Ok(put > 0)
}

/// Takes the next letter whose turn has come, for [`CLAIM_SECONDS`]. Letters that are over, or that
/// this version cannot read, are thrown away.
pub(crate) fn claim(tx: &Connection, now: DateTime<Utc>) -> rusqlite::Result<Option<Claimed>> {
    tx.prepare_cached("DELETE FROM outbox WHERE expires_at <= ?1")?.execute([millis(now)])?;
    loop {
        let next: Option<(String, String, String, i64, i64)> = tx
            .prepare_cached(
                "SELECT id, payload, recipient, expires_at, tries FROM outbox
                 WHERE not_before <= ?1 ORDER BY not_before, created_at LIMIT 1",
            )?
            .query_row([millis(now)], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .optional()?;
        let Some((id, payload, recipient, expires_at, tries)) = next else { return Ok(None) };
        let Ok(letter) = serde_json::from_str(&payload) else {
            tracing::warn!("a letter of an unknown kind was taken out of the outbox, unsent");
            remove(tx, &id)?;
            continue;
        };
        tx.prepare_cached("UPDATE outbox SET tries = tries + 1, not_before = ?2 WHERE id = ?1")?
            .execute(params![id, millis(now + TimeDelta::seconds(CLAIM_SECONDS))])?;
        let recipient = Email::of_stored(recipient);
        return Ok(Some(Claimed { id, letter, recipient, expires_at: time(expires_at), tries }));
    }
}

/// Takes a letter out: it was sent, or never will be.
pub(crate) fn remove(tx: &Connection, id: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([id]).map(drop)
}

/// Puts a letter back until `at`, or takes it out where it would be over by then. Says which.
pub(crate) fn put_back(tx: &Connection, id: &str, at: DateTime<Utc>) -> rusqlite::Result<bool> {
    let kept = tx
        .prepare_cached("UPDATE outbox SET not_before = ?2 WHERE id = ?1 AND expires_at > ?2")?
        .execute(params![id, millis(at)])?;
    if kept == 0 {
        remove(tx, id)?;
    }
    Ok(kept > 0)
}

/// When the next letter's turn comes.
pub(crate) fn next_turn(db: &Connection) -> rusqlite::Result<Option<DateTime<Utc>>> {
    db.prepare_cached("SELECT min(not_before) FROM outbox")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))
        .map(|at| at.map(time))
}

/// Takes out everything that is meant for an address: the account is going.
pub(crate) fn forget(tx: &Connection, recipient: &Email) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM outbox WHERE recipient = ?1")?
        .execute([recipient.as_str()])
        .map(drop)
}
