//! The whole disk format below `history/` on one page. A new document is one line in [`TABLE`] and
//! a sample in `sample-history/`.

use std::fs;
use std::path::Path;

use recap_mode::Scope;
use schemars::{Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::auto_queue::AutoQueue;
use crate::domain::earlier::{self, Converted};
use crate::domain::feed_state::FeedState;
use crate::domain::library::LibraryMeta;
use crate::domain::recap::{Recap, RecapId};
use crate::domain::scope_settings::ScopeSettings;
use crate::domain::seen_list::SeenList;
use crate::domain::skip_list::SkipList;
use crate::domain::spending::Spending;
use crate::domain::subscription::Subscriptions;
use crate::store::{Document, FileName, Problem, Slot, StoreError, Tx, parse_now};

/// One kind of document.
pub struct Kind {
    /// Its file name; `None` for recaps, which are named after their ids.
    pub file: Option<&'static str>,
    /// Name of its JSON schema in `history/.schema/`.
    pub schema: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    make_schema: fn() -> Schema,
    check: fn(&Scope, &FileName, &[u8]) -> Result<(), Problem>,
    rewrite: fn(&mut Tx<'_>, &FileName) -> Result<(), StoreError>,
}

/// Every kind of document that a scope has.
pub const TABLE: [Kind; 9] = [
    Kind {
        file: Some("subscriptions.json"),
        schema: "subscriptions.schema.json",
        about: "Whom this scope follows: the person's file, rewritten only when they change something.",
        make_schema: || schema_for!(Subscriptions),
        check: check_as::<Subscriptions>,
        rewrite: rewrite_as::<Subscriptions>,
    },
    Kind {
        file: Some("auto-queue.json"),
        schema: "auto-queue.schema.json",
        about: "Found episodes and their state.",
        make_schema: || schema_for!(AutoQueue),
        check: check_as::<AutoQueue>,
        rewrite: rewrite_as::<AutoQueue>,
    },
    Kind {
        file: Some("seen-list.json"),
        schema: "seen-list.schema.json",
        about: "Episodes already offered, or there before the person followed; one line of text each.",
        make_schema: || schema_for!(SeenList),
        check: check_as::<SeenList>,
        rewrite: rewrite_as::<SeenList>,
    },
    Kind {
        file: Some("feed-state.json"),
        schema: "feed-state.schema.json",
        about: "The daemon's own notes of the subscriptions' feeds.",
        make_schema: || schema_for!(FeedState),
        check: check_as::<FeedState>,
        rewrite: rewrite_as::<FeedState>,
    },
    Kind {
        file: Some("skip-list.json"),
        schema: "skip-list.schema.json",
        about: "Episodes that the person refused; the episode of a deleted recap goes here.",
        make_schema: || schema_for!(SkipList),
        check: check_as::<SkipList>,
        rewrite: rewrite_as::<SkipList>,
    },
    Kind {
        file: Some("_meta.json"),
        schema: "_meta.schema.json",
        about: "Folders, order and tags of the library.",
        make_schema: || schema_for!(LibraryMeta),
        check: check_as::<LibraryMeta>,
        rewrite: rewrite_as::<LibraryMeta>,
    },
    Kind {
        file: Some("settings.json"),
        schema: "settings.schema.json",
        about: "What this scope has chosen: models, recognisers, language, rules, caps.",
        make_schema: || schema_for!(ScopeSettings),
        check: check_settings,
        rewrite: rewrite_as::<ScopeSettings>,
    },
    Kind {
        file: Some("spending.json"),
        schema: "spending.schema.json",
        about: "The daemon's own sums of what models and recognisers took, by day and month.",
        make_schema: || schema_for!(Spending),
        check: check_as::<Spending>,
        rewrite: rewrite_as::<Spending>,
    },
    Kind {
        file: None,
        schema: "recap.schema.json",
        about: "One recap; its name is its id.",
        make_schema: || schema_for!(Recap),
        check: check_recap,
        rewrite: rewrite_as::<RecapFile>,
    },
];

/// The folder of schemas within `history/`.
pub const SCHEMA_FOLDER: &str = ".schema";

/// Where deleted recaps wait within a scope's folder until their deletion can no longer be undone.
pub const TRASH_FOLDER: &str = ".trash";

/// Keeps the daemon's own files out of a person's repository.
const GITIGNORE: &str = "# Recap's own: locks, temporaries, what was deleted, notes of the daemon.\n\
                         .lock\n.trash/\n.schema/\n.*.tmp\nfeed-state.json\nspending.json\n";

/// A recap's file; `None` where it is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecapFile(pub Option<Recap>);

impl Serialize for RecapFile {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RecapFile {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<RecapFile, D::Error> {
        Recap::deserialize(deserializer).map(Some).map(RecapFile)
    }
}

impl Document for RecapFile {
    const ONE_LINE_ITEMS: &'static [&'static str] =
        &["cues", "points", "doubts", "gaps", "chapters"];

    fn from_earlier(value: &Value, stem: &str) -> Option<Result<Value, String>> {
        earlier::recap(value, stem)
    }
}

impl Document for SkipList {
    const ONE_LINE_ITEMS: &'static [&'static str] = &["episodes"];

    fn from_earlier(value: &Value, _: &str) -> Option<Result<Value, String>> {
        earlier::skip_list(value).map(whole)
    }
}

impl Document for LibraryMeta {
    fn from_earlier(value: &Value, _: &str) -> Option<Result<Value, String>> {
        earlier::meta(value).map(whole)
    }
}

impl Document for Subscriptions {
    fn from_earlier(value: &Value, _: &str) -> Option<Result<Value, String>> {
        earlier::subscriptions(value).map(whole)
    }
}

impl Document for AutoQueue {
    // A queue of thousands is written whole at each move, and most of a move would be reading it.
    fn kept_copy(&self) -> Option<AutoQueue> {
        Some(self.clone())
    }

    fn into_kept(self) -> Option<AutoQueue> {
        Some(self)
    }

    fn from_earlier(value: &Value, _: &str) -> Option<Result<Value, String>> {
        earlier::auto_queue(value).map(whole)
    }
}

impl Document for SeenList {
    const ONE_LINE_ITEMS: &'static [&'static str] = &["episodes"];

    fn from_earlier(value: &Value, _: &str) -> Option<Result<Value, String>> {
        earlier::seen_list(value).map(whole)
    }
}

