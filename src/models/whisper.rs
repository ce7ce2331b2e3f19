//! The recogniser on this machine: a child process of Recap's own binary that runs whisper.cpp
//! (`recap transcribe-worker`, from `features/whisper`). A child, because C++ ends its process where
//! something is wrong, because a killed process is cancelled at once and gives its memory back, and
//! because libgomp reads how long it may spin before `main`.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::heard::{Settled, settle};
use super::speech::{HeardPiece, Known, Piece, Recogniser, Segment};
use super::weights::{self, Weights};
use crate::domain::transcript::Times;

use super::{ModelError, ModelFault, Usage};

/// The loop of the worker process: weights, threads, what comes in, what goes out. `src/main.rs` hands it
/// over where it was built in.
pub type Worker = fn(&Path, usize, &mut dyn Read, &mut dyn Write) -> Result<(), String>;

/// How long the weights may take to load: the largest have 3 GB, and disks may be slow.
const LOAD_TIME: Duration = Duration::from_secs(180);

/// What a piece may take beside a multiple of its length.
const SPARE_TIME: Duration = Duration::from_secs(60);

/// By how much a piece may take longer than it lasts, where nothing else is set: the largest weights on
/// two old cores take some twelve times.
pub const SLOWNESS_MAX: u32 = 20;

/// How long OpenMP's threads spin before they sleep. Without it they burn whole cores waiting for each
/// other while anything else runs: 4 s of work were measured to take 100.
const SPIN_COUNT: &str = "2000";

/// Bytes of the child's last words that are kept.
const LAST_WORDS_BYTES: usize = 2_048;

/// Letters of them that come into a sentence.
const LAST_WORDS_LETTERS: usize = 160;

/// Most letters of words that are handed over as a hint: half of what the engine can look back on.
const HINT_LETTERS_MAX: usize = 400;

/// How to run it.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The name of the instance.
    pub name: String,
    /// Recap's own binary, built with the feature `whisper`.
    pub program: PathBuf,
    /// The file of weights.
    pub weights: PathBuf,
    /// Threads that it works with; 0 is half the machine's, at least one.
    pub threads: usize,
    /// Longest piece, in milliseconds.
    pub piece_ms_max: u64,
    /// By how much a piece may take longer than it lasts; [`SLOWNESS_MAX`] is sensible.
    pub slowness_max: u32,
}

/// The recogniser on this machine.
pub struct Whisper {
    setup: Setup,
    model: String,
    weights: Weights,
    /// Held while a piece is heard: the engine takes all the threads that it may for one.
    worker: Mutex<Option<Running>>,
}

/// Half the machine's threads, at least one: speech comes after everything else here.
fn threads_by_default() -> usize {
    std::thread::available_parallelism().map_or(1, |all| (all.get() / 2).max(1))
}

impl Whisper {
    /// Checks the weights; the process is started by the first piece, and ends when this is dropped.
    ///
    /// # Errors
    /// [`ModelFault::Broken`], where the weights are missing or damaged.
    pub fn new(mut setup: Setup) -> Result<Whisper, ModelError> {
        let weights = weights::inspect(&setup.weights)
            .map_err(|error| ModelError::new(ModelFault::Broken, error.to_string()))?;
        if setup.threads == 0 {
            setup.threads = threads_by_default();
        }
        let stem = setup.weights.file_stem().unwrap_or_default().to_string_lossy();
        let model = stem.strip_prefix("ggml-").unwrap_or(&stem).to_owned();
        Ok(Whisper { setup, model, weights, worker: Mutex::new(None) })
    }

    fn error(&self, kind: ModelFault, what: impl std::fmt::Display) -> ModelError {
        ModelError::new(kind, format!("The recogniser on this machine ({}) {what}", self.model))
    }

    /// The two letters that whisper.cpp knows a language by; `None` where it is to be detected.
    fn language(&self, known: &Known) -> Result<Option<String>, ModelError> {
        let Some(tag) = known.language.as_deref().filter(|tag| !tag.trim().is_empty()) else {
            return Ok(None);
        };
        let language = letters_of(tag);
        if !self.weights.is_multilingual && language != "en" {
            return Err(self.error(
                ModelFault::Setting,
                format_args!(
                    "knows English alone, and this is said to be {}: it would invent English. Fetch weights for every \
                     language, such as: recap models get base",
                    tag.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(20).collect::<String>()
                ),
            ));
        }
        Ok(Some(language))
    }

