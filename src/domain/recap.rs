//! The finished document of one episode, format 1 of PRODUCT.md section 1.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::episode::{Episode, EpisodeId};
use crate::domain::outline::Outline;
use crate::domain::transcript::Transcript;

/// The format that this version writes.
pub const FORMAT: u32 = 1;

/// Longest slug within an id, in bytes.
const SLUG_BYTES_MAX: usize = 60;

/// Longest title, in characters. What a publisher gives is cut at half of it.
const TITLE_CHARS_MAX: usize = 1000;

/// Names of devices on Windows, where a library may be copied to: no file there can have them.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Names of a scope's other documents, which no recap may take.
const RESERVED: [&str; 8] = [
    "_meta",
    "auto-queue",
    "feed-state",
    "seen-list",
    "settings",
    "skip-list",
    "spending",
    "subscriptions",
];

/// A recap's id and the stem of its file: date, slug and six characters. Ids of taken-over files
/// stay as they are, so any stem that is safe in a path is one.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct RecapId(Box<str>);

impl RecapId {
    /// A new id, from the day of publication, the title and six random bytes.
    pub fn make(day: DateTime<Utc>, title: &str, random: [u8; 6]) -> RecapId {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let tail: String =
            random.iter().map(|byte| LETTERS[usize::from(byte % 32)] as char).collect();
        let slug = slug(title);
        let dash = if slug.is_empty() { "" } else { "-" };
        RecapId(format!("{}-{slug}{dash}{tail}", day.format("%Y-%m-%d")).into())
    }

    /// As it stands in addresses and file names.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn slug(title: &str) -> String {
    let mut slug = String::new();
    for word in deunicode::deunicode(&title.chars().take(400).collect::<String>())
        .to_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        let dash = usize::from(!slug.is_empty());
        if slug.len() + dash + word.len() > SLUG_BYTES_MAX {
            if slug.is_empty() {
                slug.push_str(&word[..SLUG_BYTES_MAX]);
            }
            break;
        }
        if dash == 1 {
            slug.push('-');
        }
        slug.push_str(word);
    }
    slug
}

impl FromStr for RecapId {
    type Err = String;
    fn from_str(text: &str) -> Result<RecapId, String> {
        let fits = (1..=128).contains(&text.len())
            && !text.starts_with(['.', '_', '-'])
            && text.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c))
            && !text.ends_with(['.', ' '])
            && !RESERVED.contains(&text)
            && !DEVICES.contains(
                &text.split('.').next().unwrap_or_default().to_ascii_lowercase().as_str(),
            );
        if fits { Ok(RecapId(text.into())) } else { Err("this is no id of a recap".to_owned()) }
    }
}

impl TryFrom<String> for RecapId {
    type Error = String;
    fn try_from(text: String) -> Result<RecapId, String> {
        text.parse()
    }
}

impl From<RecapId> for String {
    fn from(id: RecapId) -> String {
        id.0.into()
    }
}

impl fmt::Display for RecapId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One recap. The fields stand in the file in this order, so that its first 4 KiB tell what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recap {
    /// [`FORMAT`].
    pub format: u32,
    /// The stem of its file.
    pub id: RecapId,
    /// Shown in the library; the episode's own title until a person changes it.
    pub title: String,
    /// How many topics there are.
    #[serde(default)]
    pub topic_count: usize,
    /// Length of the episode in milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed by a person or made again.
    pub updated_at: DateTime<Utc>,
    /// What it is about.
    pub episode: Episode,
    /// From which transcript and by which outliner.
    #[serde(default)]
    pub made_by: MadeBy,
    /// What the episode is about and what came out of it.
    #[serde(default)]
    pub overview: String,
    /// By time.
    #[serde(default)]
    pub topics: Vec<Topic>,
    /// How much of the episode the topics cover.
    #[serde(default)]
    pub coverage: Coverage,
    /// Warnings for the reader, as sentences.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What was said.
    #[serde(default)]
    pub transcript: Transcript,
}

