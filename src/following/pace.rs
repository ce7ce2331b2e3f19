//! How many requests one outside host gets at once, and which host asked to be left alone for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use crate::net::is_near;

/// Longest that a host's own wish is heeded, in hours.
const HOLD_HOURS_MAX: i64 = 24;

/// Hosts that are remembered; beyond, those that nothing waits for are forgotten.
const HOSTS_MAX: usize = 2_000;

/// The places of every host.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<String, Place>>);

#[derive(Debug)]
struct Place {
    turns: Arc<Semaphore>,
    size: usize,
    held_until: Option<DateTime<Utc>>,
}

impl Pace {
    /// Waits for a turn at a link's host. One's own machine and network need no sparing.
    pub(super) async fn turn(&self, url: &Url, at_once_max: usize) -> Option<OwnedSemaphorePermit> {
        if is_near(url) {
            return None;
        }
        let turns = self.with(url, |place| {
            if place.size != at_once_max {
                // A changed setting counts for those who come from now on.
                place.turns = Arc::new(Semaphore::new(at_once_max));
                place.size = at_once_max;
            }
            place.turns.clone()
        });
        turns.acquire_owned().await.ok()
    }

    /// Until when a host asked to be left alone.
    pub(super) fn held_until(&self, url: &Url, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let limit = now + chrono::TimeDelta::hours(HOLD_HOURS_MAX);
        self.with(url, |place| place.held_until).filter(|at| *at > now && *at <= limit)
    }

    /// Leaves a host alone.
    pub(super) fn hold(&self, url: &Url, until: DateTime<Utc>, now: DateTime<Utc>) {
        let until = until.min(now + chrono::TimeDelta::hours(HOLD_HOURS_MAX));
        self.with(url, |place| place.held_until = Some(until));
    }

    fn with<A>(&self, url: &Url, look: impl FnOnce(&mut Place) -> A) -> A {
        let host = format!(
            "{}:{}",
            url.host_str().unwrap_or_default(),
            url.port_or_known_default().unwrap_or_default()
        );
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= HOSTS_MAX {
            map.retain(|_, place| {
                Arc::strong_count(&place.turns) > 1 || place.held_until.is_some()
            });
            if map.len() >= HOSTS_MAX {
                map.clear();
            }
        }
        let place = map.entry(host).or_insert_with(|| Place {
            turns: Arc::new(Semaphore::new(0)),
            size: 0,
            held_until: None,
        });
        look(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[tokio::test]
    async fn one_host_gets_so_many_at_once_and_another_its_own() {
        let pace = Pace::default();
        let (a, b) = (url("https://a.example/1"), url("https://b.example/1"));
        let held = (pace.turn(&a, 2).await, pace.turn(&a, 2).await);
        assert!(held.0.is_some() && held.1.is_some());
        assert!(pace.turn(&a, 2).now_or_never().is_none(), "the third waits");
        assert!(pace.turn(&b, 2).now_or_never().flatten().is_some());
        drop(held);
        assert!(pace.turn(&a, 2).now_or_never().flatten().is_some());
        let near = pace.turn(&url("http://127.0.0.1:1/"), 1).now_or_never();
        assert!(matches!(near, Some(None)));
    }

    #[test]
    fn a_host_s_wish_is_heeded_for_a_day_at_most() {
        let pace = Pace::default();
        let now: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
        let (a, b) = (url("https://a.example/1"), url("https://b.example/1"));
        pace.hold(&a, now + chrono::TimeDelta::hours(1), now);
        assert!(pace.held_until(&url("https://a.example/other"), now).is_some());
        assert!(pace.held_until(&b, now).is_none());
        assert!(pace.held_until(&a, now + chrono::TimeDelta::hours(1)).is_none());
        pace.hold(&a, DateTime::<Utc>::MAX_UTC, now);
        let day = now + chrono::TimeDelta::hours(HOLD_HOURS_MAX);
        assert_eq!(pace.held_until(&a, now), Some(day));
    }
}
