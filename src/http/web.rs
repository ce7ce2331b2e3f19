//! The pages: the same calls as the API, answered as HTML for people.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use recap_mode::{Caller, Fault};
use rust_embed::RustEmbed;
use serde::Deserialize;

use crate::app::App;
use crate::domain::library::LibraryMeta;
use crate::domain::recap::{Recap, RecapHead, Topic};
use crate::history::{ListQuery, Problem};
use crate::search::{Found, PlaceKind};

use super::extract::{Id, Params, Who};
use super::recaps::{self, ListParams};
use super::search::HITS_DEFAULT;

#[derive(RustEmbed)]
#[folder = "src/web/static/"]
struct Assets;

/// What every page needs.
struct Frame {
    signed_in: bool,
    problems: Vec<Problem>,
    config_problem: Option<String>,
}

async fn frame(app: &Arc<App>, caller: &Caller) -> Result<Frame, Fault> {
    let scope = caller.scope.clone();
    Ok(Frame {
        signed_in: caller.signed_in_as.is_some(),
        problems: super::blocking(app, move |app| app.library.problems_now(&scope)).await?,
        config_problem: if caller.operator { app.config_problem_now() } else { None },
    })
}

fn page(template: &impl Template) -> Result<Response, Fault> {
    let text = template.render().map_err(|error| Fault::internal("writing a page", error))?;
    Ok(Html(text).into_response())
}

/// A fault as a page.
fn sorry(fault: Fault) -> Response {
    if let Some(cause) = fault.cause() {
        tracing::error!(cause = %cause, "a page could not be shown: {}", fault.message);
    }
    let shown =
        Sorry { frame: None, status: fault.kind.status().as_u16(), message: fault.to_string() };
    match page(&shown) {
        Ok(response) => (fault.kind.status(), response).into_response(),
        Err(fault) => fault.into_response(),
    }
}

#[derive(Template)]
#[template(path = "sorry.html", config = "src/web/askama.toml")]
struct Sorry {
    frame: Option<Frame>,
    status: u16,
    message: String,
}

#[derive(Template)]
#[template(path = "library.html", config = "src/web/askama.toml")]
struct LibraryPage {
    frame: Option<Frame>,
    recaps: Vec<Arc<RecapHead>>,
    meta: LibraryMeta,
    folder: Option<String>,
    total: usize,
    next: Option<String>,
}

/// The library, with the box to make a recap.
pub(super) async fn library(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    params: Result<Params<ListParams>, Fault>,
) -> Response {
    let shown = async {
        let Params(params) = params?;
        let query: ListQuery = params.query()?;
        let folder = query.folder.clone();
        let frame = frame(&app, &caller).await?;
        let meta = app.library.meta(&caller.scope).await?;
        let scope = caller.scope.clone();
        let list = super::blocking(&app, move |app| app.library.list_now(&scope, &query)).await?;
        let next = list.next.as_ref().map(recaps::cursor_text);
        page(&LibraryPage {
            frame: Some(frame),
            recaps: list.recaps,
            meta,
            folder,
            total: list.total,
            next,
        })
    };
    shown.await.unwrap_or_else(sorry)
}

#[derive(Template)]
#[template(path = "recap.html", config = "src/web/askama.toml")]
struct RecapPage {
    frame: Option<Frame>,
    recap: Recap,
    problem: Option<Problem>,
    about: &'static str,
}

impl RecapPage {
    /// The topic that a cue opens.
    fn opens(&self, cue: &usize) -> Option<&Topic> {
        self.recap.topics.iter().find(|topic| topic.first_cue == *cue)
    }

    /// The speaker to show before a cue: only where it changes.
    fn speaker(&self, cue: &usize) -> Option<&str> {
        let cues = &self.recap.transcript.cues;
        let now = cues.get(*cue)?;
        let before = cue.checked_sub(1).and_then(|at| cues.get(at));
        if before.is_some_and(|before| before.speaker == now.speaker) {
            return None;
        }
        self.recap.transcript.speaker_name(now)
    }
}

/// One recap with its transcript.
pub(super) async fn recap(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    id: Result<Id, Fault>,
) -> Response {
    let shown = async {
        let Id(id) = id?;
        let found = app.library.find(&caller.scope, &id).await?;
        let about = if found.recap.transcript.times.is_exact() { "" } else { "about " };
        let frame = frame(&app, &caller).await?;
        page(&RecapPage { frame: Some(frame), recap: found.recap, problem: found.problem, about })
    };
    shown.await.unwrap_or_else(sorry)
}

#[derive(Deserialize)]
pub(super) struct SearchParams {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "search.html", config = "src/web/askama.toml")]
struct SearchPage {
    frame: Option<Frame>,
    query: String,
    found: Found,
}

impl SearchPage {
    /// What sort of place it is, for a person.
    fn kind(kind: &PlaceKind) -> &'static str {
        match kind {
            PlaceKind::Topic => "Topic",
            PlaceKind::Point => "Point",
            PlaceKind::Overview => "Overview",
            PlaceKind::Transcript => "Said",
        }
    }
}

/// What a search found.
pub(super) async fn search(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    params: Result<Params<SearchParams>, Fault>,
) -> Response {
    let shown = async {
        let Params(SearchParams { q: query }) = params?;
        let frame = frame(&app, &caller).await?;
        let (scope, text) = (caller.scope.clone(), query.clone());
        let found =
            super::blocking(&app, move |app| app.search.find_now(&scope, &text, HITS_DEFAULT))
                .await?;
        page(&SearchPage { frame: Some(frame), query, found })
    };
    shown.await.unwrap_or_else(sorry)
}

#[derive(Deserialize)]
pub(super) struct SignInParams {
    #[serde(default)]
    next: Option<String>,
    #[serde(default)]
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in.html", config = "src/web/askama.toml")]
struct SignInPage {
    frame: Option<Frame>,
    next: String,
    wrong: bool,
}

/// Where strangers are led.
pub(super) async fn sign_in(params: Result<Params<SignInParams>, Fault>) -> Response {
    let shown = params.and_then(|Params(params)| {
        page(&SignInPage {
            frame: None,
            next: params.next.unwrap_or_else(|| "/".to_owned()),
            wrong: params.wrong.is_some(),
        })
    });
    shown.unwrap_or_else(sorry)
}

/// A static file of the page.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(file) = Assets::get(&name) else {
        return Fault::not_found("There is no such file.").into_response();
    };
    let hash: String =
        file.metadata.sha256_hash()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let etag = format!("\"{hash}\"");
    // Asked for again each time, and answered with 304: a new version is seen at once.
    let common = [(ETAG, etag.clone()), (CACHE_CONTROL, "no-cache".to_owned())];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    (common, [(CONTENT_TYPE, kind)], file.data.into_owned()).into_response()
}
