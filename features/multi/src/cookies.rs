//! Cookies: which one a request shows, and how ours are given and taken. What they say is nobody's
//! business here.

use http::HeaderMap;
use http::header::COOKIE;

use crate::magic_links::LINK_MINUTES;
use crate::sessions::{COOKIE_NAME, SESSION_DAYS};
use crate::sign_in::ASKED_COOKIE_NAME;
use crate::trials::{TRIAL_COOKIE_NAME, TRIAL_DAYS};

const DAY_SECONDS: i64 = 86_400;

/// The value of the first cookie by a name.
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
        .filter(|value| !value.is_empty())
}

/// Gives and takes them.
pub(crate) struct Cookies {
    /// Whether browsers send them over https alone: the public URL is one.
    pub(crate) is_secure: bool,
}

impl Cookies {
    pub(crate) fn session(&self, token: &str) -> String {
        self.set(COOKIE_NAME, token, SESSION_DAYS * DAY_SECONDS)
    }

    pub(crate) fn no_session(&self) -> String {
        self.set(COOKIE_NAME, "", 0)
    }

    pub(crate) fn trial(&self, token: &str) -> String {
        self.set(TRIAL_COOKIE_NAME, token, TRIAL_DAYS * DAY_SECONDS)
    }

    pub(crate) fn no_trial(&self) -> String {
        self.set(TRIAL_COOKIE_NAME, "", 0)
    }

    pub(crate) fn asked(&self, token: &str) -> String {
        self.set(ASKED_COOKIE_NAME, token, LINK_MINUTES * 60)
    }

    pub(crate) fn no_asked(&self) -> String {
        self.set(ASKED_COOKIE_NAME, "", 0)
    }

    fn set(&self, name: &str, value: &str, seconds: i64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_cookie_is_found_by_its_whole_name_among_others() {
        let check = |header: &str, want: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.append(COOKIE, HeaderValue::from_str(header).unwrap());
            assert_eq!(find(&headers, "recap_session"), want, "{header}");
        };
        check("recap_session=a", Some("a"));
        check("x=1; recap_session=a; recap_session=b", Some("a"));
        check("xrecap_session=a", None);
        check("recap_sessions=a", None);
        check("recap_session", None);
        check("recap_session=", None);
        check("recap_session=a=b", Some("a=b"));
        assert_eq!(find(&HeaderMap::new(), "recap_session"), None);
    }

    #[test]
    fn ours_are_for_this_host_and_for_no_script() {
        for (is_secure, end) in [(true, "; Secure"), (false, "")] {
            let cookies = Cookies { is_secure };
            let given = cookies.session("t");
            assert!(
                given.starts_with("recap_session=t; Path=/; HttpOnly; SameSite=Lax; Max-Age="),
                "{given}"
            );
            assert_eq!(given.ends_with("Secure"), is_secure);
            assert!(cookies.no_trial().ends_with(&format!("Max-Age=0{end}")));
        }
    }
}
