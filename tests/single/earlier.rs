//! A data folder of the earlier system. The shapes of its lists are guesses (nothing but their names is
//! known); those of its recaps are known in part.

use std::path::Path;

use assert_cmd::Command;
use serde_json::{Value, json};

use super::support::{House, single, tree, until};

/// A data folder as the earlier system may have left it: flat files in the history root.
fn left_behind() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let history = data.path().join("history");
    std::fs::create_dir_all(&history).unwrap();
    let recap = json!({
        "id": "kJQP7kiw5Fk", "title": "How the oven was built", "type": "youtube",
        "url": "https://www.youtube.com/watch?v=kJQP7kiw5Fk", "createdAt": "2026-05-02T10:00:00.000Z",
        "topicCount": 2, "myNote": {"keep": "me"},
        "chunks": [
            {"title": "Clay and sand", "summary": "- Clay shrinks when it dries.\n- Sand keeps it from cracking.", "startIndex": 0, "endIndex": 1},
            {"title": "The first fire", "summary": "- It takes two weeks.", "startIndex": 2, "endIndex": 3}
        ],
        "entries": [
            {"offset": 0, "text": "We begin with clay, which shrinks when it dries."},
            {"offset": 6, "text": "Sand keeps it from cracking in the sun."},
            {"offset": 12, "text": "Then comes the first fire, and it is a small one."},
            {"offset": 19, "text": "It takes two weeks until the dome is dry."}
        ]
    });
    // Guesses, each of them:
    let queue = json!([
        {"videoId": "kJQP7kiw5Fk", "title": "How the oven was built", "status": "completed"},
        {"videoId": "abcdefghijk", "title": "Not made yet", "status": "approved", "channel": "Sheds"},
        {"mystery": true}
    ]);
    let files = [
        ("kJQP7kiw5Fk.json", recap),
        (
            "subscriptions.json",
            json!([{"channelId": "UCabcdefgh0123456789abcd", "name": "Sheds", "autoApprove": false}]),
        ),
        ("auto-queue.json", queue),
        ("skip-list.json", json!(["zzzzzzzzzzz"])),
        ("seen-list.json", json!(["yyyyyyyyyyy", "xxxxxxxxxxx"])),
        ("somebody-elses.json", json!({"not": "ours"})),
    ];
    for (name, value) in files {
        std::fs::write(history.join(name), serde_json::to_string_pretty(&value).unwrap()).unwrap();
    }
    data
}

fn recap(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recap"));
    command.env_clear().env("RECAP_DATA", data).timeout(std::time::Duration::from_secs(60));
    command
}

fn read(data: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(data.join(name)).unwrap()).unwrap()
}

/// A daemon that asks nobody outside.
async fn house(data: tempfile::TempDir) -> House {
    House::over(data, json!({"youtube_url": "http://127.0.0.1:9"}), single).await
}

#[tokio::test]
async fn files_in_the_history_root_are_the_owner_s_after_a_start_and_nothing_is_rewritten() {
    let data = left_behind();
    let before = std::fs::read(data.path().join("history/kJQP7kiw5Fk.json")).unwrap();
    std::fs::create_dir_all(data.path().join("history/owner")).unwrap();
    std::fs::write(data.path().join("history/owner/skip-list.json"), "{\"format\": 1}").unwrap();
    let house = house(data).await;
    let list = house.json("/api/recaps").await;
    assert_eq!(list["recaps"][0]["title"], "How the oven was built", "{list}");
    assert_eq!(
        std::fs::read(house.file("kJQP7kiw5Fk.json")).unwrap(),
        before,
        "renamed, not rewritten"
    );
    // Where both exist, both stay, and so does what is not ours.
    let root = house.data().join("history");
    assert!(root.join("skip-list.json").exists() && root.join("somebody-elses.json").exists());
    assert!(!root.join("subscriptions.json").exists() && !root.join("auto-queue.json").exists());
    // It is read, searched and exported as it is.
    let shown = house.json("/api/recaps/kJQP7kiw5Fk").await;
    assert_eq!(shown["topics"][0]["title"], "Clay and sand", "{shown}");
    assert_eq!(shown["topics"][0]["points"][1]["text"], "Sand keeps it from cracking.");
    assert_eq!(house.json("/api/search?q=cracking").await["total"], 1);
    let markdown =
        house.get("/api/recaps/kJQP7kiw5Fk/export?format=md").await.text().await.unwrap();
    assert!(markdown.contains("The first fire"), "{markdown}");
    // The queue is brought in line: what is done is done, what cannot be made says why.
    let queue = until("the queue", async || {
        let queue = house.json("/api/auto-queue").await;
        (queue["counts"]["failed"] == 1).then_some(queue)
    })
    .await;
    assert_eq!(queue["counts"]["done"], 1, "{queue}");
    let failed =
        queue["items"].as_array().unwrap().iter().find(|item| item["state"] == "failed").unwrap();
    assert!(failed["reason"]["message"].as_str().unwrap().contains("yt-dlp"), "{failed}");
    // A change takes today's form; what it did not know is kept.
    let patch = house.client.patch(house.url("/api/recaps/kJQP7kiw5Fk"));
    let answer = patch.json(&json!({"title": "The oven"})).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    let now = read(house.data(), "history/owner/kJQP7kiw5Fk.json");
    assert_eq!(
        (&now["format"], &now["title"], &now["id"]),
        (&json!(1), &json!("The oven"), &json!("kJQP7kiw5Fk"))
    );
    assert_eq!(now["earlier"]["myNote"]["keep"], "me", "{now}");
    let queue = read(house.data(), "history/owner/auto-queue.json");
    assert_eq!(queue["earlier"], json!([{"mystery": true}]), "{queue}");
    until("the job's end", async || (house.daemon().app().jobs.open_count() == 0).then_some(()))
        .await;
}

#[test]
fn migrating_is_told_first_and_leaves_copies() {
    let data = left_behind();
    let before = tree(data.path());
    let told = recap(data.path()).args(["migrate", "--dry-run"]).output().unwrap();
    assert!(told.status.success());
    assert_eq!(tree(data.path()), before, "a dry run does nothing");
    let done = recap(data.path()).args(["migrate", "--apply"]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    let copies = data.path().join("before-migrate/owner");
    for name in [
        "kJQP7kiw5Fk.json",
        "subscriptions.json",
        "auto-queue.json",
        "skip-list.json",
        "seen-list.json",
    ] {
        let now = read(data.path(), &format!("history/owner/{name}"));
        assert_eq!(now["format"], 1, "{name}: {now}");
        let old = before.iter().find(|(file, _)| file == &format!("history/{name}")).unwrap();
        assert_eq!(std::fs::read(copies.join(name)).unwrap(), old.1, "{name}");
    }
    let again = recap(data.path()).args(["migrate", "--apply"]).output().unwrap();
    assert!(String::from_utf8_lossy(&again.stdout).contains("today's form"), "it can be repeated");
    let check = recap(data.path()).arg("check").output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    let subs = recap(data.path()).args(["subs", "--json"]).output().unwrap();
    let subs: Value = serde_json::from_slice(&subs.stdout).unwrap();
    assert_eq!(subs[0]["title"], "Sheds", "{subs}");
}
