//! Whether an episode is one that a scope knows already, also where its publisher gave it another
//! guid, another file or another date. The rule is that of `DECISIONS.md`, "Same episode".

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use crate::domain::episode::EpisodeId;

/// How far two lengths of one episode may be apart: advertisements are put in at each download.
const LENGTH_SLACK_MINUTES: u32 = 10;

/// Letters of a title that count; seen lists keep no more.
pub const TITLE_CHARS_MAX: usize = 100;

/// What an episode is told by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traits {
    /// Its id.
    pub id: EpisodeId,
    /// As the publisher wrote it, cut at [`TITLE_CHARS_MAX`].
    pub title: String,
    /// The day of publication, in UTC.
    pub day: Option<NaiveDate>,
    /// Its length in whole minutes.
    pub minutes: Option<u32>,
    /// Its file.
    pub media: Option<MediaKey>,
}

impl Traits {
    /// Puts them together.
    pub fn new(
        id: EpisodeId,
        title: &str,
        published_at: Option<DateTime<Utc>>,
        duration_ms: Option<u64>,
        media: Option<MediaKey>,
    ) -> Traits {
        Traits {
            id,
            title: title.chars().take(TITLE_CHARS_MAX).collect(),
            day: published_at.map(|at| at.date_naive()),
            minutes: duration_ms.and_then(|ms| u32::try_from(ms / 60_000).ok()),
            media,
        }
    }
}

/// An episode that stands in a feed, as a show's follower sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What it is told by; its title is cut.
    pub traits: Traits,
    /// Its whole title.
    pub title: String,
    /// When it was published, or will be.
    pub published_at: Option<DateTime<Utc>>,
    /// Milliseconds, as the publisher says.
    pub duration_ms: Option<u64>,
    /// Its page.
    pub url: Option<Url>,
    /// Its key in the feed.
    pub key: String,
}

/// What tells one enclosure from another: 12 hexadecimal digits of its link.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct MediaKey(Arc<str>);

impl MediaKey {
    fn of(text: &str) -> MediaKey {
        let hash = Sha256::digest(text.as_bytes());
        MediaKey(hash[..6].iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }

    /// As it stands in files.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MediaKey {
    type Error = String;
    fn try_from(text: String) -> Result<MediaKey, String> {
        let fits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if fits {
            Ok(MediaKey(text.into()))
        } else {
            Err("a media key is 12 hexadecimal digits".to_owned())
        }
    }
}

impl From<MediaKey> for String {
    fn from(key: MediaKey) -> String {
        key.as_str().to_owned()
    }
}

/// The keys of one feed's enclosures, in their order. A query is dropped only where the rest is
/// unique in the feed (some hosts tell files apart by it alone, others sign it anew each day), and
/// a file that several items share tells none of them.
pub fn media_keys<'a>(links: impl Iterator<Item = Option<&'a Url>>) -> Vec<Option<MediaKey>> {
    let parts: Vec<Option<(String, String)>> = links
        .map(|link| {
            let link = link?;
            // The scheme, user and password say nothing of the file.
            let port = link.port().map(|port| format!(":{port}")).unwrap_or_default();
            let bare = format!("{}{port}{}", link.host_str().unwrap_or_default(), link.path());
            let whole = format!("{bare}?{}", link.query().unwrap_or_default());
            Some((bare, whole))
        })
        .collect();
    let mut bare_count: HashMap<&str, usize> = HashMap::new();
    let mut whole_count: HashMap<&str, usize> = HashMap::new();
    for (bare, whole) in parts.iter().flatten() {
        *bare_count.entry(bare).or_default() += 1;
        *whole_count.entry(whole).or_default() += 1;
    }
    parts
        .iter()
        .map(|part| {
            let (bare, whole) = part.as_ref()?;
            if bare_count.get(bare.as_str()) == Some(&1) {
                Some(MediaKey::of(bare))
            } else if whole_count.get(whole.as_str()) == Some(&1) {
                Some(MediaKey::of(whole))
            } else {
                None
            }
        })
        .collect()
}

/// Where an episode is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// It has a recap.
    Library,
    /// It is in the queue.
    AutoQueue,
    /// The person refused it.
    SkipList,
    /// It was offered before, or was there before the person followed.
    SeenList,
}

