//! Signing in and up, and what an account's beginning and end do to its files.

use std::collections::BTreeSet;
use std::io::Read;

use chrono::TimeDelta;
use futures_util::future::join;
use reqwest::Method;
use serde_json::{Value, json};

use crate::log;
use crate::service::{BOSS, Browser, Letter, Service, clock, multi};
use crate::support::{TALK, until};

const ADA: &str = "ada@tenants.example";
const BEN: &str = "ben@tenants.example";

async fn service() -> Service {
    Service::new(json!({}), multi).await
}

/// The path of a link, as the person's browser asks this daemon for it.
fn path_of(letter: &Letter) -> String {
    letter.link.strip_prefix("https://recap.example").unwrap().to_owned()
}

async fn use_token(browser: &Browser, token: &str) -> u16 {
    browser.send(Method::POST, "/api/session", json!({"token": token})).await.0
}

async fn use_code(browser: &Browser, code: &str) -> u16 {
    browser.send(Method::POST, "/api/session", json!({"code": code})).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_signs_nobody_in_until_its_button_is_pressed_and_then_once() {
    let service = service().await;
    let (asking, scanner, other) = (service.browser(), service.browser(), service.browser());
    let letter = service.ask(&asking, ADA).await;
    let path = path_of(&letter);
    for browser in [&scanner, &asking, &scanner] {
        for method in [Method::GET, Method::HEAD] {
            let answer = browser.ask(browser.request(method, &path)).await;
            assert_eq!(answer.status(), 200);
            assert!(browser.cookie("recap_session").is_none());
        }
        assert_eq!(browser.status(Method::GET, "/api/account").await, 401);
    }
    let page = scanner.request(Method::GET, &path).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("method=\"post\"") && page.contains("/api/session"), "{page}");
    assert!(page.contains(ADA), "the page says as whom");
    assert_eq!(service.count("SELECT count(*) FROM sessions"), 0);
    assert_eq!(service.count("SELECT count(*) FROM users"), 0);
    let press = || {
        let form = [("token", letter.token.as_str()), ("next", "//evil.example")];
        other.request(Method::POST, "/api/session").form(&form)
    };
    let answer = other.ask(press()).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (303, &"/".parse().unwrap())
    );
    assert_eq!(other.json("/api/account").await["email"], ADA);
    let again = scanner
        .ask(scanner.request(Method::POST, "/api/session").form(&[("token", &letter.token)]));
    assert_eq!(again.await.status(), 401);
    assert_eq!(use_token(&asking, &letter.token).await, 401);
    assert_eq!(asking.status(Method::GET, &path).await, 401, "the page of a used link");
    // A link that nobody used is over after ten minutes.
    let letter = service.ask(&asking, BEN).await;
    service.advance(TimeDelta::minutes(10));
    assert_eq!(use_token(&asking, &letter.token).await, 401);
    assert_eq!(service.count("SELECT count(*) FROM users"), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_works_in_the_browser_that_asked_and_in_no_other() {
    let service = service().await;
    let (asking, other) = (service.browser(), service.browser());
    let letter = service.ask(&asking, ADA).await;
    service.ask(&other, BEN).await;
    assert_eq!(use_code(&service.browser(), &letter.code).await, 401, "no cookie");
    assert_eq!(use_code(&other, &letter.code).await, 401, "another's cookie");
    assert_eq!(use_code(&asking, &letter.code.to_lowercase().replace('-', " ")).await, 204);
    assert_eq!(asking.json("/api/account").await["email"], ADA);
    assert!(asking.cookie("recap_asked").is_none(), "it has done its work");
    assert_eq!(use_code(&asking, &letter.code).await, 401, "once");
    assert_eq!(use_token(&other, &letter.token).await, 401, "nor its link after it");
    // Guessing ends with the code itself.
    let guessing = service.browser();
    let letter = service.ask(&guessing, ADA).await;
    for _ in 0..5 {
        assert_eq!(use_code(&guessing, "2222-2222").await, 401);
    }
    assert_eq!(use_code(&guessing, &letter.code).await, 401);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_signs_in_and_each_sign_in_can_be_seen_and_ended() {
    let service = service().await;
    let first = service.person(ADA).await;
    let by_password = |password: &'static str, email: &'static str| {
        let browser = service.browser();
        async move {
            let body = json!({"email": email, "password": password});
            let answer = browser.send(Method::POST, "/api/session", body).await;
            (browser, answer)
        }
    };
    assert_eq!(by_password("correct horse battery", ADA).await.1.0, 401, "none is set");
    let stale = service.person(ADA).await;
    let set = json!({"password": "correct horse battery"});
    assert_eq!(first.send(Method::PUT, "/api/account/password", set).await.0, 204);
    assert_eq!(stale.status(Method::GET, "/api/account").await, 401, "others end");
    let (second, (status, _)) = by_password("correct horse battery", ADA).await;
    assert_eq!(status, 204);
    let wrong = by_password("correct horse batterx", ADA).await.1;
    let unknown = by_password("correct horse battery", "nobody@tenants.example").await.1;
    assert_eq!((wrong.0, &wrong), (401, &unknown), "nobody learns who has an account");
    let list = first.json("/api/sessions").await;
    let ids: BTreeSet<&str> = list["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2, "{list}");
    assert!(ids.contains(list["this"].as_str().unwrap()));
    let before = first.cookie("recap_session").unwrap();
    assert!(!list.to_string().contains(&before), "no list holds what signs in");
    // Here.
    assert_eq!(second.status(Method::DELETE, "/api/session").await, 204);
    assert!(second.cookie("recap_session").is_none());
    assert_eq!(first.json("/api/sessions").await["sessions"].as_array().unwrap().len(), 1);
    // There.
    let third = by_password("correct horse battery", ADA).await.0;
    let id = third.json("/api/sessions").await["this"].as_str().unwrap().to_owned();
    assert_eq!(first.status(Method::DELETE, &format!("/api/sessions/{id}")).await, 204);
    assert_eq!(third.status(Method::GET, "/api/account").await, 401);
    // Everywhere.
    let fourth = by_password("correct horse battery", ADA).await.0;
    assert_eq!(fourth.status(Method::DELETE, "/api/sessions").await, 204);
    assert_eq!(first.status(Method::GET, "/api/account").await, 401);
    // A sign-in begins a new session and ends the one before it; it lasts thirty days.
    let fifth = by_password("correct horse battery", ADA).await.0;
    let old = fifth.cookie("recap_session").unwrap();
    let body = json!({"email": ADA, "password": "correct horse battery"});
    assert_eq!(fifth.send(Method::POST, "/api/session", body).await.0, 204);
    assert_ne!(fifth.cookie("recap_session").unwrap(), old);
    assert_eq!(service.count("SELECT count(*) FROM sessions"), 1);
    service.advance(TimeDelta::days(30) - TimeDelta::milliseconds(1));
    assert_eq!(fifth.status(Method::GET, "/api/account").await, 200);
    service.advance(TimeDelta::days(30));
    assert_eq!(fifth.status(Method::GET, "/api/account").await, 401);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_an_account_and_one_without_get_the_same_answer() {
    let service = Service::new(json!({"sign_ups_open": false}), multi).await;
    service.person(BOSS).await;
    let answer = async |address: &str| {
        let browser = service.browser();
        let request = browser.request(Method::POST, "/api/session/link");
        let answer = browser.ask(request.json(&json!({"email": address}))).await;
        let names: Vec<String> = answer
            .headers()
            .iter()
            .filter(|(name, _)| *name != "date")
            .map(|(name, value)| match name.as_str() {
                "set-cookie" => format!("{name}: {}", value.len()),
                _ => format!("{name}: {value:?}"),
            })
            .collect();
        (answer.status().as_u16(), names, answer.text().await.unwrap())
    };
    let unknown = answer("nobody@tenants.example").await;
    let known = answer(BOSS).await;
    assert_eq!((unknown.0, &unknown), (202, &known));
    // One mail goes out, and the letters are posted in their order.
    service.letter(BOSS).await;
    until("the empty outbox", async || {
        (service.count("SELECT count(*) FROM outbox") == 0).then_some(())
    })
    .await;
    let left = std::fs::read_dir(service.data().join("mail")).unwrap().count();
    assert_eq!(left, 0, "nobody else was written to");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_header_shapes_a_link_and_no_other_site_s_page_acts_for_a_person() {
    let service = service().await;
    let ada = service.person(ADA).await;
    let browser = service.browser();
    let ask = |host: &'static str| {
        let request = browser.request(Method::POST, "/api/session/link").header("host", host);
        request
            .header("x-forwarded-host", "evil.example")
            .header("forwarded", "host=evil.example;proto=http")
            .header("x-forwarded-proto", "http")
            .json(&json!({"email": BEN}))
            .send()
    };
    assert_eq!(ask("evil.example").await.unwrap().status(), 421);
    assert_eq!(ask("recap.example.evil.example").await.unwrap().status(), 421);
    for host in ["localhost", "127.0.0.1:9", "recap.example"] {
        assert_eq!(ask(host).await.unwrap().status(), 202, "{host}");
        let letter = service.letter(BEN).await;
        assert!(
            letter.link.starts_with("https://recap.example/sign-in/link?token="),
            "{}",
            letter.link
        );
    }
    let body = json!({"email": ADA, "password": "correct horse battery", "name": "x"});
    for (method, path) in [
        (Method::POST, "/api/session"),
        (Method::POST, "/api/session/link"),
        (Method::POST, "/api/set-up"),
        (Method::POST, "/api/process"),
        (Method::POST, "/api/folders"),
        (Method::PUT, "/api/account/password"),
        (Method::DELETE, "/api/session"),
        (Method::DELETE, "/api/sessions"),
        (Method::DELETE, "/api/account"),
    ] {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let request = ada.request(method.clone(), path).header(name, value).json(&body);
            assert_eq!(ada.ask(request).await.status(), 403, "{method} {path} {name}: {value}");
        }
    }
    assert_eq!(ada.json("/api/account").await["email"], ADA, "nothing happened");
    service.stop().await;
}

/// The set-up link that a service with this public address has logged last.
pub async fn set_up_token(place: &str) -> String {
    let start = format!("{place}/set-up?token=");
    until("the set-up link", async || {
        let logged = log::so_far();
        let (_, rest) = logged.rsplit_once(&start)?;
        Some(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_set_up_link_makes_one_admin_once_and_a_stranger_who_is_first_is_none() {
    log::keep();
    let place = "https://set-up.example";
    let more = json!({"admin_email": null, "public_url": place});
    let service = Service::new(more, multi).await;
    let stranger = service.person(ADA).await;
    assert_eq!(stranger.json("/api/status").await["operator"], false);
    let token = set_up_token(place).await;
    let boss = service.browser();
    let path = format!("/set-up?token={token}");
    assert_eq!(boss.status(Method::GET, &path).await, 200, "a page");
    assert!(boss.cookie("recap_session").is_none(), "and no more");
    let set_up = |token: &str, email: &str| json!({"token": token, "email": email});
    let wrong = boss.send(Method::POST, "/api/set-up", set_up(&"x".repeat(43), BOSS)).await;
    assert_eq!(wrong.0, 401);
    let others = [service.browser(), service.browser()];
    let racing = join(
        others[0].send(Method::POST, "/api/set-up", set_up(&token, BOSS)),
        others[1].send(Method::POST, "/api/set-up", set_up(&token, BEN)),
    )
    .await;
    let mut statuses = [racing.0.0, racing.1.0];
    let winner = &others[usize::from(statuses[1] == 204)];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
    let status = winner.json("/api/status").await;
    assert_eq!((&status["operator"], &status["scope"]), (&json!(true), &json!("owner")));
    assert_eq!(boss.send(Method::POST, "/api/set-up", set_up(&token, BOSS)).await.0, 401, "once");
    assert_eq!(service.count("SELECT count(*) FROM users WHERE is_admin = 1"), 1);
    service.stop().await;
}

/// A visitor with three free recaps who has made one; and their trial's id.
async fn visitor(service: &Service) -> (Browser, String) {
    let visitor = service.browser();
    assert_eq!(visitor.process("Bread.txt", TALK).await["stage"], "done");
    let scope = visitor.json("/api/status").await["scope"].as_str().unwrap().to_owned();
    assert!(service.of(&scope, "").is_dir());
    (visitor, scope)
}

async fn with_trials() -> Service {
    Service::new(json!({"trial_credits_per_visitor": 3}), multi).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_takes_the_trial_s_folder_and_the_rest_of_its_credits_along_once() {
    let service = with_trials().await;
    let (ada, scope) = visitor(&service).await;
    let letter = service.ask(&ada, ADA).await;
    // The same click twice at once.
    let racing = join(use_token(&ada, &letter.token), use_token(&ada, &letter.token)).await;
    let mut statuses = [racing.0, racing.1];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
    until("the recap in the account", async || (ada.titles().await == ["Bread"]).then_some(()))
        .await;
    until("the end of the trial's folder", async || {
        (!service.of(&scope, "").exists()).then_some(())
    })
    .await;
    assert!(ada.cookie("recap_anon_trial").is_none());
    let balance = ada.json("/api/account").await["balance"].clone();
    assert_eq!((&balance["purchased"], &balance["replenish"]), (&json!(2), &json!(5)), "{balance}");
    // Signing in again brings nothing more, nor does a second trial.
    let (again, _) = visitor(&service).await;
    let letter = service.ask(&again, ADA).await;
    assert_eq!(use_token(&again, &letter.token).await, 204);
    assert_eq!(again.credits().await, 7);
    let mode = service.daemon().app().mode.clone();
    let verified = mode.command(&["verify".to_owned()]).await.unwrap();
    assert!(verified.contains("Every balance"), "{verified}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_sign_ups_that_race_for_a_trial_one_has_it() {
    let service = with_trials().await;
    let (visitor, scope) = visitor(&service).await;
    let cookie = visitor.cookie("recap_anon_trial").unwrap();
    let people = [service.browser(), service.browser()];
    let mut letters = Vec::new();
    for (browser, address) in people.iter().zip([ADA, BEN]) {
        browser.set_cookie("recap_anon_trial", &cookie);
        letters.push(service.ask(browser, address).await);
    }
    let racing =
        join(use_token(&people[0], &letters[0].token), use_token(&people[1], &letters[1].token));
    assert_eq!(racing.await, (204, 204));
    let mut credits = [people[0].credits().await, people[1].credits().await];
    let heir = &people[usize::from(credits[1] == 7)];
    credits.sort_unstable();
    assert_eq!(credits, [5, 7]);
    until("the heir's recap", async || (heir.titles().await == ["Bread"]).then_some(())).await;
    let all: usize = {
        let (a, b) = join(people[0].titles(), people[1].titles()).await;
        a.len() + b.len()
    };
    assert_eq!(all, 1);
    until("the end of the trial's folder", async || {
        (!service.of(&scope, "").exists()).then_some(())
    })
    .await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_that_a_killed_process_left_is_done_at_the_next_start() {
    let service = with_trials().await;
    let (ada, scope) = visitor(&service).await;
    let letter = service.ask(&ada, ADA).await;
    assert_eq!(use_token(&ada, &letter.token).await, 204);
    until("the recap", async || (ada.titles().await == ["Bread"]).then_some(())).await;
    let (id, cookie) = (ada.id().await, ada.cookie("recap_session").unwrap());
    let (data, clock) = service.stop().await;
    // As if it had died between the commit and the files.
    let history = data.path().join("history");
    std::fs::create_dir_all(history.join("anon")).unwrap();
    std::fs::rename(history.join(&id), history.join(&scope)).unwrap();
    let database = recap_multi::Database::open(&data.path().join("recap.db")).unwrap();
    let (from, into) = (scope.clone(), id.clone());
    let noted = database.write(move |tx| {
        let sql = "INSERT INTO folder_work (scope, into_scope, created_at) VALUES (?1, ?2, 0)";
        Ok::<_, recap_multi::DatabaseError>(tx.execute(sql, [from, into])?)
    });
    assert_eq!(noted.await.unwrap(), 1);
    drop(database);
    let service = Service::over(data, clock, json!({}), &[], multi).await;
    let ada = service.browser();
    ada.set_cookie("recap_session", &cookie);
    assert_eq!(ada.titles().await, ["Bread"], "before the address answers");
    assert!(!service.of(&scope, "").exists());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_everything_of_one_person_and_nothing_of_others() {
    let service = service().await;
    let (ada, ben) = (service.person(ADA).await, service.person(BEN).await);
    ada.process("Bread.txt", TALK).await;
    ben.process("Cake.txt", &TALK.replace("bread", "cake")).await;
    ada.send(Method::POST, "/api/folders", json!({"name": "Mine"})).await;
    let answer = ada.ask(ada.request(Method::GET, "/api/account/export")).await;
    assert_eq!(answer.headers()["content-type"], "application/x-tar");
    let bytes = answer.bytes().await.unwrap();
    let mut archive = tar::Archive::new(&bytes[..]);
    let mut files = std::collections::BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut text = Vec::new();
        entry.read_to_end(&mut text).unwrap();
        if entry.header().entry_type().is_file() {
            files.insert(name, text);
        }
    }
    let account: Value = serde_json::from_slice(&files.remove("account.json").unwrap()).unwrap();
    assert_eq!(account["account"]["email"], ADA);
    assert_eq!(account["account"]["balance"]["total"], 4);
    assert_eq!(account["journal"].as_array().unwrap().len(), 2, "the seed and one recap");
    assert_eq!(account["sessions"].as_array().unwrap().len(), 1);
    let id = ada.id().await;
    let on_disk = crate::support::tree(&service.of(&id, ""));
    for (name, text) in &on_disk {
        if name.starts_with('.') {
            continue;
        }
        assert_eq!(files.get(&format!("recap/{name}")), Some(text), "{name}");
    }
    assert!(on_disk.iter().any(|(name, _)| name == "_meta.json"), "{:?}", files.keys());
    assert!(files.keys().all(|name| name.starts_with("recap/")), "{:?}", files.keys());
    let all = String::from_utf8_lossy(&bytes);
    for secret in [BEN, "cake", "Cake", &*ben.id().await, &*ada.cookie("recap_session").unwrap()] {
        assert!(!all.contains(secret), "{secret} is in another's export");
    }
    let left = std::fs::read_dir(service.data().join("cache/archives")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "the archive is gone from the disk");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_leaves_no_folder_no_row_and_no_second_seed() {
    let service = service().await;
    let (ada, ben) = (service.person(ADA).await, service.person(BEN).await);
    ada.process("Bread.txt", TALK).await;
    ben.process("Bread.txt", TALK).await;
    let id = ada.id().await;
    let delete =
        |email: &str| ada.request(Method::DELETE, "/api/account").json(&json!({"email": email}));
    assert_eq!(ada.ask(delete(BEN)).await.status(), 400);
    assert!(service.of(&id, "").is_dir(), "not by mistake");
    // Also while a recap is being made.
    let request = ada.request(Method::POST, "/api/process").query(&[("name", "Late.txt")]);
    assert_eq!(ada.ask(request.body(TALK)).await.status(), 202);
    assert_eq!(ada.ask(delete(ADA)).await.status(), 204);
    assert!(ada.cookie("recap_session").is_none());
    until("the end of its jobs and its folder", async || {
        let open = service.daemon().app().jobs.open_count();
        let to_do = service.count("SELECT count(*) FROM folder_work");
        (open == 0 && to_do == 0).then_some(())
    })
    .await;
    for sql in [
        format!("SELECT count(*) FROM users WHERE id = '{id}'"),
        format!("SELECT count(*) FROM sessions WHERE user_id = '{id}'"),
        format!("SELECT count(*) FROM tenant_credits WHERE user_id = '{id}'"),
        format!("SELECT count(*) FROM magic_links WHERE email = '{ADA}'"),
    ] {
        assert_eq!(service.count(&sql), 0, "{sql}");
    }
    assert!(!service.of(&id, "").exists());
    for (name, _) in service.tree() {
        assert!(!name.contains(&id), "{name} was left");
    }
    assert_eq!(ben.titles().await, ["Bread"], "others stay");
    let again = service.person(ADA).await;
    assert_ne!(again.id().await, id);
    assert_eq!(again.credits().await, 0, "who comes back has had the first credits");
    assert_eq!(again.titles().await, [""; 0]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trials_are_counted_per_network_and_a_visitor_without_one_is_told() {
    let service = Service::over(
        tempfile::tempdir().unwrap(),
        clock(),
        json!({"trials_per_ip_lifetime": 2}),
        &[],
        multi,
    )
    .await;
    for _ in 0..2 {
        let visitor = service.browser();
        assert_eq!(visitor.process("Bread.txt", TALK).await["stage"], "done");
    }
    let third = service.browser();
    let (status, said) = third.send(Method::POST, "/api/process", json!({"text": TALK})).await;
    assert_eq!((status, &said["error"]["kind"]), (402, &json!("no_credits")), "{said}");
    assert!(third.cookie("recap_anon_trial").is_none());
    // Signing up costs the visitor nothing of that, and the cap is for life.
    service.advance(TimeDelta::days(400));
    assert_eq!(third.send(Method::POST, "/api/process", json!({"text": TALK})).await.0, 402);
    service.stop().await;
}
