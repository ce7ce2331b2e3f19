//! Composition: builds the handles, binds, starts what runs in the background, and stops all of it
//! in reverse order. The one place that knows every room.

use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fs4::{FileExt, TryLockError};
use recap_mode::{Clock, Entropy, Host, Mode, Stop};
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use crate::app::{self, App};
use crate::config::{self, Config, ConfigError, Environment};
use crate::engines::Engines;
use crate::events::EventHub;
use crate::feed_cache::FeedCache;
use crate::following::Following;
use crate::history::{Library, StoreError, Watching};
use crate::http;
use crate::http::accept::{self, Bounds};
use crate::jobs::Jobs;
use crate::make_recap;
use crate::net::Net;
use crate::pipeline::Keep;
use crate::search::Search;
use crate::secrets::{Secrets, SecretsError};
use crate::turns::Turns;
use crate::videos::Pauses;
use crate::work::checker;
use crate::work::processor::Processor;
use crate::work::reload::{self, Reload};
use crate::work::tidy;

/// How long everything that runs may take to end.
const STOP_TIME: Duration = Duration::from_secs(10);

/// How long to wait for the lock of a daemon that is just ending: a program that it started holds the
/// lock with it for the moment between fork and exec.
const LOCK_TIME: Duration = Duration::from_millis(500);

/// How long to wait before trying it again.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// What a mode is chosen by.
pub struct ModeRequest<'a> {
    /// What is in force.
    pub config: &'a Config,
    /// The data folder.
    pub data: &'a Path,
    /// The variables.
    pub environment: &'a Environment,
    /// Time of day.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
}

/// Chooses the mode, or says in a sentence why it cannot start. `main.rs` has the one that ships.
pub type ChooseMode = fn(&ModeRequest<'_>) -> Result<Arc<dyn Mode>, String>;

/// What a daemon is started from.
pub struct Setup {
    /// The data folder; made where it is missing.
    pub data: PathBuf,
    /// The variables.
    pub environment: Environment,
    /// What the command line said, by setting.
    pub flags: Map<String, Value>,
    /// Which mode.
    pub choose_mode: ChooseMode,
    /// Our own program, where the recogniser of speech was built into it.
    pub whisper_program: Option<PathBuf>,
    /// Time of day.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
}

/// Why a daemon did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another daemon has the folder.
    #[error(
        "Another Recap is serving {0} already. Stop it first, or give this one another folder with --data."
    )]
    AlreadyServed(PathBuf),
    /// The folder.
    #[error("The data folder {path} cannot be used: {cause}.")]
    Folder {
        /// Which.
        path: PathBuf,
        /// The system's own words.
        cause: std::io::Error,
    },
    /// The mode.
    #[error("{0}")]
    Mode(String),
    /// Open to everybody.
    #[error(
        "Listening on {0} would let everybody on the network in: set a password first (`recap set-password`), or say with \
         --behind-proxy that a proxy in front decides who gets in."
    )]
    Exposed(SocketAddr),
    /// The address.
    #[error("Recap cannot listen on {address}: {cause}. Choose another with --listen.")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// The system's own words.
        cause: std::io::Error,
    },
    /// The secrets.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The files.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A running daemon.
pub struct Daemon {
    app: Arc<App>,
    address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
    watching: Option<Watching>,
    _lock: File,
}

