//! Whom a scope follows: the person's own file, in which `{ "url": … }` is a whole line.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use crate::domain::filters::Filters;

/// `subscriptions.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subscriptions {
    /// 1.
    #[serde(default = "one")]
    pub format: u32,
    /// In the person's order.
    #[serde(default)]
    pub subscriptions: Vec<Subscription>,
}

fn one() -> u32 {
    1
}

impl Default for Subscriptions {
    fn default() -> Subscriptions {
        Subscriptions { format: 1, subscriptions: Vec::new() }
    }
}

/// A subscription's id: 1 to 64 letters, digits, `-` and `_`. The daemon makes eight of `[a-z2-7]`.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct SubscriptionId(Box<str>);

impl SubscriptionId {
    /// From eight random bytes.
    pub fn make(random: [u8; 8]) -> SubscriptionId {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let id: String =
            random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
        SubscriptionId(id.into())
    }

    /// As it stands in files.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SubscriptionId {
    type Err = String;
    fn from_str(text: &str) -> Result<SubscriptionId, String> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if fits {
            Ok(SubscriptionId(text.into()))
        } else {
            Err("a subscription's id is 1 to 64 letters, digits, `-` and `_`; leave it out and Recap makes one".to_owned())
        }
    }
}

impl TryFrom<String> for SubscriptionId {
    type Error = String;
    fn try_from(text: String) -> Result<SubscriptionId, String> {
        text.parse()
    }
}

impl From<SubscriptionId> for String {
    fn from(id: SubscriptionId) -> String {
        id.0.into()
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One channel or podcast that is followed. Only `url` has to be there; Recap fills in `id`,
/// `title`, `added_at` and, where it is not `url` itself, `feed_url`, once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Subscription {
    /// By which commands name it; made by Recap.
    #[serde(default)]
    pub id: Option<SubscriptionId>,
    /// What the person follows, as they wrote it: a feed, a page, a channel.
    pub url: String,
    /// Shown for it; the show's own title where the person gave none.
    #[serde(default)]
    pub title: String,
    /// The feed behind `url`, where that is another; found by Recap.
    #[serde(default)]
    pub feed_url: Option<Url>,
    /// When it was first followed.
    #[serde(default)]
    pub added_at: Option<DateTime<Utc>>,
    /// Not checked while true.
    #[serde(default)]
    pub paused: bool,
    /// Whether new episodes are approved without asking.
    #[serde(default)]
    pub auto_approve: bool,
    /// Most recaps a day that are made without asking; the setting `auto_approve_per_day_max` without it.
    #[serde(default)]
    pub auto_approve_per_day_max: Option<u32>,
    /// How many of the newest episodes are found at the first check; the setting `newest_at_first`
    /// without it.
    #[serde(default)]
    pub newest_at_first: Option<u32>,
    /// Which episodes are found.
    #[serde(default)]
    pub filters: Filters,
}

/// What a reader takes: an object, or the link alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Link(String),
    Whole(Box<Whole>),
}

#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    id: Option<SubscriptionId>,
    url: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    feed_url: Option<Url>,
    #[serde(default)]
    added_at: Option<DateTime<Utc>>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    auto_approve: bool,
    #[serde(default)]
    auto_approve_per_day_max: Option<u32>,
    #[serde(default)]
    newest_at_first: Option<u32>,
    #[serde(default)]
    filters: Filters,
}

impl<'de> Deserialize<'de> for Subscription {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Subscription, D::Error> {
        // By hand, so that what is wrong inside an object is named and not just "no variant".
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Written;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a link, or an object with a `url`")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Written, E> {
                Ok(Written::Link(text.to_owned()))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Written, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                Whole::deserialize(map).map(Box::new).map(Written::Whole)
            }
        }
        Ok(match deserializer.deserialize_any(Either)? {
            Written::Link(url) => Subscription { url, ..Subscription::default() },
            Written::Whole(whole) => {
                let Whole {
                    id,
                    url,
                    title,
                    feed_url,
                    added_at,
                    paused,
                    auto_approve,
                    auto_approve_per_day_max,
                    newest_at_first,
                    filters,
                } = *whole;
                Subscription {
                    id,
                    url,
                    title,
                    feed_url,
                    added_at,
                    paused,
                    auto_approve,
                    auto_approve_per_day_max,
                    newest_at_first,
                    filters,
                }
            }
        })
    }
}

