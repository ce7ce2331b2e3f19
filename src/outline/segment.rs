//! Where one topic ends and the next begins, from the words and from what speaks for a cut.
//!
//! A section's words are scored by a Dirichlet compound multinomial (the family of Eisenstein and
//! Barzilay, 2008): a run of talk that keeps using the same words is likelier as one section than as
//! two. To that come the log-odds of a section at each cut, which `cues` learned. Dynamic
//! programming finds the best division. Knows units of text, not cues.

use crate::domain::outline::Granularity;

use super::words::Term;

/// The least text that can be moved from one section to the next: one or more whole sentences.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    /// Its terms, function words left out.
    pub terms: Vec<Term>,
    /// Its length in words.
    pub words: usize,
}

/// Concentration of the prior: small means that a section is expected to use few words of the whole
/// vocabulary.
const ALPHA: f32 = 0.30;
/// The vocabulary counts for no more stems than this, those of an hour: else the words of twelve
/// hours would make each cut dearer than in one.
pub(super) const VOCABULARY_MAX: usize = 1_200;
/// What a nat of cohesion counts beside a nat of log-odds. Little: words depend on each other, so
/// that the multinomial is far too sure of itself. Tuned on the development half of the corpus by
/// folds, as is the next.
const COHESION: f64 = 0.1;
/// What a section gains for being one: a cut with odds of five to three against it is still worth
/// it, since a reader skips a topic too many more easily than he finds a missing one.
const SECTION_GAIN: f32 = 0.5;
/// No section is shorter (twenty seconds), unless the whole is.
const SECTION_WORDS_MIN: usize = 50;
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
const SECTIONS_PER_HOUR_MIN: usize = 3;
/// At least so many for a talk of some length: a page of two topics is no overview …
const SECTIONS_MIN: usize = 4;
/// … if there are this many words for each.
const SECTIONS_MIN_WORDS: usize = 400;
/// Words in an hour of talk.
const WORDS_PER_HOUR: usize = 9_000;
/// How often what a section gains is changed until their number is within its bounds: bounds the
/// time of the search. Where so many tries miss them, hardly any division lies between.
const TRIES_MAX: usize = 8;
/// By how much it is changed at first, doubled with each try; in nats.
const FIRST_STEP: f32 = 1.0;

/// Indexes of the units that begin a section; the first is 0. Empty for no units. `odds` are the
/// log-odds that a section begins with each unit.
pub(super) fn sections(
    units: &[Unit],
    odds: &[f32],
    vocabulary: usize,
    granularity: Granularity,
) -> Vec<usize> {
    if units.is_empty() {
        return Vec::new();
    }
    let words: usize = units.iter().map(|unit| unit.words).sum();
    if words < 2 * SECTION_WORDS_MIN || units.len() < 2 {
        return vec![0];
    }
    let most = (SECTIONS_FREE + words * SECTIONS_PER_HOUR_MAX / WORDS_PER_HOUR)
        .min(1 + words / WORDS_PER_SECTION_MIN);
    let least = (words * SECTIONS_PER_HOUR_MIN / WORDS_PER_HOUR)
        .max(SECTIONS_MIN.min(words / SECTIONS_MIN_WORDS));
    let search = Search::new(units, odds, vocabulary);
    let found = search.within(least, most);
    let n = found.len();
    match granularity {
        Granularity::Auto => found,
        // Not to the last one, so that a few tries do.
        Granularity::Coarse => search.within((n * 7).div_ceil(16), (n * 9).div_ceil(16)),
        Granularity::Fine => search.within(n * 2, n * 5 / 2),
    }
}

/// What the search needs to know of the units, whatever a section gains.
struct Search<'a> {
    units: &'a [Unit],
    odds: &'a [f32],
    /// `words_before[i]` is the length of all units before `i`.
    words_before: Vec<usize>,
    /// `terms_before[i]` is the number of terms in all units before `i`.
    terms_before: Vec<usize>,
    mentions: Mentions,
    /// `Σ ln(c + α)` for c below the index: what a term gains the section that holds it so often.
    /// The logarithms are rounded to singles, so that sums and differences of them are exact in a
    /// double: a gain is the same in whatever order it is added up.
    gain: Vec<f64>,
    /// `Σ ln(n + Wα)` for n below the index: what a section of so many terms pays.
    toll: Vec<f64>,
}

impl<'a> Search<'a> {
    fn new(units: &'a [Unit], odds: &'a [f32], vocabulary: usize) -> Self {
        let longest = longest_section(units);
        let mass = f64::from(vocabulary.clamp(1, VOCABULARY_MAX) as f32 * ALPHA);
        let gains = (0..=longest).map(|count| f64::from((count as f32 + ALPHA).ln()));
        let tolls = (0..=longest).map(|terms| (terms as f64 + mass).ln());
        Self {
            units,
            odds,
            words_before: sums(units.iter().map(|unit| unit.words)),
            terms_before: sums(units.iter().map(|unit| unit.terms.len())),
            mentions: Mentions::new(units, vocabulary),
            gain: sums(gains),
            toll: sums(tolls),
        }
    }

