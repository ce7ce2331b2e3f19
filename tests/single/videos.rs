//! Videos through the real doors: a real yt-dlp on pages of a publisher on loopback, and a stand-in for
//! its YouTube side.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use recap_mode::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::models::an_instance;
use super::sound::{Studio, ears, talk, wav};
use super::support::publisher::{Page, Publisher};
use super::support::{House, single, until};

fn ran(command: &mut Command) -> bool {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// A real yt-dlp, made once beside the build; `None` where there is no Python or no PyPI.
fn yt_dlp() -> Option<PathBuf> {
    static MADE: std::sync::OnceLock<Option<PathBuf>> = std::sync::OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("yt-dlp");
        let (python, program) = (folder.join("bin/python"), folder.join("bin/yt-dlp"));
        let has_it = || ran(Command::new(&program).arg("--version"));
        if !has_it() {
            let pip = ["-m", "pip", "install", "--quiet", "--timeout", "10", "yt-dlp==2026.10.26"];
            let _ = ran(Command::new("python3").args(["-m", "venv"]).arg(&folder))
                && ran(Command::new(&python).args(pip));
        }
        has_it().then_some(program)
    });
    if made.is_none() {
        println!("skipped: no Python 3 with yt-dlp here, so no real one");
    }
    made.clone()
}

fn vtt(words: &str) -> Page {
    let body = format!(
        "WEBVTT\n\n00:00.000 --> 00:06.000\n{words}\n\n00:06.000 --> 00:14.000\nThe oven has 240 degrees.\n"
    );
    Page { kind: "text/vtt", body, ..Page::default() }
}

fn html(body: String) -> Page {
    Page { kind: "text/html; charset=utf-8", body, ..Page::default() }
}

async fn house(flags: Value) -> House {
    House::over(tempfile::tempdir().unwrap(), flags, single).await
}

