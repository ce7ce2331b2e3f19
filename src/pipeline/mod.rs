//! The stages of one job, from a link or a file to a recap that can be saved: resolve, transcript,
//! outline, check. What a stage finished is kept in the job's folder, so that an interrupted job
//! goes on from there. Knows nothing of credits, libraries or requests.

mod check;
mod drift;
mod expect;
mod kept;
mod language;
mod listen;
mod meter;
mod model_outline;
mod places;
mod resolve;
mod step;
mod video;
mod workspace;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use recap_mode::{Clock, Fault, FaultKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::audio::AudioError;
use crate::domain::episode::{Episode, EpisodeId};
use crate::domain::outline::{Granularity, Length, Outline};
use crate::domain::recap::{MadeBy, Parts, Recap, RecapId, TranscriptOrigin, TranscriptSource};
use crate::domain::scope_settings::CookieMode;
use crate::domain::spending::amount;
use crate::domain::transcript::{Times, Transcript};
use crate::feed_cache::{CheckError, FeedCache, Limits};
use crate::feeds::FeedError;
use crate::models::speech::Recogniser;
use crate::models::text::TextModel;
use crate::models::{ModelError, Price, Usage};
use crate::net::{DownloadError, FetchError, Net, Trust, TrustRule};
use crate::transcripts::Refusal;
use crate::videos::{Asker, VideoError, Videos};

use step::Watchdog;

pub use expect::{Expectation, expect};
pub use kept::Keep;
pub use meter::{Left, Meter};
pub use places::Places;
pub use resolve::EpisodeChoice;
pub use step::{Progress, Stage, Step};
pub use workspace::{Brought, Workspace};

/// The name of the outliner that needs no model, as it stands in records.
pub const BUILTIN: &str = "builtin";

/// What a recap is wanted of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// A link to a feed or a transcript.
    Link {
        /// The link.
        url: Url,
        /// Which episode, where it is a feed's.
        #[serde(default)]
        episode: EpisodeChoice,
    },
    /// An episode of a feed that is followed.
    Episode {
        /// Its id, under which it was found.
        id: EpisodeId,
        /// Its title, for the person who waits.
        title: String,
        /// The feed in which it stands; `None` where an earlier system did not say.
        feed_url: Option<Url>,
        /// Its key in that feed.
        key: Option<String>,
        /// What the person typed to follow it; `None` where they do not follow it any more.
        #[serde(default)]
        typed: Option<Url>,
    },
    /// A transcript that the person brought; its bytes lie in the job's folder.
    Upload {
        /// The file's name as it came, for the title alone.
        name: String,
    },
}

/// Why no recap could be made. Its two families are the command line's exit codes 2 and 3.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// It could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What came is no transcript that can be read.
    #[error("{what}: {refusal}")]
    Transcript {
        /// The file or link.
        what: String,
        /// Why.
        refusal: Refusal,
    },
    /// What came is a feed that cannot be read.
    #[error("{what}: {cause}")]
    Feed {
        /// The link.
        what: String,
        /// Why.
        cause: FeedError,
    },
    /// A followed feed could not be had.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// Its sound could not be downloaded.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// A video site gave nothing.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// There will be something, and is not yet.
    #[error("{what} It is looked at again after {}.", .until.format("%Y-%m-%d %H:%M UTC"))]
    NotYet {
        /// Which, and why not.
        what: String,
        /// When it is worth asking again.
        until: DateTime<Utc>,
    },
    /// The sound could not be decoded.
    #[error(transparent)]
    Sound(#[from] AudioError),
    /// Nobody could hear the sound.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A stage stood still for longer than the setting allows.
    #[error(
        "It was stuck: the stage “{stage}” made no progress for {minutes} minutes (setting stage_timeout_minutes)."
    )]
    Stuck {
        /// Which stage.
        stage: Stage,
        /// The bound.
        minutes: u64,
    },
    /// It was understood, and there is no recap in it: no transcript named, no such episode.
    #[error("{0}")]
    Nothing(String),
    /// The job's folder.
    #[error("The job's folder could not be used: {0}.")]
    Workspace(#[from] std::io::Error),
    /// A step panicked.
    #[error("A step ended by a mistake of ours ({0}); the log has the place.")]
    Panicked(String),
}

impl PipelineError {
    /// Whether trying again later may help.
    pub fn may_pass(&self) -> bool {
        match self {
            PipelineError::Fetch(error) | PipelineError::Check(CheckError::Fetch(error)) => {
                error.may_pass()
            }
            PipelineError::Download(error) => {
                error.may_pass() || matches!(error, DownloadError::Full { .. })
            }
            PipelineError::Video(error) => error.may_pass(),
            PipelineError::Model(error) => error.may_pass(),
            PipelineError::Stuck { .. }
            | PipelineError::Workspace(_)
            | PipelineError::NotYet { .. } => true,
            _ => false,
        }
    }

