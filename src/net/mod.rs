//! The guarded way out: every request to the outside goes through [`Net::fetch`] or
//! [`Net::exchange`], with an address guard at each hop, a bound on what is unpacked and a deadline over all of it.

mod client;
mod download;
mod exchange;
mod guard;
mod proxy;

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::{
    ACCEPT, CONTENT_TYPE, COOKIE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION,
    RETRY_AFTER,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use recap_mode::{Fault, FaultKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use url::{Host, Url};

use crate::domain::links::{veiled_path, veiled_query};

use client::{Answered, Client, plainly};
pub use download::{DownloadError, Downloaded};
pub use exchange::{Body, Exchange, Exchanged, Field};
pub use guard::is_public;
pub use proxy::Proxy;

/// Hops that a redirect may take. What browsers allow (20) is more than any publisher needs.
const REDIRECTS_MAX: usize = 10;

/// Longest that a service of the operator's may take to answer.
const CALL_TIME: Duration = Duration::from_secs(60);

/// Largest answer of such a service.
const CALL_BYTES_MAX: u64 = 1024 * 1024;

/// How long a server may be silent in the middle of an answer.
const SILENCE_TIME: Duration = Duration::from_secs(30);

/// The beginning of an answer is read beside all others.
const HEAD_BYTES: usize = 32 * 1024;

/// Answers up to this size are read and held beside one another as far as there are places; of larger
/// ones, one is read and held at a time. So a hundred servers that all send the most they may do not
/// fill the memory.
const SMALL_BYTES: usize = 1024 * 1024;

/// Bytes of a place.
const PLACE_BYTES: usize = 64 * 1024;

/// Places for answers that are not large: 2 MiB altogether.
const PLACES: usize = 32;

/// What an answer is taken to be that does not say how large it is.
const UNSAID_BYTES: usize = 256 * 1024;

/// Longest that an answer waits for its places: after that it is read all the same, since those who hold
/// them may be servers that send a byte a second.
const PLACES_WAIT: Duration = Duration::from_secs(1);

/// Longest validator that is kept and sent back; real ones have some forty letters.
const VALIDATOR_BYTES_MAX: usize = 1_000;

/// Which private addresses a request may reach. Public ones it always may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// None.
    #[default]
    Public,
    /// Those of servers that the person typed themselves: scheme-less `(host, port)`.
    Origins(Vec<(String, u16)>),
    /// All: a setting of the operator says so.
    Private,
}

impl Trust {
    /// Trusts the server of a link that the person typed, and nothing else.
    pub fn typed(url: &Url) -> Trust {
        match (url.host_str(), url.port_or_known_default()) {
            (Some(host), Some(port)) => Trust::Origins(vec![(host.to_owned(), port)]),
            _ => Trust::Public,
        }
    }

    /// The same, and the servers of `others`: addresses that the operator set.
    pub fn and(self, others: &[&Url]) -> Trust {
        let mut origins = match self {
            Trust::Private => return Trust::Private,
            Trust::Public => Vec::new(),
            Trust::Origins(origins) => origins,
        };
        for url in others {
            if let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) {
                origins.push((host.to_owned(), port));
            }
        }
        Trust::Origins(origins)
    }

    /// Whether `url` may lead to a private address.
    pub fn covers(&self, url: &Url) -> bool {
        match self {
            Trust::Public => false,
            Trust::Private => true,
            Trust::Origins(origins) => origins.iter().any(|(host, port)| {
                url.host_str() == Some(host) && url.port_or_known_default() == Some(*port)
            }),
        }
    }
}

/// Whether a link leads to one's own machine or network, which need no sparing.
pub fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// What a scope may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustRule {
    /// Public addresses alone: a tenant.
    Public,
    /// And the server of a link that the person typed: an owner in their own network.
    Typed,
    /// And any other: a setting says so.
    Any,
}

impl TrustRule {
    /// What may be reached for the sake of a link that the person typed.
    pub fn for_link(self, typed: &Url) -> Trust {
        match self {
            TrustRule::Public => Trust::Public,
            TrustRule::Typed => Trust::typed(typed),
            TrustRule::Any => Trust::Private,
        }
    }