impl Daemon {
    /// Starts: from here on the address answers.
    ///
    /// # Errors
    /// Each of [`StartError`]; nothing runs then.
    pub async fn start(setup: Setup) -> Result<Daemon, StartError> {
        let Setup { data, environment, flags, choose_mode, whisper_program, clock, entropy } =
            setup;
        std::fs::create_dir_all(&data)
            .map_err(|cause| StartError::Folder { path: data.clone(), cause })?;
        let lock = lock(&data)?;
        let config = Arc::new(config::load(&data, &environment, &flags)?);
        let mode = choose_mode(&ModeRequest {
            config: &config,
            data: &data,
            environment: &environment,
            clock: clock.clone(),
            entropy: entropy.clone(),
        })
        .map_err(StartError::Mode)?;
        if !config.listen.ip().is_loopback() && !mode.guarded() && !config.behind_proxy {
            return Err(StartError::Exposed(config.listen));
        }
        let library = Library::open(&data, clock.clone(), entropy.clone())?;
        let adopted = library.adopt_root().await?;
        for name in &adopted.moved {
            tracing::info!(file = name, "{name} was moved from the history root into owner/");
        }
        for sentence in &adopted.kept {
            tracing::warn!("{sentence}");
        }
        let net = Net::new();
        let feed_cache =
            Arc::new(FeedCache::open(&data, net.clone(), clock.clone(), entropy.clone()));
        feed_cache.sweep_now();
        let pauses: Arc<Pauses> = Arc::default();
        let sites = (pauses.clone(), app::videos_cache(&data));
        let following =
            Following::new(library.clone(), feed_cache.clone(), net.clone(), clock.clone(), sites);
        let (config_sender, config_now) = watch::channel(config.clone());
        let secrets = Secrets::open(&data, None, entropy.clone())?;
        let engines = Engines::new(
            data.clone(),
            (net.clone(), clock.clone(), entropy.clone()),
            Arc::new(secrets),
            environment.model_keys(),
            whisper_program,
        );
        let app = Arc::new(App {
            data: data.clone(),
            config: config_now,
            mode,
            clock,
            entropy,
            events: EventHub::default(),
            net,
            search: Search::new(library.clone()),
            library,
            jobs: Jobs::default(),
            job_places: Arc::new(Turns::new(config.jobs_max)),
            listening: Arc::new(Turns::new(config.listeners_max)),
            engines,
            pauses,
            keep: Keep::open(&data),
            feed_cache,
            following,
            check_wake: Notify::new(),
            queue_wake: Notify::new(),
            unsettled: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: Stop::new(),
            config_problem: Mutex::default(),
        });
        let host: Arc<dyn Host> = app.clone();
        app.mode.start(host.clone()).await.map_err(|fault| StartError::Mode(fault.to_string()))?;
        // Before the address answers: a job that is just being begun looks like one that never was.
        let for_jobs = app.clone();
        let found = tokio::task::spawn_blocking(move || make_recap::interrupted_now(&for_jobs));
        let (interrupted, begun) = found.await.unwrap_or_else(|error| {
            tracing::error!(%error, "looking for interrupted jobs panicked");
            Default::default()
        });
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|cause| StartError::Listen { address: config.listen, cause })?;
        let address = listener
            .local_addr()
            .map_err(|cause| StartError::Listen { address: config.listen, cause })?;
        // The processor comes in by a door of its own: the same router, no extra rights.
        let own = SocketAddr::from(([127, 0, 0, 1], 0));
        let private = TcpListener::bind(own)
            .await
            .map_err(|cause| StartError::Listen { address: own, cause })?;
        let door =
            private.local_addr().map_err(|cause| StartError::Listen { address: own, cause })?;
        // Before anybody can ask for new ones: what goes on has its place already.
        make_recap::resume_all(&app, interrupted).await;
        let has_proxy = config.behind_proxy || config.trusted_proxy_hops > 0;
        let bounds = Bounds {
            connections_max: config.connections_max,
            per_address_max: (!has_proxy).then_some(config.connections_per_address_max),
            header_time: Duration::from_secs(config.header_timeout_secs),
        };
        let server =
            app.tasks.spawn(accept::serve(listener, http::router(&app), bounds, app.stop.clone()));
        let bounds = Bounds { per_address_max: None, ..bounds };
        app.tasks.spawn(accept::serve(private, http::router(&app), bounds, app.stop.clone()));
        // The address answers; what takes longer comes now.
        let changes = app.library.changes();
        let watching = app.library.watch(Duration::from_secs(config.rescan_secs))?;
        app.tasks.spawn(reload::follow_files(app.clone(), changes));
        let reload = Reload::new(data, environment, flags, config_sender);
        app.tasks.spawn(reload::follow_config(app.clone(), reload));
        let library = app.library.clone();
        app.tasks.spawn_blocking(move || library.settle_now());
        for task in app.mode.clone().tasks(host, app.stop.clone()) {
            tracing::debug!(task = task.name, "a task of the mode starts");
            app.tasks.spawn(task.run);
        }
        http::sweep_imports(&app.data);
        app::sweep_archives(&app.data);
        app.tasks.spawn(tidy::run(app.clone()));
        app.tasks.spawn(checker::run(app.clone()));
        app.tasks.spawn(Processor::new(app.clone(), door, begun).run());
        Ok(Daemon { app, address, server, watching: Some(watching), _lock: lock })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The handles, for the demo and for tests.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Stops: no new requests, running ones end, jobs are put down to go on at the next start.
    pub async fn stop(mut self) {
        self.app.stop.cancel();
        self.app.tasks.close();
        if tokio::time::timeout(STOP_TIME, self.app.tasks.wait()).await.is_err() {
            tracing::warn!("some work was still running when the time to stop was over");
            self.server.abort();
        }
        drop(self.watching.take());
        let library = self.app.library.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || library.keep_heads_now()).await {
            tracing::error!(%error, "keeping the heads of recaps panicked");
        }
    }
}

/// Takes the lock that refuses a second daemon over the same folder.
fn lock(data: &Path) -> Result<File, StartError> {
    let path = data.join("daemon.lock");
    let folder = |cause| StartError::Folder { path: path.clone(), cause };
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(folder)?;
    let deadline = Instant::now() + LOCK_TIME;
    loop {
        match FileExt::try_lock(&file) {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(LOCK_PAUSE)
            }
            Err(TryLockError::WouldBlock) => {
                return Err(StartError::AlreadyServed(data.to_owned()));
            }
            Err(TryLockError::Error(cause)) => return Err(folder(cause)),
        }
    }
}
