//! What can be seen at each place where a section could begin.
//!
//! A joint is the place between two blocks of sentences. Its facts are numbers that mean the same
//! in every language: how the words before and after differ (`cohesion`), who speaks (`turns`), and
//! which turns of phrase of the language's lists are used. What a fact is worth is not decided here.

use std::collections::HashSet;

use super::clean;
use super::cohesion;
use super::language::Language;
use super::phrases::Phrasebook;
use super::segment::Unit;
use super::sentences::Sentence;
use super::turns::{host, turns};
use super::words;
use crate::domain::transcript::Transcript;

/// What is seen at a joint, in the order of [`Joint::facts`]. "Before" and "after" are said of the
/// joint, "here" is the sentence that would open the section; lengths are logarithms.
pub const FACTS: [&str; 36] = [
    "likeness of the words before and after, near",
    "likeness of the words before and after, farther",
    "gain of two sections over one",
    "gain of two sections over one is highest nearby",
    "terms dropped before",
    "terms begun here",
    "terms here that are new to the talk",
    "names and numbers here",
    "words here",
    "words of the sentence before",
    "another speaker",
    "another speaker, who leads the talk",
    "another speaker, whose turn asks",
    "another speaker, who leads the talk, whose turn asks",
    "another speaker, length of the turn",
    "another speaker, length of the turn after it",
    "length of the turn from here",
    "opener here",
    "opener here, another speaker",
    "announcement here",
    "step of a programme here",
    "part of a programme here",
    "step and part of a programme here",
    "opener or announcement in the sentence after",
    "closer here",
    "closer before",
    "closer one sentence earlier",
    "housekeeping here",
    "housekeeping before",
    "question before",
    "filler before",
    "filler within the block",
    "pause before",
    "sentence before runs into the block",
    "position in the talk",
    "second and third minute of the talk",
];

/// One place where a section could begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    /// Index of the cue that would be the section's first.
    pub cue: usize,
    /// As [`FACTS`] names them.
    pub facts: [f32; FACTS.len()],
}

/// Sentences that are heard as one, and begin a cue: the least that can go to one section or the
/// next.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Index of the cue where it begins.
    pub cue: usize,
    /// Index of its first sentence.
    pub first: usize,
    /// Index of the sentence that opens it: the first that says something.
    pub opening: usize,
    /// Whether another speaker than before begins with it, or with the filler just before it.
    pub new_speaker: bool,
}

/// What is known of the whole talk.
pub(super) struct Talk<'a> {
    pub transcript: &'a Transcript,
    pub sentences: &'a [Sentence],
    /// By sentence: whether it says nothing that a section could begin with.
    pub fillers: &'a [bool],
    pub blocks: &'a [Block],
    /// By block.
    pub units: &'a [Unit],
    pub language: &'a Language,
    pub phrases: &'a Phrasebook,
    pub vocabulary: usize,
}

/// What the turns of phrase in one sentence do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub opens: bool,
    pub announces: bool,
    pub asks: bool,
    closes: bool,
    keeps_house: bool,
    steps: bool,
    parts: bool,
}

/// Nobody says less in a second without a pause.
const WORDS_PER_SECOND: f32 = 2.5;
/// No pause tells more than one of so many seconds.
const PAUSE_SECONDS_MAX: f32 = 10.0;
/// Steps and parts of a programme are named within so many words.
const PROGRAMME_WORDS: usize = 9;
/// Names and numbers are looked for in so many words after the first, which has a capital anyway.
const NAMED_WORDS: usize = 8;
/// Words of the first minute: greetings and an overview, hardly a section of their own.
const FIRST_MINUTE_WORDS: usize = 150;
/// Where the first topic begins at the latest.
const THIRD_MINUTE_WORDS: usize = 450;
/// Joints on each side that a gain is compared with.
const NEARBY: usize = 8;
/// So many fillers before a joint are looked at for closers ("Great. Thanks.").
const FILLERS_MAX: usize = 6;

/// The joint before each block; that before the first is nothing to cut at.
pub(super) fn joints(talk: &Talk<'_>) -> Vec<Joint> {
    let Talk { transcript, sentences, blocks, units, .. } = *talk;
    let said = said(talk);
    let said_at = |at: Option<usize>| at.map(|at| said[at]).unwrap_or_default();
    let telling = telling_before(talk.fillers);
    let turns = turns(&transcript.cues, sentences, blocks, units, &said);
    let host = host(&turns, blocks, &said);
    let breaks = cohesion::breaks(units, talk.vocabulary);
    let near = distances(breaks.iter().map(|found| found.likeness_near));
    let farther = distances(breaks.iter().map(|found| found.likeness));
    let gains = distances(breaks.iter().map(|found| found.split_gain));
    let dropped = distances(breaks.iter().map(|found| found.dropped));
    let mut new_terms = NewTerms(vec![false; talk.vocabulary]);
    let total: usize = units.iter().map(|unit| unit.words).sum();
    let mut words_before = 0;
    let mut out = Vec::with_capacity(blocks.len());
    for (at, block) in blocks.iter().enumerate() {
        let (opening, turn) = (&sentences[block.opening], &turns[at]);
        let here = said[block.opening];
        let after = said_at(Some(block.opening + 1).filter(|next| *next < said.len()));
        // The last sentence before that is no filler, and the one before it.
        let last = telling[block.first];
        let (before, earlier) = (said_at(last), said_at(last.and_then(|last| last.checked_sub(1))));
        let between = last.unwrap_or(block.first).max(block.first.saturating_sub(FILLERS_MAX));
        let between = &said[between..block.first];
        let just_before = block.first.checked_sub(1).map(|before| &sentences[before]);
        let changes = block.new_speaker;
        let leads = changes && turn.speaker == host && turn.speaker > 0;
        let facts = [
            near[at],
            farther[at],
            gains[at],
            flag(nearby(&gains, at).iter().all(|other| *other <= gains[at])),
            dropped[at],
            breaks[at].begun,
            new_terms.share(&units[at]),
            names(&opening.text),
            length(opening.words),
            just_before.map_or(0.0, |before| length(before.words)),
            flag(changes),
            flag(leads),
            flag(changes && turn.asks),
            flag(leads && turn.asks),
            flag(changes) * length(turn.words),
            flag(changes) * length(turn.words_next),
            length(turn.words - turn.words_before),
            flag(here.opens),
            flag(here.opens && changes),
            flag(here.announces),
            flag(here.steps),
            flag(here.parts),
            flag(here.steps && here.parts),
            flag(after.opens || after.announces),
            flag(here.closes),
            flag(before.closes || between.iter().any(|said| said.closes)),
            flag(earlier.closes),
            flag(here.keeps_house),
            flag(before.keeps_house || between.iter().any(|said| said.keeps_house)),
            flag(before.asks),
            flag(block.opening.checked_sub(1).is_some_and(|before| talk.fillers[before])),
            flag(block.opening > block.first),
            pause_seconds(transcript, block.cue),
            flag(just_before.is_some_and(|before| before.last_cue >= block.cue)),
            words_before as f32 / total.max(1) as f32,
            flag((FIRST_MINUTE_WORDS..THIRD_MINUTE_WORDS).contains(&words_before)),
        ];
        out.push(Joint { cue: block.cue, facts });
        words_before += units[at].words;
    }
    out
}

