//! The relay, where one is configured: it owns the tiers of tenants, and this is how they are asked
//! for and set. The routes and headers are the relay's own (its `user-tier` routes); what it tells is
//! kept beside the tenant, so that a relay that is away changes nothing for a while.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use recap_mode::{Fault, FaultKind, Host};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::tiers::Tier;

/// Minutes that what the relay told is believed before it is asked again.
const FRESH_MINUTES: i64 = 5;

/// Seconds that a relay which did not answer is left alone.
const SILENT_SECONDS: i64 = 60;

/// How the relay is reached.
#[derive(Clone)]
pub struct RelaySettings {
    /// Its address, without a path.
    pub url: Url,
    /// By which it knows its operator.
    pub operator_key: String,
}

impl fmt::Debug for RelaySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is a secret.
        f.debug_struct("RelaySettings").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// The relay.
pub(crate) struct Relay {
    settings: RelaySettings,
    /// Until when it is not asked.
    silent_until: Mutex<Silence>,
}

/// Epoch seconds until which the relay is left alone: for everybody where it does not answer, for one
/// where its answer about them is of no use.
#[derive(Default)]
struct Silence {
    for_all: i64,
    for_one: HashMap<String, i64>,
}

/// Tenants about whom the relay has no answer that are remembered.
const SILENT_MAX: usize = 10_000;

/// What it tells of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ToldTier {
    /// What was bought.
    pub(crate) tier: Tier,
    /// Until when; `None` is without an end.
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Report {
    /// What holds now.
    tier: Tier,
    /// What was bought, whether or not it is over.
    #[serde(default)]
    tier_snapshot: Option<Tier>,
    #[serde(default)]
    subscription_expires_at: Option<Instant>,
}

/// The relay writes times as text or as epoch milliseconds.
#[derive(Deserialize)]
#[serde(untagged)]
enum Instant {
    Millis(i64),
    Text(DateTime<Utc>),
}

impl Relay {
    pub(crate) fn new(settings: RelaySettings) -> Relay {
        Relay { settings, silent_until: Mutex::default() }
    }

