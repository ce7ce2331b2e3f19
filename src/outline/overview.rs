//! What an episode is about and what came out of it, in a given number of words.
//!
//! A section says early what it is about, so an overview is the first good sentence of each, then
//! the second of each, until its words are used up; a long talk that has no room for all its
//! sections is told by the largest. What a sentence is worth within its section is `rank`'s matter.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ops::Range;

use super::clean;
use super::language::Language;
use super::phrases::Phrasebook;
use super::rank::Section;
use super::sentences::Sentence;
use super::words::{self, Term};

/// A shorter sentence seldom says by itself what a section is about.
const WORDS_MIN: usize = 10;
/// One that goes on from the sentence before it may be shorter.
const NEXT_WORDS_MIN: usize = 8;
/// A longer one is a run-on, and would leave no room for others.
const SENTENCE_WORDS_MAX: usize = 60;
/// So many words are counted on for a sentence when sections are chosen.
const SENTENCE_WORDS: usize = 22;
/// A talk of fewer times the words of its overview is told by how it begins.
const SHORT_TALK_TIMES: usize = 18;
/// In so many sentences of a section "this is …" points ahead, not back.
const EARLY: usize = 3;
/// A sentence goes on from one that is so many before it.
const LEAN_REACH: usize = 2;
/// Sentences are looked for in so many of a section's.
const READ_MAX: usize = 60;
/// A sentence that shares so much of its terms with one that is quoted says nothing new.
const OVERLAP_MAX: f32 = 0.8;

/// What an overview is made from.
pub(super) struct Source<'a> {
    pub sections: &'a [Section],
    pub sentences: &'a [Sentence],
    pub terms: &'a [Vec<Term>],
    pub language: &'a Language,
    pub phrases: &'a Phrasebook,
    /// Folded words of the names of those who speak or are spoken to.
    pub people: &'a HashSet<String>,
}

/// The leads of the sections, in order, in at most `words_max` words. Empty where no sentence fits.
pub(super) fn overview(source: &Source<'_>, words_max: usize) -> String {
    let mut kept: Vec<(usize, String)> = Vec::new();
    let mut words_left = words_max;
    // First what stands on its own, then whatever is there.
    for strict in [true, false] {
        if !kept.is_empty() {
            break;
        }
        let mut queues: Vec<Queue> = told(source.sections, source.sentences, words_max)
            .into_iter()
            .map(|part| Queue::new(part, strict))
            .collect();
        while !queues.is_empty() {
            queues.retain_mut(|queue| {
                let Some((at, text)) = queue.next(source, &kept, words_left) else {
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

/// The parts that are told, in order, as sentences: all sections if there is room, else the first,
/// which says where we are, and the largest. A short talk is one part.
fn told(sections: &[Section], sentences: &[Sentence], words_max: usize) -> Vec<Range<usize>> {
    let words =
        |part: &Range<usize>| sentences[part.clone()].iter().map(|s| s.words).sum::<usize>();
    let whole = 0..sentences.len();
    if words(&whole) < SHORT_TALK_TIMES.saturating_mul(words_max) {
        return vec![whole];
    }
    let mut out: Vec<Range<usize>> = sections.iter().map(|s| s.sentences.clone()).collect();
    let room = words_max.div_ceil(SENTENCE_WORDS).max(1);
    if out.len() > room {
        out.sort_by_cached_key(|part| (part.start > 0, Reverse(words(part))));
        out.truncate(room);
        out.sort_by_key(|part| part.start);
    }
    out
}

/// The sentences of a section that are still to be looked at.
struct Queue {
    start: usize,
    next: usize,
    end: usize,
    /// The last one that was quoted.
    quoted: Option<usize>,
    strict: bool,
}

impl Queue {
    fn new(part: Range<usize>, strict: bool) -> Self {
        let Range { start, end } = part;
        Self { start, next: start, end: end.min(start + READ_MAX), quoted: None, strict }
    }

    /// The next sentence worth quoting that fits.
    fn next(
        &mut self,
        source: &Source<'_>,
        kept: &[(usize, String)],
        words_left: usize,
    ) -> Option<(usize, String)> {
        while self.next < self.end {
            let at = self.next;
            self.next += 1;
            let follows = self.quoted.is_some_and(|quoted| quoted + LEAN_REACH >= at);
            if self.strict && !stands(source, at, follows, at < self.start + EARLY) {
                continue;
            }
            let doubled = kept.iter().any(|(other, _)| {
                words::overlap(&source.terms[*other], &source.terms[at]) > OVERLAP_MAX
            });
            if doubled {
                continue;
            }
            let sentence = &source.sentences[at];
            let text = clean::sentence(&sentence.text, sentence.is_cut, 40, source.language);
            if length(&text) <= words_left && words::count(&text) > 0 {
                self.quoted = Some(at);
                return Some((at, text));
            }
        }
        None
    }
}

/// Whether a sentence can be read without those around it, but for the one before it where that
/// is quoted too.
fn stands(source: &Source<'_>, at: usize, follows: bool, early: bool) -> bool {
    let sentence = &source.sentences[at];
    let words_min = if follows { NEXT_WORDS_MIN } else { WORDS_MIN };
    // A question names what it opens; a later one, or one to somebody by name, does not.
    if !(words_min..=SENTENCE_WORDS_MAX).contains(&sentence.words)
        || (clean::is_question(&sentence.text) && !early)
        || clean::addresses(&sentence.text, source.people)
    {
        return false;
    }
    let tokens = clean::plain_start(&sentence.text, source.language, 12);
    let (head, full) = (words::head_of(&tokens, 12), words::head(&sentence.text, 12));
    let first = head.split(' ').next().unwrap_or_default();
    let leans = if early {
        source.language.pronouns.contains(&first)
    } else {
        !follows && source.language.leaning.contains(&first)
    };
    !leans
        && !source.phrases.housekeeping.begins(&head)
        && !source.phrases.housekeeping.begins(&full)
}

/// As a reader counts, whatever the script.
fn length(text: &str) -> usize {
    text.split_whitespace().count().max(words::count(text))
}
