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
        (answer("200 OK\r\nContent-Length: 50", "x"), After::Close, "could not be fetched"),
        (b"nonsense".to_vec(), After::Close, "could not be fetched"),
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
    assert_eq!(*net.fetch(&request(&url)).await.unwrap().bytes, *b"secret");
    assert_eq!(
        *net.fetch(&Request { trust: Trust::Private, ..request(&url) }).await.unwrap().bytes,
        *b"secret"
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

/// A server that answers by the request's head.
async fn clever(answer: fn(&str) -> String) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = vec![0; 8192];
            let read = socket.read(&mut buffer).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&buffer[..read]).to_ascii_lowercase();
            let _ = socket.write_all(answer(&head).as_bytes()).await;
        }
    });
    url
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn what_has_not_changed_is_asked_by_both_validators_and_not_sent_again() {
    let url = clever(|head| {
        let asked = head.contains("if-none-match: w/\"a\"")
            && head.contains("if-modified-since: fri, 20 nov 2026 10:00:00 gmt");
        if asked {
            reply("304 Not Modified", "", "")
        } else {
            let headers = "ETag: W/\"a\"\r\nLast-Modified: Fri, 20 Nov 2026 10:00:00 GMT\r\n";
            reply("200 OK", headers, "body")
        }
    })
    .await;
    let net = Net::new();
    let Answer::Changed(first) = net.ask(&request(&url), &Validators::default()).await.unwrap()
    else {
        panic!("without validators everything is new");
    };
    assert_eq!(*first.bytes, *b"body");
    assert!(matches!(net.ask(&request(&url), &first.validators).await, Ok(Answer::Unchanged)));
    let url = clever(|_| reply("304 Not Modified", "", "")).await;
    let lie = net.ask(&request(&url), &Validators::default()).await.unwrap_err();
    assert_eq!(lie.status(), Some(304), "a 304 that nobody asked for is a failure");
}

#[tokio::test]
async fn only_redirects_for_good_that_come_first_are_a_move() {
    async fn check(first: &'static str, second: &'static str, want: Option<&str>) {
        // The statuses are in the path, since the server knows nothing else.
        let url = clever(|head| {
            let path = head.split_whitespace().nth(1).unwrap_or("/").to_owned();
            let mut parts = path.trim_matches('/').split('/');
            match parts.next().filter(|part| !part.is_empty() && *part != "end") {
                Some(status) => {
                    let rest: Vec<&str> = parts.collect();
                    reply(
                        &format!("{status} Elsewhere"),
                        &format!("Location: /{}\r\n", rest.join("/")),
                        "",
                    )
                }
                None => reply("200 OK", "", "there"),
            }
        })
        .await;
        let url = url.join(&format!("/{first}/{second}/end")).unwrap();
        let fetched = Net::new().fetch(&request(&url)).await.unwrap();
        assert_eq!(fetched.moved_to.as_ref().map(Url::path), want, "{first} {second}");
    }
    check("301", "308", Some("/end")).await;
    check("301", "302", Some("/302/end")).await;
    check("302", "301", None).await;
    check("307", "303", None).await;
}

#[tokio::test]
async fn a_server_s_wish_to_be_left_alone_is_read_in_both_forms() {
    let url = clever(|_| reply("429 Too Many", "Retry-After: 120\r\n", "")).await;
    let error = Net::new().fetch(&request(&url)).await.unwrap_err();
    let now: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
    assert_eq!(error.retry_after().unwrap().time(now), now + chrono::TimeDelta::minutes(2));
    assert!(error.may_pass());
    let url =
        clever(|_| reply("503 Later", "Retry-After: Fri, 20 Nov 2026 12:00:00 GMT\r\n", "")).await;
    let error = Net::new().fetch(&request(&url)).await.unwrap_err();
    assert_eq!(error.retry_after().unwrap().time(now), now + chrono::TimeDelta::hours(2));
    let url = clever(|_| reply("404 No", "Retry-After: 99999999999999999999\r\n", "")).await;
    let error = Net::new().fetch(&request(&url)).await.unwrap_err();
    assert!(error.retry_after().is_none() && !error.may_pass());
}

#[tokio::test]
async fn a_cookie_and_a_password_go_to_their_own_server_alone() {
    let other = clever(|head| {
        let leaked = head.contains("cookie:") || head.contains("authorization:");
        reply("200 OK", "", if leaked { "leaked" } else { "clean" })
    })
    .await;
    // The other server's port is another origin; a redirect leads there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://ada:pw@{}/", listener.local_addr().unwrap())).unwrap();
    let to = other.clone();
    spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = vec![0; 8192];
            let read = socket.read(&mut buffer).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&buffer[..read]).to_ascii_lowercase();
            let has_both = head.contains("cookie: a=b") && head.contains("authorization: basic");
            let location = if has_both { to.as_str() } else { "/missing" };
            let answer = reply("302 Found", &format!("Location: {location}\r\n"), "");
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    let trust = Trust::typed(&url).and(&[&other]);
    let asked = Request { cookie: Some("a=b"), trust, ..request(&url) };
    assert_eq!(*Net::new().fetch(&asked).await.unwrap().bytes, *b"clean");
}

