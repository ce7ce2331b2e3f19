//! Recap.
pub mod domain;
