//! Where one topic ends and the next begins, from the words alone.
//!
//! A section's words are scored by a Dirichlet compound multinomial (the family of Eisenstein and
//! Barzilay, 2008): a run
//! of talk that keeps using the same words is likelier as one section than as two. Dynamic
//! programming finds the best
//! division; turns of phrase and a new speaker at a cut add a little. Knows units of text, not
//! cues.

use super::words::Term;

/// The least text that can be moved from one section to the next: one or more whole sentences.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    /// Its terms, function words left out.
    pub terms: Vec<Term>,
    /// Its length in words.
    pub words: usize,
    /// What speaks for a section that begins here, in the unit of the score (nats).
    pub bonus: f32,
}

/// Concentration of the prior: small means that a section is expected to use few words of the whole
/// vocabulary.
/// Tuned on the development half of the corpus, as are the next two.
const ALPHA: f32 = 0.30;
/// The vocabulary counts for no more stems than this, those of an hour: else the words of twelve
/// hours would make each cut
/// dearer than in one.
const VOCABULARY_MAX: usize = 1_200;
/// What one more section costs, in nats.
const SECTION_COST: f32 = 12.0;
/// How strongly a section's length is drawn to the usual one, in nats per squared e-fold.
const LENGTH_PULL: f32 = 1.8;
/// The usual length of a section in words, some five minutes …
const SECTION_WORDS: f32 = 700.0;
/// … in a talk of at least this many words. A short one has shorter topics, and cheaper cuts.
const LONG_TALK_WORDS: f32 = 5_000.0;
/// The least share of length and cost that a short talk comes down to.
const SHORT_SHARE_MIN: f32 = 0.4;
/// No section is shorter (half a minute), unless the whole is.
const SECTION_WORDS_MIN: usize = 80;
/// No section is longer (half an hour): bounds the time of the search, and a reader's patience.
const SECTION_WORDS_MAX: usize = 4_500;
/// At most so many sections an hour (9,000 words), beside [`SECTIONS_FREE`]; beyond, a dearer cut
/// is tried.
const SECTIONS_PER_HOUR_MAX: usize = 14;
/// Sections that any talk may have beside those by the hour: a quarter of an hour can well have
/// ten.
const SECTIONS_FREE: usize = 8;
/// But never more than one in so many words: a minute and a half.
const WORDS_PER_SECTION_MIN: usize = 230;
/// At least so many an hour.
const SECTIONS_PER_HOUR_MIN: usize = 5;
/// At least so many for a talk of some length: a page of two topics is no overview …
const SECTIONS_MIN: usize = 5;
/// … if there are this many words for each.
const SECTIONS_MIN_WORDS: usize = 350;
/// Words in an hour of talk.
const WORDS_PER_HOUR: usize = 9_000;
/// How often the cost of a section is changed to come within the two bounds above.
const TRIES_MAX: usize = 4;

/// Indexes of the units that begin a section; the first is 0. Empty for no units.
pub(super) fn sections(units: &[Unit], vocabulary: usize) -> Vec<usize> {
    if units.is_empty() {
        return Vec::new();
    }
    let words: usize = units.iter().map(|unit| unit.words).sum();
    let most = (SECTIONS_FREE + words * SECTIONS_PER_HOUR_MAX / WORDS_PER_HOUR)
        .min(1 + words / WORDS_PER_SECTION_MIN);
    let least = (words * SECTIONS_PER_HOUR_MIN / WORDS_PER_HOUR)
        .max(SECTIONS_MIN.min(words / SECTIONS_MIN_WORDS));
    if words < 2 * SECTION_WORDS_MIN || units.len() < 2 {
        return vec![0];
    }
    let share = (words as f32 / LONG_TALK_WORDS).clamp(SHORT_SHARE_MIN, 1.0);
    let search = Search::new(units, vocabulary, SECTION_WORDS * share);
    let mut cost = SECTION_COST * share;
    let mut found = search.run(cost);
    let (mut too_cheap, mut too_dear) = (None, None);
    for _ in 0..TRIES_MAX {
        if found.len() > most {
            too_cheap = Some(cost);
        } else if found.len() < least {
            too_dear = Some(cost);
        } else {
            break;
        }
        cost = match (too_cheap, too_dear) {
            (Some(low), Some(high)) => (low + high) / 2.0,
            (Some(low), None) => low * 1.35 + 4.0,
            (None, Some(high)) => high * 0.6 - 4.0,
            (None, None) => cost,
        };
        found = search.run(cost);
    }
    found
}

struct Search<'a> {
    units: &'a [Unit],
    /// `words_before[i]` is the length of all units before `i`.
    words_before: Vec<usize>,
    terms: usize,
    /// The usual length of a section, in words.
    usual_words: f32,
    /// `ln(c + α)` by count.
    gain: Vec<f32>,
    /// `Σ ln(n + Wα)` for n below the index: what a section of so many terms pays.
    toll: Vec<f64>,
}

