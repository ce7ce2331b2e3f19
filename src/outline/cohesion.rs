//! How much the talk before a place and the talk after it have in common, at every place between
//! two units.
//!
//! Only terms are looked at; what they are called, who says them and what is made of the figures
//! belongs to `joints`. Windows slide: each term enters and leaves a window once, whatever its
//! width.

use super::segment::{Unit, VOCABULARY_MAX};
use super::words::Term;

/// A term that was last said this many words before is new to the talk of the moment, and one
/// that is not said again within as many has been dropped: two minutes.
const CHAIN_WORDS: usize = 300;
/// Words before a place in which dropped terms are counted.
const CHAIN_WINDOW_WORDS: usize = 80;
/// Concentration of the prior of a window's words; as `segment` has it for sections.
const ALPHA: f64 = 0.3;
/// Counts above this gain no more than it: a window of one word said without end is no evidence.
const COUNT_MAX: usize = 4_500;

/// What the words say of the place before a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Break {
    /// How like the words before and after are, from 0 to 1, in [`NEAR_WORDS`] on each side.
    pub likeness_near: f32,
    /// The same in [`LIKENESS_WORDS`].
    pub likeness: f32,
    /// What two sections would explain better than one, in nats a term, of [`SPLIT_WORDS`] on each
    /// side.
    pub split_gain: f32,
    /// Terms that begin to be used in the unit, for each of its terms.
    pub begun: f32,
    /// Terms that are used no more, for each word of [`CHAIN_WINDOW_WORDS`] before.
    pub dropped: f32,
}

/// Half a minute: a change of subject within a sentence or three.
const NEAR_WORDS: usize = 60;
/// More than a minute: the usual block of such comparisons.
const LIKENESS_WORDS: usize = 180;
/// Three minutes: most of a section.
const SPLIT_WORDS: usize = 450;

/// The break before each unit; the first has none on one side.
pub(super) fn breaks(units: &[Unit], vocabulary: usize) -> Vec<Break> {
    let mut out = vec![Break::default(); units.len()];
    let rarity = rarity(units, vocabulary);
    let mut window = Window::new(vocabulary, &rarity);
    window.slide(units, NEAR_WORDS, |at, sides| out[at].likeness_near = sides.likeness());
    let mut window = Window::new(vocabulary, &rarity);
    window.slide(units, LIKENESS_WORDS, |at, sides| out[at].likeness = sides.likeness());
    let mut window = Window::new(vocabulary, &rarity);
    window.slide(units, SPLIT_WORDS, |at, sides| out[at].split_gain = sides.split_gain());
    chains(units, vocabulary, &mut out);
    out
}

/// How much a term tells, by term: less where many units say it.
fn rarity(units: &[Unit], vocabulary: usize) -> Vec<f64> {
    let mut said_in = vec![0_u32; vocabulary];
    let mut latest = vec![usize::MAX; vocabulary];
    for (at, unit) in units.iter().enumerate() {
        for term in &unit.terms {
            let term = *term as usize;
            if latest[term] != at {
                latest[term] = at;
                said_in[term] += 1;
            }
        }
    }
    let units = units.len() as f64;
    said_in.iter().map(|count| (1.0 + units / f64::from(*count).max(1.0)).ln()).collect()
}

/// The words on both sides of a place.
struct Window<'a> {
    rarity: &'a [f64],
    before: Vec<u32>,
    after: Vec<u32>,
    /// `Σ before · after · rarity²`, and the same of each side with itself.
    both: f64,
    before_square: f64,
    after_square: f64,
    /// `Σ ln Γ(count + α)` of each side and of both as one.
    before_gain: f64,
    after_gain: f64,
    joint_gain: f64,
    before_terms: usize,
    after_terms: usize,
    /// ln(c + α) for each count.
    steps: Vec<f64>,
    /// Wα of the Dirichlet prior.
    mass: f64,
}

