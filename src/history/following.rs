//! What a scope follows, what was found for it, and what it knows already: every change is one locked
//! read, change and write of the scope's own documents, and nothing of them is kept in memory.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, Utc};
use recap_mode::{Fault, FaultKind, JobId, Scope};
use url::Url;

use crate::domain::auto_queue::{
    ApprovedBy, AutoQueue, Back, QueueError, QueueItem, Reason, ReasonCode, State,
};
use crate::domain::candidates::{Candidate, Candidates};
use crate::domain::episode::EpisodeId;
use crate::domain::feed_state::{FeedState, Notice};
use crate::domain::filters::{PassedOver, Sieve};
use crate::domain::known::{By, Known, Place, Traits};
use crate::domain::recap::{RecapHead, RecapId};
use crate::domain::seen_list::{SeenLine, SeenLines, SeenList, Why, show_id};
use crate::domain::skip_list::SkipList;
use crate::domain::subscription::{Subscription, SubscriptionId, Subscriptions};
use crate::store::{Document, FileName, Slot, Stamp, StoreError, Tx};

use super::layout;
use super::library::Library;

/// Most subscriptions of one scope: an OPML file of thousands is somebody's life, one of millions an
/// attack.
pub const SUBSCRIPTIONS_MAX: usize = 10_000;

/// Most open items of one queue; what is found beyond waits for the next check.
pub const OPEN_ITEMS_MAX: usize = 10_000;

/// Lines of one show that are kept on the seen list: more than any feed holds.
const SEEN_LINES_MAX: usize = 25_000;

/// Why something could not be done with subscriptions or the queue.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// No such subscription.
    #[error("There is no subscription `{0}`.")]
    NoSubscription(String),
    /// It is followed already.
    #[error("“{name}” is followed already (`{id}`).")]
    AlreadyFollowed {
        /// Its name.
        name: String,
        /// Its id.
        id: SubscriptionId,
    },
    /// Too many.
    #[error("{0} shows are the most that may be followed here.")]
    TooMany(usize),
    /// What was asked for cannot be stored.
    #[error("{0}")]
    Refused(String),
    /// The episode is not on the skip list.
    #[error("There is no episode `{0}` on the skip list.")]
    NotSkipped(String),
    /// Somebody saved one of the documents while episodes were taken in.
    #[error(
        "What a scope follows was changed while new episodes were taken in; they come at the next check."
    )]
    Overtaken,
    /// A queue's move.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The files.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<FollowError> for Fault {
    fn from(error: FollowError) -> Fault {
        let kind = match &error {
            FollowError::NoSubscription(_)
            | FollowError::NotSkipped(_)
            | FollowError::Queue(QueueError::NotFound(_)) => FaultKind::NotFound,
            FollowError::AlreadyFollowed { .. }
            | FollowError::TooMany(_)
            | FollowError::Overtaken
            | FollowError::Queue(QueueError::Refused { .. }) => FaultKind::Conflict,
            FollowError::Refused(_) => FaultKind::Invalid,
            FollowError::Store(_) => FaultKind::Internal,
        };
        match error {
            FollowError::Store(error) => error.into(),
            error => Fault::new(kind, error.to_string()),
        }
    }
}

/// What one check found in one feed, for one subscription.
#[derive(Clone, Debug)]
pub struct Intake {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The link that it followed when it was checked.
    pub url: String,
    /// The key of the show, to be kept.
    pub show_key: String,
    /// The show's title.
    pub show: String,
    /// Where the feed was fetched.
    pub feed_url: Url,
    /// Where it moved for good.
    pub moved_to: Option<Url>,
    /// Hash of what was fetched.
    pub hash: String,
}

/// What a scope's documents say that the operator's settings do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// How many of the newest episodes are found at a first check.
    pub newest_at_first: u32,
    /// Most recaps a day that a subscription makes without asking.
    pub auto_approve_per_day_max: u32,
}

/// What taking in did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenIn {
    /// Episodes that were found.
    pub found: Vec<EpisodeId>,
    /// How many of them were approved at once.
    pub approved: usize,
}

/// What is kept of a queue between looks, by the stamp of its file: whether there is something to do.
#[derive(Clone, Copy, Debug, Default)]
struct Glance {
    stamp: Option<Stamp>,
    is_open: bool,
    /// When the first approved item may be taken up; `None` where none is approved or the queue rests.
    ready_at: Option<DateTime<Utc>>,
}

/// What was last seen of the queues, and of who follows anything.
#[derive(Debug, Default)]
pub(super) struct Glances {
    queues: HashMap<Scope, Glance>,
    follows: HashMap<Scope, (Stamp, bool)>,
}

/// The state of what a scope follows; equal where nothing of it was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FollowingStamps {
    subscriptions: Option<Stamp>,
    feed_state: Option<Stamp>,
}

impl Library {
    /// The scopes that follow anything, and always the owner. May block.
    pub fn following_scopes_now(&self) -> Vec<Scope> {
        let follows = |scope: &Scope| *scope == Scope::owner() || self.follows_now(scope);
        self.scopes_now().into_iter().filter(follows).collect()
    }

