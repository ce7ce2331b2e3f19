//! The story that every mode must tell the same way, told by multi mode.

use recap_mode::Scope;
use serde_json::json;

use crate::service::{BOSS, Service, multi};
use crate::support::TALK;
use crate::support::story::{costs, story};

#[tokio::test(flavor = "multi_thread")]
async fn multi_mode_tells_the_story_for_a_tenant_and_for_its_admin() {
    let service = Service::new(json!({}), multi).await;
    let ada = service.person("ada@tenants.example").await;
    service.person(BOSS).await;
    let mode = || service.daemon().app().mode.clone();
    story(mode(), &Scope::parse(&ada.id().await).unwrap()).await;
    story(mode(), &Scope::owner()).await;
    assert_eq!(ada.credits().await, 5, "what was given back is there, once");
    service.no_pass_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recap_costs_one_credit_a_failed_one_none_and_without_credits_nothing_is_made() {
    let service =
        Service::new(json!({"tenant_default_credits": 2, "trial_credits_per_visitor": 3}), multi)
            .await;
    let ada = service.person("ada@tenants.example").await;
    let cookie = format!("recap_session={}", ada.cookie("recap_session").unwrap());
    costs(&service, &cookie, 2).await;
    assert_eq!(ada.credits().await, 0);
    // The same for a visitor with what is left of their trial.
    let visitor = service.browser();
    let one = visitor.process("talk.txt", TALK).await;
    assert_eq!(one["stage"], "done", "{one}");
    let cookie = format!("recap_anon_trial={}", visitor.cookie("recap_anon_trial").unwrap());
    costs(&service, &cookie, 2).await;
}
