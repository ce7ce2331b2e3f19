//! One video, podcast item or upload, known by its id.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use url::Url;

use crate::domain::outline::Chapter;

/// An episode's id: `yt:` and YouTube's own, `pod:` or `up:` and 16 hexadecimal digits.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct EpisodeId(Arc<str>);

impl EpisodeId {
    /// The id of a podcast item: `pod:` and 16 hex of sha256 over the show's key and the item's.
    pub fn podcast(show_key: &str, item_key: &str) -> EpisodeId {
        EpisodeId::hashed("pod:", &[show_key.as_bytes(), item_key.as_bytes()])
    }

    /// The id of what a person brought themselves, from its content.
    pub fn upload(bytes: &[u8]) -> EpisodeId {
        EpisodeId::hashed("up:", &[bytes])
    }

    fn hashed(kind: &str, parts: &[&[u8]]) -> EpisodeId {
        // In one piece, which most are short enough for to cost nothing: a round makes thousands.
        let mut whole = SmallVec::<[u8; 256]>::new();
        for part in parts {
            // The length keeps ("ab", "c") apart from ("a", "bc").
            whole.extend_from_slice(&(part.len() as u64).to_le_bytes());
            whole.extend_from_slice(part);
        }
        let hash = digest(&SHA256, &whole);
        // Four bytes of a kind at the most, and eight bytes as digits.
        let mut text = [0; 20];
        text[..kind.len()].copy_from_slice(kind.as_bytes());
        let digits = base16ct::lower::encode(&hash.as_ref()[..8], &mut text[kind.len()..]);
        let len = kind.len() + digits.map_or(0, <[u8]>::len);
        match std::str::from_utf8(&text[..len]) {
            Ok(text) if len > kind.len() => EpisodeId(text.into()),
            _ => unreachable!("a kind and digits are an id"),
        }
    }

    /// Whether a text is an id.
    pub fn is_one(text: &str) -> bool {
        text.split_once(':').is_some_and(|(kind, id)| {
            ["yt", "pod", "up"].contains(&kind)
                && (1..=64).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        })
    }

    /// As it stands in files.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it comes from.
    pub fn kind(&self) -> EpisodeKind {
        match self.0.split(':').next() {
            Some("yt") => EpisodeKind::Youtube,
            Some("up") => EpisodeKind::Upload,
            _ => EpisodeKind::Podcast,
        }
    }
}

impl FromStr for EpisodeId {
    type Err = String;
    fn from_str(text: &str) -> Result<EpisodeId, String> {
        if EpisodeId::is_one(text) {
            Ok(EpisodeId(text.into()))
        } else {
            Err("an episode's id is `yt:`, `pod:` or `up:` and up to 64 letters, digits, `-` and `_`".to_owned())
        }
    }
}

impl TryFrom<String> for EpisodeId {
    type Error = String;
    fn try_from(text: String) -> Result<EpisodeId, String> {
        text.parse()
    }
}

impl From<EpisodeId> for String {
    fn from(id: EpisodeId) -> String {
        id.as_str().to_owned()
    }
}

impl fmt::Display for EpisodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an episode comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EpisodeKind {
    /// A YouTube video.
    Youtube,
    /// An item of a feed.
    Podcast,
    /// A file or text that a person brought.
    Upload,
}

/// What is known of one episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Episode {
    /// By which it is known again.
    pub id: EpisodeId,
    /// Where it comes from.
    pub kind: EpisodeKind,
    /// The page a person would open; `None` for an upload.
    #[serde(default)]
    pub url: Option<Url>,
    /// As the publisher wrote it.
    pub title: String,
    /// The show that it belongs to.
    #[serde(default)]
    pub show: Show,
    /// When it was published.
    #[serde(default)]
    pub published_at: Option<DateTime<Utc>>,
    /// Milliseconds, as the publisher says; `None` where it is not said.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// The audio or video itself.
    #[serde(default)]
    pub media_url: Option<Url>,
    /// Its picture.
    #[serde(default)]
    pub image_url: Option<Url>,
    /// BCP 47, as the publisher says.
    #[serde(default)]
    pub language: Option<String>,
    /// The publisher's chapters, by time.
    #[serde(default)]
    pub chapters: Vec<Chapter>,
}

/// The show of an episode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Show {
    /// Its name; empty where there is none.
    #[serde(default)]
    pub title: String,
    /// Its feed.
    #[serde(default)]
    pub feed_url: Option<Url>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_from_outside_is_safe_in_paths_and_arguments() {
        for good in ["yt:dQw4w9WgXcQ", "yt:-exec_like", "pod:0123456789abcdef", "up:a"] {
            assert_eq!(good.parse::<EpisodeId>().map(String::from), Ok(good.to_owned()));
        }
        let long = format!("yt:{}", "x".repeat(65));
        for bad in
            ["", "yt:", "yt", "x:abc", "yt:a/b", "yt:a b", "yt:a\n", "yt:../x", "pod:ä", &long]
        {
            assert!(bad.parse::<EpisodeId>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn ids_tell_shows_and_items_apart() {
        assert_ne!(EpisodeId::podcast("ab", "c"), EpisodeId::podcast("a", "bc"));
        assert_eq!(EpisodeId::podcast("a", "b"), EpisodeId::podcast("a", "b"));
        assert_eq!(EpisodeId::upload(b"x").as_str().len(), "up:".len() + 16);
    }
}
