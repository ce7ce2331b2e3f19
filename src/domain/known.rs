//! Whether an episode is one that a scope knows already, also where its publisher gave it another
//! guid, another file or another date. The rule is that of `DECISIONS.md`, "Same episode".

use std::cell::OnceCell;
use std::fmt;
use std::hash::BuildHasher;
use std::num::{NonZeroU32, NonZeroU64};

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, NaiveDate, Utc};
use foldhash::fast::RandomState;
use foldhash::{HashMap, HashSet};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry::{Occupied, Vacant};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
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
        let mut bytes = [0; 6];
        bytes.copy_from_slice(&digest(&SHA256, text.as_bytes()).as_ref()[..6]);
        MediaKey(bytes)
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
    let links: Vec<Option<(&str, &Link)>> =
        links.map(|link| link.map(|link| (link.bare(), link))).collect();
    let mut bare_count: HashMap<&str, u32> = HashMap::default();
    bare_count.reserve(links.len());
    for (bare, _) in links.iter().flatten() {
        *bare_count.entry(bare).or_default() += 1;
    }
    let is_unique = |bare: &str| bare_count.get(bare) == Some(&1);
    // Of most feeds each is, and nothing more has to be counted.
    let mut whole_count: HashMap<&str, u32> = HashMap::default();
    for (_, link) in links.iter().flatten().filter(|(bare, _)| !is_unique(bare)) {
        *whole_count.entry(link.whole()).or_default() += 1;
    }
    let key = |(bare, link): &(&str, &Link)| {
        if is_unique(bare) {
            Some(MediaKey::of(bare))
        } else {
            let whole = link.whole();
            (whole_count.get(whole) == Some(&1)).then(|| MediaKey::of(whole))
        }
    };
    links.iter().map(|link| link.as_ref().and_then(key)).collect()
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

/// Everything that a scope knows. Sixty thousand episodes are usual, so that each is a line here, its id
/// within one text, and a number in each table.
#[derive(Debug, Default)]
pub struct Known {
    entries: Vec<Entry>,
    /// The ids of all, one behind the other.
    ids: String,
    /// Places among the entries, by what they are found by.
    by_id: HashTable<u32>,
    by_media: HashTable<u32>,
    by_title: HashTable<Alike>,
    /// The shows that are asked about; all where it is `None`.
    shows: Option<HashSet<u64>>,
    hasher: RandomState,
}

/// The first and the last entry of one title key; the others are between them.
#[derive(Debug)]
struct Alike {
    first: u32,
    last: u32,
}

/// An episode, or what else one is found by that was told before.
#[derive(Debug)]
struct Entry {
    /// Hash of show, title, day and kind, where it has them and a length.
    title: Option<NonZeroU64>,
    /// Where its id begins among the ids, and its length.
    id: u32,
    id_len: u8,
    place: Place,
    media: Option<MediaKey>,
    /// One more than the place of the next one with that hash.
    next: Option<NonZeroU32>,
    /// One more than they are.
    minutes: Option<NonZeroU32>,
}

impl Entry {
    fn id<'k>(&self, ids: &'k str) -> &'k str {
        &ids[self.id as usize..][..usize::from(self.id_len)]
    }

    fn minutes(&self) -> Option<u32> {
        self.minutes.map(|minutes| minutes.get() - 1)
    }
}

/// A number that a place or a length is kept as.
fn one_more(number: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(number.saturating_add(1))
}

/// Bytes of most ids.
const USUAL_ID_BYTES: usize = 20;

/// A show by the words of its title; nothing for one whose titles are not asked about.
#[derive(Clone, Copy, Debug)]
pub struct ShowWords(Option<u64>);

/// What an episode is told by, and what that is looked up by: made once to ask for it and to note it.
#[derive(Debug)]
pub struct Looks<'t> {
    /// As they were given.
    pub traits: Traits<'t>,
    show: ShowWords,
    id: u64,
    title: OnceCell<Option<NonZeroU64>>,
}

