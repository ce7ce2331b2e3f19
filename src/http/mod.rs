//! The doors: thin handlers over the rooms below. All routes stand on this page.
//!
//! A handler extracts the caller, parses into domain types, makes one call and answers. What goes
//! before every handler (who is the peer, is the host ours, who is asking) is in `gate`.

pub mod accept;
mod auto_queue;
mod events;
mod extract;
mod folders;
mod gate;
mod incoming;
mod process;
mod recaps;
mod search;
mod settings;
mod status;
mod subscriptions;
mod web;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use recap_mode::{ErrorBody, Fault, FaultKind};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::RequestBodyDeadlineLayer;
use utoipa::openapi::{Info, OpenApi, OpenApiBuilder, RefOr};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::history::layout;

pub use folders::sweep_imports;

/// Time in which a request's body must have come: an upload of 64 MiB over a slow line.
const BODY_TIME: Duration = Duration::from_secs(600);

/// Everything that a browser may load or do on our pages.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'";

/// The whole router.
pub fn router(app: &Arc<App>) -> Router {
    let Parts { open, admitting, guarded, document } = parts(app);
    let admitting = admitting.route_layer(from_fn_with_state(app.clone(), gate::admit));
    let guarded = guarded.route_layer(from_fn_with_state(app.clone(), gate::identify));
    Router::new()
        .merge(open)
        .merge(admitting)
        .merge(guarded)
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(axum::Extension(status::Document::of(&document)))
        .layer(from_fn_with_state(app.clone(), gate::check_host))
        .layer(CsrfLayer::new().with_rejection_response(|_| cross_site()))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyDeadlineLayer::new(BODY_TIME))
        .layer(CatchPanicLayer::custom(|_| {
            Fault::new(FaultKind::Internal, "Something went wrong here; the log has the place.")
                .into_response()
        }))
        .layer(map_response(secure))
        .layer(from_fn_with_state(app.clone(), gate::find_peer))
}

/// The document that describes the API, as `GET /api/openapi.json` answers it.
pub fn openapi(app: &Arc<App>) -> OpenApi {
    parts(app).document
}

/// All routes, by who may come in.
struct Parts {
    /// Open to strangers.
    open: Router,
    /// Where a mode may let a stranger in.
    admitting: Router,
    /// For whom the mode knows.
    guarded: Router,
    /// What describes all of them.
    document: OpenApi,
}

fn parts(app: &Arc<App>) -> Parts {
    let open = OpenApiRouter::new()
        .routes(routes!(status::health))
        .with_state(app.clone())
        .merge(app.mode.clone().routes());
    let admitting = OpenApiRouter::with_openapi(OpenApiBuilder::new().build())
        .routes(routes!(process::process))
        .with_state(app.clone());
    let guarded = OpenApiRouter::with_openapi(OpenApiBuilder::new().build())
        .routes(routes!(status::status))
        .routes(routes!(status::openapi))
        .routes(routes!(process::list_jobs))
        .routes(routes!(process::show_job, process::cancel_job))
        .routes(routes!(process::job_events))
        .routes(routes!(recaps::list))
        .routes(routes!(recaps::show, recaps::put, recaps::patch, recaps::delete))
        .routes(routes!(recaps::restore))
        .routes(routes!(recaps::export))
        .routes(routes!(folders::list, folders::create))
        .routes(routes!(folders::change, folders::remove))
        .routes(routes!(folders::place))
        .routes(routes!(folders::export))
        .routes(routes!(folders::import))
        .routes(routes!(subscriptions::list, subscriptions::follow))
        .routes(routes!(subscriptions::preview))
        .routes(routes!(subscriptions::check_all))
        .routes(routes!(subscriptions::import))
        .routes(routes!(subscriptions::export))
        .routes(routes!(subscriptions::show, subscriptions::change, subscriptions::unfollow))
        .routes(routes!(subscriptions::check_one))
        .routes(routes!(subscriptions::episodes))
        .routes(routes!(auto_queue::list, auto_queue::change, auto_queue::offer))
        .routes(routes!(auto_queue::approve_all))
        .routes(routes!(auto_queue::decide))
        .routes(routes!(auto_queue::skip_list, auto_queue::refuse))
        .routes(routes!(auto_queue::undo_skip))
        .routes(routes!(settings::show, settings::change))
        .routes(routes!(settings::test))
        .routes(routes!(settings::put_key, settings::delete_key))
        .routes(routes!(settings::put_cookies, settings::delete_cookies))
        .routes(routes!(settings::spending))
        .routes(routes!(search::find))
        .routes(routes!(events::events))
        .with_state(app.clone());
    let (open, mut document) = open.split_for_parts();
    let (admitting, more) = admitting.split_for_parts();
    document.merge(more);
    let (guarded, more) = guarded.split_for_parts();
    document.merge(more);
    describe(&mut document);
    // Pages are no part of the document: they are for people.
    let open = open
        .route("/sign-in", get(web::sign_in).with_state(app.clone()))
        .route("/static/{name}", get(web::asset));
    let pages: Router<Arc<App>> = Router::new()
        .route("/", get(web::library))
        .route("/recaps/{id}", get(web::recap))
        .route("/search", get(web::search));
    Parts { open, admitting, guarded: guarded.merge(pages.with_state(app.clone())), document }
}

