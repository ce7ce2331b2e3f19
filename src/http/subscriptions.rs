//! Whom a scope follows: following, looking before following, checking, lists of feeds in and out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use recap_mode::{Caller, Entitlement, Fault, FaultKind, Scope};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::App;
use crate::domain::filters::Filters;
use crate::domain::subscription::{Subscription, SubscriptionId, Subscriptions};
use crate::feeds::opml;
use crate::following::view::{Preview, SubscriptionView};
use crate::following::{RoundReport, ShownEpisode, Which, exportable, importable};
use crate::history::FollowError;

use super::extract::{JsonBody, Params, Who, read_body};

/// Largest list of feeds: fifty thousand outlines have some 15 MB.
const OPML_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How many links were left out of an exported list because they hold a secret.
const LEFT_OUT: HeaderName = HeaderName::from_static("x-recap-left-out");

/// Whom the scope follows.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SubscriptionList {
    subscriptions: Vec<SubscriptionView>,
    /// How the last round went, since the daemon started.
    round: Option<RoundReport>,
}

/// What is to be followed.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FollowRequest {
    /// A feed, a page with one, a channel, a playlist, a video, an Apple Podcasts link.
    url: String,
    /// What to call it; the show's own title without it.
    #[serde(default)]
    title: String,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    auto_approve: bool,
    #[serde(default)]
    auto_approve_per_day_max: Option<u32>,
    #[serde(default)]
    newest_at_first: Option<u32>,
    #[serde(default)]
    #[schema(value_type = Object)]
    filters: Filters,
}

/// What to look at before following.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviewRequest {
    /// As for following.
    url: String,
}

/// What to change; what is left out stays, and `null` takes a number away.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionChange {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    paused: Option<bool>,
    #[serde(default)]
    auto_approve: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    auto_approve_per_day_max: Option<Option<u32>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    newest_at_first: Option<Option<u32>>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    filters: Option<Filters>,
}

/// Tells `null` from "not there".
fn given<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<u32>>, D::Error> {
    Option::<u32>::deserialize(deserializer).map(Some)
}

/// What came of a list of feeds.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct OpmlReport {
    /// Newly followed.
    added: usize,
    /// Followed before.
    known: usize,
    /// What cannot be followed, and why.
    left_out: Vec<LeftOut>,
    /// What could not be read.
    warnings: Vec<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct LeftOut {
    title: String,
    why: String,
}

#[derive(Deserialize)]
pub(super) struct ExportParams {
    #[serde(default)]
    secrets: bool,
}

/// Refuses who may not follow.
async fn may_follow(app: &App, caller: &Caller) -> Result<(), Fault> {
    app.mode.entitled(&caller.scope, Entitlement::Subscriptions).await
}

/// How many shows the caller may follow.
async fn subscriptions_max(app: &App, caller: &Caller) -> Result<usize, Fault> {
    let allowance = app.mode.allowance(&caller.scope).await?;
    Ok(usize::try_from(allowance.subscriptions_max).unwrap_or(usize::MAX))
}

fn no_such(text: &str) -> Fault {
    FollowError::NoSubscription(text.chars().take(64).collect()).into()
}

async fn find(app: &App, scope: &Scope, text: &str) -> Result<Subscription, Fault> {
    let id: SubscriptionId = text.parse().map_err(|_| no_such(text))?;
    let list = app.library.subscriptions(scope).await?;
    list.find(&id).cloned().ok_or_else(|| no_such(text))
}

async fn views(
    app: &App,
    scope: &Scope,
    list: &Subscriptions,
) -> Result<Vec<SubscriptionView>, Fault> {
    let state = app.library.feed_state(scope).await?;
    let (follower, rules) = (app.follower(scope).await, app.rules());
    let healths = app.following.healths(&list.subscriptions, &state, &follower, &rules);
    let lines = list.subscriptions.iter().zip(healths);
    Ok(lines.map(|(one, health)| SubscriptionView::new(one, health)).collect())
}

async fn view(app: &App, scope: &Scope, one: Subscription) -> Result<SubscriptionView, Fault> {
    let list = Subscriptions { subscriptions: vec![one], ..Subscriptions::default() };
    let mut views = views(app, scope, &list).await?;
    views.pop().ok_or_else(|| no_such(""))
}

fn changed(app: &App, scope: &Scope) {
    app.check_wake.notify_one();
    app.events.publish(scope, "subscriptions_changed", json!({}));
}

/// Whom the scope follows, and how each does
#[utoipa::path(get, path = "/api/subscriptions", tag = "following", responses((status = 200, body = SubscriptionList)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Who(caller): Who,
) -> Result<Json<SubscriptionList>, Fault> {
    let list = app.library.subscriptions(&caller.scope).await?;
    let subscriptions = views(&app, &caller.scope, &list).await?;
    Ok(Json(SubscriptionList { subscriptions, round: app.following.report(&caller.scope) }))
}

