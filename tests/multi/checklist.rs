//! The on-device checklist of `per-tenant-subscriptions-plan.txt`, all six points, without a device.

use recap::config::Environment;
use reqwest::Method;
use serde_json::{Value, json};

use crate::relay::{FakeRelay, OPERATOR_KEY};
use crate::service::{BOSS, Browser, Service, clock, near, write};
use crate::support::publisher::{Page, Publisher};
use crate::support::{House, TALK, single, start_with, until};

/// A service with two tenants who bought Pro and an admin, before a relay that owns the tiers.
struct Scene {
    service: Service,
    publisher: Publisher,
    relay: FakeRelay,
    boss: Browser,
    ada: Browser,
    ben: Browser,
    ada_id: String,
    ben_id: String,
}

async fn over(data: tempfile::TempDir, relay: &FakeRelay) -> Service {
    let more = json!({"relay_url": relay.base, "queue_pause_secs": 0});
    let variables = [("RECAP_RELAY_OPERATOR_KEY", OPERATOR_KEY)];
    Service::over(data, clock(), more, &variables, near).await
}

async fn scene() -> Scene {
    let (publisher, relay) = (Publisher::new().await, FakeRelay::new().await);
    publisher.show("/feed", "The Bakery", 3);
    let service = over(tempfile::tempdir().unwrap(), &relay).await;
    let boss = service.person(BOSS).await;
    let (ada, ada_id) = service.pro(&boss, "ada@tenants.example").await;
    let (ben, ben_id) = service.pro(&boss, "ben@tenants.example").await;
    Scene { service, publisher, relay, boss, ada, ben, ada_id, ben_id }
}

