//! The jobs that run or ran since the start: where each stands, and how to stop it.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use recap_mode::{JobId, Scope, Stop};
use serde::Serialize;
use tokio::sync::watch;

use crate::domain::recap::RecapId;
use crate::pipeline::Stage;

/// Jobs that a scope may have waiting or running at once.
pub const OPEN_MAX: usize = 20;

/// Finished jobs that are remembered, over all scopes; the oldest are forgotten first.
const FINISHED_KEPT: usize = 200;

/// Where a job stands, as the API and the page show it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct JobView {
    /// Its id.
    #[schema(value_type = String)]
    pub id: JobId,
    /// What it is about, for a person: a link without secrets, or a file's name.
    pub about: String,
    /// What it is doing.
    pub stage: Stage,
    /// Share of the work that is done, 0 to 100.
    pub percent: u8,
    /// What it is doing, as a sentence.
    pub message: String,
    /// Whether it hears sound or waits for the recogniser; the queue goes on beside it.
    pub listens: bool,
    /// When it was asked for.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The recap that it made.
    #[schema(value_type = Option<String>)]
    pub recap: Option<RecapId>,
    /// Why it failed, in the form of every error.
    pub error: Option<JobError>,
}

/// Why a job failed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct JobError {
    /// The word of the closed list.
    pub kind: &'static str,
    /// The sentence.
    pub message: String,
}

struct Entry {
    scope: Scope,
    view: watch::Sender<JobView>,
    cancel: Stop,
}

/// All of them.
#[derive(Default)]
pub struct Jobs {
    entries: Mutex<HashMap<JobId, Entry>>,
    /// Scopes of which an item is just being taken up: between the queue's word and the job's start.
    starting: Mutex<HashSet<Scope>>,
}

/// A scope of which an item is being taken up, until this is dropped.
pub struct Starting<'a> {
    jobs: &'a Jobs,
    scope: Scope,
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.jobs.starting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.scope);
    }
}

