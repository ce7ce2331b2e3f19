//! A service in the process: the real mode over a real folder, a clock that stands still until the
//! test moves it, browsers with real cookies, and mails that are read from their folder.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::http::request::Parts;
use chrono::TimeDelta;
use recap::config::Environment;
use recap::daemon::{ChooseMode, ModeRequest};
use recap_mode::{
    Admitted, Allowance, Caller, Entitlement, Fault, Host, JobId, ManualClock, Mode, Pass, Receipt,
    Scope, Stop, Task,
};
use recap_multi::{Database, DatabaseError};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;

use crate::support::{House, start_at, until};

/// When a test's clock begins.
pub const MORNING: &str = "2026-11-20T10:00:00Z";

/// Who runs the services of these tests.
pub const BOSS: &str = "boss@recap.example";

/// The mode that ships, as `main.rs` opens it.
pub fn multi(request: &ModeRequest<'_>) -> Result<Arc<dyn Mode>, String> {
    let config = request.config.clone();
    let given = recap_multi::Given {
        public_url: config.own_url(),
        admin_email: config.admin_email,
        sign_ups_open: config.sign_ups_open,
        tenant_default_credits: config.tenant_default_credits,
        tenant_credit_replenish_period: config.tenant_credit_replenish_period,
        trial_credits_per_visitor: config.trial_credits_per_visitor,
        trials_per_ip_lifetime: config.trials_per_ip_lifetime,
        tier_allowances: config.tier_allowances,
        mail_from: config.mail_from,
        mail_folder: config.mail_folder,
        smtp_host: config.smtp_host,
        smtp_port: config.smtp_port,
        smtp_security: config.smtp_security,
        smtp_user: config.smtp_user,
        smtp_password: request.environment.smtp_password(),
        smtp_ca_file: config.smtp_ca_file,
        relay_url: config.relay_url,
        relay_operator_key: request.environment.relay_operator_key(),
    };
    recap_multi::open(request.data, given, request.clock.clone(), request.entropy.clone())
        .map_err(|error| error.to_string())
}

/// The same for tenants who may fetch from this machine, where a test's publisher is. No setting
/// allows that, on purpose: the mode's answer to that one question is bent, and nothing else.
pub fn near(request: &ModeRequest<'_>) -> Result<Arc<dyn Mode>, String> {
    Ok(Arc::new(Bent {
        mode: multi(request)?,
        data: request.data.to_owned(),
        passes: Passes::Good,
    }))
}

/// The same with passes that nobody made.
pub fn near_with_wrong_passes(request: &ModeRequest<'_>) -> Result<Arc<dyn Mode>, String> {
    Ok(Arc::new(Bent {
        mode: multi(request)?,
        data: request.data.to_owned(),
        passes: Passes::Wrong,
    }))
}

/// The same with passes that are over before they are shown.
pub fn near_with_expired_passes(request: &ModeRequest<'_>) -> Result<Arc<dyn Mode>, String> {
    Ok(Arc::new(Bent {
        mode: multi(request)?,
        data: request.data.to_owned(),
        passes: Passes::Expired,
    }))
}

enum Passes {
    Good,
    Wrong,
    Expired,
}

/// The real mode, bent in what a test needs.
struct Bent {
    mode: Arc<dyn Mode>,
    data: PathBuf,
    passes: Passes,
}

