//! Towards publishers: the bytes of a feed (RSS of every version, RDF, Atom, JSON Feed) or of a
//! file of chapters become episodes. Pure: no io, no async, no clock; fetching is `net`'s.

pub mod apple;
mod build;
mod chapters;
mod date;
mod duration;
mod json;
mod links;
mod names;
pub mod opml;
pub mod page;
pub mod place;
mod sniff;
#[cfg(test)]
mod tests;
mod text;
mod xml;

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::episode::{Episode, EpisodeId, EpisodeKind, Show};
use crate::domain::link::Link;
use crate::domain::outline::Chapter;
use crate::letters::decode::{Decoded, decode};

pub use chapters::{ChaptersError, chapters};

/// Most items of a feed that are read, in the feed's order; the largest known feeds have some
/// 10,000. How many were left out is a warning.
pub const ITEMS_MAX: usize = 20_000;

/// How deep elements may lie within one another; real feeds reach some ten.
pub const DEPTH_MAX: usize = 64;

/// Longest title or name that is kept, in letters; a longer one is cut and ends with `…`.
pub const TITLE_CHARS_MAX: usize = 1_000;

/// Longest description that is kept, in letters; a longer one is cut and ends with `…`.
pub const DESCRIPTION_CHARS_MAX: usize = 20_000;

/// Longest guid or other key that is kept, in letters.
const KEY_CHARS_MAX: usize = 2_000;

/// Most transcripts, persons, and chapters of one item that are kept: far beyond any real one.
const TRANSCRIPTS_MAX: usize = 100;
const PERSONS_MAX: usize = 100;
const CHAPTERS_MAX: usize = 5_000;

/// How much of a document [`looks_like_feed`] decodes, in bytes; a multiple of four, so that no
/// letter of UTF-16 or UTF-32 is cut.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// A show and its episodes, as its publisher wrote them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Feed {
    /// One line, at most [`TITLE_CHARS_MAX`] letters; may be empty.
    pub title: String,
    /// The show's page.
    pub link: Option<Url>,
    /// BCP 47, as the publisher says.
    pub language: Option<String>,
    /// The show's picture.
    pub image_url: Option<Link>,
    /// `podcast:guid`: the show's own id, the same wherever its feed moves.
    pub podcast_guid: Option<String>,
    /// `itunes:new-feed-url`: where the publisher says that the feed has moved.
    pub new_feed_url: Option<Url>,
    /// In the feed's order, at most [`ITEMS_MAX`].
    pub items: Vec<Item>,
    /// Sentences about what could not be read; empty for a sound feed.
    pub warnings: Vec<String>,
}

/// One item of a feed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// `guid`, Atom's `id` or RDF's `about`, as written but for blanks around it.
    pub guid: Option<String>,
    /// One line, at most [`TITLE_CHARS_MAX`] letters; may be empty.
    pub title: String,
    /// The page of the episode.
    pub link: Option<Link>,
    /// When it was published, to the millisecond; where only a change is told, when it was changed.
    #[serde(with = "chrono::serde::ts_milliseconds_option")]
    pub published_at: Option<DateTime<Utc>>,
    /// Milliseconds, as the publisher says; at most a hundred days.
    pub duration_ms: Option<u64>,
    /// Plain text in lines, at most [`DESCRIPTION_CHARS_MAX`] letters; may be empty.
    pub description: String,
    /// The audio or video: of several, the first that says it is one.
    pub media: Option<Media>,
    /// The episode's own picture.
    pub image_url: Option<Link>,
    /// The publisher's transcripts, in the feed's order.
    pub transcripts: Vec<TranscriptLink>,
    /// Where the publisher's chapters are, as JSON.
    pub chapters_url: Option<Link>,
    /// Chapters that stand in the feed itself, by time.
    pub chapters: Vec<Chapter>,
    /// Number of the season.
    pub season: Option<u32>,
    /// Number of the episode within its season.
    pub number: Option<u32>,
    /// Who takes part.
    pub persons: Vec<Person>,
    /// The YouTube video that this is, by its id of 11 letters: where the item says so and its link
    /// leads there too.
    pub youtube_video: Option<String>,
    /// Another item of the feed, published before, has the same guid, which does not tell this one
    /// from it.
    pub guid_is_shared: bool,
}

/// The audio or video of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// Where it is.
    pub url: Link,
    /// As the publisher says, in lower case; may be empty.
    pub media_type: Cow<'static, str>,
    /// As the publisher says; `None` where it says nothing or zero.
    pub size_bytes: Option<u64>,
}

/// One `podcast:transcript`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TranscriptLink {
    /// Where it is.
    pub url: Link,
    /// As the publisher says, in lower case; may be empty.
    pub media_type: String,
    /// BCP 47, as the publisher says.
    pub language: Option<String>,
    /// `captions` where its times are good enough for captions.
    pub rel: Option<String>,
}

/// One `podcast:person`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// One line, never empty.
    pub name: String,
    /// In lower case, as the publisher says: `host`, `guest` and any other word.
    pub role: Option<String>,
}

