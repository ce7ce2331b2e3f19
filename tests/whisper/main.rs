//! The recogniser on this machine with real weights on recorded speech, from a file to words: the binary
//! that was built is its own worker. What it wants is fetched by `tests/whisper/fetch`; where that may
//! not be, each test says so in a sentence.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test ends where something is not as it must be, and finds its folder by a variable"
)]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Instant;

use recap::audio::decode::{Order, decode};
use recap::audio::{Piece, pieces};
use recap::models::speech::{Known, Recogniser, Segment};
use recap::models::whisper::{SLOWNESS_MAX, Setup, Whisper};

/// What the sentence of `two_cities.wav` says: Charles Dickens, 1859.
const TWO_CITIES: &str = "it was the best of times it was the worst of times it was the age of wisdom it was the age of \
    foolishness it was the epoch of belief it was the epoch of incredulity it was the season of light it was the season \
    of darkness it was the spring of hope it was the winter of despair we had everything before us we had nothing before \
    us we were all going direct to heaven we were all going direct the other way in short the period was so far like the \
    present period that some of its noisiest authorities insisted on its being received for good or for evil in the \
    superlative degree of comparison only";

/// Where speech begins after a pause in the joined clip, in milliseconds, as a network for voice activity
/// tells it, and what is said from there.
const ONSETS: [(u64, &str); 12] = [
    (1_220, "it was the best of times"),
    (5_020, "it was the age of wisdom"),
    (8_830, "it was the epoch of belief"),
    (13_470, "it was the season of light"),
    (17_570, "it was the spring of hope"),
    (21_250, "we had everything before us"),
    (24_640, "we were all going direct to"),
    (29_120, "in short the period"),
    (44_610, "and mister john dashwood"),
    (51_740, "he was not"),
    (60_060, "had he married"),
    (66_080, "he might even"),
];

/// How far a segment may begin from where speech does.
const EDGE_MS: u64 = 300;

struct Bench {
    folder: PathBuf,
    /// The joined clip, and what is said in it.
    samples: Vec<i16>,
    words: Vec<String>,
}

/// Weights and speech, fetched once; `None` where they may not be.
fn bench() -> Option<&'static Bench> {
    static BENCH: OnceLock<Option<Bench>> = OnceLock::new();
    BENCH.get_or_init(fetch).as_ref()
}

fn fetch() -> Option<Bench> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("RECAP_TEST_MODELS")
        .map_or_else(|| root.join("target/test-models"), PathBuf::from);
    let fetched = Command::new(root.join("tests/whisper/fetch")).arg(&folder).status();
    if !fetched.is_ok_and(|status| status.success()) {
        println!("Weights and speech are not here; this test is skipped.");
        return None;
    }
    let speech = folder.join("speech");
    let transcription = std::fs::read_to_string(speech.join("transcription")).unwrap();
    let mut samples = decoded(&speech.join("two_cities.wav"));
    let mut words = folded(TWO_CITIES);
    for line in transcription.lines() {
        let (said, name) = line.rsplit_once('(').unwrap();
        let name = name.trim_end_matches(')');
        samples.extend(decoded(&speech.join(format!("{name}.wav"))));
        words.extend(folded(&said.replace("<s>", "").replace("</s>", "")));
    }
    Some(Bench { folder, samples, words })
}

fn decoded(path: &Path) -> Vec<i16> {
    let mut samples = Vec::new();
    decode(&Order { path, ffmpeg: None, hours_max: 1 }, &mut |block| {
        samples.extend_from_slice(block);
        ControlFlow::Continue(())
    })
    .unwrap();
    samples
}

/// Words as they are compared: no marks, no capitals, *ill-disposed* as two.
fn folded(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == '-')
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase())
        .map(|word| if word == "mr" { "mister".to_owned() } else { word })
        .filter(|word| !word.is_empty())
        .collect()
}

/// Words that are wrong, missing or too many, as a part of what was said.
fn word_errors(heard: &[String], said: &[String]) -> f64 {
    let mut row: Vec<usize> = (0..=said.len()).collect();
    for (at, word) in heard.iter().enumerate() {
        let mut corner = row[0];
        row[0] = at + 1;
        for (column, other) in said.iter().enumerate() {
            let replaced = corner + usize::from(word != other);
            corner = row[column + 1];
            row[column + 1] = replaced.min(corner + 1).min(row[column] + 1);
        }
    }
    row[said.len()] as f64 / said.len() as f64
}

