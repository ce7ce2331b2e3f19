//! Multi mode through its real doors: whole daemons with real cookies, mails in a folder, canned
//! publishers and a canned relay; and the built program beside them.

#![expect(
    clippy::unwrap_used,
    reason = "a test, or what it stands on, ends where something is not as it must be"
)]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "what single mode's tests alone need stands beside what all need")]
mod support;

#[cfg(feature = "multi")]
#[path = "../support/models.rs"]
#[expect(dead_code, reason = "what unit tests alone need stands beside what all need")]
mod stand_in;

#[cfg(feature = "multi")]
mod checklist;
#[cfg(feature = "multi")]
mod contract;
#[cfg(feature = "multi")]
mod log;
#[cfg(feature = "multi")]
mod mended;
#[cfg(feature = "multi")]
mod models;
mod process;
#[cfg(feature = "multi")]
mod queue;
#[cfg(feature = "multi")]
mod relay;
#[cfg(feature = "multi")]
mod routes;
#[cfg(feature = "multi")]
mod service;
#[cfg(feature = "multi")]
mod sign_in;
