//! Following through the real doors: a publisher on loopback, the files, the API.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::publisher::{Episode, Page, Publisher};
use super::support::{House, until};

async fn post(house: &House, path: &str, body: Value) -> (u16, Value) {
    let answer = house.client.post(house.url(path)).json(&body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

async fn follow(house: &House, body: Value) -> String {
    let (status, view) = post(house, "/api/subscriptions", body).await;
    assert_eq!(status, 201, "{view}");
    view["id"].as_str().unwrap().to_owned()
}

async fn check(house: &House) -> Value {
    let (status, report) = post(house, "/api/subscriptions/check", json!({})).await;
    assert_eq!(status, 200, "{report}");
    report
}

/// The titles in a state, oldest first.
async fn titles(house: &House, state: &str) -> Vec<String> {
    let queue = house.json(&format!("/api/auto-queue?state={state}")).await;
    let mut titles: Vec<String> = queue["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["title"].as_str().unwrap().to_owned())
        .collect();
    titles.sort();
    titles
}

async fn item(house: &House, title: &str) -> Value {
    let queue = house.json("/api/auto-queue").await;
    let items = queue["items"].as_array().unwrap();
    items.iter().find(|item| item["title"] == title).cloned().unwrap_or_else(|| panic!("{queue}"))
}

async fn in_state(house: &House, title: &str, state: &str) -> Value {
    until(&format!("{title} {state}"), async || {
        let queue = house.json("/api/auto-queue").await;
        let items = queue["items"].as_array()?;
        let found = items.iter().find(|item| item["title"] == title && item["state"] == state)?;
        // The queue hears of an end before the job is closed.
        let processing = items.iter().filter(|item| item["state"] == "processing").count();
        (house.daemon().app().jobs.open_count() <= processing).then(|| found.clone())
    })
    .await
}

async fn found(house: &House, count: usize) -> Vec<String> {
    until(&format!("{count} found"), async || {
        let titles = titles(house, "found").await;
        (titles.len() == count).then_some(titles)
    })
    .await
}

async fn decide(house: &House, title: &str, decision: &str) -> (u16, Value) {
    let id = item(house, title).await["id"].as_str().unwrap().to_owned();
    post(house, &format!("/api/auto-queue/{id}/{decision}"), json!({})).await
}

fn file(house: &House, name: &str) -> Value {
    let text = std::fs::read_to_string(house.file(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_show_is_looked_at_followed_and_its_newest_episodes_come_to_the_queue() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    publisher.show("/feed", "The Bakery", 8);
    let (status, preview) =
        post(&house, "/api/subscriptions/preview", json!({"url": publisher.url("/feed")})).await;
    assert_eq!(status, 200, "{preview}");
    assert_eq!(preview["title"], "The Bakery");
    assert_eq!((&preview["episode_count"], &preview["transcript_count"]), (&json!(8), &json!(8)));
    assert_eq!(preview["episodes"][0]["title"], "Episode 8");
    assert!(titles(&house, "found").await.is_empty(), "looking follows nothing");

    let id = follow(&house, json!({"url": publisher.url("/feed")})).await;
    assert_eq!(found(&house, 3).await, ["Episode 6", "Episode 7", "Episode 8"]);
    // The seen list is written after the queue: what is queued and not yet seen is seen at the next look.
    let path = house.file("feed-state.json");
    until("the end of the round", async || path.is_file().then_some(())).await;
    let seen = file(&house, "seen-list.json");
    assert_eq!(seen["shows"][0]["title"], "The Bakery");
    assert_eq!(seen["shows"][0]["episodes"].as_array().unwrap().len(), 8, "{seen}");
    let shown = house.json(&format!("/api/subscriptions/{id}/episodes")).await;
    assert_eq!(shown[0]["place"], "auto_queue");
    assert_eq!(shown[7]["why"], "It was there before you followed the show.");
    let (status, fault) =
        post(&house, "/api/subscriptions", json!({"url": publisher.url("/feed")})).await;
    assert_eq!(status, 409, "{fault}");

    // The publisher adds one, and corrects another's title: one is new.
    publisher.show("/feed", "The Bakery", 9);
    let report = check(&house).await;
    assert_eq!((&report["found"], &report["failed_count"]), (&json!(1), &json!(0)), "{report}");
    assert_eq!(titles(&house, "found").await.len(), 4);
    let report = check(&house).await;
    assert_eq!((&report["found"], &report["unchanged"]), (&json!(0), &json!(1)), "{report}");
    let hits = publisher.hits("/feed");
    assert!(hits.last().unwrap().was_conditional);
    // What was looked at first was not fetched twice for the first check.
    assert_eq!(hits.iter().filter(|hit| !hit.was_conditional).count(), 1, "{hits:?}");
}

#[tokio::test]
async fn an_approved_episode_becomes_a_recap_once() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    publisher.show("/feed", "The Bakery", 3);
    follow(&house, json!({"url": publisher.url("/feed")})).await;
    found(&house, 3).await;
    assert_eq!(decide(&house, "Episode 2", "approve").await.0, 200);
    let done = in_state(&house, "Episode 2", "done").await;
    let recap = house.json(&format!("/api/recaps/{}", done["recap"].as_str().unwrap())).await;
    assert_eq!(recap["episode"]["id"], done["id"]);
    assert_eq!(recap["title"], "Episode 2");
    // Every move from here that is not on the picture is refused, with what to do.
    for decision in ["approve", "skip", "retry", "undo-skip", "cancel"] {
        let (status, fault) = decide(&house, "Episode 2", decision).await;
        assert!([404, 409].contains(&status), "{decision}: {fault}");
        assert!(fault["error"]["message"].as_str().unwrap().len() > 20, "{fault}");
    }
    let (status, all) = post(&house, "/api/auto-queue/approve-all", json!({})).await;
    assert_eq!((status, &all["changed"]), (200, &json!(2)), "{all}");
    in_state(&house, "Episode 1", "done").await;
    in_state(&house, "Episode 3", "done").await;
    assert_eq!(house.json("/api/recaps").await["total"], 3);
    let work = house.data().join("work/owner");
    assert!(std::fs::read_dir(work).unwrap().next().is_none(), "no job's folder stays");
}

/// The ways in which people's editors save.
const WAYS: [&str; 4] = ["in place", "temp and rename", "sed", "vim"];

fn save(path: &std::path::Path, text: &str, way: &str) {
    let beside = path.with_extension("json~");
    match way {
        "in place" => std::fs::write(path, text).unwrap(),
        "temp and rename" => {
            let temp = path.with_file_name(".subscriptions.json.new");
            std::fs::write(&temp, text).unwrap();
            std::fs::rename(&temp, path).unwrap();
        }
        "sed" => {
            // `sed -i` writes a temporary beside and renames it over; the new text replaces all lines.
            std::fs::write(&beside, text).unwrap();
            let script = format!("1r {}\n1,$d", beside.display());
            let done = std::process::Command::new("sed").arg("-i").arg(&script).arg(path).status();
            assert!(done.unwrap().success());
            if std::fs::read_to_string(path).unwrap() != text {
                // A sed that reads after deleting: the plain replacement has the same dance.
                let done = std::process::Command::new("sed")
                    .args(["-i", "-e", &format!("r {}", beside.display()), "-e", "d"])
                    .arg(path)
                    .status();
                assert!(done.unwrap().success());
            }
            std::fs::remove_file(&beside).unwrap();
        }
        _ => {
            // vim: the old file becomes the backup, the new one is written, the backup goes.
            std::fs::rename(path, &beside).unwrap();
            std::fs::write(path, text).unwrap();
            std::fs::remove_file(&beside).unwrap();
        }
    }
}

#[tokio::test]
async fn a_line_added_with_an_editor_is_a_full_way_to_follow() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    std::fs::create_dir_all(house.file("")).unwrap();
    let path = house.file("subscriptions.json");
    std::fs::write(&path, "{\n  \"subscriptions\": []\n}\n").unwrap();
    let mut lines: Vec<String> = Vec::new();
    for (n, way) in WAYS.iter().enumerate() {
        let feed = format!("/feed{n}");
        publisher.show(&feed, &format!("Show {n}"), 2);
        lines.push(format!("    {{\"url\": \"{}\", \"mine\": [1.50]}}", publisher.url(&feed)));
        let text = format!("{{\n  \"subscriptions\": [\n{}\n  ]\n}}\n", lines.join(",\n"));
        save(&path, &text, way);
        let whole = until(&format!("the line saved {way}"), async || {
            let list: Value = serde_json::from_str(&std::fs::read_to_string(&path).ok()?).ok()?;
            let one = list["subscriptions"].as_array()?.get(n)?.clone();
            one["title"].is_string().then_some(one)
        })
        .await;
        assert_eq!(whole["title"], format!("Show {n}"));
        assert!(whole["id"].is_string() && whole["added_at"].is_string(), "{whole}");
        found(&house, 2 * (n + 1)).await;
        lines = std::fs::read_to_string(&path)
            .unwrap()
            .lines()
            .filter(|line| line.trim().starts_with('{') && line.contains("url"))
            .map(|line| line.trim_end_matches(',').to_owned())
            .collect();
        assert_eq!(lines.len(), n + 1, "each line of the person's stays one line");
        assert!(lines[n].contains("\"mine\": [1.50]"), "{lines:?}");
    }
    // Removing a line unfollows: its feed is not asked any more.
    let text = format!("{{\n  \"subscriptions\": [\n{}\n  ]\n}}\n", lines[1]);
    save(&path, &text, "vim");
    until("one is left", async || {
        (house.json("/api/subscriptions").await["subscriptions"].as_array()?.len() == 1)
            .then_some(())
    })
    .await;
    let before = publisher.hits("/feed0").len();
    let report = check(&house).await;
    assert_eq!(report["checked"], 1, "{report}");
    assert_eq!(publisher.hits("/feed0").len(), before);
}

#[tokio::test]
async fn approved_written_by_hand_starts_an_item_and_states_of_recap_s_own_are_refused() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    publisher.show("/feed", "The Bakery", 3);
    follow(&house, json!({"url": publisher.url("/feed")})).await;
    found(&house, 3).await;
    let path = house.file("auto-queue.json");
    let set = |title: &str, from: &str, state: &str| {
        let mut queue: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let items = queue["items"].as_array_mut().unwrap();
        let one = items.iter_mut().find(|item| item["title"] == title).unwrap();
        assert_eq!(one["state"], from);
        one["state"] = json!(state);
        save(&path, &serde_json::to_string_pretty(&queue).unwrap(), "temp and rename");
    };
    set("Episode 1", "found", "approved");
    in_state(&house, "Episode 1", "done").await;
    set("Episode 2", "found", "processing");
    let refused = until("the refusal", async || {
        let one = item(&house, "Episode 2").await;
        (one["reason"]["code"] == "state").then_some(one)
    })
    .await;
    assert_eq!(refused["state"], "found");
    assert!(refused["reason"]["message"].as_str().unwrap().contains("Write \"approved\""));
    set("Episode 3", "found", "done");
    until("the refusal", async || {
        (item(&house, "Episode 3").await["reason"]["code"] == "state").then_some(())
    })
    .await;
    // A line taken out by hand is not found again.
    let mut queue = file(&house, "auto-queue.json");
    queue["items"].as_array_mut().unwrap().retain(|item| item["title"] != "Episode 3");
    save(&path, &serde_json::to_string_pretty(&queue).unwrap(), "in place");
    publisher.show("/feed", "The Bakery", 4);
    let report = check(&house).await;
    assert_eq!(report["found"], 1, "{report}");
    assert!(!titles(&house, "found").await.contains(&"Episode 3".to_owned()));
}

#[tokio::test]
async fn a_publisher_who_moves_renames_or_redates_causes_no_second_episode() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    let mut episodes: Vec<Episode> = (1..=6).map(Episode::new).collect();
    publisher.feed("/old", publisher.rss("The Bakery", "", &episodes));
    let id = follow(&house, json!({"url": publisher.url("/old")})).await;
    found(&house, 3).await;
    // New guids, a signature on each file, another title for one, another day for another.
    for one in &mut episodes {
        one.guid = format!("new-{}", one.n);
        one.file = format!("/{}.mp3?signed={}", one.n, one.n * 7);
    }
    episodes[5].title = "Episode 6 (corrected)".to_owned();
    episodes[4].day = "27 Oct 2026 09:00:00 +0000".to_owned();
    // A new host for one file, with title, day and length as before.
    episodes[3].file = "/elsewhere/4.mp3".to_owned();
    let moved = format!("<itunes:new-feed-url>{}</itunes:new-feed-url>", publisher.url("/new"));
    publisher.feed("/old", publisher.rss("The Bakery", &moved, &episodes));
    publisher.feed("/new", publisher.rss("The Bakery", "", &episodes));
    let report = check(&house).await;
    assert_eq!((&report["found"], &report["failed_count"]), (&json!(0), &json!(0)), "{report}");
    let shown = house.json(&format!("/api/subscriptions/{id}/episodes")).await;
    let whys: Vec<&str> =
        shown.as_array().unwrap().iter().filter_map(|one| one["why"].as_str()).collect();
    assert!(whys.iter().any(|why| why.contains("again, under another guid")), "{whys:?}");
    // The move was noted in the daemon's own file, and the new place is asked from then on.
    let view = house.json(&format!("/api/subscriptions/{id}")).await;
    assert_eq!(view["health"]["moved_to"], publisher.url("/new"));
    assert_eq!(view["url"], publisher.url("/old"), "the person's own line stays");
    let before = publisher.hits("/old").len();
    let report = check(&house).await;
    assert_eq!((&report["found"], &report["failed_count"]), (&json!(0), &json!(0)), "{report}");
    assert_eq!(publisher.hits("/old").len(), before);
    // A merge can be undone: the episode is wanted all the same.
    let held = shown.as_array().unwrap().iter().find(|one| one["place"] == "seen_list").unwrap();
    let (status, offered) =
        post(&house, "/api/auto-queue", json!({"subscription": id, "episode": held["id"]})).await;
    assert_eq!(status, 201, "{offered}");
    in_state(&house, offered["title"].as_str().unwrap(), "failed").await;
}

#[tokio::test]
async fn redirects_for_good_are_stored_and_gone_feeds_rest_with_a_notice() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    publisher.show("/there", "Moved", 2);
    publisher.show("/gone", "Gone", 2);
    publisher.show("/well", "Well", 2);
    let moved = |status| Page { status, location: "/there".to_owned(), ..Page::default() };
    publisher.put("/moved", moved(301));
    let a = follow(&house, json!({"url": publisher.url("/moved")})).await;
    let b = follow(&house, json!({"url": publisher.url("/gone")})).await;
    follow(&house, json!({"url": publisher.url("/well")})).await;
    found(&house, 6).await;
    check(&house).await;
    publisher.show("/there", "Moved", 3);
    publisher.status("/gone", 410);
    let report = check(&house).await;
    assert_eq!((&report["failed_count"], &report["found"]), (&json!(1), &json!(1)), "{report}");
    assert!(report["failed"][0]["why"].as_str().unwrap().contains("gone for good"), "{report}");
    let view = house.json(&format!("/api/subscriptions/{a}")).await;
    assert_eq!(view["health"]["moved_to"], publisher.url("/there"), "{view}");
    let view = house.json(&format!("/api/subscriptions/{b}")).await;
    assert!(view["health"]["problem"].as_str().unwrap().contains("410"), "{view}");
    assert_eq!(view["health"]["next_check_at"], Value::Null);
    let (moved, gone) = (publisher.hits("/moved").len(), publisher.hits("/gone").len());
    let report = check(&house).await;
    assert_eq!((&report["checked"], &report["failed_count"]), (&json!(2), &json!(0)), "{report}");
    assert_eq!((publisher.hits("/moved").len(), publisher.hits("/gone").len()), (moved, gone));
    // The person thinks that it is back.
    publisher.show("/gone", "Gone", 3);
    let (_, report) = post(&house, &format!("/api/subscriptions/{b}/check"), json!({})).await;
    assert_eq!(report["found"], 1, "{report}");
    let view = house.json(&format!("/api/subscriptions/{b}")).await;
    assert_eq!(view["health"]["problem"], Value::Null);
}