impl Known {
    /// Will be asked about episodes of these shows alone, so that the titles of others, which can be
    /// fifty thousand, need not be looked at.
    pub fn about<'s>(shows: impl Iterator<Item = &'s str>) -> Known {
        let known = Known::default();
        let shows = shows.map(|show| known.hash_of_show(show)).collect();
        Known { shows: Some(shows), ..known }
    }

    /// By what a show's episodes are noted and asked for; asked once a show, and not once an episode.
    pub fn show(&self, title: &str) -> ShowWords {
        let hash = self.hash_of_show(title);
        let is_asked = self.shows.as_ref().is_none_or(|shows| shows.contains(&hash));
        ShowWords(is_asked.then_some(hash))
    }

    /// Shows without a title are one.
    fn hash_of_show(&self, title: &str) -> u64 {
        self.hash_of_words(title).unwrap_or_default()
    }

    /// What an episode of a show is looked up by.
    pub fn looks<'t>(&self, show: ShowWords, traits: Traits<'t>) -> Looks<'t> {
        Looks { traits, show, id: self.hasher.hash_one(traits.id), title: OnceCell::new() }
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, count: usize) {
        let Known { entries, ids, by_id, by_media, hasher, .. } = self;
        entries.reserve_exact(count);
        ids.reserve_exact(count * USUAL_ID_BYTES);
        by_id.reserve(count, |at| hasher.hash_one(entries[*at as usize].id(ids)));
        by_media.reserve(count, |at| hasher.hash_one(entries[*at as usize].media));
    }

    /// Notes an episode of a show. The first place that is told stays.
    pub fn add(&mut self, place: Place, looks: &Looks<'_>) {
        let title = self.title_key(looks);
        let Looks { traits, id, .. } = looks;
        let Known { entries, ids, by_id, by_media, by_title, hasher, .. } = self;
        // A scope does not know four billion episodes, nor ids of four billion bytes.
        let (Ok(next), Ok(from), Ok(id_len)) =
            (u32::try_from(entries.len()), u32::try_from(ids.len()), u8::try_from(traits.id.len()))
        else {
            return;
        };
        let mut entry = Entry {
            title,
            id: from,
            id_len,
            place,
            media: traits.media,
            next: None,
            minutes: traits.minutes.and_then(one_more),
        };
        let is_it = |at: &u32| entries[*at as usize].id(ids) == traits.id;
        let hash_of = |at: &u32| hasher.hash_one(entries[*at as usize].id(ids));
        match by_id.entry(*id, is_it, hash_of) {
            // Known already: what else it is found by leads to what was told first.
            Occupied(there) => {
                let first = &entries[*there.get() as usize];
                let is_new = |its: bool, same: bool| its && !same;
                if !is_new(entry.media.is_some(), entry.media == first.media)
                    && !is_new(title.is_some(), title == first.title)
                {
                    return;
                }
                entry = Entry { title, media: traits.media, next: None, ..*first };
            }
            Vacant(free) => {
                free.insert(next);
                ids.push_str(traits.id);
            }
        }
        if let Some(media) = traits.media {
            let hash_of = |at: &u32| hasher.hash_one(entries[*at as usize].media);
            let is_it = |at: &u32| entries[*at as usize].media == Some(media);
            by_media.entry(hasher.hash_one(Some(media)), is_it, hash_of).or_insert(next);
        }
        if let Some(title) = title {
            let title_of = |alike: &Alike| entries[alike.first as usize].title;
            let is_it = |alike: &Alike| title_of(alike) == Some(title);
            let hash_of = |alike: &Alike| title_of(alike).map_or(0, NonZeroU64::get);
            match by_title.entry(title.get(), is_it, hash_of) {
                Occupied(mut alike) => {
                    let before = std::mem::replace(&mut alike.get_mut().last, next);
                    entries[before as usize].next = one_more(next);
                }
                Vacant(free) => {
                    free.insert(Alike { first: next, last: next });
                }
            }
        }
        entries.push(entry);
    }

    /// The known episode that this one is, if it is one.
    pub fn find(&self, looks: &Looks<'_>) -> Option<Same<'_>> {
        let Looks { traits, id, .. } = looks;
        let entry = |at: u32| &self.entries[at as usize];
        let same = |entry: &Entry, by: By| Same { id: entry.id(&self.ids), place: entry.place, by };
        if let Some(at) = self.by_id.find(*id, |at| entry(*at).id(&self.ids) == traits.id) {
            return Some(same(entry(*at), By::Id));
        }
        if let Some(media) = traits.media
            && let Some(at) = self
                .by_media
                .find(self.hasher.hash_one(Some(media)), |at| entry(*at).media == Some(media))
        {
            return Some(same(entry(*at), By::Media));
        }
        let (title, minutes) = (self.title_key(looks)?, traits.minutes?);
        let is_it = |alike: &Alike| entry(alike.first).title == Some(title);
        let first = self.by_title.find(title.get(), is_it)?.first;
        let next = |one: &&Entry| one.next.map(|next| entry(next.get() - 1));
        let is_near = |entry: &&Entry| {
            entry.minutes().is_some_and(|its| its.abs_diff(minutes) <= LENGTH_SLACK_MINUTES)
        };
        let near = std::iter::successors(Some(entry(first)), next).find(is_near)?;
        Some(same(near, By::TitleDayLength))
    }

    /// `None` where there is no title, day or length to go by, or nobody asks.
    fn title_key(&self, looks: &Looks<'_>) -> Option<NonZeroU64> {
        *looks.title.get_or_init(|| {
            let Traits { id, title, day, minutes, .. } = looks.traits;
            let (show, day, _) = (looks.show.0?, day?, minutes?);
            let title = self.hash_of_words(title)?;
            let kind = id.split(':').next();
            NonZeroU64::new(self.hasher.hash_one((show, title, day, kind)))
        })
    }

    /// A hash of the words of a title in lower case; `None` where it has none.
    fn hash_of_words(&self, text: &str) -> Option<u64> {
        let mut words: SmallVec<[u8; 2 * TITLE_CHARS_MAX]> = SmallVec::new();
        if is_tidy(text) {
            words.extend_from_slice(text.as_bytes());
            words.make_ascii_lowercase();
        } else {
            for word in text.split_whitespace() {
                if !words.is_empty() {
                    words.push(b' ');
                }
                for letter in word.chars().flat_map(char::to_lowercase) {
                    words.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
        (!words.is_empty()).then(|| self.hasher.hash_one(&words[..]))
    }
}

/// Whether a text is words of ASCII with one blank between them, as most titles are.
fn is_tidy(text: &str) -> bool {
    let mut before = b' ';
    let is_tidy = text.bytes().all(|byte| {
        let fits = byte.is_ascii_graphic() || (byte == b' ' && before != b' ');
        before = byte;
        fits
    });
    is_tidy && (before != b' ' || text.is_empty())
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
        known.add(Place::Library, &known.looks(known.show("The Shed"), first));
        let check = |show: &str, other: Traits<'_>, want: Option<By>| {
            let same = known.find(&known.looks(known.show(show), other));
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
            known.add(Place::SeenList, &known.looks(known.show(show), *episode));
        }
        let by = |other: Traits<'_>| {
            known.find(&known.looks(known.show("The Shed"), other)).map(|same| same.by)
        };
        assert_eq!(by(one("pod:c", "bees", "2026-05-01", 61, None)), Some(By::TitleDayLength));
        assert_eq!(by(one("pod:b", "x", "2026-01-01", 1, None)), Some(By::Id));
        assert_eq!(by(one("pod:c", "x", "2026-01-01", 1, file)), Some(By::Media));
        assert_eq!(known.by_title.len(), 1);
    }

    #[test]
    fn what_was_told_first_stays_and_is_found_by_all_that_was_told_of_it() {
        let files = keys(&["https://cdn.example.org/1.mp3", "https://cdn.example.org/2.mp3"]);
        let mut known = Known::default();
        let mut add = |place, traits| known.add(place, &known.looks(known.show("Shed"), traits));
        add(Place::Library, one("pod:a", "Bees", "2026-05-01", 60, None));
        // The same again, with a file and another title; and others with that title.
        add(Place::SeenList, one("pod:a", "All bees", "2026-05-01", 90, files[0]));
        add(Place::SeenList, one("pod:b", "All bees", "2026-05-01", 63, files[1]));
        add(Place::AutoQueue, one("pod:c", "All bees", "2026-05-01", 65, files[0]));
        let found = |traits| {
            let same = known.find(&known.looks(known.show("Shed"), traits)).unwrap();
            (same.id, same.place)
        };
        let by_title = |title, minutes| found(one("pod:x", title, "2026-05-01", minutes, None));
        assert_eq!(by_title("bees", 60), ("pod:a", Place::Library));
        assert_eq!(by_title("all bees", 60), ("pod:a", Place::Library), "of three the first");
        assert_eq!(by_title("all bees", 71), ("pod:b", Place::SeenList), "its length is the first");
        assert_eq!(by_title("all bees", 75), ("pod:c", Place::AutoQueue));
        for (file, id) in [(files[0], "pod:a"), (files[1], "pod:b")] {
            assert_eq!(found(one("pod:x", "x", "2026-01-01", 1, file)).0, id);
        }
        assert_eq!(found(one("pod:c", "x", "2026-01-01", 1, None)).0, "pod:c");
    }

    #[test]
    fn shows_without_a_title_are_one_and_many_alike_are_told_in_time() {
        let mut known = Known::about([""].into_iter());
        let ids: Vec<String> = (0..200_000).map(|n| format!("pod:{n}")).collect();
        for id in &ids {
            let looks = known.looks(known.show(" "), one(id, "Bees", "2026-05-01", 60, None));
            assert_eq!(
                known.find(&looks).map(|same| same.id.to_owned()),
                (id != "pod:0").then(|| "pod:0".to_owned())
            );
            known.add(Place::SeenList, &looks);
        }
    }

    #[test]
    fn titles_are_the_same_by_their_words_however_they_are_written() {
        let known = Known::default();
        let hash = |text: &str| known.hash_of_words(text);
        assert_eq!(hash(""), None);
        assert_eq!(hash(" \u{a0}\t"), None);
        for text in
            ["Bees and Honey", "bees  and honey ", "BEES\tAND\u{3000}honey", "\u{b}bees and honey"]
        {
            assert_eq!(hash(text), hash("bees and honey"), "{text:?}");
        }
        for text in ["bees andhoney", "bees and hone", "bees and honey s", "bees and h\u{f6}ney"] {
            assert_ne!(hash(text), hash("bees and honey"), "{text:?}");
        }
        assert_eq!(hash("\u{d6}l und Essig"), hash(" \u{f6}l  UND essig"));
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
