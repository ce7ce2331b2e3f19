//! Single mode: one owner, no database. Answers the questions of a mode in one page: the owner,
//! yes, nothing, as yourself. With an operator password, everything is closed until sign-in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::hmac;
use axum::Extension;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use recap_mode::{
    Caller, Clock, Entitlement, Fault, FaultKind, Host, JobId, Mode, Pass, Peer, Receipt, Scope,
    Stop, Task,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::secrets::{Password, Secrets};

/// The session's cookie.
const COOKIE_NAME: &str = "recap_session";

/// Days that a sign-in lasts.
const SESSION_DAYS: i64 = 30;

/// Minutes that the daemon's own sign-in lasts: longer than any hand-over takes.
const PASS_MINUTES: i64 = 5;

/// Wrong passwords that one address may give within [`FAILURES_MINUTES`].
const FAILURES_MAX: usize = 10;

/// See [`FAILURES_MAX`].
const FAILURES_MINUTES: i64 = 15;

/// Largest body of a sign-in: a password and a path.
const SIGN_IN_BYTES_MAX: usize = 16 * 1024;

/// Addresses whose failures are remembered; IPv6 by their /64, which one person can have whole.
const ADDRESSES_MAX: usize = 10_000;

/// The owner's mode.
pub struct Single {
    secrets: Arc<Secrets>,
    clock: Arc<dyn Clock>,
    secure_cookies: bool,
    /// Whether the address can be reached from elsewhere with nobody in front who decides.
    exposed: bool,
    failures: Mutex<HashMap<IpAddr, Vec<DateTime<Utc>>>>,
    /// Hashing a password takes 19 MiB and 50 ms: one at a time.
    hashing: Semaphore,
}

/// What a cookie says, signed.
#[derive(Serialize, Deserialize)]
struct Session {
    /// Seconds since 1970.
    until: i64,
    /// Of the password under which it was made.
    password: String,
}

impl Single {
    /// `secure_cookies` where the public URL is https; `exposed` where the address can be reached from
    /// elsewhere and no proxy decides who gets in: without a password nobody does then.
    pub fn new(
        secrets: Arc<Secrets>,
        clock: Arc<dyn Clock>,
        secure_cookies: bool,
        exposed: bool,
    ) -> Arc<Single> {
        Arc::new(Single {
            secrets,
            clock,
            secure_cookies,
            exposed,
            failures: Mutex::default(),
            hashing: Semaphore::new(1),
        })
    }

    fn owner(signed_in: bool) -> Caller {
        Caller {
            scope: Scope::owner(),
            operator: true,
            signed_in_as: signed_in.then(|| "operator".to_owned()),
        }
    }

    fn sign(&self, password: &Password, life: TimeDelta) -> Result<String, Fault> {
        let session = Session {
            until: (self.clock.now() + life).timestamp(),
            password: password.fingerprint(),
        };
        let text = serde_json::to_vec(&session)
            .map_err(|error| Fault::internal("signing a session", error))?;
        let payload = BASE64_URL_SAFE_NO_PAD.encode(text);
        let tag = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.key()?, payload.as_bytes()));
        Ok(format!("{payload}.{tag}"))
    }

    /// What cookies are signed by.
    fn key(&self) -> Result<hmac::Key, Fault> {
        let key = self
            .secrets
            .session_key()
            .map_err(|error| Fault::internal("reading the session key", error))?;
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// Whether a cookie's value is a session of ours that still holds.
    fn holds(&self, value: &str, password: &Password) -> Result<bool, Fault> {
        let Some((payload, tag)) = value.split_once('.') else { return Ok(false) };
        let Ok(tag) = BASE64_URL_SAFE_NO_PAD.decode(tag) else { return Ok(false) };
        if hmac::verify(&self.key()?, payload.as_bytes(), &tag).is_err() {
            return Ok(false);
        }
        let session = BASE64_URL_SAFE_NO_PAD
            .decode(payload)
            .ok()
            .and_then(|text| serde_json::from_slice::<Session>(&text).ok());
        Ok(session.is_some_and(|session| {
            session.password == password.fingerprint()
                && session.until > self.clock.now().timestamp()
        }))
    }

    fn cookie(&self, value: &str, seconds: i64) -> HeaderValue {
        let secure = if self.secure_cookies { "; Secure" } else { "" };
        let text = format!(
            "{COOKIE_NAME}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"
        );
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }

    fn is_throttled(&self, address: IpAddr) -> bool {
        let now = self.clock.now();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |times: &mut Vec<DateTime<Utc>>| {
            times.retain(|at| *at > now - TimeDelta::minutes(FAILURES_MINUTES));
            !times.is_empty()
        };
        if failures.len() >= ADDRESSES_MAX {
            failures.retain(|_, times| recent(times));
        }
        failures
            .get_mut(&network(address))
            .is_some_and(|times| recent(times) && times.len() >= FAILURES_MAX)
    }

    fn note_failure(&self, address: IpAddr) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < ADDRESSES_MAX || failures.contains_key(&network(address)) {
            failures.entry(network(address)).or_default().push(self.clock.now());
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

#[async_trait]
impl Mode for Single {
    async fn identify(&self, request: &Parts) -> Result<Caller, Fault> {
        let Some(password) = self.secrets.password() else {
            if self.exposed {
                return Err(Fault::new(
                    FaultKind::Unauthenticated,
                    "The password was taken away while this Recap listens to the network: nobody gets in.",
                )
                .hint("Set one with `recap set-password`, or start again on a loopback address."));
            }
            return Ok(Single::owner(false));
        };
        match session_cookie(&request.headers) {
            Some(value) if self.holds(value, &password)? => Ok(Single::owner(true)),
            Some(_) => Err(Fault::new(FaultKind::Unauthenticated, "Your sign-in is over.").hint("Sign in again.")),
            None => Err(Fault::new(FaultKind::Unauthenticated, "This Recap asks for its password.")
                .hint("Sign in at /sign-in, or POST {\"password\": …} to /api/session and keep the cookie.")),
        }
    }

    async fn entitled(&self, _scope: &Scope, _what: Entitlement) -> Result<(), Fault> {
        Ok(())
    }

    async fn debit(&self, scope: &Scope, job: &JobId) -> Result<Receipt, Fault> {
        Ok(Receipt { scope: scope.clone(), job: job.clone(), source: None })
    }

    async fn refund(&self, _receipt: &Receipt) -> Result<(), Fault> {
        Ok(())
    }

    async fn pass_for(&self, _scope: &Scope) -> Result<Pass, Fault> {
        match self.secrets.password() {
            None => Ok(Pass::none()),
            Some(password) => {
                let value = self.sign(&password, TimeDelta::minutes(PASS_MINUTES))?;
                // Nothing is kept on this side: the session ends by itself, in minutes.
                Ok(Pass::with_cookie(format!("{COOKIE_NAME}={value}"), || ()))
            }
        }
    }

    fn guarded(&self) -> bool {
        self.secrets.password().is_some()
    }

    fn routes(self: Arc<Self>) -> OpenApiRouter {
        OpenApiRouter::new().routes(routes!(sign_in, sign_out)).with_state(self)
    }

    fn tasks(self: Arc<Self>, _host: Arc<dyn Host>, _stop: Stop) -> Vec<Task> {
        Vec::new()
    }
}

/// What is needed to sign in.
#[derive(Deserialize, utoipa::ToSchema)]
struct SignIn {
    /// The operator's password.
    password: String,
    /// Where a browser goes next: a path of this daemon.
    #[serde(default)]
    next: Option<String>,
}

/// Sign in
///
/// A form is answered with a redirect, JSON with 204; both with the cookie `recap_session`.
#[utoipa::path(post, path = "/api/session", tag = "session", request_body = SignIn,
    responses((status = 204, description = "Signed in; keep the cookie"), (status = 303, description = "The same, for a form"),
        (status = 401, description = "Not the password"), (status = 429, description = "Too many wrong ones")))]
