//! A model server as it stands in settings: a name, what it speaks, where it is, what it may take and
//! what it costs. Its key never stands here: it is handed over beside it, as a [`Key`].

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::HeaderValue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::speech::SAMPLE_RATE;
use super::usage::Price;
use crate::net;

/// Letters of a name at most: it stands in records, logs and tables.
const NAME_LETTERS_MAX: usize = 40;
/// Letters of a model's name at most; the longest in use, paths of weights, have some hundred.
const MODEL_LETTERS_MAX: usize = 200;
/// Below this no prompt with a few lines of talk fits.
const WINDOW_TOKENS_MIN: u64 = 1_024;
/// No window is larger, by far.
const WINDOW_TOKENS_MAX: u64 = 100_000_000;
/// An answer shorter than this holds no topic.
const ANSWER_TOKENS_MIN: u64 = 128;
/// Seconds that a call to a server of the internet may take: a long answer of a slow one has minutes.
const TIMEOUT_SECS: u64 = 300;
/// The same for a server on one's own machine or network, which may have to load its weights and
/// compute without a graphics card.
const TIMEOUT_NEAR_SECS: u64 = 1_800;
/// The longest that may be set: half a day.
const TIMEOUT_SECS_MAX: u64 = 43_200;
/// The longest piece of sound that is ever sent, in milliseconds: ten minutes.
const PIECE_MS_MAX: u64 = 600_000;
/// Samples are sent as 16 bits each.
const BYTES_PER_MS: u64 = SAMPLE_RATE as u64 * 2 / 1_000;

/// A model server in settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// By which it is chosen, and named in records.
    pub name: InstanceName,
    /// What it speaks.
    pub kind: Kind,
    /// Where it is, the version's part of the path included; the provider's own by default. A relay
    /// has no default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Url>,
    /// The model, as the server names it.
    pub model: String,
    /// Tokens that prompt and answer may have together; by default the server is asked, or the
    /// provider's documented least is taken. 1,024 to 100,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_tokens: Option<u64>,
    /// Most tokens of one answer, 128 or more; by default what is asked for each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_tokens_max: Option<u64>,
    /// What it costs; nothing by default.
    #[serde(default)]
    pub price: Price,
    /// The price's currency: three capital letters, such as EUR.
    #[serde(default = "usd")]
    pub currency: String,
    /// Seconds that one call may take, its repetitions included: 1 to 43,200; by default 300, and
    /// 1,800 on one's own machine or network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_secs: Option<u64>,
    /// Seconds of sound that it takes at once, 10 to 600; by default what is known of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub piece_secs_max: Option<u64>,
}

fn usd() -> String {
    "USD".to_owned()
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// OpenAI's calls: OpenAI, OpenRouter, Groq, LM Studio, llama.cpp, vLLM, LocalAI and others.
    Openai,
    /// Anthropic's messages.
    Anthropic,
    /// Google's Gemini.
    Gemini,
    /// Ollama's own calls, which tell and set the window.
    Ollama,
    /// An operator's relay: OpenAI's calls, in the name of one of its users.
    Relay,
}

impl Kind {
    /// As it stands in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Openai => "openai",
            Kind::Anthropic => "anthropic",
            Kind::Gemini => "gemini",
            Kind::Ollama => "ollama",
            Kind::Relay => "relay",
        }
    }

    /// Where the provider itself is; `None` for a relay.
    pub fn default_base(self) -> Option<&'static str> {
        match self {
            Kind::Openai => Some("https://api.openai.com/v1"),
            Kind::Anthropic => Some("https://api.anthropic.com/v1"),
            Kind::Gemini => Some("https://generativelanguage.googleapis.com/v1beta"),
            Kind::Ollama => Some("http://127.0.0.1:11434"),
            Kind::Relay => None,
        }
    }

    /// What is added to a base that has no path: it is what people leave out.
    fn default_path(self) -> &'static str {
        match self {
            Kind::Openai | Kind::Anthropic | Kind::Relay => "/v1",
            Kind::Gemini => "/v1beta",
            Kind::Ollama => "/",
        }
    }

    /// Whether it turns sound into words.
    pub fn hears(self) -> bool {
        matches!(self, Kind::Openai | Kind::Gemini | Kind::Relay)
    }
}

