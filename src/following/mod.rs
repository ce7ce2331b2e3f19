//! Following shows: finding the feed behind what a person typed, and the check round, which asks every
//! feed that is due once, however many scopes follow it, and puts what is new into their queues.
//!
//! Who may follow and what they may reach is said by the caller; when a round begins is `work`'s.

mod discover;
mod listing;
mod pace;
mod round;
pub mod view;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use recap_mode::{Clock, Scope};
use serde::Serialize;
use url::Url;

use crate::domain::candidates::{Candidate, Candidates, Joined};
use crate::domain::episode::EpisodeId;
use crate::domain::feed_state::{FeedNote, FeedState};
use crate::domain::known::{Place, media_keys};
use crate::domain::links::holds_secret;
use crate::domain::seen_list::Why;
use crate::domain::subscription::Subscription;
use crate::feed_cache::{Entry, FeedCache, FeedKey, Limits, Read};
use crate::feeds::opml::Outline;
use crate::feeds::place::{self, Place as Typed};
use crate::history::following::Defaults;
use crate::history::{FollowError, Library};
use crate::net::{Net, Shown, Trust, TrustRule};
use crate::videos::{Pauses, Programs};

pub use discover::{DiscoverError, Discovered};
pub use round::{Failed, RoundReport, Which};

/// Where outside services are; settings, so that tests point them to loopback.
#[derive(Clone, Debug, PartialEq)]
pub struct Bases {
    /// `https://www.youtube.com`
    pub youtube: Url,
    /// Of the public lookup of podcasts, `https://itunes.apple.com`
    pub apple: Url,
}

/// What the operator's settings say about following.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Where outside services are.
    pub bases: Bases,
    /// The bounds of one check.
    pub limits: Limits,
    /// Feeds fetched at once.
    pub fetches_max: usize,
    /// Feeds fetched at once from one outside host.
    pub fetches_per_host_max: usize,
    /// What subscriptions do that do not say otherwise.
    pub defaults: Defaults,
    /// yt-dlp, for channels whose feed does not answer.
    pub programs: Programs,
}

/// A scope that may follow, and what it may reach.
#[derive(Clone, Debug)]
pub struct Follower {
    /// Which.
    pub scope: Scope,
    /// What it may reach.
    pub trust: TrustRule,
    /// Open queue items that it may have.
    pub open_items_max: usize,
}

/// Following, for all scopes.
pub struct Following {
    library: Arc<Library>,
    cache: Arc<FeedCache>,
    net: Arc<Net>,
    clock: Arc<dyn Clock>,
    pace: pace::Pace,
    pauses: Arc<Pauses>,
    videos_cache: PathBuf,
    reports: Mutex<HashMap<Scope, RoundReport>>,
    /// Scopes of which nothing was due when they were last read.
    rests: Mutex<round::Rests>,
    /// Scopes for which somebody is having a round right now.
    asking: Mutex<HashSet<Scope>>,
}

/// A scope for which a round was asked for, until this is dropped.
pub struct Asking<'a> {
    following: &'a Following,
    scope: Scope,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut asking = self.following.asking.lock().unwrap_or_else(PoisonError::into_inner);
        asking.remove(&self.scope);
    }
}

/// How a subscription does, for a person.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// When its feed was last asked.
    pub checked_at: Option<DateTime<Utc>>,
    /// When that last went well.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// When it is asked next; `None` where it is due, paused or stopped.
    pub next_check_at: Option<DateTime<Utc>>,
    /// Failures in a row.
    pub failures: u32,
    /// What is wrong, and what to do; `None` where all is well.
    pub problem: Option<String>,
    /// What could not be read of the feed.
    pub warnings: Vec<String>,
    /// Where the feed has moved for good, as it may be shown.
    pub moved_to: Option<String>,
}

