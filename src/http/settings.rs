//! What a scope has chosen, by which engines its recaps can be made, what they have cost, its keys and
//! cookies.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use recap_mode::{Fault, FaultKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::{App, cookies_path};
use crate::domain::scope_settings::ScopeSettings;
use crate::domain::spending::{Spending, amount};
use crate::engines::{EngineView, Engines};

use super::extract::{JsonBody, Who, parse_json, read_body};

/// Largest body of settings.
const SETTINGS_BYTES_MAX: usize = 256 * 1024;

/// The name by which what videos want is tried.
const VIDEOS: &str = "yt-dlp";

/// Largest file of cookies: a browser's whole jar has some hundred KB.
const COOKIES_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The choices with what there is to choose from.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SettingsView {
    /// What was chosen; what is absent is as the operator's settings say.
    settings: ScopeSettings,
    /// What there is.
    engines: Vec<EngineView>,
    /// What is chosen and cannot be used, as sentences.
    problems: Vec<String>,
    /// What models cost today, such as `0.12`.
    cost_today: String,
    /// What they cost this month.
    cost_month: String,
    /// When the file of cookies was written, where there is one: they end after weeks or months.
    cookies_written_at: Option<DateTime<Utc>>,
}

async fn view(app: &App, who: &Who) -> Result<SettingsView, Fault> {
    let scope = &who.0.scope;
    let (settings, chosen) = app.chosen(scope, None).await?;
    let spending = app.library.spending(scope).await?;
    let now = app.clock.now();
    Ok(SettingsView {
        engines: app.engines.list(&app.config_now(), scope, &settings),
        problems: chosen.problems,
        settings,
        cost_today: amount(spending.today_micros(now)),
        cost_month: amount(spending.month_micros(now)),
        cookies_written_at: crate::videos::cookies_written_at(&cookies_path(&app.data, scope)),
    })
}

/// What is chosen, and what there is
#[utoipa::path(get, path = "/api/settings", tag = "settings",
    responses((status = 200, body = SettingsView)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    who: Who,
) -> Result<Json<SettingsView>, Fault> {
    view(&app, &who).await.map(Json)
}

/// Choose
///
/// A JSON merge patch (RFC 7396) of `settings`: what is named is changed, `null` takes it away.
#[utoipa::path(patch, path = "/api/settings", tag = "settings", request_body = ScopeSettings,
    responses((status = 200, body = SettingsView), (status = 400, description = "What is wrong with it")))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    who: Who,
    request: Request,
) -> Result<Json<SettingsView>, Fault> {
    let body = read_body(request.into_body(), SETTINGS_BYTES_MAX).await?;
    let patch: Map<String, Value> = parse_json(&body)?;
    // On what the file holds at that moment: another hand may be changing the rest.
    let change = move |now: &ScopeSettings| {
        let next = merged(now, &patch)?;
        // What cannot be read as a server is refused before anybody waits for a recap by it.
        Engines::flaw_of_own(&next).map_or(Ok(next), Err)
    };
    app.library.choose(&who.0.scope, change).await?;
    app.release_capped(&who.0.scope).await;
    view(&app, &who).await.map(Json)
}

/// A JSON merge patch (RFC 7396) of the top.
fn merged(now: &ScopeSettings, patch: &Map<String, Value>) -> Result<ScopeSettings, String> {
    let Ok(Value::Object(mut all)) = serde_json::to_value(now) else {
        unreachable!("settings are an object")
    };
    for (key, value) in patch {
        if value.is_null() {
            all.shift_remove(key);
        } else {
            all.insert(key.clone(), value.clone());
        }
    }
    // A misspelt name would be taken in silence otherwise.
    let schema = schemars::schema_for!(ScopeSettings);
    let is_known =
        |key: &&String| schema.get("properties").is_some_and(|all| all.get(*key).is_some());
    if let Some(key) = patch.keys().find(|key| !is_known(key)) {
        let key: String = key.chars().filter(|c| !c.is_control()).take(60).collect();
        return Err(format!(
            "there is no setting `{key}`; `recap schema settings` names those that there are."
        ));
    }
    serde_json::from_value(Value::Object(all)).map_err(|error| format!("{error}."))
}

/// The name of an engine.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TestRequest {
    /// Which.
    name: String,
}

/// What came of a test.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Tested {
    /// As a sentence.
    said: String,
}

/// Try an engine with a real, small call
///
/// `yt-dlp` tries what videos want: the program, its age, its JavaScript runtime.
#[utoipa::path(post, path = "/api/settings/test", tag = "settings", request_body = TestRequest,
    responses((status = 200, body = Tested), (status = 404, description = "No such engine"),
        (status = 502, description = "What is wrong, and the cure")))]
