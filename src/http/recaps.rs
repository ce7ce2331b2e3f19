//! The recaps of the caller's library.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use recap_mode::Fault;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::recap::RecapHead;
use crate::export::{self, ExportFormat};
use crate::history::library::{Cursor, Found, PAGE_MAX};
use crate::history::{ListOrder, ListQuery, SortKey};

use super::extract::{Id, JsonBody, Params, Who, if_match};

/// Recaps on a page where nothing else is asked for.
const PAGE_DEFAULT: usize = 50;

#[derive(Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    /// `created_at`, `published_at`, `title` or `duration_ms`.
    #[serde(default)]
    #[param(inline)]
    sort: SortKey,
    /// `desc` or `asc`.
    #[serde(default)]
    #[param(inline)]
    order: ListOrder,
    /// Only those in the folder with this id.
    #[serde(default)]
    folder: Option<String>,
    /// Only those of the show with this title.
    #[serde(default)]
    show: Option<String>,
    /// Only those whose title holds this, regardless of case.
    #[serde(default)]
    title: Option<String>,
    /// Only those of the episode with this id.
    #[serde(default)]
    episode: Option<String>,
    /// How many on a page: 1 to 200, 50 without it.
    #[serde(default)]
    limit: Option<usize>,
    /// `next` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

impl ListParams {
    pub(super) fn query(self) -> Result<ListQuery, Fault> {
        let no_cursor = || {
            Fault::invalid("The cursor is none of ours: take `next` of the page before as it is.")
        };
        let cursor = match self.cursor {
            None => None,
            Some(text) => {
                let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| no_cursor())?;
                Some(serde_json::from_slice(&bytes).map_err(|_| no_cursor())?)
            }
        };
        let limit = self.limit.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(Fault::invalid(format!("`limit` is {limit}; it takes 1 to {PAGE_MAX}.")));
        }
        let episode = self
            .episode
            .map(|id| id.parse().map_err(|why| Fault::invalid(format!("{why}."))))
            .transpose()?;
        Ok(ListQuery {
            sort: self.sort,
            order: self.order,
            folder: self.folder,
            show: self.show,
            title: self.title,
            episode,
            limit,
            cursor,
        })
    }
}

/// One page of recaps.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct RecapList {
    /// In the order asked for.
    #[schema(value_type = Vec<Object>)]
    recaps: Vec<Arc<RecapHead>>,
    /// Give this as `cursor` for the next page; null on the last.
    next: Option<String>,
    /// How many there are on all pages.
    total: usize,
}

/// The library, page by page
#[utoipa::path(get, path = "/api/recaps", tag = "recaps", params(ListParams), responses((status = 200, body = RecapList),
    (status = 400, description = "A value that is not taken")))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Params(params): Params<ListParams>,
) -> Result<Json<RecapList>, Fault> {
    let query = params.query()?;
    let page =
        super::blocking(&app, move |app| app.library.list_now(&caller.scope, &query)).await?;
    let next = page.next.as_ref().map(cursor_text);
    Ok(Json(RecapList { recaps: page.recaps, next, total: page.total }))
}

/// A cursor as it stands in an address.
pub(super) fn cursor_text(cursor: &Cursor) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json!(cursor).to_string())
}

/// One recap
///
/// The answer is the file as it is, with fields that only you know. Where the file does not parse,
/// it is the last good copy, and the header `recap-problem` says what is wrong.
#[utoipa::path(get, path = "/api/recaps/{id}", tag = "recaps", params(("id" = String, Path)),
    responses((status = 200, body = inline(Object), description = "See the schema `Recap`"), (status = 304, description = "As you have it"),
        (status = 404, description = "No such recap")))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let found = app.library.find(&caller.scope, &id).await?;
    let known =
        headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if found.problem.is_none()
        && known.split(',').any(|one| one.trim() == found.etag.quoted() || one.trim() == "*")
    {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, found.etag.quoted())]).into_response());
    }
    Ok(answer(found))
}

fn answer(found: Found) -> Response {
    let mut response =
        ([(CONTENT_TYPE, "application/json".to_owned()), (ETAG, found.etag.quoted())], found.text)
            .into_response();
    if let Some(problem) = found.problem {
        let text: String = problem
            .to_string()
            .chars()
            .map(|c| if c.is_ascii_graphic() { c } else { ' ' })
            .collect();
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert("recap-problem", value);
        }
        // The tag is the broken file's: nothing may be changed over it, and a copy is no state of it.
        response.headers_mut().remove(ETAG);
    }
    response
}