/// Where a recap's words come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MadeBy {
    /// The run that made it; a run that is repeated after a crash finds its own recap by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The transcript's provenance.
    #[serde(default)]
    pub transcript: TranscriptOrigin,
    /// The outline's provenance.
    #[serde(default)]
    pub outline: OutlineOrigin,
    /// Hashes of the generated `title` and `overview`, by which a hand edit is told.
    #[serde(default)]
    pub hashes: BTreeMap<String, String>,
    /// Milliseconds by stage.
    #[serde(default)]
    pub took_ms: BTreeMap<String, u64>,
    /// Tokens and money, where a model was asked.
    #[serde(default)]
    pub usage: BTreeMap<String, serde_json::Value>,
}

/// Where a transcript comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TranscriptOrigin {
    /// `podcast`, `captions`, `speech` or `upload`.
    #[serde(default)]
    pub source: TranscriptSource,
    /// Who made it, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Which model heard it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Which of a video's tracks, by its name there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
    /// Who made that track: `manual`, `automatic`, `translated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track_kind: Option<String>,
    /// Where it was fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// The file's form: `vtt`, `srt`, `sbv`, `json3`, `timedtext`, `json`, `html`, `lrc` or `text`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub format: String,
    /// sha256 of the bytes, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// When it was fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<DateTime<Utc>>,
    /// Pieces of the file that could not be read.
    #[serde(default)]
    pub skipped: usize,
}

/// The rungs of the transcript ladder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TranscriptSource {
    /// The publisher's own, named in the feed.
    Podcast,
    /// A video's captions.
    Captions,
    /// Speech recognition.
    Speech,
    /// A file or text that a person brought.
    #[default]
    Upload,
}

/// By what an outline was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutlineOrigin {
    /// `builtin`, or the name of a model server.
    #[serde(default)]
    pub provider: String,
    /// The model, where one was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Of the outliner.
    #[serde(default)]
    pub version: u32,
    /// Whether the publisher's chapters set the boundaries.
    #[serde(default)]
    pub chapters: bool,
    /// Hash of the prompts that a model was asked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<String>,
    /// The models that failed before, so that the next or the built-in outline stood in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fell_back_from: Vec<String>,
}

/// One titled, timed part of a recap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Topic {
    /// Never empty.
    pub title: String,
    /// Milliseconds.
    pub start_ms: u64,
    /// Milliseconds.
    pub end_ms: u64,
    /// Index of its first cue.
    pub first_cue: usize,
    /// Index of its last cue, inclusive.
    pub last_cue: usize,
    /// `t1`, `t2`, …; never changed.
    pub id: String,
    /// Hash of the generated title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub made: String,
    /// What is said in it.
    #[serde(default)]
    pub points: Vec<Point>,
    /// What the points claim and their cues do not hold.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
}

/// One statement with its receipt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// `p1`, `p2`, … over the whole recap; never changed.
    pub id: String,
    /// A sentence.
    pub text: String,
    /// Index of the cue where it begins to be said.
    pub cue: usize,
    /// Index of the cue where it has been said; absent where that is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_cue: Option<usize>,
    /// Where that cue starts, in milliseconds.
    pub start_ms: u64,
    /// Hash of the generated text, by which a hand edit is told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub made: String,
}

/// Something in a point that the cited cues do not hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Doubt {
    /// What sort of thing.
    pub kind: DoubtKind,
    /// The words in doubt.
    pub text: String,
    /// The first cue that was searched.
    pub cue: usize,
    /// The point that says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<String>,
}

/// What sort of thing is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DoubtKind {
    /// A number that was not said.
    Number,
    /// A name that was not said.
    Name,
    /// Words in quotation marks that were not said so.
    Quotation,
}

/// How much of the episode the topics cover.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Share of the cues that lie in a topic, 0 to 1.
    #[serde(default)]
    pub cues: f64,
    /// Share of the time that lies in a topic, 0 to 1.
    #[serde(default)]
    pub time: f64,
    /// What lies in none.
    #[serde(default)]
    pub gaps: Vec<Gap>,
}

/// A stretch that no topic covers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Index of its first cue.
    pub first_cue: usize,
    /// Index of its last cue, inclusive.
    pub last_cue: usize,
    /// Milliseconds.
    pub start_ms: u64,
    /// Milliseconds.
    pub end_ms: u64,
}

