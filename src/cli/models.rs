//! `recap models`: the weights of the recogniser on this machine.

use std::io::{IsTerminal, Read};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use recap_mode::{FaultKind, Scope, SystemClock, SystemEntropy};
use serde_json::json;
use url::Url;

use crate::app::{trust_of, videos_of};
use crate::config::Config;
use crate::domain::scope_settings::ScopeSettings;
use crate::engines::Engines;
use crate::models::Key;
use crate::models::weights::{self, Installed, OFFERS, WeightsError};
use crate::net::{DownloadError, Net};
use crate::secrets::Secrets;

use super::{Failure, ScopeArg, Setting, safe, say, say_json, small_runtime};

/// Bytes of a megabyte, as sizes of files are told.
const MEGABYTE: u64 = 1_000_000;

/// The name by which what videos want is tried.
const VIDEOS: &str = "yt-dlp";

/// Most that is read as a key; real ones have a few hundred letters.
const KEY_BYTES_MAX: u64 = 8 * 1024;

#[derive(clap::Args)]
pub(super) struct Models {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// List weights that are here, and that can be fetched
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Fetch weights; goes on where it was broken off
    Get {
        /// Their name, as `list` shows it
        name: String,
        /// The address that they are fetched from [default: the setting weights_url]
        #[arg(long, value_name = "URL")]
        from: Option<Url>,
    },
    /// Check the weights that are here, and print their hashes
    Check,
    /// List the model servers and recognisers that recaps can be made with
    Servers {
        #[command(flatten)]
        scope: ScopeArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Try a model server or the recogniser with a real, small call, or yt-dlp
    Test {
        /// Its name, as `servers` shows it
        name: String,
        #[command(flatten)]
        scope: ScopeArg,
    },
    /// Keep the key of a model server (asked for, or from standard input)
    SetKey {
        /// The server's name
        name: String,
        /// Of the library's own server of that name, in place of the operator's
        #[arg(long, value_name = "SCOPE")]
        scope: Option<Scope>,
        /// Forget it
        #[arg(long)]
        remove: bool,
    },
}

impl From<WeightsError> for Failure {
    fn from(error: WeightsError) -> Failure {
        match error {
            WeightsError::Download(DownloadError::Fetch(_)) => {
                Failure { code: 3, message: error.to_string() }
            }
            WeightsError::Unknown { .. } => Failure::input(error.to_string()),
            _ => Failure::here(error.to_string()),
        }
    }
}

impl Models {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let data = setting.data()?;
        match self.what {
            What::List { json } => list(&weights::installed(&data)?, json),
            What::Get { name, from } => {
                let from = match from {
                    Some(from) => from,
                    None => setting.config()?.weights_url,
                };
                let bar = bar(setting.environment.no_color());
                let net = Net::new();
                let mut progress = |there: u64, whole: Option<u64>| {
                    bar.set_length(whole.unwrap_or(there));
                    bar.set_position(there);
                };
                let fetched = small_runtime()?.block_on(weights::fetch(
                    &net,
                    &data,
                    &from,
                    &name,
                    &mut progress,
                ));
                bar.finish_and_clear();
                let path = fetched?;
                say(&safe(&format!("{name} is in {}.", path.display())))?;
                Ok(0)
            }
            What::Check => check(&weights::installed(&data)?),
            What::Servers { scope, json } => servers(&setting, &scope.scope, json),
            What::Test { name, scope } => {
                let (engines, settings) = engines(&setting, &scope.scope)?;
                let config = setting.config()?;
                if name == VIDEOS {
                    return videos(&setting, &config);
                }
                let trust = trust_of(&config, true);
                let tried = engines.probe(&config, &scope.scope, &settings, &name, trust);
                let said = small_runtime()?.block_on(tried).map_err(|fault| Failure {
                    code: if fault.kind == FaultKind::Upstream { 3 } else { 2 },
                    message: fault.to_string(),
                })?;
                say(&safe(&said))?;
                Ok(0)
            }
            What::SetKey { name, scope, remove } => set_key(&setting, scope, &name, remove),
        }
    }
}

