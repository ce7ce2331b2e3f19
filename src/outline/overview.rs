//! What an episode is about and what came out of it, in a given number of words.
//!
//! A section says early what it is about, so an overview is the first good sentence of each, then
//! the second of each, until its words are used up; a long talk that has no room for all its
//! sections is told by the largest. Items of a programme that share a section are told by the
//! sentences that name them. What a sentence is worth within its section is `rank`'s matter.

use std::cmp::Reverse;
use std::ops::Range;

use super::clean;
use super::rank::{Judge, Section};
use super::sentences::Sentence;
use super::title;
use super::words;

/// A shorter sentence seldom says by itself what a section is about.
const WORDS_MIN: usize = 10;
/// One that goes on from the sentence before it may be shorter.
const NEXT_WORDS_MIN: usize = 8;
/// Talk of fewer sentences, some ten minutes, is taken for a part of an episode.
const EPISODE_SENTENCES_MIN: usize = 100;
/// One that holds a name, even shorter.
const NAMING_WORDS_MIN: usize = 4;
/// What opens or closes a quotation.
const QUOTES: [char; 6] = ['"', '“', '”', '„', '«', '»'];
/// A name heads a sentence where it ends in so many words: a product's two, and its number.
const HEADING_WORDS: usize = 3;
/// A longer one is a run-on, and would leave no room for others.
const SENTENCE_WORDS_MAX: usize = 60;
/// So many words are counted on for a sentence when sections are chosen: fewer than most have, since the
/// smallest sections come last and take what is left.
const SENTENCE_WORDS: usize = 16;
/// An opening section of fewer words, a minute, greets and says nothing of what comes, where more than …
const GREETING_WORDS_MAX: usize = 150;
/// … so many sections follow it.
const SECTIONS_FEW: usize = 3;
/// A talk of fewer times the words of its overview is told by how it begins.
const SHORT_TALK_TIMES: usize = 18;
/// In so many sentences of a section "this is …" points ahead, not back.
const EARLY: usize = 3;
/// A sentence goes on from one that is so many before it.
const LEAN_REACH: usize = 2;
/// A section has the choice of so many sentences …
const CHOICE: i32 = 3;
/// … each of which must be worth so much more than the one before it,
const LATER: f32 = 0.8;
/// The first section greets before it says what the episode is about: there the choice is of so many …
const OPENING_CHOICE: i32 = 10;
/// … each of which must be worth so much more.
const OPENING_LATER: f32 = 0.95;
/// Sentences are looked for in so many of a section's.
const READ_MAX: usize = 60;
/// A sentence that shares so much of its terms with one that is quoted says nothing new.
const OVERLAP_MAX: f32 = 0.8;

/// The leads of the sections, in order, in at most `words_max` words. Empty where no sentence fits.
pub(super) fn overview(
    judge: &Judge<'_>,
    sections: &[Section],
    titles: &[&str],
    words_max: usize,
) -> String {
    let titles: Vec<String> = titles.iter().map(|title| words::fold(title)).collect();
    let mut kept: Vec<(usize, String)> = Vec::new();
    let mut words_left = words_max;
    // First what stands on its own, then whatever is there.
    for strict in [true, false] {
        if !kept.is_empty() {
            break;
        }
        let mut queues: Vec<Queue> = told(sections, judge.sentences, words_max)
            .into_iter()
            .map(|(section, part)| Queue {
                section: section.map(|i| (i, &sections[i])),
                title: section.map_or("", |i| titles[i].as_str()),
                start: part.start,
                next: part.start,
                end: part.end.min(part.start + READ_MAX),
                quoted: None,
                strict,
            })
            .collect();
        while !queues.is_empty() {
            queues.retain_mut(|queue| {
                let Some((at, text)) = queue.next(judge, &kept, words_left) else {
                    return false;
                };
                words_left -= length(&text);
                kept.push((at, text));
                true
            });
        }
    }
    kept.sort_by_key(|(at, _)| *at);
    kept.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")
}

/// The parts that are told, as sections and their sentences: all sections in order if there is room, else the
/// first, which says where we are, and then the largest, largest first. A short talk is one part.
fn told(
    sections: &[Section],
    sentences: &[Sentence],
    words_max: usize,
) -> Vec<(Option<usize>, Range<usize>)> {
    let words =
        |part: &Range<usize>| -> usize { sentences[part.clone()].iter().map(|s| s.words).sum() };
    let whole = 0..sentences.len();
    if words(&whole) < SHORT_TALK_TIMES.saturating_mul(words_max) {
        return vec![(None, whole)];
    }
    let parts = sections.iter().map(|s| s.sentences.clone()).enumerate();
    let mut out: Vec<_> = parts.map(|(i, part)| (Some(i), part)).collect();
    if sentences.len() >= EPISODE_SENTENCES_MIN
        && out.len() > SECTIONS_FEW
        && words(&out[0].1) < GREETING_WORDS_MAX
    {
        out.remove(0);
    }
    let room = words_max.div_ceil(SENTENCE_WORDS).max(1);
    if out.len() > room {
        out.sort_by_cached_key(|(i, part)| (*i > Some(0), Reverse(words(part))));
        out.truncate(room);
    }
    out
}

/// The sentences of a part that are still to be looked at.
struct Queue<'a> {
    /// Index of the section, and itself; none where the part is the whole of a short talk, which is
    /// told as it comes.
    section: Option<(usize, &'a Section)>,
    /// The title of the section, folded; empty where there is none.
    title: &'a str,
    start: usize,
    next: usize,
    end: usize,
    /// The last one that was quoted.
    quoted: Option<usize>,
    strict: bool,
}

