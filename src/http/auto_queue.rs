//! The queue of a scope: what was found, where it stands, and what a person decides about it; and the
//! skip list.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use recap_mode::{Fault, FaultKind, Scope};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::App;
use crate::domain::auto_queue::{QueueError, QueueItem, State as ItemState};
use crate::domain::episode::{EpisodeId, EpisodeKind};
use crate::domain::skip_list::SkipList;
use crate::domain::subscription::SubscriptionId;
use crate::engines::{Engines, Estimate};
use crate::following::view::{Counts, ItemView};
use crate::history::FollowError;
use crate::history::following::Decision;

use super::extract::{JsonBody, Params, Who, parse_json, read_body};

/// Largest body that names a subscription.
const APPROVE_ALL_BYTES_MAX: usize = 4096;

/// How long an item may be `processing` before its job is there to be cancelled.
const TAKE_UP_TIME: std::time::Duration = std::time::Duration::from_secs(5);

/// How often that is looked at.
const TAKE_UP_PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// Items of one answer.
const ITEMS_MAX: usize = 200;

/// A page of the queue.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Queue {
    /// Whether nothing is taken up.
    paused: bool,
    /// How many items stand where, whatever the answer shows.
    counts: Counts,
    /// Newest first.
    items: Vec<Queued>,
    /// Give it as `offset` for the next page; `None` on the last.
    next: Option<usize>,
}

/// An item with what its recap will probably take.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Queued {
    #[serde(flatten)]
    item: ItemView,
    /// Of an item that is not made yet, where its length is known. That somebody hears it holds where its
    /// publisher gives no transcript.
    estimate: Option<Estimate>,
}

#[derive(Deserialize)]
pub(super) struct QueueParams {
    #[serde(default)]
    state: Option<ItemState>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
}

/// What to change of the queue as a whole.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QueueChange {
    /// Whether it rests.
    paused: bool,
}

/// An episode of a followed show that is wanted all the same.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfferRequest {
    /// The subscription.
    #[schema(value_type = String)]
    subscription: SubscriptionId,
    /// The episode, as `/api/subscriptions/{id}/episodes` names it.
    #[schema(value_type = String)]
    episode: EpisodeId,
}

/// Which of the found items to approve.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApproveAll {
    /// Only those of this subscription.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    subscription: Option<SubscriptionId>,
}

/// How many were changed.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Changed {
    changed: usize,
}

/// An episode that is not wanted.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefuseRequest {
    /// Which.
    #[schema(value_type = String)]
    episode_id: EpisodeId,
    /// For the person who reads the list.
    #[serde(default)]
    title: String,
}

fn episode(text: &str) -> Result<EpisodeId, Fault> {
    text.parse().map_err(|_| {
        FollowError::from(QueueError::NotFound(text.chars().take(64).collect())).into()
    })
}

fn changed(app: &App, scope: &Scope) {
    app.queue_wake.notify_one();
    app.events.publish(scope, "queue_changed", json!({}));
}

/// The queue, newest first
#[utoipa::path(get, path = "/api/auto-queue", tag = "queue",
    params(("state" = Option<ItemState>, Query, description = "Only those"),
        ("limit" = Option<usize>, Query, description = "At most 200"), ("offset" = Option<usize>, Query)),
    responses((status = 200, body = Queue)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Params(params): Params<QueueParams>,
) -> Result<Json<Queue>, Fault> {
    let queue = app.library.auto_queue(&caller.scope).await?;
    let now = app.clock.now();
    let limit = params.limit.unwrap_or(ITEMS_MAX).clamp(1, ITEMS_MAX);
    let is_wanted = |item: &&QueueItem| params.state.is_none_or(|state| item.state == state);
    let wanted = queue.newest_first().into_iter().filter(is_wanted);
    let mut items: Vec<ItemView> =
        wanted.skip(params.offset).take(limit + 1).map(|item| ItemView::new(item, now)).collect();
    let next = (items.len() > limit).then_some(params.offset + limit);
    items.truncate(limit);
    let (_, chosen) = app.chosen(&caller.scope, None).await?;
    let spending = app.library.spending(&caller.scope).await?;
    let items = items.into_iter().map(|item| {
        let is_open = matches!(item.state, ItemState::Found | ItemState::Approved);
        let estimate = item.duration_ms.filter(|_| is_open).map(|duration_ms| {
            let heard = item.id.kind() != EpisodeKind::Youtube;
            Engines::estimate(&chosen, &spending, duration_ms, heard)
        });
        Queued { item, estimate }
    });
    let items = items.collect();
    Ok(Json(Queue { paused: queue.paused, counts: Counts::of(&queue), items, next }))
}

