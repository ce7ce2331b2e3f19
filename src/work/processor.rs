//! The processor: takes approved items of all scopes in fair turns and asks for their recaps at the
//! front door, as the items' owners. What becomes of a job is decided in `make_recap`.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use recap_mode::{Entitlement, FaultKind, JobId, Scope};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, sleep, timeout};

use crate::app::App;
use crate::domain::auto_queue::{QueueItem, Reason, ReasonCode};
use crate::domain::episode::EpisodeId;
use crate::history::following::ItemOutcome;
use crate::make_recap::{self, Interrupted};
use crate::net::is_near;

/// How often the queues are looked at where no event tells: one `stat` a scope.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long our own front door may take to say 202.
const DOOR_TIME: Duration = Duration::from_secs(30);

/// Most bytes of the door's answer that are read: a fault's sentence.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Items of one scope that may listen, or wait to, beside the one that is made: each has its sound on the
/// disk, and the recogniser hears one at a time.
const LISTENING_MAX: usize = 2;

/// What one step did.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// An item was started.
    Started(Scope, JobId),
    /// An item was taken up and could not be started; its queue says why.
    Refused(Scope),
    /// Nothing can be taken up before a time, as far as is known.
    Nothing(Option<DateTime<Utc>>),
}

/// Takes items up.
pub struct Processor {
    app: Arc<App>,
    /// The daemon's own front door, on loopback.
    door: SocketAddr,
    /// What was begun for items before the daemon went away.
    begun: Mutex<Vec<Interrupted>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whose turn was last: the next one goes on behind it.
    last: Option<Scope>,
    /// By scope: the items that are being made, with their jobs.
    running: HashMap<Scope, Vec<Running>>,
    /// When an item of each outside host was last taken up.
    hosts: HashMap<String, Instant>,
}

#[derive(Clone)]
struct Running {
    item: EpisodeId,
    job: JobId,
    /// Whether its sound is heard, or waits for the recogniser.
    listens: bool,
}

impl State {
    /// Items that are being made and do not listen.
    fn busy(&self) -> usize {
        self.running.values().flatten().filter(|one| !one.listens).count()
    }

    /// Whether a scope may have another item made: one at a time, and beside it what listens.
    fn has_room(&self, scope: &Scope) -> bool {
        self.running
            .get(scope)
            .is_none_or(|all| all.len() < LISTENING_MAX + 1 && all.iter().all(|one| one.listens))
    }

    fn end(&mut self, scope: &Scope, job: &JobId) {
        if let Some(all) = self.running.get_mut(scope) {
            all.retain(|one| one.job != *job);
            if all.is_empty() {
                self.running.remove(scope);
            }
        }
    }

    fn set_listens(&mut self, scope: &Scope, job: &JobId, listens: bool) {
        let mut all = self.running.get_mut(scope).into_iter().flatten();
        if let Some(one) = all.find(|one| one.job == *job) {
            one.listens = listens;
        }
    }
}

