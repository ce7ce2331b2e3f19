//! What is in force: flags over variables over `<data>/config.json` over defaults, each with its
//! name, default, unit and refusal. The only reader of the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

/// One setting: the row of the table in the README.
pub struct Setting {
    /// Its key in `config.json`; the variable is `RECAP_` and the key in capitals.
    pub key: &'static str,
    /// What it is, with its unit.
    pub about: &'static str,
    /// The values that are taken.
    pub allowed: &'static str,
    /// Whether a change takes effect without a restart.
    pub live: bool,
    default: fn() -> Value,
    fits: fn(&Value) -> bool,
}

impl Setting {
    /// Its variable.
    pub fn variable(&self) -> String {
        format!("RECAP_{}", self.key.to_ascii_uppercase())
    }

    /// Its default.
    pub fn default_value(&self) -> Value {
        (self.default)()
    }
}

/// Every setting, in the order shown.
pub const SETTINGS: [Setting; 57] = [
    Setting {
        key: "mode",
        about: "Who the daemon serves",
        allowed: "single or multi",
        live: false,
        default: || json!("single"),
        fits: |v| one_of(v, &["single", "multi"]),
    },
    Setting {
        key: "listen",
        about: "Address and port of the page and the API",
        allowed: "an address and a port, such as 127.0.0.1:8722",
        live: false,
        default: || json!("127.0.0.1:8722"),
        fits: |v| v.as_str().is_some_and(|s| s.parse::<SocketAddr>().is_ok()),
    },
    Setting {
        key: "public_url",
        about: "Address under which people reach the page, where that is another",
        allowed: "an http or https link without a path, or null",
        live: true,
        default: || Value::Null,
        fits: |v| {
            v.is_null()
                || v.as_str().and_then(|s| Url::parse(s).ok()).is_some_and(|u| is_public_url(&u))
        },
    },
    Setting {
        key: "behind_proxy",
        about: "A proxy in front decides who gets in",
        allowed: "true or false",
        live: false,
        default: || json!(false),
        fits: Value::is_boolean,
    },
    Setting {
        key: "trusted_proxy_hops",
        about: "How many proxies stand in front, whose X-Forwarded-For is believed",
        allowed: "a whole number from 0 to 5",
        live: true,
        default: || json!(0),
        fits: |v| whole(v, 0, 5),
    },
    Setting {
        key: "allow_private_addresses",
        about: "Fetch from private addresses that no one typed, such as transcripts that a feed names",
        allowed: "true or false",
        live: true,
        default: || json!(false),
        fits: Value::is_boolean,
    },
    Setting {
        key: "fetch_timeout_secs",
        about: "Seconds that fetching one thing may take",
        allowed: "a whole number from 1 to 600",
        live: true,
        default: || json!(60),
        fits: |v| whole(v, 1, 600),
    },
    Setting {
        key: "jobs_max",
        about: "Recaps made at once",
        allowed: "a whole number from 1 to 16",
        live: false,
        default: || json!(2),
        fits: |v| whole(v, 1, 16),
    },
    Setting {
        key: "check_every_minutes",
        about: "Minutes between two checks of a followed feed, give or take a tenth",
        allowed: "a whole number from 5 to 1440",
        live: true,
        default: || json!(60),
        fits: |v| whole(v, 5, 1_440),
    },
    Setting {
        key: "newest_at_first",
        about: "Episodes of a newly followed show that are found at once; older ones count as seen",
        allowed: "a whole number from 0 to 1000",
        live: true,
        default: || json!(3),
        fits: |v| whole(v, 0, 1_000),
    },
    Setting {
        key: "auto_approve_per_day_max",
        about: "Recaps a day that a subscription with auto_approve makes without asking",
        allowed: "a whole number from 1 to 1000",
        live: true,
        default: || json!(10),
        fits: |v| whole(v, 1, 1_000),
    },
    Setting {
        key: "feed_mib_max",
        about: "Largest feed in MiB; the largest that are known have some 25, and reading one takes several times that memory",
        allowed: "a whole number from 1 to 256",
        live: true,
        default: || json!(32),
        fits: |v| whole(v, 1, 256),
    },
    Setting {
        key: "fetches_max",
        about: "Feeds fetched at once",
        allowed: "a whole number from 1 to 256",
        live: true,
        default: || json!(64),
        fits: |v| whole(v, 1, 256),
    },
    Setting {
        key: "fetches_per_host_max",
        about: "Feeds fetched at once from one host, to spare it; loopback and private networks are not spared",
        allowed: "a whole number from 1 to 64",
        live: true,
        default: || json!(6),
        fits: |v| whole(v, 1, 64),
    },
    Setting {
        key: "queue_workers",
        about: "Queue items made at once, at most one of each scope; those that are heard do not count",
        allowed: "a whole number from 1 to 16",
        live: true,
        default: || json!(1),
        fits: |v| whole(v, 1, 16),
    },
    Setting {
        key: "queue_pause_secs",
        about: "Seconds between two queue items of the same outside host, to spare it",
        allowed: "a whole number from 0 to 3600",
        live: true,
        default: || json!(5),
        fits: |v| whole(v, 0, 3_600),
    },
    Setting {
        key: "stage_timeout_minutes",
        about: "Minutes that one stage of making a recap may take before it counts as stuck",
        allowed: "a whole number from 1 to 1440",
        live: true,
        default: || json!(30),
        fits: |v| whole(v, 1, 1_440),
    },
    Setting {
        key: "youtube_url",
        about: "Where YouTube's pages and channel feeds are",
        allowed: "an http or https link without a path",
        live: true,
        default: || json!("https://www.youtube.com"),
        fits: |v| v.as_str().and_then(|s| Url::parse(s).ok()).is_some_and(|u| is_public_url(&u)),
    },
    Setting {
        key: "apple_url",
        about: "Where Apple's public lookup of podcasts is",
        allowed: "an http or https link without a path",
        live: true,
        default: || json!("https://itunes.apple.com"),
        fits: |v| v.as_str().and_then(|s| Url::parse(s).ok()).is_some_and(|u| is_public_url(&u)),
    },
    Setting {
        key: "model_servers",
        about: "Model servers that outlines and transcripts may be made by: see “Models”; their keys are set with recap models set-key",
        allowed: "a list of objects, or null",
        live: true,
        default: || Value::Null,
        fits: |v| v.is_null() || v.as_array().is_some_and(|list| list.iter().all(Value::is_object)),
    },
    Setting {
        key: "outline_models",
        about: "Names of the model servers that write outlines, in the order in which they are tried, where a library does not choose; without any, the built-in outline is made",
        allowed: "a list of names, or null",
        live: true,
        default: || Value::Null,
        fits: names_or_null,
    },
    Setting {
        key: "transcribers",
        about: "Names of those that turn sound into words, in the order in which they are tried, where a library does not choose; whisper is the one on this machine, and the default where it is there",
        allowed: "a list of names, or null",
        live: true,
        default: || Value::Null,
        fits: names_or_null,
    },
    Setting {
        key: "cost_per_day_max",
        about: "What a library's models may cost in a day, in the currency of their prices, where the library does not set less",
        allowed: "a number from 0, or null",
        live: true,
        default: || Value::Null,
        fits: amount_or_null,
    },
    Setting {
        key: "cost_per_month_max",
        about: "The same for a month",
        allowed: "a number from 0, or null",
        live: true,
        default: || Value::Null,
        fits: amount_or_null,
    },
    Setting {
        key: "whisper_model",
        about: "File in the data folder's models/ that the recogniser on this machine uses; the largest of those that are there without it",
        allowed: "a file name, or null",
        live: true,
        default: || Value::Null,
        fits: |v| {
            v.is_null()
                || v.as_str().is_some_and(|s| {
                    !s.is_empty() && !s.contains(['/', '\\']) && !s.starts_with('.')
                })
        },
    },
    Setting {
        key: "whisper_threads",
        about: "Threads that it uses; half of the processor's without it",
        allowed: "a whole number from 1 to 256, or null",
        live: true,
        default: || Value::Null,
        fits: |v| v.is_null() || whole(v, 1, 256),
    },
    Setting {
        key: "weights_url",
        about: "Where recap models get fetches weights",
        allowed: "an http or https link",
        live: true,
        default: || json!("https://huggingface.co/ggerganov/whisper.cpp/resolve/main/"),
        fits: |v| {
            v.as_str()
                .and_then(|s| Url::parse(s).ok())
                .is_some_and(|u| matches!(u.scheme(), "http" | "https"))
        },
    },
    Setting {
        key: "listeners_max",
        about: "Episodes that are turned from sound into words at once",
        allowed: "a whole number from 1 to 16",
        live: false,
        default: || json!(1),
        fits: |v| whole(v, 1, 16),
    },
    Setting {
        key: "sound_mib_max",
        about: "Largest file of sound or video in MiB that is fetched or taken",
        allowed: "a whole number from 1 to 65536",
        live: true,
        default: || json!(2048),
        fits: |v| whole(v, 1, 65_536),
    },
    Setting {
        key: "sound_hours_max",
        about: "Longest sound in hours that is heard",
        allowed: "a whole number from 1 to 48",
        live: true,
        default: || json!(24),
        fits: |v| whole(v, 1, 48),
    },
    Setting {
        key: "yt_dlp",
        about: "The program yt-dlp, by which videos are asked for",
        allowed: "a path or a program's name",
        live: true,
        default: || json!("yt-dlp"),
        fits: |v| v.as_str().is_some_and(|s| !s.trim().is_empty()),
    },
    Setting {
        key: "js_runtime",
        about: "The JavaScript runtime that yt-dlp uses; without it yt-dlp looks for deno, node, bun and quickjs",
        allowed: "a name with or without a path, such as deno:/opt/deno, or null",
        live: true,
        default: || Value::Null,
        fits: text_or_null,
    },
    Setting {
        key: "youtube_pot_url",
        about: "A server that gives yt-dlp proofs of origin for YouTube (bgutil's provider)",
        allowed: "an http or https link, or null",
        live: true,
        default: || Value::Null,
        fits: |v| {
            v.is_null()
                || v.as_str()
                    .and_then(|s| Url::parse(s).ok())
                    .is_some_and(|u| matches!(u.scheme(), "http" | "https"))
        },
    },
    Setting {
        key: "ffmpeg",
        about: "The program ffmpeg, for sound that Recap itself cannot decode; null does without",
        allowed: "a path or a program's name, or null",
        live: true,
        default: || json!("ffmpeg"),
        fits: text_or_null,
    },
    Setting {
        key: "cache_days",
        about: "Days that transcripts and models' answers are kept, so that making a recap again pays for nothing twice",
        allowed: "a whole number from 0 to 3650",
        live: true,
        default: || json!(30),
        fits: |v| whole(v, 0, 3_650),
    },
    Setting {
        key: "cache_mib_max",
        about: "Most MiB of those; the oldest go first",
        allowed: "a whole number from 0 to 1048576",
        live: true,
        default: || json!(512),
        fits: |v| whole(v, 0, 1_048_576),
    },
    Setting {
        key: "admin_email",
        about: "Address of whoever runs the service: who signs in with it is its admin; without one, the log has a set-up link",
        allowed: "an e-mail address, or null",
        live: false,
        default: || Value::Null,
        fits: |v| v.is_null() || v.as_str().is_some_and(|s| s.contains('@')),
    },
    Setting {
        key: "sign_ups_open",
        about: "Whether somebody without an account gets one by signing in",
        allowed: "true or false",
        live: false,
        default: || json!(true),
        fits: Value::is_boolean,
    },
    Setting {
        key: "tenant_default_credits",
        about: "Credits of a new account, and what a refill resets them to",
        allowed: "a whole number from 0 to 1000000",
        live: false,
        default: || json!(5),
        fits: |v| whole(v, 0, 1_000_000),
    },
    Setting {
        key: "tenant_credit_replenish_period",
        about: "How often those credits are reset",
        allowed: "off, daily, weekly or monthly",
        live: false,
        default: || json!("off"),
        fits: |v| one_of(v, &["off", "daily", "weekly", "monthly"]),
    },
    Setting {
        key: "trial_credits_per_visitor",
        about: "Recaps that a visitor without an account may make",
        allowed: "a whole number from 0 to 1000",
        live: false,
        default: || json!(1),
        fits: |v| whole(v, 0, 1_000),
    },
    Setting {
        key: "trials_per_ip_lifetime",
        about: "Visitors of one IPv4 address or IPv6 /64 that ever get those",
        allowed: "a whole number from 1 to 50",
        live: false,
        default: || json!(5),
        fits: |v| whole(v, 1, 50),
    },
    Setting {
        key: "tier_allowances",
        about: "What trial, core, pro and max may have, where that is not the default: see “A service for many”",
        allowed: "a JSON object, or null",
        live: false,
        default: || Value::Null,
        fits: |v| v.is_null() || v.is_object(),
    },
    Setting {
        key: "mail_from",
        about: "Sender of the mails",
        allowed: "an address such as Recap <recap@example.org>, or null",
        live: false,
        default: || Value::Null,
        fits: text_or_null,
    },
    Setting {
        key: "mail_folder",
        about: "Folder into which mails are written instead of being sent, for trying out",
        allowed: "a path, or null",
        live: false,
        default: || Value::Null,
        fits: text_or_null,
    },
    Setting {
        key: "smtp_host",
        about: "Server that takes the mails",
        allowed: "a host name, or null",
        live: false,
        default: || Value::Null,
        fits: text_or_null,
    },
    Setting {
        key: "smtp_port",
        about: "Its port, where it is not the usual one",
        allowed: "a whole number from 1 to 65535, or null",
        live: false,
        default: || Value::Null,
        fits: |v| v.is_null() || whole(v, 1, 65_535),
    },
    Setting {
        key: "smtp_security",
        about: "How the connection to it is kept secret; plain only on this machine",
        allowed: "starttls, tls or plain",
        live: false,
        default: || json!("starttls"),
        fits: |v| one_of(v, &["starttls", "tls", "plain"]),
    },
    Setting {
        key: "smtp_user",
        about: "Name with which to sign in there; the password is RECAP_SMTP_PASSWORD",
        allowed: "a text, or null",
        live: false,
        default: || Value::Null,
        fits: text_or_null,
    },
    Setting {
        key: "smtp_ca_file",
        about: "Certificates to trust instead of the system's",
        allowed: "a path to a PEM file, or null",
        live: false,
        default: || Value::Null,
        fits: text_or_null,
    },
    Setting {
        key: "relay_url",
        about: "Relay that knows tiers and does work for tenants; the operator's key is RECAP_RELAY_OPERATOR_KEY",
        allowed: "an http or https link without a path, or null",
        live: false,
        default: || Value::Null,
        fits: |v| {
            v.is_null()
                || v.as_str().and_then(|s| Url::parse(s).ok()).is_some_and(|u| is_public_url(&u))
        },
    },
    Setting {
        key: "rescan_secs",
        about: "Seconds between looks at all files, for what no event told",
        allowed: "a whole number from 1 to 86400",
        live: false,
        default: || json!(60),
        fits: |v| whole(v, 1, 86_400),
    },
    Setting {
        key: "connections_max",
        about: "Connections at once",
        allowed: "a whole number from 8 to 10000",
        live: false,
        default: || json!(512),
        fits: |v| whole(v, 8, 10_000),
    },
    Setting {
        key: "connections_per_address_max",
        about: "Connections at once from one address, where no proxy is declared",
        allowed: "a whole number from 4 to 10000",
        live: false,
        default: || json!(64),
        fits: |v| whole(v, 4, 10_000),
    },
    Setting {
        key: "header_timeout_secs",
        about: "Seconds that a client may take to send a request's head",
        allowed: "a whole number from 1 to 120",
        live: false,
        default: || json!(15),
        fits: |v| whole(v, 1, 120),
    },
    Setting {
        key: "log",
        about: "What is logged, in tracing's filter words",
        allowed: "a filter such as info or recap=debug,warn",
        live: false,
        default: || json!("info"),
        fits: |v| {
            v.as_str().is_some_and(|s| s.parse::<tracing_subscriber::filter::EnvFilter>().is_ok())
        },
    },
    Setting {
        key: "log_format",
        about: "Form of the log",
        allowed: "text or json",
        live: false,
        default: || json!("text"),
        fits: |v| one_of(v, &["text", "json"]),
    },
];

