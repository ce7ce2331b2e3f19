//! What a person is told when something could not be done, and how it goes out as an answer: the
//! one place where the cause of a failed request is logged.

use std::error::Error;
use std::fmt;

use axum::Json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The closed list of failures; one table maps each to its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// 400: the request itself is wrong.
    Invalid,
    /// 401: nobody is signed in.
    Unauthenticated,
    /// 402: what was bought does not include this.
    NotEntitled,
    /// 402: no credits are left.
    NoCredits,
    /// 403: signed in, but not allowed.
    Forbidden,
    /// 404: it is not there, or it is another's.
    NotFound,
    /// 409: it clashes with what is there.
    Conflict,
    /// 412: somebody changed it since it was read.
    Stale,
    /// 413: larger than the bound.
    TooLarge,
    /// 421: asked for under a host name that is not this daemon's.
    WrongHost,
    /// 429: too often.
    TooMany,
    /// 502: an outside server failed.
    Upstream,
    /// 503: busy now, later it will work.
    Busy,
    /// 507: the disk is full.
    StorageFull,
    /// 500: a mistake of ours.
    Internal,
}

impl FaultKind {
    /// The HTTP status that stands for this kind.
    pub fn status(self) -> StatusCode {
        match self {
            FaultKind::Invalid => StatusCode::BAD_REQUEST,
            FaultKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            FaultKind::NotEntitled | FaultKind::NoCredits => StatusCode::PAYMENT_REQUIRED,
            FaultKind::Forbidden => StatusCode::FORBIDDEN,
            FaultKind::NotFound => StatusCode::NOT_FOUND,
            FaultKind::Conflict => StatusCode::CONFLICT,
            FaultKind::Stale => StatusCode::PRECONDITION_FAILED,
            FaultKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            FaultKind::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            FaultKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
            FaultKind::Upstream => StatusCode::BAD_GATEWAY,
            FaultKind::Busy => StatusCode::SERVICE_UNAVAILABLE,
            FaultKind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
            FaultKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word in `{"error": {"kind": …}}`.
    pub fn word(self) -> &'static str {
        match self {
            FaultKind::Invalid => "invalid",
            FaultKind::Unauthenticated => "unauthenticated",
            FaultKind::NotEntitled => "not_entitled",
            FaultKind::NoCredits => "no_credits",
            FaultKind::Forbidden => "forbidden",
            FaultKind::NotFound => "not_found",
            FaultKind::Conflict => "conflict",
            FaultKind::Stale => "stale",
            FaultKind::TooLarge => "too_large",
            FaultKind::WrongHost => "wrong_host",
            FaultKind::TooMany => "too_many",
            FaultKind::Upstream => "upstream",
            FaultKind::Busy => "busy",
            FaultKind::StorageFull => "storage_full",
            FaultKind::Internal => "internal",
        }
    }
}

/// A failure with the sentence that a person may read; the cause stays inside for the log.
#[derive(Debug)]
pub struct Fault {
    /// Which of the closed list.
    pub kind: FaultKind,
    /// What was tried on what, and what is wrong.
    pub message: String,
    /// What to do next, where the message does not say it.
    pub hint: Option<String>,
    /// What a program wants to know beside it, under names of its own.
    pub details: Option<Box<serde_json::Value>>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A fault without a known cause.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Fault {
        Fault { kind, message: message.into(), hint: None, details: None, cause: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Fault {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what a program wants to know.
    #[must_use]
    pub fn details(mut self, details: serde_json::Value) -> Fault {
        self.details = Some(Box::new(details));
        self
    }

    /// Keeps the cause for the log; it is never shown to the caller.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Fault {
        self.cause = Some(cause.into());
        self
    }

    /// 400 with a sentence.
    pub fn invalid(message: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Invalid, message)
    }

    /// 404 with a sentence.
    pub fn not_found(message: impl Into<String>) -> Fault {
        Fault::new(FaultKind::NotFound, message)
    }

    /// 500: the sentence says only what was being done, the cause goes to the log.
    pub fn internal(doing: &str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Fault {
        Fault::new(
            FaultKind::Internal,
            format!("Something went wrong here while {doing}; the log has the cause."),
        )
        .because(cause)
    }

    /// The cause, for the log.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.cause.as_deref()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " {hint}"),
            None => Ok(()),
        }
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

/// What every failed request is answered with.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// The failure.
    pub error: ErrorDetail,
}

/// The failure of an [`ErrorBody`].
#[derive(Serialize, utoipa::ToSchema)]
pub struct ErrorDetail {
    /// A word of a closed list: `invalid`, `unauthenticated`, `not_entitled`, `no_credits`,
    /// `forbidden`, `not_found`, `conflict`, `stale`, `too_large`, `wrong_host`, `too_many`,
    /// `upstream`, `busy`, `storage_full`, `internal`.
    pub kind: &'static str,
    /// What was tried on what, and what is wrong.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What a program wants to know beside it: with `no_credits` the answer of the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<serde_json::Value>,
}

impl From<&Fault> for ErrorBody {
    fn from(fault: &Fault) -> ErrorBody {
        ErrorBody {
            error: ErrorDetail {
                kind: fault.kind.word(),
                message: fault.message.clone(),
                hint: fault.hint.clone(),
                details: fault.details.as_deref().cloned(),
            },
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        if let Some(cause) = self.cause() {
            tracing::error!(kind = self.kind.word(), cause = %cause, "a request failed: {}", self.message);
        }
        let mut response = (self.kind.status(), Json(ErrorBody::from(&self))).into_response();
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if matches!(self.kind, FaultKind::Busy | FaultKind::TooMany) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
