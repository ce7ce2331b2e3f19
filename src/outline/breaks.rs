//! Where sentences end in talk that is written without punctuation, as automatic captions are.
//!
//! Every gap between two words has odds of being an end: of the pause there, of the word before
//! (nobody ends with "the") and of the word after ("so" begins). Dynamic programming then finds
//! the ends that together are likeliest, given how long sentences are. Sees one run of talk of one
//! speaker at a time.

use std::collections::HashMap;
use std::ops::Range;

use crate::domain::transcript::Cue;

use super::clean::core;
use super::language::Language;
use super::words::{self, fold, is_unspaced};

/// The odds of an end where nothing is known, in nats: one gap in fifteen ends a sentence.
const BASE: f32 = -2.6;
/// A pause of so many milliseconds adds so much: breath is short, a new thought mostly longer.
const PAUSES: [(u64, f32); 5] = [(1_200, 5.0), (600, 3.2), (350, 2.0), (200, 1.2), (0, 0.0)];
/// Added before a word that mostly begins a sentence ("so", "but", "well").
const FIRST: f32 = 2.0;
/// Added before a word that often does ("I", "there's").
const STARTER: f32 = 1.0;
/// Added before a function word that begins none of the above: it goes on.
const GOES_ON: f32 = -0.8;
/// Added before a word of content, in a language whose beginnings are known.
const CONTENT: f32 = -0.6;
/// Added after a word that never ends a sentence ("the", "of").
const DANGLING: f32 = -5.0;
/// Added after a word of content, on which a sentence ends more often than on a function word.
const CLOSED: f32 = 0.4;
/// Added after an ending that closes a sentence, in scripts where one tells (Korean, Japanese).
const ENDING: f32 = 3.5;
/// Such endings.
const ENDINGS: [&str; 12] = [
    "니다",
    "어요",
    "아요",
    "네요",
    "죠",
    "까요",
    "です",
    "ます",
    "ました",
    "でした",
    "ません",
    "ですね",
];
/// Added after a full stop. A span can hold some: a quotation mark that is never closed hides them
/// from who splits sentences …
const STOPPED: f32 = 6.0;
/// … and then this is added where there is none.
const UNSTOPPED: f32 = -3.0;
/// A sentence shorter than this many words costs [`SHORT_COST`] for each that it lacks …
const SHORT_WORDS: usize = 5;
/// … in nats.
const SHORT_COST: f32 = 0.8;
/// A sentence longer than this many words costs [`LONG_COST`] for each that it has too many …
const LONG_WORDS: usize = 20;
/// … in nats.
const LONG_COST: f32 = 0.1;
/// No piece is longer, wherever it must be cut.
const WORDS_MAX: usize = 40;
/// Where a cue takes longer than its letters do, the speaker pauses within it, who knows where. Each
/// gap in it has this share of what such a pause adds between cues.
const HIDDEN_SHARE: f32 = 0.6;
/// Where one cue of so many begins after a pause, captions break at pauses and hide none.
const BREATHING: usize = 5;
/// A shorter silence is none.
const PAUSE_MS_MIN: u64 = 200;
/// An end less likely than this is a cut, not an end.
const CUT_BELOW: f32 = -2.0;

/// What a word says of the gaps beside it.
#[derive(Clone, Copy, Default)]
struct Habits {
    before: f32,
    after: f32,
}

/// The habits of the words of one language.
pub(super) struct Breaks {
    words: HashMap<&'static str, Habits>,
}

impl Breaks {
    /// Reads the lists of a language.
    pub(super) fn new(language: &Language) -> Self {
        let mut words: HashMap<&'static str, Habits> = HashMap::new();
        for word in language.stops.split_whitespace() {
            words.insert(word, Habits { before: GOES_ON, after: 0.0 });
        }
        for (list, before) in [(language.starters, STARTER), (language.firsts, FIRST)] {
            for word in list.split_whitespace() {
                words.entry(word).or_default().before = before;
            }
        }
        for word in language.dangling.split_whitespace() {
            words.entry(word).or_default().after = DANGLING;
        }
        Self { words }
    }

    fn habits(&self, token: &str) -> Habits {
        // No word of a list is longer, a hostile one is.
        let word = core(token);
        let word = &word[..word.floor_char_boundary(64.min(word.len()))];
        if self.words.is_empty() {
            return Habits::default();
        }
        let content = Habits { before: CONTENT, after: CLOSED };
        self.words.get(fold(word).as_str()).copied().unwrap_or(content)
    }

    /// The likely sentences of a span of a text, each with whether it was cut off. `marks` are
    /// where cues begin in the text.
    pub(super) fn find(
        &self,
        text: &str,
        span: Range<usize>,
        marks: &[(usize, usize)],
        cues: &[Cue],
    ) -> Vec<(Range<usize>, bool)> {
        let tokens = tokens(text, span.clone());
        let odds = self.odds(text, &tokens, marks, cues);
        let mut out = Vec::new();
        let mut start = 0;
        for end in ends(&odds, &tokens) {
            let last = end == tokens.len();
            let to = if last { span.end } else { tokens[end].range.start };
            let cut = !last && odds[end] < CUT_BELOW;
            out.push((tokens[start].range.start..to, cut));
            start = end;
        }
        out
    }

