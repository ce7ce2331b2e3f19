//! Downloads from servers that break off, lie, forget and change their mind, on loopback.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::super::Trust;
use super::*;

#[expect(clippy::disallowed_methods, reason = "a bad server lives as long as its test")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}

/// Sixty kilobytes that are nowhere the same.
fn body() -> Vec<u8> {
    (0..60_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 16) as u8).collect()
}

/// What a server answers, by how many were before and by the head of the request.
type Answer = fn(usize, &str) -> Vec<u8>;

struct Bench {
    folder: tempfile::TempDir,
    url: Url,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    async fn new(answer: Answer) -> Bench {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/show.mp3?token=abc", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = asked.clone();
        spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut buffer = vec![0; 8_192];
                let read = socket.read(&mut buffer).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&buffer[..read]).to_ascii_lowercase();
                let before = notes.lock().unwrap().len();
                let bytes = answer(before, &head);
                notes.lock().unwrap().push(head);
                let _ = socket.write_all(&bytes).await;
                // One whose answer ends in this word goes on for ever.
                if bytes.ends_with(b"HANG") {
                    std::future::pending::<()>().await;
                }
            }
        });
        Bench { folder: tempfile::tempdir().unwrap(), url: Url::parse(&url).unwrap(), asked }
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("sound.part")
    }

    fn note(&self) -> PathBuf {
        self.folder.path().join("sound.part.from")
    }

    fn request(&self) -> Request {
        Request {
            url: self.url.clone(),
            accept: "*/*",
            cookie: None,
            bytes_max: 100_000,
            deadline: Duration::from_secs(20),
            trust: Trust::typed(&self.url),
        }
    }

    async fn get(&self) -> Result<Downloaded, DownloadError> {
        Net::new().download(&self.request(), &self.part(), &mut |_, _| {}).await
    }

    /// As if so much had come before, with this to go on by.
    fn begun(&self, bytes: &[u8], validator: &str) {
        std::fs::write(self.part(), bytes).unwrap();
        let source = Source { link: hash(&self.url), validator: validator.to_owned() };
        std::fs::write(self.note(), serde_json::to_vec(&source).unwrap()).unwrap();
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn is_whole(&self) {
        assert_eq!(std::fs::read(self.part()).unwrap(), body());
        assert!(!self.note().exists(), "the note is gone");
    }
}

fn reply(head: &str, said: usize, bytes: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {said}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), bytes].concat()
}

fn start_of(head: &str) -> Option<usize> {
    head.split_once("range: bytes=")?.1.split_once('-')?.0.parse().ok()
}

/// A server that does everything right.
fn fair(_: usize, head: &str) -> Vec<u8> {
    let body = body();
    match start_of(head) {
        Some(from) if head.contains("if-range: \"a\"") && from < body.len() => reply(
            &format!("206 Partial\r\nETag: \"a\"\r\nContent-Range: bytes {from}-59999/60000"),
            body.len() - from,
            &body[from..],
        ),
        _ => reply("200 OK\r\nETag: \"a\"\r\nContent-Type: audio/mpeg; x=y", body.len(), &body),
    }
}

#[tokio::test]
async fn a_whole_answer_is_written_and_progress_told() {
    let bench = Bench::new(fair).await;
    let mut told = Vec::new();
    let got = Net::new()
        .download(&bench.request(), &bench.part(), &mut |there, whole| told.push((there, whole)))
        .await
        .unwrap();
    assert_eq!((got.bytes, got.resumed_bytes, got.media_type.as_str()), (60_000, 0, "audio/mpeg"));
    assert_eq!(
        (told.first(), told.last()),
        (Some(&(0, Some(60_000))), Some(&(60_000, Some(60_000))))
    );
    bench.is_whole();
    assert!(bench.asked()[0].contains("accept-encoding: identity"), "{:?}", bench.asked());
}

