//! Finding words in the caller's library.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use recap_mode::Fault;
use serde::Deserialize;

use crate::app::App;
use crate::search::Found;

use super::extract::{Params, Who};

/// Hits where nothing else is asked for.
pub(super) const HITS_DEFAULT: usize = 20;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct FindParams {
    /// Words that must all be there; three letters or more also stand for words that begin so.
    q: String,
    /// 1 to 100, 20 without it.
    #[serde(default)]
    limit: Option<usize>,
}

/// Search the library
#[utoipa::path(get, path = "/api/search", tag = "search", params(FindParams), responses((status = 200, body = Found)))]
pub(super) async fn find(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    Params(params): Params<FindParams>,
) -> Result<Json<Found>, Fault> {
    let limit = params.limit.unwrap_or(HITS_DEFAULT).clamp(1, 100);
    super::blocking(&app, move |app| app.search.find_now(&caller.scope, &params.q, limit))
        .await
        .map(Json)
}
