//! Why something about accounts could not be done, and what the person is told.

use chrono::TimeDelta;
use recap_mode::{Fault, FaultKind};

use crate::database::DatabaseError;
use crate::email::EmailError;
use crate::ledger::LedgerError;
use crate::rate_limits::in_words;

/// Inside a transaction: the outer error undoes it, the inner refusal keeps what was counted on the
/// way, so that a wrong code stays a wrong code.
pub(crate) type Decided<T> = Result<Result<T, Refusal>, Refusal>;

/// Why something about accounts could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not an address.
    #[error(transparent)]
    Email(#[from] EmailError),
    /// Too often from this network or for this address; there is room again after the time.
    #[error("There were too many tries.")]
    TooMany(TimeDelta),
    /// More mail waits than the outbox holds.
    #[error("Too much mail waits to be sent.")]
    OutboxFull,
    /// Used, expired, never made, or replaced: nobody learns which.
    #[error("This sign-in link is over: it was used already, or it is older than ten minutes.")]
    LinkOver,
    /// Wrong, used up, expired, or asked for by another browser: nobody learns which.
    #[error(
        "This code does not sign you in: it is wrong or over, or another browser asked for it."
    )]
    WrongCode,
    /// Wrong address or wrong password: nobody learns which.
    #[error("Address and password do not belong together.")]
    WrongPassword,
    /// A new password that is too short or too long.
    #[error(
        "A password has at least {} characters and at most {} bytes.",
        crate::passwords::PASSWORD_CHARS_MIN,
        crate::passwords::PASSWORD_BYTES_MAX
    )]
    PasswordBounds,
    /// Used, expired, replaced by a newer one, or there is an admin already.
    #[error(
        "This set-up link is over: it was used, replaced or expired, or there is an admin already."
    )]
    SetUpOver,
    /// The network had all its trials.
    #[error("The free recaps for your network are used up.")]
    TrialsUsedUp,
    /// The trial has no credit left.
    #[error("Your free recap is used up.")]
    TrialSpent,
    /// The trial became somebody's, or is over.
    #[error("Your trial is over.")]
    TrialOver,
    /// This job was paid and refunded: going on needs a new attempt.
    #[error("This job was refunded already; a new try is a new job.")]
    JobRefunded,
    /// Nobody of this id.
    #[error("There is no such account.")]
    NoTenant,
    /// The scope has nobody who could sign in.
    #[error("Nobody can sign in as `{0}` yet, so its work waits.")]
    NobodyToActAs(recap_mode::Scope),
    /// argon2 or its thread failed.
    #[error("The password could not be hashed: {0}.")]
    Hashing(String),
    /// The ledger, where credits come or go with an account.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<rusqlite::Error> for Refusal {
    fn from(cause: rusqlite::Error) -> Refusal {
        Refusal::Database(cause.into())
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        let message = refusal.to_string();
        let fault = |kind| Fault::new(kind, message.clone());
        match refusal {
            Refusal::Email(_) | Refusal::PasswordBounds => fault(FaultKind::Invalid),
            Refusal::TooMany(wait) => {
                fault(FaultKind::TooMany).hint(format!("Try again {}.", in_words(wait)))
            }
            Refusal::OutboxFull => fault(FaultKind::Busy).hint("Try again in a few minutes."),
            Refusal::LinkOver | Refusal::WrongCode => {
                fault(FaultKind::Unauthenticated).hint("Ask for a new mail on the sign-in page.")
            }
            Refusal::WrongPassword => fault(FaultKind::Unauthenticated)
                .hint("Ask for a link by mail if you have forgotten it or never set one."),
            Refusal::SetUpOver => fault(FaultKind::Unauthenticated)
                .hint("Start Recap again: while there is no admin, its log shows a new one."),
            Refusal::TrialsUsedUp | Refusal::TrialSpent => fault(FaultKind::NoCredits)
                .hint("Sign in with your e-mail address; what you made here comes along into a new account."),
            Refusal::TrialOver => fault(FaultKind::Unauthenticated).hint("Sign in."),
            Refusal::JobRefunded => fault(FaultKind::Conflict),
            Refusal::NoTenant => fault(FaultKind::NotFound),
            Refusal::NobodyToActAs(_) => fault(FaultKind::Unauthenticated).hint(
                "Sign in with the configured admin address, or by the set-up link in the log.",
            ),
            Refusal::Hashing(cause) => Fault::internal("hashing a password", cause),
            Refusal::Ledger(cause) => cause.into(),
            Refusal::Database(cause) => cause.into(),
        }
    }
}