    /// Hears a piece once.
    async fn try_once(&self, piece: &Piece, order: &Order<'_>) -> Result<Heard, ModelError> {
        let mut place = self.worker.lock().await;
        // Taken out, and put back only after a whole answer: whoever is dropped or fails in between takes
        // the process with it.
        let mut running = match place.take().and_then(Running::still) {
            Some(running) => running,
            None => self.start().await?,
        };
        let length = Duration::from_millis(piece.duration_ms());
        let time = length.saturating_mul(self.setup.slowness_max) + SPARE_TIME;
        let deadline = Instant::now() + time;
        match tokio::time::timeout_at(deadline, running.hear(piece, order)).await {
            Ok(Ok(heard)) => {
                *place = Some(running);
                Ok(heard)
            }
            Ok(Err(broken)) => Err(self.ended(running, broken, "while it listened").await),
            Err(_) => Err(self.error(
                ModelFault::TimedOut,
                format_args!(
                    "took more than {} seconds for {} seconds of sound, and was stopped. Choose smaller weights, or \
                     give it more threads.",
                    time.as_secs(),
                    length.as_secs()
                ),
            )),
        }
    }

    async fn start(&self) -> Result<Running, ModelError> {
        let mut child = Command::new(&self.setup.program)
            .arg("transcribe-worker")
            .arg("--threads")
            .arg(self.setup.threads.to_string())
            .arg("--weights")
            .arg(&self.setup.weights)
            // Nothing of the daemon's environment, which may hold keys.
            .env_clear()
            .env("GOMP_SPINCOUNT", SPIN_COUNT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                self.error(ModelFault::Broken, format_args!("could not be started: {error}."))
            })?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(self.error(ModelFault::Broken, "was started without its pipes."));
        };
        let lines = BufReader::new(output).lines();
        let mut running =
            Running { child, input, lines, errors: Some(errors), last_words: Vec::new() };
        match tokio::time::timeout(LOAD_TIME, running.next()).await {
            Ok(Ok(Answer::Ready { .. })) => Ok(running),
            Ok(Ok(_)) => Err(self.error(ModelFault::Broken, "answered before it was asked.")),
            Ok(Err(broken)) => {
                Err(self.ended(running, broken, "while it loaded its weights").await)
            }
            Err(_) => Err(self.error(
                ModelFault::TimedOut,
                format_args!("did not load its weights within {} seconds.", LOAD_TIME.as_secs()),
            )),
        }
    }

    /// What to say of a process that went away, or said what nobody understands.
    async fn ended(&self, mut running: Running, broken: Broken, when: &str) -> ModelError {
        let why = match broken {
            Broken::Nonsense => "answered with what is no answer".to_owned(),
            Broken::Failed(why) => {
                running.last_words = why.into_bytes();
                format!("failed {when}")
            }
            Broken::Gone => {
                // It closed its output; if it hangs all the same, it is killed by the drop.
                match tokio::time::timeout(Duration::from_secs(5), running.rest()).await {
                    Ok(Some(status)) => format!("ended {when} ({status})"),
                    _ => format!("fell silent {when}"),
                }
            }
        };
        let words = running.last_words();
        let said = if words.is_empty() { String::new() } else { format!(": {words}") };
        self.error(
            ModelFault::Broken,
            format_args!(
                "{why}{said}. If it happens again, check its weights with `recap models check`, or choose smaller ones."
            ),
        )
    }
}

/// The primary part of a language tag as whisper.cpp writes it.
fn letters_of(tag: &str) -> String {
    let primary = tag.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    match primary.as_str() {
        "nb" => "no".to_owned(),
        "fil" => "tl".to_owned(),
        "iw" => "he".to_owned(),
        "in" => "id".to_owned(),
        "jv" => "jw".to_owned(),
        "cmn" => "zh".to_owned(),
        "eng" => "en".to_owned(),
        _ => primary,
    }
}

