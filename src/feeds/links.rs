//! Links out of a feed: made absolute, and only to where the daemon would go.

use url::Url;

use crate::domain::link::Link;
pub(super) use crate::domain::links::{holds_secret, shareable, without_secrets};

/// Longest link that is taken; browsers and servers stop at 8 KB too.
pub(super) const LINK_BYTES_MAX: usize = 8 * 1024;

/// As [`link`], taken apart.
pub(super) fn http(text: &str, base: &Url) -> Option<Url> {
    link(text, base).map(|link| link.url())
}

/// An `http` or `https` link, made absolute; `None` for any other, an empty or a broken one.
pub(super) fn link(text: &str, base: &Url) -> Option<Link> {
    let text = text.trim();
    if text.is_empty() || text.len() > LINK_BYTES_MAX {
        return None;
    }
    Link::read(text, base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_the_web_are_taken() {
        let base = Url::parse("https://example.org/shows/one.xml").unwrap();
        let check = |text: &str, want: &str| {
            let found = link(text, &base);
            assert_eq!(found.as_ref().map_or("", Link::as_str), want, "{text:?}");
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
        assert!(link(&"a".repeat(LINK_BYTES_MAX), &base).is_some());
    }
}
