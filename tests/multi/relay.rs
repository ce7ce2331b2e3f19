//! A relay on loopback: it keeps the tiers of tenants and counts who asked, by the person that the
//! request names. Its routes and headers are those of the real one's `user-tier`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::support::upstream;

/// By which it knows its operator.
pub const OPERATOR_KEY: &str = "a-key-of-the-operator-alone";

#[derive(Clone, Default)]
pub struct FakeRelay {
    pub base: String,
    tiers: Arc<Mutex<BTreeMap<String, Value>>>,
    calls: Arc<Mutex<BTreeMap<String, usize>>>,
    strangers: Arc<Mutex<usize>>,
    is_away: Arc<AtomicBool>,
}

impl FakeRelay {
    pub async fn new() -> FakeRelay {
        let relay = FakeRelay::default();
        let router = Router::new()
            .route("/relay/user-tier/{id}", get(tell))
            .route("/relay/user-tier", post(set))
            .with_state(relay.clone());
        FakeRelay { base: upstream(router).await, ..relay }
    }

    /// Calls in a person's name.
    pub fn calls(&self) -> BTreeMap<String, usize> {
        self.calls.lock().unwrap().clone()
    }

    /// Calls without the operator's key, or in nobody's name.
    pub fn strangers(&self) -> usize {
        *self.strangers.lock().unwrap()
    }

    /// What it knows of a person.
    pub fn tier(&self, user: &str) -> Option<Value> {
        self.tiers.lock().unwrap().get(user).cloned()
    }

    /// What a person bought there.
    pub fn put(&self, user: &str, tier: &str, expires_at: Option<&str>) {
        let set = json!({"user_id": user, "tier": tier, "expires_at": expires_at});
        self.tiers.lock().unwrap().insert(user.to_owned(), set);
    }

    /// From now on it answers nothing that helps.
    pub fn go_away(&self) {
        self.is_away.store(true, Ordering::Relaxed);
    }

    /// Counts the call; whether it is one of the operator's, in a person's name.
    fn count(&self, headers: &HeaderMap, about: &str) -> bool {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let is_operator = header("x-recap-operator-key") == Some(OPERATOR_KEY);
        match header("x-recap-user-id") {
            Some(user) if is_operator && user == about => {
                *self.calls.lock().unwrap().entry(user.to_owned()).or_default() += 1;
                true
            }
            _ => {
                *self.strangers.lock().unwrap() += 1;
                false
            }
        }
    }

    fn report(&self, user: &str) -> Value {
        let set = self.tier(user).unwrap_or(json!({"tier": "core", "expires_at": null}));
        json!({
            "ok": true,
            "user_id": user,
            "tier": set["tier"],
            "tier_snapshot": set["tier"],
            "subscription_expired": false,
            "subscription_expires_at": set["expires_at"],
            "credits_remaining": null,
        })
    }
}

async fn tell(
    State(relay): State<FakeRelay>,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !relay.count(&headers, &user) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if relay.is_away.load(Ordering::Relaxed) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    Json(relay.report(&user)).into_response()
}

async fn set(
    State(relay): State<FakeRelay>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let user = body["user_id"].as_str().unwrap_or_default().to_owned();
    if !relay.count(&headers, &user) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if relay.is_away.load(Ordering::Relaxed) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    relay.tiers.lock().unwrap().insert(user.clone(), body);
    Json(relay.report(&user)).into_response()
}
