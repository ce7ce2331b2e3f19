//! One episode becomes one recap: debit, run the pipeline, save, announce. The one place where a
//! job's outcome is decided.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use recap_mode::{Entitlement, Fault, FaultKind, JobId, Scope, Stop};
use serde_json::json;

use crate::app::App;
use crate::domain::auto_queue::{QueueError, Reason, ReasonCode, State};
use crate::domain::episode::EpisodeId;
use crate::domain::recap::RecapId;
use crate::domain::scope_settings::ScopeSettings;
use crate::domain::spending::{Spent, amount};
use crate::engines::Chosen;
use crate::feeds::place;
use crate::history::FollowError;
use crate::history::following::ItemOutcome;
use crate::jobs::{JobError, JobView, OPEN_MAX};
use crate::net::Shown;
use crate::pipeline::{
    self, Brought, Left, Made, Meter, Order, PipelineError, Places, Stage, Step, Workspace,
};
use crate::turns::Urgency;

/// How long an item of the queue waits for credits before it is looked at again.
const CREDITS_WAIT: TimeDelta = TimeDelta::hours(1);

/// Starts a job; it goes on when the caller goes away.
///
/// # Errors
/// Not entitled; too many open jobs; the disk.
pub async fn start(
    app: &Arc<App>,
    scope: &Scope,
    order: Order,
    upload: Option<Brought>,
) -> Result<JobId, Fault> {
    app.mode.entitled(scope, Entitlement::Process).await?;
    app.mode.affords(scope).await?;
    has_room(app, scope, upload.as_ref().map_or(0, Brought::size_bytes)).await?;
    let (settings, chosen) = app.chosen(scope, None).await?;
    if let Some((fault, _)) = over_cap(app, scope, &settings, &chosen).await? {
        return Err(fault);
    }
    if app.stop.is_cancelled() {
        return Err(stopping());
    }
    open(app, scope, new_id(app), order, upload).await
}

/// Starts the job of a queue item that was taken up, under the id that the item carries.
///
/// # Errors
/// [`FaultKind::Conflict`] where the item is not being processed, or is already; otherwise as
/// [`start`].
pub async fn start_item(app: &Arc<App>, scope: &Scope, id: &EpisodeId) -> Result<JobId, Fault> {
    app.mode.entitled(scope, Entitlement::Process).await?;
    // Not whether it can be paid for: what goes on after a crash has been.
    has_room(app, scope, 0).await?;
    if app.stop.is_cancelled() {
        return Err(stopping());
    }
    let queue = app.library.auto_queue(scope).await?;
    let item =
        queue.find(id).ok_or_else(|| FollowError::from(QueueError::NotFound(id.to_string())))?;
    let conflict = |why: &str| Fault::new(FaultKind::Conflict, format!("“{}” {why}", item.title));
    let job = match (&item.job, item.state) {
        (Some(job), State::Processing)
            if app.jobs.find(scope, job).is_some_and(|v| !v.stage.is_final()) =>
        {
            return Err(conflict("is being made already."));
        }
        (Some(job), State::Processing) => job.clone(),
        _ => {
            return Err(conflict(
                "was not taken up. Approve it, and it is made when its turn comes.",
            ));
        }
    };
    let (feed_url, key) = (item.feed_url.clone(), item.guid.clone());
    let list = app.library.subscriptions(scope).await.unwrap_or_default();
    let followed = item.subscription.as_ref().and_then(|id| list.find(id));
    let typed = followed.and_then(|one| match place::place(&one.url) {
        Ok(place::Place::Link(url)) => Some(url),
        _ => None,
    });
    let order = Order::Episode { id: id.clone(), title: item.title.clone(), feed_url, key, typed };
    open(app, scope, job, order, None).await
}

/// Refuses what is larger than the scope may send, or comes on top of all that it may keep.
async fn has_room(app: &Arc<App>, scope: &Scope, upload_bytes: u64) -> Result<(), Fault> {
    const MIB: u64 = 1024 * 1024;
    let allowance = app.mode.allowance(scope).await?;
    if upload_bytes > allowance.upload_bytes_max {
        return Err(Fault::new(
            FaultKind::TooLarge,
            format!("Files of at most {} MiB are taken here.", allowance.upload_bytes_max / MIB),
        ));
    }
    if upload_bytes <= room_left(app, scope).await? {
        return Ok(());
    }
    Err(library_full(allowance.storage_bytes_max))
}

