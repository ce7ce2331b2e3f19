//! What handlers and background work share: the handles of every room, and nothing of its own.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use recap_mode::{Clock, Entitlement, Entropy, Fault, Host, Mode, Scope, Stop};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::events::EventHub;
use crate::history::Library;
use crate::jobs::Jobs;
use crate::net::Net;
use crate::pipeline::{Tools, TrustRule};
use crate::search::Search;

/// The handles.
pub struct App {
    /// The data folder.
    pub data: PathBuf,
    /// What is in force; changes while the daemon runs.
    pub config: watch::Receiver<Arc<Config>>,
    /// Who is asking, may they, what does it cost.
    pub mode: Arc<dyn Mode>,
    /// Time of day.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// The recaps.
    pub library: Arc<Library>,
    /// Who hears what happens.
    pub events: EventHub,
    /// The way out.
    pub net: Arc<Net>,
    /// Words to recaps.
    pub search: Search,
    /// What runs or ran.
    pub jobs: Jobs,
    /// Places for running jobs.
    pub job_places: Semaphore,
    /// Everything that was started and must end before the process does.
    pub tasks: TaskTracker,
    /// Cancelled when the daemon stops.
    pub stop: Stop,
    /// Why the configuration file as it is now is not in force.
    pub config_problem: Mutex<Option<String>>,
}

impl App {
    /// What is in force now.
    pub fn config_now(&self) -> Arc<Config> {
        self.config.borrow().clone()
    }

    /// Why the configuration file is not in force, if it is not.
    pub fn config_problem_now(&self) -> Option<String> {
        self.config_problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the pipeline needs to work for a scope.
    pub async fn tools(&self, scope: &Scope) -> Tools {
        let config = self.config_now();
        let trust = match self.mode.entitled(scope, Entitlement::PrivateAddresses).await {
            Ok(()) if config.allow_private_addresses => TrustRule::Any,
            Ok(()) => TrustRule::Typed,
            Err(_) => TrustRule::Public,
        };
        Tools {
            net: self.net.clone(),
            clock: self.clock.clone(),
            trust,
            fetch_timeout: config.fetch_timeout(),
        }
    }
}

#[async_trait]
impl Host for App {
    async fn adopt(&self, from: &Scope, to: &Scope) -> Result<(), Fault> {
        self.library.adopt(from, to).await?;
        self.search.forget(from);
        self.search.forget(to);
        Ok(())
    }

    async fn erase(&self, scope: &Scope) -> Result<(), Fault> {
        self.library.erase(scope).await?;
        self.search.forget(scope);
        Ok(())
    }

    fn publish(&self, scope: &Scope, event: &str, data: Value) {
        self.events.publish(scope, event, data);
    }
}
