//! The mode: its answers to what the daemon asks, each from the rooms beside it.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::request::Parts;
use recap_mode::{
    Admitted, Allowance, Caller, Clock, Entitlement, Entropy, Fault, FaultKind, Host, JobId, Mode,
    Pass, Peer, Receipt, Scope, Stop, Task,
};
use tokio::sync::Notify;
use utoipa_axum::router::OpenApiRouter;

use crate::MultiError;
use crate::account_credits;
use crate::admin::Admin;
use crate::command;
use crate::cookies::{self, Cookies};
use crate::database::Database;
use crate::folder_work::FolderWorks;
use crate::ledger::{self, Addition, AdditionKind, Balance, Credits, DebitAnswer, Ledger};
use crate::mail::Mail;
use crate::posting::Posting;
use crate::refusal::Refusal;
use crate::relay::{Relay, ToldTier};
use crate::routes;
use crate::sessions::{self, Session, Sessions};
use crate::settings::Settings;
use crate::sign_in::SignIn;
use crate::tenants::{Tenant, Tenants};
use crate::tiers::{Standing, Tier};
use crate::trials::{self, Trial, Trials};

/// The bucket that a trial pays from, as a receipt names it.
const TRIAL_BUCKET: &str = "trial";

/// How often what is over is swept.
const SWEEP_EVERY: Duration = Duration::from_secs(15 * 60);

/// Longest that somebody waits for the relay: what was last known counts meanwhile.
const RELAY_TIME: Duration = Duration::from_secs(2);

/// How often folders that could not follow an account are tried again.
const FOLDERS_EVERY: Duration = Duration::from_secs(3);

/// Recap for many.
pub(crate) struct Multi {
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cookies: Cookies,
    pub(crate) tenants: Tenants,
    pub(crate) sessions: Sessions,
    pub(crate) trials: Trials,
    pub(crate) sign_in: SignIn,
    database: Database,
    pub(crate) ledger: Ledger,
    pub(crate) admin: Admin,
    relay: Option<Relay>,
    pub(crate) folders: FolderWorks,
    /// Told where a folder is to follow a commit.
    pub(crate) folders_wake: Notify,
    posting: Option<Arc<Posting>>,
    /// The daemon holds the mode, so the mode does not hold the daemon: neither would ever end, and the
    /// database would never be closed.
    host: OnceLock<Weak<dyn Host>>,
}

impl Multi {
    /// Over an open database.
    ///
    /// # Errors
    /// Mail settings that cannot be used.
    pub(crate) fn new(
        database: &Database,
        settings: Settings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Multi, MultiError> {
        let wake = Arc::new(Notify::new());
        let ledger = Ledger::new(database.clone(), clock.clone(), settings.credits);
        let posting = match &settings.mail {
            None => None,
            Some(mail) => Some(Arc::new(Posting::new(
                database.clone(),
                clock.clone(),
                entropy.clone(),
                settings.sign_in.clone(),
                Mail::new(mail, &settings.public_url)?,
                wake.clone(),
            ))),
        };
        Ok(Multi {
            cookies: Cookies { is_secure: settings.public_url.scheme() == "https" },
            tenants: Tenants::new(database.clone(), clock.clone()),
            sessions: Sessions::new(database.clone(), clock.clone(), entropy.clone()),
            trials: Trials::new(
                database.clone(),
                clock.clone(),
                entropy.clone(),
                settings.trials,
                ledger.clone(),
            ),
            sign_in: SignIn::new(
                database.clone(),
                clock.clone(),
                entropy.clone(),
                settings.sign_in.clone(),
                ledger.clone(),
                wake,
            ),
            admin: Admin::new(database.clone(), clock.clone(), entropy, ledger.clone()),
            relay: settings.relay.clone().map(Relay::new),
            folders: FolderWorks::new(database.clone()),
            folders_wake: Notify::new(),
            posting,
            host: OnceLock::new(),
            database: database.clone(),
            ledger,
            settings,
            clock,
        })
    }

    /// Everything that is wrong with the database itself, a sentence each.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) fn check(&self) -> Result<Vec<String>, Fault> {
        Ok(self.database.check()?)
    }

    /// Copies the database while it is written to.
    ///
    /// # Errors
    /// Something is there already; the disk.
    pub(crate) fn backup_to(&self, file: &std::path::Path) -> Result<(), Fault> {
        Ok(self.database.backup_to(file)?)
    }

