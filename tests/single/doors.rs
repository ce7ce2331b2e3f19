//! Who gets in, under which name, and how the doors hold against bad clients.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{House, single, start, start_with, until};

const PASSWORD: &str = "correct horse battery";

async fn guarded() -> House {
    let data = tempfile::tempdir().unwrap();
    let done = assert_cmd::Command::new(env!("CARGO_BIN_EXE_recap"))
        .args(["set-password", "--data"])
        .arg(data.path())
        .write_stdin(format!("{PASSWORD}\n"))
        .ok();
    assert!(done.is_ok(), "{done:?}");
    House::over(data, json!({}), single).await
}

async fn sign_in(house: &House, password: &str) -> reqwest::Response {
    house
        .client
        .post(house.url("/api/session"))
        .json(&json!({"password": password}))
        .send()
        .await
        .unwrap()
}

fn cookie(answer: &reqwest::Response) -> String {
    let set = answer.headers()["set-cookie"].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Domain"), "host only: {set}");
    set.split(';').next().unwrap().to_owned()
}

/// Every operation of the document: method, path with its parameters filled in.
fn operations(house: &House) -> Vec<(reqwest::Method, String)> {
    let document = serde_json::to_value(recap::http::openapi(house.daemon().app())).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_uppercase().parse().unwrap();
            operations.push((method, path.replace("{id}", "x")));
        }
    }
    assert!(operations.len() > 20, "{operations:?}");
    operations
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_password_everything_but_health_and_sign_in_is_closed() {
    let house = guarded().await;
    let open = ["/api/health", "/api/session"];
    let pages = ["/", "/recaps/x", "/search"].map(|path| (reqwest::Method::GET, path.to_owned()));
    for (method, path) in operations(&house).into_iter().chain(pages) {
        if open.contains(&path.as_str()) {
            continue;
        }
        for disguise in ["", "?x=/api/health", "?/sign-in"] {
            let answer = house
                .client
                .request(method.clone(), house.url(&format!("{path}{disguise}")))
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 401, "{method} {path}{disguise}");
        }
    }
    for path in [
        "//api/recaps",
        "/api/health/../recaps",
        "/api/%72ecaps",
        "/api/recaps;/api/health",
        "/static/..%2f..%2fsecrets.json",
    ] {
        let status = house.get(path).await.status();
        assert!(status == 401 || status == 404, "{path}: {status}");
    }
    assert_eq!(house.get("/api/health").await.status(), 200);
    let page = house
        .client
        .get(house.url("/recaps/x?y=1"))
        .header("accept", "text/html")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (page.status().as_u16(), page.headers()["location"].to_str().unwrap()),
        (303, "/sign-in?next=%2Frecaps%2Fx%3Fy%3D1")
    );
    assert!(house.page("/sign-in").await.contains("password"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_opens_the_door_until_the_password_changes() {
    let house = guarded().await;
    let wrong = sign_in(&house, "something else").await;
    assert_eq!(wrong.status(), 401);
    assert!(wrong.headers().get("set-cookie").is_none());
    let right = sign_in(&house, PASSWORD).await;
    assert_eq!(right.status(), 204);
    let cookie = cookie(&right);
    let status = async || {
        house.client.get(house.url("/api/status")).header("cookie", &cookie).send().await.unwrap()
    };
    let seen: Value = status().await.json().await.unwrap();
    assert_eq!(seen["signed_in_as"], "operator");
    let form = house
        .client
        .post(house.url("/api/session"))
        .form(&[("password", PASSWORD), ("next", "//evil.example")]);
    let form = form.send().await.unwrap();
    assert_eq!((form.status().as_u16(), form.headers()["location"].to_str().unwrap()), (303, "/"));
    let changed = assert_cmd::Command::new(env!("CARGO_BIN_EXE_recap"))
        .args(["set-password", "--data"])
        .arg(house.data())
        .write_stdin("another horse battery")
        .ok();
    assert!(changed.is_ok());
    assert_eq!(status().await.status(), 401, "older sessions end");
    assert_eq!(sign_in(&house, PASSWORD).await.status(), 401);
    assert_eq!(sign_in(&house, "another horse battery").await.status(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_passwords_is_stopped() {
    let house = guarded().await;
    let mut statuses = Vec::new();
    for n in 0..12 {
        statuses.push(sign_in(&house, &format!("guess number {n}")).await.status().as_u16());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10, "{statuses:?}");
    assert_eq!(statuses[10..], [429, 429]);
    assert_eq!(sign_in(&house, PASSWORD).await.status(), 429, "also the right one waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn listening_beyond_loopback_without_a_password_is_refused_unless_a_proxy_guards_it() {
    let data = tempfile::tempdir().unwrap();
    let refused = start(data.path(), json!({"listen": "0.0.0.0:0"}), single).await.err().unwrap();
    assert!(refused.to_string().contains("set-password"), "{refused}");
    let behind = start(data.path(), json!({"listen": "0.0.0.0:0", "behind_proxy": true}), single)
        .await
        .unwrap();
    behind.stop().await;
    let environment = recap::config::Environment::of(&[("RECAP_OPERATOR_PASSWORD", PASSWORD)]);
    let Value::Object(flags) = json!({"listen": "0.0.0.0:0"}) else { unreachable!() };
    start_with(data.path(), environment, flags, single).await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_a_foreign_name_or_from_another_site_s_page_is_refused() {
    let house = House::new().await;
    let with = async |headers: &[(&'static str, &str)], method: reqwest::Method| {
        let mut request =
            house.client.request(method, house.url("/api/folders")).body("{\"name\": \"x\"}");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let post = reqwest::Method::POST;
    assert_eq!(with(&[("host", "evil.example")], reqwest::Method::GET).await, 421);
    assert_eq!(with(&[("host", "localhost")], reqwest::Method::GET).await, 200);
    for cross in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://evil.example")],
        &[("origin", "null"), ("content-type", "text/plain")],
    ] {
        assert_eq!(with(cross, post.clone()).await, 403, "{cross:?}");
    }
    assert_eq!(with(&[("sec-fetch-site", "same-origin")], post.clone()).await, 201);
    assert_eq!(with(&[], post).await, 201, "scripts send neither header");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_names_every_route_and_each_is_there() {
    let house = House::new().await;
    for (method, path) in operations(&house) {
        if path.ends_with("/events") && path != "/api/jobs/x/events" {
            continue;
        }
        let answer =
            house.client.request(method.clone(), house.url(&path)).body("{").send().await.unwrap();
        assert_ne!(answer.status(), 405, "{method} {path}");
        let text = answer.text().await.unwrap_or_default();
        assert!(
            !text.contains("nothing at this address"),
            "{method} {path} is in the document and not in the router"
        );
    }
    // What was sent was a transcript to one of them, and its job may be under way.
    until("the end of all jobs", async || {
        (house.daemon().app().jobs.open_count() == 0).then_some(())
    })
    .await;
    let document = house.json("/api/openapi.json").await;
    assert_eq!(document, serde_json::to_value(recap::http::openapi(house.daemon().app())).unwrap());
    let text = document.to_string();
    let mut references = 0;
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name} is named and not there"
        );
        references += 1;
    }
    assert!(references > 20);
    for name in ["Recap", "Recap.Topic", "LibraryMeta", "JobView", "ErrorBody"] {
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
    assert_eq!(house.get("/api/nothing").await.status(), 404);
    assert_eq!(house.client.put(house.url("/api/health")).send().await.unwrap().status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_browsers_to_be_careful() {
    let house = House::new().await;
    for path in ["/", "/api/status", "/api/nothing", "/static/recap.css", "/sign-in"] {
        let answer = house.get(path).await;
        let header = |name: &str| {
            answer.headers().get(name).map(|v| v.to_str().unwrap()).unwrap_or_default().to_owned()
        };
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(!header("cache-control").is_empty(), "{path}");
        assert!(header("content-type").contains('/'), "{path}");
    }
}

async fn raw(house: &House, bytes: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(house.daemon().address()).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    socket
}

/// How long a connection stays open and what comes of it, at most for some seconds.
async fn until_closed(mut socket: TcpStream) -> (Duration, String) {
    let started = Instant::now();
    let mut text = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(15), socket.read_to_end(&mut text)).await;
    assert!(read.is_ok(), "the connection was still open");
    (started.elapsed(), String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_and_half_clients_are_let_go_and_healthy_ones_are_served_meanwhile() {
    let house =
        House::over(tempfile::tempdir().unwrap(), json!({"header_timeout_secs": 1}), single).await;
    let mut waiting = Vec::new();
    for bytes in [
        &b""[..],
        b"GET /api/hea",
        b"GET / HTTP/1.1\r\nHost: lo",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01",
    ] {
        waiting.push(raw(&house, bytes).await);
    }
    let kept_alive = raw(&house, b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(house.get("/api/health").await.status(), 200);
    for socket in waiting {
        until_closed(socket).await;
    }
    let (_, text) = until_closed(kept_alive).await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_two_readers_would_read_differently_are_refused() {
    let house =
        House::over(tempfile::tempdir().unwrap(), json!({"header_timeout_secs": 1}), single).await;
    for head in [
        "POST /api/folders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        "GET /api/status HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /api/status HTTP/1.1\r\n\r\n",
    ] {
        let (_, text) = until_closed(raw(&house, head.as_bytes()).await).await;
        let status = text.split(' ').nth(1).unwrap_or_default();
        assert!(["400", "421"].contains(&status), "{head:?}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_take_every_connection() {
    let flags = json!({"connections_per_address_max": 4, "header_timeout_secs": 5});
    let house = House::over(tempfile::tempdir().unwrap(), flags, single).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(raw(&house, b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n").await);
    }
    for socket in &mut held {
        let mut bytes = [0; 12];
        socket.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"HTTP/1.1 200");
    }
    let (waited, text) = until_closed(raw(&house, b"").await).await;
    assert!(
        text.is_empty() && waited < Duration::from_secs(4),
        "the fifth is closed at once: {waited:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_streams_end_and_does_not_wait_for_idle_ones() {
    let house = House::new().await;
    let events = house.get("/api/events").await;
    let idle = raw(&house, b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let started = Instant::now();
    house.stop().await;
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    assert!(events.text().await.unwrap().starts_with("event: hello"));
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_fill_the_memory_by_signing_in_nor_guess_in_parallel() {
    let house = guarded().await;
    let large =
        house.client.post(house.url("/api/session")).body(vec![b'x'; 1024 * 1024]).send().await;
    // The answer may come before all of it was sent, which some clients call an error.
    assert!(large.is_err() || large.unwrap().status() == 413);
    let guesses = (0..30).map(|n| {
        let (client, url) = (house.client.clone(), house.url("/api/session"));
        async move {
            let guess = json!({"password": format!("guess number {n}")});
            client.post(url).json(&guess).send().await.unwrap().status().as_u16()
        }
    });
    let statuses = futures_util::future::join_all(guesses).await;
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_events_ends_when_the_sign_in_does() {
    let house = guarded().await;
    let cookie = cookie(&sign_in(&house, PASSWORD).await);
    let events =
        house.client.get(house.url("/api/events")).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(events.status(), 200);
    let changed = assert_cmd::Command::new(env!("CARGO_BIN_EXE_recap"))
        .args(["set-password", "--data"])
        .arg(house.data())
        .write_stdin("another horse battery")
        .ok();
    assert!(changed.is_ok());
    assert!(events.text().await.unwrap().starts_with("event: hello"), "it ends by itself");
}
