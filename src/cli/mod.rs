//! The command line: one file a subcommand. clap reads flags alone; `config` reads the environment.
//!
//! Exit codes: 0 done; 1 something is wrong with a file (`check`) or here; 2 the input, the
//! command or the configuration is wrong; 3 something could not be fetched.

mod admin;
mod check;
mod config;
mod demo;
mod follow;
mod library;
mod migrate;
mod models;
mod progress;
mod queue;
mod schema;
mod serve;
mod set_password;
mod summarize;
mod transcribe_worker;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser, Subcommand};
use recap_mode::{Scope, SystemClock, SystemEntropy};
use serde_json::{Map, Value};

use crate::config::{ConfigError, Environment, data_folder};
use crate::daemon::{ChooseMode, StartError};
use crate::engines::Engines;
use crate::history::{FollowError, Library, LibraryError, StoreError};
use crate::models::whisper::Worker;
use crate::net::{FetchError, Net};
use crate::pipeline::PipelineError;
use crate::secrets::Secrets;

/// Long episodes as checked recaps: titled, timed topics whose every point leads back to the second
/// where it was said.
#[derive(Parser)]
#[command(name = "recap", version, propagate_version = true, after_help = AFTER_HELP)]
struct Cli {
    /// The data folder [default: RECAP_DATA, else the platform's place for data]
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "Exit codes: 0 done, 1 a file is bad or something failed here, 2 the input, command or configuration \
                          is wrong,\n3 something could not be fetched. Settings: `recap config`.";

#[derive(Subcommand)]
enum Command {
    /// Serve the page and the API
    Serve(serve::Serve),
    /// Show what Recap does, with a small show that comes along
    Demo(demo::Demo),
    /// Make recaps of files, of standard input (-) or of links, and print them
    Summarize(summarize::Summarize),
    /// Follow shows: new episodes come to the queue
    Follow(follow::Follow),
    /// Stop following shows
    Unfollow(follow::Unfollow),
    /// List whom you follow, and how each does
    Subs(follow::Subs),
    /// Look for new episodes now
    CheckNow(follow::CheckNow),
    /// List the queue, or let it rest
    Queue(queue::Queue),
    /// Approve found episodes: their recaps are made
    Approve(queue::Approve),
    /// Skip episodes, or undo that
    Skip(queue::Skip),
    /// Try failed episodes again
    Retry(queue::Retry),
    /// Follow everything in an OPML file
    ImportOpml(follow::ImportOpml),
    /// Print whom you follow as an OPML file
    ExportOpml(follow::ExportOpml),
    /// List the recaps of the library
    List(library::List),
    /// Print one recap
    Show(library::Show),
    /// Find words in the library
    Search(library::Search),
    /// Delete recaps, or undo that
    Rm(library::Rm),
    /// Write documents of an earlier system in today's form
    Migrate(migrate::Migrate),
    /// Check every file of the data folder
    Check(check::Check),
    /// Print the JSON schemas, and write them to history/.schema/ for editors
    Schema(schema::Schema),
    /// Print what is configured, and where each value comes from
    Config(config::Config),
    /// List, fetch and check the weights of the recogniser on this machine
    Models(models::Models),
    /// Hear what the daemon sends
    #[command(hide = true)]
    TranscribeWorker(transcribe_worker::TranscribeWorker),
    /// Look after tenants, where this Recap serves many
    Admin(admin::Admin),
    /// Set the operator's password, or take it away
    SetPassword(set_password::SetPassword),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Something is wrong here: 1.
    fn here(message: impl Into<String>) -> Failure {
        Failure { code: 1, message: message.into() }
    }

    /// Says it on standard error.
    fn say(&self) {
        let mut out = std::io::stderr().lock();
        // Nobody may be there to read it; the exit code says it too.
        let _ = writeln!(out, "recap: {}", self.message);
    }