/// An episode of a show, and why it is where it is.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ShownEpisode {
    /// Its id.
    #[schema(value_type = String)]
    pub id: EpisodeId,
    /// Its title.
    pub title: String,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// Milliseconds.
    pub duration_ms: Option<u64>,
    /// Its page.
    #[schema(value_type = Option<String>)]
    pub url: Option<Url>,
    /// Where it is: `library`, `auto_queue`, `skip_list`, `seen_list`; `None` where it is new.
    #[schema(value_type = Option<String>)]
    pub place: Option<Place>,
    /// Why, as a sentence.
    pub why: String,
}

impl Following {
    /// Following over a library and a cache.
    pub fn new(
        library: Arc<Library>,
        cache: Arc<FeedCache>,
        net: Arc<Net>,
        clock: Arc<dyn Clock>,
        (pauses, videos_cache): (Arc<Pauses>, PathBuf),
    ) -> Following {
        Following {
            pauses,
            videos_cache,
            library,
            cache,
            net,
            clock,
            pace: pace::Pace::default(),
            reports: Mutex::default(),
            rests: Mutex::default(),
            asking: Mutex::default(),
        }
    }

    /// The right to ask for a round of a scope; `None` while somebody else has it.
    pub fn asking(&self, scope: &Scope) -> Option<Asking<'_>> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        asking.insert(scope.clone()).then(|| Asking { following: self, scope: scope.clone() })
    }

    /// How the last round went for a scope, since the daemon started.
    pub fn report(&self, scope: &Scope) -> Option<RoundReport> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).get(scope).cloned()
    }

    /// Makes every feed that is well due: the daemon has just started.
    pub fn all_due(&self) {
        self.cache.all_due();
    }

    fn health(
        &self,
        one: &Subscription,
        note: Option<&FeedNote>,
        follower: &Follower,
        rules: &Rules,
    ) -> Health {
        let filters = one.filters.sieve().err();
        let stopped =
            note.and_then(|note| note.stopped.as_ref()).map(|notice| notice.message.clone());
        let asked = self.entry_of(one, note, follower, rules);
        let (entry, unreadable) = match asked {
            Ok(entry) => (entry, None),
            Err(sentence) => (Entry::default(), Some(sentence)),
        };
        let rests = one.paused || stopped.is_some() || unreadable.is_some();
        Health {
            checked_at: entry.checked_at,
            succeeded_at: entry.succeeded_at,
            next_check_at: entry.next_check_at.filter(|_| !rests),
            failures: entry.failures,
            problem: stopped.or(unreadable).or(filters).or(entry.reason),
            warnings: entry.warnings,
            moved_to: note
                .and_then(|note| note.moved_to.last())
                .map(|url| Shown::from(url).to_string()),
        }
    }

    /// How all of a scope's subscriptions do, in their order. A line that follows the feed of one above it
    /// says so.
    pub fn healths(
        &self,
        list: &[Subscription],
        state: &FeedState,
        follower: &Follower,
        rules: &Rules,
    ) -> Vec<Health> {
        let mut known: HashMap<FeedKey, &str> = HashMap::new();
        list.iter()
            .map(|one| {
                let note = one.id.as_ref().and_then(|id| state.find(id, &one.url));
                let mut health = self.health(one, note, follower, rules);
                let key = source_of(one, note, follower, rules).ok().map(|source| match source {
                    Source::Feed { url, trust } => FeedKey::of(&url, &trust),
                    Source::Unknown { typed, trust } => FeedKey::of(&typed, &trust),
                });
                if let Some(first) = key.and_then(|key| known.insert(key, one.name())) {
                    health.problem = Some(format!(
                        "It follows the same feed as “{first}” above it, so this line is not looked at. Take it out."
                    ));
                }
                health
            })
            .collect()
    }

    fn entry_of(
        &self,
        one: &Subscription,
        note: Option<&FeedNote>,
        follower: &Follower,
        rules: &Rules,
    ) -> Result<Entry, String> {
        let source = source_of(one, note, follower, rules)?;
        let key = match source {
            Source::Feed { url, trust } => FeedKey::of(&url, &trust),
            Source::Unknown { typed, trust } => FeedKey::of(&typed, &trust),
        };
        Ok(self.cache.entry(&key).unwrap_or_default())
    }

    /// The episodes of a subscription's feed as it was last fetched, newest first, each with where it
    /// is and why: the log of what was decided.
    ///
    /// # Errors
    /// The files.
    pub async fn episodes(
        &self,
        follower: &Follower,
        one: &Subscription,
        rules: &Rules,
    ) -> Result<Vec<ShownEpisode>, FollowError> {
        let scope = &follower.scope;
        let state = self.library.feed_state(scope).await?;
        let note = one.id.as_ref().and_then(|id| state.find(id, &one.url));
        let Some((read, show_key, url)) = self.last_read(one, note, follower, rules).await else {
            return Ok(Vec::new());
        };
        let (queue, seen, skipped) = (
            self.library.auto_queue(scope).await?,
            self.library.seen_list(scope).await?,
            self.library
                .skip_list(scope)
                .await
                .map_err(|error| FollowError::Refused(error.to_string()))?,
        );
        let (library, whose) = (self.library.clone(), scope.clone());
        let recaps = tokio::task::spawn_blocking(move || library.recaps_by_episode_now(&whose))
            .await
            .map_err(|error| {
                FollowError::Refused(format!("Looking for recaps failed: {error}."))
            })??;
        let seen: HashMap<&str, Why> = seen
            .shows
            .iter()
            .flat_map(|show| show.episodes.iter().filter_map(|line| line.read()))
            .map(|(traits, why)| (traits.id, why))
            .collect();
        let candidates = candidates(&read, &show_key, &url);
        let shown = candidates.iter().map(|candidate| {
            let id = &candidate.episode_id();
            let (place, why) = if recaps.contains_key(id) {
                (Some(Place::Library), "Its recap is in the library.".to_owned())
            } else if let Some(item) = queue.find(id) {
                let reason = item.reason.as_ref().map(|reason| format!(" {}", reason.message));
                (
                    Some(Place::AutoQueue),
                    format!("It is in the queue: {}.{}", item.state, reason.unwrap_or_default()),
                )
            } else if let Some(one) = skipped.episodes.iter().find(|one| one.episode_id == *id) {
                (Some(Place::SkipList), format!("It is on the skip list ({}).", one.reason))
            } else if let Some(why) = seen.get(id.as_str()) {
                (Some(Place::SeenList), why.sentence())
            } else {
                (None, "It is new and comes at the next check.".to_owned())
            };
            ShownEpisode {
                id: id.clone(),
                title: candidate.title.to_owned(),
                published_at: candidate.published_at,
                duration_ms: candidate.duration_ms,
                url: candidate.url.and_then(|url| Url::parse(&url.to_string()).ok()),
                place,
                why,
            }
        });
        Ok(shown.collect())
    }

    /// Puts an episode of a subscription's feed into the queue, approved, whatever was decided before.
    ///
    /// # Errors
    /// [`FollowError::Refused`] where the feed, as last fetched, does not have it.
    pub async fn offer(
        &self,
        follower: &Follower,
        one: &Subscription,
        episode: &EpisodeId,
        rules: &Rules,
    ) -> Result<crate::domain::auto_queue::QueueItem, FollowError> {
        let state = self.library.feed_state(&follower.scope).await?;
        let note = one.id.as_ref().and_then(|id| state.find(id, &one.url));
        let last = self.last_read(one, note, follower, rules).await;
        let last = last.map(|(read, show_key, url)| {
            let candidates = candidates(&read, &show_key, &url);
            (candidates, read.feed.title.clone(), url)
        });
        let found = last.as_ref().and_then(|(candidates, show, url)| {
            let candidate = candidates.iter().find(|one| one.id == episode.as_str())?;
            Some((candidate, show, url))
        });
        let Some((candidate, show, url)) = found else {
            return Err(FollowError::Refused(format!(
                "The feed of “{}”, as it was last fetched, has no episode `{episode}`.",
                one.name()
            )));
        };
        self.library.offer(&follower.scope, one, show, url, &candidate).await
    }

    async fn last_read(
        &self,
        one: &Subscription,
        note: Option<&FeedNote>,
        follower: &Follower,
        rules: &Rules,
    ) -> Option<(Arc<Read>, String, Url)> {
        let Ok(Source::Feed { url, trust }) = source_of(one, note, follower, rules) else {
            return None;
        };
        let (cache, key) = (self.cache.clone(), FeedKey::of(&url, &trust));
        let read = tokio::task::spawn_blocking(move || cache.read_now(&key)).await.ok()??;
        let show_key =
            note.and_then(|note| note.show_key.clone()).unwrap_or_else(|| read.feed.show_key(&url));
        Some((read, show_key, url))
    }

    /// Writes the cache's index. May block.
    pub fn save_now(&self) {
        self.cache.save_now();
    }

    /// Makes a subscription's feed due, and forgets why it was stopped: the person says so.
    ///
    /// # Errors
    /// The files.
    pub async fn wake(&self, scope: &Scope, one: &Subscription) -> Result<(), FollowError> {
        let Some(id) = one.id.clone() else { return Ok(()) };
        let url = one.url.clone();
        self.library
            .change_feed_state(scope, move |state| {
                if state.find(&id, &url).is_some_and(|note| note.stopped.is_some()) {
                    state.note_mut(&id, &url).stopped = None;
                }
            })
            .await
    }
}

