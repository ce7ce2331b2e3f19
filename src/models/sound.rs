//! Sound on its way to a server, and times on their way back: a WAV file, the check of what a server
//! says of times, and times made up by the length of text where it says none.

use bytes::Bytes;

use super::call::Line;
use super::speech::{Piece, SAMPLE_RATE, Segment};
use super::{ModelError, ModelFault};
use crate::domain::transcript::Times;
use crate::net::Field;

/// Letters of a made-up segment at most: two lines of captions.
const SEGMENT_LETTERS_MAX: usize = 120;
/// What a server's times may lie behind the end of a piece, in milliseconds: engines hear in windows
/// of up to 30 seconds and round up, and more is another clock.
const BEYOND_MS_MAX: u64 = 2_000;

/// A segment as a server sent it, before it is believed.
#[derive(Clone, Debug, Default)]
pub(super) struct Stamped {
    pub(super) start_secs: Option<f64>,
    pub(super) end_secs: Option<f64>,
    pub(super) text: String,
    pub(super) speaker: Option<String>,
}

/// A part of a form that is text.
pub(super) fn field(name: &'static str, text: impl Into<String>) -> Field {
    Field { name, file: None, bytes: Bytes::from(text.into()) }
}

/// The part of a form that is the sound.
pub(super) fn file(wav: Bytes) -> Field {
    Field { name: "file", file: Some(("piece.wav", "audio/wav")), bytes: wav }
}

/// A piece as a WAV file: 16 bits, mono. Every server reads it.
pub(super) fn wav(piece: &Piece) -> Bytes {
    let data = u32::try_from(piece.samples.len() * 2).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(44 + piece.samples.len() * 2);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&data.saturating_add(36).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16_u32.to_le_bytes());
    // PCM, one channel.
    bytes.extend_from_slice(&1_u16.to_le_bytes());
    bytes.extend_from_slice(&1_u16.to_le_bytes());
    bytes.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    bytes.extend_from_slice(&(SAMPLE_RATE * 2).to_le_bytes());
    // Bytes of a frame, bits of a sample.
    bytes.extend_from_slice(&2_u16.to_le_bytes());
    bytes.extend_from_slice(&16_u16.to_le_bytes());
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&data.to_le_bytes());
    for sample in piece.samples.iter() {
        bytes.extend_from_slice(&sample.to_le_bytes());
    }
    bytes.into()
}

/// Refuses a piece that is longer than the server takes.
pub(super) fn fits(line: &Line, piece: &Piece) -> Result<(), ModelError> {
    let (length, most) = (piece.duration_ms(), line.instance.piece_ms_max());
    if length <= most {
        return Ok(());
    }
    let what = format!("takes {} seconds of sound at once, not {}", most / 1_000, length / 1_000);
    Err(line.fault(ModelFault::TooLong, &what, "Cut the sound into shorter pieces."))
}

/// Segments with times that can be believed; otherwise with times made up over the whole piece.
pub(super) fn settle(stamped: Vec<Stamped>, whole: &str, piece_ms: u64) -> (Vec<Segment>, Times) {
    let said = |segment: &&Stamped| !segment.text.trim().is_empty();
    let spoken: Vec<&Stamped> = stamped.iter().filter(said).collect();
    if spoken.is_empty() {
        return (spread(&pieces_of(whole), piece_ms), Times::About);
    }
    match believed(&spoken, piece_ms) {
        Some(segments) => (segments, Times::Exact),
        None => {
            let texts: Vec<(String, Option<String>)> = spoken
                .iter()
                .map(|segment| (single_spaced(&segment.text), segment.speaker.clone()))
                .collect();
            (spread(&texts, piece_ms), Times::About)
        }
    }
}