fn one_of(value: &Value, words: &[&str]) -> bool {
    value.as_str().is_some_and(|text| words.contains(&text))
}

fn text_or_null(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| !text.trim().is_empty())
}

fn names_or_null(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
}

fn amount_or_null(value: &Value) -> bool {
    value.is_null() || value.as_f64().is_some_and(|amount| (0.0..1e9).contains(&amount))
}

fn whole(value: &Value, least: u64, most: u64) -> bool {
    value.as_u64().is_some_and(|number| (least..=most).contains(&number))
}

fn is_public_url(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.path() == "/"
        && url.query().is_none()
}

/// The settings, typed.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each field is the setting of that key, described in SETTINGS")]
pub struct Config {
    pub mode: String,
    pub listen: SocketAddr,
    pub public_url: Option<Url>,
    pub behind_proxy: bool,
    pub trusted_proxy_hops: usize,
    pub allow_private_addresses: bool,
    pub fetch_timeout_secs: u64,
    pub jobs_max: usize,
    pub check_every_minutes: u64,
    pub newest_at_first: u32,
    pub auto_approve_per_day_max: u32,
    pub feed_mib_max: u64,
    pub fetches_max: usize,
    pub fetches_per_host_max: usize,
    pub queue_workers: usize,
    pub queue_pause_secs: u64,
    pub stage_timeout_minutes: u64,
    pub youtube_url: Url,
    pub apple_url: Url,
    pub model_servers: Option<Vec<Value>>,
    pub outline_models: Option<Vec<String>>,
    pub transcribers: Option<Vec<String>>,
    pub cost_per_day_max: Option<f64>,
    pub cost_per_month_max: Option<f64>,
    pub whisper_model: Option<String>,
    pub whisper_threads: Option<usize>,
    pub weights_url: Url,
    pub listeners_max: usize,
    pub sound_mib_max: u64,
    pub sound_hours_max: u32,
    pub yt_dlp: PathBuf,
    pub js_runtime: Option<String>,
    pub youtube_pot_url: Option<Url>,
    pub ffmpeg: Option<PathBuf>,
    pub cache_days: u64,
    pub cache_mib_max: u64,
    pub admin_email: Option<String>,
    pub sign_ups_open: bool,
    pub tenant_default_credits: i64,
    pub tenant_credit_replenish_period: String,
    pub trial_credits_per_visitor: i64,
    pub trials_per_ip_lifetime: i64,
    pub tier_allowances: Option<Value>,
    pub mail_from: Option<String>,
    pub mail_folder: Option<PathBuf>,
    pub smtp_host: Option<String>,
    pub smtp_port: Option<u16>,
    pub smtp_security: String,
    pub smtp_user: Option<String>,
    pub smtp_ca_file: Option<PathBuf>,
    pub relay_url: Option<Url>,
    pub rescan_secs: u64,
    pub connections_max: usize,
    pub connections_per_address_max: usize,
    pub header_timeout_secs: u64,
    pub log: String,
    pub log_format: String,
    /// Where each value came from, and the values as JSON; for `recap config`.
    #[serde(skip)]
    pub sources: BTreeMap<&'static str, (Value, Source)>,
}

