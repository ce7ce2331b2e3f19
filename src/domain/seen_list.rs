//! Episodes that were offered already, or were there before the person followed, each with why it is
//! not in the queue: one line of text an episode, so that shows of thousands stay small.
//!
//! A line is `<id> <day> <minutes>m <file> <why> <title>`; what is not known is `-`. Only the id has
//! to be there.

use std::fmt;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::episode::EpisodeId;
use crate::domain::filters::PassedOver;
use crate::domain::known::{MediaKey, Same, Traits};

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
    pub episodes: Vec<SeenLine>,
}

/// One line. What stands in it beyond the id is read when it is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SeenLine(Box<str>);

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
        match self {
            Why::Before => f.write_str("before"),
            Why::Offered => f.write_str("offered"),
            Why::Filtered(why) => f.write_str(why.word()),
            Why::SameAs(id) => write!(f, "same-as:{id}"),
            Why::Other(word) => f.write_str(word),
        }
    }
}

impl Why {
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

impl SeenLine {
    /// Writes one.
    pub fn new(traits: &Traits, why: &Why) -> SeenLine {
        let day = traits.day.map_or_else(|| "-".to_owned(), |day| day.to_string());
        let minutes = traits.minutes.map_or_else(|| "-".to_owned(), |m| format!("{m}m"));
        let media = traits.media.as_ref().map_or("-", MediaKey::as_str);
        SeenLine(format!("{} {day} {minutes} {media} {why} {}", traits.id, traits.title).into())
    }

    /// The episode's id; `None` where a person's line has none.
    pub fn id(&self) -> Option<EpisodeId> {
        self.0.split_whitespace().next()?.parse().ok()
    }

    /// What the episode is told by, and why it is here.
    pub fn read(&self) -> Option<(Traits, Why)> {
        let mut parts = self.0.splitn(6, ' ');
        let id = parts.next()?.parse().ok()?;
        let day = parts.next().and_then(|text| text.parse::<NaiveDate>().ok());
        let minutes = parts.next().and_then(|text| text.strip_suffix('m')?.parse().ok());
        let media = parts.next().and_then(|text| MediaKey::try_from(text.to_owned()).ok());
        let why = Why::read(parts.next().unwrap_or("-"));
        let title = parts.next().unwrap_or_default().to_owned();
        Some((Traits { id, title, day, minutes, media }, why))
    }
}

/// By which a show is known again: 16 hexadecimal digits of its key, which may be a link with a secret
/// in it.
pub fn show_id(show_key: &str) -> String {
    Sha256::digest(show_key.as_bytes())[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

impl SeenList {
    /// The lines of a show; made where there are none. The title is brought up to date.
    pub fn show_mut(&mut self, id: &str, title: &str) -> &mut SeenShow {
        let at = match self.shows.iter().position(|show| show.id == id) {
            Some(at) => at,
            None => {
                let title = title.to_owned();
                self.shows.push(SeenShow { id: id.to_owned(), title, episodes: Vec::new() });
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
    pub fn why(&self, id: &EpisodeId) -> Option<Why> {
        let is_its = |line: &&SeenLine| line.id().as_ref() == Some(id);
        self.shows
            .iter()
            .find_map(|show| show.episodes.iter().find(is_its))
            .and_then(SeenLine::read)
            .map(|(_, why)| why)
    }

    /// Takes an episode off; whether it was there.
    pub fn remove(&mut self, id: &EpisodeId) -> bool {
        let mut found = false;
        for show in &mut self.shows {
            show.episodes.retain(|line| {
                let is_its = line.id().as_ref() == Some(id);
                found |= is_its;
                !is_its
            });
        }
        found
    }
}

impl From<&Same> for Why {
    fn from(same: &Same) -> Why {
        Why::SameAs(same.id.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::known::media_keys;

    fn traits() -> Traits {
        let link = url::Url::parse("https://e.example/a.mp3").unwrap();
        let media = media_keys([Some(&link)].into_iter())[0].clone();
        let at = "2026-05-01T23:30:00Z".parse().ok();
        Traits::new("pod:0123".parse().unwrap(), "Bees,  part \"one\"", at, Some(125_000), media)
    }

    #[test]
    fn a_line_says_what_was_put_into_it() {
        let same = Why::SameAs("pod:ff".parse().unwrap());
        for why in [Why::Before, Why::Offered, Why::Filtered(PassedOver::Short), same] {
            let line = SeenLine::new(&traits(), &why);
            assert_eq!(line.read(), Some((traits(), why)));
        }
        let bare = Traits { day: None, minutes: None, media: None, ..traits() };
        let line = SeenLine::new(&bare, &Why::Before);
        assert_eq!(&*line.0, "pod:0123 - - - before Bees,  part \"one\"");
        assert_eq!(line.read(), Some((bare, Why::Before)));
    }

    #[test]
    fn a_person_s_line_needs_no_more_than_an_id() {
        let list: SeenList = serde_json::from_str(
            r#"{"shows": [{"id": "x", "episodes": ["yt:abc", "pod:1 whatever", "no id at all", ""]}]}"#,
        )
        .unwrap();
        let lines = &list.shows[0].episodes;
        assert_eq!(lines[0].read().map(|(t, _)| t.id), "yt:abc".parse().ok());
        assert_eq!(lines[1].id(), "pod:1".parse().ok());
        assert_eq!((lines[2].read(), lines[3].id()), (None, None));
        assert!(list.why(&"yt:abc".parse().unwrap()).is_some());
    }

    #[test]
    fn a_line_taken_off_is_not_known_any_more() {
        let mut list = SeenList::default();
        let show = list.show_mut("x", "The Shed");
        show.episodes.push(SeenLine::new(&traits(), &Why::Before));
        assert_eq!(list.why(&traits().id), Some(Why::Before));
        assert!(list.remove(&traits().id) && !list.remove(&traits().id));
        assert_eq!(list.why(&traits().id), None);
    }
}
