//! Feeds as they were last fetched, once per link and credentials, however many scopes follow them:
//! what stands in them, what to ask by next time, and how the last asks went. All of it may be
//! deleted; then every feed is fetched again.
//!
//! Knows nothing of scopes and subscriptions: what a scope has taken in of a feed is its own note.

mod shelf;

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use recap_mode::{Clock, Entropy};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;
use url::Url;

use crate::feeds::{self, Feed, FeedError};
use crate::net::{Answer, FetchError, Fetched, Net, Request, RetryAfter, Shown, Trust, Validators};

use shelf::{Extent, Shelf};

/// What a server is told that we read.
pub const ACCEPT_FEEDS: &str = "application/rss+xml, application/atom+xml, application/feed+json, \
                                application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, \
                                text/html;q=0.5, */*;q=0.3";

/// Longest time between two asks of a feed that fails, and longest that a server may ask for.
const BACKOFF_MAX: TimeDelta = TimeDelta::hours(24);

/// How long after an ask a start of the daemon asks again.
const RESTART_SPARED: TimeDelta = TimeDelta::minutes(5);

/// Days after which an entry that nobody asks for any more is dropped with its feed.
const KEPT_DAYS: i64 = 30;

/// Sentences about a feed that its entry repeats.
const WARNINGS_KEPT: usize = 5;

/// By which a feed is found here: a hash of its link, credentials and all, and of whether it may be
/// fetched from a private address. Two who may reach different things never share an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FeedKey(Arc<str>);

impl FeedKey {
    /// The key of a link.
    pub fn of(url: &Url, trust: &Trust) -> FeedKey {
        let reach = if trust.covers(url) { "private" } else { "public" };
        let mut bare = url.clone();
        bare.set_fragment(None);
        let hash = digest(&SHA256, format!("{reach}\n{bare}").as_bytes());
        FeedKey(base16ct::lower::encode_string(&hash.as_ref()[..12]).into())
    }
}

/// What is known of a feed without reading it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// By which to ask again.
    #[serde(default)]
    validators: Validators,
    /// The hash of what stands in the feed, descriptions aside; `None` where nothing is kept of it.
    #[serde(default)]
    pub feed_hash: Option<String>,
    /// Where that lies.
    #[serde(default)]
    extent: Option<Extent>,
    /// Where it came from.
    #[serde(default)]
    base: Option<Url>,
    /// When it was last asked for.
    #[serde(default)]
    pub checked_at: Option<DateTime<Utc>>,
    /// When that last went well.
    #[serde(default)]
    pub succeeded_at: Option<DateTime<Utc>>,
    /// When it is asked for next.
    #[serde(default)]
    pub next_check_at: Option<DateTime<Utc>>,
    /// Failures in a row.
    #[serde(default)]
    pub failures: u32,
    /// Why the last ask failed, as a sentence; `None` where it went well.
    #[serde(default)]
    pub reason: Option<String>,
    /// Where the server said that the feed is for good.
    #[serde(default)]
    pub moved_to: Option<Url>,
    /// What could not be read of it, as sentences.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// How a check went.
#[derive(Debug)]
pub enum Checked<T> {
    /// As it was; the entry says which feed that is.
    Unchanged,
    /// Other than it was: what was made of it.
    Changed(T),
}

/// A feed that was read.
#[derive(Debug)]
pub struct Read {
    /// What stands in it, without descriptions.
    pub feed: Feed,
    /// Hash of what stands in it.
    pub hash: String,
    /// Where it came from after redirects.
    pub url: Url,
}

/// Why there is no feed.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It is none.
    #[error("{link}: {cause}")]
    Feed {
        /// The link.
        link: Shown,
        /// Why.
        cause: FeedError,
    },
    /// A step panicked.
    #[error("Reading {0} ended by a mistake of ours; the log has the place.")]
    Panicked(Shown),
}

/// The bounds of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a feed, unpacked.
    pub bytes_max: u64,
    /// Time for all of one fetch.
    pub deadline: Duration,
    /// Time between two checks of a feed that is well.
    pub period: Duration,
}

/// The cache.
pub struct FeedCache {
    folder: PathBuf,
    shelf: Arc<Shelf>,
    net: Arc<Net>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    entries: Mutex<HashMap<FeedKey, Entry>>,
    /// Whether something is known that the index does not say yet.
    is_ahead: AtomicBool,
    reader: OnceLock<mpsc::Sender<Task>>,
}

/// Something that the reading thread does.
type Task = Box<dyn FnOnce() + Send>;

