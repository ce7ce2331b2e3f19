//! Which sites want to be left alone for a while. Kept in memory: after a start each is asked once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

/// The first pause; each further one in a row is twice as long.
const FIRST: TimeDelta = TimeDelta::minutes(15);

/// The longest: sites lift such a ban within hours, and a person waits for their episode.
const LONGEST: TimeDelta = TimeDelta::hours(6);

/// The pauses, by site.
#[derive(Default)]
pub struct Pauses(Mutex<HashMap<String, Pause>>);

struct Pause {
    until: DateTime<Utc>,
    in_a_row: u32,
}

/// The site of a link: YouTube's many hosts are one.
fn site(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let mut parts: Vec<&str> = host.rsplitn(3, '.').take(2).collect();
    parts.reverse();
    match parts.join(".").as_str() {
        "youtu.be" => "youtube.com".to_owned(),
        site => site.to_owned(),
    }
}

impl Pauses {
    /// Until when a link's site is left alone, where it is.
    pub fn until(&self, url: &Url, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.get(&site(url)).map(|pause| pause.until).filter(|until| *until > now)
    }

    /// Begins a pause, longer than the last; until when.
    pub(super) fn begin(&self, url: &Url, now: DateTime<Utc>) -> DateTime<Utc> {
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = pauses.entry(site(url)).or_insert(Pause { until: now, in_a_row: 0 });
        let length = (FIRST * (1 << pause.in_a_row.min(10))).min(LONGEST);
        pause.in_a_row += 1;
        pause.until = now + length;
        pause.until
    }

    /// The site answers again.
    pub(super) fn end(&self, url: &Url) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&site(url));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_left_alone_for_longer_each_time_until_it_answers() {
        let pauses = Pauses::default();
        let url = |text: &str| Url::parse(text).unwrap();
        let (watch, short) = (url("https://www.youtube.com/watch?v=x"), url("https://youtu.be/x"));
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(pauses.until(&watch, now), None);
        let minutes = |until: DateTime<Utc>| (until - now).num_minutes();
        let lengths: Vec<i64> = (0..8).map(|_| minutes(pauses.begin(&watch, now))).collect();
        assert_eq!(lengths, [15, 30, 60, 120, 240, 360, 360, 360]);
        assert!(pauses.until(&short, now).is_some(), "the same site by another name");
        assert_eq!(pauses.until(&url("https://example.org/"), now), None);
        assert_eq!(pauses.until(&watch, now + LONGEST), None);
        pauses.end(&short);
        assert_eq!(minutes(pauses.begin(&watch, now)), 15);
    }
}
