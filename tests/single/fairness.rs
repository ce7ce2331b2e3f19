//! Two tenants in memory: what one follows, queues and pays for is not the other's, feeds are fetched
//! once for both, and their items are made in turns.

use serde_json::{Value, json};

use super::support::publisher::Publisher;
use super::support::{House, twins, until};

async fn send(house: &House, who: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let method = method.parse().unwrap();
    let request = house.client.request(method, house.url(path)).json(&body);
    let answer = request.header("cookie", format!("twin={who}")).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

async fn queue(house: &House, who: &str) -> Vec<Value> {
    let (status, queue) = send(house, who, "GET", "/api/auto-queue", json!({})).await;
    assert_eq!(status, 200);
    queue["items"].as_array().unwrap().clone()
}

async fn over(mode: recap::daemon::ChooseMode, settings: Value) -> House {
    House::over(tempfile::tempdir().unwrap(), settings, mode).await
}

#[tokio::test]
async fn one_feed_that_many_follow_is_fetched_once_and_found_by_each_alone() {
    let (house, publisher) = (over(twins::choose_near, json!({})).await, Publisher::new().await);
    publisher.show("/feed", "The Bakery", 3);
    for who in ["ada", "ben"] {
        let line = json!({"subscriptions": [{"url": publisher.url("/feed")}]}).to_string();
        let folder = house.data().join("history").join(who);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("subscriptions.json"), line).unwrap();
    }
    for who in ["ada", "ben"] {
        until("three found", async || (queue(&house, who).await.len() == 3).then_some(())).await;
    }
    // Two folders may be noticed one after the other; the second one takes the cache's.
    assert_eq!(publisher.hits("/feed").len(), 1, "{:?}", publisher.hits("/feed"));
    let (status, all) = send(&house, "ada", "POST", "/api/auto-queue/approve-all", json!({})).await;
    assert_eq!((status, &all["changed"]), (200, &json!(3)));
    until("ada's three", async || {
        queue(&house, "ada").await.iter().all(|item| item["state"] == "done").then_some(())
    })
    .await;
    assert!(queue(&house, "ben").await.iter().all(|item| item["state"] == "found"));
    let (_, list) = send(&house, "ben", "GET", "/api/recaps", json!({})).await;
    assert_eq!(list["total"], 0);
    // Nothing of one is there for the other.
    let (_, list) = send(&house, "ada", "GET", "/api/subscriptions", json!({})).await;
    let id = list["subscriptions"][0]["id"].as_str().unwrap().to_owned();
    for (method, path) in [
        ("GET", format!("/api/subscriptions/{id}")),
        ("PATCH", format!("/api/subscriptions/{id}")),
        ("DELETE", format!("/api/subscriptions/{id}")),
        ("POST", format!("/api/subscriptions/{id}/check")),
        ("GET", format!("/api/subscriptions/{id}/episodes")),
    ] {
        assert_eq!(send(&house, "ben", method, &path, json!({})).await.0, 404, "{method} {path}");
    }
}

#[tokio::test]
async fn a_backlog_of_one_never_delays_the_other_s_next_episode() {
    let (house, publisher) = (over(twins::choose_near, json!({})).await, Publisher::new().await);
    publisher.show("/many", "Many", 12);
    publisher.show("/few", "Few", 2);
    for (who, feed) in [("ada", "/many"), ("ben", "/few")] {
        let body = json!({"url": publisher.url(feed), "newest_at_first": 12});
        assert_eq!(send(&house, who, "POST", "/api/subscriptions", body).await.0, 201);
        let count = if who == "ada" { 12 } else { 2 };
        until("found", async || (queue(&house, who).await.len() == count).then_some(())).await;
        send(&house, who, "PATCH", "/api/auto-queue", json!({"paused": true})).await;
        send(&house, who, "POST", "/api/auto-queue/approve-all", json!({})).await;
    }
    for who in ["ada", "ben"] {
        send(&house, who, "PATCH", "/api/auto-queue", json!({"paused": false})).await;
    }
    let mut order: Vec<(String, &str)> = Vec::new();
    for who in ["ada", "ben"] {
        let items = until("all done", async || {
            let items = queue(&house, who).await;
            items.iter().all(|item| item["state"] == "done").then_some(items)
        })
        .await;
        for item in items {
            order.push((item["changed_at"].as_str().unwrap().to_owned(), who));
        }
    }
    order.sort();
    // With one worker and turns, ben's two are done among the first five of fourteen.
    let last = order.iter().rposition(|(_, who)| *who == "ben").unwrap();
    assert!(last < 5, "{order:?}");
    until("the last job's end", async || {
        (house.daemon().app().jobs.open_count() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_credits_an_item_waits_and_says_so_and_nothing_is_taken() {
    let (house, publisher) = (over(twins::choose_poor, json!({})).await, Publisher::new().await);
    publisher.show("/feed", "The Bakery", 2);
    let body = json!({"url": publisher.url("/feed"), "auto_approve": true});
    assert_eq!(send(&house, "ada", "POST", "/api/subscriptions", body).await.0, 201);
    let items = until("one done and one that waits", async || {
        let items = queue(&house, "ada").await;
        let done = items.iter().any(|item| item["state"] == "done");
        let waits = items.iter().any(|item| item["reason"]["code"] == "credits");
        (done && waits).then_some(items)
    })
    .await;
    let waits = items.iter().find(|item| item["waiting"] == true).unwrap();
    assert_eq!((&waits["state"], &waits["attempt"]), (&json!("approved"), &json!(0)), "{waits}");
    until("the job's end", async || (house.daemon().app().jobs.open_count() == 0).then_some(()))
        .await;
}
