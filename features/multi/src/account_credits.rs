//! Where accounts and the ledger meet: credits that come and go with a sign-up, a trial or a
//! deletion, in the transaction that decides it.

use chrono::{DateTime, Utc};
use recap_mode::{Clock, JobId, Scope};

use crate::database::{Database, Tx};
use crate::ledger::{
    Addition, AdditionKind, At, Credits, DebitAnswer, Ledger, LedgerError, account,
};
use crate::refusal::{Decided, Refusal};
use crate::rows::millis;
use crate::tenants;

/// Gives a new tenant the seed of sign-up; one who had an account before begins with nothing.
pub(crate) fn seed(
    tx: &Tx<'_>,
    ledger: &Ledger,
    user_id: &str,
    was_here_before: bool,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let amount = was_here_before.then_some(Credits::ZERO);
    account::seed_signup(tx, &at(ledger, now), &tenants::scope_of(user_id), amount).map(drop)
}

/// Adds what a trial had left, 1 or more, to the purchased bucket, once for each key.
pub(crate) fn carry_over(
    tx: &Tx<'_>,
    ledger: &Ledger,
    user_id: &str,
    key: String,
    amount: i64,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let addition = Addition {
        kind: AdditionKind::TrialCarryOver,
        key: Some(key),
        reason: None,
        by_whom: "system".to_owned(),
    };
    let (user, amount) = (tenants::scope_of(user_id), Credits::amount(amount)?);
    account::add_purchased(tx, &at(ledger, now), &user, amount, &addition).map(drop)
}

/// Takes a tenant out of the ledger; anonymous totals stay.
pub(crate) fn close(
    tx: &Tx<'_>,
    ledger: &Ledger,
    user_id: &str,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    account::forget(tx, &at(ledger, now), &tenants::scope_of(user_id)).map(drop)
}

/// Takes one credit for a job of somebody who has an account. Whether they do is asked in the same
/// transaction: the ledger begins a row for whomever it is asked about, and would begin anew with
/// somebody who left while a job of theirs ran.
pub(crate) async fn debit(
    database: &Database,
    clock: &dyn Clock,
    ledger: &Ledger,
    scope: &Scope,
    job: &JobId,
) -> Result<DebitAnswer, Refusal> {
    let (ledger, scope, job, now) = (ledger.clone(), scope.clone(), job.clone(), clock.now());
    let debited = database.write(move |tx| -> Decided<DebitAnswer> {
        if tenants::of_scope(tx, &scope)?.is_none() {
            return Ok(Err(Refusal::NoTenant));
        }
        Ok(Ok(account::gate_and_debit(tx, &at(&ledger, now), &scope, &job)?))
    });
    debited.await?
}

/// The transaction's own moment: one for everything in it.
fn at(ledger: &Ledger, now: DateTime<Utc>) -> At {
    At { now: millis(now), rules: ledger.rules() }
}
