//! Whether an episode is one that a scope knows already, also where its publisher gave it another
//! guid, another file or another date. The rule is that of `DECISIONS.md`, "Same episode".

use std::fmt;
use std::hash::BuildHasher;

use chrono::{DateTime, NaiveDate, Utc};
use foldhash::fast::RandomState;
use foldhash::{HashMap, HashSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;

use crate::domain::link::Link;

/// How far two lengths of one episode may be apart: advertisements are put in at each download.
const LENGTH_SLACK_MINUTES: u32 = 10;

/// Letters of a title that count; seen lists keep no more.
pub const TITLE_CHARS_MAX: usize = 100;

/// What an episode is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits<'a> {
    /// Its id, as [`crate::domain::episode::EpisodeId::is_one`] says.
    pub id: &'a str,
    /// As the publisher wrote it, cut at [`TITLE_CHARS_MAX`].
    pub title: &'a str,
    /// The day of publication, in UTC.
    pub day: Option<NaiveDate>,
    /// Its length in whole minutes.
    pub minutes: Option<u32>,
    /// Its file.
    pub media: Option<MediaKey>,
}

impl<'a> Traits<'a> {
    /// Puts them together.
    pub fn new(
        id: &'a str,
        title: &'a str,
        published_at: Option<DateTime<Utc>>,
        duration_ms: Option<u64>,
        media: Option<MediaKey>,
    ) -> Traits<'a> {
        let end = match title.len() {
            // A letter is a byte or more.
            ..=TITLE_CHARS_MAX => title.len(),
            len => title.char_indices().nth(TITLE_CHARS_MAX).map_or(len, |(at, _)| at),
        };
        Traits {
            id,
            title: &title[..end],
            day: published_at.map(|at| at.date_naive()),
            minutes: duration_ms.and_then(|ms| u32::try_from(ms / 60_000).ok()),
            media,
        }
    }
}

/// What tells one enclosure from another: the first bytes of a hash of its link, which stand in files as
/// 12 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct MediaKey([u8; 6]);

impl MediaKey {
    fn of(text: &str) -> MediaKey {
        let [a, b, c, d, e, f, ..]: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        MediaKey([a, b, c, d, e, f])
    }

    /// Reads what stands in files; `None` for anything else.
    pub fn parse(text: &str) -> Option<MediaKey> {
        let mut bytes = [0; 6];
        let read = base16ct::mixed::decode(text, &mut bytes).ok()?;
        (read.len() == 6).then_some(MediaKey(bytes))
    }
}

impl fmt::Display for MediaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 12];
        f.write_str(base16ct::lower::encode_str(&self.0, &mut digits).map_err(|_| fmt::Error)?)
    }
}

impl TryFrom<String> for MediaKey {
    type Error = String;
    fn try_from(text: String) -> Result<MediaKey, String> {
        MediaKey::parse(&text).ok_or_else(|| "a media key is 12 hexadecimal digits".to_owned())
    }
}

impl From<MediaKey> for String {
    fn from(key: MediaKey) -> String {
        key.to_string()
    }
}

/// The keys of one feed's enclosures, in their order. A query is dropped only where the rest is
/// unique in the feed (some hosts tell files apart by it alone, others sign it anew each day), and
/// a file that several items share tells none of them.
pub fn media_keys<'a>(links: impl Iterator<Item = Option<&'a Link>>) -> Vec<Option<MediaKey>> {
    // The scheme, user and password say nothing of the file.
    let links: Vec<Option<(&str, &str)>> =
        links.map(|link| link.map(|link| (link.bare(), link.whole()))).collect();
    let mut bare_count: HashMap<&str, u32> = HashMap::default();
    let mut whole_count: HashMap<&str, u32> = HashMap::default();
    bare_count.reserve(links.len());
    for (bare, whole) in links.iter().flatten() {
        *bare_count.entry(bare).or_default() += 1;
        *whole_count.entry(whole).or_default() += 1;
    }
    let key = |(bare, whole): (&str, &str)| {
        if bare_count.get(bare) == Some(&1) {
            Some(MediaKey::of(bare))
        } else if whole_count.get(whole) == Some(&1) {
            Some(MediaKey::of(whole))
        } else {
            None
        }
    };
    links.into_iter().map(|link| link.and_then(key)).collect()
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Same<'a> {
    /// The id of the one that was known.
    pub id: &'a str,
    /// From where.
    pub place: Place,
    /// By what.
    pub by: By,
}