pub(super) async fn test(
    State(app): State<Arc<App>>,
    who: Who,
    JsonBody(asked): JsonBody<TestRequest>,
) -> Result<Json<Tested>, Fault> {
    let scope = &who.0.scope;
    if asked.name == VIDEOS {
        let found = app.videos().found().await;
        return match found.problems.first() {
            None => Ok(Json(Tested { said: found.to_string() })),
            Some(_) => Err(Fault::new(FaultKind::Upstream, found.problems.join(" "))),
        };
    }
    let settings = app.library.settings(scope).await?;
    let trust = app.trust(scope).await;
    let config = app.config_now();
    let said = app.engines.probe(&config, scope, &settings, &asked.name, trust).await?;
    Ok(Json(Tested { said }))
}

/// A key.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyRequest {
    /// As the provider gave it.
    key: String,
}

/// Keep the key of one of the library's own model servers
///
/// It stands in `secrets.json` and is never shown again.
#[utoipa::path(put, path = "/api/settings/keys/{name}", tag = "settings", request_body = KeyRequest,
    params(("name" = String, Path, description = "The model server")),
    responses((status = 204, description = "Kept"), (status = 404, description = "No such server of its own")))]
pub(super) async fn put_key(
    State(app): State<Arc<App>>,
    who: Who,
    Path(name): Path<String>,
    request: Request,
) -> Result<StatusCode, Fault> {
    let body = read_body(request.into_body(), SETTINGS_BYTES_MAX).await?;
    // What a parser says of a wrong body may quote it, and the key stands in it.
    let asked: KeyRequest = parse_json(&body).map_err(|_: Fault| {
        Fault::invalid("The body is not the JSON that is asked for here: {\"key\": \"…\"}.")
    })?;
    set_key(&app, &who, &name, Some(&asked.key)).await
}

/// Forget the key of one of the library's own model servers
#[utoipa::path(delete, path = "/api/settings/keys/{name}", tag = "settings",
    params(("name" = String, Path, description = "The model server")),
    responses((status = 204, description = "Forgotten"), (status = 404, description = "No such server of its own")))]
pub(super) async fn delete_key(
    State(app): State<Arc<App>>,
    who: Who,
    Path(name): Path<String>,
) -> Result<StatusCode, Fault> {
    set_key(&app, &who, &name, None).await
}

async fn set_key(app: &App, who: &Who, name: &str, key: Option<&str>) -> Result<StatusCode, Fault> {
    let scope = &who.0.scope;
    let settings = app.library.settings(scope).await?;
    app.engines.set_own_key(scope, &settings, name, key)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What models and recognisers have cost, by day and month
#[utoipa::path(get, path = "/api/spending", tag = "settings", responses((status = 200, body = Spending)))]
pub(super) async fn spending(
    State(app): State<Arc<App>>,
    who: Who,
) -> Result<Json<Spending>, Fault> {
    Ok(Json(app.library.spending(&who.0.scope).await?))
}

/// Give cookies for video sites
///
/// The body is a file in Netscape's form, as browsers' add-ons export it. When it is shown to a site, the
/// setting `cookies` says.
#[utoipa::path(put, path = "/api/settings/cookies", tag = "settings", request_body = String,
    responses((status = 204, description = "Kept"), (status = 400, description = "No file of cookies")))]
pub(super) async fn put_cookies(
    State(app): State<Arc<App>>,
    who: Who,
    request: Request,
) -> Result<StatusCode, Fault> {
    let body = read_body(request.into_body(), COOKIES_BYTES_MAX).await?;
    let is_cookies = std::str::from_utf8(&body).is_ok_and(|text| {
        text.lines().any(|line| line.split('\t').count() == 7)
            || text.starts_with("# Netscape HTTP Cookie File")
    });
    if !is_cookies {
        return Err(Fault::invalid(
            "This is no file of cookies. Export those of the site in Netscape's form (cookies.txt), with an add-on of your browser.",
        ));
    }
    let path = cookies_path(&app.data, &who.0.scope);
    let written = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(&path);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let beside = path.with_extension("part");
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(&body)?;
        file.sync_all()?;
        std::fs::rename(beside, path)
    });
    match written.await.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            Err(Fault::new(FaultKind::StorageFull, "The disk is full; nothing was written."))
        }
        Err(error) => Err(Fault::internal("keeping cookies", error)),
    }
}

/// Forget the cookies for video sites
#[utoipa::path(delete, path = "/api/settings/cookies", tag = "settings",
    responses((status = 204, description = "Forgotten")))]
pub(super) async fn delete_cookies(
    State(app): State<Arc<App>>,
    who: Who,
) -> Result<StatusCode, Fault> {
    match std::fs::remove_file(cookies_path(&app.data, &who.0.scope)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Fault::internal("forgetting cookies", error))
        }
        _ => Ok(StatusCode::NO_CONTENT),
    }
}