/// Follow a show
///
/// The link is looked at first, so that what cannot be followed is told at once.
#[utoipa::path(post, path = "/api/subscriptions", tag = "following", request_body = FollowRequest,
    responses((status = 201, body = SubscriptionView), (status = 400, description = "Not to be followed, and why"),
        (status = 402, description = "Not in this tier"), (status = 409, description = "Followed already"),
        (status = 502, description = "It could not be fetched")))]
pub(super) async fn follow(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    JsonBody(asked): JsonBody<FollowRequest>,
) -> Result<Response, Fault> {
    may_follow(&app, &caller).await?;
    asked.filters.sieve().map_err(Fault::invalid)?;
    let follower = app.follower(&caller.scope).await;
    let found = app.following.discover(&follower, &asked.url, &app.rules()).await?;
    let title = if asked.title.is_empty() { found.read.feed.title.clone() } else { asked.title };
    let new = Subscription {
        id: None,
        url: asked.url.trim().to_owned(),
        title,
        feed_url: found.other_feed_url(),
        added_at: None,
        paused: asked.paused,
        auto_approve: asked.auto_approve,
        auto_approve_per_day_max: asked.auto_approve_per_day_max,
        newest_at_first: asked.newest_at_first,
        filters: asked.filters,
    };
    let most = subscriptions_max(&app, &caller).await?;
    let id = app.library.follow(&caller.scope, new, most).await?;
    changed(&app, &caller.scope);
    let one = find(&app, &caller.scope, id.as_str()).await?;
    let view = view(&app, &caller.scope, one).await?;
    let place = [(LOCATION, format!("/api/subscriptions/{id}"))];
    Ok((StatusCode::CREATED, place, Json(view)).into_response())
}

/// Look at a show before following it
#[utoipa::path(post, path = "/api/subscriptions/preview", tag = "following", request_body = PreviewRequest,
    responses((status = 200, body = Preview), (status = 400, description = "Not to be followed, and why"),
        (status = 502, description = "It could not be fetched")))]
pub(super) async fn preview(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    JsonBody(asked): JsonBody<PreviewRequest>,
) -> Result<Json<Preview>, Fault> {
    may_follow(&app, &caller).await?;
    let follower = app.follower(&caller.scope).await;
    let found = app.following.discover(&follower, &asked.url, &app.rules()).await?;
    let list = app.library.subscriptions(&caller.scope).await?;
    Ok(Json(Preview::new(&found, &list)))
}

/// One subscription
#[utoipa::path(get, path = "/api/subscriptions/{id}", tag = "following", params(("id" = String, Path)),
    responses((status = 200, body = SubscriptionView), (status = 404, description = "No such subscription")))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Path(id): Path<String>,
) -> Result<Json<SubscriptionView>, Fault> {
    let one = find(&app, &caller.scope, &id).await?;
    Ok(Json(view(&app, &caller.scope, one).await?))
}

/// Change a subscription
#[utoipa::path(patch, path = "/api/subscriptions/{id}", tag = "following", params(("id" = String, Path)),
    request_body = SubscriptionChange,
    responses((status = 200, body = SubscriptionView), (status = 400, description = "A filter that cannot be used"),
        (status = 404, description = "No such subscription")))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<SubscriptionChange>,
) -> Result<Json<SubscriptionView>, Fault> {
    if let Some(filters) = &change.filters {
        filters.sieve().map_err(Fault::invalid)?;
    }
    let resumes = change.paused == Some(false);
    let one = find(&app, &caller.scope, &id).await?;
    let key = one.id.clone().ok_or_else(|| no_such(&id))?;
    let one = app
        .library
        .change_subscriptions(&caller.scope, move |list| {
            let one =
                list.find_mut(&key).ok_or_else(|| FollowError::NoSubscription(key.to_string()))?;
            if let Some(title) = &change.title {
                one.title.clone_from(title);
            }
            one.paused = change.paused.unwrap_or(one.paused);
            one.auto_approve = change.auto_approve.unwrap_or(one.auto_approve);
            if let Some(most) = change.auto_approve_per_day_max {
                one.auto_approve_per_day_max = most;
            }
            if let Some(newest) = change.newest_at_first {
                one.newest_at_first = newest;
            }
            if let Some(filters) = &change.filters {
                one.filters.clone_from(filters);
            }
            Ok(one.clone())
        })
        .await?;
    if resumes {
        app.following.wake(&caller.scope, &one).await?;
    }
    changed(&app, &caller.scope);
    Ok(Json(view(&app, &caller.scope, one).await?))
}

/// Stop following
///
/// What was found stays in the queue.
#[utoipa::path(delete, path = "/api/subscriptions/{id}", tag = "following", params(("id" = String, Path)),
    responses((status = 204, description = "Not followed any more"), (status = 404, description = "No such subscription")))]
pub(super) async fn unfollow(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    let key: SubscriptionId = id.parse().map_err(|_| no_such(&id))?;
    app.library.unfollow(&caller.scope, &key).await?;
    changed(&app, &caller.scope);
    Ok(StatusCode::NO_CONTENT)
}

