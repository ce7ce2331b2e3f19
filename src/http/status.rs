//! Whether the daemon lives, and what this caller may do.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use recap_mode::{Entitlement, Fault};
use serde::Serialize;
use utoipa::openapi::OpenApi;

use crate::app::App;
use crate::history::Problem;

use super::extract::Who;

/// The daemon lives.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Is the daemon alive
#[utoipa::path(get, path = "/api/health", tag = "status", responses((status = 200, body = Health)))]
pub(super) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The description of this API
#[utoipa::path(get, path = "/api/openapi.json", tag = "status",
    responses((status = 200, description = "An OpenAPI 3.1 document", content_type = "application/json")))]
pub(super) async fn openapi(Extension(Document(text)): Extension<Document>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], text)
}

/// The description of this API as it is sent: what it is made of takes megabytes.
#[derive(Clone)]
pub(super) struct Document(Bytes);

impl Document {
    pub(super) fn of(document: &OpenApi) -> Document {
        // Nothing of it is of a kind that cannot be JSON.
        Document(serde_json::to_vec(document).unwrap_or_default().into())
    }
}

/// What a page needs to know about its caller.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Status {
    /// Of the daemon.
    version: &'static str,
    /// Whose things are shown.
    scope: String,
    /// Whether the caller runs this place.
    operator: bool,
    /// The name to show beside *Sign out*.
    signed_in_as: Option<String>,
    /// What the caller may do: `process`, `subscriptions`, `private_addresses`.
    #[schema(value_type = Vec<String>)]
    entitlements: Vec<Entitlement>,
    /// Files of the scope that cannot be used as they are.
    problems: Vec<FileProblem>,
    /// Why the configuration file is not in force; told to the operator alone.
    config_problem: Option<String>,
}

/// A file that cannot be used as it is.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct FileProblem {
    /// Below the history folder.
    file: String,
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
    /// What is wrong.
    reason: String,
}

impl From<Problem> for FileProblem {
    fn from(problem: Problem) -> FileProblem {
        let Problem { file, line, column, reason } = problem;
        FileProblem { file, line, column, reason }
    }
}

/// What this caller may do, and what is wrong with their files
#[utoipa::path(get, path = "/api/status", tag = "status", responses((status = 200, body = Status)))]
pub(super) async fn status(
    State(app): State<Arc<App>>,
    Who(caller): Who,
) -> Result<Json<Status>, Fault> {
    let mut entitlements = Vec::new();
    for what in Entitlement::ALL {
        if app.mode.entitled(&caller.scope, what).await.is_ok() {
            entitlements.push(what);
        }
    }
    let problems = super::blocking(&app, {
        let scope = caller.scope.clone();
        move |app| app.library.problems_now(&scope)
    })
    .await?;
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        scope: caller.scope.to_string(),
        operator: caller.operator,
        signed_in_as: caller.signed_in_as,
        entitlements,
        problems: problems.into_iter().map(FileProblem::from).collect(),
        config_problem: if caller.operator { app.config_problem_now() } else { None },
    }))
}
