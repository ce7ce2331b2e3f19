//! What was said and when: cues in order, with the names of those who spoke.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The words of one episode, in the order in which they were said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transcript {
    /// BCP 47 tag of the language spoken, as the source or a guess names it; `None` where unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Whether the cues' times were in the source or were made up from the length of the text.
    #[serde(default, skip_serializing_if = "Times::is_exact")]
    pub times: Times,
    /// Names by speaker key (`s1`, `s2`, … in order of first appearance).
    #[serde(default)]
    pub speakers: BTreeMap<String, String>,
    /// Ascending by `start_ms`; a cue may overlap its neighbour where two people spoke at once.
    #[serde(default)]
    pub cues: Vec<Cue>,
}

/// One caption line: a few words with the time at which they were said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cue {
    /// Milliseconds from the start of the episode.
    pub start_ms: u64,
    /// Milliseconds from the start of the episode; never before `start_ms`.
    pub end_ms: u64,
    /// Key into [`Transcript::speakers`]; `None` where the source names nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// Plain text: no markup, entities decoded, single spaces, never empty.
    pub text: String,
}

/// How far a transcript's times can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Times {
    /// The source carried them.
    #[default]
    Exact,
    /// Made up at 150 words a minute, or known not to fit the audio: shown with "about".
    About,
}

impl Times {
    /// Whether the times can be shown as they are.
    pub fn is_exact(&self) -> bool {
        *self == Times::Exact
    }
}

impl Transcript {
    /// Where the last cue ends, in milliseconds; 0 for a transcript without cues.
    pub fn duration_ms(&self) -> u64 {
        self.cues.iter().map(|cue| cue.end_ms).max().unwrap_or(0)
    }

    /// The name shown for a cue's speaker: the overlay's, else the key itself.
    pub fn speaker_name<'a>(&'a self, cue: &'a Cue) -> Option<&'a str> {
        let key = cue.speaker.as_deref()?;
        Some(self.speakers.get(key).map_or(key, String::as_str))
    }
}