/// Why bytes are no feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// There is nothing in it.
    #[error(
        "The feed is empty: the server sent no text. Try again later, or look at the link in a \
         browser."
    )]
    Empty,
    /// Something else, in words that fit behind “it is”.
    #[error("This is not a feed: it is {0}. Give the link to the show's RSS or Atom feed.")]
    NotAFeed(&'static str),
    /// A JSON Feed that is no JSON.
    #[error(
        "The JSON Feed cannot be read: line {line}, column {column} is not as JSON should \
         be. Tell the publisher."
    )]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Elements within elements beyond [`DEPTH_MAX`], and no item before that.
    #[error(
        "The feed is nested more than {DEPTH_MAX} elements deep, which no show's feed is; it was \
         not read."
    )]
    TooDeep,
}

/// Whether [`parse`] is worth a try, by the first kilobytes: RSS, RDF with items, Atom or JSON
/// Feed; not a web page, a transcript or an OPML list.
pub fn looks_like_feed(bytes: &[u8]) -> bool {
    let mut head = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
    // A letter of UTF-8 that is cut would make the head seem to be in another encoding.
    if head.len() < bytes.len() && !head.contains(&0) {
        let whole = head.iter().rposition(u8::is_ascii).map_or(0, |at| at + 1);
        head = &head[..whole];
    }
    sniff::form(&decode(head, None).text).is_ok()
}

/// Reads a feed. `charset` is what the server named, `base` is where the feed came from, for
/// relative links.
///
/// XML that breaks off or is broken in places keeps what could be read, with a sentence in
/// [`Feed::warnings`]. Links that are not `http` or `https` are left out. No DTD is read and no
/// entity of the document's own is expanded.
///
/// # Errors
/// [`FeedError::Empty`] and [`FeedError::NotAFeed`] by the first element; [`FeedError::Json`] for
/// a broken JSON Feed; [`FeedError::TooDeep`] for one that nests beyond [`DEPTH_MAX`].
pub fn parse(bytes: &[u8], charset: Option<&str>, base: &Url) -> Result<Feed, FeedError> {
    read(bytes, charset, base, true)
}

/// As [`parse`], with every [`Item::description`] left empty: for who looks at which episodes there
/// are, which is all that following does, a thousand times a round.
///
/// # Errors
/// As [`parse`].
pub fn parse_undescribed(
    bytes: &[u8],
    charset: Option<&str>,
    base: &Url,
) -> Result<Feed, FeedError> {
    read(bytes, charset, base, false)
}

fn read(
    bytes: &[u8],
    charset: Option<&str>,
    base: &Url,
    wants_descriptions: bool,
) -> Result<Feed, FeedError> {
    if bytes.starts_with(b"\x1f\x8b") {
        return Err(FeedError::NotAFeed("a gzip archive"));
    }
    let Decoded { text, damaged, .. } = decode(bytes, charset);
    // A relative link would otherwise carry the feed's user and password along.
    let base = links::without_secrets(base);
    let mut feed = match sniff::form(&text) {
        Ok(sniff::Form::Xml) => build::read(&text, &base, wants_descriptions)?,
        Ok(sniff::Form::Json) => {
            let mut feed = json::read(&text, &base)?;
            if !wants_descriptions {
                feed.items.iter_mut().for_each(|item| item.description = String::new());
            }
            feed
        }
        Err("empty") => return Err(FeedError::Empty),
        Err(what) => return Err(FeedError::NotAFeed(what)),
    };
    if damaged {
        feed.warnings.push(
            "Some letters of the feed are not in its encoding and may show wrongly.".to_owned(),
        );
    }
    Ok(feed)
}

impl Feed {
    /// What tells this show from others: its `podcast:guid`, else the first link followed, without
    /// user, password and fragment.
    pub fn show_key(&self, followed: &Url) -> String {
        if let Some(guid) = &self.podcast_guid {
            return guid.clone();
        }
        let mut url = links::without_secrets(followed);
        url.set_fragment(None);
        url.into()
    }

    /// The id of one of this feed's items, in a show with this key: a video's own where
    /// [`Item::youtube_video`] says that it is one.
    pub fn episode_id(&self, item: &Item, show_key: &str) -> EpisodeId {
        let video = item.youtube_video.as_ref().and_then(|id| format!("yt:{id}").parse().ok());
        video.unwrap_or_else(|| EpisodeId::podcast(show_key, &item.key()))
    }