#[async_trait]
impl Recogniser for Whisper {
    fn name(&self) -> &str {
        &self.setup.name
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn piece_ms_max(&self) -> u64 {
        self.setup.piece_ms_max
    }

    async fn hear(&self, piece: &Piece, known: &Known) -> Result<HeardPiece, ModelError> {
        let language = self.language(known)?;
        let words: String = known.words.chars().take(HINT_LETTERS_MAX).collect();
        let samples = piece.samples.len();
        let order = Order { samples, language: language.as_deref(), words: &words, carry: true };
        let mut usage = Usage { calls: 1, audio_ms: piece.duration_ms(), ..Usage::default() };
        let heard = self.try_once(piece, &order).await?;
        let language = heard.language;
        let mut settled = settle(piece, heard.segments);
        if !settled.loops.is_empty() {
            // A loop lives on what was heard before it: heard once more without that, it is often gone.
            let again = self.try_once(piece, &Order { carry: false, ..order }).await?;
            usage.calls += 1;
            let again = settle(piece, again.segments);
            if looped_ms(&again) < looped_ms(&settled) {
                settled = again;
            }
        }
        let Settled { segments, loops } = settled;
        Ok(HeardPiece { segments, language, loops, usage, times: Times::Exact })
    }
}

fn looped_ms(settled: &Settled) -> u64 {
    settled.loops.iter().map(|span| span.end_ms - span.start_ms).sum()
}

/// What is asked of the worker: see `recap_whisper::work`.
#[derive(Clone, Copy, Serialize)]
struct Order<'a> {
    samples: usize,
    language: Option<&'a str>,
    words: &'a str,
    carry: bool,
}

/// What it answers.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ready {
        #[serde(rename = "multilingual")]
        _multilingual: bool,
    },
    Segment {
        start_ms: i64,
        end_ms: i64,
        text: String,
    },
    Done {
        language: Option<String>,
    },
    Failed {
        why: String,
    },
}

/// What it heard, as it said it.
struct Heard {
    segments: Vec<Segment>,
    language: Option<String>,
}

/// How talking with the worker fails.
enum Broken {
    /// It closed its ends.
    Gone,
    /// It said something else than an answer.
    Nonsense,
    /// It said why it cannot hear this piece.
    Failed(String),
}

/// A worker process; killed when it is dropped.
struct Running {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    errors: Option<ChildStderr>,
    last_words: Vec<u8>,
}

impl Running {
    /// Itself, if it still runs: where memory is short, the system ends what idles.
    fn still(mut self) -> Option<Running> {
        matches!(self.child.try_wait(), Ok(None)).then_some(self)
    }

    async fn hear(&mut self, piece: &Piece, order: &Order<'_>) -> Result<Heard, Broken> {
        let order = serde_json::to_vec(order).map_err(|_| Broken::Nonsense)?;
        let length = u32::try_from(order.len()).map_err(|_| Broken::Nonsense)?;
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend_from_slice(&order);
        bytes.extend(piece.samples.iter().flat_map(|sample| sample.to_le_bytes()));
        self.input.write_all(&bytes).await.map_err(|_| Broken::Gone)?;
        self.input.flush().await.map_err(|_| Broken::Gone)?;
        drop(bytes);
        let mut segments = Vec::new();
        loop {
            match self.next().await? {
                Answer::Segment { start_ms, end_ms, text } => segments.push(Segment {
                    start_ms: u64::try_from(start_ms).unwrap_or(0),
                    end_ms: u64::try_from(end_ms).unwrap_or(0),
                    text,
                    speaker: None,
                }),
                Answer::Done { language } => return Ok(Heard { segments, language }),
                Answer::Failed { why } => return Err(Broken::Failed(why)),
                Answer::Ready { .. } => return Err(Broken::Nonsense),
            }
        }
    }

    /// The next line that it says; its last words are kept meanwhile, so that no pipe fills.
    async fn next(&mut self) -> Result<Answer, Broken> {
        let mut buffer = [0; 1_024];
        loop {
            let errors = async {
                match &mut self.errors {
                    Some(errors) => errors.read(&mut buffer).await.unwrap_or(0),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                line = self.lines.next_line() => {
                    let line = line.ok().flatten().ok_or(Broken::Gone)?;
                    return serde_json::from_str(&line).map_err(|_| Broken::Nonsense);
                }
                read = errors => self.keep(&buffer[..read]),
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            self.errors = None;
            return;
        }
        self.last_words.extend_from_slice(bytes);
        let over = self.last_words.len().saturating_sub(LAST_WORDS_BYTES);
        self.last_words.drain(..over);
    }

    /// Reads what it still says, and waits for its end.
    async fn rest(&mut self) -> Option<std::process::ExitStatus> {
        let mut buffer = [0; 1_024];
        while let Some(errors) = &mut self.errors {
            let read = errors.read(&mut buffer).await.unwrap_or(0);
            self.keep(&buffer[..read]);
        }
        self.child.wait().await.ok()
    }

    /// The last line that it said, short and safe for a terminal.
    fn last_words(&self) -> String {
        let text = String::from_utf8_lossy(&self.last_words);
        let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let line = line.trim().trim_start_matches("recap: ").trim_end_matches('.');
        line.chars().filter(|c| !c.is_control()).take(LAST_WORDS_LETTERS).collect()
    }
}

#[cfg(test)]
mod tests;
