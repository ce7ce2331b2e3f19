//! The loop of a worker process that turns speech into text with whisper.cpp. It runs in a process of
//! its own, which the daemon starts from its own binary: C++ ends a process where a file is damaged, and
//! a process that ends gives its memory back and is cancelled by killing it.
//!
//! Nothing of Recap is known here, and nothing is kept. What the two sides say to each other stands at
//! [`work`]; the other side is `src/models/whisper.rs`.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState,
    get_lang_id, get_lang_str,
};

/// Longest order in bytes; a real one has a few hundred.
const ORDER_BYTES_MAX: u32 = 64 * 1024;

/// Most samples of a piece: eleven minutes at 16 kHz, a little more than what is sent.
const SAMPLES_MAX: u32 = 11 * 60 * 16_000;

/// Fewest samples that whisper.cpp hears; shorter pieces are filled up with silence.
const SAMPLES_MIN: usize = 16_000 + 1_600;

/// What the daemon asks of a piece.
#[derive(Deserialize)]
struct Order {
    /// Samples that follow.
    samples: u32,
    /// Two letters, where the language is known.
    language: Option<String>,
    /// Names and words that are likely to be said.
    words: String,
    /// Whether what was heard within the piece helps with what comes.
    carry: bool,
}

/// What is answered, a line each.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer<'a> {
    /// The weights are loaded.
    Ready { multilingual: bool },
    /// A few words.
    Segment { start_ms: i64, end_ms: i64, text: &'a str },
    /// The piece is heard.
    Done { language: Option<&'static str> },
    /// The piece could not be heard; the next may be.
    Failed { why: String },
}

/// Loads the weights, and hears pieces until `input` ends.
///
/// Each piece comes as: the length of the order (four bytes, little-endian), the order (JSON:
/// `samples`, `language`, `words`, `carry`), then the samples (16-bit, little-endian, 16 kHz, mono).
/// Answered are lines of JSON: once `{"ready": {"multilingual"}}`; for each piece any number of
/// `{"segment": {"start_ms", "end_ms", "text"}}` and one `{"done": {"language"}}` or `{"failed": {"why"}}`.
///
/// # Errors
/// In words: weights that cannot be loaded, and an order that makes no sense.
pub fn work(
    weights: &Path,
    threads: usize,
    input: &mut dyn Read,
    output: &mut dyn Write,
) -> Result<(), String> {
    // Otherwise whisper.cpp tells everything about itself on standard error.
    whisper_rs::install_logging_hooks();
    let context = WhisperContext::new_with_params(weights, WhisperContextParameters::default())
        .map_err(|error| format!("the weights could not be loaded ({error})"))?;
    let mut state = context
        .create_state()
        .map_err(|error| format!("there is not enough memory for these weights ({error})"))?;
    let multilingual = context.is_multilingual();
    say(output, &Answer::Ready { multilingual })?;
    while let Some((order, samples)) = next_piece(input)? {
        match hear(&mut state, &order, &samples, threads, multilingual) {
            Ok(()) => tell(&state, multilingual, output)?,
            Err(why) => say(output, &Answer::Failed { why })?,
        }
    }
    Ok(())
}

/// The next piece; `None` at the end of the input.
fn next_piece(input: &mut dyn Read) -> Result<Option<(Order, Vec<f32>)>, String> {
    let broken = |error: std::io::Error| format!("the piece did not come whole ({error})");
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other.map_err(broken)?,
    }
    let length = u32::from_le_bytes(length);
    if length > ORDER_BYTES_MAX {
        return Err(format!("an order of {length} bytes came"));
    }
    let mut order = vec![0; length as usize];
    input.read_exact(&mut order).map_err(broken)?;
    let order: Order =
        serde_json::from_slice(&order).map_err(|error| format!("the order is wrong ({error})"))?;
    if order.samples > SAMPLES_MAX {
        return Err(format!("a piece of {} samples came", order.samples));
    }
    let mut bytes = vec![0; order.samples as usize * 2];
    input.read_exact(&mut bytes).map_err(broken)?;
    let mut samples: Vec<f32> = bytes
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
        .collect();
    samples.resize(samples.len().max(SAMPLES_MIN), 0.0);
    Ok(Some((order, samples)))
}