    /// The best division into so many sections, or into nearly as many where none is found.
    fn within(&self, least: usize, most: usize) -> Vec<usize> {
        let distance =
            |found: &[usize]| found.len().saturating_sub(most) + least.saturating_sub(found.len());
        let (mut gain, mut step) = (SECTION_GAIN, FIRST_STEP);
        let mut best = self.run(gain);
        let mut count = best.len();
        let (mut too_much, mut too_little) = (None, None);
        for _ in 0..TRIES_MAX {
            if distance(&best) == 0 {
                break;
            }
            if count > most {
                too_much = Some(gain);
            } else {
                too_little = Some(gain);
            }
            gain = match (too_much, too_little) {
                (Some(high), Some(low)) => (high + low) / 2.0,
                (Some(high), None) => high - step,
                (None, _) => gain + step,
            };
            step *= 2.0;
            let found = self.run(gain);
            count = found.len();
            if distance(&found) < distance(&best) {
                best = found;
            }
        }
        best
    }

    /// The best division where each section gains `gain`.
    fn run(&self, gain: f32) -> Vec<usize> {
        let n = self.units.len();
        let mut best = vec![f64::NEG_INFINITY; n + 1];
        let mut from = vec![0_usize; n + 1];
        // By start: the score up to there with the section opened, and what the terms from there to
        // `last` gain it.
        let mut opened = Vec::with_capacity(n);
        let mut gained = vec![0.0_f64; n];
        let mut steps = vec![0.0_f64; n];
        best[0] = 0.0;
        // Sections that end with the unit `last` begin at the units from `longest` to before
        // `shortest`: farther back they are too long, later too short.
        let (mut longest, mut shortest) = (0, 0);
        for last in 0..n {
            let odds = if last == 0 { 0.0 } else { self.odds[last] };
            opened.push(best[last] + f64::from(gain) + f64::from(odds));
            let end = last + 1;
            while longest < last && self.words(longest, last) >= SECTION_WORDS_MAX {
                longest += 1;
            }
            while shortest < end && self.words(shortest, end) >= SECTION_WORDS_MIN {
                shortest += 1;
            }
            self.extend(longest, last, &mut gained, &mut steps);
            for start in longest..shortest {
                let terms = self.terms_before[end] - self.terms_before[start];
                let score = opened[start] + COHESION * (gained[start] - self.toll[terms]);
                if score > best[end] {
                    best[end] = score;
                    from[end] = start;
                }
            }
        }
        trace(&best, &from)
    }

    /// Adds what the terms of the unit `last` gain each section that begins at `longest` or later.
    /// Two neighbouring starts differ only by the terms that stand between them, so only units that
    /// say a term of this one are looked at. `steps` is zero before and after.
    fn extend(&self, longest: usize, last: usize, gained: &mut [f64], steps: &mut [f64]) {
        for mention in self.mentions.of(last) {
            let (mut worth, mut count) = (self.gain[mention.times], 0);
            steps[last] += worth;
            for before in self.mentions.before(mention).take_while(|it| it.unit >= longest) {
                count += before.times;
                let more = self.gain[count + mention.times] - self.gain[count];
                steps[before.unit] += more - worth;
                worth = more;
            }
        }
        let mut sum = 0.0;
        for start in (longest..=last).rev() {
            sum += std::mem::take(&mut steps[start]);
            gained[start] += sum;
        }
    }

    /// Words of the units from `start` to before `end`.
    fn words(&self, start: usize, end: usize) -> usize {
        self.words_before[end] - self.words_before[start]
    }
}

/// The sum of all values before each index, and of all at the end.
fn sums<T: Copy + Default + std::ops::AddAssign>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut sum = T::default();
    let mut out = vec![sum];
    out.extend(values.map(|value| {
        sum += value;
        sum
    }));
    out
}

/// That a unit says a term, however often.
struct Mention {
    unit: usize,
    times: usize,
    /// Index of the same term's mention in an earlier unit.
    before: Option<usize>,
}

/// Which units say which terms.
struct Mentions {
    /// In the order of the units.
    all: Vec<Mention>,
    /// Index of the first mention of each unit, and of none at the end.
    firsts: Vec<usize>,
}

impl Mentions {
    fn new(units: &[Unit], vocabulary: usize) -> Self {
        let mut all: Vec<Mention> = Vec::new();
        let mut firsts = vec![0];
        let mut latest: Vec<Option<usize>> = vec![None; vocabulary];
        for (unit, Unit { terms, .. }) in units.iter().enumerate() {
            for term in terms {
                let known = &mut latest[*term as usize];
                match known.filter(|at| all[*at].unit == unit) {
                    Some(at) => all[at].times += 1,
                    None => {
                        all.push(Mention { unit, times: 1, before: *known });
                        *known = Some(all.len() - 1);
                    }
                }
            }
            firsts.push(all.len());
        }
        Self { all, firsts }
    }