    /// Whether a scope follows anything, by the stamp of its list where that was read before.
    fn follows_now(&self, scope: &Scope) -> bool {
        let stamp = self.stamp_now(&layout::subscriptions(scope));
        let Some(stamp) = stamp else { return false };
        let known = |glances: &Glances| glances.follows.get(scope).copied();
        let glances = || self.glances.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, follows)) = known(&glances()).filter(|(of, _)| *of == stamp) {
            return follows;
        }
        let read = self.store().read_now(&layout::subscriptions(scope));
        let follows = read.is_ok_and(|read| !read.value.subscriptions.is_empty());
        glances().follows.insert(scope.clone(), (stamp, follows));
        follows
    }

    /// By which a change of a document is noticed; `None` where there is none. May block.
    fn stamp_now<T: Document>(&self, slot: &Slot<T>) -> Option<Stamp> {
        let path = self.store().folder(&slot.scope).join(slot.name.as_str());
        std::fs::metadata(&path).ok().as_ref().map(Stamp::of)
    }

    /// By which a change of what a scope follows, or of the daemon's notes on it, is noticed. May block.
    pub fn following_stamps_now(&self, scope: &Scope) -> FollowingStamps {
        FollowingStamps {
            subscriptions: self.stamp_now(&layout::subscriptions(scope)),
            feed_state: self.stamp_now(&layout::feed_state(scope)),
        }
    }

    /// The scopes that have open queue items, even if they follow nothing any more. May block.
    pub fn queue_scopes_now(&self) -> Vec<Scope> {
        self.scopes_now().into_iter().filter(|scope| self.glance(scope).is_open).collect()
    }

    /// The scopes with an item that can be taken up now, and when the next one after them can. May
    /// block.
    pub fn ready_scopes_now(&self) -> (Vec<Scope>, Option<DateTime<Utc>>) {
        let now = self.now();
        let mut ready = Vec::new();
        let mut next: Option<DateTime<Utc>> = None;
        for scope in self.scopes_now() {
            match self.glance(&scope).ready_at {
                Some(at) if at <= now => ready.push(scope),
                Some(at) => next = Some(next.map_or(at, |next| next.min(at))),
                None => {}
            }
        }
        (ready, next)
    }

    fn glance(&self, scope: &Scope) -> Glance {
        let slot = layout::auto_queue(scope);
        let stamp = self.stamp_now(&slot);
        let mut glances = self.glances.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(glance) = glances.queues.get(scope).filter(|glance| glance.stamp == stamp) {
            return *glance;
        }
        let glance = match stamp {
            None => Glance::default(),
            // A file that cannot be used rests until it is mended: nothing is taken from an old copy.
            Some(_) => match self.store().read_now(&slot) {
                Ok(read) if read.problem.is_none() => glance_of(&read.value, stamp),
                _ => Glance { stamp, ..Glance::default() },
            },
        };
        glances.queues.insert(scope.clone(), glance);
        glance
    }

    /// Whom a scope follows.
    ///
    /// # Errors
    /// The files.
    pub async fn subscriptions(&self, scope: &Scope) -> Result<Subscriptions, FollowError> {
        Ok(self.store().read(&layout::subscriptions(scope)).await?.value)
    }

    /// Changes whom a scope follows, in one step.
    ///
    /// # Errors
    /// The change's own; the files.
    pub async fn change_subscriptions<A: Send + 'static>(
        &self,
        scope: &Scope,
        change: impl FnMut(&mut Subscriptions) -> Result<A, FollowError> + Send + 'static,
    ) -> Result<A, FollowError> {
        self.store().mutate(&layout::subscriptions(scope), change).await
    }

    /// A scope's queue.
    ///
    /// # Errors
    /// The files.
    pub async fn auto_queue(&self, scope: &Scope) -> Result<AutoQueue, FollowError> {
        Ok(self.store().read(&layout::auto_queue(scope)).await?.value)
    }

    /// Changes a scope's queue, in one step.
    ///
    /// # Errors
    /// The change's own; the files.
    pub async fn change_queue<A: Send + 'static>(
        &self,
        scope: &Scope,
        change: impl FnMut(&mut AutoQueue) -> Result<A, FollowError> + Send + 'static,
    ) -> Result<A, FollowError> {
        self.store().mutate(&layout::auto_queue(scope), change).await
    }

    /// Lets items of the queue go on that wait for the same; how many there were.
    ///
    /// # Errors
    /// The files.
    pub async fn release(&self, scope: &Scope, code: ReasonCode) -> Result<usize, FollowError> {
        self.change_queue(scope, move |queue| Ok(queue.release(code))).await
    }

    /// What a scope has seen.
    ///
    /// # Errors
    /// The files.
    pub async fn seen_list(&self, scope: &Scope) -> Result<SeenList, FollowError> {
        Ok(self.store().read(&layout::seen_list(scope)).await?.value)
    }

    /// The daemon's notes of a scope's feeds.
    ///
    /// # Errors
    /// The files.
    pub async fn feed_state(&self, scope: &Scope) -> Result<FeedState, FollowError> {
        Ok(self.store().read(&layout::feed_state(scope)).await?.value)
    }

    /// Changes the daemon's notes.
    ///
    /// # Errors
    /// The files.
    pub async fn change_feed_state<A: Send + 'static>(
        &self,
        scope: &Scope,
        mut change: impl FnMut(&mut FeedState) -> A + Send + 'static,
    ) -> Result<A, FollowError> {
        let slot = layout::feed_state(scope);
        self.store().mutate(&slot, move |state| Ok::<_, FollowError>(change(state))).await
    }

    /// Adds a subscription that was made sure of; its id.
    ///
    /// # Errors
    /// [`FollowError::AlreadyFollowed`], [`FollowError::TooMany`], [`FollowError::Refused`].
    pub async fn follow(
        &self,
        scope: &Scope,
        new: Subscription,
        subscriptions_max: usize,
    ) -> Result<SubscriptionId, FollowError> {
        let most = subscriptions_max.min(SUBSCRIPTIONS_MAX);
        new.filters.sieve().map_err(FollowError::Refused)?;
        let id = self.new_subscription_id();
        let now = self.now();
        self.change_subscriptions(scope, move |list| {
            if let Some(there) = list.subscriptions.iter().find(|one| is_same_feed(one, &new)) {
                return Err(FollowError::AlreadyFollowed {
                    name: shown_name(there),
                    id: there.id.clone().unwrap_or_else(|| id.clone()),
                });
            }
            if list.subscriptions.len() >= most {
                return Err(FollowError::TooMany(most));
            }
            let mut new = new.clone();
            new.id = Some(id.clone());
            new.added_at = Some(now);
            list.subscriptions.push(new);
            Ok(id.clone())
        })
        .await
    }

    /// Adds many that nobody made sure of: an OPML file. How many were new.
    ///
    /// # Errors
    /// [`FollowError::TooMany`], and nothing is added then.
    pub async fn follow_many(
        &self,
        scope: &Scope,
        new: Vec<Subscription>,
        subscriptions_max: usize,
    ) -> Result<usize, FollowError> {
        let most = subscriptions_max.min(SUBSCRIPTIONS_MAX);
        let now = self.now();
        let ids: Vec<SubscriptionId> = new.iter().map(|_| self.new_subscription_id()).collect();
        self.change_subscriptions(scope, move |list| {
            let mut followed: HashSet<String> =
                list.subscriptions.iter().flat_map(feed_names).collect();
            let mut added = 0;
            for (one, id) in new.iter().zip(&ids) {
                if feed_names(one).any(|name| followed.contains(&name)) {
                    continue;
                }
                if list.subscriptions.len() >= most {
                    return Err(FollowError::TooMany(most));
                }
                followed.extend(feed_names(one));
                list.subscriptions.push(Subscription {
                    id: Some(id.clone()),
                    added_at: Some(now),
                    ..one.clone()
                });
                added += 1;
            }
            Ok(added)
        })
        .await
    }

    /// Stops following; what was followed. What was found stays in the queue.
    ///
    /// # Errors
    /// [`FollowError::NoSubscription`].
    pub async fn unfollow(
        &self,
        scope: &Scope,
        id: &SubscriptionId,
    ) -> Result<Subscription, FollowError> {
        let id = id.clone();
        self.change_subscriptions(scope, move |list| {
            list.remove(&id).ok_or_else(|| FollowError::NoSubscription(id.to_string()))
        })
        .await
    }

    /// An id that is new with a probability that makes asking pointless.
    pub fn new_subscription_id(&self) -> SubscriptionId {
        let mut random = [0; 8];
        self.fill_random(&mut random);
        SubscriptionId::make(random)
    }

    /// Gives ids and a time to the lines that a person added by hand; the list as it is then. Nothing
    /// is written where none is missing.
    ///
    /// # Errors
    /// The files.
    pub async fn complete_subscriptions(
        &self,
        scope: &Scope,
    ) -> Result<Subscriptions, FollowError> {
        let list = self.subscriptions(scope).await?;
        let is_whole = |one: &Subscription| one.id.is_some() && one.added_at.is_some();
        let ids: HashSet<_> = list.subscriptions.iter().filter_map(|one| one.id.as_ref()).collect();
        if list.subscriptions.iter().all(is_whole) && ids.len() == list.subscriptions.len() {
            return Ok(list);
        }
        let now = self.now();
        // The closure may run again on a newer copy: ids are made before it.
        let spare: Vec<SubscriptionId> =
            (0..list.subscriptions.len() + 64).map(|_| self.new_subscription_id()).collect();
        self.change_subscriptions(scope, move |list| {
            let mut spare = spare.iter().cycle().cloned();
            if list.subscriptions.len() > SUBSCRIPTIONS_MAX {
                return Err(FollowError::TooMany(SUBSCRIPTIONS_MAX));
            }
            list.give_ids(|| {
                spare.next().unwrap_or_else(|| unreachable!("a cycle of 64 and more never ends"))
            });
            for one in &mut list.subscriptions {
                one.added_at.get_or_insert(now);
            }
            Ok(list.clone())
        })
        .await
    }

    /// Takes in what checks found for a scope: new episodes go to the queue as long as it has no more
    /// than `open_items_max` open ones, all that had room are seen from then on. One step for all of
    /// them, so that a round of a thousand feeds is a few writes.
    ///
    /// `candidates` are the episodes of each intake, newest first. A round has sixty thousand, and they are
    /// let go of as they are taken in: what becomes of them takes as much room again.
    ///
    /// # Errors
    /// [`FollowError::Overtaken`] where somebody saved one of the files meanwhile: the same may be brought
    /// again. The files. Nothing was noted as taken in then.
    pub async fn take_in(
        &self,
        scope: &Scope,
        intakes: Arc<[Intake]>,
        candidates: Vec<Arc<Candidates>>,
        defaults: Defaults,
        open_items_max: usize,
    ) -> Result<TakenIn, FollowError> {
        let open_items_max = open_items_max.min(OPEN_ITEMS_MAX);
        let names = Names::of(scope);
        let (now, whose) = (self.now(), scope.clone());
        let library = self.handle();
        let mut candidates = Some(candidates);
        self.store()
            .transact(scope, move |tx| {
                let candidates = candidates.take().ok_or(FollowError::Overtaken)?;
                let list = tx.value::<Subscriptions>(&names.subscriptions)?;
                let mut queue = tx.value::<AutoQueue>(&names.auto_queue)?;
                let mut seen = tx.value::<SeenList>(&names.seen_list)?;
                let mut state = tx.value::<FeedState>(&names.feed_state)?;
                let skipped = tx.value::<SkipList>(&names.skip_list)?;
                let heads = library.heads_now(&whose)?;
                // Of two lines with one id the first counts.
                let followed: HashMap<&SubscriptionId, &Subscription> = list
                    .subscriptions
                    .iter()
                    .rev()
                    .filter_map(|one| Some((one.id.as_ref()?, one)))
                    .collect();
                let new = candidates.iter().map(|those| those.len()).sum();
                let shows = intakes.iter().map(|intake| intake.show.as_str());
                let mut room = Room::of(
                    &heads,
                    &queue,
                    &skipped,
                    &seen,
                    Known::about(shows),
                    new,
                    open_items_max,
                );
                for (intake, candidates) in intakes.iter().zip(candidates) {
                    // Unfollowed, or led elsewhere, while it was checked: it is nobody's now.
                    let Some(one) =
                        followed.get(&intake.subscription).filter(|one| one.url == intake.url)
                    else {
                        continue;
                    };
                    // Filters that cannot be used find nothing; the subscription says so.
                    let Ok(sieve) = one.filters.sieve() else { continue };
                    let note = state.note_mut(&intake.subscription, &intake.url);
                    let is_first = note.first_checked_at.is_none();
                    let brought = (intake, &*candidates);
                    let whole = room.take_in(one, &sieve, brought, is_first, defaults, now);
                    note.show_key.get_or_insert_with(|| intake.show_key.clone());
                    note.first_checked_at.get_or_insert(now);
                    note.stopped = None;
                    if let Some(to) = &intake.moved_to {
                        note.move_to(&intake.feed_url, to);
                    }
                    // What had no room is looked at again next time.
                    note.consumed = whole.then(|| intake.hash.clone());
                }
                state.keep_only(|id| followed.contains_key(id));
                let taken = room.close().put_into(&mut queue, &mut seen);
                // In this order: an item that is in the queue and not yet seen is seen at the next
                // look, one that is seen and not in the queue would be lost.
                tx.write_last(&names.auto_queue, queue)?;
                tx.write(&names.seen_list, &seen)?;
                tx.write(&names.feed_state, &state)?;
                Ok(taken)
            })
            .await
    }

    /// Whether an item of the queue still wants a job. A queue that cannot be read wants all. May block.
    pub fn wants_job_now(&self, scope: &Scope, id: &EpisodeId, job: &JobId) -> bool {
        match self.store().read_now(&layout::auto_queue(scope)) {
            Ok(read) => read.value.find(id).is_some_and(|item| {
                matches!(item.state, State::Approved | State::Processing)
                    && item.job.as_ref() == Some(job)
            }),
            Err(_) => true,
        }
    }

    /// Why a feed is not asked any more.
    ///
    /// # Errors
    /// The files.
    pub async fn stop_checking(
        &self,
        scope: &Scope,
        id: &SubscriptionId,
        url: &str,
        message: String,
    ) -> Result<(), FollowError> {
        let (id, url, at) = (id.clone(), url.to_owned(), self.now());
        self.change_feed_state(scope, move |state| {
            state.note_mut(&id, &url).stopped = Some(Notice { at, message: message.clone() });
        })
        .await
    }

    /// Brings a queue in line: what a daemon that went away left `processing` goes back, states that a
    /// hand may not set are refused, what has its recap is done, what waits says so, what is over
    /// leaves. `runs` knows the jobs that are being made. Writes only what changes.
    ///
    /// # Errors
    /// The files.
    pub async fn settle_queue(
        &self,
        scope: &Scope,
        defaults: Defaults,
        runs: impl Fn(&JobId) -> bool + Send + 'static,
    ) -> Result<(), FollowError> {
        let names = Names::of(scope);
        let (now, whose, library) = (self.now(), scope.clone(), self.handle());
        self.store()
            .transact(scope, move |tx| {
                let (queue, _) = settled(&library, tx, &whose, &names, defaults, &runs, now)?;
                tx.write_last(&names.auto_queue, queue)?;
                Ok(())
            })
            .await
    }

    /// Takes up the first item that is ready and that `fits`, as `job`; it, and the link that its
    /// subscription follows.
    ///
    /// # Errors
    /// The files.
    pub async fn take_up(
        &self,
        scope: &Scope,
        job: JobId,
        defaults: Defaults,
        runs: impl Fn(&JobId) -> bool + Send + 'static,
        fits: impl Fn(&QueueItem) -> bool + Send + 'static,
    ) -> Result<Option<QueueItem>, FollowError> {
        let names = Names::of(scope);
        let (now, whose, library) = (self.now(), scope.clone(), self.handle());
        self.store()
            .transact(scope, move |tx| {
                let (mut queue, _) = settled(&library, tx, &whose, &names, defaults, &runs, now)?;
                let taken = if queue.paused {
                    None
                } else {
                    // Older publications first would let a backlog bury today's: in the order found.
                    queue.items.iter_mut().find(|item| item.is_ready(now) && fits(item))
                };
                let item = match taken {
                    Some(item) => {
                        item.start(job.clone(), now)?;
                        Some(item.clone())
                    }
                    None => None,
                };
                tx.write_last(&names.auto_queue, queue)?;
                Ok(item)
            })
            .await
    }

    /// Does what a person decided about items of the queue, to all of them or to none; the items as they
    /// are then, where they are in the queue.
    ///
    /// # Errors
    /// [`FollowError::Queue`], [`FollowError::NotSkipped`]; nothing was changed then.
    pub async fn decide(
        &self,
        scope: &Scope,
        ids: Vec<EpisodeId>,
        what: Decision,
    ) -> Result<Vec<QueueItem>, FollowError> {
        let now = self.now();
        let step: fn(&mut QueueItem, DateTime<Utc>) -> Result<(), QueueError> = match what {
            Decision::Skip => return self.skip(scope, ids).await,
            Decision::UndoSkip => return self.undo_skip(scope, ids).await,
            Decision::Approve => |item, now| item.approve(ApprovedBy::Person, now),
            Decision::Retry => QueueItem::retry,
            Decision::Redo => QueueItem::redo,
        };
        self.change_queue(scope, move |queue| {
            let mut items = Vec::new();
            for id in &ids {
                let item = queue.find_mut(id)?;
                step(item, now)?;
                items.push(item.clone());
            }
            Ok(items)
        })
        .await
    }

    /// Approves everything that was found, of one subscription or of all; how many.
    ///
    /// # Errors
    /// The files.
    pub async fn approve_all(
        &self,
        scope: &Scope,
        subscription: Option<SubscriptionId>,
    ) -> Result<usize, FollowError> {
        let now = self.now();
        self.change_queue(scope, move |queue| {
            let mut count = 0;
            let wanted = |item: &QueueItem| {
                item.state == State::Found
                    && (subscription.is_none() || item.subscription == subscription)
            };
            for item in queue.items.iter_mut().filter(|item| wanted(item)) {
                item.approve(ApprovedBy::Person, now)?;
                count += 1;
            }
            Ok(count)
        })
        .await
    }

    /// Skips episodes of the queue: the skip list first, then their state. How many.
    async fn skip(
        &self,
        scope: &Scope,
        ids: Vec<EpisodeId>,
    ) -> Result<Vec<QueueItem>, FollowError> {
        let names = Names::of(scope);
        let now = self.now();
        self.store()
            .transact(scope, move |tx| {
                let mut queue = tx.value::<AutoQueue>(&names.auto_queue)?;
                let mut skipped = tx.value::<SkipList>(&names.skip_list)?;
                let mut items = Vec::new();
                for id in &ids {
                    let item = queue.find_mut(id)?;
                    item.skip(now)?;
                    skipped.add(id, &item.title, "skipped", now);
                    items.push(item.clone());
                }
                tx.write(&names.skip_list, &skipped)?;
                tx.write(&names.auto_queue, &queue)?;
                Ok(items)
            })
            .await
    }

    /// Takes episodes off the skip list; items of the queue that were skipped are found again. How many.
    async fn undo_skip(
        &self,
        scope: &Scope,
        ids: Vec<EpisodeId>,
    ) -> Result<Vec<QueueItem>, FollowError> {
        let names = Names::of(scope);
        let now = self.now();
        self.store()
            .transact(scope, move |tx| {
                let mut queue = tx.value::<AutoQueue>(&names.auto_queue)?;
                let mut skipped = tx.value::<SkipList>(&names.skip_list)?;
                let mut seen = tx.value::<SeenList>(&names.seen_list)?;
                let mut state = tx.value::<FeedState>(&names.feed_state)?;
                for id in &ids {
                    let was_listed = skipped.remove(id);
                    match queue.find_mut(id) {
                        Ok(item) if item.state == State::Skipped => item.undo_skip(now)?,
                        _ if !was_listed => return Err(FollowError::NotSkipped(id.to_string())),
                        Ok(_) => {}
                        // It left the queue long ago: its feed offers it anew.
                        Err(_) => {
                            seen.remove(id.as_str());
                            state.feeds.iter_mut().for_each(|note| note.consumed = None);
                        }
                    }
                }
                tx.write(&names.feed_state, &state)?;
                tx.write(&names.seen_list, &seen)?;
                tx.write(&names.auto_queue, &queue)?;
                tx.write(&names.skip_list, &skipped)?;
                Ok(ids.iter().filter_map(|id| queue.find(id).cloned()).collect())
            })
            .await
    }

    /// Puts an episode on the skip list that is not in the queue: it is never offered.
    ///
    /// # Errors
    /// The files.
    pub async fn refuse(
        &self,
        scope: &Scope,
        id: &EpisodeId,
        title: &str,
    ) -> Result<(), FollowError> {
        let (now, id, title) = (self.now(), id.clone(), title.to_owned());
        self.store()
            .mutate(&layout::skip_list(scope), move |list| {
                list.add(&id, &title, "skipped", now);
                Ok(())
            })
            .await
    }

    /// Puts an episode into the queue that a person wants all the same: one that was there before
    /// they followed, that a filter passed over, that was held for another one. It is approved.
    ///
    /// # Errors
    /// [`FollowError::Queue`] where it is in the queue already.
    pub async fn offer(
        &self,
        scope: &Scope,
        subscription: &Subscription,
        show: &str,
        feed_url: &Url,
        candidate: &Candidate<'_>,
    ) -> Result<QueueItem, FollowError> {
        let names = Names::of(scope);
        let now = self.now();
        let mut item = item_of(subscription, show, feed_url, candidate, now);
        item.approve(ApprovedBy::Person, now)?;
        self.store()
            .transact(scope, move |tx| {
                let mut queue = tx.value::<AutoQueue>(&names.auto_queue)?;
                let mut skipped = tx.value::<SkipList>(&names.skip_list)?;
                if let Some(item) = queue.find(&item.id) {
                    return Err(FollowError::Queue(QueueError::Refused {
                        title: item.title.clone(),
                        state: item.state,
                        wanted: crate::domain::auto_queue::Move::Approve,
                    }));
                }
                skipped.remove(&item.id);
                queue.items.push(item.clone());
                tx.write(&names.auto_queue, &queue)?;
                tx.write(&names.skip_list, &skipped)?;
                Ok(item.clone())
            })
            .await
    }

    /// Ends an item's making as `outcome` says; where it stands then. `None` where the item is no longer
    /// that job's: a person took it out or over meanwhile.
    ///
    /// # Errors
    /// The files.
    pub async fn end_item(
        &self,
        scope: &Scope,
        id: &EpisodeId,
        job: &JobId,
        outcome: ItemOutcome,
    ) -> Result<Option<State>, FollowError> {
        let (now, id, job) = (self.now(), id.clone(), job.clone());
        self.change_queue(scope, move |queue| {
            let Some(item) = queue.items.iter_mut().find(|item| {
                item.id == id && item.job.as_ref() == Some(&job) && item.state == State::Processing
            }) else {
                return Ok(None);
            };
            match &outcome {
                ItemOutcome::Done(recap) => item.finish(recap.clone(), now)?,
                ItemOutcome::Failed(reason) => item.fail(reason.clone(), now)?,
                ItemOutcome::MayPass { reason, next_job } => match item.next_try(now) {
                    Some(at) => {
                        let back = Back {
                            job: Some(next_job.clone()),
                            not_before: Some(at),
                            reason: Some(reason.clone()),
                            counts: true,
                        };
                        item.put_back(back, now)?;
                    }
                    None => item.fail(reason.clone(), now)?,
                },
                ItemOutcome::Waits { reason, until, job } => {
                    let back = Back {
                        job: Some(job.clone()),
                        not_before: Some(*until),
                        reason: Some(reason.clone()),
                        counts: false,
                    };
                    item.put_back(back, now)?;
                }
                ItemOutcome::Interrupted => {
                    let back = Back { job: Some(job.clone()), ..Back::default() };
                    item.put_back(back, now)?;
                }
            }
            Ok(Some(item.state))
        })
        .await
    }
}