/// The segments as they are, where their times run forward within the piece.
fn believed(stamped: &[&Stamped], piece_ms: u64) -> Option<Vec<Segment>> {
    let mut out: Vec<Segment> = Vec::with_capacity(stamped.len());
    for segment in stamped {
        let start_ms = millis(segment.start_secs?)?;
        let end_ms = millis(segment.end_secs.or(segment.start_secs)?)?;
        let before = out.last().map_or(0, |last| last.start_ms);
        if start_ms < before || end_ms < start_ms || end_ms > piece_ms + BEYOND_MS_MAX {
            return None;
        }
        out.push(Segment {
            start_ms: start_ms.min(piece_ms),
            end_ms: end_ms.min(piece_ms),
            text: single_spaced(&segment.text),
            speaker: segment.speaker.clone(),
        });
    }
    // Several in one and the same moment: nobody measured anything.
    let is_flat = out.len() > 1 && out.iter().all(|s| s.start_ms == out[0].start_ms);
    (!is_flat).then_some(out)
}

fn millis(secs: f64) -> Option<u64> {
    // Nothing that is heard here is longer than a day.
    (0.0..=86_400.0).contains(&secs).then(|| (secs * 1_000.0).round() as u64)
}

/// Text cut at the ends of sentences, else of words, into pieces of a caption's length.
fn pieces_of(text: &str) -> Vec<(String, Option<String>)> {
    let mut out: Vec<String> = Vec::new();
    let mut piece = String::new();
    for word in text.split_whitespace() {
        if !piece.is_empty() && piece.len() + 1 + word.len() > SEGMENT_LETTERS_MAX {
            out.push(std::mem::take(&mut piece));
        }
        if !piece.is_empty() {
            piece.push(' ');
        }
        piece.push_str(word);
        if word.ends_with(['.', '?', '!', '。', '？', '！', '…']) {
            out.push(std::mem::take(&mut piece));
        }
    }
    if !piece.is_empty() {
        out.push(piece);
    }
    out.into_iter().map(|text| (text, None)).collect()
}

/// Lays texts over a piece, each as long as its share of the letters.
fn spread(texts: &[(String, Option<String>)], piece_ms: u64) -> Vec<Segment> {
    let letters = |text: &str| text.chars().count() as u64;
    let sum: u64 = texts.iter().map(|(text, _)| letters(text)).sum();
    let mut before = 0;
    texts
        .iter()
        .filter(|(text, _)| !text.is_empty())
        .map(|(text, speaker)| {
            let at = |letters: u64| piece_ms * letters / sum.max(1);
            let start_ms = at(before);
            before += letters(text);
            Segment { start_ms, end_ms: at(before), text: text.clone(), speaker: speaker.clone() }
        })
        .collect()
}

fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The tag of a language that a server names by a tag or by its English name.
pub(super) fn language_tag(said: &str) -> Option<String> {
    let said = said.trim().to_ascii_lowercase();
    let is_tag = (2..=3).contains(&said.split('-').next().unwrap_or_default().len())
        && said.len() <= 12
        && said.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_tag {
        return Some(said);
    }
    let found = LANGUAGES.iter().find(|(name, _)| *name == said);
    found.map(|(_, tag)| (*tag).to_owned())
}

