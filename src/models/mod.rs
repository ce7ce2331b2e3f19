//! Towards whoever turns speech into text or a transcript into an outline: one trait for each, and
//! behind it the servers and the recogniser on this machine. Knows nothing of jobs, scopes or files of
//! the library. A call is cancelled by dropping its future.

mod anthropic;
mod breaker;
mod call;
mod dialect;
mod error;
mod gemini;
pub mod heard;
mod instance;
mod ollama;
mod openai;
mod relay;
mod server;
mod sound;
pub mod speech;
pub mod text;
mod usage;
pub mod weights;
pub mod whisper;

pub use call::Way;
pub use error::{ModelError, ModelFault};
pub use instance::{Instance, InstanceName, Key, Kind};
pub use relay::{RelayId, RelayUser};
pub use server::Server;
pub use usage::{Price, Usage};

#[cfg(test)]
#[path = "../../tests/support/models.rs"]
pub(crate) mod stand_in;
#[cfg(test)]
mod tests;
