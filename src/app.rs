//! What handlers and background work share: the handles of every room, and nothing of its own.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use recap_mode::{Clock, Entitlement, Entropy, Fault, FaultKind, Host, JobId, Mode, Scope, Stop};
use serde_json::Value;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::domain::auto_queue::ReasonCode;
use crate::domain::scope_settings::ScopeSettings;
use crate::engines::{Chosen, Engines};
use crate::events::EventHub;
use crate::feed_cache::{FeedCache, Limits};
use crate::following::{Bases, Follower, Following, Rules};
use crate::history::Library;
use crate::history::following::Defaults;
use crate::jobs::Jobs;
use crate::models::RelayUser;
use crate::net::{Net, TrustRule};
use crate::pipeline::{Keep, Meter, Places, SoundLimits, Tools, Wish};
use crate::search::Search;
use crate::turns::Turns;
use crate::videos::{Pauses, Programs, Videos};

/// How long the jobs of a scope that goes may take to end: cancelled ones take milliseconds.
const JOBS_END_TIME: Duration = Duration::from_secs(5);

/// How often is looked whether they have.
const JOBS_END_PAUSE: Duration = Duration::from_millis(20);

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
    pub job_places: Arc<Turns>,
    /// Places for turning sound into words.
    pub listening: Arc<Turns>,
    /// Model servers and recognisers.
    pub engines: Engines,
    /// Which video sites want to be left alone.
    pub pauses: Arc<Pauses>,
    /// What was heard and answered before.
    pub keep: Keep,
    /// Feeds as they were last fetched.
    pub feed_cache: Arc<FeedCache>,
    /// Following shows.
    pub following: Following,
    /// Wakes the checker: somebody follows something new.
    pub check_wake: Notify,
    /// Wakes the processor: something in a queue has changed.
    pub queue_wake: Notify,
    /// Scopes in whose queue it could not be written how an item ended; the processor brings them in line.
    pub unsettled: Mutex<HashSet<Scope>>,
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

    /// What a scope's recaps are made with, and by which choices.
    ///
    /// # Errors
    /// The scope's files.
    pub async fn chosen(
        &self,
        scope: &Scope,
        job: Option<&JobId>,
    ) -> Result<(ScopeSettings, Chosen), Fault> {
        let settings = self.library.settings(scope).await?;
        let user = match self.mode.relay_user(scope).await {
            Some(user) => {
                let user = user
                    .parse()
                    .map_err(|error| Fault::internal("naming a relay's user", error))?;
                Some(RelayUser { user, job: job.and_then(|job| job.to_string().parse().ok()) })
            }
            None => None,
        };
        let trust = self.trust(scope).await;
        let config = self.config_now();
        let chosen = self.engines.choose(&config, scope, &settings, trust, user.as_ref());
        Ok((settings, chosen))
    }

    /// What the pipeline needs to work for a scope.
    pub async fn tools(
        &self,
        scope: &Scope,
        settings: &ScopeSettings,
        chosen: &Chosen,
        places: Places,
        meter: Arc<Meter>,
    ) -> Tools {
        let config = self.config_now();
        let trust = self.trust(scope).await;
        let parts = Parts {
            net: self.net.clone(),
            clock: self.clock.clone(),
            feeds: self.feed_cache.clone(),
            pauses: self.pauses.clone(),
            keep: self.keep.clone(),
            meter,
            data: &self.data,
        };
        tools_of(&config, parts, scope, settings, chosen, trust, places)
    }

    /// Asks video sites.
    pub fn videos(&self) -> Videos {
        let (net, clock, pauses) = (self.net.clone(), self.clock.clone(), self.pauses.clone());
        videos_of(&self.config_now(), net, clock, pauses, &self.data)
    }

    /// What a scope may reach.
    pub async fn trust(&self, scope: &Scope) -> TrustRule {
        let may = self.mode.entitled(scope, Entitlement::PrivateAddresses).await.is_ok();
        trust_of(&self.config_now(), may)
    }

    /// A scope as a follower.
    pub async fn follower(&self, scope: &Scope) -> Follower {
        // What cannot be found out is nobody's licence for more than a person ever needs.
        let most = match self.mode.allowance(scope).await {
            Ok(allowance) => usize::try_from(allowance.open_queue_items_max).unwrap_or(usize::MAX),
            Err(error) => {
                tracing::warn!(%scope, %error, "what a scope may have could not be found out");
                0
            }
        };
        Follower { scope: scope.clone(), trust: self.trust(scope).await, open_items_max: most }
    }

    /// Lets what waits for a cap of costs be looked at again: a cap or a model may be another now.
    pub async fn release_capped(&self, scope: &Scope) {
        if let Err(error) = self.library.release(scope, ReasonCode::CostCap).await {
            tracing::warn!(%scope, %error, "what waits for a cap waits on, since its queue cannot be used");
        }
        self.queue_wake.notify_one();
    }

    /// What the settings say about following.
    pub fn rules(&self) -> Rules {
        rules_of(&self.config_now())
    }

    /// What subscriptions do that do not say otherwise.
    pub fn defaults(&self) -> Defaults {
        self.rules().defaults
    }
}

