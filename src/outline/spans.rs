//! Runs of words that can name a section, and how well they would: the part of `title` that counts.
//!
//! A word of a section is worth what it weighs there, much more where the section opens. A run is
//! worth the sum of its words over its length, as one would guess how many of them a good title
//! holds: a long run must bring a good word with each step. What a sentence announces or asks
//! belongs to `title`.

use std::collections::{HashMap, HashSet};

use super::clean::core;
use super::language::Language;
use super::rank::Weights;
use super::sentences::Sentence;
use super::title::WORDS_MAX;
use super::words::{self, Term, Vocabulary, Weight, fold};

/// A run has at most so many words.
const RUN_WORDS_MAX: usize = 6;
/// The first words of a section, where its topic is named, are worth so many times more than the
/// rest …
const OPENING_GAIN: f32 = 6.0;
/// … and after so many words a third of that gain is left.
const OPENING_WORDS: f32 = 25.0;
/// Runs are looked for in so many words of a section.
const READ_WORDS_MAX: usize = 6_000;
/// How many words of a run count as found without one: the larger, the longer the titles.
const LENGTH_PRIOR: f32 = 2.5;
/// The weight at which a word is as likely as not to stand in a good title.
const WEIGHT_HALF: f32 = 9.0;
/// How much running through the whole talk counts for the title of its first section.
const THEME: f32 = 1.5;
/// So many of the best runs are tried in pairs.
const PAIRED_MAX: usize = 10;

/// A run of words with what speaks for it.
#[derive(Debug)]
pub(super) struct Span {
    /// Each form with how often it was said: "queen cell", "queen cells".
    forms: Vec<(String, usize)>,
    terms: Vec<Term>,
    words: usize,
    /// The sum of what its words are worth.
    sum: f32,
    /// How much like a whole phrase it is, about 1.
    shape: f32,
    order: usize,
}

impl Span {
    /// The commonest form, of equals the first.
    pub(super) fn shown(&self) -> &str {
        let best = self.forms.iter().reduce(|a, b| if b.1 > a.1 { b } else { a });
        best.map_or("", |(form, _)| form)
    }

    fn value(&self) -> f32 {
        self.shape * self.sum / (self.words as f32 + LENGTH_PRIOR)
    }
}

/// What words are worth within one section.
pub(super) struct Worth<'a> {
    pub section: usize,
    pub weights: &'a Weights,
    pub language: &'a Language,
    /// Folded words that name a person who speaks or is spoken to.
    pub people: &'a HashSet<String>,
}

impl Worth<'_> {
    /// Between 0 and 1: how likely a word is to stand in a good title, `times` more for its place.
    fn of(&self, term: Term, word: &str, times: f32) -> f32 {
        // An introduction names the theme of all, not what only it says.
        let theme = if self.section == 0 { THEME * self.weights.theme(term) } else { 0.0 };
        let mut weight = (self.weights.of(self.section, term) + theme) * times;
        if word.contains(char::is_uppercase) || word.contains(|c: char| c.is_ascii_digit()) {
            weight *= 1.5;
        }
        weight / (weight + WEIGHT_HALF)
    }
}

/// Candidates from the most distinctive runs of a section, best first: two runs joined where both
/// are worth it, then each on its own.
pub(super) fn named(
    said: &[Sentence],
    worth: &Worth<'_>,
    vocabulary: &mut Vocabulary,
) -> Vec<String> {
    let all = spans(said, worth, vocabulary);
    let and = worth.language.and;
    let mut out: Vec<(f32, String)> =
        all.iter().map(|span| (span.value(), span.shown().to_owned())).collect();
    // An introduction touches on much; one thing names it.
    let paired = if worth.section > 0 && !and.is_empty() { PAIRED_MAX } else { 0 };
    let joined = |span: &Span| span.shown().split(' ').any(|word| word == and);
    let best: Vec<&Span> = all.iter().take(paired).filter(|span| !joined(span)).collect();
    for (i, first) in best.iter().enumerate() {
        for second in &best[i + 1..] {
            let words = first.words + second.words + 1;
            if words > WORDS_MAX || second.terms.iter().any(|term| first.terms.contains(term)) {
                continue;
            }
            // What stands in one run is no pair.
            let whole = all.iter().any(|span| {
                span.terms.len() >= first.terms.len() + second.terms.len()
                    && [first, second]
                        .iter()
                        .all(|part| part.terms.iter().all(|term| span.terms.contains(term)))
            });
            if whole {
                continue;
            }
            let shape = first.shape.min(second.shape);
            let value = shape * (first.sum + second.sum) / (words as f32 + LENGTH_PRIOR);
            // In the order in which the talk comes to them.
            let (a, b) = if first.order < second.order { (first, second) } else { (second, first) };
            out.push((value, format!("{} {and} {}", a.shown(), b.shown())));
        }
    }
    out.sort_by(|a, b| b.0.total_cmp(&a.0));
    out.into_iter().map(|(_, shown)| shown).take(40).collect()
}

