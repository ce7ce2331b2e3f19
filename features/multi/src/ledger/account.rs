//! What happens to one person's credits inside a transaction that somebody else opened: the rules
//! of the ledger, each a function. [`super::Ledger`] opens the transaction for those who need only
//! one of them; sign-up and trials join several with rows of their own.

use recap_mode::{JobId, Scope};
use rusqlite::{Connection, OptionalExtension, params};

use super::answer::{Balance, Debit, DebitAnswer, RefundAnswer, RefundOutcome, Refusal};
use super::journal::{Bucket, EntryKind};
use super::{Addition, At, Credits, LedgerError, RefusalReason, user_id};
use crate::database::Tx;

/// Who acts where no person does.
const SYSTEM: &str = "system";

/// The person's row of `tenant_credits`.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) purchased: i64,
    pub(super) replenish: i64,
    pub(super) last_replenish_at: Option<i64>,
    pub(super) lifetime_granted: i64,
    pub(super) lifetime_consumed: i64,
    pub(super) seeded_at: Option<i64>,
    pub(super) entries: i64,
}

impl Row {
    fn new(now: i64) -> Row {
        Row {
            purchased: 0,
            replenish: 0,
            last_replenish_at: Some(now),
            lifetime_granted: 0,
            lifetime_consumed: 0,
            seeded_at: None,
            entries: 0,
        }
    }

    fn total(&self) -> Result<Credits, LedgerError> {
        Ok(Credits::new(self.purchased + self.replenish)?)
    }

    /// In the shape of the document.
    pub(super) fn balance(&self, at: &At, user: &str) -> Result<Balance, LedgerError> {
        Ok(Balance {
            user_id: user.to_owned(),
            purchased: Credits::new(self.purchased)?,
            replenish: Credits::new(self.replenish)?,
            total: self.total()?,
            last_replenish_at: self.last_replenish_at,
            lifetime_granted: self.lifetime_granted,
            lifetime_consumed: self.lifetime_consumed,
            period: at.rules.period,
            next_replenish_at: at.rules.period.next_after(self.last_replenish_at),
        })
    }
}

/// Why a bucket changes, for the journal.
struct Cause<'a> {
    kind: EntryKind,
    key: Option<&'a str>,
    reason: Option<&'a str>,
    by_whom: &'a str,
}

impl<'a> Cause<'a> {
    fn system(kind: EntryKind, key: Option<&'a str>) -> Cause<'a> {
        Cause { kind, key, reason: None, by_whom: SYSTEM }
    }
}

/// A person's row while a transaction works on it. Every change of a bucket goes through
/// [`Account::change`], which writes the journal; nothing else touches one.
struct Account<'a> {
    tx: &'a Tx<'a>,
    at: &'a At,
    user: &'a str,
    row: Row,
}

pub(super) fn find_row(conn: &Connection, user: &str) -> Result<Option<Row>, LedgerError> {
    let mut query = conn.prepare_cached(
        "SELECT purchased_balance, replenish_balance, last_replenish_at, lifetime_granted,
             lifetime_consumed, seeded_at, entries
         FROM tenant_credits WHERE user_id = ?1",
    )?;
    let row = query.query_row([user], |row| {
        Ok(Row {
            purchased: row.get(0)?,
            replenish: row.get(1)?,
            last_replenish_at: row.get(2)?,
            lifetime_granted: row.get(3)?,
            lifetime_consumed: row.get(4)?,
            seeded_at: row.get(5)?,
            entries: row.get(6)?,
        })
    });
    Ok(row.optional()?)
}

