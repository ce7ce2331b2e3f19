//! Claims about ends that are guessed, measured on talk whose ends are known.

use std::collections::BTreeSet;

use super::passages::PASSAGES;
use crate::domain::transcript::{Cue, Transcript};
use crate::outline::{language, sentences};

/// Talk as captions show it, and after which of its words a sentence ends.
struct Captions {
    transcript: Transcript,
    ends: BTreeSet<usize>,
    words: usize,
}

/// Strips marks and capitals and cuts the words into cues of six to eight. Three of four sentences
/// end with a pause of 300 to 900 ms, a third of the commas with one of 200 to 400 ms; `breathing`
/// captions also begin a new cue where the speaker pauses, others show only pauses between cues.
fn captions(text: &str, breathing: bool) -> Captions {
    let mut out = Captions { transcript: Transcript::default(), ends: BTreeSet::new(), words: 0 };
    let mut chance: u64 = 17;
    let mut next = |below: u64| {
        chance =
            chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % below
    };
    let (mut at_ms, mut room, mut paused) = (0, 0, true);
    let mut before_ms = 0;
    for (index, token) in text.split_whitespace().enumerate() {
        let word: String = token.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        if room == 0 || (breathing && paused) {
            room = 6 + next(3);
            out.transcript.cues.push(Cue { start_ms: at_ms, ..Cue::default() });
        }
        room -= 1;
        before_ms = at_ms + 280 + next(80);
        if let Some(cue) = out.transcript.cues.last_mut() {
            if !cue.text.is_empty() {
                cue.text.push(' ');
            }
            cue.text.push_str(&word);
            cue.end_ms = before_ms;
        }
        let ends = token.ends_with(['.', '?', '!']);
        let pause_ms = match (ends, token.ends_with(',')) {
            (true, _) if next(4) > 0 => 300 + next(600),
            (_, true) if next(3) == 0 => 200 + next(200),
            _ => 0,
        };
        paused = pause_ms > 0;
        at_ms = before_ms + pause_ms;
        if ends {
            out.ends.insert(index);
        }
        out.words = index + 1;
    }
    assert!(before_ms > 0);
    out
}

/// Counts of ends: found and real, found, real.
type Counts = (usize, usize, usize);

fn f1((hits, found, real): Counts) -> f32 {
    2.0 * hits as f32 / (found + real) as f32
}

/// The ends inside a talk, without the last, that a rule finds, beside the real ones.
fn counts(captions: &Captions, rule: impl Fn(&Captions) -> Vec<usize>) -> Counts {
    let last = captions.words - 1;
    let found: BTreeSet<usize> = rule(captions).into_iter().filter(|at| *at < last).collect();
    (found.intersection(&captions.ends).count(), found.len(), captions.ends.len() - 1)
}

fn guessed(captions: &Captions, code: &str) -> Vec<usize> {
    let language = language::of(&captions.transcript, Some(code));
    let mut words = 0;
    let split = sentences::split(&captions.transcript, &language);
    let ends = split.iter().map(|sentence| {
        words += sentence.text.split(' ').count();
        words - 1
    });
    ends.collect()
}

/// The plain rule that stood here before: a pause of 700 ms after nine words, else 22 words at the
/// end of a cue.
fn plain(captions: &Captions) -> Vec<usize> {
    let cues = &captions.transcript.cues;
    let (mut out, mut words, mut since) = (Vec::new(), 0, 0);
    for (at, cue) in cues.iter().enumerate() {
        let pause = at > 0 && cue.start_ms - cues[at - 1].end_ms >= 700;
        if since >= 22 || (pause && since >= 9) {
            out.push(words - 1);
            since = 0;
        }
        let count = cue.text.split(' ').count();
        words += count;
        since += count;
    }
    out
}

#[track_caller]
fn check(code: Option<&str>, breathing: bool, f1_min: f32, gain_min: f32) {
    let (mut new, mut old) = ((0, 0, 0), (0, 0, 0));
    for (language, text) in PASSAGES.iter().filter(|(l, _)| code.is_none_or(|code| code == *l)) {
        let captions = captions(text, breathing);
        let add = |sum: &mut Counts, one: Counts| {
            *sum = (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2);
        };
        add(&mut new, counts(&captions, |captions| guessed(captions, language)));
        add(&mut old, counts(&captions, plain));
    }
    let share = |a: usize, b: usize| a as f32 / b.max(1) as f32;
    println!(
        "{} breathing {breathing}: precision {:.2} recall {:.2} F1 {:.2}; plain rule F1 {:.2}",
        code.unwrap_or("all"),
        share(new.0, new.1),
        share(new.0, new.2),
        f1(new),
        f1(old)
    );
    assert!(f1(new) >= f1_min, "{:.3}", f1(new));
    assert!(f1(new) > f1(old) + gain_min, "{:.3} {:.3}", f1(new), f1(old));
}

#[test]
fn ends_are_found_where_captions_break_at_pauses() {
    check(None, true, 0.70, 0.30);
    for code in ["en", "de", "es", "fr", "pt", "it"] {
        check(Some(code), true, 0.60, 0.20);
    }
}

#[test]
fn ends_are_found_where_captions_break_by_length_alone() {
    check(None, false, 0.45, 0.30);
    for code in ["en", "de", "es", "fr", "pt", "it"] {
        check(Some(code), false, 0.35, 0.12);
    }
}