impl Subscription {
    /// What is shown for it: its title, else its link's host and path.
    pub fn name(&self) -> &str {
        if self.title.is_empty() { &self.url } else { &self.title }
    }
}

impl Subscriptions {
    /// The one with this id.
    pub fn find(&self, id: &SubscriptionId) -> Option<&Subscription> {
        self.subscriptions.iter().find(|one| one.id.as_ref() == Some(id))
    }

    /// The one with this id, to be changed.
    pub fn find_mut(&mut self, id: &SubscriptionId) -> Option<&mut Subscription> {
        self.subscriptions.iter_mut().find(|one| one.id.as_ref() == Some(id))
    }

    /// Gives an id to each line that has none, or the id of a line above it (a person copied it).
    /// Whether anything changed.
    pub fn give_ids(&mut self, mut make: impl FnMut() -> SubscriptionId) -> bool {
        let mut taken = std::collections::HashSet::new();
        let mut changed = false;
        for one in &mut self.subscriptions {
            if one.id.as_ref().is_none_or(|id| taken.contains(id)) {
                let mut id = make();
                while taken.contains(&id) {
                    id = make();
                }
                one.id = Some(id);
                // A copied line is followed from now on.
                one.added_at = None;
                changed = true;
            }
            taken.extend(one.id.clone());
        }
        changed
    }

    /// Takes one out; it, where it was there.
    pub fn remove(&mut self, id: &SubscriptionId) -> Option<Subscription> {
        let at = self.subscriptions.iter().position(|one| one.id.as_ref() == Some(id))?;
        Some(self.subscriptions.remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_alone_is_a_whole_line() {
        let read: Subscriptions = serde_json::from_str(
            r#"{"subscriptions": [{"url": "https://example.org/feed"}, "example.org/other"]}"#,
        )
        .unwrap();
        assert_eq!(read.subscriptions[0].url, "https://example.org/feed");
        assert_eq!(read.subscriptions[1].url, "example.org/other");
        let schema = schemars::schema_for!(Subscription).to_value();
        assert_eq!(schema["required"], serde_json::json!(["url"]), "editors ask for no more");
        assert!(read.subscriptions.iter().all(|one| one.id.is_none() && !one.paused));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_named() {
        for (text, part) in [
            (r#"{"subscriptions": [{"title": "x"}]}"#, "missing field `url`"),
            (r#"{"subscriptions": [{"url": "x", "paused": "yes"}]}"#, "invalid type: string"),
            (r#"{"subscriptions": [7]}"#, "a link, or an object with a `url`"),
            (r#"{"subscriptions": [{"url": "x", "id": "a/b"}]}"#, "a subscription's id is"),
            (
                r#"{"subscriptions": [{"url": "x", "filters": {"min_minutes": -1}}]}"#,
                "invalid value",
            ),
        ] {
            let said = serde_json::from_str::<Subscriptions>(text).unwrap_err().to_string();
            assert!(said.contains(part), "{text}: {said}");
        }
    }

    #[test]
    fn each_line_gets_an_id_of_its_own_and_keeps_it() {
        let mut list: Subscriptions = serde_json::from_str(
            r#"{"subscriptions": [{"id": "kept", "url": "a"}, {"url": "b"}, {"id": "kept", "url": "c"}]}"#,
        )
        .unwrap();
        let mut n = 0;
        let mut make = || {
            n += 1;
            SubscriptionId::make([n; 8])
        };
        assert!(list.give_ids(&mut make));
        let ids: Vec<_> = list.subscriptions.iter().filter_map(|one| one.id.clone()).collect();
        assert_eq!(ids[0].as_str(), "kept");
        assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 3);
        assert!(!list.give_ids(make), "nothing changes twice");
    }
}