#[tokio::test]
async fn one_bad_feed_stops_no_other_and_says_why() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    for path in ["/a", "/b", "/c", "/d", "/e", "/f"] {
        publisher.show(path, path, 2);
        follow(&house, json!({"url": publisher.url(path), "newest_at_first": 0})).await;
    }
    until("six first checks", async || {
        let seen = std::fs::read_to_string(house.file("seen-list.json")).ok()?;
        (serde_json::from_str::<Value>(&seen).ok()?["shows"].as_array()?.len() == 6).then_some(())
    })
    .await;
    publisher.status("/a", 500);
    publisher.put("/b", Page { status: 429, retry_after: "7200".to_owned(), ..Page::default() });
    publisher
        .put("/c", Page { kind: "text/html", body: "<html>Wartung".to_owned(), ..Page::default() });
    publisher.put("/d", Page { kind: "text/xml", body: String::new(), ..Page::default() });
    let cut = publisher.rss(
        "/e",
        "",
        &[Episode::new(1), Episode::new(2), Episode::new(3)].map(|one| Episode {
            guid: format!("/e-{}", one.n),
            file: format!("/e/{}.mp3", one.n),
            ..one
        }),
    );
    let body = cut[..cut.len() - 60].to_owned();
    publisher.put("/e", Page { kind: "text/xml", body, ..Page::default() });
    publisher.show("/f", "/f", 3);
    let report = check(&house).await;
    assert_eq!((&report["checked"], &report["failed_count"]), (&json!(6), &json!(4)), "{report}");
    // One that breaks off keeps the items read so far, with a warning.
    assert_eq!(report["found"], 2, "{report}");
    let list = house.json("/api/subscriptions").await;
    let health = |n: usize| list["subscriptions"][n]["health"].clone();
    for (n, part) in [(0, "answered 500"), (1, "asked too often"), (2, "not a feed"), (3, "empty")]
    {
        let said = health(n)["problem"].as_str().unwrap().to_owned();
        assert!(said.contains(part), "{said}");
        assert_eq!(health(n)["failures"], 1);
    }
    assert_eq!(health(4)["warnings"].as_array().unwrap().len(), 1, "{}", health(4));
    // Retry-After is heeded: two hours, where a failure alone waits one.
    let hours = |n: usize| {
        let next: chrono::DateTime<chrono::Utc> =
            health(n)["next_check_at"].as_str().unwrap().parse().unwrap();
        let at: chrono::DateTime<chrono::Utc> =
            health(n)["checked_at"].as_str().unwrap().parse().unwrap();
        (next - at).num_minutes()
    };
    assert!((53..=67).contains(&hours(0)), "{}", hours(0));
    assert!((107..=133).contains(&hours(1)), "{}", hours(1));
}