/// What a person decides about an item of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Make it.
    Approve,
    /// Never offer it again.
    Skip,
    /// Offer it again.
    UndoSkip,
    /// Try what failed again.
    Retry,
    /// Make its recap again.
    Redo,
}

/// How the making of an item ended.
#[derive(Clone, Debug)]
pub enum ItemOutcome {
    /// The recap is in the library.
    Done(RecapId),
    /// For good, as long as nobody says otherwise.
    Failed(Reason),
    /// In a way that may pass: it is tried again as `next_job`, until it has been often enough.
    MayPass {
        /// Why; its code is [`crate::domain::auto_queue::ReasonCode::TryAgain`].
        reason: Reason,
        /// The next attempt's job.
        next_job: JobId,
    },
    /// Something is missing that is not its fault: credits.
    Waits {
        /// What.
        reason: Reason,
        /// When it is looked at again.
        until: DateTime<Utc>,
        /// The job under which it goes on: another one where this was paid for and given back.
        job: JobId,
    },
    /// The daemon stops.
    Interrupted,
}

/// The names of a scope's documents.
struct Names {
    subscriptions: FileName,
    auto_queue: FileName,
    seen_list: FileName,
    skip_list: FileName,
    feed_state: FileName,
}

impl Names {
    fn of(scope: &Scope) -> Names {
        fn name<T: Document>(slot: Slot<T>) -> FileName {
            slot.name
        }
        Names {
            subscriptions: name(layout::subscriptions(scope)),
            auto_queue: name(layout::auto_queue(scope)),
            seen_list: name(layout::seen_list(scope)),
            skip_list: name(layout::skip_list(scope)),
            feed_state: name(layout::feed_state(scope)),
        }
    }
}

