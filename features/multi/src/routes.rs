//! The doors of a service: signing in, the account, the operator's desk, and their pages. Thin: who
//! asks, what they gave, one call, the answer. All routes stand on this page.

mod account;
mod admin;
pub(crate) mod pages;
mod session;
mod who;

use std::sync::Arc;

use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::multi::Multi;

/// All of them; strangers reach them, so each handler asks who is there.
pub(crate) fn all(multi: Arc<Multi>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(session::ask))
        .routes(routes!(session::sign_in, session::sign_out))
        .routes(routes!(session::list, session::end_all))
        .routes(routes!(session::end))
        .routes(routes!(session::set_up))
        .routes(routes!(account::show, account::delete))
        .routes(routes!(account::journal))
        .routes(routes!(account::export))
        .routes(routes!(account::set_password))
        .routes(routes!(admin::tenants))
        .routes(routes!(admin::trials))
        .routes(routes!(admin::show))
        .routes(routes!(admin::grant))
        .routes(routes!(admin::set_tier))
        .routes(routes!(admin::end_sessions))
        // Pages are no part of the document: they are for people.
        .route(pages::WELCOME, get(pages::welcome))
        .route(pages::LINK, get(pages::link))
        .route(pages::CODE, get(pages::code))
        .route(pages::SET_UP, get(pages::set_up))
        .route(pages::ACCOUNT, get(pages::account))
        .route(pages::ACCOUNT_SCRIPT, get(pages::account_script))
        .route(pages::STYLE, get(pages::style))
        .with_state(multi)
}
