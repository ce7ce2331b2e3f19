//! One story that every mode must tell the same way.

use std::collections::HashSet;
use std::sync::Arc;

use axum::http::Request;
use recap::config::Environment;
use recap::daemon::ModeRequest;
use recap_mode::{Caller, FaultKind, JobId, Mode, Pass, Scope, SystemClock, SystemEntropy};
use serde_json::{Map, json};

use crate::support::twins::{self, CREDITS, Twins};
use crate::support::{House, TALK, single};

/// What the daemon relies on, whoever answers: `enter` is how the scope's owner comes in.
async fn story(mode: Arc<dyn Mode>, scope: &Scope) {
    let job: JobId = "job-1".parse().unwrap();
    let first = mode.debit(scope, &job).await.unwrap();
    assert_eq!(mode.debit(scope, &job).await.unwrap(), first, "the same job pays once");
    mode.refund(&first).await.unwrap();
    mode.refund(&first).await.unwrap();
    let pass: Pass = mode.pass_for(scope).await.unwrap();
    let mut request = Request::builder().uri("/api/recaps");
    if let Some(cookie) = pass.cookie() {
        request = request.header("cookie", cookie);
    }
    let caller: Caller = mode.identify(&request.body(()).unwrap().into_parts().0).await.unwrap();
    assert_eq!(caller.scope, *scope, "a pass is its scope's owner and nobody else");
    if mode.guarded() {
        let stranger = mode.identify(&Request::new(()).into_parts().0).await.unwrap_err();
        assert_eq!(stranger.kind, FaultKind::Unauthenticated);
    }
}

#[tokio::test]
async fn single_mode_tells_the_story_without_a_password_and_with_one() {
    for variable in [&[][..], &[("RECAP_OPERATOR_PASSWORD", "correct horse")]] {
        let data = tempfile::tempdir().unwrap();
        let environment = Environment::of(variable);
        let config = recap::config::load(data.path(), &environment, &Map::new()).unwrap();
        let request = ModeRequest {
            config: &config,
            data: data.path(),
            environment: &environment,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        story(single(&request).unwrap(), &Scope::owner()).await;
    }
}

#[tokio::test]
async fn a_mode_with_two_tenants_tells_it_for_each() {
    let twins = Twins::make();
    for name in ["ada", "ben"] {
        story(twins.clone(), &Scope::parse(name).unwrap()).await;
        assert_eq!(twins.credits(name), CREDITS, "what was given back is there, once");
        assert_eq!(twins.open_passes(), 0, "a dropped pass is over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recap_costs_one_credit_a_failed_one_none_and_without_credits_nothing_is_made() {
    let house = House::over(tempfile::tempdir().unwrap(), json!({}), twins::choose).await;
    let send = async |text: &'static str| {
        let answer = house
            .client
            .post(house.url("/api/process?name=talk.txt"))
            .header("cookie", "twin=ada")
            .body(text)
            .send()
            .await
            .unwrap();
        let job =
            answer.json::<serde_json::Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
        house.ended(&job, "ada").await
    };
    for _ in 0..CREDITS + 2 {
        assert_eq!(send("%PDF-1.7\u{0}\u{0}\u{0}").await["stage"], "failed");
    }
    let mut made = HashSet::new();
    for _ in 0..CREDITS {
        made.insert(send(TALK).await["recap"].as_str().unwrap().to_owned());
    }
    assert_eq!(made.len(), CREDITS as usize);
    let refused = send(TALK).await;
    assert_eq!(
        (refused["stage"].as_str(), refused["error"]["kind"].as_str()),
        (Some("failed"), Some("no_credits"))
    );
}
