//! A transcript to topics, titles, points and an overview, with no model at all.
//!
//! Pure and deterministic: no io, no clock, no chance, nothing of ours but the words of `domain`.
//! The way is
//! `sentences` (cues to sentences) → `segment` (sentences to sections, unless the publisher's
//! chapters say where they
//! begin) → `rank` (what to quote) → `title`; `clean` makes a sentence readable, `words` and
//! `language` say what a word
//! is. What a model makes of a transcript belongs to `pipeline`, ids and doubts to whoever keeps
//! the outline.

mod chapters;
mod clean;
mod language;
mod phrases;
mod rank;
mod segment;
mod sentences;
mod title;
mod words;

use std::collections::{HashMap, HashSet};

use crate::domain::outline::{Chapter, Outline, OutlinePoint, OutlineTopic};
use crate::domain::transcript::Transcript;

use self::language::Language;
use self::phrases::Phrasebook;
use self::rank::{Pick, Section, Weights};
use self::segment::Unit;
use self::sentences::Sentence;
use self::words::{Term, Vocabulary};

/// Counts up when the same transcript gives another outline; stands in a recap as `made_by.outline.version`.
pub const VERSION: u32 = 1;

/// What is known of an episode beside its transcript.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The publisher's chapters in any order; they set the topics where at least two are usable.
    pub chapters: Vec<Chapter>,
    /// As the publisher wrote it; may be empty. The last resort for a title.
    pub episode_title: String,
    /// BCP 47 tag, where someone knows better than [`Transcript::language`].
    pub language: Option<String>,
}

/// An overview has at most so many words.
const OVERVIEW_WORDS_MAX: usize = 120;
/// An overview quotes at most so many sections: more read as a list.
const OVERVIEW_SECTIONS_MAX: usize = 5;
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

/// The topics of a transcript, each with a title and the sentences that carry it, and an overview
/// of all.
///
/// The ranges of the topics cover every cue once, in order; an empty transcript yields an empty
/// outline. Takes time in
/// proportion to the length of the transcript: 12 hours of talk well under a second.
pub fn outline(transcript: &Transcript, options: &Options) -> Outline {
    let cues = &transcript.cues;
    if cues.is_empty() {
        return Outline::default();
    }
    let language = language::of(transcript, options.language.as_deref());
    let phrases = Phrasebook::new(&language);
    let mut vocabulary = Vocabulary::new(&language);
    let sentences = sentences::split(transcript, &language);
    let terms: Vec<Vec<Term>> = sentences.iter().map(|s| vocabulary.terms(&s.text)).collect();

    let chapters = chapters::usable(&options.chapters, transcript, &sentences);
    let (starts, titles): (Vec<usize>, Vec<String>) = if chapters.is_empty() {
        let starts = found_starts(&sentences, &terms, &language, &phrases, vocabulary.len());
        let titles = vec![String::new(); starts.len()];
        (starts, titles)
    } else {
        chapters.into_iter().unzip()
    };
    let sections = sections(&starts, cues.len(), &sentences);
    let weights = Weights::new(&sections, &terms, &vocabulary);
    let picks: Vec<Vec<Pick>> = sections
        .iter()
        .enumerate()
        .map(|(i, section)| {
            rank::points(i, section, &sentences, &terms, &weights, &language, &phrases)
        })
        .collect();
    let overview = overview(transcript, &sections, &picks, &sentences, &terms, &language);
    let speakers = speaker_words(transcript);
    let source = title::Source {
        sentences: &sentences,
        weights: &weights,
        language: &language,
        speakers: &speakers,
    };
    let mut taken = Taken::default();
    let mut topics = Vec::with_capacity(sections.len());
    for (i, (section, mut name)) in sections.iter().zip(titles).enumerate() {
        let points = points(transcript, section, &picks[i], &sentences, &language);
        if name.is_empty() {
            let mut open = title::candidates(i, section, &source, &mut vocabulary);
            open.push(title::clause(&points[0].text));
            open.push(title::clause(&options.episode_title));
            name = taken.distinct(open, i);
        }
        taken.titles.insert(words::fold(&name));
        topics.push(OutlineTopic {
            title: name,
            first_cue: section.cues.start,
            last_cue: section.cues.end - 1,
            points,
        });
    }
    Outline { overview, topics }
}