impl Bench {
    fn whisper(&self, weights: &str, threads: usize) -> Whisper {
        Whisper::new(Setup {
            name: "here".to_owned(),
            program: PathBuf::from(env!("CARGO_BIN_EXE_recap")),
            // A path from the root stays as it is.
            weights: std::fs::canonicalize(&self.folder).unwrap().join(weights),
            threads,
            piece_ms_max: 300_000,
            slowness_max: SLOWNESS_MAX,
        })
        .unwrap()
    }
}

/// A file of samples, as a host would send it.
fn wav(samples: &[i16]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let length = u32::try_from(samples.len() * 2).unwrap();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend_from_slice(&(length + 36).to_le_bytes());
    bytes
        .extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    std::fs::write(file.path(), bytes).unwrap();
    file
}

/// Hears a file piece by piece: segments in the time of the file, and how long it took.
async fn hear(whisper: &Whisper, samples: &[i16], piece_ms_max: u64) -> (Vec<Segment>, f64) {
    let file = wav(samples);
    let order = Order { path: file.path(), ffmpeg: None, hours_max: 1 };
    let mut cut = Vec::new();
    pieces::cut(&order, piece_ms_max, &mut |piece| {
        cut.push(piece);
        ControlFlow::Continue(())
    })
    .unwrap();
    let began = Instant::now();
    let mut segments = Vec::new();
    for piece in cut {
        let heard = whisper.hear(&piece, &Known::default()).await.unwrap();
        segments.extend(heard.segments.into_iter().map(|segment| Segment {
            start_ms: segment.start_ms + piece.start_ms,
            end_ms: segment.end_ms + piece.start_ms,
            ..segment
        }));
    }
    (segments, began.elapsed().as_secs_f64())
}

fn words_of(segments: &[Segment]) -> Vec<String> {
    segments.iter().flat_map(|segment| folded(&segment.text)).collect()
}

/// The most memory that the worker ever had, in MiB: the one child of this process that still runs.
fn worker_peak_mib() -> u64 {
    let own = std::process::id().to_string();
    let field = |status: &str, name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    let peak = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let status = std::fs::read_to_string(entry.ok()?.path().join("status")).ok()?;
        let is_child =
            field(&status, "PPid:")? == own && field(&status, "Name:")?.starts_with("recap");
        let kib = field(&status, "VmHWM:")?;
        is_child.then(|| kib.split_whitespace().next()?.parse::<u64>().ok()).flatten()
    });
    peak.max().unwrap_or(0) / 1_024
}

#[tokio::test]
async fn recorded_speech_is_heard_with_few_errors_and_in_its_place() {
    let Some(bench) = bench() else { return };
    let secs = bench.samples.len() as f64 / 16_000.0;
    for (weights, threads) in [("ggml-tiny.en.bin", 1), ("ggml-tiny.en-q8_0.bin", 1)] {
        let whisper = bench.whisper(weights, threads);
        let (segments, took) = hear(&whisper, &bench.samples, 300_000).await;
        let errors = word_errors(&words_of(&segments), &bench.words);
        println!(
            "{weights}, {threads} thread: {:.1} % of {} words wrong, {:.3} of real time, {} MiB at most",
            errors * 100.0,
            bench.words.len(),
            took / secs,
            worker_peak_mib(),
        );
        for segment in &segments {
            println!("  {:>6}..{:<6} {}", segment.start_ms, segment.end_ms, segment.text);
        }
        assert!(errors <= 0.04, "{errors}");
        let far: Vec<_> = ONSETS
            .iter()
            .map(|(onset, _)| {
                let near = segments.iter().map(|segment| segment.start_ms.abs_diff(*onset)).min();
                (*onset, near.unwrap())
            })
            .collect();
        println!("  from each onset: {far:?}");
        assert!(far.iter().all(|(_, far)| *far <= EDGE_MS), "{far:?}");
        assert!(segments[0].start_ms >= 900, "the silence before is not in the first segment");
    }
}

