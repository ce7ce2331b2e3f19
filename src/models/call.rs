//! The frame of every call to a model server: key and address, tries with growing pauses, the breaker,
//! and what a status or a broken answer means. Knows no protocol: what a body holds is the business of
//! each kind's own file.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use recap_mode::{Clock, Entropy};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::breaker::Breaker;
use super::instance::{Instance, Key};
use super::{ModelError, ModelFault};
use crate::net::{Body, Exchange, FetchError, Field, Net, RetryAfter, Shown, Trust};

/// So often is one call made, where it fails in a way that may pass.
const TRIES_MAX: u32 = 3;
/// The pause before the second try; before the third it is four times as long.
const PAUSE: Duration = Duration::from_secs(2);
/// A server that wants a longer pause is given up: the job comes back later by itself.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// No answer of a model is larger: the longest window of answers is a few hundred kilobytes.
const ANSWER_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How long a server may be silent in the middle of its answer.
const SILENCE: Duration = Duration::from_secs(60);
/// So much of a refusal is looked at for what it means.
const SAID_BYTES_MAX: usize = 8 * 1024;
/// Letters of a server's error code at most; real ones have some forty.
const CODE_LETTERS_MAX: usize = 48;

/// By which the outside is reached.
#[derive(Clone)]
pub struct Way {
    /// The guarded way out.
    pub net: Arc<Net>,
    /// Whether the instance's own address may be private: [`Trust::typed`] of its base where the
    /// operator or the owner set it, [`Trust::Public`] for a tenant's.
    pub trust: Trust,
    /// For servers that say a time at which to ask again.
    pub clock: Arc<dyn Clock>,
    /// For pauses of uneven length.
    pub entropy: Arc<dyn Entropy>,
}

/// The way to one instance.
pub(super) struct Line {
    pub(super) instance: Instance,
    base: Url,
    /// Key and identity, as this kind wants them.
    headers: HeaderMap,
    key: Option<Key>,
    way: Way,
    breaker: Arc<Breaker>,
}

/// What is sent.
pub(super) enum Sent<'a> {
    /// A question without a body.
    Nothing,
    /// JSON.
    Json(&'a Value),
    /// A form of several parts.
    Form(Vec<Field>),
}

/// A call that failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: ModelError,
    /// What a server said that refuses the form of a call, in lower case; empty otherwise. For looking
    /// into, never for showing: it may hold the prompt.
    pub(super) said: String,
    /// Whether the same may succeed a moment later.
    again: bool,
}

impl From<ModelError> for Failed {
    fn from(error: ModelError) -> Failed {
        let again = error.kind == ModelFault::Malformed;
        Failed { error, said: String::new(), again }
    }
}

impl From<Failed> for ModelError {
    fn from(failed: Failed) -> ModelError {
        failed.error
    }
}

impl Line {
    pub(super) fn new(
        instance: Instance,
        key: Option<Key>,
        headers: Vec<(&'static str, Option<HeaderValue>)>,
        way: Way,
        breaker: Arc<Breaker>,
    ) -> Result<Line, String> {
        let base = instance.base()?;
        let headers = headers
            .into_iter()
            .filter_map(|(name, value)| Some((HeaderName::from_static(name), value?)))
            .chain([(ACCEPT, HeaderValue::from_static("application/json"))])
            .collect();
        Ok(Line { instance, base, headers, key, way, breaker })
    }

    /// When a call that begins now has to be over.
    pub(super) fn until(&self) -> Instant {
        Instant::now() + self.instance.timeout()
    }

    /// A failure of this instance: what it did, and what helps.
    pub(super) fn fault(&self, kind: ModelFault, what: &str, cure: &str) -> ModelError {
        let (name, shown) = (&self.instance.name, Shown::from(&self.base));
        ModelError::new(kind, format!("The model server `{name}` ({shown}) {what}. {cure}"))
    }

    /// Asks, until an answer can be read or it is of no use to go on.
    pub(super) async fn ask<A: Send>(
        &self,
        path: &str,
        sent: Sent<'_>,
        until: Instant,
        read: &(dyn Fn(Value) -> Result<A, ModelError> + Sync),
    ) -> Result<A, Failed> {
        let mut headers = self.headers.clone();
        let (method, body) = match sent {
            Sent::Nothing => (Method::GET, Body::Empty),
            Sent::Json(value) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                (Method::POST, Body::Bytes(Bytes::from(value.to_string())))
            }
            Sent::Form(fields) => (Method::POST, Body::Form(fields)),
        };
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        let mut exchange = Exchange {
            method,
            url,
            headers,
            body,
            bytes_max: ANSWER_BYTES_MAX,
            deadline: Duration::ZERO,
            silence: SILENCE,
            trust: self.way.trust.clone(),
        };
        self.tried(until, || {
            exchange.deadline = until.saturating_duration_since(Instant::now());
            let exchange = exchange.clone();
            async move { self.once(&exchange).await.and_then(|value| Ok(read(value)?)) }
        })
        .await
    }

