//! What following costs: rounds over feeds that a server on loopback makes up, beside Node with
//! rss-parser on the same feeds, and moves in a long queue. Asserts no time.
//!
//! The server runs in this process and the daemon in its own, so that the daemon's processor time and
//! memory are its own; what an idle daemon takes to start is taken off.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use recap::domain::auto_queue::{QueueItem, State};
use recap::domain::episode::EpisodeId;
use recap::history::FollowError;
use recap::history::following::Decision;
use recap_mode::Scope;
use serde_json::{Value, json};

use super::{Running, Scratch, healthy, millis, open, row, timed};

/// Podcasts that are followed: 100 items with show notes, 240 KB each.
const PODCASTS: usize = 500;
/// Channels that are followed: 15 entries, 15 KB each.
const CHANNELS: usize = 500;
/// How long the slow server waits before it answers.
const DELAY: Duration = Duration::from_millis(200);
/// Fetches at once: the setting's default, and what the peer does.
const AT_ONCE: f64 = 64.0;
/// Scopes that follow the same feeds.
const SCOPES: usize = 500;
/// Feeds that all of them follow.
const SHARED: usize = 50;
/// Scopes of which nothing is due.
const TENANTS: usize = 10_000;
/// What each of them follows.
const SHOWS_OF_TENANT: usize = 20;
/// How often a round is measured beside its peer.
const TURNS: usize = 3;
/// Moves of one queue that are timed.
const MOVES: usize = 50;
/// Good feeds among the hostile ones.
const WELL: usize = 50;
/// Longest time for a fetch of theirs.
const HOSTILE_TIME: Duration = Duration::from_secs(20);
/// The kinds of hostile feeds, as [`hostile_answer`] makes them.
const HOSTILE: [&str; 9] =
    ["huge", "many", "latin", "entities", "nested", "packed", "dripping", "silent", "lying"];
/// After a round: it is written down, and the queue is looked at.
const SETTLED: Duration = Duration::from_millis(1500);
/// Longest that a round is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// All of it.
pub fn following(binary: &Path) {
    let server = Server::start();
    let links = server.links(PODCASTS, CHANNELS);
    let bytes: usize = [podcast(1).len(), channel(1).len()].iter().sum();
    row(
        "feeds",
        &format!(
            "{PODCASTS} podcasts of {} KB, {CHANNELS} channels of {} KB",
            podcast(1).len() / 1000,
            channel(1).len() / 1000
        ),
    );
    assert!(bytes > 0);
    let idle = idle(binary);
    row("processor time of a daemon that starts and idles (taken off)", &millis(idle));
    // In turns, so that both have the same quiet and busy moments of a shared machine.
    let (mut own, mut peers) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..TURNS {
        for (costs, cost) in peers.iter_mut().zip(peer(&links).into_iter().flatten()) {
            costs.push(cost);
        }
        let scratch = Scratch::new("following");
        follow(&scratch.0.join("history/owner"), &links);
        own[0].push(first_round(binary, &scratch.0, idle, &server));
        own[1].push(next_round(binary, &scratch.0, &server));
    }
    let [first, unchanged] = own.map(|costs| middle(costs).unwrap());
    let [peers_first, peers_next] = peers.map(middle);
    row("each of the next four", &format!("the middle of {TURNS} by processor time"));
    tell("first round", links.len(), &first, peers_first.as_ref());
    tell("unchanged round", links.len(), &unchanged, peers_next.as_ref());
    if peers_next.is_some() {
        row(
            "the peer's second round",
            "fetches and parses again: rss-parser asks nothing conditionally",
        );
    }
    slow(binary, idle, &server, &links, [&first, &unchanged]);
    shared(binary, idle, &server);
    tenants(binary);
    hostile(binary);
    moves(binary);
}

