//! One round: every feed that is due is asked once, and each scope that follows it takes in what is
//! new. One broken feed, host or scope stops none of the others.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use recap_mode::Scope;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use crate::domain::candidates::Candidates;
use crate::domain::feed_state::FeedState;
use crate::domain::subscription::{Subscription, SubscriptionId};
use crate::feed_cache::{CheckError, Checked, FeedKey, Read};
use crate::feeds::place::{self, Place};
use crate::history::FollowError;
use crate::history::following::{FollowingStamps, Intake, TakenIn};
use crate::net::{FetchError, Shown, Trust, TrustRule};

use super::discover::Make;
use super::{Follower, Following, Rules, Source, candidates, listing, source_of};

/// What was found waits at most so long before it is written, so that a feed that hangs does not keep
/// the others from the queue.
const FLUSH_AFTER: Duration = Duration::from_secs(3);

/// Episodes that wait to be written before that time, at some 130 bytes each. Each time that they are
/// written, everything that a scope has seen is read again.
const WAITING_MAX: usize = 60_000;

/// How often what was found is brought to a scope whose files somebody saves at that very moment.
const TAKEN_IN_TRIES_MAX: usize = 3;

/// Failures that a report names; the rest is counted.
const FAILURES_NAMED_MAX: usize = 100;

/// Feeds that a round reads at once: reading is computing, and takes memory.
const READS_MAX: usize = 2;

/// What a round looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// What is due.
    Due,
    /// All of one scope, due or not.
    All(Scope),
    /// One subscription, also if it rests.
    One(Scope, SubscriptionId),
}

/// How a round went for one scope.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RoundReport {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// Subscriptions whose feeds were asked.
    pub checked: usize,
    /// How many of those were as before.
    pub unchanged: usize,
    /// Episodes that were found.
    pub found: usize,
    /// How many of those were approved at once.
    pub approved: usize,
    /// How many subscriptions failed.
    pub failed_count: usize,
    /// Which failed and why, the first hundred.
    pub failed: Vec<Failed>,
    /// When the next feed is due.
    pub next_at: Option<DateTime<Utc>>,
}

/// A subscription that could not be checked.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Failed {
    /// Its id.
    #[schema(value_type = Option<String>)]
    pub subscription: Option<SubscriptionId>,
    /// What is shown for it.
    pub name: String,
    /// Why.
    pub why: String,
}

impl RoundReport {
    fn new(now: DateTime<Utc>) -> RoundReport {
        RoundReport {
            started_at: now,
            finished_at: now,
            checked: 0,
            unchanged: 0,
            found: 0,
            approved: 0,
            failed_count: 0,
            failed: Vec::new(),
            next_at: None,
        }
    }

    fn fail(&mut self, one: &Subscription, why: String) {
        self.failed_count += 1;
        if self.failed.len() < FAILURES_NAMED_MAX {
            let name = if one.title.is_empty() { Shown::text(&one.url) } else { one.title.clone() };
            self.failed.push(Failed { subscription: one.id.clone(), name, why });
        }
    }
}

fn report_of<'a>(
    reports: &'a mut HashMap<Scope, RoundReport>,
    scope: &Scope,
    now: DateTime<Utc>,
) -> &'a mut RoundReport {
    reports.entry(scope.clone()).or_insert_with(|| RoundReport::new(now))
}

/// A subscription that waits for a feed.
struct Waiting {
    follower: Follower,
    one: Subscription,
    id: SubscriptionId,
    wants: Arc<Wants>,
    /// The link is a channel's or a playlist's, and the person's line does not name its feed yet.
    lacks_feed_url: bool,
}

/// What somebody who waits for a feed wants of it.
struct Wants {
    /// The show's key, where it was followed before.
    show_key: Option<String>,
    /// The hash of what was taken in.
    consumed: Option<String>,
}

/// What was found in a feed by those who wait for it. The feed itself is let go of where it was read.
struct Found {
    title: String,
    hash: String,
    new_feed_url: Option<Url>,
    /// Of each who waits, in their order: the key of the show and its episodes; `None` for who took them
    /// in before. Those of one key share them.
    shows: Vec<Option<(String, Arc<Candidates>)>>,
    /// Episodes in all, those that are shared once.
    count: usize,
}

