//! The stages of one job, from a link or a file to a recap that can be saved: resolve, transcript,
//! outline, check. What a stage finished is kept in the job's folder, so that an interrupted job
//! goes on from there. Knows nothing of credits, libraries or requests.

mod check;
mod resolve;
mod workspace;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use recap_mode::{Clock, Fault, FaultKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::episode::{Episode, EpisodeId};
use crate::domain::outline::Outline;
use crate::domain::recap::{MadeBy, OutlineOrigin, Parts, Recap, RecapId, TranscriptOrigin};
use crate::domain::transcript::{Times, Transcript};
use crate::feed_cache::{CheckError, FeedCache, Limits};
use crate::feeds::FeedError;
use crate::net::{FetchError, Net, TrustRule};
use crate::outline;
use crate::transcripts::Refusal;

pub use resolve::EpisodeChoice;
pub use workspace::Workspace;

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

/// Where a job stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Waits for its turn.
    Queued,
    /// Finds out what the link or file is.
    Resolve,
    /// Gets the transcript.
    Transcript,
    /// Finds topics and what is said in them.
    Topics,
    /// Holds every point against what was said.
    Check,
    /// Writes the recap.
    Save,
    /// The recap is in the library.
    Done,
    /// It could not be made.
    Failed,
    /// The person stopped it.
    Cancelled,
}

impl Stage {
    /// Whether nothing more happens.
    pub fn is_final(self) -> bool {
        matches!(self, Stage::Done | Stage::Failed | Stage::Cancelled)
    }

    /// Share of the work that is done when the stage begins, 0 to 100.
    pub fn percent(self) -> u8 {
        match self {
            Stage::Queued => 0,
            Stage::Resolve => 5,
            Stage::Transcript => 25,
            Stage::Topics => 55,
            Stage::Check => 85,
            Stage::Save => 95,
            Stage::Done | Stage::Failed | Stage::Cancelled => 100,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Queued => "queued",
            Stage::Resolve => "resolve",
            Stage::Transcript => "transcript",
            Stage::Topics => "topics",
            Stage::Check => "check",
            Stage::Save => "save",
            Stage::Done => "done",
            Stage::Failed => "failed",
            Stage::Cancelled => "cancelled",
        })
    }
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
    /// A stage took longer than the setting allows.
    #[error(
        "It was stuck: the stage “{stage}” took longer than {minutes} minutes (setting stage_timeout_minutes)."
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
            PipelineError::Stuck { .. } | PipelineError::Workspace(_) => true,
            _ => false,
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
    /// For one fetch.
    pub fetch_timeout: Duration,
    /// For one stage.
    pub stage_timeout: Duration,
    /// For one feed.
    pub feed_limits: Limits,
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
}

/// Runs the stages of one order. `progress` hears of each stage as it begins.
///
/// # Errors
/// Each of [`PipelineError`]; what was finished stays in the workspace.
pub async fn run(
    tools: &Tools,
    order: &Order,
    workspace: &Workspace,
    progress: &(dyn Fn(Stage, String) + Send + Sync),
) -> Result<Made, PipelineError> {
    let mut took_ms = std::collections::BTreeMap::new();
    let started = Instant::now();
    let heard = match workspace.finished_transcript() {
        Some(heard) => heard,
        None => {
            let work = resolve::resolve(tools, order, workspace, progress);
            let heard = bounded(tools, Stage::Transcript, work).await??;
            workspace.keep_transcript(&heard)?;
            heard
        }
    };
    took_ms.insert("transcript".to_owned(), millis(started));
    let Heard { episode, transcript, origin, mut notes } = heard;

    progress(Stage::Topics, format!("Finding topics in {} lines", transcript.cues.len()));
    let started = Instant::now();
    let options = outline::Options {
        chapters: episode.chapters.clone(),
        episode_title: episode.title.clone(),
        language: transcript.language.clone().or_else(|| episode.language.clone()),
    };
    let with_chapters = !options.chapters.is_empty();
    let work = blocking(move || {
        let outline = outline::outline(&transcript, &options);
        (transcript, outline)
    });
    let (transcript, outline) = bounded(tools, Stage::Topics, work).await??;
    took_ms.insert("outline".to_owned(), millis(started));

    progress(Stage::Check, "Holding every point against what was said".to_owned());
    if origin.skipped > 0 {
        notes.push(format!(
            "{} pieces of the transcript could not be read and are missing.",
            origin.skipped
        ));
    }
    if transcript.times == Times::About {
        notes.push(
            "The transcript has no times: those shown are about right, at 150 words a minute."
                .to_owned(),
        );
    }
    let made_by = MadeBy {
        transcript: origin,
        outline: OutlineOrigin {
            provider: "builtin".to_owned(),
            version: outline::VERSION,
            chapters: with_chapters,
            ..OutlineOrigin::default()
        },
        took_ms,
        ..MadeBy::default()
    };
    Ok(Made { episode, made_by, outline, transcript, notes })
}

/// Runs a stage, which has an end also where it has none of its own.
async fn bounded<A>(
    tools: &Tools,
    stage: Stage,
    work: impl Future<Output = A>,
) -> Result<A, PipelineError> {
    tokio::time::timeout(tools.stage_timeout, work)
        .await
        .map_err(|_| PipelineError::Stuck { stage, minutes: tools.stage_timeout.as_secs() / 60 })
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
mod tests {
    use super::*;
    use recap_mode::{SystemClock, SystemEntropy};

    #[tokio::test]
    async fn a_stage_that_never_ends_is_ended_and_may_be_tried_again() {
        // A listener that nobody accepts from: the connection stands, and no answer comes.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/feed", silent.local_addr().unwrap())).unwrap();
        let data = tempfile::tempdir().unwrap();
        let (net, clock) = (Net::new(), Arc::new(SystemClock));
        let feeds =
            FeedCache::open(data.path(), net.clone(), clock.clone(), Arc::new(SystemEntropy));
        let deadline = Duration::from_secs(600);
        let tools = Tools {
            net,
            clock,
            trust: TrustRule::Typed,
            feeds: Arc::new(feeds),
            fetch_timeout: deadline,
            stage_timeout: Duration::from_millis(200),
            feed_limits: Limits { bytes_max: 1_000, deadline, period: deadline },
        };
        let order = Order::Link { url, episode: EpisodeChoice::Newest };
        let outcome = run(&tools, &order, &Workspace::in_memory(None), &|_, _| ()).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, PipelineError::Stuck { stage: Stage::Transcript, .. }), "{error}");
        assert!(error.may_pass());
    }
}