#[tokio::test]
#[ignore = "takes minutes of a whole processor: run it by hand"]
async fn twenty_minutes_show_no_drift() {
    let Some(bench) = bench() else { return };
    let rounds = 18;
    let length_ms = bench.samples.len() as u64 / 16;
    let samples = bench.samples.repeat(rounds);
    let whisper = bench.whisper("ggml-tiny.en.bin", 1);
    let (segments, took) = hear(&whisper, &samples, 300_000).await;
    let said: Vec<String> = (0..rounds).flat_map(|_| bench.words.clone()).collect();
    let errors = word_errors(&words_of(&segments), &said);
    println!(
        "{:.1} minutes: {:.1} % wrong, {:.3} of real time, {} MiB at most",
        samples.len() as f64 / 960_000.0,
        errors * 100.0,
        took / (samples.len() as f64 / 16_000.0),
        worker_peak_mib(),
    );
    assert!(errors <= 0.04, "{errors}");
    // The engine cuts each round otherwise, so not every onset begins a segment; but a segment that begins
    // with the words of an onset begins there, in the last round as in the first.
    let said: Vec<(u64, Vec<String>)> = ONSETS.map(|(at, words)| (at, folded(words))).to_vec();
    let mut by_round: Vec<Vec<i64>> = vec![Vec::new(); rounds];
    for segment in &segments {
        let words = folded(&segment.text);
        let Some((onset, _)) = said.iter().find(|(_, said)| words.starts_with(said)) else {
            continue;
        };
        // The round whose onset is nearest: a segment may begin a little before its round does.
        let round =
            ((segment.start_ms + length_ms / 2).saturating_sub(*onset) / length_ms) as usize;
        let at = onset + round as u64 * length_ms;
        by_round[round].push(segment.start_ms as i64 - at as i64);
    }
    for (round, far) in by_round.iter().enumerate() {
        println!("  round {round}: {far:?} ms");
    }
    // Where times drift, the middle one of a third of the file wanders off; where an edge is wrong, that one
    // alone.
    for third in by_round.chunks(rounds / 3) {
        let mut far = third.concat();
        far.sort_unstable();
        println!(
            "  a third of the file: {} beginnings, the middle one {} ms off",
            far.len(),
            far[far.len() / 2]
        );
        assert!(far.len() >= 12 && far[far.len() / 2].unsigned_abs() <= EDGE_MS / 2, "{far:?}");
    }
    let all: Vec<i64> = by_round.concat();
    let near = all.iter().filter(|far| far.unsigned_abs() <= EDGE_MS).count();
    println!("  {near} of {} within {EDGE_MS} ms", all.len());
    assert!(near as f64 >= all.len() as f64 * 0.95, "{near} of {}", all.len());
}

#[tokio::test]
async fn silence_noise_and_tones_give_no_words() {
    let Some(bench) = bench() else { return };
    let whisper = bench.whisper("ggml-tiny.en.bin", 1);
    let mut state = 1_u64;
    let mut noise = |loud: f32| -> i16 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (((state >> 40) as f32 / 8_388_608.0 - 1.0) * loud) as i16
    };
    let tone = |at: usize, hertz: f32| (at as f32 * hertz * std::f32::consts::TAU / 16_000.0).sin();
    let count = 16_000 * 40;
    let sounds: Vec<(&str, Vec<i16>)> = vec![
        ("silence", vec![0; count]),
        ("soft noise", (0..count).map(|_| noise(60.0)).collect()),
        ("loud noise", (0..count).map(|_| noise(12_000.0)).collect()),
        ("a tone", (0..count).map(|at| (tone(at, 440.0) * 9_000.0) as i16).collect()),
        ("hum", (0..count).map(|at| (tone(at, 50.0) * 9_000.0) as i16).collect()),
    ];
    for (name, samples) in sounds {
        // Not cut before: the engine itself hears it, and what it says is settled.
        let piece = Piece { samples: samples.clone().into(), start_ms: 0 };
        let heard = whisper.hear(&piece, &Known::default()).await.unwrap();
        assert!(heard.segments.is_empty(), "{name}: {:?}", heard.segments);
        assert!(hear(&whisper, &samples, 60_000).await.0.is_empty(), "{name}");
    }
    // Chords of four notes each, half a second long: what it makes of music is told, not judged.
    let music: Vec<i16> = (0..count)
        .map(|at| {
            let root = [220.0, 174.6, 261.6, 196.0][at / 8_000 % 4];
            let fade = 1.0 - (at % 8_000) as f32 / 8_000.0;
            let chord: f32 = [1.0, 1.26, 1.5, 2.0].iter().map(|part| tone(at, root * part)).sum();
            (chord * fade * 4_000.0) as i16
        })
        .collect();
    let piece = Piece { samples: music.into(), start_ms: 0 };
    let heard = whisper.hear(&piece, &Known::default()).await.unwrap();
    println!("of music it makes: {:?}", words_of(&heard.segments));
}

