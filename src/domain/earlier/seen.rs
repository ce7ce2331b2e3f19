//! `seen-list.json`: what was offered already. Its earlier shape is a guess.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::episode::{self, PUBLISHED};
use super::lists::{self, Items, with_key};
use super::read::{self, Record};
use super::{Converted, KEPT, Leftovers};
use crate::domain::episode::EpisodeId;
use crate::domain::known::Traits;
use crate::domain::seen_list::{self, SeenLines, SeenList, SeenShow, Why};

/// Keys of an array of ids.
const WITHIN: [&str; 6] = ["seen", "seenIds", "videoIds", "ids", "episodes", "items"];

/// `seen-list.json`: a bare array of ids or objects, one of `seen`, `videoIds`, `ids`, `episodes`
/// or `items`, an object keyed by id, or one keyed by channel or feed with such arrays. `None` as
/// with [`super::subscriptions`].
pub fn seen_list(earlier: &Value) -> Option<Converted> {
    if lists::is_todays_list::<SeenShow>(earlier, "shows", &["id", "title", "episodes"]) {
        return None;
    }
    let mut names = WITHIN.to_vec();
    names.extend(["channels", "feeds", "subscriptions", "bySubscription"]);
    let Items { items, beside, is_guess } = lists::items(earlier, &names)?;
    let mut seen = Seen::default();
    let mut loose = Vec::new();
    for (key, value) in items {
        let list = match value {
            Value::Array(list) => Some(list),
            Value::Object(map) => WITHIN.iter().find_map(|name| map.get(*name)?.as_array()),
            _ => None,
        };
        match (key, list) {
            (Some(key), Some(list)) => seen.show(key, value, list),
            _ => loose.push((key, value)),
        }
    }
    for (key, value) in loose {
        seen.add(None, key, value);
    }
    if is_guess && seen.count == 0 {
        return None;
    }
    let Seen { list, mut left, more, .. } = seen;
    if !more.is_empty() {
        let count = read::counted(more.len(), "episode");
        left.notes.push(format!(
            "Of {count} more was noted than has a place in today's list; it is kept under `{KEPT}`."
        ));
        left.values.extend(more);
    }
    left.beside(beside);
    let shows = serde_json::to_value(&list.shows).ok()?;
    let shows = shows.as_array().cloned().unwrap_or_default();
    Some(left.finish(lists::document("shows", shows), "episode"))
}

#[derive(Default)]
struct Seen {
    list: SeenList,
    /// Where in the list the episodes of no show stand.
    loose_at: Option<usize>,
    left: Leftovers,
    /// What is said of episodes beyond their lines.
    more: Vec<Value>,
    ids: HashSet<EpisodeId>,
    count: usize,
}

impl Seen {
    fn show(&mut self, key: &str, value: &Value, list: &[Value]) {
        let empty = Map::new();
        let map = value.as_object().unwrap_or(&empty);
        let mut record = Record::new(map);
        let names = ["title", "name", "channelName", "feedTitle"];
        let title = record.take(&names, read::line);
        // An id that a feed is known by does not tell its name; the key is what a person knows.
        let title = title.unwrap_or_else(|| read::one_line(key));
        let id = seen_list::show_id(key);
        self.list.shows.push(SeenShow { id, title, episodes: SeenLines::default() });
        let at = self.list.shows.len() - 1;
        for item in list {
            self.add(Some((at, key)), None, item);
        }
        for name in WITHIN {
            if map.get(name).is_some_and(Value::is_array) {
                record.mark(name);
                break;
            }
        }
        let rest = record.rest();
        if !rest.is_empty() {
            self.more.push(with_key(Some(key), &Value::Object(rest)));
        }
    }

    fn add(&mut self, show: Option<(usize, &str)>, key: Option<&str>, value: &Value) {
        let show_key = show.map(|(_, key)| key);
        let Some((id, line, kept)) = line(show_key, key, value) else {
            self.left.unread(with_key(key.or(show_key), value));
            return;
        };
        if !self.ids.insert(id.clone()) {
            self.left.twice(with_key(key.or(show_key), value));
            return;
        }
        if !kept.is_empty() {
            self.more.push(with_key(Some(id.as_str()), &Value::Object(kept)));
        }
        let at = match (show, self.loose_at) {
            (Some((at, _)), _) | (None, Some(at)) => at,
            (None, None) => {
                let id = seen_list::show_id(KEPT);
                let title = "From the earlier list".to_owned();
                self.list.shows.push(SeenShow { id, title, episodes: SeenLines::default() });
                *self.loose_at.insert(self.list.shows.len() - 1)
            }
        };
        self.count += 1;
        self.list.shows[at].episodes.append(line);
    }
}

/// An episode's id and line, and what is said of it beyond that.
fn line(
    show_key: Option<&str>,
    key: Option<&str>,
    value: &Value,
) -> Option<(EpisodeId, SeenLines, Map<String, Value>)> {
    let line = |id: &EpisodeId, title: &str, published_at, duration_ms| {
        let traits = Traits::new(id.as_str(), title, published_at, duration_ms, None);
        let mut line = SeenLines::default();
        line.push(&traits, &Why::Offered);
        line
    };
    match (key, value) {
        (None, Value::String(text)) => {
            let id = episode::id_of_text(text, show_key)?;
            let line = line(&id, "", None, None);
            Some((id, line, Map::new()))
        }
        (_, Value::Object(map)) => {
            let mut record = Record::new(map);
            let by_guid = |record: &mut Record<'_>| {
                let guid = record.take(&["guid", "id"], read::line)?;
                episode::id_of_text(&guid, Some(show_key?))
            };
            let known = episode::identify(&mut record, key);
            let id = match known {
                Some((id, _)) => id,
                None => by_guid(&mut record)?,
            };
            let title =
                record.take(&["title", "videoTitle", "name"], read::line).unwrap_or_default();
            let published_at = record.take(&PUBLISHED, read::moment);
            let duration_ms = episode::sure_duration_ms(&mut record)
                .or_else(|| episode::duration_ms(&mut record, 0));
            let mut kept = record.rest();
            episode::keep_told(map, &mut kept);
            let line = line(&id, &title, published_at, duration_ms);
            Some((id, line, kept))
        }
        (Some(key), value) => {
            let id = episode::id_of_text(key, None)?;
            let mut kept = Map::new();
            if !matches!(value, Value::Bool(true) | Value::Null) {
                kept.insert("value".to_owned(), value.clone());
            }
            let line = line(&id, "", None, None);
            Some((id, line, kept))
        }
        _ => None,
    }
}