/// Bytes that a scope may still keep.
///
/// # Errors
/// The files; a mode that does not answer.
pub async fn room_left(app: &Arc<App>, scope: &Scope) -> Result<u64, Fault> {
    let most = app.mode.allowance(scope).await?.storage_bytes_max;
    if most == u64::MAX {
        return Ok(u64::MAX);
    }
    let (library, whose) = (app.library.clone(), scope.clone());
    let used = tokio::task::spawn_blocking(move || library.size_now(&whose)).await;
    let used = used.map_err(|error| Fault::internal("adding up a library", error))??;
    if used >= most { Err(library_full(most)) } else { Ok(most - used) }
}

fn library_full(most: u64) -> Fault {
    let most = most / (1024 * 1024);
    Fault::new(FaultKind::NotEntitled, format!("The library is full: it may hold {most} MiB."))
        .hint("Delete recaps that are not needed any more, or take a higher tier.")
}

fn stopping() -> Fault {
    Fault::new(FaultKind::Busy, "Recap is stopping.").hint("Try again when it has started again.")
}

async fn open(
    app: &Arc<App>,
    scope: &Scope,
    job: JobId,
    order: Order,
    upload: Option<Brought>,
) -> Result<JobId, Fault> {
    let cancel = app.jobs.open(scope, first_view(app, &job, &order)).ok_or_else(|| {
        Fault::new(
            FaultKind::TooMany,
            format!("{OPEN_MAX} recaps are being made or waiting already."),
        )
        .hint("Wait until one is done, or cancel one.")
    })?;
    let (data, whose, name, what) = (app.data.clone(), scope.clone(), job.clone(), order.clone());
    let made = tokio::task::spawn_blocking(move || {
        Workspace::create(&data, &whose, &name, &what, upload.as_ref())
    })
    .await
    .unwrap_or_else(|error| Err(std::io::Error::other(error)));
    match made {
        Ok(workspace) => run_in_background(app, scope, job.clone(), order, workspace, cancel),
        Err(error) => {
            let fault = Fault::from(pipeline::PipelineError::from(error));
            let shown = Fault::new(fault.kind, fault.message.clone());
            close(app, scope, &job, &Err(Outcome::Failed { fault: shown, again: Again::Soon }));
            return Err(fault);
        }
    }
    Ok(job)
}

/// A job that was not finished when the daemon went away.
pub type Interrupted = (Scope, JobId, Order, Workspace);

/// The jobs that were not finished when the daemon went away: what people brought, and items of queues,
/// which the processor takes up in their turn. May block.
pub fn interrupted_now(app: &App) -> (Vec<Interrupted>, Vec<Interrupted>) {
    Workspace::unfinished(&app.data)
        .into_iter()
        .partition(|(_, _, order, _)| !matches!(order, Order::Episode { .. }))
}

/// Removes what was begun for items that want it no more, once their queues were brought in line. May
/// block.
pub fn sweep_now(app: &App, begun: Vec<Interrupted>) {
    for (scope, job, order, workspace) in begun {
        if let Order::Episode { id, .. } = &order
            && !app.library.wants_job_now(&scope, id, &job)
        {
            workspace.remove();
        }
    }
}

/// Takes interrupted jobs up again; those of who has left are dropped.
pub async fn resume_all(app: &Arc<App>, interrupted: Vec<Interrupted>) {
    for (scope, job, order, workspace) in interrupted {
        let may = app.mode.entitled(&scope, Entitlement::Process).await;
        if may.is_err_and(|fault| fault.kind == FaultKind::NotFound) {
            tracing::info!(%scope, %job, "a job of somebody who has left is dropped");
            workspace.remove();
            continue;
        }
        let cancel = app.jobs.open_again(&scope, first_view(app, &job, &order));
        tracing::info!(%scope, %job, "a job that was interrupted goes on");
        run_in_background(app, &scope, job, order, workspace, cancel);
    }
}

fn first_view(app: &App, job: &JobId, order: &Order) -> JobView {
    let about = match order {
        Order::Link { url, .. } => Shown::from(url).to_string(),
        Order::Episode { title: name, .. } | Order::Upload { name } => {
            name.chars().filter(|c| !c.is_control()).take(200).collect()
        }
    };
    JobView {
        id: job.clone(),
        about,
        stage: Stage::Queued,
        percent: 0,
        message: "Waiting for its turn".to_owned(),
        listens: false,
        started_at: app.clock.now(),
        finished_at: None,
        recap: None,
        error: None,
    }
}

/// An id that no other job has.
pub fn new_id(app: &App) -> JobId {
    let mut random = [0; 8];
    app.entropy.fill(&mut random);
    let tail: String = base16ct::lower::encode_string(&random);
    let id = format!("{}-{tail}", app.clock.now().format("%Y%m%d"));
    id.parse().unwrap_or_else(|_| unreachable!("digits, a dash and hexadecimal digits make an id"))
}