#[tokio::test]
async fn what_was_there_is_not_fetched_again() {
    let bench = Bench::new(fair).await;
    bench.begun(&body()[..25_000], "\"a\"");
    let got = bench.get().await.unwrap();
    assert_eq!((got.bytes, got.resumed_bytes), (60_000, 25_000));
    bench.is_whole();
    assert_eq!(start_of(&bench.asked()[0]), Some(25_000));
}

#[tokio::test]
async fn what_has_changed_since_is_fetched_from_its_start() {
    for (bytes, validator) in
        [(&b"something old"[..], "\"old\""), (b"x", "Fri, 20 Nov 2026 10:00:00 GMT")]
    {
        let bench = Bench::new(fair).await;
        bench.begun(bytes, validator);
        bench.get().await.unwrap();
        bench.is_whole();
    }
}

#[tokio::test]
async fn a_part_without_a_note_or_of_another_link_is_not_trusted() {
    let bench = Bench::new(fair).await;
    std::fs::write(bench.part(), b"who knows").unwrap();
    bench.get().await.unwrap();
    bench.is_whole();
    bench.begun(b"of another", "\"a\"");
    std::fs::write(bench.note(), r#"{"link": "other", "validator": "\"a\""}"#).unwrap();
    bench.get().await.unwrap();
    bench.is_whole();
    bench.begun(b"with a broken note", "\"a\"");
    std::fs::write(bench.note(), "{").unwrap();
    bench.get().await.unwrap();
    bench.is_whole();
    assert!(bench.asked().iter().all(|head| start_of(head).is_none()));
}

#[tokio::test]
async fn a_broken_connection_is_taken_up_where_it_broke() {
    let bench = Bench::new(|before, head| {
        let answer = fair(before, head);
        let length = if before < 3 { answer.len().min(16_000) } else { answer.len() };
        answer[..length].to_vec()
    })
    .await;
    let got = bench.get().await.unwrap();
    assert_eq!((got.bytes, got.resumed_bytes), (60_000, 0));
    bench.is_whole();
    let starts: Vec<_> = bench.asked().iter().map(|head| start_of(head)).collect();
    assert_eq!((starts.len(), starts[0]), (4, None));
    assert!(starts[1..].windows(2).all(|pair| pair[0] < pair[1]), "{starts:?}");
}

#[tokio::test]
async fn a_server_that_knows_no_parts_or_sends_others_is_asked_from_the_start() {
    let cases: [Answer; 5] = [
        // It ignores the range.
        |_, _| reply("200 OK\r\nETag: \"a\"", 60_000, &body()),
        // It sends another part than was asked for.
        |before, head| match before {
            0 => reply("206 Partial\r\nContent-Range: bytes 7-59999/60000", 59_993, &body()[7..]),
            _ => fair(before, head),
        },
        // It does not say which part.
        |before, head| match before {
            0 => reply("206 Partial", 60_000, &body()),
            _ => fair(before, head),
        },
        // It has less than is there by now.
        |before, head| match before {
            0 => reply("416 No\r\nContent-Range: bytes */99", 0, b""),
            _ => fair(before, head),
        },
        |before, head| match before {
            0 => reply("416 No", 0, b""),
            _ => fair(before, head),
        },
    ];
    for answer in cases {
        let bench = Bench::new(answer).await;
        bench.begun(&body()[..25_000], "\"a\"");
        bench.get().await.unwrap();
        bench.is_whole();
    }
}

#[tokio::test]
async fn a_part_that_was_whole_already_is_whole() {
    let bench = Bench::new(|_, _| reply("416 No\r\nContent-Range: bytes */60000", 0, b"")).await;
    bench.begun(&body(), "\"a\"");
    let got = bench.get().await.unwrap();
    assert_eq!((got.bytes, got.resumed_bytes), (60_000, 60_000));
    bench.is_whole();
}

#[tokio::test]
async fn each_misbehaviour_ends_with_a_sentence_and_what_came_stays() {
    let check = async |answer: Answer, said: &str, left: usize| {
        let bench = Bench::new(answer).await;
        let request = Request { deadline: Duration::from_secs(2), ..bench.request() };
        let error = Net::new().download(&request, &bench.part(), &mut |_, _| {}).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
        assert!(!error.contains("token"), "{error}");
        let there = std::fs::metadata(bench.part()).unwrap().len();
        assert_eq!(there, left as u64, "{said}");
    };
    check(|_, _| reply("404 No", 0, b""), "answered 404", 0).await;
    check(|_, _| reply("503 Later\r\nRetry-After: 9", 0, b""), "answered 503", 0).await;
    check(|_, _| reply("304 Same", 0, b""), "answered 304", 0).await;
    check(|_, _| reply("200 OK", 100_001, &body()), "larger than", 0).await;
    check(
        |_, _| reply("206 Partial\r\nContent-Range: bytes 0-9/10", 10, b"0123456789"),
        "answered 206",
        0,
    )
    .await;
    check(|_, _| reply("302 Found\r\nLocation: /again", 0, b""), "redirects more than", 0).await;
    check(|_, _| b"nonsense".to_vec(), "could not be fetched", 0).await;
    // It never says how much, and never ends.
    check(|_, _| [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &body(), &body()].concat(), "larger than", 0)
        .await;
    check(
        |_, _| reply("200 OK", 50_000, b"0123HANG"),
        "did not answer in full within 2 seconds",
        8,
    )
    .await;
    // It breaks off at the same place each time.
    check(|_, _| reply("200 OK", 50_000, b"01234567"), "could not be fetched", 8).await;
}

#[tokio::test]
async fn each_hop_goes_through_the_guard() {
    let secret = Bench::new(fair).await;
    let to = Box::leak(secret.url.to_string().into_boxed_str());
    static TARGET: std::sync::OnceLock<&str> = std::sync::OnceLock::new();
    TARGET.set(to).unwrap();
    let bench = Bench::new(|_, _| {
        reply(&format!("302 Found\r\nLocation: {}", TARGET.get().unwrap()), 0, b"")
    })
    .await;
    let error = bench.get().await.unwrap_err();
    assert!(matches!(error, DownloadError::Fetch(FetchError::Private { .. })), "{error}");
    assert!(secret.asked().is_empty());
    let public = Request { trust: Trust::Public, ..secret.request() };
    let error = Net::new().download(&public, &bench.part(), &mut |_, _| {}).await.unwrap_err();
    assert!(matches!(error, DownloadError::Fetch(FetchError::Private { .. })), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_and_a_full_disk_are_sentences() {
    let bench = Bench::new(fair).await;
    let nowhere = bench.folder.path().join("none/sound.part");
    let error = Net::new().download(&bench.request(), &nowhere, &mut |_, _| {}).await.unwrap_err();
    assert!(matches!(error, DownloadError::Write { .. }), "{error}");
    // A device that is always full.
    if Path::new("/dev/full").exists() {
        let full = bench.part();
        std::os::unix::fs::symlink("/dev/full", &full).unwrap();
        let error = Net::new().download(&bench.request(), &full, &mut |_, _| {}).await.unwrap_err();
        assert!(matches!(error, DownloadError::Full { .. }), "{error}");
        assert!(error.to_string().contains("the disk is full"), "{error}");
    }
}

#[test]
fn the_place_of_a_part_is_read_strictly() {
    let check = |text: &str, want: Option<(Option<u64>, Option<u64>)>| {
        let got = ContentRange::parse(text).map(|range| (range.start, range.total));
        assert_eq!(got, want, "{text}");
    };
    check("bytes 5-9/10", Some((Some(5), Some(10))));
    check("bytes 5-9/*", Some((Some(5), None)));
    check("bytes */10", Some((None, Some(10))));
    for wrong in [
        "",
        "bytes",
        "5-9/10",
        "bytes x-9/10",
        "bytes 5-9",
        "bytes 5/10",
        "bytes -1-9/10",
        "items 5-9/10",
    ] {
        check(wrong, None);
    }
}
