//! One story that every mode must tell the same way.

use std::collections::HashSet;
use std::sync::Arc;

use axum::http::Request;
use recap_mode::{Caller, FaultKind, JobId, Mode, Pass, Scope};
use serde_json::Value;

use super::{House, TALK, ended};

/// What the daemon relies on, whoever answers: `enter` is how the scope's owner comes in.
pub async fn story(mode: Arc<dyn Mode>, scope: &Scope) {
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

/// What recaps cost somebody who has `credits`: failed ones nothing, made ones one each, and then
/// nothing is made any more, whether that is said at once or by the job.
pub async fn costs(house: &House, cookie: &str, credits: usize) {
    let send = async |text: &'static str| {
        let answer = house
            .client
            .post(house.url("/api/process?name=talk.txt"))
            .header("cookie", cookie)
            .body(text)
            .send()
            .await
            .unwrap();
        let view: Value = answer.json().await.unwrap();
        match view["id"].as_str() {
            Some(job) => ended(&house.client, &house.base, job, cookie).await,
            None => view,
        }
    };
    for _ in 0..credits + 2 {
        assert_eq!(send("%PDF-1.7\u{0}\u{0}\u{0}").await["stage"], "failed");
    }
    let mut made = HashSet::new();
    for _ in 0..credits {
        made.insert(send(TALK).await["recap"].as_str().unwrap().to_owned());
    }
    assert_eq!(made.len(), credits);
    let refused = send(TALK).await;
    assert_eq!(refused["error"]["kind"], "no_credits", "{refused}");
    assert!(!refused["recap"].is_string(), "{refused}");
}
