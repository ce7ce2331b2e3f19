//! Recap.
pub mod config;
pub mod domain;
pub mod events;
pub mod history;
pub mod net;
pub mod outline;
pub mod store;
pub mod transcripts;
