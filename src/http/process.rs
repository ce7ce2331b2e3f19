//! Making a recap, and watching it being made.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use recap_mode::{Admitted, Caller, Fault, JobId};
use serde::Deserialize;
use tokio::sync::watch;
use url::Url;

use crate::app::App;
use crate::domain::episode::EpisodeId;
use crate::jobs::JobView;
use crate::make_recap;
use crate::pipeline::{Brought, EpisodeChoice, Order};
use crate::transcripts::BYTES_MAX;

use super::extract::{Params, Who, parse_json, read_body, too_large};
use super::incoming::{Came, Incoming, Kept};

/// What a request may be larger than the transcript in it: the frame of a form.
const FRAME_BYTES: usize = 1024 * 1024;

/// What a recap is wanted of: a link, or a text.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProcessRequest {
    /// A feed or a transcript on the web.
    #[serde(default)]
    link: Option<String>,
    /// Which episode of a feed: its guid, or a part of its title; the newest with a transcript
    /// without it.
    #[serde(default)]
    episode: Option<String>,
    /// A transcript itself.
    #[serde(default)]
    text: Option<String>,
    /// The title that a text gets.
    #[serde(default)]
    name: Option<String>,
    /// An item of the queue that was taken up: what the daemon sends to itself.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    queue_item: Option<EpisodeId>,
}

impl ProcessRequest {
    fn of_link(link: Option<String>) -> ProcessRequest {
        ProcessRequest { link, episode: None, text: None, name: None, queue_item: None }
    }
}

/// What is to be made.
enum Asked {
    /// Something that a person brought; the file goes away unless a job took it.
    New(Box<Order>, Option<Brought>, Option<Kept>),
    /// An item of the queue.
    Item(EpisodeId),
}

#[derive(Deserialize)]
pub(super) struct UploadParams {
    #[serde(default)]
    name: Option<String>,
}

/// Make a recap
///
/// The body is JSON (`{"link": …}` or `{"text": …}`), a form with a `file` or a `link`, or the bytes of a
/// transcript themselves with `?name=`. Whoever accepts `text/event-stream` gets the progress as
/// events named `job`, the last one with the outcome; everybody else gets 202 and a place to ask.
#[utoipa::path(post, path = "/api/process", tag = "process", request_body = ProcessRequest,
    params(("name" = Option<String>, Query, description = "Title of a transcript that is sent as bytes")),
    responses((status = 202, body = JobView, description = "Being made; ask at `Location`"),
        (status = 200, description = "Progress as server-sent events", content_type = "text/event-stream"),
        (status = 400, description = "What is wrong with it"), (status = 402, description = "No credits"),
        (status = 413, description = "Larger than 64 MiB"), (status = 429, description = "Too many at once")))]
pub(super) async fn process(
    State(app): State<Arc<App>>,
    Params(params): Params<UploadParams>,
    request: Request,
) -> Result<Response, Fault> {
    let accept = text_of(request.headers(), ACCEPT.as_str());
    let made = begin(&app, params.name, request, &accept).await;
    // A form without a script: what is wrong is a page as well.
    if accept.contains("text/html") { Ok(made.unwrap_or_else(super::web::sorry)) } else { made }
}

async fn begin(
    app: &Arc<App>,
    name: Option<String>,
    request: Request,
    accept: &str,
) -> Result<Response, Fault> {
    let (parts, body) = request.into_parts();
    let shown = parts.clone();
    let asked = read_order(app, Request::from_parts(parts, body), name).await?;
    // A stranger is somebody from here on, and no earlier: a slip in what they sent costs them nothing.
    let (caller, cookie) = match shown.extensions.get::<Caller>() {
        Some(caller) => (caller.clone(), None),
        None => {
            let Admitted { caller, set_cookie } = app.mode.admit(&shown).await?;
            (caller, set_cookie)
        }
    };
    let mut answer = answer(app, &caller, asked, accept).await;
    if let Some(cookie) = cookie.and_then(|text| HeaderValue::try_from(text).ok()) {
        // Also on an answer that says no.
        let mut response = match answer {
            Err(fault) if accept.contains("text/html") => super::web::sorry(fault),
            answer => answer.into_response(),
        };
        response.headers_mut().append(SET_COOKIE, cookie);
        answer = Ok(response);
    }
    answer
}