impl Found {
    fn of(read: &Read, url: &Url, wants: &[Arc<Wants>]) -> Box<Found> {
        let mut made: HashMap<String, Arc<Candidates>> = HashMap::new();
        let mut show_of = |wants: &Arc<Wants>| {
            if wants.consumed.as_ref() == Some(&read.hash) {
                return None;
            }
            let key = wants.show_key.clone().unwrap_or_else(|| read.feed.show_key(url));
            let make = || Arc::new(candidates(read, &key, url));
            let candidates = made.entry(key.clone()).or_insert_with(make).clone();
            Some((key, candidates))
        };
        let shows = wants.iter().map(&mut show_of).collect();
        Box::new(Found {
            title: read.feed.title.clone(),
            hash: read.hash.clone(),
            new_feed_url: read.feed.new_feed_url.clone(),
            shows,
            count: made.values().map(|candidates| candidates.len()).sum(),
        })
    }
}

/// One thing to ask for, and who waits for it.
struct Ask {
    key: FeedKey,
    url: Url,
    trust: Trust,
    /// `false` where the feed is not due, and somebody has not taken in what is there.
    fetches: bool,
    /// The feed behind the link has yet to be found.
    is_unknown: bool,
    waiting: Vec<Waiting>,
}

impl Ask {
    fn wants(&self) -> Vec<Arc<Wants>> {
        self.waiting.iter().map(|waiting| waiting.wants.clone()).collect()
    }
}

/// What came of an ask.
enum Got {
    /// What is in a feed, under its link; where it moved.
    Feed { url: Url, found: Box<Found>, moved_to: Option<Url> },
    /// Nothing new, for anybody.
    Nothing,
    /// Its host wants to be left alone.
    Held,
    /// Why not, and whether for good.
    Failed { why: String, is_gone: bool },
}

/// Hears of what a scope took in.
pub type Heard<'a> = &'a (dyn Fn(&Scope, &TakenIn) + Send + Sync);

/// A scope of which nothing was due and nothing was new: it need not be read again as long as its files
/// and its feeds are as they were. Most rounds of a service find nothing else.
struct Rest {
    stamps: FollowingStamps,
    trust: TrustRule,
    /// Each feed, with the hash of what was taken in.
    feeds: Vec<(FeedKey, Option<Box<str>>)>,
}

/// The scopes that rest, under the settings by which that was found.
#[derive(Default)]
pub(super) struct Rests {
    rules: Option<Rules>,
    scopes: HashMap<Scope, Rest>,
}

/// What waits to be written for one scope.
#[derive(Default)]
struct Inbox {
    open_items_max: usize,
    found: FoundByFeed,
    /// What completes the person's own lines.
    lines: Vec<Completion>,
}

/// What was found in feeds, for one scope.
#[derive(Default)]
struct FoundByFeed {
    intakes: Vec<Intake>,
    /// Of each intake: its episodes, and where the cache has the feed.
    candidates: Vec<Arc<Candidates>>,
    keys: Vec<FeedKey>,
}

/// What completes the line of a person who named a link alone.
struct Completion {
    subscription: SubscriptionId,
    url: String,
    title: String,
    feed_url: Option<Url>,
}

impl Following {
    /// One round for `followers`; `heard` is told of each scope that took something in. How it went, by
    /// scope; a scope that follows nothing has no report.
    pub async fn round(
        &self,
        followers: &[Follower],
        which: &Which,
        rules: &Rules,
        heard: Heard<'_>,
    ) -> HashMap<Scope, RoundReport> {
        let mut reports: HashMap<Scope, RoundReport> = HashMap::new();
        let asks = self.plan(followers, which, rules, &mut reports).await;
        let slots = Arc::new(Semaphore::new(rules.fetches_max));
        let reads = Arc::new(Semaphore::new(READS_MAX));
        let mut running: FuturesUnordered<BoxFuture<'_, (Ask, Got)>> = FuturesUnordered::new();
        for ask in asks {
            let (slots, reads) = (slots.clone(), reads.clone());
            running.push(Box::pin(async move {
                let got = self.answer(&ask, rules, &slots, &reads).await;
                (ask, got)
            }));
        }
        let mut inboxes: HashMap<Scope, Inbox> = HashMap::new();
        let mut waiting = 0;
        let mut flush_at = Instant::now() + FLUSH_AFTER;
        loop {
            let next = tokio::select! {
                next = running.next() => next,
                () = tokio::time::sleep_until(flush_at) => {
                    self.flush(&mut inboxes, rules, &mut reports, heard).await;
                    waiting = 0;
                    flush_at = Instant::now() + FLUSH_AFTER;
                    // How the others went is not lost where one that hangs outlives the daemon.
                    self.keep_notes().await;
                    continue;
                }
            };
            let Some((ask, got)) = next else { break };
            if waiting == 0 {
                flush_at = Instant::now() + FLUSH_AFTER;
            }
            waiting += self.sort(ask, got, &mut inboxes, &mut reports).await;
            if waiting > WAITING_MAX {
                self.flush(&mut inboxes, rules, &mut reports, heard).await;
                waiting = 0;
            }
        }
        // All is read, and what is written now takes the most memory.
        self.cache.let_go();
        self.flush(&mut inboxes, rules, &mut reports, heard).await;
        let now = self.clock.now();
        let mut known = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        for (scope, report) in &mut reports {
            report.finished_at = now;
            // What nothing was asked for says nothing new: the last round that asked stays.
            if *which == Which::Due && report.checked == 0 && report.found == 0 {
                known.entry(scope.clone()).or_insert_with(|| report.clone());
                continue;
            }
            if report.failed_count > 0 || report.found > 0 {
                tracing::info!(
                    %scope, checked = report.checked, found = report.found, failed = report.failed_count,
                    "subscriptions checked: {}, episodes found: {}, failed: {}",
                    report.checked, report.found, report.failed_count
                );
            }
            known.insert(scope.clone(), report.clone());
        }
        reports
    }

