//! Who is asking, what they may do, and the receipts and passes that a mode hands out.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{JobId, Scope};

/// Who stands behind one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose things the request is about. Derived from the request's authentication, never from
    /// its address or body.
    pub scope: Scope,
    /// Whether this caller runs the place: sees its configuration and the health of its files.
    pub operator: bool,
    /// Shown on the page beside *Sign out*; `None` where nobody had to sign in.
    pub signed_in_as: Option<String>,
}

/// Something a scope may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entitlement {
    /// Make recaps.
    Process,
    /// Follow channels and podcasts.
    Subscriptions,
    /// Fetch from private addresses that the caller typed: a feed in the own network.
    PrivateAddresses,
}

impl Entitlement {
    /// All of them, in the order in which `/api/status` names them.
    pub const ALL: [Entitlement; 3] =
        [Entitlement::Process, Entitlement::Subscriptions, Entitlement::PrivateAddresses];
}

/// How much a scope may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// Shows followed at a time.
    pub subscriptions_max: u64,
    /// Queue items that wait, are approved or being worked on.
    pub open_queue_items_max: u64,
    /// Size of one uploaded file.
    pub upload_bytes_max: u64,
    /// Everything in the scope's folder.
    pub storage_bytes_max: u64,
    /// Minutes of speech recognised in one day (UTC).
    pub speech_minutes_daily_max: u64,
}

impl Allowance {
    /// Of whom the machine belongs to: what the machine can is the bound.
    pub const UNLIMITED: Allowance = Allowance {
        subscriptions_max: u64::MAX,
        open_queue_items_max: u64::MAX,
        upload_bytes_max: u64::MAX,
        storage_bytes_max: u64::MAX,
        speech_minutes_daily_max: u64::MAX,
    };
}

/// Somebody who was let in to begin something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Who.
    pub caller: Caller,
    /// What the answer has to give their browser (a whole `Set-Cookie`), so that they are known again.
    pub set_cookie: Option<String>,
}

/// Proof that a job was paid for; hand it back to [`crate::Mode::refund`] when the job fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who paid.
    pub scope: Scope,
    /// What for.
    pub job: JobId,
    /// The bucket it was taken from; `None` where recaps are free.
    pub source: Option<String>,
}

/// A sign-in that the daemon holds for minutes to act as a scope's owner over its own front door.
///
/// Dropping it ends it: the mode's clean-up runs on every exit path. A short expiry on the mode's
/// side covers a killed process.
pub struct Pass {
    cookie: Option<String>,
    end: Option<Box<dyn FnOnce() + Send>>,
}

impl Pass {
    /// Nothing to show: the scope needs no sign-in.
    pub fn none() -> Pass {
        Pass { cookie: None, end: None }
    }

    /// A cookie to show (`name=value`), and what to do when the pass is dropped.
    pub fn with_cookie(cookie: String, end: impl FnOnce() + Send + 'static) -> Pass {
        Pass { cookie: Some(cookie), end: Some(Box::new(end)) }
    }

    /// The `Cookie` header's value, if one has to be shown.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end();
        }
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The cookie is a secret: a log that prints a pass must not leak it.
        f.debug_struct("Pass").field("cookie", &self.cookie.is_some()).finish()
    }
}

/// The client's address, put into a request's extensions before a mode sees it: the peer's own, or
/// the one that the declared proxies forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub std::net::IpAddr);