#[tokio::test]
async fn an_unchanged_round_writes_nothing_into_the_scope() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    publisher.show("/feed", "The Bakery", 3);
    follow(&house, json!({"url": publisher.url("/feed")})).await;
    found(&house, 3).await;
    check(&house).await;
    let stamps = || {
        let mut all: Vec<_> = std::fs::read_dir(house.file(""))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let meta = entry.metadata().unwrap();
                (
                    entry.file_name(),
                    std::os::unix::fs::MetadataExt::ino(&meta),
                    meta.modified().unwrap(),
                )
            })
            .collect();
        all.sort();
        all
    };
    let before = stamps();
    let report = check(&house).await;
    assert_eq!(report["unchanged"], 1);
    assert_eq!(stamps(), before);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_says_what_to_do() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    publisher.show("/feed", "The Bakery", 3);
    let mut episodes: Vec<Episode> = (1..=3).map(Episode::new).collect();
    episodes[1].transcript = false;
    publisher.feed("/feed", publisher.rss("The Bakery", "", &episodes));
    publisher.status("/1.txt", 503);
    publisher.status("/3.txt", 404);
    follow(&house, json!({"url": publisher.url("/feed")})).await;
    found(&house, 3).await;
    post(&house, "/api/auto-queue/approve-all", json!({})).await;
    let waits = until("the wait", async || {
        let one = item(&house, "Episode 1").await;
        (one["waiting"] == true).then_some(one)
    })
    .await;
    assert_eq!(waits["reason"]["code"], "try_again", "{waits}");
    assert!(waits["reason"]["message"].as_str().unwrap().contains("503"), "{waits}");
    assert_eq!((&waits["state"], &waits["attempt"]), (&json!("approved"), &json!(1)));
    // A person who does not want to wait approves it again.
    publisher.status("/1.txt", 404);
    assert_eq!(decide(&house, "Episode 1", "approve").await.0, 200);
    in_state(&house, "Episode 1", "failed").await;
    let failed = in_state(&house, "Episode 2", "failed").await;
    assert!(
        failed["reason"]["message"].as_str().unwrap().contains("names no transcript"),
        "{failed}"
    );
    in_state(&house, "Episode 3", "failed").await;
    // The person mends what can be mended, and says so.
    publisher.feed("/feed", publisher.rss("The Bakery", "", &[1, 2, 3].map(Episode::new)));
    publisher.show("/other", "x", 3);
    assert_eq!(decide(&house, "Episode 2", "approve").await.0, 409);
    assert_eq!(decide(&house, "Episode 2", "retry").await.0, 200);
    in_state(&house, "Episode 2", "done").await;
    assert_eq!(decide(&house, "Episode 3", "skip").await.0, 200);
    let skipped = house.json("/api/skip-list").await;
    assert_eq!(skipped["episodes"][0]["title"], "Episode 3");
    assert_eq!(decide(&house, "Episode 3", "undo-skip").await.0, 200);
    assert_eq!(item(&house, "Episode 3").await["state"], "found");
    assert_eq!(house.json("/api/skip-list").await["episodes"], json!([]));
}

