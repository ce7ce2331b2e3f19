//! What happens in the caller's scope, as it happens.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt};
use tokio_stream::wrappers::BroadcastStream;

use crate::app::App;

use axum::http::request::Parts;

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
    request: axum::extract::Request,
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
    let over = futures_util::future::select(
        Box::pin(app.stop.clone().cancelled_owned()),
        Box::pin(signed_out(app.clone(), request.into_parts().0)),
    );
    Sse::new(hello.chain(happening).take_until(over)).keep_alive(KeepAlive::default())
}

/// How often a stream's caller is asked for again: a sign-in that is over is over here too.
const ASK_AGAIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Ends when the caller would not be let in any more.
async fn signed_out(app: Arc<App>, parts: Parts) {
    loop {
        tokio::time::sleep(ASK_AGAIN).await;
        if app.mode.identify(&parts).await.is_err() {
            return;
        }
    }
}
