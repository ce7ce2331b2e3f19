//! What an attack on the service found, each as a claim.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::service::{BOSS, Service, clock, multi, near};
use crate::support::publisher::{Page, Publisher};
use crate::support::{TALK, until};

const ADA: &str = "ada@tenants.example";

#[tokio::test(flavor = "multi_thread")]
async fn a_slip_in_what_a_stranger_sends_begins_no_trial() {
    let service = Service::new(json!({"trials_per_ip_lifetime": 1}), multi).await;
    let visitor = service.browser();
    for body in [json!({}), json!({"link": "no link"}), json!({"what": 1})] {
        let (status, said) = visitor.send(Method::POST, "/api/process", body).await;
        assert_eq!(status, 400, "{said}");
    }
    let request = visitor.request(Method::POST, "/api/process?name=a&name=b").body(TALK);
    assert_eq!(visitor.ask(request).await.status(), 400);
    assert!(visitor.cookie("recap_anon_trial").is_none());
    assert_eq!(service.count("SELECT count(*) FROM trials"), 0);
    assert_eq!(visitor.process("Bread.txt", TALK).await["stage"], "done");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recap_that_was_being_made_at_a_sign_up_comes_along_also_after_a_crash() {
    let publisher = Publisher::new().await;
    publisher.show("/feed", "The Bakery", 1);
    let slow = Page { kind: "text/plain", wait: Duration::from_secs(60), ..Page::default() };
    publisher.put("/1.txt", slow);
    let service = Service::new(json!({}), near).await;
    let ada = service.browser();
    let link = json!({"link": publisher.url("/feed")});
    let (status, said) = ada.send(Method::POST, "/api/process", link).await;
    assert_eq!(status, 202, "{said}");
    let scope = ada.json("/api/status").await["scope"].as_str().unwrap().to_owned();
    let letter = service.ask(&ada, ADA).await;
    let (status, said) =
        ada.send(Method::POST, "/api/session", json!({"token": letter.token})).await;
    assert_eq!(status, 204, "{said}");
    let cookie = ada.cookie("recap_session").unwrap();
    let (data, clock) = service.interrupt().await;
    publisher.show("/feed", "The Bakery", 1);
    let service = Service::over(data, clock, json!({}), &[], near).await;
    let ada = service.browser();
    ada.set_cookie("recap_session", &cookie);
    until("the recap", async || (ada.titles().await == ["Episode 1"]).then_some(())).await;
    until("the end of the trial's folder", async || {
        (!service.of(&scope, "").exists()).then_some(())
    })
    .await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_somebody_who_has_left_is_dropped_at_the_next_start() {
    let publisher = Publisher::new().await;
    publisher.show("/feed", "The Bakery", 1);
    let slow = Page { kind: "text/plain", wait: Duration::from_secs(60), ..Page::default() };
    publisher.put("/1.txt", slow);
    let service = Service::new(json!({}), near).await;
    let ada = service.person(ADA).await;
    let id = ada.id().await;
    let link = json!({"link": publisher.url("/feed")});
    let (status, said) = ada.send(Method::POST, "/api/process", link).await;
    assert_eq!(status, 202, "{said}");
    let work = service.data().join("work").join(&id);
    until("the job's folder", async || work.is_dir().then_some(())).await;
    let (data, clock) = service.interrupt().await;
    let work = data.path().join("work").join(&id);
    assert!(std::fs::read_dir(&work).unwrap().count() > 0, "it was interrupted");
    // As if it had been killed between the deletion and the files.
    crate::service::write(data.path(), "DELETE FROM users").await;
    let service = Service::over(data, clock, json!({}), &[], near).await;
    assert_eq!(service.daemon().app().jobs.open_count(), 0);
    assert_eq!(std::fs::read_dir(&work).map_or(0, Iterator::count), 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_interrupted_job_goes_on_also_where_new_ones_have_no_place() {
    let publisher = Publisher::new().await;
    publisher.show("/feed", "The Bakery", 1);
    let slow = Page { kind: "text/plain", wait: Duration::from_secs(60), ..Page::default() };
    publisher.put("/1.txt", slow);
    let service = Service::new(json!({}), near).await;
    let boss = service.person(BOSS).await;
    for _ in 0..recap::jobs::OPEN_MAX {
        let link = json!({"link": publisher.url("/feed")});
        let (status, said) = boss.send(Method::POST, "/api/process", link).await;
        assert_eq!(status, 202, "{said}");
    }
    let cookie = boss.cookie("recap_session").unwrap();
    let (data, clock) = service.interrupt().await;
    let service = Service::over(data, clock, json!({}), &[], near).await;
    let boss = service.browser();
    boss.set_cookie("recap_session", &cookie);
    assert_eq!(service.daemon().app().jobs.open_count(), recap::jobs::OPEN_MAX);
    let link = json!({"link": publisher.url("/feed")});
    let (status, said) = boss.send(Method::POST, "/api/process", link).await;
    assert_eq!(status, 429, "{said}");
    service.interrupt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_keeps_to_what_the_library_may_hold() {
    let row = json!({
        "subscriptions_max": 0, "open_queue_items_max": 1, "upload_bytes_max": 1_000_000,
        "storage_bytes_max": 1_000, "speech_minutes_daily_max": 0
    });
    let settings = json!({"tier_allowances": {"core": row}});
    let service = Service::over(tempfile::tempdir().unwrap(), clock(), settings, &[], multi).await;
    let ada = service.person(ADA).await;
    let archive = json!({"recap_library": 1, "recaps": {}, "more": "x".repeat(2_000)});
    let (status, said) = ada.send(Method::POST, "/api/library/import", archive).await;
    assert_eq!(status, 413, "{said}");
    assert_eq!(ada.json("/api/recaps").await["total"], 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_s_form_is_answered_with_a_page_when_nothing_is_left() {
    let service = Service::new(json!({"trials_per_ip_lifetime": 1}), multi).await;
    service.browser().process("Bread.txt", TALK).await;
    let next = service.browser();
    let request = next
        .request(Method::POST, "/api/process?name=a.txt")
        .header("accept", "text/html")
        .body(TALK);
    let answer = next.ask(request).await;
    assert_eq!(answer.status(), 402);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    service.stop().await;
}