fn settled(
    library: &Library,
    tx: &mut Tx<'_>,
    scope: &Scope,
    names: &Names,
    defaults: Defaults,
    runs: &(dyn Fn(&JobId) -> bool + Send),
    now: DateTime<Utc>,
) -> Result<(AutoQueue, Subscriptions), FollowError> {
    let mut queue = tx.value::<AutoQueue>(&names.auto_queue)?;
    // A list that cannot be read says nothing of caps, and must not stop the queue.
    let list = match tx.value::<Subscriptions>(&names.subscriptions) {
        Ok(list) => list,
        Err(StoreError::Malformed(_)) => Subscriptions::default(),
        Err(error) => return Err(error.into()),
    };
    queue.recover(now, runs);
    if queue.items.iter().any(|item| item.state != State::Skipped && item.recap.is_none()) {
        let recaps = library.recaps_by_episode_now(scope)?;
        queue.reconcile(now, |id| recaps.get(id).cloned());
    }
    queue.refuse_states(now, runs);
    queue.mark_waiting(now, |id| {
        id.and_then(|id| list.find(id))
            .and_then(|one| one.auto_approve_per_day_max)
            .unwrap_or(defaults.auto_approve_per_day_max)
    });
    queue.prune(now);
    Ok((queue, list))
}