/// By what an episode was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The same id.
    Id,
    /// The same file.
    Media,
    /// The same title, day, length and kind in the same show.
    TitleDayLength,
}

/// A known episode that a candidate turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Same {
    /// The one that was known.
    pub id: EpisodeId,
    /// From where.
    pub place: Place,
    /// By what.
    pub by: By,
}

/// Everything that a scope knows.
#[derive(Debug, Default)]
pub struct Known {
    entries: Vec<(EpisodeId, Place, Option<u32>)>,
    by_id: HashMap<EpisodeId, usize>,
    by_media: HashMap<MediaKey, usize>,
    /// Hash of show, title and day, to the entries that have it.
    by_title: HashMap<u64, Vec<usize>>,
    /// The shows that are asked about, in words; all where it is `None`.
    shows: Option<HashSet<Vec<String>>>,
    /// The show that was told last, and whether it is one of those: episodes come show by show.
    last_show: (String, bool),
}

impl Known {
    /// Will be asked about episodes of these shows alone, so that the titles of others, which can be
    /// fifty thousand, need not be looked at.
    pub fn about<'a>(shows: impl Iterator<Item = &'a str>) -> Known {
        let shows: HashSet<Vec<String>> = shows.map(words).collect();
        let last_show = (String::new(), shows.contains(&Vec::new()));
        Known { shows: Some(shows), last_show, ..Known::default() }
    }

    /// Whether an episode of this show may be asked about.
    fn concerns(&mut self, show: &str) -> bool {
        let Some(shows) = &self.shows else { return true };
        if self.last_show.0 != show {
            self.last_show = (show.to_owned(), shows.contains(&words(show)));
        }
        self.last_show.1
    }

    /// Notes an episode of a show (by the show's title). The first place that is told stays.
    pub fn add(&mut self, place: Place, show: &str, traits: &Traits) {
        let at = match self.by_id.get(&traits.id) {
            Some(at) => *at,
            None => {
                self.entries.push((traits.id.clone(), place, traits.minutes));
                self.by_id.insert(traits.id.clone(), self.entries.len() - 1);
                self.entries.len() - 1
            }
        };
        if let Some(media) = &traits.media {
            self.by_media.entry(media.clone()).or_insert(at);
        }
        if self.concerns(show)
            && let Some(key) = title_key(show, traits)
        {
            self.by_title.entry(key).or_default().push(at);
        }
    }

    /// The known episode that this one is, if it is one.
    pub fn find(&self, show: &str, traits: &Traits) -> Option<Same> {
        let same = |at: usize, by: By| {
            let (id, place, _) = &self.entries[at];
            Same { id: id.clone(), place: *place, by }
        };
        if let Some(at) = self.by_id.get(&traits.id) {
            return Some(same(*at, By::Id));
        }
        if let Some(at) = traits.media.as_ref().and_then(|media| self.by_media.get(media)) {
            return Some(same(*at, By::Media));
        }
        let minutes = traits.minutes?;
        let alike = self.by_title.get(&title_key(show, traits)?)?;
        alike
            .iter()
            .find(|at| {
                self.entries[**at].2.is_some_and(|m| m.abs_diff(minutes) <= LENGTH_SLACK_MINUTES)
            })
            .map(|at| same(*at, By::TitleDayLength))
    }
}

/// The words of a title, in lower case.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_lowercase).collect()
}

/// `None` where there is no title or no day to go by.
fn title_key(show: &str, traits: &Traits) -> Option<u64> {
    let day = traits.day?;
    let kind = traits.id.as_str().split(':').next();
    let mut hasher = DefaultHasher::new();
    hash_words(show, &mut hasher);
    let count = hash_words(&traits.title, &mut hasher);
    (day, kind).hash(&mut hasher);
    (count > 0).then(|| hasher.finish())
}

