//! One episode becomes one recap: debit, run the pipeline, save, announce. The one place where a
//! job's outcome is decided.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use recap_mode::{Entitlement, Fault, FaultKind, JobId, Scope, Stop};
use serde_json::json;

use crate::app::App;
use crate::domain::recap::RecapId;
use crate::jobs::{JobError, JobView, OPEN_MAX};
use crate::net::Shown;
use crate::pipeline::{self, Made, Order, Stage, Workspace};

/// Starts a job; it goes on when the caller goes away.
///
/// # Errors
/// Not entitled; too many open jobs; the disk.
pub async fn start(
    app: &Arc<App>,
    scope: &Scope,
    order: Order,
    upload: Option<Vec<u8>>,
) -> Result<JobId, Fault> {
    app.mode.entitled(scope, Entitlement::Process).await?;
    if app.stop.is_cancelled() {
        return Err(Fault::new(FaultKind::Busy, "Recap is stopping.")
            .hint("Try again when it has started again."));
    }
    let job = new_id(app);
    let cancel = app.jobs.open(scope, first_view(app, &job, &order)).ok_or_else(|| {
        Fault::new(
            FaultKind::TooMany,
            format!("{OPEN_MAX} recaps are being made or waiting already."),
        )
        .hint("Wait until one is done, or cancel one.")
    })?;
    let (data, whose, name, what) = (app.data.clone(), scope.clone(), job.clone(), order.clone());
    let made = tokio::task::spawn_blocking(move || {
        Workspace::create(&data, &whose, &name, &what, upload.as_deref())
    })
    .await
    .unwrap_or_else(|error| Err(std::io::Error::other(error)));
    match made {
        Ok(workspace) => run_in_background(app, scope, job.clone(), order, workspace, cancel),
        Err(error) => {
            let fault = Fault::from(pipeline::PipelineError::from(error));
            close(
                app,
                scope,
                &job,
                &Err(Outcome::Failed(Fault::new(fault.kind, fault.message.clone()))),
            );
            return Err(fault);
        }
    }
    Ok(job)
}

/// Takes up the jobs that were not finished when the daemon went away.
pub fn resume_all(app: &Arc<App>) {
    for (scope, job, order, workspace) in Workspace::unfinished(&app.data) {
        if let Some(cancel) = app.jobs.open(&scope, first_view(app, &job, &order)) {
            tracing::info!(%scope, %job, "a job that was interrupted goes on");
            run_in_background(app, &scope, job, order, workspace, cancel);
        }
    }
}

fn first_view(app: &App, job: &JobId, order: &Order) -> JobView {
    let about = match order {
        Order::Link { url, .. } => Shown::from(url).to_string(),
        Order::Upload { name } => name.chars().filter(|c| !c.is_control()).take(200).collect(),
    };
    JobView {
        id: job.clone(),
        about,
        stage: Stage::Queued,
        percent: 0,
        message: "Waiting for its turn".to_owned(),
        started_at: app.clock.now(),
        finished_at: None,
        recap: None,
        error: None,
    }
}

fn new_id(app: &App) -> JobId {
    let mut random = [0; 8];
    app.entropy.fill(&mut random);
    let tail: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let id = format!("{}-{tail}", app.clock.now().format("%Y%m%d"));
    id.parse().unwrap_or_else(|_| unreachable!("digits, a dash and hexadecimal digits make an id"))
}

/// How a job ended without a recap.
#[derive(Debug)]
enum Outcome {
    Failed(Fault),
    Cancelled,
    /// The daemon stops; the job goes on at the next start.
    Interrupted,
}

fn run_in_background(
    app: &Arc<App>,
    scope: &Scope,
    job: JobId,
    order: Order,
    workspace: Workspace,
    cancel: Stop,
) {
    let (app, scope) = (app.clone(), scope.clone());
    let tasks = app.tasks.clone();
    tasks.spawn(async move {
        let work = AssertUnwindSafe(prepare(&app, &scope, &job, &order, &workspace)).catch_unwind();
        let prepared = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Outcome::Cancelled),
            () = app.stop.cancelled() => Err(Outcome::Interrupted),
            done = work => done.unwrap_or_else(|_| Err(panicked())),
        };
        // From here on it cannot be cancelled: a recap that is being written will be there.
        let outcome = match prepared {
            Ok(Prepared::There(id)) => Ok(id),
            Ok(Prepared::Made(made)) => AssertUnwindSafe(save(&app, &scope, &job, *made))
                .catch_unwind()
                .await
                .unwrap_or_else(|_| Err(panicked())),
            Err(outcome) => Err(outcome),
        };
        let outcome = settle(&app, &scope, &job, outcome).await;
        if !matches!(outcome, Err(Outcome::Interrupted)) {
            let finished = tokio::task::spawn_blocking(move || workspace.remove());
            if let Err(error) = finished.await {
                tracing::error!(%error, "removing a job's folder panicked");
            }
        }
        close(&app, &scope, &job, &outcome);
    });
}

