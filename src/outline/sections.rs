//! Where the sections of a talk begin when no chapters say so: units of whole sentences, with what speaks for
//! a cut before each, for `segment` to divide.

use super::clean;
use super::language::Language;
use super::phrases::Phrasebook;
use super::segment::{self, Unit};
use super::sentences::Sentence;
use super::words::{self, Term};
use crate::domain::outline::Granularity;

/// At most so many units are searched for sections, so that a transcript without end takes no time
/// without end:
/// 12 hours of talk have some 7,000 sentences.
const UNITS_MAX: usize = 12_000;
/// What a phrase that opens a topic adds to a cut before it, in nats; tuned on the development half
/// of the corpus.
const OPENER_BONUS: f32 = 4.0;
/// The same for a phrase that announces one ("let's talk about").
const ANNOUNCEMENT_BONUS: f32 = 6.0;
/// The same for a question after a change of speaker.
const QUESTION_BONUS: f32 = 1.5;
/// The same for a phrase that closes one.
const CLOSER_BONUS: f32 = 1.5;
/// The same for a change of speaker.
const SPEAKER_BONUS: f32 = 3.5;
/// What a cut costs where the cue before also holds the end of the last sentence.
const SHARED_CUE_COST: f32 = 1.0;
/// What a cut costs before a sentence too short to open a topic.
const SHORT_OPENING_COST: f32 = 4.0;

/// Cues at which the sections begin that the words tell; the first is 0.
pub(super) fn starts(
    sentences: &[Sentence],
    terms: &[Vec<Term>],
    language: &Language,
    phrases: &Phrasebook,
    vocabulary: usize,
    granularity: Granularity,
) -> Vec<usize> {
    let words: usize = sentences.iter().map(|s| s.words).sum();
    let unit_words_min = words / UNITS_MAX;
    let mut units: Vec<Unit> = Vec::new();
    let mut cues: Vec<usize> = Vec::new();
    let mut firsts: Vec<usize> = Vec::new();
    for (i, sentence) in sentences.iter().enumerate() {
        // Only the first sentence that begins in a cue can begin a section: topics are ranges of
        // cues.
        let shares = i > 0 && sentences[i - 1].first_cue == sentence.first_cue;
        match units.last_mut().filter(|unit| shares || unit.words < unit_words_min) {
            Some(unit) => {
                unit.terms.extend(&terms[i]);
                unit.words += sentence.words;
                unit.bonus += announcement(sentence, language, phrases);
            }
            None => {
                let before = i.checked_sub(1).map(|before| &sentences[before]);
                units.push(Unit {
                    terms: terms[i].clone(),
                    words: sentence.words,
                    bonus: bonus(sentence, before, language, phrases),
                });
                cues.push(sentence.first_cue);
                firsts.push(i);
            }
        }
    }
    let mut starts: Vec<usize> = Vec::new();
    for mut unit in segment::sections(&units, vocabulary, granularity) {
        // "Here is a box. Tell me about the box.": not in the middle of a cue, if the turn has only
        // just begun.
        let shares = unit > 0 && sentences[firsts[unit] - 1].last_cue >= cues[unit];
        if shares && sentences[firsts[unit - 1]].new_speaker {
            unit -= 1;
        }
        if starts.last().is_none_or(|last| *last < cues[unit]) {
            starts.push(cues[unit]);
        }
    }
    // Cues without words may stand before the first sentence.
    starts.resize(starts.len().max(1), 0);
    starts[0] = 0;
    starts
}

/// What speaks for a section that begins with a sentence.
fn bonus(
    sentence: &Sentence,
    before: Option<&Sentence>,
    language: &Language,
    phrases: &Phrasebook,
) -> f32 {
    announcement(sentence, language, phrases) + joint(sentence, before, phrases)
}

/// What a sentence adds that opens or announces a topic.
fn announcement(sentence: &Sentence, language: &Language, phrases: &Phrasebook) -> f32 {
    let mut sum = 0.0;
    let head = words::head(&sentence.text, 6);
    let bare = || words::head_of(&clean::plain_start(&sentence.text, language, 6), 6);
    if phrases.openers.begins(&head) || phrases.openers.begins(&bare()) {
        sum += OPENER_BONUS;
    }
    // Short ones ("what about") are said within a topic as often.
    if phrases.announcements.holds(&words::head(&sentence.text, 16), 3) {
        sum += ANNOUNCEMENT_BONUS;
    }
    sum
}

/// What the joint between two sentences adds, for or against a cut there.
fn joint(sentence: &Sentence, before: Option<&Sentence>, phrases: &Phrasebook) -> f32 {
    let mut sum = 0.0;
    if sentence.new_speaker {
        sum += SPEAKER_BONUS;
        if sentence.text.ends_with('?') && sentence.words > 4 {
            sum += QUESTION_BONUS;
        }
    }
    if sentence.words < 4 {
        sum -= SHORT_OPENING_COST;
    }
    if let Some(before) = before {
        if phrases.closers.begins(&words::head(&before.text, 4)) {
            sum += CLOSER_BONUS;
        }
        if before.last_cue >= sentence.first_cue {
            sum -= SHARED_CUE_COST;
        }
    }
    sum
}
