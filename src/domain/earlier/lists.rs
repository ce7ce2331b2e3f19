//! The lists of a scope: how they are told from other things, and two of them, whom it follows and
//! what it refused. Their earlier shapes are guesses.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use super::episode;
use super::read::{self, Record};
use super::{Converted, KEPT, Leftovers};
use crate::domain::skip_list::Skipped;
use crate::domain::subscription::{Subscription, SubscriptionId};

/// Longest reason that is taken, in bytes: it is a word or a sentence.
const REASON_BYTES_MAX: usize = 300;

/// Keys of a subscription of today.
const SUBSCRIPTION_KEYS: [&str; 10] = [
    "id",
    "url",
    "title",
    "feed_url",
    "added_at",
    "paused",
    "auto_approve",
    "auto_approve_per_day_max",
    "newest_at_first",
    "filters",
];

/// The items of a list, and what stands beside it.
pub(super) struct Items<'a> {
    /// Each with its key, where the list is an object.
    pub(super) items: Vec<(Option<&'a str>, &'a Value)>,
    pub(super) beside: Map<String, Value>,
    /// Whether it is an object whose keys are guessed to be ids: it may be something else.
    pub(super) is_guess: bool,
}

/// The items of an earlier list: a bare array, one of `names` within an object, or an object keyed
/// by id. `None` where it has `format` or is none of these.
pub(super) fn items<'a>(earlier: &'a Value, names: &[&str]) -> Option<Items<'a>> {
    let map = match earlier {
        Value::Array(list) => {
            let items = list.iter().map(|item| (None, item)).collect();
            return Some(Items { items, beside: Map::new(), is_guess: false });
        }
        Value::Object(map) if !map.contains_key("format") && !map.is_empty() => map,
        _ => return None,
    };
    let mut record = Record::new(map);
    for name in names {
        let items = match map.get(*name) {
            Some(Value::Array(list)) => list.iter().map(|item| (None, item)).collect(),
            Some(Value::Object(by_id)) => keyed(by_id),
            _ => continue,
        };
        record.mark(name);
        return Some(Items { items, beside: record.rest(), is_guess: false });
    }
    Some(Items { items: keyed(map), beside: Map::new(), is_guess: true })
}

fn keyed(map: &Map<String, Value>) -> Vec<(Option<&str>, &Value)> {
    map.iter().map(|(key, value)| (Some(key.as_str()), value)).collect()
}

/// Words that an earlier item is told by beside its capitals (`channelId`, `addedAt`): today's keys
/// are in small letters, and what else a person adds is theirs.
const EARLIER_WORDS: [&str; 6] = ["status", "name", "channel", "feed", "video", "error"];

/// Whether an item is one of today already: today's reader takes it, and no key of it is one of the
/// earlier system's.
pub(super) fn is_todays<T: DeserializeOwned>(item: &Value, keys: &[&str]) -> bool {
    let is_earlier = |key: &str| {
        !keys.contains(&key)
            && (EARLIER_WORDS.contains(&key) || key.bytes().any(|b| b.is_ascii_uppercase()))
    };
    match item {
        Value::Object(map) => {
            !map.keys().any(|key| is_earlier(key)) && T::deserialize(item).is_ok()
        }
        _ => false,
    }
}

/// Whether a document only lacks `format`: today's reader does not ask for it.
pub(super) fn is_todays_list<T: DeserializeOwned>(
    earlier: &Value,
    name: &str,
    keys: &[&str],
) -> bool {
    let list = earlier.as_object().and_then(|map| map.get(name)).and_then(Value::as_array);
    // Today's reader of subscriptions also takes a link alone.
    let fits = |item: &Value| {
        is_todays::<T>(item, keys) || item.is_string() && T::deserialize(item).is_ok()
    };
    list.is_some_and(|list| list.iter().all(fits))
}

/// A document of today with one list.
pub(super) fn document(name: &str, list: Vec<Value>) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("format".to_owned(), 1.into());
    map.insert(name.to_owned(), Value::Array(list));
    map
}

/// An item with what is kept of it; `None` for what cannot be JSON, which these types all can.
pub(super) fn item(what: &impl Serialize, kept: Map<String, Value>) -> Option<Value> {
    let mut value = serde_json::to_value(what).ok()?;
    if let Some(map) = value.as_object_mut()
        && !kept.is_empty()
    {
        map.insert(KEPT.to_owned(), Value::Object(kept));
    }
    Some(value)
}

