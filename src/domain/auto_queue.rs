//! Found episodes and their state. Every move is a function here that refuses the rest:
//!
//! ```text
//! found ──approve──> approved ──start──> processing ──finish──> done ──redo──> approved
//!   │                 │   ^  ^               │  │
//!   └──skip──┐  skip──┘   │  └──put_back─────┘  └──fail──> failed ──retry──> approved
//!            v            │                                   │
//!          skipped <──────┼───────────────────────────skip────┘
//!            └──undo_skip──> found
//! ```

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use recap_mode::JobId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::episode::EpisodeId;
use crate::domain::known::MediaKey;
use crate::domain::recap::RecapId;
use crate::domain::subscription::SubscriptionId;

/// Days after which done and skipped items leave the queue.
pub const KEPT_DAYS: i64 = 30;

/// How often an episode is tried again by itself before it counts as failed.
pub const TRIES_MAX: u32 = 5;

/// Minutes before each of those tries.
const BACKOFF_MINUTES: [i64; 4] = [1, 5, 30, 180];

/// `auto-queue.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AutoQueue {
    /// 1.
    #[serde(default = "one")]
    pub format: u32,
    /// Nothing is taken up while true.
    #[serde(default)]
    pub paused: bool,
    /// In the order in which they were found.
    #[serde(default)]
    pub items: Vec<QueueItem>,
}

fn one() -> u32 {
    1
}

impl Default for AutoQueue {
    fn default() -> AutoQueue {
        AutoQueue { format: 1, paused: false, items: Vec::new() }
    }
}

/// Where an episode stands.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for the person's word.
    #[default]
    Found,
    /// Will be made.
    Approved,
    /// Is being made.
    Processing,
    /// Its recap is in the library.
    Done,
    /// Could not be made; `reason` says why and what to do.
    Failed,
    /// The person does not want it.
    Skipped,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Found => "found",
            State::Approved => "approved",
            State::Processing => "processing",
            State::Done => "done",
            State::Failed => "failed",
            State::Skipped => "skipped",
        })
    }
}

impl State {
    /// Whether something is still to happen with it, or to be decided.
    pub fn is_open(self) -> bool {
        matches!(self, State::Found | State::Approved | State::Processing | State::Failed)
    }
}

/// Who approved an item.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ApprovedBy {
    /// A person, for this one.
    Person,
    /// The subscription, by itself.
    Subscription,
}

/// Why an item stands where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema)]
pub struct Reason {
    /// One word of a closed list: what programs go by.
    #[serde(default)]
    pub code: ReasonCode,
    /// For a person: what is wrong, and what to do.
    #[serde(default)]
    pub message: String,
}

/// The closed list.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// Waits: no credits are left.
    Credits,
    /// Waits: the subscription's cap for today is reached.
    Cap,
    /// Waits: what models may cost in a day or month is spent.
    CostCap,
    /// Waits: its publisher has not published it yet.
    NotPublished,
    /// Waits: it failed in a way that passes, and is tried again.
    TryAgain,
    /// The scope may not do this.
    NotEntitled,
    /// The person stopped it.
    Cancelled,
    /// A person's hand wrote a state that only Recap sets.
    State,
    /// Everything else that fails.
    #[default]
    #[serde(other)]
    Failed,
}

/// One episode in the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueItem {
    /// The episode's.
    pub id: EpisodeId,
    /// Where it stands; `found` and `approved` may be set by hand, and `skipped`.
    #[serde(default)]
    pub state: State,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// Its show's title.
    #[serde(default)]
    pub show: String,
    /// The subscription that found it.
    #[serde(default)]
    pub subscription: Option<SubscriptionId>,
    /// Its page.
    #[serde(default)]
    pub url: Option<Url>,
    /// The feed in which it stands.
    #[serde(default)]
    pub feed_url: Option<Url>,
    /// Its key in that feed.
    #[serde(default)]
    pub guid: Option<String>,
    /// When it was published, or will be.
    #[serde(default)]
    pub published_at: Option<DateTime<Utc>>,
    /// Milliseconds, as the publisher says.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// When it was found.
    #[serde(default)]
    pub found_at: Option<DateTime<Utc>>,
    /// When it came into the state in which it is.
    #[serde(default)]
    pub changed_at: Option<DateTime<Utc>>,
    /// Who approved it.
    #[serde(default)]
    pub approved_by: Option<ApprovedBy>,
    /// When it was last taken up.
    #[serde(default)]
    pub started_at: Option<DateTime<Utc>>,
    /// It is not taken up earlier.
    #[serde(default)]
    pub not_before: Option<DateTime<Utc>>,
    /// Why it waits or failed.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// How often it was tried, from the person's last word on.
    #[serde(default)]
    pub attempt: u32,
    /// The job that makes it, or will go on with it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub job: Option<JobId>,
    /// Its recap.
    #[serde(default)]
    pub recap: Option<RecapId>,
    /// Its file, by which it is known again.
    #[serde(default)]
    pub media: Option<MediaKey>,
}

