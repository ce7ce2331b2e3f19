//! The credit ledger: who has how many credits, what each was spent on, and why. Two buckets a
//! person: `replenish` is reset to the default at each boundary and spent first, `purchased` stays.
//! Who a person is, and what a credit costs, is not known here.
//!
//! Every public method opens its transaction; a function of the same name in `account` works
//! inside one.

pub(crate) mod account;
mod answer;
pub mod calendar;
mod credits;
mod journal;
mod verify;

use std::sync::{Arc, PoisonError, RwLock};

use recap_mode::{Clock, Fault, FaultKind, JobId, Scope};
use serde::{Deserialize, Deserializer};

pub use answer::{
    Balance, Debit, DebitAnswer, RefundAnswer, RefundOutcome, Refusal, RefusalReason,
};
pub use calendar::Period;
pub use credits::{Credits, CreditsError};
pub use journal::{Bucket, EntryKind, JOURNAL_PAGE_MAX, JournalEntry, JournalPage};
pub use verify::Difference;

use crate::database::{Database, DatabaseError, Tx};

/// Longest key of an addition, in bytes; invoices and trials have far shorter ones.
const KEY_BYTES_MAX: usize = 200;

/// Longest reason that an admin writes, in characters.
const REASON_CHARS_MAX: usize = 500;

/// What everybody gets, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CreditRules {
    /// The seed, and what a refill resets the replenish bucket to. A setting below 0 counts as 0.
    #[serde(rename = "tenant_default_credits", deserialize_with = "default_credits")]
    pub default_credits: Credits,
    /// How often the replenish bucket is reset.
    #[serde(rename = "tenant_credit_replenish_period")]
    pub period: Period,
}

impl CreditRules {
    /// Rules with a default of `default_credits`, at least 0.
    ///
    /// # Errors
    /// [`CreditsError::NotAnAmount`] above [`Credits::AT_ONCE_MAX`].
    pub fn new(default_credits: i64, period: Period) -> Result<CreditRules, CreditsError> {
        let default_credits = match default_credits {
            ..=0 => Credits::ZERO,
            number => Credits::amount(number)?,
        };
        Ok(CreditRules { default_credits, period })
    }
}

impl Default for CreditRules {
    /// Five credits, never refilled.
    fn default() -> CreditRules {
        const FIVE: Credits = match Credits::new(5) {
            Ok(five) => five,
            Err(_) => Credits::ZERO,
        };
        CreditRules { default_credits: FIVE, period: Period::Off }
    }
}

fn default_credits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Credits, D::Error> {
    let number = i64::deserialize(deserializer)?;
    let rules = CreditRules::new(number, Period::Off).map_err(serde::de::Error::custom)?;
    Ok(rules.default_credits)
}

/// The moment and the rules of one transaction: read once, the same for everything in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    /// Epoch milliseconds.
    pub(crate) now: i64,
    /// As they stood then.
    pub(crate) rules: CreditRules,
}

/// Where credits that stay come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdditionKind {
    /// An admin gave them.
    Grant,
    /// They were bought.
    Purchase,
    /// They were left of a trial at sign-up.
    TrialCarryOver,
}

impl AdditionKind {
    fn entry(self) -> EntryKind {
        match self {
            AdditionKind::Grant => EntryKind::Grant,
            AdditionKind::Purchase => EntryKind::Purchase,
            AdditionKind::TrialCarryOver => EntryKind::TrialCarryOver,
        }
    }
}

/// Why the permanent bucket grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Where from.
    pub kind: AdditionKind,
    /// What it was given for (an invoice, a trial): it is given once for each key of a kind,
    /// however often it is delivered. 1 to 200 bytes.
    pub key: Option<String>,
    /// What an admin wrote beside it, 1 to 500 characters.
    pub reason: Option<String>,
    /// Who did it: an admin's id, or `system`. 1 to 200 bytes.
    pub by_whom: String,
}

impl Addition {
    fn check(&self, amount: Credits) -> Result<(), LedgerError> {
        Credits::amount(amount.get())?;
        let fits = |text: &str| (1..=KEY_BYTES_MAX).contains(&text.len()) && !text.contains('\0');
        let reason_fits = self.reason.as_ref().is_none_or(|reason| {
            (1..=REASON_CHARS_MAX).contains(&reason.chars().count()) && !reason.contains('\0')
        });
        if self.key.as_deref().is_none_or(fits) && fits(&self.by_whom) && reason_fits {
            Ok(())
        } else {
            Err(LedgerError::Words)
        }
    }
}

