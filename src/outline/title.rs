//! A short name for a section: what the talk itself announces, a short question that opens it, or
//! its most distinctive
//! phrase, in this order. Where no list of function words is known, the opening clause.

use std::collections::HashMap;

use super::clean::{capital, core};
use super::language::Language;
use super::rank::{Section, Weights};
use super::sentences::Sentence;
use super::words::{self, Term, Vocabulary, Weight, fold, is_unspaced};

/// No title has more words.
pub(super) const WORDS_MAX: usize = 8;
/// No title has more characters: a word can be as long as a page.
pub(super) const CHARS_MAX: usize = 80;
/// Titles in scripts without spaces are cut here, in characters.
const UNSPACED_MAX: usize = 18;
/// A phrase has at most so many words.
const PHRASE_WORDS_MAX: usize = 5;
/// Phrases from the first words of a section count more: there the topic is named.
const OPENING_WORDS: usize = 70;
/// An announcement or a question is looked for in so many sentences.
const OPENING_SENTENCES: usize = 4;
/// Phrases are looked for in so many words of a section.
const READ_WORDS_MAX: usize = 6_000;
/// Ends an announced topic: what follows is about something else.
const ANNOUNCEMENT_ENDS: [&str; 14] = [
    "because", "which", "that", "who", "before", "since", "so", "but", "then", "porque", "weil",
    "denn", "parce", "perché",
];
/// A question that stands alone begins with one of these; others ("that one?") lean on what came
/// before.
const QUESTION_WORDS: [&str; 38] = [
    "how", "what", "why", "when", "where", "who", "which", "is", "are", "do", "does", "did", "can",
    "should", "cómo", "qué", "por", "cuándo", "dónde", "quién", "wie", "warum", "wann", "wo",
    "wer", "comment", "pourquoi", "quand", "où", "qui", "como", "quando", "onde", "quem", "come",
    "perché", "dove", "chi",
];
/// Questions are titles only if their words matter that much to the section.
const QUESTION_WEIGHT_MIN: f32 = 1.2;
/// How much running through the whole talk counts for the title of its first section.
const THEME: f32 = 1.5;
/// A second phrase of one word joins the first from this share of its score.
const SECOND_WORD_SHARE_MIN: f32 = 0.75;
/// A second phrase of several words joins the first from this share of its score.
const SECOND_SHARE_MIN: f32 = 0.5;

/// What titles are made from.
pub(super) struct Source<'a> {
    pub sentences: &'a [Sentence],
    pub weights: &'a Weights,
    pub language: &'a Language,
    /// Words of the speakers' names, folded: who speaks is no topic.
    pub speakers: &'a [String],
}

/// Candidates for a section's title, best first; may be empty.
pub(super) fn candidates(
    index: usize,
    section: &Section,
    source: &Source<'_>,
    vocabulary: &mut Vocabulary,
) -> Vec<String> {
    let Source { sentences, weights, language, .. } = source;
    let said = &sentences[section.sentences.clone()];
    let mut out = Vec::new();
    if language.stops.is_empty() || said.first().is_some_and(|s| s.text.chars().any(is_unspaced)) {
        out.extend(said.iter().take(OPENING_SENTENCES).map(|s| clause(&s.text)));
        return out;
    }
    for sentence in said.iter().take(OPENING_SENTENCES) {
        out.extend(announced(&sentence.text, language, vocabulary));
    }
    for sentence in said.iter().take(OPENING_SENTENCES - 1) {
        out.extend(question(&sentence.text, index, weights, language, vocabulary));
    }
    out.extend(phrases(index, said, source, vocabulary));
    out.extend(said.iter().take(2).map(|s| clause(&s.text)));
    out
}

/// A text cut to what a title may be: at most [`WORDS_MAX`] words, capital in front, no marks
/// around.
pub(super) fn clause(text: &str) -> String {
    let end =
        text.find(['.', ',', ';', '!', '?', '。', '、', '，', '！', '？', '؟', '،', ':', '—']);
    let head = text[..end.filter(|at| *at > 0).unwrap_or(text.len())].trim();
    let head = if words::count(head) == 0 { text } else { head };
    let unspaced = head.chars().filter(|c| is_unspaced(*c)).count();
    let limit = if unspaced > UNSPACED_MAX / 2 { UNSPACED_MAX } else { CHARS_MAX };
    let mut out = String::new();
    for word in head.split_whitespace().take(WORDS_MAX) {
        if !out.is_empty() {
            if out.chars().count() + word.chars().count() >= limit {
                break;
            }
            out.push(' ');
        }
        out.push_str(word);
    }
    let out: String = out.chars().filter(|c| !c.is_control()).take(limit).collect();
    capital(core(&out))
}

