//! The cache against servers on loopback that answer with validators, refusals and lies.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::AtomicUsize;

use recap_mode::{ManualClock, SeededEntropy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::domain::link::Link;

const FEED: &str = "<rss version=\"2.0\"><channel><title>Shed</title><item><title>One</title><guid>1</guid>\
                    <enclosure url=\"https://e.example/1.mp3\"/></item></channel></rss>";

#[expect(clippy::disallowed_methods, reason = "a server lives as long as its test")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}

/// A server that answers each request as `answer` says, which sees the request's head and its number.
async fn server(answer: fn(&str, usize) -> String) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/feed", listener.local_addr().unwrap())).unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let n = count.fetch_add(1, Ordering::SeqCst);
            let mut buffer = vec![0; 8192];
            let read = socket.read(&mut buffer).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&buffer[..read]).to_ascii_lowercase();
            let _ = socket.write_all(answer(&head, n).as_bytes()).await;
        }
    });
    url
}

fn whole(body: &str, headers: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn refusal(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn with_etag(head: &str, _: usize) -> String {
    if head.contains("if-none-match: \"v1\"") {
        refusal("304 Not Modified")
    } else {
        whole(FEED, "ETag: \"v1\"\r\n")
    }
}

struct Kept {
    data: tempfile::TempDir,
    clock: Arc<ManualClock>,
    cache: FeedCache,
}

fn kept() -> Kept {
    let data = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at("2026-11-20T10:00:00Z".parse().unwrap()));
    let cache = open(&data, &clock);
    Kept { data, clock, cache }
}

fn open(data: &tempfile::TempDir, clock: &Arc<ManualClock>) -> FeedCache {
    FeedCache::open(data.path(), Net::new(), clock.clone(), Arc::new(SeededEntropy::new(7)))
}

fn limits() -> Limits {
    Limits {
        bytes_max: 1024 * 1024,
        deadline: Duration::from_secs(20),
        period: Duration::from_secs(3_600),
    }
}

#[tokio::test]
async fn an_unchanged_feed_is_said_to_be_so_and_read_from_the_cache() {
    let Kept { data, clock, cache } = kept();
    let url = server(with_etag).await;
    let trust = Trust::typed(&url);
    let key = FeedKey::of(&url, &trust);
    let first = cache.check(&url, &trust, &limits()).await.unwrap();
    assert!(matches!(first, Checked::Changed(read) if read.feed.title == "Shed"));
    assert!(!cache.is_due(&key));
    clock.advance(TimeDelta::minutes(70));
    assert!(cache.is_due(&key));
    assert!(matches!(cache.check(&url, &trust, &limits()).await.unwrap(), Checked::Unchanged));
    assert_eq!(cache.read_now(&key).unwrap().feed.items.len(), 1);
    cache.save_now();
    // A daemon that starts again asks at once, but not within minutes, and knows what it knew.
    let again = open(&data, &clock);
    again.all_due();
    assert!(!again.is_due(&key));
    clock.advance(TimeDelta::minutes(6));
    again.all_due();
    assert!(again.is_due(&key));
    assert!(matches!(again.check(&url, &trust, &limits()).await.unwrap(), Checked::Unchanged));
}

#[tokio::test]
async fn a_deleted_cache_costs_a_fetch_and_nothing_else() {
    let Kept { data, cache, .. } = kept();
    let url = server(with_etag).await;
    let trust = Trust::typed(&url);
    cache.check(&url, &trust, &limits()).await.unwrap();
    let folder = data.path().join("cache/feeds");
    let body = fs::read_dir(&folder).unwrap().flatten().next().unwrap().path();
    assert_eq!(fs::metadata(&body).unwrap().permissions().mode() & 0o777, 0o600);
    fs::remove_dir_all(&folder).unwrap();
    let key = FeedKey::of(&url, &trust);
    assert!(cache.read_now(&key).is_none());
    let again = cache.check(&url, &trust, &limits()).await.unwrap();
    assert!(matches!(again, Checked::Changed(_)), "a body that is not there is asked for whole");
}

#[tokio::test]
async fn a_feed_that_is_the_same_counts_as_unchanged_also_without_validators() {
    let Kept { cache, .. } = kept();
    let url = server(|_, _| whole(FEED, "")).await;
    let trust = Trust::typed(&url);
    assert!(matches!(cache.check(&url, &trust, &limits()).await, Ok(Checked::Changed(_))));
    assert!(matches!(cache.check(&url, &trust, &limits()).await, Ok(Checked::Unchanged)));
}

#[tokio::test]
async fn failures_in_a_row_are_asked_at_growing_distances_up_to_a_day() {
    let Kept { clock, cache, .. } = kept();
    let url = server(|_, n| if n < 8 { refusal("500 No") } else { whole(FEED, "") }).await;
    let trust = Trust::typed(&url);
    let key = FeedKey::of(&url, &trust);
    let mut hours = Vec::new();
    for _ in 0..8 {
        cache.check(&url, &trust, &limits()).await.unwrap_err();
        let entry = cache.entry(&key).unwrap();
        let wait = entry.next_check_at.unwrap() - clock.now();
        hours.push((wait.num_minutes() as f64 / 60.0).round() as i64);
        assert!(entry.reason.unwrap().contains("500"));
    }
    for (want, got) in [1, 2, 4, 8, 16, 24, 24, 24].into_iter().zip(&hours) {
        assert!((got - want).abs() <= want / 8, "{hours:?}");
    }
    cache.check(&url, &trust, &limits()).await.unwrap();
    let entry = cache.entry(&key).unwrap();
    assert_eq!((entry.failures, entry.reason), (0, None));
}

#[tokio::test]
async fn what_fails_leaves_what_was_there() {
    let Kept { cache, .. } = kept();
    let url = server(|_, n| match n {
        0 => whole(FEED, "ETag: \"v1\"\r\n"),
        1 => whole("<html><body>Back soon", "Content-Type: text/html\r\n"),
        2 => whole("", ""),
        3 => "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n<rss".to_owned(),
        4 => whole("not gzip", "Content-Encoding: gzip\r\n"),
        _ => refusal("304 Not Modified"),
    })
    .await;
    let trust = Trust::typed(&url);
    let key = FeedKey::of(&url, &trust);
    cache.check(&url, &trust, &limits()).await.unwrap();
    for _ in 0..4 {
        cache.check(&url, &trust, &limits()).await.unwrap_err();
        assert_eq!(cache.read_now(&key).unwrap().feed.title, "Shed");
    }
    assert!(matches!(cache.check(&url, &trust, &limits()).await, Ok(Checked::Unchanged)));
}

#[test]
fn who_may_reach_different_things_shares_no_answer() {
    let url = Url::parse("http://192.168.1.5/feed").unwrap();
    let owner = FeedKey::of(&url, &Trust::typed(&url));
    assert_ne!(owner, FeedKey::of(&url, &Trust::Public));
    let with_password = Url::parse("http://ada:pw@192.168.1.5/feed").unwrap();
    assert_ne!(owner, FeedKey::of(&with_password, &Trust::typed(&url)));
    let fragment = Url::parse("http://192.168.1.5/feed#x").unwrap();
    assert_eq!(owner, FeedKey::of(&fragment, &Trust::typed(&url)));
}

#[tokio::test]
async fn a_clock_that_was_set_back_silences_no_feed() {
    let Kept { clock, cache, .. } = kept();
    let url = server(with_etag).await;
    let trust = Trust::typed(&url);
    cache.check(&url, &trust, &limits()).await.unwrap();
    clock.advance(TimeDelta::days(-4_000));
    assert!(cache.is_due(&FeedKey::of(&url, &trust)));
}

#[tokio::test]
async fn what_nobody_asked_for_in_a_month_is_dropped() {
    let Kept { data, clock, cache } = kept();
    let url = server(with_etag).await;
    let trust = Trust::typed(&url);
    let key = FeedKey::of(&url, &trust);
    cache.check(&url, &trust, &limits()).await.unwrap();
    clock.advance(TimeDelta::days(KEPT_DAYS) + TimeDelta::seconds(1));
    cache.save_now();
    assert!(cache.entry(&key).is_none());
    drop(cache);
    // The next start finds its file without a name, and older than a day.
    let again = open(&data, &clock);
    let other = Url::parse("https://other.example/feed").unwrap();
    again.note_failure(&other, &trust, "No answer.", None, limits().period);
    again.save_now();
    let left = || fs::read_dir(data.path().join("cache/feeds")).unwrap().flatten().count();
    assert_eq!(left(), 1, "the index alone");
    let folder = data.path().join("cache/feeds");
    let left = ["0123.part", "0123.feed", "feeds1-0123456789abcdef", "feeds123-0"];
    left.iter().for_each(|name| fs::write(folder.join(name), "left").unwrap());
    let own = format!("{}0123456789abcdef", shelf::PREFIX);
    let others = [own.as_str(), "feeds-1", "feeds", "feeds1", "notes.txt"];
    others.iter().for_each(|name| fs::write(folder.join(name), "kept").unwrap());
    again.sweep_now();
    assert!(left.iter().all(|name| !folder.join(name).exists()));
    assert!(others.iter().all(|name| folder.join(name).exists()));
}

#[tokio::test]
async fn other_bytes_than_were_kept_count_as_deleted() {
    let Kept { data, clock, cache } = kept();
    let url = server(with_etag).await;
    let trust = Trust::typed(&url);
    let key = FeedKey::of(&url, &trust);
    cache.check(&url, &trust, &limits()).await.unwrap();
    cache.save_now();
    let folder = data.path().join("cache/feeds");
    let is_feeds = |path: &PathBuf| path.extension().is_none();
    let mut files = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let file = files.find(is_feeds).unwrap();
    let bytes = fs::read(&file).unwrap();
    for bad in [vec![0; bytes.len()], bytes[..bytes.len() - 1].to_vec(), Vec::new()] {
        fs::write(&file, &bad).unwrap();
        let again = open(&data, &clock);
        assert!(again.read_now(&key).is_none());
    }
    fs::write(&file, &bytes).unwrap();
    assert_eq!(open(&data, &clock).read_now(&key).unwrap().feed.title, "Shed");
}

#[tokio::test]
async fn a_feed_of_which_only_the_wrapping_changed_is_unchanged() {
    let Kept { cache, .. } = kept();
    let url = server(|_, n| {
        let built = format!("<title>Shed</title><lastBuildDate>{n}</lastBuildDate>");
        whole(&FEED.replace("<title>Shed</title>", &built), "")
    })
    .await;
    let trust = Trust::typed(&url);
    assert!(matches!(cache.check(&url, &trust, &limits()).await, Ok(Checked::Changed(_))));
    assert!(matches!(cache.check(&url, &trust, &limits()).await, Ok(Checked::Unchanged)));
}

#[test]
fn a_damaged_index_counts_as_deleted() {
    let Kept { data, clock, .. } = kept();
    let folder = data.path().join("cache/feeds");
    fs::create_dir_all(&folder).unwrap();
    for bad in ["", "{", "[]", "{\"x\": 7}", "\0\0"] {
        fs::write(folder.join(INDEX), bad).unwrap();
        assert_eq!(open(&data, &clock).map().len(), 0, "{bad:?}");
    }
}

/// A feed with something in every field, so that any change of their order or kind is seen.
fn everything() -> Feed {
    let url = |name: &str| Url::parse(&format!("https://e.example/{name}")).unwrap();
    let link = |name: &str| Link::parse(url(name).as_str()).unwrap();
    let item = feeds::Item {
        guid: Some("guid".to_owned()),
        title: "Title".to_owned(),
        link: Some(link("page")),
        published_at: "2026-11-20T10:00:00.5Z".parse().ok(),
        duration_ms: Some(61_000),
        description: "Words".to_owned(),
        media: Some(feeds::Media {
            url: link("a.mp3"),
            media_type: "audio/mpeg".into(),
            size_bytes: Some(7),
        }),
        image_url: Some(link("a.png")),
        transcripts: vec![feeds::TranscriptLink {
            url: link("a.vtt"),
            media_type: "text/vtt".to_owned(),
            language: Some("en".to_owned()),
            rel: Some("captions".to_owned()),
        }],
        chapters_url: Some(link("a.json")),
        chapters: vec![crate::domain::outline::Chapter { start_ms: 5, title: "One".to_owned() }],
        season: Some(2),
        number: Some(3),
        persons: vec![feeds::Person { name: "Ada".to_owned(), role: Some("host".to_owned()) }],
        youtube_video: Some("aaaaaaaaaaa".to_owned()),
        guid_is_shared: true,
    };
    Feed {
        title: "Shed".to_owned(),
        link: Some(url("")),
        language: Some("en".to_owned()),
        image_url: Some(link("show.png")),
        podcast_guid: Some("0123".to_owned()),
        new_feed_url: Some(url("new")),
        items: vec![item],
        warnings: vec!["A warning.".to_owned()],
    }
}

#[test]
fn a_feed_lies_on_the_shelf_as_its_files_names_say() {
    let packed = pack(&everything());
    assert_eq!(postcard::from_bytes::<Feed>(&packed).unwrap(), everything());
    // Where this fails, count the number in the prefix of the shelf's files up, and then change it here:
    // what an earlier Recap kept would be read as something else.
    let hash = hash_of(&packed);
    assert_eq!((shelf::PREFIX, &hash[..16]), ("feeds3-", "61ff314ebeef3ffd"));
}
