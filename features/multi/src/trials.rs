//! Trials: what an anonymous visitor may do before signing up, and how often a network may begin.
//!
//! A trial is made by the first summary, not by a visit. The cap of a network is for the life of
//! the installation and is counted in the transaction that makes the trial.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use recap_mode::{Clock, Entropy, JobId, Scope};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account_credits;
use crate::database::{Database, DatabaseError, Tx};
use crate::folder_work;
use crate::ledger::Ledger;
use crate::network::Network;
use crate::refusal::{Decided, Refusal};
use crate::rows::{millis, new_id, time};
use crate::tenants::Tenant;
use crate::tokens::{Token, TokenHash};

/// The trial's cookie.
pub const TRIAL_COOKIE_NAME: &str = "recap_anon_trial";

/// Days after which a trial and its folder go, unless somebody signed up.
pub const TRIAL_DAYS: i64 = 7;

/// Trials that one sweep ends; the rest goes with the next.
const SWEEP_MAX: i64 = 500;

/// What a visitor gets, and how often a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "GivenTrialSettings")]
pub struct TrialSettings {
    /// Recaps of one trial, 0 to 1000; 0 switches trials off.
    pub trial_credits_per_visitor: i64,
    /// Trials that one IPv4 address or IPv6 /64 ever gets, 1 to 50.
    pub trials_per_ip_lifetime: i64,
}

impl Default for TrialSettings {
    fn default() -> TrialSettings {
        TrialSettings { trial_credits_per_visitor: 1, trials_per_ip_lifetime: 5 }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GivenTrialSettings {
    trial_credits_per_visitor: i64,
    trials_per_ip_lifetime: i64,
}

impl Default for GivenTrialSettings {
    fn default() -> GivenTrialSettings {
        let TrialSettings { trial_credits_per_visitor, trials_per_ip_lifetime } =
            TrialSettings::default();
        GivenTrialSettings { trial_credits_per_visitor, trials_per_ip_lifetime }
    }
}

impl TryFrom<GivenTrialSettings> for TrialSettings {
    type Error = &'static str;
    fn try_from(given: GivenTrialSettings) -> Result<TrialSettings, &'static str> {
        if !(0..=1000).contains(&given.trial_credits_per_visitor) {
            return Err("trial_credits_per_visitor is a whole number from 0 to 1000");
        }
        if !(1..=50).contains(&given.trials_per_ip_lifetime) {
            return Err("trials_per_ip_lifetime is a whole number from 1 to 50");
        }
        Ok(TrialSettings {
            trial_credits_per_visitor: given.trial_credits_per_visitor,
            trials_per_ip_lifetime: given.trials_per_ip_lifetime,
        })
    }
}

/// An anonymous visitor's trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Trial {
    /// Made here, `[a-z0-9-]`.
    pub id: String,
    /// Recaps that it began with.
    pub credits_total: i64,
    /// Recaps that were made.
    pub credits_used: i64,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When it and its folder go, unless it became a tenant's.
    pub expires_at: DateTime<Utc>,
    /// Whose it became at sign-up.
    pub user_id: Option<String>,
}

impl Trial {
    /// Whose folder.
    pub fn scope(&self) -> Scope {
        scope_of(&self.id)
    }

    /// Recaps that are left.
    pub fn credits_left(&self) -> i64 {
        self.credits_total - self.credits_used
    }
}

/// A trial's id is made here and checked by its table, so it is a scope.
pub(crate) fn scope_of(trial_id: &str) -> Scope {
    Scope::parse(&format!("anon/{trial_id}"))
        .unwrap_or_else(|_| crate::tenants::scope_of("anon/unknown"))
}

/// The trials of all visitors.
pub struct Trials {
    database: Database,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    settings: TrialSettings,
    ledger: Ledger,
}

impl Trials {
    /// Over a database.
    pub fn new(
        database: Database,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: TrialSettings,
        ledger: Ledger,
    ) -> Trials {
        Trials { database, clock, entropy, settings, ledger }
    }

    /// Makes a visitor's trial at their first summary, and the value of their cookie
    /// ([`TRIAL_COOKIE_NAME`], [`TRIAL_DAYS`]).
    ///
    /// # Errors
    /// [`Refusal::TrialsUsedUp`] where the network had all its trials or trials are switched off.
    pub async fn begin(&self, from: IpAddr) -> Result<(Trial, Token), Refusal> {
        let now = self.clock.now();
        let token = Token::random(&*self.entropy);
        let trial = Trial {
            id: new_id(now, &*self.entropy),
            credits_total: self.settings.trial_credits_per_visitor,
            credits_used: 0,
            created_at: now,
            expires_at: now + TimeDelta::days(TRIAL_DAYS),
            user_id: None,
        };
        if trial.credits_total == 0 {
            return Err(Refusal::TrialsUsedUp);
        }
        let (network, hash, cap) =
            (Network::of(from), token.hash(), self.settings.trials_per_ip_lifetime);
        let made = trial.clone();
        let begun = self.database.write(move |tx| begin(tx, &made, &network, &hash, cap));
        begun.await??;
        Ok((trial, token))
    }

