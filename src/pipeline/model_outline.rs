//! The outline of a transcript by a model: windows that fit, each asked for its topics by line, read,
//! repaired and checked, and joined to one outline. Models are asked in the order of a list: what one
//! cannot do, the next one may. What is here knows no settings, no files and no network: it asks
//! through [`TextModel`] and keeps answers through [`Answers`].

mod items;
mod question;
mod repair;
mod stitch;
mod windows;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use self::items::{Draft, Part};
use crate::domain::outline::{Chapter, Granularity, Length, Outline};
use crate::domain::transcript::Transcript;
use crate::models::text::{Prompt, TextModel};
use crate::models::{ModelError, ModelFault, Usage};

/// Windows that are asked about at once: more makes servers of one's own slower, and others refuse.
const WINDOWS_AT_ONCE: usize = 2;
/// Tokens that are left for an answer: some twenty topics, and room for a model that thinks first.
const ANSWER_TOKENS_MAX: u64 = 8_000;
/// So often a window is halved where it does not fit after all.
const HALVINGS_MAX: u32 = 3;
/// An answer that cannot be read is asked for once more.
const TRIES_MAX: u32 = 2;
/// Tokens of what stands around the lines: fences, numbers, a complaint.
const FRAME_TOKENS: u64 = 400;

/// Counts up when the prompts change.
pub(super) const VERSION: u32 = question::VERSION;

/// The hash of the prompts' words, for the record: sixteen hexadecimal digits.
pub(super) fn prompts_hash() -> String {
    question::prompts_hash()
}

/// What an outline is wanted of.
pub(super) struct Asked<'a> {
    /// What was said.
    pub(super) transcript: &'a Transcript,
    /// As the publisher wrote it; may be empty.
    pub(super) episode_title: &'a str,
    /// The publisher's; from them `hint` was made, where they set its topics.
    pub(super) chapters: &'a [Chapter],
    /// The built-in outline of the same transcript.
    pub(super) hint: &'a Outline,
    /// How finely to divide; `hint` was made by it.
    pub(super) granularity: Granularity,
    /// How much to say of each topic.
    pub(super) length: Length,
    /// What the person wishes of the words; may be empty.
    pub(super) rules: &'a str,
    /// BCP 47 tag in which to write; the transcript's own by default.
    pub(super) language: Option<&'a str>,
}

impl Asked<'_> {
    /// Whether the topics of the hint are the publisher's chapters.
    fn chapters_set_topics(&self) -> bool {
        let same = |a: &str, b: &str| a.split_whitespace().eq(b.split_whitespace());
        let is_chapter = |title: &str| self.chapters.iter().any(|c| same(&c.title, title));
        self.hint.topics.iter().filter(|topic| is_chapter(&topic.title)).count() > 1
    }
}

/// Answers that were paid for already: of this job before it was interrupted, or of another one that
/// asked the same.
pub(super) trait Answers: Send + Sync {
    /// What was kept under a key of 64 hexadecimal digits.
    fn kept(&self, key: &str) -> Option<Vec<u8>>;
    /// Keeps an answer that could be read. What cannot be kept is asked again.
    fn keep(&self, key: &str, bytes: &[u8]);
}

/// An outline with where it comes from.
#[derive(Debug)]
pub(super) struct Written {
    /// Its topics cover the transcript but for what the report names.
    pub(super) outline: Outline,
    /// The instance that wrote most of it.
    pub(super) instance: String,
    /// The model that was asked for there.
    pub(super) model: String,
    /// What each instance took, in the order of the list; those that took nothing are left out.
    pub(super) used: Vec<Used>,
    /// What did not go as it should.
    pub(super) report: Report,
}

/// What one instance took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Used {
    /// Its name.
    pub(super) instance: String,
    /// The model that was asked for.
    pub(super) model: String,
    /// Of the calls that were made now.
    pub(super) now: Usage,
    /// Of the answers that had been kept: paid for before.
    pub(super) before: Usage,
}

/// What did not go as it should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// Cues that are in no topic: for them no model gave an answer that could be used.
    pub(super) uncovered: Vec<Range<usize>>,
    /// What was lost of the answers, as sentences without their words.
    pub(super) lost_items: Vec<String>,
    /// What is strange about the outline, as sentences.
    pub(super) oddities: Vec<String>,
    /// The models of the list that were passed over for another one, by name.
    pub(super) fell_back_from: Vec<String>,
    /// Why models of the list were passed over, or gave less than they were asked for; each reason once.
    pub(super) reasons: Vec<String>,
}