/// The best runs of a section, best first.
fn spans(said: &[Sentence], worth: &Worth<'_>, vocabulary: &mut Vocabulary) -> Vec<Span> {
    let mut found: HashMap<Vec<Term>, Span> = HashMap::new();
    let mut words_before = 0;
    for sentence in said {
        if words_before > READ_WORDS_MAX {
            break;
        }
        collect(&sentence.text, words_before, worth, vocabulary, &mut |run| {
            let order = found.len();
            match found.get_mut(&run.terms) {
                Some(known) => {
                    match known.forms.iter_mut().find(|(form, _)| *form == run.shown) {
                        Some((_, times)) => *times += 1,
                        None => known.forms.push((run.shown, 1)),
                    }
                    known.shape = known.shape.max(run.shape);
                    known.sum = known.sum.max(run.sum);
                }
                None => {
                    found.insert(
                        run.terms.clone(),
                        Span {
                            forms: vec![(run.shown, 1)],
                            terms: run.terms,
                            words: run.words,
                            sum: run.sum,
                            shape: run.shape,
                            order,
                        },
                    );
                }
            }
        });
        words_before += sentence.words;
    }
    let mut all: Vec<Span> = found.into_values().collect();
    for span in &mut all {
        let times: usize = span.forms.iter().map(|(_, times)| times).sum();
        let more = if span.terms.len() > 1 { 0.25 } else { 0.05 };
        span.shape *= 1.0 + more * (times as f32).ln();
    }
    all.sort_by(|a, b| b.value().total_cmp(&a.value()).then(a.order.cmp(&b.order)));
    all.truncate(40);
    all
}

struct Run {
    shown: String,
    terms: Vec<Term>,
    words: usize,
    sum: f32,
    shape: f32,
}

/// Calls `each` with the runs of content words of a sentence, joints between them allowed.
fn collect(
    text: &str,
    words_before: usize,
    worth: &Worth<'_>,
    vocabulary: &mut Vocabulary,
    each: &mut impl FnMut(Run),
) {
    let language = worth.language;
    let tokens: Vec<&str> = text.split_whitespace().take(400).collect();
    let cores: Vec<&str> = tokens.iter().map(|token| core(token)).collect();
    let ends = |at: usize| tokens[at].ends_with(|c: char| !c.is_alphanumeric());
    let mut seen: Vec<(Option<Term>, Weight)> = Vec::with_capacity(tokens.len());
    for (at, word) in cores.iter().enumerate() {
        let (term, weight) = vocabulary.look_up(word);
        let odd = word.len() < 2 || word.len() > 30 || word.contains(['/', '@', '…']);
        let folded = fold(word);
        let idle =
            worth.people.contains(&folded) || language.hesitations.contains(&folded.as_str());
        // "Core #240", "version 3.5": a number that follows its name.
        let number = word.starts_with(|c: char| c.is_ascii_digit())
            && at > 0
            && !ends(at - 1)
            && (tokens[at].starts_with('#') || cores[at - 1].starts_with(char::is_uppercase));
        seen.push(match (odd || idle, number) {
            (_, true) => (term, Weight::Strong),
            (true, _) => (term, Weight::Stop),
            _ => (term, weight),
        });
    }
    let is_joint = |at: usize| language.joints.contains(&cores[at]);
    for start in 0..tokens.len() {
        if seen[start].1 != Weight::Strong || cores[start].starts_with(|c: char| c.is_numeric()) {
            continue;
        }
        let before = start.checked_sub(1);
        let led = before.is_some_and(|at| seen[at].1 == Weight::Stop && !ends(at));
        let article = led && before.is_some_and(|at| is_article(cores[at]));
        let place = words_before + start;
        let times = 1.0 + OPENING_GAIN * (-(place as f32) / OPENING_WORDS).exp();
        let (mut sum, mut terms) = (0.0, Vec::new());
        for end in start..tokens.len().min(start + RUN_WORDS_MAX) {
            let strong = seen[end].1 == Weight::Strong;
            if strong {
                if let Some(term) = seen[end].0 {
                    // "A patent patent" is a stammer.
                    if terms.contains(&term) {
                        break;
                    }
                    terms.push(term);
                    let own = end > 0 || !vocabulary.is_said_small(cores[end]);
                    let word = if own { cores[end] } else { "" };
                    sum += worth.of(term, word, times);
                }
                let after = end + 1;
                let closed = ends(end) || after == tokens.len();
                let free = closed || seen[after].1 == Weight::Stop;
                let mut shape = match (article, led || before.is_none_or(ends)) {
                    (true, _) => 1.15,
                    (_, true) => 1.0,
                    _ => 0.75,
                };
                shape *= match (closed, free) {
                    (true, _) => 1.1,
                    (_, true) => 1.0,
                    _ => 0.75,
                };
                if is_verbal(cores[end], language) {
                    shape *= 0.6;
                }
                let mut shown = String::with_capacity(48);
                for at in start..=end {
                    let mut word = shown_word(tokens[at]);
                    if at == start && matches!(language.code, "fr" | "it") {
                        word = words::without_elision(word);
                    }
                    if at > start {
                        shown.push(' ');
                    }
                    if at == 0 && vocabulary.is_said_small(cores[at]) {
                        shown.push_str(&fold(word));
                    } else {
                        shown.push_str(word);
                    }
                }
                each(Run { shown, terms: terms.clone(), words: end + 1 - start, sum, shape });
            } else if !is_joint(end) {
                break;
            }
            if ends(end) {
                break;
            }
        }
    }
}

