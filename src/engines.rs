//! Which model servers and recognisers there are, which of them a scope uses, and by which keys. What
//! is known of a server (its breaker, its window, what it refuses) lasts as long as its settings do.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use recap_mode::{Clock, Entropy, Fault, FaultKind, Scope};
use serde::Serialize;
use serde_json::Value;

use crate::audio::pieces::PIECE_MS_MAX;
use crate::config::Config;
use crate::domain::scope_settings::ScopeSettings;
use crate::domain::spending::{Expected, Spending, amount};
use crate::models::speech::{Known, Piece, Recogniser, SAMPLE_RATE};
use crate::models::text::TextModel;
use crate::models::weights;
use crate::models::whisper::{SLOWNESS_MAX, Setup, Whisper};
use crate::models::{Instance, Key, Kind, Price, RelayUser, Server, Usage, Way};
use crate::net::{Net, Trust, TrustRule};
use crate::secrets::Secrets;

/// The name of the recogniser on this machine.
pub const WHISPER: &str = "whisper";

/// Servers that are remembered; those of scopes come and go.
const REMEMBERED_MAX: usize = 1_000;

/// The engines of all scopes.
pub struct Engines {
    data: PathBuf,
    net: Arc<Net>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    secrets: Arc<Secrets>,
    keys_of_variables: BTreeMap<String, String>,
    /// Our own program, if the recogniser was built into it.
    whisper_program: Option<PathBuf>,
    /// By the hash of all that a server is made of.
    servers: Mutex<HashMap<[u8; 32], Server>>,
}

/// What a scope's recaps are made with.
pub struct Chosen {
    /// Who turns sound into words, in the order in which they are tried.
    pub recognisers: Vec<Arc<dyn Recogniser>>,
    /// Who writes outlines, in the order in which they are tried; without any, the built-in one is made.
    pub models: Vec<Arc<dyn TextModel>>,
    /// Whether one of them is the scope's own and no other's.
    pub has_own: bool,
    /// What each costs, by name.
    pub prices: BTreeMap<String, (Price, String)>,
    /// What is chosen and cannot be used, as sentences.
    pub problems: Vec<String>,
}

impl Chosen {
    /// What a usage costs, in millionths of the currency's unit.
    pub fn cost_micros(&self, name: &str, usage: &Usage) -> u64 {
        self.prices.get(name).map_or(0, |(price, _)| price.of(usage))
    }

    /// Whether any of them costs anything.
    pub fn costs(&self) -> bool {
        self.prices.values().any(|(price, _)| *price != Price::default())
    }
}

/// One engine as it is listed; without its key.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct EngineView {
    /// By which it is chosen.
    pub name: String,
    /// What it speaks.
    pub kind: String,
    /// The model.
    pub model: String,
    /// Where it is.
    pub base_url: Option<String>,
    /// Whether it turns sound into words.
    pub hears: bool,
    /// Whether it writes outlines.
    pub writes: bool,
    /// Whether it is the library's own.
    pub is_own: bool,
    /// Whether a key is kept for it.
    pub has_key: bool,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// What a recap will probably take.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Estimate {
    /// Length of the episode.
    pub minutes: u64,
    /// Who would hear it, where it must be heard.
    pub transcriber: Option<String>,
    /// Who would write the outline; `None` is the built-in outliner, which takes nothing.
    pub model: Option<String>,
    /// Tokens of that model.
    pub tokens: Option<Expected>,
    /// What it costs, such as `0.0123`.
    pub cost: String,
    /// In which currency, where anything costs.
    pub currency: Option<String>,
}

/// For what an engine is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Hear,
    Write,
}

impl Engines {
    /// `whisper_program` is our own program, where the recogniser was built into it.
    pub fn new(
        data: PathBuf,
        way: (Arc<Net>, Arc<dyn Clock>, Arc<dyn Entropy>),
        secrets: Arc<Secrets>,
        keys_of_variables: BTreeMap<String, String>,
        whisper_program: Option<PathBuf>,
    ) -> Engines {
        let (net, clock, entropy) = way;
        let servers = Mutex::default();
        Engines { data, net, clock, entropy, secrets, keys_of_variables, whisper_program, servers }
    }