/// "Let's talk about the chain, because …" announces "The chain".
fn announced(text: &str, language: &Language, vocabulary: &mut Vocabulary) -> Option<String> {
    let tokens: Vec<&str> = text.split_whitespace().take(60).collect();
    let folded: Vec<String> = tokens.iter().map(|token| fold(core(token))).collect();
    let mut after = None;
    for phrase in language.announcements.split('|') {
        let phrase: Vec<&str> = phrase.split_whitespace().collect();
        if phrase.is_empty() {
            continue;
        }
        let at = folded.windows(phrase.len()).position(|window| window == phrase.as_slice());
        // One word in the middle of a sentence is chance; at its head it announces.
        let at = at.filter(|at| *at <= if phrase.len() <= 2 { 2 } else { 14 });
        let Some(at) = at else { continue };
        let end = at + phrase.len();
        let broken = tokens[at..end - 1].iter().any(|token| token.ends_with(['.', '?', ',']));
        if !broken && after.is_none_or(|known| end > known) {
            after = Some(end);
        }
    }
    let mut topic: Vec<&str> = Vec::new();
    for (token, word) in tokens.iter().zip(&folded).skip(after?) {
        if !topic.is_empty() && ANNOUNCEMENT_ENDS.contains(&word.as_str()) {
            break;
        }
        topic.push(token);
        if token.ends_with([',', '.', '?', '!', ';', ':', '—']) || topic.len() > WORDS_MAX {
            break;
        }
    }
    if topic.len() > WORDS_MAX {
        return None;
    }
    while topic.last().is_some_and(|t| vocabulary.look_up(core(t)).1 == Weight::Stop) {
        topic.pop();
    }
    let strong = |t: &&&str| vocabulary.look_up(core(t)).1 == Weight::Strong;
    if topic.iter().filter(strong).count() == 0 {
        return None;
    }
    fitting(&topic.join(" "), "")
}

/// A short question at the head of a section names it, where its words are the section's words.
fn question(
    text: &str,
    index: usize,
    weights: &Weights,
    language: &Language,
    vocabulary: &mut Vocabulary,
) -> Option<String> {
    if !text.ends_with('?') {
        return None;
    }
    let tokens = super::clean::plain(text, language);
    let asks = |token: &&str| QUESTION_WORDS.contains(&fold(core(token)).as_str());
    if !tokens.first().is_some_and(asks) {
        return None;
    }
    if !(4..=WORDS_MAX).contains(&tokens.len()) {
        return None;
    }
    let strong: Vec<Term> = tokens
        .iter()
        .map(|token| vocabulary.look_up(core(token)))
        .filter(|found| found.1 == Weight::Strong)
        .filter_map(|found| found.0)
        .collect();
    let weight = strong.iter().map(|term| weights.of(index, *term)).fold(0.0, f32::max);
    if strong.len() < 2 || weight < QUESTION_WEIGHT_MIN {
        return None;
    }
    let joined = tokens.join(" ");
    let inner = joined.trim_end_matches('?');
    if inner.contains(['.', '?', '!', ';', ',']) {
        return None;
    }
    fitting(inner, "?")
}

/// The title, if it is not too long for one.
fn fitting(text: &str, end: &str) -> Option<String> {
    let text = capital(core(text));
    (text.chars().count() < CHARS_MAX && words::count(&text) > 0).then(|| text + end)
}

/// A run of words that could be a title, with what speaks for it.
struct Phrase {
    /// Each form with how often it was said: "queen cell", "queen cells".
    forms: Vec<(String, usize)>,
    terms: Vec<Term>,
    score: f32,
    times: f32,
    order: usize,
}

