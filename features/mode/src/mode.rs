//! The two traits: what the daemon asks of a mode, and what a mode may ask of the daemon.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;

use crate::{Admitted, Allowance, Caller, Entitlement, Fault, Pass, Receipt, Scope};

/// Cancelled when the daemon stops.
pub type Stop = tokio_util::sync::CancellationToken;

/// The id of one run of making a recap: made by the server, 1 to 64 of `[a-z0-9-]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

impl FromStr for JobId {
    type Err = Fault;
    fn from_str(text: &str) -> Result<JobId, Fault> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(JobId(text.to_owned()))
        } else {
            Err(Fault::not_found("There is no such job."))
        }
    }
}

impl TryFrom<String> for JobId {
    type Error = Fault;
    fn try_from(text: String) -> Result<JobId, Fault> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> String {
        id.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A background loop of a mode.
pub struct Task {
    /// For the log.
    pub name: &'static str,
    /// Runs until [`Stop`] is cancelled.
    pub run: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// What the daemon asks of a mode: who is asking, may they, what does it cost, how may the daemon
/// act for them. Nobody else ever asks which mode it is.
#[async_trait]
pub trait Mode: Send + Sync + 'static {
    /// Who is asking.
    ///
    /// # Errors
    /// [`crate::FaultKind::Unauthenticated`] where a sign-in is needed and missing, wrong or over.
    async fn identify(&self, request: &Parts) -> Result<Caller, Fault>;

    /// Whether [`Mode::admit`] would let in who asks and is nobody yet; false in most modes.
    fn lets_in(&self, _request: &Parts) -> bool {
        false
    }

    /// Who is asking to begin a recap: a stranger may be let in here, and is somebody from then on.
    ///
    /// # Errors
    /// As [`Mode::identify`]; [`crate::FaultKind::TooMany`] where too many strangers came from there.
    async fn admit(&self, request: &Parts) -> Result<Admitted, Fault> {
        Ok(Admitted { caller: self.identify(request).await?, set_cookie: None })
    }

    /// How much `scope` may have now.
    ///
    /// # Errors
    /// Where that cannot be found out.
    async fn allowance(&self, _scope: &Scope) -> Result<Allowance, Fault> {
        Ok(Allowance::UNLIMITED)
    }

    /// In whose name the relay is asked for what a scope wants: 1 to 128 letters, digits, `_` and `-`.
    /// `None` is the operator's own.
    async fn relay_user(&self, _scope: &Scope) -> Option<String> {
        None
    }

    /// Does what `recap admin` was asked for on this machine, whose files' rights are its authority;
    /// what to print.
    ///
    /// # Errors
    /// [`crate::FaultKind::Invalid`] where there is nothing to administer, or the words say nothing.
    async fn command(&self, _words: &[String]) -> Result<String, Fault> {
        Err(Fault::invalid("There is nobody to administer: this Recap serves its owner alone.")
            .hint("Tenants exist with RECAP_MODE=multi."))
    }

    /// Whether `scope` may do `what`.
    ///
    /// # Errors
    /// [`crate::FaultKind::NotEntitled`] with a sentence that says what would allow it.
    async fn entitled(&self, scope: &Scope, what: Entitlement) -> Result<(), Fault>;

    /// Whether a recap could be paid for now, so that who has nothing left is told at once. What
    /// counts is [`Mode::debit`].
    ///
    /// # Errors
    /// [`crate::FaultKind::NoCredits`].
    async fn affords(&self, _scope: &Scope) -> Result<(), Fault> {
        Ok(())
    }

    /// Takes what one recap costs. The same job pays once, however often it asks.
    ///
    /// # Errors
    /// [`crate::FaultKind::NoCredits`]; nothing was taken then.
    async fn debit(&self, scope: &Scope, job: &JobId) -> Result<Receipt, Fault>;

    /// Gives back what `receipt` took, into the bucket it came from, once.
    ///
    /// # Errors
    /// Only where the ledger cannot be written; the caller may try again.
    async fn refund(&self, receipt: &Receipt) -> Result<(), Fault>;

    /// A sign-in of minutes with which the daemon acts as the scope's owner.
    ///
    /// # Errors
    /// Where the scope has no owner who could sign in.
    async fn pass_for(&self, scope: &Scope) -> Result<Pass, Fault>;

    /// Where strangers who want a page are led. `/sign-in` is the root's own, with one password.
    fn sign_in_path(&self) -> &'static str {
        "/sign-in"
    }

    /// Where the page leads this caller for what is theirs here, and under which word: an account, or
    /// the sign-in of who has none. `None` where there is no such place.
    fn account_link(&self, _caller: &Caller) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Whether everything but health and sign-in is closed to strangers.
    fn guarded(&self) -> bool;

    /// The pages and routes of signing in and of accounts; those of the root router win no clash
    /// with them.
    fn routes(self: Arc<Self>) -> OpenApiRouter;

    /// What has to be done before the address answers.
    ///
    /// # Errors
    /// Where it cannot be done; the daemon does not start then.
    async fn start(&self, _host: Arc<dyn Host>) -> Result<(), Fault> {
        Ok(())
    }

    /// Background loops; none in single mode.
    fn tasks(self: Arc<Self>, host: Arc<dyn Host>, stop: Stop) -> Vec<Task>;
}

/// What a mode may ask of the daemon.
#[async_trait]
pub trait Host: Send + Sync + 'static {
    /// Makes everything of `from` the things of `to`, keeping what `to` already has.
    ///
    /// # Errors
    /// Where a file cannot be moved; what was moved stays moved, and the call can be repeated.
    async fn adopt(&self, from: &Scope, to: &Scope) -> Result<(), Fault>;

    /// Removes everything of a scope from the disk.
    ///
    /// # Errors
    /// Where a file cannot be removed; the call can be repeated.
    async fn erase(&self, scope: &Scope) -> Result<(), Fault>;

    /// Packs everything that a scope has on the disk, and these files of the mode's own by their names,
    /// into one tar archive: a file that the caller removes.
    ///
    /// # Errors
    /// Where it cannot be read or written.
    async fn archive(&self, scope: &Scope, more: Vec<(String, Vec<u8>)>) -> Result<PathBuf, Fault>;

    /// Calls a service that the operator configured, wherever it is: no redirects, a minute at most, an
    /// answer of a MiB at most.
    ///
    /// # Errors
    /// [`crate::FaultKind::Upstream`] where there is no answer.
    async fn call(&self, request: http::Request<Vec<u8>>)
    -> Result<http::Response<Vec<u8>>, Fault>;

    /// Tells the scope's open pages that something happened.
    fn publish(&self, scope: &Scope, event: &str, data: serde_json::Value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_from_outside_is_safe_in_a_path() {
        for good in ["a", "0k3-x", &"a".repeat(64)] {
            assert!(JobId::from_str(good).is_ok(), "{good:?} was refused");
        }
        for bad in ["", ".", "..", "a/b", "A", "a\0", "ä", &"a".repeat(65)] {
            assert!(JobId::from_str(bad).is_err(), "{bad:?} was taken");
        }
    }
}
