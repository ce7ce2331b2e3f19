//! Single mode through its real doors: the router on a free port, and the command line.

#[path = "../support/mod.rs"]
mod support;

mod commands;
mod contract;
mod doors;
mod faults;
mod files;
mod library;
mod process;
