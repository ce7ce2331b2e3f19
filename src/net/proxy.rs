//! A way out for child processes: a proxy on loopback that looks at every address as [`Net::fetch`]
//! does, and connects to what it looked at. It lives as long as its handle.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::TryStreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use url::Url;

use super::client::{CONNECT_TIME, plainly};
use super::guard::is_public;
use super::{Net, SILENCE_TIME, Trust};

/// Largest body that a child may send: what yt-dlp posts has a few kilobytes.
const SENT_BYTES_MAX: usize = 1024 * 1024;

/// Connections of one child at a time; yt-dlp has a handful.
const CONNECTIONS_MAX: usize = 32;

/// Headers that concern one hop alone (RFC 9110, 7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// A proxy that runs. Dropping it ends it and all its connections.
pub struct Proxy {
    at: SocketAddr,
    told: Arc<Told>,
    _tasks: JoinSet<()>,
}

/// What the proxy has to tell when the child is done.
#[derive(Default)]
struct Told {
    bytes_left: AtomicU64,
    has_refused: AtomicBool,
}

impl Proxy {
    /// Its address, as children take it.
    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// Whether a connection was refused because it led to a private address.
    pub fn has_refused(&self) -> bool {
        self.told.has_refused.load(Ordering::Relaxed)
    }

    /// Whether more came than may.
    pub fn is_used_up(&self) -> bool {
        self.told.bytes_left.load(Ordering::Relaxed) == 0
    }
}

/// The parts of a running proxy that its connections share.
struct Way {
    net: Arc<Net>,
    trust: Trust,
    told: Arc<Told>,
}

type Answer = http::Response<BoxBody<Bytes, io::Error>>;

impl Net {
    /// Starts a proxy for one child: it reaches what `trust` covers and what is public, and hands on at
    /// most `bytes_max` bytes towards the child.
    ///
    /// # Errors
    /// The system has no port to listen on.
    pub async fn proxy(self: &Arc<Net>, trust: Trust, bytes_max: u64) -> io::Result<Proxy> {
        let listener = TcpListener::bind((IpAddr::from([127, 0, 0, 1]), 0)).await?;
        let at = listener.local_addr()?;
        let told = Arc::new(Told { bytes_left: AtomicU64::new(bytes_max), ..Told::default() });
        let way = Arc::new(Way { net: self.clone(), trust, told: told.clone() });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                        Ok((stream, _)) => { connections.spawn(serve(way.clone(), stream)); }
                        Err(error) => {
                            tracing::warn!(%error, "a child's connection could not be taken");
                            return;
                        }
                    },
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Proxy { at, told, _tasks: tasks })
    }
}

/// A tunnel that was granted: the child's side, once hyper gives it out, and the other.
type Tunnel = (hyper::upgrade::OnUpgrade, TcpStream);