/// How an item goes back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Back {
    /// The job to go on with.
    pub job: Option<JobId>,
    /// Not earlier than this.
    pub not_before: Option<DateTime<Utc>>,
    /// What the person sees.
    pub reason: Option<Reason>,
    /// Whether it was a try.
    pub counts: bool,
}

/// What a person or the daemon wants of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// found → approved.
    Approve,
    /// found, approved, failed → skipped.
    Skip,
    /// skipped → found.
    UndoSkip,
    /// approved → processing.
    Start,
    /// processing → done.
    Finish,
    /// processing → failed.
    Fail,
    /// processing → approved.
    PutBack,
    /// failed → approved.
    Retry,
    /// done → approved.
    Redo,
}

impl Move {
    /// All of them.
    pub const ALL: [Move; 9] = [
        Move::Approve,
        Move::Skip,
        Move::UndoSkip,
        Move::Start,
        Move::Finish,
        Move::Fail,
        Move::PutBack,
        Move::Retry,
        Move::Redo,
    ];

    /// Where it leads from `state`; `None` where it is refused.
    pub fn from(self, state: State) -> Option<State> {
        use State::{Approved, Done, Failed, Found, Processing, Skipped};
        match (self, state) {
            (Move::Approve, Found)
            | (Move::PutBack, Processing)
            | (Move::Retry, Failed)
            | (Move::Redo, Done) => Some(Approved),
            (Move::Skip, Found | Approved | Failed) => Some(Skipped),
            (Move::UndoSkip, Skipped) => Some(Found),
            (Move::Start, Approved) => Some(Processing),
            (Move::Finish, Processing) => Some(Done),
            (Move::Fail, Processing) => Some(Failed),
            _ => None,
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Move::Approve => "approved",
            Move::Skip => "skipped",
            Move::UndoSkip => "taken off the skip list",
            Move::Start => "started",
            Move::Finish => "finished",
            Move::Fail => "failed",
            Move::PutBack => "put back",
            Move::Retry => "tried again",
            Move::Redo => "made again",
        }
    }
}

/// Why a move was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// No such item.
    #[error("There is no episode `{0}` in the queue.")]
    NotFound(String),
    /// Not from where it stands.
    #[error("“{title}” is {state}, so it cannot be {}.{}", wanted.verb(), advice(*state, *wanted))]
    Refused {
        /// The item's title or id.
        title: String,
        /// Where it stands.
        state: State,
        /// What was wanted.
        wanted: Move,
    },
}

fn advice(state: State, wanted: Move) -> &'static str {
    match (state, wanted) {
        (State::Failed, Move::Approve) => " Retry it.",
        (State::Skipped, Move::Approve) => " Undo the skip first.",
        (State::Processing, Move::Skip) => " Cancel it first.",
        (State::Done, Move::Skip) => " Delete its recap instead.",
        (State::Done, Move::Approve | Move::Retry) => " Ask for it to be made again.",
        (State::Found, Move::Retry) => " Approve it.",
        _ => "",
    }
}

impl QueueItem {
    fn name(&self) -> String {
        if self.title.is_empty() {
            self.id.to_string()
        } else {
            self.title.chars().take(80).collect()
        }
    }

    fn step(&mut self, wanted: Move, now: DateTime<Utc>) -> Result<(), QueueError> {
        let state = wanted.from(self.state).ok_or_else(|| QueueError::Refused {
            title: self.name(),
            state: self.state,
            wanted,
        })?;
        self.state = state;
        self.changed_at = Some(now);
        Ok(())
    }

    /// A person's word starts over: what went wrong before is forgotten.
    fn start_over(&mut self) {
        self.attempt = 0;
        self.not_before = None;
        self.reason = None;
        self.job = None;
    }

