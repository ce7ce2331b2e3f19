//! JSON Feed 1.0 and 1.1.

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use super::build::{Candidate, best};
use super::text::{self, Tags};
use super::{DESCRIPTION_CHARS_MAX, Feed, FeedError, ITEMS_MAX, Item, Media, TITLE_CHARS_MAX};
use super::{date, duration, key, language, links, media_type};

/// Every field takes any value: one of the wrong kind counts as absent and spoils nothing else.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    title: Value,
    #[serde(default)]
    home_page_url: Value,
    #[serde(default)]
    icon: Value,
    #[serde(default)]
    language: Value,
    #[serde(default)]
    items: Items,
}

/// The items, at most [`ITEMS_MAX`], and how many there are: millions of empty ones take no room.
#[derive(Default)]
struct Items {
    kept: Vec<Value>,
    count: usize,
}

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Items, D::Error> {
        deserializer.deserialize_any(ItemsVisitor)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Items;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items, A::Error> {
        let mut items = Items::default();
        while items.kept.len() < ITEMS_MAX {
            match list.next_element()? {
                Some(item) => items.kept.push(item),
                None => {
                    items.count = items.kept.len();
                    return Ok(items);
                }
            }
        }
        items.count = items.kept.len();
        while list.next_element::<IgnoredAny>()?.is_some() {
            items.count += 1;
        }
        Ok(items)
    }

    // Anything else counts as no items.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Items, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Items::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Items, E> {
        Ok(Items::default())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Items, E> {
        Ok(Items::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Items, E> {
        Ok(Items::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Items, E> {
        Ok(Items::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Items, E> {
        Ok(Items::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Items, E> {
        Ok(Items::default())
    }
}

pub(super) fn read(text: &str, base: &Url) -> Result<Feed, FeedError> {
    let document: Document = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| FeedError::Json { line: error.line(), column: error.column() })?;
    let mut feed = Feed {
        title: text::line(&text::undoubled(string(&document.title)), TITLE_CHARS_MAX),
        link: links::http(string(&document.home_page_url), base),
        language: language(string(&document.language)),
        image_url: links::link(string(&document.icon), base),
        ..Feed::default()
    };
    let Items { kept, count } = document.items;
    feed.items = kept.iter().map(|value| item(value, base)).collect();
    if count > kept.len() {
        feed.warnings.push(super::build::left_out(count - kept.len()));
    }
    feed.warnings.extend(super::tell_apart(&mut feed.items));
    Ok(feed)
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn item(value: &Value, base: &Url) -> Item {
    let field = |name: &str| value.get(name).map(string).unwrap_or_default();
    // The standard asks for text and tells readers to take numbers too.
    let guid = match value.get("id") {
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => key(field("id")),
    };
    let described = match (field("content_html"), field("content_text")) {
        ("", "") => field("summary").to_owned(),
        ("", plain) => plain.to_owned(),
        (html, _) => text::from_html(html, Tags::All),
    };
    let attachments = value.get("attachments").and_then(Value::as_array);
    let attachments = attachments.map(Vec::as_slice).unwrap_or_default();
    let mut media: Option<Candidate> = None;
    let mut duration_ms = None;
    for attachment in attachments {
        let Some(url) = attachment.get("url").and_then(|url| links::link(string(url), base)) else {
            continue;
        };
        let seconds = attachment.get("duration_in_seconds").and_then(Value::as_f64);
        duration_ms = duration_ms.or(seconds.and_then(duration::from_seconds));
        let media_type = media_type(attachment.get("mime_type").map(string).unwrap_or_default());
        let size_bytes =
            attachment.get("size_in_bytes").and_then(Value::as_u64).filter(|size| *size > 0);
        best(&mut media, 0, Media { url, media_type, size_bytes });
    }
    Item {
        guid,
        title: text::line(&text::undoubled(field("title")), TITLE_CHARS_MAX),
        link: links::link(field("url"), base).or_else(|| links::link(field("external_url"), base)),
        published_at: date::parse(field("date_published"))
            .or_else(|| date::parse(field("date_modified"))),
        duration_ms,
        description: text::lines(&described, DESCRIPTION_CHARS_MAX),
        media: media.map(|candidate| candidate.media),
        image_url: links::link(field("image"), base),
        ..Item::default()
    }
}
