//! Towards whoever turns speech into text or a transcript into an outline: one trait for each, and
//! behind it the servers and the recogniser on this machine. Knows nothing of jobs, scopes or files of
//! the library. A call is cancelled by dropping its future.

mod error;
pub mod speech;
pub mod text;
mod usage;

pub use error::{ModelError, ModelFault};
pub use usage::{Price, Usage};