#[tokio::test]
async fn a_job_of_the_queue_can_be_cancelled_and_the_item_says_so() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    publisher.show("/feed", "The Bakery", 1);
    let slow = Page { kind: "text/plain", wait: Duration::from_secs(60), ..Page::default() };
    publisher.put("/1.txt", slow);
    follow(&house, json!({"url": publisher.url("/feed"), "auto_approve": true})).await;
    let running = in_state(&house, "Episode 1", "processing").await;
    assert!(running["job"].is_string(), "{running}");
    assert_eq!(decide(&house, "Episode 1", "skip").await.0, 409, "cancel it first");
    assert_eq!(decide(&house, "Episode 1", "cancel").await.0, 200);
    let failed = in_state(&house, "Episode 1", "failed").await;
    assert_eq!(failed["reason"]["code"], "cancelled", "{failed}");
}

#[tokio::test]
async fn skipped_written_by_hand_stops_what_is_being_made() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    publisher.show("/feed", "The Bakery", 1);
    let slow = Page { kind: "text/plain", wait: Duration::from_secs(60), ..Page::default() };
    publisher.put("/1.txt", slow);
    follow(&house, json!({"url": publisher.url("/feed"), "auto_approve": true})).await;
    in_state(&house, "Episode 1", "processing").await;
    until("the job", async || (house.daemon().app().jobs.open_count() == 1).then_some(())).await;
    let mut queue = file(&house, "auto-queue.json");
    queue["items"][0]["state"] = json!("skipped");
    save(&house.file("auto-queue.json"), &queue.to_string(), "temp and rename");
    until("the job's end", async || (house.daemon().app().jobs.open_count() == 0).then_some(()))
        .await;
    assert_eq!(item(&house, "Episode 1").await["state"], "skipped");
    assert_eq!(house.json("/api/recaps").await["total"], 0);
}

