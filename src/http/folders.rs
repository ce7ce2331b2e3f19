//! Folders and order of the library, and the library as one file.

use std::io::Write;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use recap_mode::{Fault, FaultKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::app::App;
use crate::domain::library::LibraryMeta;
use crate::history::ImportReport;
use crate::make_recap;

use super::extract::{Id, JsonBody, Who, too_large};
use super::incoming::Kept;

/// Largest archive that is taken: ten thousand recaps of 57 KB have 570 MB.
const ARCHIVE_BYTES_MAX: usize = 2 * 1024 * 1024 * 1024;

/// Exports at once: each holds a thread for as long as its reader takes.
const EXPORTS_MAX: usize = 2;

static EXPORTS: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(EXPORTS_MAX);

/// How long an export waits for a reader that takes nothing.
const READER_TIME: std::time::Duration = std::time::Duration::from_secs(30);

/// Bytes that wait for a slow reader of an export.
const EXPORT_CHUNK: usize = 64 * 1024;

/// Folders, order and tags
#[utoipa::path(get, path = "/api/folders", tag = "library",
    responses((status = 200, body = inline(Object), description = "See the schema `LibraryMeta`")))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Who(caller): Who,
) -> Result<Json<LibraryMeta>, Fault> {
    Ok(Json(app.library.meta(&caller.scope).await?))
}

/// A new folder.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFolder {
    /// 1 to 120 characters.
    name: String,
}

/// The id of a folder that was made.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct FolderMade {
    id: String,
}

/// Make a folder
#[utoipa::path(post, path = "/api/folders", tag = "library", request_body = NewFolder,
    responses((status = 201, body = FolderMade), (status = 400, description = "Not a name")))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    JsonBody(folder): JsonBody<NewFolder>,
) -> Result<(StatusCode, Json<FolderMade>), Fault> {
    let id =
        app.library.arrange(&caller.scope, move |meta| meta.create_folder(&folder.name)).await?;
    changed(&app, &caller.scope);
    Ok((StatusCode::CREATED, Json(FolderMade { id })))
}

/// What changes of a folder.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FolderChange {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Whether it is shown closed.
    #[serde(default)]
    collapsed: Option<bool>,
}

/// Rename, open or close a folder
#[utoipa::path(patch, path = "/api/folders/{id}", tag = "library", params(("id" = String, Path)), request_body = FolderChange,
    responses((status = 204, description = "Done"), (status = 404, description = "No such folder")))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<FolderChange>,
) -> Result<StatusCode, Fault> {
    app.library
        .arrange(&caller.scope, move |meta| {
            meta.change_folder(&id, change.name.as_deref(), change.collapsed)
        })
        .await?;
    changed(&app, &caller.scope);
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a folder; its recaps stay
#[utoipa::path(delete, path = "/api/folders/{id}", tag = "library", params(("id" = String, Path)),
    responses((status = 204, description = "Done"), (status = 404, description = "No such folder")))]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    app.library.arrange(&caller.scope, move |meta| meta.remove_folder(&id)).await?;
    changed(&app, &caller.scope);
    Ok(StatusCode::NO_CONTENT)
}

/// Where a recap goes.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Placing {
    /// The folder; null for outside folders.
    #[serde(default)]
    folder: Option<String>,
    /// Before which position, from 0; at the end without it.
    #[serde(default)]
    position: Option<usize>,
}

/// Put a recap into a folder, or at a place in the order
#[utoipa::path(put, path = "/api/recaps/{id}/place", tag = "library", params(("id" = String, Path)), request_body = Placing,
    responses((status = 204, description = "Done"), (status = 404, description = "No such recap or folder")))]
pub(super) async fn place(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Id(id): Id,
    JsonBody(placing): JsonBody<Placing>,
) -> Result<StatusCode, Fault> {
    app.library.find(&caller.scope, &id).await?;
    app.library
        .arrange(&caller.scope, move |meta| {
            meta.place(&id, placing.folder.as_deref(), placing.position.unwrap_or(usize::MAX))
        })
        .await?;
    changed(&app, &caller.scope);
    Ok(StatusCode::NO_CONTENT)
}

fn changed(app: &App, scope: &recap_mode::Scope) {
    app.events.publish(scope, "library_changed", json!({}));
}

/// The whole library as one JSON file
#[utoipa::path(get, path = "/api/library/export", tag = "library",
    responses((status = 200, description = "`{\"recap_library\": 1, …}`", content_type = "application/json"),
        (status = 429, description = "Two are under way already")))]