impl Processor {
    /// A processor that knocks at `door`.
    pub fn new(app: Arc<App>, door: SocketAddr, begun: Vec<Interrupted>) -> Arc<Processor> {
        Arc::new(Processor { app, door, begun: Mutex::new(begun), state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until the daemon stops.
    pub async fn run(self: Arc<Processor>) {
        let app = self.app.clone();
        self.settle_all().await;
        let begun = std::mem::take(&mut *self.begun.lock().unwrap_or_else(PoisonError::into_inner));
        let swept = app.clone();
        let sweep = tokio::task::spawn_blocking(move || make_recap::sweep_now(&swept, begun));
        if let Err(error) = sweep.await {
            tracing::error!(%error, "removing what no item wants panicked");
        }
        loop {
            self.settle_left().await;
            let step = if self.state().busy() < app.config_now().queue_workers {
                self.process_next().await
            } else {
                Step::Nothing(None)
            };
            let wait = match step {
                Step::Started(..) | Step::Refused(_) => continue,
                Step::Nothing(next) => self.wait_until(next),
            };
            tokio::select! {
                () = app.stop.cancelled() => return,
                () = sleep(wait) => {}
                () = app.queue_wake.notified() => self.stop_unwanted().await,
            }
        }
    }

    /// Stops what a person's hand took out of the queue, or over, while it was being made.
    async fn stop_unwanted(&self) {
        let running = self.state().running.clone();
        let running = running
            .into_iter()
            .flat_map(|(scope, all)| all.into_iter().map(move |one| (scope.clone(), one)));
        for (scope, Running { item: id, job, .. }) in running {
            let (library, whose, name) = (self.app.library.clone(), scope.clone(), job.clone());
            let wanted =
                tokio::task::spawn_blocking(move || library.wants_job_now(&whose, &id, &name))
                    .await;
            if matches!(wanted, Ok(false)) && self.app.jobs.is_open(&scope, &job) {
                tracing::info!(%scope, %job, "an item is not wanted any more, and its job is stopped");
                self.app.jobs.cancel(&scope, &job);
            }
        }
    }

    /// Brings every queue in line with what runs and what is in the library.
    async fn settle_all(&self) {
        let library = self.app.library.clone();
        let scopes = tokio::task::spawn_blocking(move || library.queue_scopes_now()).await;
        for scope in scopes.unwrap_or_default() {
            self.settle(&scope).await;
        }
    }

    /// Brings the queues in line in which an end could not be written: the disk was full, say.
    async fn settle_left(&self) {
        let left = || self.app.unsettled.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out first: another end may fail to be written meanwhile.
        let scopes = std::mem::take(&mut *left());
        for scope in scopes {
            if !self.settle(&scope).await {
                left().insert(scope);
            }
        }
    }

    async fn settle(&self, scope: &Scope) -> bool {
        let defaults = self.app.defaults();
        let outcome = self.app.library.settle_queue(scope, defaults, self.runs(scope)).await;
        if let Err(error) = &outcome {
            tracing::warn!(%scope, %error, "a queue could not be looked through; the others go on");
        }
        outcome.is_ok()
    }

    fn runs(&self, scope: &Scope) -> impl Fn(&JobId) -> bool + Send + use<> {
        let (app, scope) = (self.app.clone(), scope.clone());
        move |job| app.jobs.runs(&scope, job)
    }

    fn wait_until(&self, next: Option<DateTime<Utc>>) -> Duration {
        let until = next.and_then(|at| (at - self.app.clock.now()).to_std().ok());
        // Not at once again where something is ready that cannot be had: that would spin.
        let shortest = Duration::from_millis(200);
        until.unwrap_or(LOOK_EVERY).clamp(shortest, LOOK_EVERY)
    }

    /// Takes up the next item: round robin over the scopes that have one ready, at most one a scope at
    /// a time beside those that listen, and none of a host that was asked just now.
    pub async fn process_next(self: &Arc<Processor>) -> Step {
        let app = &self.app;
        if app.stop.is_cancelled() {
            return Step::Nothing(None);
        }
        let library = app.library.clone();
        let looked = tokio::task::spawn_blocking(move || library.ready_scopes_now()).await;
        let Ok((mut ready, next)) = looked else { return Step::Nothing(None) };
        ready.sort();
        if let Some(last) = self.state().last.clone() {
            let behind = ready.partition_point(|scope| *scope <= last);
            ready.rotate_left(behind);
        }
        for scope in ready {
            if !self.state().has_room(&scope) {
                continue;
            }
            // Its queue rests, and goes on by itself when it may follow again.
            if self.app.mode.entitled(&scope, Entitlement::Subscriptions).await.is_err() {
                continue;
            }
            match self.take_one(&scope).await {
                Ok(Some((item, job))) => {
                    self.state().last = Some(scope.clone());
                    return self.start(scope, item, job).await;
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%scope, %error, "a queue could not be used; the others go on");
                }
            }
        }
        Step::Nothing(next)
    }

    async fn take_one(
        self: &Arc<Processor>,
        scope: &Scope,
    ) -> Result<Option<(QueueItem, JobId)>, crate::history::FollowError> {
        let app = &self.app;
        let starting = app.jobs.starting(scope);
        let pause = Duration::from_secs(app.config_now().queue_pause_secs);
        let busy: HashSet<String> = {
            let mut state = self.state();
            state.hosts.retain(|_, at| at.elapsed() < pause);
            state.hosts.keys().cloned().collect()
        };
        let fits = move |item: &QueueItem| host_of(item).is_none_or(|host| !busy.contains(&host));
        let job = make_recap::new_id(app);
        // While an item is being taken up, what this scope has `processing` counts as running only for
        // others who look; this look itself must see what is left from a daemon that went away.
        let runs = {
            let (app, scope) = (app.clone(), scope.clone());
            move |job: &JobId| app.jobs.is_open(&scope, job)
        };
        let taken = app.library.take_up(scope, job, app.defaults(), runs, fits).await?;
        let Some(item) = taken else { return Ok(None) };
        let Some(job) = item.job.clone() else { return Ok(None) };
        // Held until the job itself is known: `start` opens it before this is dropped.
        let outcome = self.knock(scope, &item, &job).await;
        drop(starting);
        app.events.publish(scope, "queue_changed", json!({"id": item.id}));
        if let Some(host) = host_of(&item) {
            self.state().hosts.insert(host, Instant::now());
        }
        match outcome {
            Ok(()) => Ok(Some((item, job))),
            Err(outcome) => {
                // A daemon that stops shuts its own door: that is no failure, and waits for nothing.
                let outcome =
                    if app.stop.is_cancelled() { ItemOutcome::Interrupted } else { outcome };
                app.library.end_item(scope, &item.id, &job, outcome).await?;
                app.events.publish(scope, "queue_changed", json!({"id": item.id}));
                Ok(None)
            }
        }
    }

    /// Follows a job that was started until it ends, beside the others.
    async fn start(self: &Arc<Processor>, scope: Scope, item: QueueItem, job: JobId) -> Step {
        let app = &self.app;
        let Some(mut follow) = app.jobs.follow(&scope, &job) else { return Step::Refused(scope) };
        tracing::info!(%scope, %job, episode = %item.id, "an item of the queue is being made");
        let running = Running { item: item.id.clone(), job: job.clone(), listens: false };
        self.state().running.entry(scope.clone()).or_default().push(running);
        // A hand may have taken it out while the door was opening, when nobody could be told.
        self.stop_unwanted().await;
        let (processor, whose, name) = (self.clone(), scope.clone(), job.clone());
        app.tasks.spawn(async move {
            // It ends by itself: every stage has a deadline. At a stop the job is put down.
            let mut listens = false;
            let ended = async {
                loop {
                    let moved = follow
                        .wait_for(|view| view.stage.is_final() || view.listens != listens)
                        .await;
                    match moved.as_deref().map(|view| (view.stage.is_final(), view.listens)) {
                        Ok((false, now)) => listens = now,
                        Ok((true, _)) | Err(_) => return,
                    }
                    processor.state().set_listens(&whose, &name, listens);
                    processor.app.queue_wake.notify_one();
                }
            };
            tokio::select! {
                () = ended => {}
                () = processor.app.stop.cancelled() => {}
            }
            processor.state().end(&whose, &name);
            processor.app.queue_wake.notify_one();
        });
        Step::Started(scope, job)
    }

    /// Asks for an item's recap at the front door, as its owner.
    async fn knock(&self, scope: &Scope, item: &QueueItem, job: &JobId) -> Result<(), ItemOutcome> {
        let pass = match self.app.mode.pass_for(scope).await {
            Ok(pass) => pass,
            // Nobody is there yet: a service whose admin has never signed in.
            Err(fault) if fault.kind == FaultKind::Busy => {
                let until = self.app.clock.now() + chrono::TimeDelta::minutes(1);
                let reason = Reason { code: ReasonCode::TryAgain, message: fault.to_string() };
                return Err(ItemOutcome::Waits { reason, until, job: job.clone() });
            }
            Err(fault) => {
                let message = format!("Recap could not act for the owner of this queue: {fault}");
                return Err(ItemOutcome::Failed(Reason { code: ReasonCode::NotEntitled, message }));
            }
        };
        let answer = timeout(DOOR_TIME, self.post(pass.cookie(), item)).await;
        // The pass has done its work, whatever came of it.
        drop(pass);
        let (status, body) = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                return Err(self.may_pass(&format!("Recap's own door did not open: {error}.")));
            }
            Err(_) => return Err(self.may_pass("Recap's own door did not answer in time.")),
        };
        if status == 202 {
            return Ok(());
        }
        let said = body["error"]["message"].as_str().unwrap_or("no reason was given").to_owned();
        let kind = body["error"]["kind"].as_str().unwrap_or_default();
        let until = self.app.clock.now() + chrono::TimeDelta::hours(1);
        let waits = |code| ItemOutcome::Waits {
            reason: Reason { code, message: said.clone() },
            until,
            job: job.clone(),
        };
        Err(if kind == FaultKind::NoCredits.word() {
            waits(ReasonCode::Credits)
        } else if kind == FaultKind::NotEntitled.word() {
            waits(ReasonCode::NotEntitled)
        } else if [FaultKind::Busy, FaultKind::TooMany, FaultKind::StorageFull, FaultKind::Conflict]
            .iter()
            .any(|passes| passes.word() == kind)
        {
            // Not the item's fault, and no try of it.
            let until = self.app.clock.now() + chrono::TimeDelta::minutes(1);
            let reason = Reason { code: ReasonCode::TryAgain, message: said };
            ItemOutcome::Waits { reason, until, job: job.clone() }
        } else {
            ItemOutcome::Failed(Reason { code: ReasonCode::Failed, message: said })
        })
    }