#[tokio::test]
async fn an_item_that_was_interrupted_goes_on_at_the_next_start_under_the_same_job() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    publisher.show("/feed", "The Bakery", 1);
    let slow = Page { kind: "text/plain", wait: Duration::from_secs(60), ..Page::default() };
    publisher.put("/1.txt", slow);
    follow(&house, json!({"url": publisher.url("/feed"), "auto_approve": true})).await;
    let running = in_state(&house, "Episode 1", "processing").await;
    let data = house.interrupt().await;
    publisher.show("/feed", "The Bakery", 1);
    let house = House::over(data, json!({}), super::support::single).await;
    let done = in_state(&house, "Episode 1", "done").await;
    let recap = house.json(&format!("/api/recaps/{}", done["recap"].as_str().unwrap())).await;
    assert_eq!(recap["made_by"]["job"], running["job"]);
    assert_eq!(house.json("/api/recaps").await["total"], 1);
}

#[tokio::test]
async fn a_subscription_approves_by_itself_up_to_its_cap_and_filters_say_why() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    publisher.show("/feed", "The Bakery", 6);
    let body = json!({"url": publisher.url("/feed"), "auto_approve": true, "auto_approve_per_day_max": 2,
        "newest_at_first": 4, "filters": {"not_words": ["episode 5"], "min_minutes": 43}});
    let id = follow(&house, body).await;
    let waits = until("the cap", async || {
        let queue = house.json("/api/auto-queue").await;
        let items = queue["items"].as_array()?;
        let done = items.iter().filter(|item| item["state"] == "done").count();
        items.iter().find(|item| item["reason"]["code"] == "cap" && done == 2).cloned()
    })
    .await;
    assert_eq!((&waits["state"], &waits["waiting"]), (&json!("approved"), &json!(true)));
    assert!(waits["reason"]["message"].as_str().unwrap().starts_with("2 a day"), "{waits}");
    let shown = house.json(&format!("/api/subscriptions/{id}/episodes")).await;
    assert_eq!(shown[1]["why"], "Its title holds what your filters do not want.", "{shown}");
    assert_eq!(shown[5]["why"], "It is shorter than your filters want.", "{shown}");
    let (status, fault) = post(
        &house,
        "/api/subscriptions",
        json!({"url": publisher.url("/x"), "filters": {"pattern": "("}}),
    )
    .await;
    assert_eq!(status, 400);
    assert!(fault["error"]["message"].as_str().unwrap().contains("`filters.pattern`"), "{fault}");
    // Paused, nothing is asked; the queue itself can rest as well.
    let change = house.client.patch(house.url(&format!("/api/subscriptions/{id}")));
    let answer = change.json(&json!({"paused": true})).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let before = publisher.hits("/feed").len();
    check(&house).await;
    assert_eq!(publisher.hits("/feed").len(), before);
}