/// One model of the list, for as long as one outline is made.
struct Asker {
    model: Arc<dyn TextModel>,
    took: Mutex<Took>,
}

#[derive(Default)]
struct Took {
    now: Usage,
    before: Usage,
    lines: usize,
    /// Why it is not asked any more.
    given_up: Option<ModelError>,
}

impl Asker {
    fn took(&self) -> std::sync::MutexGuard<'_, Took> {
        self.took.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, prompt: &Prompt) -> String {
        question::key(self.model.name(), self.model.model(), prompt)
    }

    /// Notes a failure; one that the next window would meet as well is the last.
    fn note(&self, error: &ModelError) {
        use ModelFault::{Broken, Key, Quota, Setting, TimedOut, Unknown, Unreachable};
        let is_final =
            matches!(error.kind, Key | Quota | Unknown | Setting | Broken | Unreachable | TimedOut);
        if is_final {
            self.took().given_up.get_or_insert_with(|| error.clone());
        }
    }
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptAnswer {
    text: String,
    usage: Usage,
}

/// How much goes into one question to one model.
#[derive(Clone, Copy)]
struct Room {
    lines_tokens: u64,
    answer_tokens: u64,
}

struct Work<'a> {
    asked: &'a Asked<'a>,
    answers: &'a dyn Answers,
    askers: Vec<Asker>,
    line_tokens: Vec<u64>,
    /// By name, with the reason.
    passed_over: Mutex<Vec<(String, String)>>,
}

/// Makes the outline. `progress` hears of each window that is done, and of how many there are.
/// Dropping the future hangs up and keeps what was answered.
///
/// # Errors
/// Why each model gave nothing, in the order of the list, where no outline of at least half of the
/// transcript came out; empty where there is no model or nothing to ask about.
pub(super) async fn outline(
    models: &[Arc<dyn TextModel>],
    asked: &Asked<'_>,
    answers: &dyn Answers,
    progress: &(dyn Fn(usize, usize) + Send + Sync),
) -> Result<Written, Vec<ModelError>> {
    let count = asked.transcript.cues.len();
    let askers = models.iter().cloned().map(|model| Asker { model, took: Mutex::default() });
    let work = Work {
        asked,
        answers,
        askers: askers.collect(),
        line_tokens: windows::line_tokens(asked.transcript),
        passed_over: Mutex::default(),
    };
    if count == 0 || models.is_empty() {
        return Err(Vec::new());
    }
    let windows = work.first_plan().await?;
    let (total, done) = (windows.len(), AtomicUsize::new(0));
    progress(0, total);
    let asking: Vec<_> = windows
        .into_iter()
        .map(|range| {
            let (work, done) = (&work, &done);
            async move {
                let outcome = work.window(range).await;
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
                outcome
            }
        })
        .collect();
    let outcomes: Vec<_> = stream::iter(asking).buffered(WINDOWS_AT_ONCE).collect().await;

    let (mut parts, mut errors): (Vec<Part>, Vec<ModelError>) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(found) => parts.extend(found),
            Err(failed) => errors.extend(failed),
        }
    }
    let lost_items: Vec<String> = parts.iter().flat_map(|part| part.lost.clone()).collect();
    let own_overview = match parts.as_slice() {
        [only] if only.range.len() == count => only.overview.clone(),
        _ => String::new(),
    };
    let (mut topics, uncovered) = stitch::settle(stitch::join(parts), asked.transcript);
    if uncovered.iter().map(Range::len).sum::<usize>() * 2 > count {
        if errors.is_empty() {
            let what =
                "The models left out more than half of the transcript. Choose a larger model.";
            errors.push(ModelError::new(ModelFault::Malformed, what));
        }
        return Err(once_each(errors));
    }
    let mut oddities = Vec::new();
    if asked.chapters_set_topics() {
        let filled;
        (topics, filled) = stitch::by_chapters(topics, asked.hint, &uncovered);
        if filled > 0 {
            oddities.push(format!(
                "For {filled} of the publisher's chapters the model named nothing: they quote the transcript."
            ));
        }
    }
    let overview = match own_overview.is_empty() {
        false => Some(own_overview),
        true => work.overview(&topics).await,
    };
    let overview = overview.unwrap_or_else(|| {
        oddities.push("No model wrote the overview: it quotes the transcript.".to_owned());
        asked.hint.overview.clone()
    });
    let outline = stitch::outline(topics, first_words(&overview, question::OVERVIEW_WORDS_MAX));
    oddities.extend(stitch::oddities(&outline, asked.transcript));
    Ok(work.written(outline, Report { uncovered, lost_items, oddities, ..Report::default() }))
}

