//! Signing in and out.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use recap_mode::{Fault, FaultKind};
use serde::{Deserialize, Serialize};

use crate::cookies;
use crate::multi::Multi;
use crate::sessions::{self, SessionLine};
use crate::sign_in::{ASKED_COOKIE_NAME, SignedIn};

use super::pages;
use super::who::{From, Person, given, is_form, local_path, visit};

/// Who wants to be sent a link.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct AskForLink {
    /// An e-mail address.
    email: String,
}

/// Ask for a link to sign in with
///
/// The answer is the same whether or not the address has an account. The link and a code come by mail;
/// the code works with the cookie that this answer sets.
#[utoipa::path(post, path = "/api/session/link", tag = "session", request_body = AskForLink,
    responses((status = 202, description = "A mail is on its way, if the address may sign in"),
        (status = 303, description = "The same, for a form"), (status = 400, description = "No address"),
        (status = 429, description = "Asked too often from this network")))]
pub(super) async fn ask(
    State(multi): State<Arc<Multi>>,
    From(address): From,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    let form = is_form(&headers);
    let asked = async {
        let asked: AskForLink = given(&headers, body).await?;
        if !multi.sends_mail() {
            return Err(Fault::new(
                FaultKind::Busy,
                "This Recap cannot send mail, so it cannot send links.",
            )
            .hint("Its operator has to set up a mail server."));
        }
        Ok(multi.sign_in.ask(&asked.email, address).await?)
    };
    let asked = match asked.await {
        Ok(asked) => asked,
        Err(fault) if form => return Ok(pages::sorry(fault)),
        Err(fault) => return Err(fault),
    };
    let cookie = multi.cookies.asked(asked.browser.as_str());
    if form {
        return Ok((
            StatusCode::SEE_OTHER,
            [(SET_COOKIE, cookie), (LOCATION, pages::CODE.to_owned())],
        )
            .into_response());
    }
    Ok((StatusCode::ACCEPTED, [(SET_COOKIE, cookie)]).into_response())
}

/// What signs in: a link's token, or a code and the cookie of the ask, or an address and its password.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct SignInRequest {
    /// The token in the link of a mail.
    #[serde(default)]
    token: Option<String>,
    /// The code in a mail.
    #[serde(default)]
    code: Option<String>,
    /// With a password.
    #[serde(default)]
    email: Option<String>,
    /// Of the account.
    #[serde(default)]
    password: Option<String>,
    /// Where a browser goes next: a path of this daemon.
    #[serde(default)]
    next: Option<String>,
}

/// Sign in
#[utoipa::path(post, path = "/api/session", tag = "session", request_body = SignInRequest,
    responses((status = 204, description = "Signed in; keep the cookie `recap_session`"),
        (status = 303, description = "The same, for a form"), (status = 401, description = "It does not sign in"),
        (status = 429, description = "Too many wrong ones")))]
pub(super) async fn sign_in(
    State(multi): State<Arc<Multi>>,
    From(address): From,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    let form = is_form(&headers);
    match enter(&multi, address, &headers, body).await {
        Ok((signed_in, next)) => Ok(welcome(&multi, &signed_in, form, next.as_deref())),
        Err(fault) if form => Ok(pages::sorry(fault)),
        Err(fault) => Err(fault),
    }
}

async fn enter(
    multi: &Multi,
    address: std::net::IpAddr,
    headers: &HeaderMap,
    body: Body,
) -> Result<(SignedIn, Option<String>), Fault> {
    let asked: SignInRequest = given(headers, body).await?;
    let visit = visit(headers);
    let signed_in = match asked {
        SignInRequest { token: Some(token), .. } => {
            multi.sign_in.use_link(&token, address, visit).await?
        }
        SignInRequest { code: Some(code), .. } => {
            let browser = cookies::find(headers, ASKED_COOKIE_NAME).unwrap_or_default();
            multi.sign_in.use_code(browser, &code, address, visit).await?
        }
        SignInRequest { email: Some(email), password: Some(password), .. } => {
            multi.sign_in.use_password(&email, &password, address, visit).await?
        }
        _ => {
            return Err(Fault::invalid("Nothing was given that signs in.")
                .hint("Send a token, or a code, or an email and a password."));
        }
    };
    Ok((signed_in, asked.next))
}

