//! Sign-ins as rows: found by a cookie's hash, ended at once and everywhere, swept when over; and
//! the passes with which the daemon acts for a scope's owner.
//!
//! Each request looks into the database anew: a sign-out by another process holds at once. Who may
//! sign in is decided elsewhere.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use recap_mode::{Clock, Entropy, Pass, Scope};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::database::{Database, DatabaseError};
use crate::refusal::Refusal;
use crate::rows::{millis, new_id, time, write_soon};
use crate::tenants::{self, Tenant};
use crate::tokens::{Token, TokenHash};

/// The session's cookie.
pub const COOKIE_NAME: &str = "recap_session";

/// Days that a person's sign-in lasts, counted from the sign-in.
pub const SESSION_DAYS: i64 = 30;

/// Minutes that a pass lasts: longer than any hand-over takes, short enough after a kill.
pub const PASS_MINUTES: i64 = 5;

/// Sign-ins that one person has at a time: with one more, the one unused for longest ends.
pub const SESSIONS_MAX: usize = 50;

/// Characters that are kept of a browser's name.
pub const LABEL_CHARS_MAX: usize = 120;

/// Minutes after which the last use of a session is noted again: a write for each request would
/// make reading as dear as writing.
const SEEN_MINUTES: i64 = 10;

/// A sign-in that was found by its cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// For the list and for ending this one; no secret.
    pub id: String,
    /// Whose it is.
    pub tenant: Tenant,
    /// Whether the daemon itself is asking, with a pass.
    pub is_pass: bool,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
}

/// A line of the list of sign-ins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionLine {
    /// For ending this one.
    pub id: String,
    /// The browser, as it named itself at sign-in: untrusted text.
    pub label: String,
    /// When the sign-in was.
    pub created_at: DateTime<Utc>,
    /// The last use, to about ten minutes.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
}