/// Subscriptions that were read from a list of feeds, and what cannot be followed of it.
#[derive(Clone, Debug, Default)]
pub struct Importable {
    /// In the list's order.
    pub subscriptions: Vec<Subscription>,
    /// Titles, and why not.
    pub left_out: Vec<(String, String)>,
}

/// What of a list of feeds can be followed.
pub fn importable(outlines: Vec<Outline>) -> Importable {
    let mut found = Importable::default();
    for Outline { title, url, .. } in outlines {
        match place::place(&url) {
            Ok(Typed::Closed(why)) => found.left_out.push((title, why)),
            Err(error) => found.left_out.push((title, error.to_string())),
            Ok(_) => {
                found.subscriptions.push(Subscription { url, title, ..Subscription::default() });
            }
        }
    }
    found
}

/// A scope's subscriptions as a list of feeds, and how many were left out of it because their links
/// hold a secret and `with_secrets` does not say that they may go.
pub fn exportable(list: &[Subscription], with_secrets: bool) -> (Vec<Outline>, usize) {
    let outlines: Vec<Outline> = list
        .iter()
        .filter_map(|one| {
            let feed = one.feed_url.clone().or_else(|| match place::place(&one.url) {
                Ok(Typed::Link(url)) => Some(url),
                Ok(Typed::YoutubeChannel(id)) => Some(place::channel_feed(&youtube_itself()?, &id)),
                Ok(Typed::YoutubePlaylist(id)) => {
                    Some(place::playlist_feed(&youtube_itself()?, &id))
                }
                _ => None,
            });
            let url = feed.as_ref().map_or(one.url.clone(), ToString::to_string);
            let is_secret = feed.as_ref().is_some_and(holds_secret);
            (with_secrets || !is_secret).then(|| Outline {
                title: one.name().to_owned(),
                html_url: Url::parse(&one.url)
                    .ok()
                    .filter(|page| Some(page) != feed.as_ref() && !holds_secret(page)),
                url,
                folders: Vec::new(),
            })
        })
        .collect();
    let left_out = list.len() - outlines.len();
    (outlines, left_out)
}

