//! The recaps of a scope: lists, one recap, edits, deletion with undo, folders, and what is wrong
//! with the files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use recap_mode::{Clock, Entropy, Fault, FaultKind, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::domain::episode::EpisodeId;
use crate::domain::library::{ArrangeError, LibraryMeta};
use crate::domain::recap::{Recap, RecapHead, RecapId};
use crate::domain::scope_settings::ScopeSettings;
use crate::domain::skip_list::SkipList;
use crate::domain::spending::{Spending, Spent};
use crate::store::{
    Change, ChangeKind, Etag, FileName, Problem, Stamp, Store, StoreError, Stored, Tx, Watching,
};

use super::following::Glances;
use super::heads::{self, Shelf};
use super::layout::{self, RecapFile, TRASH_FOLDER};
use super::patch;

/// Days that a deletion can be undone.
pub const UNDO_DAYS: i64 = 30;

/// Most recaps on one page of a list.
pub const PAGE_MAX: usize = 200;

/// The libraries of all scopes.
pub struct Library {
    store: Arc<Store>,
    cache: PathBuf,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    shelves: RwLock<HashMap<Scope, Shelf>>,
    /// What is wrong with files that are no recaps; those of recaps stand on the shelves.
    problems: RwLock<HashMap<(Scope, FileName), Problem>>,
    pub(super) glances: Mutex<Glances>,
    this: Weak<Library>,
}

/// Why something could not be done with a library.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// It is not there.
    #[error("There is no recap `{0}` in this library.")]
    NotFound(String),
    /// It was changed since the caller read it.
    #[error(
        "The recap `{id}` was changed since you read it, here or in a file. Read it again and repeat your change."
    )]
    Stale {
        /// Which.
        id: RecapId,
    },
    /// What was asked for makes no sound recap.
    #[error("The recap was not changed: {0}")]
    Refused(String),
    /// An archive that is none, or only half of one.
    #[error(
        "This is no whole exported library: {why}. {added} of its recaps were added before that; nothing else was changed."
    )]
    Archive {
        /// What is wrong.
        why: String,
        /// Recaps that were added before the flaw.
        added: usize,
    },
    /// A choice that cannot be.
    #[error("The settings were not changed: {0}")]
    Settings(String),
    /// Folders.
    #[error(transparent)]
    Arrange(#[from] ArrangeError),
    /// The files.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LibraryError> for Fault {
    fn from(error: LibraryError) -> Fault {
        let kind = match &error {
            LibraryError::NotFound(_) | LibraryError::Arrange(ArrangeError::NoFolder(_)) => {
                FaultKind::NotFound
            }
            LibraryError::Stale { .. } => FaultKind::Stale,
            LibraryError::Refused(_)
            | LibraryError::Settings(_)
            | LibraryError::Archive { .. }
            | LibraryError::Arrange(_) => FaultKind::Invalid,
            LibraryError::Store(_) => FaultKind::Internal,
        };
        match error {
            LibraryError::Store(error) => error.into(),
            error => Fault::new(kind, error.to_string()),
        }
    }
}

/// By what a list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// When the recap was made.
    #[default]
    CreatedAt,
    /// When the episode was published.
    PublishedAt,
    /// Its title, regardless of case.
    Title,
    /// Its length.
    DurationMs,
}

/// Which end of a list comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ListOrder {
    /// Newest, longest, Z.
    #[default]
    Desc,
    /// Oldest, shortest, A.
    Asc,
}

/// Which recaps a list shows.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// By what.
    pub sort: SortKey,
    /// Which end first.
    pub order: ListOrder,
    /// Only those of this folder.
    pub folder: Option<String>,
    /// Only those whose show has this title.
    pub show: Option<String>,
    /// Only those whose title holds this, regardless of case.
    pub title: Option<String>,
    /// Only those of this episode.
    pub episode: Option<EpisodeId>,
    /// How many, at most [`PAGE_MAX`].
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
}