impl Config {
    /// Where people reach the page: the public URL, else the address that is listened on.
    pub fn own_url(&self) -> Url {
        let listened = || {
            // Listening everywhere is no address that anybody could open.
            let here = if self.listen.ip().is_unspecified() {
                format!("localhost:{}", self.listen.port())
            } else {
                self.listen.to_string()
            };
            let Ok(url) = Url::parse(&format!("http://{here}/")) else {
                unreachable!("an address and a port make a link")
            };
            url
        };
        self.public_url.clone().unwrap_or_else(listened)
    }

    /// Time for one fetch.
    pub fn fetch_timeout(&self) -> Duration {
        Duration::from_secs(self.fetch_timeout_secs)
    }

    /// Time for one stage of making a recap.
    pub fn stage_timeout(&self) -> Duration {
        Duration::from_secs(self.stage_timeout_minutes * 60)
    }
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Built in.
    Default,
    /// `config.json`.
    File,
    /// A variable.
    Variable,
    /// The command line.
    Flag,
}

impl Source {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Source::Default => "default",
            Source::File => "config.json",
            Source::Variable => "variable",
            Source::Flag => "flag",
        }
    }
}

/// Why a configuration is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is no JSON object.
    #[error("{path}, line {line}, column {column}: {reason}.")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// Why.
        reason: String,
    },
    /// No such setting.
    #[error("{place}: there is no setting `{key}`.{hint} Known are: {}.", known())]
    Unknown {
        /// The file or variable.
        place: String,
        /// What stands there.
        key: String,
        /// The nearest one.
        hint: String,
    },
    /// Not a value that it takes.
    #[error("{place}: {value} is not allowed; allowed is {allowed}.")]
    Refused {
        /// The file and key, or the variable, or the flag.
        place: String,
        /// What stands there.
        value: String,
        /// What may.
        allowed: &'static str,
    },
    /// The file is there and cannot be read.
    #[error("{path} cannot be read: {cause}.")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        cause: std::io::Error,
    },
    /// The data folder is not one.
    #[error("{0}")]
    DataFolder(String),
}