fn titles(items: &[(String, String, String)]) -> Vec<&str> {
    items.iter().map(|(title, ..)| title.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checklist_holds_for_two_tenants_and_an_admin() {
    let scene = scene().await;
    a_follows_and_b_sees_nothing(&scene).await;
    a_s_episode_is_made_as_a(&scene).await;
    the_operator_s_own_still_work(&scene).await;
    what_is_known_is_known_to_one_scope(&scene).await;
    what_was_being_made_goes_on_for_its_owner(scene).await;
    single_mode_is_unaffected().await;
}

/// 1. Tenant A subscribes to a channel; tenant B sees nothing of A's.
async fn a_follows_and_b_sees_nothing(scene: &Scene) {
    let Scene { service, ada, ben, boss, .. } = scene;
    let subscription = ada.follow(&scene.publisher.url("/feed")).await;
    assert_eq!(titles(&ada.found(3).await), ["Episode 1", "Episode 2", "Episode 3"]);
    for other in [ben, boss] {
        let list = other.json("/api/subscriptions").await;
        assert_eq!(list["subscriptions"], json!([]), "{list}");
        assert_eq!(other.queue().await, []);
        for path in ["", "/episodes"] {
            let path = format!("/api/subscriptions/{subscription}{path}");
            assert_eq!(other.status(Method::GET, &path).await, 404, "{path}");
        }
    }
    assert!(service.of(&scene.ada_id, "subscriptions.json").exists());
    for scope in [scene.ben_id.as_str(), "owner"] {
        for name in ["subscriptions.json", "auto-queue.json", "seen-list.json"] {
            assert!(!service.of(scope, name).exists(), "{scope} has {name}");
        }
    }
}

/// 2. A's discovered episode appears only in A's queue; approving it summarizes under A: A's
///    credits, A's library, A's identity at the relay.
///
/// Transcribing does not go through the relay yet, so what can be counted of its pools is in whose
/// name it is called for tiers: A's and B's, with the operator's key, and nobody else's.
async fn a_s_episode_is_made_as_a(scene: &Scene) {
    let Scene { service, ada, ben, boss, relay, .. } = scene;
    let before = (ada.credits().await, ben.credits().await);
    ada.decide("Episode 2", "approve").await;
    let done = ada.item("Episode 2", "done").await;
    assert_eq!(ada.titles().await, ["Episode 2"]);
    assert_eq!((ada.credits().await, ben.credits().await), (before.0 - 1, before.1));
    let journal = ada.json("/api/account/journal").await;
    assert_eq!(journal["entries"][0]["kind"], "debit", "{journal}");
    let path = format!("/api/recaps/{}", done["recap"].as_str().unwrap());
    for other in [ben, boss] {
        assert_eq!(other.titles().await, [""; 0]);
        assert_eq!(other.queue().await, []);
        assert_eq!(other.status(Method::GET, &path).await, 404);
    }
    service.no_pass_is_left().await;
    let calls = relay.calls();
    let names: Vec<&String> = calls.keys().collect();
    let mut tenants = [&scene.ada_id, &scene.ben_id];
    tenants.sort();
    assert_eq!(names, tenants, "the operator's own pool is nobody's");
    assert_eq!(relay.strangers(), 0);
    assert_eq!(relay.tier(&scene.ada_id).unwrap()["tier"], "pro");
}

/// 3. The operator's own subscriptions still discover and auto-process.
async fn the_operator_s_own_still_work(scene: &Scene) {
    let Scene { service, publisher, ada, boss, .. } = scene;
    publisher.show("/desk", "The Desk", 1);
    let body = json!({"url": publisher.url("/desk"), "auto_approve": true});
    let (status, said) = boss.send(Method::POST, "/api/subscriptions", body).await;
    assert_eq!(status, 201, "{said}");
    boss.item("Episode 1", "done").await;
    assert_eq!(boss.titles().await, ["Episode 1"]);
    assert!(service.of("owner", "subscriptions.json").exists());
    assert_eq!(boss.json("/api/account").await["balance"], Value::Null, "it costs them nothing");
    assert_eq!(ada.titles().await, ["Episode 2"]);
}

/// 4. A video already in A's library is not re-queued for A; the same can still be queued for B.
async fn what_is_known_is_known_to_one_scope(scene: &Scene) {
    let Scene { publisher, ada, ben, service, .. } = scene;
    // A's queue and lists forget everything; the library alone knows.
    let list = ada.json("/api/subscriptions").await;
    let id = list["subscriptions"][0]["id"].as_str().unwrap();
    assert_eq!(ada.status(Method::DELETE, &format!("/api/subscriptions/{id}")).await, 204);
    for name in ["auto-queue.json", "seen-list.json"] {
        std::fs::remove_file(service.of(&scene.ada_id, name)).unwrap();
    }
    until("the empty queue", async || ada.queue().await.is_empty().then_some(())).await;
    ada.follow(&publisher.url("/feed")).await;
    assert_eq!(titles(&ada.found(2).await), ["Episode 1", "Episode 3"]);
    ben.follow(&publisher.url("/feed")).await;
    assert_eq!(titles(&ben.found(3).await), ["Episode 1", "Episode 2", "Episode 3"]);
    ben.decide("Episode 2", "approve").await;
    ben.item("Episode 2", "done").await;
    let (status, report) = ada.send(Method::POST, "/api/subscriptions/check", json!({})).await;
    assert_eq!((status, &report["found"]), (200, &json!(0)), "{report}");
}

/// 5. Crash-recovery: items stuck `processing` resume under the right owner.
async fn what_was_being_made_goes_on_for_its_owner(scene: Scene) {
    let Scene { service, publisher, relay, ada, ben, ada_id, ben_id, .. } = scene;
    let slow = |n: u32, wait: u64| {
        let body = TALK.replace("two loaves", &format!("{n} loaves"));
        let wait = std::time::Duration::from_secs(wait);
        publisher
            .put(&format!("/{n}.txt"), Page { kind: "text/plain", body, wait, ..Page::default() });
    };
    slow(1, 30);
    slow(3, 30);
    ada.decide("Episode 3", "approve").await;
    ben.decide("Episode 1", "approve").await;
    // One at a time by default: one is being made, the other waits for it.
    until("one is being made", async || {
        let mut states = ada.queue().await;
        states.extend(ben.queue().await);
        states.iter().any(|(_, state, _)| state == "processing").then_some(())
    })
    .await;
    let before = (ada.credits().await, ben.credits().await);
    let cookies = [&ada, &ben].map(|person| person.cookie("recap_session").unwrap());
    let (data, _) = service.interrupt().await;
    // As a killed process leaves it: both `processing`, and a pass that nobody took back.
    for (scope, title) in [(&ada_id, "Episode 3"), (&ben_id, "Episode 1")] {
        let path = data.path().join("history").join(scope).join("auto-queue.json");
        let text = std::fs::read_to_string(&path).unwrap();
        let mut queue: Value = serde_json::from_str(&text).unwrap();
        let items = queue["items"].as_array_mut().unwrap();
        let item = items.iter_mut().find(|item| item["title"] == title).unwrap();
        item["state"] = json!("processing");
        if !item["job"].is_string() {
            item["job"] = json!("20261120-00000000000000aa");
        }
        std::fs::write(&path, serde_json::to_string_pretty(&queue).unwrap()).unwrap();
    }
    let passes = "INSERT INTO sessions
        SELECT zeroblob(32), 'left', user_id, 'pass', created_at, expires_at, last_seen_at, ''
        FROM sessions LIMIT 1";
    assert_eq!(write(data.path(), passes).await, 1);
    slow(1, 0);
    slow(3, 0);
    let service = over(data, &relay).await;
    service.no_pass_is_left().await;
    let [ada, ben] = cookies.map(|cookie| {
        let browser = service.browser();
        browser.set_cookie("recap_session", &cookie);
        browser
    });
    ada.item("Episode 3", "done").await;
    ben.item("Episode 1", "done").await;
    assert_eq!(ada.titles().await, ["Episode 2", "Episode 3"]);
    assert_eq!(ben.titles().await, ["Episode 1", "Episode 2"]);
    for (person, before) in [(&ada, before.0), (&ben, before.1)] {
        let (now, was) = (person.credits().await, before);
        assert!(now == was || now == was - 1, "paid once, before or after: {was} to {now}");
    }
    assert_eq!((ada.credits().await, ben.credits().await), (3, 3), "two recaps each, paid once");
    service.no_pass_is_left().await;
    service.stop().await;
}

/// 6. Single mode unaffected: no sign-in, no cookie, no database, and following works.
async fn single_mode_is_unaffected() {
    let publisher = Publisher::new().await;
    publisher.show("/feed", "The Bakery", 1);
    let data = tempfile::tempdir().unwrap();
    let flags = json!({"listen": "127.0.0.1:0"}).as_object().unwrap().clone();
    let daemon = start_with(data.path(), Environment::default(), flags, single).await.unwrap();
    let house = House::of(data, daemon);
    let body = json!({"url": publisher.url("/feed"), "auto_approve": true});
    let answer =
        house.client.post(house.url("/api/subscriptions")).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    assert!(answer.headers().get("set-cookie").is_none());
    until("the recap", async || {
        let queue = house.json("/api/auto-queue").await;
        (queue["items"][0]["state"] == "done").then_some(())
    })
    .await;
    assert_eq!(house.json("/api/recaps").await["total"], 1);
    for path in ["/welcome", "/account", "/api/account", "/api/admin/tenants"] {
        assert_eq!(house.get(path).await.status(), 404, "{path}");
    }
    let data = house.stop().await;
    for (name, _) in crate::support::tree(data.path()) {
        assert!(!name.starts_with("recap.db"), "{name}");
        assert!(
            !name.starts_with("history/")
                || name.starts_with("history/owner/")
                || name.starts_with("history/."),
            "{name}"
        );
    }
}