/// Let the queue rest, or go on
#[utoipa::path(patch, path = "/api/auto-queue", tag = "queue", request_body = QueueChange,
    responses((status = 204, description = "So it is")))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    JsonBody(change): JsonBody<QueueChange>,
) -> Result<StatusCode, Fault> {
    app.library
        .change_queue(&caller.scope, move |queue| {
            queue.paused = change.paused;
            Ok(())
        })
        .await?;
    changed(&app, &caller.scope);
    Ok(StatusCode::NO_CONTENT)
}

/// Put an episode into the queue, approved, whatever was decided about it before
#[utoipa::path(post, path = "/api/auto-queue", tag = "queue", request_body = OfferRequest,
    responses((status = 201, body = ItemView), (status = 400, description = "The feed does not have it"),
        (status = 404, description = "No such subscription"), (status = 409, description = "It is in the queue already")))]
pub(super) async fn offer(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    JsonBody(asked): JsonBody<OfferRequest>,
) -> Result<(StatusCode, Json<ItemView>), Fault> {
    let list = app.library.subscriptions(&caller.scope).await?;
    let one = list
        .find(&asked.subscription)
        .ok_or_else(|| FollowError::NoSubscription(asked.subscription.to_string()))?;
    let follower = app.follower(&caller.scope).await;
    let item = app.following.offer(&follower, one, &asked.episode, &app.rules()).await?;
    changed(&app, &caller.scope);
    Ok((StatusCode::CREATED, Json(ItemView::new(&item, app.clock.now()))))
}

/// Approve everything that was found
#[utoipa::path(post, path = "/api/auto-queue/approve-all", tag = "queue", request_body = ApproveAll,
    responses((status = 200, body = Changed)))]
pub(super) async fn approve_all(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    request: Request,
) -> Result<Json<Changed>, Fault> {
    // Nothing sent means all of them.
    let body = read_body(request.into_body(), APPROVE_ALL_BYTES_MAX).await?;
    let asked: ApproveAll =
        if body.trim_ascii().is_empty() { ApproveAll::default() } else { parse_json(&body)? };
    let count = app.library.approve_all(&caller.scope, asked.subscription).await?;
    changed(&app, &caller.scope);
    Ok(Json(Changed { changed: count }))
}

/// Decide about an item
///
/// `approve` makes it, `skip` never offers it again, `undo-skip` offers it again, `retry` tries what
/// failed again, `redo` makes its recap again, `cancel` stops what is being made.
#[utoipa::path(post, path = "/api/auto-queue/{id}/{decision}", tag = "queue",
    params(("id" = String, Path), ("decision" = String, Path, description = "approve, skip, undo-skip, retry, redo or cancel")),
    responses((status = 200, body = ItemView), (status = 404, description = "Not in the queue"),
        (status = 409, description = "Not from where it stands, and what to do")))]