impl ConfigError {
    /// Line, column and reason, for a report that names the file itself.
    pub fn place(&self) -> (usize, usize, String) {
        match self {
            ConfigError::Malformed { line, column, reason, .. } => (*line, *column, reason.clone()),
            other => (1, 1, other.to_string()),
        }
    }
}

fn known() -> String {
    SETTINGS.iter().map(|setting| setting.key).collect::<Vec<_>>().join(", ")
}

/// How the variables begin that hold a model server's key.
const MODEL_KEY: &str = "RECAP_MODEL_KEY_";

/// The variables of this process that concern Recap, read once.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Reads the process's own.
    pub fn of_process() -> Environment {
        Environment(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .filter(|(name, _)| name.starts_with("RECAP_") || name == "NO_COLOR")
                .collect(),
        )
    }

    /// Made up, for tests.
    pub fn of(pairs: &[(&str, &str)]) -> Environment {
        Environment(
            pairs.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect(),
        )
    }

    fn text(&self, name: &str) -> Option<String> {
        // An empty variable is how shells and service files say "not set".
        self.0
            .get(name)
            .map(|value| value.to_string_lossy().into_owned())
            .filter(|text| !text.is_empty())
    }

    /// Whether colours are unwanted (no-color.org: any value that is not empty).
    pub fn no_color(&self) -> bool {
        self.text("NO_COLOR").is_some()
    }

    /// The operator's password or its argon2id hash, where a variable replaces `secrets.json`.
    pub fn operator_password(&self) -> Option<String> {
        self.text("RECAP_OPERATOR_PASSWORD")
    }

    /// The password of `smtp_user`.
    pub fn smtp_password(&self) -> Option<String> {
        self.text("RECAP_SMTP_PASSWORD")
    }

    /// The keys of model servers that variables give, by the server's name: `RECAP_MODEL_KEY_MY_GROQ` is that of
    /// `my-groq`.
    pub fn model_keys(&self) -> BTreeMap<String, String> {
        self.0
            .keys()
            .filter_map(|name| Some((name, name.strip_prefix(MODEL_KEY)?)))
            .filter_map(|(name, server)| {
                Some((server.to_ascii_lowercase().replace('_', "-"), self.text(name)?))
            })
            .collect()
    }

    /// The key with which the relay knows its operator.
    pub fn relay_operator_key(&self) -> Option<String> {
        self.text("RECAP_RELAY_OPERATOR_KEY")
    }
}

