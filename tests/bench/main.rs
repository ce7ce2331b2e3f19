//! How fast and how small: absolute figures, and ratios beside a peer measured in the same run.
//! `cargo bench` runs it; `cargo bench -- 1000` with another number of recaps, `cargo bench -- following`
//! only what is about following, `-- moves` only moves of the queue, `-- tenants` only
//! a look at ten thousand scopes, `-- hostile` only feeds that mean harm. Asserts nothing.

#![expect(clippy::unwrap_used, reason = "a benchmark ends where something is not as it must be")]

mod following;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use recap::history::Library;
use recap::search::Search;
use recap_mode::{Scope, SystemClock, SystemEntropy};

/// Recaps in the large library, where no other number is asked for.
const RECAPS: usize = 10_000;

fn main() {
    let recaps = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(RECAPS);
    let binary = Path::new(env!("CARGO_BIN_EXE_recap"));
    println!("| what | figure |\n|---|---|");
    if std::env::args().any(|word| word == "following") {
        return following::following(binary);
    }
    if std::env::args().any(|word| word == "tenants") {
        return following::tenants(binary);
    }
    if std::env::args().any(|word| word == "hostile") {
        return following::hostile(binary);
    }
    if std::env::args().any(|word| word == "moves") {
        return following::moves(binary);
    }
    summarize(binary);
    let empty = Scratch::new("empty");
    start(binary, &empty.0, "an empty library");
    let full = Scratch::new("full");
    let bytes = fill(&full.0, recaps);
    let each = bytes / recaps as u64 / 1024;
    row(
        &format!("library: {recaps} recaps"),
        &format!("{} MB, {each} KiB each", bytes / 1_000_000),
    );
    start(binary, &full.0, &format!("{recaps} recaps, no cache yet"));
    start(binary, &full.0, &format!("{recaps} recaps"));
    recheck(&full.0, recaps);
    search(&full.0, recaps);
    drop(full);
    following::following(binary);
}