/// What a scope knows, and what is taken in for it.
struct Room<'a> {
    seen: &'a SeenList,
    known: Known,
    /// What stands in the queue and not yet on the seen list, since somebody died in between.
    unseen: HashSet<&'a str>,
    /// How many the queue has, and how many it may have.
    open_items: usize,
    open_items_max: usize,
    new: New,
}

/// What was taken in, to be put where it belongs.
#[derive(Default)]
struct New {
    items: Vec<QueueItem>,
    /// What was seen, by the id of its show and with its title.
    lines: Vec<(String, String, SeenLines)>,
    /// What is offered again: its old lines go.
    again: HashSet<EpisodeId>,
}

impl New {
    fn put_into(self, queue: &mut AutoQueue, seen: &mut SeenList) -> TakenIn {
        let New { items, lines, again } = self;
        for id in &again {
            seen.remove(id.as_str());
        }
        for (id, title, lines) in lines {
            let show = seen.show_mut(&id, &title);
            show.episodes.append(lines);
            show.episodes.keep_newest(SEEN_LINES_MAX);
        }
        let found = items.iter().map(|item| item.id.clone()).collect();
        let approved = items.iter().filter(|item| item.state == State::Approved).count();
        if queue.items.is_empty() {
            queue.items = items;
        } else {
            queue.items.extend(items);
        }
        TakenIn { found, approved }
    }
}