    /// What may be reached where nobody typed anything.
    pub fn untyped(self) -> Trust {
        match self {
            TrustRule::Public | TrustRule::Typed => Trust::Public,
            TrustRule::Any => Trust::Private,
        }
    }
}

/// What a server said of the state of an answer, to ask later whether it has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Validators {
    /// Its `ETag`, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its `Last-Modified`, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Validators {
    fn of(headers: &HeaderMap) -> Validators {
        let text = |name: HeaderName| {
            let value = headers.get(name)?.to_str().ok()?.trim();
            (!value.is_empty() && value.len() <= VALIDATOR_BYTES_MAX).then(|| value.to_owned())
        };
        Validators { etag: text(ETAG), last_modified: text(LAST_MODIFIED) }
    }

    /// The headers that ask by them.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [(IF_NONE_MATCH, &self.etag), (IF_MODIFIED_SINCE, &self.last_modified)]
        {
            // They came as headers, so they are some; what was edited by hand may not be.
            if let Some(Ok(value)) = value.as_deref().map(HeaderValue::from_str) {
                headers.insert(name, value);
            }
        }
        headers
    }

    /// Whether there is nothing to ask by.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// When a server wants to be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// In so many seconds.
    In(Duration),
    /// At a time.
    At(DateTime<Utc>),
}

impl RetryAfter {
    /// Reads the header (RFC 9110, 10.2.3): seconds, or a date.
    fn of(headers: &HeaderMap) -> Option<RetryAfter> {
        let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(secs) = text.parse::<u64>() {
            return Some(RetryAfter::In(Duration::from_secs(secs)));
        }
        DateTime::parse_from_rfc2822(text).ok().map(|at| RetryAfter::At(at.to_utc()))
    }

    /// The time, seen from `now`.
    pub fn time(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            RetryAfter::At(at) => at,
            RetryAfter::In(time) => {
                let secs = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
                chrono::TimeDelta::try_seconds(secs)
                    .and_then(|delta| now.checked_add_signed(delta))
                    .unwrap_or(DateTime::<Utc>::MAX_UTC)
            }
        }
    }
}

/// What came of asking whether something has changed.
#[derive(Debug)]
pub enum Answer {
    /// It is as it was.
    Unchanged,
    /// It is this now.
    Changed(Box<Fetched>),
}

/// One thing to fetch.
#[derive(Clone, Debug)]
pub struct Request {
    /// From where.
    pub url: Url,
    /// The `Accept` header.
    pub accept: &'static str,
    /// A cookie that is sent to this link's own server.
    pub cookie: Option<&'static str>,
    /// Most bytes of the answer, unpacked.
    pub bytes_max: u64,
    /// Time for all of it, redirects and body included.
    pub deadline: Duration,
    /// Which private addresses are fine.
    pub trust: Trust,
}

/// What was read of an answer, with the places that it takes: they go with the bytes, so that nobody who
/// has let go of them holds what they may need for the next.
#[derive(Debug)]
pub struct Held {
    bytes: Vec<u8>,
    place: Option<OwnedSemaphorePermit>,
    buffers: Arc<Buffers>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.buffers.keep(std::mem::take(&mut self.bytes));
    }
}

/// What answers were read into, kept for the next ones until a round ends ([`Net::let_go`]): made anew each
/// time they would leave holes of their size between what stays.
#[derive(Debug, Default)]
struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    fn all(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty one of so many bytes or more.
    fn take(&self, bytes: usize) -> Vec<u8> {
        let mut all = self.all();
        let fitting = all.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= bytes);
        let smallest = fitting.min_by_key(|(_, buffer)| buffer.capacity()).map(|(at, _)| at);
        match smallest {
            Some(at) => all.swap_remove(at),
            None => Vec::with_capacity(bytes.next_multiple_of(PLACE_BYTES)),
        }
    }

    /// Keeps one of those that take places, as far as these are held already.
    fn keep(&self, mut buffer: Vec<u8>) {
        let mut all = self.all();
        let kept: usize = all.iter().map(Vec::capacity).sum();
        let room = PLACES * PLACE_BYTES - kept.min(PLACES * PLACE_BYTES);
        if (HEAD_BYTES + 1..=room.min(SMALL_BYTES)).contains(&buffer.capacity()) {
            buffer.clear();
            all.push(buffer);
        }
    }
}

