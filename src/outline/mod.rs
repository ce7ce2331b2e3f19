//! A transcript to topics, titles, points and an overview, with no model at all.
//!
//! Pure and deterministic: no io, no clock, no chance, nothing of ours but the words of `domain`.
//! The way is `sentences` (cues to sentences; `breaks` guesses where unpunctuated ones end) →
//! `sections` (sentences to sections, by what is seen at their `joints`, what that is worth by
//! `cues`, and the best division by `segment`; unless the publisher's `chapters` say where they
//! begin) → `rank` (what to quote) → `title` and `overview`; `clean` makes a sentence readable,
//! `words` and `language` say what a word is. What a model makes of a transcript belongs to
//! `pipeline`, ids and doubts to whoever keeps the outline.

mod breaks;
mod chapters;
mod clean;
mod cohesion;
pub mod cues;
pub mod joints;
mod language;
mod overview;
mod phrases;
mod rank;
pub mod sections;
mod segment;
mod sentences;
mod spans;
mod title;
mod turns;
mod words;

use std::collections::{HashMap, HashSet};

use crate::domain::outline::{Chapter, Granularity, Length, Outline, OutlinePoint, OutlineTopic};
use crate::domain::transcript::Transcript;

use self::cues::Cues;
use self::language::Language;
use self::phrases::Phrasebook;
use self::rank::{Judge, Pick, Quoted, Section, Weights};
use self::sentences::Sentence;
use self::words::{Term, Vocabulary};

/// Counts up when the same transcript gives another outline; stands in a recap as `made_by.outline.version`.
pub const VERSION: u32 = 2;

/// What is known of an episode beside its transcript.
#[derive(Clone, Debug)]
pub struct Options {
    /// The publisher's chapters in any order; they set the topics where at least two are usable.
    pub chapters: Vec<Chapter>,
    /// As the publisher wrote it; may be empty. The last resort for a title.
    pub episode_title: String,
    /// BCP 47 tag, where someone knows better than [`Transcript::language`].
    pub language: Option<String>,
    /// How finely the talk is divided where no chapters divide it.
    pub granularity: Granularity,
    /// How much of each topic is quoted.
    pub length: Length,
    /// The overview has at most so many words.
    pub overview_words_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            chapters: Vec::new(),
            episode_title: String::new(),
            language: None,
            granularity: Granularity::default(),
            length: Length::default(),
            overview_words_max: OVERVIEW_WORDS_MAX,
        }
    }
}

/// A recap's overview has at most so many words: it is read before one decides to read on.
pub const OVERVIEW_WORDS_MAX: usize = 120;

/// The topics of a transcript, each with a title and the sentences that carry it, and an overview
/// of all.
///
/// The ranges of the topics cover every cue once, in order; an empty transcript yields an empty
/// outline. Takes time in
/// proportion to the length of the transcript: 12 hours of talk well under a second.
pub fn outline(transcript: &Transcript, options: &Options) -> Outline {
    let cues = &transcript.cues;
    if cues.is_empty() {
        return Outline::default();
    }
    let language = language::of(transcript, options.language.as_deref());
    let phrases = Phrasebook::new(&language);
    let mut vocabulary = Vocabulary::new(&language);
    let sentences = sentences::split(transcript, &language);
    let terms: Vec<Vec<Term>> = sentences.iter().map(|s| vocabulary.terms(&s.text)).collect();

    let chapters = chapters::usable(&options.chapters, transcript, &sentences);
    let (starts, titles): (Vec<usize>, Vec<String>) = if chapters.is_empty() {
        let reading =
            sections::read(transcript, &sentences, &terms, &language, &phrases, &vocabulary);
        let starts = sections::starts(&reading, &Cues::DEFAULT, options.granularity);
        let titles = vec![String::new(); starts.len()];
        (starts, titles)
    } else {
        chapters.into_iter().unzip()
    };
    let sections = sections(&starts, cues.len(), &sentences);
    let weights = Weights::new(&sections, &terms, &vocabulary);
    let mut people = speaker_words(transcript);
    spans::addressed(&sentences, &vocabulary, &mut people);
    let judge = Judge {
        sentences: &sentences,
        terms: &terms,
        weights: &weights,
        language: &language,
        phrases: &phrases,
        people: &people,
    };
    let mut quoted = Quoted::default();
    let picks: Vec<Vec<Pick>> = sections
        .iter()
        .enumerate()
        .map(|(i, section)| judge.points(i, section, options.length, &mut quoted))
        .collect();
    let source = title::Source {
        sentences: &sentences,
        weights: &weights,
        language: &language,
        people: &people,
    };
    let mut taken = Taken::default();
    let mut topics = Vec::with_capacity(sections.len());
    for (i, (section, mut name)) in sections.iter().zip(titles).enumerate() {
        let points = points(transcript, section, &picks[i], &sentences, &language);
        if name.is_empty() {
            let mut open = title::candidates(i, section, &source, &mut vocabulary);
            open.push(title::clause(&points[0].text));
            open.push(title::clause(&options.episode_title));
            name = taken.distinct(open, i);
        }
        taken.titles.insert(words::fold(&name));
        topics.push(OutlineTopic {
            title: name,
            first_cue: section.cues.start,
            last_cue: section.cues.end - 1,
            points,
        });
    }
    let names: Vec<&str> = topics.iter().map(|topic| topic.title.as_str()).collect();
    let mut overview = overview::overview(&judge, &sections, &names, options.overview_words_max);
    if overview.is_empty() {
        overview = first_words(transcript, &sections[0], &language).text;
    }
    Outline { overview, topics }
}