    /// The episode of one of this feed's items. `followed` is the link that the person follows;
    /// its user and password are not kept.
    pub fn episode(&self, item: &Item, followed: &Url) -> Episode {
        let is_private = links::holds_secret(followed);
        let shared = |link: &Link| link.shared(is_private).and_then(|link| Url::parse(&link).ok());
        let is_video = item.youtube_video.is_some();
        Episode {
            id: self.episode_id(item, &self.show_key(followed)),
            kind: if is_video { EpisodeKind::Youtube } else { EpisodeKind::Podcast },
            url: item.link.as_ref().and_then(shared),
            title: item.title.clone(),
            show: Show { title: self.title.clone(), feed_url: links::shareable(followed) },
            published_at: item.published_at,
            duration_ms: item.duration_ms,
            media_url: item.media.as_ref().and_then(|media| shared(&media.url)),
            image_url: item.image_url.as_ref().or(self.image_url.as_ref()).and_then(shared),
            language: self.language.clone(),
            chapters: item.chapters.clone(),
        }
    }
}

impl Item {
    /// What tells this item from others of its show: its guid where it is its alone, else its
    /// enclosure, else link, title and date together.
    pub fn key(&self) -> Cow<'_, str> {
        if let Some(guid) = &self.guid
            && !self.guid_is_shared
        {
            return guid.into();
        }
        if let Some(media) = &self.media {
            return media.url.as_str().into();
        }
        let link = self.link.as_ref().map(Link::as_str).unwrap_or_default();
        let date = self.published_at.map(|at| at.to_rfc3339()).unwrap_or_default();
        format!("{link}\n{}\n{date}", self.title).into()
    }
}

/// Notes which items have the guid of another one, and tells it in a sentence.
///
/// Of items with one guid the one that was published first keeps it; of undated or equal ones the
/// last in the feed's order, as feeds have the newest on top. So the id of an episode that is known
/// does not pass to a newer one. An item with the same file, or with the same link and title, is
/// the same once more, and keeps the guid too.
fn tell_apart(items: &mut [Item]) -> Option<String> {
    let mut keepers: HashMap<&str, usize> = HashMap::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let Some(guid) = &item.guid else { continue };
        let keeper = keepers.entry(guid).or_insert(at);
        let is_later = match (item.published_at, items[*keeper].published_at) {
            (Some(own), Some(kept)) => own > kept,
            (None, Some(_)) => true,
            _ => false,
        };
        if !is_later {
            *keeper = at;
        }
    }
    if keepers.len() == items.len() {
        return None;
    }
    let is_other = |(at, item): (usize, &Item)| {
        let keeper = item.guid.as_deref().and_then(|guid| keepers.get(guid)).copied()?;
        (keeper != at && !is_same(item, &items[keeper])).then_some(at)
    };
    let others: Vec<usize> = items.iter().enumerate().filter_map(is_other).collect();
    for at in &others {
        items[*at].guid_is_shared = true;
    }
    match others.len() {
        0 => None,
        1 => Some(
            "One item has the guid of an earlier one; it is told by its file, or by link, title \
             and date."
                .to_owned(),
        ),
        count => Some(format!(
            "{count} items have the guid of an earlier one; they are told apart by their files, or \
             by link, title and date."
        )),
    }
}

/// Whether two items with one guid are the same one.
fn is_same(a: &Item, b: &Item) -> bool {
    match (&a.media, &b.media) {
        (Some(a), Some(b)) => a.url == b.url,
        _ => a.title == b.title && a.link == b.link,
    }
}

/// A language tag as it is written, where it may be one; `_` is read as `-`.
fn language(text: &str) -> Option<String> {
    // RFC 5646, 4.4.1: no tag in use is longer than 35 letters.
    let tag = text.trim().replace('_', "-");
    let is_tag = tag.len() <= 35
        && tag.starts_with(|c: char| c.is_ascii_alphabetic())
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_tag.then_some(tag)
}

/// The media types that nearly every item has, which are not copied for each.
const USUAL_MEDIA_TYPES: [&str; 6] = [
    "audio/mpeg",
    "audio/x-m4a",
    "audio/mp4",
    "audio/mp3",
    "video/mp4",
    "application/x-shockwave-flash",
];

/// A media type in lower case without its parameters; empty for what is none.
fn media_type(text: &str) -> Cow<'static, str> {
    if let Some(usual) = USUAL_MEDIA_TYPES.into_iter().find(|usual| *usual == text) {
        return usual.into();
    }
    // RFC 6838, 4.2: at most 127 letters on each side.
    let bare = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let fits = bare.len() <= 255 && bare.bytes().all(|b| b.is_ascii_graphic());
    if fits { bare.into() } else { "".into() }
}

/// A guid or similar: blanks around it dropped; `None` where nothing is left.
fn key(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let end = match trimmed.len() {
        // A letter is a byte or more.
        ..=KEY_CHARS_MAX => trimmed.len(),
        len => trimmed.char_indices().nth(KEY_CHARS_MAX).map_or(len, |(at, _)| at),
    };
    (!trimmed.is_empty()).then(|| trimmed[..end].to_owned())
}

/// Chapters by time, one a time, at most [`CHAPTERS_MAX`].
fn in_order(mut chapters: Vec<Chapter>) -> Vec<Chapter> {
    chapters.sort_by_key(|chapter| chapter.start_ms);
    chapters.dedup_by_key(|chapter| chapter.start_ms);
    chapters.truncate(CHAPTERS_MAX);
    chapters
}