/// The hash that stands beside a generated text: 12 hexadecimal digits of its sha256.
pub fn text_hash(text: &str) -> String {
    base16ct::lower::encode_string(&digest(&SHA256, text.as_bytes()).as_ref()[..6])
}

/// What a new recap is put together from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Its id.
    pub id: RecapId,
    /// What it is about.
    pub episode: Episode,
    /// Its provenance; hashes are added.
    pub made_by: MadeBy,
    /// The draft.
    pub outline: Outline,
    /// What was said.
    pub transcript: Transcript,
    /// Warnings.
    pub notes: Vec<String>,
    /// Now.
    pub now: DateTime<Utc>,
}

impl Recap {
    /// Who says each point of a topic, as it is shown: only where several people speak in the episode, one
    /// of them says the whole of the point, and it is not the one who said the point before.
    pub fn voices(&self, topic: &Topic) -> Vec<Option<&str>> {
        let mut before = None;
        let said_by = |point: &Point| {
            let cited = point.cue..=point.last_cue.unwrap_or(point.cue);
            let mut names = self.transcript.cues.get(cited)?.iter();
            let name = self.transcript.speaker_name(names.next()?)?;
            let is_same = |cue| self.transcript.speaker_name(cue) == Some(name);
            (self.transcript.speakers.len() > 1 && names.all(is_same)).then_some(name)
        };
        let of = |point: &Point| {
            let name = said_by(point);
            let is_new = name != before;
            before = name;
            name.filter(|_| is_new)
        };
        topic.points.iter().map(of).collect()
    }

    /// Puts a recap together: ids, times, hashes and coverage are added to the draft. Topics
    /// without a title or a point are dropped, so what they covered shows up as a gap.
    pub fn assemble(parts: Parts) -> Recap {
        let Parts { id, episode, mut made_by, outline, transcript, notes, now } = parts;
        let mut topics = Vec::new();
        let mut point_number = 0;
        let cue_count = transcript.cues.len();
        for draft in outline.topics {
            let sound = !draft.title.trim().is_empty()
                && draft.first_cue <= draft.last_cue
                && draft.last_cue < cue_count
                && draft.points.iter().any(|point| !point.text.trim().is_empty());
            if !sound {
                continue;
            }
            let points = draft
                .points
                .into_iter()
                .filter(|point| !point.text.trim().is_empty() && point.cue < cue_count)
                .map(|point| {
                    point_number += 1;
                    Point {
                        id: format!("p{point_number}"),
                        made: text_hash(&point.text),
                        start_ms: transcript.cues[point.cue].start_ms,
                        cue: point.cue,
                        last_cue: (point.last_cue > point.cue)
                            .then_some(point.last_cue.min(cue_count - 1)),
                        text: point.text,
                    }
                })
                .collect();
            topics.push(Topic {
                id: format!("t{}", topics.len() + 1),
                made: text_hash(&draft.title),
                title: draft.title,
                start_ms: if draft.first_cue == 0 {
                    0
                } else {
                    transcript.cues[draft.first_cue].start_ms
                },
                end_ms: transcript.cues[draft.first_cue..=draft.last_cue]
                    .iter()
                    .map(|cue| cue.end_ms)
                    .max()
                    .unwrap_or_default(),
                first_cue: draft.first_cue,
                last_cue: draft.last_cue,
                points,
                doubts: Vec::new(),
            });
        }
        // A pause between two topics belongs to the first: times leave no gap where cues leave none.
        for at in 1..topics.len() {
            if topics[at].first_cue == topics[at - 1].last_cue + 1 {
                topics[at - 1].end_ms = topics[at].start_ms.max(topics[at - 1].start_ms);
            }
        }
        made_by.hashes.insert("title".to_owned(), text_hash(&episode.title));
        made_by.hashes.insert("overview".to_owned(), text_hash(&outline.overview));
        let mut recap = Recap {
            format: FORMAT,
            id,
            title: episode.title.clone(),
            topic_count: topics.len(),
            duration_ms: episode.duration_ms.unwrap_or_default().max(transcript.duration_ms()),
            created_at: now,
            updated_at: now,
            episode,
            made_by,
            overview: outline.overview,
            topics,
            coverage: Coverage::default(),
            notes,
            transcript,
        };
        recap.coverage = recap.measure_coverage();
        recap
    }