async fn sign_in(
    State(single): State<Arc<Single>>,
    Extension(Peer(address)): Extension<Peer>,
    headers: HeaderMap,
    body: axum::body::Body,
) -> Result<Response, Fault> {
    // A stranger may send this: it is bounded before anything is kept.
    let body = axum::body::to_bytes(body, SIGN_IN_BYTES_MAX)
        .await
        .map_err(|_| Fault::new(FaultKind::TooLarge, "A sign-in is shorter than what you sent."))?;
    let is_form = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let given: SignIn = if is_form {
        sign_in_form(&body)?
    } else {
        serde_json::from_slice(&body).map_err(|error| {
            Fault::invalid(format!("To sign in, send {{\"password\": …}}: {error}."))
        })?
    };
    let Some(password) = single.secrets.password() else {
        return Err(Fault::new(
            FaultKind::Conflict,
            "No password is set, so there is nothing to sign in to.",
        )
        .hint("Set one with `recap set-password`."));
    };
    if single.is_throttled(address) {
        return Err(too_many());
    }
    let _turn = single
        .hashing
        .acquire()
        .await
        .map_err(|error| Fault::internal("checking a password", error))?;
    // Many may have waited for their turn: the limit counts for each of them.
    if single.is_throttled(address) {
        return Err(too_many());
    }
    let (checked, text) = (password.clone(), given.password.clone());
    let right = tokio::task::spawn_blocking(move || checked.is(&text))
        .await
        .map_err(|error| Fault::internal("checking a password", error))?;
    if !right {
        single.note_failure(address);
        tracing::warn!("a sign-in with a wrong password was refused");
        return if is_form {
            let next: String =
                url::form_urlencoded::byte_serialize(local_path(given.next.as_deref()).as_bytes())
                    .collect();
            Ok((StatusCode::SEE_OTHER, [(LOCATION, format!("/sign-in?wrong=1&next={next}"))])
                .into_response())
        } else {
            Err(Fault::new(FaultKind::Unauthenticated, "This is not the password."))
        };
    }
    let cookie = single
        .cookie(&single.sign(&password, TimeDelta::days(SESSION_DAYS))?, SESSION_DAYS * 86_400);
    if is_form {
        let next = local_path(given.next.as_deref());
        let next = HeaderValue::from_str(&next).unwrap_or(HeaderValue::from_static("/"));
        Ok((StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, next)]).into_response())
    } else {
        Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
    }
}