/// Time for fetching one file of sound: 200 MB over a slow line take an hour.
const SOUND_TIME: Duration = Duration::from_secs(4 * 3_600);

/// Archives that are packed at a time.
static ARCHIVES: Semaphore = Semaphore::const_new(2);

/// Where archives are while they are fetched.
fn archives(data: &Path) -> PathBuf {
    data.join("cache").join("archives")
}

/// Removes archives that a killed process left: each is everything that somebody has.
pub fn sweep_archives(data: &Path) {
    match std::fs::remove_dir_all(archives(data)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, "archives that a killed process left could not be removed");
        }
        _ => {}
    }
}

#[async_trait]
impl Host for App {
    async fn adopt(&self, from: &Scope, to: &Scope) -> Result<(), Fault> {
        // What is being made would be saved where nobody looks any more.
        let work = self.data.join("work").join(from.folder());
        let is_begun = std::fs::read_dir(work).is_ok_and(|mut jobs| jobs.next().is_some());
        if is_begun || self.jobs.has_open(from) {
            return Err(Fault::new(
                FaultKind::Busy,
                "A recap of that library is being made just now.",
            )
            .hint("It is moved when that is done."));
        }
        self.library.adopt(from, to).await?;
        // Of a visitor nothing stays behind but what would be lost: their lists have namesakes there.
        if from.as_str().starts_with("anon/") && !self.library.has_recaps_now(from)? {
            self.library.erase(from).await?;
        }
        self.search.forget(from);
        self.search.forget(to);
        Ok(())
    }

    async fn erase(&self, scope: &Scope) -> Result<(), Fault> {
        self.jobs.cancel_all(scope);
        // A recap that is just being written cannot be cancelled, and would bring the folder back.
        let deadline = tokio::time::Instant::now() + JOBS_END_TIME;
        while self.jobs.has_open(scope) {
            if tokio::time::Instant::now() >= deadline {
                return Err(Fault::new(
                    FaultKind::Busy,
                    "A recap of that library is being made just now.",
                )
                .hint("It is removed when that is done."));
            }
            tokio::time::sleep(JOBS_END_PAUSE).await;
        }
        self.library.erase(scope).await?;
        match std::fs::remove_dir_all(self.data.join("work").join(scope.folder())) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Fault::internal("removing what was begun", error));
            }
            _ => {}
        }
        let gone = |what| move |cause| Fault::internal(what, cause);
        self.keep.forget_now(scope.as_str()).map_err(gone("removing what was kept"))?;
        match std::fs::remove_dir_all(self.data.join("cookies").join(scope.folder())) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Fault::internal("removing cookies", error));
            }
            _ => {}
        }
        self.engines.forget(scope)?;
        self.search.forget(scope);
        Ok(())
    }

    async fn archive(&self, scope: &Scope, more: Vec<(String, Vec<u8>)>) -> Result<PathBuf, Fault> {
        // Each takes the disk and a while; whoever waits for a third is told, and can ask again.
        let Ok(_place) = ARCHIVES.try_acquire() else {
            return Err(Fault::new(FaultKind::TooMany, "Two archives are being packed already.")
                .hint("Try again when one is done."));
        };
        let (library, scope, data) = (self.library.clone(), scope.clone(), self.data.clone());
        let mut random = [0; 8];
        self.entropy.fill(&mut random);
        let name: String = base16ct::lower::encode_string(&random);
        let made = tokio::task::spawn_blocking(move || {
            let folder = archives(&data);
            std::fs::create_dir_all(&folder)?;
            let path = folder.join(format!("{name}.tar"));
            library.archive_now(&scope, &more, &path).inspect_err(|_| {
                // Half an archive is none; what cannot be removed goes at the next start.
                let _ = std::fs::remove_file(&path);
            })?;
            Ok::<_, std::io::Error>(path)
        });
        let made = made.await.map_err(|error| Fault::internal("packing an archive", error))?;
        made.map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull => {
                Fault::new(FaultKind::StorageFull, "The disk is full; nothing was packed.")
            }
            _ => Fault::internal("packing an archive", error),
        })
    }

    async fn call(
        &self,
        request: recap_mode::http::Request<Vec<u8>>,
    ) -> Result<recap_mode::http::Response<Vec<u8>>, Fault> {
        Ok(self.net.call(request).await?)
    }

    fn publish(&self, scope: &Scope, event: &str, data: Value) {
        self.events.publish(scope, event, data);
    }
}

