//! Why a file gave no sound.

use super::sniff::{Format, Refusal};

/// Why a file could not be heard; each is a sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// The file cannot be opened or read.
    #[error("The sound file could not be read: {0}. Try again; if it stays so, check the disk.")]
    Read(std::io::Error),
    /// It is no sound.
    #[error("{0}")]
    Refused(Refusal),
    /// It is sound of a kind that nothing here decodes.
    #[error("{0} cannot be decoded here. Install the program ffmpeg, or convert the file to MP3.")]
    Unsupported(Format),
    /// It is longer than may be.
    #[error(
        "The sound is longer than {hours_max} hours, and was not heard. Raise the bound, or cut the file."
    )]
    TooLong {
        /// The bound.
        hours_max: u32,
    },
    /// Nothing of it could be decoded.
    #[error(
        "The file looks like {0}, but nothing in it could be decoded: it is damaged or cut off. Fetch it again."
    )]
    Damaged(Format),
    /// The program did not work.
    #[error(
        "The program ffmpeg could not be used: {0}. Check that it runs, or convert the file to MP3."
    )]
    Ffmpeg(String),
    /// Whoever takes the sound wants no more.
    #[error("The sound was not heard to its end: it was stopped.")]
    Stopped,
}
