//! What a person does with an editor, and what the daemon makes of it.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::support::{House, PATIENCE, in_background, single, start, until};

/// Listens to the events of the page from now on.
async fn listen(house: &House) -> tokio::sync::mpsc::UnboundedReceiver<(String, Value)> {
    let answer = house.get("/api/events").await;
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let mut bytes = answer.bytes_stream();
    in_background(async move {
        let mut text = String::new();
        while let Some(Ok(chunk)) = bytes.next().await {
            text.push_str(&String::from_utf8_lossy(&chunk));
            while let Some((frame, rest)) = text.split_once("\n\n") {
                let line = |name: &str| {
                    frame
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .unwrap_or_default()
                        .to_owned()
                };
                let data = serde_json::from_str(&line("data: ")).unwrap_or(Value::Null);
                let event = (line("event: "), data);
                text = rest.to_owned();
                if sender.send(event).is_err() {
                    return;
                }
            }
        }
    });
    let hello = tokio::time::timeout(PATIENCE, receiver.recv()).await.unwrap().unwrap();
    assert_eq!(hello.0, "hello");
    receiver
}

async fn wait_for(
    events: &mut tokio::sync::mpsc::UnboundedReceiver<(String, Value)>,
    name: &str,
) -> Value {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let (heard, data) =
            tokio::time::timeout_at(deadline, events.recv()).await.expect(name).expect(name);
        if heard == name {
            return data;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_edit_is_seen_within_a_second_and_a_broken_file_is_shown_with_its_place() {
    let house = House::new().await;
    let id = house.a_recap().await;
    let path = house.file(&format!("{id}.json"));
    let mut events = listen(&house).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let started = Instant::now();
    std::fs::write(&path, text.replacen("\"title\": \"Talk\"", "\"title\": \"Edited\"", 1))
        .unwrap();
    assert_eq!(wait_for(&mut events, "recap_changed").await["id"], id);
    // The promise is a second; the rest is for a busy machine.
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert_eq!(house.json("/api/recaps").await["recaps"][0]["title"], "Edited");
    assert_eq!(house.json(&format!("/api/recaps/{id}")).await["title"], "Edited");

    let broken = text.replacen("\n  \"overview\":", "\n  \"overview\"", 1);
    std::fs::write(&path, &broken).unwrap();
    let problem = wait_for(&mut events, "file_problem").await;
    let line = 1 + text[..text.find("\n  \"overview\"").unwrap()].matches('\n').count() as u64 + 1;
    assert_eq!(
        (problem["file"].as_str().unwrap(), problem["line"].as_u64()),
        (&*format!("owner/{id}.json"), Some(line)),
        "{problem}"
    );
    assert_eq!(house.json("/api/status").await["problems"][0]["line"], line);
    let shown = house.get(&format!("/api/recaps/{id}")).await;
    assert!(shown.headers()["recap-problem"].to_str().unwrap().contains(&format!("line {line}")));
    assert_eq!(shown.json::<Value>().await.unwrap()["title"], "Edited", "the last good copy");
    assert!(house.page("/").await.contains(&format!("{id}.json")), "the page names the file");
    let edit = house
        .client
        .patch(house.url(&format!("/api/recaps/{id}")))
        .json(&json!({"title": "x"}))
        .send()
        .await
        .unwrap();
    assert_eq!(edit.status(), 409);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), broken, "never written over");

    std::fs::write(&path, &text).unwrap();
    wait_for(&mut events, "file_mended").await;
    assert_eq!(house.json("/api/status").await["problems"], json!([]));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(wait_for(&mut events, "recap_deleted").await["id"], id);
    assert_eq!(house.json("/api/recaps").await["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_list_at_the_start_is_shown_and_harms_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(data.path().join("history/owner")).unwrap();
    std::fs::write(data.path().join("history/owner/skip-list.json"), "{\n \"episodes\": [}\n")
        .unwrap();
    std::fs::write(data.path().join("history/owner/empty.json"), "").unwrap();
    let house = House::over(data, json!({}), single).await;
    let problems = until("the look at the files", async || {
        let problems = house.json("/api/status").await["problems"].clone();
        (problems.as_array().unwrap().len() == 2).then_some(problems)
    })
    .await;
    assert_eq!(
        (problems[1]["file"].as_str(), problems[1]["line"].as_u64()),
        (Some("owner/skip-list.json"), Some(2))
    );
    house.a_recap().await;
    assert_eq!(house.json("/api/recaps").await["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_that_write_the_same_documents_lose_nothing() {
    let house = House::new().await;
    let ids: Vec<String> = {
        let mut ids = Vec::new();
        for _ in 0..6 {
            ids.push(house.a_recap().await);
        }
        ids
    };
    // The daemon deletes every other one over HTTP while commands of their own delete the rest.
    let data = house.data().to_owned();
    let odd: Vec<String> = ids.iter().skip(1).step_by(2).cloned().collect();
    let commands = std::thread::spawn(move || {
        for id in odd {
            let done = std::process::Command::new(env!("CARGO_BIN_EXE_recap"))
                .args(["rm", &id, "--data"])
                .arg(&data)
                .output()
                .unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
    });
    for id in ids.iter().step_by(2) {
        let done =
            house.client.delete(house.url(&format!("/api/recaps/{id}"))).send().await.unwrap();
        assert_eq!(done.status(), 200);
    }
    tokio::task::spawn_blocking(move || commands.join().unwrap()).await.unwrap();
    until("the empty library", async || {
        (house.json("/api/recaps").await["total"] == 0).then_some(())
    })
    .await;
    // All recaps are of one text, so one episode stands on the list, once; each can come back.
    let list: Value =
        serde_json::from_str(&std::fs::read_to_string(house.file("skip-list.json")).unwrap())
            .unwrap();
    assert_eq!(list["episodes"].as_array().unwrap().len(), 1);
    for id in &ids {
        let back = house
            .client
            .post(house.url(&format!("/api/recaps/{id}/restore")))
            .send()
            .await
            .unwrap();
        assert_eq!(back.status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_taken_over_while_running_and_a_bad_one_is_not() {
    let house = House::new().await;
    let config = house.data().join("config.json");
    let problem = async || house.json("/api/status").await["config_problem"].clone();
    std::fs::write(&config, "{\"public_url\": \"https://recap.example.org\"}").unwrap();
    let asks = async |host: &str| {
        house
            .client
            .get(house.url("/api/status"))
            .header("host", host)
            .send()
            .await
            .unwrap()
            .status()
    };
    until("the new name", async || (asks("recap.example.org").await == 200).then_some(())).await;
    std::fs::write(&config, "{\"public_url\": 7}").unwrap();
    let said = until("the refusal", async || problem().await.as_str().map(str::to_owned)).await;
    assert!(said.contains("config.json, public_url: 7 is not allowed"), "{said}");
    assert!(house.page("/").await.contains("public_url"), "the page says it");
    assert_eq!(asks("recap.example.org").await, 200, "the last good one stays in force");
    std::fs::write(&config, "{}").unwrap();
    until("the mended one", async || problem().await.is_null().then_some(())).await;
    assert_eq!(asks("recap.example.org").await, 421);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_over_the_same_folder_is_refused() {
    let house = House::new().await;
    let second = start(house.data(), json!({}), single).await.err().expect("it is refused");
    assert!(second.to_string().contains("already"), "{second}");
    let data = house.stop().await;
    let third = House::over(data, json!({}), single).await;
    assert_eq!(third.get("/api/health").await.status(), 200, "the lock goes with its owner");
}

#[tokio::test(flavor = "multi_thread")]
async fn editors_find_schemas_that_the_daemon_s_own_files_meet() {
    let house = House::new().await;
    let id = house.a_recap().await;
    let schema = until("the schemas", async || {
        std::fs::read_to_string(house.data().join("history/.schema/recap.schema.json")).ok()
    })
    .await;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let recap: Value =
        serde_json::from_str(&std::fs::read_to_string(house.file(&format!("{id}.json"))).unwrap())
            .unwrap();
    for key in recap.as_object().unwrap().keys() {
        assert!(schema["properties"][key].is_object(), "the schema does not know {key}");
    }
    for key in schema["required"].as_array().unwrap() {
        assert!(recap.get(key.as_str().unwrap()).is_some(), "the schema asks for {key}");
    }
    let ignore = std::fs::read_to_string(house.data().join("history/.gitignore")).unwrap();
    assert!(ignore.contains(".lock") && ignore.contains("feed-state.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_or_a_folder_by_a_recap_s_name_is_no_recap_and_stops_nobody() {
    let house = House::new().await;
    house.a_recap().await;
    let made = std::process::Command::new("mkfifo").arg(house.file("pipe.json")).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo comes with every system");
    std::fs::create_dir(house.file("folder.json")).unwrap();
    for _ in 0..20 {
        assert_ne!(house.get("/api/recaps/pipe").await.status(), 200);
        assert_ne!(house.get("/api/recaps/folder").await.status(), 200);
    }
    let deleted = house.client.delete(house.url("/api/recaps/folder")).send().await.unwrap();
    assert_eq!(deleted.status(), 404);
    assert!(house.file("folder.json").is_dir());
    assert_eq!(house.json("/api/recaps").await["total"], 1);
}
