//! Where the sections of a talk begin when no chapters say so: sentences in blocks, with what speaks
//! for a cut before each, for `segment` to divide.

use super::clean;
use super::cues::Cues;
use super::joints::{self, Block, Joint, Talk};
use super::language::{self, Language};
use super::phrases::Phrasebook;
use super::segment::{self, Unit};
use super::sentences::{self, Sentence};
use super::words::{self, Term, Vocabulary};
use crate::domain::outline::Granularity;
use crate::domain::transcript::Transcript;

/// At most so many units are searched for sections, so that a transcript without end takes no time
/// without end: 12 hours of talk have some 7,000 sentences.
const UNITS_MAX: usize = 12_000;
/// A sentence that begins in the middle of a cue opens a block only if the block before has so many
/// words: captions break anywhere, and some cut must be possible.
const BLOCK_WORDS: usize = 60;
/// Fillers never open a block before the one before has so many words: talk of nothing else must
/// still be cut somewhere.
const FILLED_WORDS: usize = 400;
/// Whatever they are, so few words are an answer or a murmur.
const ANSWER_WORDS_MAX: usize = 2;
/// A filler of a sentence has at most so many words.
const FILLER_WORDS_MAX: usize = 5;

/// A talk read as far as the search for its sections needs it, whatever its facts are worth.
#[derive(Debug)]
pub struct Reading {
    pub(super) units: Vec<Unit>,
    /// What is seen before each unit.
    pub joints: Vec<Joint>,
    pub(super) vocabulary: usize,
}

/// Reads a talk, for a program that learns what its facts are worth. The language is a BCP 47 tag,
/// where someone knows better than the transcript.
pub fn reading(transcript: &Transcript, language: Option<&str>) -> Reading {
    let language = language::of(transcript, language);
    let phrases = Phrasebook::new(&language);
    let mut vocabulary = Vocabulary::new(&language);
    let sentences = sentences::split(transcript, &language);
    let terms: Vec<Vec<Term>> = sentences.iter().map(|s| vocabulary.terms(&s.text)).collect();
    read(transcript, &sentences, &terms, &language, &phrases, &vocabulary)
}

/// Reads a talk of which all else is known.
pub(super) fn read(
    transcript: &Transcript,
    sentences: &[Sentence],
    terms: &[Vec<Term>],
    language: &Language,
    phrases: &Phrasebook,
    vocabulary: &Vocabulary,
) -> Reading {
    let fillers: Vec<bool> = sentences
        .iter()
        .zip(terms)
        .map(|(sentence, terms)| is_filler(sentence, terms, language, phrases, vocabulary))
        .collect();
    let (blocks, units) = blocks(sentences, terms, &fillers);
    let talk = Talk {
        transcript,
        sentences,
        fillers: &fillers,
        blocks: &blocks,
        units: &units,
        language,
        phrases,
        vocabulary: vocabulary.len(),
    };
    let joints = joints::joints(&talk);
    Reading { units, joints, vocabulary: vocabulary.len() }
}

/// Cues at which the sections begin that the words tell; the first is 0.
pub fn starts(reading: &Reading, cues: &Cues, granularity: Granularity) -> Vec<usize> {
    let odds: Vec<f32> = reading.joints.iter().map(|joint| cues.log_odds(joint)).collect();
    let found = segment::sections(&reading.units, &odds, reading.vocabulary, granularity);
    let mut starts: Vec<usize> = found.into_iter().map(|unit| reading.joints[unit].cue).collect();
    starts.dedup();
    // Cues without words may stand before the first sentence.
    starts.resize(starts.len().max(1), 0);
    starts[0] = 0;
    starts
}

/// Whether a sentence says nothing that a section could begin with ("Okay.", "Yeah, exactly.",
/// "Thanks, Nora."): such ones belong to what was said before.
fn is_filler(
    sentence: &Sentence,
    terms: &[Term],
    language: &Language,
    phrases: &Phrasebook,
    vocabulary: &Vocabulary,
) -> bool {
    if sentence.words <= ANSWER_WORDS_MAX {
        return true;
    }
    if sentence.words > FILLER_WORDS_MAX {
        return false;
    }
    let head = words::head(&sentence.text, 6);
    let bare = words::head_of(&clean::plain_start(&sentence.text, language, 6), 6);
    if phrases.openers.begins(&head) || phrases.openers.begins(&bare) {
        return false;
    }
    terms.iter().all(|term| vocabulary.is_weak(*term))
        || phrases.closers.begins(&head)
        || phrases.housekeeping.begins(&head)
}

