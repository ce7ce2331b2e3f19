//! Cues to sentences, each with the cues in which it is said.
//!
//! Punctuated text is cut by sentencex's rules for the language; text without punctuation
//! (automatic captions) by
//! what `breaks` finds. Nothing here knows of topics.

use std::ops::Range;

use crate::domain::transcript::{Cue, Transcript};

use super::breaks::Breaks;
use super::language::Language;
use super::words::{self, is_unspaced};

/// A sentence, or a readable piece where the source has no sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    /// As it was said, single spaces.
    pub text: String,
    /// Index of the cue where it begins.
    pub first_cue: usize,
    /// Index of the cue where it ends, inclusive.
    pub last_cue: usize,
    /// Length in words, as [`words::count`] counts.
    pub words: usize,
    /// Whether another speaker than before begins here.
    pub new_speaker: bool,
    /// Whether it was cut by length, not where it ends.
    pub is_cut: bool,
}

/// A pause that ends a sentence, whatever the punctuation: nobody is silent for so long within one.
const LONG_PAUSE_MS: u64 = 6_000;
/// Text is cut into sentences in runs of this length, so that no rule sees a text without end.
const RUN_BYTES_MAX: usize = 8_000;
/// A punctuated sentence longer than this is a missing full stop.
const SENTENCE_WORDS_MAX: usize = 90;
/// Fewer sentence ends than one in so many words: the run has no punctuation to speak of.
const WORDS_PER_END_MAX: usize = 60;

/// The sentences of a transcript in order. Cues without a letter or digit may be in none.
pub(super) fn split(transcript: &Transcript, language: &Language) -> Vec<Sentence> {
    let cues = &transcript.cues;
    let mut out = Vec::new();
    let breaks = Breaks::new(language);
    let mut run = Run { unmarked: is_unmarked(cues), ..Run::default() };
    for (index, cue) in cues.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &cues[before]);
        let new_speaker = before.is_some_and(|before| before.speaker != cue.speaker);
        if new_speaker
            || before.is_some_and(|before| gap_ms(before, cue) >= LONG_PAUSE_MS)
            || run.text.len() + cue.text.len() > RUN_BYTES_MAX
        {
            run.finish(cues, language, &breaks, &mut out);
        }
        if new_speaker {
            run.new_speaker = true;
        }
        for part in parts(&cue.text) {
            if run.text.len() + part.len() > RUN_BYTES_MAX {
                run.finish(cues, language, &breaks, &mut out);
            }
            run.push(index, part);
        }
    }
    run.finish(cues, language, &breaks, &mut out);
    out
}

/// Whether a transcript has fewer sentence ends than talk has.
fn is_unmarked(cues: &[Cue]) -> bool {
    let (mut words, mut ends) = (0, 0);
    for cue in cues {
        words += words::count(&cue.text);
        ends += cue.text.matches(['.', '?', '!', '…', '。', '？', '！', '؟', '।']).count();
    }
    ends * WORDS_PER_END_MAX < words
}

fn gap_ms(before: &Cue, cue: &Cue) -> u64 {
    cue.start_ms.saturating_sub(before.end_ms)
}

/// A cue's text in parts of at most [`RUN_BYTES_MAX`], cut at a blank where there is one.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.floor_char_boundary(RUN_BYTES_MAX.min(rest.len()));
        if end < rest.len() {
            let blank = rest[..end].rfind(char::is_whitespace).filter(|at| *at > 0);
            end = blank.unwrap_or(end);
        }
        let part = rest[..end].trim();
        rest = rest[end..].trim_start();
        Some(part)
    })
}

/// Text of neighbouring cues of one speaker.
#[derive(Default)]
struct Run {
    text: String,
    /// Where each cue begins in `text`, ascending.
    marks: Vec<(usize, usize)>,
    new_speaker: bool,
    /// Whether the transcript has no sentence ends to speak of.
    unmarked: bool,
}

impl Run {
    fn push(&mut self, cue: usize, part: &str) {
        if let (Some(last), Some(next)) = (self.text.chars().next_back(), part.chars().next())
            && !(is_unspaced(last) && is_unspaced(next))
            && !matches!(last, '。' | '、' | '！' | '？')
        {
            self.text.push(' ');
        }
        self.marks.push((self.text.len(), cue));
        self.text.push_str(part);
    }

    fn finish(
        &mut self,
        cues: &[Cue],
        language: &Language,
        breaks: &Breaks,
        out: &mut Vec<Sentence>,
    ) {
        if self.marks.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        let marks = std::mem::take(&mut self.marks);
        let mut new_speaker = std::mem::take(&mut self.new_speaker);
        let ends = ends(&text, language);
        let words_in_run = words::count(&text);
        let marked = !self.unmarked && ends.len() * WORDS_PER_END_MAX >= words_in_run;
        for span in ends {
            let words = words::count(&text[span.clone()]);
            if words == 0 {
                continue;
            }
            let whole = marked && words <= SENTENCE_WORDS_MAX;
            let pieces =
                if whole { vec![(span, false)] } else { breaks.find(&text, span, &marks, cues) };
            for (piece, is_cut) in pieces {
                let said = text[piece.clone()].trim();
                let words = if whole { words } else { words::count(said) };
                if words == 0 {
                    continue;
                }
                let lead = text[piece.clone()].len() - text[piece.clone()].trim_start().len();
                let begin = piece.start + lead;
                out.push(Sentence {
                    text: said.split_whitespace().collect::<Vec<_>>().join(" "),
                    first_cue: cue_at(&marks, begin),
                    last_cue: cue_at(&marks, begin + said.len() - 1),
                    words,
                    new_speaker: std::mem::take(&mut new_speaker),
                    is_cut,
                });
            }
        }
    }
}

