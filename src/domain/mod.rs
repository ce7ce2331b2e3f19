//! Recap's own nouns: pure, without io, async or clock reads.

pub mod outline;
pub mod transcript;
