//! A publisher on loopback: feeds and transcripts that a test changes while they are asked for, with
//! validators, redirects, refusals and slowness, and a count of who asked.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, RETRY_AFTER};
use axum::response::{IntoResponse, Response};

/// What one address answers.
#[derive(Clone, Default)]
pub struct Page {
    pub status: u16,
    pub kind: &'static str,
    pub body: String,
    pub location: String,
    pub retry_after: String,
    /// Only for `user:password`.
    pub password: String,
    pub wait: Duration,
    /// Also answers "not modified".
    pub has_validators: bool,
}

#[derive(Clone, Debug)]
pub struct Hit {
    pub path: String,
    pub was_conditional: bool,
}

#[derive(Clone)]
pub struct Publisher {
    pub base: String,
    pages: Arc<Mutex<HashMap<String, Page>>>,
    hits: Arc<Mutex<Vec<Hit>>>,
}

impl Publisher {
    pub async fn new() -> Publisher {
        let pages = Arc::new(Mutex::new(HashMap::new()));
        let hits = Arc::new(Mutex::new(Vec::new()));
        let publisher = Publisher { base: String::new(), pages, hits };
        let router = Router::new().fallback(answer).with_state(publisher.clone());
        Publisher { base: super::upstream(router).await, ..publisher }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn put(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    /// A feed with validators.
    pub fn feed(&self, path: &str, body: String) {
        let kind = "application/rss+xml";
        self.put(path, Page { kind, body, has_validators: true, ..Page::default() });
    }

    pub fn status(&self, path: &str, status: u16) {
        self.put(path, Page { status, ..Page::default() });
    }

    /// A show of episodes 1 to `count`, each with a transcript.
    pub fn show(&self, path: &str, title: &str, count: u32) {
        let own = |n| {
            let one = Episode::new(n);
            Episode { guid: format!("{path}-{n}"), file: format!("{path}/{n}.mp3"), ..one }
        };
        let episodes: Vec<Episode> = (1..=count).map(own).collect();
        self.feed(path, self.rss(title, "", &episodes));
        for n in 1..=count {
            let body = super::TALK.replace("two loaves", &format!("{n} loaves"));
            self.put(&format!("/{n}.txt"), Page { kind: "text/plain", body, ..Page::default() });
        }
    }

    pub fn rss(&self, title: &str, more: &str, episodes: &[Episode]) -> String {
        let mut out = format!(
            "<rss version=\"2.0\" xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\" \
             xmlns:podcast=\"https://podcastindex.org/namespace/1.0\"><channel><title>{title}</title>{more}"
        );
        for one in episodes.iter().rev() {
            let Episode { n, title, guid, day, minutes, file, transcript } = one;
            let _ = write!(
                out,
                "<item><title>{title}</title><guid isPermaLink=\"false\">{guid}</guid>\
                 <link>{}/page/{n}</link><pubDate>{day}</pubDate>\
                 <itunes:duration>{}</itunes:duration>\
                 <enclosure url=\"{}{file}\" type=\"audio/mpeg\" length=\"1\"/>",
                self.base,
                minutes * 60,
                self.base
            );
            if *transcript {
                let _ = write!(
                    out,
                    "<podcast:transcript url=\"{}/{n}.txt\" type=\"text/plain\"/>",
                    self.base
                );
            }
            out.push_str("</item>");
        }
        out.push_str("</channel></rss>");
        out
    }

    pub fn hits(&self, path: &str) -> Vec<Hit> {
        let hits = self.hits.lock().unwrap();
        hits.iter().filter(|hit| hit.path == path).cloned().collect()
    }
}

#[derive(Clone)]
pub struct Episode {
    pub n: u32,
    pub title: String,
    pub guid: String,
    pub day: String,
    pub minutes: u32,
    pub file: String,
    pub transcript: bool,
}

impl Episode {
    pub fn new(n: u32) -> Episode {
        Episode {
            n,
            title: format!("Episode {n}"),
            guid: format!("guid-{n}"),
            day: format!("{:02} Oct 2026 08:00:00 +0000", n.min(28)),
            minutes: 40 + n,
            file: format!("/{n}.mp3"),
            transcript: true,
        }
    }
}

async fn answer(State(publisher): State<Publisher>, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let headers = request.headers().clone();
    let asked = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned);
    publisher
        .hits
        .lock()
        .unwrap()
        .push(Hit { path: path.clone(), was_conditional: asked.is_some() });
    let Some(page) = publisher.pages.lock().unwrap().get(&path).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    tokio::time::sleep(page.wait).await;
    if !page.password.is_empty() {
        use base64::Engine as _;
        let want = base64::prelude::BASE64_STANDARD.encode(&page.password);
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if given != Some(&format!("Basic {want}")) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
    }
    let status = StatusCode::from_u16(page.status.max(200)).unwrap();
    let etag = format!(
        "\"{:x}\"",
        page.body.len() as u64 * 31 + page.body.bytes().map(u64::from).sum::<u64>()
    );
    if page.has_validators && asked.as_deref() == Some(&etag) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let mut response = (status, [(CONTENT_TYPE, page.kind)], page.body).into_response();
    let mut set = |name, value: &str| {
        if !value.is_empty() {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
    };
    set(LOCATION, &page.location);
    set(RETRY_AFTER, &page.retry_after);
    if page.has_validators {
        set(ETAG, &etag);
    }
    response
}
