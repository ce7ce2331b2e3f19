//! Sound through the real doors: fetched from a publisher on loopback, cut, and heard by a stand-in for
//! a server of speech recognition.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use recap::config::Environment;
use recap_mode::{Clock as _, ManualClock, SystemClock};
use serde_json::{Value, json};

use super::faults::{Small, fill, free, serve};
use super::models::{an_instance, settings_file};
use super::stand_in::{Mood, StandIn};
use super::support::{House, client, ended, single, start_at, tree, until, upstream};

/// Samples a second.
const RATE: usize = 16_000;

const MIB: usize = 1024 * 1024;

/// Something with the rhythm of speech: syllables of 180 ms, five in a row, then a pause of 300 ms.
fn babble(ms: usize) -> Vec<i16> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..ms * RATE / 1_000)
        .map(|at| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let noise = ((state >> 40) as f32 / 8_388_608.0 - 1.0) * 8_000.0;
            let within = at / 16 % 1_500;
            let shape = if within >= 1_200 {
                0.001
            } else {
                ((within % 240) as f32 / 240.0 * std::f32::consts::PI).sin().max(0.02)
            };
            (noise * shape) as i16
        })
        .collect()
}

/// So many bursts of four seconds, each followed by seven without a word: as many pieces.
pub fn talk(bursts: usize) -> Vec<i16> {
    let mut samples = Vec::new();
    for _ in 0..bursts {
        samples.extend(babble(4_000));
        samples.extend(vec![0; 7 * RATE]);
    }
    samples
}

/// A WAV file, with `ballast` bytes before its sound that no player looks at.
pub fn wav(samples: &[i16], ballast: usize) -> Vec<u8> {
    let (data, ballast) = (samples.len() * 2, ballast & !1);
    let before = if ballast > 0 { 8 + ballast } else { 0 };
    let mut bytes = Vec::with_capacity(44 + before + data);
    let word = |out: &mut Vec<u8>, n: usize| out.extend(u32::try_from(n).unwrap().to_le_bytes());
    bytes.extend(b"RIFF");
    word(&mut bytes, 36 + before + data);
    bytes.extend(b"WAVEfmt ");
    word(&mut bytes, 16);
    bytes.extend([1, 0, 1, 0]);
    word(&mut bytes, RATE);
    word(&mut bytes, RATE * 2);
    bytes.extend([2, 0, 16, 0]);
    if ballast > 0 {
        bytes.extend(b"JUNK");
        word(&mut bytes, ballast);
        bytes.extend(std::iter::repeat_n(0, ballast));
    }
    bytes.extend(b"data");
    word(&mut bytes, data);
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    bytes
}

