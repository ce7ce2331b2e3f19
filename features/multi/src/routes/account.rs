//! A person's own account.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use recap_mode::{Allowance, Fault, FaultKind, Mode};
use serde::{Deserialize, Serialize};

use crate::cookies;
use crate::ledger::{Balance, JOURNAL_PAGE_MAX, JournalPage};
use crate::multi::Multi;
use crate::sessions::{self, SessionLine};
use crate::tenants::Tenant;
use crate::tiers::Tier;

use super::who::{Person, given};

/// Bytes of an archive that are in memory at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// An account.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Account {
    /// Who.
    #[serde(flatten)]
    tenant: Tenant,
    /// The tier that holds now.
    effective_tier: Tier,
    /// What it allows; `null` for the admin, whom the machine itself bounds.
    allowance: Option<Allowance>,
    /// The credits; `null` for the admin, whose recaps cost nothing.
    balance: Option<Balance>,
}

/// Your account: tier, credits, what you may have
#[utoipa::path(get, path = "/api/account", tag = "account", responses((status = 200, body = Account)))]
pub(super) async fn show(
    State(multi): State<Arc<Multi>>,
    Person(session): Person,
) -> Result<Json<Account>, Fault> {
    account(&multi, session.tenant).await.map(Json)
}

pub(super) async fn account(multi: &Multi, tenant: Tenant) -> Result<Account, Fault> {
    let tenant = multi.with_told_tier(tenant).await;
    let scope = tenant.scope();
    Ok(Account {
        effective_tier: tenant.tier_at(multi.now()),
        allowance: Some(multi.allowance(&scope).await?).filter(|one| *one != Allowance::UNLIMITED),
        balance: multi.balance(&scope).await?,
        tenant,
    })
}

#[derive(Deserialize)]
pub(super) struct Pages {
    #[serde(default)]
    before: Option<i64>,
    #[serde(default)]
    limit: Option<usize>,
}

/// What became of your credits, newest first
#[utoipa::path(get, path = "/api/account/journal", tag = "account",
    params(("before" = Option<i64>, Query, description = "`next` of the page before"), ("limit" = Option<usize>, Query, description = "1 to 200")),
    responses((status = 200, body = JournalPage)))]
pub(super) async fn journal(
    State(multi): State<Arc<Multi>>,
    Person(session): Person,
    pages: Result<Query<Pages>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<JournalPage>, Fault> {
    let Query(pages) =
        pages.map_err(|error| Fault::invalid(format!("The address cannot be read: {error}.")))?;
    let limit = pages.limit.unwrap_or(JOURNAL_PAGE_MAX);
    Ok(Json(multi.ledger.journal(&session.tenant.scope(), pages.before, limit)?))
}

/// What stands in `account.json` of an export.
#[derive(Serialize)]
struct Exported {
    account: Account,
    sessions: Vec<SessionLine>,
    journal: Vec<crate::ledger::JournalEntry>,
}

/// Everything that you have here, as one archive
#[utoipa::path(get, path = "/api/account/export", tag = "account",
    responses((status = 200, description = "A tar archive: your files below `recap/`, and `account.json`", content_type = "application/x-tar")))]
pub(super) async fn export(
    State(multi): State<Arc<Multi>>,
    Person(session): Person,
) -> Result<Response, Fault> {
    let scope = session.tenant.scope();
    let mut journal = Vec::new();
    let mut before = None;
    loop {
        let page = multi.ledger.journal(&scope, before, JOURNAL_PAGE_MAX)?;
        journal.extend(page.entries);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let exported = Exported {
        sessions: multi.sessions.list(&session.tenant.id)?,
        account: account(&multi, session.tenant).await?,
        journal,
    };
    let text = serde_json::to_vec_pretty(&exported)
        .map_err(|error| Fault::internal("writing an account", error))?;
    let path = multi.host()?.archive(&scope, vec![("account.json".to_owned(), text)]).await?;
    let opened = tokio::fs::File::open(&path).await;
    // It stays readable until it is closed, and nobody has to remember to take it away.
    let removed = tokio::fs::remove_file(&path).await;
    let unread = |error| Fault::internal("reading an archive", error);
    removed.map_err(unread)?;
    let file = opened.map_err(unread)?;
    let size = file.metadata().await.map_err(unread)?.len();
    let headers = [
        (CONTENT_TYPE, "application/x-tar".to_owned()),
        (CONTENT_DISPOSITION, "attachment; filename=\"recap-account.tar\"".to_owned()),
        (CONTENT_LENGTH, size.to_string()),
    ];
    let stream = tokio_util::io::ReaderStream::with_capacity(file, CHUNK_BYTES);
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// A password to be.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct NewPassword {
    /// `null` takes it away: links by mail are enough.
    password: Option<String>,
}

/// Set a password, or take it away; every other sign-in ends
#[utoipa::path(put, path = "/api/account/password", tag = "account", request_body = NewPassword,
    responses((status = 204, description = "It counts from now on"), (status = 400, description = "Too short or too long")))]
pub(super) async fn set_password(
    State(multi): State<Arc<Multi>>,
    Person(session): Person,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Fault> {
    let new: NewPassword = given(&headers, body).await?;
    let cookie = cookies::find(&headers, sessions::COOKIE_NAME);
    multi.sign_in.set_password(&session.tenant.id, new.password.as_deref(), cookie).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An account's end.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Deletion {
    /// Its address, so that nobody does it by mistake.
    email: String,
}

/// Delete your account with everything in it
#[utoipa::path(delete, path = "/api/account", tag = "account", request_body = Deletion,
    responses((status = 204, description = "It is gone"), (status = 400, description = "Not your address")))]
pub(super) async fn delete(
    State(multi): State<Arc<Multi>>,
    Person(session): Person,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    let asked: Deletion = given(&headers, body).await?;
    if !asked.email.trim().eq_ignore_ascii_case(session.tenant.email.as_str()) {
        return Err(Fault::new(FaultKind::Invalid, "This is not the address of your account.")
            .hint("Give it once more: deleting cannot be undone."));
    }
    multi.admin.delete(&session.tenant.id).await?;
    multi.folders_wake.notify_one();
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, multi.cookies.no_session())]).into_response())
}
