//! Recap's own nouns: pure, without io, async or clock reads.

pub mod episode;
pub mod library;
pub mod outline;
pub mod recap;
pub mod skip_list;
pub mod transcript;