pub(super) async fn decide(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Path((id, decision)): Path<(String, String)>,
) -> Result<Json<ItemView>, Fault> {
    let id = episode(&id)?;
    let decision = match decision.as_str() {
        "approve" => Decision::Approve,
        "skip" => Decision::Skip,
        "undo-skip" => Decision::UndoSkip,
        "retry" => Decision::Retry,
        "redo" => Decision::Redo,
        "cancel" => return cancel(&app, &caller.scope, &id).await,
        _ => {
            return Err(Fault::not_found("There is no such decision.")
                .hint("It is approve, skip, undo-skip, retry, redo or cancel."));
        }
    };
    let mut items = app.library.decide(&caller.scope, vec![id.clone()], decision).await?;
    changed(&app, &caller.scope);
    match items.pop() {
        Some(item) => Ok(Json(ItemView::new(&item, app.clock.now()))),
        None => shown(&app, &caller.scope, &id).await,
    }
}

async fn shown(app: &App, scope: &Scope, id: &EpisodeId) -> Result<Json<ItemView>, Fault> {
    let queue = app.library.auto_queue(scope).await?;
    let item =
        queue.find(id).ok_or_else(|| FollowError::from(QueueError::NotFound(id.to_string())))?;
    Ok(Json(ItemView::new(item, app.clock.now())))
}

async fn cancel(app: &App, scope: &Scope, id: &EpisodeId) -> Result<Json<ItemView>, Fault> {
    let until = tokio::time::Instant::now() + TAKE_UP_TIME;
    loop {
        let queue = app.library.auto_queue(scope).await?;
        let item = queue
            .find(id)
            .ok_or_else(|| FollowError::from(QueueError::NotFound(id.to_string())))?;
        let job = item.job.as_ref().filter(|_| item.state == ItemState::Processing);
        if job.and_then(|job| app.jobs.cancel(scope, job)).is_some() {
            return shown(app, scope, id).await;
        }
        // It is just being taken up: its job comes in a moment.
        if job.is_some() && tokio::time::Instant::now() < until {
            tokio::time::sleep(TAKE_UP_PAUSE).await;
            continue;
        }
        return Err(Fault::new(
            FaultKind::Conflict,
            format!("“{}” is {}, so there is nothing to cancel.", item.title, item.state),
        )
        .hint("Skip it if you do not want it."));
    }
}

/// The episodes that are never offered
#[utoipa::path(get, path = "/api/skip-list", tag = "queue",
    responses((status = 200, body = inline(Object), description = "`skip-list.json`, oldest first")))]
pub(super) async fn skip_list(
    State(app): State<Arc<App>>,
    Who(caller): Who,
) -> Result<Json<SkipList>, Fault> {
    Ok(Json(app.library.skip_list(&caller.scope).await?))
}

/// Never offer an episode
#[utoipa::path(post, path = "/api/skip-list", tag = "queue", request_body = RefuseRequest,
    responses((status = 204, description = "It is on the list"), (status = 409, description = "It is in the queue: decide there")))]
pub(super) async fn refuse(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    JsonBody(asked): JsonBody<RefuseRequest>,
) -> Result<StatusCode, Fault> {
    let queue = app.library.auto_queue(&caller.scope).await?;
    match queue.find(&asked.episode_id) {
        Some(item) if item.state != ItemState::Skipped => {
            app.library.decide(&caller.scope, vec![asked.episode_id], Decision::Skip).await?;
        }
        _ => app.library.refuse(&caller.scope, &asked.episode_id, &asked.title).await?,
    }
    changed(&app, &caller.scope);
    Ok(StatusCode::NO_CONTENT)
}

/// Take an episode off the skip list
#[utoipa::path(delete, path = "/api/skip-list/{id}", tag = "queue", params(("id" = String, Path)),
    responses((status = 204, description = "It may be offered again"), (status = 404, description = "It is not on the list")))]
pub(super) async fn undo_skip(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    let id: EpisodeId = id
        .parse()
        .map_err(|_| Fault::from(FollowError::NotSkipped(id.chars().take(64).collect())))?;
    app.library.decide(&caller.scope, vec![id], Decision::UndoSkip).await?;
    app.check_wake.notify_one();
    changed(&app, &caller.scope);
    Ok(StatusCode::NO_CONTENT)
}