impl Queue<'_> {
    /// The best of the next sentences worth quoting that fit.
    fn next(
        &mut self,
        judge: &Judge<'_>,
        kept: &[(usize, String)],
        words_left: usize,
    ) -> Option<(usize, String)> {
        let opens = self.section.is_some_and(|(i, _)| i == 0);
        let (choice, later) = match self.section {
            Some((0, _)) if self.quoted.is_none() => (OPENING_CHOICE, OPENING_LATER),
            Some(_) => (CHOICE, LATER),
            None => (1, 1.0),
        };
        // What names the section goes before what is worth most, and so does, further on, what names
        // another matter that found no section of its own.
        let is_later = self.section.is_some_and(|(i, _)| i > 0);
        let mut best: Option<((bool, f32), usize, String)> = None;
        let (mut seen, mut at) = (0, self.next);
        while at < self.end {
            let is_read = seen < choice || (is_later && heads(&judge.sentences[at]));
            if is_read && let Some(text) = self.quotable(at, judge, kept, words_left) {
                let worth =
                    self.section.map_or(1.0, |(i, section)| judge.worth(at, None, i, section));
                let worth = (!opens && self.is_named_by(at, judge), worth * later.powi(seen));
                if best.as_ref().is_none_or(|(known, ..)| worth > *known) {
                    best = Some((worth, at, text));
                }
                seen += 1;
            }
            at += 1;
        }
        let (_, at, text) = best?;
        self.next = at + 1;
        self.quoted = Some(at);
        Some((at, text))
    }

    /// Whether a sentence names the section or a matter within it: one that a name heads, an early one that
    /// holds one, or the first that is quoted and holds the title; a question leaves open what it asks.
    fn is_named_by(&self, at: usize, judge: &Judge<'_>) -> bool {
        let sentence = &judge.sentences[at];
        let is_early = at < self.start + EARLY;
        let holds_title = || {
            let is_first = self.quoted.is_none() && !self.title.is_empty();
            is_first
                && !clean::is_question(&sentence.text)
                && words::fold(&sentence.text).contains(self.title)
        };
        (is_early && names(sentence)) || heads(sentence) || holds_title()
    }

    /// The text of a sentence, if it may be quoted and fits.
    fn quotable(
        &self,
        at: usize,
        judge: &Judge<'_>,
        kept: &[(usize, String)],
        words_left: usize,
    ) -> Option<String> {
        let follows = self.quoted.is_some_and(|quoted| quoted + LEAN_REACH >= at);
        if self.strict && !stands(judge, at, follows, at < self.start + EARLY) {
            return None;
        }
        let terms = &judge.terms[at];
        if kept.iter().any(|(k, _)| words::overlap(&judge.terms[*k], terms) > OVERLAP_MAX) {
            return None;
        }
        let sentence = &judge.sentences[at];
        let said = title::unframed(&sentence.text, self.title, judge.language);
        let text = clean::point(said, sentence.is_cut, judge.language);
        (length(&text) <= words_left && words::count(&text) > 0).then_some(text)
    }
}

/// Whether a sentence can be read without those around it, but for the one before it where that
/// is quoted too.
fn stands(judge: &Judge<'_>, at: usize, follows: bool, early: bool) -> bool {
    let sentence = &judge.sentences[at];
    // A question names what it opens; a later one, or one to somebody by name, does not.
    // The first sentence of a whole episode names it and welcomes to it; an extract does not.
    let whole = judge.sentences.len() >= EPISODE_SENTENCES_MIN;
    let names = (at > 0 || !whole) && names(sentence);
    let words_min = match (names, follows) {
        (true, _) => NAMING_WORDS_MIN,
        (_, true) => NEXT_WORDS_MIN,
        _ => WORDS_MIN,
    };
    if !(words_min..=SENTENCE_WORDS_MAX).contains(&sentence.words)
        || (clean::is_question(&sentence.text) && !early)
        || clean::addresses(&sentence.text, judge.people)
    {
        return false;
    }
    let tokens = clean::plain_start(&sentence.text, judge.language, 12);
    let (head, full) = (words::head_of(&tokens, 12), words::head(&sentence.text, 12));
    let first = head.split(' ').next().unwrap_or_default();
    let leans = if early {
        judge.language.pronouns.contains(&first)
    } else {
        !follows && judge.language.leaning.contains(&first)
    };
    // "Next question, “Why is the dome of clay?”" keeps house, but names what comes.
    let house = &judge.phrases.housekeeping;
    !leans && (names || !(house.begins(&head) || house.begins(&full)))
}

/// Whether a sentence holds a name in quotation marks or with a number.
fn names(sentence: &Sentence) -> bool {
    sentence.text.contains('#') || sentence.text.contains(QUOTES)
}

/// Whether a sentence begins an item of a programme: with what has a number ("Bitcoin Core #28121 adds …"), or
/// as a title and nothing else (“Contract-level relative timelocks.”).
fn heads(sentence: &Sentence) -> bool {
    let numbered = |word: &str| word.contains('#');
    let text = sentence.text.trim_end_matches(['.', ',', ':', '!', '?']);
    text.split_whitespace().take(HEADING_WORDS).any(numbered)
        || (text.starts_with(QUOTES) && text.ends_with(QUOTES))
}

/// As a reader counts, whatever the script.
fn length(text: &str) -> usize {
    text.split_whitespace().count().max(words::count(text))
}