#[tokio::test]
async fn large_answers_are_held_one_at_a_time() {
    let url = clever(|_| reply("200 OK", "", &"x".repeat(SMALL_BYTES + 1))).await;
    let net = Net::new();
    let asked = Request { bytes_max: 64 * 1024 * 1024, ..request(&url) };
    let first = net.fetch(&asked).await.unwrap();
    let second = net.fetch(&asked);
    tokio::pin!(second);
    let waits = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
    assert!(waits.is_err(), "the second waits while the first is held");
    drop(first);
    assert_eq!(second.await.unwrap().bytes.len(), SMALL_BYTES + 1);
}

#[tokio::test]
async fn answers_wait_for_their_places_and_not_for_ever() {
    let large = clever(|_| reply("200 OK", "", &"x".repeat(SMALL_BYTES))).await;
    let middling = clever(|_| reply("200 OK", "", &"x".repeat(HEAD_BYTES + 1))).await;
    let small = clever(|_| reply("200 OK", "", &"x".repeat(HEAD_BYTES))).await;
    let net = Net::new();
    let fetch = async |url: &Url| {
        let asked = Request { bytes_max: 64 * 1024 * 1024, ..request(url) };
        net.fetch(&asked).await.unwrap()
    };
    let mut held = Vec::new();
    for _ in 0..PLACES / (SMALL_BYTES / PLACE_BYTES) {
        held.push(fetch(&large).await);
    }
    assert_eq!(net.places.available_permits(), 0);
    assert_eq!(fetch(&small).await.bytes.len(), HEAD_BYTES, "a small one needs none");
    let waits = fetch(&middling);
    tokio::pin!(waits);
    let is_waiting = tokio::time::timeout(PLACES_WAIT / 4, &mut waits).await.is_err();
    assert!(is_waiting, "all places are taken");
    held.pop();
    assert_eq!(waits.await.bytes.len(), HEAD_BYTES + 1);
    held.push(fetch(&large).await);
    assert_eq!(fetch(&middling).await.bytes.len(), HEAD_BYTES + 1, "read all the same in the end");
    drop(held);
    assert_eq!(net.places.available_permits(), PLACES, "all are given back");
}

#[test]
fn a_link_is_printed_without_its_secrets() {
    let check = |link: &str, shown: &str, with_query: &str| {
        let url = Url::parse(link).unwrap();
        assert_eq!(Shown::from(&url).to_string(), shown);
        assert_eq!(Shown::with_query(&url), with_query);
    };
    check(
        "https://ada:pw@example.org/feed?page=2&token=abc",
        "https://example.org/feed",
        "https://example.org/feed?page=2&token=…",
    );
    check(
        "https://example.org/feeds/7Hq2mVw81LzPq0Rt/rss",
        "https://example.org/feeds/…/rss",
        "https://example.org/feeds/…/rss",
    );
    assert_eq!(Shown::typed("ada:pw@example.org/feed"), "example.org/feed");
    assert_eq!(Shown::typed("example.org/feed"), "example.org/feed");
}

fn exchange(url: &Url, body: Body) -> Exchange {
    Exchange {
        method: http::Method::POST,
        url: url.clone(),
        headers: HeaderMap::new(),
        body,
        bytes_max: 100,
        deadline: Duration::from_secs(20),
        silence: Duration::from_secs(20),
        trust: Trust::typed(url),
    }
}

#[tokio::test]
async fn any_status_is_an_answer_to_an_exchange_and_no_redirect_is_followed() {
    for (head, status) in [
        ("200 OK", 200),
        ("400 Bad Request", 400),
        ("429 Busy\r\nRetry-After: 7", 429),
        ("307 Moved\r\nLocation: /again", 307),
        ("302 Moved\r\nLocation: http://127.0.0.1:9/", 302),
    ] {
        let (url, served) = server(answer(head, "{}"), After::Close).await;
        let sent = exchange(&url, Body::Bytes("secret".into()));
        let answer = Net::default().exchange(&sent).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.bytes[..]), (status, &b"{}"[..]));
        assert_eq!(served.load(Ordering::SeqCst), 1, "{head}");
        let wanted = (status == 429).then_some(RetryAfter::In(Duration::from_secs(7)));
        assert_eq!(answer.retry_after, wanted, "{head}");
    }
}