/// How a job ended without a recap.
#[derive(Debug)]
enum Outcome {
    Failed {
        fault: Fault,
        again: Again,
    },
    Cancelled,
    /// The daemon stops; the job goes on at the next start.
    Interrupted,
}

/// Whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// Not by itself.
    No,
    /// After a while, a few times.
    Soon,
    /// From a time on that is known; nothing was wrong with it.
    At(ReasonCode, DateTime<Utc>),
}

impl Again {
    fn after(error: &PipelineError) -> Again {
        match (error.until(), error) {
            (Some(until), PipelineError::NotYet { .. }) => {
                Again::At(ReasonCode::NotPublished, until)
            }
            (Some(until), _) => Again::At(ReasonCode::TryAgain, until),
            (None, error) if error.may_pass() => Again::Soon,
            (None, _) => Again::No,
        }
    }
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
        note_left(&app, &scope, &workspace).await;
        // A job that goes on after a stop asks for the rest in a run of its own.
        let meter = Arc::new(Meter::of(&workspace, format!("{job}.{}", new_id(&app))));
        let work = prepare(&app, &scope, &job, &order, &workspace, &meter);
        let work = AssertUnwindSafe(work).catch_unwind();
        let prepared = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Outcome::Cancelled),
            () = app.stop.cancelled() => Err(Outcome::Interrupted),
            done = work => done.unwrap_or_else(|_| Err(panicked())),
        };
        // However it ended: what was asked of models was asked.
        let duration_ms = match &prepared {
            Ok(Prepared::Made(made)) => made.duration_ms(),
            _ => 0,
        };
        if note_spending(&app, &scope, meter.so_far(), duration_ms).await {
            forget_left(&workspace).await;
        }
        // From here on it cannot be cancelled: a recap that is being written will be there.
        let (outcome, fell_back) = match prepared {
            Ok(Prepared::There(id, fell_back)) => (Ok(id), fell_back),
            Ok(Prepared::Made(made)) => {
                let fell_back = made.fell_back();
                let saved = AssertUnwindSafe(save(&app, &scope, &job, *made)).catch_unwind();
                (saved.await.unwrap_or_else(|_| Err(panicked())), fell_back)
            }
            Err(outcome) => (Err(outcome), false),
        };
        let outcome = settle(&app, &scope, &job, outcome, fell_back).await;
        let ended = match &order {
            Order::Episode { id, .. } => {
                end_item(&app, &scope, id, &job, &workspace, &outcome).await
            }
            Order::Link { .. } | Order::Upload { .. } => match outcome {
                Err(Outcome::Interrupted) => Ended::GoesOn,
                _ => Ended::Over,
            },
        };
        if ended == Ended::Over {
            let finished = tokio::task::spawn_blocking(move || workspace.remove());
            if let Err(error) = finished.await {
                tracing::error!(%error, "removing a job's folder panicked");
            }
        }
        close(&app, &scope, &job, &outcome);
        if ended == Ended::Unwritten {
            // Only now: while the job is open, its item counts as being made.
            app.unsettled.lock().unwrap_or_else(PoisonError::into_inner).insert(scope);
            app.queue_wake.notify_one();
        }
    });
}

/// What becomes of a job's folder and of its item.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Nobody wants the folder any more.
    Over,
    /// The item goes on with what is in the folder.
    GoesOn,
    /// The same, and the queue does not say so yet.
    Unwritten,
}

