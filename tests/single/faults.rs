//! What Recap survives: being killed at any moment, and a disk without room.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{House, TALK, client, ended, in_background, single, tree, until};

/// Rounds of killing: enough to hit every step now and then.
const ROUNDS: usize = 20;

pub struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The built program on a free port; killed when it is dropped.
pub async fn serve(data: &Path) -> (Killed, String) {
    serve_telling(data, Stdio::null()).await
}

/// The same, with a place for its log.
pub async fn serve_telling(data: &Path, log: impl Into<Stdio>) -> (Killed, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let base = format!("http://127.0.0.1:{port}");
    let child = Command::new(env!("CARGO_BIN_EXE_recap"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(data)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let killed = Killed(child);
    let client = client();
    until("the daemon", async || {
        client.get(format!("{base}/api/health")).send().await.ok().map(drop)
    })
    .await;
    (killed, base)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_every_acknowledged_edit_is_there_and_no_file_is_half() {
    let house = House::new().await;
    let id = house.a_recap().await;
    let data = house.stop().await;
    let path = data.path().join("history/owner").join(format!("{id}.json"));
    let mut acknowledged = 0_u64;
    for round in 0..ROUNDS {
        let (mut daemon, base) = serve(data.path()).await;
        let stop = Arc::new(AtomicBool::new(false));
        let (over, from) = (stop.clone(), acknowledged);
        let url = format!("{base}/api/recaps/{id}");
        let writer = in_background(async move {
            let client = client();
            let mut n = from;
            while !over.load(Ordering::SeqCst) {
                let title = format!("Edit {}", n + 1);
                match client.patch(&url).json(&json!({"title": title})).send().await {
                    Ok(answer) if answer.status() == 200 => n += 1,
                    _ => break,
                }
            }
            n
        });
        // A different moment each round: from the middle of the first edit on.
        tokio::time::sleep(Duration::from_millis(31 * (round as u64 % 10) + 11)).await;
        daemon.0.kill().unwrap();
        daemon.0.wait().unwrap();
        stop.store(true, Ordering::SeqCst);
        acknowledged = writer.await.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let recap: Value = serde_json::from_str(&text).expect("the file is whole");
        let there: u64 = recap["title"]
            .as_str()
            .unwrap()
            .strip_prefix("Edit ")
            .map_or(0, |n| n.parse().unwrap());
        // One more may have been written than was acknowledged, never one less.
        assert!(
            there == acknowledged || there == acknowledged + 1,
            "{there} after {acknowledged} were acknowledged"
        );
        acknowledged = there;
    }
    assert!(acknowledged > 10, "only {acknowledged} edits were made: the test tests nothing");
    let checked = Command::new(env!("CARGO_BIN_EXE_recap"))
        .args(["check", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    assert!(checked.status.success());
    let house = House::over(data, json!({}), single).await;
    assert_eq!(house.json("/api/recaps").await["total"], 1);
    house.interrupt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_a_recap_is_made_it_is_made_once_after_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let mut wanted = 0;
    for round in 0..ROUNDS / 2 {
        let (mut daemon, base) = serve(data.path()).await;
        let answer = client()
            .post(format!("{base}/api/process?name=talk.txt"))
            .body(TALK)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 202);
        wanted += 1;
        tokio::time::sleep(Duration::from_millis(4 * round as u64)).await;
        daemon.0.kill().unwrap();
        daemon.0.wait().unwrap();
    }
    let house = House::over(data, json!({}), single).await;
    until("the recaps", async || {
        (house.json("/api/recaps").await["total"] == wanted).then_some(())
    })
    .await;
    until("the jobs' end", async || (house.daemon().app().jobs.open_count() == 0).then_some(()))
        .await;
    assert_eq!(house.json("/api/recaps").await["total"], wanted, "each once");
    // A temporary of a killed process stays for an hour: another program might be writing it.
    let data = house.interrupt().await;
    let left: Vec<String> = tree(data.path())
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("work/"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A small file system of our own, where this machine lets us.
pub struct Small(PathBuf);

impl Small {
    /// Over a folder that is there.
    pub fn mount(kib: u64, folder: &Path) -> Option<Small> {
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])
            .arg(folder)
            .stderr(Stdio::null())
            .status();
        if !done.is_ok_and(|status| status.success()) {
            println!("No file system can be mounted here; this test is skipped.");
            return None;
        }
        Some(Small(folder.to_owned()))
    }
}

/// Fills a small file system until nothing more can be written.
pub fn fill(folder: &Path) {
    std::fs::write(folder.join("ballast"), vec![1; 64 * 1024 * 1024]).unwrap_err();
}

/// Takes back what filled it.
pub fn free(folder: &Path) {
    std::fs::remove_file(folder.join("ballast")).unwrap();
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_gets_a_sentence_reads_go_on_deleting_works_and_it_heals() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = Small::mount(1024, folder.path()) else { return };
    let data = folder.path().join("data");
    let daemon = crate::support::start(&data, json!({}), single).await.unwrap();
    let (client, base) = (client(), format!("http://{}", daemon.address()));
    let send = async || {
        let answer = client
            .post(format!("{base}/api/process?name=talk.txt"))
            .body(TALK)
            .send()
            .await
            .unwrap();
        if answer.status() != 202 {
            return answer.json::<Value>().await.unwrap();
        }
        let job = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
        ended(&client, &base, &job, "").await
    };
    let first = send().await;
    let id = first["recap"].as_str().unwrap().to_owned();
    fill(folder.path());
    let full = send().await;
    assert_eq!(full["error"]["kind"], "storage_full", "{full}");
    let edit = client
        .patch(format!("{base}/api/recaps/{id}"))
        .json(&json!({"title": "x"}))
        .send()
        .await
        .unwrap();
    assert_eq!(edit.status(), 507);
    assert!(edit.text().await.unwrap().contains("deleting recaps works"));
    assert_eq!(
        client.get(format!("{base}/api/recaps/{id}")).send().await.unwrap().status(),
        200,
        "reads go on"
    );
    let deleted = client.delete(format!("{base}/api/recaps/{id}")).send().await.unwrap();
    assert_eq!(deleted.status(), 200);
    free(folder.path());
    assert_eq!(send().await["stage"], "done", "it heals without a restart");
    daemon.stop().await;
}

/// How often a busy round or a busy processor is killed here; an issue's full count is asked for with
/// `RECAP_KILLS`.
#[expect(clippy::disallowed_methods, reason = "a test's own variable, not the daemon's")]
fn kills() -> usize {
    std::env::var_os("RECAP_KILLS").and_then(|n| n.to_str()?.parse().ok()).unwrap_or(12)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_a_busy_round_and_a_busy_queue_nothing_is_lost_doubled_or_half() {
    use crate::support::publisher::Publisher;
    const SHOWS: u32 = 6;
    let publisher = Publisher::new().await;
    let data = tempfile::tempdir().unwrap();
    let owner = data.path().join("history/owner");
    std::fs::create_dir_all(&owner).unwrap();
    let mut count = 2;
    let publish = |count: u32| {
        for n in 0..SHOWS {
            publisher.show(&format!("/{n}/feed"), &format!("Show {n}"), count);
        }
    };
    publish(count);
    let lines: Vec<Value> = (0..SHOWS)
        .map(|n| {
            json!({"url": publisher.url(&format!("/{n}/feed")), "auto_approve": n % 2 == 0,
            "auto_approve_per_day_max": 1000, "newest_at_first": 1000})
        })
        .collect();
    let list = json!({"format": 1, "subscriptions": lines}).to_string();
    std::fs::write(owner.join("subscriptions.json"), list).unwrap();
    for kill in 0..kills() {
        let (mut daemon, base) = serve(data.path()).await;
        // A new episode a show now and then, and a round that finds them, beside the boot's own.
        if kill % 3 == 2 {
            count += 1;
            publish(count);
        }
        let url = format!("{base}/api/subscriptions/check");
        let checking = in_background(async move { client().post(url).send().await.map(drop) });
        let pause = 23 * (kill as u64 * 7 % 31) + 3;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        daemon.0.kill().unwrap();
        daemon.0.wait().unwrap();
        let _ = checking.await.unwrap();
        for name in ["subscriptions", "auto-queue", "seen-list", "skip-list", "feed-state"] {
            let path = owner.join(format!("{name}.json"));
            if let Ok(text) = std::fs::read_to_string(&path) {
                serde_json::from_str::<Value>(&text)
                    .unwrap_or_else(|error| panic!("{name} after kill {kill}: {error}\n{text}"));
            }
        }
    }
    let house = House::over(data, json!({}), single).await;
    // As long as something moves, it is waited for.
    let mut last = Value::Null;
    let counts = loop {
        let again = until("something to move", async || {
            let check = house.client.post(house.url("/api/subscriptions/check"));
            let answer = check.send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let report: Value = answer.json().await.unwrap();
            assert_eq!(report["failed_count"], 0, "{report}");
            let counts = house.json("/api/auto-queue?limit=1").await["counts"].clone();
            let at_rest = report["found"] == 0
                && ["approved", "processing"].iter().all(|state| counts[*state] == 0);
            (counts != last || at_rest).then_some((counts, at_rest))
        })
        .await;
        last = again.0.clone();
        if again.1 {
            break again.0;
        }
    };
    let (found, done) = (counts["found"].as_u64().unwrap(), counts["done"].as_u64().unwrap());
    let half = u64::from(SHOWS / 2 * count);
    let queue = std::fs::read_to_string(house.file("auto-queue.json")).unwrap();
    let says = house.json("/api/subscriptions").await;
    assert_eq!((found, done), (half, half), "{counts} {says} {queue}");
    // Each found once, each made once, each in the seen list once.
    let queue: Value = serde_json::from_str(&queue).unwrap();
    let mut ids: Vec<&str> =
        queue["items"].as_array().unwrap().iter().filter_map(|item| item["id"].as_str()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an episode stands in the queue twice");
    let mut episodes: Vec<String> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = house.json(&format!("/api/recaps?limit=200{cursor}")).await;
        for recap in page["recaps"].as_array().unwrap() {
            episodes.push(recap["episode"]["id"].as_str().unwrap().to_owned());
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let made = episodes.len() as u64;
    episodes.sort_unstable();
    episodes.dedup();
    assert_eq!((made, episodes.len() as u64), (done, done), "each recap once");
    let seen = std::fs::read_to_string(house.file("seen-list.json")).unwrap();
    assert_eq!(seen.matches(" offered ").count(), (SHOWS * count) as usize);
    until("the last job's end", async || {
        (house.daemon().app().jobs.open_count() == 0).then_some(())
    })
    .await;
    let data = house.interrupt().await;
    let left: Vec<String> = tree(data.path())
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| {
            name.starts_with("work/") || name.ends_with(".tmp") || name.ends_with(".part")
        })
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