/// The data folder: the flag's, else `RECAP_DATA`, else the platform's place for an application's
/// data. It is not made here.
///
/// # Errors
/// Where a `history/` folder was given in its place, or a file.
pub fn data_folder(flag: Option<&Path>, environment: &Environment) -> Result<PathBuf, ConfigError> {
    let folder = match (flag, environment.0.get("RECAP_DATA").filter(|value| !value.is_empty())) {
        (Some(folder), _) => folder.to_owned(),
        (None, Some(folder)) => PathBuf::from(folder),
        (None, None) => etcetera::choose_base_strategy()
            .map_err(|_| {
                ConfigError::DataFolder(
                    "This system names no home folder: say where the data goes with --data FOLDER or RECAP_DATA.".to_owned(),
                )
            })?
            .data_dir()
            .join("recap"),
    };
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    if folder.is_file() {
        return Err(ConfigError::DataFolder(format!(
            "{} is a file; --data takes a folder.",
            folder.display()
        )));
    }
    let is_history = |folder: &Path| {
        folder.join("owner").is_dir()
            || (folder.ends_with("history") && !folder.join("history").is_dir())
    };
    let parent = folder.parent().unwrap_or(&folder);
    let is_scope =
        is_history(parent) && (folder.join(".lock").exists() || folder.ends_with("owner"));
    if is_history(&folder) || is_scope {
        let parent = if is_scope { parent.parent().unwrap_or(parent) } else { parent };
        return Err(ConfigError::DataFolder(format!(
            "{} is a history folder; the data folder is the one around it. Use: --data {}",
            folder.display(),
            parent.display()
        )));
    }
    Ok(folder)
}