#[tokio::test]
async fn the_secrets_of_a_private_feed_work_and_are_never_told() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    publisher.show("/private/feed", "Members only", 2);
    let body = publisher.rss("Members only", "", &[Episode::new(1), Episode::new(2)]);
    let page =
        Page { kind: "text/xml", body, password: "ada:hush-hush".to_owned(), ..Page::default() };
    publisher.put("/private/feed", page.clone());
    publisher.put("/private/feed?token=0123456789abcdef0123", page);
    let (status, fault) =
        post(&house, "/api/subscriptions", json!({"url": publisher.url("/private/feed")})).await;
    assert_eq!(status, 502);
    assert!(fault["error"]["message"].as_str().unwrap().contains("sign-in"), "{fault}");
    let link = publisher
        .url("/private/feed?token=0123456789abcdef0123")
        .replace("http://", "http://ada:hush-hush@");
    let id = follow(&house, json!({"url": link, "auto_approve": true, "newest_at_first": 1})).await;
    let done = in_state(&house, "Episode 2", "done").await;
    let recap = done["recap"].as_str().unwrap();
    let mut told = String::new();
    for path in [
        "/api/subscriptions".to_owned(),
        format!("/api/subscriptions/{id}"),
        format!("/api/subscriptions/{id}/episodes"),
        "/api/auto-queue".to_owned(),
        "/api/subscriptions/export".to_owned(),
        "/api/jobs".to_owned(),
        "/api/status".to_owned(),
        format!("/api/recaps/{recap}"),
        format!("/api/recaps/{recap}/export?format=md"),
        format!("/api/recaps/{recap}/export?format=html"),
        "/api/library/export".to_owned(),
    ] {
        told += &house.get(&path).await.text().await.unwrap();
    }
    for secret in ["hush-hush", "0123456789abcdef0123"] {
        assert!(!told.contains(secret), "{secret} was told");
    }
    // A key in the path, in every link that the feed names, and behind the same sign-in.
    let key = "k3yk3yk3yk3yk3y99";
    let text = publisher
        .rss(
            "Keyed",
            "",
            &[Episode {
                guid: "keyed".to_owned(),
                file: "/keyed.mp3".to_owned(),
                ..Episode::new(3)
            }],
        )
        .replace(&publisher.base, &publisher.url(&format!("/private/{key}")))
        .replace("/3.txt", &format!("/3.txt?token={key}"));
    let keyed = |kind: &'static str, body: String| Page {
        kind,
        body,
        password: "ada:hush-hush".to_owned(),
        ..Page::default()
    };
    publisher.put(&format!("/private/{key}/feed"), keyed("text/xml", text));
    let talk = super::support::TALK.to_owned();
    publisher.put(&format!("/private/{key}/3.txt?token={key}"), keyed("text/plain", talk));
    let link =
        publisher.url(&format!("/private/{key}/feed")).replace("http://", "http://ada:hush-hush@");
    let keyed = follow(&house, json!({"url": link, "auto_approve": true})).await;
    let done = in_state(&house, "Episode 3", "done").await;
    let recap = done["recap"].as_str().unwrap();
    let mut told = std::fs::read_to_string(house.file(&format!("{recap}.json"))).unwrap();
    for path in [
        "/api/subscriptions".to_owned(),
        format!("/api/subscriptions/{keyed}/episodes"),
        "/api/auto-queue".to_owned(),
        "/api/jobs".to_owned(),
        format!("/api/recaps/{recap}/export?format=html"),
        "/api/library/export".to_owned(),
    ] {
        told += &house.get(&path).await.text().await.unwrap();
    }
    for secret in ["hush-hush", key] {
        assert!(!told.contains(secret), "{secret} was told: {told}");
    }
    let view = house.json(&format!("/api/subscriptions/{id}")).await;
    assert_eq!(view["is_private"], true);
    let export = house.get("/api/subscriptions/export").await;
    assert_eq!(export.headers()["x-recap-left-out"], "2");
    let whole = house.get("/api/subscriptions/export?secrets=true").await.text().await.unwrap();
    assert!(whole.contains("hush-hush"));
}

#[tokio::test]
async fn a_list_of_feeds_comes_in_and_goes_out() {
    let (house, publisher) = (House::new().await, Publisher::new().await);
    publisher.show("/a", "Show A", 2);
    publisher.show("/b", "Show B", 2);
    let opml = format!(
        "<opml version=\"1.1\"><body><outline text=\"Talk\"><outline text=\"A &amp; co\" type=\"rss\" xmlUrl=\"{}\"/>\
         </outline><outline title=\"B\" xmlUrl=\"{}\"/><outline text=\"Closed\" xmlUrl=\"https://open.spotify.com/show/x\"/>\
         </body></opml>",
        publisher.url("/a"),
        publisher.url("/b")
    );
    let send = async || {
        let import = house.client.post(house.url("/api/subscriptions/import"));
        let answer = import.body(opml.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()
    };
    let report = send().await;
    assert_eq!((&report["added"], &report["known"]), (&json!(2), &json!(0)), "{report}");
    assert!(report["left_out"][0]["why"].as_str().unwrap().contains("Spotify"), "{report}");
    assert_eq!(send().await["known"], 2);
    found(&house, 4).await;
    let export = house.get("/api/subscriptions/export").await.text().await.unwrap();
    assert!(export.contains("A &amp; co") && export.contains(&publisher.url("/b")), "{export}");
    let import = house.client.post(house.url("/api/subscriptions/import"));
    let answer = import.body("<rss><channel/></rss>").send().await.unwrap();
    assert_eq!(answer.status(), 400);
}

const CHANNEL: &str = "UCsheds0123456789abcdef0";

/// YouTube as far as following goes: a channel's page, a video's page, the feeds.
fn youtube(publisher: &Publisher) {
    let page = |body: String| Page { kind: "text/html", body, ..Page::default() };
    let link = format!(
        "<html><head><link rel=\"alternate\" type=\"application/rss+xml\" title=\"RSS\" \
         href=\"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}\"></head><body>Sheds</body></html>"
    );
    publisher.put("/@sheds", page(link));
    let watch = format!(
        "<script>var x = {{\"videoDetails\":{{\"videoId\":\"aaaaaaaaaaa\",\"channelId\":\"{CHANNEL}\"}}}}</script>"
    );
    publisher.put("/watch?v=aaaaaaaaaaa", page(watch));
    publisher.put("/@nobody", page("<html>Before you continue</html>".to_owned()));
    let entry = |id: &str, title: &str| {
        format!(
            "<entry><id>yt:video:{id}</id><yt:videoId>{id}</yt:videoId><title>{title}</title>\
             <link rel=\"alternate\" href=\"https://www.youtube.com/watch?v={id}\"/>\
             <published>2026-10-01T10:00:00+00:00</published></entry>"
        )
    };
    let feed = format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\">\
         <title>Sheds of the North</title>{}{}</feed>",
        entry("aaaaaaaaaaa", "A roof"),
        entry("bbbbbbbbbbb", "A door")
    );
    for query in [format!("channel_id={CHANNEL}"), "playlist_id=PLsheds0123456789".to_owned()] {
        let path = format!("/feeds/videos.xml?{query}");
        publisher.put(&path, Page { kind: "text/xml", body: feed.clone(), ..Page::default() });
    }
}