    /// What of the transcript lies in a topic, and what in none.
    pub fn measure_coverage(&self) -> Coverage {
        let cues = &self.transcript.cues;
        if cues.is_empty() {
            return Coverage::default();
        }
        let mut covered = vec![false; cues.len()];
        for topic in &self.topics {
            let last = topic.last_cue.min(cues.len() - 1);
            if let Some(range) = covered.get_mut(topic.first_cue..=last) {
                range.fill(true);
            }
        }
        let mut gaps = Vec::new();
        let mut at = 0;
        while at < covered.len() {
            let run = covered[at..].iter().take_while(|is| **is == covered[at]).count();
            if !covered[at] {
                gaps.push(Gap {
                    first_cue: at,
                    last_cue: at + run - 1,
                    start_ms: cues[at].start_ms,
                    end_ms: cues[at + run - 1].end_ms,
                });
            }
            at += run;
        }
        let spoken_ms = self.transcript.duration_ms();
        let missed_ms: u64 = gaps.iter().map(|gap| gap.end_ms.saturating_sub(gap.start_ms)).sum();
        let share = |part: f64, whole: f64| {
            if whole > 0.0 { (part / whole * 1000.0).round() / 1000.0 } else { 1.0 }
        };
        Coverage {
            cues: share(covered.iter().filter(|is| **is).count() as f64, cues.len() as f64),
            time: share(spoken_ms.saturating_sub(missed_ms) as f64, spoken_ms as f64),
            gaps,
        }
    }

    /// What a program must not be able to save: sentences, none where it is sound.
    pub fn flaws(&self) -> Vec<String> {
        let mut flaws = Vec::new();
        let cues = self.transcript.cues.len();
        if self.title.trim().is_empty() {
            flaws.push("the title is empty".to_owned());
        }
        if self.title.chars().count() > TITLE_CHARS_MAX || self.title.chars().any(char::is_control)
        {
            flaws.push(format!(
                "the title has more than {TITLE_CHARS_MAX} characters, or control characters"
            ));
        }
        if self.format != FORMAT {
            flaws.push(format!(
                "format is {}, and this version writes format {FORMAT}",
                self.format
            ));
        }
        for topic in &self.topics {
            let id = &topic.id;
            if topic.title.trim().is_empty() {
                flaws.push(format!("topic {id} has no title"));
            }
            if topic.first_cue > topic.last_cue || topic.last_cue >= cues {
                flaws.push(format!(
                    "topic {id} covers cues {} to {}, and the transcript has {cues}",
                    topic.first_cue, topic.last_cue
                ));
            }
            if topic.start_ms > topic.end_ms {
                flaws.push(format!("topic {id} ends before it starts"));
            }
            for point in &topic.points {
                if point.text.trim().is_empty() {
                    flaws.push(format!("point {} has no text", point.id));
                }
                if point.cue >= cues {
                    flaws.push(format!(
                        "point {} cites cue {}, and the transcript has {cues}",
                        point.id, point.cue
                    ));
                }
            }
        }
        let mut ids: Vec<&str> = self.topics.iter().map(|topic| topic.id.as_str()).collect();
        ids.extend(
            self.topics.iter().flat_map(|topic| &topic.points).map(|point| point.id.as_str()),
        );
        ids.sort_unstable();
        for twice in ids.windows(2).filter(|pair| pair[0] == pair[1]) {
            flaws.push(format!("the id {} stands twice", twice[0]));
        }
        flaws
    }
}

/// What a list shows of a recap: the front of its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecapHead {
    /// The stem of its file.
    pub id: RecapId,
    /// Shown in the library.
    pub title: String,
    /// How many topics there are.
    #[serde(default)]
    pub topic_count: usize,
    /// Milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// What it is about.
    pub episode: EpisodeHead,
    /// The run that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

/// What a list shows of an episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EpisodeHead {
    /// By which it is known again.
    pub id: EpisodeId,
    /// Name of the show.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub show_title: Box<str>,
    /// When it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<DateTime<Utc>>,
}

