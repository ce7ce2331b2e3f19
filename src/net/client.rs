//! The client below [`super::Net`]: connections, TLS, what is packed, and the sign-in that a link holds.
//! It follows no redirect and knows no proxy.
//!
//! Made of hyper-util's client and not of reqwest, which leaves each connection a buffer of up to 400 KB:
//! a round asks 64 servers at once.

use std::convert::Infallible;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyDataStream, BodyExt};
use hyper::body::{Body, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use tokio::net::TcpStream;
use tower::{Service, ServiceExt};
use tower_http::decompression::{Decompression, DecompressionBody};
use url::{Position, Url};

use super::guard::Resolver;

/// How long a connection may take to be made, its name looked up and its keys agreed on.
pub(super) const CONNECT_TIME: Duration = Duration::from_secs(15);

/// Between two questions to a peer that says nothing whether it is there, and how many it may leave without
/// an answer.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;

/// How long what was sent may be without a receipt.
const RECEIPT_TIME: Duration = Duration::from_secs(30);

/// How long a connection is kept for the next request to its server, and how many of one server are: as
/// many as a round asks at once.
const IDLE_TIME: Duration = Duration::from_secs(10);
const IDLE_MAX: usize = 64;

/// Most bytes that a connection reads ahead, an answer's head among them: what servers send has 8 KB at
/// the most, and each connection keeps as much as it ever read at once.
const READ_AHEAD_BYTES_MAX: usize = 32 * 1024;

/// How requests name themselves.
const AGENT: &str = concat!("Recap/", env!("CARGO_PKG_VERSION"), " (podcast transcripts)");

/// What a request sends.
pub(super) type Sent = UnsyncBoxBody<Bytes, Infallible>;

/// What went wrong below.
pub(super) type Cause = Box<dyn Error + Send + Sync>;

/// Makes connections, each within [`CONNECT_TIME`].
#[derive(Clone)]
struct Connector(HttpsConnector<HttpConnector<Resolver>>);

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Cause;
    type Future = BoxFuture<'static, Result<Self::Response, Cause>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(CONNECT_TIME, self.0.call(uri));
        Box::pin(async move {
            connecting.await.unwrap_or_else(|_| Err(io::Error::from(ErrorKind::TimedOut).into()))
        })
    }
}

/// Connections to servers, kept for a while.
pub(super) struct Client {
    connector: Connector,
    connections: Mutex<Connections>,
}

type Connections = Decompression<legacy::Client<Connector, Sent>>;

impl Client {
    /// With the certificates of this system. Where `is_public_only`, names lead to public addresses alone.
    pub(super) fn new(is_public_only: bool) -> Result<Client, String> {
        let mut tcp = HttpConnector::new_with_resolver(Resolver { is_public_only });
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        tcp.set_tcp_user_timeout(Some(RECEIPT_TIME));
        let connector = HttpsConnectorBuilder::new()
            .try_with_platform_verifier()
            .map_err(|error| plainly(&error))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let connector = Connector(connector);
        let connections = Mutex::new(connections(connector.clone()));
        Ok(Client { connector, connections })
    }

    /// Closes the connections that nobody uses; those in use end with their answers.
    pub(super) fn let_go(&self) {
        let fresh = connections(self.connector.clone());
        *self.connections.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    fn connections(&self) -> Connections {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a request and waits for the answer's head. A user and password in the link are sent as a
    /// sign-in, and not in the link.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Sent,
    ) -> Result<Answered, Cause> {
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        if let Some(sign_in) = sign_in(url) {
            headers.entry(AUTHORIZATION).or_insert(sign_in);
        }
        let mut request = http::Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri(url)?;
        *request.headers_mut() = headers;
        let answer = self.connections().ready().await?.call(request).await?;
        let (head, body) = answer.into_parts();
        Ok(Answered { status: head.status, headers: head.headers, body: Box::pin(body) })
    }
}

/// None yet.
fn connections(connector: Connector) -> Connections {
    #[expect(clippy::disallowed_methods, reason = "the one lawful place")]
    let client = legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIME)
        .pool_max_idle_per_host(IDLE_MAX)
        .http1_max_buf_size(READ_AHEAD_BYTES_MAX)
        .build(connector);
    Decompression::new(client)
}

/// A link as it is sent.
fn uri(url: &Url) -> Result<Uri, Cause> {
    let host_on = &url[Position::BeforeHost..Position::AfterQuery];
    Ok(format!("{}://{host_on}", url.scheme()).parse::<Uri>()?)
}

/// The header for the user and password of a link, if it has any (RFC 7617).
fn sign_in(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pair = decoded(url.username()) + ":" + &decoded(url.password().unwrap_or_default());
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// An answer whose body is yet to be read.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Pin<Box<DecompressionBody<Incoming>>>,
}

impl Answered {
    /// Bytes of the body, where the server says how many, and it comes neither packed nor in pieces.
    pub(super) fn content_length(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The next bytes, unpacked; `None` at the end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Cause> {
        while let Some(frame) = self.body.frame().await {
            // What else there is are trailers.
            if let Ok(bytes) = frame?.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// The bytes of the body as they come, unpacked.
    pub(super) fn into_stream(self) -> BodyDataStream<impl Body<Data = Bytes, Error = Cause>> {
        BodyDataStream::new(self.body)
    }
}

/// An error in a few words, without a link, which may hold a secret.
pub(super) fn plainly(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    loop {
        let is_late = cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == ErrorKind::TimedOut);
        if is_late {
            return "it did not answer in time".to_owned();
        }
        match cause.source() {
            Some(deeper) => cause = deeper,
            None => break,
        }
    }
    let said = cause.to_string();
    if said.contains("http://") || said.contains("https://") {
        "the connection failed".to_owned()
    } else {
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_s_user_and_password_are_a_sign_in_and_not_sent_in_it() {
        let check = |link: &str, sent: &str, signed: Option<&str>| {
            let url = Url::parse(link).unwrap();
            assert_eq!(uri(&url).unwrap().to_string(), sent);
            let value = sign_in(&url);
            assert_eq!(value.as_ref().map(|value| value.to_str().unwrap()), signed, "{link}");
        };
        check("https://e.example:8443/a%20b?c=d#e", "https://e.example:8443/a%20b?c=d", None);
        // The example of RFC 7617, 2.
        let aladdin = Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        check("http://Aladdin:open%20sesame@e.example/", "http://e.example/", aladdin);
        check("http://ada@e.example/", "http://e.example/", Some("Basic YWRhOg=="));
        check("http://:pw@e.example/", "http://e.example/", Some("Basic OnB3"));
    }
}