    /// What a scope's recaps are made with, where `own_trust` is what its own servers may reach and
    /// `user` in whose name a relay is asked.
    pub fn choose(
        &self,
        config: &Config,
        scope: &Scope,
        settings: &ScopeSettings,
        own_trust: TrustRule,
        user: Option<&RelayUser>,
    ) -> Chosen {
        let mut chosen = Chosen {
            recognisers: Vec::new(),
            models: Vec::new(),
            has_own: false,
            prices: BTreeMap::new(),
            problems: Vec::new(),
        };
        let by_default = || match self.whisper(config) {
            Ok(_) => vec![WHISPER.to_owned()],
            Err(_) => Vec::new(),
        };
        let hear = settings.transcribers.clone().or_else(|| config.transcribers.clone());
        for name in hear.unwrap_or_else(by_default) {
            if name == WHISPER {
                match self.whisper(config) {
                    Ok(whisper) => chosen.recognisers.push(Arc::new(whisper)),
                    Err(problem) => chosen.problems.push(problem),
                }
                continue;
            }
            match self.server(config, scope, settings, &name, own_trust, user, Use::Hear) {
                Ok((server, is_own)) => match server.recogniser() {
                    Ok(recogniser) => {
                        chosen.recognisers.push(recogniser);
                        chosen.note(&server, is_own);
                    }
                    Err(problem) => chosen.problems.push(problem),
                },
                Err(problem) => chosen.problems.push(problem),
            }
        }
        let write = settings.models.clone().or_else(|| config.outline_models.clone());
        for name in write.unwrap_or_default() {
            match self.server(config, scope, settings, &name, own_trust, user, Use::Write) {
                Ok((server, is_own)) => {
                    chosen.models.push(server.text_model());
                    chosen.note(&server, is_own);
                }
                Err(problem) => chosen.problems.push(problem),
            }
        }
        chosen
    }

