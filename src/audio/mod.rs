//! Sound: what a file is, its samples as the recognisers want them, and pieces cut in pauses. Works on
//! local files and on samples alone; knows nothing of links, models, jobs or the library. Everything
//! here blocks: call it where blocking is fine.

pub mod decode;
mod error;
mod ffmpeg;
pub mod gate;
mod opus;
pub mod pieces;
mod resample;
pub mod sniff;

use std::sync::Arc;

pub use error::AudioError;

/// Samples a second of all decoded sound: what recognisers of speech are trained on.
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
        ms_of(self.samples.len() as u64)
    }
}

/// How long so many samples last, in milliseconds, rounded down.
pub(crate) fn ms_of(samples: u64) -> u64 {
    samples.saturating_mul(1_000) / u64::from(SAMPLE_RATE)
}

/// How many samples last so many milliseconds.
pub(crate) fn samples_of(ms: u64) -> u64 {
    ms.saturating_mul(u64::from(SAMPLE_RATE)) / 1_000
}