impl Instance {
    /// Checks what its types do not say.
    ///
    /// # Errors
    /// A sentence on what is wrong and what would be right.
    pub fn check(&self) -> Result<(), String> {
        let name = &self.name;
        let model = self.model.as_str();
        let is_plain = |c: char| c.is_ascii_graphic();
        if model.is_empty() || model.len() > MODEL_LETTERS_MAX || !model.chars().all(is_plain) {
            return Err(format!(
                "The model of `{name}` must be 1 to {MODEL_LETTERS_MAX} letters, digits and marks without blanks, as \
                 the server names it."
            ));
        }
        self.check_base()?;
        let range = |what: &str, value: Option<u64>, min: u64, max: u64| match value {
            Some(value) if !(min..=max).contains(&value) => {
                Err(format!("{what} of `{name}` must be a whole number from {min} to {max}."))
            }
            _ => Ok(()),
        };
        range("window_tokens", self.window_tokens, WINDOW_TOKENS_MIN, WINDOW_TOKENS_MAX)?;
        range("answer_tokens_max", self.answer_tokens_max, ANSWER_TOKENS_MIN, WINDOW_TOKENS_MAX)?;
        range("timeout_secs", self.timeout_secs, 1, TIMEOUT_SECS_MAX)?;
        range("piece_secs_max", self.piece_secs_max, 10, PIECE_MS_MAX / 1_000)?;
        if let (Some(window), Some(answer)) = (self.window_tokens, self.answer_tokens_max)
            && answer >= window
        {
            return Err(format!(
                "answer_tokens_max of `{name}` must be less than its window_tokens ({window})."
            ));
        }
        if self.currency.len() != 3 || !self.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(format!("The currency of `{name}` must be three capitals, such as EUR."));
        }
        Ok(())
    }

    fn check_base(&self) -> Result<(), String> {
        let name = &self.name;
        let Some(base) = &self.base_url else {
            return match self.kind.default_base() {
                Some(_) => Ok(()),
                None => Err(format!("`{name}` is a relay and needs its base_url.")),
            };
        };
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(format!("The base_url of `{name}` must be an http or https link."));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(format!(
                "The base_url of `{name}` must hold no user and no password: a key is set apart."
            ));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(format!(
                "The base_url of `{name}` must have no part after `?` or `#`: a key is set apart."
            ));
        }
        for end in ["/chat/completions", "/completions", "/messages", "/api/chat", "/api"] {
            if base.path().trim_end_matches('/').ends_with(end) {
                return Err(format!(
                    "The base_url of `{name}` must end before `{end}`: that part is added to it."
                ));
            }
        }
        Ok(())
    }

    /// Where it is. What is missing of the path (`/v1`) is added. The address guard is told to trust
    /// this where the operator or the owner set it.
    ///
    /// # Errors
    /// A relay without an address.
    pub fn base(&self) -> Result<Url, String> {
        let mut base = match (&self.base_url, self.kind.default_base()) {
            (Some(url), _) => url.clone(),
            (None, Some(default)) => Url::parse(default).map_err(|error| error.to_string())?,
            (None, None) => {
                return Err(format!("`{}` is a relay and needs its base_url.", self.name));
            }
        };
        if base.path() == "/" {
            base.set_path(self.kind.default_path());
        }
        Ok(base)
    }

    /// How long one call may take, its repetitions included.
    pub fn timeout(&self) -> Duration {
        let near = || self.base().is_ok_and(|base| net::is_near(&base));
        let default = if near() { TIMEOUT_NEAR_SECS } else { TIMEOUT_SECS };
        Duration::from_secs(self.timeout_secs.unwrap_or(default))
    }

    /// Tokens that an answer may have, of which so many are wanted.
    pub(super) fn answer_tokens(&self, wanted: u64) -> u64 {
        wanted.min(self.answer_tokens_max.unwrap_or(u64::MAX))
    }

    /// Longest piece of sound that it takes, in milliseconds: what is set, else what is known of the
    /// server, at most ten minutes.
    pub fn piece_ms_max(&self) -> u64 {
        let host = self.base().ok().and_then(|base| base.host_str().map(str::to_owned));
        let known = SOUND_LIMITS
            .iter()
            .filter(|limit| Some(limit.host) == host.as_deref())
            .filter(|limit| self.model.starts_with(limit.model))
            .map(|limit| limit.ms_max.min(limit.bytes_max / BYTES_PER_MS))
            .min();
        let set = self.piece_secs_max.map(|secs| secs.saturating_mul(1_000));
        set.or(known).unwrap_or(PIECE_MS_MAX).min(PIECE_MS_MAX)
    }
}