/// What could not be understood of a list stands in it, so that reading it never fails for that.
fn whole(converted: Converted) -> Result<Value, String> {
    Ok(converted.value)
}

impl Document for FeedState {}

impl Document for ScopeSettings {}

impl Document for Spending {}

/// The place of a recap.
pub fn recap(scope: &Scope, id: &RecapId) -> Slot<RecapFile> {
    Slot::new(scope, recap_file(id))
}

/// The name of a recap's file.
pub fn recap_file(id: &RecapId) -> FileName {
    // An id of a recap is by its own rules a safe stem.
    FileName::parse(&format!("{id}.json"))
        .unwrap_or_else(|_| unreachable!("{id} is no safe file name"))
}

/// The place of the subscriptions.
pub fn subscriptions(scope: &Scope) -> Slot<Subscriptions> {
    Slot::new(scope, fixed(TABLE[0].file))
}

/// The place of the queue.
pub fn auto_queue(scope: &Scope) -> Slot<AutoQueue> {
    Slot::new(scope, fixed(TABLE[1].file))
}

/// The place of the seen list.
pub fn seen_list(scope: &Scope) -> Slot<SeenList> {
    Slot::new(scope, fixed(TABLE[2].file))
}

/// The place of the daemon's notes of feeds.
pub fn feed_state(scope: &Scope) -> Slot<FeedState> {
    Slot::new(scope, fixed(TABLE[3].file))
}

/// The place of the skip list.
pub fn skip_list(scope: &Scope) -> Slot<SkipList> {
    Slot::new(scope, fixed(TABLE[4].file))
}

/// The place of the library's folders and order.
pub fn meta(scope: &Scope) -> Slot<LibraryMeta> {
    Slot::new(scope, fixed(TABLE[5].file))
}

/// The place of the scope's choices.
pub fn settings(scope: &Scope) -> Slot<ScopeSettings> {
    Slot::new(scope, fixed(TABLE[6].file))
}

/// The place of the sums of what was spent.
pub fn spending(scope: &Scope) -> Slot<Spending> {
    Slot::new(scope, fixed(TABLE[7].file))
}

fn fixed(name: Option<&str>) -> FileName {
    name.and_then(|name| FileName::parse(name).ok())
        .unwrap_or_else(|| unreachable!("the table holds safe names"))
}

