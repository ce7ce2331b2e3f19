//! Which sentences carry a section: its points, and from them the overview.
//!
//! A sentence is worth the distinctive words in it, and more where it opens the section, holds a
//! number or a name, or
//! draws a conclusion; less where it asks, greets, or leans on what came before.

use std::collections::HashMap;
use std::ops::Range;

use crate::domain::outline::Length;

use super::clean;
use super::language::Language;
use super::phrases::Phrasebook;
use super::sentences::Sentence;
use super::words::{self, Term, Vocabulary};

/// A section, as cues and as the sentences that lie within them.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// Cues of the section.
    pub cues: Range<usize>,
    /// Sentences that are said within these cues and no others.
    pub sentences: Range<usize>,
}

/// How distinctive each term is for each section.
pub(super) struct Weights {
    by_section: Vec<HashMap<Term, f32>>,
    sections_with: HashMap<Term, f32>,
}

impl Weights {
    /// Counts the terms of every section.
    pub(super) fn new(sections: &[Section], terms: &[Vec<Term>], vocabulary: &Vocabulary) -> Self {
        let mut by_section: Vec<HashMap<Term, f32>> = Vec::with_capacity(sections.len());
        let mut sections_with: HashMap<Term, f32> = HashMap::new();
        for section in sections {
            let mut counts: HashMap<Term, f32> = HashMap::new();
            for term in terms[section.sentences.clone()].iter().flatten() {
                *counts.entry(*term).or_default() += 1.0;
            }
            for term in counts.keys() {
                *sections_with.entry(*term).or_default() += 1.0;
            }
            by_section.push(counts);
        }
        let all = sections.len() as f32;
        for counts in &mut by_section {
            for (term, count) in counts.iter_mut() {
                let rarity = ((all + 1.0) / sections_with[term]).ln() + 0.2;
                let share = if vocabulary.is_weak(*term) { WEAK_SHARE } else { 1.0 };
                *count = (0.4 + count.ln()) * rarity * share;
            }
        }
        Self { by_section, sections_with }
    }

    /// The weight of a term within a section; 0 where it does not occur.
    pub(super) fn of(&self, section: usize, term: Term) -> f32 {
        self.by_section[section].get(&term).copied().unwrap_or(0.0)
    }

    /// How much of the whole talk a term runs through: what an introduction is about.
    pub(super) fn theme(&self, term: Term) -> f32 {
        self.sections_with.get(&term).map_or(0.0, |sections| sections.ln())
    }
}

/// What a word of talk counts beside a word of a topic.
const WEAK_SHARE: f32 = 0.6;

/// A sentence that was chosen, and how good it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pick {
    /// Index of the sentence.
    pub sentence: usize,
    /// Comparable within one section.
    pub score: f32,
}

/// Sentences shorter than this say little on their own.
const WORDS_MIN: usize = 6;
/// Two sentences that share more of their terms than this say the same.
const OVERLAP_MAX: f32 = 0.6;
/// A second point must be worth this much of the best one.
const SCORE_SHARE_MIN: f32 = 0.2;

/// How many points a section of so many words gets.
fn points_for(words: usize, length: Length) -> usize {
    let normal = match words {
        0..60 => 1,
        60..180 => 2,
        180..450 => 3,
        450..1_000 => 4,
        _ => 5,
    };
    match length {
        Length::Brief => (normal + 1) / 2,
        Length::Normal => normal,
        Length::Long => normal * 2,
    }
}

/// The sentences to quote, in order. Empty only where the section holds no sentence.
pub(super) fn points(
    index: usize,
    section: &Section,
    sentences: &[Sentence],
    terms: &[Vec<Term>],
    weights: &Weights,
    language: &Language,
    phrases: &Phrasebook,
    length: Length,
) -> Vec<Pick> {
    let first = section.sentences.start;
    let mut open: Vec<Pick> = section
        .sentences
        .clone()
        .map(|at| Pick {
            sentence: at,
            score: worth(&sentences[at], &terms[at], at - first, index, weights, language, phrases),
        })
        .collect();
    let words = sentences[section.sentences.clone()].iter().map(|s| s.words).sum();
    let wanted = points_for(words, length);
    let mut chosen: Vec<Pick> = Vec::with_capacity(wanted);
    while chosen.len() < wanted {
        let best = open.iter().copied().reduce(|a, b| if b.score > a.score { b } else { a });
        let Some(best) = best else { break };
        let floor = chosen.first().map_or(0.0, |first| first.score * SCORE_SHARE_MIN);
        if !chosen.is_empty() && best.score <= floor {
            break;
        }
        chosen.push(best);
        open.retain_mut(|pick| {
            let shared = words::overlap(&terms[pick.sentence], &terms[best.sentence]);
            let near = pick.sentence.abs_diff(best.sentence) == 1;
            pick.score *= (1.0 - 0.7 * shared) * if near { 0.75 } else { 1.0 };
            pick.sentence != best.sentence
                && shared <= OVERLAP_MAX
                && sentences[pick.sentence].text != sentences[best.sentence].text
        });
    }
    chosen.sort_by_key(|pick| pick.sentence);
    chosen
}

/// What a sentence is worth to its section.
fn worth(
    sentence: &Sentence,
    terms: &[Term],
    position: usize,
    section: usize,
    weights: &Weights,
    language: &Language,
    phrases: &Phrasebook,
) -> f32 {
    let mut seen: Vec<Term> = terms.iter().copied().take(64).collect();
    seen.sort_unstable();
    seen.dedup();
    let sum: f32 = seen.iter().map(|term| weights.of(section, *term)).sum();
    let mut score = 0.05 + sum / (6.0 + sentence.words as f32).powf(0.75);
    let tokens = clean::plain(&sentence.text, language);
    let head = words::head_of(&tokens, 12);
    let full = words::head(&sentence.text, 12);
    if sentence.text.contains(|c: char| c.is_ascii_digit()) {
        score *= 1.2;
    }
    if names(&tokens) > 0 {
        score *= 1.15;
    }
    if phrases.conclusions.holds(&head, 1) {
        score *= 1.3;
    }
    score *= match (position, sentence.words) {
        (0..=1, 8..) => 1.4,
        (2..=3, 8..) => 1.15,
        _ => 1.0,
    };
    if clean::is_question(&sentence.text) {
        score *= 0.25;
    }
    if let Some(first) = head.split(' ').next()
        && language.leaning.contains(&first)
    {
        score *= 0.55;
    }
    let mut early = head.split(' ').skip(1).take(2);
    if early.any(|word| language.pronouns.contains(&word)) {
        score *= 0.75;
    }
    if phrases.announcements.holds(&full, 3) {
        score *= 0.8;
    }
    if phrases.housekeeping.begins(&head) || phrases.housekeeping.begins(&full) {
        score *= 0.15;
    }
    score *= match sentence.words {
        0..WORDS_MIN => 0.2,
        WORDS_MIN..9 => 0.75,
        9..=38 => 1.0,
        _ => 0.6,
    };
    if sentence.is_cut {
        score *= 0.8;
    }
    score
}

/// Words with a capital that do not begin the sentence.
fn names(tokens: &[&str]) -> usize {
    tokens
        .iter()
        .skip(1)
        .filter(|token| {
            let core = clean::core(token);
            core.len() > 1
                && core.starts_with(char::is_uppercase)
                && !core.starts_with("I'")
                && !core.starts_with("I’")
        })
        .count()
}