impl Jobs {
    fn map(&self) -> MutexGuard<'_, HashMap<JobId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that an item of a scope is being taken up.
    pub fn starting(&self, scope: &Scope) -> Starting<'_> {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner).insert(scope.clone());
        Starting { jobs: self, scope: scope.clone() }
    }

    /// Whether a scope's job is being made, or about to be.
    pub fn runs(&self, scope: &Scope, id: &JobId) -> bool {
        let is_starting =
            self.starting.lock().unwrap_or_else(PoisonError::into_inner).contains(scope);
        is_starting || self.is_open(scope, id)
    }

    /// Whether a scope's job is waiting or being made.
    pub fn is_open(&self, scope: &Scope, id: &JobId) -> bool {
        self.find(scope, id).is_some_and(|view| !view.stage.is_final())
    }

    /// Notes a job that goes on after a start: it had its place before. The answer cancels it.
    pub fn open_again(&self, scope: &Scope, view: JobView) -> Stop {
        Jobs::note(&mut self.map(), scope, view)
    }

    /// Notes a new job; `None` where the scope has [`OPEN_MAX`] open ones. The answer cancels it.
    pub fn open(&self, scope: &Scope, view: JobView) -> Option<Stop> {
        let mut map = self.map();
        let open = map
            .values()
            .filter(|entry| entry.scope == *scope && !entry.view.borrow().stage.is_final());
        if open.count() >= OPEN_MAX {
            return None;
        }
        Some(Jobs::note(&mut map, scope, view))
    }

    fn note(map: &mut HashMap<JobId, Entry>, scope: &Scope, view: JobView) -> Stop {
        let mut finished: Vec<(DateTime<Utc>, JobId)> = map
            .iter()
            .filter_map(|(id, entry)| Some((entry.view.borrow().finished_at?, id.clone())))
            .collect();
        finished.sort();
        for (_, id) in finished.iter().take(finished.len().saturating_sub(FINISHED_KEPT)) {
            map.remove(id);
        }
        let cancel = Stop::new();
        let entry = Entry {
            scope: scope.clone(),
            cancel: cancel.clone(),
            view: watch::Sender::new(view.clone()),
        };
        map.insert(view.id, entry);
        cancel
    }

    /// Changes what is shown of a job; the new view, where the job is known.
    pub fn change(&self, id: &JobId, change: impl FnOnce(&mut JobView)) -> Option<JobView> {
        let map = self.map();
        let entry = map.get(id)?;
        entry.view.send_modify(change);
        Some(entry.view.borrow().clone())
    }

    /// A scope's job.
    pub fn find(&self, scope: &Scope, id: &JobId) -> Option<JobView> {
        let map = self.map();
        map.get(id).filter(|entry| entry.scope == *scope).map(|entry| entry.view.borrow().clone())
    }

    /// Follows a scope's job.
    pub fn follow(&self, scope: &Scope, id: &JobId) -> Option<watch::Receiver<JobView>> {
        let map = self.map();
        map.get(id).filter(|entry| entry.scope == *scope).map(|entry| entry.view.subscribe())
    }

    /// A scope's jobs, newest first.
    pub fn list(&self, scope: &Scope) -> Vec<JobView> {
        let map = self.map();
        let mut views: Vec<JobView> = map
            .values()
            .filter(|entry| entry.scope == *scope)
            .map(|entry| entry.view.borrow().clone())
            .collect();
        views.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
        views
    }

    /// Asks a scope's job to stop; where it stands, if it is known.
    pub fn cancel(&self, scope: &Scope, id: &JobId) -> Option<JobView> {
        let map = self.map();
        let entry = map.get(id).filter(|entry| entry.scope == *scope)?;
        entry.cancel.cancel();
        Some(entry.view.borrow().clone())
    }

    /// Whether anything of a scope is waiting or being made.
    pub fn has_open(&self, scope: &Scope) -> bool {
        self.map().values().any(|one| one.scope == *scope && !one.view.borrow().stage.is_final())
    }

    /// Cancels everything of a scope.
    pub fn cancel_all(&self, scope: &Scope) {
        self.map().values().filter(|one| one.scope == *scope).for_each(|one| one.cancel.cancel());
    }

    /// How many are waiting or running, over all scopes.
    pub fn open_count(&self) -> usize {
        self.map().values().filter(|entry| !entry.view.borrow().stage.is_final()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(n: usize) -> JobView {
        JobView {
            id: format!("job-{n}").parse().unwrap(),
            about: String::new(),
            stage: Stage::Queued,
            percent: 0,
            message: String::new(),
            listens: false,
            started_at: DateTime::UNIX_EPOCH,
            finished_at: None,
            recap: None,
            error: None,
        }
    }

    #[test]
    fn a_scope_sees_and_stops_its_own_jobs_alone() {
        let jobs = Jobs::default();
        let (a, b) = (Scope::parse("a").unwrap(), Scope::parse("b").unwrap());
        let stop = jobs.open(&a, view(1)).unwrap();
        let id = view(1).id;
        assert!(
            jobs.find(&b, &id).is_none()
                && jobs.cancel(&b, &id).is_none()
                && jobs.follow(&b, &id).is_none()
        );
        assert!(jobs.list(&b).is_empty() && !stop.is_cancelled());
        assert!(jobs.cancel(&a, &id).is_some() && stop.is_cancelled());
    }

    #[test]
    fn open_jobs_are_bounded_a_scope_and_finished_ones_are_forgotten_in_time() {
        let jobs = Jobs::default();
        let (a, b) = (Scope::parse("a").unwrap(), Scope::parse("b").unwrap());
        for n in 0..OPEN_MAX {
            assert!(jobs.open(&a, view(n)).is_some());
        }
        assert!(jobs.open(&a, view(OPEN_MAX)).is_none());
        assert!(jobs.open(&b, view(OPEN_MAX)).is_some(), "another scope is not in the way");
        for n in 100..100 + 3 * FINISHED_KEPT {
            jobs.open(&Scope::owner(), view(n)).unwrap();
            let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(n as i64);
            jobs.change(&view(n).id, |view| {
                view.stage = Stage::Done;
                view.finished_at = Some(at);
            });
        }
        assert_eq!(jobs.list(&Scope::owner()).len(), FINISHED_KEPT + 1);
        assert_eq!(jobs.open_count(), OPEN_MAX + 1);
    }
}