    /// What a unit says.
    fn of(&self, unit: usize) -> &[Mention] {
        &self.all[self.firsts[unit]..self.firsts[unit + 1]]
    }

    /// Mentions of the same term in earlier units, the nearest first.
    fn before(&self, mention: &Mention) -> impl Iterator<Item = &Mention> {
        let at = |index: Option<usize>| index.map(|index| &self.all[index]);
        std::iter::successors(at(mention.before), move |mention| at(mention.before))
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
pub(super) mod tests {
    use super::*;

    /// The log-odds at a place that looks like any other: one in fifty begins a section.
    const EVEN: f32 = -3.9;

    /// Of units at which nothing but their words tells where a section begins.
    fn sections(units: &[Unit], vocabulary: usize) -> Vec<usize> {
        super::sections(units, &vec![EVEN; units.len()], vocabulary, Granularity::Auto)
    }

    /// Units of 20 words, each with the terms of its topic.
    pub(in super::super) fn talk(topics: &[(Term, usize)]) -> Vec<Unit> {
        let mut units = Vec::new();
        for (topic, length) in topics {
            for i in 0..*length {
                let terms = (0..8).map(|k| topic * 10 + (i as Term + k) % 10).collect();
                units.push(Unit { terms, words: 20 });
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
        let big = Unit { terms: vec![0; 10_000], words: 10_000 };
        let small = Unit { terms: vec![1], words: 1 };
        assert_eq!(sections(&[big.clone(), small.clone()], 2)[0], 0);
        assert_eq!(sections(&[small, big.clone(), big], 2)[0], 0);
    }

    /// As `extend` need not: one section after another, word by word.
    fn counted(search: &Search<'_>, start: usize, end: usize, vocabulary: usize) -> f64 {
        let mut counts = vec![0_usize; vocabulary];
        let mut gained = 0.0;
        for term in search.units[start..end].iter().flat_map(|unit| &unit.terms) {
            let count = &mut counts[*term as usize];
            gained += f64::from((*count as f32 + ALPHA).ln());
            *count += 1;
        }
        gained
    }

    #[test]
    fn a_gain_is_to_the_last_bit_what_counting_word_by_word_gives() {
        let mut units = talk(&[(0, 40), (1, 1), (0, 30), (2, 90)]);
        units[20].terms = vec![3; 700];
        units[21].terms.clear();
        units[30].terms = (0..30).chain(0..30).chain([7, 7, 7]).collect();
        let search = Search::new(&units, &[], 30);
        let (mut gained, mut steps) = (vec![0.0; units.len()], vec![0.0; units.len()]);
        for last in 0..units.len() {
            let longest = last.saturating_sub(100);
            search.extend(longest, last, &mut gained, &mut steps);
            for (start, gain) in gained.iter().enumerate().take(last + 1).skip(longest) {
                assert_eq!(*gain, counted(&search, start, last + 1, 30), "{start}..={last}");
            }
        }
        assert_eq!(steps, vec![0.0; units.len()]);
    }

    #[test]
    fn likely_beginnings_divide_talk_of_one_topic() {
        let units = talk(&[(0, 100)]);
        let divided = |odds: f32| {
            let mut all = vec![EVEN; units.len()];
            (all[40], all[41], all[70]) = (odds, odds - 1.0, odds);
            super::sections(&units, &all, 10, Granularity::Auto)
        };
        let likely = divided(6.0);
        assert!(likely.contains(&40) && likely.contains(&70), "{likely:?}");
        assert!(!likely.contains(&41), "not both of two neighbours: {likely:?}");
        let unlikely = divided(-30.0);
        assert!(!unlikely.contains(&40) && !unlikely.contains(&70), "{unlikely:?}");
    }

    #[test]
    fn coarse_is_half_as_many_and_fine_twice_as_many() {
        let topics: Vec<(Term, usize)> = (0..12).map(|topic| (topic, 30)).collect();
        let units = talk(&topics);
        // Every fifteenth is somewhat likely, every thirtieth more so, every sixtieth most.
        let odds: Vec<f32> = (0..units.len())
            .map(|at| match at {
                at if at % 60 == 0 => 3.0,
                at if at % 30 == 0 => 1.0,
                at if at % 15 == 0 => 0.0,
                _ => EVEN,
            })
            .collect();
        let count = |granularity| super::sections(&units, &odds, 120, granularity).len();
        assert_eq!(count(Granularity::Auto), 12);
        assert_eq!(count(Granularity::Coarse), 6);
        assert!((24..=30).contains(&count(Granularity::Fine)), "{}", count(Granularity::Fine));
    }

    #[test]
    fn units_without_terms_are_one_section() {
        let units = vec![Unit { words: 20, ..Unit::default() }; 20];
        assert_eq!(sections(&units, 0), [0]);
    }
}