    /// Whose cookie this is; `None` for one that is unknown or over, or whose trial became a
    /// tenant's.
    ///
    /// # Errors
    /// The database alone.
    pub fn authenticate(&self, cookie: &str) -> Result<Option<Trial>, Refusal> {
        let Some(hash) = TokenHash::of_presented(cookie) else { return Ok(None) };
        let now = self.clock.now();
        let found = self.database.read(|db| Ok::<_, DatabaseError>(by_cookie(db, &hash, now)?))?;
        Ok(found)
    }

    /// Takes one credit for a job; the same job pays once, however often it asks. Returns what is
    /// left.
    ///
    /// # Errors
    /// [`Refusal::TrialSpent`], [`Refusal::TrialOver`], [`Refusal::JobRefunded`]; nothing was taken
    /// then.
    pub async fn debit(&self, trial_id: &str, job: &JobId) -> Result<i64, Refusal> {
        let (trial_id, job, now) = (trial_id.to_owned(), job.to_string(), self.clock.now());
        self.database.write(move |tx| debit(tx, &trial_id, &job, now)).await?
    }

    /// Gives back what a job took, once: to the trial, or to the tenant whose it became meanwhile.
    /// Returns whether something was given back now.
    ///
    /// # Errors
    /// The database alone.
    pub async fn refund(&self, trial_id: &str, job: &JobId) -> Result<bool, Refusal> {
        let (trial_id, job, now) = (trial_id.to_owned(), job.to_string(), self.clock.now());
        let ledger = self.ledger.clone();
        self.database.write(move |tx| refund(tx, &trial_id, &job, &ledger, now)).await
    }

    /// Whether a trial has a recap left now; what counts is [`Trials::debit`].
    ///
    /// # Errors
    /// [`Refusal::TrialSpent`], [`Refusal::TrialOver`].
    pub fn affords(&self, trial_id: &str) -> Result<(), Refusal> {
        let sql = format!("SELECT {COLUMNS} FROM trials WHERE id = ?1");
        let found = self.database.read(|db| {
            let found = db.prepare_cached(&sql)?.query_row([trial_id], trial).optional()?;
            Ok::<_, DatabaseError>(found)
        })?;
        match found {
            Some(trial) if trial.credits_left() > 0 => Ok(()),
            Some(_) => Err(Refusal::TrialSpent),
            None => Err(Refusal::TrialOver),
        }
    }

    /// Ends trials that are over, and notes their folders for erasure; those of tenants leave only
    /// their row. Returns how many ended; a large backlog takes several calls.
    ///
    /// # Errors
    /// The database alone.
    pub async fn sweep(&self) -> Result<usize, Refusal> {
        let now = self.clock.now();
        Ok(self.database.write(move |tx| sweep(tx, now).map_err(DatabaseError::from)).await?)
    }
}

fn begin(
    tx: &Tx<'_>,
    trial: &Trial,
    network: &Network,
    cookie: &TokenHash,
    cap: i64,
) -> Decided<()> {
    let counted = tx
        .prepare_cached(
            "INSERT INTO trial_networks (network, trials) VALUES (?1, 1)
             ON CONFLICT (network) DO UPDATE SET trials = trials + 1 WHERE trials < ?2",
        )?
        .execute(params![network.as_str(), cap])?;
    if counted == 0 {
        return Ok(Err(Refusal::TrialsUsedUp));
    }
    tx.prepare_cached(
        "INSERT INTO trials (id, cookie_hash, network, credits_total, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        trial.id,
        cookie.as_bytes(),
        network.as_str(),
        trial.credits_total,
        millis(trial.created_at),
        millis(trial.expires_at),
    ])?;
    Ok(Ok(()))
}

/// The columns that [`trial`] reads.
pub(crate) const COLUMNS: &str = "id, credits_total, credits_used, created_at, expires_at, user_id";

pub(crate) fn trial(row: &Row<'_>) -> rusqlite::Result<Trial> {
    Ok(Trial {
        id: row.get(0)?,
        credits_total: row.get(1)?,
        credits_used: row.get(2)?,
        created_at: time(row.get(3)?),
        expires_at: time(row.get(4)?),
        user_id: row.get(5)?,
    })
}

fn by_cookie(
    db: &Connection,
    cookie: &TokenHash,
    now: DateTime<Utc>,
) -> rusqlite::Result<Option<Trial>> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM trials
         WHERE cookie_hash = ?1 AND linked_at IS NULL AND expires_at > ?2"
    ))?
    .query_row(params![cookie.as_bytes(), millis(now)], trial)
    .optional()
}