    /// The recogniser on this machine.
    fn whisper(&self, config: &Config) -> Result<Whisper, String> {
        let Some(program) = self.whisper_program.clone() else {
            return Err(
                "This Recap was built without the recogniser `whisper`. Build it with: cargo build --release --features whisper"
                    .to_owned(),
            );
        };
        let weights = match &config.whisper_model {
            Some(name) => self.data.join("models").join(name),
            None => {
                // The largest hears best, and whoever fetched it wanted it.
                let installed =
                    weights::installed(&self.data).map_err(|error| error.to_string())?;
                let sound = installed.into_iter().filter(|one| one.weights.is_ok());
                let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |meta| meta.len());
                let largest = sound.max_by_key(|one| size(&one.path));
                largest.map(|one| one.path).ok_or_else(|| {
                    "The recogniser `whisper` has no weights. Fetch some with: recap models get base".to_owned()
                })?
            }
        };
        Whisper::new(Setup {
            name: WHISPER.to_owned(),
            program,
            weights,
            threads: config.whisper_threads.unwrap_or(0),
            piece_ms_max: PIECE_MS_MAX,
            slowness_max: SLOWNESS_MAX,
        })
        .map_err(|error| error.to_string())
    }

    #[expect(clippy::too_many_arguments, reason = "each is a different thing that decides")]
    fn server(
        &self,
        config: &Config,
        scope: &Scope,
        settings: &ScopeSettings,
        name: &str,
        own_trust: TrustRule,
        user: Option<&RelayUser>,
        what: Use,
    ) -> Result<(Server, bool), String> {
        let own = settings.model_servers.iter().find(|one| is_called(one.get("name"), name));
        let (written, is_own) = match own {
            Some(own) => (Value::Object(own.clone()), true),
            None => {
                // Whoever runs the service pays for these: to others they are offered by name.
                let offered = match what {
                    Use::Hear => &config.transcribers,
                    Use::Write => &config.outline_models,
                };
                let is_offered = offered.iter().flatten().any(|offer| offer == name);
                if *scope != Scope::owner() && !is_offered {
                    return Err(format!(
                        "There is no model server `{name}` for this library. Describe one of your own in model_servers."
                    ));
                }
                let listed = config.model_servers.iter().flatten();
                let found = listed.into_iter().find(|one| is_called(one.get("name"), name));
                let Some(found) = found else {
                    let list = match what {
                        Use::Hear => "transcribers",
                        Use::Write => "models",
                    };
                    return Err(format!(
                        "There is no model server `{name}`, which {list} names. Known are: {}.",
                        self.names(config, settings)
                    ));
                };
                (found.clone(), false)
            }
        };
        let key = self.key(scope, name, is_own);
        let mut hash = Context::new(&SHA256);
        hash.update(written.to_string().as_bytes());
        hash.update(&[0]);
        hash.update(key.as_deref().unwrap_or_default().as_bytes());
        hash.update(if is_own { scope.as_str() } else { "" }.as_bytes());
        let mut id = [0; 32];
        id.copy_from_slice(hash.finish().as_ref());
        let instance: Instance = serde_json::from_value(written)
            .map_err(|error| format!("The model server `{name}` is not set up well: {error}."))?;
        if is_own && instance.kind == Kind::Relay {
            return Err(format!("`{name}` is a relay, which only the operator can set up."));
        }
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = servers.get(&id) {
            return Ok((server.for_user(user)?, is_own));
        }
        let base = instance.base()?;
        let way = Way {
            net: self.net.clone(),
            // What the operator set is reached wherever it is; a tenant's own goes past the guard.
            trust: if is_own { own_trust.for_link(&base) } else { Trust::typed(&base) },
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
        };
        let key = key.as_deref().map(Key::new).transpose()?;
        let server = Server::new(instance, key, user, way)?;
        if servers.len() >= REMEMBERED_MAX {
            servers.clear();
        }
        servers.insert(id, server.clone());
        Ok((server, is_own))
    }

    fn key(&self, scope: &Scope, name: &str, is_own: bool) -> Option<String> {
        if is_own {
            return self.secrets.model_key(Some(scope.as_str()), name);
        }
        self.keys_of_variables.get(name).cloned().or_else(|| self.secrets.model_key(None, name))
    }

    fn names(&self, config: &Config, settings: &ScopeSettings) -> String {
        // Asked by the owner alone: to others only what is offered is named.
        let own = settings.model_servers.iter().filter_map(|one| one.get("name"));
        let all =
            config.model_servers.iter().flatten().filter_map(|one| one.get("name")).chain(own);
        let names: Vec<&str> = all.filter_map(Value::as_str).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// What there is for a scope.
    pub fn list(
        &self,
        config: &Config,
        scope: &Scope,
        settings: &ScopeSettings,
    ) -> Vec<EngineView> {
        let whisper = self.whisper(config);
        let mut views = vec![EngineView {
            name: WHISPER.to_owned(),
            kind: "this machine".to_owned(),
            model: whisper.as_ref().map(|one| one.model().to_owned()).unwrap_or_default(),
            base_url: None,
            hears: true,
            writes: false,
            is_own: false,
            has_key: false,
            problem: whisper.err(),
        }];
        let own = settings.model_servers.iter().map(|one| (Value::Object(one.clone()), true));
        let is_seen = |one: &&Value| {
            let offers = [&config.transcribers, &config.outline_models];
            let name = one.get("name").and_then(Value::as_str);
            *scope == Scope::owner()
                || offers.into_iter().flatten().flatten().any(|offer| Some(offer.as_str()) == name)
        };
        let operators = config.model_servers.iter().flatten();
        let operators = operators.filter(is_seen).map(|one| (one.clone(), false));
        for (written, is_own) in own.chain(operators) {
            let name = written.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let read: Result<Instance, String> =
                serde_json::from_value(written).map_err(|error| error.to_string());
            let read = read.and_then(|one: Instance| one.check().map(|()| one));
            views.push(EngineView {
                has_key: self.key(scope, &name, is_own).is_some(),
                kind: read.as_ref().map(|one| one.kind.as_str().to_owned()).unwrap_or_default(),
                model: read.as_ref().map(|one| one.model.clone()).unwrap_or_default(),
                // Where the operator's own servers are is nobody else's business.
                base_url: read
                    .as_ref()
                    .ok()
                    .filter(|_| is_own || *scope == Scope::owner())
                    .and_then(|one| one.base().ok())
                    .map(|url| url.to_string()),
                hears: read.as_ref().is_ok_and(|one| one.kind.hears()),
                writes: read.is_ok(),
                problem: read.err(),
                name,
                is_own,
            });
        }
        views
    }

    /// What an episode of the queue will probably take: `heard` where nobody but a recogniser can say what
    /// is said in it.
    pub fn estimate(
        chosen: &Chosen,
        spending: &Spending,
        duration_ms: u64,
        heard: bool,
    ) -> Estimate {
        let recogniser = chosen.recognisers.first().filter(|_| heard);
        let model = chosen.models.first();
        let mut cost_micros = 0;
        if let Some(recogniser) = recogniser {
            let usage = Usage { calls: 1, audio_ms: duration_ms, ..Usage::default() };
            cost_micros += chosen.cost_micros(recogniser.name(), &usage);
        }
        let expected = model.map(|model| spending.expect(model.name(), duration_ms));
        if let (Some(model), Some(expected)) = (model, &expected) {
            let usage = Usage {
                calls: 1,
                input_tokens: expected.input_tokens,
                output_tokens: expected.output_tokens,
                audio_ms: 0,
            };
            cost_micros = chosen.cost_micros(model.name(), &usage).saturating_add(cost_micros);
        }
        let currency = chosen.prices.values().find(|(price, _)| *price != Price::default());
        Estimate {
            minutes: duration_ms.div_ceil(60_000),
            transcriber: recogniser.map(|one| one.name().to_owned()),
            model: model.map(|one| one.name().to_owned()),
            tokens: expected,
            cost: amount(cost_micros),
            currency: currency.map(|(_, currency)| currency.clone()),
        }
    }

    /// What is wrong with a scope's own model servers, as a sentence.
    pub fn flaw_of_own(settings: &ScopeSettings) -> Option<String> {
        let mut names = HashSet::from([WHISPER]);
        let taken = settings.model_servers.iter().filter_map(|one| one.get("name")?.as_str());
        if let Some(name) = taken.into_iter().find(|name| !names.insert(name)) {
            let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
            return Some(match name.as_str() {
                WHISPER => {
                    format!("`{WHISPER}` is the recogniser on this machine; call it otherwise.")
                }
                name => {
                    format!("Two model servers are called `{name}`; call one of them otherwise.")
                }
            });
        }
        settings.model_servers.iter().find_map(|written| {
            let read: Result<Instance, _> = serde_json::from_value(Value::Object(written.clone()));
            match read {
                Ok(one) if one.kind == Kind::Relay => {
                    Some(format!("`{}` is a relay, which only the operator can set up.", one.name))
                }
                Ok(one) => one.check().err(),
                Err(error) => Some(format!("A model server is not described well: {error}.")),
            }
        })
    }

    /// Forgets all keys of a scope that goes.
    ///
    /// # Errors
    /// The file of secrets.
    pub fn forget(&self, scope: &Scope) -> Result<(), Fault> {
        self.secrets
            .forget_scope(scope.as_str())
            .map_err(|error| Fault::internal("forgetting keys", error))
    }

    /// Keeps the key of one of a scope's own model servers, or forgets it with `None`, also where the
    /// server is not described any more.
    ///
    /// # Errors
    /// No such server; no such key; the file of secrets.
    pub fn set_own_key(
        &self,
        scope: &Scope,
        settings: &ScopeSettings,
        name: &str,
        key: Option<&str>,
    ) -> Result<(), Fault> {
        let is_described =
            settings.model_servers.iter().any(|one| is_called(one.get("name"), name));
        let is_kept = || self.secrets.model_key(Some(scope.as_str()), name).is_some();
        if !is_described && (key.is_some() || !is_kept()) {
            let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
            return Err(Fault::new(
                FaultKind::NotFound,
                format!("This library has no model server `{name}` of its own."),
            )
            .hint("Describe it in model_servers first."));
        }
        if let Some(key) = key {
            Key::new(key).map_err(Fault::invalid)?;
        }
        self.secrets
            .set_model_key(Some(scope.as_str()), name, key.map(str::trim))
            .map_err(|error| Fault::internal("keeping a key", error))
    }

    /// Makes a real, small call, and says what came of it.
    ///
    /// # Errors
    /// A sentence with the cure.
    pub async fn probe(
        &self,
        config: &Config,
        scope: &Scope,
        settings: &ScopeSettings,
        name: &str,
        own_trust: TrustRule,
    ) -> Result<String, Fault> {
        if name == WHISPER {
            let whisper = self.whisper(config).map_err(Fault::invalid)?;
            let second = vec![0; SAMPLE_RATE as usize];
            let piece = Piece { samples: second.into(), start_ms: 0 };
            whisper.hear(&piece, &Known::default()).await?;
            return Ok(format!("The recogniser on this machine works, with {}.", whisper.model()));
        }
        let names = |own: &Option<Vec<String>>, all: &Option<Vec<String>>| {
            own.iter().chain(all).flatten().any(|one| one == name)
        };
        // What is there to hear alone has no model that writes.
        let what = if names(&settings.transcribers, &config.transcribers)
            && !names(&settings.models, &config.outline_models)
        {
            Use::Hear
        } else {
            Use::Write
        };
        let is_there = self.list(config, scope, settings).iter().any(|one| one.name == name);
        let kind = if is_there { FaultKind::Invalid } else { FaultKind::NotFound };
        let found = self.server(config, scope, settings, name, own_trust, None, what);
        let (server, _) = found.map_err(|problem| Fault::new(kind, problem))?;
        Ok(match what {
            Use::Hear => server.probe_sound().await?,
            Use::Write => server.probe_text().await?,
        })
    }
}

impl Chosen {
    fn note(&mut self, server: &Server, is_own: bool) {
        self.has_own |= is_own;
        let instance = server.instance();
        let price = (instance.price, instance.currency.clone());
        self.prices.insert(instance.name.as_str().to_owned(), price);
    }
}

fn is_called(written: Option<&Value>, name: &str) -> bool {
    written.and_then(Value::as_str) == Some(name)
}
