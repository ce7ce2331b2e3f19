//! A link to the web as its text alone. A feed has two or three an item, and most are only carried
//! along: as a [`Url`] each takes three times the room, and is taken apart each time it is read.

use std::borrow::Cow;
use std::fmt;

use memchr::{memchr, memrchr};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

use crate::domain::links;

/// An absolute `http` or `https` link with a host, in the form that the URL Standard gives it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link(Box<str>);

impl Link {
    /// Reads a link, a relative one as `base` says; `None` for what leads elsewhere than to the web.
    pub fn read(text: &str, base: &Url) -> Option<Link> {
        let text = text.trim();
        if is_in_form(text) { Some(Link(text.into())) } else { Link::of(base.join(text).ok()?) }
    }

    /// Reads an absolute link; `None` for what leads elsewhere than to the web.
    pub fn parse(text: &str) -> Option<Link> {
        if is_in_form(text) { Some(Link(text.into())) } else { Link::of(Url::parse(text).ok()?) }
    }

    fn of(url: Url) -> Option<Link> {
        let has_host = url.host_str().is_some_and(|host| !host.is_empty());
        let text = String::from(url);
        let is_web = text.starts_with("http://") || text.starts_with("https://");
        // The library writes names that it does not read again: those of a thousand letters of Chinese.
        let is_read_again = || Url::parse(&text).is_ok_and(|again| again.as_str() == text);
        (is_web && has_host && is_read_again()).then(|| Link(text.into()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The link, taken apart.
    pub fn url(&self) -> Url {
        Url::parse(&self.0).unwrap_or_else(|_| unreachable!("each way to a link made sure of it"))
    }

    /// Host, port and path: all but what says nothing of where it leads, or is another at each visit.
    pub fn bare(&self) -> &str {
        let whole = self.whole();
        &whole[..memchr(b'?', whole.as_bytes()).unwrap_or(whole.len())]
    }

    /// Host, port, path and query: without scheme, user, password and fragment.
    pub fn whole(&self) -> &str {
        let text = self.after_scheme();
        let text = &text[..memchr(b'#', text.as_bytes()).unwrap_or(text.len())];
        // Each has a path, and an `@` in the form stands nowhere else before it.
        let path = memchr(b'/', text.as_bytes()).unwrap_or(text.len());
        memrchr(b'@', &text.as_bytes()[..path]).map_or(text, |at| &text[at + 1..])
    }

    /// What stands behind `http://` or `https://`, one of which each begins with.
    fn after_scheme(&self) -> &str {
        let rest = self.0.strip_prefix("https://").or_else(|| self.0.strip_prefix("http://"));
        rest.unwrap_or(&self.0)
    }

    /// From the first `/` behind the host, without query and fragment.
    pub fn path(&self) -> &str {
        let bare = self.bare();
        &bare[memchr(b'/', bare.as_bytes()).unwrap_or(bare.len())..]
    }

    /// As it may be kept and shown where a feed names it: what a private feed names may carry its key,
    /// and what a public one signs is nobody's secret. `None` where nothing would be left of it.
    pub fn shared(&self, is_private: bool) -> Option<Cow<'_, str>> {
        let shared = match (is_private, self.has_user()) {
            (false, false) => return Some(self.as_str().into()),
            (false, true) => links::without_secrets(&self.url()),
            (true, _) => links::shareable(&self.url())?,
        };
        Some(String::from(shared).into())
    }

    /// Whether it names a user or a password.
    fn has_user(&self) -> bool {
        let rest = self.after_scheme();
        let path = memchr(b'/', rest.as_bytes()).unwrap_or(rest.len());
        memchr(b'@', &rest.as_bytes()[..path]).is_some()
    }
}

/// Whether a text is certainly a link in its form already, as nearly all are: then nothing has to be
/// taken apart. `false` says nothing.
fn is_in_form(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let rest = rest.as_bytes();
    let Some(slash) = rest.iter().position(|b| *b == b'/') else { return false };
    let (host, path) = rest.split_at(slash);
    is_plain_host(host) && is_plain_path(path)
}

/// Labels of small letters, digits and dashes, the last of which begins with a letter, so that it is no
/// number. Names that are encoded (`xn--`) are looked at more closely elsewhere.
fn is_plain_host(host: &[u8]) -> bool {
    let mut last = None;
    for label in host.split(|b| *b == b'.') {
        let is_plain = (1..=63).contains(&label.len())
            && !label.starts_with(b"xn--")
            && label.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if !is_plain {
            return false;
        }
        last = label.first();
    }
    host.len() <= 253 && last.is_some_and(u8::is_ascii_lowercase)
}

/// Letters that stand for themselves in paths and queries, no fragment, and no part of a path that is
/// `.` or `..` in any writing.
fn is_plain_path(path: &[u8]) -> bool {
    let mut before = 0;
    for byte in path {
        let is_plain = matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9')
            || matches!(
                byte,
                b'-' | b'_' | b'~' | b'/' | b'?' | b'=' | b'&' | b'+' | b',' | b':' | b'@' | b'!'
            )
            || (*byte == b'.' && before != b'/');
        if !is_plain {
            return false;
        }
        before = *byte;
    }
    true
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Link {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Link, D::Error> {
        let text = String::deserialize(deserializer)?;
        if is_in_form(&text) {
            return Ok(Link(text.into()));
        }
        Link::parse(&text).ok_or_else(|| de::Error::custom("a link to the web was expected"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_link_is_kept_in_the_form_of_the_standard() {
        let base = Url::parse("https://e.example/shows/feed.xml").unwrap();
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(Link::read(text, &base).as_ref().map(Link::as_str), want, "{text:?}");
        };
        for kept in [
            "https://cdn.example/a/1.mp3?x=1&y=a.b",
            "http://a-b.example/",
            "https://e.example/a..b/c.",
        ] {
            check(kept, Some(kept));
            check(&format!(" {kept}\n"), Some(kept));
        }
        check("HTTPS://E.example", Some("https://e.example/"));
        check("a.mp3", Some("https://e.example/shows/a.mp3"));
        check("//cdn.example/a", Some("https://cdn.example/a"));
        check("https://e.example/a/../b/./c", Some("https://e.example/b/c"));
        check("https://e.example/a/%2e%2E/b", Some("https://e.example/b"));
        check("https://e.example:443/a b#c", Some("https://e.example/a%20b#c"));
        check("https://1.2/", Some("https://1.0.0.2/"));
        for bad in ["mailto:ada@e.example", "javascript:alert(1)", "https://", "http://a b/"] {
            check(bad, None);
        }
        assert!(Link::parse("a.mp3").is_none());
    }

    #[test]
    fn a_name_that_cannot_be_read_as_it_is_written_is_no_link() {
        // In an order of no pattern, or the encoded name is short.
        let letter = |n: u32| char::from_u32(0x4e00 + n * 7919 % 20_000).unwrap();
        for count in [10, 300, 800, 999] {
            let host: String = (0..count).map(letter).collect();
            for text in [format!("https://u@{host}/"), format!("https://{host}/a")] {
                let link = Link::parse(&text);
                assert_eq!(link.is_some(), count <= 300, "{count}");
                if let Some(link) = link {
                    assert_eq!(link.url().as_str(), link.as_str());
                    assert!(link.shared(false).is_some());
                }
            }
        }
        let long: String = (0..999).map(letter).collect();
        assert!(Url::parse(&format!("https://{long}/")).is_ok(), "the library takes it");
        assert!(Link::parse(&format!("https://{long}/")).is_none());
    }

    #[test]
    fn the_parts_of_a_link_are_those_that_the_library_finds() {
        use url::Position;
        for text in [
            "https://e.example/a?b#c",
            "http://u:p@e.example:8080/a@b?c=@",
            "https://u@e.example/",
            "https://e.example/?a/b@c#d@e",
            "https://[::1]/a",
        ] {
            let (link, url) = (Link::parse(text).unwrap(), Url::parse(text).unwrap());
            assert_eq!(link.bare(), &url[Position::BeforeHost..Position::AfterPath], "{text}");
            assert_eq!(link.path(), url.path(), "{text}");
            assert_eq!(link.whole(), &url[Position::BeforeHost..Position::AfterQuery], "{text}");
            assert_eq!(link.has_user(), text.contains("u:p") || text.contains("u@"), "{text}");
            assert_eq!(link.url(), url);
        }
    }

    #[test]
    fn what_is_read_from_a_file_is_a_link_or_refused() {
        let read =
            |text: &str| serde_json::from_str::<Link>(text).ok().map(|link| link.to_string());
        assert_eq!(read(r#""https://E.example/a""#).as_deref(), Some("https://e.example/a"));
        assert_eq!(read(r#""file:///etc/passwd""#), None);
        assert_eq!(read("1"), None);
    }

    proptest! {
        #[test]
        fn what_seems_to_be_in_form_is(
            text in "https?://[a-z0-9.-]{0,12}(xn--|0x|\\.[0-9]|\\.[a-z])?[a-z0-9]{0,3}/?([a-zA-Z0-9._~/?=&+,:@!%-]|/\\.|%2e|#|\\\\|é| |\\t){0,24}",
        ) {
            if is_in_form(&text) {
                prop_assert_eq!(Url::parse(&text).map(String::from), Ok(text));
            }
        }
    }
}