    /// Whether links can be sent.
    pub(crate) fn sends_mail(&self) -> bool {
        self.posting.is_some()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The daemon.
    pub(crate) fn host(&self) -> Result<Arc<dyn Host>, Fault> {
        self.host.get().and_then(Weak::upgrade).ok_or_else(|| {
            Fault::new(FaultKind::Busy, "This needs the running daemon.")
                .hint("Ask it over its API.")
        })
    }

    /// The sign-in that a request shows.
    pub(crate) fn session(&self, request: &Parts) -> Result<Option<Session>, Fault> {
        match cookies::find(&request.headers, sessions::COOKIE_NAME) {
            Some(value) => Ok(self.sessions.authenticate(value)?),
            None => Ok(None),
        }
    }

    /// The trial that a request shows.
    pub(crate) fn trial(&self, request: &Parts) -> Result<Option<Trial>, Fault> {
        match cookies::find(&request.headers, trials::TRIAL_COOKIE_NAME) {
            Some(value) => Ok(self.trials.authenticate(value)?),
            None => Ok(None),
        }
    }

    /// Who stands behind a scope, for what it may.
    async fn standing(&self, scope: &Scope) -> Result<Standing, Fault> {
        if *scope == Scope::owner() {
            return Ok(Standing::Admin);
        }
        if trial_id(scope).is_some() {
            return Ok(Standing::Trial);
        }
        let tenant = self.tenants.behind(scope)?.ok_or(Refusal::NoTenant)?;
        Ok(self.with_told_tier(tenant).await.standing(self.now()))
    }

    /// A tenant with the tier that the relay tells, where one is configured; as they were last known
    /// while it is away.
    pub(crate) async fn with_told_tier(&self, tenant: Tenant) -> Tenant {
        let now = self.now();
        let (Some(relay), Some(host)) = (&self.relay, self.host().ok()) else { return tenant };
        if tenant.is_admin || !relay.is_stale(&tenant.id, tenant.tier_read_at, now) {
            return tenant;
        }
        let told = async {
            let asked = relay.tier_of(host.as_ref(), &tenant.id, now);
            let told = tokio::time::timeout(RELAY_TIME, asked).await.unwrap_or_else(|_| {
                relay.leave_alone(None, now);
                Err(Fault::new(FaultKind::Upstream, "The relay did not tell the tier in time."))
            })?;
            let noted = self.tenants.note_relay_tier(&tenant.id, told.tier, told.expires_at).await;
            noted.map_err(Fault::from)
        };
        match told.await {
            Ok(tenant) => tenant,
            Err(fault) => {
                tracing::warn!(%fault, "a tier could not be read from the relay; the last one known counts");
                tenant
            }
        }
    }

    /// Sets what a tenant bought and until when, at the relay too where one is configured.
    ///
    /// # Errors
    /// No such tenant; a relay that refuses, and nothing is changed then.
    pub(crate) async fn set_tier(
        &self,
        id: &str,
        tier: Tier,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<Tenant, Fault> {
        let tenant = self.tenants.by_id(id)?;
        if let Some(relay) = &self.relay {
            relay
                .set_tier(self.host()?.as_ref(), &tenant.id, ToldTier { tier, expires_at })
                .await?;
        }
        Ok(self.admin.set_tier(&tenant.id, tier, expires_at).await?)
    }

    /// What is left in a scope's account; `None` where recaps cost it nothing.
    pub(crate) async fn balance(&self, scope: &Scope) -> Result<Option<Balance>, Fault> {
        if *scope == Scope::owner() {
            return Ok(None);
        }
        self.tenants.behind(scope)?.ok_or(Refusal::NoTenant)?;
        Ok(Some(self.ledger.balance(scope).await?))
    }

    /// Gives credits that stay to a tenant that is there.
    ///
    /// # Errors
    /// No such tenant; a number or a reason that is not taken.
    pub(crate) async fn give(
        &self,
        id: &str,
        amount: i64,
        reason: String,
        by_whom: String,
    ) -> Result<Balance, Fault> {
        let tenant = self.tenants.by_id(id)?;
        let amount = Credits::amount(amount).map_err(|error| Fault::invalid(error.to_string()))?;
        let addition =
            Addition { kind: AdditionKind::Grant, key: None, reason: Some(reason), by_whom };
        // The account goes by the person's id, also where they are the admin.
        let whose = Scope::parse(&tenant.id).map_err(|_| Refusal::NoTenant)?;
        Ok(self.ledger.add_purchased(&whose, amount, addition).await?)
    }

    /// Moves and removes folders that a commit asked for.
    pub(crate) async fn work_off_folders(&self) {
        let Ok(host) = self.host() else { return };
        if let Err(fault) = self.folders.work_off(host.as_ref()).await {
            tracing::warn!(%fault, "a folder could not follow its account yet; it is tried again");
        }
    }

    async fn sweep(&self) {
        let path = self.database.path();
        if !path.exists() {
            tracing::error!(
                file = %path.display(),
                "The database is gone from its folder: what is written now is lost with the next stop. Put it back from a backup."
            );
        }
        for (what, swept) in [
            ("sign-ins, links and trials", self.admin.sweep().await),
            ("sessions", self.sessions.sweep().await),
        ] {
            match swept {
                Ok(0) => {}
                Ok(count) => tracing::debug!(count, "{what} that are over were swept"),
                Err(error) => tracing::warn!(%error, "{what} that are over could not be swept"),
            }
        }
    }
}

/// The id of a trial whose scope this is.
fn trial_id(scope: &Scope) -> Option<&str> {
    scope.as_str().strip_prefix("anon/")
}

fn no_credits(answer: &ledger::Refusal) -> Fault {
    Fault::new(FaultKind::NoCredits, answer.to_string())
        .details(serde_json::to_value(answer).unwrap_or_default())
}

#[async_trait]
impl Mode for Multi {
    async fn identify(&self, request: &Parts) -> Result<Caller, Fault> {
        if let Some(session) = self.session(request)? {
            return Ok(Caller {
                scope: session.tenant.scope(),
                operator: session.tenant.is_admin,
                signed_in_as: Some(session.tenant.email.as_str().to_owned()),
            });
        }
        // Whoever shows a sign-in that is over is told so, and not taken for a visitor.
        if cookies::find(&request.headers, sessions::COOKIE_NAME).is_some() {
            return Err(Fault::new(FaultKind::Unauthenticated, "Your sign-in is over.")
                .hint("Sign in again."));
        }
        match self.trial(request)? {
            Some(trial) => Ok(Caller { scope: trial.scope(), operator: false, signed_in_as: None }),
            None => Err(Fault::new(FaultKind::Unauthenticated, "You are not signed in.")
                .hint("Sign in, or make a first recap without an account.")),
        }
    }

    fn lets_in(&self, request: &Parts) -> bool {
        cookies::find(&request.headers, sessions::COOKIE_NAME).is_none()
    }

    async fn admit(&self, request: &Parts) -> Result<Admitted, Fault> {
        match self.identify(request).await {
            Ok(caller) => return Ok(Admitted { caller, set_cookie: None }),
            Err(fault) if fault.kind != FaultKind::Unauthenticated => return Err(fault),
            Err(fault) if !self.lets_in(request) => return Err(fault),
            Err(_) => {}
        }
        let Some(Peer(address)) = request.extensions.get::<Peer>().copied() else {
            return Err(Fault::internal("letting a visitor in", "a request without its peer"));
        };
        let (trial, token) = self.trials.begin(address).await?;
        let cookie = self.cookies.trial(token.as_str());
        let caller = Caller { scope: trial.scope(), operator: false, signed_in_as: None };
        Ok(Admitted { caller, set_cookie: Some(cookie) })
    }

    async fn allowance(&self, scope: &Scope) -> Result<Allowance, Fault> {
        Ok(self.settings.allowances.of(self.standing(scope).await?))
    }

    async fn relay_user(&self, scope: &Scope) -> Option<String> {
        // Who pays the relay has their own pool there; for everybody else the operator pays.
        match self.standing(scope).await.ok()? {
            Standing::Tenant(Tier::Pro | Tier::Max) => Some(scope.as_str().to_owned()),
            Standing::Tenant(Tier::Core) | Standing::Trial | Standing::Admin => None,
        }
    }

    async fn entitled(&self, scope: &Scope, what: Entitlement) -> Result<(), Fault> {
        self.standing(scope).await?.entitled(what)
    }

    async fn affords(&self, scope: &Scope) -> Result<(), Fault> {
        if let Some(trial) = trial_id(scope) {
            return Ok(self.trials.affords(trial)?);
        }
        match self.balance(scope).await? {
            Some(balance) if balance.total == Credits::ZERO => {
                Err(no_credits(&ledger::Refusal::no_credits(balance.next_replenish_at)))
            }
            _ => Ok(()),
        }
    }

    async fn debit(&self, scope: &Scope, job: &JobId) -> Result<Receipt, Fault> {
        let receipt =
            |source: Option<String>| Receipt { scope: scope.clone(), job: job.clone(), source };
        if *scope == Scope::owner() {
            // The operator would pay themselves.
            return Ok(receipt(None));
        }
        if let Some(trial) = trial_id(scope) {
            self.trials.debit(trial, job).await?;
            return Ok(receipt(Some(TRIAL_BUCKET.to_owned())));
        }
        let debit = account_credits::debit(&self.database, &*self.clock, &self.ledger, scope, job);
        match debit.await? {
            DebitAnswer::Taken(debit) => Ok(receipt(Some(debit.source.word().to_owned()))),
            DebitAnswer::Refused(refusal) => Err(no_credits(&refusal)),
        }
    }

    async fn refund(&self, receipt: &Receipt) -> Result<(), Fault> {
        let Some(source) = &receipt.source else { return Ok(()) };
        match trial_id(&receipt.scope) {
            Some(trial) if source == TRIAL_BUCKET => {
                self.trials.refund(trial, &receipt.job).await?;
            }
            _ => {
                self.ledger.refund(&receipt.scope, &receipt.job).await?;
            }
        }
        Ok(())
    }

    async fn pass_for(&self, scope: &Scope) -> Result<Pass, Fault> {
        match self.sessions.pass_for(scope).await {
            // The admin has yet to come: the owner's work waits, and has not failed.
            Err(refusal @ Refusal::NobodyToActAs(_)) if *scope == Scope::owner() => {
                Err(Fault::new(FaultKind::Busy, refusal.to_string()))
            }
            pass => Ok(pass?),
        }
    }

    fn guarded(&self) -> bool {
        true
    }

    fn sign_in_path(&self) -> &'static str {
        routes::pages::WELCOME
    }

    fn account_link(&self, caller: &Caller) -> Option<(&'static str, &'static str)> {
        match caller.signed_in_as {
            Some(_) => Some((routes::pages::ACCOUNT, "Account")),
            None => Some((routes::pages::WELCOME, "Sign in")),
        }
    }

    fn routes(self: Arc<Self>) -> OpenApiRouter {
        routes::all(self)
    }

    async fn start(&self, host: Arc<dyn Host>) -> Result<(), Fault> {
        // A daemon starts once.
        let _ = self.host.set(Arc::downgrade(&host));
        let passes = self.sessions.sweep_passes().await?;
        if passes > 0 {
            tracing::info!(passes, "passes that a killed process left were ended");
        }
        if let Some(token) = self.admin.settle(self.settings.sign_in.admin_email.as_ref()).await? {
            let link = routes::pages::set_up_link(&self.settings.public_url, token.as_str());
            tracing::warn!(
                "Nobody runs this service yet. Whoever opens this link first, within {} hours and once, becomes its admin: {link}",
                crate::admin::SET_UP_HOURS
            );
        }
        if !self.sends_mail() {
            tracing::warn!(
                "No mail can be sent: nobody but the admin can sign in. Set smtp_host, or mail_folder for trying out."
            );
        }
        self.work_off_folders().await;
        Ok(())
    }

    fn tasks(self: Arc<Self>, _host: Arc<dyn Host>, stop: Stop) -> Vec<Task> {
        let mut tasks = Vec::new();
        if let Some(posting) = &self.posting {
            let run = Box::pin(posting.clone().run(stop.clone()));
            tasks.push(Task { name: "posting", run });
        }
        let (multi, until) = (self.clone(), stop.clone());
        tasks.push(Task {
            name: "folders",
            run: Box::pin(async move {
                loop {
                    tokio::select! {
                        () = until.cancelled() => return,
                        () = multi.folders_wake.notified() => {}
                        () = tokio::time::sleep(FOLDERS_EVERY) => {}
                    }
                    multi.work_off_folders().await;
                }
            }),
        });
        tasks.push(Task {
            name: "sweeping",
            run: Box::pin(async move {
                loop {
                    self.sweep().await;
                    self.folders_wake.notify_one();
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(SWEEP_EVERY) => {}
                    }
                }
            }),
        });
        tasks
    }

    async fn command(&self, words: &[String]) -> Result<String, Fault> {
        command::run(self, words).await
    }
}