/// A round over feeds that mean harm, one of each kind, beside some that do not: what it takes at most.
pub fn hostile(binary: &Path) {
    let server = Server::start();
    let mut links = server.links(WELL / 2, WELL / 2);
    links.extend(HOSTILE.map(|kind| format!("http://127.0.0.1:{}/{kind}/1.xml", server.port)));
    let scratch = Scratch::new("hostile");
    let settings = json!({"fetch_timeout_secs": HOSTILE_TIME.as_secs()}).to_string();
    std::fs::write(scratch.0.join("config.json"), settings).unwrap();
    follow(&scratch.0.join("history/owner"), &links);
    let cost = first_round(binary, &scratch.0, Duration::ZERO, &server);
    row(
        &format!("first round over {} hostile feeds and {WELL} good ones", HOSTILE.len()),
        &format!(
            "{} processor time, {} in all, peak {:.1} MiB; {}",
            millis(cost.cpu),
            millis(cost.wall),
            cost.peak_mib,
            cost.said
        ),
    );
}

/// A look at very many scopes of which no feed is due: what a round costs that finds nothing to do.
pub fn tenants(binary: &Path) {
    let server = Server::start();
    let idle = idle(binary);
    let scratch = Scratch::new("tenants");
    let owner = scratch.0.join("history/owner");
    follow(&owner, &server.links(0, SHOWS_OF_TENANT));
    first_round(binary, &scratch.0, idle, &server);
    let documents = ["subscriptions.json", "feed-state.json"]
        .map(|name| (name, std::fs::read(owner.join(name)).unwrap()));
    for n in 1..TENANTS {
        let folder = scratch.0.join(format!("history/tenant{n:05}"));
        std::fs::create_dir(&folder).unwrap();
        for (name, bytes) in &documents {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
    let mark = scratch.0.join("mark");
    std::fs::write(&mark, "").unwrap();
    let started = std::fs::metadata(&mark).unwrap().modified().unwrap();
    server.hits.store(0, Ordering::Relaxed);
    let port = free_port();
    let daemon = launch(binary, &scratch.0, port);
    until_healthy(port);
    until_event(port, "subscriptions_checked");
    std::thread::sleep(SETTLED);
    let start = cpu(daemon.0.id()).saturating_sub(idle);
    // One of them changes its list, which is what wakes the next round.
    let list = scratch.0.join("history/tenant00001/subscriptions.json");
    let mut text = std::fs::read(&list).unwrap();
    text.push(b'\n');
    let before = cpu(daemon.0.id());
    std::fs::write(&list, text).unwrap();
    until_event(port, "subscriptions_checked");
    std::thread::sleep(SETTLED);
    let cost = cpu(daemon.0.id()) - before;
    let newest = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| entry.metadata().unwrap().modified().unwrap()).max().unwrap()
    };
    let written = (2..TENANTS)
        .filter(|n| newest(&scratch.0.join(format!("history/tenant{n:05}"))) > started)
        .count();
    row(
        &format!("a round, {TENANTS} scopes with {SHOWS_OF_TENANT} shows each, nothing due"),
        &format!(
            "{} processor time ({} at the start), peak {:.1} MiB, {} fetches, {written} scopes written",
            millis(cost),
            millis(start),
            peak_mib(daemon.0.id()),
            server.hits.load(Ordering::Relaxed)
        ),
    );
}

/// Moves in long queues.
pub fn moves(binary: &Path) {
    for items in [2_000, 10_000] {
        queue(binary, items);
    }
}

/// What a round took.
struct Cost {
    wall: Duration,
    cpu: Duration,
    peak_mib: f64,
    asked: usize,
    said: String,
}

/// Of several costs the one with as many below as above; its peak is the highest of all.
fn middle(mut costs: Vec<Cost>) -> Option<Cost> {
    costs.sort_by_key(|cost| cost.cpu);
    let peak_mib = costs.iter().map(|cost| cost.peak_mib).fold(0.0, f64::max);
    let at = costs.len() / 2;
    (at < costs.len()).then(|| Cost { peak_mib, ..costs.swap_remove(at) })
}