    /// The odds of an end before each token.
    fn odds(
        &self,
        text: &str,
        tokens: &[Token],
        marks: &[(usize, usize)],
        cues: &[Cue],
    ) -> Vec<f32> {
        let hidden = hidden(text, marks, cues);
        let mut mark = 0;
        let mut before = Habits::default();
        let mut ending = false;
        let stops = |token: &Token| {
            let word = text[token.range.clone()].trim_end_matches(['"', '”', '’', ')', '»']);
            word.ends_with(['.', '?', '!', '…', '。', '？', '！', '؟', '।'])
        };
        let unstopped = match tokens.split_last() {
            Some((_, before)) if before.iter().any(stops) => UNSTOPPED,
            _ => 0.0,
        };
        let mut stopped = false;
        let mut out = Vec::with_capacity(tokens.len());
        for token in tokens {
            let word = &text[token.range.clone()];
            let habits = self.habits(word);
            let mut odds = BASE + before.after + habits.before;
            while mark < marks.len() && marks[mark].0 < token.range.start {
                mark += 1;
            }
            if let Some((_, cue)) = marks.get(mark).filter(|(at, _)| *at == token.range.start) {
                odds += pause_odds(pause_ms(cues, *cue));
            } else if mark > 0 {
                odds += hidden[mark - 1];
            }
            if ending {
                odds += ENDING;
            }
            odds += if stopped { STOPPED } else { unstopped };
            stopped = stops(token);
            out.push(odds);
            ending = ENDINGS.iter().any(|end| word.ends_with(end));
            before = habits;
        }
        out
    }
}

/// The silence before a cue.
fn pause_ms(cues: &[Cue], cue: usize) -> u64 {
    cue.checked_sub(1).map_or(0, |before| cues[cue].start_ms.saturating_sub(cues[before].end_ms))
}

fn pause_odds(pause_ms: u64) -> f32 {
    PAUSES.iter().find(|(ms, _)| pause_ms >= *ms).map_or(0.0, |(_, add)| *add)
}

/// What a pause within each cue adds to the gaps of it.
fn hidden(text: &str, marks: &[(usize, usize)], cues: &[Cue]) -> Vec<f32> {
    let ends = marks.iter().skip(1).map(|(at, _)| *at).chain([text.len()]);
    let letters: Vec<u64> =
        marks.iter().zip(ends).map(|((at, _), end)| (end - at).max(1) as u64).collect();
    let pauses = marks.iter().filter(|(_, cue)| pause_ms(cues, *cue) >= PAUSE_MS_MIN).count();
    if pauses * BREATHING >= marks.len() {
        return vec![0.0; marks.len()];
    }
    let lasts = |cue: usize| cues[cue].end_ms.saturating_sub(cues[cue].start_ms);
    // Microseconds a letter takes this speaker.
    let mut paces: Vec<u64> = marks
        .iter()
        .zip(&letters)
        .map(|((_, cue), letters)| lasts(*cue).saturating_mul(1_000) / letters)
        .collect();
    paces.sort_unstable();
    let pace = paces.get(paces.len() / PACE_RANK).copied().unwrap_or(0);
    marks
        .iter()
        .zip(&letters)
        .map(|((_, cue), letters)| {
            let spoken_ms = letters.saturating_mul(pace) / 1_000;
            HIDDEN_SHARE * pause_odds(lasts(*cue).saturating_sub(spoken_ms))
        })
        .collect()
}

/// A speaker's pace is that of the cue at this part of all, the slowest last: those without pauses.
const PACE_RANK: usize = 3;

/// A word, or a few characters of a script without spaces.
struct Token {
    range: Range<usize>,
    words: usize,
}

/// The words of a span; what has no spaces comes in bits of a few characters.
fn tokens(text: &str, span: Range<usize>) -> Vec<Token> {
    /// Bits of a script without spaces are looked at for an end so often.
    const BIT_CHARS: usize = 4;
    let mut out: Vec<Token> = Vec::new();
    let mut push = |range: Range<usize>| {
        let words = words::count(&text[range.clone()]);
        out.push(Token { range, words });
    };
    let (mut start, mut chars) = (None, 0);
    for (offset, c) in text[span.clone()].char_indices() {
        let at = span.start + offset;
        if c.is_whitespace() {
            if let Some(from) = start.take() {
                push(from..at);
            }
            chars = 0;
            continue;
        }
        if is_unspaced(c) {
            chars += 1;
        }
        let from = *start.get_or_insert(at);
        let closes = ENDINGS.iter().any(|end| text[from..at].ends_with(end));
        if from < at && is_unspaced(c) && (chars > BIT_CHARS || closes) {
            push(from..at);
            (start, chars) = (Some(at), 1);
        }
    }
    if let Some(from) = start {
        push(from..span.end);
    }
    out
}

/// Indexes of the tokens before which a sentence ends, and of none at the end: the likeliest.
fn ends(odds: &[f32], tokens: &[Token]) -> Vec<usize> {
    let count = tokens.len();
    let mut best = vec![f32::NEG_INFINITY; count + 1];
    let mut from = vec![0; count + 1];
    best[0] = 0.0;
    for end in 1..=count {
        let end_odds = if end < count { odds[end] } else { 0.0 };
        let mut length = 0;
        for start in (0..end).rev() {
            length += tokens[start].words;
            // A single token may be too long for any piece.
            if length > WORDS_MAX && start + 1 < end {
                break;
            }
            let short = SHORT_WORDS.saturating_sub(length) as f32 * SHORT_COST;
            let long = length.saturating_sub(LONG_WORDS) as f32 * LONG_COST;
            let sum = best[start] + end_odds - short - long;
            if sum > best[end] {
                (best[end], from[end]) = (sum, start);
            }
            // Tokens without words are no reason to look back without end.
            if end - start > 4 * WORDS_MAX {
                break;
            }
        }
    }
    let mut out = Vec::new();
    let mut at = count;
    while at > 0 {
        out.push(at);
        at = from[at];
    }
    out.reverse();
    out
}

#[cfg(test)]
mod passages;
#[cfg(test)]
mod tests;