#[async_trait]
impl Mode for Bent {
    async fn identify(&self, request: &Parts) -> Result<Caller, Fault> {
        self.mode.identify(request).await
    }
    fn lets_in(&self, request: &Parts) -> bool {
        self.mode.lets_in(request)
    }
    async fn admit(&self, request: &Parts) -> Result<Admitted, Fault> {
        self.mode.admit(request).await
    }
    async fn allowance(&self, scope: &Scope) -> Result<Allowance, Fault> {
        self.mode.allowance(scope).await
    }
    async fn command(&self, words: &[String]) -> Result<String, Fault> {
        self.mode.command(words).await
    }
    async fn entitled(&self, scope: &Scope, what: Entitlement) -> Result<(), Fault> {
        match what {
            Entitlement::PrivateAddresses => Ok(()),
            what => self.mode.entitled(scope, what).await,
        }
    }
    async fn affords(&self, scope: &Scope) -> Result<(), Fault> {
        self.mode.affords(scope).await
    }
    async fn debit(&self, scope: &Scope, job: &JobId) -> Result<Receipt, Fault> {
        self.mode.debit(scope, job).await
    }
    async fn refund(&self, receipt: &Receipt) -> Result<(), Fault> {
        self.mode.refund(receipt).await
    }
    async fn pass_for(&self, scope: &Scope) -> Result<Pass, Fault> {
        let pass = self.mode.pass_for(scope).await?;
        match self.passes {
            Passes::Good => Ok(pass),
            Passes::Wrong => {
                let cookie = format!("recap_session={}", "x".repeat(43));
                Ok(Pass::with_cookie(cookie, move || drop(pass)))
            }
            Passes::Expired => {
                let database = Database::open(&self.data.join("recap.db")).unwrap();
                let sql = "UPDATE sessions SET created_at = 0, expires_at = 1 WHERE kind = 'pass'";
                let aged = database.write(move |tx| Ok::<_, DatabaseError>(tx.execute(sql, [])?));
                assert_eq!(aged.await.unwrap(), 1);
                Ok(pass)
            }
        }
    }
    fn sign_in_path(&self) -> &'static str {
        self.mode.sign_in_path()
    }
    fn account_link(&self, caller: &Caller) -> Option<(&'static str, &'static str)> {
        self.mode.account_link(caller)
    }
    fn guarded(&self) -> bool {
        self.mode.guarded()
    }
    fn routes(self: Arc<Self>) -> OpenApiRouter {
        self.mode.clone().routes()
    }
    async fn start(&self, host: Arc<dyn Host>) -> Result<(), Fault> {
        self.mode.start(host).await
    }
    fn tasks(self: Arc<Self>, host: Arc<dyn Host>, stop: Stop) -> Vec<Task> {
        self.mode.clone().tasks(host, stop)
    }
}

/// A running service; what its house can, it can.
pub struct Service {
    house: House,
    pub clock: Arc<ManualClock>,
}

impl Deref for Service {
    type Target = House;
    fn deref(&self) -> &House {
        &self.house
    }
}

impl Service {
    /// Over an empty folder, with settings beside the usual ones.
    pub async fn new(more: Value, mode: ChooseMode) -> Service {
        Service::over(tempfile::tempdir().unwrap(), clock(), more, &[], mode).await
    }

    /// Over a folder that is there, with variables.
    pub async fn over(
        data: tempfile::TempDir,
        clock: Arc<ManualClock>,
        more: Value,
        variables: &[(&str, &str)],
        mode: ChooseMode,
    ) -> Service {
        let mut flags = json!({
            "mode": "multi",
            "listen": "127.0.0.1:0",
            "public_url": "https://recap.example",
            "admin_email": BOSS,
            "mail_folder": data.path().join("mail"),
        });
        let flags = flags.as_object_mut().unwrap();
        flags.extend(more.as_object().unwrap().clone());
        let daemon =
            start_at(data.path(), Environment::of(variables), flags.clone(), mode, clock.clone())
                .await
                .unwrap();
        Service { house: House::of(data, daemon), clock }
    }

    /// Stops it in good order; the folder and the clock stay.
    pub async fn stop(self) -> (tempfile::TempDir, Arc<ManualClock>) {
        (self.house.stop().await, self.clock)
    }

    /// Stops it while work is under way.
    pub async fn interrupt(self) -> (tempfile::TempDir, Arc<ManualClock>) {
        (self.house.interrupt().await, self.clock)
    }

    /// A browser without a cookie.
    pub fn browser(&self) -> Browser {
        Browser::at(&self.base, &self.client)
    }

    /// Asks for a link in a browser and reads the mail, which is gone then.
    pub async fn ask(&self, browser: &Browser, address: &str) -> Letter {
        // One that nobody read is not taken for the new one.
        for (path, _) in letters(&self.data().join("mail")).iter().filter(|one| one.1.to == address)
        {
            std::fs::remove_file(path).unwrap();
        }
        let (status, said) =
            browser.send(Method::POST, "/api/session/link", json!({"email": address})).await;
        assert_eq!(status, 202, "{said}");
        self.letter(address).await
    }

    /// The mail to an address, which is gone then.
    pub async fn letter(&self, address: &str) -> Letter {
        letter_to(&self.data().join("mail"), address).await
    }