    /// found → approved; an approved item that waits is not made to wait any longer.
    ///
    /// # Errors
    /// [`QueueError::Refused`] from any other state, as with every move below.
    pub fn approve(&mut self, by: ApprovedBy, now: DateTime<Utc>) -> Result<(), QueueError> {
        if self.is_waiting(now) {
            let job = self.job.take();
            self.start_over();
            // What was finished goes on.
            self.job = job;
            self.approved_by = Some(by);
            return Ok(());
        }
        self.step(Move::Approve, now)?;
        self.start_over();
        self.approved_by = Some(by);
        Ok(())
    }

    /// found, approved, failed → skipped. The caller puts the episode on the skip list.
    ///
    /// # Errors
    /// [`QueueError::Refused`].
    pub fn skip(&mut self, now: DateTime<Utc>) -> Result<(), QueueError> {
        self.step(Move::Skip, now)?;
        self.start_over();
        Ok(())
    }

    /// skipped → found. The caller takes the episode off the skip list.
    ///
    /// # Errors
    /// [`QueueError::Refused`].
    pub fn undo_skip(&mut self, now: DateTime<Utc>) -> Result<(), QueueError> {
        self.step(Move::UndoSkip, now)
    }

    /// approved → processing, as `job`; an item that was put back goes on with the job that it had.
    ///
    /// # Errors
    /// [`QueueError::Refused`].
    pub fn start(&mut self, job: JobId, now: DateTime<Utc>) -> Result<JobId, QueueError> {
        self.step(Move::Start, now)?;
        self.attempt = self.attempt.saturating_add(1);
        self.started_at = Some(now);
        self.not_before = None;
        self.reason = None;
        Ok(self.job.get_or_insert(job).clone())
    }

    /// processing → done.
    ///
    /// # Errors
    /// [`QueueError::Refused`].
    pub fn finish(&mut self, recap: RecapId, now: DateTime<Utc>) -> Result<(), QueueError> {
        self.step(Move::Finish, now)?;
        self.start_over();
        self.recap = Some(recap);
        Ok(())
    }

    /// processing → failed.
    ///
    /// # Errors
    /// [`QueueError::Refused`].
    pub fn fail(&mut self, reason: Reason, now: DateTime<Utc>) -> Result<(), QueueError> {
        self.step(Move::Fail, now)?;
        self.not_before = None;
        self.job = None;
        self.reason = Some(reason);
        Ok(())
    }

    /// processing → approved, to go on with `job` (`None`: a new one), not before a time, for a reason
    /// that the person sees. What was not the item's own try is not counted as one.
    ///
    /// # Errors
    /// [`QueueError::Refused`].
    pub fn put_back(&mut self, back: Back, now: DateTime<Utc>) -> Result<(), QueueError> {
        self.step(Move::PutBack, now)?;
        if !back.counts {
            self.attempt = self.attempt.saturating_sub(1);
        }
        self.job = back.job;
        self.not_before = back.not_before;
        self.reason = back.reason;
        Ok(())
    }

    /// What becomes of an item whose making failed in a way that passes: the time of the next try,
    /// or `None` after the last.
    pub fn next_try(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.attempt >= TRIES_MAX {
            return None;
        }
        let at = usize::try_from(self.attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let minutes = BACKOFF_MINUTES.get(at).or(BACKOFF_MINUTES.last()).copied().unwrap_or(180);
        Some(now + TimeDelta::minutes(minutes))
    }

    /// failed → approved.
    ///
    /// # Errors
    /// [`QueueError::Refused`].
    pub fn retry(&mut self, now: DateTime<Utc>) -> Result<(), QueueError> {
        self.step(Move::Retry, now)?;
        self.start_over();
        self.approved_by = Some(ApprovedBy::Person);
        Ok(())
    }

    /// done → approved: its recap is made again, beside the one that is there.
    ///
    /// # Errors
    /// [`QueueError::Refused`].
    pub fn redo(&mut self, now: DateTime<Utc>) -> Result<(), QueueError> {
        self.step(Move::Redo, now)?;
        self.start_over();
        self.approved_by = Some(ApprovedBy::Person);
        Ok(())
    }

    /// Whether it waits for something, and since `reason` says for what, until when.
    pub fn is_waiting(&self, now: DateTime<Utc>) -> bool {
        self.state == State::Approved && self.not_before.is_some_and(|at| at > now)
    }

    /// Whether it can be taken up.
    pub fn is_ready(&self, now: DateTime<Utc>) -> bool {
        self.state == State::Approved
            && !self.is_waiting(now)
            && self.published_at.is_none_or(|at| at <= now)
    }
}

impl AutoQueue {
    /// Lets items go on that wait for the same; how many there were.
    pub fn release(&mut self, code: ReasonCode) -> usize {
        let waits = |item: &&mut QueueItem| {
            let is_why = |reason: &Reason| reason.code == code;
            item.state == State::Approved && item.reason.as_ref().is_some_and(is_why)
        };
        let mut count = 0;
        for item in self.items.iter_mut().filter(waits) {
            item.not_before = None;
            item.reason = None;
            count += 1;
        }
        count
    }