impl<'a> Search<'a> {
    fn new(units: &'a [Unit], vocabulary: usize, usual_words: f32) -> Self {
        let mut words_before = Vec::with_capacity(units.len() + 1);
        let mut sum = 0;
        words_before.push(0);
        for unit in units {
            sum += unit.words;
            words_before.push(sum);
        }
        let terms_max = units.iter().map(|unit| unit.terms.len()).sum::<usize>();
        let longest = longest_section(units).min(terms_max);
        let mass = (vocabulary.clamp(1, VOCABULARY_MAX) as f32 * ALPHA) as f64;
        let mut toll = Vec::with_capacity(longest + 2);
        let mut paid = 0.0;
        for n in 0..=longest + 1 {
            toll.push(paid);
            paid += (n as f64 + mass).ln();
        }
        let gain = (0..=longest + 1).map(|count| (count as f32 + ALPHA).ln()).collect();
        Self { units, words_before, terms: vocabulary, usual_words, gain, toll }
    }

    /// The best division where each section costs `cost`.
    fn run(&self, cost: f32) -> Vec<usize> {
        let n = self.units.len();
        let mut best = vec![f64::NEG_INFINITY; n + 1];
        let mut from = vec![0_usize; n + 1];
        let mut counts = vec![0_u32; self.terms];
        best[0] = 0.0;
        for start in 0..n {
            if best[start] == f64::NEG_INFINITY {
                continue;
            }
            let opened = best[start] - f64::from(cost)
                + f64::from(if start == 0 { 0.0 } else { self.units[start].bonus });
            let (mut gained, mut terms, mut end) = (0.0_f64, 0, start);
            while end < n {
                for term in &self.units[end].terms {
                    let count = &mut counts[*term as usize];
                    gained += f64::from(self.gain[*count as usize]);
                    *count += 1;
                }
                terms += self.units[end].terms.len();
                end += 1;
                let words = self.words_before[end] - self.words_before[start];
                // The last section may be short only if it is all there is.
                if words >= SECTION_WORDS_MIN || (end == n && start == 0) {
                    let score = opened + gained - self.toll[terms] - self.length_cost(words);
                    if score > best[end] {
                        best[end] = score;
                        from[end] = start;
                    }
                }
                if words >= SECTION_WORDS_MAX {
                    break;
                }
            }
            for unit in &self.units[start..end] {
                for term in &unit.terms {
                    counts[*term as usize] = 0;
                }
            }
        }
        trace(&best, &from)
    }

    fn length_cost(&self, words: usize) -> f64 {
        let folds = (words.max(1) as f32 / self.usual_words).ln();
        f64::from(LENGTH_PULL * folds * folds)
    }
}

/// The most terms that one section can hold: those of the units up to the one that passes the
/// limit.
fn longest_section(units: &[Unit]) -> usize {
    let (mut longest, mut terms, mut words, mut start) = (0, 0, 0, 0);
    for unit in units {
        terms += unit.terms.len();
        words += unit.words;
        longest = longest.max(terms);
        while words >= SECTION_WORDS_MAX {
            terms -= units[start].terms.len();
            words -= units[start].words;
            start += 1;
        }
    }
    longest
}

/// Reads the starts back from the end. Where no division reaches the end (a tail that is too short
/// after units that are
/// too long), the last one that was reached keeps the rest.
fn trace(best: &[f64], from: &[usize]) -> Vec<usize> {
    let mut at = best.len() - 1;
    while at > 0 && best[at] == f64::NEG_INFINITY {
        at -= 1;
    }
    let mut out = Vec::new();
    while at > 0 {
        at = from[at];
        out.push(at);
    }
    out.reverse();
    if out.is_empty() {
        out.push(0);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Units of 20 words, each with the terms of its topic.
    fn talk(topics: &[(Term, usize)]) -> Vec<Unit> {
        let mut units = Vec::new();
        for (topic, length) in topics {
            for i in 0..*length {
                let terms = (0..8).map(|k| topic * 10 + (i as Term + k) % 10).collect();
                units.push(Unit { terms, words: 20, bonus: 0.0 });
            }
        }
        units
    }

    #[test]
    fn topics_with_words_of_their_own_are_told_apart() {
        assert_eq!(sections(&talk(&[(0, 30), (1, 20), (2, 40)]), 30), [0, 30, 50]);
    }

    #[test]
    fn one_topic_and_tiny_talk_stay_whole() {
        assert_eq!(sections(&[], 0), Vec::<usize>::new());
        assert_eq!(sections(&talk(&[(0, 1)]), 10), [0]);
        assert_eq!(sections(&talk(&[(0, 3), (1, 3)]), 20), [0]);
        assert_eq!(sections(&talk(&[(0, 25)]), 10), [0]);
    }

    #[test]
    fn no_section_passes_the_longest_by_more_than_a_unit() {
        let found = sections(&talk(&[(0, 1_000)]), 10);
        assert!(found.len() >= 4, "{found:?}");
        assert!(found.windows(2).all(|pair| (pair[1] - pair[0]) * 20 <= SECTION_WORDS_MAX + 20));
    }

    #[test]
    fn a_unit_longer_than_any_section_does_not_stop_the_search() {
        let big = Unit { terms: vec![0; 10_000], words: 10_000, bonus: 0.0 };
        let small = Unit { terms: vec![1], words: 1, bonus: 0.0 };
        assert_eq!(sections(&[big.clone(), small.clone()], 2)[0], 0);
        assert_eq!(sections(&[small, big.clone(), big], 2)[0], 0);
    }

    #[test]
    fn units_without_terms_are_one_section() {
        let units = vec![Unit { words: 20, ..Unit::default() }; 20];
        assert_eq!(sections(&units, 0), [0]);
    }
}
