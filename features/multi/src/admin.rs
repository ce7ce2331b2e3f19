//! What the operator may see and do about tenants and trials, and how the first operator comes in.
//! Grants of credits belong to the ledger.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use recap_mode::{Clock, Entropy};
use rusqlite::params;

use crate::account_credits;
use crate::database::{Database, DatabaseError, Tx};
use crate::email::Email;
use crate::folder_work;
use crate::ledger::Ledger;
use crate::outbox;
use crate::rate_limits;
use crate::refusal::{Decided, Refusal};
use crate::rows::millis;
use crate::tenants::{self, Tenant};
use crate::tiers::Tier;
use crate::tokens::Token;
use crate::trials::{self, Trial};
use crate::{magic_links, sessions};

/// Hours that a set-up link works; the next start makes a new one.
pub const SET_UP_HOURS: i64 = 24;

/// Lines of a page at most.
pub const PAGE_LINES_MAX: usize = 200;

/// A place in a list by age; what comes after it is older.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    created_ms: i64,
    id: String,
}

/// A text that is no cursor of ours.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("This is not a place in the list: take the `next` of the page before.")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created_ms, self.id)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;
    fn from_str(text: &str) -> Result<Cursor, CursorError> {
        let (ms, id) = text.split_once('.').ok_or(CursorError)?;
        let fits = id.len() <= 128 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let created_ms = ms.parse().map_err(|_| CursorError)?;
        if fits { Ok(Cursor { created_ms, id: id.to_owned() }) } else { Err(CursorError) }
    }
}

/// A page of a list, the newest first.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The lines.
    pub lines: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

/// The operator's desk.
pub struct Admin {
    database: Database,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    ledger: Ledger,
}

impl Admin {
    /// Over a database.
    pub fn new(
        database: Database,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        ledger: Ledger,
    ) -> Admin {
        Admin { database, clock, entropy, ledger }
    }

    /// Settles at boot who may be the admin. With a configured address nobody else stays one, and
    /// no set-up link works. Without, and while there is no admin, a new set-up link is made, shown
    /// by the caller once (in the log), and every older one is over.
    ///
    /// # Errors
    /// The database alone.
    pub async fn settle(&self, configured: Option<&Email>) -> Result<Option<Token>, Refusal> {
        let (configured, now) = (configured.cloned(), self.clock.now());
        let token = Token::random(&*self.entropy);
        let hash = token.hash();
        let made = self.database.write(move |tx| -> Result<bool, DatabaseError> {
            tx.execute("DELETE FROM set_up", [])?;
            if let Some(email) = configured {
                tx.execute(
                    "UPDATE users SET is_admin = 0 WHERE is_admin = 1 AND email <> ?1",
                    [email.as_str()],
                )?;
                return Ok(false);
            }
            if tenants::admin(tx)?.is_some() {
                return Ok(false);
            }
            tx.execute(
                "INSERT INTO set_up (id, token_hash, created_at, expires_at)
                 VALUES (1, ?1, ?2, ?3)",
                params![hash.as_bytes(), millis(now), millis(now + TimeDelta::hours(SET_UP_HOURS))],
            )?;
            Ok(true)
        });
        Ok(made.await?.then_some(token))
    }

    /// A page of tenants, the newest first; at most [`PAGE_LINES_MAX`] lines.
    ///
    /// # Errors
    /// The database alone.
    pub fn tenants(&self, after: Option<&Cursor>, lines: usize) -> Result<Page<Tenant>, Refusal> {
        let sql = format!(
            "SELECT {} FROM users WHERE (created_at, id) < (?1, ?2)
             ORDER BY created_at DESC, id DESC LIMIT ?3",
            tenants::COLUMNS
        );
        self.page(&sql, after, lines, tenants::tenant, |tenant| (tenant.created_at, &tenant.id))
    }

    /// A page of trials, the newest first; at most [`PAGE_LINES_MAX`] lines.
    ///
    /// # Errors
    /// The database alone.
    pub fn trials(&self, after: Option<&Cursor>, lines: usize) -> Result<Page<Trial>, Refusal> {
        let sql = format!(
            "SELECT {} FROM trials WHERE (created_at, id) < (?1, ?2)
             ORDER BY created_at DESC, id DESC LIMIT ?3",
            trials::COLUMNS
        );
        self.page(&sql, after, lines, trials::trial, |trial| (trial.created_at, &trial.id))
    }

