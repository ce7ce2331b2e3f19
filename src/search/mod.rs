//! Finding words in one scope's library. The index says which recaps hold a word and is built on
//! first need; the places within a recap are looked up in its file, so that the index stays small.

mod index;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use recap_mode::Scope;
use serde::{Deserialize, Serialize};

use crate::domain::recap::{Recap, RecapId};
use crate::history::{Library, Stamp, StoreError};

use index::{Draft, Index, Weight, words};

/// Longest query, in characters; what is longer is cut.
const QUERY_CHARS_MAX: usize = 300;

/// Places that are shown of one recap.
const PLACES_MAX: usize = 4;

/// Longest piece of text around a found word, in characters.
const SNIPPET_CHARS: usize = 220;

/// Threads that read while an index is built.
const READERS_MAX: usize = 4;

/// Recaps that were read and wait to be put into the index: bounds the memory.
const DRAFTS_WAITING: usize = 16;

/// The indexes of all scopes that were searched.
pub struct Search {
    library: Arc<Library>,
    indexes: Mutex<HashMap<Scope, Arc<Mutex<Index>>>>,
}

/// A recap that holds what was searched for.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Hit {
    /// Which.
    #[schema(value_type = String)]
    pub recap: RecapId,
    /// Its title.
    pub title: String,
    /// Name of the show; empty where there is none.
    pub show_title: String,
    /// Where in it, best first; empty where only the title matches.
    pub places: Vec<Place>,
}

/// A place in a recap.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Place {
    /// In what.
    pub kind: PlaceKind,
    /// The topic around it.
    pub topic: Option<String>,
    /// Index of the cue, for points and the transcript.
    pub cue: Option<usize>,
    /// Milliseconds from the start.
    pub start_ms: Option<u64>,
    /// The words around it.
    pub text: String,
}

/// In what a word was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlaceKind {
    /// A topic's title.
    Topic,
    /// A point.
    Point,
    /// The overview.
    Overview,
    /// What was said.
    Transcript,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Found {
    /// Best first.
    pub hits: Vec<Hit>,
    /// How many recaps hold all words.
    pub total: usize,
    /// The words that were searched for, as they were understood.
    pub words: Vec<String>,
}

impl Search {
    /// Searches this library.
    pub fn new(library: Arc<Library>) -> Search {
        Search { library, indexes: Mutex::default() }
    }

    /// The recaps of a scope that hold every word of `query`; a word of three letters or more also
    /// stands for those that begin with it. Blocks, the first time for as long as reading the
    /// whole library takes.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub fn find_now(
        &self,
        scope: &Scope,
        query: &str,
        hits_max: usize,
    ) -> Result<Found, StoreError> {
        let query: String = query.chars().take(QUERY_CHARS_MAX).collect();
        let mut wanted: Vec<String> = words(&query);
        wanted.dedup();
        if wanted.is_empty() {
            return Ok(Found { hits: Vec::new(), total: 0, words: wanted });
        }
        let index = {
            let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
            indexes.entry(scope.clone()).or_default().clone()
        };
        let ranked = {
            let mut index = index.lock().unwrap_or_else(PoisonError::into_inner);
            self.bring_up_to_date(scope, &mut index)?;
            index.find(&wanted)
        };
        let total = ranked.len();
        let hits = ranked
            .into_iter()
            .take(hits_max)
            .filter_map(|id| self.hit(scope, &id, &wanted))
            .collect();
        Ok(Found { hits, total, words: wanted })
    }

    /// Drops a scope's index.
    pub fn forget(&self, scope: &Scope) {
        self.indexes.lock().unwrap_or_else(PoisonError::into_inner).remove(scope);
    }

    fn bring_up_to_date(&self, scope: &Scope, index: &mut Index) -> Result<(), StoreError> {
        let there = self.library.stamps_now(scope)?;
        let now: HashMap<&RecapId, Stamp> =
            there.iter().map(|(head, stamp)| (&head.id, *stamp)).collect();
        index.retain(|id, stamp| now.get(id) == Some(stamp));
        let fresh: Vec<(RecapId, Stamp)> = there
            .iter()
            .filter(|(head, _)| !index.holds(&head.id))
            .map(|(head, stamp)| (head.id.clone(), *stamp))
            .collect();
        // Reading is most of the work, so every core reads; one puts together.
        let threads = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(READERS_MAX)
            .min(fresh.len().max(1));
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope_of_threads| {
            let (sender, drafts) = mpsc::sync_channel::<(usize, Draft)>(DRAFTS_WAITING);
            for _ in 0..threads {
                let (sender, fresh, next) = (sender.clone(), &fresh, &next);
                scope_of_threads.spawn(move || {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some((id, _)) = fresh.get(at) else { return };
                        // The receiver lives until every sender is gone.
                        if let Some(draft) = self.draft(scope, id)
                            && sender.send((at, draft)).is_err()
                        {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            for (at, draft) in drafts {
                let (id, stamp) = &fresh[at];
                index.finish(draft, id, *stamp);
            }
        });
        Ok(())
    }

    /// The words of one recap. A file that does not parse is searched for what was known of it
    /// before, or not at all.
    fn draft(&self, scope: &Scope, id: &RecapId) -> Option<Draft> {
        let bytes = self.library.bytes_now(scope, id).ok()??;
        if let Ok(words) = serde_json::from_slice::<Words<'_>>(&bytes) {
            return Some(words.draft());
        }
        let recap = self.library.find_now(scope, id).ok()?.recap;
        let text = serde_json::to_string(&recap).ok()?;
        serde_json::from_str::<Words<'_>>(&text).ok().map(|words| words.draft())
    }

    fn hit(&self, scope: &Scope, id: &RecapId, wanted: &[String]) -> Option<Hit> {
        let recap = self.library.find_now(scope, id).ok()?.recap;
        let places = places(&recap, wanted);
        Some(Hit {
            recap: recap.id,
            title: recap.title,
            show_title: recap.episode.show.title,
            places,
        })
    }
}

/// What a search reads of a recap: its words, borrowed from the file where they can be.
#[derive(Deserialize)]
struct Words<'a> {
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    episode: WordsOfEpisode<'a>,
    #[serde(borrow, default)]
    overview: Cow<'a, str>,
    #[serde(borrow, default)]
    topics: Vec<WordsOfTopic<'a>>,
    #[serde(borrow, default)]
    transcript: WordsSaid<'a>,
}