fn flag(holds: bool) -> f32 {
    f32::from(u8::from(holds))
}

/// A length that tells ten words from twenty as well as a hundred from two hundred.
fn length(words: usize) -> f32 {
    (1.0 + words as f32 / 10.0).ln()
}

/// What each sentence does.
fn said(talk: &Talk<'_>) -> Vec<Said> {
    let (language, phrases) = (talk.language, talk.phrases);
    let steps: HashSet<&str> = language.steps.split_whitespace().collect();
    let parts: HashSet<&str> = language.parts.split_whitespace().collect();
    let each = |sentence: &Sentence| {
        let head = words::head(&sentence.text, 6);
        let plain = clean::plain_start(&sentence.text, language, PROGRAMME_WORDS);
        let programme = words::head_of(&plain, PROGRAMME_WORDS);
        let bare = words::head_of(&plain, 6);
        let begins = |list: &super::phrases::Phrases| list.begins(&head) || list.begins(&bare);
        let holds = |list: &HashSet<&str>| programme.split(' ').any(|word| list.contains(word));
        Said {
            opens: begins(&phrases.openers),
            // Short ones ("what about") are said within a topic as often.
            announces: phrases.announcements.holds(&words::head(&sentence.text, 16), 3),
            asks: sentence.text.ends_with(['?', '？', '؟']),
            closes: begins(&phrases.closers),
            keeps_house: begins(&phrases.housekeeping),
            steps: holds(&steps),
            parts: holds(&parts),
        }
    };
    talk.sentences.iter().map(each).collect()
}

/// By sentence: the last one before it that is no filler.
fn telling_before(fillers: &[bool]) -> Vec<Option<usize>> {
    let mut last = None;
    let each = |(at, filler): (usize, &bool)| {
        let before = last;
        if !filler {
            last = Some(at);
        }
        before
    };
    fillers.iter().enumerate().map(each).collect()
}

/// How far each value stands from what is usual in this talk, in standard deviations: talks differ
/// in how they repeat themselves.
fn distances(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut values: Vec<f32> = values.collect();
    let n = values.len().max(1) as f64;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / n;
    let square = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / n;
    let deviation = square.sqrt().max(1e-6);
    for value in &mut values {
        *value = ((f64::from(*value) - mean) / deviation).clamp(-4.0, 4.0) as f32;
    }
    values
}

fn nearby(values: &[f32], at: usize) -> &[f32] {
    &values[at.saturating_sub(NEARBY)..(at + NEARBY + 1).min(values.len())]
}

/// By term: whether it has been said.
struct NewTerms(Vec<bool>);

impl NewTerms {
    /// How many of a unit's terms have not been said before it; short units tell little.
    fn share(&mut self, unit: &Unit) -> f32 {
        let is_new = |term: &&u32| !std::mem::replace(&mut self.0[**term as usize], true);
        unit.terms.iter().filter(is_new).count() as f32 / (unit.terms.len() + 2) as f32
    }
}

/// Share of names and numbers in the first words of a sentence, the very first left out.
fn names(text: &str) -> f32 {
    let is_named = |word: &&str| {
        let mut inside = word.chars().skip_while(|c| !c.is_alphanumeric());
        let first = inside.next();
        // "I" is no name.
        first.is_some_and(|c| c.is_numeric() || (c.is_uppercase() && inside.next().is_some()))
    };
    let named = text.split_whitespace().skip(1).take(NAMED_WORDS).filter(is_named);
    named.count() as f32 / NAMED_WORDS as f32
}

/// Silence before a cue, as far as the times tell: from the start of the cue before, less the time
/// that its words take. Where one cue ends many sources do not know.
fn pause_seconds(transcript: &Transcript, cue: usize) -> f32 {
    let cues = &transcript.cues;
    let Some(before) = cue.checked_sub(1).filter(|_| transcript.times.is_exact()) else {
        return 0.0;
    };
    let passed_ms = cues[cue].start_ms.saturating_sub(cues[before].start_ms);
    let spoken_seconds = words::count(&cues[before].text) as f32 / WORDS_PER_SECOND;
    (passed_ms as f32 / 1_000.0 - spoken_seconds).clamp(0.0, PAUSE_SECONDS_MAX)
}