/// Notes in the queue how an item's making ended. The recap is saved by then, so whoever dies in between
/// finds it at the next start.
async fn end_item(
    app: &App,
    scope: &Scope,
    id: &EpisodeId,
    job: &JobId,
    workspace: &Workspace,
    outcome: &Result<RecapId, Outcome>,
) -> Ended {
    let reason = |code: ReasonCode, fault: &Fault| Reason { code, message: fault.to_string() };
    let now = app.clock.now();
    let mut next = None;
    let outcome = match outcome {
        Ok(recap) => ItemOutcome::Done(recap.clone()),
        Err(Outcome::Interrupted) => ItemOutcome::Interrupted,
        Err(Outcome::Cancelled) => ItemOutcome::Failed(Reason {
            code: ReasonCode::Cancelled,
            message: "Stopped, as you asked. Retry it if you want it after all.".to_owned(),
        }),
        Err(Outcome::Failed { fault, .. }) if fault.kind == FaultKind::NoCredits => {
            let reason = reason(ReasonCode::Credits, fault);
            ItemOutcome::Waits { reason, until: now + CREDITS_WAIT, job: job.clone() }
        }
        Err(Outcome::Failed { fault, .. }) if fault.kind == FaultKind::NotEntitled => {
            let reason = reason(ReasonCode::NotEntitled, fault);
            ItemOutcome::Waits { reason, until: now + CREDITS_WAIT, job: job.clone() }
        }
        Err(Outcome::Failed { fault, again: Again::At(ReasonCode::CostCap, until) }) => {
            // Nothing was begun or paid.
            let reason = reason(ReasonCode::CostCap, fault);
            ItemOutcome::Waits { reason, until: *until, job: job.clone() }
        }
        Err(Outcome::Failed { fault, again: Again::At(code, until) }) => {
            let job = new_id(app);
            next = workspace.hand_on(&app.data, scope, &job);
            ItemOutcome::Waits { reason: reason(*code, fault), until: *until, job }
        }
        Err(Outcome::Failed { fault, again: Again::Soon }) => {
            // What was finished goes on under the next attempt, which is paid for anew.
            let next_job = new_id(app);
            next = workspace.hand_on(&app.data, scope, &next_job);
            ItemOutcome::MayPass { reason: reason(ReasonCode::TryAgain, fault), next_job }
        }
        Err(Outcome::Failed { fault, again: Again::No }) => {
            ItemOutcome::Failed(reason(ReasonCode::Failed, fault))
        }
    };
    let state = app.library.end_item(scope, id, job, outcome).await;
    app.events.publish(scope, "queue_changed", json!({"id": id}));
    match state {
        Ok(Some(State::Approved)) => return Ended::GoesOn,
        Ok(Some(_)) => {}
        Ok(None) => {
            tracing::info!(%scope, %id, "a queue item was changed or taken out while it was made");
        }
        // At the next look the item is brought in line: its recap is in the library, or it goes back to be
        // made by this job, which needs what is finished then.
        Err(error) => {
            tracing::error!(%scope, %id, %error, "how an item ended could not be written");
            if let Some(next) = next {
                next.hand_on(&app.data, scope, job);
            }
            return Ended::Unwritten;
        }
    }
    if let Some(next) = next {
        next.remove();
    }
    Ended::Over
}

fn panicked() -> Outcome {
    let fault = Fault::internal("making a recap", "a step panicked");
    Outcome::Failed { fault, again: Again::No }
}

/// What a job has when nothing is left to do but saving.
enum Prepared {
    /// Its recap is in the library already, from a run that was cut off; and whether the built-in
    /// outline stood in for models that failed.
    There(RecapId, bool),
    /// Everything but the file.
    Made(Box<Made>),
}

async fn prepare(
    app: &Arc<App>,
    scope: &Scope,
    job: &JobId,
    order: &Order,
    workspace: &Workspace,
    meter: &Arc<Meter>,
) -> Result<Prepared, Outcome> {
    let urgency = match order {
        Order::Episode { .. } => Urgency::Background,
        Order::Link { .. } | Order::Upload { .. } => Urgency::Asked,
    };
    let (running, listening) = (app.job_places.clone(), app.listening.clone());
    let places = Places::take(running, listening, urgency, scope.as_str()).await;
    // A run that was cut off between saving and tidying has its recap already.
    let (library, whose, name) = (app.library.clone(), scope.clone(), job.to_string());
    let made = tokio::task::spawn_blocking(move || library.made_by_now(&whose, &name))
        .await
        .map_err(|error| failed(Fault::internal("looking for a recap", error)))?
        .map_err(|error| failed(error.into()))?;
    if let Some(id) = made {
        let found = app.library.find(scope, &id).await.map_err(|error| failed(error.into()))?;
        let outline = &found.recap.made_by.outline;
        let fell_back = outline.provider == pipeline::BUILTIN && !outline.fell_back_from.is_empty();
        return Ok(Prepared::There(id, fell_back));
    }
    let (settings, chosen) = app.chosen(scope, Some(job)).await.map_err(failed)?;
    if let Some((fault, until)) = over_cap(app, scope, &settings, &chosen).await.map_err(failed)? {
        return Err(Outcome::Failed { fault, again: Again::At(ReasonCode::CostCap, until) });
    }
    app.mode.debit(scope, job).await.map_err(failed)?;
    let tools = app.tools(scope, &settings, &chosen, places, meter.clone()).await;
    let progress = |step: Step| show(app, scope, job, step);
    let made = pipeline::run(&tools, order, workspace, &progress).await.map_err(|error| {
        let again = Again::after(&error);
        Outcome::Failed { fault: error.into(), again }
    })?;
    Ok(Prepared::Made(Box::new(made)))
}