    /// A browser in which somebody is signed in.
    pub async fn person(&self, address: &str) -> Browser {
        let browser = self.browser();
        let letter = self.ask(&browser, address).await;
        let (status, said) =
            browser.send(Method::POST, "/api/session", json!({"token": letter.token})).await;
        assert_eq!(status, 204, "{said}");
        browser
    }

    /// Sets what a tenant bought.
    pub async fn set_tier(&self, boss: &Browser, id: &str, tier: &str, until: Option<&str>) {
        let body = json!({"tier": tier, "expires_at": until});
        let path = format!("/api/admin/tenants/{id}/tier");
        let (status, said) = boss.send(Method::PUT, &path, body).await;
        assert_eq!(status, 200, "{said}");
    }

    /// A tenant who may follow, and their id.
    pub async fn pro(&self, boss: &Browser, address: &str) -> (Browser, String) {
        let browser = self.person(address).await;
        let id = browser.id().await;
        self.set_tier(boss, &id, "pro", None).await;
        (browser, id)
    }

    /// Counts rows.
    pub fn count(&self, sql: &str) -> i64 {
        count(self.data(), sql)
    }

    /// Waits until no pass is left: it is deleted behind the answer.
    pub async fn no_pass_is_left(&self) {
        until("the end of all passes", async || {
            (self.count("SELECT count(*) FROM sessions WHERE kind = 'pass'") == 0).then_some(())
        })
        .await;
    }

    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
        self.wake();
    }

    /// Has the processor look now, and not in ten seconds.
    pub fn wake(&self) {
        self.daemon().app().queue_wake.notify_one();
    }

    /// A scope's file.
    pub fn of(&self, scope: &str, name: &str) -> PathBuf {
        self.data().join("history").join(scope).join(name)
    }
}

pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(MORNING.parse().unwrap()))
}

/// Counts rows of a folder's database.
pub fn count(data: &Path, sql: &str) -> i64 {
    let database = Database::open(&data.join("recap.db")).unwrap();
    database.read(|db| Ok::<i64, DatabaseError>(db.query_row(sql, [], |row| row.get(0))?)).unwrap()
}

/// Changes rows of a folder's database.
pub async fn write(data: &Path, sql: &'static str) -> usize {
    let database = Database::open(&data.join("recap.db")).unwrap();
    database.write(move |tx| Ok::<_, DatabaseError>(tx.execute(sql, [])?)).await.unwrap()
}

/// A browser: it keeps the cookies that it is given, and sends them.
pub struct Browser {
    base: String,
    client: reqwest::Client,
    jar: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    /// One without a cookie, at a daemon.
    pub fn at(base: &str, client: &reqwest::Client) -> Browser {
        Browser { base: base.to_owned(), client: client.clone(), jar: Mutex::default() }
    }