/// Puts the configuration together. `flags` holds what the command line said, by key.
///
/// # Errors
/// Each of [`ConfigError`].
pub fn load(
    data: &Path,
    environment: &Environment,
    flags: &Map<String, Value>,
) -> Result<Config, ConfigError> {
    let file = read_file(&data.join("config.json"))?;
    let mut values = Map::new();
    let mut sources = BTreeMap::new();
    for setting in &SETTINGS {
        let variable = setting.variable();
        let (value, source, place) = if let Some(value) = flags.get(setting.key) {
            (value.clone(), Source::Flag, format!("--{}", setting.key.replace('_', "-")))
        } else if let Some(text) = environment.text(&variable) {
            (from_text(setting, &text), Source::Variable, variable)
        } else if let Some(value) = file.get(setting.key) {
            (value.clone(), Source::File, format!("config.json, {}", setting.key))
        } else {
            (setting.default_value(), Source::Default, setting.key.to_owned())
        };
        if !(setting.fits)(&value) {
            let value: String = value.to_string().chars().take(120).collect();
            return Err(ConfigError::Refused { place, value, allowed: setting.allowed });
        }
        values.insert(setting.key.to_owned(), value.clone());
        sources.insert(setting.key, (value, source));
    }
    for name in environment.0.keys() {
        let is_known = SETTINGS.iter().any(|setting| setting.variable() == *name)
            || [
                "RECAP_DATA",
                "RECAP_OPERATOR_PASSWORD",
                "RECAP_SMTP_PASSWORD",
                "RECAP_RELAY_OPERATOR_KEY",
                "RECAP_CORPUS",
                "RECAP_TEST_MODELS",
                "NO_COLOR",
            ]
            .contains(&name.as_str())
            || name.starts_with(MODEL_KEY);
        if !is_known {
            tracing::warn!(variable = name, "{name} is set, and there is no such setting");
        }
    }
    let mut config: Config =
        serde_json::from_value(Value::Object(values)).map_err(|error| ConfigError::Refused {
            place: "the configuration".to_owned(),
            value: error.to_string(),
            allowed: "what `recap config` shows",
        })?;
    config.sources = sources;
    Ok(config)
}