#[tokio::test]
async fn a_channel_is_followed_by_whatever_link_a_person_has() {
    let publisher = Publisher::new().await;
    youtube(&publisher);
    let settings = json!({"youtube_url": publisher.base, "apple_url": publisher.base});
    let house = House::over(tempfile::tempdir().unwrap(), settings, super::support::single).await;
    let playlist = "https://www.youtube.com/playlist?list=PLsheds0123456789".to_owned();
    for (link, title) in [
        ("@sheds".to_owned(), "Sheds of the North"),
        ("https://m.youtube.com/@sheds/videos".to_owned(), "Sheds of the North"),
        (format!("https://www.youtube.com/channel/{CHANNEL}"), "Sheds of the North"),
        ("https://youtu.be/aaaaaaaaaaa?t=5".to_owned(), "Sheds of the North"),
        (playlist.clone(), "Sheds of the North"),
    ] {
        let (status, preview) =
            post(&house, "/api/subscriptions/preview", json!({"url": link})).await;
        assert_eq!((status, preview["title"].as_str()), (200, Some(title)), "{link}: {preview}");
    }
    let id = follow(&house, json!({"url": "@sheds"})).await;
    found(&house, 2).await;
    let view = house.json(&format!("/api/subscriptions/{id}")).await;
    assert!(
        view["feed_url"].as_str().unwrap().ends_with(&format!("channel_id={CHANNEL}")),
        "{view}"
    );
    // The same channel by another link is the same channel; the same videos by a playlist are known.
    let other = json!({"url": format!("https://www.youtube.com/channel/{CHANNEL}")});
    let (status, answer) = post(&house, "/api/subscriptions", other).await;
    assert_eq!(status, 409, "{answer}");
    follow(&house, json!({"url": playlist})).await;
    check(&house).await;
    assert_eq!(titles(&house, "found").await, ["A door", "A roof"]);
    assert_eq!(item(&house, "A roof").await["id"], "yt:aaaaaaaaaaa");
    // There is no yt-dlp for these tests: the item says so, and what to do.
    decide(&house, "A roof", "approve").await;
    let failed = in_state(&house, "A roof", "failed").await;
    assert!(failed["reason"]["message"].as_str().unwrap().contains("Install yt-dlp"), "{failed}");
    for (link, status, part) in [
        ("@nobody", 400, "No channel was found"),
        ("https://www.youtube.com/playlist?list=WL", 400, "list"),
        ("https://open.spotify.com/show/abc", 400, "Spotify"),
        ("javascript:alert(1)", 400, "cannot be followed"),
        ("two words", 400, "not a link"),
        ("https://www.youtube.com/watch?v=short", 400, "no valid video"),
    ] {
        let (got, fault) = post(&house, "/api/subscriptions/preview", json!({"url": link})).await;
        let said = fault["error"]["message"].as_str().unwrap().to_owned();
        assert!(got == status && said.contains(part), "{link}: {got} {said}");
    }
}

#[tokio::test]
async fn a_page_that_names_a_feed_and_an_apple_link_lead_to_it() {
    let publisher = Publisher::new().await;
    publisher.show("/shows/feed.xml", "The Bakery", 2);
    let body = "<html><head><title>Bakery</title><link rel='alternate' type='application/rss+xml' \
                href='/shows/feed.xml'><body>Welcome"
        .to_owned();
    publisher.put("/shows/", Page { kind: "text/html", body, ..Page::default() });
    let body = "<html><body>No feed here".to_owned();
    publisher.put("/bare", Page { kind: "text/html", body, ..Page::default() });
    let body = json!({"resultCount": 1, "results": [{"kind": "podcast", "collectionName": "The Bakery",
        "feedUrl": publisher.url("/shows/feed.xml")}]});
    let lookup = Page { kind: "text/javascript", body: body.to_string(), ..Page::default() };
    publisher.put("/lookup?id=123456&entity=podcast", lookup);
    let body = json!({"resultCount": 0, "results": []}).to_string();
    publisher.put(
        "/lookup?id=9&entity=podcast",
        Page { kind: "text/javascript", body, ..Page::default() },
    );
    let settings = json!({"apple_url": publisher.base, "allow_private_addresses": true});
    let house = House::over(tempfile::tempdir().unwrap(), settings, super::support::single).await;
    let apple = "https://podcasts.apple.com/de/podcast/the-bakery/id123456?i=1000";
    let (status, preview) = post(&house, "/api/subscriptions/preview", json!({"url": apple})).await;
    assert_eq!((status, &preview["title"]), (200, &json!("The Bakery")), "{preview}");
    let (status, fault) = post(
        &house,
        "/api/subscriptions",
        json!({"url": "https://podcasts.apple.com/us/podcast/id9"}),
    )
    .await;
    assert_eq!(status, 400, "{fault}");
    let (status, fault) =
        post(&house, "/api/subscriptions", json!({"url": publisher.url("/bare")})).await;
    assert!(
        status == 400 && fault["error"]["message"].as_str().unwrap().contains("names no feed"),
        "{fault}"
    );
    let id = follow(&house, json!({"url": publisher.url("/shows/")})).await;
    found(&house, 2).await;
    let view = house.json(&format!("/api/subscriptions/{id}")).await;
    assert_eq!(view["feed_url"], publisher.url("/shows/feed.xml"));
    // A line of the same page, added by hand, is told that it is there twice.
    let mut list = file(&house, "subscriptions.json");
    let line = json!({"url": publisher.url("/shows/feed.xml")});
    list["subscriptions"].as_array_mut().unwrap().push(line);
    std::fs::write(house.file("subscriptions.json"), list.to_string()).unwrap();
    let report = until("the report", async || {
        let report = check(&house).await;
        (report["failed_count"] == 1).then_some(report)
    })
    .await;
    assert!(report["failed"][0]["why"].as_str().unwrap().contains("Another line"), "{report}");
}

