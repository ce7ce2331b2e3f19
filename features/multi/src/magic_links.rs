//! Magic links as rows: made, looked at, used once. Everything here works inside a transaction; who
//! gets one and what follows a sign-in stands in `sign_in`.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use crate::email::Email;
use crate::rows::millis;
use crate::tokens::{Code, Token, TokenHash};

/// Minutes that a link lives, counted from the moment it was asked for.
pub const LINK_MINUTES: i64 = 10;

/// Codes that may be tried for one mail. With 40 bits, five tries are no chance.
pub const CODE_TRIES_MAX: i64 = 5;

/// The secrets of one mail.
#[derive(Clone, Debug)]
pub(crate) struct LinkSecrets {
    pub token: Token,
    pub code: Code,
}

/// Makes a link that works until `expires_at`.
pub(crate) fn insert(
    tx: &Connection,
    secrets: &LinkSecrets,
    browser: &TokenHash,
    email: &Email,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> rusqlite::Result<()> {
    // Never longer than its life from now, whatever the clock did since it was asked for.
    let end = expires_at.min(now + TimeDelta::minutes(LINK_MINUTES));
    tx.prepare_cached(
        "INSERT INTO magic_links
             (token_hash, code_hash, browser_hash, email, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        secrets.token.hash().as_bytes(),
        secrets.code.hash(browser).as_bytes(),
        browser.as_bytes(),
        email.as_str(),
        millis(now),
        millis(end),
    ])?;
    Ok(())
}

/// Whose a link is and which browser asked for it, without using it.
pub(crate) fn look(
    db: &Connection,
    token: &TokenHash,
    now: DateTime<Utc>,
) -> rusqlite::Result<Option<(Email, TokenHash)>> {
    db.prepare_cached(
        "SELECT email, browser_hash FROM magic_links
         WHERE token_hash = ?1 AND used_at IS NULL AND expires_at > ?2",
    )?
    .query_row(params![token.as_bytes(), millis(now)], |row| {
        Ok((Email::of_stored(row.get(0)?), row.get::<_, Vec<u8>>(1)?))
    })
    .optional()
    .map(|found| found.and_then(|(email, hash)| Some((email, TokenHash::of_stored(&hash)?))))
}

/// Uses a link: once, and with it all others of the same address. `None` where it is over.
pub(crate) fn use_token(
    tx: &Connection,
    token: &TokenHash,
    now: DateTime<Utc>,
) -> rusqlite::Result<Option<Email>> {
    void_what_is_over(tx, now)?;
    let email = look(tx, token, now)?.map(|(email, _)| email);
    if let Some(email) = &email {
        void_all(tx, email, now)?;
    }
    Ok(email)
}

/// Tries a code in the browser that asked. Each wrong one is counted, and after
/// [`CODE_TRIES_MAX`] only the link still works.
pub(crate) fn use_code(
    tx: &Connection,
    browser: &TokenHash,
    code: Option<&Code>,
    now: DateTime<Utc>,
) -> rusqlite::Result<Option<Email>> {
    void_what_is_over(tx, now)?;
    let rows: Vec<(Vec<u8>, String)> = tx
        .prepare_cached(
            "SELECT code_hash, email FROM magic_links
             WHERE browser_hash = ?1 AND used_at IS NULL AND expires_at > ?2 AND attempts < ?3",
        )?
        .query_map(params![browser.as_bytes(), millis(now), CODE_TRIES_MAX], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let given = code.map(|code| code.hash(browser));
    let email = rows
        .into_iter()
        .find(|(stored, _)| given.is_some() && TokenHash::of_stored(stored) == given)
        .map(|(_, email)| Email::of_stored(email));
    match &email {
        Some(email) => void_all(tx, email, now)?,
        None => {
            tx.prepare_cached(
                "UPDATE magic_links SET attempts = attempts + 1
                 WHERE browser_hash = ?1 AND attempts < ?2",
            )?
            .execute(params![browser.as_bytes(), CODE_TRIES_MAX])?;
        }
    }
    Ok(email)
}

/// Ends all links of an address: it just signed in, or the account is going.
pub(crate) fn void_all(tx: &Connection, email: &Email, now: DateTime<Utc>) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE magic_links SET used_at = ?2 WHERE email = ?1 AND used_at IS NULL")?
        .execute(params![email.as_str(), millis(now)])?;
    Ok(())
}

/// Deletes what is over; a link that is not there is refused in the same words. Returns how many.
pub(crate) fn sweep(tx: &Connection, now: DateTime<Utc>) -> rusqlite::Result<usize> {
    tx.prepare_cached("DELETE FROM magic_links WHERE expires_at <= ?1")?.execute([millis(now)])
}

/// Before a clock that is set back can bring one to life again.
fn void_what_is_over(tx: &Connection, now: DateTime<Utc>) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE magic_links SET used_at = ?1 WHERE expires_at <= ?1 AND used_at IS NULL",
    )?
    .execute([millis(now)])?;
    Ok(())
}
