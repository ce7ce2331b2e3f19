//! What happens in the caller's scope, as it happens.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt};
use tokio_stream::wrappers::BroadcastStream;

use crate::app::App;

use super::extract::Who;
use super::process::event;

/// What happens, as server-sent events
///
/// `recap_saved`, `recap_changed`, `recap_deleted`, `library_changed`, `job_changed`, `file_problem`,
/// `file_mended`, `config_problem`, `config_changed`. Who reads too slowly gets `resync` and looks again.
#[utoipa::path(get, path = "/api/events", tag = "events",
    responses((status = 200, description = "Events", content_type = "text/event-stream")))]
pub(super) async fn events(
    State(app): State<Arc<App>>,
    Who(caller): Who,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let happening = BroadcastStream::new(app.events.subscribe(&caller.scope)).map(|heard| {
        Ok(match heard {
            Ok(happened) => event(&happened.name, &happened.data),
            // It was too slow and missed some: better to look again than to show half.
            Err(_) => event("resync", &serde_json::json!({})),
        })
    });
    // The first event comes at once, so that a page knows that it is heard from now on.
    let hello = futures_util::stream::once(async { Ok(event("hello", &serde_json::json!({}))) });
    Sse::new(hello.chain(happening).take_until(app.stop.clone().cancelled_owned()))
        .keep_alive(KeepAlive::default())
}