/// The cues and sentences of each section. A sentence that is said across a boundary belongs to
/// none.
fn sections(starts: &[usize], cues: usize, sentences: &[Sentence]) -> Vec<Section> {
    let ends = starts.iter().skip(1).copied().chain([cues]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let first = sentences.partition_point(|s| s.first_cue < *start);
            let after = sentences.partition_point(|s| s.last_cue < end).max(first);
            Section { cues: *start..end, sentences: first..after }
        })
        .collect()
}

fn points(
    transcript: &Transcript,
    section: &Section,
    picks: &[Pick],
    sentences: &[Sentence],
    language: &Language,
) -> Vec<OutlinePoint> {
    let mut out: Vec<OutlinePoint> = Vec::with_capacity(picks.len().max(1));
    for pick in picks {
        let sentence = &sentences[pick.sentence];
        let said = title::unframed(&sentence.text, "", language);
        let mut text = clean::point(said, sentence.is_cut, language);
        let mut last_cue = sentence.last_cue;
        if let Some(answer) = pick.answer.map(|at| &sentences[at]) {
            text.push(' ');
            text.push_str(&clean::point(&answer.text, answer.is_cut, language));
            last_cue = answer.last_cue;
        }
        if !text.is_empty() && out.iter().all(|point| point.text != text) {
            out.push(OutlinePoint { text, cue: sentence.first_cue, last_cue });
        }
    }
    if out.is_empty() {
        out.push(first_words(transcript, section, language));
    }
    out
}

/// Where no sentence lies within the section: what its first cues say, whatever it is.
fn first_words(transcript: &Transcript, section: &Section, language: &Language) -> OutlinePoint {
    let spoken = |cue: &usize| words::count(&transcript.cues[*cue].text) > 0;
    let cue = section.cues.clone().find(spoken).unwrap_or(section.cues.start);
    let mut text = String::new();
    let mut last_cue = cue;
    for at in cue..section.cues.end {
        if words::count(&text) >= clean::POINT_WORDS_MAX {
            break;
        }
        if at > cue {
            text.push(' ');
        }
        let said = &transcript.cues[at].text;
        // A cue can be megabytes long; a point is not.
        text.push_str(&said[..said.floor_char_boundary(said.len().min(2_000))]);
        last_cue = at;
    }
    let mut text = clean::point(&text, false, language);
    if text.trim().is_empty() {
        text.push('…');
    }
    OutlinePoint { text, cue, last_cue }
}

/// The titles of the topics so far.
#[derive(Default)]
struct Taken {
    /// Folded.
    titles: HashSet<String>,
    /// By what stands before the number: the number after the last one given. Below it all are
    /// taken, and a thousand topics of one name need not be counted through for each.
    next: HashMap<String, usize>,
}

impl Taken {
    /// The first title that no earlier topic has; else one with a number.
    fn distinct(&mut self, open: Vec<String>, index: usize) -> String {
        let mut usable = open.into_iter().filter(|name| words::count(name) > 0).peekable();
        let best = usable.peek().cloned();
        if let Some(name) = usable.find(|name| !self.titles.contains(&words::fold(name))) {
            return name;
        }
        // Topics are named by their number where they say nothing, as a last resort.
        let name = best.unwrap_or_else(|| "Part".to_owned());
        let short: Vec<&str> = name.split(' ').take(title::WORDS_MAX - 1).collect();
        let first = if name == "Part" { index + 1 } else { 2 };
        let short = short.join(" ");
        let next = self.next.entry(short.clone()).or_default();
        for number in first.max(*next).. {
            let numbered = format!("{short} {number}");
            if !self.titles.contains(&words::fold(&numbered)) {
                *next = number + 1;
                return numbered;
            }
        }
        name
    }
}

/// The words of the names of those who speak, folded.
fn speaker_words(transcript: &Transcript) -> HashSet<String> {
    let mut keys: Vec<&str> = transcript.cues.iter().filter_map(|c| c.speaker.as_deref()).collect();
    keys.dedup();
    let names = transcript.speakers.values().map(String::as_str).chain(keys);
    names
        .flat_map(|name| name.split_whitespace())
        .map(|word| words::fold(clean::core(word)))
        .collect()
}

#[cfg(test)]
mod tests;