/// Put a whole recap in the place of one
#[utoipa::path(put, path = "/api/recaps/{id}", tag = "recaps", params(("id" = String, Path),
    ("If-Match" = Option<String>, Header, description = "Only over this state")), request_body = inline(Object),
    responses((status = 200, description = "The recap as it is now"), (status = 400, description = "Not a sound recap"),
        (status = 404, description = "No such recap"), (status = 409, description = "The file does not parse; mend it first"),
        (status = 412, description = "Somebody changed it since you read it")))]
pub(super) async fn put(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Id(id): Id,
    headers: HeaderMap,
    JsonBody(new): JsonBody<Value>,
) -> Result<Response, Fault> {
    let found = app.library.put(&caller.scope, &id, if_match(&headers), new).await?;
    app.events.publish(&caller.scope, "recap_changed", json!({"id": id}));
    Ok(answer(found))
}

/// Change a recap
///
/// JSON merge patch (RFC 7396) over title, overview, topics, notes and transcript.speakers. Topics
/// and points are named by their ids: `{"topics": {"t2": {"points": {"p7": {"text": "…"}}}}}`; null removes.
#[utoipa::path(patch, path = "/api/recaps/{id}", tag = "recaps", params(("id" = String, Path),
    ("If-Match" = Option<String>, Header, description = "Only over this state")), request_body = inline(Object),
    responses((status = 200, description = "The recap as it is now"), (status = 400, description = "Not a change that can be made"),
        (status = 404, description = "No such recap"), (status = 409, description = "The file does not parse; mend it first"),
        (status = 412, description = "Somebody changed it since you read it")))]
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Id(id): Id,
    headers: HeaderMap,
    JsonBody(change): JsonBody<Value>,
) -> Result<Response, Fault> {
    let found = app.library.patch(&caller.scope, &id, if_match(&headers), change).await?;
    app.events.publish(&caller.scope, "recap_changed", json!({"id": id}));
    Ok(answer(found))
}

/// What became of a deletion.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct DeletedRecap {
    /// The episode that went to the skip list.
    episode: Option<String>,
    /// Whether `restore` can bring it back.
    can_be_undone: bool,
}

/// Delete a recap
///
/// Its episode goes to the skip list; for 30 days the deletion can be undone.
#[utoipa::path(delete, path = "/api/recaps/{id}", tag = "recaps", params(("id" = String, Path),
    ("If-Match" = Option<String>, Header, description = "Only in this state")),
    responses((status = 200, body = DeletedRecap), (status = 404, description = "No such recap"),
        (status = 412, description = "Somebody changed it since you read it")))]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Json<DeletedRecap>, Fault> {
    let deleted = app.library.delete(&caller.scope, &id, if_match(&headers)).await?;
    app.events.publish(&caller.scope, "recap_deleted", json!({"id": id}));
    let episode = deleted.episode.map(String::from);
    Ok(Json(DeletedRecap { episode, can_be_undone: deleted.can_be_undone }))
}

/// Undo a deletion
#[utoipa::path(post, path = "/api/recaps/{id}/restore", tag = "recaps", params(("id" = String, Path)),
    responses((status = 200, description = "The recap"), (status = 404, description = "Nothing by this id was deleted"),
        (status = 400, description = "It is there already")))]
pub(super) async fn restore(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Id(id): Id,
) -> Result<Response, Fault> {
    let found = app.library.restore(&caller.scope, &id).await?;
    app.events.publish(&caller.scope, "recap_saved", json!({"id": id}));
    Ok(answer(found))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportParams {
    /// `md`, `txt`, `html` or `json`.
    #[param(inline)]
    format: ExportFormat,
}

/// A recap as one file
#[utoipa::path(get, path = "/api/recaps/{id}/export", tag = "recaps", params(("id" = String, Path), ExportParams),
    responses((status = 200, description = "The file"), (status = 404, description = "No such recap")))]
pub(super) async fn export(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Id(id): Id,
    Params(params): Params<ExportParams>,
) -> Result<Response, Fault> {
    let found = app.library.find(&caller.scope, &id).await?;
    let text = export::write(&found.recap, params.format)?;
    let ending = params.format.ending();
    // An id may hold letters beyond ASCII; the file's name is told both ways (RFC 6266).
    let plain: String = id
        .as_str()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' })
        .collect();
    let encoded: String = url::form_urlencoded::byte_serialize(id.as_str().as_bytes())
        .collect::<String>()
        .replace('+', "%20");
    let disposition =
        format!("attachment; filename=\"{plain}.{ending}\"; filename*=UTF-8''{encoded}.{ending}");
    Ok((
        [(CONTENT_TYPE, params.format.media_type().to_owned()), (CONTENT_DISPOSITION, disposition)],
        text,
    )
        .into_response())
}