#[tokio::test]
async fn damaged_weights_are_a_sentence_and_no_dead_process() {
    let Some(bench) = bench() else { return };
    let whole = std::fs::read(bench.folder.join("ggml-tiny.en.bin")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, bytes: &[u8]| {
        let path = folder.path().join("ggml-bad.bin");
        std::fs::write(&path, bytes).unwrap();
        let ended = Command::new(env!("CARGO_BIN_EXE_recap"))
            .arg("transcribe-worker")
            .arg("--weights")
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{name}: {} {said}", ended.status);
        assert!(
            said.starts_with("recap: ") && said.contains("cannot be used as weights"),
            "{name}: {said}"
        );
        assert!(ended.stdout.is_empty(), "{name}");
    };
    check("cut off", &whole[..whole.len() / 2]);
    check("one byte short", &whole[..whole.len() - 1]);
    let noise: Vec<u8> =
        (0..1_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
    check("noise", &noise);
    for field in 1..12 {
        let mut bytes = whole[..].to_vec();
        bytes[field * 4] ^= 0x10;
        check(&format!("field {field}"), &bytes);
    }
    // And the whole file is well.
    recap::models::weights::inspect(&bench.folder.join("ggml-tiny.en.bin")).unwrap();
    recap::models::weights::inspect(&bench.folder.join("ggml-tiny.en-q8_0.bin")).unwrap();
}

#[tokio::test]
async fn a_worker_that_was_killed_between_pieces_is_started_again() {
    let Some(bench) = bench() else { return };
    // Weights of its own, by whose path its process is told from those of the tests beside it.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ggml-own.bin");
    std::os::unix::fs::symlink(bench.folder.join("ggml-tiny.en.bin"), &path).unwrap();
    let whisper = bench.whisper(path.to_str().unwrap(), 1);
    let piece = Piece { samples: bench.samples[..16_000 * 8].into(), start_ms: 0 };
    let first = whisper.hear(&piece, &Known::default()).await.unwrap();
    assert!(!first.segments.is_empty());
    let found = Command::new("pgrep").arg("-f").arg(&path).output().unwrap();
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    let children: Vec<&str> = found.split_whitespace().collect();
    assert_eq!(children.len(), 1, "{children:?}");
    assert!(Command::new("kill").args(["-9", children[0]]).status().unwrap().success());
    // The signal comes when it comes; whether it is there by now or in the middle of the piece, a sentence
    // or an answer follows, and the next piece is heard.
    if let Err(error) = whisper.hear(&piece, &Known::default()).await {
        assert!(error.message.contains("signal: 9"), "{error}");
    }
    let again = whisper.hear(&piece, &Known::default()).await.unwrap();
    assert_eq!(again.segments, first.segments, "the same piece gives the same words");
}

#[test]
fn errors_are_counted_in_words() {
    let check = |heard: &str, said: &str, want: f64| {
        let got = word_errors(&folded(heard), &folded(said));
        assert!((got - want).abs() < 1e-9, "{heard} / {said}: {got}");
    };
    check("a b c d", "a b c d", 0.0);
    check("A, b! c. d?", "a b c d", 0.0);
    check("a x c d", "a b c d", 0.25);
    check("a c d", "a b c d", 0.25);
    check("a b b c d", "a b c d", 0.25);
    check("", "a b", 1.0);
    check("Mr. Dash", "mister dash", 0.0);
    check("ill-disposed", "ill disposed", 0.0);
}
