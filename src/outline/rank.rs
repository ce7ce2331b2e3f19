//! Which sentences carry a section: its points, and from them the overview.
//!
//! A sentence is worth the distinctive words in it, and more where it opens the section, holds a
//! number or a name, or
//! draws a conclusion; less where it asks, greets, or leans on what came before.

use std::collections::{HashMap, HashSet};
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

    /// How much of the whole talk the terms of a sentence run through, of the best few, 0 to 1.
    fn themes(&self, terms: &[Term]) -> f32 {
        let most = (self.by_section.len() as f32).ln();
        let mut all: Vec<f32> = distinct(terms).iter().map(|term| self.theme(*term)).collect();
        all.sort_unstable_by(|a, b| b.total_cmp(a));
        all.truncate(THEMES);
        all.iter().sum::<f32>() / (most * THEMES as f32)
    }

    /// How much of the whole talk a term runs through: what an introduction is about.
    pub(super) fn theme(&self, term: Term) -> f32 {
        self.sections_with.get(&term).map_or(0.0, |sections| sections.ln())
    }
}

/// How much more a sentence of the opening is worth whose words all run through the whole talk.
const THEME: f32 = 2.0;
/// So many of a sentence's words are looked at for it.
const THEMES: usize = 4;
/// What a word of talk counts beside a word of a topic.
const WEAK_SHARE: f32 = 0.6;

/// What the sentences of a talk are judged by.
pub(super) struct Judge<'a> {
    pub sentences: &'a [Sentence],
    /// Those of each sentence.
    pub terms: &'a [Vec<Term>],
    pub weights: &'a Weights,
    pub language: &'a Language,
    pub phrases: &'a Phrasebook,
    /// Folded words of the names of those who speak or are spoken to.
    pub people: &'a HashSet<String>,
}

/// What is quoted as one point: a sentence, or a question with its answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pick {
    /// Index of the sentence.
    pub sentence: usize,
    /// Index of the sentence that answers it.
    pub answer: Option<usize>,
    /// Comparable within one section.
    score: f32,
}

impl Pick {
    fn last(&self) -> usize {
        self.answer.unwrap_or(self.sentence)
    }
}

/// What earlier topics have quoted.
#[derive(Default)]
pub(super) struct Quoted {
    sizes: Vec<usize>,
    with: HashMap<Term, Vec<usize>>,
}

impl Quoted {
    /// Adds a point, unless one of nearly the same terms is there.
    fn add(&mut self, terms: &[Term]) -> bool {
        let terms = distinct(terms);
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for point in terms.iter().filter_map(|term| self.with.get(term)).flatten() {
            *shared.entry(*point).or_default() += 1;
        }
        let doubled = shared.iter().any(|(point, count)| {
            let least = terms.len().min(self.sizes[*point]);
            least >= DOUBLED_TERMS_MIN && *count as f32 > least as f32 * OVERLAP_MAX
        });
        if !doubled {
            for term in &terms {
                self.with.entry(*term).or_default().push(self.sizes.len());
            }
            self.sizes.push(terms.len());
        }
        !doubled
    }
}

/// Points of fewer terms can share them by chance.
const DOUBLED_TERMS_MIN: usize = 4;
/// A question of more words is a speech.
const QUESTION_WORDS_MAX: usize = 22;
/// An answer of fewer words ("Sure.") is passed over for the sentence after it.
const ANSWER_WORDS_MIN: usize = 3;

/// A question with its answer tells more than its words: it says why they were said.
const ANSWERED: f32 = 1.2;

/// At most 64 terms, each once.
fn distinct(terms: &[Term]) -> Vec<Term> {
    let mut out: Vec<Term> = terms.iter().copied().take(64).collect();
    out.sort_unstable();
    out.dedup();
    out
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
        Length::Brief => usize::div_ceil(normal, 2),
        Length::Normal => normal,
        Length::Long => normal * 2,
    }
}