impl From<&Recap> for RecapHead {
    fn from(recap: &Recap) -> RecapHead {
        RecapHead {
            id: recap.id.clone(),
            title: recap.title.clone(),
            topic_count: recap.topics.len(),
            duration_ms: recap.duration_ms,
            created_at: recap.created_at,
            updated_at: recap.updated_at,
            episode: EpisodeHead {
                id: recap.episode.id.clone(),
                show_title: recap.episode.show.title.as_str().into(),
                published_at: recap.episode.published_at,
            },
            job: recap.made_by.job.clone(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::episode::{EpisodeKind, Show};
    use crate::domain::outline::{OutlinePoint, OutlineTopic};
    use crate::domain::transcript::Cue;

    /// A small sound recap, for the tests of other rooms as well.
    pub(crate) fn sample(id: &str, title: &str) -> Recap {
        let cue = |n: u64, text: &str| Cue {
            start_ms: n * 4000,
            end_ms: n * 4000 + 3500,
            speaker: None,
            text: text.to_owned(),
        };
        let transcript = Transcript {
            cues: vec![
                cue(0, "Good bread needs time."),
                cue(1, "We wait 18 hours."),
                cue(2, "Then the oven."),
                cue(3, "It takes 240 degrees."),
            ],
            ..Transcript::default()
        };
        let topic = |title: &str, first, last, text: &str| OutlineTopic {
            title: title.to_owned(),
            first_cue: first,
            last_cue: last,
            points: vec![OutlinePoint {
                text: text.to_owned(),
                cue: first + 1,
                last_cue: first + 1,
            }],
        };
        Recap::assemble(Parts {
            id: id.parse().unwrap(),
            episode: Episode {
                id: EpisodeId::upload(id.as_bytes()),
                kind: EpisodeKind::Upload,
                url: None,
                title: title.to_owned(),
                show: Show::default(),
                published_at: None,
                duration_ms: None,
                media_url: None,
                image_url: None,
                language: None,
                chapters: Vec::new(),
            },
            made_by: MadeBy::default(),
            outline: Outline {
                overview: "How bread is baked.".to_owned(),
                topics: vec![
                    topic("Waiting", 0, 1, "We wait 18 hours."),
                    topic("Heat", 2, 3, "It takes 240 degrees."),
                ],
            },
            transcript,
            notes: Vec::new(),
            now: "2026-11-02T08:00:00Z".parse().unwrap(),
        })
    }

    #[test]
    fn an_assembled_recap_is_sound_and_covers_everything() {
        let recap = sample("2026-11-02-bread-abcdef", "Bread");
        assert_eq!(recap.flaws(), Vec::<String>::new());
        assert_eq!((recap.coverage.cues, recap.coverage.time), (1.0, 1.0));
        assert_eq!((recap.topics[0].start_ms, recap.topics[0].end_ms), (0, 8000));
        assert_eq!((recap.topics[1].start_ms, recap.topics[1].end_ms), (8000, 15500));
        assert_eq!(recap.topics[1].points[0].id, "p2");
        assert_eq!(recap.topics[1].points[0].start_ms, 12000);
    }

    #[test]
    fn a_topic_without_title_or_text_is_never_saved_and_its_gap_is_named() {
        let mut recap = sample("x", "Bread");
        recap.topics[1].title = "  ".to_owned();
        assert_eq!(recap.flaws(), ["topic t2 has no title"]);
        let outline = Outline {
            overview: String::new(),
            topics: recap
                .topics
                .iter()
                .map(|topic| OutlineTopic {
                    title: topic.title.clone(),
                    first_cue: topic.first_cue,
                    last_cue: topic.last_cue,
                    points: vec![OutlinePoint {
                        text: "Words.".to_owned(),
                        cue: topic.first_cue,
                        last_cue: topic.last_cue,
                    }],
                })
                .collect(),
        };
        let again = Recap::assemble(Parts {
            id: recap.id.clone(),
            episode: recap.episode.clone(),
            made_by: MadeBy::default(),
            outline,
            transcript: recap.transcript.clone(),
            notes: Vec::new(),
            now: recap.created_at,
        });
        assert_eq!(again.topics.len(), 1);
        assert_eq!(again.coverage.cues, 0.5);
        assert_eq!(again.coverage.gaps.len(), 1);
        assert_eq!((again.coverage.gaps[0].first_cue, again.coverage.gaps[0].last_cue), (2, 3));
    }

    #[test]
    fn who_says_a_point_is_told_where_another_begins_to_and_nobody_else_is_in_it() {
        let mut recap = sample("2026-10-02-bread-abc234", "Bread");
        let point = |cue: usize, last_cue: Option<usize>| Point {
            cue,
            last_cue,
            ..recap.topics[0].points[0].clone()
        };
        let points = vec![
            point(0, None),
            point(0, Some(0)),
            point(1, Some(2)),
            point(0, None),
            point(2, Some(3)),
            point(9, None),
        ];
        let speaker = |key: &str| Some(key.to_owned());
        let keys = [speaker("s1"), speaker("s1"), speaker("s2"), speaker("s2")];
        for (cue, key) in recap.transcript.cues.iter_mut().zip(keys) {
            cue.speaker = key;
        }
        recap.transcript.speakers.insert("s1".to_owned(), "Marta Lind".to_owned());
        let topic = Topic { points, ..recap.topics[0].clone() };
        assert_eq!(
            recap.voices(&topic),
            [None; 6],
            "of one who speaks alone it goes without saying"
        );
        recap.transcript.speakers.insert("s2".to_owned(), "Bruno".to_owned());
        let (marta, bruno) = (Some("Marta Lind"), Some("Bruno"));
        assert_eq!(recap.voices(&topic), [marta, None, None, marta, bruno, None]);
    }

    #[test]
    fn an_id_is_readable_and_safe() {
        let day = "2026-11-02T23:00:00Z".parse().unwrap();
        let check = |title: &str, want: &str| {
            let id = RecapId::make(day, title, [0, 1, 2, 31, 32, 255]);
            assert_eq!(id.as_str(), want);
            assert_eq!(id.as_str().parse(), Ok(id));
        };
        check("Öfen & Brot: Teil 2!", "2026-11-02-ofen-brot-teil-2-abc7a7");
        check("", "2026-11-02-abc7a7");
        check("../../etc/passwd", "2026-11-02-etc-passwd-abc7a7");
        check(&"ab ".repeat(100), &format!("2026-11-02-{}-abc7a7", ["ab"; 20].join("-")));
        check(&"x".repeat(10_000_000), &format!("2026-11-02-{}-abc7a7", "x".repeat(60)));
    }

    #[test]
    fn an_id_from_outside_names_a_recap_and_nothing_else() {
        for bad in [
            "",
            ".",
            "..",
            ".lock",
            "_meta",
            "skip-list",
            "settings",
            "a/b",
            "a\\b",
            "a\0",
            "a\n",
            "CON",
            "nul.x",
            "a.",
            "-x",
            &"a".repeat(129),
        ] {
            assert!(bad.parse::<RecapId>().is_err(), "{bad:?} was taken");
        }
        for good in [
            "2026-01-01-x-abcdef",
            "1748f3",
            "Old name (kept)".trim_end_matches("(kept)").trim(),
            "a.b",
        ] {
            assert!(good.parse::<RecapId>().is_ok(), "{good:?} was refused");
        }
    }

    #[test]
    fn cues_that_are_not_there_and_doubled_ids_are_flaws() {
        let mut recap = sample("x", "Bread");
        recap.topics[0].points[0].cue = 9;
        recap.topics[1].last_cue = 4;
        recap.topics[1].id = "t1".to_owned();
        assert_eq!(recap.flaws().len(), 3, "{:?}", recap.flaws());
    }

    #[test]
    fn the_file_s_keys_stand_in_the_promised_order() {
        let text = serde_json::to_string(&sample("x", "Bread")).unwrap();
        let order = [
            "format",
            "id",
            "title",
            "topic_count",
            "duration_ms",
            "created_at",
            "updated_at",
            "episode",
            "made_by",
            "overview",
            "topics",
            "coverage",
            "notes",
            "transcript",
        ];
        let value: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&text).unwrap();
        assert_eq!(value.keys().collect::<Vec<_>>(), order);
        assert_eq!(serde_json::from_str::<Recap>(&text).unwrap(), sample("x", "Bread"));
    }
}
