//! Subscriptions and queue items as answers and commands show them: without the secrets of private
//! feeds, and with what follows from the time.

use chrono::{DateTime, Utc};
use recap_mode::JobId;
use serde::Serialize;
use url::Url;

use crate::domain::auto_queue::{ApprovedBy, AutoQueue, QueueItem, Reason, State};
use crate::domain::episode::EpisodeId;
use crate::domain::filters::Filters;
use crate::domain::link::Link;
use crate::domain::links::holds_secret;
use crate::domain::recap::RecapId;
use crate::domain::subscription::{Subscription, SubscriptionId, Subscriptions};
use crate::net::Shown;

use super::{Discovered, Health};

/// Episodes that a preview shows.
const PREVIEW_EPISODES: usize = 10;

/// A subscription.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SubscriptionView {
    /// Its id; `None` until the daemon has looked at a line that was added by hand.
    #[schema(value_type = Option<String>)]
    pub id: Option<SubscriptionId>,
    /// What is followed, with `…` for secrets.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its feed, where that is another, with `…` for secrets.
    pub feed_url: Option<String>,
    /// Whether its link holds a secret, which is not shown.
    pub is_private: bool,
    /// When it was followed.
    pub added_at: Option<DateTime<Utc>>,
    /// Whether it rests.
    pub paused: bool,
    /// Whether new episodes are approved without asking.
    pub auto_approve: bool,
    /// Most of those a day.
    pub auto_approve_per_day_max: Option<u32>,
    /// Episodes that a first check finds.
    pub newest_at_first: Option<u32>,
    /// Which episodes are found.
    #[schema(value_type = Object)]
    pub filters: Filters,
    /// How its feed does.
    pub health: Health,
}

impl SubscriptionView {
    /// A subscription and how it does.
    pub fn new(one: &Subscription, health: Health) -> SubscriptionView {
        let typed = Url::parse(one.url.trim()).ok();
        let is_private = typed.as_ref().is_some_and(holds_secret)
            || one.feed_url.as_ref().is_some_and(holds_secret);
        SubscriptionView {
            id: one.id.clone(),
            url: Shown::typed(&one.url),
            title: if one.title.is_empty() { Shown::text(&one.url) } else { one.title.clone() },
            feed_url: one.feed_url.as_ref().map(Shown::with_query),
            is_private,
            added_at: one.added_at,
            paused: one.paused,
            auto_approve: one.auto_approve,
            auto_approve_per_day_max: one.auto_approve_per_day_max,
            newest_at_first: one.newest_at_first,
            filters: one.filters.clone(),
            health,
        }
    }
}

/// An item of the queue.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ItemView {
    /// The episode's id.
    #[schema(value_type = String)]
    pub id: EpisodeId,
    /// Where it stands.
    pub state: State,
    /// Whether it is approved and waits for something; `reason` says for what.
    pub waiting: bool,
    /// Its title.
    pub title: String,
    /// Its show.
    pub show: String,
    /// The subscription that found it.
    #[schema(value_type = Option<String>)]
    pub subscription: Option<SubscriptionId>,
    /// Its page.
    #[schema(value_type = Option<String>)]
    pub url: Option<Url>,
    /// When it was published, or will be.
    pub published_at: Option<DateTime<Utc>>,
    /// Milliseconds.
    pub duration_ms: Option<u64>,
    /// When it was found.
    pub found_at: Option<DateTime<Utc>>,
    /// When it came into its state.
    pub changed_at: Option<DateTime<Utc>>,
    /// Who approved it.
    pub approved_by: Option<ApprovedBy>,
    /// It is not taken up earlier.
    pub not_before: Option<DateTime<Utc>>,
    /// Why it waits or failed, and what to do.
    pub reason: Option<Reason>,
    /// How often it was tried.
    pub attempt: u32,
    /// The job that makes it.
    #[schema(value_type = Option<String>)]
    pub job: Option<JobId>,
    /// Its recap.
    #[schema(value_type = Option<String>)]
    pub recap: Option<RecapId>,
}

