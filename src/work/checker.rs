//! The check round, at boot, when something is due, and when somebody follows something new.

use std::sync::Arc;

use recap_mode::{Entitlement, Scope};
use serde_json::json;
use tokio::time::{Duration, sleep};

use crate::app::App;
use crate::following::{Follower, LOOK_EVERY, Which};
use crate::history::following::TakenIn;

/// After somebody's change, how long to wait for more of them: an editor's save, or a script's loop.
const QUIET: Duration = Duration::from_millis(200);

/// Checks until the daemon stops.
pub async fn run(app: Arc<App>) {
    app.following.all_due();
    loop {
        tokio::select! {
            () = app.stop.cancelled() => {
                // What is known of feeds is kept, also where a round was cut off.
                let kept = app.clone();
                let _ = tokio::task::spawn_blocking(move || kept.following.save_now()).await;
                return;
            }
            () = check(&app) => {}
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = sleep(LOOK_EVERY) => {}
            () = app.check_wake.notified() => sleep(QUIET).await,
        }
    }
}

/// One round.
async fn check(app: &Arc<App>) {
    let followers = followers(app).await;
    let (told, wake) = (app.clone(), app.clone());
    let heard = move |scope: &Scope, taken: &TakenIn| {
        if !taken.found.is_empty() {
            told.events.publish(scope, "queue_changed", json!({"found": taken.found}));
        }
        if taken.approved > 0 {
            told.queue_wake.notify_one();
        }
    };
    wake.following.round(&followers, &Which::Due, &wake.rules(), &heard).await;
    for follower in &followers {
        app.events.publish(&follower.scope, "subscriptions_checked", json!({}));
    }
    let app = app.clone();
    if let Err(error) = tokio::task::spawn_blocking(move || app.following.save_now()).await {
        tracing::error!(%error, "keeping the cache of feeds panicked");
    }
}

/// The scopes that follow anything and may.
pub async fn followers(app: &Arc<App>) -> Vec<Follower> {
    let library = app.library.clone();
    let scopes = tokio::task::spawn_blocking(move || library.following_scopes_now()).await;
    let mut followers = Vec::new();
    for scope in scopes.unwrap_or_default() {
        match app.mode.entitled(&scope, Entitlement::Subscriptions).await {
            Ok(()) => followers.push(app.follower(&scope).await),
            // Their list rests; the status route says why.
            Err(fault) => {
                tracing::debug!(%scope, %fault, "a scope that may not follow is passed over")
            }
        }
    }
    followers
}