/// What a server takes of sound.
struct SoundLimit {
    host: &'static str,
    /// How the model's name begins.
    model: &'static str,
    bytes_max: u64,
    ms_max: u64,
}

/// The documented limits of known servers. A server that is not here gets pieces of ten minutes.
const SOUND_LIMITS: [SoundLimit; 4] = [
    // 25 MB a file, of which a little is left for the head.
    SoundLimit { host: "api.openai.com", model: "", bytes_max: 25_000_000, ms_max: u64::MAX },
    SoundLimit {
        host: "api.openai.com",
        model: "gpt-4o",
        bytes_max: 25_000_000,
        ms_max: 1_400_000,
    },
    // 25 MB a file in the free tier.
    SoundLimit { host: "api.groq.com", model: "", bytes_max: 25_000_000, ms_max: u64::MAX },
    // 20 MB a request, sound in base64 (four letters for three bytes) and the prompt included.
    SoundLimit {
        host: "generativelanguage.googleapis.com",
        model: "",
        bytes_max: 14_500_000,
        ms_max: u64::MAX,
    },
];

/// An instance's name: 1 to 40 of `a` to `z`, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceName(String);

impl InstanceName {
    /// As it stands in settings.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for InstanceName {
    type Err = String;
    fn from_str(text: &str) -> Result<InstanceName, String> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=NAME_LETTERS_MAX).contains(&text.len()) && text.bytes().all(fits) {
            Ok(InstanceName(text.to_owned()))
        } else {
            Err(format!(
                "The name of a model server must be 1 to {NAME_LETTERS_MAX} of a to z, 0 to 9 and `-`."
            ))
        }
    }
}

impl TryFrom<String> for InstanceName {
    type Error = String;
    fn try_from(text: String) -> Result<InstanceName, String> {
        text.parse()
    }
}

impl From<InstanceName> for String {
    fn from(name: InstanceName) -> String {
        name.0
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for InstanceName {
    fn schema_name() -> Cow<'static, str> {
        "InstanceName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[a-z0-9-]{1,40}$"})
    }
}

