//! Recap.
pub mod config;
pub mod domain;
pub mod events;
pub mod feeds;
pub mod history;
pub mod letters;
pub mod net;
pub mod outline;
pub mod store;
pub mod transcripts;
