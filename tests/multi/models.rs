//! Models where many are served: who pays, whose key, who may ask which server, and what a tenant's own
//! server may reach.

use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{BOSS, Browser, Service, multi};
use crate::stand_in::{Mood, StandIn};
use crate::support::TALK;

fn server(name: &str, kind: &str, base: &str) -> Value {
    json!({"name": name, "kind": kind, "base_url": base, "model": "m-1"})
}

async fn recap_of(browser: &Browser, done: &Value) -> Value {
    let id = done["recap"].as_str().unwrap_or_else(|| panic!("{done}"));
    browser.json(&format!("/api/recaps/{id}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credit_comes_back_where_all_models_failed_and_the_built_in_outline_stands() {
    let pen = StandIn::new().await;
    pen.mood(Mood::Status(401, "invalid_api_key", ""));
    let set =
        json!({"model_servers": [server("pen", "openai", &pen.base)], "outline_models": ["pen"]});
    let service = Service::new(set, multi).await;
    let ada = service.person("ada@tenants.example").await;
    let before = ada.credits().await;
    let failed = recap_of(&ada, &ada.process("talk.txt", TALK).await).await;
    assert_eq!(failed["made_by"]["outline"]["provider"], "builtin");
    assert_eq!(ada.credits().await, before, "nobody pays for what stands in");
    // And a recap that the model did write is paid for.
    pen.mood(Mood::Well);
    let written = recap_of(&ada, &ada.process("talk.txt", TALK).await).await;
    assert_eq!(written["made_by"]["outline"]["provider"], "pen");
    assert_eq!(ada.credits().await, before - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_asked_in_the_name_of_who_pays_it_and_else_in_the_operator_s() {
    let relay = StandIn::new().await;
    let set = json!({"model_servers": [server("relay", "relay", &relay.base)], "outline_models": ["relay"]});
    let service = Service::new(set, multi).await;
    let boss = service.person(BOSS).await;
    let (ben, id) = service.pro(&boss, "ben@tenants.example").await;
    let cora = service.person("cora@tenants.example").await;
    for (browser, user) in [(&ben, id.as_str()), (&cora, "")] {
        let recap = recap_of(browser, &browser.process("talk.txt", TALK).await).await;
        assert_eq!(recap["made_by"]["outline"]["provider"], "relay", "{}", recap["notes"]);
        let asked = relay.asked();
        assert_eq!(asked.last().unwrap().header("x-recap-user-id"), user);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_asks_what_is_offered_and_their_own_which_reaches_no_private_address() {
    let (offered, kept) = (StandIn::new().await, StandIn::new().await);
    let servers =
        [server("offered", "openai", &offered.base), server("kept", "openai", &kept.base)];
    let set = json!({"model_servers": servers, "outline_models": ["offered"]});
    let service = Service::new(set, multi).await;
    let ada = service.person("ada@tenants.example").await;
    let view = ada.json("/api/settings").await;
    let names: Vec<&str> = view["engines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["whisper", "offered"]);
    assert!(!view.to_string().contains(&offered.base), "where it is, is the operator's: {view}");

    let choose = json!({"models": ["kept"]});
    let (status, view) = ada.send(Method::PATCH, "/api/settings", choose).await;
    assert_eq!(status, 200, "{view}");
    assert!(view["problems"][0].as_str().unwrap().contains("`kept`"), "{view}");
    ada.process("talk.txt", TALK).await;
    assert!(kept.asked().is_empty());

    // Their own leads to this machine: it is refused, and the built-in outline stands in.
    let own = StandIn::new().await;
    let choose =
        json!({"models": ["mine"], "model_servers": [server("mine", "openai", &own.base)]});
    assert_eq!(ada.send(Method::PATCH, "/api/settings", choose).await.0, 200);
    let recap = recap_of(&ada, &ada.process("talk.txt", TALK).await).await;
    assert_eq!(recap["made_by"]["outline"]["provider"], "builtin");
    assert!(recap["notes"].to_string().contains("private"), "{}", recap["notes"]);
    assert!(own.asked().is_empty());
}