/// By which a server knows whose account it is. Shows nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A key as a person pasted it, blanks around it dropped.
    ///
    /// # Errors
    /// A sentence that shows nothing of it, where it is empty or could not stand in a header.
    pub fn new(text: &str) -> Result<Key, String> {
        let text = text.trim();
        if text.is_empty() || text.len() > 4_096 || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("A key must be 1 to 4,096 letters, digits and marks without blanks.".into());
        }
        Ok(Key(text.to_owned()))
    }

    /// For an `Authorization` header.
    pub(super) fn bearer(&self) -> Option<HeaderValue> {
        Key::sensitive(&format!("Bearer {}", self.0))
    }

    /// For a header of its own.
    pub(super) fn plain(&self) -> Option<HeaderValue> {
        Key::sensitive(&self.0)
    }

    fn sensitive(text: &str) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Whether a text holds it, or is a part of it.
    pub(super) fn touches(&self, text: &str) -> bool {
        let (key, text) = (self.0.to_lowercase(), text.to_lowercase());
        text.contains(&key) || key.contains(&text)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn instance(more: Value) -> Result<Instance, String> {
        let mut value = json!({"name": "mine", "kind": "openai", "model": "m-1"});
        for (key, more) in more.as_object().unwrap() {
            value[key] = more.clone();
        }
        let instance: Instance =
            serde_json::from_value(value).map_err(|error| error.to_string())?;
        instance.check().map(|()| instance)
    }

    #[test]
    fn what_is_wrong_with_an_instance_is_a_sentence() {
        for (more, said) in [
            (json!({"name": ""}), "1 to 40"),
            (json!({"name": "a".repeat(41)}), "1 to 40"),
            (json!({"name": "My"}), "1 to 40"),
            (json!({"name": "a b"}), "1 to 40"),
            (json!({"kind": "cohere"}), "unknown variant"),
            (json!({"key": "k"}), "unknown field"),
            (json!({"model": ""}), "The model of `mine`"),
            (json!({"model": "a b"}), "The model of `mine`"),
            (json!({"model": "m".repeat(201)}), "The model of `mine`"),
            (json!({"kind": "relay"}), "needs its base_url"),
            (json!({"base_url": "ftp://example.org"}), "http or https"),
            (json!({"base_url": "https://u:p@example.org/v1"}), "no user and no password"),
            (json!({"base_url": "https://example.org/v1?key=1"}), "after `?`"),
            (json!({"base_url": "https://example.org/v1/chat/completions/"}), "must end before"),
            (json!({"window_tokens": 1_023}), "window_tokens"),
            (json!({"window_tokens": 100_000_001}), "window_tokens"),
            (json!({"answer_tokens_max": 127}), "answer_tokens_max"),
            (json!({"window_tokens": 2_000, "answer_tokens_max": 2_000}), "less than"),
            (json!({"timeout_secs": 0}), "timeout_secs"),
            (json!({"timeout_secs": 43_201}), "timeout_secs"),
            (json!({"piece_secs_max": 9}), "piece_secs_max"),
            (json!({"piece_secs_max": 601}), "piece_secs_max"),
            (json!({"currency": "euro"}), "three capitals"),
        ] {
            let error = instance(more.clone()).unwrap_err();
            assert!(error.contains(said), "{more}: {error}");
        }
        for more in [
            json!({"name": "a".repeat(40)}),
            json!({"model": "m".repeat(200)}),
            json!({"window_tokens": 1_024, "answer_tokens_max": 128}),
            json!({"window_tokens": 100_000_000}),
            json!({"timeout_secs": 1}),
            json!({"timeout_secs": 43_200, "piece_secs_max": 600, "currency": "EUR"}),
            json!({"piece_secs_max": 10}),
            json!({"kind": "relay", "base_url": "https://relay.example"}),
        ] {
            assert_eq!(instance(more.clone()).map(drop), Ok(()), "{more}");
        }
    }

    #[test]
    fn what_people_leave_out_of_an_address_is_added() {
        for (more, want) in [
            (json!({}), "https://api.openai.com/v1"),
            (json!({"base_url": "http://127.0.0.1:1234"}), "http://127.0.0.1:1234/v1"),
            (json!({"base_url": "http://h.example/api/v1/"}), "http://h.example/api/v1/"),
            (json!({"kind": "ollama"}), "http://127.0.0.1:11434/"),
            (
                json!({"kind": "gemini", "base_url": "https://g.example"}),
                "https://g.example/v1beta",
            ),
        ] {
            assert_eq!(instance(more.clone()).unwrap().base().unwrap().as_str(), want, "{more}");
        }
    }

    #[test]
    fn a_near_server_has_more_time_and_known_servers_have_their_limits() {
        let near = instance(json!({"base_url": "http://192.168.0.9:8000"})).unwrap();
        assert_eq!(near.timeout(), Duration::from_secs(1_800));
        assert_eq!(instance(json!({})).unwrap().timeout(), Duration::from_secs(300));
        for (more, ms) in [
            (json!({"model": "whisper-1"}), 600_000),
            (json!({"kind": "gemini"}), 453_125),
            (json!({"kind": "gemini", "piece_secs_max": 60}), 60_000),
            (json!({"base_url": "http://127.0.0.1:9000"}), 600_000),
        ] {
            assert_eq!(instance(more.clone()).unwrap().piece_ms_max(), ms, "{more}");
        }
    }

    #[test]
    fn a_key_shows_nothing_and_bad_ones_are_refused_without_showing_them() {
        let key = Key::new(" canary-key-1 \n").unwrap();
        assert_eq!(format!("{key:?} {:?}", key.bearer()), "Key(…) Some(Sensitive)");
        for bad in ["", " ", "canary key", "canary\nkey", "canäry", &"c".repeat(4_097)] {
            let error = Key::new(bad).unwrap_err();
            assert!(!error.contains("can"), "{error}");
        }
        assert!(key.touches("x Canary-Key-1 y") && key.touches("key-1") && !key.touches("quota"));
    }

    #[test]
    fn the_schema_names_every_field() {
        let schema = serde_json::to_value(schemars::schema_for!(Instance)).unwrap();
        let fields = schema["properties"].as_object().unwrap();
        assert_eq!(fields.len(), 10);
        assert_eq!(schema["additionalProperties"], json!(false));
    }
}