/// The word without the marks around it, but with the sign of a number.
fn shown_word(token: &str) -> &str {
    let word = core(token);
    let numbered = format!("#{word}");
    match token.find(&numbered) {
        Some(at) => &token[at..at + numbered.len()],
        None => word,
    }
}

/// A word that rather does or describes than names, by its ending; in German by its small letter.
fn is_verbal(word: &str, language: &Language) -> bool {
    /// Shorter words end so by chance.
    const LETTERS_MIN: usize = 6;
    if language.code == "de" {
        return word.starts_with(char::is_lowercase);
    }
    word.chars().count() >= LETTERS_MIN && language.verbal.iter().any(|end| word.ends_with(end))
}

/// Words after which a noun phrase begins.
pub(super) fn is_article(word: &str) -> bool {
    const ARTICLES: [&str; 34] = [
        "the", "a", "an", "your", "my", "our", "his", "her", "their", "this", "these", "every",
        "el", "la", "los", "las", "un", "una", "der", "die", "das", "ein", "eine", "le", "les",
        "une", "des", "o", "os", "as", "um", "il", "gli", "lo",
    ];
    ARTICLES.contains(&fold(word).as_str())
}

/// Words that address somebody: a lone name before a comma at the head of a sentence ("Edda, how
/// …").
pub(super) fn addressed(
    sentences: &[Sentence],
    vocabulary: &Vocabulary,
    out: &mut HashSet<String>,
) {
    for sentence in sentences {
        let mut tokens = sentence.text.split_whitespace();
        let first = tokens.next().unwrap_or_default();
        if first.ends_with(',')
            && first.starts_with(char::is_uppercase)
            && tokens.next().is_some()
            && !vocabulary.is_said_small(core(first))
        {
            out.insert(fold(core(first)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::Transcript;
    use crate::outline::language;
    use crate::outline::rank::Section;

    fn sentence(text: &str) -> Sentence {
        Sentence {
            text: text.to_owned(),
            first_cue: 0,
            last_cue: 0,
            words: words::count(text),
            new_speaker: false,
            is_cut: false,
        }
    }

    /// The best title of the last of several sections, each of one sentence.
    #[track_caller]
    fn check(code: &str, sections: &[&str], want: &str) {
        let language = language::of(&Transcript::default(), Some(code));
        let mut vocabulary = Vocabulary::new(&language);
        let sentences: Vec<Sentence> = sections.iter().map(|text| sentence(text)).collect();
        let terms: Vec<Vec<Term>> = sections.iter().map(|text| vocabulary.terms(text)).collect();
        let parts: Vec<Section> =
            (0..sections.len()).map(|i| Section { cues: i..i + 1, sentences: i..i + 1 }).collect();
        let weights = Weights::new(&parts, &terms, &vocabulary);
        let mut people = HashSet::new();
        addressed(&sentences, &vocabulary, &mut people);
        let section = sections.len() - 1;
        let worth = Worth { section, weights: &weights, language: &language, people: &people };
        let found = named(&sentences[section..], &worth, &mut vocabulary);
        assert_eq!(found.first().map(String::as_str), Some(want));
    }

    #[test]
    fn a_run_is_worth_its_words_and_an_opening_more() {
        let other = "We bake bread in the oven and we talk about the oven.";
        check(
            "en",
            &[other, "Then there is winter feeding of the hives, and of the oven."],
            "winter feeding",
        );
        check("en", &[other, "Edda, tell us about the spring honey in May."], "spring honey");
        check("fr", &[other, "On parle aussi de l'eau de pluie."], "eau de pluie");
    }

    #[test]
    fn only_a_lone_name_before_a_comma_is_addressed() {
        let english = language::of(&Transcript::default(), Some("en"));
        let mut vocabulary = Vocabulary::new(&english);
        let said =
            ["Edda, how hot is it?", "Today, as ever, is cold.", "Nora bakes, too.", "it is today"];
        let sentences: Vec<Sentence> = said.iter().map(|text| sentence(text)).collect();
        said.iter().for_each(|text| drop(vocabulary.terms(text)));
        let mut people = HashSet::new();
        addressed(&sentences, &vocabulary, &mut people);
        assert_eq!(people, HashSet::from(["edda".to_owned()]));
    }
}
