//! The episodes that stand in a feed, as a show's follower sees them. A round over a thousand feeds
//! holds sixty thousand of them until they are written, so that a feed's are one text and a line of
//! numbers each.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;

use chrono::{DateTime, Utc};

use crate::domain::episode::EpisodeId;
use crate::domain::known::{MediaKey, Traits};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate<'a> {
    /// Its id, as [`EpisodeId::is_one`] says.
    pub id: &'a str,
    /// Its whole title.
    pub title: &'a str,
    /// When it was published, or will be.
    pub published_at: Option<DateTime<Utc>>,
    /// Milliseconds, as the publisher says.
    pub duration_ms: Option<u64>,
    /// Its file.
    pub media: Option<MediaKey>,
    /// Its page, as [`crate::domain::link::Link`] has it.
    pub url: Option<Joined<'a>>,
    /// Its key in the feed.
    pub key: Joined<'a>,
}

/// A text in two pieces: what it begins with as the feed's first one does, and the rest. Of pages and keys
/// most of each is the former.
#[derive(Clone, Copy, Debug)]
pub struct Joined<'a>(&'a str, &'a str);

impl<'a> From<&'a str> for Joined<'a> {
    fn from(text: &'a str) -> Joined<'a> {
        Joined("", text)
    }
}

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)?;
        f.write_str(self.1)
    }
}

impl PartialEq for Joined<'_> {
    fn eq(&self, other: &Joined<'_>) -> bool {
        let bytes = |text: &Joined<'_>| text.0.len() + text.1.len();
        bytes(self) == bytes(other) && self.to_string() == other.to_string()
    }
}

impl<'a> Candidate<'a> {
    /// Its id.
    pub fn episode_id(&self) -> EpisodeId {
        self.id.parse().unwrap_or_else(|_| unreachable!("only ids are put in"))
    }

    /// What it is told by.
    pub fn traits(&self) -> Traits<'a> {
        Traits::new(self.id, self.title, self.published_at, self.duration_ms, self.media)
    }
}

/// Those of one feed, in an order of their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    /// All their texts, one behind the other.
    text: String,
    /// The first key and the first page.
    key: Option<Box<str>>,
    url: Option<Box<str>>,
    lines: Vec<Line>,
}

/// Where in the text the parts of one end, each beginning where the one before ends. A feed is bounded to
/// far less than four gigabytes.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    id: u32,
    title: u32,
    key: u32,
    url: u32,
    /// Bytes with which key and page begin as the first ones do.
    key_shared: u16,
    url_shared: u16,
    has_url: bool,
    media: Option<MediaKey>,
    published_at: Option<DateTime<Utc>>,
    /// One more than it is.
    duration_ms: Option<NonZeroU64>,
}

impl Candidates {
    /// How many they are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Adds one at the end.
    pub fn push(&mut self, candidate: &Candidate<'_>) {
        debug_assert!(EpisodeId::is_one(candidate.id), "{}", candidate.id);
        let Candidate { id, title, published_at, duration_ms, media, url, key } = *candidate;
        let (key_shared, key) = shared(&mut self.key, Some(key));
        let has_url = url.is_some();
        let (url_shared, url) = shared(&mut self.url, url);
        let mut end = |text: &str| {
            self.text.push_str(text);
            u32::try_from(self.text.len()).unwrap_or_else(|_| unreachable!("a feed is bounded"))
        };
        let (id, title, key, url) = (end(id), end(title), end(&key), end(&url));
        let duration_ms = duration_ms.and_then(|ms| NonZeroU64::new(ms.saturating_add(1)));
        self.lines.push(Line {
            id,
            title,
            key,
            url,
            key_shared,
            url_shared,
            has_url,
            media,
            published_at,
            duration_ms,
        });
    }