    fn may_pass(&self, why: &str) -> ItemOutcome {
        let reason = Reason { code: ReasonCode::TryAgain, message: why.to_owned() };
        ItemOutcome::MayPass { reason, next_job: make_recap::new_id(&self.app) }
    }

    async fn post(
        &self,
        cookie: Option<&str>,
        item: &QueueItem,
    ) -> Result<(u16, Value), Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(self.door).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = self.app.tasks.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to our own door ended early");
            }
        });
        let mut request = hyper::Request::post("/api/process")
            .header(hyper::header::HOST, self.door.to_string())
            .header(hyper::header::CONTENT_TYPE, "application/json");
        if let Some(cookie) = cookie {
            request = request.header(hyper::header::COOKIE, cookie);
        }
        let body = json!({"queue_item": item.id}).to_string();
        let answer = sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
        let status = answer.status().as_u16();
        let limited = http_body_util::Limited::new(answer.into_body(), ANSWER_BYTES_MAX);
        let bytes = limited.collect().await?.to_bytes();
        drop(sender);
        connection.abort();
        Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
    }
}

/// The outside host that making an item asks.
fn host_of(item: &QueueItem) -> Option<String> {
    let url = item.feed_url.as_ref().filter(|url| !is_near(url))?;
    url.host_str().map(|host| format!("{host}:{}", url.port_or_known_default().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_outside_hosts_are_spared() {
        let check = |feed: &str, want: Option<&str>| {
            let text = format!(r#"{{"id": "pod:1", "feed_url": {feed}}}"#);
            let item: QueueItem = serde_json::from_str(&text).unwrap();
            assert_eq!(host_of(&item).as_deref(), want, "{feed}");
        };
        check("\"https://e.example/feed\"", Some("e.example:443"));
        check("\"http://e.example:8080/feed\"", Some("e.example:8080"));
        check("\"http://127.0.0.1:8080/feed\"", None);
        check("\"http://192.168.1.7/feed\"", None);
        check("null", None);
    }
}
