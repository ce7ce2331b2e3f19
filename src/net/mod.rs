//! The guarded way out: every request to the outside goes through [`Net::fetch`], with an address
//! guard at each hop, a bound on what is unpacked and a deadline over all of it.

mod guard;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use recap_mode::{Fault, FaultKind};
use url::{Host, Url};

pub use guard::is_public;

/// Hops that a redirect may take. What browsers allow (20) is more than any publisher needs.
const REDIRECTS_MAX: usize = 10;

/// How long a connection may take to be made.
const CONNECT_TIME: Duration = Duration::from_secs(15);

/// How long a server may be silent in the middle of an answer.
const SILENCE_TIME: Duration = Duration::from_secs(30);

/// How requests name themselves.
const AGENT: &str = concat!("Recap/", env!("CARGO_PKG_VERSION"), " (podcast transcripts)");

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

    fn covers(&self, url: &Url) -> bool {
        match self {
            Trust::Public => false,
            Trust::Private => true,
            Trust::Origins(origins) => origins.iter().any(|(host, port)| {
                url.host_str() == Some(host) && url.port_or_known_default() == Some(*port)
            }),
        }
    }
}

/// One thing to fetch.
#[derive(Clone, Debug)]
pub struct Request {
    /// From where.
    pub url: Url,
    /// The `Accept` header.
    pub accept: &'static str,
    /// Most bytes of the answer, unpacked.
    pub bytes_max: u64,
    /// Time for all of it, redirects and body included.
    pub deadline: Duration,
    /// Which private addresses are fine.
    pub trust: Trust,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Where it came from after redirects.
    pub url: Url,
    /// Without parameters, in lower case; empty where it was not said.
    pub media_type: String,
    /// As the server says.
    pub charset: Option<String>,
    /// Unpacked.
    pub bytes: Vec<u8>,
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
    #[error("{link} could not be reached: {why}. Check the address, or try again later.")]
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

/// A link without user, password, query and fragment: those may be secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(String);

impl From<&Url> for Shown {
    fn from(url: &Url) -> Shown {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let path: String = url.path().chars().take(200).collect();
        Shown(format!("{}://{}{port}{path}", url.scheme(), url.host_str().unwrap_or_default()))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The way out. Clients are made on first need: reading the system's certificates takes longer than
/// the daemon's start.
#[derive(Default)]
pub struct Net {
    guarded: OnceLock<Result<reqwest::Client, String>>,
    open: OnceLock<Result<reqwest::Client, String>>,
}

impl Net {
    /// A way out that was not used yet.
    pub fn new() -> Arc<Net> {
        Arc::default()
    }

    /// Fetches; only an answer of 200 counts.
    ///
    /// # Errors
    /// Each of [`FetchError`].
    pub async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        match tokio::time::timeout(request.deadline, self.follow(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FetchError::TimedOut {
                link: Shown::from(&request.url),
                secs: request.deadline.as_secs(),
            }),
        }
    }

    async fn follow(&self, request: &Request) -> Result<Fetched, FetchError> {
        let mut url = request.url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let response = self.ask(request, &url).await?;
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            match (response.status().is_redirection(), location.and_then(|to| url.join(to).ok())) {
                (true, Some(next)) => url = next,
                _ => return read(request, url, response).await,
            }
        }
        Err(FetchError::Redirects { link: Shown::from(&request.url) })
    }

    async fn ask(&self, request: &Request, url: &Url) -> Result<reqwest::Response, FetchError> {
        let link = Shown::from(url);
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::Scheme { link });
        }
        let trusted = request.trust.covers(url);
        // A resolver is not asked for literal addresses, so they are looked at here.
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(ip.into()),
            Some(Host::Ipv6(ip)) => Some(ip.into()),
            Some(Host::Domain(_)) => None,
            None => return Err(FetchError::Scheme { link }),
        };
        if !trusted && literal.is_some_and(|ip| !is_public(ip)) {
            return Err(FetchError::Private {
                link,
                host: url.host_str().unwrap_or_default().to_owned(),
            });
        }
        let client = self.client(trusted)?;
        client.get(url.clone()).header(ACCEPT, request.accept).send().await.map_err(|error| {
            if guard::refused(&error) {
                FetchError::Private { link, host: url.host_str().unwrap_or_default().to_owned() }
            } else {
                FetchError::Unreachable { link, why: plainly(&error) }
            }
        })
    }

    fn client(&self, trusted: bool) -> Result<&reqwest::Client, FetchError> {
        let cell = if trusted { &self.open } else { &self.guarded };
        cell.get_or_init(|| make_client(trusted))
            .as_ref()
            .map_err(|why| FetchError::NoClient { why: why.clone() })
    }
}

#[expect(clippy::disallowed_methods, reason = "the one lawful place")]
fn make_client(trusted: bool) -> Result<reqwest::Client, String> {
    let builder = reqwest::Client::builder()
        .user_agent(AGENT)
        .connect_timeout(CONNECT_TIME)
        .read_timeout(SILENCE_TIME)
        .redirect(reqwest::redirect::Policy::none())
        // A proxy of the environment would look names up itself, past the guard.
        .no_proxy();
    let builder = if trusted { builder } else { builder.dns_resolver(Arc::new(guard::PublicOnly)) };
    builder.build().map_err(|error| plainly(&error))
}

async fn read(
    request: &Request,
    url: Url,
    mut response: reqwest::Response,
) -> Result<Fetched, FetchError> {
    let link = Shown::from(&url);
    if response.status() != http::StatusCode::OK {
        return Err(FetchError::Status { link, status: response.status().as_u16() });
    }
    let content_type = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts
        .find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.eq_ignore_ascii_case("charset").then_some(value)
        })
        .map(|value| value.trim_matches('"').to_owned());
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| FetchError::Unreachable { link: link.clone(), why: plainly(&error) })?
    {
        // Counted unpacked: a small packed answer can grow a thousandfold.
        if (bytes.len() + chunk.len()) as u64 > request.bytes_max {
            return Err(FetchError::TooLarge { link, mib: request.bytes_max / (1024 * 1024) });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Fetched { url, media_type, charset, bytes })
}

/// A client's error in a few words, without the link, which may hold a secret.
fn plainly(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let said = cause.to_string();
    if said.contains("http://") || said.contains("https://") {
        "the connection failed".to_owned()
    } else {
        said
    }
}

#[cfg(test)]
mod tests;