impl<'a> Room<'a> {
    /// Everything that a scope knows, by its documents as a transaction read them, with room for so many
    /// `new` ones.
    fn of(
        heads: &[Arc<RecapHead>],
        queue: &'a AutoQueue,
        skipped: &SkipList,
        seen: &'a SeenList,
        mut known: Known,
        new: usize,
        open_items_max: usize,
    ) -> Room<'a> {
        let lines: usize = seen.shows.iter().map(|show| show.episodes.count()).sum();
        known.reserve(lines + new);
        let mut unseen: HashSet<&str> = queue.items.iter().map(|item| item.id.as_str()).collect();
        for head in heads {
            let length = Some(head.duration_ms).filter(|ms| *ms > 0);
            let episode = &head.episode;
            let traits =
                Traits::new(episode.id.as_str(), &head.title, episode.published_at, length, None);
            known.add(Place::Library, &known.looks(known.show(&episode.show_title), traits));
        }
        for item in &queue.items {
            known.add(Place::AutoQueue, &known.looks(known.show(&item.show), traits_of(item)));
        }
        for one in &skipped.episodes {
            let traits = Traits::new(one.episode_id.as_str(), &one.title, None, None, None);
            known.add(Place::SkipList, &known.looks(known.show(""), traits));
        }
        for show in &seen.shows {
            let words = known.show(&show.title);
            for (traits, _) in show.episodes.iter().filter_map(SeenLine::read) {
                unseen.remove(traits.id);
                known.add(Place::SeenList, &known.looks(words, traits));
            }
        }
        let open_items = queue.items.iter().filter(|item| item.state.is_open()).count();
        Room { seen, known, unseen, open_items, open_items_max, new: New::default() }
    }

    /// Takes in one feed's episodes; whether all of them had room.
    fn take_in(
        &mut self,
        one: &Subscription,
        sieve: &Sieve,
        (intake, candidates): (&Intake, &Candidates),
        is_first: bool,
        defaults: Defaults,
        now: DateTime<Utc>,
    ) -> bool {
        let mut lines = Vec::new();
        let newest = one.newest_at_first.unwrap_or(defaults.newest_at_first);
        // How many that the filters let pass were looked at: the newest few of the feed are wanted at
        // first, and not the newest few that are unknown, or following again would dig ever deeper.
        let mut rank = 0;
        let mut had_room = true;
        let words = self.known.show(&intake.show);
        for candidate in candidates.iter() {
            let looks = self.known.looks(words, candidate.traits());
            let traits = looks.traits;
            let same = self.known.find(&looks);
            let passed = sieve.lets_pass(
                candidate.title,
                candidate.duration_ms,
                candidate.published_at,
                now,
            );
            let is_newest = rank < newest;
            rank += u32::from(passed.is_ok());
            let why = match same {
                Some(same) if same.by == By::Id && self.unseen.remove(same.id) => {
                    lines.push((traits, Why::Offered));
                    continue;
                }
                Some(same) if same.by == By::Id => {
                    // Who follows again wants the newest, also of what was there the first time.
                    let was_before = || self.seen.why(traits.id) == Some(Why::Before);
                    let again = is_first
                        && is_newest
                        && passed.is_ok()
                        && same.place == Place::SeenList
                        && was_before();
                    if !again || !self.new.again.insert(candidate.episode_id()) {
                        continue;
                    }
                    Why::Offered
                }
                Some(same) => Why::from(&same),
                None => match passed {
                    Err(PassedOver::Old) if is_first => Why::Before,
                    Err(why) => Why::Filtered(why),
                    Ok(()) if is_first && !is_newest => Why::Before,
                    Ok(()) => Why::Offered,
                },
            };
            if why == Why::Offered {
                if self.open_items >= self.open_items_max {
                    self.new.again.remove(&candidate.episode_id());
                    had_room = false;
                    continue;
                }
                self.open_items += 1;
                let mut item = item_of(one, &intake.show, &intake.feed_url, &candidate, now);
                if one.auto_approve {
                    // What was found just now may be approved.
                    let _ = item.approve(ApprovedBy::Subscription, now);
                }
                self.new.items.push(item);
            }
            self.known.add(Place::SeenList, &looks);
            lines.push((traits, why));
        }
        if !lines.is_empty() {
            let mut text = SeenLines::default();
            text.reserve(lines.len());
            // Newest first came in; a list that grows at its end reads in the order of time.
            for (traits, why) in lines.iter().rev() {
                text.push(traits, why);
            }
            text.shrink();
            self.new.lines.push((show_id(&intake.show_key), intake.show.clone(), text));
        }
        had_room
    }

    /// What was taken in; what is known is not needed any more.
    fn close(self) -> New {
        self.new
    }
}