    /// A request with its cookies.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies: Vec<String> = self
            .jar
            .lock()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = self.client.request(method, format!("{}{path}", self.base));
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    /// Sends it and keeps the cookies of the answer.
    pub async fn ask(&self, request: RequestBuilder) -> Response {
        let answer = request.send().await.unwrap();
        let mut jar = self.jar.lock().unwrap();
        for set in answer.headers().get_all("set-cookie") {
            let set = set.to_str().unwrap();
            for part in ["; HttpOnly", "; SameSite=Lax", "; Path=/", "; Secure"] {
                assert!(set.contains(part), "{part} is not in a cookie");
            }
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        drop(jar);
        answer
    }

    /// Sends JSON; the status, and the answer where it is JSON.
    pub async fn send(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let answer = self.ask(self.request(method, path).json(&body)).await;
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    /// Reads JSON.
    pub async fn json(&self, path: &str) -> Value {
        let answer = self.ask(self.request(Method::GET, path)).await;
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn status(&self, method: Method, path: &str) -> u16 {
        self.ask(self.request(method, path)).await.status().as_u16()
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar.lock().unwrap().get(name).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// Who is signed in here.
    pub async fn id(&self) -> String {
        self.json("/api/account").await["id"].as_str().unwrap().to_owned()
    }

    pub async fn credits(&self) -> i64 {
        self.json("/api/account").await["balance"]["total"].as_i64().unwrap()
    }

    pub async fn follow(&self, url: &str) -> String {
        let (status, view) =
            self.send(Method::POST, "/api/subscriptions", json!({"url": url})).await;
        assert_eq!(status, 201, "{view}");
        view["id"].as_str().unwrap().to_owned()
    }

    /// What is in the queue: title, state and id, by title.
    pub async fn queue(&self) -> Vec<(String, String, String)> {
        let queue = self.json("/api/auto-queue").await;
        let word = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
        let items = queue["items"].as_array().unwrap();
        let mut items: Vec<_> = items
            .iter()
            .map(|item| (word(item, "title"), word(item, "state"), word(item, "id")))
            .collect();
        items.sort();
        items
    }

    /// Waits until the queue has as many.
    pub async fn found(&self, count: usize) -> Vec<(String, String, String)> {
        until(&format!("{count} items"), async || {
            let items = self.queue().await;
            (items.len() == count).then_some(items)
        })
        .await
    }

    pub async fn decide(&self, title: &str, decision: &str) {
        let items = self.queue().await;
        let (_, _, id) = items.iter().find(|(of, ..)| of == title).unwrap();
        let path = format!("/api/auto-queue/{id}/{decision}");
        let (status, said) = self.send(Method::POST, &path, json!({})).await;
        assert_eq!(status, 200, "{said}");
    }

    /// Waits until an item is in a state.
    pub async fn item(&self, title: &str, state: &str) -> Value {
        until(&format!("{title} {state}"), async || {
            let queue = self.json("/api/auto-queue").await;
            let items = queue["items"].as_array().unwrap();
            items.iter().find(|item| item["title"] == title && item["state"] == state).cloned()
        })
        .await
    }

    /// The titles in the library.
    pub async fn titles(&self) -> Vec<String> {
        let recaps = self.json("/api/recaps").await;
        let recaps = recaps["recaps"].as_array().unwrap().iter();
        let mut titles: Vec<_> =
            recaps.map(|one| one["title"].as_str().unwrap().to_owned()).collect();
        titles.sort();
        titles
    }

    /// Sends a transcript and waits for its end.
    pub async fn process(&self, name: &str, text: &str) -> Value {
        let request = self.request(Method::POST, "/api/process").query(&[("name", name)]);
        let answer = self.ask(request.body(text.to_owned())).await;
        let status = answer.status();
        let job: Value = answer.json().await.unwrap();
        assert_eq!(status, 202, "{job}");
        self.ended(job["id"].as_str().unwrap()).await
    }

    /// Asks for a job until it has ended.
    pub async fn ended(&self, job: &str) -> Value {
        until("the job's end", async || {
            let view = self.json(&format!("/api/jobs/{job}")).await;
            view["finished_at"].is_string().then_some(view)
        })
        .await
    }
}

/// What a mail says.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: String,
    pub link: String,
    pub token: String,
    pub code: String,
}

/// The mail to an address, taken out of a folder.
pub async fn letter_to(folder: &Path, address: &str) -> Letter {
    until(&format!("a mail to {address}"), async || {
        letters(folder)
            .into_iter()
            .find(|(path, letter)| letter.to == address && std::fs::remove_file(path).is_ok())
    })
    .await
    .1
}

/// The mails of a folder, with their files.
pub fn letters(folder: &Path) -> Vec<(PathBuf, Letter)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    // One that is just being written has another ending.
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "eml"));
    paths.sort();
    let read = |path: PathBuf| {
        let letter = letter(&std::fs::read_to_string(&path).ok()?);
        Some((path, letter))
    };
    paths.into_iter().filter_map(read).collect()
}

/// Reads a mail as far as tests need it: quoted-printable away, then the link and the code.
fn letter(text: &str) -> Letter {
    let whole = text.replace("=\r\n", "").replace("=3D", "=").replace("\r\n", "\n");
    let line_after = |from: &str| -> String {
        let at = whole.find(from).unwrap_or_else(|| panic!("{from:?} is not in {whole}"));
        whole[at + from.len()..].lines().next().unwrap().to_owned()
    };
    let link = line_after("press the button there:\n\n");
    Letter {
        to: line_after("\nTo: "),
        token: link.split_once("?token=").unwrap().1.to_owned(),
        link,
        code: line_after("you asked:\n\n"),
    }
}