fn too_many() -> Fault {
    Fault::new(FaultKind::TooMany, "There were too many wrong passwords from your network.")
        .hint(format!("Try again in {FAILURES_MINUTES} minutes."))
}

fn sign_in_form(body: &[u8]) -> Result<SignIn, Fault> {
    let mut given = SignIn { password: String::new(), next: None };
    for (name, value) in url::form_urlencoded::parse(body) {
        match &*name {
            "password" => given.password = value.into_owned(),
            "next" => given.next = Some(value.into_owned()),
            _ => {}
        }
    }
    if given.password.is_empty() {
        Err(Fault::invalid("The password is missing."))
    } else {
        Ok(given)
    }
}

/// A path of this daemon, else the front page: a link from outside must not send people elsewhere.
fn local_path(next: Option<&str>) -> String {
    let next = next.unwrap_or("/");
    let stays = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\t', '\n', '\r'])
        && next.bytes().all(|byte| byte.is_ascii_graphic());
    if stays { next.to_owned() } else { "/".to_owned() }
}

/// Sign out
#[utoipa::path(delete, path = "/api/session", tag = "session", responses((status = 204, description = "Signed out here")))]
async fn sign_out(State(single): State<Arc<Single>>) -> Response {
    (StatusCode::NO_CONTENT, [(SET_COOKIE, single.cookie("", 0))]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use recap_mode::{ManualClock, SystemEntropy};

    fn parts(cookie: Option<&str>) -> Parts {
        let mut request = axum::http::Request::builder();
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        request.body(()).unwrap().into_parts().0
    }

    struct House {
        _data: tempfile::TempDir,
        secrets: Arc<Secrets>,
        clock: Arc<ManualClock>,
        single: Arc<Single>,
    }

    fn house(password: Option<&str>) -> House {
        let data = tempfile::tempdir().unwrap();
        let secrets = Arc::new(Secrets::open(data.path(), None, Arc::new(SystemEntropy)).unwrap());
        secrets.set_password(password).unwrap();
        let clock = Arc::new(ManualClock::at("2026-11-20T10:00:00Z".parse().unwrap()));
        let single = Single::new(secrets.clone(), clock.clone(), false, false);
        House { _data: data, secrets, clock, single }
    }

    #[tokio::test]
    async fn without_a_password_everybody_is_the_owner() {
        let house = house(None);
        let caller = house.single.identify(&parts(None)).await.unwrap();
        assert_eq!(caller, Single::owner(false));
        assert!(!house.single.guarded());
        assert_eq!(house.single.pass_for(&Scope::owner()).await.unwrap().cookie(), None);
    }

    #[tokio::test]
    async fn a_password_that_is_taken_away_lets_nobody_in_from_the_network() {
        let house = house(Some("correct horse"));
        let exposed = Single::new(house.secrets.clone(), house.clock.clone(), false, true);
        house.secrets.set_password(None).unwrap();
        assert_eq!(
            exposed.identify(&parts(None)).await.unwrap_err().kind,
            FaultKind::Unauthenticated
        );
        assert!(
            house.single.identify(&parts(None)).await.is_ok(),
            "on loopback it is as at the start"
        );
    }

    #[tokio::test]
    async fn a_pass_opens_the_door_for_minutes_and_ends_when_the_password_changes() {
        let house = house(Some("correct horse"));
        let pass = house.single.pass_for(&Scope::owner()).await.unwrap();
        let cookie = pass.cookie().unwrap().to_owned();
        let other = format!("theme=dark; {cookie}; x=y");
        assert!(house.single.identify(&parts(Some(&other))).await.unwrap().operator);
        house.clock.advance(TimeDelta::minutes(PASS_MINUTES) - TimeDelta::seconds(1));
        assert!(house.single.identify(&parts(Some(&cookie))).await.is_ok());
        house.clock.advance(TimeDelta::seconds(1));
        assert!(house.single.identify(&parts(Some(&cookie))).await.is_err());
        house.clock.advance(TimeDelta::minutes(-PASS_MINUTES));
        assert!(house.single.identify(&parts(Some(&cookie))).await.is_ok());
        house.secrets.set_password(Some("another horse")).unwrap();
        assert!(house.single.identify(&parts(Some(&cookie))).await.is_err());
    }

    #[tokio::test]
    async fn a_forged_or_altered_cookie_is_refused() {
        let house = house(Some("correct horse"));
        let pass = house.single.pass_for(&Scope::owner()).await.unwrap();
        let value = pass.cookie().unwrap().strip_prefix("recap_session=").unwrap().to_owned();
        let (payload, tag) = value.split_once('.').unwrap();
        let later = BASE64_URL_SAFE_NO_PAD.encode(r#"{"until":99999999999,"password":""}"#);
        for forged in [
            String::new(),
            ".".to_owned(),
            payload.to_owned(),
            format!("{payload}."),
            format!("{payload}.{}", "A".repeat(43)),
            format!("{later}.{tag}"),
            format!("{later}."),
            "%00.~".to_owned(),
        ] {
            let refused = house
                .single
                .identify(&parts(Some(&format!("recap_session={forged}"))))
                .await
                .unwrap_err();
            assert_eq!(refused.kind, FaultKind::Unauthenticated, "{forged:?}");
        }
        let refused =
            house.single.identify(&parts(Some(&format!("not_recap_session={value}")))).await;
        assert!(refused.is_err());
    }

    #[test]
    fn wrong_passwords_are_counted_by_network_and_forgotten_in_time() {
        let house = house(Some("correct horse"));
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        for n in 0..FAILURES_MAX {
            assert!(!house.single.is_throttled(at("2001:db8::1")));
            house.single.note_failure(at(&format!("2001:db8::{n:x}")));
        }
        assert!(house.single.is_throttled(at("2001:db8::ffff")));
        assert!(!house.single.is_throttled(at("2001:db8:1::1")));
        assert!(!house.single.is_throttled(at("192.0.2.1")));
        house.clock.advance(TimeDelta::minutes(FAILURES_MINUTES));
        assert!(!house.single.is_throttled(at("2001:db8::1")));
    }

    #[test]
    fn after_sign_in_a_browser_stays_here() {
        for (next, want) in [
            (Some("/recaps/x?y=1"), "/recaps/x?y=1"),
            (None, "/"),
            (Some(""), "/"),
            (Some("//evil.example"), "/"),
            (Some("/\\evil.example"), "/"),
            (Some("/\t/evil.example"), "/"),
            (Some("https:evil.example"), "/"),
            (Some(" //evil.example"), "/"),
            (Some("/a\r\nSet-Cookie: x"), "/"),
        ] {
            assert_eq!(local_path(next), want, "{next:?}");
        }
    }
}
