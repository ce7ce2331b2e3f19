//! A whole daemon on a free port, canned servers to fetch from, and a client that speaks to both.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Path as UrlPath;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use recap::config::Environment;
use recap::daemon::{ChooseMode, Daemon, ModeRequest, Setup, StartError};
use recap::secrets::Secrets;
use recap::single::Single;
use recap_mode::{Clock, Mode, SystemClock, SystemEntropy};
use serde_json::{Map, Value, json};

pub mod publisher;
pub mod story;
pub mod twins;

/// How long a test waits for what must come: a person's patience, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The mode that ships, as `main.rs` chooses it.
pub fn single(request: &ModeRequest<'_>) -> Result<Arc<dyn Mode>, String> {
    let secrets = Secrets::open(
        request.data,
        request.environment.operator_password(),
        request.entropy.clone(),
    )
    .map_err(|error| error.to_string())?;
    Ok(Single::new(Arc::new(secrets), request.clock.clone(), false, false))
}

pub struct House {
    data: Option<tempfile::TempDir>,
    daemon: Option<Daemon>,
    pub client: reqwest::Client,
    pub base: String,
}

impl House {
    /// A daemon over an empty folder.
    pub async fn new() -> House {
        House::over(tempfile::tempdir().unwrap(), json!({}), single).await
    }

    /// A daemon over a folder that is there, with settings.
    pub async fn over(data: tempfile::TempDir, flags: Value, mode: ChooseMode) -> House {
        let daemon = start(data.path(), flags, mode).await.unwrap();
        House::of(data, daemon)
    }

    /// A daemon that was started over a folder.
    pub fn of(data: tempfile::TempDir, daemon: Daemon) -> House {
        let base = format!("http://{}", daemon.address());
        House { data: Some(data), daemon: Some(daemon), client: client(), base }
    }

    pub fn data(&self) -> &Path {
        self.data.as_ref().unwrap().path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.data().join("history/owner").join(name)
    }

    pub fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        let status = answer.status();
        let text = answer.text().await.unwrap();
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{path} answered {status} {text}: {error}"))
    }

    pub async fn page(&self, path: &str) -> String {
        self.client
            .get(self.url(path))
            .header("accept", "text/html")
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    /// Asks for a recap of a link and waits for the outcome.
    pub async fn process_link(&self, body: Value) -> Value {
        let answer = self.client.post(self.url("/api/process")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 202, "{}", answer.text().await.unwrap());
        self.outcome(answer.json::<Value>().await.unwrap()["id"].as_str().unwrap()).await
    }

    /// Sends a transcript and waits for the outcome.
    pub async fn process_text(&self, name: &str, text: impl Into<reqwest::Body>) -> Value {
        let answer = self
            .client
            .post(self.url("/api/process"))
            .query(&[("name", name)])
            .body(text)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 202, "{}", answer.text().await.unwrap());
        self.outcome(answer.json::<Value>().await.unwrap()["id"].as_str().unwrap()).await
    }

    /// Follows a job by its events until it ends.
    pub async fn outcome(&self, job: &str) -> Value {
        let answer = self.get(&format!("/api/jobs/{job}/events")).await;
        let text =
            tokio::time::timeout(PATIENCE, answer.text()).await.expect("the job ends").unwrap();
        let last = text.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap();
        serde_json::from_str(last).unwrap()
    }

    /// Asks for a job as a tenant of the twins until it has ended.
    pub async fn ended(&self, job: &str, who: &str) -> Value {
        ended(&self.client, &self.base, job, &format!("twin={who}")).await
    }

    /// A recap that is in the library, by its id.
    pub async fn a_recap(&self) -> String {
        let done = self.process_text("talk.txt", TALK).await;
        done["recap"].as_str().unwrap_or_else(|| panic!("{done}")).to_owned()
    }

    /// Every file of the data folder with its bytes, but the daemon's lock.
    pub fn tree(&self) -> Vec<(String, Vec<u8>)> {
        tree(self.data())
    }

    /// Stops the daemon and checks that it leaves nothing half done; the folder stays.
    pub async fn stop(mut self) -> tempfile::TempDir {
        let daemon = self.daemon.take().unwrap();
        // An item is done a moment before the job that made it has closed.
        until("the end of all jobs", async || (daemon.app().jobs.open_count() == 0).then_some(()))
            .await;
        daemon.stop().await;
        let data = self.data.take().unwrap();
        for (file, _) in tree(data.path()) {
            assert!(!file.ends_with(".tmp") && !file.ends_with(".part"), "{file} was left");
        }
        data
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(daemon) = &self.daemon
            && !std::thread::panicking()
        {
            // A job or a write that is just ending ends on its own thread; one that was left stays.
            let open = || daemon.app().jobs.open_count();
            let left = || {
                let mut names = self.tree().into_iter().map(|(file, _)| file);
                names.find(|file| file.ends_with(".tmp") || file.ends_with(".part"))
            };
            let deadline = std::time::Instant::now() + Duration::from_secs(5);
            while (open() > 0 || left().is_some()) && std::time::Instant::now() < deadline {
                std::thread::yield_now();
            }
            assert_eq!(open(), 0, "jobs were left open");
            assert_eq!(left(), None, "a temporary was left");
        }
    }
}