    /// The item of an episode.
    pub fn find(&self, id: &EpisodeId) -> Option<&QueueItem> {
        self.items.iter().find(|item| item.id == *id)
    }

    /// The item of an episode, to be changed.
    ///
    /// # Errors
    /// [`QueueError::NotFound`].
    pub fn find_mut(&mut self, id: &EpisodeId) -> Result<&mut QueueItem, QueueError> {
        self.items
            .iter_mut()
            .find(|item| item.id == *id)
            .ok_or_else(|| QueueError::NotFound(id.to_string()))
    }

    /// All items as a person reads them: what was found last first, and of one find the newest first.
    pub fn newest_first(&self) -> Vec<&QueueItem> {
        let mut items: Vec<&QueueItem> = self.items.iter().rev().collect();
        items.sort_by_key(|item| std::cmp::Reverse((item.found_at, item.published_at)));
        items
    }

    /// Whether a scope with this queue has something to be looked at.
    pub fn is_open(&self) -> bool {
        self.items.iter().any(|item| item.state.is_open())
    }

    /// Marks items that wait for something that can be known before they are taken up: their
    /// publication, or tomorrow where their subscription's cap for today is used up (`cap_of` says
    /// it, for a subscription). Whether anything changed.
    pub fn mark_waiting(
        &mut self,
        now: DateTime<Utc>,
        cap_of: impl Fn(Option<&SubscriptionId>) -> u32,
    ) -> bool {
        let today = now.date_naive();
        let mut started: std::collections::HashMap<Option<SubscriptionId>, u32> =
            Default::default();
        for item in &self.items {
            let counts = item.approved_by == Some(ApprovedBy::Subscription)
                && item.started_at.is_some_and(|at| at.date_naive() == today);
            if counts {
                *started.entry(item.subscription.clone()).or_default() += 1;
            }
        }
        let tomorrow =
            today.succ_opt().and_then(|day| day.and_hms_opt(0, 0, 0)).map(|at| at.and_utc());
        let mut changed = false;
        for item in self.items.iter_mut().filter(|item| item.state == State::Approved) {
            if let Some(at) = item.published_at.filter(|at| *at > now) {
                let code = ReasonCode::NotPublished;
                let is_marked = item.reason.as_ref().is_some_and(|reason| reason.code == code);
                if !(is_marked && item.not_before == Some(at)) {
                    let day = at.format("%Y-%m-%d %H:%M");
                    let message =
                        format!("Its publisher puts it out on {day} UTC; it is made then.");
                    item.reason = Some(Reason { code, message });
                    item.not_before = Some(at);
                    changed = true;
                }
                continue;
            }
            if !item.is_ready(now) || item.approved_by != Some(ApprovedBy::Subscription) {
                continue;
            }
            // An item that was tried today is in the count already.
            if item.started_at.is_some_and(|at| at.date_naive() == today) {
                continue;
            }
            let cap = cap_of(item.subscription.as_ref());
            let used = started.entry(item.subscription.clone()).or_default();
            if *used < cap {
                // It may be taken up next; the ones after it are counted behind it.
                *used += 1;
            } else {
                let message = format!(
                    "{cap} a day are made without asking, and today they were. It goes on tomorrow; approve it yourself to have it now."
                );
                item.reason = Some(Reason { code: ReasonCode::Cap, message });
                item.not_before = tomorrow;
                changed = true;
            }
        }
        changed
    }

