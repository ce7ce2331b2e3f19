//! Episodes that were offered already, or were there before the person followed, each with why it is
//! not in the queue: one line of text an episode, so that shows of thousands stay small.
//!
//! A line is `<id> <day> <minutes>m <file> <why> <title>`; what is not known is `-`. Only the id has
//! to be there.

use std::fmt::{self, Write as _};

use aws_lc_rs::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::de::{self, DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::episode::EpisodeId;
use crate::domain::filters::PassedOver;
use crate::domain::known::{MediaKey, Same, Traits};

/// What most lines have at the most.
const USUAL_LINE_BYTES: usize = 120;

/// `seen-list.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeenList {
    /// 1.
    #[serde(default = "one")]
    pub format: u32,
    /// In the order in which they were first seen.
    #[serde(default)]
    pub shows: Vec<SeenShow>,
}

fn one() -> u32 {
    1
}

impl Default for SeenList {
    fn default() -> SeenList {
        SeenList { format: 1, shows: Vec::new() }
    }
}

/// The episodes of one show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeenShow {
    /// By which the show is known again, wherever its feed moves: 16 hexadecimal digits.
    pub id: String,
    /// For the person who reads the file.
    #[serde(default)]
    pub title: String,
    /// One line an episode.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub episodes: SeenLines,
}

/// The lines of one show, as one text: lists of fifty thousand episodes are read and written whole, and
/// a text for each would be made and dropped each time.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SeenLines(String);

/// One line. What stands in it beyond the id is read when it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenLine<'a>(&'a str);

/// Why an episode is on the seen list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was there before the person followed.
    Before,
    /// It was put into the queue.
    Offered,
    /// A filter passed it over.
    Filtered(PassedOver),
    /// It is another one under a new guid.
    SameAs(EpisodeId),
    /// A word that is not known here.
    Other(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.word(), self) {
            (_, Why::SameAs(id)) => write!(f, "same-as:{id}"),
            (word, _) => f.write_str(word.unwrap_or_default()),
        }
    }
}

impl Why {
    /// As it stands in a line, where that is one word for all.
    fn word(&self) -> Option<&str> {
        match self {
            Why::Before => Some("before"),
            Why::Offered => Some("offered"),
            Why::Filtered(why) => Some(why.word()),
            Why::Other(word) => Some(word),
            Why::SameAs(_) => None,
        }
    }

    fn read(word: &str) -> Why {
        let filtered = [
            PassedOver::Words,
            PassedOver::NotWords,
            PassedOver::Short,
            PassedOver::Long,
            PassedOver::Old,
        ];
        match word {
            "before" => Why::Before,
            "offered" => Why::Offered,
            _ => match word.strip_prefix("same-as:").map(str::parse) {
                Some(Ok(id)) => Why::SameAs(id),
                _ => filtered
                    .into_iter()
                    .find(|why| why.word() == word)
                    .map_or_else(|| Why::Other(word.to_owned()), Why::Filtered),
            },
        }
    }

    /// As a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Why::Before => "It was there before you followed the show.".to_owned(),
            Why::Offered => "It was put into the queue before.".to_owned(),
            Why::Filtered(PassedOver::Words) => {
                "Its title is not what your filters want.".to_owned()
            }
            Why::Filtered(PassedOver::NotWords) => {
                "Its title holds what your filters do not want.".to_owned()
            }
            Why::Filtered(PassedOver::Short) => "It is shorter than your filters want.".to_owned(),
            Why::Filtered(PassedOver::Long) => "It is longer than your filters want.".to_owned(),
            Why::Filtered(PassedOver::Old) => "It was older than your filters want.".to_owned(),
            Why::SameAs(id) => {
                format!("It is the episode {id} again, under another guid or in another place.")
            }
            Why::Other(word) => format!("It is on the seen list ({word})."),
        }
    }
}

/// A part of a line; `-` where it is not known.
struct Part<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for Part<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(part) => part.fmt(f),
            None => f.write_str("-"),
        }
    }
}

impl SeenLines {
    /// Adds a line at the end.
    pub fn push(&mut self, traits: &Traits<'_>, why: &Why) {
        let Traits { id, title, day, minutes, media } = traits;
        let from = self.0.len();
        self.0.push_str(id);
        self.0.push(' ');
        // Writing into a text does not fail.
        let _ = match minutes {
            Some(minutes) => write!(self.0, "{} {minutes}m {} ", Part(*day), Part(*media)),
            None => write!(self.0, "{} - {} ", Part(*day), Part(*media)),
        };
        match why.word() {
            Some(word) => self.0.push_str(word),
            None => _ = write!(self.0, "{why}"),
        }
        self.0.push(' ');
        self.0.push_str(title);
        self.end_line(from);
    }