/// A media type with bytes.
type File = (&'static str, Vec<u8>);

/// A publisher of files, which counts who asks.
#[derive(Clone)]
pub struct Studio {
    base: String,
    files: Arc<Mutex<HashMap<String, File>>>,
    hits: Arc<Mutex<Vec<String>>>,
}

impl Studio {
    pub async fn new() -> Studio {
        let studio = Studio { base: String::new(), files: Arc::default(), hits: Arc::default() };
        let router = Router::new().fallback(file).with_state(studio.clone());
        Studio { base: upstream(router).await, ..studio }
    }

    pub fn put(&self, path: &str, kind: &'static str, bytes: impl Into<Vec<u8>>) -> String {
        self.files.lock().unwrap().insert(path.to_owned(), (kind, bytes.into()));
        format!("{}{path}", self.base)
    }

    /// A show of one episode without a transcript; its feed's link.
    fn show(&self, title: &str, sound: &str) -> String {
        let feed = format!(
            "<rss version=\"2.0\"><channel><title>The Bakery</title><language>en</language><item><title>{title}</title>\
             <guid>{title}</guid><pubDate>02 Oct 2026 08:00:00 +0000</pubDate>\
             <enclosure url=\"{}{sound}\" type=\"audio/mpeg\" length=\"1\"/></item></channel></rss>",
            self.base
        );
        self.put("/feed", "application/rss+xml", feed)
    }

    fn hits(&self, path: &str) -> usize {
        self.hits.lock().unwrap().iter().filter(|hit| *hit == path).count()
    }
}

async fn file(State(studio): State<Studio>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    studio.hits.lock().unwrap().push(path.clone());
    match studio.files.lock().unwrap().get(&path).cloned() {
        Some((kind, bytes)) => ([(CONTENT_TYPE, kind)], bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A server that hears the same in each piece.
pub async fn ears() -> StandIn {
    let ears = StandIn::new().await;
    ears.hear(json!({"language": "english", "text": "x", "segments": [
        {"start": 0.3, "end": 1.8, "text": " Good bread needs time, and today we bake two loaves."},
        {"start": 1.9, "end": 3.9, "text": " We wait eighteen hours."},
    ]}));
    ears
}

fn ears_instance(name: &str, ears: &StandIn) -> Value {
    let mut one = an_instance(name, "openai", &ears.base);
    one["piece_secs_max"] = json!(10);
    one["price"] = json!({"audio_per_minute_micros": 6_000});
    one
}

/// What is set where `names` hear.
fn hearing(servers: &[(&str, &StandIn)]) -> Value {
    let written: Vec<Value> = servers.iter().map(|(name, one)| ears_instance(name, one)).collect();
    let names: Vec<&str> = servers.iter().map(|(name, _)| *name).collect();
    json!({"model_servers": written, "transcribers": names})
}

async fn house(servers: &[(&str, &StandIn)]) -> House {
    let data = tempfile::tempdir().unwrap();
    settings_file(data.path(), hearing(servers));
    House::over(data, json!({}), single).await
}

/// A house over data that is there, whose clock is moved by hand.
async fn clocked(data: tempfile::TempDir) -> (House, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let flags = json!({"listen": "127.0.0.1:0"}).as_object().unwrap().clone();
    let environment = Environment::default();
    let daemon = start_at(data.path(), environment, flags, single, clock.clone()).await.unwrap();
    (House::of(data, daemon), clock)
}

async fn post(house: &House, path: &str, body: Value) {
    let answer = house.client.post(house.url(path)).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
}

/// The one item of the queue, once nothing is being made and it is as wanted.
async fn at_rest(house: &House, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    until(what, async || {
        let queue = house.json("/api/auto-queue").await;
        let one = queue["items"].as_array()?.first()?.clone();
        (is(&one) && house.daemon().app().jobs.open_count() == 0).then_some(one)
    })
    .await
}

async fn recap_of(house: &House, done: &Value) -> Value {
    let id = done["recap"].as_str().unwrap_or_else(|| panic!("{done}"));
    house.json(&format!("/api/recaps/{id}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enclosure_is_fetched_cut_where_nobody_speaks_and_heard() {
    let (studio, ears) = (Studio::new().await, ears().await);
    studio.put("/1.mp3", "audio/mpeg", wav(&talk(3), 0));
    let feed = studio.show("Two loaves", "/1.mp3");
    let house = house(&[("ears", &ears)]).await;
    let done = house.process_link(json!({"link": feed})).await;
    let recap = recap_of(&house, &done).await;
    let origin = &recap["made_by"]["transcript"];
    assert_eq!(origin["source"], "speech", "{recap}");
    assert_eq!((&origin["provider"], &origin["model"]), (&json!("ears"), &json!("m-1")));
    assert_eq!(
        (&origin["format"], &recap["transcript"]["language"]),
        (&json!("wav"), &json!("en"))
    );
    let starts: Vec<u64> = recap["transcript"]["cues"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cue| cue["start_ms"].as_u64().unwrap())
        .collect();
    assert_eq!(starts.len(), 6, "{recap}");
    for (start, want) in starts.iter().step_by(2).zip([0, 11_000, 22_000]) {
        assert!(start.abs_diff(want) <= 500, "{starts:?}");
    }
    assert_eq!(recap["episode"]["duration_ms"], 33_000);
    let used = &recap["made_by"]["usage"]["ears"];
    assert_eq!(used["calls"], 3, "{recap}");
    assert!(used["audio_ms"].as_u64().unwrap() <= 18_000, "silence is not sent: {used}");
    assert_eq!(used["currency"], "USD");
    let asked = ears.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|one| one.path == "/v1/audio/transcriptions"));
    assert!(asked[0].body.contains("Two loaves"), "the title is a hint for names");
    let spending = house.json("/api/spending").await;
    let months = spending["months"].as_object().unwrap();
    let sum = &months.values().next().unwrap()["ears"];
    assert_eq!((&sum["calls"], &sum["audio_ms"]), (&json!(3), &used["audio_ms"]), "{spending}");

    // The same again asks nobody, at the door and at the command line.
    let again = recap_of(&house, &house.process_link(json!({"link": feed})).await).await;
    assert_eq!(again["transcript"]["cues"], recap["transcript"]["cues"]);
    let ran = Command::new(env!("CARGO_BIN_EXE_recap"))
        .args(["summarize", &feed])
        .env_clear()
        .env("RECAP_DATA", house.data())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&ran.stdout);
    assert!(out.starts_with("# Two loaves") && out.contains("0:33"), "{out}");
    assert_eq!((ears.asked().len(), studio.hits("/1.mp3")), (3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redo_of_an_episode_of_the_queue_hears_nothing_anew() {
    let (studio, ears) = (Studio::new().await, ears().await);
    studio.put("/1.mp3", "audio/mpeg", wav(&talk(2), 0));
    let feed = studio.show("Two loaves", "/1.mp3");
    let house = house(&[("ears", &ears)]).await;
    post(&house, "/api/subscriptions", json!({"url": feed})).await;
    let item = async |wanted: &str| at_rest(&house, wanted, |one| one["state"] == wanted).await;
    let found = item("found").await;
    assert_eq!(found["estimate"], Value::Null, "nobody says how long it is: {found}");
    let path = |what: &str| format!("/api/auto-queue/{}/{what}", found["id"].as_str().unwrap());
    post(&house, &path("approve"), json!({})).await;
    let first = item("done").await;
    assert_eq!(ears.asked().len(), 2);
    post(&house, &path("redo"), json!({})).await;
    until("another recap", async || (house.json("/api/recaps").await["total"] == 2).then_some(()))
        .await;
    let second = item("done").await;
    assert_ne!(first["recap"], second["recap"]);
    assert_eq!((ears.asked().len(), studio.hits("/1.mp3")), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_listening_is_made_beside_what_is_heard() {
    let (studio, ears) = (Studio::new().await, ears().await);
    ears.mood(Mood::Silent);
    studio.put("/1.mp3", "audio/mpeg", wav(&talk(1), 0));
    studio.put("/2.mp3", "audio/mpeg", wav(&talk(2), 0));
    let lines = "The oven cools slowly, and the bread is good.\n".repeat(40);
    let written = studio.put("/3.txt", "text/plain", lines);
    let item = |name: &str, more: &str| {
        format!(
            "<item><title>{name}</title><guid>{name}</guid><pubDate>02 Oct 2026 08:00:00 +0000</pubDate>\
             <enclosure url=\"{}/{name}.mp3\" type=\"audio/mpeg\" length=\"1\"/>{more}</item>",
            studio.base
        )
    };
    let tag = format!("<podcast:transcript url=\"{written}\" type=\"text/plain\"/>");
    let items: String = [item("1", ""), item("2", ""), item("3", &tag)].concat();
    let feed = studio.put(
        "/feed",
        "application/rss+xml",
        format!(
            "<rss version=\"2.0\" xmlns:podcast=\"https://podcastindex.org/namespace/1.0\"><channel>\
             <title>The Bakery</title>{items}</channel></rss>"
        ),
    );
    let house = house(&[("ears", &ears)]).await;
    post(&house, "/api/subscriptions", json!({"url": feed})).await;
    let items = async || house.json("/api/auto-queue").await["items"].as_array().cloned();
    let of = async |title: &str| {
        let all = items().await?;
        all.into_iter().find(|item| item["title"] == title)
    };
    let approve = async |title: &str| {
        let found = until("the item", async || of(title).await).await;
        post(
            &house,
            &format!("/api/auto-queue/{}/approve", found["id"].as_str().unwrap()),
            json!({}),
        )
        .await;
    };
    approve("1").await;
    until("the question", async || (ears.asked().len() == 1).then_some(())).await;
    approve("2").await;
    let jobs = async || house.json("/api/jobs").await;
    until("two that listen", async || {
        let all = jobs().await;
        let listens = |job: &&Value| job["listens"] == true;
        (all.as_array()?.iter().filter(listens).count() == 2).then_some(())
    })
    .await;
    approve("3").await;
    until("the one with a transcript", async || (of("3").await?["state"] == "done").then_some(()))
        .await;
    for title in ["1", "2"] {
        assert_eq!(of(title).await.unwrap()["state"], "processing", "{title}");
    }
    assert_eq!(ears.asked().len(), 1, "one recognition at a time");
    for job in jobs().await.as_array().unwrap() {
        if job["listens"] == true {
            let path = format!("/api/jobs/{}", job["id"].as_str().unwrap());
            house.client.delete(house.url(&path)).send().await.unwrap();
        }
    }
    let app = house.daemon().app();
    until("the end", async || (app.jobs.open_count() == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sound_or_has_no_words_is_refused_with_a_sentence_and_nobody_is_asked() {
    let (studio, ears) = (Studio::new().await, ears().await);
    let house = house(&[("ears", &ears)]).await;
    let page = "<!doctype html><html><title>Sign in</title><p>Your network wants a sign-in.</html>";
    for (path, kind, bytes, word) in [
        (
            "/list.mp3",
            "audio/mpeg",
            b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/secret.ts\n".to_vec(),
            "playlist",
        ),
        ("/page.mp3", "audio/mpeg", page.as_bytes().to_vec(), "page"),
        ("/empty.mp3", "audio/mpeg", Vec::new(), "empty"),
        ("/noise.mp3", "audio/mpeg", vec![7; 5_000], ""),
        ("/silence.mp3", "audio/mpeg", wav(&vec![0; 20 * RATE], 0), "Nobody speaks"),
        ("/headless.wav", "audio/wav", wav(&[], 0), ""),
    ] {
        let link = studio.put(path, kind, bytes);
        let outcome = house.process_link(json!({"link": link})).await;
        assert_eq!(outcome["stage"], "failed", "{path}: {outcome}");
        let said = outcome["error"]["message"].as_str().unwrap();
        assert!(said.contains(word) && said.ends_with('.'), "{path}: {said}");
        assert!(!said.contains("secret"), "{path}: {said}");
    }
    assert_eq!(ears.asked().len(), 0);
    let left: Vec<String> = house.tree().into_iter().map(|(name, _)| name).collect();
    assert!(!left.iter().any(|name| name.starts_with("work/")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_cut_off_becomes_a_recap_that_says_so() {
    let (studio, ears) = (Studio::new().await, ears().await);
    let house = house(&[("ears", &ears)]).await;
    let mut bytes = wav(&talk(3), 0);
    bytes.truncate(44 + 14 * RATE * 2);
    let link = studio.put("/cut.wav", "audio/wav", bytes);
    let recap = recap_of(&house, &house.process_link(json!({"link": link})).await).await;
    let notes = recap["notes"].to_string();
    assert!(notes.contains("cut off: 0:14 of 0:33 minutes"), "{notes}");
    assert_eq!(recap["episode"]["duration_ms"], 14_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_three_pieces_only_the_piece_under_way_is_heard_again() {
    let (studio, ears) = (Studio::new().await, ears().await);
    studio.put("/1.mp3", "audio/mpeg", wav(&talk(3), 0));
    let feed = studio.show("Two loaves", "/1.mp3");
    let data = tempfile::tempdir().unwrap();
    settings_file(data.path(), hearing(&[("ears", &ears)]));
    ears.moods(&[Mood::Well, Mood::Silent]);
    let (daemon, base) = serve(data.path()).await;
    let answer = client()
        .post(format!("{base}/api/process"))
        .json(&json!({"link": feed}))
        .send()
        .await
        .unwrap();
    let job = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    until("the second piece", async || (ears.asked().len() == 2).then_some(())).await;
    drop(daemon);
    let (daemon, base) = serve(data.path()).await;
    let done = ended(&client(), &base, &job, "").await;
    assert_eq!(done["stage"], "done", "{done}");
    assert_eq!((ears.asked().len(), studio.hits("/1.mp3")), (4, 1));
    let id = done["recap"].as_str().unwrap();
    let get = async |path: &str| -> Value {
        client().get(format!("{base}{path}")).send().await.unwrap().json().await.unwrap()
    };
    let recap = get(&format!("/api/recaps/{id}")).await;
    let used = &recap["made_by"]["usage"]["ears"];
    assert_eq!(used["calls"], 3, "{recap}");
    // What was paid for before the kill is in the sums as well, once.
    let spending = get("/api/spending").await;
    let sum = spending["months"].as_object().unwrap().values().next().unwrap()["ears"].clone();
    assert_eq!((&sum["calls"], &sum["audio_ms"]), (&json!(3), &used["audio_ms"]), "{spending}");
    drop(daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_file_of_any_size_comes_as_a_form_or_as_bytes_and_nothing_else_may_be_as_large() {
    let ears = ears().await;
    let house = house(&[("ears", &ears)]).await;
    let sound = talk(1);
    let large = wav(&sound, 66 * MIB);
    let some = wav(&sound, 5 * MIB);
    let post = |name: &str| house.client.post(house.url("/api/process")).query(&[("name", name)]);
    let part = reqwest::multipart::Part::bytes(some).file_name("a_talk.wav");
    let form = reqwest::multipart::Form::new().text("link", "").part("file", part);
    let by_form = house.client.post(house.url("/api/process")).multipart(form);
    for (request, title) in [(by_form, "A talk"), (post("my_talk.wav").body(large), "My talk")] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 202, "{title}: {}", answer.text().await.unwrap());
        let job = answer.json::<Value>().await.unwrap();
        let done = house.outcome(job["id"].as_str().unwrap()).await;
        let recap = recap_of(&house, &done).await;
        assert_eq!((&recap["title"], &recap["kind"]), (&json!(title), &Value::Null), "{recap}");
        assert_eq!(recap["made_by"]["transcript"]["source"], "speech");
    }
    let answer = post("x.wav").body(vec![b'x'; 65 * MIB]).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    assert!(answer.text().await.unwrap().contains("Only files of sound"));
    let left: Vec<String> = tree(&house.data().join("work")).into_iter().map(|(n, _)| n).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_file_is_refused_above_the_operator_s_bound() {
    let ears = ears().await;
    let data = tempfile::tempdir().unwrap();
    let mut set = hearing(&[("ears", &ears)]);
    // A transcript may have 64 MiB all the same.
    set["sound_mib_max"] = json!(1);
    settings_file(data.path(), set);
    let house = House::over(data, json!({}), single).await;
    let studio = Studio::new().await;
    let link = studio.put("/large.wav", "audio/wav", wav(&talk(1), 2 * MIB));
    let outcome = house.process_link(json!({"link": link})).await;
    let said = outcome["error"]["message"].as_str().unwrap();
    assert!(said.contains("1 MiB") && said.ends_with('.'), "{said}");
    assert_eq!(ears.asked().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_recogniser_fails_the_next_one_goes_on_and_the_record_names_it() {
    let (studio, first, second) = (Studio::new().await, ears().await, ears().await);
    let link = studio.put("/talk.wav", "audio/wav", wav(&talk(2), 0));
    first.mood(Mood::Status(401, "invalid_api_key", ""));
    let data = tempfile::tempdir().unwrap();
    let mut set = hearing(&[("first", &first), ("second", &second)]);
    set["model_servers"][1]["model"] = json!("m-2");
    settings_file(data.path(), set);
    let house = House::over(data, json!({}), single).await;
    let recap = recap_of(&house, &house.process_link(json!({"link": link})).await).await;
    let origin = &recap["made_by"]["transcript"];
    assert_eq!((&origin["provider"], &origin["model"]), (&json!("second"), &json!("m-2")));
    let notes = recap["notes"].to_string();
    assert!(notes.contains("From there on it was heard by second"), "{notes}");
    assert_eq!((first.asked().len(), second.asked().len()), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_that_has_changed_behind_its_link_is_heard_anew() {
    let (studio, ears) = (Studio::new().await, ears().await);
    let house = house(&[("ears", &ears)]).await;
    let link = studio.put("/latest.mp3", "audio/mpeg", wav(&talk(1), 0));
    recap_of(&house, &house.process_link(json!({"link": link})).await).await;
    studio.put("/latest.mp3", "audio/mpeg", wav(&talk(2), 0));
    let recap = recap_of(&house, &house.process_link(json!({"link": link})).await).await;
    assert_eq!(recap["episode"]["duration_ms"], 22_000, "the news of an hour ago");
    // And in a feed, where a new episode stands under the old address.
    let feed = studio.show("The news at nine", "/latest.mp3");
    recap_of(&house, &house.process_link(json!({"link": feed})).await).await;
    studio.put("/latest.mp3", "audio/mpeg", wav(&talk(3), 0));
    let feed = studio.show("The news at ten", "/latest.mp3");
    let recap = recap_of(&house, &house.process_link(json!({"link": feed})).await).await;
    assert_eq!(recap["episode"]["duration_ms"], 33_000, "the news at nine");
    let _: &Path = house.data();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recogniser_s_misbehaviour_is_a_sentence_and_ends() {
    let each = [
        (Mood::Status(401, "invalid_api_key", ""), "key"),
        (Mood::Status(402, "insufficient_quota", ""), "account"),
        (Mood::Page(200), "page"),
        (Mood::Page(404), ""),
        (Mood::Redirect, ""),
        (Mood::Huge(50 * MIB), "more than 8 MiB"),
        (Mood::Endless, "in full within"),
        (Mood::Stuck, "in full within"),
        (Mood::Silent, "in full within"),
        (Mood::HangsUp, ""),
        (Mood::Empty, ""),
        (Mood::Bytes("{\"text\": NaN}"), ""),
        (Mood::Bytes("[1, 2]"), ""),
    ];
    let bytes = wav(&talk(1), 0);
    let one = async |(mood, word): (Mood, &'static str)| {
        let ears = ears().await;
        ears.mood(mood.clone());
        let data = tempfile::tempdir().unwrap();
        let mut set = hearing(&[("ears", &ears)]);
        set["model_servers"][0]["timeout_secs"] = json!(2);
        settings_file(data.path(), set);
        let house = House::over(data, json!({}), single).await;
        let answer = house
            .client
            .post(house.url("/api/process?name=talk.wav"))
            .body(bytes.clone())
            .send()
            .await
            .unwrap();
        let job = answer.json::<Value>().await.unwrap();
        let outcome = house.outcome(job["id"].as_str().unwrap()).await;
        assert_eq!(outcome["stage"], "failed", "{mood:?}: {outcome}");
        let said = outcome["error"]["message"].as_str().unwrap();
        assert!(said.contains("`ears`") && said.ends_with('.'), "{mood:?}: {said}");
        assert!(said.contains(word), "{mood:?}: {said}");
    };
    futures_util::future::join_all(each.map(one)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_a_job_hangs_up_on_the_server_at_once() {
    let ears = ears().await;
    ears.mood(Mood::Silent);
    let house = house(&[("ears", &ears)]).await;
    let answer = house
        .client
        .post(house.url("/api/process?name=talk.wav"))
        .body(wav(&talk(1), 0))
        .send()
        .await
        .unwrap();
    let job = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    until("the question", async || (ears.asked().len() == 1).then_some(())).await;
    let path = format!("/api/jobs/{job}");
    let stop = house.client.delete(house.url(&path)).send().await.unwrap();
    assert_eq!(stop.status(), 202);
    assert_eq!(house.outcome(&job).await["stage"], "cancelled");
    until("the hanging up", async || (ears.hung_up() == 1).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_that_passes_the_next_try_hears_the_rest_alone() {
    let (studio, ears) = (Studio::new().await, ears().await);
    studio.put("/1.mp3", "audio/mpeg", wav(&talk(3), 0));
    let feed = studio.show("Two loaves", "/1.mp3");
    let data = tempfile::tempdir().unwrap();
    let mut set = hearing(&[("ears", &ears)]);
    set["model_servers"][0]["timeout_secs"] = json!(1);
    settings_file(data.path(), set);
    let (house, clock) = clocked(data).await;
    ears.mood(Mood::Silent);
    ears.moods(&[Mood::Well]);
    post(&house, "/api/subscriptions", json!({"url": feed, "auto_approve": true})).await;
    let waits = at_rest(&house, "the failure", |one| one["reason"]["code"] == "try_again").await;
    assert_eq!((&waits["state"], &waits["attempt"]), (&json!("approved"), &json!(1)), "{waits}");
    let asked = ears.asked().len();
    ears.mood(Mood::Well);
    clock.advance(TimeDelta::minutes(2));
    house.daemon().app().queue_wake.notify_one();
    at_rest(&house, "the recap", |one| one["state"] == "done").await;
    assert_eq!((ears.asked().len() - asked, studio.hits("/1.mp3")), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_while_something_is_heard_costs_the_piece_under_way_alone() {
    let (studio, ears) = (Studio::new().await, ears().await);
    studio.put("/1.mp3", "audio/mpeg", wav(&talk(3), 0));
    let feed = studio.show("Two loaves", "/1.mp3");
    let data = tempfile::tempdir().unwrap();
    let data_path = data.path().to_owned();
    let Some(disk) = Small::mount(8 * 1024, data.path()) else { return };
    settings_file(data.path(), hearing(&[("ears", &ears)]));
    let (house, clock) = clocked(data).await;
    let (path, count) = (data_path, AtomicUsize::new(0));
    ears.say(move |_| {
        if count.fetch_add(1, Ordering::Relaxed) == 1 {
            fill(&path);
        }
        String::new()
    });
    post(&house, "/api/subscriptions", json!({"url": feed, "auto_approve": true})).await;
    // The first piece is kept; for the second one, which is heard as well, there is no room.
    until("the second piece", async || (ears.asked().len() == 2).then_some(())).await;
    until("the end", async || (house.daemon().app().jobs.open_count() == 0).then_some(())).await;
    let job = &house.json("/api/jobs").await[0];
    assert_eq!(job["error"]["kind"], "storage_full", "{job}");
    free(house.data());
    clock.advance(TimeDelta::minutes(2));
    house.daemon().app().queue_wake.notify_one();
    at_rest(&house, "the recap", |one| one["state"] == "done").await;
    assert_eq!((ears.asked().len(), studio.hits("/1.mp3")), (4, 1), "two pieces more, no download");
    let house = house.interrupt().await;
    drop((house, disk));
}