impl ItemView {
    /// An item as it is seen at a time.
    pub fn new(item: &QueueItem, now: DateTime<Utc>) -> ItemView {
        ItemView {
            id: item.id.clone(),
            state: item.state,
            waiting: item.state == State::Approved && !item.is_ready(now),
            title: item.title.clone(),
            show: item.show.clone(),
            subscription: item.subscription.clone(),
            url: item.url.clone(),
            published_at: item.published_at,
            duration_ms: item.duration_ms,
            found_at: item.found_at,
            changed_at: item.changed_at,
            approved_by: item.approved_by,
            not_before: item.not_before,
            reason: item.reason.clone(),
            attempt: item.attempt,
            job: item.job.clone(),
            recap: item.recap.clone(),
        }
    }
}

/// How many items stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[expect(missing_docs, reason = "each field counts the state of that name")]
pub struct Counts {
    pub found: usize,
    pub approved: usize,
    pub processing: usize,
    pub done: usize,
    pub failed: usize,
    pub skipped: usize,
}

impl Counts {
    /// Counts a queue.
    pub fn of(queue: &AutoQueue) -> Counts {
        let mut counts = Counts::default();
        for item in &queue.items {
            *match item.state {
                State::Found => &mut counts.found,
                State::Approved => &mut counts.approved,
                State::Processing => &mut counts.processing,
                State::Done => &mut counts.done,
                State::Failed => &mut counts.failed,
                State::Skipped => &mut counts.skipped,
            } += 1;
        }
        counts
    }
}

/// A show before it is followed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Preview {
    /// Its title.
    pub title: String,
    /// Its page.
    #[schema(value_type = Option<String>)]
    pub link: Option<Url>,
    /// Its picture.
    #[schema(value_type = Option<String>)]
    pub image_url: Option<Url>,
    /// BCP 47, as the publisher says.
    pub language: Option<String>,
    /// Its feed, with `…` for secrets.
    pub feed_url: String,
    /// Episodes in the feed.
    pub episode_count: usize,
    /// How many of them name a transcript.
    pub transcript_count: usize,
    /// The newest ones.
    pub episodes: Vec<PreviewEpisode>,
    /// What could not be read.
    pub warnings: Vec<String>,
    /// The subscription that follows it already.
    #[schema(value_type = Option<String>)]
    pub followed: Option<SubscriptionId>,
}

/// One of its episodes.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PreviewEpisode {
    /// Its title.
    pub title: String,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// Milliseconds.
    pub duration_ms: Option<u64>,
    /// Whether its publisher names a transcript.
    pub has_transcript: bool,
}

impl Preview {
    /// A show that was found.
    pub fn new(found: &Discovered, followed: &Subscriptions) -> Preview {
        let feed = &found.read.feed;
        let mut items: Vec<_> = feed.items.iter().collect();
        items.sort_by_key(|item| std::cmp::Reverse(item.published_at));
        let is_it = |one: &&Subscription| {
            one.url == found.asked.as_str()
                || one.url == found.feed_url.as_str()
                || one.feed_url.as_ref() == Some(&found.feed_url)
        };
        Preview {
            title: feed.title.clone(),
            link: feed.link.clone(),
            image_url: feed.image_url.as_ref().map(Link::url),
            language: feed.language.clone(),
            feed_url: Shown::with_query(&found.feed_url),
            episode_count: items.len(),
            transcript_count: items.iter().filter(|item| !item.transcripts.is_empty()).count(),
            episodes: items
                .iter()
                .take(PREVIEW_EPISODES)
                .map(|item| PreviewEpisode {
                    title: item.title.clone(),
                    published_at: item.published_at,
                    duration_ms: item.duration_ms,
                    has_transcript: !item.transcripts.is_empty(),
                })
                .collect(),
            warnings: feed.warnings.clone(),
            followed: followed.subscriptions.iter().find(is_it).and_then(|one| one.id.clone()),
        }
    }
}