/// Starts the thread that reads feeds, one after the other: what reading takes is taken once, and given
/// back to one place. It ends with its cache.
fn start_reading() -> mpsc::Sender<Task> {
    let (sender, tasks) = mpsc::channel::<Task>();
    let started = std::thread::Builder::new().name("feeds".to_owned()).spawn(move || {
        for task in tasks {
            // One that panics answers by dropping its sender, and stops no other.
            if std::panic::catch_unwind(AssertUnwindSafe(task)).is_err() {
                tracing::error!("reading a feed panicked");
            }
        }
    });
    if let Err(error) = started {
        tracing::error!(%error, "the thread that reads feeds could not be started");
    }
    sender
}

impl FeedCache {
    /// The cache below `<data>/cache/feeds`; what cannot be read of it counts as deleted.
    pub fn open(
        data: &Path,
        net: Arc<Net>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> FeedCache {
        let folder = data.join("cache").join("feeds");
        let entries = fs::read(folder.join(INDEX))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let (entries, is_ahead) = (Mutex::new(entries), AtomicBool::new(false));
        let shelf = Arc::new(Shelf::new(folder.clone(), entropy.clone()));
        FeedCache { folder, shelf, net, clock, entropy, entries, is_ahead, reader: OnceLock::new() }
    }

    fn map(&self) -> MutexGuard<'_, HashMap<FeedKey, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a feed.
    pub fn entry(&self, key: &FeedKey) -> Option<Entry> {
        self.map().get(key).cloned()
    }

    /// Whether a feed is to be asked for now.
    pub fn is_due(&self, key: &FeedKey) -> bool {
        let now = self.clock.now();
        let map = self.map();
        let Some(entry) = map.get(key) else { return true };
        // A clock that was set back must not silence feeds for years.
        let limit = now + BACKOFF_MAX * 2;
        entry.next_check_at.is_none_or(|at| at <= now || at > limit)
    }

    /// Whether a feed is not due, and what stands in it still of this hash.
    pub fn is_as_it_was(&self, key: &FeedKey, feed_hash: Option<&str>) -> bool {
        let there = self.map().get(key).map(|entry| entry.feed_hash.as_deref() == feed_hash);
        there == Some(true) && !self.is_due(key)
    }

    /// Whether a feed of this hash is kept.
    pub fn keeps(&self, key: &FeedKey, feed_hash: &str) -> bool {
        self.map().get(key).is_some_and(|entry| {
            entry.extent.is_some() && entry.feed_hash.as_deref() == Some(feed_hash)
        })
    }

    /// When a feed is asked for next.
    pub fn next_check_at(&self, key: &FeedKey) -> Option<DateTime<Utc>> {
        self.map().get(key).and_then(|entry| entry.next_check_at)
    }

    /// Makes every feed that is well due, but those that were asked in the last minutes: a daemon that
    /// is started again and again must not ask each time.
    pub fn all_due(&self) {
        let limit = self.clock.now() - RESTART_SPARED;
        for entry in self.map().values_mut() {
            if entry.failures == 0 && entry.checked_at.is_none_or(|at| at < limit) {
                entry.next_check_at = None;
            }
        }
    }

    /// Gives back what reading feeds has kept for the next ones.
    pub fn let_go(&self) {
        self.net.let_go();
    }

    /// Asks a feed's server whether it has changed, and reads it, if so. The entry holds how it went.
    ///
    /// # Errors
    /// Each of [`CheckError`]; the entry holds the sentence, and when to ask again.
    pub async fn check(
        &self,
        url: &Url,
        trust: &Trust,
        limits: &Limits,
    ) -> Result<Checked<Arc<Read>>, CheckError> {
        self.check_for(url, trust, limits, Arc::new).await
    }

    /// As [`FeedCache::check`], for who wants no more of a feed than what is made of it: that is made, and
    /// the feed let go of, by the thread that read it.
    ///
    /// # Errors
    /// Those of [`FeedCache::check`].
    pub async fn check_for<T: Send + 'static>(
        &self,
        url: &Url,
        trust: &Trust,
        limits: &Limits,
        make: impl FnOnce(Read) -> T + Send + 'static,
    ) -> Result<Checked<T>, CheckError> {
        let key = FeedKey::of(url, trust);
        let before = self.entry(&key).unwrap_or_default();
        let request = Request {
            url: url.clone(),
            accept: ACCEPT_FEEDS,
            cookie: None,
            bytes_max: limits.bytes_max,
            deadline: limits.deadline,
            trust: trust.clone(),
        };
        // Without the feed, a "not modified" would say nothing to who joins later.
        let is_kept = before.extent.as_ref().is_some_and(|extent| self.shelf.holds(extent));
        let before = if is_kept { before } else { Entry::default() };
        let outcome = match self.net.ask(&request, &before.validators).await {
            Ok(Answer::Unchanged) => Ok(Checked::Unchanged),
            Ok(Answer::Changed(fetched)) => self.take(&key, url, *fetched, before, make).await,
            Err(error) => Err(error.into()),
        };
        self.note(&key, &outcome, limits.period);
        outcome
    }