fn panicked() -> Outcome {
    Outcome::Failed(Fault::internal("making a recap", "a step panicked"))
}

/// What a job has when nothing is left to do but saving.
enum Prepared {
    /// Its recap is in the library already, from a run that was cut off.
    There(RecapId),
    /// Everything but the file.
    Made(Box<Made>),
}

async fn prepare(
    app: &Arc<App>,
    scope: &Scope,
    job: &JobId,
    order: &Order,
    workspace: &Workspace,
) -> Result<Prepared, Outcome> {
    let failed = |fault: Fault| Outcome::Failed(fault);
    let _place = app.job_places.acquire().await.map_err(|_| Outcome::Interrupted)?;
    // A run that was cut off between saving and tidying has its recap already.
    let (library, whose, name) = (app.library.clone(), scope.clone(), job.to_string());
    let made = tokio::task::spawn_blocking(move || library.made_by_now(&whose, &name))
        .await
        .map_err(|error| failed(Fault::internal("looking for a recap", error)))?
        .map_err(|error| failed(error.into()))?;
    if let Some(id) = made {
        return Ok(Prepared::There(id));
    }
    app.mode.debit(scope, job).await.map_err(failed)?;
    let tools = app.tools(scope).await;
    let progress = |stage: Stage, message: String| show(app, scope, job, stage, message);
    let made = pipeline::run(&tools, order, workspace, &progress)
        .await
        .map_err(|error| failed(error.into()))?;
    Ok(Prepared::Made(Box::new(made)))
}

/// Writes the recap.
async fn save(app: &App, scope: &Scope, job: &JobId, made: Made) -> Result<RecapId, Outcome> {
    show(app, scope, job, Stage::Save, "Saving the recap".to_owned());
    let now = app.clock.now();
    let episode = made.episode();
    let id = app.library.new_id(scope, episode.published_at.unwrap_or(now), &episode.title);
    let recap = made.into_recap(id.clone(), Some(job.to_string()), now);
    app.library.save(scope, recap).await.map_err(|error| Outcome::Failed(error.into()))?;
    Ok(id)
}

/// Shows that a stage begins.
fn show(app: &App, scope: &Scope, job: &JobId, stage: Stage, message: String) {
    let view = app.jobs.change(job, |view| {
        view.stage = stage;
        view.percent = stage.percent();
        view.message = message;
    });
    announce(app, scope, view);
}

/// Gives back what a job without a recap has cost.
async fn settle(
    app: &App,
    scope: &Scope,
    job: &JobId,
    outcome: Result<RecapId, Outcome>,
) -> Result<RecapId, Outcome> {
    let nothing_was_taken = match &outcome {
        Ok(_) | Err(Outcome::Interrupted) => true,
        Err(Outcome::Failed(fault)) => {
            matches!(fault.kind, FaultKind::NoCredits | FaultKind::NotEntitled)
        }
        Err(Outcome::Cancelled) => false,
    };
    if !nothing_was_taken {
        // The same job pays once, so asking again names what was taken.
        match app.mode.debit(scope, job).await {
            Ok(receipt) => {
                if let Err(fault) = app.mode.refund(&receipt).await {
                    tracing::error!(%scope, %job, %fault, "a refund could not be written");
                }
            }
            Err(fault) => {
                tracing::error!(%scope, %job, %fault, "a debit could not be found again for its refund")
            }
        }
    }
    outcome
}

fn close(app: &App, scope: &Scope, job: &JobId, outcome: &Result<RecapId, Outcome>) {
    let (stage, message, recap, error) = match outcome {
        Ok(id) => (Stage::Done, "The recap is in the library".to_owned(), Some(id.clone()), None),
        Err(Outcome::Cancelled) => {
            (Stage::Cancelled, "Stopped, as you asked".to_owned(), None, None)
        }
        Err(Outcome::Interrupted) => return,
        Err(Outcome::Failed(fault)) => {
            if let Some(cause) = fault.cause() {
                tracing::error!(%scope, %job, cause = %cause, "a recap could not be made: {fault}");
            } else {
                tracing::info!(%scope, %job, "a recap could not be made: {fault}");
            }
            let error = JobError { kind: fault.kind.word(), message: fault.to_string() };
            (Stage::Failed, fault.to_string(), None, Some(error))
        }
    };
    let now = app.clock.now();
    let view = app.jobs.change(job, |view| {
        view.percent = stage.percent();
        view.stage = stage;
        view.message = message;
        view.finished_at = Some(now);
        view.recap.clone_from(&recap);
        view.error = error;
    });
    if let Some(id) = recap {
        app.events.publish(scope, "recap_saved", json!({"id": id}));
    }
    announce(app, scope, view);
}

fn announce(app: &App, scope: &Scope, view: Option<JobView>) {
    if let Some(view) = view {
        app.events.publish(scope, "job_changed", json!(view));
    }
}
