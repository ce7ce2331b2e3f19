//! `auto-queue.json`: found episodes and their state. Its earlier shape is a guess.

use std::collections::HashSet;

use serde_json::Value;

use super::episode::{self, PUBLISHED};
use super::lists::{self, Items};
use super::read::{self, Record};
use super::{Converted, Leftovers};
use crate::domain::auto_queue::{QueueItem, Reason, ReasonCode, State};

/// Longest error that becomes an item's reason, in characters.
const REASON_CHARS_MAX: usize = 500;

/// Keys of an item of today.
const ITEM_KEYS: [&str; 20] = [
    "id",
    "state",
    "title",
    "show",
    "subscription",
    "url",
    "feed_url",
    "guid",
    "published_at",
    "duration_ms",
    "found_at",
    "changed_at",
    "approved_by",
    "started_at",
    "not_before",
    "reason",
    "attempt",
    "job",
    "recap",
    "media",
];

/// The queue: a bare array, `items`, `queue` or `autoQueue`, or an object keyed by id. `None` where
/// it is today's form already, or something else entirely.
///
/// What was being processed is approved again, as after a crash. A state that is not known becomes
/// `found`, so that nothing is made that nobody wanted.
pub fn auto_queue(earlier: &Value) -> Option<Converted> {
    if lists::is_todays_list::<QueueItem>(earlier, "items", &ITEM_KEYS) {
        return None;
    }
    let names = ["items", "queue", "autoQueue", "episodes"];
    let Items { items, mut beside, is_guess } = lists::items(earlier, &names)?;
    let mut left = Leftovers::default();
    let mut list = Vec::new();
    let mut ids = HashSet::new();
    let mut unknown_states = 0_usize;
    for (key, value) in items {
        if lists::is_todays::<QueueItem>(value, &ITEM_KEYS) {
            ids.extend(value.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok()));
            list.push(value.clone());
            continue;
        }
        match item(key, value) {
            None => left.unread(lists::with_key(key, value)),
            Some((one, _, _)) if !ids.insert(one.id.clone()) => {
                left.twice(lists::with_key(key, value));
            }
            Some((one, kept, has_unknown_state)) => {
                unknown_states += usize::from(has_unknown_state);
                list.extend(lists::item(&one, kept));
            }
        }
    }
    if is_guess && list.is_empty() {
        return None;
    }
    if unknown_states > 0 {
        let count = read::counted(unknown_states, "episode");
        left.notes.push(format!(
            "The state of {count} is not known here; `found` stands for it, so you decide."
        ));
    }
    let mut document = lists::document("items", list);
    if let Some(is_paused) = beside.get("paused").and_then(Value::as_bool) {
        beside.shift_remove("paused");
        document.insert("paused".to_owned(), is_paused.into());
    }
    left.beside(beside);
    Some(left.finish(document, "episode"))
}

fn state(word: &str) -> Option<State> {
    Some(match word.to_ascii_lowercase().as_str() {
        "found" | "discovered" | "pending" | "new" | "waiting" => State::Found,
        "approved" | "queued" | "ready" => State::Approved,
        // Nobody is at work on it any more.
        "processing" | "running" | "in_progress" | "in-progress" | "active" => State::Approved,
        "done" | "completed" | "complete" | "finished" | "processed" => State::Done,
        "failed" | "error" | "errored" => State::Failed,
        "skipped" | "dismissed" | "ignored" | "rejected" => State::Skipped,
        _ => return None,
    })
}

/// An item, what is kept of it, and whether its state is not known.
fn item(
    key: Option<&str>,
    value: &Value,
) -> Option<(QueueItem, serde_json::Map<String, Value>, bool)> {
    let map = match value {
        Value::String(text) => {
            let id = match key {
                // Under an id stands its state.
                Some(key) => episode::id_of_text(key, None)?,
                None => episode::id_of_text(text, None)?,
            };
            let mut one = empty(id);
            let mut kept = serde_json::Map::new();
            if key.is_some() {
                match state(text.trim()) {
                    Some(state) => one.state = state,
                    None => {
                        kept.insert("state".to_owned(), value.clone());
                    }
                }
            } else {
                one.url = read::link(value).filter(|_| text.contains("://"));
            }
            let is_unknown = !kept.is_empty();
            return Some((one, kept, is_unknown));
        }
        Value::Object(map) => map,
        _ => return None,
    };
    let mut record = Record::new(map);
    let (id, told) = episode::identify(&mut record, key)?;
    let mut one = empty(id);
    let read_state = |value| state(read::text(value)?);
    let names = ["status", "state"];
    let found = record.take(&names, read_state);
    let is_unknown = found.is_none() && record.look(&names, read::text).is_some();
    one.state = found.unwrap_or_default();
    one.title = record.take(&["title", "videoTitle", "name"], read::line).unwrap_or_default();
    one.url = told.page().or(one.url);
    one.feed_url = told.feed_url;
    one.guid = told.guid;
    one.show = told.show;
    one.subscription =
        record.take(&["subscription", "subscriptionId"], |value| read::text(value)?.parse().ok());
    one.published_at = record.take(&PUBLISHED, read::moment);
    one.duration_ms =
        episode::sure_duration_ms(&mut record).or_else(|| episode::duration_ms(&mut record, 0));
    let when = ["foundAt", "found_at", "discoveredAt", "addedAt", "queuedAt", "createdAt"];
    one.found_at = record.take(&when, read::moment);
    let when = ["changedAt", "updatedAt", "completedAt", "failedAt", "approvedAt", "skippedAt"];
    one.changed_at = record.take(&when, read::moment);
    one.started_at = record.take(&["startedAt", "started_at", "processingAt"], read::moment);
    one.recap = record.take(&["recap", "recapId", "sessionId", "historyId"], |value| {
        read::text(value)?.parse().ok()
    });
    let names = ["error", "lastError", "errorMessage", "reason"];
    if one.state == State::Failed {
        let fits = |value: &Value| {
            read::line(value).filter(|text| text.chars().count() <= REASON_CHARS_MAX)
        };
        // What is longer, or more than a text, is cut, and kept whole beside it.
        let front = |value: &Value| {
            let text = value.get("message").unwrap_or(value);
            read::line(text).map(|text| text.chars().take(REASON_CHARS_MAX).collect())
        };
        let message = record.take(&names, fits).or_else(|| record.look(&names, front));
        let message = message.unwrap_or_else(|| {
            "It failed in an earlier version, which did not say why. Retry it.".to_owned()
        });
        one.reason = Some(Reason { code: ReasonCode::Failed, message });
    }
    let mut kept = record.rest();
    // The item has no place for its file's link.
    if let Some(media) = &told.media_url {
        kept.insert("mediaUrl".to_owned(), media.as_str().into());
    }
    Some((one, kept, is_unknown))
}

fn empty(id: crate::domain::episode::EpisodeId) -> QueueItem {
    let url = match id.as_str().strip_prefix("yt:") {
        Some(video) => read::watch_page(video),
        None => None,
    };
    QueueItem {
        id,
        state: State::Found,
        title: String::new(),
        show: String::new(),
        subscription: None,
        url,
        feed_url: None,
        guid: None,
        published_at: None,
        duration_ms: None,
        found_at: None,
        changed_at: None,
        approved_by: None,
        started_at: None,
        not_before: None,
        reason: None,
        attempt: 0,
        job: None,
        recap: None,
        media: None,
    }
}