async fn answer(
    app: &Arc<App>,
    caller: &Caller,
    asked: Asked,
    accept: &str,
) -> Result<Response, Fault> {
    let job = match asked {
        Asked::New(order, upload, _kept) => {
            make_recap::start(app, &caller.scope, *order, upload).await?
        }
        Asked::Item(id) => make_recap::start_item(app, &caller.scope, &id).await?,
    };
    let follow = app.jobs.follow(&caller.scope, &job).ok_or_else(no_such_job)?;
    if accept.contains("text/event-stream") {
        return Ok(progress(app, follow).into_response());
    }
    if accept.contains("text/html") {
        // A form without a script: the page shows what is being made.
        return Ok((StatusCode::SEE_OTHER, [(LOCATION, "/".to_owned())]).into_response());
    }
    let view = follow.borrow().clone();
    Ok((StatusCode::ACCEPTED, [(LOCATION, format!("/api/jobs/{job}"))], Json(view)).into_response())
}

fn text_of(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase()
}

async fn read_order(
    app: &Arc<App>,
    request: Request,
    name: Option<String>,
) -> Result<Asked, Fault> {
    let kind = text_of(request.headers(), CONTENT_TYPE.as_str());
    if kind.starts_with("multipart/form-data") {
        return read_form(app, request).await;
    }
    let is_order = kind.starts_with("application/x-www-form-urlencoded")
        || kind.starts_with("application/json");
    // A name in the address says that the body is the thing itself, whatever curl calls it.
    if name.is_some() || !is_order {
        let mut incoming = Incoming::new(app, is_known(request.extensions()));
        let mut body = request.into_body().into_data_stream();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|_| {
                Fault::invalid("The body did not come in whole.").hint("Send it again.")
            })?;
            incoming.push(&piece).await?;
        }
        return uploaded(name.unwrap_or_default(), incoming.end().await?);
    }
    let bytes = read_body(request.into_body(), BYTES_MAX + FRAME_BYTES).await?;
    if kind.starts_with("application/x-www-form-urlencoded") {
        let link = url::form_urlencoded::parse(&bytes)
            .find(|(key, _)| key == "link")
            .map(|(_, value)| value.into_owned());
        return order(ProcessRequest::of_link(link));
    }
    order(parse_json(&bytes)?)
}

fn is_known(extensions: &axum::http::Extensions) -> bool {
    extensions.get::<Caller>().is_some()
}

async fn read_form(app: &Arc<App>, request: Request) -> Result<Asked, Fault> {
    let broken = |error: axum::extract::multipart::MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            too_large(BYTES_MAX)
        } else {
            Fault::invalid("The form did not come in whole.").hint("Send it again.")
        }
    };
    let is_known = is_known(request.extensions());
    let mut form = Multipart::from_request(request, app).await.map_err(|rejection| {
        Fault::invalid(format!("The form cannot be read: {}.", rejection.body_text()))
    })?;
    let mut asked = ProcessRequest::of_link(None);
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        let key = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        if key == "file" {
            let mut incoming = Incoming::new(app, is_known);
            while let Some(piece) = field.chunk().await.map_err(broken)? {
                incoming.push(&piece).await?;
            }
            let came = incoming.end().await?;
            // A browser sends an empty file where none was chosen.
            if came.size_bytes == 0 && file_name.as_deref().unwrap_or_default().is_empty() {
                continue;
            }
            return uploaded(file_name.unwrap_or_default(), came);
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(broken)? {
            if bytes.len() + chunk.len() > BYTES_MAX {
                return Err(too_large(BYTES_MAX));
            }
            bytes.extend_from_slice(&chunk);
        }
        match key.as_str() {
            "link" => asked.link = Some(String::from_utf8_lossy(&bytes).into_owned()),
            "episode" => asked.episode = Some(String::from_utf8_lossy(&bytes).into_owned()),
            "text" => asked.text = Some(String::from_utf8_lossy(&bytes).into_owned()),
            "name" => asked.name = Some(String::from_utf8_lossy(&bytes).into_owned()),
            _ => {}
        }
    }
    order(asked)
}

fn order(asked: ProcessRequest) -> Result<Asked, Fault> {
    if let Some(id) = asked.queue_item {
        return if asked.link.is_none() && asked.text.is_none() {
            Ok(Asked::Item(id))
        } else {
            Err(Fault::invalid("Send a queue item alone, without a link or a text."))
        };
    }
    let given = |text: Option<String>| {
        text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    match (given(asked.link), asked.text.filter(|text| !text.trim().is_empty())) {
        (Some(link), None) => {
            let url = parse_link(&link)?;
            let episode = given(asked.episode).map_or(EpisodeChoice::Newest, EpisodeChoice::Named);
            Ok(Asked::New(Box::new(Order::Link { url, episode }), None, None))
        }
        (None, Some(text)) => {
            let size_bytes = text.len() as u64;
            let brought = Brought::Bytes(text.into_bytes());
            uploaded(asked.name.unwrap_or_default(), Came { brought, kept: None, size_bytes })
        }
        (Some(_), Some(_)) => Err(Fault::invalid("Send a link or a text, not both.")),
        (None, None) => {
            Err(Fault::invalid("Nothing to make a recap of: send a link, a text or a file."))
        }
    }
}

/// Reads a link as people type them: `example.org/feed` means https.
fn parse_link(text: &str) -> Result<Url, Fault> {
    let bad = || {
        let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
        Fault::invalid(format!("“{shown}” is no link."))
            .hint("A link looks like https://example.org/feed.xml.")
    };
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) if text.contains('.') => {
            Url::parse(&format!("https://{text}")).map_err(|_| bad())?
        }
        Err(_) => return Err(bad()),
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(bad());
    }
    Ok(url)
}