/// A list that is taken elsewhere names YouTube itself, wherever this daemon asks it.
fn youtube_itself() -> Option<Url> {
    Url::parse("https://www.youtube.com").ok()
}

/// What is asked for a subscription.
enum Source {
    /// Its feed.
    Feed { url: Url, trust: Trust },
    /// Its feed has yet to be found.
    Unknown { typed: Url, trust: Trust },
}

/// Where a subscription's feed is, or why that cannot be known.
fn source_of(
    one: &Subscription,
    note: Option<&FeedNote>,
    follower: &Follower,
    rules: &Rules,
) -> Result<Source, String> {
    let typed = place::place(&one.url).map_err(|error| error.to_string())?;
    let bases = [&rules.bases.youtube, &rules.bases.apple];
    // Where it moved, else what was found behind it, else what the link itself says.
    let moved = note.and_then(|note| note.moved_to.last()).or(one.feed_url.as_ref()).cloned();
    let (direct, anchor) = match typed {
        Typed::Closed(sentence) => return Err(sentence),
        Typed::Link(url) => {
            // A link that was taken in before is a feed itself.
            let is_feed = note.is_some_and(|note| note.first_checked_at.is_some());
            (is_feed.then(|| url.clone()), url)
        }
        Typed::YoutubeChannel(id) => {
            let url = place::channel_feed(&rules.bases.youtube, &id);
            (Some(url.clone()), url)
        }
        Typed::YoutubePlaylist(id) => {
            let url = place::playlist_feed(&rules.bases.youtube, &id);
            (Some(url.clone()), url)
        }
        Typed::YoutubePage(page) => (None, place::youtube_page(&rules.bases.youtube, &page)),
        Typed::YoutubeVideo(id) => (None, place::video_page(&rules.bases.youtube, &id)),
        Typed::Apple(id) => (None, place::apple_lookup(&rules.bases.apple, id)),
    };
    // The operator's own addresses may be private; what they lead to is looked at as always.
    let trust = follower.trust.for_link(&anchor).and(&bases);
    Ok(match moved.or(direct) {
        Some(url) => Source::Feed { url, trust },
        None => Source::Unknown { typed: anchor, trust },
    })
}

