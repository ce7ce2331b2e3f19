//! The way out against servers that behave badly, on loopback.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

#[expect(clippy::disallowed_methods, reason = "a bad server lives as long as its test")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}

/// A server that answers every request with the same bytes and then does as `after` says.
async fn server(answer: Vec<u8>, after: After) -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let served = Arc::new(AtomicUsize::new(0));
    let count = served.clone();
    spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            spawn(async move {
                let mut buffer = [0; 4096];
                let _ = socket.read(&mut buffer).await;
                let _ = socket.write_all(&answer).await;
                match after {
                    After::Close => {}
                    After::Hang => std::future::pending().await,
                    After::Drip => loop {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        if socket.write_all(b"x").await.is_err() {
                            return;
                        }
                    },
                }
            });
        }
    });
    (url, served)
}

#[derive(Clone, Copy)]
enum After {
    Close,
    Hang,
    Drip,
}

fn request(url: &Url) -> Request {
    Request {
        url: url.clone(),
        accept: "*/*",
        cookie: None,
        bytes_max: 100,
        deadline: Duration::from_secs(20),
        trust: Trust::typed(url),
    }
}

fn answer(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn an_answer_comes_with_its_type_and_charset() {
    let (url, _) = server(
        answer("200 OK\r\nContent-Type: Text/VTT; a=b; Charset=\"utf-16\"", "hello"),
        After::Close,
    )
    .await;
    let fetched = Net::default().fetch(&request(&url)).await.unwrap();
    assert_eq!(
        (fetched.media_type.as_str(), fetched.charset.as_deref(), &fetched.bytes[..]),
        ("text/vtt", Some("utf-16"), &b"hello"[..])
    );
}

#[tokio::test]
async fn hanging_dripping_circling_and_swelling_servers_end_with_a_sentence() {
    let big = "x".repeat(101);
    let cases = [
        (answer("410 Gone", ""), After::Close, "answered 410 (there is nothing"),
        (answer("200 OK\r\nContent-Length: 50", "x"), After::Hang, "did not answer in full within"),
        (Vec::new(), After::Hang, "did not answer in full within"),
        (answer("200 OK\r\nContent-Length: 99", ""), After::Drip, "did not answer in full within"),
        (answer("302 Found\r\nLocation: /again", ""), After::Close, "redirects more than 10 times"),
        (answer("200 OK", &big), After::Close, "larger than"),
        (answer("404 Not Found", ""), After::Close, "answered 404 (there is nothing"),
        (answer("503 Busy", ""), After::Close, "answered 503 (its own trouble"),
        (answer("200 OK\r\nContent-Length: 50", "x"), After::Close, "could not be reached"),
        (b"nonsense".to_vec(), After::Close, "could not be reached"),
        (
            answer("302 Found\r\nLocation: ftp://example.org/", ""),
            After::Close,
            "only http and https",
        ),
        (
            answer("302 Found\r\nLocation: file:///etc/passwd", ""),
            After::Close,
            "only http and https",
        ),
    ];
    let net = Net::default();
    for (bytes, after, said) in cases {
        let (url, _) = server(bytes.clone(), after).await;
        // Those that never end are given up soon; the first case has made the client by then.
        let secs = if matches!(after, After::Close) { 20 } else { 1 };
        let request = Request { deadline: Duration::from_secs(secs), ..request(&url) };
        let error = net.fetch(&request).await.unwrap_err().to_string();
        assert!(error.contains(said), "{:?}: {error}", String::from_utf8_lossy(&bytes));
    }
}

#[tokio::test]
async fn a_private_address_is_reached_only_where_it_was_typed() {
    let (url, served) = server(answer("200 OK", "secret"), After::Close).await;
    let net = Net::default();
    for disguise in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
    ] {
        let mut hidden = url.clone();
        hidden.set_host(Some(disguise)).unwrap();
        let error =
            net.fetch(&Request { trust: Trust::Public, ..request(&hidden) }).await.unwrap_err();
        assert!(matches!(error, FetchError::Private { .. }), "{disguise}: {error}");
    }
    assert_eq!(served.load(Ordering::SeqCst), 0, "nothing was connected to");
    let mut other_port = url.clone();
    other_port.set_port(Some(1)).unwrap();
    let error = net
        .fetch(&Request { trust: Trust::typed(&other_port), ..request(&url) })
        .await
        .unwrap_err();
    assert!(
        matches!(error, FetchError::Private { .. }),
        "another server on the same machine: {error}"
    );
    assert_eq!(net.fetch(&request(&url)).await.unwrap().bytes, b"secret");
    assert_eq!(
        net.fetch(&Request { trust: Trust::Private, ..request(&url) }).await.unwrap().bytes,
        b"secret"
    );
}

#[tokio::test]
async fn each_kind_of_redirect_to_a_private_address_is_refused() {
    let (target, reached) = server(answer("200 OK", "secret"), After::Close).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let (url, _) =
            server(answer(&format!("{status}\r\nLocation: {target}"), ""), After::Close).await;
        let error = Net::default().fetch(&request(&url)).await.unwrap_err();
        assert!(matches!(error, FetchError::Private { .. }), "{status}: {error}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[test]
fn a_sentence_never_shows_the_secrets_of_a_link() {
    let url = Url::parse("https://me:pass@example.org:8443/feed?token=abc#x").unwrap();
    assert_eq!(Shown::from(&url).to_string(), "https://example.org:8443/feed");
}
