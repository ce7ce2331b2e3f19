//! Holding points against their receipts: a number, a name or a quotation that the cited cues do
//! not
//! contain is a doubt, shown as such and never hidden. How each is found again, although captions
//! mishear, lies in a file of its own; here it is decided what is held against what.

mod names;
mod numbers;
mod quotations;
mod words;

use std::cell::LazyCell;
use std::collections::HashSet;

use crate::domain::recap::{Doubt, DoubtKind, Point, Recap};
use crate::domain::transcript::Cue;

use super::language;
use names::{Naming, Spellings, beginning};
use numbers::Numbers;
use quotations::Sequence;
use words::{SmallWords, Tongue, words};

/// Words of the whole transcript that tell common ones; a longer one has the same.
const VOCABULARY_MAX: usize = 200_000;

/// Marks what each topic's points claim and their cues do not hold.
pub(super) fn mark_doubts(recap: &mut Recap) {
    let spoken = language::of_transcript(&recap.transcript);
    let points = recap.topics.iter().flat_map(|topic| &topic.points);
    let written = language::of_texts(points.map(|point| point.text.as_str()));
    let known = recap
        .transcript
        .speakers
        .values()
        .chain([&recap.title, &recap.episode.title, &recap.episode.show.title])
        .chain(recap.episode.chapters.iter().map(|chapter| &chapter.title));
    let known: Vec<&str> = known.map(String::as_str).collect();
    let checker =
        Checker::new(&recap.transcript.cues, &known, spoken.as_deref(), written.as_deref());
    for topic in &mut recap.topics {
        topic.doubts = topic.points.iter().flat_map(|point| checker.doubts(point)).collect();
    }
}

/// Holds the points of one recap against its transcript.
struct Checker<'a> {
    cues: &'a [Cue],
    /// The language of the points first, then that of the transcript.
    tongues: Vec<Tongue>,
    small: SmallWords,
    vocabulary: HashSet<String>,
    known_names: Spellings,
    known_numbers: Numbers,
    known_texts: Vec<Sequence>,
    /// Whether the points are in the language of the transcript: a translated quotation cannot be
    /// found.
    quotes: bool,
}

impl<'a> Checker<'a> {
    fn new(
        cues: &'a [Cue],
        known: &[&str],
        spoken: Option<&str>,
        written: Option<&str>,
    ) -> Checker<'a> {
        let spoken = spoken.map(Tongue::of);
        let written = written.map(Tongue::of).or(spoken);
        let mut tongues: Vec<Tongue> = written.into_iter().chain(spoken).collect();
        if tongues.is_empty() {
            // Of a transcript too short to tell its language, any of them may be the one.
            tongues.extend(Tongue::KNOWN);
        }
        tongues.dedup();
        let small = SmallWords::of(&tongues);
        let mut vocabulary = HashSet::new();
        for cue in cues {
            if vocabulary.len() >= VOCABULARY_MAX {
                break;
            }
            for word in words(&cue.text) {
                let beginning = beginning(&word.folded);
                if !vocabulary.contains(beginning) {
                    vocabulary.insert(beginning.to_owned());
                }
            }
        }
        let all = known.join(". ");
        let all = words(&all);
        let known_names = Spellings::of(&all, &small);
        let known_numbers = Numbers::of(&all, &tongues);
        let sequence = |text: &&str| Sequence::of(&words(text), &tongues, &small);
        let known_texts = known.iter().map(sequence).collect();
        let quotes = written == spoken;
        Checker {
            cues,
            tongues,
            small,
            vocabulary,
            known_names,
            known_numbers,
            known_texts,
            quotes,
        }
    }

    fn doubts(&self, point: &Point) -> Vec<Doubt> {
        // A sentence is often cut over cues, so one on either side is read with the cited ones.
        let last = point.last_cue.unwrap_or(point.cue).max(point.cue).saturating_add(1);
        let last = last.min(self.cues.len().saturating_sub(1));
        let said = self.cues.get(point.cue.saturating_sub(1)..=last).unwrap_or_default();
        let said: String = said.iter().map(|cue| cue.text.as_str()).collect::<Vec<_>>().join(" ");
        let (said, claims) = (words(&said), words(&point.text));
        // Most points name and count nothing.
        let numbers = LazyCell::new(|| Numbers::of(&said, &self.tongues));
        let naming = Naming {
            tongue: self.tongues[0],
            small: &self.small,
            vocabulary: &self.vocabulary,
            known: &self.known_names,
        };
        let of_words = |(first, last): (usize, usize)| (claims[first].at, claims[last].end());
        let mut found: Vec<(DoubtKind, (usize, usize))> = Vec::new();
        if self.quotes && point.text.contains(quotations::MARKS) {
            let sequence = Sequence::of(&said, &self.tongues, &self.small);
            let known = &self.known_texts;
            let missing =
                quotations::missing(&point.text, &sequence, known, &self.tongues, &self.small);
            found.extend(missing.into_iter().map(|range| (DoubtKind::Quotation, range)));
        }
        let counted = numbers::read(&claims, &self.tongues);
        if !counted.is_empty() {
            let missing = numbers.missing(&claims, &counted, &self.known_numbers);
            found.extend(missing.into_iter().map(|range| (DoubtKind::Number, of_words(range))));
        }
        let names = naming.names(&claims);
        let missing = if names.is_empty() {
            Vec::new()
        } else {
            let spellings = Spellings::of(&said, &self.small);
            naming.missing(&claims, &names, &spellings, &|value| numbers.has(value))
        };
        found.extend(missing.into_iter().map(|range| (DoubtKind::Name, of_words(range))));

        let mut doubts: Vec<Doubt> = Vec::new();
        let mut seen = HashSet::new();
        let mut quoted: Vec<(usize, usize)> = Vec::new();
        for (kind, (from, to)) in found {
            let text = &point.text[from..to];
            // What is wrong within a quotation is said with the quotation.
            let within = quoted.iter().any(|(first, last)| *first <= from && to <= *last);
            if within || !seen.insert(text) {
                continue;
            }
            if kind == DoubtKind::Quotation {
                quoted.push((from, to));
            }
            doubts.push(Doubt {
                kind,
                text: text.to_owned(),
                cue: point.cue,
                point: Some(point.id.clone()),
            });
        }
        doubts
    }
}

#[cfg(test)]
mod tests;