/// A variable's text as the JSON that the setting takes.
fn from_text(setting: &Setting, text: &str) -> Value {
    let by_default = setting.default_value();
    match serde_json::from_str::<Value>(text.trim()) {
        Ok(value) if by_default.is_boolean() || by_default.is_number() => value,
        Ok(Value::Null) if by_default.is_null() => Value::Null,
        // A number or an object where none is the default: one that only looks so is refused as a text.
        Ok(value) if by_default.is_null() && (setting.fits)(&value) => value,
        _ => Value::from(text.trim()),
    }
}

fn read_file(path: &Path) -> Result<Map<String, Value>, ConfigError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(cause) => {
            return Err(ConfigError::Unreadable { path: path.to_owned(), cause });
        }
    };
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let malformed = |error: serde_json::Error| {
        let said = error.to_string();
        let reason =
            said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said).to_owned();
        ConfigError::Malformed {
            path: path.to_owned(),
            line: error.line().max(1),
            column: error.column().max(1),
            reason,
        }
    };
    if bytes.trim_ascii().is_empty() {
        let reason = "the file is empty; write {} for a configuration without settings".to_owned();
        return Err(ConfigError::Malformed { path: path.to_owned(), line: 1, column: 1, reason });
    }
    let map: Map<String, Value> = serde_json::from_slice(bytes).map_err(malformed)?;
    for key in map.keys() {
        if key != "$schema" && !SETTINGS.iter().any(|setting| setting.key == key) {
            return Err(ConfigError::Unknown {
                place: path.display().to_string(),
                key: key.clone(),
                hint: nearest(key),
            });
        }
    }
    Ok(map)
}

/// The setting that was probably meant.
fn nearest(key: &str) -> String {
    let letters =
        |text: &str| -> std::collections::BTreeSet<char> { text.to_lowercase().chars().collect() };
    let given = letters(key);
    let likeness = |setting: &&Setting| {
        let own = letters(setting.key);
        let common = own.intersection(&given).count() * 100;
        common / own.union(&given).count().max(1)
    };
    match SETTINGS.iter().max_by_key(likeness) {
        Some(setting) if likeness(&setting) >= 70 => format!(" Did you mean `{}`?", setting.key),
        _ => String::new(),
    }
}