/// Check everything now
///
/// The answer comes when the round is over.
#[utoipa::path(post, path = "/api/subscriptions/check", tag = "following",
    responses((status = 200, body = Option<RoundReport>, description = "How it went; `null` where nothing is followed"),
        (status = 429, description = "It is being done already")))]
pub(super) async fn check_all(
    State(app): State<Arc<App>>,
    Who(caller): Who,
) -> Result<Json<Option<RoundReport>>, Fault> {
    may_follow(&app, &caller).await?;
    round(&app, &caller.scope, Which::All(caller.scope.clone())).await
}

/// Check one subscription now, also if it rests
#[utoipa::path(post, path = "/api/subscriptions/{id}/check", tag = "following", params(("id" = String, Path)),
    responses((status = 200, body = Option<RoundReport>), (status = 404, description = "No such subscription")))]
pub(super) async fn check_one(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Path(id): Path<String>,
) -> Result<Json<Option<RoundReport>>, Fault> {
    may_follow(&app, &caller).await?;
    let one = find(&app, &caller.scope, &id).await?;
    let key = one.id.clone().ok_or_else(|| no_such(&id))?;
    round(&app, &caller.scope, Which::One(caller.scope.clone(), key)).await
}

async fn round(
    app: &Arc<App>,
    scope: &Scope,
    which: Which,
) -> Result<Json<Option<RoundReport>>, Fault> {
    let _asking = app.following.asking(scope).ok_or_else(|| {
        Fault::new(FaultKind::TooMany, "Your subscriptions are being checked already.")
            .hint("Wait until that round is over.")
    })?;
    let follower = app.follower(scope).await;
    let heard = |scope: &Scope, taken: &crate::history::following::TakenIn| {
        if !taken.found.is_empty() {
            app.events.publish(scope, "queue_changed", json!({"found": taken.found}));
        }
        if taken.approved > 0 {
            app.queue_wake.notify_one();
        }
    };
    let mut reports = app.following.round(&[follower], &which, &app.rules(), &heard).await;
    Ok(Json(reports.remove(scope)))
}

/// The episodes of a subscription's feed, and why each is where it is
#[utoipa::path(get, path = "/api/subscriptions/{id}/episodes", tag = "following", params(("id" = String, Path)),
    responses((status = 200, body = Vec<ShownEpisode>, description = "Newest first, as the feed was last fetched"),
        (status = 404, description = "No such subscription")))]
pub(super) async fn episodes(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Path(id): Path<String>,
) -> Result<Json<Vec<ShownEpisode>>, Fault> {
    let one = find(&app, &caller.scope, &id).await?;
    let follower = app.follower(&caller.scope).await;
    Ok(Json(app.following.episodes(&follower, &one, &app.rules()).await?))
}

/// Follow everything in a list of feeds
///
/// The body is an OPML file, or the table of subscriptions that YouTube hands out.
#[utoipa::path(post, path = "/api/subscriptions/import", tag = "following",
    request_body(content = String, content_type = "text/x-opml"),
    responses((status = 200, body = OpmlReport), (status = 400, description = "No list of feeds"),
        (status = 413, description = "Larger than 32 MiB")))]
pub(super) async fn import(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    request: Request,
) -> Result<Json<OpmlReport>, Fault> {
    may_follow(&app, &caller).await?;
    let bytes = read_body(request.into_body(), OPML_BYTES_MAX).await?;
    let read = super::blocking(&app, move |_| {
        opml::read(&bytes, None).map_err(|error| Fault::invalid(error.to_string()))
    })
    .await?;
    let found = importable(read.outlines);
    let count = found.subscriptions.len();
    let most = subscriptions_max(&app, &caller).await?;
    let added = app.library.follow_many(&caller.scope, found.subscriptions, most).await?;
    changed(&app, &caller.scope);
    Ok(Json(OpmlReport {
        added,
        known: count - added,
        left_out: found.left_out.into_iter().map(|(title, why)| LeftOut { title, why }).collect(),
        warnings: read.warnings,
    }))
}

/// Everything that is followed, as a list of feeds
///
/// Links that hold a secret are left out, and the header `x-recap-left-out` counts them, unless
/// `secrets=true` asks for them.
#[utoipa::path(get, path = "/api/subscriptions/export", tag = "following",
    params(("secrets" = Option<bool>, Query, description = "Also links that hold a secret")),
    responses((status = 200, description = "OPML 2.0", content_type = "text/x-opml")))]
pub(super) async fn export(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Params(params): Params<ExportParams>,
) -> Result<Response, Fault> {
    let list = app.library.subscriptions(&caller.scope).await?;
    let (outlines, left_out) = exportable(&list.subscriptions, params.secrets);
    let text = opml::write("Followed with Recap", &outlines);
    let headers = [
        (CONTENT_TYPE, "text/x-opml; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, "attachment; filename=\"recap-subscriptions.opml\"".to_owned()),
        (LEFT_OUT, left_out.to_string()),
    ];
    Ok((headers, text).into_response())
}
