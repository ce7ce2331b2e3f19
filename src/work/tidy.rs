//! Keeps what may be deleted within its bounds: transcripts and models' answers that were kept.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::app::App;

/// How often: what is kept is counted in days.
const EVERY: Duration = Duration::from_secs(6 * 3_600);

/// Tidies at the start and every few hours, until the daemon stops.
pub async fn run(app: Arc<App>) {
    loop {
        tidy(&app).await;
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = sleep(EVERY) => {}
        }
    }
}

async fn tidy(app: &Arc<App>) {
    let (keep, config, now) = (app.keep.clone(), app.config_now(), app.clock.now());
    let bytes_max = config.cache_mib_max * 1024 * 1024;
    let swept =
        tokio::task::spawn_blocking(move || keep.sweep_now(config.cache_days, bytes_max, now));
    if let Err(error) = swept.await {
        tracing::error!(%error, "tidying the cache panicked");
    }
}
