//! The third stage: who writes the outline. Models, where the person chose any; the built-in outliner
//! where not, and where all of them fail, with the reason.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::episode::Episode;
use crate::domain::outline::Outline;
use crate::domain::recap::OutlineOrigin;
use crate::domain::transcript::Transcript;
use crate::models::text::{Answer, Prompt, TextModel};
use crate::models::{ModelError, Usage};
use crate::outline;

use super::kept::{Keep, Key, Sort};
use super::model_outline::{self, Answers, Asked};
use super::step::{Progress, Step, Watchdog};
use super::{BUILTIN, Meter, PipelineError, Stage, Tools, Workspace, blocking};

/// An outline with all that is to be said of it.
pub(super) struct Outlined {
    pub(super) outline: Outline,
    pub(super) origin: OutlineOrigin,
    pub(super) notes: Vec<String>,
    pub(super) usage: BTreeMap<String, Usage>,
}

/// Makes the outline of what was heard.
pub(super) async fn outline(
    tools: &Tools,
    episode: &Episode,
    transcript: &Arc<Transcript>,
    workspace: &Workspace,
    dog: &Watchdog,
    progress: &Progress<'_>,
) -> Result<Outlined, PipelineError> {
    let lines = transcript.cues.len();
    progress(Step::of(Stage::Topics, format!("Finding topics in {lines} lines")));
    let options = outline::Options {
        chapters: episode.chapters.clone(),
        episode_title: episode.title.clone(),
        language: transcript.language.clone().or_else(|| episode.language.clone()),
        granularity: tools.wish.granularity,
        length: tools.wish.length,
        ..outline::Options::default()
    };
    let with_chapters = !options.chapters.is_empty();
    let heard = transcript.clone();
    let work = blocking(move || outline::outline(&heard, &options));
    let builtin = dog.bounded(Stage::Topics, work).await??;
    let origin = OutlineOrigin {
        provider: BUILTIN.to_owned(),
        version: outline::VERSION,
        chapters: with_chapters,
        ..OutlineOrigin::default()
    };
    let mut outlined =
        Outlined { outline: builtin, origin, notes: Vec::new(), usage: BTreeMap::new() };
    if tools.models.is_empty() {
        return Ok(outlined);
    }
    let asked = Asked {
        transcript,
        episode_title: &episode.title,
        chapters: &episode.chapters,
        hint: &outlined.outline,
        granularity: tools.wish.granularity,
        length: tools.wish.length,
        rules: &tools.wish.rules,
        language: tools.wish.language.as_deref(),
    };
    let before = tools.meter.taken();
    let models: Vec<Arc<dyn TextModel>> =
        tools.models.iter().map(|model| metered(model, &tools.meter)).collect();
    let answers = KeptAnswers {
        keep: tools.keep.clone(),
        scope: tools.scope.clone(),
        folder: workspace.answers_folder()?,
    };
    let told = |done: usize, all: usize| {
        let share = done as f64 / all.max(1) as f64;
        let message = match all {
            1 => "A model reads the transcript".to_owned(),
            _ => format!("A model reads the transcript: {done} of {all} parts"),
        };
        progress(Step { share, ..Step::of(Stage::Topics, message) });
    };
    // Each call has its own deadline; what is bounded here is that nothing moves at all.
    let written = model_outline::outline(&models, &asked, &answers, &told).await;
    match written {
        Ok(written) => {
            for used in written.used {
                let sum = outlined.usage.entry(used.instance).or_default();
                *sum += used.now;
                *sum += used.before;
            }
            let report = written.report;
            outlined.notes.extend(report.lost_items);
            outlined.notes.extend(report.oddities);
            if !report.fell_back_from.is_empty() {
                let why = report.reasons.join(" ");
                outlined.notes.push(format!("Some of it was asked of another model: {why}"));
            } else if !report.reasons.is_empty() {
                let why = report.reasons.join(" ");
                outlined.notes.push(format!("Some of it could not be had of the model: {why}"));
            }
            if !report.uncovered.is_empty() {
                let lines: usize = report.uncovered.iter().map(|range| range.len()).sum();
                outlined.notes.push(format!(
                    "For {lines} lines of the transcript no model gave an answer that could be used; the coverage names them."
                ));
            }
            outlined.origin = OutlineOrigin {
                provider: written.instance,
                model: Some(written.model),
                version: model_outline::VERSION,
                chapters: with_chapters,
                prompts: Some(model_outline::prompts_hash()),
                fell_back_from: report.fell_back_from,
            };
            outlined.outline = written.outline;
        }
        Err(errors) => {
            let why: Vec<String> = errors.iter().map(ToString::to_string).collect();
            outlined.notes.push(format!(
                "No model could write the outline, so the built-in one stands here. {}",
                why.join(" ")
            ));
            outlined.origin.fell_back_from =
                tools.models.iter().map(|one| one.name().to_owned()).collect();
            // Answers that were no use are paid for as well.
            for model in &models {
                let since = tools.meter.taken_since(&before, model.name());
                if since != Usage::default() {
                    outlined.usage.insert(model.name().to_owned(), since);
                }
            }
        }
    }
    Ok(outlined)
}

/// A model whose calls are counted as they are answered.
struct Metered {
    model: Arc<dyn TextModel>,
    meter: Arc<Meter>,
}

fn metered(model: &Arc<dyn TextModel>, meter: &Arc<Meter>) -> Arc<dyn TextModel> {
    Arc::new(Metered { model: model.clone(), meter: meter.clone() })
}

#[async_trait]
impl TextModel for Metered {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn model(&self) -> &str {
        self.model.model()
    }

    async fn window_tokens(&self) -> Result<u64, ModelError> {
        self.model.window_tokens().await
    }

    async fn ask(&self, prompt: &Prompt) -> Result<Answer, ModelError> {
        let answer = self.model.ask(prompt).await;
        let used = match &answer {
            Ok(answer) => Some(answer.usage),
            Err(error) => error.used.as_deref().copied(),
        };
        if let Some(used) = used {
            self.meter.add(self.model.name(), used);
        }
        answer
    }
}

/// Answers of this job, and those that this scope has paid for before.
struct KeptAnswers {
    keep: Keep,
    scope: String,
    folder: Option<PathBuf>,
}

impl Answers for KeptAnswers {
    fn kept(&self, key: &str) -> Option<Vec<u8>> {
        let of_job = || std::fs::read(self.folder.as_ref()?.join(key)).ok();
        let of_scope = || {
            let text: String = self.keep.find(Sort::Answer, &Key::of(Some(&self.scope), &[key]))?;
            STANDARD.decode(text).ok()
        };
        of_job().or_else(of_scope)
    }

    fn keep(&self, key: &str, bytes: &[u8]) {
        if let Some(folder) = &self.folder
            && let Err(error) = super::workspace::write(&folder.join(key), bytes)
        {
            tracing::warn!(%error, "a model's answer could not be kept in its job's folder");
        }
        self.keep.keep(Sort::Answer, &Key::of(Some(&self.scope), &[key]), &STANDARD.encode(bytes));
    }
}
