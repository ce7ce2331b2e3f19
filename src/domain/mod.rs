//! Recap's own nouns: pure, without io, async or clock reads.

pub mod auto_queue;
pub mod candidates;
pub mod earlier;
pub mod episode;
pub mod feed_state;
pub mod filters;
pub mod known;
pub mod library;
pub mod link;
pub mod links;
pub mod outline;
pub mod recap;
pub mod scope_settings;
pub mod seen_list;
pub mod skip_list;
pub mod spending;
pub mod subscription;
pub mod transcript;