fn debit(tx: &Tx<'_>, trial_id: &str, job: &str, now: DateTime<Utc>) -> Decided<i64> {
    let state: Option<(i64, bool)> = tx
        .prepare_cached(
            "SELECT credits_total - credits_used, linked_at IS NULL AND expires_at > ?2
             FROM trials WHERE id = ?1",
        )?
        .query_row(params![trial_id, millis(now)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((left, holds)) = state else { return Ok(Err(Refusal::TrialOver)) };
    let refunded: Option<bool> = tx
        .prepare_cached(
            "SELECT refunded_at IS NOT NULL FROM trial_debits WHERE trial_id = ?1 AND job = ?2",
        )?
        .query_row([trial_id, job], |row| row.get(0))
        .optional()?;
    match refunded {
        // A job that was paid goes on after a crash, even where the trial became somebody's.
        Some(false) => return Ok(Ok(left)),
        Some(true) => return Ok(Err(Refusal::JobRefunded)),
        None if !holds => return Ok(Err(Refusal::TrialOver)),
        None if left == 0 => return Ok(Err(Refusal::TrialSpent)),
        None => {}
    }
    tx.prepare_cached("UPDATE trials SET credits_used = credits_used + 1 WHERE id = ?1")?
        .execute([trial_id])?;
    tx.prepare_cached("INSERT INTO trial_debits (trial_id, job, debited_at) VALUES (?1, ?2, ?3)")?
        .execute(params![trial_id, job, millis(now)])?;
    Ok(Ok(left - 1))
}

fn refund(
    tx: &Tx<'_>,
    trial_id: &str,
    job: &str,
    ledger: &Ledger,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let marked = tx
        .prepare_cached(
            "UPDATE trial_debits SET refunded_at = ?3
             WHERE trial_id = ?1 AND job = ?2 AND refunded_at IS NULL",
        )?
        .execute(params![trial_id, job, millis(now)])?;
    if marked == 0 {
        return Ok(false);
    }
    let (linked, user_id): (bool, Option<String>) = tx
        .prepare_cached("SELECT linked_at IS NOT NULL, user_id FROM trials WHERE id = ?1")?
        .query_row([trial_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match (linked, user_id) {
        (false, _) => {
            tx.prepare_cached("UPDATE trials SET credits_used = credits_used - 1 WHERE id = ?1")?
                .execute([trial_id])?;
        }
        // The rest was carried over already, without this one.
        (true, Some(user_id)) => {
            let key = format!("{trial_id}/{job}");
            account_credits::carry_over(tx, ledger, &user_id, key, 1, now)?;
        }
        // The account is gone, and its credits with it.
        (true, None) => return Ok(false),
    }
    Ok(true)
}

/// Makes a trial a tenant's: its folder follows, its rest goes to the purchased bucket, once.
/// `None` where the cookie has no trial that could be had: a tenant gets one trial, begun before
/// the account. The account may have been made a moment ago in the browser where the mail was
/// opened, while the trial's cookie is in the one that asked.
pub(crate) fn adopt(
    tx: &Tx<'_>,
    cookie: &TokenHash,
    tenant: &Tenant,
    ledger: &Ledger,
    now: DateTime<Utc>,
) -> Result<Option<Scope>, Refusal> {
    let Some(trial) = by_cookie(tx, cookie, now)? else { return Ok(None) };
    let user_id = &tenant.id;
    let has_one =
        tx.prepare_cached("SELECT 1 FROM trials WHERE user_id = ?1")?.exists([user_id])?;
    if has_one || trial.created_at > tenant.created_at {
        return Ok(None);
    }
    tx.prepare_cached("UPDATE trials SET user_id = ?2, linked_at = ?3 WHERE id = ?1")?
        .execute(params![trial.id, user_id, millis(now)])?;
    if trial.credits_left() > 0 {
        let (key, left) = (trial.id.clone(), trial.credits_left());
        account_credits::carry_over(tx, ledger, user_id, key, left, now)?;
    }
    folder_work::adopt(tx, &trial.scope(), &tenant.scope(), now)?;
    Ok(Some(trial.scope()))
}

pub(crate) fn sweep(tx: &Connection, now: DateTime<Utc>) -> rusqlite::Result<usize> {
    let over: Vec<(String, bool)> = tx
        .prepare_cached(
            "SELECT id, linked_at IS NULL FROM trials WHERE expires_at <= ?1
             ORDER BY expires_at LIMIT ?2",
        )?
        .query_map([millis(now), SWEEP_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (id, was_nobody_s) in &over {
        if *was_nobody_s {
            folder_work::erase(tx, &scope_of(id), now)?;
        }
        tx.prepare_cached("DELETE FROM trials WHERE id = ?1")?.execute([id])?;
    }
    Ok(over.len())
}