/// The sign-ins of all tenants.
pub struct Sessions {
    database: Database,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Sessions {
    /// Over a database.
    pub fn new(database: Database, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Sessions {
        Sessions { database, clock, entropy }
    }

    /// Who shows this cookie's value; `None` for one that is unknown, over or no token at all.
    ///
    /// # Errors
    /// The database alone.
    pub fn authenticate(&self, cookie: &str) -> Result<Option<Session>, Refusal> {
        let Some(hash) = TokenHash::of_presented(cookie) else { return Ok(None) };
        let now = self.clock.now();
        let found = self.database.read(|db| Ok::<_, DatabaseError>(find(db, &hash)?))?;
        let Some((session, last_seen_at)) = found else { return Ok(None) };
        if session.expires_at <= now {
            // Gone for good: a clock that is set back does not bring it to life again.
            write_soon(&self.database, move |tx| end_by_hash(tx, &hash).map(drop));
            return Ok(None);
        }
        if now - last_seen_at >= TimeDelta::minutes(SEEN_MINUTES) {
            let seen = millis(now);
            write_soon(&self.database, move |tx| {
                tx.prepare_cached("UPDATE sessions SET last_seen_at = ?2 WHERE token_hash = ?1")?
                    .execute(params![hash.as_bytes(), seen])
                    .map(drop)
            });
        }
        Ok(Some(session))
    }

    /// Ends the sign-in of this cookie; `false` where there was none.
    ///
    /// # Errors
    /// The database alone.
    pub async fn sign_out(&self, cookie: &str) -> Result<bool, Refusal> {
        let Some(hash) = TokenHash::of_presented(cookie) else { return Ok(false) };
        let ended =
            self.database.write(move |tx| end_by_hash(tx, &hash).map_err(DatabaseError::from));
        Ok(ended.await?)
    }

    /// Ends one of a tenant's own sign-ins, by its id in the list; `false` where they have none
    /// such.
    ///
    /// # Errors
    /// The database alone.
    pub async fn end(&self, user_id: &str, session_id: &str) -> Result<bool, Refusal> {
        let (user_id, session_id) = (user_id.to_owned(), session_id.to_owned());
        let ended = self.database.write(move |tx| {
            let ended = tx
                .prepare_cached(
                    "DELETE FROM sessions WHERE id = ?2 AND user_id = ?1 AND kind = 'person'",
                )?
                .execute([user_id, session_id])?;
            Ok::<_, DatabaseError>(ended > 0)
        });
        Ok(ended.await?)
    }

    /// Ends every sign-in of a tenant, this one included, and passes too: what the daemon was about
    /// to do for them fails and can be tried again. Returns how many.
    ///
    /// # Errors
    /// The database alone.
    pub async fn end_all(&self, user_id: &str) -> Result<usize, Refusal> {
        let user_id = user_id.to_owned();
        let ended = self.database.write(move |tx| Ok::<_, DatabaseError>(end_all(tx, &user_id)?));
        Ok(ended.await?)
    }

    /// A tenant's sign-ins that hold, the latest used first; at most [`SESSIONS_MAX`]. Passes are
    /// not among them.
    ///
    /// # Errors
    /// The database alone.
    pub fn list(&self, user_id: &str) -> Result<Vec<SessionLine>, Refusal> {
        let now = self.clock.now();
        Ok(self.database.read(|db| {
            let lines = db
                .prepare_cached(
                    "SELECT id, label, created_at, last_seen_at, expires_at FROM sessions
                 WHERE user_id = ?1 AND kind = 'person' AND expires_at > ?2
                 ORDER BY last_seen_at DESC, id DESC LIMIT ?3",
                )?
                .query_map(params![user_id, millis(now), SESSIONS_MAX as i64], |row| {
                    Ok(SessionLine {
                        id: row.get(0)?,
                        label: row.get(1)?,
                        created_at: time(row.get(2)?),
                        last_seen_at: time(row.get(3)?),
                        expires_at: time(row.get(4)?),
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok::<_, DatabaseError>(lines)
        })?)
    }

    /// A sign-in of [`PASS_MINUTES`] with which the daemon acts as the scope's owner; its row is
    /// deleted when the pass is dropped.
    ///
    /// # Errors
    /// [`Refusal::NobodyToActAs`] for `owner` before there is an admin, for a trial, and for a
    /// tenant who is gone or became the admin.
    pub async fn pass_for(&self, scope: &Scope) -> Result<Pass, Refusal> {
        let now = self.clock.now();
        let token = Token::random(&*self.entropy);
        let hash = token.hash();
        let id = new_id(now, &*self.entropy);
        let of = scope.clone();
        let made = self.database.write(move |tx| {
            let Some(tenant) = tenants::of_scope(tx, &of)? else { return Ok(false) };
            let life = TimeDelta::minutes(PASS_MINUTES);
            insert(tx, &NewSession { hash, id, kind: "pass", life, label: "" }, &tenant.id, now)?;
            Ok::<_, DatabaseError>(true)
        });
        if !made.await? {
            return Err(Refusal::NobodyToActAs(scope.clone()));
        }
        let database = self.database.clone();
        let end = move || write_soon(&database, move |tx| end_by_hash(tx, &hash).map(drop));
        Ok(Pass::with_cookie(format!("{COOKIE_NAME}={}", token.as_str()), end))
    }

    /// Deletes what is over. Returns how many rows went.
    ///
    /// # Errors
    /// The database alone.
    pub async fn sweep(&self) -> Result<usize, Refusal> {
        let now = self.clock.now();
        let swept = self.database.write(move |tx| Ok::<_, DatabaseError>(sweep(tx, now)?));
        Ok(swept.await?)
    }

    /// Deletes every pass: at boot they are those of a process that was killed. Returns how many.
    ///
    /// # Errors
    /// The database alone.
    pub async fn sweep_passes(&self) -> Result<usize, Refusal> {
        let swept = self.database.write(|tx| {
            Ok::<_, DatabaseError>(tx.execute("DELETE FROM sessions WHERE kind = 'pass'", [])?)
        });
        Ok(swept.await?)
    }
}

/// A row to be.
pub(crate) struct NewSession<'a> {
    pub hash: TokenHash,
    pub id: String,
    pub kind: &'static str,
    pub life: TimeDelta,
    pub label: &'a str,
}

/// A person's new sign-in; the one unused for longest ends where they would have too many.
pub(crate) fn begin(
    tx: &Connection,
    hash: TokenHash,
    id: String,
    user_id: &str,
    label: &str,
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "DELETE FROM sessions WHERE token_hash IN (
             SELECT token_hash FROM sessions WHERE user_id = ?1 AND kind = 'person'
             ORDER BY last_seen_at DESC, id DESC LIMIT -1 OFFSET ?2)",
    )?
    .execute(params![user_id, SESSIONS_MAX as i64 - 1])?;
    let life = TimeDelta::days(SESSION_DAYS);
    insert(tx, &NewSession { hash, id, kind: "person", life, label }, user_id, now)
}

fn insert(
    tx: &Connection,
    new: &NewSession<'_>,
    user_id: &str,
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO sessions
             (token_hash, id, user_id, kind, created_at, expires_at, last_seen_at, label)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5, ?7)",
    )?
    .execute(params![
        new.hash.as_bytes(),
        new.id,
        user_id,
        new.kind,
        millis(now),
        millis(now + new.life),
        label(new.label),
    ])?;
    Ok(())
}

pub(crate) fn end_by_hash(tx: &Connection, hash: &TokenHash) -> rusqlite::Result<bool> {
    let ended = tx
        .prepare_cached("DELETE FROM sessions WHERE token_hash = ?1")?
        .execute([hash.as_bytes()])?;
    Ok(ended > 0)
}

/// Deletes the sessions that are over. Returns how many.
pub(crate) fn sweep(tx: &Connection, now: DateTime<Utc>) -> rusqlite::Result<usize> {
    tx.prepare_cached("DELETE FROM sessions WHERE expires_at <= ?1")?.execute([millis(now)])
}

pub(crate) fn end_all(tx: &Connection, user_id: &str) -> rusqlite::Result<usize> {
    tx.prepare_cached("DELETE FROM sessions WHERE user_id = ?1")?.execute([user_id])
}

/// Two look-ups, no join: SQLite plans a join anew at each bound value, which costs ten times what
/// both look-ups do. A read sees one state, so they agree.
fn find(db: &Connection, hash: &TokenHash) -> rusqlite::Result<Option<(Session, DateTime<Utc>)>> {
    let row = db
        .prepare_cached(
            "SELECT user_id, id, kind = 'pass', expires_at, last_seen_at FROM sessions
             WHERE token_hash = ?1",
        )?
        .query_row([hash.as_bytes()], |row| {
            let user_id: String = row.get(0)?;
            let (id, is_pass): (String, bool) = (row.get(1)?, row.get(2)?);
            Ok((user_id, id, is_pass, time(row.get(3)?), time(row.get(4)?)))
        })
        .optional()?;
    let Some((user_id, id, is_pass, expires_at, last_seen_at)) = row else { return Ok(None) };
    let tenant = tenants::by_id(db, &user_id)?;
    Ok(tenant.map(|tenant| (Session { id, tenant, is_pass, expires_at }, last_seen_at)))
}

/// A browser's name as it can be shown: one line, bounded.
fn label(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .take(LABEL_CHARS_MAX)
        .collect();
    line.trim().to_owned()
}