/// Sentences in blocks. A block begins with a sentence that begins a cue and says something.
fn blocks(
    sentences: &[Sentence],
    terms: &[Vec<Term>],
    fillers: &[bool],
) -> (Vec<Block>, Vec<Unit>) {
    let words: usize = sentences.iter().map(|s| s.words).sum();
    let words_min = words / UNITS_MAX;
    let mut blocks: Vec<Block> = Vec::new();
    let mut units: Vec<Unit> = Vec::new();
    // A change of speaker since the last block began that said nothing but fillers.
    let mut changed = false;
    for (i, sentence) in sentences.iter().enumerate() {
        changed |= sentence.new_speaker;
        let before = i.checked_sub(1).map(|before| &sentences[before]);
        let shares = before.is_some_and(|before| before.first_cue == sentence.first_cue);
        let runs_on = before.is_some_and(|before| {
            before.last_cue >= sentence.first_cue || (before.is_cut && !sentence.new_speaker)
        });
        // The cue says something if one of the sentences that begin in it does.
        let says = || {
            sentences[i..]
                .iter()
                .zip(&fillers[i..])
                .take_while(|(later, _)| later.first_cue == sentence.first_cue)
                .position(|(_, filler)| !filler)
        };
        match units.last_mut().filter(|unit| {
            shares
                || unit.words < words_min
                || (unit.words < BLOCK_WORDS && runs_on)
                || (unit.words < FILLED_WORDS && says().is_none())
        }) {
            Some(unit) => {
                unit.terms.extend(&terms[i]);
                unit.words += sentence.words;
            }
            None => {
                units.push(Unit { terms: terms[i].clone(), words: sentence.words });
                let opening = i + says().unwrap_or(0);
                blocks.push(Block {
                    cue: sentence.first_cue,
                    first: i,
                    opening,
                    new_speaker: std::mem::take(&mut changed),
                });
            }
        }
        if !fillers[i] {
            changed = false;
        }
    }
    (blocks, units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::{Cue, Times};
    use crate::outline::joints::FACTS;

    /// Cues of four seconds, `a> ` in front names a speaker; read as what is said in a language.
    fn reading(lines: &[&str], language: &str) -> Reading {
        let cues = lines.iter().enumerate().map(|(at, line)| {
            let (speaker, text) = match line.split_once("> ") {
                Some((speaker, text)) => (Some(speaker.to_owned()), text.to_owned()),
                None => (None, (*line).to_owned()),
            };
            let start_ms = at as u64 * 4_000;
            Cue { start_ms, end_ms: start_ms + 4_000, speaker, text }
        });
        let transcript =
            Transcript { cues: cues.collect(), times: Times::Exact, ..Transcript::default() };
        super::reading(&transcript, Some(language))
    }

    /// The cues at which blocks begin.
    #[track_caller]
    fn check(lines: &[&str], want: &[usize]) {
        let found: Vec<usize> = reading(lines, "en").joints.iter().map(|j| j.cue).collect();
        assert_eq!(found, want, "{lines:?}");
    }

    #[test]
    fn a_filler_belongs_to_what_was_said_before() {
        check(
            &["The oven is made of clay and sand.", "Okay.", "Bread is baked in it on Saturdays."],
            &[0, 2],
        );
        check(
            &[
                "a> The oven is made of clay and sand.",
                "b> Great. Thanks, Nora.",
                "b> Yeah, exactly.",
                "b> Bread is baked in it on Saturdays.",
            ],
            &[0, 3],
        );
        check(
            &["The oven is made of clay and sand.", "So, um, bread is baked in it.", "No."],
            &[0, 1],
        );
        check(&["Okay.", "The oven is made of clay and sand."], &[0, 1]);
    }

    #[test]
    fn a_filler_that_shares_its_cue_with_a_telling_sentence_opens_it() {
        check(
            &["The oven is made of clay and sand.", "Okay. Next we light the fire in it."],
            &[0, 1],
        );
    }

    #[test]
    fn a_short_opener_is_no_filler() {
        check(&["The oven is made of clay and sand.", "Let's talk about it."], &[0, 1]);
        check(&["The oven is made of clay and sand.", "Good to know."], &[0]);
    }

    #[test]
    fn no_block_begins_within_a_sentence_while_another_beginning_is_near() {
        check(
            &["The oven is made of", "clay. Bread is baked in", "it. The bees fly over the hill."],
            &[0],
        );
        let line = "of clay and sand from the river. The oven is full of heavy loaves";
        let found = reading(&[line; 60], "en").joints;
        assert!((6..=20).contains(&found.len()), "{}", found.len());
    }

    #[test]
    fn a_change_of_speaker_counts_past_a_filler() {
        let lines = [
            "a> The oven is made of clay and sand.",
            "b> No.",
            "b> The hives stand on the hill behind it.",
            "b> The honey is taken from them in July.",
        ];
        let found = reading(&lines, "en").joints;
        let fact = FACTS.iter().position(|name| *name == "another speaker").unwrap_or(99);
        assert_eq!(found.iter().map(|j| j.cue).collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(found.iter().map(|j| j.facts[fact]).collect::<Vec<_>>(), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn turns_of_phrase_are_seen_in_each_language() {
        for (language, opener) in [
            ("en", "Let's talk about the next question of the hives on the hill."),
            ("es", "Pasamos a la siguiente pregunta sobre las colmenas del cerro."),
            ("de", "Kommen wir zur nächsten Frage über die Bienen auf dem Hügel."),
            ("fr", "Passons à la question suivante sur les ruches de la colline."),
            ("pt", "Vamos falar da próxima pergunta sobre as colmeias do monte."),
            ("it", "Passiamo alla prossima domanda sugli alveari della collina."),
        ] {
            let found = reading(&["Nora 12 34 56 78.", opener], language).joints;
            for name in ["opener here", "step and part of a programme here"] {
                let fact = FACTS.iter().position(|known| *known == name).unwrap_or(99);
                assert_eq!(found[1].facts[fact], 1.0, "{name}: {opener}");
            }
        }
    }

    #[test]
    fn all_facts_are_finite_whatever_is_said() {
        for lines in [&["x"; 3][..], &["word word word word word word"; 200], &["… 1 2 3 4", "é"]]
        {
            for joint in reading(lines, "xx").joints {
                assert!(joint.facts.iter().all(|fact| fact.is_finite()), "{joint:?}");
            }
        }
    }
}
