//! `recap demo`: a small show on loopback, its feed read, one recap made before your eyes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use recap_mode::{Scope, SystemClock, SystemEntropy};
use rust_embed::RustEmbed;
use serde_json::Value;
use url::Url;

use crate::daemon::{Daemon, Setup};
use crate::domain::recap::{Recap, RecapId};
use crate::export::clock;
use crate::make_recap;
use crate::net::{Request, Trust};
use crate::pipeline::{EpisodeChoice, Order, Stage};

use super::progress::Bar;
use super::{Failure, Setting, daemon_runtime, flags, safe, say, start_logging};

/// The episode that has the most to show.
const LONGEST_EPISODE: &str = "Everything in the shed";

/// The sample show and the sample documents, as they lie in the project.
#[derive(RustEmbed)]
#[folder = "sample-history/"]
struct Sample;

#[derive(clap::Args)]
pub(super) struct Demo {
    /// End when the recap is made and readable through the API
    #[arg(long)]
    once: bool,
    /// Address and port of the page [default: 127.0.0.1:8722, or any free port where that is taken]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Which episode: a part of its title
    #[arg(long, value_name = "TEXT", default_value = LONGEST_EPISODE)]
    episode: String,
}

impl Demo {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        start_logging("warn", "text", &setting.environment);
        let scratch = Scratch::make()?;
        let runtime = daemon_runtime()?;
        let outcome = runtime.block_on(self.show(setting, &scratch.0));
        runtime.shutdown_timeout(Duration::from_secs(2));
        outcome.map(|()| 0)
    }

    async fn show(self, setting: Setting, data: &Path) -> Result<(), Failure> {
        say(&format!("A scratch data folder is at {} and goes away at the end.", data.display()))?;
        let (show_server, feed) = serve_show().await?;
        say(&format!("A sample show with three episodes is served at {feed}"))?;
        let listen = match self.listen {
            Some(listen) => listen,
            None => free_address().await.to_string(),
        };
        let daemon = Daemon::start(Setup {
            data: data.to_owned(),
            // The demo is the same wherever it runs: variables of this machine stay out.
            environment: crate::config::Environment::default(),
            flags: flags(&[("listen", Some(Value::from(listen)))]),
            choose_mode: setting.choose_mode,
            whisper_program: setting.whisper_program()?,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        })
        .await?;
        let order = Order::Link { url: feed, episode: EpisodeChoice::Named(self.episode) };
        let id = make(&daemon, order, setting.environment.no_color()).await?;
        let recap = read_through_api(&daemon, &id).await?;
        print(&recap)?;
        let page = format!("http://{}/recaps/{id}", daemon.address());
        if !self.once {
            say(&format!("\nThe page: {page}"))?;
            say("It is served until you press Ctrl-C.")?;
            super::serve::until_told_to_stop().await;
        }
        daemon.stop().await;
        show_server.abort();
        Ok(())
    }
}

/// Makes the recap and shows how far it is: a bar on a terminal, a line a stage elsewhere.
async fn make(daemon: &Daemon, order: Order, no_color: bool) -> Result<RecapId, Failure> {
    use std::io::IsTerminal;
    let app = daemon.app();
    let owner = Scope::owner();
    let job = make_recap::start(app, &owner, order, None)
        .await
        .map_err(|fault| Failure::here(fault.to_string()))?;
    let mut follow =
        app.jobs.follow(&owner, &job).ok_or_else(|| Failure::here("The job went away."))?;
    let bar = Bar::new(no_color);
    let in_lines = !std::io::stderr().is_terminal();
    let mut said = None;
    loop {
        let view = follow.borrow_and_update().clone();
        bar.show(view.percent, &view.message);
        if in_lines && said != Some(view.stage) && view.stage != Stage::Queued {
            say(&safe(&format!("{:>3}%  {}", view.percent, view.message)))?;
        }
        said = Some(view.stage);
        if view.stage.is_final() {
            bar.end();
            return view.recap.ok_or(Failure::here(view.message));
        }
        if follow.changed().await.is_err() {
            return Err(Failure::here("The job went away."));
        }
    }
}