    /// Tries up to three times, as long as it may help, there is time and the breaker gives leave.
    async fn tried<A, W>(
        &self,
        until: Instant,
        mut once: impl FnMut() -> W + Send,
    ) -> Result<A, Failed>
    where
        W: Future<Output = Result<A, Failed>> + Send,
    {
        let mut tries = 0;
        loop {
            let leave = self.breaker.enter().map_err(|left| self.resting(left))?;
            let outcome = once().await;
            tries += 1;
            let failed = match outcome {
                Ok(answer) => {
                    leave.answered();
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            match failed.error.kind {
                ModelFault::Unreachable | ModelFault::TimedOut | ModelFault::Server => {
                    leave.failed();
                }
                _ => leave.answered(),
            }
            tracing::debug!(
                instance = %self.instance.name,
                kind = ?failed.error.kind,
                tries,
                "a model server gave no answer"
            );
            let pause = self.pause(tries, failed.error.retry_after);
            if !failed.again || tries >= TRIES_MAX || Instant::now() + pause >= until {
                return Err(failed);
            }
            if pause > PAUSE_MAX {
                return Err(failed);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// How long to wait before the next try: what the server wants, at least; otherwise growing, and
    /// shortened by chance by up to a half, so that many do not come back in the same moment.
    fn pause(&self, tries: u32, wanted: Option<RetryAfter>) -> Duration {
        let mut chance = [0; 1];
        self.way.entropy.fill(&mut chance);
        let longest = PAUSE * 4_u32.saturating_pow(tries.saturating_sub(1));
        let own = longest - longest / 2 * u32::from(chance[0]) / 255;
        let wanted = match wanted {
            None => Duration::ZERO,
            Some(RetryAfter::In(time)) => time,
            Some(RetryAfter::At(at)) => {
                (at - self.way.clock.now()).to_std().unwrap_or(Duration::ZERO)
            }
        };
        own.max(wanted)
    }

    fn resting(&self, left: Duration) -> Failed {
        let secs = left.as_secs().max(1);
        let what = "was not asked: it failed again and again just now";
        let cure = format!("It is tried again in {secs} seconds.");
        let mut error = self.fault(ModelFault::Unreachable, what, &cure);
        error.retry_after = Some(RetryAfter::In(left));
        Failed { error, said: String::new(), again: false }
    }

    async fn once(&self, exchange: &Exchange) -> Result<Value, Failed> {
        let answered = self.way.net.exchange(exchange).await;
        let answer = answered.map_err(|error| self.unreached(error))?;
        let start = answer.bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        let is_page = answer.media_type == "text/html" || start == Some(&b'<');
        if !answer.status.is_success() {
            return Err(self.refusal(answer.status, answer.retry_after, &answer.bytes));
        }
        if is_page {
            let cure = "Check its base_url: another program listens there, or a sign-in page.";
            let what = "answered with a web page in place of JSON";
            return Err(self.for_good(ModelFault::Unknown, what, cure));
        }
        let value: Value = serde_json::from_slice(&answer.bytes).map_err(|_| {
            let what = "answered with something that is no JSON";
            Failed::from(self.fault(
                ModelFault::Malformed,
                what,
                "Try again, or check its version.",
            ))
        })?;
        // Some say 200 and tell of a failure inside.
        match value.get("error").filter(|error| !error.is_null()) {
            None => Ok(value),
            Some(error) => {
                let code = error.get("code").and_then(Value::as_u64);
                let status =
                    code.and_then(|code| StatusCode::from_u16(u16::try_from(code).ok()?).ok());
                let status = status.filter(|status| !status.is_success());
                let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Err(self.refusal(status, answer.retry_after, &answer.bytes))
            }
        }
    }

    fn for_good(&self, kind: ModelFault, what: &str, cure: &str) -> Failed {
        Failed { again: false, ..Failed::from(self.fault(kind, what, cure)) }
    }

    fn unreached(&self, error: FetchError) -> Failed {
        let (kind, what, cure, again) = match error {
            FetchError::Unreachable { why, .. } => (
                ModelFault::Unreachable,
                format!("could not be reached: {why}"),
                "Start it, or check its base_url.",
                true,
            ),
            FetchError::TimedOut { secs, .. } => (
                ModelFault::TimedOut,
                format!("did not answer in full within {secs} seconds"),
                "Raise its timeout_secs, or choose a smaller model.",
                true,
            ),
            FetchError::TooLarge { mib, .. } => (
                ModelFault::Malformed,
                format!("answered with more than {mib} MiB"),
                "Check its base_url: no model answers so much.",
                false,
            ),
            FetchError::Scheme { .. } | FetchError::Private { .. } => (
                ModelFault::Setting,
                "was not asked: its address is a private one, or no http".to_owned(),
                "Use a public https address, or let the operator set this one.",
                false,
            ),
            FetchError::NoClient { why } => (
                ModelFault::Broken,
                format!("was not asked: {why}"),
                "Install the system's CA certificates (package ca-certificates).",
                false,
            ),
            FetchError::Redirects { .. } | FetchError::Status { .. } => (
                ModelFault::Unknown,
                "leads elsewhere".to_owned(),
                "Set its base_url to the address where it is.",
                false,
            ),
        };
        Failed { error: self.fault(kind, &what, cure), said: String::new(), again }
    }

    /// What a status other than 2xx means. What the server says is looked at and not passed on: it may
    /// hold the key or the prompt. Its error code is, where it is one.
    fn refusal(&self, status: StatusCode, after: Option<RetryAfter>, body: &[u8]) -> Failed {
        let said = &body[..body.len().min(SAID_BYTES_MAX)];
        let said = String::from_utf8_lossy(said).to_lowercase();
        let (kind, again) = sort(status, &said);
        let (what, cure) = match kind {
            ModelFault::Key => (
                "refused its key",
                "Set a key that is valid and may use this model; a server that wants none must not get one.",
            ),
            ModelFault::Quota => (
                "says that the account has nothing left",
                "Add money there, raise its limit, or choose another model server.",
            ),
            ModelFault::Unknown => (
                "knows no such model, or no such address",
                "Check its model (for Ollama: `ollama pull` it first) and its base_url.",
            ),
            ModelFault::TooLong => {
                ("got more than it takes at once", "Lower its window_tokens or piece_secs_max.")
            }
            ModelFault::Refused => {
                ("will not answer this", "Its provider's filter stopped it; choose another model.")
            }
            ModelFault::Busy => ("is busy, or was asked too often", "Try again later."),
            ModelFault::Server => ("has trouble of its own", "Try again later, or see its log."),
            _ => (
                "does not take the call as it is made",
                "Check that its kind and model fit it, and its version.",
            ),
        };
        let code = match self.code(body) {
            Some(code) => format!(" ({}, {code})", status.as_u16()),
            None => format!(" ({})", status.as_u16()),
        };
        let mut error = self.fault(kind, &format!("{what}{code}"), cure);
        error.retry_after = after.or_else(|| retry_delay(&said));
        let is_form = matches!(status.as_u16(), 400 | 422 | 501) && kind == ModelFault::Setting;
        Failed { error, said: if is_form { said } else { String::new() }, again }
    }

    /// The error's code, where it is a plain word and nothing of the key.
    fn code(&self, body: &[u8]) -> Option<String> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let error = value.get("error")?;
        let is_plain = |code: &&str| {
            let fits = |b: u8| b.is_ascii_alphabetic() || b == b'_' || b == b'-';
            (3..=CODE_LETTERS_MAX).contains(&code.len()) && code.bytes().all(fits)
        };
        ["code", "type", "status"]
            .iter()
            .filter_map(|name| error.get(name).and_then(Value::as_str))
            .find(is_plain)
            .filter(|code| !self.key.as_ref().is_some_and(|key| key.touches(code)))
            .map(str::to_owned)
    }
}

/// What a status means, with what was said beside it in lower case; and whether the same may succeed a
/// moment later.
fn sort(status: StatusCode, said: &str) -> (ModelFault, bool) {
    const LONG: [&str; 12] = [
        "context_length_exceeded",
        "context length",
        "context window",
        "context size",
        "maximum context",
        "prompt is too long",
        "input is too long",
        "too many tokens",
        "exceeds the maximum number of tokens",
        "input token count",
        "string_above_max_length",
        "request too large",
    ];
    const EMPTY: [&str; 7] = [
        "insufficient_quota",
        "credit balance",
        "insufficient credits",
        "insufficient balance",
        "insufficient funds",
        "billing_hard_limit",
        "billing_not_active",
    ];
    const FILTER: [&str; 4] =
        ["content_filter", "content_policy", "content management policy", "responsibleaipolicy"];
    const KEY: [&str; 4] =
        ["api key not valid", "api_key_invalid", "invalid_api_key", "incorrect api key"];
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    match status.as_u16() {
        300..=399 | 404 | 405 | 410 => (ModelFault::Unknown, false),
        401 => (ModelFault::Key, false),
        402 => (ModelFault::Quota, false),
        403 if says(&EMPTY) => (ModelFault::Quota, false),
        403 => (ModelFault::Key, false),
        413 => (ModelFault::TooLong, false),
        429 if says(&EMPTY) => (ModelFault::Quota, false),
        408 | 425 | 429 | 503 | 529 => (ModelFault::Busy, true),
        _ if says(&LONG) => (ModelFault::TooLong, false),
        400..=499 if says(&KEY) => (ModelFault::Key, false),
        400..=499 if says(&EMPTY) => (ModelFault::Quota, false),
        400..=499 if says(&FILTER) => (ModelFault::Refused, false),
        400..=499 if said.contains("model") && said.contains("not found") => {
            (ModelFault::Unknown, false)
        }
        400..=499 | 501 => (ModelFault::Setting, false),
        _ => (ModelFault::Server, true),
    }
}

/// Gemini says in the body how long to wait: `"retryDelay": "34s"`.
fn retry_delay(said: &str) -> Option<RetryAfter> {
    let (_, rest) = said.split_once("\"retrydelay\"")?;
    let digits: String = rest
        .chars()
        .take(40)
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok().map(Duration::from_secs).map(RetryAfter::In)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use recap_mode::{ManualClock, SeededEntropy};

    use super::*;

    fn line() -> Line {
        let instance = serde_json::from_value(serde_json::json!({
            "name": "mine", "kind": "openai", "model": "m", "timeout_secs": 100
        }));
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let way = Way {
            net: Net::new(),
            trust: Trust::Public,
            clock: Arc::new(ManualClock::at(now)),
            entropy: Arc::new(SeededEntropy::new(7)),
        };
        let key = Key::new("canary-key").unwrap();
        Line::new(instance.unwrap(), Some(key), Vec::new(), way, Arc::default()).unwrap()
    }

    /// Tries against a server that always fails in one way: how often, and how long it took.
    async fn tries(kind: ModelFault, again: bool, after: Option<RetryAfter>) -> (u32, Duration) {
        let (line, count, began) = (line(), AtomicU32::new(0), Instant::now());
        let outcome: Result<(), Failed> = line
            .tried(line.until(), || {
                count.fetch_add(1, Ordering::Relaxed);
                let error = ModelError { retry_after: after, ..ModelError::new(kind, "No.") };
                async move { Err(Failed { error, said: String::new(), again }) }
            })
            .await;
        assert_eq!(outcome.unwrap_err().error.kind, kind);
        (count.into_inner(), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_three_times_with_growing_pauses_and_what_may_not_once() {
        let (count, took) = tries(ModelFault::Server, true, None).await;
        // Between half of 2 + 8 seconds and all of it.
        assert!(count == 3 && (5_000..=10_001).contains(&took.as_millis()), "{took:?}");
        assert_eq!(tries(ModelFault::Key, false, None).await, (1, Duration::ZERO));
        let secs = |secs| Some(RetryAfter::In(Duration::from_secs(secs)));
        let (count, took) = tries(ModelFault::Busy, true, secs(20)).await;
        assert!(count == 3 && took.as_secs() == 40, "{took:?}");
        let (count, took) = tries(ModelFault::Busy, true, secs(60)).await;
        assert!(count == 2 && took.as_secs() == 60, "the call's time ends first: {took:?}");
        assert_eq!(tries(ModelFault::Busy, true, secs(61)).await.0, 1, "too long to wait");
        let at = |text: &str| Some(RetryAfter::At(text.parse().unwrap()));
        let (_, took) = tries(ModelFault::Busy, true, at("2026-11-20T10:00:15Z")).await;
        assert_eq!(took.as_secs(), 30);
        let (_, took) = tries(ModelFault::Busy, true, at("2020-01-01T00:00:00Z")).await;
        assert!(took.as_secs() < 11, "a time that is past is no time to wait: {took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_fails_five_times_is_left_alone_for_a_minute() {
        let (line, count) = (line(), AtomicU32::new(0));
        let broken = || {
            count.fetch_add(1, Ordering::Relaxed);
            let error = ModelError::new(ModelFault::Unreachable, "No.");
            async move { Err::<(), _>(Failed { error, said: String::new(), again: true }) }
        };
        for _ in 0..2 {
            let _ = line.tried(line.until(), broken).await;
        }
        assert_eq!(count.load(Ordering::Relaxed), 5, "the sixth was not made");
        let failed = line.tried(line.until(), broken).await.unwrap_err();
        assert!(failed.error.message.contains("was not asked"), "{}", failed.error);
        assert!(failed.error.retry_after.is_some());
        tokio::time::advance(Duration::from_secs(60)).await;
        let well = line.tried(line.until(), || async { Ok(()) }).await;
        assert!(well.is_ok());
    }

    #[test]
    fn a_status_means_what_helps() {
        use ModelFault::{Busy, Key, Quota, Refused, Server, Setting, TooLong, Unknown};
        for (status, said, kind, again) in [
            (301, "", Unknown, false),
            (400, "", Setting, false),
            (400, "this model's maximum context length is 8192 tokens", TooLong, false),
            (400, "the request exceeds the available context size", TooLong, false),
            (400, "api key not valid. please pass a valid api key.", Key, false),
            (400, "your credit balance is too low", Quota, false),
            (400, "code: content_filter", Refused, false),
            (400, "model `x` not found", Unknown, false),
            (401, "", Key, false),
            (402, "", Quota, false),
            (403, "", Key, false),
            (403, "insufficient credits", Quota, false),
            (404, "", Unknown, false),
            (408, "", Busy, true),
            (413, "", TooLong, false),
            (422, "", Setting, false),
            (429, "", Busy, true),
            (429, "insufficient_quota", Quota, false),
            (500, "", Server, true),
            (500, "input is too long: context size", TooLong, false),
            (501, "", Setting, false),
            (502, "", Server, true),
            (503, "context length", Busy, true),
            (504, "", Server, true),
            (529, "", Busy, true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(sort(status, said), (kind, again), "{status} {said}");
        }
    }

    #[test]
    fn a_code_is_passed_on_and_nothing_that_touches_the_key_or_is_no_code() {
        for (body, said) in [
            (r#"{"error": {"code": "insufficient_quota"}}"#, "(429, insufficient_quota)"),
            (r#"{"error": {"status": "RESOURCE_EXHAUSTED", "code": 429}}"#, "RESOURCE_EXHAUSTED"),
            (r#"{"error": {"code": "canary-key", "message": "canary-key"}}"#, "(429)"),
            (r#"{"error": {"code": "canary"}}"#, "(429)"),
            (r#"{"error": {"code": "no such word"}}"#, "(429)"),
            (r#"{"error": "canary-key"}"#, "(429)"),
            ("canary-key", "(429)"),
        ] {
            let failed = line().refusal(StatusCode::TOO_MANY_REQUESTS, None, body.as_bytes());
            let message = failed.error.message;
            assert!(message.contains(said) && !message.contains("canary"), "{body}: {message}");
        }
    }

    #[test]
    fn gemini_s_delay_is_read_from_its_body() {
        let want = Some(RetryAfter::In(Duration::from_secs(34)));
        assert_eq!(retry_delay("{\"retrydelay\": \"34s\"}"), want);
        assert_eq!(retry_delay("{\"retrydelay\": \"soon\"}"), None);
        assert_eq!(retry_delay("34s"), None);
    }
}