/// The most distinctive phrases: the best with the second best, then each on its own.
fn phrases(
    index: usize,
    said: &[Sentence],
    source: &Source<'_>,
    vocabulary: &mut Vocabulary,
) -> Vec<String> {
    let Source { weights, language, speakers, .. } = source;
    let mut found: HashMap<Vec<Term>, Phrase> = HashMap::new();
    let mut words_before = 0;
    for sentence in said {
        if words_before > READ_WORDS_MAX {
            break;
        }
        let opening = if words_before < OPENING_WORDS { 1.9 } else { 1.0 };
        words_before += sentence.words;
        collect(&sentence.text, language, speakers, vocabulary, &mut |run| {
            let order = found.len();
            // An introduction names the theme of all, not what only it says.
            let theme = |term: Term| {
                if index == 0 { THEME * weights.theme(term) } else { 0.0 }
            };
            let sum: f32 =
                run.terms.iter().map(|term| weights.of(index, *term) + theme(*term)).sum();
            let length = match run.words {
                1 => 0.8,
                2 | 3 => 1.0,
                4 => 0.9,
                _ => 0.75,
            };
            let mean = sum / (run.terms.len() as f32).powf(0.55);
            let score = mean * length * run.shape * opening;
            let phrase = found.entry(run.terms.clone()).or_insert(Phrase {
                forms: Vec::new(),
                terms: run.terms,
                score,
                times: 0.0,
                order,
            });
            phrase.times += 1.0;
            phrase.score = phrase.score.max(score);
            match phrase.forms.iter_mut().find(|(form, _)| *form == run.shown) {
                Some((_, times)) => *times += 1,
                None => phrase.forms.push((run.shown, 1)),
            }
        });
    }
    let mut all: Vec<Phrase> = found.into_values().collect();
    for phrase in &mut all {
        let more = if phrase.terms.len() > 1 { 0.5 } else { 0.15 };
        phrase.score *= 1.0 + more * phrase.times.ln();
    }
    all.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.order.cmp(&b.order)));
    all.truncate(40);
    let mut out = Vec::new();
    if let Some((first, rest)) = all.split_first() {
        let second = rest.iter().find(|second| {
            let share = match second.terms.len() {
                1 => SECOND_WORD_SHARE_MIN,
                _ => SECOND_SHARE_MIN,
            };
            second.score >= first.score * share
                && !second.terms.iter().any(|term| first.terms.contains(term))
        });
        let long = first.shown().split(' ').count();
        // An introduction touches on much; one thing names it.
        if let Some(second) = second
            && index > 0
            && long + second.shown().split(' ').count() < WORDS_MAX - 1
            && !language.and.is_empty()
            && !joined(first.shown(), language)
            && !joined(second.shown(), language)
        {
            // In the order in which the talk comes to them.
            let (a, b) = if first.order < second.order { (first, second) } else { (second, first) };
            out.extend(fitting(&format!("{} {} {}", a.shown(), language.and, b.shown()), ""));
        }
    }
    out.extend(all.iter().filter_map(|phrase| fitting(phrase.shown(), "")));
    out
}

/// Whether a phrase already holds an "and".
fn joined(shown: &str, language: &Language) -> bool {
    shown.split(' ').any(|word| word == language.and)
}

impl Phrase {
    /// The commonest form, of equals the first.
    fn shown(&self) -> &str {
        let best = self.forms.iter().reduce(|a, b| if b.1 > a.1 { b } else { a });
        best.map_or("", |(form, _)| form)
    }
}

struct Run {
    shown: String,
    terms: Vec<Term>,
    words: usize,
    shape: f32,
}