/// Why the ledger did not do it. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The scope is no person's: a trial keeps its credits itself.
    #[error("`{0}` has no account with credits: only somebody who signs in has one.")]
    NoUserId(Scope),
    /// The number is none that can be given.
    #[error(transparent)]
    Credits(#[from] CreditsError),
    /// The bucket would hold more than it may.
    #[error(
        "These credits were not added: together with those there they are more than {}.",
        Credits::FULL
    )]
    TooMany,
    /// The key was used for another person or amount.
    #[error(
        "Credits were given for `{key}` already, to somebody else or in another number; nothing was added."
    )]
    KeyTaken {
        /// Which.
        key: String,
    },
    /// The job's credit was given back.
    #[error(
        "The job {job} got its credit back, so it cannot go on: try again, which is a new job."
    )]
    Refunded {
        /// Which.
        job: JobId,
    },
    /// A key, a reason or a name is empty or too long.
    #[error(
        "A key and a name have 1 to {KEY_BYTES_MAX} bytes, a reason 1 to {REASON_CHARS_MAX} characters; nothing was added."
    )]
    Words,
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<rusqlite::Error> for LedgerError {
    fn from(cause: rusqlite::Error) -> LedgerError {
        LedgerError::Database(cause.into())
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Fault {
        let kind = match error {
            LedgerError::Database(cause) => return cause.into(),
            LedgerError::NoUserId(_) => FaultKind::NotFound,
            LedgerError::Credits(_) | LedgerError::Words => FaultKind::Invalid,
            LedgerError::TooMany | LedgerError::KeyTaken { .. } | LedgerError::Refunded { .. } => {
                FaultKind::Conflict
            }
        };
        Fault::new(kind, error.to_string())
    }
}

/// The id under which a scope has credits: its own, unless it is a trial's.
fn user_id(scope: &Scope) -> Result<&str, LedgerError> {
    match scope.as_str() {
        trial if trial.contains('/') => Err(LedgerError::NoUserId(scope.clone())),
        id => Ok(id),
    }
}

/// The ledger over the database; clones share it.
#[derive(Clone)]
pub struct Ledger {
    database: Database,
    terms: Terms,
}

/// What a transaction reads its [`At`] from.
#[derive(Clone)]
pub(crate) struct Terms {
    clock: Arc<dyn Clock>,
    rules: Arc<RwLock<CreditRules>>,
}

impl Terms {
    /// The moment and the rules of the transaction that is open.
    pub(crate) fn at(&self) -> At {
        let rules = *self.rules.read().unwrap_or_else(PoisonError::into_inner);
        At { now: self.clock.now().timestamp_millis(), rules }
    }
}

impl Ledger {
    /// A ledger over `database`.
    pub fn new(database: Database, clock: Arc<dyn Clock>, rules: CreditRules) -> Ledger {
        Ledger { database, terms: Terms { clock, rules: Arc::new(RwLock::new(rules)) } }
    }

    /// The rules as they stand.
    pub fn rules(&self) -> CreditRules {
        self.terms.at().rules
    }

    /// Changes the rules for every clone, from the next transaction on. Balances stay; a refill
    /// that is due by the new period comes at the next look.
    pub fn set_rules(&self, rules: CreditRules) {
        *self.terms.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// What the functions of [`account`] need beside a transaction.
    #[cfg_attr(not(test), expect(dead_code, reason = "sign-up and trials join the ledger by it"))]
    pub(crate) fn terms(&self) -> Terms {
        self.terms.clone()
    }

    /// What a person has now. The first look makes the row, with the default; a refill that is due
    /// is made. Otherwise nothing is written, and it costs no wait for the disk.
    ///
    /// # Errors
    /// [`LedgerError::NoUserId`], [`LedgerError::Database`].
    pub async fn balance(&self, user: &Scope) -> Result<Balance, LedgerError> {
        if let Some(balance) = self.settled_balance(user)? {
            return Ok(balance);
        }
        let user = user.clone();
        self.write(move |tx, at| account::balance(tx, at, &user)).await
    }

    /// [`Ledger::balance`] for commands.
    ///
    /// # Errors
    /// As there.
    pub fn balance_now(&self, user: &Scope) -> Result<Balance, LedgerError> {
        if let Some(balance) = self.settled_balance(user)? {
            return Ok(balance);
        }
        let user = user.clone();
        self.write_now(move |tx, at| account::balance(tx, at, &user))
    }

    /// Gives the seed of sign-up, once for each person: `amount` (0 or more), or the default.
    ///
    /// # Errors
    /// [`LedgerError::NoUserId`], [`LedgerError::Database`].
    pub async fn seed_signup(
        &self,
        user: &Scope,
        amount: Option<Credits>,
    ) -> Result<Balance, LedgerError> {
        let user = user.clone();
        self.write(move |tx, at| account::seed_signup(tx, at, &user, amount)).await
    }

    /// [`Ledger::seed_signup`] for commands.
    ///
    /// # Errors
    /// As there.
    pub fn seed_signup_now(
        &self,
        user: &Scope,
        amount: Option<Credits>,
    ) -> Result<Balance, LedgerError> {
        let user = user.clone();
        self.write_now(move |tx, at| account::seed_signup(tx, at, &user, amount))
    }

    /// Takes one credit for `job`, replenish first, unless the job has paid already. Refill, gate
    /// and debit are one transaction. Having no credits is an answer, not an error.
    ///
    /// # Errors
    /// [`LedgerError::Refunded`] where the job got its credit back; [`LedgerError::Database`].
    pub async fn gate_and_debit(
        &self,
        user: &Scope,
        job: &JobId,
    ) -> Result<DebitAnswer, LedgerError> {
        let (user, job) = (user.clone(), job.clone());
        self.write(move |tx, at| account::gate_and_debit(tx, at, &user, &job)).await
    }

    /// [`Ledger::gate_and_debit`] for commands.
    ///
    /// # Errors
    /// As there.
    pub fn gate_and_debit_now(
        &self,
        user: &Scope,
        job: &JobId,
    ) -> Result<DebitAnswer, LedgerError> {
        let (user, job) = (user.clone(), job.clone());
        self.write_now(move |tx, at| account::gate_and_debit(tx, at, &user, &job))
    }

    /// Gives back what `job` paid, once, into the bucket it came from. A replenish credit whose
    /// period is over is forfeit with it.
    ///
    /// # Errors
    /// [`LedgerError::NoUserId`], [`LedgerError::Database`]; it may be tried again.
    pub async fn refund(&self, user: &Scope, job: &JobId) -> Result<RefundAnswer, LedgerError> {
        let (user, job) = (user.clone(), job.clone());
        self.write(move |tx, at| account::refund(tx, at, &user, &job)).await
    }

    /// [`Ledger::refund`] for commands.
    ///
    /// # Errors
    /// As there.
    pub fn refund_now(&self, user: &Scope, job: &JobId) -> Result<RefundAnswer, LedgerError> {
        let (user, job) = (user.clone(), job.clone());
        self.write_now(move |tx, at| account::refund(tx, at, &user, &job))
    }

    /// Adds 1 to [`Credits::AT_ONCE_MAX`] credits that stay. It makes the row where there is none,
    /// without the seed, and never refills.
    ///
    /// # Errors
    /// [`LedgerError::Credits`], [`LedgerError::Words`], [`LedgerError::TooMany`],
    /// [`LedgerError::KeyTaken`], [`LedgerError::NoUserId`], [`LedgerError::Database`].
    pub async fn add_purchased(
        &self,
        user: &Scope,
        amount: Credits,
        addition: Addition,
    ) -> Result<Balance, LedgerError> {
        let user = user.clone();
        self.write(move |tx, at| account::add_purchased(tx, at, &user, amount, &addition)).await
    }

    /// [`Ledger::add_purchased`] for commands.
    ///
    /// # Errors
    /// As there.
    pub fn add_purchased_now(
        &self,
        user: &Scope,
        amount: Credits,
        addition: Addition,
    ) -> Result<Balance, LedgerError> {
        let user = user.clone();
        self.write_now(move |tx, at| account::add_purchased(tx, at, &user, amount, &addition))
    }

    /// A page of a person's journal, newest first: at most `limit` (1 to [`JOURNAL_PAGE_MAX`])
    /// entries older than `before`, which is the page before's `next`.
    ///
    /// # Errors
    /// [`LedgerError::NoUserId`], [`LedgerError::Database`].
    pub fn journal(
        &self,
        user: &Scope,
        before: Option<i64>,
        limit: usize,
    ) -> Result<JournalPage, LedgerError> {
        self.database.read(|conn| journal::page(conn, user, before, limit))
    }

    /// Takes a person out of the ledger when the account is deleted. What is left lapses; the
    /// journal keeps its numbers under a name that leads back to nobody, which is given back.
    ///
    /// # Errors
    /// [`LedgerError::NoUserId`], [`LedgerError::Database`].
    pub async fn forget(&self, user: &Scope) -> Result<Option<String>, LedgerError> {
        let user = user.clone();
        self.write(move |tx, at| account::forget(tx, at, &user)).await
    }

    /// [`Ledger::forget`] for commands.
    ///
    /// # Errors
    /// As there.
    pub fn forget_now(&self, user: &Scope) -> Result<Option<String>, LedgerError> {
        let user = user.clone();
        self.write_now(move |tx, at| account::forget(tx, at, &user))
    }

    /// Computes every balance anew from its journal and names each difference; empty where all
    /// agrees. It reads the whole ledger.
    ///
    /// # Errors
    /// [`LedgerError::Database`] where it cannot be read.
    pub fn verify(&self) -> Result<Vec<Difference>, LedgerError> {
        self.database.read(verify::differences)
    }

    /// The balance where looking changes nothing: the row is there and no refill is due.
    fn settled_balance(&self, user: &Scope) -> Result<Option<Balance>, LedgerError> {
        let id = user_id(user)?;
        let at = self.terms.at();
        let Some(row) = self.database.read(|conn| account::find_row(conn, id))? else {
            return Ok(None);
        };
        match at.rules.period.latest_reached(row.last_replenish_at, at.now) {
            Some(_) => Ok(None),
            None => row.balance(&at, id).map(Some),
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Tx<'_>, &At) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let terms = self.terms.clone();
        self.database.write(move |tx| act(tx, &terms.at())).await
    }

    fn write_now<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Tx<'_>, &At) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let terms = self.terms.clone();
        self.database.write_now(move |tx| act(tx, &terms.at()))
    }
}

#[cfg(test)]
mod tests;