fn tell(what: &str, feeds: usize, cost: &Cost, peer: Option<&Cost>) {
    let per_feed = |cost: &Cost| cost.cpu.as_secs_f64() * 1000.0 / feeds as f64;
    row(
        &format!("{what}, {feeds} feeds"),
        &format!(
            "{} processor time ({:.2} ms a feed), {} in all, peak {:.1} MiB; {} requests; {}",
            millis(cost.cpu),
            per_feed(cost),
            millis(cost.wall),
            cost.peak_mib,
            cost.asked,
            cost.said
        ),
    );
    if let Some(peer) = peer {
        row(
            &format!("{what}, Node with rss-parser"),
            &format!(
                "{} processor time ({:.2} ms a feed), {} in all, peak {:.1} MiB; {}; Recap's share of it: 1/{:.1}",
                millis(peer.cpu),
                per_feed(peer),
                millis(peer.wall),
                peer.peak_mib,
                peer.said,
                per_feed(peer) / per_feed(cost)
            ),
        );
    }
}

/// A server that takes a while to answer: how much of the time is more than waiting.
fn slow(binary: &Path, idle: Duration, server: &Server, links: &[String], quick: [&Cost; 2]) {
    let scratch = Scratch::new("slow");
    follow(&scratch.0.join("history/owner"), links);
    server.wait_ms.store(DELAY.as_millis() as u64, Ordering::Relaxed);
    let first = first_round(binary, &scratch.0, idle, server);
    let unchanged = next_round(binary, &scratch.0, server);
    server.wait_ms.store(0, Ordering::Relaxed);
    let waits = DELAY.mul_f64(links.len() as f64 / AT_ONCE);
    for (what, cost, quick) in [("first", first, quick[0]), ("unchanged", unchanged, quick[1])] {
        let bar = waits.mul_f64(1.15) + quick.wall;
        row(
            &format!("{what} round, each answer after {} ms", DELAY.as_millis()),
            &format!(
                "{}; 1.15 x {} of waiting + {} undelayed is {}",
                millis(cost.wall),
                millis(waits),
                millis(quick.wall),
                millis(bar)
            ),
        );
    }
}

/// Many scopes that follow the same.
fn shared(binary: &Path, idle: Duration, server: &Server) {
    let scratch = Scratch::new("shared");
    let links = server.links(SHARED / 2, SHARED / 2);
    follow(&scratch.0.join("history/owner"), &links);
    for n in 1..SCOPES {
        follow(&scratch.0.join(format!("history/scope{n:03}")), &links);
    }
    let cost = first_round(binary, &scratch.0, idle, server);
    row(
        &format!("first round, {SCOPES} scopes that follow the same {SHARED} feeds"),
        &format!(
            "{} fetches, {} processor time ({:.1} ms a scope), {} in all, peak {:.1} MiB",
            cost.asked,
            millis(cost.cpu),
            cost.cpu.as_secs_f64() * 1000.0 / SCOPES as f64,
            millis(cost.wall),
            cost.peak_mib
        ),
    );
}

/// Moves in a long queue: over HTTP, and as a call of the library.
fn queue(binary: &Path, items: usize) {
    let scratch = Scratch::new(&format!("queue-{items}"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let library = open(&scratch.0);
    let owner = Scope::owner();
    runtime
        .block_on(library.change_queue(&owner, move |queue| {
            // Nothing is taken up, so that a move is all that happens.
            queue.paused = true;
            queue.items = (0..items).map(item).collect();
            Ok::<_, FollowError>(())
        }))
        .unwrap();
    let every = items / (2 * MOVES);
    let calls: Vec<Duration> = (0..MOVES)
        .map(|n| {
            let ids = vec![id(2 * n * every)];
            let approve = library.decide(&owner, ids, Decision::Approve);
            timed(|| assert_eq!(runtime.block_on(approve).unwrap().len(), 1))
        })
        .collect();
    let port = free_port();
    let _daemon = launch(binary, &scratch.0, port);
    until_healthy(port);
    std::thread::sleep(SETTLED);
    let requests: Vec<Duration> = (0..MOVES)
        .map(|n| {
            let path = format!("/api/auto-queue/{}/approve", id((2 * n + 1) * every));
            timed(|| assert_eq!(ask(port, "POST", &path)["state"], "approved"))
        })
        .collect();
    // Its own writes alone: what the disk takes at least.
    let file = scratch.0.join("history/owner/auto-queue.json");
    let bytes = std::fs::read(&file).unwrap();
    let bare: Vec<Duration> = (0..MOVES)
        .map(|_| {
            timed(|| {
                let beside = scratch.0.join("beside");
                let mut to = std::fs::File::create(&beside).unwrap();
                to.write_all(&bytes).unwrap();
                to.sync_all().unwrap();
                std::fs::rename(&beside, scratch.0.join("bare")).unwrap();
                std::fs::File::open(&scratch.0).unwrap().sync_all().unwrap();
            })
        })
        .collect();
    for (how, times) in
        [("over HTTP", requests), ("a call", calls), ("a synced write of the file alone", bare)]
    {
        let (middle, late) = middle_and_late(times);
        row(
            &format!("a move in a queue of {items} ({} KB), {how}", bytes.len() / 1000),
            &format!("{} (19 of 20 within {})", millis(middle), millis(late)),
        );
    }
}

fn middle_and_late(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 95 / 100])
}

