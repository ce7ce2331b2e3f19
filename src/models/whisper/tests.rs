//! The recogniser with stand-ins for its process: shell scripts that speak, fail, hang and die.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::models::weights::tests::Forge;

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// With a process that does as a script says.
    fn new(script: &str) -> Bench {
        let bench = Bench { folder: tempfile::tempdir().unwrap() };
        std::fs::write(bench.path("ggml-test.bin"), Forge::new().bytes()).unwrap();
        let script = format!(
            "#!/bin/sh\nPATH=/usr/bin:/bin\ncd {}\n{script}\n",
            bench.folder.path().display()
        );
        std::fs::write(bench.path("recap"), script).unwrap();
        std::fs::set_permissions(bench.path("recap"), std::fs::Permissions::from_mode(0o700))
            .unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn setup(&self) -> Setup {
        Setup {
            name: "here".to_owned(),
            program: self.path("recap"),
            weights: self.path("ggml-test.bin"),
            threads: 3,
            piece_ms_max: 60_000,
            slowness_max: SLOWNESS_MAX,
        }
    }

    fn whisper(&self) -> Whisper {
        Whisper::new(self.setup()).unwrap()
    }
}

/// A second and a half of something like speech.
fn piece() -> Piece {
    let samples: Vec<i16> = (0..24_000_i32)
        .map(|at| {
            let syllable = (at % 4_000) as f32 / 4_000.0 * std::f32::consts::PI;
            let loud = if (4_000..20_000).contains(&at) { syllable.sin() } else { 0.0 };
            (((at * 7_919) % 9_000 - 4_500) as f32 * loud) as i16
        })
        .collect();
    Piece { samples: samples.into(), start_ms: 5_000 }
}

const READY: &str = r#"echo '{"ready":{"multilingual":false}}'"#;

/// Takes an order and its samples off the pipe: four bytes of length, then that, then the piece.
const TAKE: &str = "take() { n=$(head -c 4 | od -An -tu4 | tr -d ' '); [ -n \"$n\" ] || exit 0; \
                    head -c $n >>orders; echo >>orders; head -c 48000 >/dev/null; }";