/// Lets somebody in: with the session's cookie, and without those that brought them here.
fn welcome(multi: &Multi, signed_in: &SignedIn, form: bool, next: Option<&str>) -> Response {
    if signed_in.adopted.is_some() || signed_in.tenant.is_admin {
        multi.folders_wake.notify_one();
    }
    let mut headers: Vec<(HeaderName, String)> = vec![
        (SET_COOKIE, multi.cookies.session(signed_in.token.as_str())),
        (SET_COOKIE, multi.cookies.no_asked()),
    ];
    if signed_in.adopted.is_some() {
        headers.push((SET_COOKIE, multi.cookies.no_trial()));
    }
    if form {
        headers.push((LOCATION, local_path(next)));
        return (StatusCode::SEE_OTHER, AppendHeaders(headers)).into_response();
    }
    (StatusCode::NO_CONTENT, AppendHeaders(headers)).into_response()
}

/// Sign out here
#[utoipa::path(delete, path = "/api/session", tag = "session", responses((status = 204, description = "Signed out here")))]
pub(super) async fn sign_out(
    State(multi): State<Arc<Multi>>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    if let Some(cookie) = cookies::find(&headers, sessions::COOKIE_NAME) {
        multi.sessions.sign_out(cookie).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, multi.cookies.no_session())]).into_response())
}

/// Where somebody is signed in.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SessionList {
    /// The latest used first.
    sessions: Vec<SessionLine>,
    /// The id of the one that asks.
    this: String,
}

/// Where you are signed in
#[utoipa::path(get, path = "/api/sessions", tag = "session", responses((status = 200, body = SessionList)))]
pub(super) async fn list(
    State(multi): State<Arc<Multi>>,
    Person(session): Person,
) -> Result<Json<SessionList>, Fault> {
    let sessions = multi.sessions.list(&session.tenant.id)?;
    Ok(Json(SessionList { sessions, this: session.id }))
}

/// Sign out everywhere
#[utoipa::path(delete, path = "/api/sessions", tag = "session", responses((status = 204, description = "Signed out everywhere")))]
pub(super) async fn end_all(
    State(multi): State<Arc<Multi>>,
    Person(session): Person,
) -> Result<Response, Fault> {
    multi.sessions.end_all(&session.tenant.id).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, multi.cookies.no_session())]).into_response())
}

/// Sign out one of the places
#[utoipa::path(delete, path = "/api/sessions/{id}", tag = "session", params(("id" = String, Path, description = "A session's id")),
    responses((status = 204, description = "Signed out there"), (status = 404, description = "No such sign-in of yours")))]
pub(super) async fn end(
    State(multi): State<Arc<Multi>>,
    Person(session): Person,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    if multi.sessions.end(&session.tenant.id, &id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Fault::not_found("You are not signed in under this id."))
    }
}

/// Who becomes the admin.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct SetUp {
    /// The token in the link of the log.
    token: String,
    /// Where the admin's mails go.
    email: String,
}

/// Become the admin of a service that has none
#[utoipa::path(post, path = "/api/set-up", tag = "session", request_body = SetUp,
    responses((status = 204, description = "Signed in as the admin"), (status = 303, description = "The same, for a form"),
        (status = 401, description = "The link is over")))]
pub(super) async fn set_up(
    State(multi): State<Arc<Multi>>,
    From(address): From,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    let form = is_form(&headers);
    let entered = async {
        let asked: SetUp = given(&headers, body).await?;
        let visit = visit(&headers);
        Ok(multi.sign_in.use_set_up_link(&asked.token, &asked.email, address, visit).await?)
    };
    match entered.await {
        Ok(signed_in) => Ok(welcome(&multi, &signed_in, form, None)),
        Err(fault) if form => Ok(pages::sorry(fault)),
        Err(fault) => Err(fault),
    }
}
