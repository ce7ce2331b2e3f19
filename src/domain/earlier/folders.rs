//! `_meta.json`: folders and order of the library. Its earlier shape is a guess.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};

use super::read::{self, Record};
use super::{Converted, Leftovers, lists};
use crate::domain::library::{FOLDER_NAME_CHARS_MAX, FOLDERS_MAX, Folder};
use crate::domain::recap::RecapId;

/// The library's order: `folders` (an array, or an object keyed by id) with `items` or `recaps`,
/// and `order`; or a bare array of folders or of ids. `None` where it is today's form already, or
/// something else entirely.
pub fn meta(earlier: &Value) -> Option<Converted> {
    let empty = Map::new();
    let (map, bare) = match earlier {
        Value::Array(list) => (&empty, Some(list)),
        Value::Object(map) if !map.contains_key("format") => (map, None),
        _ => return None,
    };
    let mut record = Record::new(map);
    let folders: Vec<(Option<&str>, &Value)> = record
        .take(&["folders"], |value| match value {
            Value::Array(list) => Some(list.iter().map(|it| (None, it)).collect()),
            Value::Object(by_id) => {
                Some(by_id.iter().map(|(key, value)| (Some(key.as_str()), value)).collect())
            }
            _ => None,
        })
        .or_else(|| {
            bare.map(|list| list.iter().filter(|it| is_folder(it)).map(|it| (None, it)).collect())
        })
        .unwrap_or_default();
    let names = ["order", "rootOrder", "rootItems", "items", "root"];
    let order: Vec<&Value> = record
        .take(&names, |value| Some(value.as_array()?.iter().collect()))
        .or_else(|| bare.map(|list| list.iter().filter(|it| !is_folder(it)).collect()))
        .unwrap_or_default();
    let has_lists =
        ["folders"].iter().chain(&names).any(|name| map.get(*name).is_some_and(|it| !it.is_null()));
    if bare.is_none() && !has_lists {
        return None;
    }
    let mut shelf = Shelf::default();
    for (key, value) in folders {
        shelf.folder(key, value);
    }
    let mut outside = Vec::new();
    for value in order {
        shelf.place(value, &mut outside);
    }
    let Shelf { mut folders, mut left, rank, .. } = shelf;
    // Folders that the order names stand in its order, before those that it does not name.
    folders.sort_by_key(|(folder, _)| rank.get(&folder.id).copied().unwrap_or(usize::MAX));
    let folders =
        folders.into_iter().filter_map(|(folder, kept)| lists::item(&folder, kept)).collect();
    let mut document = lists::document("folders", folders);
    let ids = outside.into_iter().map(|id: RecapId| Value::from(String::from(id))).collect();
    document.insert("order".to_owned(), Value::Array(ids));
    let tags = record.take(&["tags"], |value| {
        <BTreeMap<RecapId, Vec<String>> as serde::Deserialize>::deserialize(value).ok()
    });
    if let Some(tags) = tags {
        document.insert("tags".to_owned(), serde_json::to_value(tags).ok()?);
    }
    left.beside(record.rest());
    Some(left.finish(document, "entry"))
}

/// An object that holds others or has a name.
fn is_folder(value: &Value) -> bool {
    value.as_object().is_some_and(|map| {
        ["items", "recaps", "recapIds", "collapsed", "name"]
            .iter()
            .any(|key| map.contains_key(*key))
    })
}

#[derive(Default)]
struct Shelf {
    folders: Vec<(Folder, Map<String, Value>)>,
    folder_ids: HashSet<String>,
    /// Where the order names a folder.
    rank: HashMap<String, usize>,
    /// A recap lies in one place only.
    placed: HashSet<RecapId>,
    left: Leftovers,
}

impl Shelf {
    fn folder(&mut self, key: Option<&str>, value: &Value) {
        let Some(map) = value.as_object().filter(|_| self.folders.len() < FOLDERS_MAX) else {
            self.left.unread(lists::with_key(key, value));
            return;
        };
        let mut record = Record::new(map);
        let fits =
            |value| read::line(value).filter(|it| it.chars().count() <= FOLDER_NAME_CHARS_MAX);
        let names = ["name", "title"];
        let name = record
            .take(&names, fits)
            .or_else(|| record.look(&names, read::line))
            .unwrap_or_else(|| "Folder".to_owned());
        // Cut where it is too long; the whole is then kept beside it.
        let name: String = name.chars().take(FOLDER_NAME_CHARS_MAX).collect();
        let own = record.look(&["id"], read::text).or(key);
        let id = own.filter(|id| id.len() <= 128 && !self.folder_ids.contains(*id));
        let id = match id {
            Some(id) => {
                record.mark("id");
                id.to_owned()
            }
            None => (self.folders.len() + 1..)
                .map(|number| format!("f{number}"))
                .find(|id| !self.folder_ids.contains(id))
                .unwrap_or_default(),
        };
        self.folder_ids.insert(id.clone());
        let collapsed =
            record.take(&["collapsed", "isCollapsed", "closed"], read::flag).unwrap_or(false);
        let names = ["items", "recaps", "recapIds", "sessions", "children"];
        let items = record.take(&names, Value::as_array);
        let mut kept = record.rest();
        let mut recaps = Vec::new();
        let mut strange = Vec::new();
        for item in items.into_iter().flatten() {
            match recap_id(item) {
                Some(recap) if self.placed.insert(recap.clone()) => {
                    recaps.push(recap);
                    if !says_more(item) {
                        continue;
                    }
                }
                Some(_) => self.left.twice += 1,
                None => self.left.unread += 1,
            }
            strange.push(item.clone());
        }
        if !strange.is_empty() {
            // With the folder, so that it is clear where it was.
            kept.insert("items".to_owned(), Value::Array(strange));
        }
        self.folders.push((Folder { id, name, collapsed, recaps }, kept));
    }

    fn place(&mut self, value: &Value, outside: &mut Vec<RecapId>) {
        let folder = id_text(value).filter(|id| self.folder_ids.contains(*id));
        if let Some(id) = folder {
            let next = self.rank.len();
            self.rank.entry(id.to_owned()).or_insert(next);
            return;
        }
        match recap_id(value) {
            Some(recap) if self.placed.insert(recap.clone()) => {
                outside.push(recap);
                if says_more(value) {
                    self.left.values.push(value.clone());
                }
            }
            // The order may name again what a folder holds.
            Some(_) => {}
            None => self.left.unread(value.clone()),
        }
    }
}

fn id_text(value: &Value) -> Option<&str> {
    match value {
        Value::Object(map) => {
            ["id", "recapId", "sessionId"].iter().find_map(|key| map.get(*key)).and_then(read::text)
        }
        other => read::text(other),
    }
}

/// Whether an item is more than an id.
fn says_more(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|map| map.keys().any(|key| !["id", "type"].contains(&key.as_str())))
}

fn recap_id(value: &Value) -> Option<RecapId> {
    let text = id_text(value)?;
    // Some lists name files and not ids.
    text.strip_suffix(".json").unwrap_or(text).parse().ok()
}