/// The JSON schema of `config.json`.
pub fn schema() -> Value {
    let properties: Map<String, Value> = SETTINGS
        .iter()
        .map(|setting| {
            let about = format!("{}. Allowed: {}.", setting.about, setting.allowed);
            (
                setting.key.to_owned(),
                json!({"description": about, "default": setting.default_value()}),
            )
        })
        .chain([("$schema".to_owned(), json!({"type": "string"}))])
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Recap's configuration",
        "type": "object",
        "properties": properties,
        "additionalProperties": false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_with(
        file: Option<&str>,
        variables: &[(&str, &str)],
        flags: Value,
    ) -> Result<Config, String> {
        let data = tempfile::tempdir().unwrap();
        if let Some(text) = file {
            std::fs::write(data.path().join("config.json"), text).unwrap();
        }
        let Value::Object(flags) = flags else { panic!("flags are an object") };
        load(data.path(), &Environment::of(variables), &flags).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_values_that_the_settings_take() {
        let config = load_with(None, &[], json!({})).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8722");
        assert!(config.sources.values().all(|(_, source)| *source == Source::Default));
    }

    #[test]
    fn a_flag_beats_a_variable_and_a_variable_the_file() {
        let file =
            Some(r#"{"$schema": "x", "jobs_max": 3, "rescan_secs": 5, "fetch_timeout_secs": 7}"#);
        let variables = [("RECAP_JOBS_MAX", "4"), ("RECAP_RESCAN_SECS", "6"), ("RECAP_LOG", "")];
        let config = load_with(file, &variables, json!({"jobs_max": 5})).unwrap();
        assert_eq!((config.jobs_max, config.rescan_secs, config.fetch_timeout_secs), (5, 6, 7));
        let source = |key| config.sources[key].1;
        assert_eq!(
            [
                source("jobs_max"),
                source("rescan_secs"),
                source("fetch_timeout_secs"),
                source("log")
            ],
            [Source::Flag, Source::Variable, Source::File, Source::Default]
        );
    }

    #[test]
    fn an_unknown_key_or_a_bad_value_is_refused_with_its_place_and_what_is_allowed() {
        for (file, parts) in [
            (
                r#"{"jobs_maxx": 3}"#,
                &["`jobs_maxx`", "Did you mean `jobs_max`", "Known are: mode"][..],
            ),
            (r#"{"jobs_max": 0}"#, &["config.json, jobs_max", "0 is not allowed", "1 to 16"]),
            (r#"{"jobs_max": 17}"#, &["17 is not allowed"]),
            (r#"{"jobs_max": "3"}"#, &["\"3\" is not allowed"]),
            (r#"{"jobs_max": 2.5}"#, &["2.5 is not allowed"]),
            (r#"{"listen": "8080"}"#, &["an address and a port"]),
            (r#"{"public_url": "https://example.org/recap"}"#, &["without a path"]),
            (r#"{"public_url": "ftp://example.org"}"#, &["http or https"]),
            (r#"{"mode": "cloud"}"#, &["single or multi"]),
            ("{\n  \"jobs_max\": 3,\n}", &["line 3, column 1", "trailing comma"]),
            ("", &["the file is empty"]),
            ("[]", &["line 1"]),
        ] {
            let said = load_with(Some(file), &[], json!({})).unwrap_err();
            for part in parts {
                assert!(said.contains(part), "{file}: {said}");
            }
        }
        let said = load_with(None, &[("RECAP_JOBS_MAX", "many")], json!({})).unwrap_err();
        assert!(said.contains("RECAP_JOBS_MAX: \"many\" is not allowed"), "{said}");
        let said = load_with(None, &[], json!({"listen": "nowhere"})).unwrap_err();
        assert!(said.contains("--listen"), "{said}");
    }

    #[test]
    fn both_sides_of_each_bound() {
        for (key, least, most) in
            [("jobs_max", 1, 16), ("fetch_timeout_secs", 1, 600), ("trusted_proxy_hops", 0, 5)]
        {
            for good in [least, most] {
                assert!(load_with(None, &[], json!({key: good})).is_ok(), "{key} {good}");
            }
            assert!(load_with(None, &[], json!({key: most + 1})).is_err(), "{key}");
        }
    }

    #[test]
    fn a_history_folder_in_place_of_the_data_folder_is_refused_with_the_right_command() {
        let data = tempfile::tempdir().unwrap();
        let history = data.path().join("history");
        std::fs::create_dir_all(history.join("owner")).unwrap();
        let none = Environment::default();
        let said = data_folder(Some(&history), &none).unwrap_err().to_string();
        assert!(said.ends_with(&format!("Use: --data {}", data.path().display())), "{said}");
        let said = data_folder(Some(&history.join("owner")), &none).unwrap_err().to_string();
        assert!(said.ends_with(&format!("Use: --data {}", data.path().display())), "{said}");
        assert_eq!(data_folder(Some(data.path()), &none).unwrap(), data.path());
        let variable = Environment::of(&[("RECAP_DATA", data.path().to_str().unwrap())]);
        assert_eq!(data_folder(None, &variable).unwrap(), data.path());
        let file = data.path().join("a.txt");
        std::fs::write(&file, "x").unwrap();
        assert!(data_folder(Some(&file), &none).is_err());
    }
}