/// Everything that a scope knows; it holds none of it, and lasts as long as what it was told from.
#[derive(Debug, Default)]
pub struct Known<'a> {
    entries: Vec<Entry<'a>>,
    by_id: HashMap<&'a str, u32>,
    by_media: HashMap<MediaKey, u32>,
    /// Hash of show, title, day and kind, to the entries that have it and a length.
    by_title: HashMap<u64, SmallVec<[u32; 2]>>,
    /// The shows that are asked about; all where it is `None`.
    shows: Option<HashSet<u64>>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Entry<'a> {
    id: &'a str,
    place: Place,
    minutes: Option<u32>,
}

/// A show by the words of its title; nothing for one whose titles are not asked about.
#[derive(Clone, Copy, Debug)]
pub struct ShowWords(Option<u64>);

impl<'a> Known<'a> {
    /// Will be asked about episodes of these shows alone, so that the titles of others, which can be
    /// fifty thousand, need not be looked at.
    pub fn about<'s>(shows: impl Iterator<Item = &'s str>) -> Known<'a> {
        let known = Known::default();
        let shows = shows.map(|show| known.hash_of_words(show).0).collect();
        Known { shows: Some(shows), ..known }
    }

    /// By what a show's episodes are noted and asked for; asked once a show, and not once an episode.
    pub fn show(&self, title: &str) -> ShowWords {
        let (hash, _) = self.hash_of_words(title);
        let is_asked = self.shows.as_ref().is_none_or(|shows| shows.contains(&hash));
        ShowWords(is_asked.then_some(hash))
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, count: usize) {
        self.entries.reserve(count);
        self.by_id.reserve(count);
        self.by_media.reserve(count);
    }

    /// Notes an episode of a show. The first place that is told stays.
    pub fn add(&mut self, place: Place, show: ShowWords, traits: &Traits<'a>) {
        let next = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let at = *self.by_id.entry(traits.id).or_insert(next);
        if at == next {
            self.entries.push(Entry { id: traits.id, place, minutes: traits.minutes });
        }
        if let Some(media) = traits.media {
            self.by_media.entry(media).or_insert(at);
        }
        if let Some(key) = self.title_key(show, traits) {
            self.by_title.entry(key).or_default().push(at);
        }
    }

    /// The known episode that this one is, if it is one.
    pub fn find(&self, show: ShowWords, traits: &Traits<'_>) -> Option<Same<'a>> {
        let same = |at: u32, by: By| {
            let entry = self.entries.get(at as usize)?;
            Some(Same { id: entry.id, place: entry.place, by })
        };
        if let Some(at) = self.by_id.get(traits.id) {
            return same(*at, By::Id);
        }
        if let Some(at) = traits.media.and_then(|media| self.by_media.get(&media)) {
            return same(*at, By::Media);
        }
        let minutes = traits.minutes?;
        let is_near = |at: &&u32| {
            let entry = self.entries.get(**at as usize);
            let its = entry.and_then(|entry| entry.minutes);
            its.is_some_and(|its| its.abs_diff(minutes) <= LENGTH_SLACK_MINUTES)
        };
        let alike = self.by_title.get(&self.title_key(show, traits)?)?;
        alike.iter().find(is_near).and_then(|at| same(*at, By::TitleDayLength))
    }

    /// `None` where there is no title, day or length to go by, or nobody asks.
    fn title_key(&self, show: ShowWords, traits: &Traits<'_>) -> Option<u64> {
        let (show, day) = (show.0?, traits.day?);
        traits.minutes?;
        let (title, count) = self.hash_of_words(traits.title);
        let kind = traits.id.split(':').next();
        let key = (show, title, day, kind);
        (count > 0).then(|| self.hasher.hash_one(key))
    }

    /// A hash of the words of a title in lower case, and how many they are.
    fn hash_of_words(&self, text: &str) -> (u64, usize) {
        let mut words: SmallVec<[u8; 2 * TITLE_CHARS_MAX]> = SmallVec::new();
        let mut count = 0;
        for word in text.split_whitespace() {
            if word.is_ascii() {
                words.extend_from_slice(word.as_bytes());
                let from = words.len() - word.len();
                words[from..].make_ascii_lowercase();
            } else {
                for letter in word.chars().flat_map(char::to_lowercase) {
                    words.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
            words.push(b' ');
            count += 1;
        }
        (self.hasher.hash_one(&words[..]), count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one<'a>(
        id: &'a str,
        title: &'a str,
        day: &str,
        minutes: u64,
        media: Option<MediaKey>,
    ) -> Traits<'a> {
        let published_at = format!("{day}T08:00:00Z").parse().ok();
        Traits::new(id, title, published_at, Some(minutes * 60_000), media)
    }

    fn keys(links: &[&str]) -> Vec<Option<MediaKey>> {
        let links: Vec<Link> = links.iter().map(|link| Link::parse(link).unwrap()).collect();
        media_keys(links.iter().map(Some))
    }

    #[test]
    fn an_episode_is_known_again_by_id_by_file_or_by_title_day_and_length() {
        let file = keys(&["https://cdn.example.org/1.mp3"])[0];
        let mut known = Known::default();
        let first = one("pod:aaaa", "Bees", "2026-05-01", 60, file);
        known.add(Place::Library, known.show("The Shed"), &first);
        let check = |show: &str, other: Traits<'_>, want: Option<By>| {
            let same = known.find(known.show(show), &other);
            assert_eq!(same.map(|same| same.by), want, "{other:?}");
        };
        check("x", one("pod:aaaa", "y", "2026-01-01", 1, None), Some(By::Id));
        check("x", one("pod:b", "y", "2026-01-01", 1, file), Some(By::Media));
        let by_title = Some(By::TitleDayLength);
        check("the shed", one("pod:b", " BEES ", "2026-05-01", 70, None), by_title);
        check("The Shed", one("pod:b", "Bees", "2026-05-01", 50, None), by_title);
        check("The Shed", one("pod:b", "Bees", "2026-05-01", 71, None), None);
        check("The Shed", one("pod:b", "Bees", "2026-05-02", 60, None), None);
        check("The Shed", one("pod:b", "Bees again", "2026-05-01", 60, None), None);
        check("Other Shed", one("pod:b", "Bees", "2026-05-01", 60, None), None);
        check("The Shed", one("yt:b", "Bees", "2026-05-01", 60, None), None);
        let unknown = one("pod:b", "Bees", "2026-05-01", 60, None);
        check("The Shed", Traits { minutes: None, ..unknown }, None);
        check("The Shed", one("pod:b", "", "2026-05-01", 60, None), None);
    }

    #[test]
    fn titles_of_shows_that_nobody_asks_about_are_passed_over_and_the_rest_is_not() {
        let file = keys(&["https://cdn.example.org/1.mp3"])[0];
        let mut known = Known::about(["The  shed", "Other"].into_iter());
        let shed = one("pod:a", "Bees", "2026-05-01", 60, None);
        let barn = one("pod:b", "Bees", "2026-05-01", 60, file);
        for (show, episode) in [("the SHED", &shed), ("Barn", &barn)] {
            known.add(Place::SeenList, known.show(show), episode);
        }
        let by = |other: Traits<'_>| known.find(known.show("The Shed"), &other).map(|same| same.by);
        assert_eq!(by(one("pod:c", "bees", "2026-05-01", 61, None)), Some(By::TitleDayLength));
        assert_eq!(by(one("pod:b", "x", "2026-01-01", 1, None)), Some(By::Id));
        assert_eq!(by(one("pod:c", "x", "2026-01-01", 1, file)), Some(By::Media));
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
        let mixed = keys(&["https://e.example/a.mp3", "https://e.example/a.mp3?x=1"]);
        assert!(mixed[0].is_some() && mixed[1].is_some() && mixed[0] != mixed[1]);
        let elsewhere = keys(&["https://e.example:8080/a.mp3"]);
        assert_ne!(elsewhere[0], once[0], "another port is another file");
    }

    #[test]
    fn a_file_s_key_is_read_as_it_was_written_and_nothing_else_is_one() {
        let key = keys(&["https://e.example/a.mp3"])[0].unwrap();
        assert_eq!(key.to_string().len(), 12);
        assert_eq!(MediaKey::parse(&key.to_string()), Some(key));
        for bad in [
            "",
            "-",
            "0123456789a",
            "0123456789abc",
            "0123456789abcd",
            "0123456789ag",
            "é23456789abc",
        ] {
            assert_eq!(MediaKey::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_title_is_cut_between_letters() {
        let cut = |title: &str| Traits::new("pod:a", title, None, None, None).title.to_owned();
        assert_eq!(cut("short"), "short");
        for letter in ["a", "é", "語", "🐝"] {
            assert_eq!(cut(&letter.repeat(TITLE_CHARS_MAX)), letter.repeat(TITLE_CHARS_MAX));
            assert_eq!(cut(&letter.repeat(TITLE_CHARS_MAX * 2)), letter.repeat(TITLE_CHARS_MAX));
        }
    }
}