#[derive(Deserialize)]
struct WordsOfEpisode<'a> {
    #[serde(borrow, default)]
    show: WordsOfShow<'a>,
}

#[derive(Default, Deserialize)]
struct WordsOfShow<'a> {
    #[serde(borrow, default)]
    title: Cow<'a, str>,
}

#[derive(Deserialize)]
struct WordsOfTopic<'a> {
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow, default)]
    points: Vec<Text<'a>>,
}

#[derive(Default, Deserialize)]
struct WordsSaid<'a> {
    #[serde(default)]
    speakers: BTreeMap<String, String>,
    #[serde(borrow, default)]
    cues: Vec<Text<'a>>,
}

#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

impl Words<'_> {
    fn draft(&self) -> Draft {
        let mut draft = Draft::default();
        draft.text(&self.title, Weight::Title);
        draft.text(&self.episode.show.title, Weight::Title);
        draft.text(&self.overview, Weight::Point);
        for topic in &self.topics {
            draft.text(&topic.title, Weight::Topic);
            topic.points.iter().for_each(|point| draft.text(&point.text, Weight::Point));
        }
        self.transcript.speakers.values().for_each(|name| draft.text(name, Weight::Point));
        self.transcript.cues.iter().for_each(|cue| draft.text(&cue.text, Weight::Said));
        draft
    }
}

/// Where in a recap the words stand: the places that hold most of them first.
fn places(recap: &Recap, wanted: &[String]) -> Vec<Place> {
    let mut found: Vec<(usize, Place)> = Vec::new();
    let mut look = |kind, topic: Option<&str>, cue: Option<usize>, start_ms, text: &str| {
        let held = count_held(text, wanted);
        if held > 0 {
            let place = Place {
                kind,
                topic: topic.map(str::to_owned),
                cue,
                start_ms,
                text: snippet(text, wanted),
            };
            found.push((held, place));
        }
    };
    for topic in &recap.topics {
        let id = Some(topic.id.as_str());
        look(PlaceKind::Topic, id, Some(topic.first_cue), Some(topic.start_ms), &topic.title);
        for point in &topic.points {
            look(PlaceKind::Point, id, Some(point.cue), Some(point.start_ms), &point.text);
        }
    }
    look(PlaceKind::Overview, None, None, None, &recap.overview);
    for (at, cue) in recap.transcript.cues.iter().enumerate() {
        let topic =
            recap.topics.iter().find(|topic| (topic.first_cue..=topic.last_cue).contains(&at));
        look(
            PlaceKind::Transcript,
            topic.map(|t| t.id.as_str()),
            Some(at),
            Some(cue.start_ms),
            &cue.text,
        );
    }
    found.sort_by(|(a, left), (b, right)| b.cmp(a).then(left.kind.cmp(&right.kind)));
    // One cue is shown once, even where a point quotes it.
    let mut cues = std::collections::HashSet::new();
    found
        .into_iter()
        .map(|(_, place)| place)
        .filter(|place| {
            place.kind == PlaceKind::Topic || place.cue.is_none_or(|cue| cues.insert(cue))
        })
        .take(PLACES_MAX)
        .collect()
}