    /// When it is worth asking again, where that is known.
    pub fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            PipelineError::NotYet { until, .. } => Some(*until),
            PipelineError::Video(error) => error.until,
            _ => None,
        }
    }
}

impl From<PipelineError> for Fault {
    fn from(error: PipelineError) -> Fault {
        match error {
            PipelineError::Fetch(error) | PipelineError::Check(CheckError::Fetch(error)) => {
                error.into()
            }
            PipelineError::Stuck { .. } => Fault::new(FaultKind::Upstream, error.to_string()),
            PipelineError::Download(DownloadError::Fetch(error)) => error.into(),
            PipelineError::Download(error @ DownloadError::Full { .. }) => {
                Fault::new(FaultKind::StorageFull, error.to_string())
            }
            PipelineError::Video(error) => error.into(),
            PipelineError::Model(error) => error.into(),
            PipelineError::Sound(AudioError::Read(cause)) => {
                Fault::internal("reading a sound file", cause)
            }
            PipelineError::Workspace(cause) if cause.kind() == std::io::ErrorKind::StorageFull => {
                Fault::new(FaultKind::StorageFull, "The disk is full; nothing was written.")
                    .because(cause)
            }
            PipelineError::Workspace(cause) => {
                Fault::internal("keeping what a job has finished", cause)
            }
            PipelineError::Panicked(what) => Fault::internal("making a recap", what),
            error => Fault::invalid(error.to_string()),
        }
    }
}

/// What the stages need of the rest.
pub struct Tools {
    /// The way out.
    pub net: Arc<Net>,
    /// Time of day.
    pub clock: Arc<dyn Clock>,
    /// Which private addresses may be reached beside the one typed.
    pub trust: TrustRule,
    /// Feeds as they were last fetched.
    pub feeds: Arc<FeedCache>,
    /// Video sites.
    pub videos: Videos,
    /// The scope's file of cookies, where there is one.
    pub cookies: Option<PathBuf>,
    /// Who turns speech into words, in the order in which they are tried.
    pub recognisers: Vec<Arc<dyn Recogniser>>,
    /// Who writes outlines, in the order in which they are tried; the built-in one is made without any, and
    /// where all fail.
    pub models: Vec<Arc<dyn TextModel>>,
    /// What was heard and answered before.
    pub keep: Keep,
    /// What each of them costs, by name, with the currency.
    pub prices: BTreeMap<String, (Price, String)>,
    /// Counts what models are asked.
    pub meter: Arc<Meter>,
    /// For whom; what is not public is kept for them alone.
    pub scope: String,
    /// Whether a recogniser or model is the scope's own.
    pub has_own_engines: bool,
    /// What the person has chosen.
    pub wish: Wish,
    /// Bounds of sound.
    pub sound: SoundLimits,
    /// The job's place among those that run.
    pub places: Places,
    /// For one fetch.
    pub fetch_timeout: Duration,
    /// For one stage.
    pub stage_timeout: Duration,
    /// For one feed.
    pub feed_limits: Limits,
}

impl Tools {
    /// What was taken of an instance, as it stands in the record.
    fn used(&self, name: &str, usage: &Usage) -> Value {
        let mut used = json!(usage);
        if let Some((price, currency)) = self.prices.get(name)
            && *price != Price::default()
        {
            used["cost"] = amount(price.of(usage)).into();
            used["currency"] = currency.clone().into();
        }
        used
    }

    /// On whose behalf a video site is asked.
    fn asker(&self, trust: Trust) -> Asker {
        Asker { trust, cookie_mode: self.wish.cookies, cookies: self.cookies.clone() }
    }
}

/// What the person has chosen for a recap.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Where a transcript may come from, best first.
    pub sources: Vec<TranscriptSource>,
    /// BCP 47 tag of what is spoken, where the person says so.
    pub spoken: Option<String>,
    /// BCP 47 tag of a machine's translation of captions that is wanted.
    pub caption_translation: Option<String>,
    /// When cookies are shown.
    pub cookies: CookieMode,
    /// How finely the episode is divided.
    pub granularity: Granularity,
    /// How much of each topic is said.
    pub length: Length,
    /// BCP 47 tag of the language in which a model writes; the episode's without it.
    pub language: Option<String>,
    /// What a model should mind, in the person's words.
    pub rules: String,
}

