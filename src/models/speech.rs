//! The trait of everything that turns sound into words.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{ModelError, Usage};
use crate::domain::transcript::Times;

pub use crate::audio::{Piece, SAMPLE_RATE};

/// What is known of the speech beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// BCP 47 tag of the language, where a person or the pieces before say so; otherwise it is detected.
    pub language: Option<String>,
    /// Names and words that are likely to be said, for engines that take such a hint; at most a few hundred letters.
    pub words: String,
}

/// A few words that were heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Milliseconds from the start of the piece.
    pub start_ms: u64,
    /// Milliseconds from the start of the piece; not before `start_ms`.
    pub end_ms: u64,
    /// What was said; never empty.
    pub text: String,
    /// A label of who said it, where the engine tells voices apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
}

/// A stretch of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Milliseconds from the start of the piece.
    pub start_ms: u64,
    /// Milliseconds from the start of the piece; not before `start_ms`.
    pub end_ms: u64,
}

/// What was heard in one piece.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeardPiece {
    /// In order of time; empty where nobody speaks.
    pub segments: Vec<Segment>,
    /// Tag of the language that was detected, where it was.
    #[serde(default)]
    pub language: Option<String>,
    /// Where the engine only repeated itself: what was really said there is not known, and of its words
    /// one copy is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loops: Vec<Span>,
    /// What it took.
    #[serde(default)]
    pub usage: Usage,
    /// Whether the engine said when each segment was spoken, or its text was laid over the piece.
    #[serde(default, skip_serializing_if = "Times::is_exact")]
    pub times: Times,
}

/// Turns sound into words.
#[async_trait]
pub trait Recogniser: Send + Sync {
    /// The name of the instance, as it stands in records and settings.
    fn name(&self) -> &str;

    /// The model, as it stands in records.
    fn model(&self) -> &str;

    /// Longest piece that it takes, in milliseconds.
    fn piece_ms_max(&self) -> u64;

    /// Hears one piece. Dropping the future stops the work, that of a child process included.
    ///
    /// # Errors
    /// Each of [`super::ModelFault`]; what passes by itself was tried again before.
    async fn hear(&self, piece: &Piece, known: &Known) -> Result<HeardPiece, ModelError>;
}