/// A place in a sorted list: what was sorted by, and the id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor(String, RecapId);

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// In the order asked for.
    pub recaps: Vec<Arc<RecapHead>>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
    /// How many the filters let pass on all pages.
    pub total: usize,
}

impl Library {
    /// The libraries below `<data>/history`, with their cache below `<data>/cache`.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn open(
        data: &Path,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<Library>, StoreError> {
        let store = Store::open(&data.join("history"), entropy.clone())?;
        let library = Arc::new_cyclic(|this| Library {
            store,
            cache: data.join("cache"),
            clock,
            entropy,
            shelves: RwLock::default(),
            problems: RwLock::default(),
            glances: Mutex::default(),
            this: this.clone(),
        });
        // On the thread that writes: a caller that goes away in the middle leaves no list behind.
        let weak = Arc::downgrade(&library);
        library.store.on_own_write(Box::new(move |scope, name| {
            if let Some(library) = weak.upgrade() {
                library.note_own_write(scope, name);
            }
        }));
        Ok(library)
    }

    /// The `history/` folder.
    pub fn root(&self) -> &Path {
        self.store.root()
    }

    /// Every scope that has a folder, and the owner.
    pub fn scopes_now(&self) -> Vec<Scope> {
        self.store.scopes_now()
    }

    /// What other hands change from now on.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.store.changes()
    }

    /// Starts to watch the files; it ends when the answer is dropped.
    ///
    /// # Errors
    /// As [`Store::watch`].
    pub fn watch(&self, rescan_every: Duration) -> Result<Watching, StoreError> {
        self.store.watch(rescan_every)
    }

    /// Housekeeping at start: companions of the documents are written, temporaries and deletions
    /// that can no longer be undone are swept, shelves are checked against the disk. May block.
    pub fn settle_now(&self) {
        if let Err(error) = layout::write_companions(self.root()) {
            tracing::warn!(%error, "the schemas for editors could not be written");
        }
        let swept = self.store.sweep_now() + self.sweep_trash() + heads::sweep(&self.cache);
        if swept > 0 {
            tracing::info!(swept, "{swept} left-over files were removed");
        }
        for scope in self.scopes_now() {
            if let Err(error) = self.with_shelf(&scope, |_| ()) {
                tracing::warn!(%scope, %error, "a library could not be looked through");
            }
            for problem in self.check_lists(&scope) {
                tracing::warn!(
                    file = problem.file,
                    line = problem.line,
                    column = problem.column,
                    "{problem}"
                );
            }
        }
    }

    fn sweep_trash(&self) -> usize {
        let limit = self.clock.now() - TimeDelta::days(UNDO_DAYS);
        let is_old = |path: &Path| {
            std::fs::symlink_metadata(path)
                .and_then(|meta| meta.modified())
                .is_ok_and(|at| chrono::DateTime::<chrono::Utc>::from(at) < limit)
        };
        self.scopes_now()
            .iter()
            .filter_map(|scope| std::fs::read_dir(self.store.folder(scope).join(TRASH_FOLDER)).ok())
            .flatten()
            .flatten()
            .filter(|entry| is_old(&entry.path()) && std::fs::remove_file(entry.path()).is_ok())
            .count()
    }

    /// Takes note of what another hand did. May block.
    pub fn note_change_now(&self, change: &Change) -> Noted {
        let Change { scope, name, kind } = change;
        let path = self.store.folder(scope).join(name.as_str());
        let stamp = match kind {
            ChangeKind::Changed => std::fs::metadata(&path).ok().as_ref().map(Stamp::of),
            ChangeKind::Removed => None,
        };
        let now = self.check_file(scope, name).err();
        let recap = layout::recap_id(name);
        let was_broken = if recap.is_some() {
            let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
            // A shelf that nobody looked at yet reads everything when somebody does.
            shelves.get_mut(scope).is_some_and(|shelf| {
                let was_broken = shelf.get(name).is_some_and(|entry| entry.problem.is_some());
                heads::refresh_one(&self.store, scope, shelf, name, stamp);
                if let Some(entry) = shelf.get_mut(name) {
                    entry.problem = now.clone().map(Box::new);
                }
                was_broken
            })
        } else {
            let key = (scope.clone(), name.clone());
            let mut problems = self.problems.write().unwrap_or_else(PoisonError::into_inner);
            match &now {
                Some(problem) => problems.insert(key, problem.clone()).is_some(),
                None => problems.remove(&key).is_some(),
            }
        };
        Noted { now, was_broken, recap, is_there: stamp.is_some() }
    }

    /// Looks at every shelf again, after changes that nobody could follow. May block.
    pub fn look_again_now(&self) {
        let scopes: Vec<Scope> =
            self.shelves.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        for scope in scopes {
            let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(shelf) = shelves.get_mut(&scope)
                && let Err(error) = heads::refresh(&self.store, &scope, shelf)
            {
                tracing::warn!(%scope, %error, "a library could not be looked through");
            }
        }
    }

    /// Checks one file by its kind; a missing one and one of no known kind are fine.
    fn check_file(&self, scope: &Scope, name: &FileName) -> Result<(), Problem> {
        let unread = |error: StoreError| Problem {
            file: format!("{scope}/{name}"),
            line: 1,
            column: 1,
            reason: error.to_string(),
        };
        match self.store.bytes_now(scope, name).map_err(unread)? {
            Some(bytes) => layout::check(scope, name, &bytes).unwrap_or(Ok(())),
            None => Ok(()),
        }
    }

    /// Checks the documents of a scope that are no recaps, and remembers what is wrong.
    fn check_lists(&self, scope: &Scope) -> Vec<Problem> {
        let listed = self.store.list_now(scope).unwrap_or_default();
        let found: Vec<(FileName, Problem)> = listed
            .into_iter()
            .filter(|file| layout::recap_id(&file.name).is_none())
            .filter_map(|file| {
                self.check_file(scope, &file.name).err().map(|problem| (file.name, problem))
            })
            .collect();
        let mut problems = self.problems.write().unwrap_or_else(PoisonError::into_inner);
        problems.retain(|(whose, _), _| whose != scope);
        problems.extend(
            found.iter().map(|(name, problem)| ((scope.clone(), name.clone()), problem.clone())),
        );
        found.into_iter().map(|(_, problem)| problem).collect()
    }

    /// Checks every file of a scope; the number of files and what is wrong. May block.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub fn check_now(&self, scope: &Scope) -> Result<(usize, Vec<Problem>), StoreError> {
        let mut listed = self.store.list_now(scope)?;
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        let problems =
            listed.iter().filter_map(|file| self.check_file(scope, &file.name).err()).collect();
        Ok((listed.len(), problems))
    }

    /// What is known to be wrong with a scope's files, for the page.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub fn problems_now(&self, scope: &Scope) -> Result<Vec<Problem>, StoreError> {
        let mut problems: Vec<Problem> = self.with_shelf(scope, |shelf| {
            shelf.values().filter_map(|entry| entry.problem.as_deref().cloned()).collect()
        })?;
        let others = self.problems.read().unwrap_or_else(PoisonError::into_inner);
        problems.extend(
            others
                .iter()
                .filter(|((whose, _), _)| whose == scope)
                .map(|(_, problem)| problem.clone()),
        );
        problems.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(problems)
    }

    /// Looks at a scope's shelf, which is read from the cache and checked on first need.
    fn with_shelf<A>(
        &self,
        scope: &Scope,
        look: impl FnOnce(&Shelf) -> A,
    ) -> Result<A, StoreError> {
        {
            let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(shelf) = shelves.get(scope) {
                return Ok(look(shelf));
            }
        }
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        if !shelves.contains_key(scope) {
            let mut shelf = heads::load(&self.cache, scope);
            if heads::refresh(&self.store, scope, &mut shelf)? {
                heads::save(&self.cache, scope, &shelf, &self.random_hex());
            }
            shelves.insert(scope.clone(), shelf);
        }
        Ok(shelves
            .get(scope)
            .map(look)
            .unwrap_or_else(|| unreachable!("the shelf was just put there")))
    }

    /// Writes the cache of heads where it is behind, for the next start. May block.
    pub fn keep_heads_now(&self) {
        let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
        for (scope, shelf) in shelves.iter() {
            heads::save(&self.cache, scope, shelf, &self.random_hex());
        }
    }

    fn note_own_write(&self, scope: &Scope, name: &FileName) {
        if layout::recap_id(name).is_none() {
            // What was just written parses.
            let key = (scope.clone(), name.clone());
            self.problems.write().unwrap_or_else(PoisonError::into_inner).remove(&key);
            return;
        }
        let stamp = std::fs::metadata(self.store.folder(scope).join(name.as_str()))
            .ok()
            .as_ref()
            .map(Stamp::of);
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(shelf) = shelves.get_mut(scope) {
            heads::refresh_one(&self.store, scope, shelf, name, stamp);
        }
    }

    /// One page of a scope's recaps. May block on first need.
    ///
    /// # Errors
    /// A folder that is not there; a folder that cannot be listed.
    pub fn list_now(&self, scope: &Scope, query: &ListQuery) -> Result<Page, LibraryError> {
        let mut heads: Vec<Arc<RecapHead>> = self.with_shelf(scope, |shelf| {
            shelf.values().filter_map(|entry| entry.head.clone()).collect()
        })?;
        if let Some(folder) = &query.folder {
            let meta = self.store.read_now(&layout::meta(scope))?.value;
            let folder = meta
                .folders
                .into_iter()
                .find(|f| f.id == *folder)
                .ok_or_else(|| ArrangeError::NoFolder(folder.chars().take(60).collect()))?;
            heads.retain(|head| folder.recaps.contains(&head.id));
        }
        if let Some(show) = &query.show {
            heads.retain(|head| *head.episode.show_title == **show);
        }
        if let Some(episode) = &query.episode {
            heads.retain(|head| head.episode.id == *episode);
        }
        if let Some(part) = &query.title {
            let part = part.to_lowercase();
            heads.retain(|head| head.title.to_lowercase().contains(&part));
        }
        let total = heads.len();
        let mut keyed: Vec<(Cursor, Arc<RecapHead>)> = heads
            .into_iter()
            .map(|head| (Cursor(sort_text(&head, query.sort), head.id.clone()), head))
            .collect();
        keyed.sort_by(|(a, _), (b, _)| match query.order {
            ListOrder::Asc => a.cmp(b),
            ListOrder::Desc => b.cmp(a),
        });
        let start = match &query.cursor {
            None => 0,
            Some(cursor) => keyed.partition_point(|(key, _)| match query.order {
                ListOrder::Asc => key <= cursor,
                ListOrder::Desc => key >= cursor,
            }),
        };
        let limit = query.limit.clamp(1, PAGE_MAX);
        let more = keyed.len() > start + limit;
        let page: Vec<(Cursor, Arc<RecapHead>)> =
            keyed.into_iter().skip(start).take(limit).collect();
        let next = if more { page.last().map(|(key, _)| key.clone()) } else { None };
        Ok(Page { recaps: page.into_iter().map(|(_, head)| head).collect(), next, total })
    }

    /// Every recap's head and stamp, for the search index. May block on first need.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub fn stamps_now(&self, scope: &Scope) -> Result<Vec<(Arc<RecapHead>, Stamp)>, StoreError> {
        self.with_shelf(scope, |shelf| {
            shelf.values().filter_map(|entry| Some((entry.head.clone()?, entry.stamp))).collect()
        })
    }

    /// One recap, or its last good copy with what is wrong with the file beside it.
    ///
    /// # Errors
    /// [`LibraryError::NotFound`]; a file that does not parse and was never read well.
    pub async fn find(&self, scope: &Scope, id: &RecapId) -> Result<Found, LibraryError> {
        let stored = self.store.read(&layout::recap(scope, id)).await?;
        found(id, stored)
    }

    /// As [`Library::find`], for callers that may block.
    ///
    /// # Errors
    /// As [`Library::find`].
    pub fn find_now(&self, scope: &Scope, id: &RecapId) -> Result<Found, LibraryError> {
        found(id, self.store.read_now(&layout::recap(scope, id))?)
    }

    /// A recap's file as it is, for searching; `None` where it is missing.
    ///
    /// # Errors
    /// The file system's.
    pub fn bytes_now(&self, scope: &Scope, id: &RecapId) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.bytes_now(scope, &layout::recap_file(id))
    }

    /// A new id that no recap of the scope has.
    pub fn new_id(
        &self,
        scope: &Scope,
        recap_day: chrono::DateTime<chrono::Utc>,
        title: &str,
    ) -> RecapId {
        loop {
            let mut random = [0; 6];
            self.entropy.fill(&mut random);
            let id = RecapId::make(recap_day, title, random);
            if !self.store.folder(scope).join(layout::recap_file(&id).as_str()).exists() {
                return id;
            }
        }
    }

    /// The recap that a job made before it was interrupted.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub fn made_by_now(&self, scope: &Scope, job: &str) -> Result<Option<RecapId>, StoreError> {
        self.with_shelf(scope, |shelf| {
            shelf
                .values()
                .filter_map(|entry| entry.head.as_ref())
                .find(|head| head.job.as_deref() == Some(job))
                .map(|head| head.id.clone())
        })
    }

    /// Saves a new recap.
    ///
    /// # Errors
    /// [`LibraryError::Refused`] where it is not sound; the files.
    pub async fn save(&self, scope: &Scope, recap: Recap) -> Result<(), LibraryError> {
        if let Some(flaw) = recap.flaws().into_iter().next() {
            return Err(LibraryError::Refused(format!("{flaw}.")));
        }
        let id = recap.id.clone();
        let name = layout::recap_file(&id);
        let file = RecapFile(Some(recap));
        self.store
            .transact(scope, move |tx| {
                tx.read::<RecapFile>(&name)?;
                tx.write(&name, &file)
            })
            .await?;
        Ok(())
    }

    /// Changes a recap by merge patch (see `patch.rs`). With `if_match`, only in that state.
    ///
    /// # Errors
    /// [`LibraryError::Stale`], [`LibraryError::Refused`], [`LibraryError::NotFound`].
    pub async fn patch(
        &self,
        scope: &Scope,
        id: &RecapId,
        if_match: Option<Vec<String>>,
        change: Value,
    ) -> Result<Found, LibraryError> {
        self.edit(scope, id, if_match, move |recap| {
            patch::apply(recap, &change).map_err(LibraryError::Refused)
        })
        .await
    }

    /// Puts a whole recap in the place of one that is there; the id must be its own.
    ///
    /// # Errors
    /// As [`Library::patch`].
    pub async fn put(
        &self,
        scope: &Scope,
        id: &RecapId,
        if_match: Option<Vec<String>>,
        new: Value,
    ) -> Result<Found, LibraryError> {
        self.edit(scope, id, if_match, move |recap| {
            recap.clone_from(&new);
            Ok(())
        })
        .await
    }

    async fn edit(
        &self,
        scope: &Scope,
        id: &RecapId,
        if_match: Option<Vec<String>>,
        mut change: impl FnMut(&mut Value) -> Result<(), LibraryError> + Send + 'static,
    ) -> Result<Found, LibraryError> {
        let (name, wanted, now) = (layout::recap_file(id), id.clone(), self.clock.now());
        self.store
            .transact(scope, move |tx| {
                let stored = tx.read::<RecapFile>(&name)?;
                let etag = stored.etag.ok_or_else(|| LibraryError::NotFound(wanted.to_string()))?;
                let matches = |given: &Vec<String>| {
                    given.iter().any(|one| one == "*" || *one == etag.quoted())
                };
                if !if_match.as_ref().is_none_or(matches) {
                    return Err(LibraryError::Stale { id: wanted.clone() });
                }
                let mut value: Value = serde_json::from_str(&stored.text)
                    .map_err(|error| LibraryError::Refused(format!("{error}.")))?;
                let before = value.clone();
                change(&mut value)?;
                if value == before {
                    return Ok(());
                }
                let mut recap = sound(&value)?;
                if recap.id != wanted {
                    return Err(LibraryError::Refused(format!(
                        "its id is `{wanted}` and cannot become another."
                    )));
                }
                recap.topic_count = recap.topics.len();
                recap.coverage = recap.measure_coverage();
                for (key, new) in [
                    ("topic_count", serde_json::json!(recap.topic_count)),
                    ("coverage", serde_json::json!(recap.coverage)),
                    ("updated_at", serde_json::json!(now)),
                ] {
                    value[key] = new;
                }
                tx.write_json::<RecapFile>(&name, &value)?;
                Ok(())
            })
            .await?;
        self.find(scope, id).await
    }

    /// Deletes a recap: its episode goes to the skip list first, then the file waits
    /// [`UNDO_DAYS`] for a change of mind. On a full disk the file goes for good.
    ///
    /// # Errors
    /// [`LibraryError::NotFound`], [`LibraryError::Stale`], the files.
    pub async fn delete(
        &self,
        scope: &Scope,
        id: &RecapId,
        if_match: Option<Vec<String>>,
    ) -> Result<Deleted, LibraryError> {
        let name = layout::recap_file(id);
        let trash = self.trash(scope, id);
        let head = self.head_now(scope, id)?;
        let (skip, now, wanted) = (layout::skip_list(scope).name, self.clock.now(), id.clone());
        let episode = head.map(|head| (head.episode.id.clone(), head.title.clone()));
        let noted = episode.clone();
        let file = name.clone();
        let outcome = self
            .store
            .transact(scope, move |tx: &mut Tx<'_>| {
                if let Some(wanted_state) = &if_match {
                    let etag = tx.read::<RecapFile>(&file)?.etag;
                    if !etag.is_some_and(|etag| {
                        wanted_state.iter().any(|one| one == "*" || *one == etag.quoted())
                    }) {
                        return Err(LibraryError::Stale { id: wanted.clone() });
                    }
                }
                if !tx.exists(&file) {
                    return Err(LibraryError::NotFound(wanted.to_string()));
                }
                if let Some((episode, title)) = &noted {
                    let mut list = tx.read::<SkipList>(&skip)?.value;
                    list.add(episode, title, "deleted", now);
                    tx.write(&skip, &list)?;
                }
                tx.move_to(&file, trash.clone());
                Ok(())
            })
            .await;
        let can_be_undone = match outcome {
            Err(LibraryError::Store(StoreError::Full { .. })) => {
                // Deleting is how room is made: the file goes without waiting.
                let slot = layout::recap(scope, id);
                self.store.remove(&slot).await?;
                tracing::warn!(recap = %id, "the disk is full: a deleted recap was removed for good");
                false
            }
            other => other.map(|()| true)?,
        };
        Ok(Deleted { episode: episode.map(|(id, _)| id), can_be_undone })
    }

    /// Takes a deletion back: the file returns and its episode leaves the skip list.
    ///
    /// # Errors
    /// [`LibraryError::NotFound`] where nothing by this id waits.
    pub async fn restore(&self, scope: &Scope, id: &RecapId) -> Result<Found, LibraryError> {
        let trash = self.trash(scope, id);
        let name = layout::recap_file(id);
        let bytes =
            tokio::fs::read(&trash).await.map_err(|_| LibraryError::NotFound(id.to_string()))?;
        let episode = crate::store::parse_now::<RecapFile>(scope, &name, &bytes)
            .ok()
            .and_then(|file| file.0)
            .map(|recap| recap.episode.id);
        let (skip, wanted) = (layout::skip_list(scope).name, id.clone());
        self.store
            .transact(scope, move |tx: &mut Tx<'_>| {
                if tx.exists(&name) {
                    return Err(LibraryError::Refused(format!(
                        "a recap `{wanted}` is there already."
                    )));
                }
                tx.move_from(&name, trash.clone());
                if let Some(episode) = &episode {
                    let mut list = tx.read::<SkipList>(&skip)?.value;
                    list.remove(episode);
                    tx.write(&skip, &list)?;
                }
                Ok(())
            })
            .await?;
        self.find(scope, id).await
    }

    fn trash(&self, scope: &Scope, id: &RecapId) -> PathBuf {
        self.store.folder(scope).join(TRASH_FOLDER).join(layout::recap_file(id).as_str())
    }

    fn head_now(&self, scope: &Scope, id: &RecapId) -> Result<Option<Arc<RecapHead>>, StoreError> {
        let name = layout::recap_file(id);
        self.with_shelf(scope, |shelf| shelf.get(&name).and_then(|entry| entry.head.clone()))
    }

    /// Folders, order and tags.
    ///
    /// # Errors
    /// The files.
    pub async fn meta(&self, scope: &Scope) -> Result<LibraryMeta, LibraryError> {
        Ok(self.store.read(&layout::meta(scope)).await?.value)
    }

    /// Changes folders, order or tags in one step; what they are then.
    ///
    /// # Errors
    /// The change's own; the files.
    pub async fn arrange<A: Send + 'static>(
        &self,
        scope: &Scope,
        mut change: impl FnMut(&mut LibraryMeta) -> Result<A, ArrangeError> + Send + 'static,
    ) -> Result<A, LibraryError> {
        self.store
            .mutate(&layout::meta(scope), move |meta| change(meta).map_err(LibraryError::from))
            .await
    }

    /// What the scope has chosen.
    ///
    /// # Errors
    /// The files.
    pub async fn settings(&self, scope: &Scope) -> Result<ScopeSettings, LibraryError> {
        Ok(self.store.read(&layout::settings(scope)).await?.value)
    }

    /// Changes what the scope has chosen; what it is then.
    ///
    /// # Errors
    /// What is wrong with the choice, as [`LibraryError::Settings`]; the files.
    pub async fn choose(
        &self,
        scope: &Scope,
        mut change: impl FnMut(&ScopeSettings) -> Result<ScopeSettings, String> + Send + 'static,
    ) -> Result<ScopeSettings, LibraryError> {
        self.store
            .mutate(&layout::settings(scope), move |settings| {
                let next = change(settings).map_err(LibraryError::Settings)?;
                if let Some(flaw) = next.flaw() {
                    return Err(LibraryError::Settings(flaw));
                }
                *settings = ScopeSettings { format: 1, ..next };
                Ok(settings.clone())
            })
            .await
    }

    /// What models and recognisers have cost the scope.
    ///
    /// # Errors
    /// The files.
    pub async fn spending(&self, scope: &Scope) -> Result<Spending, LibraryError> {
        Ok(self.store.read(&layout::spending(scope)).await?.value)
    }

    /// Notes what a job took of each instance, once however often it is told.
    ///
    /// # Errors
    /// The files.
    pub async fn spend(
        &self,
        scope: &Scope,
        job: String,
        spent: Vec<(String, Spent)>,
    ) -> Result<(), LibraryError> {
        let now = self.clock.now();
        self.store
            .mutate(&layout::spending(scope), move |spending| {
                spending.format = 1;
                for (instance, spent) in &spent {
                    spending.note(&job, instance, spent, now);
                }
                Ok::<(), LibraryError>(())
            })
            .await
    }

    /// The episodes that the person refused.
    ///
    /// # Errors
    /// The files.
    pub async fn skip_list(&self, scope: &Scope) -> Result<SkipList, LibraryError> {
        Ok(self.store.read(&layout::skip_list(scope)).await?.value)
    }

    /// Makes everything of `from` the things of `to`.
    ///
    /// # Errors
    /// As [`Store::adopt`].
    pub async fn adopt(&self, from: &Scope, to: &Scope) -> Result<(), StoreError> {
        self.store.adopt(from, to).await?;
        self.forget_shelves(&[from, to]);
        Ok(())
    }

    /// Removes everything of a scope.
    ///
    /// # Errors
    /// As [`Store::erase`].
    pub async fn erase(&self, scope: &Scope) -> Result<(), StoreError> {
        self.store.erase(scope).await?;
        self.forget_shelves(&[scope]);
        Ok(())
    }

    fn forget_shelves(&self, scopes: &[&Scope]) {
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        shelves.retain(|scope, _| !scopes.contains(&scope));
    }

    pub(super) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Itself, for work that outlives the call.
    pub(super) fn handle(&self) -> Arc<Library> {
        self.this.upgrade().unwrap_or_else(|| unreachable!("whoever calls holds it"))
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(super) fn fill_random(&self, bytes: &mut [u8]) {
        self.entropy.fill(bytes);
    }

    /// Every recap's head. May block on first need.
    pub(super) fn heads_now(&self, scope: &Scope) -> Result<Vec<Arc<RecapHead>>, StoreError> {
        self.with_shelf(scope, |shelf| {
            shelf.values().filter_map(|entry| entry.head.clone()).collect()
        })
    }

    /// The newest recap of each episode. May block on first need.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub fn recaps_by_episode_now(
        &self,
        scope: &Scope,
    ) -> Result<HashMap<EpisodeId, RecapId>, StoreError> {
        let mut heads = self.heads_now(scope)?;
        heads.sort_by_key(|head| head.created_at);
        Ok(heads.iter().map(|head| (head.episode.id.clone(), head.id.clone())).collect())
    }

    /// Bytes that no two files of a kind share, as hexadecimal digits.
    pub fn random_hex(&self) -> String {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        base16ct::lower::encode_string(&bytes)
    }
}