impl<'a> Account<'a> {
    /// The person's row, refilled if that is due; where there is none, one with the default.
    fn open(tx: &'a Tx<'a>, at: &'a At, user: &'a str) -> Result<Account<'a>, LedgerError> {
        match find_row(tx, user)? {
            Some(row) => {
                let mut account = Account { tx, at, user, row };
                account.refill()?;
                Ok(account)
            }
            None => {
                let mut account = Account { tx, at, user, row: Row::new(at.now) };
                account.seed(at.rules.default_credits)?;
                account.save()?;
                Ok(account)
            }
        }
    }

    /// Resets the replenish bucket where a boundary has passed: one refill, however many passed.
    fn refill(&mut self) -> Result<(), LedgerError> {
        let period = self.at.rules.period;
        let Some(boundary) = period.latest_reached(self.row.last_replenish_at, self.at.now) else {
            return Ok(());
        };
        let change = self.at.rules.default_credits.get() - self.row.replenish;
        self.row.last_replenish_at = Some(boundary);
        self.change(Bucket::Replenish, change, Cause::system(EntryKind::Refill, None))?;
        self.save()
    }

    /// Lifts the replenish bucket to `amount`, never lowers it, and begins a period.
    fn seed(&mut self, amount: Credits) -> Result<(), LedgerError> {
        let lift = (amount.get() - self.row.replenish).max(0);
        self.row.seeded_at = Some(self.at.now);
        self.row.last_replenish_at = Some(self.at.now);
        self.row.lifetime_granted += lift;
        self.change(Bucket::Replenish, lift, Cause::system(EntryKind::Seed, None))
    }

    fn change(&mut self, bucket: Bucket, amount: i64, cause: Cause<'_>) -> Result<(), LedgerError> {
        match bucket {
            Bucket::Replenish => self.row.replenish += amount,
            Bucket::Purchased => self.row.purchased += amount,
        }
        self.row.entries += 1;
        self.tx
            .prepare_cached(
                "INSERT INTO credit_journal (user_id, entry, at, kind, bucket, amount,
                     purchased_after, replenish_after, key, reason, by_whom)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                self.user,
                self.row.entries,
                self.at.now,
                cause.kind,
                bucket,
                amount,
                self.row.purchased,
                self.row.replenish,
                cause.key,
                cause.reason,
                cause.by_whom
            ])?;
        Ok(())
    }

    fn save(&self) -> Result<(), LedgerError> {
        let Row { purchased, replenish, last_replenish_at, .. } = self.row;
        let Row { lifetime_granted, lifetime_consumed, seeded_at, entries, .. } = self.row;
        self.tx
            .prepare_cached(
                "INSERT INTO tenant_credits (user_id, purchased_balance, replenish_balance,
                     last_replenish_at, lifetime_granted, lifetime_consumed, seeded_at, entries)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (user_id) DO UPDATE SET
                     purchased_balance = ?2, replenish_balance = ?3, last_replenish_at = ?4,
                     lifetime_granted = ?5, lifetime_consumed = ?6, seeded_at = ?7, entries = ?8",
            )?
            .execute(params![
                self.user,
                purchased,
                replenish,
                last_replenish_at,
                lifetime_granted,
                lifetime_consumed,
                seeded_at,
                entries
            ])?;
        Ok(())
    }

    fn balance(&self) -> Result<Balance, LedgerError> {
        self.row.balance(self.at, self.user)
    }
}

/// A debit that was made before.
struct Paid {
    bucket: Bucket,
    period_at: Option<i64>,
    refunded: bool,
}

fn find_debit(conn: &Connection, user: &str, job: &str) -> Result<Option<Paid>, LedgerError> {
    let mut query = conn.prepare_cached(
        "SELECT bucket, period_at, refunded_at IS NOT NULL FROM credit_debits
         WHERE user_id = ?1 AND job = ?2",
    )?;
    let paid = query.query_row([user, job], |row| {
        Ok(Paid { bucket: row.get(0)?, period_at: row.get(1)?, refunded: row.get(2)? })
    });
    Ok(paid.optional()?)
}

/// The balance as it stands now: the row is made and refilled where that is due.
pub(crate) fn balance(tx: &Tx<'_>, at: &At, user: &Scope) -> Result<Balance, LedgerError> {
    Account::open(tx, at, user_id(user)?)?.balance()
}

/// The seed of sign-up, once: `amount`, or the default. A row that a grant made gets it too; one
/// that was made by reading has it already.
pub(crate) fn seed_signup(
    tx: &Tx<'_>,
    at: &At,
    user: &Scope,
    amount: Option<Credits>,
) -> Result<Balance, LedgerError> {
    let user = user_id(user)?;
    let row = find_row(tx, user)?.unwrap_or_else(|| Row::new(at.now));
    let mut account = Account { tx, at, user, row };
    if account.row.seeded_at.is_none() {
        account.seed(amount.unwrap_or(at.rules.default_credits))?;
        account.save()?;
    }
    account.balance()
}