    /// The input, command or configuration is wrong: 2.
    fn input(message: impl Into<String>) -> Failure {
        Failure { code: 2, message: message.into() }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::input(error.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Failure {
        match error {
            StartError::Folder { .. } | StartError::Store(_) | StartError::Listen { .. } => {
                Failure::here(error.to_string())
            }
            _ => Failure::input(error.to_string()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::here(error.to_string())
    }
}

impl From<LibraryError> for Failure {
    fn from(error: LibraryError) -> Failure {
        match error {
            LibraryError::Store(error) => error.into(),
            error => Failure::input(error.to_string()),
        }
    }
}

impl From<FollowError> for Failure {
    fn from(error: FollowError) -> Failure {
        match error {
            FollowError::Store(error) => error.into(),
            error => Failure::input(error.to_string()),
        }
    }
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Failure {
        let code = match &error {
            PipelineError::Fetch(FetchError::Scheme { .. }) => 2,
            PipelineError::Fetch(_)
            | PipelineError::Check(_)
            | PipelineError::Download(_)
            | PipelineError::Model(_)
            | PipelineError::NotYet { .. }
            | PipelineError::Stuck { .. } => 3,
            PipelineError::Video(error) if error.may_pass() => 3,
            PipelineError::Workspace(_) | PipelineError::Panicked(_) => 1,
            _ => 2,
        };
        Failure { code, message: error.to_string() }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::here(format!("Writing the answer failed: {error}."))
    }
}

/// What every command gets.
struct Setting {
    data: Option<PathBuf>,
    environment: Environment,
    choose_mode: ChooseMode,
    /// The loop of the recogniser's process, where it was built in.
    worker: Option<Worker>,
}

impl Setting {
    /// Our own program, by which the recogniser's worker is started, where it was built in.
    fn whisper_program(&self) -> Result<Option<PathBuf>, Failure> {
        match self.worker {
            None => Ok(None),
            Some(_) => std::env::current_exe().map(Some).map_err(|error| {
                Failure::here(format!("Recap does not find its own program: {error}."))
            }),
        }
    }

    /// The model servers and recognisers of the data folder's settings.
    fn engines(&self, net: Arc<Net>) -> Result<Engines, Failure> {
        let data = self.data()?;
        let entropy = Arc::new(SystemEntropy);
        let secrets = Secrets::open(&data, None, entropy.clone())
            .map_err(|error| Failure::input(error.to_string()))?;
        Ok(Engines::new(
            data,
            (net, Arc::new(SystemClock), entropy),
            Arc::new(secrets),
            self.environment.model_keys(),
            self.whisper_program()?,
        ))
    }

    fn data(&self) -> Result<PathBuf, Failure> {
        Ok(data_folder(self.data.as_deref(), &self.environment)?)
    }

    /// The library of the data folder, which must be there.
    fn library(&self) -> Result<Arc<Library>, Failure> {
        let data = self.data()?;
        if !data.join("history").is_dir() {
            return Err(Failure::input(format!(
                "There is no library in {}. Give the data folder with --data, or make a first recap.",
                data.display()
            )));
        }
        Ok(Library::open(&data, Arc::new(SystemClock), Arc::new(SystemEntropy))?)
    }

    /// What is in force for a command that does not serve.
    fn config(&self) -> Result<crate::config::Config, Failure> {
        Ok(crate::config::load(&self.data()?, &self.environment, &Map::new())?)
    }
}

/// Runs the command line of this process; `worker` is the recogniser that was built in, if one was.
pub fn run(choose_mode: ChooseMode, worker: Option<Worker>) -> ExitCode {
    let environment = Environment::of_process();
    let mut command = Cli::command();
    if environment.no_color() {
        command = command.color(clap::ColorChoice::Never);
    }
    let cli = match command
        .try_get_matches()
        .and_then(|matches| clap::FromArgMatches::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes: clap prints them to standard output, with 0.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let Cli { data, command } = cli;
    let setting = Setting { data, environment, choose_mode, worker };
    match dispatch(command, setting) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.say();
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(command: Command, setting: Setting) -> Result<u8, Failure> {
    match command {
        Command::Serve(serve) => serve.run(setting),
        Command::Demo(demo) => demo.run(setting),
        Command::Summarize(summarize) => summarize.run(setting),
        Command::Follow(follow) => follow.run(setting),
        Command::Unfollow(unfollow) => unfollow.run(setting),
        Command::Subs(subs) => subs.run(setting),
        Command::CheckNow(check_now) => check_now.run(setting),
        Command::Queue(queue) => queue.run(setting),
        Command::Approve(approve) => approve.run(setting),
        Command::Skip(skip) => skip.run(setting),
        Command::Retry(retry) => retry.run(setting),
        Command::ImportOpml(import) => import.run(setting),
        Command::ExportOpml(export) => export.run(setting),
        Command::List(list) => list.run(setting),
        Command::Show(show) => show.run(setting),
        Command::Search(search) => search.run(setting),
        Command::Rm(rm) => rm.run(setting),
        Command::Migrate(migrate) => migrate.run(setting),
        Command::Check(check) => check.run(setting),
        Command::Schema(schema) => schema.run(setting),
        Command::Config(config) => config.run(setting),
        Command::Models(models) => models.run(setting),
        Command::TranscribeWorker(worker) => worker.run(setting),
        Command::Admin(admin) => admin.run(setting),
        Command::SetPassword(set_password) => set_password.run(setting),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "recap", &mut std::io::stdout());
            Ok(0)
        }
    }
}

/// A runtime for a command that does one thing.
fn small_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::here(format!("No runtime could be started: {error}.")))
}

/// A runtime for a daemon: few threads, which give their memory back when they idle.
fn daemon_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .thread_keep_alive(std::time::Duration::from_secs(2))
        .enable_all()
        .build()
        .map_err(|error| Failure::here(format!("No runtime could be started: {error}.")))
}

/// Starts logging to standard error, as configured.
fn start_logging(filter: &str, format: &str, environment: &Environment) {
    let filter = filter.parse::<tracing_subscriber::EnvFilter>().unwrap_or_default();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first logger.
    let _ = if format == "json" {
        builder.json().try_init()
    } else {
        let colours = std::io::stderr().is_terminal() && !environment.no_color();
        builder.with_ansi(colours).with_target(false).try_init()
    };
}

/// Prints a line; a reader that went away ends the command quietly.
fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

fn say_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Failure::here(error.to_string()))?;
    say(&text)
}

/// Text from a file, safe for a terminal: control characters could move its cursor or worse.
fn safe(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The scope that a command works on.
#[derive(clap::Args)]
struct ScopeArg {
    /// Whose library
    #[arg(long, default_value = "owner", value_name = "SCOPE")]
    scope: Scope,
}

/// Flags as settings.
fn flags(pairs: &[(&str, Option<Value>)]) -> Map<String, Value> {
    pairs.iter().filter_map(|(key, value)| Some(((*key).to_owned(), value.clone()?))).collect()
}
