//! The operator's desk.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, Utc};
use recap_mode::Fault;
use serde::{Deserialize, Serialize};

use crate::admin::{Cursor, PAGE_LINES_MAX, Page};
use crate::ledger::Balance;
use crate::multi::Multi;
use crate::tenants::Tenant;
use crate::tiers::Tier;
use crate::trials::Trial;

use super::account::{Account, account};
use super::who::{Operator, given};

#[derive(Deserialize)]
pub(super) struct Pages {
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

type AskedPages = Result<Query<Pages>, axum::extract::rejection::QueryRejection>;

fn pages(asked: AskedPages) -> Result<(Option<Cursor>, usize), Fault> {
    let Query(asked) =
        asked.map_err(|error| Fault::invalid(format!("The address cannot be read: {error}.")))?;
    let after = asked.after.as_deref().map(str::parse).transpose();
    let after = after.map_err(|_| Fault::invalid("`after` is not the `next` of a page."))?;
    Ok((after, asked.limit.unwrap_or(PAGE_LINES_MAX)))
}

/// Tenants, the newest first.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct TenantPage {
    tenants: Vec<Tenant>,
    /// Give it as `after` to go on; `null` on the last page.
    next: Option<String>,
}

/// Trials, the newest first.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct TrialPage {
    trials: Vec<Trial>,
    /// Give it as `after` to go on; `null` on the last page.
    next: Option<String>,
}

fn next<T>(page: &Page<T>) -> Option<String> {
    page.next.as_ref().map(ToString::to_string)
}

/// Who has an account
#[utoipa::path(get, path = "/api/admin/tenants", tag = "admin",
    params(("after" = Option<String>, Query, description = "`next` of the page before"), ("limit" = Option<usize>, Query, description = "Lines of a page")),
    responses((status = 200, body = TenantPage), (status = 403, description = "Not the operator")))]
pub(super) async fn tenants(
    State(multi): State<Arc<Multi>>,
    _operator: Operator,
    asked: AskedPages,
) -> Result<Json<TenantPage>, Fault> {
    let (after, limit) = pages(asked)?;
    let page = multi.admin.tenants(after.as_ref(), limit)?;
    Ok(Json(TenantPage { next: next(&page), tenants: page.lines }))
}

/// Who tries it
#[utoipa::path(get, path = "/api/admin/trials", tag = "admin",
    params(("after" = Option<String>, Query, description = "`next` of the page before"), ("limit" = Option<usize>, Query, description = "Lines of a page")),
    responses((status = 200, body = TrialPage), (status = 403, description = "Not the operator")))]
pub(super) async fn trials(
    State(multi): State<Arc<Multi>>,
    _operator: Operator,
    asked: AskedPages,
) -> Result<Json<TrialPage>, Fault> {
    let (after, limit) = pages(asked)?;
    let page = multi.admin.trials(after.as_ref(), limit)?;
    Ok(Json(TrialPage { next: next(&page), trials: page.lines }))
}

/// One account
#[utoipa::path(get, path = "/api/admin/tenants/{id}", tag = "admin", params(("id" = String, Path, description = "A tenant's id")),
    responses((status = 200, body = Account), (status = 403, description = "Not the operator"), (status = 404, description = "No such account")))]
pub(super) async fn show(
    State(multi): State<Arc<Multi>>,
    _operator: Operator,
    Path(id): Path<String>,
) -> Result<Json<Account>, Fault> {
    let tenant = multi.tenants.by_id(&id)?;
    account(&multi, tenant).await.map(Json)
}

/// Credits to be given.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    /// A whole number from 1 to 1,000,000.
    amount: i64,
    /// Why, for the journal; 1 to 500 characters.
    reason: String,
}

/// Give credits that stay
#[utoipa::path(post, path = "/api/admin/tenants/{id}/credits", tag = "admin", request_body = Grant,
    params(("id" = String, Path, description = "A tenant's id")),
    responses((status = 200, body = Balance), (status = 400, description = "No number that can be given"),
        (status = 403, description = "Not the operator"), (status = 404, description = "No such account")))]
pub(super) async fn grant(
    State(multi): State<Arc<Multi>>,
    Operator(session): Operator,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Balance>, Fault> {
    let grant: Grant = given(&headers, body).await?;
    multi.give(&id, grant.amount, grant.reason, session.tenant.id).await.map(Json)
}

/// A tier to be.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTier {
    /// `core`, `pro` or `max`.
    tier: Tier,
    /// Until when; without an end where it is missing.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

/// Set a tier and its end
#[utoipa::path(put, path = "/api/admin/tenants/{id}/tier", tag = "admin", request_body = NewTier,
    params(("id" = String, Path, description = "A tenant's id")),
    responses((status = 200, body = Tenant), (status = 403, description = "Not the operator"), (status = 404, description = "No such account")))]
pub(super) async fn set_tier(
    State(multi): State<Arc<Multi>>,
    _operator: Operator,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Tenant>, Fault> {
    let new: NewTier = given(&headers, body).await?;
    Ok(Json(multi.set_tier(&id, new.tier, new.expires_at).await?))
}

/// End every sign-in of a tenant
#[utoipa::path(delete, path = "/api/admin/tenants/{id}/sessions", tag = "admin",
    params(("id" = String, Path, description = "A tenant's id")),
    responses((status = 204, description = "They are over"), (status = 403, description = "Not the operator"), (status = 404, description = "No such account")))]
pub(super) async fn end_sessions(
    State(multi): State<Arc<Multi>>,
    _operator: Operator,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    let tenant = multi.tenants.by_id(&id)?;
    multi.sessions.end_all(&tenant.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