/// Refills if due, looks whether there is a credit, takes it and notes what for: all or nothing.
/// A job that has paid is told so again and pays nothing.
pub(crate) fn gate_and_debit(
    tx: &Tx<'_>,
    at: &At,
    user: &Scope,
    job: &JobId,
) -> Result<DebitAnswer, LedgerError> {
    let Ok(user) = user_id(user) else {
        return Ok(DebitAnswer::Refused(Refusal::new(RefusalReason::NoUserId, None)));
    };
    let job_text = job.to_string();
    let mut account = Account::open(tx, at, user)?;
    if let Some(paid) = find_debit(tx, user, &job_text)? {
        if paid.refunded {
            return Err(LedgerError::Refunded { job: job.clone() });
        }
        let total = account.row.total()?;
        return Ok(DebitAnswer::Taken(Debit { ok: true, total, source: paid.bucket, again: true }));
    }
    let source = match (account.row.replenish, account.row.purchased) {
        (1.., _) => Bucket::Replenish,
        (_, 1..) => Bucket::Purchased,
        _ => {
            let next = at.rules.period.next_after(account.row.last_replenish_at);
            // A refill with nothing in it is nothing to wait for.
            let next = next.filter(|_| at.rules.default_credits > Credits::ZERO);
            return Ok(DebitAnswer::Refused(Refusal::new(RefusalReason::NoCredits, next)));
        }
    };
    account.row.lifetime_consumed += 1;
    account.change(source, -1, Cause::system(EntryKind::Debit, Some(&job_text)))?;
    account.save()?;
    tx.prepare_cached(
        "INSERT INTO credit_debits (user_id, job, bucket, debited_at, period_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![user, job_text, source, at.now, account.row.last_replenish_at])?;
    let total = account.row.total()?;
    Ok(DebitAnswer::Taken(Debit { ok: true, total, source, again: false }))
}

/// Gives the credit of a job back, once, into the bucket it came from. One of a period that is
/// over is forfeit like every leftover of that period: had it not been spent, the reset would have
/// taken it.
pub(crate) fn refund(
    tx: &Tx<'_>,
    at: &At,
    user: &Scope,
    job: &JobId,
) -> Result<RefundAnswer, LedgerError> {
    let user = user_id(user)?;
    let job = job.to_string();
    let Some(paid) = find_debit(tx, user, &job)? else {
        return Ok(RefundAnswer { outcome: RefundOutcome::NeverPaid, source: None });
    };
    let source = Some(paid.bucket);
    if paid.refunded {
        return Ok(RefundAnswer { outcome: RefundOutcome::Before, source });
    }
    let mut account = Account::open(tx, at, user)?;
    let lapsed =
        paid.bucket == Bucket::Replenish && paid.period_at != account.row.last_replenish_at;
    account.row.lifetime_consumed -= 1;
    account.change(
        paid.bucket,
        i64::from(!lapsed),
        Cause::system(EntryKind::Refund, Some(&job)),
    )?;
    account.save()?;
    tx.prepare_cached("UPDATE credit_debits SET refunded_at = ?3 WHERE user_id = ?1 AND job = ?2")?
        .execute(params![user, job, at.now])?;
    let outcome = if lapsed { RefundOutcome::Lapsed } else { RefundOutcome::Given };
    Ok(RefundAnswer { outcome, source })
}

/// Grows the permanent bucket, once for each key. It makes a row without a seed where none is, and
/// never refills.
pub(crate) fn add_purchased(
    tx: &Tx<'_>,
    at: &At,
    user: &Scope,
    amount: Credits,
    addition: &Addition,
) -> Result<Balance, LedgerError> {
    let user = user_id(user)?;
    addition.check(amount)?;
    let row = find_row(tx, user)?.unwrap_or_else(|| Row::new(at.now));
    let mut account = Account { tx, at, user, row };
    if let Some(key) = &addition.key
        && !claim_key(tx, at, user, amount, addition.kind.entry(), key)?
    {
        return account.balance();
    }
    if account.row.purchased + amount.get() > Credits::FULL.get() {
        return Err(LedgerError::TooMany);
    }
    account.row.lifetime_granted += amount.get();
    let cause = Cause {
        kind: addition.kind.entry(),
        key: addition.key.as_deref(),
        reason: addition.reason.as_deref(),
        by_whom: &addition.by_whom,
    };
    account.change(Bucket::Purchased, amount.get(), cause)?;
    account.save()?;
    account.balance()
}

/// Whether the key is new. One that was used for the same is not, and is no error.
fn claim_key(
    tx: &Tx<'_>,
    at: &At,
    user: &str,
    amount: Credits,
    kind: EntryKind,
    key: &str,
) -> Result<bool, LedgerError> {
    let claimed = tx
        .prepare_cached(
            "INSERT INTO credit_additions (kind, key, user_id, amount, added_at)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )?
        .execute(params![kind, key, user, amount.get(), at.now])?;
    if claimed == 1 {
        return Ok(true);
    }
    let (owner, given): (String, i64) = tx
        .prepare_cached(
            "SELECT user_id, amount FROM credit_additions WHERE kind = ?1 AND key = ?2",
        )?
        .query_row(params![kind, key], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if owner == user && given == amount.get() {
        Ok(false)
    } else {
        Err(LedgerError::KeyTaken { key: key.to_owned() })
    }
}

/// Takes the person out of the ledger: what is left lapses, the journal goes on under a name that
/// leads back to nobody, and keys that were used stay used. Gives that name, or `None` where the
/// person never had credits.
pub(crate) fn forget(tx: &Tx<'_>, at: &At, user: &Scope) -> Result<Option<String>, LedgerError> {
    let user = user_id(user)?;
    let Some(row) = find_row(tx, user)? else { return Ok(None) };
    let mut account = Account { tx, at, user, row };
    for (bucket, left) in
        [(Bucket::Replenish, account.row.replenish), (Bucket::Purchased, account.row.purchased)]
    {
        if left > 0 {
            account.change(bucket, -left, Cause::system(EntryKind::Closing, None))?;
        }
    }
    // No scope holds a slash there, so the name can be nobody's.
    let gone: String =
        tx.query_row("SELECT 'gone/' || lower(hex(randomblob(16)))", [], |row| row.get(0))?;
    tx.execute(
        "UPDATE credit_journal SET user_id = ?2, key = NULL, reason = NULL, by_whom = NULL
         WHERE user_id = ?1",
        [user, &gone],
    )?;
    tx.execute("UPDATE credit_additions SET user_id = ?2 WHERE user_id = ?1", [user, &gone])?;
    tx.execute("DELETE FROM credit_debits WHERE user_id = ?1", [user])?;
    tx.execute("DELETE FROM tenant_credits WHERE user_id = ?1", [user])?;
    Ok(Some(gone))
}
