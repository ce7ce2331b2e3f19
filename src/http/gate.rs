//! What goes before every handler: the peer's address, whether the host is ours, who is asking.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Once};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{ACCEPT, HOST, LOCATION};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use recap_mode::{Fault, FaultKind, Peer};

use crate::app::App;
use crate::config::Config;

/// Puts the client's address into the request: the peer's, or the one that the declared proxies
/// forwarded.
pub(super) async fn find_peer(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(at)| at.ip());
    let Some(peer) = peer else {
        return Fault::internal("finding the peer's address", "no ConnectInfo").into_response();
    };
    let hops = app.config_now().trusted_proxy_hops;
    if hops == 0 && is_near_address(peer) && request.headers().contains_key("x-forwarded-for") {
        warn_of_proxy(peer);
    }
    let address = forwarded(request.headers(), hops).unwrap_or(peer);
    request.extensions_mut().insert(Peer(address.to_canonical()));
    next.run(request).await
}

/// An address from which a proxy of one's own would come.
fn is_near_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Says once that a proxy seems to stand in front and is not declared.
fn warn_of_proxy(peer: IpAddr) {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        tracing::warn!(
            %peer,
            "A proxy at {peer} forwards requests, and trusted_proxy_hops (RECAP_TRUSTED_PROXY_HOPS) is 0: everybody who comes \
             through it counts as one visitor, with one limit for all. Set it to the number of proxies in front."
        );
    });
}

/// The address that the outermost trusted proxy saw. Each proxy adds the one before it at the end,
/// so what stands further left is what a client made up.
fn forwarded(headers: &HeaderMap, hops: usize) -> Option<IpAddr> {
    if hops == 0 {
        return None;
    }
    let list: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let text = list.get(list.len().checked_sub(hops)?)?.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or(text);
    // Some proxies write the port behind it.
    bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

/// Refuses requests under a foreign host name: a page elsewhere whose name was made to lead here
/// (DNS rebinding) would otherwise read everything.
pub(super) async fn check_host(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let config = app.config_now();
    // A health check may come under any name; it tells nothing.
    let named = request.uri().authority().map_or(Ok(()), |authority| {
        if name_is_ours(authority, &config) { Ok(()) } else { Err(()) }
    });
    let is_ours = named.is_ok() && host_is_ours(request.headers(), &config);
    if request.uri().path() == "/api/health" || is_ours {
        return next.run(request).await;
    }
    Fault::new(
        FaultKind::WrongHost,
        "This Recap is not known under the host name that was asked for.",
    )
    .hint("Set public_url (RECAP_PUBLIC_URL) to the address that you use.")
    .into_response()
}

fn host_is_ours(headers: &HeaderMap, config: &Config) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Some(authority) = host.to_str().ok().and_then(|text| text.parse::<Authority>().ok()) else {
        return false;
    };
    name_is_ours(&authority, config)
}

fn name_is_ours(authority: &Authority, config: &Config) -> bool {
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
    let literal = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || name.ends_with(".localhost")
        // Nobody can make an address's own digits lead elsewhere.
        || literal.parse::<IpAddr>().is_ok()
        || config.public_url.as_ref().and_then(|url| url.host_str()).is_some_and(|own| own == name)
}

/// Asks the mode who is there; strangers are told so, or led to the sign-in where they wanted a page.
pub(super) async fn identify(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    match app.mode.identify(&parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(fault) => turned_away(&app, fault, &parts),
    }
}

/// As [`identify`], where the mode may let a stranger in: the handler asks it once it is seen what they
/// want.
pub(super) async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match app.mode.identify(&parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
        }
        Err(fault) if fault.kind == FaultKind::Unauthenticated && app.mode.lets_in(&parts) => {}
        Err(fault) => return turned_away(&app, fault, &parts),
    }
    next.run(Request::from_parts(parts, body)).await
}

fn turned_away(app: &App, fault: Fault, parts: &Parts) -> Response {
    if !wants_page(&parts.headers) {
        return fault.into_response();
    }
    if fault.kind != FaultKind::Unauthenticated {
        return super::web::sorry(fault);
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    // What was sent with a form is gone: back to its page.
    let path = if parts.method == Method::GET { path } else { "/" };
    let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    let place = app.mode.sign_in_path();
    (StatusCode::SEE_OTHER, [(LOCATION, format!("{place}?next={next}"))]).into_response()
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kinds| kinds.contains("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn config(public_url: Option<&str>) -> Config {
        let mut flags = serde_json::Map::new();
        flags.insert("public_url".to_owned(), public_url.into());
        let data = tempfile::tempdir().unwrap();
        crate::config::load(data.path(), &crate::config::Environment::default(), &flags).unwrap()
    }

    #[test]
    fn only_our_own_names_and_bare_addresses_are_hosts() {
        let config = config(Some("https://recap.example.org"));
        let check = |host: &[&str], want: bool| {
            let mut headers = HeaderMap::new();
            for one in host {
                headers.append(HOST, HeaderValue::from_str(one).unwrap());
            }
            assert_eq!(host_is_ours(&headers, &config), want, "{host:?}");
        };
        for good in [
            "localhost",
            "localhost:8722",
            "LOCALHOST",
            "a.localhost",
            "127.0.0.1:1",
            "[::1]:8722",
            "192.168.1.7",
            "recap.example.org",
        ] {
            check(&[good], true);
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example",
            "recap.example.org.evil.example",
            "x@localhost",
            "127.0.0.1.evil.example",
            "recap.example.org/x",
        ] {
            check(&[bad], false);
        }
        check(&[], false);
        check(&["localhost", "evil.example"], false);
    }

    #[test]
    fn a_forged_forwarding_header_moves_nobody() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_static("1.1.1.1, 2.2.2.2"));
        headers.append("x-forwarded-for", HeaderValue::from_static("[2001:db8::1]:443"));
        let ip = |text: &str| text.parse::<IpAddr>().ok();
        assert_eq!(forwarded(&headers, 0), None);
        assert_eq!(forwarded(&headers, 1), ip("2001:db8::1"));
        assert_eq!(forwarded(&headers, 2), ip("2.2.2.2"));
        assert_eq!(forwarded(&headers, 4), None);
        for (text, want) in
            [("3.3.3.3:4711", ip("3.3.3.3")), ("unknown", None), ("", None), ("3.3.3.3:x", None)]
        {
            let mut headers = HeaderMap::new();
            headers.append("x-forwarded-for", HeaderValue::from_static(text));
            assert_eq!(forwarded(&headers, 1), want, "{text}");
        }
        assert_eq!(forwarded(&HeaderMap::new(), 1), None);
    }
}
