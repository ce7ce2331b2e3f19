//! A draft of a recap: topics over ranges of cues, before ids, times and checks are added.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an outliner (built in or a model) made of a transcript.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outline {
    /// What the episode is about and what came out of it, at most 120 words.
    pub overview: String,
    /// In order; their cue ranges cover the transcript without gap or overlap.
    pub topics: Vec<OutlineTopic>,
}

/// One topic of an [`Outline`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutlineTopic {
    /// At most eight words from the built-in outliner; a publisher's chapter title as it is.
    pub title: String,
    /// Index of the first cue.
    pub first_cue: usize,
    /// Index of the last cue, inclusive.
    pub last_cue: usize,
    /// In the order of the cues they cite; at least one.
    pub points: Vec<OutlinePoint>,
}

/// One statement of an [`OutlineTopic`], with its receipt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutlinePoint {
    /// A readable sentence.
    pub text: String,
    /// Index of the cue where it begins to be said, within the topic's range.
    pub cue: usize,
    /// Index of the cue where it has been said, inclusive; `cue` or later, within the topic's range.
    pub last_cue: usize,
}

/// A chapter that the publisher marked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Chapter {
    /// Milliseconds from the start of the episode.
    pub start_ms: u64,
    /// As the publisher wrote it; may be empty.
    #[serde(default)]
    pub title: String,
}

/// How finely a talk is divided into topics.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    utoipa::ToSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    /// Few, long topics: about half as many.
    Coarse,
    /// What fits the talk.
    #[default]
    Auto,
    /// Many, short topics: about twice as many.
    Fine,
}

/// How much of each topic an outline says.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    utoipa::ToSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Length {
    /// About half as many points.
    Brief,
    /// What carries a topic.
    #[default]
    Normal,
    /// About twice as many points.
    Long,
}

impl Granularity {
    /// Whether nothing else was wished.
    pub fn is_auto(&self) -> bool {
        *self == Granularity::Auto
    }
}

impl Length {
    /// Whether nothing else was wished.
    pub fn is_normal(&self) -> bool {
        *self == Length::Normal
    }
}