/// Handles of which the pipeline's tools are made.
pub struct Parts<'a> {
    /// The way out.
    pub net: Arc<Net>,
    /// Time of day.
    pub clock: Arc<dyn Clock>,
    /// Feeds as they were last fetched.
    pub feeds: Arc<FeedCache>,
    /// Which video sites want to be left alone.
    pub pauses: Arc<Pauses>,
    /// What was heard and answered before.
    pub keep: Keep,
    /// Counts what models are asked.
    pub meter: Arc<Meter>,
    /// The data folder.
    pub data: &'a Path,
}

/// What the pipeline needs to work for a scope, by what is set.
pub fn tools_of(
    config: &Config,
    parts: Parts<'_>,
    scope: &Scope,
    settings: &ScopeSettings,
    chosen: &Chosen,
    trust: TrustRule,
    places: Places,
) -> Tools {
    let Parts { net, clock, feeds, pauses, keep, meter, data } = parts;
    Tools {
        videos: videos_of(config, net.clone(), clock.clone(), pauses, data),
        cookies: cookies_of(data, scope),
        recognisers: chosen.recognisers.clone(),
        models: chosen.models.clone(),
        prices: chosen.prices.clone(),
        wish: Wish {
            sources: settings.sources(),
            spoken: None,
            caption_translation: settings.caption_translation.clone(),
            cookies: settings.cookies,
            granularity: settings.granularity,
            length: settings.length,
            language: settings.language.clone(),
            rules: settings.rules.clone(),
        },
        sound: SoundLimits {
            bytes_max: config.sound_mib_max * 1024 * 1024,
            hours_max: config.sound_hours_max,
            deadline: SOUND_TIME,
            ffmpeg: config.ffmpeg.clone(),
        },
        keep,
        meter,
        scope: scope.as_str().to_owned(),
        has_own_engines: chosen.has_own,
        places,
        net,
        clock,
        feeds,
        trust,
        fetch_timeout: config.fetch_timeout(),
        stage_timeout: config.stage_timeout(),
        feed_limits: limits_of(config),
    }
}

/// Asks video sites, by what is set.
pub fn videos_of(
    config: &Config,
    net: Arc<Net>,
    clock: Arc<dyn Clock>,
    pauses: Arc<Pauses>,
    data: &Path,
) -> Videos {
    Videos::new(net, clock, pauses, programs_of(config), videos_cache(data))
}

fn programs_of(config: &Config) -> Programs {
    Programs {
        yt_dlp: config.yt_dlp.clone(),
        js_runtime: config.js_runtime.clone(),
        pot_url: config.youtube_pot_url.clone(),
    }
}

/// Where yt-dlp keeps what it learned of players.
pub fn videos_cache(data: &Path) -> PathBuf {
    data.join("cache").join("yt-dlp")
}

/// Where a scope's cookies for video sites lie.
pub fn cookies_path(data: &Path, scope: &Scope) -> PathBuf {
    data.join("cookies").join(scope.folder()).join("cookies.txt")
}

fn cookies_of(data: &Path, scope: &Scope) -> Option<PathBuf> {
    Some(cookies_path(data, scope)).filter(|path| path.is_file())
}

/// What the settings say about following.
pub fn rules_of(config: &Config) -> Rules {
    Rules {
        bases: Bases { youtube: config.youtube_url.clone(), apple: config.apple_url.clone() },
        limits: limits_of(config),
        fetches_max: config.fetches_max,
        fetches_per_host_max: config.fetches_per_host_max,
        defaults: Defaults {
            newest_at_first: config.newest_at_first,
            auto_approve_per_day_max: config.auto_approve_per_day_max,
        },
        programs: programs_of(config),
    }
}

/// The bounds of one feed's check.
pub fn limits_of(config: &Config) -> Limits {
    Limits {
        bytes_max: config.feed_mib_max * 1024 * 1024,
        deadline: config.fetch_timeout(),
        period: Duration::from_secs(config.check_every_minutes * 60),
    }
}

/// What a scope may reach that may, or may not, reach private addresses.
pub fn trust_of(config: &Config, may_private: bool) -> TrustRule {
    match (may_private, config.allow_private_addresses) {
        (true, true) => TrustRule::Any,
        (true, false) => TrustRule::Typed,
        (false, _) => TrustRule::Public,
    }
}