    /// What a person's hand set that only Recap sets is refused with a sentence: `processing` without
    /// a job that `runs`, and `done` without a recap. Whether anything changed.
    pub fn refuse_states(&mut self, now: DateTime<Utc>, runs: impl Fn(&JobId) -> bool) -> bool {
        let mut changed = false;
        for item in &mut self.items {
            let refused = match item.state {
                State::Processing => !item.job.as_ref().is_some_and(&runs),
                // What an earlier system has done may have no recap here any more.
                State::Done => item.recap.is_none() && item.guid.is_some(),
                _ => false,
            };
            if refused {
                let message = format!(
                    "`{}` is set by Recap alone. Write \"approved\" to have it made, \"skipped\" if you do not want it.",
                    item.state
                );
                item.state = State::Found;
                item.changed_at = Some(now);
                item.job = None;
                item.reason = Some(Reason { code: ReasonCode::State, message });
                changed = true;
            }
        }
        changed
    }

    /// Brings the queue in line with the library at boot and after hand edits: an item whose recap is
    /// there is done, unless it is to be made again. Whether anything changed.
    pub fn reconcile(
        &mut self,
        now: DateTime<Utc>,
        recap_of: impl Fn(&EpisodeId) -> Option<RecapId>,
    ) -> bool {
        let mut changed = false;
        for item in &mut self.items {
            let wants_one = item.recap.is_none()
                && matches!(
                    item.state,
                    State::Found | State::Approved | State::Failed | State::Done
                );
            if wants_one && let Some(recap) = recap_of(&item.id) {
                item.start_over();
                item.state = State::Done;
                item.changed_at = Some(now);
                item.recap = Some(recap);
                changed = true;
            }
        }
        changed
    }

    /// Puts items that were left `processing` by a daemon that went away back, under the same job.
    /// Whether anything changed.
    pub fn recover(&mut self, now: DateTime<Utc>, runs: impl Fn(&JobId) -> bool) -> bool {
        let mut changed = false;
        for item in self.items.iter_mut().filter(|item| item.state == State::Processing) {
            // An item without a job was never Recap's: `refuse_states` speaks to it.
            let Some(job) = item.job.clone().filter(|job| !runs(job)) else { continue };
            changed |= item.put_back(Back { job: Some(job), ..Back::default() }, now).is_ok();
        }
        changed
    }