fn hear(
    state: &mut WhisperState,
    order: &Order,
    samples: &[f32],
    threads: usize,
    multilingual: bool,
) -> Result<(), String> {
    let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    params.set_n_threads(i32::try_from(threads).unwrap_or(1));
    // A wrong language does not fail, it translates: where it is not known, it is detected.
    let language = match &order.language {
        _ if !multilingual => "en",
        Some(language) if number_of(language).is_some() => language,
        _ => "auto",
    };
    params.set_language(Some(language));
    params.set_translate(false);
    // Nothing of the piece before: a piece that went wrong would draw the next one with it.
    params.set_no_context(true);
    if !order.carry {
        params.set_n_max_text_ctx(0);
    }
    let words = order.words.replace('\0', " ");
    if order.carry && !words.trim().is_empty() {
        params.set_initial_prompt(&words);
    }
    params.set_print_special(false);
    params.set_print_progress(false);
    params.set_print_realtime(false);
    params.set_print_timestamps(false);
    state.full(params, samples).map_err(|error| format!("whisper.cpp failed ({error})"))
}

/// The number of a language; asked only for what can be one, since C reads it to its end.
fn number_of(language: &str) -> Option<i32> {
    let fits = (2..=3).contains(&language.len())
        && language.chars().all(|letter| letter.is_ascii_lowercase());
    fits.then(|| get_lang_id(language)).flatten()
}

fn tell(state: &WhisperState, multilingual: bool, output: &mut dyn Write) -> Result<(), String> {
    for segment in state.as_iter() {
        // Letters may be cut in the middle at the edge of a segment.
        let Ok(text) = segment.to_str_lossy() else { continue };
        // In hundredths of a second.
        let (start_ms, end_ms) = (segment.start_timestamp() * 10, segment.end_timestamp() * 10);
        say(output, &Answer::Segment { start_ms, end_ms, text: text.trim() })?;
    }
    let language = multilingual.then(|| get_lang_str(state.full_lang_id_from_state())).flatten();
    say(output, &Answer::Done { language })
}

fn say(output: &mut dyn Write, answer: &Answer<'_>) -> Result<(), String> {
    let mut line = serde_json::to_vec(answer).map_err(|error| error.to_string())?;
    line.push(b'\n');
    output
        .write_all(&line)
        .and_then(|()| output.flush())
        .map_err(|error| format!("nobody listens any more ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(order: &str, samples: &[i16]) -> Vec<u8> {
        let mut bytes = u32::try_from(order.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend_from_slice(order.as_bytes());
        samples.iter().for_each(|sample| bytes.extend_from_slice(&sample.to_le_bytes()));
        bytes
    }

    const ORDER: &str = r#"{"samples": 2, "language": null, "words": "", "carry": true}"#;

    #[test]
    fn a_piece_is_read_as_it_was_framed_and_filled_up() {
        let bytes = framed(ORDER, &[16_384, -32_768]);
        let mut input = &bytes[..];
        let (order, samples) = next_piece(&mut input).unwrap().unwrap();
        assert_eq!((order.samples, samples.len()), (2, SAMPLES_MIN));
        assert_eq!(samples[..3], [0.5, -1.0, 0.0]);
        assert!(next_piece(&mut input).unwrap().is_none(), "the end of the input ends the work");
    }

    #[test]
    fn what_is_framed_wrongly_ends_the_work_with_words() {
        let many = ORDER.replace('2', &(SAMPLES_MAX + 1).to_string());
        for (bytes, said) in [
            (framed(ORDER, &[1]), "did not come whole"),
            (framed("{}", &[]), "the order is wrong"),
            (framed(&many, &[]), "samples came"),
            (u32::MAX.to_le_bytes().to_vec(), "bytes came"),
            (vec![9, 0, 0, 0, b'{'], "did not come whole"),
        ] {
            let error = next_piece(&mut &bytes[..]).err().unwrap();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_no_weights_is_told() {
        let error =
            work(Path::new("/no/such/file"), 1, &mut &b""[..], &mut Vec::new()).unwrap_err();
        assert!(error.contains("could not be loaded"), "{error}");
    }

    #[test]
    fn only_what_can_be_a_language_is_asked_for() {
        assert!(number_of("de").is_some());
        for wrong in ["", "x", "DE", "d\0", "english", "qq"] {
            assert!(number_of(wrong).is_none(), "{wrong}");
        }
    }
}