impl<'a> Window<'a> {
    fn new(vocabulary: usize, rarity: &'a [f64]) -> Self {
        Self {
            rarity,
            before: vec![0; vocabulary],
            after: vec![0; vocabulary],
            both: 0.0,
            before_square: 0.0,
            after_square: 0.0,
            before_gain: 0.0,
            after_gain: 0.0,
            joint_gain: 0.0,
            before_terms: 0,
            after_terms: 0,
            steps: (0..=COUNT_MAX).map(|count| (count as f64 + ALPHA).ln()).collect(),
            mass: vocabulary.clamp(1, VOCABULARY_MAX) as f64 * ALPHA,
        }
    }

    /// Calls `each` for every unit but the first, with so many words on both sides of its start.
    fn slide(&mut self, units: &[Unit], width: usize, mut each: impl FnMut(usize, &Self)) {
        let (mut oldest, mut newest) = (0, 0);
        let (mut words_before, mut words_after) = (0, 0);
        for at in 0..units.len() {
            while newest < units.len() && words_after < width {
                for term in &units[newest].terms {
                    self.enter_after(*term);
                }
                words_after += units[newest].words;
                newest += 1;
            }
            if at > 0 {
                each(at, self);
            }
            // The unit goes from one side to the other.
            for term in &units[at].terms {
                self.leave_after(*term);
                self.enter_before(*term);
            }
            words_after -= units[at].words;
            words_before += units[at].words;
            while oldest < at && words_before - units[oldest].words >= width {
                for term in &units[oldest].terms {
                    self.leave_before(*term);
                }
                words_before -= units[oldest].words;
                oldest += 1;
            }
        }
    }

    fn step(&self, count: u32) -> f64 {
        self.steps[(count as usize).min(COUNT_MAX)]
    }

    fn enter_after(&mut self, term: Term) {
        let term = term as usize;
        let square = self.rarity[term] * self.rarity[term];
        let (before, after) = (self.before[term], self.after[term]);
        self.both += f64::from(before) * square;
        self.after_square += f64::from(2 * after + 1) * square;
        self.after_gain += self.step(after);
        self.joint_gain += self.step(before + after);
        self.after[term] += 1;
        self.after_terms += 1;
    }

    fn leave_after(&mut self, term: Term) {
        let term = term as usize;
        let square = self.rarity[term] * self.rarity[term];
        self.after[term] -= 1;
        let (before, after) = (self.before[term], self.after[term]);
        self.both -= f64::from(before) * square;
        self.after_square -= f64::from(2 * after + 1) * square;
        self.after_gain -= self.step(after);
        self.joint_gain -= self.step(before + after);
        self.after_terms -= 1;
    }

    fn enter_before(&mut self, term: Term) {
        let term = term as usize;
        let square = self.rarity[term] * self.rarity[term];
        let (before, after) = (self.before[term], self.after[term]);
        self.both += f64::from(after) * square;
        self.before_square += f64::from(2 * before + 1) * square;
        self.before_gain += self.step(before);
        self.joint_gain += self.step(before + after);
        self.before[term] += 1;
        self.before_terms += 1;
    }

    fn leave_before(&mut self, term: Term) {
        let term = term as usize;
        let square = self.rarity[term] * self.rarity[term];
        self.before[term] -= 1;
        let (before, after) = (self.before[term], self.after[term]);
        self.both -= f64::from(after) * square;
        self.before_square -= f64::from(2 * before + 1) * square;
        self.before_gain -= self.step(before);
        self.joint_gain -= self.step(before + after);
        self.before_terms -= 1;
    }

    /// The cosine of the two sides.
    fn likeness(&self) -> f32 {
        let norm = (self.before_square.max(0.0) * self.after_square.max(0.0)).sqrt();
        if norm < 1e-6 { 0.0 } else { (self.both / norm).clamp(0.0, 1.0) as f32 }
    }

    fn split_gain(&self) -> f32 {
        // Σ ln(n + m) below n, to the precision that matters here.
        let toll = |terms: usize| {
            let (n, m) = (terms as f64, self.mass);
            (n + m) * (n + m).ln() - m * m.ln() - n
        };
        let terms = self.before_terms + self.after_terms;
        let apart =
            self.before_gain + self.after_gain - toll(self.before_terms) - toll(self.after_terms);
        let joint = self.joint_gain - toll(terms);
        ((apart - joint) / terms.max(1) as f64) as f32
    }
}