impl Held {
    /// The bytes alone.
    pub fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Gives the places back and keeps the bytes: for who fetches something else before they are done.
    pub fn give_place_back(&mut self) {
        self.place = None;
    }
}

impl Deref for Held {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// An answer.
#[derive(Debug)]
pub struct Fetched {
    /// Where it came from after redirects.
    pub url: Url,
    /// Where the server said that it is for good: the end of the redirects of kind 301 and 308 that
    /// came first.
    pub moved_to: Option<Url>,
    /// By which to ask again.
    pub validators: Validators,
    /// Without parameters, in lower case; empty where it was not said.
    pub media_type: String,
    /// As the server says.
    pub charset: Option<String>,
    /// Unpacked.
    pub bytes: Held,
}

/// Why something could not be fetched. Links are shown without their secrets.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No http.
    #[error("{link} cannot be fetched: only http and https links can.")]
    Scheme {
        /// The link.
        link: Shown,
    },
    /// The guard refused.
    #[error(
        "{link} was not fetched: it leads to a private address ({host}). If it is yours, type that link itself, or set \
         allow_private_addresses."
    )]
    Private {
        /// The link.
        link: Shown,
        /// The host that is private.
        host: String,
    },
    /// In a circle, or too many.
    #[error("{link} was not fetched: it redirects more than {REDIRECTS_MAX} times.")]
    Redirects {
        /// The link.
        link: Shown,
    },
    /// Nobody answered.
    #[error("{link} could not be fetched: {why}. Check the address, or try again later.")]
    Unreachable {
        /// The link.
        link: Shown,
        /// In a few words.
        why: String,
    },
    /// Too slow.
    #[error("{link} did not answer in full within {secs} seconds. Try again later.")]
    TimedOut {
        /// The link.
        link: Shown,
        /// The deadline.
        secs: u64,
    },
    /// Too much.
    #[error("{link} was not fetched: it is larger than {mib} MiB.")]
    TooLarge {
        /// The link.
        link: Shown,
        /// The bound.
        mib: u64,
    },
    /// The server said no.
    #[error("{link} could not be fetched: the server answered {status}{}.", advice(*.status))]
    Status {
        /// The link.
        link: Shown,
        /// Its status code.
        status: u16,
        /// When it wants to be asked again, where it said so.
        retry_after: Option<RetryAfter>,
    },
    /// No client could be made: no certificates on this system, say.
    #[error(
        "Nothing can be fetched from here: {why}. Install the system's CA certificates (package ca-certificates)."
    )]
    NoClient {
        /// Why.
        why: String,
    },
}

fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 => " (it wants a sign-in, or refuses programs)",
        404 | 410 => " (there is nothing at this address)",
        429 => " (asked too often; try again later)",
        500..=599 => " (its own trouble; try again later)",
        _ => "",
    }
}

