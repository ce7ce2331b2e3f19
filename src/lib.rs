//! Recap.
pub mod domain;
pub mod history;
pub mod store;