/// Reads the recap as any program would.
async fn read_through_api(daemon: &Daemon, id: &RecapId) -> Result<Recap, Failure> {
    let address = format!("http://{}/api/recaps/{id}", daemon.address());
    let url =
        Url::parse(&address).map_err(|error| Failure::here(format!("{address}: {error}.")))?;
    let request = Request {
        trust: Trust::typed(&url),
        url,
        accept: "application/json",
        cookie: None,
        bytes_max: 64 * 1024 * 1024,
        deadline: Duration::from_secs(20),
    };
    let fetched =
        daemon.app().net.fetch(&request).await.map_err(|error| Failure::here(error.to_string()))?;
    serde_json::from_slice(&fetched.bytes)
        .map_err(|error| Failure::here(format!("The API's answer is no recap: {error}.")))
}

fn print(recap: &Recap) -> Result<(), Failure> {
    say(&format!("\n{}\n\n{}\n", safe(&recap.title), safe(&recap.overview)))?;
    for topic in &recap.topics {
        say(&safe(&format!("{:>8}  {}", clock(topic.start_ms), topic.title)))?;
        for point in &topic.points {
            say(&safe(&format!("{:>8}    {} [{}]", "", point.text, clock(point.start_ms))))?;
        }
    }
    Ok(())
}

/// Recap's own port, or any free one where it is taken.
async fn free_address() -> SocketAddr {
    let own = SocketAddr::from(([127, 0, 0, 1], 8722));
    match tokio::net::TcpListener::bind(own).await {
        Ok(_) => own,
        Err(_) => SocketAddr::from(([127, 0, 0, 1], 0)),
    }
}

/// Serves the sample show on a free port; its feed's address.
async fn serve_show() -> Result<(tokio::task::JoinHandle<()>, Url), Failure> {
    let failed = |error: std::io::Error| {
        Failure::here(format!("The sample show could not be served: {error}."))
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let base = format!("http://{}", listener.local_addr().map_err(failed)?);
    let feed = Url::parse(&format!("{base}/feed.xml"))
        .map_err(|error| Failure::here(error.to_string()))?;
    let router = Router::new().route("/{name}", get(show_file)).with_state(Arc::<str>::from(base));
    let tasks = tokio_util::task::TaskTracker::new();
    let server = tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the sample show is not served any more");
        }
    });
    Ok((server, feed))
}

async fn show_file(State(base): State<Arc<str>>, UrlPath(name): UrlPath<String>) -> Response {
    let Some(file) = Sample::get(&format!("show/{name}")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match name.rsplit('.').next() {
        Some("xml") => "application/rss+xml",
        Some("vtt") => "text/vtt",
        Some("srt") => "application/srt",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    };
    let text = String::from_utf8_lossy(&file.data).replace("{{base}}", &base);
    ([(CONTENT_TYPE, kind)], text).into_response()
}

/// A folder that goes away with its owner.
struct Scratch(PathBuf);

impl Scratch {
    /// Makes a data folder with the sample documents in it.
    fn make() -> Result<Scratch, Failure> {
        use recap_mode::Entropy;
        let mut random = [0; 6];
        SystemEntropy.fill(&mut random);
        let tail: String = base16ct::lower::encode_string(&random);
        let folder = std::env::temp_dir().join(format!("recap-demo-{tail}"));
        let failed = |error: std::io::Error| {
            Failure::here(format!("{} cannot be made: {error}.", folder.display()))
        };
        let history = folder.join("history");
        std::fs::create_dir_all(&history).map_err(failed)?;
        let scratch = Scratch(folder.clone());
        // Whom the samples follow is invented: the demo asks nobody for news.
        let is_wanted = |name: &str| {
            name.starts_with("owner/")
                && ["subscriptions", "auto-queue", "feed-state", "seen-list"]
                    .iter()
                    .all(|list| !name.ends_with(&format!("{list}.json")))
        };
        for name in Sample::iter().filter(|name| is_wanted(name)) {
            let (Some(file), path) = (Sample::get(&name), history.join(&*name)) else { continue };
            let parent = path.parent().unwrap_or(&history);
            std::fs::create_dir_all(parent)
                .and_then(|()| std::fs::write(&path, &file.data))
                .map_err(failed)?;
        }
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "the scratch folder could not be removed");
        }
    }
}