impl FetchError {
    /// What a client's error on the way to `url` is.
    fn of(error: &(dyn Error + 'static), url: &Url) -> FetchError {
        let link = Shown::from(url);
        if guard::refused(error) {
            FetchError::Private { link, host: url.host_str().unwrap_or_default().to_owned() }
        } else {
            FetchError::Unreachable { link, why: plainly(error) }
        }
    }

    /// Whether it may pass by itself: the way, or the server, has its own trouble.
    pub fn may_pass(&self) -> bool {
        match self {
            FetchError::Unreachable { .. } | FetchError::TimedOut { .. } => true,
            FetchError::Status { status, .. } => {
                matches!(status, 408 | 425 | 429) || (500..=599).contains(status)
            }
            _ => false,
        }
    }

    /// The status that the server answered, where it did.
    pub fn status(&self) -> Option<u16> {
        match self {
            FetchError::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// When the server wants to be asked again, where it said so.
    pub fn retry_after(&self) -> Option<RetryAfter> {
        match self {
            FetchError::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<FetchError> for Fault {
    fn from(error: FetchError) -> Fault {
        let kind = match &error {
            FetchError::Scheme { .. } | FetchError::Private { .. } => FaultKind::Invalid,
            FetchError::TooLarge { .. } => FaultKind::TooLarge,
            _ => FaultKind::Upstream,
        };
        Fault::new(kind, error.to_string())
    }
}

/// A link as it may be printed: without user, password, query and fragment, and without the parts
/// of its path that look like the key of a private feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(String);

impl From<&Url> for Shown {
    fn from(url: &Url) -> Shown {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let path: String = veiled_path(url).chars().take(200).collect();
        let host = url.host_str().unwrap_or_default();
        Shown(format!("{}://{host}{port}{path}", url.scheme()))
    }
}

impl Shown {
    /// A link as its owner may see it on their page and in answers: with what is harmless of its
    /// query.
    pub fn with_query(url: &Url) -> String {
        let shown = Shown::from(url).0;
        match veiled_query(url) {
            Some(query) => format!("{shown}?{query}"),
            None => shown,
        }
    }

    /// As [`Shown::with_query`], for what a person wrote.
    pub fn typed(text: &str) -> String {
        match Url::parse(text.trim()) {
            Ok(url) if url.has_host() => Shown::with_query(&url),
            _ => Shown::text(text),
        }
    }

    /// A link that may not even be one, as a person wrote it.
    pub fn text(text: &str) -> String {
        match Url::parse(text.trim()) {
            Ok(url) if url.has_host() => Shown::from(&url).to_string(),
            // What cannot be parsed is not told apart from its secrets: only its beginning is shown.
            _ => match Url::parse(&format!("https://{}", text.trim())) {
                Ok(url) if url.has_host() && text.contains('.') => {
                    Shown::from(&url).to_string().replacen("https://", "", 1)
                }
                _ => text.chars().filter(|c| !c.is_control()).take(40).collect(),
            },
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The way out. Clients are made on first need: reading the system's certificates takes longer than
/// the daemon's start.
pub struct Net {
    guarded: OnceLock<Result<Client, String>>,
    open: OnceLock<Result<Client, String>>,
    places: Arc<Semaphore>,
    large: Arc<Semaphore>,
    buffers: Arc<Buffers>,
}

impl Default for Net {
    fn default() -> Net {
        Net {
            guarded: OnceLock::new(),
            open: OnceLock::new(),
            places: Arc::new(Semaphore::new(PLACES)),
            large: Arc::new(Semaphore::new(1)),
            buffers: Arc::default(),
        }
    }
}

impl Net {
    /// A way out that was not used yet.
    pub fn new() -> Arc<Net> {
        Arc::default()
    }

    /// Gives the memory back that is kept for the next answers, and closes the connections that nobody uses:
    /// each has read ahead some.
    pub fn let_go(&self) {
        self.buffers.all().clear();
        for client in [&self.guarded, &self.open] {
            if let Some(Ok(client)) = client.get() {
                client.let_go();
            }
        }
    }

    /// Fetches; only an answer of 200 counts.
    ///
    /// # Errors
    /// Each of [`FetchError`].
    pub async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        match self.ask(request, &Validators::default()).await? {
            Answer::Changed(fetched) => Ok(*fetched),
            // `ask` takes a 304 only where validators were sent.
            Answer::Unchanged => Err(FetchError::Status {
                link: Shown::from(&request.url),
                status: StatusCode::NOT_MODIFIED.as_u16(),
                retry_after: None,
            }),
        }
    }

    /// Asks whether something has changed since `validators` were sent with it; fetches it, if so.
    /// Without validators it fetches.
    ///
    /// # Errors
    /// Each of [`FetchError`].
    pub async fn ask(
        &self,
        request: &Request,
        validators: &Validators,
    ) -> Result<Answer, FetchError> {
        let mut deadline = Deadline::of(&request.url, request.deadline);
        let (response, url, moved_to) =
            deadline.hold(self.follow(request, &validators.headers())).await??;
        if response.status == StatusCode::NOT_MODIFIED && !validators.is_empty() {
            return Ok(Answer::Unchanged);
        }
        self.read(request, &mut deadline, url, moved_to, response)
            .await
            .map(|fetched| Answer::Changed(Box::new(fetched)))
    }

    /// Calls a service that the operator configured: any address, no redirects.
    ///
    /// # Errors
    /// Each of [`FetchError`] but `Status`: whatever it answers is an answer.
    pub async fn call(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, FetchError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|error| FetchError::NoClient {
            why: format!("the address of a service cannot be read: {error}"),
        })?;
        let mut headers = parts.headers;
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        let exchanged = self
            .exchange(&Exchange {
                method: parts.method,
                url,
                headers,
                body: Body::Bytes(body.into()),
                bytes_max: CALL_BYTES_MAX,
                deadline: CALL_TIME,
                silence: SILENCE_TIME,
                trust: Trust::Private,
            })
            .await?;
        let mut answer = http::Response::new(exchanged.bytes);
        *answer.status_mut() = exchanged.status;
        *answer.headers_mut() = exchanged.headers;
        Ok(answer)
    }

    async fn follow(
        &self,
        request: &Request,
        headers: &HeaderMap,
    ) -> Result<(Answered, Url, Option<Url>), FetchError> {
        let mut url = request.url.clone();
        let mut moved_to = None;
        let mut for_good = true;
        for _ in 0..=REDIRECTS_MAX {
            let response = self.send(request, &url, headers).await?;
            let status = response.status;
            let location = response.headers.get(LOCATION).and_then(|value| value.to_str().ok());
            let next = location.and_then(|to| url.join(to).ok());
            match next.filter(|_| is_redirect(status)) {
                Some(next) => {
                    for_good &= matches!(status.as_u16(), 301 | 308);
                    if for_good {
                        moved_to = Some(next.clone());
                    }
                    url = next;
                }
                None => return Ok((response, url, moved_to)),
            }
        }
        Err(FetchError::Redirects { link: Shown::from(&request.url) })
    }

    async fn send(
        &self,
        request: &Request,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<Answered, FetchError> {
        let client = self.client_for(url, &request.trust)?;
        let mut headers = headers.clone();
        headers.insert(ACCEPT, HeaderValue::from_static(request.accept));
        // Never to another server than the one that it is for.
        if let Some(cookie) = request.cookie.filter(|_| same_server(&request.url, url)) {
            headers.insert(COOKIE, HeaderValue::from_static(cookie));
        }
        let nothing = http_body_util::Empty::new().boxed_unsync();
        let sent = client.send(Method::GET, url, headers, nothing).await;
        sent.map_err(|error| FetchError::of(&*error, url))
    }

    /// The client by which `url` may be reached, if it may.
    fn client_for(&self, url: &Url, trust: &Trust) -> Result<&Client, FetchError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::Scheme { link: Shown::from(url) });
        }
        let trusted = trust.covers(url);
        // A resolver is not asked for literal addresses, so they are looked at here.
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(ip.into()),
            Some(Host::Ipv6(ip)) => Some(ip.into()),
            Some(Host::Domain(_)) => None,
            None => return Err(FetchError::Scheme { link: Shown::from(url) }),
        };
        if !trusted && literal.is_some_and(|ip| !is_public(ip)) {
            return Err(FetchError::Private {
                link: Shown::from(url),
                host: url.host_str().unwrap_or_default().to_owned(),
            });
        }
        self.client(trusted)
    }

    async fn read(
        &self,
        request: &Request,
        deadline: &mut Deadline,
        url: Url,
        moved_to: Option<Url>,
        response: Answered,
    ) -> Result<Fetched, FetchError> {
        if response.status != StatusCode::OK {
            return Err(FetchError::Status {
                status: response.status.as_u16(),
                retry_after: RetryAfter::of(&response.headers),
                link: Shown::from(&url),
            });
        }
        let (media_type, charset) = content_type(&response.headers);
        let validators = Validators::of(&response.headers);
        let bytes = self.drain(response, request.bytes_max, SILENCE_TIME, deadline, &url).await?;
        Ok(Fetched { url, moved_to, validators, media_type, charset, bytes })
    }

    /// Reads a body to its end, within its bounds. It takes places by its size, and a large one the one
    /// place for such in their stead.
    async fn drain(
        &self,
        mut response: Answered,
        bytes_max: u64,
        silence: Duration,
        deadline: &mut Deadline,
        url: &Url,
    ) -> Result<Held, FetchError> {
        let too_large =
            || FetchError::TooLarge { link: Shown::from(url), mib: bytes_max / (1024 * 1024) };
        // What says that it is too large is believed; what lies is found out below.
        if response.content_length().is_some_and(|length| length > bytes_max) {
            return Err(too_large());
        }
        // What is said to come is made room for at once: growing by doubling would hold three times it.
        let said = response.content_length().and_then(|length| usize::try_from(length).ok());
        let mut bytes = Vec::with_capacity(said.unwrap_or(0).min(HEAD_BYTES));
        let (mut place, mut is_placed, mut is_large) = (None, false, false);
        loop {
            let chunk = deadline.hold(tokio::time::timeout(silence, response.chunk())).await?;
            let chunk = chunk
                .map_err(|_| FetchError::TimedOut {
                    link: Shown::from(url),
                    secs: silence.as_secs(),
                })?
                .map_err(|error| FetchError::of(&*error, url))?;
            let Some(chunk) = chunk else { break };
            // Counted unpacked: a small packed answer can grow a thousandfold.
            if (bytes.len() + chunk.len()) as u64 > bytes_max {
                return Err(too_large());
            }
            let len = bytes.len() + chunk.len();
            let began = Instant::now();
            if !is_placed && len > HEAD_BYTES {
                is_placed = true;
                let expected = said.unwrap_or(UNSAID_BYTES).clamp(len, len.max(SMALL_BYTES));
                let count = u32::try_from(expected.div_ceil(PLACE_BYTES).min(PLACES)).unwrap_or(1);
                let places = self.places.clone().acquire_many_owned(count);
                place = tokio::time::timeout(PLACES_WAIT, places).await.ok().and_then(Result::ok);
                let head = std::mem::replace(&mut bytes, self.buffers.take(expected));
                bytes.extend_from_slice(&head);
            }
            if !is_large && len > SMALL_BYTES {
                is_large = true;
                // Given back first: who waits for the large one must not keep small ones waiting.
                drop(place.take());
                place = self.large.clone().acquire_owned().await.ok();
                bytes.reserve_exact(said.map_or(0, |said| said.saturating_sub(bytes.len())));
            }
            // Waiting for others is not the server's fault.
            deadline.at += began.elapsed();
            if bytes.capacity() - bytes.len() < chunk.len() {
                // By a quarter: a large answer of unknown length must not take twice its room.
                bytes.reserve_exact((bytes.len() / 4).max(chunk.len()));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Held { bytes, place, buffers: self.buffers.clone() })
    }

    fn client(&self, trusted: bool) -> Result<&Client, FetchError> {
        let cell = if trusted { &self.open } else { &self.guarded };
        cell.get_or_init(|| Client::new(!trusted))
            .as_ref()
            .map_err(|why| FetchError::NoClient { why: why.clone() })
    }
}

/// 304 has no place to go, and 300 leaves the choice to a person.
fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn same_server(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}

/// The end of the time that a request may take.
struct Deadline {
    at: Instant,
    url: Url,
    secs: u64,
}

impl Deadline {
    async fn hold<A>(&self, work: impl Future<Output = A>) -> Result<A, FetchError> {
        tokio::time::timeout_at(self.at, work)
            .await
            .map_err(|_| FetchError::TimedOut { link: Shown::from(&self.url), secs: self.secs })
    }
}

/// The media type in lower case without parameters, and the charset.
fn content_type(headers: &HeaderMap) -> (String, Option<String>) {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts
        .find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.eq_ignore_ascii_case("charset").then_some(value)
        })
        .map(|value| value.trim_matches('"').to_owned());
    (media_type, charset)
}

#[cfg(test)]
mod tests;