    /// Whether what was told at `read_at` has to be asked for again.
    pub(crate) fn is_stale(
        &self,
        user_id: &str,
        read_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> bool {
        let fresh = TimeDelta::minutes(FRESH_MINUTES);
        // A time to come is one of a clock that was wrong.
        let is_old = read_at.is_none_or(|at| at + fresh <= now || at > now + fresh);
        let silence = self.silent_until.lock().unwrap_or_else(PoisonError::into_inner);
        let until = silence.for_one.get(user_id).copied().unwrap_or(0).max(silence.for_all);
        is_old && now.timestamp() >= until
    }

    /// Does not ask for a while: about one, or about anybody.
    pub(crate) fn leave_alone(&self, user_id: Option<&str>, now: DateTime<Utc>) {
        let until = now.timestamp() + SILENT_SECONDS;
        let mut silence = self.silent_until.lock().unwrap_or_else(PoisonError::into_inner);
        match user_id {
            None => silence.for_all = until,
            Some(user_id) => {
                if silence.for_one.len() >= SILENT_MAX {
                    silence.for_one.clear();
                }
                silence.for_one.insert(user_id.to_owned(), until);
            }
        }
    }

    /// A tenant's tier.
    ///
    /// # Errors
    /// [`FaultKind::Upstream`]; the relay is left alone for a while then.
    pub(crate) async fn tier_of(
        &self,
        host: &dyn Host,
        user_id: &str,
        now: DateTime<Utc>,
    ) -> Result<ToldTier, Fault> {
        let path = ["relay", "user-tier", user_id];
        let answer = match self.call(host, http::Method::GET, &path, user_id, None).await {
            Ok(answer) => answer,
            Err(fault) => {
                self.leave_alone(None, now);
                return Err(fault);
            }
        };
        // Somebody whom it does not know has bought nothing.
        if answer.status() == http::StatusCode::NOT_FOUND {
            return Ok(ToldTier { tier: Tier::Core, expires_at: None });
        }
        let report = read(&answer).inspect_err(|_| self.leave_alone(Some(user_id), now))?;
        let expires_at = match report.subscription_expires_at {
            None => None,
            Some(Instant::Text(at)) => Some(at),
            Some(Instant::Millis(ms)) => DateTime::from_timestamp_millis(ms),
        };
        Ok(ToldTier { tier: report.tier_snapshot.unwrap_or(report.tier), expires_at })
    }

    /// Sets a tenant's tier.
    ///
    /// # Errors
    /// [`FaultKind::Upstream`].
    pub(crate) async fn set_tier(
        &self,
        host: &dyn Host,
        user_id: &str,
        tier: ToldTier,
    ) -> Result<(), Fault> {
        let body = json!({"user_id": user_id, "tier": tier.tier, "expires_at": tier.expires_at});
        let path = ["relay", "user-tier"];
        read(&self.call(host, http::Method::POST, &path, user_id, Some(body)).await?).map(drop)
    }

    async fn call(
        &self,
        host: &dyn Host,
        method: http::Method,
        path: &[&str],
        user_id: &str,
        body: Option<serde_json::Value>,
    ) -> Result<http::Response<Vec<u8>>, Fault> {
        let mut url = self.settings.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut request = http::Request::builder()
            .method(method)
            .uri(url.as_str())
            .header("x-recap-operator-key", &self.settings.operator_key)
            .header("x-recap-user-id", user_id);
        if body.is_some() {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request =
            request.body(bytes).map_err(|error| Fault::internal("asking the relay", error))?;
        host.call(request).await
    }
}

/// What the relay says about somebody.
fn read(answer: &http::Response<Vec<u8>>) -> Result<Report, Fault> {
    let failed = |why: String| {
        Fault::new(FaultKind::Upstream, format!("The relay did not tell the tier: {why}."))
            .hint("Try again in a minute.")
    };
    if !answer.status().is_success() {
        return Err(failed(format!("it answered {}", answer.status().as_u16())));
    }
    serde_json::from_slice(answer.body())
        .map_err(|error| failed(format!("its answer cannot be read ({error})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relay() -> Relay {
        let url = Url::parse("https://relay.example/").unwrap();
        Relay::new(RelaySettings { url, operator_key: "k".to_owned() })
    }

    #[test]
    fn what_was_told_is_believed_for_minutes_and_a_silent_relay_is_left_alone() {
        let now: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
        let relay = relay();
        let ago = |minutes: i64| Some(now - TimeDelta::minutes(minutes));
        for (read_at, want) in [(None, true), (ago(4), false), (ago(5), true), (ago(-60), true)] {
            assert_eq!(relay.is_stale("ann", read_at, now), want, "{read_at:?}");
        }
        let later = now + TimeDelta::seconds(SILENT_SECONDS);
        relay.leave_alone(Some("ann"), now);
        assert!(!relay.is_stale("ann", None, now) && relay.is_stale("ann", None, later));
        assert!(relay.is_stale("ben", None, now), "one without an answer silences nobody else");
        relay.leave_alone(None, now);
        assert!(!relay.is_stale("ben", None, now) && relay.is_stale("ben", None, later));
    }

    #[test]
    fn its_key_stands_in_no_log() {
        let shown = format!("{:?}", relay().settings);
        assert!(
            shown.contains("relay.example") && !shown.contains('k'.to_string().repeat(2).as_str())
        );
        assert!(!shown.contains("operator_key"), "{shown}");
    }

    #[test]
    fn times_are_read_in_both_writings_and_the_tier_that_was_bought_counts() {
        for (text, want) in [
            (
                r#"{"tier": "core", "tier_snapshot": "pro", "subscription_expires_at": 1700000000000}"#,
                "2023-11-14T22:13:20Z",
            ),
            (
                r#"{"tier": "core", "tier_snapshot": "pro", "subscription_expires_at": "2023-11-14T22:13:20Z"}"#,
                "2023-11-14T22:13:20Z",
            ),
        ] {
            let report: Report = serde_json::from_str(text).unwrap();
            let at = match report.subscription_expires_at.unwrap() {
                Instant::Text(at) => at,
                Instant::Millis(ms) => DateTime::from_timestamp_millis(ms).unwrap(),
            };
            assert_eq!(at, want.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(report.tier_snapshot, Some(Tier::Pro));
        }
        assert!(serde_json::from_str::<Report>(r#"{"tier": "gold"}"#).is_err());
    }
}
