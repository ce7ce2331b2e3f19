//! Why a model gave no answer, in kinds that say what helps.

use std::fmt;

use recap_mode::{Fault, FaultKind};

use super::Usage;
use crate::net::RetryAfter;

/// Why a model gave no answer that can be used. The message is a sentence for a person, without keys,
/// prompts or what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelError {
    /// What sort of failure, by which is decided what happens next.
    pub kind: ModelFault,
    /// Which instance was asked, what is wrong, what to do.
    pub message: String,
    /// When the server wants to be asked again, where it said so.
    pub retry_after: Option<RetryAfter>,
    /// What it took all the same: an answer that was cut or held back is paid for. Boxed, since most
    /// failures cost nothing and every answer carries room for one.
    pub used: Option<Box<Usage>>,
}

/// The sorts of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModelFault {
    /// Nobody answered, or the connection broke.
    Unreachable,
    /// It took longer than it may.
    TimedOut,
    /// It has too much to do, or was asked too often: 429, 503, 529.
    Busy,
    /// It failed by itself: 5xx.
    Server,
    /// The key is missing, wrong, or may not do this: 401, 403.
    Key,
    /// The account there is empty: 402, or a quota that is used up.
    Quota,
    /// It does not know the model, or the address leads elsewhere: 404, a web page in place of JSON.
    Unknown,
    /// What was sent does not fit: longer than the window or than it takes of sound.
    TooLong,
    /// It will not answer this: a filter of the provider.
    Refused,
    /// It answered, and not in the form that was asked for.
    Malformed,
    /// Its answer was cut off at a limit.
    Cut,
    /// The address guard, or a setting of the instance, forbids the call.
    Setting,
    /// A program or a file of weights on this machine does not work.
    Broken,
}

impl ModelError {
    /// A failure without a time at which to ask again.
    pub fn new(kind: ModelFault, message: impl Into<String>) -> ModelError {
        ModelError { kind, message: message.into(), retry_after: None, used: None }
    }

    /// The same, of an answer that has to be paid for.
    pub fn after(self, used: Usage) -> ModelError {
        ModelError { used: Some(Box::new(used)), ..self }
    }

    /// Whether asking the same again, a little later, may help.
    pub fn may_pass(&self) -> bool {
        use ModelFault::{Busy, Cut, Malformed, Server, TimedOut, Unreachable};
        matches!(self.kind, Unreachable | TimedOut | Busy | Server | Malformed | Cut)
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ModelError {}

impl From<ModelError> for Fault {
    fn from(error: ModelError) -> Fault {
        let kind = match error.kind {
            ModelFault::Setting => FaultKind::Invalid,
            _ => FaultKind::Upstream,
        };
        Fault::new(kind, error.message)
    }
}