    /// Takes done and skipped items out that are older than [`KEPT_DAYS`]; them.
    pub fn prune(&mut self, now: DateTime<Utc>) -> Vec<QueueItem> {
        let limit = now - TimeDelta::days(KEPT_DAYS);
        let is_over = |item: &QueueItem| {
            matches!(item.state, State::Done | State::Skipped)
                && item.changed_at.is_some_and(|at| at < limit)
        };
        let (over, kept) = std::mem::take(&mut self.items).into_iter().partition(is_over);
        self.items = kept;
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn item(n: u32, state: State) -> QueueItem {
        let text = format!(r#"{{"id": "pod:{n:04}", "state": "{state}", "title": "Bees {n}"}}"#);
        serde_json::from_str(&text).unwrap()
    }

    fn job(name: &str) -> JobId {
        name.parse().unwrap()
    }

    fn why(code: ReasonCode) -> Reason {
        Reason { code, message: "x".to_owned() }
    }

    /// Makes a move by its function.
    fn make(item: &mut QueueItem, wanted: Move) -> Result<(), QueueError> {
        match wanted {
            Move::Approve => item.approve(ApprovedBy::Person, now()),
            Move::Skip => item.skip(now()),
            Move::UndoSkip => item.undo_skip(now()),
            Move::Start => item.start(job("j"), now()).map(drop),
            Move::Finish => item.finish("2026-01-01-x-aaaaaa".parse().unwrap(), now()),
            Move::Fail => item.fail(why(ReasonCode::Failed), now()),
            Move::PutBack => item.put_back(Back::default(), now()),
            Move::Retry => item.retry(now()),
            Move::Redo => item.redo(now()),
        }
    }

    #[test]
    fn every_move_leads_where_the_picture_says_and_every_other_is_refused() {
        use State::{Approved, Done, Failed, Found, Processing, Skipped};
        let allowed = [
            (Found, Move::Approve, Approved),
            (Found, Move::Skip, Skipped),
            (Approved, Move::Skip, Skipped),
            (Failed, Move::Skip, Skipped),
            (Skipped, Move::UndoSkip, Found),
            (Approved, Move::Start, Processing),
            (Processing, Move::Finish, Done),
            (Processing, Move::Fail, Failed),
            (Processing, Move::PutBack, Approved),
            (Failed, Move::Retry, Approved),
            (Done, Move::Redo, Approved),
        ];
        for state in [Found, Approved, Processing, Done, Failed, Skipped] {
            for wanted in Move::ALL {
                let mut one = item(1, state);
                let before = one.clone();
                let made = make(&mut one, wanted);
                match allowed.iter().find(|(from, m, _)| *from == state && *m == wanted) {
                    Some((_, _, to)) => {
                        assert_eq!((made, one.state), (Ok(()), *to), "{state} {wanted:?}");
                        assert_eq!(one.changed_at, Some(now()));
                    }
                    None => {
                        let said = made.unwrap_err().to_string();
                        assert!(said.starts_with("“Bees 1” is "), "{said}");
                        assert_eq!(one, before, "{state} {wanted:?} changed something");
                    }
                }
            }
        }
    }

    #[test]
    fn a_job_is_kept_over_an_interruption_and_new_after_a_person_s_retry() {
        let mut one = item(1, State::Approved);
        assert_eq!(one.start(job("first"), now()), Ok(job("first")));
        one.put_back(Back { job: Some(job("first")), ..Back::default() }, now()).unwrap();
        assert_eq!((one.attempt, one.start(job("second"), now())), (0, Ok(job("first"))));
        one.fail(why(ReasonCode::Failed), now()).unwrap();
        one.retry(now()).unwrap();
        assert_eq!((one.attempt, one.start(job("third"), now())), (0, Ok(job("third"))));
    }

    #[test]
    fn what_passes_is_tried_again_at_growing_distances_and_not_for_ever() {
        let mut one = item(1, State::Approved);
        let mut minutes = Vec::new();
        loop {
            one.start(job("j"), now()).unwrap();
            let Some(at) = one.next_try(now()) else { break };
            minutes.push((at - now()).num_minutes());
            let reason = Some(why(ReasonCode::TryAgain));
            let back = Back { not_before: Some(at), reason, counts: true, ..Back::default() };
            one.put_back(back, now()).unwrap();
            assert!(one.is_waiting(now()) && one.is_ready(at));
        }
        assert_eq!((minutes, one.attempt), (vec![1, 5, 30, 180], TRIES_MAX));
    }

    fn queue(items: Vec<QueueItem>) -> AutoQueue {
        AutoQueue { items, ..AutoQueue::default() }
    }

    #[test]
    fn the_cap_of_a_day_lets_so_many_start_and_the_rest_wait_until_tomorrow() {
        let mut items: Vec<QueueItem> = (0..4).map(|n| item(n, State::Found)).collect();
        for one in &mut items {
            one.approve(ApprovedBy::Subscription, now()).unwrap();
        }
        let mut person = item(9, State::Found);
        person.approve(ApprovedBy::Person, now()).unwrap();
        items.push(person);
        let mut queue = queue(items);
        queue.items[0].start(job("a"), now()).unwrap();
        assert!(queue.mark_waiting(now(), |_| 2));
        let ready: Vec<bool> = queue.items.iter().map(|item| item.is_ready(now())).collect();
        assert_eq!(ready, [false, true, false, false, true]);
        let waits = queue.items[2].reason.clone().unwrap();
        assert_eq!(waits.code, ReasonCode::Cap);
        assert!(!queue.mark_waiting(now(), |_| 2), "said once");
        // A person who does not want to wait approves it themselves.
        let mut hurried = queue.items[3].clone();
        hurried.approve(ApprovedBy::Person, now()).unwrap();
        assert!(hurried.is_ready(now()) && hurried.reason.is_none());
        let tomorrow = now() + TimeDelta::days(1);
        assert!(queue.items[2].is_ready(tomorrow));
        queue.mark_waiting(tomorrow, |_| 1);
        let ready: Vec<bool> = queue.items.iter().map(|item| item.is_ready(tomorrow)).collect();
        assert_eq!(ready, [false, true, false, false, true], "each day has its own");
    }

    #[test]
    fn an_episode_that_is_not_out_yet_waits_for_its_day() {
        let mut one = item(1, State::Approved);
        let day = now() + TimeDelta::hours(5);
        one.published_at = Some(day);
        let mut queue = queue(vec![one]);
        assert!(!queue.items[0].is_ready(now()));
        assert!(queue.mark_waiting(now(), |_| 1));
        assert_eq!(queue.items[0].reason.as_ref().unwrap().code, ReasonCode::NotPublished);
        assert!(queue.items[0].is_ready(day));
    }

    #[test]
    fn a_state_that_only_recap_sets_is_refused_where_a_hand_set_it() {
        let mut real = item(1, State::Approved);
        real.start(job("runs"), now()).unwrap();
        let mut done = item(3, State::Done);
        done.guid = Some("3".to_owned());
        let mut queue = queue(vec![real, item(2, State::Processing), done]);
        assert!(queue.refuse_states(now(), |job| *job == "runs".parse().unwrap()));
        let states: Vec<State> = queue.items.iter().map(|item| item.state).collect();
        assert_eq!(states, [State::Processing, State::Found, State::Found]);
        assert!(queue.items[2].reason.as_ref().unwrap().message.contains("`done` is set by Recap"));
    }

    #[test]
    fn an_item_whose_recap_is_there_is_done_and_one_left_processing_goes_back() {
        let recap: RecapId = "2026-01-01-x-aaaaaa".parse().unwrap();
        let mut left = item(3, State::Approved);
        left.start(job("j"), now()).unwrap();
        let mut again = item(4, State::Done);
        again.recap = Some(recap.clone());
        again.redo(now()).unwrap();
        let mut queue = queue(vec![item(1, State::Approved), item(2, State::Found), left, again]);
        assert!(queue.recover(now(), |_| false));
        assert_eq!(queue.items[2].job, Some(job("j")));
        let there = ["pod:0001", "pod:0004"];
        let found = |id: &EpisodeId| there.contains(&id.as_str()).then(|| recap.clone());
        assert!(queue.reconcile(now(), found));
        let states: Vec<State> = queue.items.iter().map(|item| item.state).collect();
        assert_eq!(states, [State::Done, State::Found, State::Approved, State::Approved]);
        assert!(!queue.reconcile(now(), found));
    }

    #[test]
    fn what_waits_for_one_thing_is_let_go_and_nothing_else() {
        let waits = |n, code| {
            let mut one = item(n, State::Approved);
            one.not_before = Some(now() + TimeDelta::hours(1));
            one.reason = Some(Reason { code, message: "x".to_owned() });
            one
        };
        let mut failed = waits(3, ReasonCode::CostCap);
        failed.state = State::Failed;
        let mut queue =
            queue(vec![waits(1, ReasonCode::CostCap), waits(2, ReasonCode::Credits), failed]);
        assert_eq!(queue.release(ReasonCode::CostCap), 1);
        let ready: Vec<bool> = queue.items.iter().map(|item| item.is_ready(now())).collect();
        assert_eq!(ready, [true, false, false]);
        assert_eq!(queue.items[0].reason, None);
        assert_eq!(queue.release(ReasonCode::CostCap), 0);
    }

    #[test]
    fn a_person_reads_the_last_find_first_and_in_it_the_newest() {
        let mut items: Vec<QueueItem> = (0..4).map(|n| item(n, State::Found)).collect();
        for (n, one) in items.iter_mut().enumerate() {
            let n = i64::try_from(n).unwrap();
            one.found_at = Some(now() + TimeDelta::hours(n / 2));
            // As they are found: the newest of a feed first.
            one.published_at = Some(now() - TimeDelta::days(n % 2));
        }
        let queue = queue(items);
        let titles: Vec<&str> =
            queue.newest_first().iter().map(|item| item.title.as_str()).collect();
        assert_eq!(titles, ["Bees 2", "Bees 3", "Bees 0", "Bees 1"]);
    }

    #[test]
    fn what_is_over_leaves_after_thirty_days_and_what_is_open_never() {
        let mut items = Vec::new();
        for (n, state) in
            [State::Found, State::Approved, State::Done, State::Failed, State::Skipped]
                .into_iter()
                .enumerate()
        {
            let mut one = item(u32::try_from(n).unwrap(), state);
            one.changed_at = Some(now());
            items.push(one);
        }
        let mut queue = queue(items);
        assert!(queue.prune(now() + TimeDelta::days(KEPT_DAYS)).is_empty());
        let over = queue.prune(now() + TimeDelta::days(KEPT_DAYS) + TimeDelta::seconds(1));
        assert_eq!(over.len(), 2);
        assert_eq!(queue.items.len(), 3);
    }
}