fn describe(document: &mut OpenApi) {
    document.info = Info::new("Recap", env!("CARGO_PKG_VERSION"));
    document.info.description = Some(
        "Long episodes as checked recaps. Errors are `{\"error\": {\"kind\", \"message\", \"hint\"?}}`. Strong entity tags are \
         hashes of the file's bytes: send them back as If-Match to change only what you have read."
            .to_owned(),
    );
    let components = document.components.get_or_insert_default();
    for (name, schema) in layout::schemas() {
        // The schema of the file is the schema of the answer.
        let name = match name {
            "recap.schema.json" => "Recap",
            "_meta.schema.json" => "LibraryMeta",
            "settings.schema.json" => "ScopeSettings",
            "spending.schema.json" => "Spending",
            _ => continue,
        };
        for (part, schema) in in_components(name, schema) {
            if let Ok(schema) =
                serde_json::from_value::<RefOr<utoipa::openapi::schema::Schema>>(schema)
            {
                components.schemas.insert(part, schema);
            }
        }
    }
    let mut used = vec![("ErrorBody".to_owned(), <ErrorBody as utoipa::PartialSchema>::schema())];
    <ErrorBody as utoipa::ToSchema>::schemas(&mut used);
    components.schemas.extend(used);
}

/// A JSON schema with its `$defs` as components of the document, under names that say whose they are.
fn in_components(name: &str, mut schema: serde_json::Value) -> Vec<(String, serde_json::Value)> {
    let definitions = schema.as_object_mut().and_then(|map| {
        map.shift_remove("$schema");
        map.shift_remove("$defs")
    });
    let mut parts = vec![(name.to_owned(), schema)];
    if let Some(serde_json::Value::Object(definitions)) = definitions {
        parts.extend(
            definitions.into_iter().map(|(part, schema)| (format!("{name}.{part}"), schema)),
        );
    }
    for (_, schema) in &mut parts {
        let text =
            schema.to_string().replace("\"#/$defs/", &format!("\"#/components/schemas/{name}."));
        *schema = serde_json::from_str(&text).unwrap_or_default();
    }
    parts
}

async fn no_such_route() -> Fault {
    Fault::not_found("There is nothing at this address.")
        .hint("The API is described at /api/openapi.json.")
}

async fn wrong_method() -> Response {
    let fault = Fault::invalid("This address does not take this method.")
        .hint("The API is described at /api/openapi.json.");
    (axum::http::StatusCode::METHOD_NOT_ALLOWED, axum::Json(ErrorBody::from(&fault)))
        .into_response()
}

fn cross_site() -> Response {
    Fault::new(FaultKind::Forbidden, "This request comes from another site's page and was refused.")
        .into_response()
}

/// Headers that every answer carries.
async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    // A recap is a person's own: no cache on the way keeps it.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Runs a blocking call of a room off the async threads.
async fn blocking<A, E>(
    app: &Arc<App>,
    call: impl FnOnce(&App) -> Result<A, E> + Send + 'static,
) -> Result<A, Fault>
where
    A: Send + 'static,
    E: Into<Fault> + Send + 'static,
{
    let app = app.clone();
    match tokio::task::spawn_blocking(move || call(&app)).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(error) => Err(Fault::internal("answering", error)),
    }
}
