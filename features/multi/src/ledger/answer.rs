//! What the ledger answers, in the shapes of the document that describes it.

use std::fmt;

use chrono::DateTime;
use serde::Serialize;

use super::{Bucket, Credits, Period};

/// What a person has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Balance {
    /// Whose.
    pub user_id: String,
    /// The permanent half.
    pub purchased: Credits,
    /// The half that is reset at each boundary.
    pub replenish: Credits,
    /// Both.
    pub total: Credits,
    /// The boundary of the last reset, in epoch milliseconds.
    pub last_replenish_at: Option<i64>,
    /// Everything that was ever given, refills apart.
    pub lifetime_granted: i64,
    /// Everything that was ever spent, less what was refunded.
    pub lifetime_consumed: i64,
    /// How often the refilled half is reset.
    pub period: Period,
    /// When it is reset next, in epoch milliseconds; `None` where it never is.
    pub next_replenish_at: Option<i64>,
}

/// Whether a job may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum DebitAnswer {
    /// It is paid.
    Taken(Debit),
    /// It is not, and nothing was taken.
    Refused(Refusal),
}

/// A job that is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Debit {
    /// Always true.
    pub ok: bool,
    /// What is left.
    pub total: Credits,
    /// Which half it was taken from.
    pub source: Bucket,
    /// Whether this job had paid before; nothing was taken this time.
    #[serde(skip)]
    pub again: bool,
}

/// A job that is not paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Refusal {
    /// Always false.
    pub ok: bool,
    /// Why.
    pub reason: RefusalReason,
    /// What is left: nothing.
    pub total: Credits,
    /// When a refill brings credits, in epoch milliseconds; absent where only a purchase does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_replenish_at: Option<i64>,
}

/// Why a job is not paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// Both halves are empty.
    NoCredits,
    /// Whoever asks has no account: a trial's credits are kept with the trial.
    NoUserId,
}

impl Refusal {
    /// Nothing is left.
    pub(crate) fn no_credits(next_replenish_at: Option<i64>) -> Refusal {
        Refusal::new(RefusalReason::NoCredits, next_replenish_at)
    }

    pub(super) fn new(reason: RefusalReason, next_replenish_at: Option<i64>) -> Refusal {
        Refusal { ok: false, reason, total: Credits::ZERO, next_replenish_at }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.reason, self.next_replenish_at.and_then(DateTime::from_timestamp_millis)) {
            (RefusalReason::NoUserId, _) => {
                f.write_str("This needs an account with credits: sign in, then try again.")
            }
            (RefusalReason::NoCredits, Some(next)) => write!(
                f,
                "No credits are left. New ones come on {} (UTC); until then more can be bought.",
                next.format("%Y-%m-%d at %H:%M")
            ),
            (RefusalReason::NoCredits, None) => {
                f.write_str("No credits are left. Buy some, and this goes on.")
            }
        }
    }
}

/// What became of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RefundAnswer {
    /// Whether something came back.
    pub outcome: RefundOutcome,
    /// Which half the job had paid from; `None` where it never paid.
    pub source: Option<Bucket>,
}

/// Whether something came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundOutcome {
    /// The credit is back.
    Given,
    /// It came from the refilled half, which has been reset since: it is forfeit with the rest of
    /// its period.
    Lapsed,
    /// It had come back before; nothing changed.
    Before,
    /// The job never paid; nothing changed.
    NeverPaid,
}
