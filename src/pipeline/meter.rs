//! Counts what a run asks of models and recognisers, so that it is known also of a run that fails, and,
//! from a file in the job's folder, of one that was killed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::Workspace;
use super::workspace::write;
use crate::models::Usage;

/// What one run took, by instance.
#[derive(Debug, Default)]
pub struct Meter {
    run: String,
    file: Option<PathBuf>,
    taken: Mutex<BTreeMap<String, Usage>>,
}

/// What a run that was killed had taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Left {
    /// The run's name, under which it counts once.
    pub run: String,
    /// By instance.
    pub taken: BTreeMap<String, Usage>,
}

impl Meter {
    /// Of a run with a name that no other has, kept in the job's folder.
    pub fn of(workspace: &Workspace, run: String) -> Meter {
        Meter { run, file: workspace.spent_file(), taken: Mutex::default() }
    }

    /// What the run before this one took, where it was killed before anybody noted it. May block.
    pub fn left(workspace: &Workspace) -> Option<Left> {
        serde_json::from_slice(&std::fs::read(workspace.spent_file()?).ok()?).ok()
    }

    /// It is noted elsewhere. May block.
    pub fn forget(workspace: &Workspace) {
        if let Some(file) = workspace.spent_file() {
            // What cannot be removed is noted once all the same: by its run's name.
            let _ = std::fs::remove_file(file);
        }
    }

    /// What the run took until now, under its name.
    pub fn so_far(&self) -> Left {
        Left { run: self.run.clone(), taken: self.taken() }
    }

    /// Adds what a call took.
    pub(super) fn add(&self, name: &str, usage: Usage) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken.entry(name.to_owned()).or_default() += usage;
        let Some(file) = &self.file else { return };
        let left = Left { run: self.run.clone(), taken: taken.clone() };
        let kept = serde_json::to_vec(&left).map_err(std::io::Error::from);
        if let Err(error) = kept.and_then(|bytes| write(file, &bytes)) {
            tracing::warn!(%error, "what a call has cost could not be kept in its job's folder");
        }
    }

    /// What was taken until now.
    pub fn taken(&self) -> BTreeMap<String, Usage> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was taken of one instance since `before`.
    pub(super) fn taken_since(&self, before: &BTreeMap<String, Usage>, name: &str) -> Usage {
        let taken = self.taken();
        let at = |all: &BTreeMap<String, Usage>| all.get(name).copied().unwrap_or_default();
        let (now, then) = (at(&taken), at(before));
        Usage {
            calls: now.calls - then.calls,
            input_tokens: now.input_tokens - then.input_tokens,
            output_tokens: now.output_tokens - then.output_tokens,
            audio_ms: now.audio_ms - then.audio_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{Brought, Order};
    use recap_mode::Scope;

    #[test]
    fn what_a_killed_run_took_is_found_until_it_is_noted() {
        let data = tempfile::tempdir().unwrap();
        let order = Order::Upload { name: "talk.txt".to_owned() };
        let words = Brought::Bytes(b"words".to_vec());
        let (scope, job) = (Scope::owner(), "job-1".parse().unwrap());
        let workspace = Workspace::create(data.path(), &scope, &job, &order, Some(&words)).unwrap();
        assert_eq!(Meter::left(&workspace), None);
        let meter = Meter::of(&workspace, "job-1.a".to_owned());
        let usage = Usage { calls: 1, output_tokens: 7, ..Usage::default() };
        meter.add("pen", usage);
        let before = meter.taken();
        meter.add("pen", usage);
        assert_eq!(meter.taken_since(&before, "pen"), usage);
        assert_eq!(meter.taken_since(&before, "other"), Usage::default());
        let left = Meter::left(&workspace).unwrap();
        assert_eq!((left.run.as_str(), left.taken), ("job-1.a", meter.taken()));
        Meter::forget(&workspace);
        assert_eq!(Meter::left(&workspace), None);
        Meter::default().add("pen", usage);
    }
}