fn item_of(
    one: &Subscription,
    show: &str,
    feed_url: &Url,
    candidate: &Candidate<'_>,
    now: DateTime<Utc>,
) -> QueueItem {
    let title = if one.title.is_empty() { show } else { &one.title };
    QueueItem {
        id: candidate.episode_id(),
        state: State::Found,
        title: candidate.title.to_owned(),
        show: title.to_owned(),
        subscription: one.id.clone(),
        url: candidate.url.and_then(|url| Url::parse(&url.to_string()).ok()),
        feed_url: Some(feed_url.clone()),
        guid: Some(candidate.key.to_string()),
        published_at: candidate.published_at,
        duration_ms: candidate.duration_ms,
        found_at: Some(now),
        changed_at: Some(now),
        approved_by: None,
        started_at: None,
        not_before: None,
        reason: None,
        attempt: 0,
        job: None,
        recap: None,
        media: candidate.media,
    }
}

fn traits_of(item: &QueueItem) -> Traits<'_> {
    Traits::new(item.id.as_str(), &item.title, item.published_at, item.duration_ms, item.media)
}

fn glance_of(queue: &AutoQueue, stamp: Option<Stamp>) -> Glance {
    let ready_at = queue
        .items
        .iter()
        .filter(|item| item.state == State::Approved && !queue.paused)
        .map(|item| item.not_before.max(item.published_at).unwrap_or(DateTime::<Utc>::MIN_UTC))
        .min();
    // A state that a hand set and only Recap sets is looked at at once, to be refused.
    let is_refused = |item: &QueueItem| {
        item.state == State::Processing && item.job.is_none()
            || item.state == State::Done && item.recap.is_none() && item.guid.is_some()
    };
    let ready_at =
        if queue.items.iter().any(is_refused) { Some(DateTime::<Utc>::MIN_UTC) } else { ready_at };
    Glance { stamp, is_open: queue.is_open(), ready_at }
}

fn shown_name(one: &Subscription) -> String {
    if one.title.is_empty() {
        one.id.as_ref().map(ToString::to_string).unwrap_or_default()
    } else {
        one.title.clone()
    }
}

/// The links by which a subscription is told from others: what was typed, and the feed behind it.
fn feed_names(one: &Subscription) -> impl Iterator<Item = String> + use<> {
    let bare = |text: &str| {
        let text = text.trim();
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        rest.split('#').next().unwrap_or_default().trim_end_matches('/').to_owned()
    };
    let typed = bare(&one.url);
    let feed = one.feed_url.as_ref().map(|url| bare(url.as_str()));
    std::iter::once(typed).chain(feed)
}

fn is_same_feed(one: &Subscription, other: &Subscription) -> bool {
    feed_names(one).any(|name| feed_names(other).any(|its| its == name))
}

#[cfg(test)]
mod tests;