/// Calls `each` with the runs of content words of a sentence, joints between them allowed.
fn collect(
    text: &str,
    language: &Language,
    speakers: &[String],
    vocabulary: &mut Vocabulary,
    each: &mut impl FnMut(Run),
) {
    let tokens: Vec<&str> = text.split_whitespace().take(400).collect();
    let seen: Vec<(Option<Term>, Weight)> = tokens
        .iter()
        .map(|token| {
            let word = core(token);
            let (term, weight) = vocabulary.look_up(word);
            let odd = word.len() < 2 || word.len() > 30 || word.contains(['/', '@', '…']);
            let name = !speakers.is_empty() && speakers.contains(&fold(word));
            if odd || name { (term, Weight::Stop) } else { (term, weight) }
        })
        .collect();
    let is_joint = |at: usize| language.joints.contains(&core(tokens[at]));
    let ends = |at: usize| tokens[at].ends_with(|c: char| !c.is_alphanumeric());
    for start in 0..tokens.len() {
        if seen[start].1 != Weight::Strong {
            continue;
        }
        let before = start.checked_sub(1);
        let led = before.is_some_and(|at| seen[at].1 == Weight::Stop && !ends(at));
        let article = led && before.is_some_and(|at| is_article(core(tokens[at])));
        for end in start..tokens.len().min(start + PHRASE_WORDS_MAX) {
            let strong = seen[end].1 == Weight::Strong;
            if strong {
                let after = end + 1;
                let closed = ends(end) || after == tokens.len();
                let free = closed || seen[after].1 == Weight::Stop;
                let within = seen[start..=end].iter().any(|found| found.1 != Weight::Strong);
                let mut shape = match (article, led || before.is_none()) {
                    (true, _) => 1.25,
                    (_, true) => 1.0,
                    _ => 0.6,
                };
                shape *= match (closed, free) {
                    (true, _) => 1.15,
                    (_, true) => 1.0,
                    _ => 0.6,
                };
                if within {
                    shape *= 0.8;
                }
                let last = core(tokens[end]);
                if language.stemmer.is_some()
                    && last.len() > 5
                    && ["ly", "ing", "ed"].iter().any(|end| last.ends_with(end))
                {
                    shape *= 0.6;
                }
                if start > 0 && core(tokens[start]).starts_with(char::is_uppercase) {
                    shape *= 1.15;
                }
                let mut shown = String::with_capacity(48);
                for (at, token) in tokens.iter().enumerate().take(end + 1).skip(start) {
                    let word = core(token);
                    let common = at == 0 && vocabulary.is_said_small(word);
                    if at > start {
                        shown.push(' ');
                    }
                    if common { shown.push_str(&fold(word)) } else { shown.push_str(word) }
                }
                let terms: Vec<Term> = seen[start..=end]
                    .iter()
                    .filter(|found| found.1 == Weight::Strong)
                    .filter_map(|found| found.0)
                    .collect();
                // "A patent patent" is a stammer.
                if terms.iter().enumerate().any(|(at, term)| terms[..at].contains(term)) {
                    break;
                }
                each(Run { shown, terms, words: end + 1 - start, shape });
            } else if !is_joint(end) {
                break;
            }
            if ends(end) {
                break;
            }
        }
    }
}

/// Words after which a noun phrase begins.
fn is_article(word: &str) -> bool {
    const ARTICLES: [&str; 34] = [
        "the", "a", "an", "your", "my", "our", "his", "her", "their", "this", "these", "every",
        "el", "la", "los", "las", "un", "una", "der", "die", "das", "ein", "eine", "le", "les",
        "une", "des", "o", "os", "as", "um", "il", "gli", "lo",
    ];
    ARTICLES.contains(&fold(word).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::Transcript;
    use crate::outline::language;

    #[test]
    fn a_clause_is_short_and_never_ends_in_a_mark() {
        assert_eq!(clause("so the oven, which is old"), "So the oven");
        assert_eq!(clause("古い窯の話をします。火が消えた後も"), "古い窯の話をします");
        assert_eq!(clause(&"word ".repeat(90)).split(' ').count(), WORDS_MAX);
        assert!(clause(&"窯".repeat(90)).chars().count() <= UNSPACED_MAX);
        assert!(clause(&"x".repeat(900)).chars().count() <= CHARS_MAX);
        assert_eq!(clause("..."), "");
    }

    #[test]
    fn a_question_names_a_section_that_is_about_its_words() {
        let english = language::of(&Transcript::default(), Some("en"));
        let mut vocabulary = Vocabulary::new(&english);
        let about = vocabulary.terms("oven oven oven dome dome dome");
        let section = Section { cues: 0..1, sentences: 0..1 };
        let other = Section { cues: 1..2, sentences: 1..2 };
        let terms = [about, vocabulary.terms("hive bees")];
        let weights = Weights::new(&[section, other], &terms, &vocabulary);
        let mut ask =
            |text: &str, index| question(text, index, &weights, &english, &mut vocabulary);
        let named = ask("So how does an oven dome crack?", 0);
        assert_eq!(named.as_deref(), Some("How does an oven dome crack?"));
        assert_eq!(ask("So how does an oven dome crack?", 1), None);
        assert_eq!(ask("That oven dome is old?", 0), None);
        assert_eq!(ask("How does an oven dome crack.", 0), None);
        assert_eq!(ask("How?", 0), None);
    }

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        let english = language::of(&Transcript::default(), Some("en"));
        let mut vocabulary = Vocabulary::new(&english);
        assert_eq!(announced(text, &english, &mut vocabulary).as_deref(), want, "{text}");
    }

    #[test]
    fn what_is_announced_is_the_title() {
        check("Okay, let's talk about the rear wheel, because it wobbles.", Some("The rear wheel"));
        check("So I wanted to ask you about winter feeding.", Some("Winter feeding"));
        check("Let's talk about it.", None);
        check("We never talk.", None);
        check("Let's talk about", None);
    }
}