fn list(installed: &[Installed], as_json: bool) -> Result<u8, Failure> {
    if as_json {
        let here: Vec<_> = installed
            .iter()
            .map(|one| {
                let wrong = one.weights.as_ref().err().map(ToString::to_string);
                let weights = one.weights.as_ref().ok();
                json!({
                    "name": one.name,
                    "path": one.path,
                    "size_bytes": weights.map(|weights| weights.size_bytes),
                    "multilingual": weights.map(|weights| weights.is_multilingual),
                    "wrong": wrong,
                })
            })
            .collect();
        let offered: Vec<_> = OFFERS
            .iter()
            .map(|offer| json!({"name": offer.name, "size_bytes": offer.size_bytes, "about": offer.about}))
            .collect();
        say_json(&json!({"installed": here, "offered": offered}))?;
        return Ok(0);
    }
    say("Here:")?;
    if installed.is_empty() {
        say("  none yet; fetch some with: recap models get NAME")?;
    }
    for one in installed {
        let about = match &one.weights {
            Ok(weights) => {
                let languages =
                    if weights.is_multilingual { "every language" } else { "English alone" };
                format!("{:>5} MB  {languages}", weights.size_bytes / MEGABYTE)
            }
            Err(error) => error.to_string(),
        };
        say(&safe(&format!("  {:20} {about}", one.name)))?;
    }
    say("To be fetched:")?;
    for offer in &OFFERS {
        say(&format!(
            "  {:20} {:>5} MB  {}",
            offer.name,
            offer.size_bytes / MEGABYTE,
            offer.about
        ))?;
    }
    Ok(0)
}

/// The engines, and what a scope has chosen of them.
fn engines(setting: &Setting, scope: &Scope) -> Result<(Engines, ScopeSettings), Failure> {
    let settings = if setting.data()?.join("history").is_dir() {
        small_runtime()?.block_on(setting.library()?.settings(scope))?
    } else {
        ScopeSettings::default()
    };
    Ok((setting.engines(Net::new())?, settings))
}

/// Tries what videos want.
fn videos(setting: &Setting, config: &Config) -> Result<u8, Failure> {
    let (net, clock) = (Net::new(), Arc::new(SystemClock));
    let videos = videos_of(config, net, clock, Arc::default(), &setting.data()?);
    let found = small_runtime()?.block_on(videos.found());
    if !found.problems.is_empty() {
        return Err(Failure::here(found.problems.join(" ")));
    }
    say(&safe(&found.to_string()))?;
    Ok(0)
}

fn servers(setting: &Setting, scope: &Scope, as_json: bool) -> Result<u8, Failure> {
    let (engines, settings) = engines(setting, scope)?;
    let views = engines.list(&setting.config()?, scope, &settings);
    if as_json {
        say_json(&views)?;
        return Ok(0);
    }
    for one in views {
        let does = match (one.hears, one.writes) {
            (true, true) => "hears and writes",
            (true, false) => "hears",
            _ => "writes",
        };
        let key = if one.has_key { ", with a key" } else { "" };
        let about = match &one.problem {
            Some(problem) => problem.clone(),
            None => format!("{does}; {} ({}{key})", one.model, one.kind),
        };
        say(&safe(&format!("{:20} {about}", one.name)))?;
    }
    Ok(0)
}

fn set_key(
    setting: &Setting,
    scope: Option<Scope>,
    name: &str,
    remove: bool,
) -> Result<u8, Failure> {
    let secrets = Secrets::open(&setting.data()?, None, Arc::new(SystemEntropy))
        .map_err(|error| Failure::input(error.to_string()))?;
    let key = if remove {
        None
    } else if std::io::stdin().is_terminal() {
        let asked = rpassword::prompt_password(format!("Key of {}: ", safe(name)));
        Some(asked.map_err(|error| Failure::input(format!("The key was not read: {error}.")))?)
    } else {
        let mut text = String::new();
        let read = std::io::stdin().lock().take(KEY_BYTES_MAX).read_to_string(&mut text);
        read.map_err(|error| Failure::input(format!("The key was not read: {error}.")))?;
        Some(text)
    };
    if let Some(key) = &key {
        Key::new(key).map_err(Failure::input)?;
    }
    secrets
        .set_model_key(scope.as_ref().map(Scope::as_str), name, key.as_deref().map(str::trim))
        .map_err(|error| Failure::here(error.to_string()))?;
    eprintln!(
        "{}",
        if remove { "The key is forgotten." } else { "The key is kept in secrets.json." }
    );
    Ok(0)
}

fn check(installed: &[Installed]) -> Result<u8, Failure> {
    if installed.is_empty() {
        say("There are no weights here.")?;
    }
    let mut code = 0;
    for one in installed {
        match weights::check(one) {
            Ok(hash) => say(&safe(&format!("{:20} is well. SHA-256 {hash}", one.name)))?,
            Err(error) => {
                code = 1;
                say(&safe(&error.to_string()))?;
            }
        }
    }
    Ok(code)
}

fn bar(no_color: bool) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let form = if no_color {
        "{bar:30} {bytes} of {total_bytes}, {eta} left"
    } else {
        "{bar:30.cyan/dim} {bytes} of {total_bytes}, {eta} left"
    };
    // The form is fixed; a wrong one would show the bar plainly.
    bar.set_style(
        ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar
}
