//! `recap summarize`.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use recap_mode::{Clock, Scope, SystemClock, SystemEntropy};
use url::Url;

use crate::app::{limits_of, trust_of};
use crate::export::{self, ExportFormat};
use crate::feed_cache::FeedCache;
use crate::history::Library;
use crate::net::Net;
use crate::pipeline::{self, EpisodeChoice, Order, Tools, Workspace};
use crate::transcripts::BYTES_MAX;

use super::progress::Bar;
use super::{Failure, Setting, say, small_runtime};

#[derive(clap::Args)]
pub(super) struct Summarize {
    /// Transcript files, - for standard input, or http(s) links to transcripts or feeds
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
    /// Whose library, with --save
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
        let tools = Tools {
            net,
            clock: Arc::new(SystemClock),
            feeds: Arc::new(feeds),
            trust: trust_of(&config, true),
            fetch_timeout: config.fetch_timeout(),
            stage_timeout: config.stage_timeout(),
            feed_limits: limits_of(&config),
        };
        let bar = Bar::new(setting.environment.no_color());
        let runtime = small_runtime()?;
        let made = runtime.block_on(pipeline::run(
            &tools,
            &order,
            &Workspace::in_memory(upload),
            &|stage, message| bar.show(stage, &message),
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

    fn order(&self, input: &str) -> Result<(Order, Option<Vec<u8>>), Failure> {
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
            return Ok((Order::Upload { name: "Standard input".to_owned() }, Some(bytes)));
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
        let mut bytes = Vec::new();
        read_bounded(std::fs::File::open(&path).map_err(cannot)?, &mut bytes, &shown)?;
        let name =
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok((Order::Upload { name }, Some(bytes)))
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