fn failed(fault: Fault) -> Outcome {
    let passes = matches!(fault.kind, FaultKind::Busy | FaultKind::StorageFull);
    Outcome::Failed { fault, again: if passes { Again::Soon } else { Again::No } }
}

/// Why nothing may be begun that costs something, and until when, where a cap is reached.
///
/// # Errors
/// The files.
async fn over_cap(
    app: &App,
    scope: &Scope,
    settings: &ScopeSettings,
    chosen: &Chosen,
) -> Result<Option<(Fault, DateTime<Utc>)>, Fault> {
    if !chosen.costs() {
        return Ok(None);
    }
    let config = app.config_now();
    let caps = settings.caps(config.cost_per_day_max, config.cost_per_month_max);
    let spending = app.library.spending(scope).await?;
    let Some(cap) = spending.cap_reached(&caps, app.clock.now()) else { return Ok(None) };
    let fault = Fault::new(
        FaultKind::TooMany,
        format!(
            "The cap of {} a {} for models is reached; it goes on after {}.",
            amount(cap.micros_max),
            cap.period,
            cap.until.format("%Y-%m-%d %H:%M UTC")
        ),
    )
    .hint("Raise the cap in the settings, or choose models that cost nothing.");
    Ok(Some((fault, cap.until)))
}

/// Adds what a run that was killed had asked of models to the scope's sums.
async fn note_left(app: &Arc<App>, scope: &Scope, workspace: &Workspace) {
    let from = workspace.clone();
    let left = tokio::task::spawn_blocking(move || Meter::left(&from)).await;
    if let Ok(Some(left)) = left
        && note_spending(app, scope, left, 0).await
    {
        forget_left(workspace).await;
    }
}

async fn forget_left(workspace: &Workspace) {
    let of = workspace.clone();
    if let Err(error) = tokio::task::spawn_blocking(move || Meter::forget(&of)).await {
        tracing::error!(%error, "removing a run's costs panicked");
    }
}

/// Adds what a run asked of models to the scope's sums, once however often it is told; whether that
/// could be done.
async fn note_spending(app: &Arc<App>, scope: &Scope, left: Left, duration_ms: u64) -> bool {
    let Left { run, taken } = left;
    if taken.is_empty() {
        return true;
    }
    let noted = async {
        let (_, chosen) = app.chosen(scope, None).await?;
        let spent = taken.into_iter().map(|(name, usage)| {
            let spent = Spent {
                calls: usage.calls,
                input_tokens: usage.input_tokens,
                output_tokens: usage.output_tokens,
                audio_ms: usage.audio_ms,
                episodes_ms: duration_ms,
                cost_micros: chosen.cost_micros(&name, &usage),
            };
            (name, spent)
        });
        app.library.spend(scope, run.clone(), spent.collect()).await.map_err(Fault::from)
    };
    match noted.await {
        Ok(()) => true,
        Err(fault) => {
            tracing::error!(%scope, run, %fault, "what models have cost could not be noted");
            false
        }
    }
}

/// Writes the recap.
async fn save(app: &App, scope: &Scope, job: &JobId, made: Made) -> Result<RecapId, Outcome> {
    show(app, scope, job, Step::of(Stage::Save, "Saving the recap"));
    let now = app.clock.now();
    let episode = made.episode();
    let id = app.library.new_id(scope, episode.published_at.unwrap_or(now), &episode.title);
    let recap = made.into_recap(id.clone(), Some(job.to_string()), now);
    app.library.save(scope, recap).await.map_err(|error| failed(error.into()))?;
    Ok(id)
}

/// Shows how far it is.
fn show(app: &App, scope: &Scope, job: &JobId, step: Step) {
    let view = app.jobs.change(job, |view| {
        view.stage = step.stage;
        view.percent = step.percent();
        view.message = step.message;
        view.listens = step.listens;
    });
    announce(app, scope, view);
}

/// Gives back what a job without a recap has cost.
async fn settle(
    app: &App,
    scope: &Scope,
    job: &JobId,
    outcome: Result<RecapId, Outcome>,
    fell_back: bool,
) -> Result<RecapId, Outcome> {
    let nothing_was_taken = match &outcome {
        // Models were paid for, and the outline that nobody has to pay for was made.
        Ok(_) => !fell_back,
        Err(Outcome::Interrupted) => true,
        Err(Outcome::Failed { again: Again::At(ReasonCode::CostCap, _), .. }) => true,
        Err(Outcome::Failed { fault, .. }) => {
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
        Err(Outcome::Failed { fault, .. }) => {
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
        view.listens = false;
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