fn say(start: u32, end: u32, text: &str) -> String {
    format!(r#"echo '{{"segment":{{"start_ms":{start},"end_ms":{end},"text":"{text}"}}}}'"#)
}

const DONE: &str = r#"echo '{"done":{"language":"en"}}'"#;

async fn hear(whisper: &Whisper) -> Result<HeardPiece, ModelError> {
    whisper.hear(&piece(), &Known::default()).await
}

#[tokio::test]
async fn one_process_hears_piece_after_piece() {
    let hello = say(0, 1_500, "Hello.");
    let script = format!(
        "echo \"$$ $* $GOMP_SPINCOUNT $(env | grep -c SECRET)\" >>starts\n{TAKE}\n{READY}\nwhile :; do take; {hello}; {DONE}; done"
    );
    let bench = Bench::new(&script);
    let whisper = bench.whisper();
    for _ in 0..3 {
        let heard = hear(&whisper).await.unwrap();
        assert_eq!(heard.segments.len(), 1);
        assert_eq!(heard.segments[0].text, "Hello.");
        assert_eq!(heard.language.as_deref(), Some("en"));
        assert_eq!(heard.usage, Usage { calls: 1, audio_ms: 1_500, ..Usage::default() });
    }
    let starts = std::fs::read_to_string(bench.path("starts")).unwrap();
    assert_eq!(starts.lines().count(), 1, "{starts}");
    assert!(starts.contains("transcribe-worker --threads 3 --weights "), "{starts}");
    assert!(starts.trim_end().ends_with(" 2000 0"), "{starts}");
    let orders = std::fs::read_to_string(bench.path("orders")).unwrap();
    assert_eq!(
        orders.lines().next(),
        Some(r#"{"samples":24000,"language":null,"words":"","carry":true}"#)
    );
    assert_eq!((whisper.name(), whisper.model(), whisper.piece_ms_max()), ("here", "test", 60_000));
}

#[tokio::test]
async fn a_dead_process_is_a_sentence_and_the_next_piece_starts_another() {
    let hello = say(0, 1_500, "Hello.");
    let script = format!(
        "{TAKE}\nif [ ! -e died ]; then touch died; {READY}; head -c 9 >/dev/null; echo 'recap: out of luck.' >&2; \
         kill -ABRT $$; fi\n{READY}\ntake; {hello}; {DONE}; take"
    );
    let bench = Bench::new(&script);
    let whisper = bench.whisper();
    let error = hear(&whisper).await.unwrap_err();
    assert_eq!(error.kind, ModelFault::Broken);
    assert!(error.message.contains("ended while it listened (signal: 6"), "{error}");
    assert!(error.message.contains(": out of luck. If it happens again"), "{error}");
    assert_eq!(hear(&whisper).await.unwrap().segments.len(), 1);
}

#[tokio::test]
async fn each_misbehaviour_is_a_sentence() {
    let check = async |script: &str, kind: ModelFault, said: &str| {
        let bench = Bench::new(script);
        let error = hear(&bench.whisper()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(said), "{said}: {error}");
        assert!(error.message.starts_with("The recogniser on this machine (test) "), "{error}");
    };
    use ModelFault::Broken;
    check(
        "echo 'recap: The weights are bad.' >&2; exit 2",
        Broken,
        "while it loaded its weights (exit status: 2)",
    )
    .await;
    check("echo nonsense", Broken, "what is no answer").await;
    check("echo '{\"done\":{\"language\":null}}'", Broken, "before it was asked").await;
    let ready = format!("{TAKE}\n{READY}\ntake");
    check(
        &format!("{ready}; echo '{{\"segment\":{{\"start_ms\":\"x\"}}}}'; take"),
        Broken,
        "no answer",
    )
    .await;
    check(&format!("{ready}; {READY}; take"), Broken, "no answer").await;
    let failed = r#"echo '{"failed":{"why":"no memory"}}'"#;
    check(&format!("{ready}; {failed}"), Broken, "failed while it listened: no memory").await;
    let much = "i=0; while [ $i -lt 3000 ]; do echo 'a long line that fills the pipe of errors' >&2; i=$((i+1)); done";
    check(&format!("{ready}; {much}; exit 1"), Broken, "fills the pipe of errors").await;
    let bench = Bench::new("");
    let missing = Setup { program: bench.path("none"), ..bench.setup() };
    let error = hear(&Whisper::new(missing).unwrap()).await.unwrap_err();
    assert!(error.message.contains("could not be started"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_hangs_is_stopped_at_its_deadline() {
    // Time is not real here: it runs on as soon as everything waits.
    let bench = Bench::new("exec sleep 1000");
    let error = hear(&bench.whisper()).await.unwrap_err();
    assert_eq!(error.kind, ModelFault::TimedOut);
    assert!(error.message.contains("did not load its weights within 180 seconds"), "{error}");
}

#[tokio::test]
async fn who_hangs_up_takes_the_process_along() {
    let script = format!("echo $$ >pid\n{READY}\nexec sleep 1000");
    let bench = Bench::new(&script);
    let whisper = bench.whisper();
    let pid = bench.path("pid");
    {
        let piece = piece();
        let known = Known::default();
        let mut heard = whisper.hear(&piece, &known);
        // Until the process is there.
        while std::fs::read_to_string(&pid).map_or(true, |pid| !pid.ends_with('\n')) {
            let brief = tokio::time::timeout(Duration::from_millis(20), &mut heard).await;
            assert!(brief.is_err(), "it never answers");
        }
    }
    let pid = std::fs::read_to_string(&pid).unwrap().trim().to_owned();
    // The runtime reaps it; a process that is gone or a zombie runs no more.
    let ended = async {
        loop {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            if !status.contains("State:") || status.contains("State:\tZ") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.expect("it was killed");
}

#[tokio::test]
async fn a_loop_is_heard_again_without_what_came_before() {
    let looped: Vec<String> =
        (0..4).map(|at| say(200 + at * 250, 450 + at * 250, "And so on.")).collect();
    let better = say(200, 1_300, "And so on it went.");
    let check = async |second: &str, want: &str, loops: usize| {
        let script = format!(
            "{TAKE}\n{READY}\ntake; {}; {DONE}; take; {second}; {DONE}; take",
            looped.join("; ")
        );
        let bench = Bench::new(&script);
        let heard = hear(&bench.whisper()).await.unwrap();
        let texts: Vec<_> = heard.segments.iter().map(|segment| segment.text.as_str()).collect();
        assert_eq!((texts, heard.loops.len()), (vec![want], loops));
        assert_eq!(heard.usage.calls, 2);
        let orders = std::fs::read_to_string(bench.path("orders")).unwrap();
        assert!(orders.lines().nth(1).unwrap().contains("\"carry\":false"), "{orders}");
    };
    check(&better, "And so on it went.", 0).await;
    check(&looped.join("; "), "And so on.", 1).await;
}

#[tokio::test]
async fn weights_for_english_refuse_every_other_language() {
    let hello = say(0, 1_500, "Hello.");
    let script = format!("{TAKE}\n{READY}\nwhile :; do take; {hello}; {DONE}; done");
    let bench = Bench::new(&script);
    let whisper = bench.whisper();
    let check = async |tag: &str, taken: bool| {
        let known = Known { language: Some(tag.to_owned()), ..Known::default() };
        let outcome = whisper.hear(&piece(), &known).await;
        assert_eq!(outcome.is_ok(), taken, "{tag}: {outcome:?}");
        if let Err(error) = outcome {
            assert_eq!(error.kind, ModelFault::Setting);
            assert!(error.message.contains("knows English alone"), "{error}");
        }
    };
    for tag in ["en", "en-US", "EN_gb", " ", ""] {
        check(tag, true).await;
    }
    for tag in ["de", "fr-CA", "x", "énglish"] {
        check(tag, false).await;
    }
    let orders = std::fs::read_to_string(bench.path("orders")).unwrap();
    assert_eq!(orders.matches("\"language\":\"en\"").count(), 3, "{orders}");
}

#[test]
fn tags_are_written_as_the_engine_knows_them() {
    for (tag, want) in [
        ("de-AT", "de"),
        ("nb", "no"),
        ("fil-PH", "tl"),
        ("ZH_Hant", "zh"),
        ("cmn", "zh"),
        ("iw", "he"),
    ] {
        assert_eq!(letters_of(tag), want);
    }
}

#[test]
fn weights_that_are_damaged_or_missing_are_refused_before_anything_starts() {
    let bench = Bench::new("exit 1");
    std::fs::write(bench.path("ggml-test.bin"), b"nonsense").unwrap();
    let error = Whisper::new(bench.setup()).err().unwrap();
    assert_eq!(error.kind, ModelFault::Broken);
    assert!(error.message.contains("no ggml file"), "{error}");
    std::fs::remove_file(bench.path("ggml-test.bin")).unwrap();
    let error = Whisper::new(bench.setup()).err().unwrap();
    assert!(error.message.contains("could not be read"), "{error}");
}