    /// Makes room for so many more lines, of which each has a title of usual length.
    pub fn reserve(&mut self, lines: usize) {
        self.0.reserve(lines * USUAL_LINE_BYTES);
    }

    /// Gives back what room was made and not used.
    pub fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }

    /// Ends the line that begins there, which is one line, whatever was put into it.
    fn end_line(&mut self, from: usize) {
        if self.0[from..].contains('\n') {
            let line = self.0[from..].replace('\n', " ");
            self.0.truncate(from);
            self.0.push_str(&line);
        }
        self.0.push('\n');
    }

    /// Adds others at the end.
    pub fn append(&mut self, others: SeenLines) {
        if self.0.is_empty() {
            *self = others;
        } else {
            self.0.push_str(&others.0);
        }
    }

    /// In their order.
    pub fn iter(&self) -> impl Iterator<Item = SeenLine<'_>> {
        self.0.split_terminator('\n').map(SeenLine)
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.0.bytes().filter(|byte| *byte == b'\n').count()
    }

    /// Drops the oldest beyond so many.
    pub fn keep_newest(&mut self, max: usize) {
        let over = self.count().saturating_sub(max);
        if over > 0 {
            let end = self.0.match_indices('\n').nth(over - 1).map_or(0, |(at, _)| at + 1);
            self.0.drain(..end);
        }
    }

    /// Takes an episode off; whether it was there.
    fn remove(&mut self, id: &str) -> bool {
        let mut found = false;
        let mut left = SeenLines::default();
        for line in self.iter() {
            if line.is_of(id) {
                found = true;
            } else {
                left.0.push_str(line.0);
                left.0.push('\n');
            }
        }
        if found {
            *self = left;
        }
        found
    }
}

impl fmt::Debug for SeenLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|line| line.0)).finish()
    }
}

impl Serialize for SeenLines {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|line| line.0))
    }
}

impl<'de> Deserialize<'de> for SeenLines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SeenLines, D::Error> {
        let mut lines = SeenLines::default();
        deserializer.deserialize_seq(Reading(&mut lines))?;
        Ok(lines)
    }
}