    /// In their order.
    pub fn iter(&self) -> impl Iterator<Item = Candidate<'_>> {
        let mut from = 0;
        self.lines.iter().map(move |line| {
            let mut part = |end: u32| {
                let part = &self.text[from..end as usize];
                from = end as usize;
                part
            };
            let (id, title, key) = (part(line.id), part(line.title), part(line.key));
            let url = part(line.url);
            Candidate {
                id,
                title,
                key: Joined(front(&self.key, line.key_shared), key),
                url: line.has_url.then_some(Joined(front(&self.url, line.url_shared), url)),
                published_at: line.published_at,
                duration_ms: line.duration_ms.map(|ms| ms.get() - 1),
                media: line.media,
            }
        })
    }

    /// Gives back what room was made and not used.
    pub fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.lines.shrink_to_fit();
    }
}

/// How many bytes a text begins with as the first one does, and the rest of it. The first is kept.
fn shared<'t>(first: &mut Option<Box<str>>, text: Option<Joined<'t>>) -> (u16, Cow<'t, str>) {
    let text = match text {
        None => return (0, Cow::Borrowed("")),
        Some(Joined("", text)) => Cow::Borrowed(text),
        Some(text) => Cow::Owned(text.to_string()),
    };
    let first = first.get_or_insert_with(|| (*text).into());
    let same = first.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count();
    let shared = text.floor_char_boundary(same.min(usize::from(u16::MAX)));
    let rest = match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[shared..]),
        Cow::Owned(text) => Cow::Owned(text[shared..].to_owned()),
    };
    (u16::try_from(shared).unwrap_or(0), rest)
}

/// What a text begins with as the first one does.
fn front(first: &Option<Box<str>>, shared: u16) -> &str {
    first.as_deref().map_or("", |first| &first[..usize::from(shared)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pages_and_keys_that_begin_alike_come_out_as_they_were(
            texts in prop::collection::vec(("[aé🐝]{0,4}", prop::option::of("[aé🐝]{0,4}")), 0..6),
        ) {
            let mut candidates = Candidates::default();
            for (key, url) in &texts {
                candidates.push(&Candidate {
                    id: "pod:a",
                    title: "é",
                    published_at: None,
                    duration_ms: None,
                    media: None,
                    url: url.as_deref().map(Joined::from),
                    key: key.as_str().into(),
                });
            }
            let found = candidates.iter().map(|one| {
                (one.key.to_string(), one.url.map(|url| url.to_string()))
            });
            prop_assert_eq!(found.collect::<Vec<_>>(), texts);
            // Put into others as they came out.
            let mut again = Candidates::default();
            candidates.iter().for_each(|one| again.push(&one));
            prop_assert!(again.iter().eq(candidates.iter()));
        }
    }

    #[test]
    fn a_text_of_any_length_comes_out_as_it_was() {
        let long = "é".repeat(40_000);
        let texts = [long.clone(), long.clone() + "1", "é".to_owned(), String::new(), long];
        let mut candidates = Candidates::default();
        for text in &texts {
            candidates.push(&Candidate {
                id: "pod:a",
                title: text,
                published_at: None,
                duration_ms: None,
                media: None,
                url: Some(text.as_str().into()),
                key: text.as_str().into(),
            });
        }
        for (one, text) in candidates.iter().zip(&texts) {
            assert!(one.key.to_string() == *text && one.title == text);
            assert!(one.url.is_some_and(|url| url.to_string() == *text));
        }
    }

    #[test]
    fn what_was_put_in_comes_out_in_its_order() {
        let all = [
            Candidate {
                id: "pod:a",
                title: "Bees, and “honey”",
                published_at: "2026-05-01T08:00:00Z".parse().ok(),
                duration_ms: Some(0),
                media: MediaKey::parse("0123456789ab"),
                url: Some("https://e.example/é".into()),
                key: "one".into(),
            },
            Candidate {
                id: "yt:b",
                title: "",
                published_at: None,
                duration_ms: None,
                media: None,
                url: None,
                key: "".into(),
            },
            Candidate {
                id: "pod:c",
                title: "Third",
                published_at: None,
                duration_ms: Some(u64::MAX - 1),
                media: None,
                url: Some("".into()),
                key: "three".into(),
            },
        ];
        let mut candidates = Candidates::default();
        assert!(candidates.is_empty());
        all.iter().for_each(|one| candidates.push(one));
        candidates.shrink();
        assert_eq!(candidates.iter().collect::<Vec<_>>(), all);
        assert_eq!(candidates.len(), 3);
    }
}