impl Work<'_> {
    /// The windows by the first model that can be asked at all.
    async fn first_plan(&self) -> Result<Vec<Range<usize>>, Vec<ModelError>> {
        let mut errors = Vec::new();
        for asker in &self.askers {
            match self.room(asker).await {
                Ok(room) => {
                    return Ok(windows::plan(
                        &self.line_tokens,
                        0..self.line_tokens.len(),
                        room.lines_tokens,
                    ));
                }
                Err(error) => {
                    asker.note(&error);
                    self.pass_over(asker, &error);
                    errors.push(error);
                }
            }
        }
        Err(errors)
    }

    async fn room(&self, asker: &Asker) -> Result<Room, ModelError> {
        let window = asker.model.window_tokens().await?;
        let answer_tokens = (window / 4).min(ANSWER_TOKENS_MAX);
        let all = 0..self.line_tokens.len();
        let empty = question::window(self.asked, 0..0, 0, None);
        let around = windows::tokens(&empty.instructions)
            + windows::tokens(&question::schema().to_string())
            + windows::tokens(&question::boundaries(self.asked, all))
            + FRAME_TOKENS;
        // A twentieth for what no estimate knows.
        let lines_tokens = (window - window / 20).saturating_sub(answer_tokens + around);
        if lines_tokens < windows::LINES_TOKENS_MIN {
            return Err(ModelError::new(
                ModelFault::Setting,
                format!(
                    "The model server `{}` has a window of {window} tokens, which leaves no room for a transcript. \
                     Set window_tokens to what it really has, or choose another model.",
                    asker.model.name()
                ),
            ));
        }
        Ok(Room { lines_tokens, answer_tokens })
    }

    /// Asks about a range of lines, of one model after the other.
    async fn window(&self, range: Range<usize>) -> Result<Vec<Part>, Vec<ModelError>> {
        let mut errors = Vec::new();
        for asker in &self.askers {
            let given_up = asker.took().given_up.clone();
            let outcome = match given_up {
                Some(error) => Err(error),
                None => self.window_by(asker, range.clone()).await,
            };
            match outcome {
                Ok(parts) => {
                    asker.took().lines += range.len();
                    return Ok(parts);
                }
                Err(error) => {
                    asker.note(&error);
                    self.pass_over(asker, &error);
                    errors.push(error);
                }
            }
        }
        Err(errors)
    }

    /// Asks one model, in as many pieces as it needs.
    async fn window_by(&self, asker: &Asker, range: Range<usize>) -> Result<Vec<Part>, ModelError> {
        let mut room = self.room(asker).await?;
        let mut halvings = 0;
        loop {
            let mut parts = Vec::new();
            let mut too_long = None;
            for piece in windows::plan(&self.line_tokens, range.clone(), room.lines_tokens) {
                match self.part(asker, piece, room.answer_tokens).await {
                    Ok(part) => parts.push(part),
                    // A long text and a long answer both get shorter with the window.
                    Err(error) if matches!(error.kind, ModelFault::TooLong | ModelFault::Cut) => {
                        too_long = Some(error);
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
            let Some(error) = too_long else { return Ok(parts) };
            halvings += 1;
            if halvings > HALVINGS_MAX || range.len() < 2 {
                return Err(error);
            }
            let sent: u64 = self.line_tokens[range.clone()].iter().sum();
            room.lines_tokens = room.lines_tokens.min(sent) / 2;
        }
    }

    /// One question, and once more where its answer cannot be read.
    async fn part(
        &self,
        asker: &Asker,
        range: Range<usize>,
        answer_tokens_max: u64,
    ) -> Result<Part, ModelError> {
        let mut complaint: Option<String> = None;
        // Both tries are kept under the first question, which is the one that is asked again.
        let mut key = None;
        for _ in 0..TRIES_MAX {
            let prompt = question::window(
                self.asked,
                range.clone(),
                answer_tokens_max,
                complaint.as_deref(),
            );
            let read = |text: &str| {
                repair::read(text).and_then(|value| items::read(&value, range.clone()))
            };
            let key = key.get_or_insert_with(|| asker.key(&prompt));
            match self.answer(asker, key, &prompt, &read).await? {
                Ok(part) => return Ok(part),
                Err(why) => complaint = Some(why),
            }
        }
        let (first, last) = (range.start, range.end.saturating_sub(1));
        Err(ModelError::new(
            ModelFault::Malformed,
            format!(
                "The model server `{}` answered twice about lines {first} to {last} in a form that cannot be used. \
                 Choose a larger model.",
                asker.model.name()
            ),
        ))
    }

    /// The answer to a question, from those that were kept or by asking; the inner error is what is
    /// wrong with the answer. Only what could be read is kept.
    async fn answer<A: Send>(
        &self,
        asker: &Asker,
        key: &str,
        prompt: &Prompt,
        read: &(dyn Fn(&str) -> Result<A, String> + Sync),
    ) -> Result<Result<A, String>, ModelError> {
        let kept = self.answers.kept(key);
        let kept = kept.and_then(|bytes| serde_json::from_slice::<KeptAnswer>(&bytes).ok());
        if let Some(kept) = kept
            && let Ok(answer) = read(&kept.text)
        {
            asker.took().before += kept.usage;
            return Ok(Ok(answer));
        }
        let asked = asker.model.ask(prompt).await;
        // What was cut or held back is paid for as well.
        asker.took().now += match &asked {
            Ok(answer) => answer.usage,
            Err(error) => error.used.as_deref().copied().unwrap_or_default(),
        };
        let answer = asked?;
        let outcome = read(&answer.text);
        if outcome.is_ok() {
            let kept = KeptAnswer { text: answer.text, usage: answer.usage };
            if let Ok(bytes) = serde_json::to_vec(&kept) {
                self.answers.keep(key, &bytes);
            }
        }
        Ok(outcome)
    }

    /// An overview of all topics; `None` where no model wrote one.
    async fn overview(&self, topics: &[Draft]) -> Option<String> {
        let read = |text: &str| {
            let value = repair::read(text)?;
            let said = items::words(value["overview"].as_str().unwrap_or_default(), usize::MAX);
            let is_sound = said.contains(char::is_alphanumeric) && !items::leaks(&said);
            if is_sound { Ok(said) } else { Err("It has no `overview`.".to_owned()) }
        };
        for asker in &self.askers {
            if asker.took().given_up.is_some() {
                continue;
            }
            let Ok(room) = self.room(asker).await else { continue };
            let prompt = question::overview(self.asked, topics, room.lines_tokens);
            match self.answer(asker, &asker.key(&prompt), &prompt, &read).await {
                Ok(Ok(overview)) => return Some(overview),
                Ok(Err(_)) => {}
                Err(error) => {
                    asker.note(&error);
                    self.pass_over(asker, &error);
                }
            }
        }
        None
    }

    fn pass_over(&self, asker: &Asker, error: &ModelError) {
        let mut passed = self.passed_over.lock().unwrap_or_else(PoisonError::into_inner);
        if !passed.iter().any(|(_, reason)| *reason == error.message) {
            passed.push((asker.model.name().to_owned(), error.message.clone()));
        }
    }

    fn written(self, outline: Outline, report: Report) -> Written {
        let most = self.askers.iter().max_by_key(|asker| asker.took().lines);
        let name = |of: fn(&dyn TextModel) -> &str| {
            most.map_or_else(String::new, |asker| of(asker.model.as_ref()).to_owned())
        };
        let (instance, model) = (name(|model| model.name()), name(|model| model.model()));
        let used = self.askers.iter().map(|asker| {
            let took = asker.took();
            Used {
                instance: asker.model.name().to_owned(),
                model: asker.model.model().to_owned(),
                now: took.now,
                before: took.before,
            }
        });
        let used =
            used.filter(|used| used.now != Usage::default() || used.before != Usage::default());
        let used = used.collect();
        let passed = self.passed_over.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut fell_back_from: Vec<String> = Vec::new();
        for (name, _) in &passed {
            if *name != instance && !fell_back_from.contains(name) {
                fell_back_from.push(name.clone());
            }
        }
        let reasons = passed.into_iter().map(|(_, reason)| reason).collect();
        let report = Report { fell_back_from, reasons, ..report };
        Written { outline, instance, model, used, report }
    }
}

fn once_each(errors: Vec<ModelError>) -> Vec<ModelError> {
    let mut out: Vec<ModelError> = Vec::new();
    for error in errors {
        if !out.iter().any(|known| known.message == error.message) {
            out.push(error);
        }
    }
    out
}

/// The first words of a text, up to the end of a sentence where there is one in its second half.
fn first_words(text: &str, words_max: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() <= words_max {
        return words.join(" ");
    }
    let words = &words[..words_max];
    let ends = |word: &&str| word.ends_with(['.', '!', '?', '。']);
    match words.iter().rposition(ends).filter(|at| at * 2 >= words_max) {
        Some(at) => words[..=at].join(" "),
        None => format!("{}…", words.join(" ")),
    }
}

#[cfg(test)]
mod tests;