fn id(n: usize) -> EpisodeId {
    format!("pod:{n:016x}").parse().unwrap()
}

fn item(n: usize) -> QueueItem {
    let at = day(n);
    let item: QueueItem = serde_json::from_value(json!({
        "id": id(n), "title": format!("{n}: {}", words(n as u64, 50)), "show": format!("Show {}", n % 100),
        "subscription": format!("sub{}", n % 100), "url": format!("https://show.example/{n}"),
        "feed_url": format!("https://show.example/{}.xml", n % 100), "guid": format!("show-{n}"),
        "published_at": at, "duration_ms": 3_600_000, "found_at": at,
    }))
    .unwrap();
    assert_eq!(item.state, State::Found);
    item
}

// The daemon.

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn launch(binary: &Path, data: &Path, port: u16) -> Running {
    let child = Command::new(binary)
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(data)
        .env("MALLOC_ARENA_MAX", "2")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Running(child)
}

fn until_healthy(port: u16) {
    let started = Instant::now();
    while !healthy(port) {
        assert!(started.elapsed() < Duration::from_secs(60), "the daemon does not answer");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// One link a line, as a person may write it.
fn follow(folder: &Path, links: &[String]) {
    std::fs::create_dir_all(folder).unwrap();
    let text = serde_json::to_string_pretty(&json!({"subscriptions": links})).unwrap();
    std::fs::write(folder.join("subscriptions.json"), text).unwrap();
}

fn idle(binary: &Path) -> Duration {
    let scratch = Scratch::new("idle");
    let port = free_port();
    let daemon = launch(binary, &scratch.0, port);
    until_healthy(port);
    std::thread::sleep(SETTLED * 2);
    cpu(daemon.0.id())
}

/// A start, at which everything is due.
fn first_round(binary: &Path, data: &Path, idle: Duration, server: &Server) -> Cost {
    server.hits.store(0, Ordering::Relaxed);
    let port = free_port();
    let started = Instant::now();
    let daemon = launch(binary, data, port);
    until_healthy(port);
    until_event(port, "subscriptions_checked");
    let wall = started.elapsed();
    std::thread::sleep(SETTLED);
    let (cpu, peak_mib) = (cpu(daemon.0.id()).saturating_sub(idle), peak_mib(daemon.0.id()));
    let asked = server.hits.load(Ordering::Relaxed);
    let said = report(&ask(port, "GET", "/api/subscriptions")["round"]);
    Cost { wall, cpu, peak_mib, asked, said }
}

/// A round that a person asks for, of a daemon that has just started.
fn next_round(binary: &Path, data: &Path, server: &Server) -> Cost {
    let port = free_port();
    let daemon = launch(binary, data, port);
    until_healthy(port);
    std::thread::sleep(SETTLED);
    server.hits.store(0, Ordering::Relaxed);
    let before = cpu(daemon.0.id());
    let started = Instant::now();
    let said = report(&ask(port, "POST", "/api/subscriptions/check"));
    let wall = started.elapsed();
    std::thread::sleep(SETTLED);
    let cpu = cpu(daemon.0.id()) - before;
    let asked = server.hits.load(Ordering::Relaxed);
    Cost { wall, cpu, peak_mib: peak_mib(daemon.0.id()), asked, said }
}

fn report(round: &Value) -> String {
    format!(
        "{} checked, {} unchanged, {} found, {} failed",
        round["checked"], round["unchanged"], round["found"], round["failed_count"]
    )
}

/// Waits for an event of the owner's.
fn until_event(port: u16, name: &str) {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let wanted = format!("event: {name}");
    let mut lines = BufReader::new(socket).lines();
    assert!(lines.any(|line| line.unwrap().contains(&wanted)), "{name} did not come");
}

fn ask(port: u16, method: &str, path: &str) -> Value {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
    serde_json::from_str(body).unwrap()
}

/// Processor time of a process, its ended threads included. A tick is 10 ms on every Linux.
fn cpu(process: u32) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name before the `)` may hold anything; user and system are the 12th and 13th after it.
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|number| number.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn peak_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    let kib = line.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

// The peer.

/// Both rounds of Node; `None` where it is not here, which is said.
fn peer(links: &[String]) -> Option<[Cost; 2]> {
    let scratch = Scratch::new("peer");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/peer.mjs");
    std::fs::copy(script, scratch.0.join("peer.mjs")).unwrap();
    std::fs::write(scratch.0.join("package.json"), "{\"private\": true}").unwrap();
    std::fs::write(scratch.0.join("links"), links.join("\n")).unwrap();
    let installed = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "rss-parser"])
        .current_dir(&scratch.0)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !installed.is_ok_and(|status| status.success()) {
        row("Node with rss-parser", "not measured: `npm install rss-parser` does not work here");
        return None;
    }
    let out = Command::new("node")
        .args(["peer.mjs", "links", "seen.json"])
        .current_dir(&scratch.0)
        .output();
    let rounds = out.ok().filter(|out| out.status.success()).and_then(|out| {
        let said: Vec<Value> = serde_json::from_slice(&out.stdout).ok()?;
        let cost = |said: &Value| {
            let time =
                |key: &str| Duration::from_secs_f64(said[key].as_f64().unwrap_or(0.0) / 1000.0);
            Cost {
                wall: time("wall_ms"),
                cpu: time("cpu_ms"),
                peak_mib: said["peak_kib"].as_f64().unwrap_or(0.0) / 1024.0,
                asked: links.len(),
                said: format!("{} items", said["items"]),
            }
        };
        Some([cost(said.first()?), cost(said.get(1)?)])
    });
    if rounds.is_none() {
        row("Node with rss-parser", "not measured: `node peer.mjs` does not work here");
    }
    rounds
}