pub async fn start(
    data: &Path,
    flags: Value,
    choose_mode: ChooseMode,
) -> Result<Daemon, StartError> {
    let Value::Object(mut flags) = flags else { panic!("flags are an object") };
    flags.entry("listen").or_insert(json!("127.0.0.1:0"));
    start_with(data, Environment::default(), flags, choose_mode).await
}

pub async fn start_with(
    data: &Path,
    environment: Environment,
    flags: Map<String, Value>,
    choose_mode: ChooseMode,
) -> Result<Daemon, StartError> {
    start_at(data, environment, flags, choose_mode, Arc::new(SystemClock)).await
}

/// The same by a clock of the test's.
pub async fn start_at(
    data: &Path,
    environment: Environment,
    flags: Map<String, Value>,
    choose_mode: ChooseMode,
    clock: Arc<dyn Clock>,
) -> Result<Daemon, StartError> {
    let mut flags = flags;
    // Whatever this machine has: a test that wants a yt-dlp says which.
    flags.entry("yt_dlp").or_insert(json!("/nowhere/yt-dlp"));
    Daemon::start(Setup {
        data: data.to_owned(),
        environment,
        flags,
        choose_mode,
        whisper_program: None,
        clock,
        entropy: Arc::new(SystemEntropy),
    })
    .await
}

#[expect(clippy::disallowed_methods, reason = "tests speak to loopback alone")]
pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

pub fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file() && entry.file_name() != "daemon.lock")
        .filter_map(|entry| {
            let name = entry.path().strip_prefix(folder).unwrap().to_string_lossy().into_owned();
            Some((name, std::fs::read(entry.path()).ok()?))
        })
        .collect();
    files.sort();
    files
}

/// A short talk of our own.
pub const TALK: &str = "[00:00:00] Ada: Good bread needs time, and today we bake two loaves.\n\
    [00:00:08] Ada: We mix 500 grams of flour with 350 grams of water and wait eighteen hours.\n\
    [00:00:20] Ben: Why so long, if yeast is faster?\n\
    [00:00:26] Ada: Because the long rest brings the taste, and the crumb stays moist for three days.\n\
    [00:00:40] Ben: Let us talk about the oven now, since mine never gets hot enough.\n\
    [00:00:48] Ada: It takes 240 degrees and a heavy pot with a lid for the first half hour.\n\
    [00:01:02] Ben: And then you lift the lid to brown the crust, which takes fifteen minutes more.\n\
    [00:01:15] Ada: That is all, and your kitchen smells like a bakery until the evening.\n";

/// Serves the sample show of the project; the feed's address.
pub async fn sample_show() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-history/show");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let here = base.clone();
    let file = move |UrlPath(name): UrlPath<String>| {
        let (folder, base) = (folder.clone(), here.clone());
        async move {
            match std::fs::read_to_string(folder.join(name)) {
                Ok(text) => text.replace("{{base}}", &base).into_response(),
                Err(_) => StatusCode::NOT_FOUND.into_response(),
            }
        }
    };
    serve(listener, Router::new().route("/{name}", get(file)));
    format!("{base}/feed.xml")
}

/// Serves one text at one address, of a media type; the address.
pub async fn canned(kind: &'static str, text: impl Into<String>) -> String {
    let text = text.into();
    upstream(Router::new().route("/it", get(move || std::future::ready(answer(kind, &text))))).await
        + "/it"
}

fn answer(kind: &'static str, text: &str) -> Response {
    ([(CONTENT_TYPE, kind)], text.to_owned()).into_response()
}

/// A server of the test's own making; its base address.
pub async fn upstream(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    serve(listener, router);
    base
}

fn serve(listener: tokio::net::TcpListener, router: Router) {
    in_background(async move { axum::serve(listener, router).await });
}

/// Runs something beside the test, for as long as the test lives.
#[expect(clippy::disallowed_methods, reason = "what a test starts ends with its runtime")]
pub fn in_background<A: Send + 'static>(
    work: impl Future<Output = A> + Send + 'static,
) -> tokio::task::JoinHandle<A> {
    tokio::spawn(work)
}

/// Asks for a job until it has ended.
pub async fn ended(client: &reqwest::Client, base: &str, job: &str, cookie: &str) -> Value {
    until("the job's end", async || {
        let answer = client
            .get(format!("{base}/api/jobs/{job}"))
            .header("cookie", cookie)
            .send()
            .await
            .unwrap();
        let view: Value = answer.json().await.unwrap();
        view["finished_at"].is_string().then_some(view)
    })
    .await
}

/// Asks again until the answer is as wanted, or patience ends.
pub async fn until<F: Future<Output = Option<T>>, T>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(std::time::Instant::now() < deadline, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl House {
    /// Stops the daemon while work is under way; the folder stays.
    pub async fn interrupt(mut self) -> tempfile::TempDir {
        self.daemon.take().unwrap().stop().await;
        self.data.take().unwrap()
    }
}