/// Where the sentences of a text lie, by sentencex. It takes "me." (Maine) and "no." (number) for
/// abbreviations: a
/// function word in small letters before a capital ends a sentence all the same.
fn ends(text: &str, language: &Language) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    for found in sentencex::get_sentence_boundaries(language.code, text) {
        let (mut start, end) = (found.start_byte, found.end_byte);
        for (dot, _) in text[start..end].match_indices(". ") {
            let dot = found.start_byte + dot;
            let next = text[dot + 2..end].chars().next();
            let before = text[start..dot].rsplit(' ').next().unwrap_or_default();
            if next.is_some_and(char::is_uppercase)
                && before.len() > 1
                && language.stops.split_whitespace().any(|stop| stop == before)
            {
                out.push(start..dot + 1);
                start = dot + 1;
            }
        }
        out.push(start..end);
    }
    out
}

fn cue_at(marks: &[(usize, usize)], byte: usize) -> usize {
    let after = marks.partition_point(|(start, _)| *start <= byte);
    marks[after.saturating_sub(1)].1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::language;

    /// Cues of four seconds without pauses; `a> ` in front names a speaker, `~` is a pause of a
    /// second.
    fn transcript(lines: &[&str]) -> Transcript {
        let mut out = Transcript::default();
        let mut at = 0;
        for line in lines {
            let line = line.strip_prefix('~').inspect(|_| at += 1_000).unwrap_or(line);
            let (speaker, text) = match line.split_once("> ") {
                Some((speaker, text)) => (Some(speaker.to_owned()), text),
                None => (None, line),
            };
            let text = text.to_owned();
            out.cues.push(Cue { start_ms: at, end_ms: at + 4_000, speaker, text });
            at += 4_000;
        }
        out
    }

    #[track_caller]
    fn check(lines: &[&str], want: &[(&str, usize, usize)]) {
        let transcript = transcript(lines);
        let found = split(&transcript, &language::of(&transcript, Some("en")));
        let found: Vec<_> =
            found.iter().map(|s| (s.text.as_str(), s.first_cue, s.last_cue)).collect();
        assert_eq!(found, want);
    }

    #[test]
    fn a_title_or_a_country_ends_no_sentence() {
        check(
            &["We asked Dr. Marsh about it.", "She came from the U.S. in May."],
            &[("We asked Dr. Marsh about it.", 0, 0), ("She came from the U.S. in May.", 1, 1)],
        );
        check(
            &["She made it for me. A smoker is hot."],
            &[("She made it for me.", 0, 0), ("A smoker is hot.", 0, 0)],
        );
        check(
            &["It weighs 3.5 kilos, i.e. too much.", "Ask Mr. Hale at 5 p.m. on Monday."],
            &[
                ("It weighs 3.5 kilos, i.e. too much.", 0, 0),
                ("Ask Mr. Hale at 5 p.m. on Monday.", 1, 1),
            ],
        );
    }

    #[test]
    fn a_sentence_knows_its_first_and_last_cue() {
        check(
            &["The oven was", "cold. We lit", "it at six. Good."],
            &[("The oven was cold.", 0, 1), ("We lit it at six.", 1, 2), ("Good.", 2, 2)],
        );
    }

    #[test]
    fn another_speaker_ends_a_sentence() {
        check(
            &["a> so the chain", "b> the old one", "b> is worn."],
            &[("so the chain", 0, 0), ("the old one is worn.", 1, 2)],
        );
    }

    #[test]
    fn talk_without_full_stops_is_cut_at_pauses_and_by_length() {
        let cues = ["and then we took the wheel off the bike"; 20];
        let transcript = transcript(&cues);
        let found = split(&transcript, &language::of(&transcript, Some("en")));
        assert!(found.iter().all(|s| (9..=40).contains(&s.words)), "{found:?}");
        assert_eq!(found.iter().map(|s| s.words).sum::<usize>(), 180);
        let mut cues = cues.to_vec();
        cues[1] = "~and then we took the wheel off the bike";
        let transcript = self::transcript(&cues);
        let found = split(&transcript, &language::of(&transcript, Some("en")));
        assert_eq!((found[0].first_cue, found[0].last_cue), (0, 0));
        assert!(found.iter().all(|s| !s.is_cut), "and then begins: {found:?}");
        let transcript = self::transcript(&["oven oven oven oven oven oven oven oven oven"; 20]);
        let found = split(&transcript, &language::of(&transcript, Some("en")));
        assert!(found[0].is_cut && found.iter().all(|s| s.words <= 40), "{found:?}");
    }

    #[test]
    fn a_quotation_without_end_hides_no_full_stop() {
        let mut lines = vec!["a> She said: \"It is warm and they left."];
        lines.extend(["a> The oven was cold, so we lit it at six, and it burned well."; 12]);
        let transcript = transcript(&lines);
        let found = split(&transcript, &language::of(&transcript, Some("en")));
        assert!(found.iter().all(|s| s.text.ends_with('.') && !s.is_cut), "{found:?}");
    }

    #[test]
    fn cues_without_words_are_in_no_sentence() {
        check(&["...", "♪", "\0"], &[]);
        check(&[], &[]);
    }

    #[test]
    fn a_cue_without_end_is_read_in_parts() {
        let text = "word ".repeat(100_000);
        let transcript = transcript(&[text.trim()]);
        let found = split(&transcript, &language::of(&transcript, Some("en")));
        assert_eq!(found.iter().map(|s| s.words).sum::<usize>(), 100_000);
        let text = "é".repeat(100_000);
        let transcript = self::transcript(&[&text]);
        assert!(!split(&transcript, &language::of(&transcript, Some("en"))).is_empty());
    }
}
