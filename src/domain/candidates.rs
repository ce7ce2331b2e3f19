//! The episodes that stand in a feed, as a show's follower sees them. A round over a thousand feeds
//! holds sixty thousand of them until they are written, so that a feed's are one text and a line of
//! numbers each.

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
    pub url: Option<&'a str>,
    /// Its key in the feed.
    pub key: &'a str,
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
        let mut end = |text: &str| {
            self.text.push_str(text);
            u32::try_from(self.text.len()).unwrap_or_else(|_| unreachable!("a feed is bounded"))
        };
        let (id, title, key) = (end(id), end(title), end(key));
        let (has_url, url) = (url.is_some(), end(url.unwrap_or_default()));
        let duration_ms = duration_ms.and_then(|ms| NonZeroU64::new(ms.saturating_add(1)));
        self.lines.push(Line { id, title, key, url, has_url, media, published_at, duration_ms });
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
                key,
                url: line.has_url.then_some(url),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_comes_out_in_its_order() {
        let all = [
            Candidate {
                id: "pod:a",
                title: "Bees, and “honey”",
                published_at: "2026-05-01T08:00:00Z".parse().ok(),
                duration_ms: Some(0),
                media: MediaKey::parse("0123456789ab"),
                url: Some("https://e.example/é"),
                key: "one",
            },
            Candidate {
                id: "yt:b",
                title: "",
                published_at: None,
                duration_ms: None,
                media: None,
                url: None,
                key: "",
            },
            Candidate {
                id: "pod:c",
                title: "Third",
                published_at: None,
                duration_ms: Some(u64::MAX - 1),
                media: None,
                url: Some(""),
                key: "three",
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
