//! Taking note of what a person changes in files: the configuration, and the documents.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use crate::app::App;
use crate::config::{self, Config, Environment, SETTINGS};
use crate::history::Change;
use recap_mode::Scope;

/// How often the configuration file is looked at: one `stat`, and a change is seen within a second.
const CONFIG_PERIOD: Duration = Duration::from_millis(700);

/// What it takes to read the configuration again.
pub struct Reload {
    data: PathBuf,
    environment: Environment,
    flags: Map<String, Value>,
    sender: watch::Sender<Arc<Config>>,
    seen: Option<(SystemTime, u64)>,
}

/// What a look at the configuration file found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// The file is as it was.
    Unchanged,
    /// It is in force.
    Taken {
        /// Settings that changed and wait for the next start.
        at_next_start: Vec<&'static str>,
    },
    /// It was refused; what was in force stays.
    Refused(String),
}

impl Reload {
    /// From what the configuration was put together at the start.
    pub fn new(
        data: PathBuf,
        environment: Environment,
        flags: Map<String, Value>,
        sender: watch::Sender<Arc<Config>>,
    ) -> Reload {
        let mut reload = Reload { data, environment, flags, sender, seen: None };
        reload.seen = reload.stamp();
        reload
    }

    fn stamp(&self) -> Option<(SystemTime, u64)> {
        let meta = std::fs::metadata(self.data.join("config.json")).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    }

    /// Looks at the file once, and takes it over where it changed and is sound.
    pub fn look(&mut self) -> Reloaded {
        let stamp = self.stamp();
        if stamp == self.seen {
            return Reloaded::Unchanged;
        }
        self.seen = stamp;
        match config::load(&self.data, &self.environment, &self.flags) {
            Err(error) => Reloaded::Refused(error.to_string()),
            Ok(config) => {
                let before = self.sender.borrow().clone();
                let at_next_start = SETTINGS
                    .iter()
                    .filter(|setting| !setting.live)
                    .map(|setting| setting.key)
                    .filter(|key| {
                        before.sources.get(key).map(|s| &s.0)
                            != config.sources.get(key).map(|s| &s.0)
                    })
                    .collect();
                self.sender.send_replace(Arc::new(config));
                Reloaded::Taken { at_next_start }
            }
        }
    }
}

/// Looks at the configuration file until the daemon stops.
pub async fn follow_config(app: Arc<App>, mut reload: Reload) {
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(CONFIG_PERIOD) => {}
        }
        let looked = tokio::task::spawn_blocking(move || {
            let outcome = reload.look();
            (reload, outcome)
        });
        let Ok((again, outcome)) = looked.await else { return };
        reload = again;
        let is_taken = matches!(outcome, Reloaded::Taken { .. });
        note_config(&app, outcome);
        if is_taken {
            let library = app.library.clone();
            let scopes = tokio::task::spawn_blocking(move || library.queue_scopes_now()).await;
            for scope in scopes.unwrap_or_default() {
                app.release_capped(&scope).await;
            }
        }
    }
}

fn note_config(app: &App, outcome: Reloaded) {
    let set_problem = |problem: Option<String>| {
        *app.config_problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    };
    match outcome {
        Reloaded::Unchanged => {}
        Reloaded::Taken { at_next_start } => {
            set_problem(None);
            if at_next_start.is_empty() {
                tracing::info!("the changed configuration is in force");
            } else {
                let waits = at_next_start.join(", ");
                tracing::info!(
                    waits,
                    "the changed configuration is in force; {waits} at the next start"
                );
            }
            app.events.publish(&Scope::owner(), "config_changed", json!({}));
        }
        Reloaded::Refused(why) => {
            tracing::warn!("the changed configuration was refused, what was in force stays: {why}");
            set_problem(Some(why.clone()));
            app.events.publish(&Scope::owner(), "config_problem", json!({"message": why}));
        }
    }
}

/// Tells the pages what other hands change in the files, until the daemon stops.
pub async fn follow_files(app: Arc<App>, mut changes: broadcast::Receiver<Change>) {
    loop {
        let heard = tokio::select! {
            () = app.stop.cancelled() => return,
            heard = changes.recv() => heard,
        };
        match heard {
            Ok(change) => note_change(&app, change).await,
            Err(RecvError::Lagged(missed)) => {
                tracing::info!(
                    missed,
                    "more files changed than could be followed; everything is looked at again"
                );
                let library = app.library.clone();
                let looked = tokio::task::spawn_blocking(move || library.look_again_now()).await;
                if let Err(error) = looked {
                    tracing::error!(%error, "looking at all files again panicked");
                }
                for scope in app.library.scopes_now() {
                    app.events.publish(&scope, "library_changed", json!({}));
                }
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Takes note of one change: the shelf, the log, the page.
async fn note_change(app: &Arc<App>, change: Change) {
    let (library, noted) = (app.library.clone(), change.clone());
    let Ok(outcome) = tokio::task::spawn_blocking(move || library.note_change_now(&noted)).await
    else {
        return;
    };
    let Change { scope, name, .. } = &change;
    match outcome.now {
        Some(problem) => {
            tracing::warn!(
                file = problem.file,
                line = problem.line,
                column = problem.column,
                "a file cannot be used as it is: {problem}"
            );
            app.events.publish(scope, "file_problem", json!(problem));
        }
        None if outcome.was_broken => {
            tracing::info!(file = format!("{scope}/{name}"), "a file is well again");
            app.events.publish(scope, "file_mended", json!({"file": format!("{scope}/{name}")}));
        }
        None => {}
    }
    match &outcome.recap {
        Some(id) => {
            let event = if outcome.is_there { "recap_changed" } else { "recap_deleted" };
            app.events.publish(scope, event, json!({"id": id}));
        }
        None => match name.as_str() {
            "subscriptions.json" => {
                app.check_wake.notify_one();
                app.events.publish(scope, "subscriptions_changed", json!({}));
            }
            "auto-queue.json" => {
                app.queue_wake.notify_one();
                app.events.publish(scope, "queue_changed", json!({}));
            }
            "settings.json" => {
                app.release_capped(scope).await;
                app.events.publish(scope, "library_changed", json!({}));
            }
            _ => app.events.publish(scope, "library_changed", json!({})),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_change_is_taken_and_a_bad_one_leaves_what_was_in_force() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("config.json");
        let flags = Map::new();
        let first = Arc::new(config::load(data.path(), &Environment::default(), &flags).unwrap());
        let (sender, now) = watch::channel(first);
        let mut reload = Reload::new(data.path().to_owned(), Environment::default(), flags, sender);
        assert_eq!(reload.look(), Reloaded::Unchanged);
        std::fs::write(&path, r#"{"fetch_timeout_secs": 9, "jobs_max": 3}"#).unwrap();
        assert_eq!(reload.look(), Reloaded::Taken { at_next_start: vec!["jobs_max"] });
        assert_eq!(now.borrow().fetch_timeout_secs, 9);
        for bad in ["{", r#"{"fetch_timeout_secs": "soon"}"#, r#"{"fetch_timeout": 10}"#] {
            std::fs::write(&path, bad).unwrap();
            assert!(matches!(reload.look(), Reloaded::Refused(_)), "{bad}");
            assert_eq!(now.borrow().fetch_timeout_secs, 9);
            assert_eq!(reload.look(), Reloaded::Unchanged, "it is said once");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(reload.look(), Reloaded::Taken { .. }));
        assert_eq!(now.borrow().fetch_timeout_secs, 60);
    }
}