fn count_held(text: &str, wanted: &[String]) -> usize {
    let held: Vec<String> = words(text);
    wanted.iter().filter(|word| held.iter().any(|one| index::stands_for(word, one))).count()
}

/// The part of a text around the first found word.
fn snippet(text: &str, wanted: &[String]) -> String {
    if text.chars().count() <= SNIPPET_CHARS {
        return text.to_owned();
    }
    let at = index::first_match(text, wanted).unwrap_or(0);
    let before = text[..at].chars().count().saturating_sub(SNIPPET_CHARS / 3);
    let piece: String = text.chars().skip(before).take(SNIPPET_CHARS).collect();
    let lead = if before > 0 { "…" } else { "" };
    let tail = if before + SNIPPET_CHARS < text.chars().count() { "…" } else { "" };
    format!("{lead}{}{tail}", piece.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::recap::tests::sample;
    use recap_mode::{SeededEntropy, SystemClock};

    async fn house(recaps: &[(&str, &str)]) -> (tempfile::TempDir, Arc<Library>, Search) {
        let data = tempfile::tempdir().unwrap();
        let library =
            Library::open(data.path(), Arc::new(SystemClock), Arc::new(SeededEntropy::new(3)))
                .unwrap();
        for (id, title) in recaps {
            library.save(&Scope::owner(), sample(id, title)).await.unwrap();
        }
        let search = Search::new(library.clone());
        (data, library, search)
    }

    fn ids(search: &Search, query: &str) -> Vec<String> {
        let found = search.find_now(&Scope::owner(), query, 10).unwrap();
        assert_eq!(found.total, found.hits.len());
        found.hits.iter().map(|hit| hit.recap.to_string()).collect()
    }

    #[tokio::test]
    async fn every_word_must_be_there_and_a_title_counts_most() {
        let (_data, _library, search) =
            house(&[("a", "Bees in winter"), ("b", "Good bread"), ("c", "Ovens")]).await;
        assert_eq!(ids(&search, "BREAD")[0], "b");
        assert_eq!(ids(&search, "bread").len(), 3, "all three transcripts speak of bread");
        assert_eq!(ids(&search, "bees oven"), ["a"]);
        assert_eq!(ids(&search, "bees sourdough"), Vec::<String>::new());
        assert_eq!(ids(&search, "wint"), ["a"], "a word stands for those that begin with it");
        assert_eq!(ids(&search, "wi"), Vec::<String>::new(), "two letters do not");
        for nothing in ["", "  ", "!?", "\u{0}", "(((", &"x".repeat(100_000)] {
            assert_eq!(ids(&search, nothing), Vec::<String>::new());
        }
    }

    #[tokio::test]
    async fn a_place_leads_to_the_second_where_it_was_said() {
        let (_data, _library, search) = house(&[("a", "Bread")]).await;
        let found = search.find_now(&Scope::owner(), "240 degrees", 10).unwrap();
        let place = &found.hits[0].places[0];
        assert_eq!(
            (place.kind, place.cue, place.start_ms),
            (PlaceKind::Point, Some(3), Some(12000))
        );
        assert_eq!(place.topic.as_deref(), Some("t2"));
    }

    #[tokio::test]
    async fn what_was_edited_added_or_deleted_is_found_so_at_once() {
        let (_data, library, search) = house(&[("a", "Bread"), ("b", "Bees")]).await;
        let owner = Scope::owner();
        assert_eq!(ids(&search, "rye"), Vec::<String>::new());
        library
            .patch(&owner, &"a".parse().unwrap(), None, serde_json::json!({"title": "Rye"}))
            .await
            .unwrap();
        assert_eq!(ids(&search, "rye"), ["a"]);
        library.save(&owner, sample("c", "Rye again")).await.unwrap();
        assert_eq!(ids(&search, "rye").len(), 2);
        library.delete(&owner, &"a".parse().unwrap(), None).await.unwrap();
        assert_eq!(ids(&search, "rye"), ["c"]);
        assert_eq!(search.find_now(&Scope::parse("other").unwrap(), "rye", 10).unwrap().total, 0);
    }

    #[test]
    fn a_snippet_shows_the_word_and_is_short() {
        let text = format!("{} needle {}", "ä ".repeat(400), "b ".repeat(400));
        let piece = snippet(&text, &["needle".to_owned()]);
        assert!(piece.contains("needle") && piece.chars().count() <= SNIPPET_CHARS + 2, "{piece}");
    }
}