/// Bounds of sound.
#[derive(Clone, Debug)]
pub struct SoundLimits {
    /// Largest file.
    pub bytes_max: u64,
    /// Longest sound, in hours.
    pub hours_max: u32,
    /// For fetching one.
    pub deadline: Duration,
    /// The program ffmpeg.
    pub ffmpeg: Option<PathBuf>,
}

/// Everything that a recap is made of but its id.
#[derive(Clone, Debug)]
pub struct Made {
    episode: Episode,
    made_by: MadeBy,
    outline: Outline,
    transcript: Transcript,
    notes: Vec<String>,
}

impl Made {
    /// Whether models were wanted, failed, and the built-in outline stood in.
    pub fn fell_back(&self) -> bool {
        self.made_by.outline.provider == BUILTIN && !self.made_by.outline.fell_back_from.is_empty()
    }

    /// How long the episode is, as far as its transcript goes.
    pub fn duration_ms(&self) -> u64 {
        self.episode.duration_ms.unwrap_or_else(|| self.transcript.duration_ms())
    }

    /// What it is about.
    pub fn episode(&self) -> &Episode {
        &self.episode
    }

    /// The finished recap.
    pub fn into_recap(
        self,
        id: RecapId,
        job: Option<String>,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Recap {
        let Made { episode, mut made_by, outline, transcript, notes } = self;
        made_by.job = job;
        let mut recap =
            Recap::assemble(Parts { id, episode, made_by, outline, transcript, notes, now });
        check::mark_doubts(&mut recap);
        recap
    }
}

/// A transcript with where it comes from: the result of the second stage, kept on disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Heard {
    episode: Episode,
    transcript: Transcript,
    origin: TranscriptOrigin,
    notes: Vec<String>,
    /// What recognisers took, by instance.
    #[serde(default)]
    usage: BTreeMap<String, Usage>,
}

impl Heard {
    /// With what is to be said of the way there before what is said already.
    fn with_notes(mut self, notes: Vec<String>) -> Heard {
        self.notes.splice(0..0, notes);
        self
    }
}

/// Runs the stages of one order. `progress` hears of each stage as it begins.
///
/// # Errors
/// Each of [`PipelineError`]; what was finished stays in the workspace.
pub async fn run(
    tools: &Tools,
    order: &Order,
    workspace: &Workspace,
    progress: &Progress<'_>,
) -> Result<Made, PipelineError> {
    let dog = Watchdog::new(tools.stage_timeout);
    let progress = |step: Step| {
        dog.moved();
        progress(step);
    };
    let mut took_ms = BTreeMap::new();
    let started = Instant::now();
    let heard = match workspace.finished_transcript() {
        Some(heard) => heard,
        None => {
            let work = resolve::resolve(tools, order, workspace, &progress);
            let heard = dog.bounded(Stage::Transcript, work).await??;
            workspace.keep_transcript(&heard)?;
            heard
        }
    };
    took_ms.insert("transcript".to_owned(), millis(started));
    let Heard { episode, transcript, origin, mut notes, usage } = heard;

    let started = Instant::now();
    let transcript = Arc::new(transcript);
    let outlined = write::outline(tools, &episode, &transcript, workspace, &dog, &progress).await?;
    let write::Outlined { outline, origin: outline_origin, notes: more, usage: more_usage } =
        outlined;
    notes.extend(more);
    let mut usage = usage;
    for (name, taken) in more_usage {
        *usage.entry(name).or_default() += taken;
    }
    took_ms.insert("outline".to_owned(), millis(started));

    progress(Step::of(Stage::Check, "Holding every point against what was said"));
    if origin.skipped > 0 {
        notes.push(format!(
            "{} pieces of the transcript could not be read and are missing.",
            origin.skipped
        ));
    }
    // Of a transcript without times it is said where it is read.
    if transcript.times == Times::About && origin.source == TranscriptSource::Speech {
        notes.push("The recogniser gives no times: those shown are about right.".to_owned());
    }
    let usage = usage.into_iter().map(|(name, usage)| (name.clone(), tools.used(&name, &usage)));
    let made_by = MadeBy {
        usage: usage.collect(),
        transcript: origin,
        outline: outline_origin,
        took_ms,
        ..MadeBy::default()
    };
    let transcript = Arc::unwrap_or_clone(transcript);
    Ok(Made { episode, made_by, outline, transcript, notes })
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

async fn blocking<A: Send + 'static>(
    work: impl FnOnce() -> A + Send + 'static,
) -> Result<A, PipelineError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| PipelineError::Panicked(error.to_string()))
}

#[cfg(test)]
mod tests;