fn row(what: &str, figure: &str) {
    println!("| {what} | {figure} |");
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// The middle one and the best of some runs.
fn of_runs(count: usize, mut run: impl FnMut() -> Duration) -> (Duration, Duration) {
    let mut times: Vec<Duration> = (0..count).map(|_| run()).collect();
    times.sort();
    (times[count / 2], times[0])
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

/// `recap summarize` of 10,000 words as a whole process, beside `cat` of the same file.
fn summarize(binary: &Path) {
    let scratch = Scratch::new("words");
    let file = scratch.0.join("talk.vtt");
    std::fs::write(&file, talk(10_000)).unwrap();
    let run = |program: &Path, words: &[&str]| {
        timed(|| {
            let status = Command::new(program)
                .args(words)
                .arg(&file)
                .stdout(Stdio::null())
                .status()
                .unwrap();
            assert!(status.success());
        })
    };
    let (middle, best) = of_runs(21, || run(binary, &["summarize"]));
    let (peer, _) = of_runs(21, || run(Path::new("cat"), &[]));
    row(
        "summarize 10,000 words, whole process",
        &format!(
            "{} (best {}), {:.0} x cat",
            millis(middle),
            millis(best),
            middle.as_secs_f64() / peer.as_secs_f64()
        ),
    );
}

/// The sample show's longest episode, said again and again until there are so many words.
fn talk(words: usize) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-history/show/long.vtt");
    let episode = std::fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = episode.lines().filter(|line| line.starts_with("<v ")).collect();
    let mut text = String::from("WEBVTT\n\n");
    let (mut said, mut at_ms) = (0, 0_u64);
    for line in lines.iter().cycle() {
        if said >= words {
            break;
        }
        let stamp = |ms: u64| {
            format!(
                "{:02}:{:02}:{:02}.{:03}",
                ms / 3_600_000,
                ms / 60_000 % 60,
                ms / 1000 % 60,
                ms % 1000
            )
        };
        text.push_str(&format!("{} --> {}\n{line}\n\n", stamp(at_ms), stamp(at_ms + 4500)));
        at_ms += 4600;
        // The tag with the name is two or three words that nobody says.
        said += line.split('>').nth(1).unwrap_or_default().split_whitespace().count();
    }
    text
}

/// A library of recaps, each made from a talk of some 5,400 words.
fn fill(data: &Path, recaps: usize) -> u64 {
    let text = talk(5_400);
    let hint = recap::transcripts::Hint::default();
    let transcript = recap::transcripts::read(text.as_bytes(), &hint).unwrap().transcript;
    let outline = recap::outline::outline(&transcript, &recap::outline::Options::default());
    let folder = data.join("history/owner");
    std::fs::create_dir_all(&folder).unwrap();
    let mut bytes = 0;
    for n in 0..recaps {
        let now = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(29_000_000 + n as i64);
        let id =
            recap::domain::recap::RecapId::make(now, &format!("episode {n}"), [(n % 32) as u8; 6]);
        let mut episode: recap::domain::episode::Episode = serde_json::from_value(serde_json::json!({
            "id": format!("pod:{n:016x}"), "kind": "podcast", "title": format!("Episode {n} of a long show"),
            "show": {"title": "A long show", "feed_url": "https://example.org/feed.xml"}, "published_at": now,
        }))
        .unwrap();
        episode.url = format!("https://example.org/episodes/{n}").parse().ok();
        let recap = recap::domain::recap::Recap::assemble(recap::domain::recap::Parts {
            id: id.clone(),
            episode,
            made_by: Default::default(),
            outline: outline.clone(),
            transcript: transcript.clone(),
            notes: Vec::new(),
            now,
        });
        let text = recap::history::pretty_recap(&serde_json::to_value(&recap).unwrap());
        bytes += text.len() as u64;
        std::fs::write(folder.join(format!("{id}.json")), text).unwrap();
    }
    bytes
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM, so that the daemon keeps its cache as in real life.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// From starting the process to the first answer of health, and what it weighs when it idles.
fn start(binary: &Path, data: &Path, what: &str) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let launch = || {
        let started = Instant::now();
        let child = Command::new(binary)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(data)
            .env("MALLOC_ARENA_MAX", "2")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let running = Running(child);
        while !healthy(port) {
            assert!(started.elapsed() < Duration::from_secs(20), "the daemon does not answer");
            std::thread::sleep(Duration::from_micros(300));
        }
        (running, started.elapsed())
    };
    let mut resident = Vec::new();
    let count = if what.contains("no cache") { 1 } else { 7 };
    let (middle, best) = of_runs(count, || {
        let (running, took) = launch();
        // The look at the library ends; then it idles.
        std::thread::sleep(Duration::from_millis(if count == 1 { 6000 } else { 1500 }));
        resident.push(resident_kib(running.0.id()));
        took
    });
    resident.sort_unstable();
    row(
        &format!("start to health, {what}"),
        &format!("{} (best {})", millis(middle), millis(best)),
    );
    row(
        &format!("resident when idle, {what}"),
        &format!("{:.1} MiB", resident[resident.len() / 2] as f64 / 1024.0),
    );
}

fn healthy(port: u16) -> bool {
    let Ok(mut socket) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let request = "GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    socket.write_all(request.as_bytes()).is_ok()
        && socket.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn open(data: &Path) -> Arc<Library> {
    Library::open(data, Arc::new(SystemClock), Arc::new(SystemEntropy)).unwrap()
}

/// Looking again at a library in which nothing changed, beside readdir and stat alone.
fn recheck(data: &Path, recaps: usize) {
    let library = open(data);
    library.stamps_now(&Scope::owner()).unwrap();
    let folder = data.join("history/owner");
    let (ours, _) = of_runs(15, || timed(|| library.look_again_now()));
    let (peer, _) = of_runs(15, || {
        timed(|| {
            let sizes: u64 = std::fs::read_dir(&folder)
                .unwrap()
                .map(|entry| entry.unwrap().metadata().unwrap().len())
                .sum();
            assert!(sizes > 0);
        })
    });
    let ratio = ours.as_secs_f64() / peer.as_secs_f64();
    row(
        &format!("look again at {recaps} unchanged recaps"),
        &format!("{}, {ratio:.2} x readdir + stat ({})", millis(ours), millis(peer)),
    );
    let (list, _) = of_runs(15, || {
        timed(|| {
            let query = recap::history::ListQuery { limit: 50, ..Default::default() };
            library.list_now(&Scope::owner(), &query).unwrap();
        })
    });
    row(&format!("first page of {recaps} recaps"), &millis(list));
}

fn search(data: &Path, recaps: usize) {
    let search = Search::new(open(data));
    let first = timed(|| {
        search.find_now(&Scope::owner(), "honey", 20).unwrap();
    });
    row(&format!("first search in {recaps} recaps (builds the index)"), &millis(first));
    let (next, _) = of_runs(15, || {
        timed(|| {
            search.find_now(&Scope::owner(), "honey winter", 20).unwrap();
        })
    });
    row("next searches", &millis(next));
}

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder =
            std::env::temp_dir().join(format!("recap-bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Scratch(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