/// Reads lines, and a line of them, into the one text.
struct Reading<'l>(&'l mut SeenLines);

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lines of text, one an episode")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut lines: A) -> Result<(), A::Error> {
        while lines.next_element_seed(Reading(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_str<E: de::Error>(self, line: &str) -> Result<(), E> {
        let from = self.0.0.len();
        self.0.0.push_str(line);
        self.0.end_line(from);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> SeenLine<'a> {
    /// The episode's id; `None` where a person's line has none.
    pub fn id(self) -> Option<&'a str> {
        self.0.split_whitespace().next().filter(|id| EpisodeId::is_one(id))
    }

    /// Whether it is this episode's.
    fn is_of(self, id: &str) -> bool {
        self.0.split_whitespace().next() == Some(id)
    }

    /// What the episode is told by, and why it is here.
    pub fn read(self) -> Option<(Traits<'a>, Why)> {
        let mut parts = self.0.splitn(6, ' ');
        let id = parts.next().filter(|id| EpisodeId::is_one(id))?;
        let day = parts.next().and_then(|text| text.parse().ok());
        let minutes = parts.next().and_then(|text| text.strip_suffix('m')?.parse().ok());
        let media = parts.next().and_then(MediaKey::parse);
        let why = Why::read(parts.next().unwrap_or("-"));
        let title = parts.next().unwrap_or_default();
        Some((Traits { id, title, day, minutes, media }, why))
    }
}

/// By which a show is known again: 16 hexadecimal digits of its key, which may be a link with a secret
/// in it.
pub fn show_id(show_key: &str) -> String {
    base16ct::lower::encode_string(&digest(&SHA256, show_key.as_bytes()).as_ref()[..8])
}

impl SeenList {
    /// The lines of a show; made where there are none. The title is brought up to date.
    pub fn show_mut(&mut self, id: &str, title: &str) -> &mut SeenShow {
        let at = match self.shows.iter().position(|show| show.id == id) {
            Some(at) => at,
            None => {
                let title = title.to_owned();
                self.shows.push(SeenShow {
                    id: id.to_owned(),
                    title,
                    episodes: SeenLines::default(),
                });
                self.shows.len() - 1
            }
        };
        let show = &mut self.shows[at];
        if show.title.is_empty() {
            title.clone_into(&mut show.title);
        }
        show
    }

    /// Why an episode is on the list, where it is.
    pub fn why(&self, id: &str) -> Option<Why> {
        let mut lines = self.shows.iter().flat_map(|show| show.episodes.iter());
        lines.find(|line| line.is_of(id)).and_then(SeenLine::read).map(|(_, why)| why)
    }

    /// Takes an episode off; whether it was there.
    pub fn remove(&mut self, id: &str) -> bool {
        let mut found = false;
        for show in &mut self.shows {
            found |= show.episodes.remove(id);
        }
        found
    }
}

impl From<&Same<'_>> for Why {
    fn from(same: &Same<'_>) -> Why {
        // What is known has an id, so that this is never without one.
        same.id.parse().map_or_else(|_| Why::Other("same-as".to_owned()), Why::SameAs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::known::media_keys;

    fn traits() -> Traits<'static> {
        let link = crate::domain::link::Link::parse("https://e.example/a.mp3").unwrap();
        Traits {
            id: "pod:0123",
            title: "Bees,  part \"one\"",
            day: "2026-05-01".parse().ok(),
            minutes: Some(2),
            media: media_keys([Some(&link)].into_iter())[0],
        }
    }

    #[test]
    fn a_line_says_what_was_put_into_it() {
        let same = Why::SameAs("pod:ff".parse().unwrap());
        for why in [Why::Before, Why::Offered, Why::Filtered(PassedOver::Short), same] {
            let mut lines = SeenLines::default();
            lines.push(&traits(), &why);
            assert_eq!(lines.iter().next().and_then(SeenLine::read), Some((traits(), why)));
        }
        let bare = Traits { day: None, minutes: None, media: None, ..traits() };
        let mut lines = SeenLines::default();
        lines.push(&bare, &Why::Before);
        assert_eq!(lines.0, "pod:0123 - - - before Bees,  part \"one\"\n");
        assert_eq!(lines.iter().next().and_then(SeenLine::read), Some((bare, Why::Before)));
    }

    #[test]
    fn a_person_s_line_needs_no_more_than_an_id() {
        let list: SeenList = serde_json::from_str(
            r#"{"shows": [{"id": "x", "episodes": ["yt:abc", "pod:1 whatever", "no id at all", ""]}]}"#,
        )
        .unwrap();
        let lines: Vec<SeenLine<'_>> = list.shows[0].episodes.iter().collect();
        assert_eq!(lines[0].read().map(|(traits, _)| traits.id), Some("yt:abc"));
        assert_eq!(lines[1].id(), Some("pod:1"));
        assert_eq!((lines[2].read(), lines[3].id()), (None, None));
        assert_eq!((lines.len(), list.shows[0].episodes.count()), (4, 4));
        assert!(list.why("yt:abc").is_some());
    }

    #[test]
    fn a_line_taken_off_is_not_known_any_more() {
        let mut list = SeenList::default();
        let show = list.show_mut("x", "The Shed");
        let Traits { id, .. } = traits();
        show.episodes.push(&traits(), &Why::Before);
        assert_eq!(list.why(id), Some(Why::Before));
        assert!(list.remove(id) && !list.remove(id));
        assert_eq!(list.why(id), None);
    }

    #[test]
    fn lines_are_read_and_written_as_they_are_and_stay_one_line_each() {
        let there = r#"["yt:a - - - before One", "", "my own  words", "yt:b \"quoted\" \u00e9"]"#;
        let lines: SeenLines = serde_json::from_str(there).unwrap();
        let again: Vec<String> =
            serde_json::from_str(&serde_json::to_string(&lines).unwrap()).unwrap();
        assert_eq!(again, serde_json::from_str::<Vec<String>>(there).unwrap());
        let broken: SeenLines = serde_json::from_str(r#"["yt:a one\ntwo", "yt:b"]"#).unwrap();
        assert_eq!(broken.iter().map(|line| line.0).collect::<Vec<_>>(), ["yt:a one two", "yt:b"]);
        for bad in ["{}", "\"yt:a\"", "[1]", "[null]", "[[\"yt:a\"]]"] {
            assert!(serde_json::from_str::<SeenLines>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn of_too_many_lines_the_oldest_go() {
        let three = || serde_json::from_str::<SeenLines>(r#"["yt:a", "yt:b", "yt:c"]"#).unwrap();
        for (max, want) in [(0, vec![]), (1, vec!["yt:c"]), (2, vec!["yt:b", "yt:c"])] {
            let mut lines = three();
            lines.keep_newest(max);
            assert_eq!(lines.iter().filter_map(SeenLine::id).collect::<Vec<_>>(), want);
        }
        let mut lines = three();
        lines.keep_newest(3);
        assert_eq!(lines, three());
    }
}