/// An item that goes with the key under which it stood.
pub(super) fn with_key(key: Option<&str>, value: &Value) -> Value {
    match key {
        None => value.clone(),
        Some(key) => {
            let mut map = Map::new();
            map.insert(key.to_owned(), value.clone());
            Value::Object(map)
        }
    }
}

/// `subscriptions.json`: a bare array, `subscriptions`, `channels`, `feeds` or `items`, or an
/// object keyed by id. `None` where it is today's form already, or something else entirely.
pub fn subscriptions(earlier: &Value) -> Option<Converted> {
    if is_todays_list::<Subscription>(earlier, "subscriptions", &SUBSCRIPTION_KEYS) {
        return None;
    }
    let names = ["subscriptions", "channels", "feeds", "items"];
    let Items { items, beside, is_guess } = items(earlier, &names)?;
    let mut left = Leftovers::default();
    let mut list = Vec::new();
    let mut links = HashSet::new();
    let mut ids = HashSet::new();
    for (key, value) in items {
        if is_todays::<Subscription>(value, &SUBSCRIPTION_KEYS) {
            list.push(value.clone());
            continue;
        }
        let Some((mut one, mut kept)) = subscription(key, value) else {
            left.unread(with_key(key, value));
            continue;
        };
        if !links.insert(one.url.clone()) {
            left.twice(with_key(key, value));
            continue;
        }
        // The same id each time it is read, since without one a subscription counts as new.
        let made = || Some(SubscriptionId::make(read::eight_bytes(&one.url)));
        let own = one.id.clone().filter(|id| !ids.contains(id));
        if one.id.is_some() && own.is_none() {
            kept.extend(one.id.take().map(|id| ("id".to_owned(), String::from(id).into())));
        }
        one.id = own.or_else(made);
        ids.extend(one.id.clone());
        list.extend(item(&one, kept));
    }
    if is_guess && list.is_empty() {
        return None;
    }
    left.beside(beside);
    Some(left.finish(document("subscriptions", list), "subscription"))
}

fn subscription(key: Option<&str>, value: &Value) -> Option<(Subscription, Map<String, Value>)> {
    let map = match value {
        Value::String(text) => {
            let url = followed(text).or_else(|| key.and_then(followed))?;
            // Under an id stands a name or a link.
            let title = if key.is_some() && followed(text).is_none() {
                read::one_line(text)
            } else {
                String::new()
            };
            return Some((Subscription { url, title, ..Subscription::default() }, Map::new()));
        }
        Value::Object(map) => map,
        _ => return None,
    };
    let mut record = Record::new(map);
    let link = |value| followed(read::text(value)?).filter(|it| it.contains("://"));
    let of_playlist = |value| {
        let id = read::text(value)?;
        is_plain(id).then(|| format!("https://www.youtube.com/playlist?list={id}"))
    };
    let url = record
        .take(&["url", "channelUrl", "playlistUrl", "link"], link)
        .or_else(|| record.take(&["feedUrl", "rssUrl", "feed_url"], link))
        .or_else(|| record.look(&["channelId", "handle"], |value| followed(read::text(value)?)))
        .or_else(|| record.look(&["playlistId"], of_playlist))
        .or_else(|| record.look(&["id"], |value| followed(read::text(value)?)))
        .or_else(|| key.and_then(followed))?;
    let feed_url = record
        .take(&["feedUrl", "rssUrl", "feed_url"], read::link)
        .filter(|feed| feed.as_str() != url);
    let named = ["title", "name", "channelName", "channelTitle", "feedTitle", "podcastTitle"];
    let title = record.take(&named, read::line).unwrap_or_default();
    let id = record.take(&["id"], |value| read::text(value)?.parse().ok());
    let added = ["addedAt", "added_at", "createdAt", "subscribedAt", "created_at"];
    let added_at = record.take(&added, read::moment);
    let is_on = record.take(&["enabled", "active", "isActive"], read::flag);
    let is_off = record.take(&["paused", "disabled", "isPaused", "muted"], read::flag);
    let auto = ["autoApprove", "auto_approve", "auto", "autoProcess", "autoQueue"];
    let auto_approve = record.take(&auto, read::flag).unwrap_or(false);
    let mut kept = record.rest();
    // The link is made of these, and says them.
    kept.retain(|name, value| {
        let is_link_part = ["channelId", "handle", "playlistId"].contains(&name.as_str());
        !(is_link_part
            && value.as_str().is_some_and(|part| !part.is_empty() && url.ends_with(part.trim())))
    });
    if let Some(key) = key.filter(|key| !url.contains(*key)) {
        kept.insert("key".to_owned(), key.into());
    }
    let paused = is_off.unwrap_or(false) || is_on == Some(false);
    let one = Subscription {
        id,
        url,
        title,
        feed_url,
        added_at,
        paused,
        auto_approve,
        ..Subscription::default()
    };
    Some((one, kept))
}