// The feeds.

/// Serves feeds, each with its own `ETag`, a thread a connection.
struct Server {
    port: u16,
    hits: Arc<AtomicUsize>,
    wait_ms: Arc<AtomicU64>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (hits, wait_ms) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let (counted, waits) = (hits.clone(), wait_ms.clone());
        // It ends with the process.
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (hits, wait_ms) = (counted.clone(), waits.clone());
                std::thread::spawn(move || {
                    // A client that goes away is no concern of the server's.
                    let _ = answer(socket, &hits, &wait_ms);
                });
            }
        });
        Server { port, hits, wait_ms }
    }

    fn links(&self, podcasts: usize, channels: usize) -> Vec<String> {
        let link = |kind: &str, n| format!("http://127.0.0.1:{}/{kind}/{n}.xml", self.port);
        let podcasts = (0..podcasts).map(|n| link("podcast", n));
        podcasts.chain((0..channels).map(|n| link("channel", n))).collect()
    }
}

/// Answers the requests of one connection, until it is closed.
fn answer(socket: TcpStream, hits: &AtomicUsize, wait_ms: &AtomicU64) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut lines = BufReader::new(socket.try_clone()?).lines();
    let mut out = socket;
    while let Some(first) = lines.next() {
        let first = first?;
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut asked = None;
        for line in lines.by_ref() {
            let line = line?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("if-none-match")
            {
                asked = Some(value.to_owned());
            }
        }
        hits.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(wait_ms.load(Ordering::Relaxed)));
        let etag = format!("\"v1{path}\"");
        if asked.as_deref() == Some(&etag) {
            out.write_all(format!("HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n").as_bytes())?;
            continue;
        }
        let mut parts = path.trim_end_matches(".xml").split('/').skip(1);
        let kind = parts.next().unwrap_or_default();
        if HOSTILE.contains(&kind) {
            return hostile_answer(kind, &mut out);
        }
        let number = parts.next().and_then(|n| n.parse().ok()).unwrap_or(0);
        let (media, body) = match kind {
            "podcast" => ("application/rss+xml", podcast(number)),
            _ => ("text/xml", channel(number)),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {media}; charset=utf-8\r\nETag: {etag}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        out.write_all(head.as_bytes())?;
        out.write_all(body.as_bytes())?;
    }
    Ok(())
}

