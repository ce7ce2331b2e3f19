//! `recap summarize`.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use recap_mode::{Clock, Scope, SystemClock, SystemEntropy};
use url::Url;

use crate::app::{Parts, tools_of, trust_of};
use crate::domain::outline::{Granularity, Length};
use crate::domain::recap::TranscriptSource;
use crate::domain::scope_settings::ScopeSettings;
use crate::domain::spending::Spending;
use crate::engines::{Chosen, Engines};
use crate::export::{self, ExportFormat};
use crate::feed_cache::FeedCache;
use crate::history::Library;
use crate::net::Net;
use crate::pipeline::{self, Brought, EpisodeChoice, Expectation, Keep, Order, Places, Workspace};
use crate::transcripts::BYTES_MAX;

use super::progress::Bar;
use super::{Failure, Setting, say, small_runtime};

#[derive(clap::Args)]
pub(super) struct Summarize {
    /// Files of transcripts, sound or video, - for a transcript on standard input, or http(s) links: a video, a
    /// feed, a page, sound, a transcript
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<String>,
    /// Which episode of a feed: its guid or a part of its title [default: the newest with a transcript]
    #[arg(long, value_name = "TEXT")]
    episode: Option<String>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,
    /// Write to this file in place of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also save the recap in the library
    #[arg(long)]
    save: bool,
    /// Who turns sound into words: whisper, or the name of a model server
    #[arg(long, value_name = "NAME")]
    transcriber: Option<String>,
    /// Who writes the outline: the name of a model server, or builtin
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// How finely to divide an episode into topics [default: auto]
    #[arg(long, value_enum, value_name = "HOW")]
    granularity: Option<Granularity>,
    /// How much to say of each topic [default: normal]
    #[arg(long, value_enum, value_name = "HOW")]
    length: Option<Length>,
    /// Language in which a model writes, such as de [default: that of the episode]
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// Language that is spoken, where a recogniser should not find it out
    #[arg(long, value_name = "TAG")]
    spoken: Option<String>,
    /// Say what it would take, and make nothing
    #[arg(long)]
    estimate: bool,
    /// Whose library and settings
    #[arg(long, default_value = "owner", value_name = "SCOPE")]
    scope: Scope,
}