fn is_plain(id: &str) -> bool {
    (2..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// What a person follows, of a link, a channel's id or its handle.
fn followed(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > 2000 || text.contains(char::is_whitespace) {
        return None;
    }
    if text.len() == 24 && text.starts_with("UC") && is_plain(text) {
        return Some(format!("https://www.youtube.com/channel/{text}"));
    }
    if let Some(handle) = text.strip_prefix('@')
        && handle.chars().all(|c| c.is_alphanumeric() || "._-".contains(c))
    {
        return Some(format!("https://www.youtube.com/{text}"));
    }
    if !text.contains("://") {
        return read::is_hostlike(text).then(|| format!("https://{text}"));
    }
    // As it was written, user and password too: without them a private feed stays closed.
    let url = Url::parse(text).ok()?;
    (["http", "https"].contains(&url.scheme()) && url.has_host()).then(|| text.to_owned())
}

/// `skip-list.json`: a bare array of ids or objects, one of `videoIds`, `ids`, `skipped`,
/// `episodes` or `items`, or an object keyed by id. `None` as with [`subscriptions`]. Where
/// it is not said when an episode was refused, 1970 stands.
pub fn skip_list(earlier: &Value) -> Option<Converted> {
    let keys = ["episode_id", "title", "skipped_at", "reason"];
    if is_todays_list::<Skipped>(earlier, "episodes", &keys) {
        return None;
    }
    let names = ["videoIds", "ids", "skipped", "episodes", "items", "skipList"];
    let Items { items, beside, is_guess } = items(earlier, &names)?;
    let mut left = Leftovers::default();
    let mut list = Vec::new();
    let mut ids = HashSet::new();
    for (key, value) in items {
        if is_todays::<Skipped>(value, &keys) {
            list.push(value.clone());
            continue;
        }
        match skipped(key, value) {
            Some((one, kept)) if ids.insert(one.episode_id.clone()) => {
                list.extend(item(&one, kept))
            }
            Some(_) => left.twice(with_key(key, value)),
            None => left.unread(with_key(key, value)),
        }
    }
    if is_guess && list.is_empty() {
        return None;
    }
    left.beside(beside);
    Some(left.finish(document("episodes", list), "episode"))
}

fn skipped(key: Option<&str>, value: &Value) -> Option<(Skipped, Map<String, Value>)> {
    let bare = |id, at: Option<DateTime<Utc>>| {
        let skipped_at = at.unwrap_or_default();
        Skipped { episode_id: id, title: String::new(), skipped_at, reason: "skipped".to_owned() }
    };
    match (key, value) {
        (None, Value::String(text)) => {
            Some((bare(episode::id_of_text(text, None)?, None), Map::new()))
        }
        (_, Value::Object(map)) => {
            let mut record = Record::new(map);
            let (episode_id, _) = episode::identify(&mut record, key)?;
            let title = record.take(&["title", "videoTitle", "name"], read::line);
            let when =
                ["skippedAt", "skipped_at", "deletedAt", "addedAt", "createdAt", "at", "date"];
            let skipped_at = record.take(&when, read::moment).unwrap_or_default();
            let fits = |value| read::line(value).filter(|line| line.len() <= REASON_BYTES_MAX);
            let reason = record.take(&["reason", "why"], fits);
            let one = Skipped {
                episode_id,
                title: title.unwrap_or_default(),
                skipped_at,
                reason: reason.unwrap_or_else(|| "skipped".to_owned()),
            };
            let mut kept = record.rest();
            episode::keep_told(map, &mut kept);
            Some((one, kept))
        }
        (Some(key), value) => {
            let id = episode::id_of_text(key, None)?;
            let at = read::moment(value);
            let mut kept = Map::new();
            match value {
                Value::Bool(true) | Value::Null => {}
                // Somebody wrote down that it is not skipped.
                Value::Bool(false) => return None,
                _ if at.is_some() => {}
                other => {
                    kept.insert("value".to_owned(), other.clone());
                }
            }
            Some((bare(id, at), kept))
        }
        _ => None,
    }
}
