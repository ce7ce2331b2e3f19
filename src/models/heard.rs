//! What an engine says that it heard, made fit to be kept: engines invent words in silence, fall into
//! repeating themselves, name sounds in brackets, and know the edges of their segments only roughly.
//! Pure; the same for the engine on this machine and for servers.

use std::ops::Range;

use crate::audio::gate;

use super::speech::{Piece, Segment, Span};

/// Segments in a row that say the same from which on it is a loop.
const SAME_MIN: usize = 3;

/// Longest round of segments that is looked for in a loop: *a b a b a b*.
const ROUND_MAX: usize = 4;

/// Times that a word is said in a row from which on it is a loop: people do say *no, no, no, no*.
const WORD_TIMES_MIN: usize = 7;

/// Times that several words are.
const PHRASE_TIMES_MIN: usize = 4;

/// Longest phrase that is looked for within a segment, in words.
const PHRASE_WORDS_MAX: usize = 12;

/// How far from speech a segment may lie and still be believed, in milliseconds: the gate misses what
/// is very soft.
const SPEECH_NEAR_MS: u64 = 500;

/// How far an edge is moved at most, in milliseconds: by more, it is not an edge that is wrong.
const EDGE_MS_MAX: u64 = 6_000;

/// Most letters of one segment; engines make some hundred.
const LETTERS_MAX: usize = 4_000;

/// What stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    /// In order of time, none past the end of the piece, none empty.
    pub segments: Vec<Segment>,
    /// Where the engine only repeated itself.
    pub loops: Vec<Span>,
}

/// Makes what an engine heard in a piece fit to be kept.
pub fn settle(piece: &Piece, heard: Vec<Segment>) -> Settled {
    let duration_ms = piece.duration_ms();
    let mut segments: Vec<Segment> = heard
        .into_iter()
        .filter(|segment| segment.start_ms < duration_ms)
        .map(|segment| Segment {
            end_ms: segment.end_ms.clamp(segment.start_ms, duration_ms),
            text: cleaned(&segment.text),
            ..segment
        })
        .filter(|segment| is_said(&segment.text))
        .collect();
    segments.sort_by_key(|segment| segment.start_ms);
    let mut loops = Vec::new();
    let mut segments = without_rounds(segments, &mut loops);
    for segment in &mut segments {
        if let Some(text) = without_repeats(&segment.text) {
            segment.text = text;
            loops.push(Span { start_ms: segment.start_ms, end_ms: segment.end_ms });
        }
    }
    let any = gate::speech(&piece.samples, gate::Care::Any);
    let clear = gate::speech(&piece.samples, gate::Care::Clear);
    segments.retain_mut(|segment| {
        trim(segment, &clear);
        is_near(segment, &any)
    });
    for at in 1..segments.len() {
        // Two that say the same time for both: the second begins where the first ends.
        let end_ms = segments[at - 1].end_ms.min(segments[at].end_ms);
        if segments[at].speaker == segments[at - 1].speaker {
            segments[at].start_ms = segments[at].start_ms.max(end_ms);
        }
    }
    loops.sort_by_key(|span| span.start_ms);
    Settled { segments, loops }
}