    /// Sets what a tenant bought and until when; `None` is without an end. Nothing of theirs is
    /// touched: what a lower tier does not allow pauses, and goes on with a higher one.
    ///
    /// # Errors
    /// [`Refusal::NoTenant`].
    pub async fn set_tier(
        &self,
        user_id: &str,
        tier: Tier,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<Tenant, Refusal> {
        let user_id = user_id.to_owned();
        let set = move |tx: &Tx<'_>| tenants::set_tier(tx, &user_id, tier, expires_at, None);
        self.database.write(set).await?
    }

    /// Deletes an account: its sign-ins, links, waiting mail and credits go with it, and its folder
    /// is noted for erasure. An admin's folder `owner` stays, since it is the machine's. That the
    /// address once had an account stays as a hash, so that deleting earns no second seed.
    ///
    /// # Errors
    /// [`Refusal::NoTenant`].
    pub async fn delete(&self, user_id: &str) -> Result<(), Refusal> {
        let (user_id, now) = (user_id.to_owned(), self.clock.now());
        let ledger = self.ledger.clone();
        self.database.write(move |tx| delete(tx, &user_id, &ledger, now)).await?
    }

    /// Deletes what is over, in one short transaction: sessions, links, counters, trials (whose
    /// folders are noted for erasure). Returns how many rows went; with a large backlog of trials
    /// the rest goes with the next call.
    ///
    /// # Errors
    /// The database alone.
    pub async fn sweep(&self) -> Result<usize, Refusal> {
        let now = self.clock.now();
        let swept = self.database.write(move |tx| {
            Ok::<_, DatabaseError>(
                sessions::sweep(tx, now)?
                    + magic_links::sweep(tx, now)?
                    + rate_limits::sweep(tx, now)?
                    + trials::sweep(tx, now)?,
            )
        });
        Ok(swept.await?)
    }

    fn page<T>(
        &self,
        sql: &str,
        after: Option<&Cursor>,
        lines: usize,
        read: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
        place: fn(&T) -> (DateTime<Utc>, &String),
    ) -> Result<Page<T>, Refusal> {
        let lines_max = lines.clamp(1, PAGE_LINES_MAX);
        let (ms, id) = after.map_or((i64::MAX, ""), |cursor| (cursor.created_ms, &*cursor.id));
        let mut found = self.database.read(|db| {
            let found = db
                .prepare_cached(sql)?
                .query_map(params![ms, id, lines_max as i64 + 1], read)?
                .collect::<rusqlite::Result<Vec<T>>>()?;
            Ok::<_, DatabaseError>(found)
        })?;
        let is_more = found.len() > lines_max;
        found.truncate(lines_max);
        let next = found.last().filter(|_| is_more).map(|last| {
            let (created_at, id) = place(last);
            Cursor { created_ms: millis(created_at), id: id.clone() }
        });
        Ok(Page { lines: found, next })
    }
}

fn delete(tx: &Tx<'_>, user_id: &str, ledger: &Ledger, now: DateTime<Utc>) -> Decided<()> {
    let Some(tenant) = tenants::by_id(tx, user_id)? else { return Ok(Err(Refusal::NoTenant)) };
    account_credits::close(tx, ledger, user_id, now)?;
    outbox::forget(tx, &tenant.email)?;
    tx.prepare_cached("DELETE FROM magic_links WHERE email = ?1")?
        .execute([tenant.email.as_str()])?;
    tx.prepare_cached(
        "INSERT INTO former_addresses (address_hash, left_at) VALUES (?1, ?2)
         ON CONFLICT (address_hash) DO UPDATE SET left_at = excluded.left_at",
    )?
    .execute(params![tenant.email.hash().as_bytes(), millis(now)])?;
    // The admin, too, may have a folder of the time before; only `owner` stays.
    folder_work::erase(tx, &tenants::scope_of(user_id), now)?;
    tx.prepare_cached("DELETE FROM users WHERE id = ?1")?.execute([user_id])?;
    Ok(Ok(()))
}