/// Cues at which the sections begin that the words tell; the first is 0.
fn found_starts(
    sentences: &[Sentence],
    terms: &[Vec<Term>],
    language: &Language,
    phrases: &Phrasebook,
    vocabulary: usize,
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
    for mut unit in segment::sections(&units, vocabulary) {
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

/// The cues and sentences of each section. A sentence that is said across a boundary belongs to
/// none.
fn sections(starts: &[usize], cues: usize, sentences: &[Sentence]) -> Vec<Section> {
    let ends = starts.iter().skip(1).copied().chain([cues]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let first = sentences.partition_point(|s| s.first_cue < *start);
            let after = sentences.partition_point(|s| s.last_cue < end).max(first);
            Section { cues: *start..end, sentences: first..after }
        })
        .collect()
}

fn points(
    transcript: &Transcript,
    section: &Section,
    picks: &[Pick],
    sentences: &[Sentence],
    language: &Language,
) -> Vec<OutlinePoint> {
    let mut out: Vec<OutlinePoint> = Vec::with_capacity(picks.len().max(1));
    for pick in picks {
        let sentence = &sentences[pick.sentence];
        let text = clean::point(&sentence.text, sentence.is_cut, language);
        if !text.is_empty() && out.iter().all(|point| point.text != text) {
            out.push(OutlinePoint { text, cue: sentence.first_cue, last_cue: sentence.last_cue });
        }
    }
    if out.is_empty() {
        out.push(first_words(transcript, section, language));
    }
    out
}

/// Where no sentence lies within the section: what its first cues say, whatever it is.
fn first_words(transcript: &Transcript, section: &Section, language: &Language) -> OutlinePoint {
    let spoken = |cue: &usize| words::count(&transcript.cues[*cue].text) > 0;
    let cue = section.cues.clone().find(spoken).unwrap_or(section.cues.start);
    let mut text = String::new();
    let mut last_cue = cue;
    for at in cue..section.cues.end {
        if words::count(&text) >= clean::POINT_WORDS_MAX {
            break;
        }
        if at > cue {
            text.push(' ');
        }
        let said = &transcript.cues[at].text;
        // A cue can be megabytes long; a point is not.
        text.push_str(&said[..said.floor_char_boundary(said.len().min(2_000))]);
        last_cue = at;
    }
    let mut text = clean::point(&text, false, language);
    if text.trim().is_empty() {
        text.push('…');
    }
    OutlinePoint { text, cue, last_cue }
}

/// The titles of the topics so far.
#[derive(Default)]
struct Taken {
    /// Folded.
    titles: HashSet<String>,
    /// By what stands before the number: the number after the last one given. Below it all are
    /// taken, and a thousand topics of one name need not be counted through for each.
    next: HashMap<String, usize>,
}

impl Taken {
    /// The first title that no earlier topic has; else one with a number.
    fn distinct(&mut self, open: Vec<String>, index: usize) -> String {
        let mut usable = open.into_iter().filter(|name| words::count(name) > 0).peekable();
        let best = usable.peek().cloned();
        if let Some(name) = usable.find(|name| !self.titles.contains(&words::fold(name))) {
            return name;
        }
        // Topics are named by their number where they say nothing, as a last resort.
        let name = best.unwrap_or_else(|| "Part".to_owned());
        let short: Vec<&str> = name.split(' ').take(title::WORDS_MAX - 1).collect();
        let first = if name == "Part" { index + 1 } else { 2 };
        let short = short.join(" ");
        let next = self.next.entry(short.clone()).or_default();
        for number in first.max(*next).. {
            let numbered = format!("{short} {number}");
            if !self.titles.contains(&words::fold(&numbered)) {
                *next = number + 1;
                return numbered;
            }
        }
        name
    }
}

/// The best early sentence of the first and of each of the largest sections, in order.
fn overview(
    transcript: &Transcript,
    sections: &[Section],
    picks: &[Vec<Pick>],
    sentences: &[Sentence],
    terms: &[Vec<Term>],
    language: &Language,
) -> String {
    let mut largest: Vec<usize> = (0..sections.len()).filter(|i| !picks[*i].is_empty()).collect();
    let size = |i: &usize| {
        sentences[sections[*i].sentences.clone()].iter().map(|s| s.words).sum::<usize>()
    };
    // The first section says where we are; after it, the largest.
    largest.sort_by_key(|i| (*i > 0, std::cmp::Reverse(size(i))));
    let per_section = if largest.len() < 3 { 2 } else { 1 };
    largest.truncate(OVERVIEW_SECTIONS_MAX);
    let mut chosen: Vec<usize> = Vec::new();
    for i in largest {
        let first = sections[i].sentences.start;
        let mut order: Vec<&Pick> = picks[i].iter().collect();
        // Early ones introduce; later ones want their context.
        let rank = |pick: &Pick| pick.score / (1.0 + (pick.sentence - first) as f32 / 40.0);
        order.sort_by(|a, b| rank(b).total_cmp(&rank(a)).then(a.sentence.cmp(&b.sentence)));
        chosen.extend(order.iter().take(per_section).map(|pick| pick.sentence));
    }
    let mut kept: Vec<usize> = Vec::new();
    let mut words_left = OVERVIEW_WORDS_MAX;
    for at in chosen {
        let text = clean::point(&sentences[at].text, sentences[at].is_cut, language);
        let size = text.split_whitespace().count().max(words::count(&text));
        let doubled = kept.iter().any(|other| terms[*other] == terms[at]);
        if size <= words_left && !doubled {
            words_left -= size;
            kept.push(at);
        }
    }
    kept.sort_unstable();
    if kept.is_empty() {
        return first_words(transcript, &sections[0], language).text;
    }
    let texts: Vec<String> = kept
        .iter()
        .map(|at| clean::point(&sentences[*at].text, sentences[*at].is_cut, language))
        .collect();
    texts.join(" ")
}

fn speaker_words(transcript: &Transcript) -> Vec<String> {
    let names = transcript.speakers.values().take(64);
    names
        .flat_map(|name| name.split_whitespace())
        .map(|word| words::fold(clean::core(word)))
        .collect()
}

#[cfg(test)]
mod tests;