/// Episodes of one feed that its followers look at, the newest: the largest shows known have some
/// 5,000, and each takes a line of the seen list in every scope that follows it.
const CANDIDATES_MAX: usize = 5_000;

/// A feed's episodes as its followers see them, newest first; what is older than the newest
/// [`CANDIDATES_MAX`] is neither found nor seen.
fn candidates(read: &Read, show_key: &str, followed: &Url) -> Candidates {
    let feed = &read.feed;
    let media =
        media_keys(feed.items.iter().map(|item| item.media.as_ref().map(|media| &media.url)));
    let mut items: Vec<_> = feed.items.iter().zip(media).collect();
    // Feeds are usually in this order, and need not be; undated ones keep their place at the end.
    items.sort_by_key(|(item, _)| std::cmp::Reverse(item.published_at));
    items.truncate(CANDIDATES_MAX);
    let is_private = holds_secret(followed);
    let mut found = Candidates::default();
    for (item, media) in items {
        let url = item.link.as_ref().and_then(|link| link.shared(is_private));
        found.push(&Candidate {
            id: feed.episode_id(item, show_key).as_str(),
            title: &item.title,
            published_at: item.published_at,
            duration_ms: item.duration_ms,
            media,
            url: url.as_deref().map(Joined::from),
            key: Joined::from(&*item.key()),
        });
    }
    found.shrink();
    found
}

/// Time between two rounds in which nothing is due: what a person adds is looked at when its file
/// changes, so this is only for what no event told.
pub const LOOK_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::Item;

    #[test]
    fn the_newest_of_a_feed_come_first_and_older_ones_than_it_takes_are_left() {
        let day = |n: i64| DateTime::<Utc>::UNIX_EPOCH + chrono::TimeDelta::days(n);
        let count = CANDIDATES_MAX + 10;
        let item = |n: usize| Item {
            guid: Some(n.to_string()),
            title: format!("Episode {n}"),
            // In no order, and one without a day.
            published_at: (n > 0).then(|| day(((n * 7) % count) as i64)),
            ..Item::default()
        };
        let feed =
            crate::feeds::Feed { items: (0..count).map(item).collect(), ..Default::default() };
        let url = Url::parse("https://e.example/feed").unwrap();
        let read = Read { feed, hash: String::new(), url: url.clone() };
        let found = candidates(&read, "show", &url);
        assert_eq!(found.len(), CANDIDATES_MAX);
        let days: Vec<_> = found.iter().map(|candidate| candidate.published_at).collect();
        assert!(days.is_sorted_by(|a, b| a >= b));
        assert_eq!(days[0], Some(day(count as i64 - 1)));
    }
}