/// Without control characters and doubled spaces, and not endless.
fn cleaned(text: &str) -> String {
    let spaced: String =
        text.chars().take(LETTERS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a text is words, and not the name of a sound: `[BLANK_AUDIO]`, `(wind howling)`, `*sighs*`, `♪`.
fn is_said(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut starred = false;
    for letter in text.chars() {
        match letter {
            '[' | '(' | '【' | '（' => depth += 1,
            ']' | ')' | '】' | '）' => depth = depth.saturating_sub(1),
            '*' => starred = !starred,
            _ if depth == 0 && !starred && letter.is_alphanumeric() => return !is_sung(text),
            _ => {}
        }
    }
    false
}

/// Whether a text is wholly between signs of music.
fn is_sung(text: &str) -> bool {
    let is_sign = |c: char| matches!(c, '♪' | '♫' | '♬' | '♩' | '🎵' | '🎶');
    text.starts_with(is_sign) && text.ends_with(is_sign)
}

/// What of a text decides whether two say the same.
fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Of segments that say the same over and over, the first round.
fn without_rounds(segments: Vec<Segment>, loops: &mut Vec<Span>) -> Vec<Segment> {
    let texts: Vec<String> = segments.iter().map(|segment| folded(&segment.text)).collect();
    let mut kept = Vec::with_capacity(segments.len());
    let mut at = 0;
    while at < segments.len() {
        let repeated = (1..=ROUND_MAX).find_map(|round| {
            let length = repeated(&texts[at..], round);
            (length >= round * SAME_MIN).then_some((round, length))
        });
        let (round, length) = repeated.unwrap_or((1, 1));
        kept.extend_from_slice(&segments[at..at + round]);
        if length > round {
            let end_ms = segments[at + length - 1].end_ms;
            loops.push(Span { start_ms: segments[at].start_ms, end_ms });
        }
        at += length;
    }
    kept
}

/// How many items at the beginning repeat the first `round`, in whole rounds and at least one.
fn repeated<T: PartialEq>(items: &[T], round: usize) -> usize {
    if items.len() < round {
        return 0;
    }
    let same = (round..items.len()).take_while(|at| items[*at] == items[at - round]).count();
    round + same / round * round
}

/// A text with each loop of words in it cut to one copy; `None` where there is none.
fn without_repeats(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let folds: Vec<String> = words.iter().map(|word| folded(word)).collect();
    let mut kept = Vec::with_capacity(words.len());
    let mut found = false;
    let mut at = 0;
    while at < words.len() {
        let repeated = (1..=PHRASE_WORDS_MAX).find_map(|round| {
            let least = if round == 1 { WORD_TIMES_MIN } else { PHRASE_TIMES_MIN };
            let length = repeated(&folds[at..], round);
            (length >= round * least).then_some((round, length))
        });
        let (round, length) = repeated.unwrap_or((1, 1));
        found |= length > round;
        kept.extend_from_slice(&words[at..at + round]);
        at += length;
    }
    found.then(|| kept.join(" "))
}

/// Whether there is any speech in a segment, or close to it.
fn is_near(segment: &Segment, speech: &[Range<u64>]) -> bool {
    speech.iter().any(|range| {
        range.start < segment.end_ms + SPEECH_NEAR_MS
            && segment.start_ms < range.end + SPEECH_NEAR_MS
    })
}

/// Moves the edges of a segment to the speech in it.
fn trim(segment: &mut Segment, speech: &[Range<u64>]) {
    let (start, end) = (segment.start_ms, segment.end_ms);
    let within = |range: &&Range<u64>| range.start < end && start < range.end;
    let (Some(first), Some(last)) = (speech.iter().find(within), speech.iter().rfind(within))
    else {
        return;
    };
    let (onset, offset) = (first.start.max(start), last.end.min(end));
    if onset - start <= EDGE_MS_MAX {
        segment.start_ms = onset;
    }
    if end - offset <= EDGE_MS_MAX {
        segment.end_ms = offset.max(segment.start_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start_ms: u64, end_ms: u64, text: &str) -> Segment {
        Segment { start_ms, end_ms, text: text.to_owned(), speaker: None }
    }

    /// Thirty seconds, with speech (or something like it) from 2 to 9 and from 12 to 28.
    fn piece() -> Piece {
        let mut state = 1_u64;
        let samples: Vec<i16> = (0..16_000 * 30_u64)
            .map(|at| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let noise = (state >> 40) as f32 / 8_388_608.0 - 1.0;
                let ms = at / 16;
                let spoken = (2_000..9_000).contains(&ms) || (12_000..28_000).contains(&ms);
                let syllable = ((ms % 250) as f32 / 250.0 * std::f32::consts::PI).sin();
                (noise * if spoken { 30.0 + 6_000.0 * syllable } else { 10.0 }) as i16
            })
            .collect();
        Piece { samples: samples.into(), start_ms: 60_000 }
    }

    fn texts(segments: &[Segment]) -> Vec<&str> {
        segments.iter().map(|segment| segment.text.as_str()).collect()
    }

    #[test]
    fn names_of_sounds_are_no_words() {
        for (text, said) in [
            ("[BLANK_AUDIO]", false),
            ("(wind howling)", false),
            ("[Music] (applause)", false),
            ("♪ la la la ♪", false),
            ("♪♪", false),
            ("*sighs*", false),
            ("【音楽】", false),
            ("...", false),
            ("", false),
            ("- -", false),
            ("(laughs) That is it.", true),
            ("He said [sic] so.", true),
            ("Yes.", true),
            ("♪ la la ♪ and now the news", true),
            ("你好", true),
        ] {
            assert_eq!(is_said(text), said, "{text}");
        }
    }

    #[test]
    fn a_loop_of_segments_is_cut_to_one_round_and_marked() {
        let check = |words: &[&str], want: &[&str], marked: usize| {
            let heard = words
                .iter()
                .zip(0_u64..)
                .map(|(text, at)| segment(12_000 + at * 1_000, 13_000 + at * 1_000, text))
                .collect();
            let settled = settle(&piece(), heard);
            assert_eq!(texts(&settled.segments), want, "{words:?}");
            assert_eq!(settled.loops.len(), marked, "{words:?}");
        };
        check(&["Yes.", "Yes."], &["Yes.", "Yes."], 0);
        check(&["Yes.", "yes", "Yes!"], &["Yes."], 1);
        check(&["A", "B", "A", "B"], &["A", "B", "A", "B"], 0);
        check(&["A", "B", "A", "B", "A", "B", "C"], &["A", "B", "C"], 1);
        check(&["X", "A", "A", "A", "Y", "B", "B", "B"], &["X", "A", "Y", "B"], 2);
        check(&["A", "A", "B", "A", "A", "B", "A", "A", "B"], &["A", "A", "B"], 1);
    }

    #[test]
    fn the_mark_of_a_loop_spans_all_of_it() {
        let heard =
            (0..5).map(|at| segment(12_000 + at * 2_000, 14_000 + at * 2_000, "Thanks.")).collect();
        let settled = settle(&piece(), heard);
        assert_eq!(settled.loops, [Span { start_ms: 12_000, end_ms: 22_000 }]);
        assert!(settled.segments[0].end_ms <= 14_000);
    }

    #[test]
    fn words_that_repeat_within_a_segment_are_cut_to_one_copy() {
        for (text, want) in [
            ("No, no, no, no, no, no.", None),
            ("no no no no no no no", Some("no")),
            ("I know. I know. I know.", None),
            (
                "and so I know and I know and I know and I know and then",
                Some("and so I know and then"),
            ),
            ("the cat the cat the cat the cat sat", Some("the cat sat")),
            ("", None),
        ] {
            assert_eq!(without_repeats(text).as_deref(), want, "{text}");
        }
        let settled = settle(&piece(), vec![segment(12_000, 20_000, &"go on ".repeat(50))]);
        assert_eq!((texts(&settled.segments), settled.loops.len()), (vec!["go on"], 1));
    }

    #[test]
    fn edges_are_moved_to_the_speech() {
        let check = |start, end, want: Option<(u64, u64)>| {
            let settled = settle(&piece(), vec![segment(start, end, "Words.")]);
            let got = settled.segments.first().map(|segment| (segment.start_ms, segment.end_ms));
            match (got, want) {
                (Some((a, b)), Some((c, d))) => {
                    assert!(a.abs_diff(c) <= 60 && b.abs_diff(d) <= 60, "{start}..{end}: {got:?}");
                }
                _ => assert_eq!(got.is_some(), want.is_some(), "{start}..{end}: {got:?}"),
            }
        };
        check(0, 11_000, Some((2_000, 9_000)));
        check(3_000, 8_000, Some((3_000, 8_000)));
        check(9_000, 20_000, Some((12_000, 20_000)));
        check(26_000, 40_000, Some((26_000, 28_000)));
        // In the silence nobody speaks, and near its edge one is not sure.
        check(9_700, 11_300, None);
        check(28_700, 30_000, None);
        check(9_200, 9_400, Some((9_200, 9_400)));
        check(30_000, 31_000, None);
        check(u64::MAX - 1, u64::MAX, None);
    }

    #[test]
    fn what_is_out_of_order_and_overlaps_is_put_right() {
        let heard = vec![
            segment(15_000, 18_000, "second"),
            segment(12_000, 16_000, "first"),
            segment(20_000, 19_000, "turned round"),
            segment(21_000, 22_000, "a\u{0}b\n c"),
        ];
        let settled = settle(&piece(), heard);
        assert_eq!(texts(&settled.segments), ["first", "second", "turned round", "a b c"]);
        for pair in settled.segments.windows(2) {
            assert!(pair[0].end_ms <= pair[1].start_ms, "{pair:?}");
        }
        assert!(settled.segments.iter().all(|segment| segment.start_ms <= segment.end_ms));
    }

    #[test]
    fn nothing_is_left_of_what_was_invented_in_silence() {
        let silence = Piece { samples: vec![0; 16_000 * 30].into(), start_ms: 0 };
        let heard = vec![segment(0, 30_000, "Thanks for watching!")];
        assert_eq!(settle(&silence, heard), Settled::default());
    }
}