/// What a change by another hand means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// What is wrong with the file now.
    pub now: Option<Problem>,
    /// Whether something was wrong with it before.
    pub was_broken: bool,
    /// The recap that lies in it, where it is one's file.
    pub recap: Option<RecapId>,
    /// Whether the file is there.
    pub is_there: bool,
}

/// A recap as it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its value.
    pub recap: Recap,
    /// Its text, unknown fields and all.
    pub text: String,
    /// The state of its file.
    pub etag: Etag,
    /// Why the file itself could not be used; the rest is the last good copy then.
    pub problem: Option<Problem>,
}

/// What became of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// What went to the skip list.
    pub episode: Option<EpisodeId>,
    /// Whether [`Library::restore`] can bring it back.
    pub can_be_undone: bool,
}

fn found(id: &RecapId, stored: Stored<RecapFile>) -> Result<Found, LibraryError> {
    let (Some(recap), Some(etag)) = (stored.value.0, stored.etag) else {
        return Err(LibraryError::NotFound(id.to_string()));
    };
    Ok(Found { recap, text: stored.text, etag, problem: stored.problem })
}

/// Reads a JSON value as a recap that may be saved.
pub(super) fn sound(value: &Value) -> Result<Recap, LibraryError> {
    let recap: Recap = serde_path_to_error::deserialize(value).map_err(|error| {
        LibraryError::Refused(format!("{} at {}.", error.inner(), error.path()))
    })?;
    match recap.flaws().into_iter().next() {
        Some(flaw) => Err(LibraryError::Refused(format!("{flaw}."))),
        None => Ok(recap),
    }
}

/// What a head is sorted by, as a text whose order is the right one.
fn sort_text(head: &RecapHead, key: SortKey) -> String {
    let time =
        |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    match key {
        SortKey::CreatedAt => time(head.created_at),
        SortKey::PublishedAt => head.episode.published_at.map(time).unwrap_or_default(),
        SortKey::Title => head.title.to_lowercase(),
        SortKey::DurationMs => format!("{:020}", head.duration_ms),
    }
}

#[cfg(test)]
mod tests;
