//! The contract between Recap and its modes, in both directions: what the daemon asks of a mode
//! ([`Mode`]) and what a mode may ask of the daemon ([`Host`]), with the few words that both need:
//! [`Scope`], [`Caller`], [`Fault`], [`Pass`], [`Receipt`], [`Clock`], [`Entropy`].
//!
//! Nothing here knows how a mode answers, and nothing here does io of its own but reading the
//! clock and the kernel's random source behind their seams.

/// The types of the `http` crate that stand in the contract.
pub use http;

pub mod caller;
pub mod fault;
pub mod mode;
pub mod scope;
pub mod seam;

pub use caller::{Admitted, Allowance, Caller, Entitlement, Pass, Peer, Receipt};
pub use fault::{ErrorBody, ErrorDetail, Fault, FaultKind};
pub use mode::{Host, JobId, Mode, Stop, Task};
pub use scope::{Scope, ScopeError};
pub use seam::{Clock, Entropy, ManualClock, SeededEntropy, SystemClock, SystemEntropy};
