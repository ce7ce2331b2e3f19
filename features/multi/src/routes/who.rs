//! Who asks, and what they gave: parsing is refusing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::request::Parts;
use recap_mode::{Fault, FaultKind, Peer};
use serde::de::DeserializeOwned;

use crate::cookies;
use crate::multi::Multi;
use crate::sessions::{self, LABEL_CHARS_MAX, Session};
use crate::sign_in::Visit;
use crate::trials;

/// Largest body that is read here: an address, a password, a path.
const BYTES_MAX: usize = 16 * 1024;

/// Time in which it must have come: a few hundred bytes, over the slowest line.
const BODY_TIME: Duration = Duration::from_secs(15);

/// A person who is signed in.
pub(super) struct Person(pub(super) Session);

impl FromRequestParts<Arc<Multi>> for Person {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, multi: &Arc<Multi>) -> Result<Person, Fault> {
        let session = multi.session(parts)?.filter(|session| !session.is_pass);
        session.map(Person).ok_or_else(|| {
            Fault::new(FaultKind::Unauthenticated, "You are not signed in.").hint("Sign in first.")
        })
    }
}

/// The admin.
pub(super) struct Operator(pub(super) Session);

impl FromRequestParts<Arc<Multi>> for Operator {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, multi: &Arc<Multi>) -> Result<Operator, Fault> {
        let Person(session) = Person::from_request_parts(parts, multi).await?;
        if session.tenant.is_admin {
            Ok(Operator(session))
        } else {
            Err(Fault::new(FaultKind::Forbidden, "Only the operator of this Recap may do this."))
        }
    }
}

/// From where a request comes.
pub(super) struct From(pub(super) IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for From {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<From, Fault> {
        let peer = parts.extensions.get::<Peer>().copied();
        let Peer(address) = peer.ok_or_else(|| {
            Fault::internal("finding the peer's address", "a request without its peer")
        })?;
        Ok(From(address))
    }
}

/// What a browser shows that signs in.
pub(super) fn visit(headers: &HeaderMap) -> Visit {
    let cookie = |name| cookies::find(headers, name).map(str::to_owned);
    let label = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Visit {
        label: browser(label).chars().take(LABEL_CHARS_MAX).collect(),
        session_cookie: cookie(sessions::COOKIE_NAME),
        trial_cookie: cookie(trials::TRIAL_COOKIE_NAME),
    }
}

/// A browser as people call it, from the name that it gave itself; the name where it is no known one.
fn browser(label: &str) -> String {
    // What others also claim to be comes last.
    let known = |words: &[(&str, &'static str)]| {
        words.iter().find(|(word, _)| label.contains(word)).map(|(_, name)| *name)
    };
    let name = known(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = known(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (name, system) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(name), None) => name.to_owned(),
        (None, _) => label.to_owned(),
    }
}

/// Whether a request is a browser's form.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
}

/// Reads JSON, or a form of the same fields; a stranger's body is bounded before anything is kept.
pub(super) async fn given<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Fault> {
    let bytes = tokio::time::timeout(BODY_TIME, to_bytes(body, BYTES_MAX))
        .await
        .map_err(|_| Fault::invalid("What you sent did not come in time.").hint("Send it again."))?
        .map_err(|_| {
            Fault::new(FaultKind::TooLarge, "What you sent is longer than is taken here.")
        })?;
    if is_form(headers) {
        // An empty field of a form is one that was left out.
        let fields = url::form_urlencoded::parse(&bytes)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.into_owned(), serde_json::Value::from(value.into_owned())))
            .collect();
        return serde_json::from_value(serde_json::Value::Object(fields))
            .map_err(|error| Fault::invalid(format!("The form cannot be read: {error}.")));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Fault::invalid(format!("The body is not the JSON that is asked for here: {error}."))
    })
}

/// A path of this daemon, else the front page: a link from outside must not send people elsewhere.
pub(super) fn local_path(next: Option<&str>) -> String {
    let next = next.unwrap_or("/");
    let stays = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| byte.is_ascii_graphic());
    if stays { next.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{browser, local_path};

    #[test]
    fn a_browser_is_called_what_people_call_it() {
        for (label, want) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18 Safari/605",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
                "Firefox on Android",
            ),
            ("curl/8.5.0", "curl"),
            ("<script>", "<script>"),
            ("", ""),
        ] {
            assert_eq!(browser(label), want);
        }
    }

    #[test]
    fn nobody_is_led_to_another_site() {
        for (given, want) in [
            (Some("/recaps/a?x=1"), "/recaps/a?x=1"),
            (Some("//evil.example"), "/"),
            (Some("/\\evil.example"), "/"),
            (Some("https://evil.example"), "/"),
            (Some("/a\nb"), "/"),
            (Some(""), "/"),
            (None, "/"),
        ] {
            assert_eq!(local_path(given), want, "{given:?}");
        }
    }
}