impl Judge<'_> {
    /// What to quote, in order. Empty only where the section holds no sentence.
    pub(super) fn points(
        &self,
        index: usize,
        section: &Section,
        length: Length,
        quoted: &mut Quoted,
    ) -> Vec<Pick> {
        let mut open: Vec<Pick> = Vec::new();
        for at in section.sentences.clone() {
            let answer = self.answer(at, section.sentences.end);
            open.push(Pick { sentence: at, answer, score: self.worth(at, answer, index, section) });
        }
        let words = self.sentences[section.sentences.clone()].iter().map(|s| s.words).sum();
        let wanted = points_for(words, length);
        let mut chosen: Vec<Pick> = Vec::with_capacity(wanted);
        while chosen.len() < wanted {
            let best = open.iter().copied().reduce(|a, b| if b.score > a.score { b } else { a });
            let Some(best) = best else { break };
            let floor = chosen.first().map_or(0.0, |first| first.score * SCORE_SHARE_MIN);
            if !chosen.is_empty() && best.score <= floor {
                break;
            }
            // The last one left is kept whoever has said it: a topic has a point.
            let fresh = quoted.add(&self.terms_of(&best)) || (chosen.is_empty() && open.len() == 1);
            if fresh {
                chosen.push(best);
            }
            open.retain_mut(|pick| {
                if !fresh {
                    return *pick != best;
                }
                let terms = &self.terms[pick.last()];
                let shared = words::overlap(terms, &self.terms[best.last()]);
                let near = pick.sentence.abs_diff(best.last()) == 1;
                pick.score *= (1.0 - 0.7 * shared) * if near { 0.75 } else { 1.0 };
                let apart = pick.last() < best.sentence || pick.sentence > best.last();
                apart
                    && shared <= OVERLAP_MAX
                    && self.sentences[pick.sentence].text != self.sentences[best.sentence].text
            });
        }
        chosen.sort_by_key(|pick| pick.sentence);
        chosen
    }

    fn terms_of(&self, pick: &Pick) -> Vec<Term> {
        let mut out = self.terms[pick.sentence].clone();
        out.extend(pick.answer.iter().flat_map(|at| &self.terms[*at]));
        out
    }

    /// The sentence that answers a question, if both make one readable point.
    fn answer(&self, at: usize, end: usize) -> Option<usize> {
        let asks = |at: usize| clean::is_question(&self.sentences[at].text);
        let question = &self.sentences[at];
        if !asks(at) || !(ANSWER_WORDS_MIN..=QUESTION_WORDS_MAX).contains(&question.words) {
            return None;
        }
        let found = (at + 1..end.min(at + 3))
            .find(|at| asks(*at) || self.sentences[*at].words >= ANSWER_WORDS_MIN)?;
        let fits = question.words + self.sentences[found].words <= clean::POINT_WORDS_MAX;
        (fits && !asks(found)).then_some(found)
    }

    /// What a sentence is worth to its section.
    pub(super) fn worth(
        &self,
        at: usize,
        answer: Option<usize>,
        index: usize,
        section: &Section,
    ) -> f32 {
        let Self { sentences, terms, weights, language, phrases, people } = self;
        // The answer carries the two; the question lends it its words.
        let said = answer.unwrap_or(at);
        let sentence = &sentences[said];
        let words = sentence.words + if answer.is_some() { sentences[at].words } else { 0 };
        let mut seen = terms[at].clone();
        if answer.is_some() {
            seen.extend(&terms[said]);
        }
        let sum: f32 = distinct(&seen).iter().map(|term| weights.of(index, *term)).sum();
        let mut score = 0.05 + sum / (6.0 + words as f32).powf(0.75);
        if index == 0 && weights.by_section.len() > 1 {
            // An opening says what all of it is about, if it says anything.
            score *= 1.0 + THEME * weights.themes(&seen);
        }
        // An address says nothing to a reader.
        if sentence.text.contains("://") {
            score *= 0.2;
        }
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
        score *= match (at - section.sentences.start, words) {
            (0..=1, 8..) => 1.4,
            (2..=3, 8..) => 1.15,
            _ => 1.0,
        };
        if answer.is_none() && clean::is_question(&sentence.text) {
            score *= 0.15;
        }
        if answer.is_some() {
            score *= ANSWERED;
        }
        if clean::addresses(&sentences[at].text, people) {
            score *= 0.5;
        }
        let first = head.split(' ').next().unwrap_or_default();
        if answer.is_none() && language.leaning.contains(&first) {
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
        score *= match words {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_once_is_not_quoted_again() {
        let mut quoted = Quoted::default();
        assert!(quoted.add(&[1, 2, 3, 4, 5]));
        assert!(!quoted.add(&[5, 4, 3, 2, 1, 1]));
        assert!(!quoted.add(&[1, 2, 3, 4, 9]));
        assert!(quoted.add(&[1, 2, 3, 8, 9]));
        // Few terms are shared by chance.
        assert!(quoted.add(&[1, 2, 3]));
        assert!(quoted.add(&[1, 2, 3]));
        assert!(quoted.add(&[]));
    }
}
