//! Where a job stands: its stages, and how far each is.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::PipelineError;

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

    /// Share of the work that is done when the stage ends, 0 to 100.
    fn next_percent(self) -> u8 {
        match self {
            Stage::Queued => Stage::Resolve.percent(),
            Stage::Resolve => Stage::Transcript.percent(),
            Stage::Transcript => Stage::Topics.percent(),
            Stage::Topics => Stage::Check.percent(),
            Stage::Check => Stage::Save.percent(),
            Stage::Save | Stage::Done | Stage::Failed | Stage::Cancelled => 100,
        }
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

/// How far a job is.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The stage.
    pub stage: Stage,
    /// What is being done, as a sentence without an end mark.
    pub message: String,
    /// Share of the stage that is done, 0 to 1.
    pub share: f64,
    /// Whether sound is heard, or waits for the recogniser: that takes hours, and other work goes on
    /// beside it.
    pub listens: bool,
}

impl Step {
    /// The beginning of something.
    pub fn of(stage: Stage, message: impl Into<String>) -> Step {
        Step { stage, message: message.into(), share: 0.0, listens: false }
    }

    /// Sound is heard, or waits for the recogniser.
    pub(super) fn listening(message: String, share: f64) -> Step {
        Step { stage: Stage::Transcript, message, share, listens: true }
    }

    /// Share of the whole work that is done, 0 to 100.
    pub fn percent(&self) -> u8 {
        let (from, to) = (f64::from(self.stage.percent()), f64::from(self.stage.next_percent()));
        // Between two percentages, so it fits.
        (from + (to - from) * self.share.clamp(0.0, 1.0)) as u8
    }
}

/// Hears how far a job is.
pub type Progress<'a> = dyn Fn(Step) + Send + Sync + 'a;

/// Ends a stage that stands still: one that goes on may take as long as it must.
pub(super) struct Watchdog {
    moved: watch::Sender<Instant>,
    timeout: Duration,
}

impl Watchdog {
    pub(super) fn new(timeout: Duration) -> Watchdog {
        Watchdog { moved: watch::Sender::new(Instant::now()), timeout }
    }

    /// It goes on.
    pub(super) fn moved(&self) {
        self.moved.send_replace(Instant::now());
    }

    /// Runs a stage.
    pub(super) async fn bounded<A>(
        &self,
        stage: Stage,
        work: impl Future<Output = A>,
    ) -> Result<A, PipelineError> {
        self.moved();
        tokio::pin!(work);
        loop {
            let end = *self.moved.borrow() + self.timeout;
            tokio::select! {
                done = &mut work => return Ok(done),
                () = tokio::time::sleep_until(end) => {
                    if *self.moved.borrow() + self.timeout <= Instant::now() {
                        let minutes = self.timeout.as_secs() / 60;
                        return Err(PipelineError::Stuck { stage, minutes });
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_lies_within_its_stage() {
        let at = |stage, share| Step { share, ..Step::of(stage, "") }.percent();
        assert_eq!((at(Stage::Transcript, 0.0), at(Stage::Transcript, 1.0)), (25, 55));
        assert_eq!((at(Stage::Transcript, 0.5), at(Stage::Transcript, f64::NAN)), (40, 0));
        assert_eq!((at(Stage::Done, 1.0), at(Stage::Check, 7.0)), (100, 95));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stage_that_goes_on_may_take_its_time_and_one_that_stands_still_is_ended() {
        let dog = Watchdog::new(Duration::from_secs(60));
        let slow = async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(50)).await;
                dog.moved();
            }
        };
        assert!(dog.bounded(Stage::Transcript, slow).await.is_ok());
        let still = tokio::time::sleep(Duration::from_secs(61));
        let error = dog.bounded(Stage::Topics, still).await.unwrap_err();
        assert!(matches!(error, PipelineError::Stuck { stage: Stage::Topics, minutes: 1 }));
    }
}