/// Answers as no good server does; the connection ends with it.
fn hostile_answer(kind: &str, out: &mut TcpStream) -> std::io::Result<()> {
    let head = |length: usize, more: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{more}\r\n"
        )
    };
    let mut send = |more: &str, body: &[u8]| {
        out.write_all(head(body.len(), more).as_bytes())?;
        out.write_all(body)
    };
    let items = |tag: &str| {
        let mut text = "<rss><channel><title>Many</title>".to_owned();
        for n in 0..25_000 {
            text.push_str(&format!(
                "<item><title>{n} {}</title><guid>{n}</guid><{tag}>{}</{tag}>\
                 <enclosure url=\"https://cdn.example/{n}.mp3\"/></item>",
                words(n, 300),
                words(n + 7, 700)
            ));
        }
        text.into_bytes()
    };
    match kind {
        // Two hundred megabytes, of a length that is not told.
        "huge" => {
            out.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<rss><channel><title>")?;
            (0..200).try_for_each(|_| out.write_all(&[b'x'; 1_000_000]))
        }
        "many" => send("", &items("description")),
        // Every item has a letter that is not UTF-8.
        "latin" => {
            let mut body = items("description");
            body.iter_mut().filter(|byte| **byte == b'w').for_each(|byte| *byte = 0xe9);
            send("", &body)
        }
        "entities" => {
            let mut text = "<!DOCTYPE rss [<!ENTITY a0 \"aaaaaaaaaa\">".to_owned();
            for n in 1..30 {
                text.push_str(&format!(
                    "<!ENTITY a{n} \"{}\">",
                    format!("&a{};", n - 1).repeat(10)
                ));
            }
            text.push_str("]><rss><channel><title>&a29;</title><item><title>");
            text.push_str(&"&a29;&amp;".repeat(1_000_000));
            send("", text.as_bytes())
        }
        "nested" => send("", format!("<rss><channel>{}", "<a>".repeat(200_000)).as_bytes()),
        "packed" => {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            for _ in 0..200 {
                packer.write_all(&[b' '; 1_000_000])?;
            }
            send("Content-Encoding: gzip\r\n", &packer.finish()?)
        }
        "dripping" => {
            out.write_all(head(1_000_000, "").as_bytes())?;
            (0..300).try_for_each(|_| {
                std::thread::sleep(Duration::from_secs(1));
                out.write_all(b"<")
            })
        }
        "silent" => {
            std::thread::sleep(PATIENCE);
            Ok(())
        }
        // It says more than it sends.
        _ => {
            out.write_all(head(30_000_000, "").as_bytes())?;
            out.write_all(&podcast(1).into_bytes())
        }
    }
}

/// The words of all feeds.
const WORDS: [&str; 48] = [
    "bees", "winter", "honey", "garden", "river", "stone", "bread", "oven", "letter", "station",
    "harbour", "signal", "paper", "engine", "forest", "mirror", "copper", "ladder", "window",
    "market", "summer", "island", "bridge", "candle", "about", "under", "beside", "without",
    "slowly", "again", "never", "often", "carry", "listen", "repair", "measure", "answer",
    "wonder", "follow", "gather", "the", "and", "with", "from", "their", "which", "where",
    "because",
];

/// So many letters of words, others for each seed.
fn words(seed: u64, letters: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut text = String::with_capacity(letters + 12);
    while text.len() < letters {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(WORDS[(state >> 33) as usize % WORDS.len()]);
    }
    text
}

