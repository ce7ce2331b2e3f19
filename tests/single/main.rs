//! Single mode through its real doors: the router on a free port, and the command line.

#![expect(
    clippy::unwrap_used,
    reason = "a test, or what it stands on, ends where something is not as it must be"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/models.rs"]
mod stand_in;

mod commands;
mod contract;
mod doors;
mod earlier;
mod fairness;
mod faults;
mod files;
mod following;
mod library;
mod models;
mod process;
mod sound;
mod videos;
mod weights;