    /// Takes over a feed that was fetched while its place was found out, and makes of it what is wanted, as
    /// [`FeedCache::check_for`] does.
    ///
    /// # Errors
    /// [`CheckError::Feed`].
    pub async fn adopt<T: Send + 'static>(
        &self,
        url: &Url,
        trust: &Trust,
        fetched: Fetched,
        period: Duration,
        make: impl FnOnce(Read) -> T + Send + 'static,
    ) -> Result<T, CheckError> {
        let key = FeedKey::of(url, trust);
        let outcome = self.take(&key, url, fetched, Entry::default(), make).await;
        self.note(&key, &outcome, period);
        match outcome? {
            Checked::Changed(made) => Ok(made),
            // Only a feed that is known already is unchanged, and none was said to be.
            Checked::Unchanged => Err(CheckError::Panicked(Shown::from(url))),
        }
    }

    /// Reads what was fetched, and keeps it where it is other than what was kept `before`.
    async fn take<T: Send + 'static>(
        &self,
        key: &FeedKey,
        url: &Url,
        fetched: Fetched,
        before: Entry,
        make: impl FnOnce(Read) -> T + Send + 'static,
    ) -> Result<Checked<T>, CheckError> {
        let shelf = self.shelf.clone();
        let work = move || {
            let Fetched { url, moved_to, validators, charset, bytes, .. } = &fetched;
            let feed = feeds::parse_undescribed(bytes, charset.as_deref(), url)?;
            let warnings = feed.warnings.iter().take(WARNINGS_KEPT).cloned().collect();
            let entry = Entry {
                validators: validators.clone(),
                base: Some(url.clone()),
                moved_to: moved_to.clone(),
                warnings,
                ..Entry::default()
            };
            let packed = pack(&feed);
            let hash = hash_of(&packed);
            let feed_hash = Some(hash.clone());
            if before.feed_hash == feed_hash {
                return Ok::<_, FeedError>((
                    Entry { feed_hash, extent: before.extent, ..entry },
                    None,
                ));
            }
            let read = Read { feed, hash, url: url.clone() };
            let entry = match shelf.put(&packed) {
                Ok(extent) => Entry { feed_hash, extent: Some(extent), ..entry },
                Err(error) => {
                    // The check itself went well; the next one fetches again.
                    tracing::warn!(%error, "a feed could not be kept in the cache");
                    entry
                }
            };
            Ok((entry, Some(make(read))))
        };
        let (sender, answer) = tokio::sync::oneshot::channel();
        let task: Task = Box::new(move || {
            // Whoever asked may have gone away.
            let _ = sender.send(work());
        });
        // Where there is no thread, the answer's sender is dropped with the task.
        let _ = self.reader.get_or_init(start_reading).send(task);
        let (entry, made) = answer
            .await
            .map_err(|_| CheckError::Panicked(Shown::from(url)))?
            .map_err(|cause| CheckError::Feed { link: Shown::from(url), cause })?;
        self.map().insert(key.clone(), entry);
        Ok(made.map_or(Checked::Unchanged, Checked::Changed))
    }

    fn note<T>(&self, key: &FeedKey, outcome: &Result<Checked<T>, CheckError>, period: Duration) {
        self.is_ahead.store(true, Ordering::Relaxed);
        let now = self.clock.now();
        let period = TimeDelta::from_std(period).unwrap_or(BACKOFF_MAX);
        let jitter = self.jitter();
        let mut map = self.map();
        let entry = map.entry(key.clone()).or_default();
        entry.checked_at = Some(now);
        let wait = match outcome {
            Ok(_) => {
                entry.succeeded_at = Some(now);
                entry.failures = 0;
                entry.reason = None;
                period
            }
            Err(error) => {
                entry.failures = entry.failures.saturating_add(1);
                entry.reason = Some(error.to_string());
                let doubled = period * (1 << entry.failures.saturating_sub(1).min(6));
                let asked = match error {
                    CheckError::Fetch(error) => error.retry_after(),
                    _ => None,
                };
                let asked = asked.map_or(TimeDelta::zero(), |after| after.time(now) - now);
                doubled.max(asked).min(BACKOFF_MAX)
            }
        };
        entry.next_check_at = now.checked_add_signed(spread(wait, jitter));
    }

    /// From -100 to 100.
    fn jitter(&self) -> i32 {
        let mut byte = [0];
        self.entropy.fill(&mut byte);
        i32::from(byte[0]) * 200 / 255 - 100
    }

    /// Removes what a killed process left half written, and what one of an earlier form kept. May block.
    pub fn sweep_now(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries {
            let is_left = |ending: &std::ffi::OsStr| ending == "part" || ending == "feed";
            let is_left = entry.path().extension().is_some_and(is_left)
                || entry.file_name().to_str().is_some_and(shelf::is_of_another_form);
            if is_left && let Err(error) = fs::remove_file(entry.path()) {
                tracing::warn!(%error, file = %entry.path().display(), "a half written feed could not be removed");
            }
        }
    }

    /// Asks no earlier than at a time that the host wished for.
    pub fn postpone(&self, key: &FeedKey, until: DateTime<Utc>) {
        self.map().entry(key.clone()).or_default().next_check_at = Some(until);
    }

    /// Notes why something that is no feed's own could not be had, under the link that was followed:
    /// a page without a feed, a channel that is not there.
    pub fn note_failure(
        &self,
        url: &Url,
        trust: &Trust,
        reason: &str,
        retry_after: Option<RetryAfter>,
        period: Duration,
    ) {
        self.is_ahead.store(true, Ordering::Relaxed);
        let key = FeedKey::of(url, trust);
        let now = self.clock.now();
        let jitter = self.jitter();
        let mut map = self.map();
        let entry = map.entry(key).or_default();
        entry.checked_at = Some(now);
        entry.failures = entry.failures.saturating_add(1);
        entry.reason = Some(reason.to_owned());
        let period = TimeDelta::from_std(period).unwrap_or(BACKOFF_MAX);
        let asked = retry_after.map_or(TimeDelta::zero(), |after| after.time(now) - now);
        let doubled = period * (1 << entry.failures.saturating_sub(1).min(6));
        let wait = doubled.max(asked).min(BACKOFF_MAX);
        entry.next_check_at = now.checked_add_signed(spread(wait, jitter));
    }

    /// Reads a feed as it was last fetched; `None` where the cache does not have it. May block.
    pub fn read_now(&self, key: &FeedKey) -> Option<Arc<Read>> {
        let entry = self.entry(key)?;
        let (hash, base) = (entry.feed_hash?, entry.base?);
        let packed = self.shelf.get(&entry.extent?)?;
        // A power cut may have left other bytes there, since they are not synced.
        if hash_of(&packed) != hash {
            return None;
        }
        let feed = postcard::from_bytes(&packed).ok()?;
        Some(Arc::new(Read { feed, hash, url: base }))
    }

    /// Writes how the checks went, for the next start, and drops what nobody asked for in a month. May
    /// block.
    pub fn save_now(&self) {
        if !self.is_ahead.swap(false, Ordering::Relaxed) {
            return;
        }
        let now = self.clock.now();
        let limit = now - TimeDelta::days(KEPT_DAYS);
        // Without the lock, as bringing feeds together may take a while.
        let mut moved: Vec<(FeedKey, Extent, Extent)> = {
            let mut map = self.map();
            map.retain(|_, entry| entry.checked_at.is_some_and(|at| at >= limit));
            let there = map.iter().filter_map(|(key, entry)| Some((key, entry.extent.as_ref()?)));
            there.map(|(key, extent)| (key.clone(), extent.clone(), extent.clone())).collect()
        };
        self.shelf.tidy(moved.iter_mut().map(|(_, _, to)| to), now.into());
        moved.retain(|(_, from, to)| from != to);
        let text = {
            let mut map = self.map();
            for (key, from, to) in moved {
                // One that was read again meanwhile lies elsewhere.
                if let Some(entry) =
                    map.get_mut(&key).filter(|it| it.extent.as_ref() == Some(&from))
                {
                    entry.extent = Some(to);
                }
            }
            serde_json::to_vec(&*map).unwrap_or_default()
        };
        if let Err(error) = write(&self.folder, &self.folder.join(INDEX), &text) {
            tracing::warn!(%error, "the cache of feeds could not be written");
        }
    }
}

/// A feed as it lies on the shelf.
fn pack(feed: &Feed) -> Vec<u8> {
    // Nothing of a feed is of a kind that cannot be packed.
    postcard::to_allocvec(feed).unwrap_or_default()
}

/// By which what stands in a feed is told from what stood in it: 32 hexadecimal digits. A publisher who
/// makes two feeds of one hash keeps the second from nobody but their own followers, so that a fast hash is
/// good enough: a round hashes all that a thousand feeds say.
fn hash_of(packed: &[u8]) -> String {
    format!("{:032x}", XxHash3_128::oneshot(packed))
}

/// How the feeds went, in one file, so that an unchanged round writes once.
const INDEX: &str = "index.json";

/// A wait, up to a tenth longer or shorter, so that a thousand feeds are not due in one second.
fn spread(wait: TimeDelta, jitter: i32) -> TimeDelta {
    wait + wait * jitter / 1_000
}

/// Whole or not at all, and for nobody else's eyes. Not synced, since all of it can be fetched again.
fn write(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    shelf::make_folder(folder)?;
    let beside = path.with_extension("part");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests;
