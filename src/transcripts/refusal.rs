//! Why bytes are not a transcript, as sentences for a person.

use thiserror::Error;

/// Why a file was not read as a transcript.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No bytes, or nothing but blanks.
    #[error("The transcript is empty; fetch or export it again.")]
    Empty,
    /// More than [`super::BYTES_MAX`].
    #[error("The transcript holds more than 64 MiB; give a file of text only, or cut it in parts.")]
    TooLarge,
    /// Not text at all; names what it looks like.
    #[error("The transcript is not text but looks like {0}; give the text file itself.")]
    Binary(&'static str),
    /// Text in a known form, with no words in it.
    #[error("The {0} file holds no words; check that the export was finished.")]
    NoCues(&'static str),
    /// More than [`super::CUES_MAX`].
    #[error("The transcript has more than 200,000 lines with times; cut it in parts.")]
    TooManyCues,
    /// Text, but of another kind; names what it looks like.
    #[error(
        "This is not a transcript but looks like {0}; give the transcript's own address or file."
    )]
    NotATranscript(&'static str),
    /// JSON or XML that cannot be read to its end.
    #[error("The transcript's {kind} is broken near line {line}; fetch or export it again.")]
    Broken {
        /// `JSON` or `XML`.
        kind: &'static str,
        /// From 1.
        line: usize,
    },
    /// Elements within elements beyond the bound.
    #[error("The transcript's {0} is nested too deeply to be a transcript; export it again.")]
    TooDeep(&'static str),
}