#[tokio::test]
async fn a_large_page_leads_to_a_large_feed() {
    let publisher = Publisher::new().await;
    publisher.show("/feed.xml", "The Bakery", 2);
    let filling = format!("<!-- {} -->", "x".repeat(1024 * 1024));
    let feed = publisher.rss("The Bakery", "", &[Episode::new(1), Episode::new(2)]);
    publisher.feed("/feed.xml", format!("{feed}{filling}"));
    let page =
        "<html><head><link rel='alternate' type='application/rss+xml' href='/feed.xml'></head>";
    let page = Page { kind: "text/html", body: format!("{page}{filling}"), ..Page::default() };
    publisher.put("/", page);
    let house = House::over(tempfile::tempdir().unwrap(), json!({}), super::support::single).await;
    let asked = json!({"url": publisher.url("/")});
    let preview = post(&house, "/api/subscriptions/preview", asked);
    // Who has read the page must not hold the one place for large answers while the feed waits for it.
    let (status, preview) = tokio::time::timeout(Duration::from_secs(30), preview).await.unwrap();
    assert_eq!((status, &preview["title"]), (200, &json!("The Bakery")), "{preview}");
}

#[tokio::test]
async fn hostile_feeds_get_a_reason_and_harm_nobody() {
    let publisher = Publisher::new().await;
    publisher.show("/well", "Well", 2);
    let huge =
        format!("<rss><channel><title>{}</title></channel></rss>", "x".repeat(1024 * 1024 + 10));
    publisher.put("/huge", Page { kind: "text/xml", body: huge, ..Page::default() });
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><rss><channel>\
                <title>&b;</title></channel></rss>"
        .to_owned();
    publisher.put("/bomb", Page { kind: "text/xml", body: bomb, ..Page::default() });
    let deep = format!("<rss><channel>{}", "<a>".repeat(200_000));
    publisher.put("/deep", Page { kind: "text/xml", body: deep, ..Page::default() });
    let slow = Page { wait: Duration::from_secs(30), ..Page::default() };
    publisher.put("/slow", slow);
    let elsewhere = Publisher::new().await;
    elsewhere.show("/feed", "Secret", 1);
    let away = Page { status: 302, location: elsewhere.url("/feed"), ..Page::default() };
    publisher.put("/away", away);
    let circle = Page { status: 301, location: publisher.url("/circle"), ..Page::default() };
    publisher.put("/circle", circle);
    let settings = json!({"fetch_timeout_secs": 2, "feed_mib_max": 1});
    let house = House::over(tempfile::tempdir().unwrap(), settings, super::support::single).await;
    let names = ["/huge", "/bomb", "/deep", "/slow", "/away", "/circle", "/well"];
    let lines: Vec<Value> = names.iter().map(|path| json!({"url": publisher.url(path)})).collect();
    std::fs::create_dir_all(house.file("")).unwrap();
    let list = json!({"subscriptions": lines}).to_string();
    std::fs::write(house.file("subscriptions.json"), list).unwrap();
    let list = until("all looked at", async || {
        let list = house.json("/api/subscriptions").await;
        let looked = |one: &Value| one["health"]["checked_at"].is_string();
        let all = list["subscriptions"].as_array()?;
        (all.len() == names.len() && all.iter().all(looked)).then_some(list)
    })
    .await;
    let problem = |n: usize| list["subscriptions"][n]["health"]["problem"].as_str().unwrap_or("");
    for (n, part) in [
        (0, "larger than 1 MiB"),
        (2, "nested"),
        (3, "within 2 seconds"),
        (4, "private address"),
        (5, "redirects more than"),
        (6, ""),
    ] {
        assert!(problem(n).contains(part), "{}: {}", names[n], problem(n));
    }
    assert_eq!(found(&house, 2).await, ["Episode 1", "Episode 2"]);
    assert_eq!(elsewhere.hits("/feed").len(), 0, "nothing private was asked");
}

#[tokio::test]
async fn behind_a_password_the_queue_is_made_all_the_same_and_strangers_see_nothing_of_it() {
    let publisher = Publisher::new().await;
    publisher.show("/feed", "The Bakery", 1);
    let data = tempfile::tempdir().unwrap();
    let owner = data.path().join("history/owner");
    std::fs::create_dir_all(&owner).unwrap();
    let lines = json!({"subscriptions": [{"url": publisher.url("/feed"), "auto_approve": true}]});
    std::fs::write(owner.join("subscriptions.json"), lines.to_string()).unwrap();
    let secrets = recap::secrets::Secrets::open(
        data.path(),
        None,
        std::sync::Arc::new(recap_mode::SystemEntropy),
    )
    .unwrap();
    secrets.set_password(Some("correct horse")).unwrap();
    let house = House::over(data, json!({}), super::support::single).await;
    let made = until("the recap", async || {
        let text = std::fs::read_to_string(house.file("auto-queue.json")).ok()?;
        let queue: Value = serde_json::from_str(&text).ok()?;
        let item = queue["items"].get(0)?.clone();
        (item["state"] == "done" && house.daemon().app().jobs.open_count() == 0).then_some(item)
    })
    .await;
    assert!(made["recap"].is_string(), "{made}");
    for path in
        ["/api/subscriptions", "/api/auto-queue", "/api/skip-list", "/api/subscriptions/export"]
    {
        assert_eq!(house.get(path).await.status(), 401, "{path}");
    }
}
