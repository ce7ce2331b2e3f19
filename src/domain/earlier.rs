//! Documents in the form of the earlier system become the JSON of today's form.
//!
//! Pure: JSON in, JSON out; what lies in which file, and when it is written, is `history`'s. Few
//! facts about the earlier form are certain (a recap's `id`, `title`, `type`, `url`, `createdAt`,
//! `topicCount`, `chunks`, `entries`, `speakers`, `speakerNames`, `digestOverview`); every other
//! name that is read here, and the whole shape of the lists, is a guess. So nothing that is not
//! understood is dropped: it stands unchanged under a key `earlier` of what it belonged to. The
//! one exception are bulky extras of single entries, such as times by word; a note names them.

mod entries;
mod episode;
mod folders;
mod lists;
mod queue;
mod read;
mod record;
mod seen;
mod topics;

#[cfg(test)]
mod tests;

pub use folders::meta;
pub use lists::{skip_list, subscriptions};
pub use queue::auto_queue;
pub use record::recap;
pub use seen::seen_list;

use serde_json::{Map, Value};

/// The key under which stands what was not understood.
pub const KEPT: &str = "earlier";

/// A list that was turned into today's form.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// Today's form, format 1. What is not in its list stands in its array `earlier`.
    pub value: Value,
    /// Sentences for the person about what was not understood; none where all was.
    pub left: Vec<String>,
}

/// What could not be put into a list, while it is read.
#[derive(Debug, Default)]
struct Leftovers {
    values: Vec<Value>,
    unread: usize,
    twice: usize,
    notes: Vec<String>,
}

impl Leftovers {
    fn unread(&mut self, value: Value) {
        self.unread += 1;
        self.values.push(value);
    }

    fn twice(&mut self, value: Value) {
        self.twice += 1;
        self.values.push(value);
    }

    /// Keys beside the list itself.
    fn beside(&mut self, keys: Map<String, Value>) {
        if !keys.is_empty() {
            let names: Vec<&str> = keys.keys().take(5).map(String::as_str).collect();
            let names = read::short(&names.join("`, `"));
            self.notes.push(format!(
                "Beside the list stood keys that have no place today (`{names}`); they are kept \
                 under `{KEPT}`."
            ));
            self.values.push(Value::Object(keys));
        }
    }

    /// Puts the document together. `what` names one item of the list.
    fn finish(mut self, mut document: Map<String, Value>, what: &str) -> Converted {
        let mut left = Vec::new();
        if self.unread > 0 {
            left.push(format!(
                "{} could not be understood: not in the list, but kept unchanged under \
                 `{KEPT}`.",
                read::counted(self.unread, what)
            ));
        }
        if self.twice > 0 {
            left.push(format!(
                "{} stood there a second time: the first one counts, what came later is kept \
                 under `{KEPT}`.",
                read::counted(self.twice, what)
            ));
        }
        left.append(&mut self.notes);
        if !self.values.is_empty() {
            document.insert(KEPT.to_owned(), Value::Array(self.values));
        }
        Converted { value: Value::Object(document), left }
    }
}