impl Summarize {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        if self.output.is_some() && self.inputs.len() > 1 {
            return Err(Failure::input("-o takes the recap of one input; give one at a time."));
        }
        let mut worst = None;
        for (at, input) in self.inputs.iter().enumerate() {
            if at > 0 && self.format != ExportFormat::Json {
                say("")?;
            }
            if let Err(failure) = self.one(input, &setting) {
                // The others are made all the same; the exit code is that of the first that failed.
                match &worst {
                    None if self.inputs.len() == 1 => return Err(failure),
                    _ => failure.say(),
                }
                worst.get_or_insert(failure.code);
            }
        }
        Ok(worst.unwrap_or(0))
    }

    fn one(&self, input: &str, setting: &Setting) -> Result<(), Failure> {
        let (order, upload) = self.order(input)?;
        let config = setting.config()?;
        let net = Net::new();
        let feeds = FeedCache::open(
            &setting.data()?,
            net.clone(),
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
        );
        let data = setting.data()?;
        let runtime = small_runtime()?;
        let settings = runtime.block_on(self.settings(setting))?;
        let engines = setting.engines(net.clone())?;
        let trust = trust_of(&config, true);
        let chosen = engines.choose(&config, &self.scope, &settings, trust, None);
        for problem in &chosen.problems {
            // Who named it now wants it; what is set for all may be missing today.
            if self.transcriber.is_some() || self.model.is_some() {
                return Err(Failure::input(problem.clone()));
            }
            eprintln!("{}", super::safe(problem));
        }
        let parts = Parts {
            net,
            clock: Arc::new(SystemClock),
            feeds: Arc::new(feeds),
            pauses: Arc::default(),
            keep: Keep::open(&data),
            meter: Arc::default(),
            data: &data,
        };
        let places = runtime.block_on(Places::alone());
        let mut tools = tools_of(&config, parts, &self.scope, &settings, &chosen, trust, places);
        tools.wish.spoken.clone_from(&self.spoken);
        if self.transcriber.is_some() {
            // Who names a recogniser wants the sound heard, whatever else there is.
            tools.wish.sources = vec![TranscriptSource::Speech];
        }
        let bar = Bar::new(setting.environment.no_color());
        if self.estimate {
            let upload = Workspace::in_memory(upload);
            let expected = runtime.block_on(pipeline::expect(&tools, &order, &upload));
            bar.end();
            return self.say_estimate(&expected?, &chosen, setting, &runtime);
        }
        let made = runtime.block_on(pipeline::run(
            &tools,
            &order,
            &Workspace::in_memory(upload),
            &|step| bar.show(step.percent(), &step.message),
        ));
        bar.end();
        let made = made?;
        let now = SystemClock.now();
        let library = if self.save {
            Some(Library::open(&setting.data()?, Arc::new(SystemClock), Arc::new(SystemEntropy))?)
        } else {
            None
        };
        let day = made.episode().published_at.unwrap_or(now);
        let id = match &library {
            Some(library) => library.new_id(&self.scope, day, &made.episode().title),
            None => crate::domain::recap::RecapId::make(day, &made.episode().title, [0; 6]),
        };
        let recap = made.into_recap(id, None, now);
        let text =
            export::write(&recap, self.format).map_err(|fault| Failure::here(fault.to_string()))?;
        if let Some(library) = &library {
            runtime.block_on(library.save(&self.scope, recap.clone()))?;
            eprintln!(
                "Saved as {} in {}.",
                recap.id,
                library.root().join(self.scope.folder()).display()
            );
        }
        match &self.output {
            None => say(text.trim_end_matches('\n'))?,
            Some(path) => write_whole(path, &text)?,
        }
        Ok(())
    }

    /// What it would take.
    fn say_estimate(
        &self,
        expected: &Expectation,
        chosen: &Chosen,
        setting: &Setting,
        runtime: &tokio::runtime::Runtime,
    ) -> Result<(), Failure> {
        let spending = match setting.library() {
            Ok(library) => runtime.block_on(library.spending(&self.scope))?,
            Err(_) => Spending::default(),
        };
        let heard = expected.source == TranscriptSource::Speech;
        let Some(duration_ms) = expected.duration_ms else {
            return say(&format!(
                "{}: nobody says how long it is, so what it takes cannot be told.",
                super::safe(&expected.title)
            ));
        };
        let estimate = Engines::estimate(chosen, &spending, duration_ms, heard);
        say(&super::safe(&format!("{}: {} minutes.", expected.title, estimate.minutes)))?;
        say(&match (&estimate.transcriber, heard) {
            (Some(name), _) => format!("Its words are heard by {name}."),
            (None, true) => "Nobody here listens to sound, so it cannot be made.".to_owned(),
            (None, false) => "Its words are written down already.".to_owned(),
        })?;
        say(&match (&estimate.model, &estimate.tokens) {
            (Some(name), Some(tokens)) => format!(
                "The outline is written by {name}: some {} tokens sent, {} answered{}.",
                tokens.input_tokens,
                tokens.output_tokens,
                if tokens.by_history { ", by your own history" } else { "" }
            ),
            _ => "The outline is the built-in one.".to_owned(),
        })?;
        say(&match &estimate.currency {
            Some(currency) => format!("It costs about {} {currency}.", estimate.cost),
            None => "It costs nothing.".to_owned(),
        })
    }

    /// What the library has chosen, and over it what was said here.
    async fn settings(&self, setting: &Setting) -> Result<ScopeSettings, Failure> {
        let data = setting.data()?;
        let mut settings = if data.join("history").is_dir() {
            let library = Library::open(&data, Arc::new(SystemClock), Arc::new(SystemEntropy))?;
            library.settings(&self.scope).await?
        } else {
            ScopeSettings::default()
        };
        if let Some(name) = &self.transcriber {
            settings.transcribers = Some(vec![name.clone()]);
        }
        if let Some(name) = &self.model {
            let is_builtin = name == pipeline::BUILTIN;
            settings.models = Some(if is_builtin { Vec::new() } else { vec![name.clone()] });
        }
        settings.granularity = self.granularity.unwrap_or(settings.granularity);
        settings.length = self.length.unwrap_or(settings.length);
        if self.language.is_some() {
            settings.language.clone_from(&self.language);
        }
        let spoken = ScopeSettings { language: self.spoken.clone(), ..ScopeSettings::default() };
        match settings.flaw().or_else(|| spoken.flaw()) {
            Some(flaw) => Err(Failure::input(flaw)),
            None => Ok(settings),
        }
    }

    fn order(&self, input: &str) -> Result<(Order, Option<Brought>), Failure> {
        let lower = input.to_ascii_lowercase();
        if lower.starts_with("http://") || lower.starts_with("https://") {
            let url = Url::parse(input).map_err(|error| {
                Failure::input(format!("{} is no link: {error}.", super::safe(input)))
            })?;
            let episode = self.episode.clone().map_or(EpisodeChoice::Newest, EpisodeChoice::Named);
            return Ok((Order::Link { url, episode }, None));
        }
        if self.episode.is_some() {
            return Err(Failure::input(
                "--episode is for links to feeds; a file holds one episode.",
            ));
        }
        if input == "-" {
            let mut bytes = Vec::new();
            read_bounded(std::io::stdin().lock(), &mut bytes, "Standard input")?;
            return Ok((
                Order::Upload { name: "Standard input".to_owned() },
                Some(Brought::Bytes(bytes)),
            ));
        }
        let path = PathBuf::from(input);
        let shown = super::safe(input);
        let cannot = |error: std::io::Error| {
            Failure::input(match error.kind() {
                std::io::ErrorKind::NotFound => format!("There is no file {shown}."),
                std::io::ErrorKind::PermissionDenied => {
                    format!("{shown} cannot be read: you may not.")
                }
                _ => format!("{shown} cannot be read: {error}."),
            })
        };
        if path.is_dir() {
            return Err(Failure::input(format!("{shown} is a folder; give one transcript file.")));
        }
        // Whether it is sound or a transcript is seen when it is read; it may be larger than memory.
        std::fs::File::open(&path).map_err(cannot)?;
        let name =
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok((Order::Upload { name }, Some(Brought::File(path))))
    }
}

fn read_bounded(input: impl Read, bytes: &mut Vec<u8>, what: &str) -> Result<(), Failure> {
    input
        .take(BYTES_MAX as u64 + 1)
        .read_to_end(bytes)
        .map_err(|error| Failure::input(format!("{what} cannot be read: {error}.")))?;
    if bytes.len() > BYTES_MAX {
        let mib = BYTES_MAX / (1024 * 1024);
        return Err(Failure::input(format!(
            "{what} is larger than {mib} MiB, which no transcript is."
        )));
    }
    Ok(())
}

/// Writes a file whole or not at all.
fn write_whole(path: &std::path::Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::here(format!("{} cannot be written: {error}.", path.display()))
    };
    if path.is_dir() {
        return Err(Failure::input(format!("{} is a folder; -o takes a file.", path.display())));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // The error that is shown is the one that matters.
        let _ = std::fs::remove_file(&beside);
    }
    written.map_err(failed)
}