fn uploaded(name: String, came: Came) -> Result<Asked, Fault> {
    if came.size_bytes == 0 {
        return Err(Fault::invalid("The file is empty."));
    }
    if came.size_bytes > BYTES_MAX as u64 && !came.is_sound() {
        return Err(too_large(BYTES_MAX).hint("Only files of sound or video may be larger."));
    }
    let name = name.chars().take(300).collect();
    Ok(Asked::New(Box::new(Order::Upload { name }), Some(came.brought), came.kept))
}

fn no_such_job() -> Fault {
    Fault::not_found("There is no such job.")
        .hint("Jobs are forgotten some time after they end, and at a restart.")
}

fn job_id(text: &str) -> Result<JobId, Fault> {
    text.parse().map_err(|_| no_such_job())
}

/// The jobs that run or ran, newest first
#[utoipa::path(get, path = "/api/jobs", tag = "process", responses((status = 200, body = Vec<JobView>)))]
pub(super) async fn list_jobs(State(app): State<Arc<App>>, Who(caller): Who) -> Json<Vec<JobView>> {
    Json(app.jobs.list(&caller.scope))
}

/// Where a job stands
#[utoipa::path(get, path = "/api/jobs/{id}", tag = "process", params(("id" = String, Path)),
    responses((status = 200, body = JobView), (status = 404, description = "No such job")))]
pub(super) async fn show_job(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Path(id): Path<String>,
) -> Result<Json<JobView>, Fault> {
    app.jobs.find(&caller.scope, &job_id(&id)?).map(Json).ok_or_else(no_such_job)
}

/// Stop a job
///
/// It ends soon; a recap that is done in the same moment stays.
#[utoipa::path(delete, path = "/api/jobs/{id}", tag = "process", params(("id" = String, Path)),
    responses((status = 202, body = JobView), (status = 404, description = "No such job")))]
pub(super) async fn cancel_job(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<JobView>), Fault> {
    let view = app.jobs.cancel(&caller.scope, &job_id(&id)?).ok_or_else(no_such_job)?;
    Ok((StatusCode::ACCEPTED, Json(view)))
}

/// A job's progress as server-sent events
#[utoipa::path(get, path = "/api/jobs/{id}/events", tag = "process", params(("id" = String, Path)),
    responses((status = 200, description = "Events named `job`", content_type = "text/event-stream"),
        (status = 404, description = "No such job")))]
pub(super) async fn job_events(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let follow = app.jobs.follow(&caller.scope, &job_id(&id)?).ok_or_else(no_such_job)?;
    Ok(progress(&app, follow).into_response())
}

/// Every change of a job until it ends, or the daemon does. The answer ends with the outcome.
fn progress(
    app: &Arc<App>,
    follow: watch::Receiver<JobView>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let views = stream::unfold(Some((follow, true)), |state| async move {
        let (mut follow, is_first) = state?;
        if !is_first {
            follow.changed().await.ok()?;
        }
        let view = follow.borrow_and_update().clone();
        let goes_on = !view.stage.is_final();
        Some((Ok(event("job", &view)), goes_on.then_some((follow, false))))
    });
    Sse::new(views.take_until(app.stop.clone().cancelled_owned())).keep_alive(KeepAlive::default())
}

/// One frame. JSON holds no raw line break, so nothing in it can begin another frame.
pub(super) fn event(name: &str, data: &impl serde::Serialize) -> Event {
    Event::default()
        .event(name)
        .data(serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_as_people_type_it_and_nothing_else_is_one() {
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(parse_link(text).ok().map(String::from).as_deref(), want, "{text}");
        };
        check("https://example.org/feed.xml", Some("https://example.org/feed.xml"));
        check("example.org/feed", Some("https://example.org/feed"));
        check("http://[::1]:80/x", Some("http://[::1]/x"));
        for bad in [
            "words",
            "ftp://example.org",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:text/plain,x",
            "https://",
            "//x",
            "--exec=x",
        ] {
            check(bad, None);
        }
    }
}