pub(super) async fn export(
    State(app): State<Arc<App>>,
    Who(caller): Who,
) -> Result<Response, Fault> {
    let place = EXPORTS.try_acquire().map_err(|_| {
        Fault::new(FaultKind::TooMany, format!("{EXPORTS_MAX} exports are under way already."))
            .hint("Try again when one is done.")
    })?;
    let (sender, receiver) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(4);
    let (library, stop) = (app.library.clone(), app.stop.clone());
    let runtime = tokio::runtime::Handle::current();
    app.tasks.spawn_blocking(move || {
        let _place = place;
        let channel = Channel { sender: sender.clone(), runtime, stop };
        let mut out = std::io::BufWriter::with_capacity(EXPORT_CHUNK, channel);
        let written = library
            .export_now(&caller.scope, &mut out)
            .map_err(std::io::Error::other)
            .and_then(|()| out.flush());
        if let Err(error) = written {
            // An error in the stream cuts the answer off, so that nobody takes half for the whole.
            let _ = sender.try_send(Err(error));
        }
    });
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CONTENT_DISPOSITION, "attachment; filename=\"recap-library.json\""),
    ];
    Ok((headers, Body::from_stream(ReceiverStream::new(receiver))).into_response())
}

/// Hands written bytes on to the answer's stream; waits where the reader is slow, but not for ever.
struct Channel {
    sender: tokio::sync::mpsc::Sender<std::io::Result<Bytes>>,
    runtime: tokio::runtime::Handle,
    stop: recap_mode::Stop,
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let sending = self.sender.send(Ok(Bytes::copy_from_slice(bytes)));
        let sent = self.runtime.block_on(async {
            tokio::select! {
                sent = tokio::time::timeout(READER_TIME, sending) => matches!(sent, Ok(Ok(()))),
                () = self.stop.cancelled() => false,
            }
        });
        if sent { Ok(bytes.len()) } else { Err(std::io::ErrorKind::BrokenPipe.into()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Take over an exported library
///
/// What is there is kept; names that are not safe and recaps that are not sound are refused one by
/// one, and the answer says which.
#[utoipa::path(post, path = "/api/library/import", tag = "library", request_body = inline(Object),
    responses((status = 200, body = ImportReport), (status = 400, description = "Not an exported library"),
        (status = 413, description = "Larger than 2 GiB")))]
pub(super) async fn import(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    request: Request,
) -> Result<Json<ImportReport>, Fault> {
    let io = |cause: std::io::Error| match cause.kind() {
        std::io::ErrorKind::StorageFull => {
            Fault::new(FaultKind::StorageFull, "The disk is full; nothing was imported.")
        }
        _ => Fault::internal("keeping an archive while it comes in", cause),
    };
    let room = make_recap::room_left(&app, &caller.scope).await?;
    let most = usize::try_from(room).unwrap_or(usize::MAX).min(ARCHIVE_BYTES_MAX);
    // It is kept on disk while it comes in: a large library would fill the memory.
    let folder = app.data.join("work");
    tokio::fs::create_dir_all(&folder).await.map_err(io)?;
    let path = folder.join(format!("import-{}.json", app.library.random_hex()));
    let kept = Kept(path.clone());
    let mut file = tokio::fs::File::create(&path).await.map_err(io)?;
    let mut body = request.into_body().into_data_stream();
    let mut size = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| {
            Fault::invalid("The archive did not come in whole.").hint("Send it again.")
        })?;
        size += chunk.len();
        if size > most {
            return Err(too_large(most));
        }
        file.write_all(&chunk).await.map_err(io)?;
    }
    file.flush().await.map_err(io)?;
    drop(file);
    let runtime = tokio::runtime::Handle::current();
    let scope = caller.scope.clone();
    let report = super::blocking(&app, move |app| {
        let file = std::fs::File::open(&kept.0)
            .map_err(|cause| Fault::internal("reading an archive that came in", cause))?;
        app.library.import_now(&scope, file, &runtime).map_err(Fault::from)
    })
    .await?;
    changed(&app, &caller.scope);
    Ok(Json(report))
}

/// Removes archives that were coming in when the daemon went away.
pub fn sweep_imports(data: &std::path::Path) {
    let entries = std::fs::read_dir(data.join("work")).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("import-"))
    {
        if let Err(error) = std::fs::remove_file(entry.path()) {
            tracing::warn!(%error, file = %entry.path().display(), "a half archive could not be removed");
        }
    }
}