/// The recap that lies in a file by this name, if it is one.
pub fn recap_id(name: &FileName) -> Option<RecapId> {
    let is_other = TABLE.iter().any(|kind| kind.file == Some(name.as_str()));
    if is_other { None } else { name.stem().parse().ok() }
}

/// Checks one file of a scope by its kind; `None` where the name belongs to no kind known here.
pub fn check(scope: &Scope, name: &FileName, bytes: &[u8]) -> Option<Result<(), Problem>> {
    let kind = TABLE.iter().find(|kind| match kind.file {
        Some(file) => file == name.as_str(),
        None => recap_id(name).is_some(),
    });
    kind.map(|kind| (kind.check)(scope, name, bytes))
}

/// What writes a document in today's form, by its kind.
pub(super) fn rewrite_of(name: &FileName) -> fn(&mut Tx<'_>, &FileName) -> Result<(), StoreError> {
    let kind = TABLE.iter().find(|kind| kind.file == Some(name.as_str()));
    kind.map_or(rewrite_as::<RecapFile>, |kind| kind.rewrite)
}

fn rewrite_as<T: Document>(tx: &mut Tx<'_>, name: &FileName) -> Result<(), StoreError> {
    tx.read::<T>(name)?;
    tx.rewrite(name);
    Ok(())
}

fn check_as<T: Document>(scope: &Scope, name: &FileName, bytes: &[u8]) -> Result<(), Problem> {
    parse_now::<T>(scope, name, bytes).map(drop)
}

fn check_recap(scope: &Scope, name: &FileName, bytes: &[u8]) -> Result<(), Problem> {
    let file = parse_now::<RecapFile>(scope, name, bytes)?;
    let Some(recap) = file.0 else { return Ok(()) };
    let mut flaws = recap.flaws();
    if recap.id.as_str() != name.stem() {
        flaws
            .insert(0, format!("the id is {}, and the file's name says {}", recap.id, name.stem()));
    }
    match flaws.into_iter().next() {
        Some(reason) => {
            Err(Problem { file: format!("{scope}/{name}"), line: 1, column: 1, reason })
        }
        None => Ok(()),
    }
}

fn check_settings(scope: &Scope, name: &FileName, bytes: &[u8]) -> Result<(), Problem> {
    let settings = parse_now::<ScopeSettings>(scope, name, bytes)?;
    match settings.flaw() {
        Some(reason) => {
            Err(Problem { file: format!("{scope}/{name}"), line: 1, column: 1, reason })
        }
        None => Ok(()),
    }
}

/// The JSON schemas by file name.
pub fn schemas() -> Vec<(&'static str, serde_json::Value)> {
    TABLE
        .iter()
        .map(|kind| {
            let mut schema = (kind.make_schema)().to_value();
            if let Some(object) = schema.as_object_mut() {
                object.insert("description".to_owned(), kind.about.into());
                if let Some(properties) =
                    object.get_mut("properties").and_then(|p| p.as_object_mut())
                {
                    properties.insert("$schema".to_owned(), serde_json::json!({"type": "string"}));
                }
            }
            (kind.schema, schema)
        })
        .collect()
}

/// Writes the schemas and the `.gitignore` beside the scopes, where they are missing or older.
///
/// # Errors
/// [`StoreError::Io`].
pub fn write_companions(history: &Path) -> Result<(), StoreError> {
    let folder = history.join(SCHEMA_FOLDER);
    let io = |path: &Path| {
        let path = path.to_owned();
        move |cause| StoreError::Io { doing: "Writing".to_owned(), path, cause }
    };
    fs::create_dir_all(&folder).map_err(io(&folder))?;
    for (name, schema) in schemas() {
        let text = crate::store::pretty(&schema, &[]);
        let path = folder.join(name);
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            continue;
        }
        fs::write(&path, text).map_err(io(&path))?;
    }
    let ignore = history.join(".gitignore");
    if !ignore.exists() {
        fs::write(&ignore, GITIGNORE).map_err(io(&ignore))?;
    }
    Ok(())
}

/// A recap's JSON as the text of a new file.
pub fn pretty_recap(value: &serde_json::Value) -> String {
    crate::store::pretty(value, RecapFile::ONE_LINE_ITEMS)
}
