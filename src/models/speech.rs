//! The trait of everything that turns sound into words.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{ModelError, Usage};
use crate::domain::transcript::Times;

/// Samples a second of every piece.
pub const SAMPLE_RATE: u32 = 16_000;

/// A stretch of sound to hear: mono, [`SAMPLE_RATE`], at most ten minutes, cut in pauses.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The samples.
    pub samples: Arc<[i16]>,
    /// Where it begins in the episode, in milliseconds.
    pub start_ms: u64,
}

impl Piece {
    /// Its length in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.samples.len() as u64 * 1_000 / u64::from(SAMPLE_RATE)
    }
}

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

/// What was heard in one piece.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeardPiece {
    /// In order of time; empty where nobody speaks.
    pub segments: Vec<Segment>,
    /// Tag of the language that was detected, where it was.
    #[serde(default)]
    pub language: Option<String>,
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