async fn serve(way: Arc<Way>, stream: TcpStream) {
    let (send, mut granted) = mpsc::channel::<Tunnel>(1);
    let asked = way.clone();
    let service = service_fn(move |request| {
        let (way, send) = (asked.clone(), send.clone());
        async move { Ok::<_, Infallible>(answer(&way, request, &send).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // How a connection of a child ends is the child's to tell.
    let _ = connection.await;
    if let Ok((upgrade, outside)) = granted.try_recv()
        && let Ok(inside) = upgrade.await
    {
        carry(&way, inside, outside).await;
    }
}

/// Carries bytes both ways until one side ends or too much came.
async fn carry(way: &Way, inside: hyper::upgrade::Upgraded, outside: TcpStream) {
    let (mut from_child, mut to_child) = tokio::io::split(TokioIo::new(inside));
    let (mut from_server, mut to_server) = outside.into_split();
    let up = async {
        let _ = tokio::io::copy(&mut from_child, &mut to_server).await;
        let _ = to_server.shutdown().await;
    };
    let down = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
            if !way.take(count) || to_child.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
        let _ = to_child.shutdown().await;
    };
    tokio::pin!(up);
    tokio::select! {
        // What the server has not sent yet still comes when the child has asked for all it wants.
        () = down => {}
        () = async { up.await; std::future::pending::<()>().await } => {}
    }
}

impl Way {
    /// Counts what goes to the child; false where it was more than may.
    fn take(&self, count: usize) -> bool {
        let left = &self.told.bytes_left;
        let count = count as u64;
        let took =
            left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(count));
        if took.is_err() {
            left.store(0, Ordering::Relaxed);
        }
        took.is_ok()
    }

    /// The addresses of a server that may be reached.
    async fn addresses(&self, url: &Url) -> io::Result<Vec<SocketAddr>> {
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = url.port_or_known_default().unwrap_or_default();
        let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
        if self.trust.covers(url) {
            return Ok(found);
        }
        let public: Vec<SocketAddr> = found.into_iter().filter(|at| is_public(at.ip())).collect();
        if public.is_empty() {
            self.told.has_refused.store(true, Ordering::Relaxed);
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(public)
    }
}

async fn answer(
    way: &Way,
    request: http::Request<Incoming>,
    tunnels: &mpsc::Sender<Tunnel>,
) -> Answer {
    if request.method() == http::Method::CONNECT {
        return connect(way, request, tunnels).await;
    }
    let Ok(url) = Url::parse(&request.uri().to_string()) else {
        return refusal(http::StatusCode::BAD_REQUEST, "a proxy takes whole links");
    };
    if url.scheme() != "http" || !url.has_host() {
        return refusal(http::StatusCode::BAD_REQUEST, "only http links are taken here");
    }
    if way.addresses(&url).await.is_err() {
        return refusal(http::StatusCode::FORBIDDEN, "the address is private or unknown");
    }
    forward(way, request, url)
        .await
        .unwrap_or_else(|why| refusal(http::StatusCode::BAD_GATEWAY, &why))
}

async fn connect(
    way: &Way,
    request: http::Request<Incoming>,
    tunnels: &mpsc::Sender<Tunnel>,
) -> Answer {
    let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let Ok(url) = Url::parse(&format!("https://{authority}/")) else {
        return refusal(http::StatusCode::BAD_REQUEST, "this is no host and port");
    };
    let addresses = match way.addresses(&url).await {
        Ok(addresses) => addresses,
        Err(_) => return refusal(http::StatusCode::FORBIDDEN, "the address is private or unknown"),
    };
    let connecting = tokio::time::timeout(CONNECT_TIME, TcpStream::connect(&addresses[..])).await;
    match connecting {
        Ok(Ok(outside)) => {
            // One connection asks for one tunnel: nobody waits for a place.
            let _ = tunnels.try_send((hyper::upgrade::on(request), outside));
            http::Response::new(Full::default().map_err(|never| match never {}).boxed())
        }
        _ => refusal(http::StatusCode::BAD_GATEWAY, "it does not answer"),
    }
}

async fn forward(way: &Way, request: http::Request<Incoming>, url: Url) -> Result<Answer, String> {
    // The resolver of the guarded client looks again, so what was looked at is what is connected to.
    let client = way.net.client(way.trust.covers(&url)).map_err(|error| error.to_string())?;
    let (parts, body) = request.into_parts();
    let body =
        Limited::new(body, SENT_BYTES_MAX).collect().await.map_err(|_| "too much was sent")?;
    let mut headers = parts.headers;
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    let body = Full::new(body.to_bytes()).boxed_unsync();
    let asked = client.send(parts.method, &url, headers, body);
    let response = tokio::time::timeout(SILENCE_TIME, asked)
        .await
        .map_err(|_| "it does not answer")?
        .map_err(|error| plainly(&*error))?;
    let mut answer = http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        if !HOP_BY_HOP.contains(&name.as_str()) {
            answer = answer.header(name, value);
        }
    }
    let told = Arc::new(Way { net: way.net.clone(), trust: Trust::Public, told: way.told.clone() });
    let stream = response.into_stream().map_err(io::Error::other).and_then(move |bytes| {
        let fits = told.take(bytes.len());
        std::future::ready(if fits {
            Ok(Frame::data(bytes))
        } else {
            Err(io::Error::other("more came than may"))
        })
    });
    answer.body(StreamBody::new(stream).boxed()).map_err(|error| error.to_string())
}

fn refusal(status: http::StatusCode, why: &str) -> Answer {
    let body = Full::new(Bytes::from(format!("{why}\n"))).map_err(|never| match never {}).boxed();
    let mut answer = http::Response::new(body);
    *answer.status_mut() = status;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers each connection with a hundred letters once it has read something.
    async fn letters() -> (Url, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/x", listener.local_addr().unwrap())).unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut buffer = [0; 4096];
                let _ = socket.read(&mut buffer).await;
                let body = "x".repeat(100);
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{body}"
                );
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        (url, tasks)
    }

    /// What the proxy answers to a request line, and what comes after `then` was sent.
    async fn through(proxy: &Proxy, line: &str, then: &str) -> String {
        let mut socket = TcpStream::connect(proxy.at).await.unwrap();
        socket.write_all(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let count = socket.read(&mut answer).await.unwrap();
        answer.truncate(count);
        if !then.is_empty() {
            socket.write_all(then.as_bytes()).await.unwrap();
            let mut rest = Vec::new();
            let _ = socket.read_to_end(&mut rest).await;
            answer.extend(rest);
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn a_child_reaches_what_was_typed_by_link_and_by_tunnel() {
        let (url, _server) = letters().await;
        let proxy = Net::new().proxy(Trust::typed(&url), 10_000).await.unwrap();
        let said = through(&proxy, &format!("GET {url}"), "").await;
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        let authority = format!("127.0.0.1:{}", url.port().unwrap());
        let said = through(&proxy, &format!("CONNECT {authority}"), "GET / HTTP/1.1\r\n\r\n").await;
        assert!(said.starts_with("HTTP/1.1 200") && said.ends_with(&"x".repeat(100)), "{said}");
        assert!(!proxy.has_refused() && !proxy.is_used_up());
    }

    #[tokio::test]
    async fn a_private_address_is_refused_in_every_spelling() {
        let (url, _server) = letters().await;
        let port = url.port().unwrap();
        for host in
            ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"]
        {
            let proxy = Net::new().proxy(Trust::Public, 10_000).await.unwrap();
            for line in [format!("GET http://{host}:{port}/"), format!("CONNECT {host}:{port}")] {
                let said = through(&proxy, &line, "").await;
                assert!(said.starts_with("HTTP/1.1 403"), "{line}: {said}");
            }
            assert!(proxy.has_refused(), "{host}");
        }
    }

    #[tokio::test]
    async fn what_is_no_link_of_the_web_is_refused() {
        let proxy = Net::new().proxy(Trust::Private, 10_000).await.unwrap();
        for line in
            ["GET /x", "GET ftp://example.org/", "CONNECT nonsense", "GET https://example.org/"]
        {
            let said = through(&proxy, line, "").await;
            assert!(said.starts_with("HTTP/1.1 40"), "{line}: {said}");
        }
    }

    #[tokio::test]
    async fn no_more_comes_through_than_may() {
        let (url, _server) = letters().await;
        let authority = format!("127.0.0.1:{}", url.port().unwrap());
        for (most, comes) in [(200, true), (99, false)] {
            let proxy = Net::new().proxy(Trust::typed(&url), most).await.unwrap();
            let line = format!("CONNECT {authority}");
            let said = through(&proxy, &line, "GET / HTTP/1.1\r\n\r\n").await;
            assert_eq!(said.ends_with(&"x".repeat(100)), comes, "{most}: {said}");
            assert_eq!(proxy.is_used_up(), !comes);
        }
    }
}
