//! Links out of a feed: made absolute, and only to where the daemon would go.

use url::Url;

pub(super) use crate::domain::links::{holds_secret, shareable, without_secrets};

/// Longest link that is taken; browsers and servers stop at 8 KB too.
pub(super) const LINK_BYTES_MAX: usize = 8 * 1024;

/// An `http` or `https` link, made absolute; `None` for any other, an empty or a broken one.
pub(super) fn http(text: &str, base: &Url) -> Option<Url> {
    let text = text.trim();
    if text.is_empty() || text.len() > LINK_BYTES_MAX {
        return None;
    }
    let url = base.join(text).ok()?;
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    (["http", "https"].contains(&url.scheme()) && has_host).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_the_web_are_taken() {
        let base = Url::parse("https://example.org/shows/one.xml").unwrap();
        let check = |text: &str, want: &str| {
            let found = http(text, &base);
            assert_eq!(found.as_ref().map_or("", Url::as_str), want, "{text:?}");
        };
        check(" http://example.com/a b.mp3\n", "http://example.com/a%20b.mp3");
        check("../a.mp3", "https://example.org/a.mp3");
        check("//cdn.example.org/a.mp3", "https://cdn.example.org/a.mp3");
        check("HTTPS://EXAMPLE.org", "https://example.org/");
        for bad in [
            "",
            "  ",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:,x",
            "ftp://example.org/a",
        ] {
            check(bad, "");
        }
        for bad in ["http://", "http://[::1", "http://a b/", "mailto:a@example.org"] {
            check(bad, "");
        }
        check(&"a".repeat(LINK_BYTES_MAX + 1), "");
        assert!(http(&"a".repeat(LINK_BYTES_MAX), &base).is_some());
    }
}