/// Hashes what [`words`] gives, and how many that are, without making them.
fn hash_words(text: &str, hasher: &mut DefaultHasher) -> usize {
    let mut count = 0;
    for word in text.split_whitespace() {
        word.chars().flat_map(char::to_lowercase).for_each(|letter| letter.hash(hasher));
        ' '.hash(hasher);
        count += 1;
    }
    count.hash(hasher);
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits(id: &str, title: &str, day: &str, minutes: u64, media: Option<&MediaKey>) -> Traits {
        let at = format!("{day}T08:00:00Z").parse().ok();
        Traits::new(id.parse().unwrap(), title, at, Some(minutes * 60_000), media.cloned())
    }

    fn keys(links: &[&str]) -> Vec<Option<MediaKey>> {
        let links: Vec<Url> = links.iter().map(|link| Url::parse(link).unwrap()).collect();
        media_keys(links.iter().map(Some))
    }

    #[test]
    fn an_episode_is_known_again_by_id_by_file_or_by_title_day_and_length() {
        let file = keys(&["https://cdn.example.org/1.mp3"])[0].clone();
        let mut known = Known::default();
        known.add(
            Place::Library,
            "The Shed",
            &traits("pod:aaaa", "Bees", "2026-05-01", 60, file.as_ref()),
        );
        let check = |show: &str, other: Traits, want: Option<By>| {
            assert_eq!(known.find(show, &other).map(|same| same.by), want, "{other:?}");
        };
        check("x", traits("pod:aaaa", "y", "2026-01-01", 1, None), Some(By::Id));
        check("x", traits("pod:b", "y", "2026-01-01", 1, file.as_ref()), Some(By::Media));
        let by_title = Some(By::TitleDayLength);
        check("the shed", traits("pod:b", " BEES ", "2026-05-01", 70, None), by_title);
        check("The Shed", traits("pod:b", "Bees", "2026-05-01", 50, None), by_title);
        check("The Shed", traits("pod:b", "Bees", "2026-05-01", 71, None), None);
        check("The Shed", traits("pod:b", "Bees", "2026-05-02", 60, None), None);
        check("The Shed", traits("pod:b", "Bees again", "2026-05-01", 60, None), None);
        check("Other Shed", traits("pod:b", "Bees", "2026-05-01", 60, None), None);
        check("The Shed", traits("yt:b", "Bees", "2026-05-01", 60, None), None);
        let mut unknown = traits("pod:b", "Bees", "2026-05-01", 60, None);
        unknown.minutes = None;
        check("The Shed", unknown, None);
        check("The Shed", traits("pod:b", "", "2026-05-01", 60, None), None);
    }

    #[test]
    fn titles_of_shows_that_nobody_asks_about_are_passed_over_and_the_rest_is_not() {
        let file = keys(&["https://cdn.example.org/1.mp3"])[0].clone();
        let mut known = Known::about(["The  shed", "Other"].into_iter());
        for (id, show, media) in [("pod:a", "the SHED", None), ("pod:b", "Barn", file.as_ref())] {
            known.add(Place::SeenList, show, &traits(id, "Bees", "2026-05-01", 60, media));
        }
        let by = |other: Traits| known.find("The Shed", &other).map(|same| same.by);
        assert_eq!(by(traits("pod:c", "bees", "2026-05-01", 61, None)), Some(By::TitleDayLength));
        assert_eq!(by(traits("pod:b", "x", "2026-01-01", 1, None)), Some(By::Id));
        assert_eq!(by(traits("pod:c", "x", "2026-01-01", 1, file.as_ref())), Some(By::Media));
        assert_eq!(known.by_title.len(), 1);
    }

    #[test]
    fn a_query_counts_only_where_nothing_else_tells_files_apart() {
        let once = keys(&["https://e.example/a.mp3?sig=1", "https://e.example/b.mp3?sig=1"]);
        let again = keys(&["http://u:p@e.example/a.mp3?sig=2", "https://e.example/b.mp3"]);
        assert_eq!(once, again, "signatures, schemes and passwords change nothing");
        let told_by_query = keys(&["https://e.example/get?id=1", "https://e.example/get?id=2"]);
        assert!(told_by_query[0].is_some() && told_by_query[0] != told_by_query[1]);
        let shared = keys(&["https://e.example/locked.mp3", "https://e.example/locked.mp3"]);
        assert_eq!(shared, [None, None], "a placeholder that several share tells none");
        assert_eq!(media_keys([None].into_iter()), [None]);
    }
}