fn day(n: usize) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_500 - n as i64 % 10_000)
}

/// A podcast's feed: 100 items with show notes.
fn podcast(number: u64) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" \
         xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\">\n<channel>\n\
         <title>Podcast {number}: {}</title>\n<link>https://show{number}.example/</link>\n\
         <description>{}</description>\n<language>en</language>\n\
         <itunes:author>Author {number}</itunes:author>\n",
        words(number, 20),
        words(number + 7, 300)
    );
    for n in 0..100 {
        let seed = number * 1_000 + n;
        let notes: String = (0..5)
            .map(|part| {
                let said = words(seed * 10 + part, 300);
                format!("<p>{said}, <a href=\"https://show{number}.example/notes/{n}/{part}\">more</a> &amp; so on.</p>\n")
            })
            .collect();
        text.push_str(&format!(
            "<item>\n<title>{n}: {}</title>\n<link>https://show{number}.example/episodes/{n}</link>\n\
             <guid isPermaLink=\"false\">show{number}-episode-{n}</guid>\n<pubDate>{}</pubDate>\n\
             <description>{}</description>\n<content:encoded><![CDATA[{notes}]]></content:encoded>\n\
             <enclosure url=\"https://cdn.example/show{number}/{n}.mp3\" length=\"48000000\" type=\"audio/mpeg\"/>\n\
             <itunes:duration>{}</itunes:duration>\n<itunes:episode>{n}</itunes:episode>\n\
             <itunes:explicit>false</itunes:explicit>\n</item>\n",
            words(seed, 40),
            day(n as usize).to_rfc2822(),
            words(seed + 3, 60),
            2_000 + seed % 4_000
        ));
    }
    text.push_str("</channel>\n</rss>\n");
    text
}

/// A channel's feed, in the form of YouTube's: 15 entries.
fn channel(number: u64) -> String {
    let channel = format!("UC{number:022}");
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" \
         xmlns:media=\"http://search.yahoo.com/mrss/\" xmlns=\"http://www.w3.org/2005/Atom\">\n \
         <id>yt:channel:{channel}</id>\n <yt:channelId>{channel}</yt:channelId>\n \
         <title>Channel {number}: {}</title>\n \
         <link rel=\"alternate\" href=\"https://www.youtube.com/channel/{channel}\"/>\n \
         <author>\n  <name>Channel {number}</name>\n </author>\n <published>2020-01-01T00:00:00+00:00</published>\n",
        words(number, 20)
    );
    for n in 0..15 {
        let seed = 900_000_000 + number * 1_000 + n;
        let (video, title) = (format!("v{number:06}{n:04}"), words(seed, 40));
        let at = day(n as usize).to_rfc3339();
        text.push_str(&format!(
            " <entry>\n  <id>yt:video:{video}</id>\n  <yt:videoId>{video}</yt:videoId>\n  \
             <yt:channelId>{channel}</yt:channelId>\n  <title>{title}</title>\n  \
             <link rel=\"alternate\" href=\"https://www.youtube.com/watch?v={video}\"/>\n  \
             <author>\n   <name>Channel {number}</name>\n  </author>\n  <published>{at}</published>\n  \
             <updated>{at}</updated>\n  <media:group>\n   <media:title>{title}</media:title>\n   \
             <media:content url=\"https://www.youtube.com/v/{video}?version=3\" type=\"application/x-shockwave-flash\" width=\"640\" height=\"390\"/>\n   \
             <media:thumbnail url=\"https://i.example/vi/{video}/hqdefault.jpg\" width=\"480\" height=\"360\"/>\n   \
             <media:description>{}</media:description>\n   \
             <media:community>\n    <media:starRating count=\"{}\" average=\"5.00\" min=\"1\" max=\"5\"/>\n    \
             <media:statistics views=\"{}\"/>\n   </media:community>\n  </media:group>\n </entry>\n",
            words(seed + 3, 90),
            seed % 900,
            seed % 90_000
        ));
    }
    text.push_str("</feed>\n");
    text
}