#[tokio::test]
async fn an_exchange_ends_where_the_answer_is_too_large_too_slow_or_silent() {
    let big = "x".repeat(101);
    let (ms, s) = (Duration::from_millis(300), Duration::from_secs(20));
    for (bytes, after, deadline, silence, said) in [
        (answer("200 OK", &big), After::Close, s, s, "larger than"),
        (answer("200 OK\r\nContent-Length: 101", ""), After::Hang, s, s, "larger than"),
        (answer("200 OK\r\nContent-Length: 99", "x"), After::Hang, s, ms, "did not answer in full"),
        (answer("200 OK\r\nContent-Length: 99", ""), After::Drip, ms, s, "did not answer in full"),
        (Vec::new(), After::Hang, ms, s, "did not answer in full"),
        (answer("200 OK\r\nContent-Length: 99", "x"), After::Close, s, s, "could not be fetched"),
    ] {
        let (url, _) = server(bytes.clone(), after).await;
        let sent = Exchange { deadline, silence, ..exchange(&url, Body::Empty) };
        let error = Net::default().exchange(&sent).await.err().unwrap().to_string();
        assert!(error.contains(said), "{:?}: {error}", String::from_utf8_lossy(&bytes));
    }
}

#[tokio::test]
async fn an_exchange_reaches_a_private_address_only_where_it_is_trusted() {
    let (url, served) = server(answer("200 OK", "{}"), After::Close).await;
    let net = Net::default();
    let sent = Exchange { trust: Trust::Public, ..exchange(&url, Body::Empty) };
    let named = Url::parse(&format!("http://localhost:{}/", url.port().unwrap())).unwrap();
    for url in [&url, &named] {
        let sent = Exchange { url: url.clone(), ..sent.clone() };
        assert!(matches!(net.exchange(&sent).await, Err(FetchError::Private { .. })));
    }
    let other = Url::parse("ftp://example.org/").unwrap();
    let sent = Exchange { url: other, trust: Trust::Private, ..sent };
    assert!(matches!(net.exchange(&sent).await, Err(FetchError::Scheme { .. })));
    assert_eq!(served.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_pieces_of_a_body_say_how_long_it_is_and_not_its_head() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 500\r\n\r\n\
                  5\r\nabcde\r\n5\r\nfghij\r\n0\r\n\r\n";
    let (url, _) = server(answer.into(), After::Close).await;
    let fetched = Net::new().fetch(&request(&url)).await.unwrap();
    assert_eq!(&*fetched.bytes, b"abcdefghij");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_a_connection_and_says_nothing_to_the_offered_keys_is_given_up() {
    let (url, _) = server(Vec::new(), After::Hang).await;
    let url = Url::parse(&url.as_str().replace("http:", "https:")).unwrap();
    let asked = Request { deadline: Duration::from_secs(600), ..request(&url) };
    let began = Instant::now();
    let error = Net::new().fetch(&asked).await.unwrap_err();
    assert!(
        matches!(&error, FetchError::Unreachable { why, .. } if why == "it did not answer in time"),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn connections_are_used_again_until_they_are_let_go_and_none_is_cut_in_the_middle() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let net = Net::default();
    // Each answer is in two pieces, and the second waits for a word.
    let (asked, mut heads) = tokio::sync::mpsc::unbounded_channel();
    let go_on = Arc::new(Semaphore::new(1));
    let ended = Arc::new(Semaphore::new(0));
    let (goes_on, ends) = (go_on.clone(), ended.clone());
    spawn(async move {
        let mut number = 0;
        while let Ok((mut socket, _)) = listener.accept().await {
            number += 1;
            let (asked, goes_on, ends) = (asked.clone(), goes_on.clone(), ends.clone());
            spawn(async move {
                let mut buffer = [0; 4096];
                while socket.read(&mut buffer).await.is_ok_and(|len| len > 0) {
                    socket
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
                        .await
                        .unwrap();
                    asked.send(number).unwrap();
                    goes_on.acquire().await.unwrap().forget();
                    socket.write_all(b"b").await.unwrap();
                }
                ends.add_permits(1);
            });
        }
    });
    let question = request(&url);
    let fetch = async || net.fetch(&question).await.unwrap().bytes.into_bytes();
    assert_eq!(fetch().await, b"ab");
    go_on.add_permits(1);
    assert_eq!(fetch().await, b"ab");
    assert_eq!((heads.recv().await, heads.recv().await), (Some(1), Some(1)), "one connection");
    net.let_go();
    ended.acquire().await.unwrap().forget();
    let third = async {
        assert_eq!(heads.recv().await, Some(2), "a new one");
        net.let_go();
        go_on.add_permits(1);
    };
    let (bytes, ()) = tokio::join!(fetch(), third);
    assert_eq!(bytes, b"ab");
    ended.acquire().await.unwrap().forget();
}
