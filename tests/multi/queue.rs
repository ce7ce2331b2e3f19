//! The queue and the rounds of tenants: whose credits, whose sign-in, and what pauses.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::log;
use crate::relay::{FakeRelay, OPERATOR_KEY};
use crate::service::{
    BOSS, Browser, Service, clock, count, near, near_with_expired_passes, near_with_wrong_passes,
    write,
};
use crate::support::publisher::Publisher;
use crate::support::until;

const ADA: &str = "ada@tenants.example";

const PASSES: &str = "SELECT count(*) FROM sessions WHERE kind = 'pass'";

/// A service with its admin, a tenant with Pro, and a publisher whose show the tenant follows.
async fn scene(
    more: Value,
    mode: recap::daemon::ChooseMode,
) -> (Service, Publisher, Browser, Browser) {
    let publisher = Publisher::new().await;
    publisher.show("/feed", "The Bakery", 3);
    let service = Service::new(more, mode).await;
    let boss = service.person(BOSS).await;
    let (ada, _) = service.pro(&boss, ADA).await;
    ada.follow(&publisher.url("/feed")).await;
    ada.found(3).await;
    (service, publisher, boss, ada)
}

async fn waits_for(who: &Browser, title: &str, code: &str) -> Value {
    until(&format!("{title} that waits for {code}"), async || {
        let queue = who.json("/api/auto-queue").await;
        let items = queue["items"].as_array().unwrap();
        items.iter().find(|item| item["title"] == title && item["reason"]["code"] == code).cloned()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapse_pauses_rounds_and_queue_deletes_nothing_and_a_renewal_goes_on() {
    let (service, publisher, boss, ada) = scene(json!({"queue_pause_secs": 0}), near).await;
    let id = ada.id().await;
    let end = "2026-11-20T12:00:00Z";
    service.set_tier(&boss, &id, "pro", Some(end)).await;
    service.advance(TimeDelta::hours(2) - TimeDelta::milliseconds(1));
    ada.decide("Episode 1", "approve").await;
    ada.item("Episode 1", "done").await;
    service.advance(TimeDelta::milliseconds(1));
    let may = async || ada.json("/api/status").await["entitlements"].to_string();
    assert!(!may().await.contains("subscriptions"), "at its very end it is over");
    ada.decide("Episode 2", "approve").await;
    let (status, said) = ada.send(Method::POST, "/api/subscriptions/check", json!({})).await;
    assert_eq!((status, &said["error"]["kind"]), (402, &json!("not_entitled")), "{said}");
    let files = ["subscriptions.json", "auto-queue.json", "seen-list.json"];
    let kept = || files.map(|name| std::fs::read_to_string(service.of(&id, name)).unwrap());
    let (before, asked) = (kept(), publisher.hits("/feed").len());
    // A round and a turn of the queue pass meanwhile: the operator's.
    publisher.show("/feed", "The Bakery", 4);
    publisher.show("/desk", "The Desk", 1);
    let body = json!({"url": publisher.url("/desk"), "auto_approve": true});
    assert_eq!(boss.send(Method::POST, "/api/subscriptions", body).await.0, 201);
    boss.item("Episode 1", "done").await;
    assert_eq!(kept(), before, "nothing of theirs was touched");
    assert_eq!(publisher.hits("/feed").len(), asked, "their show rests");
    assert_eq!(ada.titles().await, ["Episode 1"], "what was made can be read");
    service.set_tier(&boss, &id, "pro", Some("2026-12-20T12:00:00Z")).await;
    service.wake();
    service.daemon().app().check_wake.notify_one();
    ada.item("Episode 2", "done").await;
    ada.item("Episode 4", "found").await;
    assert!(may().await.contains("subscriptions"));
    service.no_pass_is_left().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_credits_an_item_waits_says_for_what_and_goes_on_by_itself() {
    let more = json!({"tenant_default_credits": 0});
    let (service, _publisher, boss, ada) = scene(more, near).await;
    ada.decide("Episode 2", "approve").await;
    let item = waits_for(&ada, "Episode 2", "credits").await;
    assert_eq!(item["state"], "approved", "{item}");
    assert!(item["reason"]["message"].as_str().unwrap().len() > 20, "{item}");
    service.no_pass_is_left().await;
    let asked = ada.send(Method::POST, "/api/process", json!({"text": "words"})).await;
    assert_eq!(asked.0, 402, "a person is told at once: {}", asked.1);
    let details = &asked.1["error"]["details"];
    assert_eq!((&details["reason"], &details["total"]), (&json!("no_credits"), &json!(0)));
    let path = format!("/api/admin/tenants/{}/credits", ada.id().await);
    let body = json!({"amount": 1, "reason": "a gift"});
    assert_eq!(boss.send(Method::POST, &path, body).await.0, 200);
    service.advance(TimeDelta::hours(1));
    ada.item("Episode 2", "done").await;
    assert_eq!(ada.credits().await, 0);
    service.no_pass_is_left().await;
    let (data, _) = service.stop().await;
    assert_eq!(count(data.path(), PASSES), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_or_expired_pass_is_a_401_and_the_item_has_failed() {
    for mode in [near_with_wrong_passes, near_with_expired_passes] {
        let (service, _publisher, _boss, ada) = scene(json!({}), mode).await;
        ada.decide("Episode 2", "approve").await;
        let item = ada.item("Episode 2", "failed").await;
        let said = item["reason"]["message"].as_str().unwrap();
        assert!(said.contains("sign-in is over"), "{item}");
        assert_eq!(ada.credits().await, 5, "nothing was paid");
        assert_eq!(ada.titles().await, [""; 0]);
        service.no_pass_is_left().await;
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_a_killed_process_left_is_ended_at_boot_and_people_stay_signed_in() {
    let service = Service::new(json!({}), near).await;
    let ada = service.person(ADA).await;
    let cookie = ada.cookie("recap_session").unwrap();
    let (data, clock) = service.stop().await;
    let left = "INSERT INTO sessions
        SELECT zeroblob(32), 'left', user_id, 'pass', created_at, expires_at, last_seen_at, ''
        FROM sessions";
    assert_eq!(write(data.path(), left).await, 1);
    let service = Service::over(data, clock, json!({}), &[], near).await;
    assert_eq!(service.count(PASSES), 0);
    let ada = service.browser();
    ada.set_cookie("recap_session", &cookie);
    assert_eq!(ada.json("/api/account").await["email"], ADA);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_any_admin_exists_the_owner_s_items_wait_and_then_go_on() {
    log::keep();
    let publisher = Publisher::new().await;
    publisher.show("/feed", "The Bakery", 1);
    let data = tempfile::tempdir().unwrap();
    let owner = data.path().join("history/owner");
    std::fs::create_dir_all(&owner).unwrap();
    let list = json!({"subscriptions": [{"url": publisher.url("/feed"), "auto_approve": true}]});
    std::fs::write(owner.join("subscriptions.json"), list.to_string()).unwrap();
    let place = "https://waiting.example";
    let more = json!({"admin_email": null, "public_url": place});
    let service = Service::over(data, clock(), more, &[], near).await;
    let waiting = until("an item that waits", async || {
        let text = std::fs::read_to_string(service.of("owner", "auto-queue.json")).ok()?;
        let queue: Value = serde_json::from_str(&text).ok()?;
        let item = queue["items"].get(0)?.clone();
        item["reason"]["message"].as_str()?.contains("Nobody can sign in").then_some(item)
    })
    .await;
    assert_eq!(waiting["state"], "approved", "{waiting}");
    let token = crate::sign_in::set_up_token(place).await;
    let boss = service.browser();
    let body = json!({"token": token, "email": BOSS});
    assert_eq!(boss.send(Method::POST, "/api/set-up", body).await.0, 204);
    service.advance(TimeDelta::minutes(1));
    boss.item("Episode 1", "done").await;
    service.no_pass_is_left().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_owns_the_tiers_and_one_that_is_away_changes_nothing() {
    let relay = FakeRelay::new().await;
    let more = json!({"relay_url": relay.base});
    let variables = [("RECAP_RELAY_OPERATOR_KEY", OPERATOR_KEY)];
    let service =
        Service::over(tempfile::tempdir().unwrap(), clock(), more, &variables, near).await;
    let boss = service.person(BOSS).await;
    let ada = service.person(ADA).await;
    let id = ada.id().await;
    let tier = async || ada.json("/api/account").await["effective_tier"].clone();
    assert_eq!(tier().await, "core");
    // Bought at the relay: seen when what was told is old.
    relay.put(&id, "pro", Some("2026-11-20T12:00:00Z"));
    assert_eq!(tier().await, "core");
    service.advance(TimeDelta::minutes(5));
    assert_eq!(tier().await, "pro");
    let calls = relay.calls()[&id];
    for _ in 0..20 {
        assert_eq!(tier().await, "pro");
    }
    assert_eq!(relay.calls()[&id], calls, "it is not asked at every look");
    relay.go_away();
    service.advance(TimeDelta::minutes(30));
    assert_eq!(tier().await, "pro", "as last known");
    assert_eq!(boss.json("/api/account").await["is_admin"], true);
    let body = json!({"tier": "max"});
    let path = format!("/api/admin/tenants/{id}/tier");
    let (status, said) = boss.send(Method::PUT, &path, body).await;
    assert_eq!((status, &said["error"]["kind"]), (502, &json!("upstream")), "{said}");
    assert_eq!(tier().await, "pro", "what the relay did not take is not set here either");
    service.advance(TimeDelta::hours(2));
    assert_eq!(tier().await, "core", "over at its end, whoever is away");
    service.stop().await;
}