    async fn keep_notes(&self) {
        let cache = self.cache.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || cache.save_now()).await {
            tracing::error!(%error, "keeping the cache of feeds panicked");
        }
    }

    /// What has to be asked: each feed once, with everybody who waits for it.
    async fn plan(
        &self,
        followers: &[Follower],
        which: &Which,
        rules: &Rules,
        reports: &mut HashMap<Scope, RoundReport>,
    ) -> Vec<Ask> {
        let mut asks: HashMap<FeedKey, Ask> = HashMap::new();
        let now = self.clock.now();
        let followers = followers.iter().filter(|follower| match which {
            Which::Due => true,
            Which::All(whose) | Which::One(whose, _) => *whose == follower.scope,
        });
        for (follower, stamps) in self.with_stamps(followers, rules).await {
            let scope = &follower.scope;
            if *which == Which::Due && self.rests(follower, stamps) {
                continue;
            }
            // What is not known to rest is read, and rests again where all of it does.
            let mut rest = Some(Rest { stamps, trust: follower.trust, feeds: Vec::new() });
            let list = match self.library.complete_subscriptions(scope).await {
                Ok(list) => list,
                Err(error) => {
                    // Whoever watches the files has said it in the log, with its place.
                    tracing::debug!(%scope, %error, "the subscriptions could not be read; the others are checked");
                    let name = Subscription {
                        title: "subscriptions.json".to_owned(),
                        ..Subscription::default()
                    };
                    report_of(reports, scope, now).fail(&name, error.to_string());
                    continue;
                }
            };
            if list.subscriptions.is_empty() {
                continue;
            }
            let state = self.library.feed_state(scope).await.unwrap_or_else(|error| {
                // Notes that are gone cost a look at what is known already, and nothing else.
                tracing::warn!(%scope, %error, "the notes of feeds could not be read");
                FeedState::default()
            });
            let mut own: HashSet<FeedKey> = HashSet::new();
            for one in list.subscriptions {
                let Some(id) = one.id.clone() else { continue };
                let is_named = match which {
                    Which::One(_, named) if *named != id => continue,
                    Which::One(..) => true,
                    Which::Due | Which::All(_) => false,
                };
                let note = state.find(&id, &one.url);
                let rests = one.paused || note.is_some_and(|note| note.stopped.is_some());
                if rests && !is_named {
                    continue;
                }
                let (url, trust, is_unknown) = match source_of(&one, note, follower, rules) {
                    Ok(Source::Feed { url, trust }) => (url, trust, false),
                    Ok(Source::Unknown { typed, trust }) => (typed, trust, true),
                    Err(why) => {
                        rest = None;
                        report_of(reports, scope, now).fail(&one, why);
                        continue;
                    }
                };
                let key = FeedKey::of(&url, &trust);
                // What was kept under the link that was typed is a feed, or it would not be there.
                let is_kept = self.cache.entry(&key).is_some_and(|entry| entry.feed_hash.is_some());
                let is_unknown = is_unknown && !is_kept;
                if !own.insert(key.clone()) {
                    rest = None;
                    report_of(reports, scope, now).fail(
                        &one,
                        "Another line follows the same feed; this one is not looked at.".to_owned(),
                    );
                    continue;
                }
                if let Err(why) = one.filters.sieve() {
                    rest = None;
                    report_of(reports, scope, now).fail(&one, why);
                    continue;
                }
                let next_at = self.cache.next_check_at(&key);
                let is_due = *which != Which::Due || self.cache.is_due(&key);
                let consumed = note.and_then(|note| note.consumed.clone());
                let is_behind = || {
                    let there = self.cache.entry(&key).and_then(|entry| entry.feed_hash);
                    there.is_some() && there != consumed
                };
                if !is_due && (is_unknown || !is_behind()) {
                    if let Some(rest) = &mut rest {
                        let there = self.cache.entry(&key).and_then(|entry| entry.feed_hash);
                        rest.feeds.push((key, there.map(String::into_boxed_str)));
                    }
                    if let (Some(at), Some(report)) = (next_at, reports.get_mut(scope)) {
                        report.next_at = Some(report.next_at.map_or(at, |next| next.min(at)));
                    }
                    continue;
                }
                rest = None;
                report_of(reports, scope, now);
                let show_key = note.and_then(|note| note.show_key.clone());
                let lacks_feed_url = one.feed_url.is_none()
                    && note.is_none_or(|note| note.moved_to.is_empty())
                    && matches!(
                        place::place(&one.url),
                        Ok(Place::YoutubeChannel(_) | Place::YoutubePlaylist(_))
                    );
                let follower = follower.clone();
                let wants = Arc::new(Wants { show_key, consumed });
                let waiting = Waiting { follower, one, id, wants, lacks_feed_url };
                let ask = asks.entry(key.clone()).or_insert_with(|| Ask {
                    key,
                    url,
                    trust,
                    fetches: false,
                    is_unknown,
                    waiting: Vec::new(),
                });
                ask.fetches |= is_due;
                ask.waiting.push(waiting);
            }
            let mut rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner);
            match rest {
                Some(rest) if *which == Which::Due => rests.scopes.insert(scope.clone(), rest),
                _ => rests.scopes.remove(scope),
            };
        }
        asks.into_values().collect()
    }

    /// Each follower with the stamps of its files, taken before anything of them is read.
    async fn with_stamps<'a>(
        &self,
        followers: impl Iterator<Item = &'a Follower>,
        rules: &Rules,
    ) -> Vec<(&'a Follower, FollowingStamps)> {
        {
            let mut rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner);
            if rests.rules.as_ref() != Some(rules) {
                *rests = Rests { rules: Some(rules.clone()), scopes: HashMap::new() };
            }
        }
        let followers: Vec<&Follower> = followers.collect();
        let scopes: Vec<Scope> = followers.iter().map(|follower| follower.scope.clone()).collect();
        let library = self.library.clone();
        let looked = tokio::task::spawn_blocking(move || {
            scopes.iter().map(|scope| library.following_stamps_now(scope)).collect::<Vec<_>>()
        });
        let stamps = looked.await.unwrap_or_default();
        let stamps = stamps.into_iter().chain(std::iter::repeat(FollowingStamps::default()));
        followers.into_iter().zip(stamps).collect()
    }

    /// Whether nothing of a scope was changed and none of its feeds is due or new to it.
    fn rests(&self, follower: &Follower, stamps: FollowingStamps) -> bool {
        let rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        rests.scopes.get(&follower.scope).is_some_and(|rest| {
            let is_as_it_was = |(key, taken): &(FeedKey, Option<Box<str>>)| {
                self.cache.is_as_it_was(key, taken.as_deref())
            };
            rest.stamps == stamps
                && rest.trust == follower.trust
                && rest.feeds.iter().all(is_as_it_was)
        })
    }

    async fn answer(&self, ask: &Ask, rules: &Rules, slots: &Semaphore, reads: &Semaphore) -> Got {
        if !ask.fetches {
            return self.read_again(ask, reads).await;
        }
        if let Some(until) = self.pace.held_until(&ask.url, self.clock.now()) {
            self.cache.postpone(&ask.key, until);
            return Got::Held;
        }
        let _turn = self.pace.turn(&ask.url, rules.fetches_per_host_max).await;
        let _slot = slots.acquire().await;
        if ask.is_unknown {
            return self.find_out(ask, rules).await;
        }
        let (url, wants) = (ask.url.clone(), ask.wants());
        let make = move |read: Read| Found::of(&read, &url, &wants);
        // Boxed, so that a thousand asks that wait for their turn are small.
        let checked =
            Box::pin(self.cache.check_for(&ask.url, &ask.trust, &rules.limits, make)).await;
        match checked {
            Ok(Checked::Changed(found)) => {
                let moved_to = self.moved(ask, &found, rules).await;
                Got::Feed { url: ask.url.clone(), found, moved_to }
            }
            Ok(Checked::Unchanged) => self.read_again(ask, reads).await,
            Err(error) if listing::is_passing(&error) => {
                let (cache, key) = (self.cache.clone(), ask.key.clone());
                let known = tokio::task::spawn_blocking(move || cache.read_now(&key)).await;
                let known = known.ok().flatten();
                let feed = known.as_ref().map(|read| &read.feed);
                match Box::pin(self.listed(&ask.url, feed, rules)).await {
                    Some(read) => {
                        let found = Found::of(&read, &ask.url, &ask.wants());
                        Got::Feed { url: ask.url.clone(), found, moved_to: None }
                    }
                    None => self.failed(ask, error),
                }
            }
            Err(error) => self.failed(ask, error),
        }
    }

    /// What the cache has, for those who have not taken it in.
    async fn read_again(&self, ask: &Ask, reads: &Semaphore) -> Got {
        let there = self.cache.entry(&ask.key).and_then(|entry| entry.feed_hash);
        // Also for a line whose title somebody took out, or died before writing.
        let is_done =
            |waiting: &Waiting| waiting.wants.consumed == there && !waiting.one.title.is_empty();
        if there.is_none() || ask.waiting.iter().all(is_done) {
            return Got::Nothing;
        }
        let _turn = reads.acquire().await;
        let (cache, key) = (self.cache.clone(), ask.key.clone());
        let (url, wants) = (ask.url.clone(), ask.wants());
        let find = move || cache.read_now(&key).map(|read| Found::of(&read, &url, &wants));
        match tokio::task::spawn_blocking(find).await {
            Ok(Some(found)) => Got::Feed { url: ask.url.clone(), found, moved_to: None },
            Ok(None) => Got::Nothing,
            Err(_) => Got::Failed {
                why: CheckError::Panicked(Shown::from(&ask.url)).to_string(),
                is_gone: false,
            },
        }
    }

    async fn find_out(&self, ask: &Ask, rules: &Rules) -> Got {
        // Everybody who waits typed the same and may reach the same, or the key would be another.
        let Some(first) = ask.waiting.first() else { return Got::Nothing };
        let wants = ask.wants();
        let make: Make<Box<Found>> = Arc::new(move |read, url| Found::of(&read, url, &wants));
        match Box::pin(self.discover_for(&first.follower, &first.one.url, rules, &make)).await {
            Ok(known) => Got::Feed { url: known.feed_url, found: known.read, moved_to: None },
            Err(error) => {
                let why = error.to_string();
                let after = error.fetch().and_then(FetchError::retry_after);
                let period = rules.limits.period;
                self.cache.note_failure(&ask.url, &ask.trust, &why, after, period);
                self.heed(ask, error.fetch());
                let is_gone = error.fetch().and_then(FetchError::status) == Some(410);
                Got::Failed { why, is_gone }
            }
        }
    }

    fn failed(&self, ask: &Ask, error: CheckError) -> Got {
        let fetch = match &error {
            CheckError::Fetch(error) => Some(error),
            _ => None,
        };
        self.heed(ask, fetch);
        let is_gone = fetch.and_then(FetchError::status) == Some(410);
        Got::Failed { why: error.to_string(), is_gone }
    }

    /// Leaves a host alone that asked for it.
    fn heed(&self, ask: &Ask, error: Option<&FetchError>) {
        let wish = error
            .filter(|error| matches!(error.status(), Some(429 | 503)))
            .and_then(FetchError::retry_after);
        if let Some(after) = wish {
            let now = self.clock.now();
            self.pace.hold(&ask.url, after.time(now), now);
        }
    }

    /// Where a feed is for good: as its server says, or as its publisher does, once that was seen to
    /// be a feed.
    async fn moved(&self, ask: &Ask, found: &Found, rules: &Rules) -> Option<Url> {
        let by_server = self.cache.entry(&ask.key).and_then(|entry| entry.moved_to);
        let is_safe = |to: &Url| !(ask.url.scheme() == "https" && to.scheme() == "http");
        if let Some(to) = by_server.filter(|to| *to != ask.url && is_safe(to)) {
            return Some(to);
        }
        let to = found.new_feed_url.clone().filter(|to| *to != ask.url && is_safe(to))?;
        // Nobody asks twice for a place that is no feed: the entry says when it is due again.
        let key = FeedKey::of(&to, &ask.trust);
        if self.cache.entry(&key).is_some() && !self.cache.is_due(&key) {
            return self.cache.entry(&key).filter(|entry| entry.feed_hash.is_some()).map(|_| to);
        }
        Box::pin(self.cache.check(&to, &ask.trust, &rules.limits)).await.ok().map(|_| to)
    }

    /// Puts what came into the boxes of those who wait for it; how many episodes that were.
    async fn sort(
        &self,
        ask: Ask,
        got: Got,
        inboxes: &mut HashMap<Scope, Inbox>,
        reports: &mut HashMap<Scope, RoundReport>,
    ) -> usize {
        let now = self.clock.now();
        let next_at = self.cache.next_check_at(&ask.key);
        let mut count = match &got {
            // All who wait share them: they take their room once, however many that are, or five hundred
            // scopes would each be written once a feed.
            Got::Feed { found, .. } => found.count,
            _ => 0,
        };
        for (at, waiting) in ask.waiting.into_iter().enumerate() {
            let Waiting { follower, one, id, lacks_feed_url, .. } = waiting;
            let report = report_of(reports, &follower.scope, now);
            if ask.fetches {
                report.checked += 1;
            }
            if let Some(at) = next_at {
                report.next_at = Some(report.next_at.map_or(at, |next| next.min(at)));
            }
            match &got {
                Got::Nothing | Got::Held => report.unchanged += 1,
                Got::Failed { why, is_gone } => {
                    let why = if *is_gone {
                        "Its server says that this feed is gone for good (410), so it is not asked any more. Follow its new \
                         place, or check it yourself if you think that it is back."
                            .to_owned()
                    } else {
                        why.clone()
                    };
                    if *is_gone {
                        let stopped = self
                            .library
                            .stop_checking(&follower.scope, &id, &one.url, why.clone())
                            .await;
                        if let Err(error) = stopped {
                            tracing::warn!(scope = %follower.scope, %error, "a feed that is gone could not be noted");
                        }
                    }
                    report.fail(&one, why);
                }
                Got::Feed { url, found, moved_to } => {
                    let is_other = ask.is_unknown && *url != ask.url || lacks_feed_url;
                    let title = &found.title;
                    if is_other || one.title.is_empty() && !title.is_empty() {
                        let inbox = inboxes.entry(follower.scope.clone()).or_default();
                        inbox.lines.push(Completion {
                            subscription: id.clone(),
                            url: one.url.clone(),
                            title: title.clone(),
                            feed_url: is_other.then(|| url.clone()),
                        });
                    }
                    let Some((show_key, candidates)) = found.shows.get(at).cloned().flatten()
                    else {
                        report.unchanged += 1;
                        continue;
                    };
                    count += 1;
                    let inbox = inboxes.entry(follower.scope.clone()).or_default();
                    inbox.open_items_max = follower.open_items_max;
                    inbox.found.intakes.push(Intake {
                        subscription: id,
                        url: one.url,
                        show_key,
                        show: title.clone(),
                        feed_url: url.clone(),
                        moved_to: moved_to.clone(),
                        hash: found.hash.clone(),
                    });
                    inbox.found.candidates.push(candidates);
                    inbox.found.keys.push(FeedKey::of(url, &ask.trust));
                }
            }
        }
        count.max(usize::from(!inboxes.is_empty()))
    }

    /// Has a scope take in what was found; again where somebody saves its files at that very moment.
    async fn bring(
        &self,
        scope: &Scope,
        found: FoundByFeed,
        rules: &Rules,
        open_items_max: usize,
    ) -> Result<TakenIn, FollowError> {
        let FoundByFeed { intakes, candidates, keys } = found;
        // Let go of as it is taken in, but for what the cache could not bring again.
        let held = |((intake, key), found): ((&Intake, &FeedKey), &Arc<Candidates>)| {
            (!self.cache.keeps(key, &intake.hash)).then(|| found.clone())
        };
        let held: Vec<_> = intakes.iter().zip(&keys).zip(&candidates).map(held).collect();
        let all: Arc<[Intake]> = intakes.into();
        let mut brought = (all.clone(), candidates);
        let mut tries = 1;
        loop {
            let (intakes, candidates) = brought;
            let taken = self
                .library
                .take_in(scope, intakes, candidates, rules.defaults, open_items_max)
                .await;
            if !matches!(taken, Err(FollowError::Overtaken)) || tries == TAKEN_IN_TRIES_MAX {
                return taken;
            }
            tries += 1;
            brought = self.bring_again(&all, &keys, &held).await;
        }
    }

    /// What was brought, once more: from the cache, but for what is `held`. What is another by now comes at
    /// the next round.
    async fn bring_again(
        &self,
        intakes: &Arc<[Intake]>,
        keys: &[FeedKey],
        held: &[Option<Arc<Candidates>>],
    ) -> (Arc<[Intake]>, Vec<Arc<Candidates>>) {
        let (cache, intakes) = (self.cache.clone(), Arc::clone(intakes));
        let places: Vec<_> = keys.iter().cloned().zip(held.iter().cloned()).collect();
        let brought = tokio::task::spawn_blocking(move || {
            let bring = |(intake, (key, held)): (&Intake, (FeedKey, Option<Arc<Candidates>>))| {
                let read = || {
                    let read = cache.read_now(&key).filter(|read| read.hash == intake.hash)?;
                    Some(Arc::new(candidates(&read, &intake.show_key, &intake.feed_url)))
                };
                Some((intake.clone(), held.or_else(read)?))
            };
            intakes.iter().zip(places).filter_map(bring).unzip::<_, _, Vec<_>, Vec<_>>()
        });
        let (intakes, candidates) = brought.await.unwrap_or_default();
        (intakes.into(), candidates)
    }

    /// Writes titles and feeds into a person's lines that lack them.
    async fn complete(&self, scope: &Scope, lines: Vec<Completion>) {
        let completed = self
            .library
            .change_subscriptions(scope, move |list| {
                for line in &lines {
                    let one = list.find_mut(&line.subscription).filter(|one| one.url == line.url);
                    let Some(one) = one else { continue };
                    if one.title.is_empty() {
                        one.title.clone_from(&line.title);
                    }
                    if line.feed_url.is_some() {
                        one.feed_url.clone_from(&line.feed_url);
                    }
                }
                Ok(())
            })
            .await;
        if let Err(error) = completed {
            tracing::warn!(%scope, %error, "new subscriptions could not be completed; that comes at the next round");
        }
    }

    /// Writes what waits, scope by scope.
    async fn flush(
        &self,
        inboxes: &mut HashMap<Scope, Inbox>,
        rules: &Rules,
        reports: &mut HashMap<Scope, RoundReport>,
        heard: Heard<'_>,
    ) {
        for (scope, inbox) in std::mem::take(inboxes) {
            let started = self.clock.now();
            let report = report_of(reports, &scope, started);
            let Inbox { open_items_max, found, lines } = inbox;
            let taken = match found.intakes.is_empty() {
                true => Ok(None),
                false => self.bring(&scope, found, rules, open_items_max).await.map(Some),
            };
            // After what was found, which takes the most memory, and whatever became of it.
            if !lines.is_empty() {
                self.complete(&scope, lines).await;
            }
            match taken {
                Ok(None) => {}
                Ok(Some(taken)) => {
                    report.found += taken.found.len();
                    report.approved += taken.approved;
                    heard(&scope, &taken);
                }
                Err(error) => {
                    // Nothing was noted as taken in: the next round does it from the cache.
                    tracing::warn!(%scope, %error, "what was found could not be written; that comes at the next round");
                    let why = error.to_string();
                    let name =
                        Subscription { title: "the queue".to_owned(), ..Subscription::default() };
                    report.fail(&name, why);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use recap_mode::{Entropy, ManualClock, SeededEntropy};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::feed_cache::{FeedCache, Limits};
    use crate::following::Bases;
    use crate::history::Library;
    use crate::history::following::Defaults;
    use crate::net::Net;
    use crate::videos::{Pauses, Programs};

    const FEED: &str = "<rss version=\"2.0\"><channel><title>Shed</title>\
        <item><title>Two</title><guid>2</guid><pubDate>Tue, 03 Nov 2026 08:00:00 GMT</pubDate></item>\
        <item><title>One</title><guid>1</guid><pubDate>Mon, 02 Nov 2026 08:00:00 GMT</pubDate></item>\
        </channel></rss>";

    /// A hand that saves the queue in the moment before it is written, as often as it is told to: the store
    /// asks for a name of four bytes then.
    struct Hand {
        entropy: SeededEntropy,
        queue: PathBuf,
        saves: AtomicUsize,
    }

    impl Entropy for Hand {
        fn fill(&self, buffer: &mut [u8]) {
            self.entropy.fill(buffer);
            let left = |saves: usize| saves.checked_sub(1);
            if buffer.len() == 4
                && self.queue.exists()
                && self.saves.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok()
            {
                let text = std::fs::read_to_string(&self.queue).unwrap();
                std::fs::write(&self.queue, text + " ").unwrap();
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a server lives as long as its test")]
    async fn server() -> (Url, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/feed", listener.local_addr().unwrap())).unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = socket.read(&mut [0; 8192]).await;
                let head = format!("Content-Length: {}\r\nConnection: close", FEED.len());
                let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{FEED}");
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        (url, asked)
    }

    #[tokio::test]
    async fn who_saves_the_queue_while_episodes_are_taken_in_loses_nothing_and_they_are_brought_again()
     {
        let data = tempfile::tempdir().unwrap();
        let (feed, asked) = server().await;
        let owner = data.path().join("history/owner");
        std::fs::create_dir_all(&owner).unwrap();
        let queue = owner.join("auto-queue.json");
        std::fs::write(&queue, "{\"format\": 1, \"mine\": true}").unwrap();
        let lines = owner.join("subscriptions.json");
        std::fs::write(&lines, format!("{{\"subscriptions\": [\"{feed}\"]}}")).unwrap();
        let title = || {
            let list: serde_json::Value =
                serde_json::from_slice(&std::fs::read(&lines).unwrap()).unwrap();
            list["subscriptions"][0]["title"].clone()
        };

        let entropy = SeededEntropy::new(3);
        let hand = Arc::new(Hand { entropy, queue: queue.clone(), saves: AtomicUsize::new(0) });
        let clock = Arc::new(ManualClock::at("2026-11-20T10:00:00Z".parse().unwrap()));
        let library = Library::open(data.path(), clock.clone(), hand.clone()).unwrap();
        let net = Net::new();
        let seeded = Arc::new(SeededEntropy::new(4));
        let cache = FeedCache::open(data.path(), net.clone(), clock.clone(), seeded);
        let sites = (Arc::new(Pauses::default()), data.path().join("videos"));
        let following = Following::new(library.clone(), Arc::new(cache), net, clock, sites);
        let follower =
            Follower { scope: Scope::owner(), trust: TrustRule::Any, open_items_max: 100 };
        let rules = Rules {
            bases: Bases { youtube: feed.clone(), apple: feed.clone() },
            limits: Limits {
                bytes_max: 1_000_000,
                deadline: Duration::from_secs(20),
                period: Duration::from_secs(3_600),
            },
            fetches_max: 4,
            fetches_per_host_max: 4,
            defaults: Defaults { newest_at_first: 2, auto_approve_per_day_max: 5 },
            programs: Programs { yt_dlp: "yt-dlp".into(), js_runtime: None, pot_url: None },
        };
        let round = async |saves: usize, which: Which| {
            // Its own ids are written first.
            library.complete_subscriptions(&Scope::owner()).await.unwrap();
            hand.saves.store(saves, Ordering::SeqCst);
            let followers = std::slice::from_ref(&follower);
            let mut reports = following.round(followers, &which, &rules, &|_, _| {}).await;
            hand.saves.store(0, Ordering::SeqCst);
            reports.remove(&Scope::owner()).unwrap()
        };

        let hindered = round(usize::MAX, Which::Due).await;
        assert_eq!((hindered.found, hindered.failed_count), (0, 1), "{hindered:?}");
        assert!(
            hindered.failed[0].why.contains("while new episodes were taken in"),
            "{hindered:?}"
        );
        assert!(!owner.join("seen-list.json").exists(), "nothing was noted");
        assert_eq!(title(), "Shed", "the line is completed all the same");
        let found = round(1, Which::Due).await;
        assert_eq!((found.found, found.failed_count), (2, 0), "{found:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "all of it came from the cache");
        let text = std::fs::read_to_string(&queue).unwrap();
        // Three tries of the first round and its line, and one try of the second.
        assert!(text.contains("\"mine\": true") && text.ends_with("}     "), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let titles: Vec<_> =
            value["items"].as_array().unwrap().iter().map(|item| &item["title"]).collect();
        assert_eq!(titles, ["Two", "One"]);
        assert_eq!(library.seen_list(&Scope::owner()).await.unwrap().shows[0].episodes.count(), 2);

        // A title that is not there comes with the next check, also of a feed that is as it was.
        let text = std::fs::read_to_string(&lines).unwrap();
        std::fs::write(&lines, text.replace("\"Shed\"", "\"\"")).unwrap();
        let unchanged = round(0, Which::All(Scope::owner())).await;
        assert_eq!((unchanged.checked, unchanged.unchanged, unchanged.found), (1, 1, 0));
        assert_eq!(title(), "Shed");
    }
}
