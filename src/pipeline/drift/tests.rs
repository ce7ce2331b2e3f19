//! Transcripts against sound with more or less in it.

use proptest::prelude::*;

use super::*;
use crate::domain::transcript::Cue;
use crate::models::speech::Segment;

/// A talk of half an hour in cues of four seconds, each with two words of its own among common
/// ones.
fn talk() -> Transcript {
    let word = |n: u64| -> String {
        let letters = "bdfgklmnprstvz";
        let at = |n: u64| letters.as_bytes()[(n % 14) as usize] as char;
        format!("{}a{}e{}o", at(n), at(n / 14), at(n / 196))
    };
    let cue = |n: u64| Cue {
        start_ms: n * 4_000,
        end_ms: n * 4_000 + 3_800,
        speaker: None,
        text: format!("and then there is {} with the {}", word(2 * n), word(2 * n + 1)),
    };
    Transcript { cues: (0..450).map(cue).collect(), ..Transcript::default() }
}

/// What a recogniser hears at two times, where the sound has so much more in it from the middle on.
fn heard(transcript: &Transcript, inserted_ms: i64) -> Vec<Window> {
    [600_000, 1_200_000]
        .map(|start_ms: u64| {
            let segments = transcript.cues.iter().filter_map(|cue| {
                let shift = if cue.start_ms > 700_000 { inserted_ms } else { 0 };
                let start = (cue.start_ms as i64 + shift).checked_sub(start_ms as i64)?;
                (0..27_000).contains(&start).then(|| Segment {
                    start_ms: start as u64,
                    end_ms: start as u64 + 3_500,
                    text: cue.text.to_uppercase(),
                    speaker: None,
                })
            });
            let heard = HeardPiece { segments: segments.collect(), ..HeardPiece::default() };
            Window { start_ms, heard }
        })
        .into()
}

#[track_caller]
fn check(inserted_ms: i64, want_off_s: Option<i64>) {
    let talk = talk();
    let off_s = match drift(&talk, &heard(&talk, inserted_ms)) {
        Drift::Off { at_ms, by_ms } => {
            assert_eq!(at_ms, 1_200_000);
            Some((by_ms as f64 / 1_000.0).round() as i64)
        }
        Drift::None => None,
        Drift::Unknown => panic!("nothing was found"),
    };
    assert_eq!(off_s, want_off_s, "{inserted_ms} ms inserted");
}

#[test]
fn an_inserted_advertisement_is_noticed_and_two_seconds_are_not() {
    check(60_000, Some(-60));
    check(-60_000, Some(60));
    check(400_000, Some(-400));
    check(6_000, Some(-6));
    check(4_000, None);
    check(2_000, None);
    check(-2_000, None);
    check(0, None);
}

#[test]
fn words_that_do_not_occur_say_nothing() {
    let talk = talk();
    let mut windows = heard(&talk, 60_000);
    for segment in windows.iter_mut().flat_map(|window| &mut window.heard.segments) {
        segment.text = "nothing whatever stands anywhere here".to_owned();
    }
    assert_eq!(drift(&talk, &windows), Drift::Unknown);
    assert_eq!(drift(&talk, &[]), Drift::Unknown);
    assert_eq!(drift(&Transcript::default(), &heard(&talk, 60_000)), Drift::Unknown);
    // Within twenty minutes and more there is nothing to look for.
    assert_eq!(drift(&talk, &heard(&talk, 1_000_000)[1..]), Drift::Unknown);
}

#[test]
fn lengths_that_do_not_fit_are_suspicious() {
    let talk = talk();
    let end = talk.duration_ms();
    let check = |sound_ms: Option<u64>, want: Lengths| assert_eq!(lengths(&talk, sound_ms), want);
    check(None, Lengths::Fit);
    check(Some(0), Lengths::Fit);
    check(Some(end), Lengths::Fit);
    check(Some(end - LONGER_MS_MAX), Lengths::Fit);
    check(Some(end - LONGER_MS_MAX - 1), Lengths::Longer(LONGER_MS_MAX + 1));
    check(Some(end + SHORTER_MS_MAX), Lengths::Fit);
    check(Some(end + SHORTER_MS_MAX + 1), Lengths::Shorter(SHORTER_MS_MAX + 1));
    let about = Transcript { times: Times::About, ..talk.clone() };
    assert_eq!(lengths(&about, Some(end - 60_000)), Lengths::Fit);
    // Of two hours a twentieth is six minutes.
    let mut long = talk.clone();
    long.cues.last_mut().unwrap().end_ms = 114 * 60_000;
    assert_eq!(lengths(&long, Some(120 * 60_000)), Lengths::Fit);
    assert_eq!(lengths(&long, Some(121 * 60_000)), Lengths::Shorter(7 * 60_000));
}

#[test]
fn windows_are_cut_where_they_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    // A file of 90 s whose samples count the seconds.
    let samples: Vec<u8> =
        (0..90 * 16_000_u32).flat_map(|at| ((at / 16_000) as i16).to_le_bytes()).collect();
    let size = samples.len() as u32;
    let mut wav = Vec::new();
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + size).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data");
    wav.extend_from_slice(&size.to_le_bytes());
    wav.extend_from_slice(&samples);
    std::fs::write(&path, wav).unwrap();
    let pieces = windows(&path, None, 24, &[10_000, 70_000]).unwrap();
    let seen: Vec<(u64, u64)> =
        pieces.iter().map(|piece| (piece.start_ms, piece.duration_ms())).collect();
    assert_eq!(seen, [(10_000, 30_000), (70_000, 20_000)]);
    assert_eq!(pieces[0].samples[8_000], 10);
    assert_eq!(pieces[1].samples[8_000], 70);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_times_and_words_are_borne(
        cues in prop::collection::vec((any::<u64>(), any::<u64>(), "\\PC{0,40}"), 0..20),
        start_ms: u64,
    ) {
        let mut transcript = Transcript::default();
        let mut window = Window { start_ms, heard: HeardPiece::default() };
        for (start_ms, end_ms, text) in cues {
            let segment = Segment { start_ms, end_ms, text: text.clone(), speaker: None };
            window.heard.segments.push(segment);
            transcript.cues.push(Cue { start_ms, end_ms, speaker: None, text });
        }
        drift(&transcript, &[window]);
        lengths(&transcript, Some(start_ms));
    }
}