/// Asks for a recap of a link and waits for the outcome: a real yt-dlp takes seconds for each call, and on
/// a busy machine more than others have patience for.
async fn made(house: &House, link: &str) -> Value {
    let order = json!({"link": link});
    let answer = house.client.post(house.url("/api/process")).json(&order).send().await.unwrap();
    let job = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let view = house.json(&format!("/api/jobs/{job}")).await;
        if view["finished_at"].is_string() {
            return view;
        }
        assert!(Instant::now() < deadline, "the job's end did not come: {view}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn recap_of(house: &House, done: &Value) -> Value {
    let id = done["recap"].as_str().unwrap_or_else(|| panic!("{done}"));
    house.json(&format!("/api/recaps/{id}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_captions_of_a_page_s_video_are_taken_in_the_language_of_the_page() {
    let Some(program) = yt_dlp() else { return };
    let site = Publisher::new().await;
    site.put("/de.vtt", vtt("Gutes Brot braucht Zeit, und heute backen wir zwei Laibe."));
    site.put("/en.vtt", vtt("Good bread needs time, and today we bake two loaves."));
    let page = |lang: &str| {
        html(format!(
            "<!doctype html><html lang=\"{lang}\"><head><title>Baking day</title></head><body><p>Watch it.</p>\
             <video src=\"/day.mp4\"><track kind=\"captions\" srclang=\"de\" src=\"/de.vtt\">\
             <track kind=\"captions\" srclang=\"en\" src=\"/en.vtt\"></video></body></html>"
        ))
    };
    site.put("/day", page("en-GB"));
    let house = house(json!({"yt_dlp": program})).await;
    let recap = recap_of(&house, &made(&house, &site.url("/day")).await).await;
    let origin = &recap["made_by"]["transcript"];
    assert_eq!(origin["source"], "captions", "{recap}");
    assert_eq!((&origin["track"], &origin["track_kind"]), (&json!("en"), &json!("manual")));
    let said = recap["transcript"]["cues"][0]["text"].as_str().unwrap();
    assert!(said.starts_with("Good bread"), "{said}");
    assert_eq!(recap["title"], "Baking day");
    assert_eq!(site.hits("/day.mp4").len(), 0, "the video itself is not fetched for its captions");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_names_at_a_private_address_is_not_fetched() {
    let Some(program) = yt_dlp() else { return };
    let (site, inside) = (Publisher::new().await, Publisher::new().await);
    inside.put("/secret.vtt", vtt("The secret of this network."));
    site.put(
        "/track",
        html(format!(
            "<!doctype html><html><title>x</title><video src=\"/own.mp4\">\
             <track kind=\"captions\" srclang=\"en\" src=\"{}\"></video></html>",
            inside.url("/secret.vtt")
        )),
    );
    let house = house(json!({"yt_dlp": program})).await;
    let outcome = made(&house, &site.url("/track")).await;
    assert_eq!(outcome["stage"], "failed", "{outcome}");
    let said = outcome["error"]["message"].as_str().unwrap();
    assert!(said.contains("private address"), "{said}");
    assert_eq!(inside.hits("/secret.vtt").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sound_of_a_page_without_captions_is_fetched_and_heard() {
    let Some(program) = yt_dlp() else { return };
    let (studio, ears) = (Studio::new().await, ears().await);
    studio.put("/talk.wav", "audio/wav", wav(&talk(1), 0));
    let page = "<!doctype html><html><title>A talk</title><audio src=\"/talk.wav\"></audio></html>";
    let link = studio.put("/listen", "text/html", page);
    let flags = json!({"yt_dlp": program, "transcribers": ["ears"],
                       "model_servers": [an_instance("ears", "openai", &ears.base)]});
    let house = house(flags).await;
    let recap = recap_of(&house, &made(&house, &link).await).await;
    assert_eq!(recap["title"], "A talk");
    assert_eq!(recap["made_by"]["transcript"]["source"], "speech", "{recap}");
    assert_eq!(recap["episode"]["duration_ms"], 11_000);
    assert_eq!(ears.asked().len(), 1);
}

/// A program that answers as yt-dlp does of YouTube's videos, and notes how it was called.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().display();
        let text = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$*\" >> '{here}/calls'\n\
             for arg in \"$@\"; do case \"$arg\" in\n\
             --load-info-json=*) info=\"${{arg#--load-info-json=}}\" ;;\n\
             --paths=*) folder=\"${{arg#--paths=}}\" ;;\n\
             *watch?v=*) id=\"${{arg##*v=}}\" ;;\n\
             esac; done\n\
             if [ -n \"$info\" ]; then\n\
             id=$(sed 's/.*\"id\":\"\\([^\"]*\\)\".*/\\1/' \"$info\")\n\
             exec cp \"{here}/$id.json3\" \"$folder/track.en.json3\"\nfi\n\
             if [ -f \"{here}/$id.error\" ]; then cat \"{here}/$id.error\" >&2; exit 1; fi\n\
             exec cat \"{here}/$id.json\"\n"
        );
        let site = Site { folder };
        std::fs::write(site.program(), text).unwrap();
        std::fs::set_permissions(site.program(), std::fs::Permissions::from_mode(0o755)).unwrap();
        site
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("yt-dlp")
    }

    fn put(&self, name: &str, text: impl ToString) {
        std::fs::write(self.folder.path().join(name), text.to_string()).unwrap();
    }

    fn video(&self, id: &str, more: Value) {
        let mut info = json!({"id": id, "extractor_key": "Youtube", "title": format!("Video {id}"),
                              "channel": "The Hive", "duration": 30, "language": "en",
                              "webpage_url": format!("https://www.youtube.com/watch?v={id}")});
        info.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.put(&format!("{id}.json"), info);
    }

    fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// A daemon whose queue holds these videos, approved.
    async fn house(&self, ids: &[&str]) -> House {
        let data = tempfile::tempdir().unwrap();
        let owner = data.path().join("history/owner");
        std::fs::create_dir_all(&owner).unwrap();
        let items: Vec<Value> = ids
            .iter()
            .map(|id| json!({"id": format!("yt:{id}"), "state": "approved", "title": id}))
            .collect();
        let queue = json!({"format": 1, "items": items}).to_string();
        std::fs::write(owner.join("auto-queue.json"), queue).unwrap();
        House::over(data, json!({"yt_dlp": self.program()}), single).await
    }
}

/// The item of a video, once it stands as wanted and nothing is being made.
async fn item(house: &House, id: &str, is: impl Fn(&Value) -> bool) -> Value {
    until(&format!("{id} as wanted"), async || {
        let queue = house.json("/api/auto-queue").await;
        let items = queue["items"].as_array()?;
        let found = items.iter().find(|item| item["id"] == format!("yt:{id}"))?.clone();
        let at_rest = house.daemon().app().jobs.open_count() == 0;
        (at_rest && is(&found)).then_some(found)
    })
    .await
}

const WORDS: &str = r#"{"events": [
    {"tStartMs": 0, "dDurationMs": 9000, "segs": [{"utf8": "A hive has some forty thousand bees."}]},
    {"tStartMs": 10000, "dDurationMs": 9000, "segs": [{"utf8": "In winter they keep to one warm cluster."}]},
    {"tStartMs": 20000, "dDurationMs": 9000, "segs": [{"utf8": "Honey is what they eat until spring comes."}]}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_video_becomes_a_recap_from_its_captions_with_its_chapters() {
    let site = Site::new();
    site.video(
        "aaaaaaaaaaa",
        json!({"timestamp": 1_790_000_000,
               "automatic_captions": {
                   "de": [{"ext": "json3", "url": "https://example.org/t?lang=en&tlang=de"}],
                   "en": [{"ext": "json3", "url": "https://example.org/t?lang=en"}],
                   "en-orig": [{"ext": "json3", "url": "https://example.org/t?lang=en"}]},
               "chapters": [{"start_time": 0, "title": "How many they are"},
                            {"start_time": 20, "title": "What they eat"}]}),
    );
    site.put("aaaaaaaaaaa.json3", WORDS);
    let house = site.house(&["aaaaaaaaaaa"]).await;
    let done = item(&house, "aaaaaaaaaaa", |one| one["state"] == "done").await;
    let recap = recap_of(&house, &done).await;
    let origin = &recap["made_by"]["transcript"];
    assert_eq!(origin["source"], "captions", "{recap}");
    assert_eq!((&origin["track"], &origin["track_kind"]), (&json!("en-orig"), &json!("automatic")));
    assert_eq!((&origin["provider"], &origin["format"]), (&json!("youtube.com"), &json!("json3")));
    assert_eq!(recap["episode"]["id"], "yt:aaaaaaaaaaa");
    assert_eq!(recap["episode"]["show"]["title"], "The Hive");
    let titles: Vec<&str> = recap["topics"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|topic| topic["title"].as_str())
        .collect();
    assert_eq!(titles, ["How many they are", "What they eat"], "{recap}");
    let calls = site.calls();
    assert_eq!(calls.len(), 2, "one for the video, one for one track: {calls:?}");
    assert!(calls[0].ends_with("-- https://www.youtube.com/watch?v=aaaaaaaaaaa"), "{calls:?}");
    assert!(calls.iter().all(|call| call.contains("--ignore-config")), "{calls:?}");
    assert!(calls.iter().all(|call| call.starts_with("--proxy=http://127.0.0.1:")), "{calls:?}");
    assert!(calls[1].contains("--write-auto-subs") && !calls[1].contains("--write-subs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_are_shown_in_every_call_or_in_none_as_the_person_wants() {
    let site = Site::new();
    let manual = json!({"subtitles": {"en": [{"ext": "json3", "url": "https://example.org/t"}]}});
    let house = site.house(&[]).await;
    let cookies = "# Netscape HTTP Cookie File\n.youtube.com\tTRUE\t/\tTRUE\t0\tSID\tsesame\n";
    let put = house.client.put(house.url("/api/settings/cookies")).body(cookies).send();
    assert_eq!(put.await.unwrap().status(), 204);
    for (mode, id, shown) in [
        ("never", "hhhhhhhhhhh", 0),
        ("when_needed", "iiiiiiiiiii", 0),
        ("always", "jjjjjjjjjjj", 2),
    ] {
        site.video(id, manual.clone());
        site.put(&format!("{id}.json3"), WORDS);
        let patch = json!({"cookies": mode});
        let answer =
            house.client.patch(house.url("/api/settings")).json(&patch).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let before = site.calls().len();
        let link = json!({"link": format!("https://youtu.be/{id}")});
        let recap = recap_of(&house, &house.process_link(link).await).await;
        assert_eq!(recap["made_by"]["transcript"]["track_kind"], "manual");
        let calls = site.calls().split_off(before);
        let with = calls.iter().filter(|call| call.contains("--cookies=")).count();
        assert_eq!((calls.len(), with), (2, shown), "{mode}: {calls:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_yet_waits_for_its_day_and_what_has_no_words_fails_with_a_sentence() {
    let site = Site::new();
    let day: DateTime<Utc> = (SystemClock.now() + TimeDelta::days(3)).trunc_subsecs(0);
    site.video(
        "bbbbbbbbbbb",
        json!({"live_status": "is_upcoming", "release_timestamp": day.timestamp()}),
    );
    site.video("ccccccccccc", json!({"live_status": "is_live"}));
    site.video("ddddddddddd", json!({"subtitles": {"live_chat": [{"ext": "json"}]}}));
    site.put(
        "eeeeeeeeeee.error",
        "ERROR: [youtube] eeeeeeeeeee: Private video. Sign in if you've been granted access",
    );
    let house = site.house(&["bbbbbbbbbbb", "ccccccccccc", "ddddddddddd", "eeeeeeeeeee"]).await;
    let premiere = item(&house, "bbbbbbbbbbb", |one| one["reason"].is_object()).await;
    assert_eq!((&premiere["state"], &premiere["attempt"]), (&json!("approved"), &json!(0)));
    assert_eq!(premiere["reason"]["code"], "not_published", "{premiere}");
    let at: DateTime<Utc> = premiere["not_before"].as_str().unwrap().parse().unwrap();
    assert_eq!(at, day, "{premiere}");
    let live = item(&house, "ccccccccccc", |one| one["reason"].is_object()).await;
    assert_eq!(
        (&live["state"], &live["reason"]["code"]),
        (&json!("approved"), &json!("not_published"))
    );
    assert!(live["reason"]["message"].as_str().unwrap().contains("still running"), "{live}");
    for (id, word) in [
        ("ddddddddddd", "no captions that could be used, and nobody here listens to sound"),
        ("eeeeeeeeeee", "is private. If you may see it"),
    ] {
        let failed = item(&house, id, |one| one["state"] == "failed").await;
        assert_eq!(failed["reason"]["code"], "failed", "{failed}");
        let said = failed["reason"]["message"].as_str().unwrap();
        assert!(said.contains(word) && said.ends_with('.'), "{said}");
    }
    let work = house.tree().into_iter().filter(|(name, _)| name.contains("ddddddddddd")).count();
    assert_eq!(work, 0);
    assert_eq!(site.calls().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_says_429_is_left_alone_and_its_videos_wait() {
    let site = Site::new();
    let error = "ERROR: [youtube] x: Unable to download webpage: HTTP Error 429: Too Many Requests";
    site.put("fffffffffff.error", error);
    site.video("ggggggggggg", json!({}));
    let house = site.house(&["fffffffffff", "ggggggggggg"]).await;
    let first = item(&house, "fffffffffff", |one| one["reason"].is_object()).await;
    let second = item(&house, "ggggggggggg", |one| one["reason"].is_object()).await;
    for (waits, word) in [(&first, "asked too often (429)"), (&second, "turned Recap away")] {
        assert_eq!(
            (&waits["state"], &waits["attempt"]),
            (&json!("approved"), &json!(0)),
            "{waits}"
        );
        assert_eq!(waits["reason"]["code"], "try_again", "{waits}");
        let at: DateTime<Utc> = waits["not_before"].as_str().unwrap().parse().unwrap();
        assert!(at > SystemClock.now(), "{waits}");
        assert!(waits["reason"]["message"].as_str().unwrap().contains(word), "{waits}");
    }
    assert_eq!(site.calls().len(), 1, "the second one was not asked for");
    // A person who types a link of that site hears the same at once.
    let link = json!({"link": "https://youtu.be/ggggggggggg"});
    let outcome = house.process_link(link).await;
    assert_eq!(outcome["stage"], "failed");
    assert!(
        outcome["error"]["message"].as_str().unwrap().contains("turned Recap away"),
        "{outcome}"
    );
    assert_eq!(site.calls().len(), 1);
}