/// Languages by their English names, as recognisers of the Whisper family name what they detected.
const LANGUAGES: [(&str, &str); 58] = [
    ("afrikaans", "af"),
    ("arabic", "ar"),
    ("armenian", "hy"),
    ("azerbaijani", "az"),
    ("belarusian", "be"),
    ("bengali", "bn"),
    ("bosnian", "bs"),
    ("bulgarian", "bg"),
    ("catalan", "ca"),
    ("chinese", "zh"),
    ("croatian", "hr"),
    ("czech", "cs"),
    ("danish", "da"),
    ("dutch", "nl"),
    ("english", "en"),
    ("estonian", "et"),
    ("finnish", "fi"),
    ("french", "fr"),
    ("galician", "gl"),
    ("german", "de"),
    ("greek", "el"),
    ("hebrew", "he"),
    ("hindi", "hi"),
    ("hungarian", "hu"),
    ("icelandic", "is"),
    ("indonesian", "id"),
    ("italian", "it"),
    ("japanese", "ja"),
    ("kannada", "kn"),
    ("kazakh", "kk"),
    ("korean", "ko"),
    ("latvian", "lv"),
    ("lithuanian", "lt"),
    ("macedonian", "mk"),
    ("malay", "ms"),
    ("marathi", "mr"),
    ("maori", "mi"),
    ("nepali", "ne"),
    ("norwegian", "no"),
    ("persian", "fa"),
    ("polish", "pl"),
    ("portuguese", "pt"),
    ("romanian", "ro"),
    ("russian", "ru"),
    ("serbian", "sr"),
    ("slovak", "sk"),
    ("slovenian", "sl"),
    ("spanish", "es"),
    ("swahili", "sw"),
    ("swedish", "sv"),
    ("tagalog", "tl"),
    ("tamil", "ta"),
    ("thai", "th"),
    ("turkish", "tr"),
    ("ukrainian", "uk"),
    ("urdu", "ur"),
    ("vietnamese", "vi"),
    ("welsh", "cy"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(start: f64, end: f64, text: &str) -> Stamped {
        Stamped {
            start_secs: Some(start),
            end_secs: Some(end),
            text: text.to_owned(),
            speaker: None,
        }
    }

    #[test]
    fn times_that_run_forward_are_believed_and_all_others_are_made_up() {
        #[track_caller]
        fn check(stamped: Vec<Stamped>, times: Times, want: &[(u64, u64)]) {
            let (segments, got) = settle(stamped, "", 10_000);
            let spans: Vec<(u64, u64)> = segments.iter().map(|s| (s.start_ms, s.end_ms)).collect();
            assert_eq!((got, spans.as_slice()), (times, want));
        }
        let good = vec![stamped(0.0, 4.0, " one "), stamped(4.0, 11.0, "two")];
        check(good, Times::Exact, &[(0, 4_000), (4_000, 10_000)]);
        let made_up = &[(0, 5_000), (5_000, 10_000)];
        for (a, b) in [
            ((0.0, 4.0), (4.0, 12.1)),
            ((5.0, 6.0), (4.0, 7.0)),
            ((5.0, 4.0), (6.0, 7.0)),
            ((-1.0, 4.0), (6.0, 7.0)),
            ((f64::NAN, 4.0), (6.0, 7.0)),
            ((0.0, f64::INFINITY), (6.0, 7.0)),
            ((0.0, 0.0), (0.0, 0.0)),
        ] {
            let both = vec![stamped(a.0, a.1, "one"), stamped(b.0, b.1, "two")];
            check(both, Times::About, made_up);
        }
        let without = Stamped { text: "one".to_owned(), ..Stamped::default() };
        check(vec![without], Times::About, &[(0, 10_000)]);
        check(vec![stamped(0.0, 1.0, "  ")], Times::About, &[]);
    }

    #[test]
    fn bare_text_is_laid_over_the_piece_by_its_length() {
        let (segments, times) = settle(Vec::new(), "Ab cd. Efg hi jk lm.", 9_500);
        let spans: Vec<_> =
            segments.iter().map(|s| (s.start_ms, s.end_ms, s.text.as_str())).collect();
        assert_eq!(spans, [(0, 3_000, "Ab cd."), (3_000, 9_500, "Efg hi jk lm.")]);
        assert_eq!(times, Times::About);
        let long = "word ".repeat(100);
        let (segments, _) = settle(Vec::new(), &long, 60_000);
        assert!(segments.len() == 5 && segments.iter().all(|s| s.text.len() <= 120));
        assert!(settle(Vec::new(), " \n ", 60_000).0.is_empty());
    }

    #[test]
    fn a_wav_file_has_its_head_and_every_sample() {
        let piece = Piece { samples: vec![1, -2, 3].into(), start_ms: 0 };
        let bytes = wav(&piece);
        assert_eq!(bytes.len(), 50);
        assert_eq!(&bytes[..4], b"RIFF");
        assert_eq!(bytes[4..8], 42_u32.to_le_bytes());
        assert_eq!(bytes[24..28], 16_000_u32.to_le_bytes());
        assert_eq!(bytes[40..44], 6_u32.to_le_bytes());
        assert_eq!(&bytes[44..], &[1, 0, 254, 255, 3, 0]);
    }

    #[test]
    fn languages_are_known_by_tag_and_name() {
        for (said, tag) in [
            ("english", Some("en")),
            ("German", Some("de")),
            ("pt-BR", Some("pt-br")),
            ("xx yy", None),
            ("", None),
        ] {
            assert_eq!(language_tag(said).as_deref(), tag, "{said}");
        }
    }
}