/// Which terms begin to be used and which are dropped around each place.
fn chains(units: &[Unit], vocabulary: usize, out: &mut [Break]) {
    // By unit: terms that begin to be used in it, and that are dropped after it.
    let mut begun = vec![0_u32; units.len()];
    let mut dropped = vec![0_u32; units.len()];
    // By term: the words before its last use, the unit of it, and whether it was in use then.
    let mut latest: Vec<Option<(usize, usize, bool)>> = vec![None; vocabulary];
    let mut words = 0;
    for (at, unit) in units.iter().enumerate() {
        for term in &unit.terms {
            let known = &mut latest[*term as usize];
            let near = known.filter(|(said, _, _)| words - said <= CHAIN_WORDS);
            if let Some((_, unit, in_use)) = near {
                if unit != at && !in_use {
                    begun[unit] += 1;
                }
            } else if let Some((_, unit, true)) = *known {
                dropped[unit] += 1;
            }
            let in_use = near.is_some_and(|(_, unit, in_use)| in_use || unit != at);
            *known = Some((words, at, in_use));
        }
        words += unit.words;
    }
    for (_, unit, in_use) in latest.into_iter().flatten() {
        dropped[unit] += u32::from(in_use);
    }
    let (mut oldest, mut words, mut count) = (0, 0, 0);
    for at in 0..units.len() {
        out[at].begun = begun[at] as f32 / (units[at].terms.len() + 2) as f32;
        out[at].dropped = count as f32 / words.max(CHAIN_WINDOW_WORDS / 2) as f32;
        words += units[at].words;
        count += dropped[at];
        while oldest < at && words - units[oldest].words >= CHAIN_WINDOW_WORDS {
            words -= units[oldest].words;
            count -= dropped[oldest];
            oldest += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::segment::tests::talk;
    use super::*;

    #[test]
    fn where_words_change_likeness_is_least_and_gain_most() {
        let found = breaks(&talk(&[(0, 40), (1, 40)]), 20);
        let at_least = |figure: fn(&Break) -> f32| {
            let order = |a: &usize, b: &usize| figure(&found[*a]).total_cmp(&figure(&found[*b]));
            (1..found.len()).min_by(order)
        };
        assert_eq!(at_least(|found| found.likeness_near), Some(40));
        assert_eq!(at_least(|found| found.likeness), Some(40));
        assert_eq!(at_least(|found| -found.split_gain), Some(40));
        assert!(found[40].likeness < 0.01 && found[20].likeness > 0.9, "{:?}", found[20]);
        assert!(found[40].dropped > 0.0 && found[30].dropped == 0.0, "{:?}", found[40]);
        assert!(found[40].begun > 0.0 && found[50].begun == 0.0, "{:?}", found[50]);
    }

    #[test]
    fn talk_without_terms_has_nothing_in_common() {
        let units = vec![Unit { terms: Vec::new(), words: 20 }; 9];
        assert!(breaks(&units, 0).iter().all(|found| *found == Break::default()));
        assert!(breaks(&[], 0).is_empty());
    }

    #[test]
    fn windows_are_the_same_after_sliding_as_when_filled_afresh() {
        let units = talk(&[(0, 30), (1, 1), (0, 20), (2, 40)]);
        let rarity = rarity(&units, 30);
        let mut slid = Vec::new();
        Window::new(30, &rarity).slide(&units, 100, |at, sides| {
            slid.push((at, sides.likeness(), sides.split_gain()));
        });
        for (at, likeness, gain) in slid {
            let mut fresh = Window::new(30, &rarity);
            for unit in &units[at.saturating_sub(5)..at] {
                unit.terms.iter().for_each(|term| fresh.enter_before(*term));
            }
            for unit in &units[at..(at + 5).min(units.len())] {
                unit.terms.iter().for_each(|term| fresh.enter_after(*term));
            }
            assert!((fresh.likeness() - likeness).abs() < 1e-4, "{at}");
            assert!((fresh.split_gain() - gain).abs() < 1e-4, "{at}");
        }
    }
}
