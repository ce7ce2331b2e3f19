//! Links that let their bearer in: which they are, and how they are shown and kept without that.

use url::Url;

/// A part of a path from this length on that mixes digits with letters may be a key: private feeds
/// have theirs there. Words of a title are parted by dashes, the pieces of a UUID are shorter.
const KEY_CHARS_MIN: usize = 16;

/// Parameters of a query that are secrets by their names.
const SECRET_NAMES: [&str; 16] = [
    "auth",
    "token",
    "access_token",
    "key",
    "apikey",
    "api_key",
    "secret",
    "sig",
    "signature",
    "password",
    "pass",
    "pw",
    "hash",
    "user",
    "uid",
    "hmac",
];

fn looks_like_key(part: &str) -> bool {
    let longest = part.split(['-', '_', '.', '~']).max_by_key(|piece| piece.len());
    longest.is_some_and(|piece| {
        piece.len() >= KEY_CHARS_MIN
            && piece.bytes().any(|b| b.is_ascii_digit())
            && piece.bytes().any(|b| b.is_ascii_alphabetic())
    })
}

/// Parameters that are as long as a key and public.
const PUBLIC_NAMES: [&str; 4] = ["channel_id", "playlist_id", "v", "list"];

fn is_secret_pair(name: &str, value: &str) -> bool {
    if PUBLIC_NAMES.contains(&name) {
        return false;
    }
    SECRET_NAMES.contains(&name.to_ascii_lowercase().as_str()) || looks_like_key(value)
}

/// The ids of channels are public, and as long as a key.
fn is_youtube(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "youtube.com" || host.ends_with(".youtube.com")
}

/// The parts of a link's path, each with whether it looks like a key.
fn parts(url: &Url) -> impl Iterator<Item = (&str, bool)> {
    let is_youtube = is_youtube(url);
    let mut is_behind_private = false;
    url.path().split('/').map(move |part| {
        let is_key = !is_youtube && (looks_like_key(part) || is_behind_private && !part.is_empty());
        is_behind_private |= part.eq_ignore_ascii_case("private");
        (part, is_key)
    })
}

/// Whether a link holds what lets its bearer in: user or password, a key in its path or its query.
pub fn holds_secret(url: &Url) -> bool {
    !url.username().is_empty()
        || url.password().is_some()
        || !is_youtube(url)
            && (parts(url).any(|(_, is_key)| is_key)
                || url.query_pairs().any(|(name, value)| is_secret_pair(&name, &value)))
}

/// A link's path with `…` for what looks like a key.
pub fn veiled_path(url: &Url) -> String {
    let parts: Vec<&str> =
        parts(url).map(|(part, is_key)| if is_key { "…" } else { part }).collect();
    parts.join("/")
}

/// A link's query with `…` for what is a secret; `None` where it has none.
pub fn veiled_query(url: &Url) -> Option<String> {
    url.query()?;
    let is_youtube = is_youtube(url);
    let pairs: Vec<String> = url
        .query_pairs()
        .map(|(name, value)| {
            let is_secret = !is_youtube && is_secret_pair(&name, &value);
            if is_secret { format!("{name}=…") } else { format!("{name}={value}") }
        })
        .collect();
    Some(pairs.join("&"))
}

/// A link that may stand in a file that is exported and shared: without user, password and secret
/// parameters.
pub fn without_secrets(url: &Url) -> Url {
    let mut url = url.clone();
    // Neither call fails on an http link, and other links have neither.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// The same for a link that a private feed names, whose query may carry its key.
pub fn without_query_secrets(url: &Url) -> Url {
    let mut url = without_secrets(url);
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, value)| !is_secret_pair(name, value))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    if url.query().is_some() && kept.len() < url.query_pairs().count() {
        if kept.is_empty() {
            url.set_query(None);
        } else {
            url.query_pairs_mut().clear().extend_pairs(kept);
        }
    }
    url
}

/// A link as it may be shared: without user, password and secret parameters; `None` where a key in its
/// path is the whole of it.
pub fn shareable(url: &Url) -> Option<Url> {
    let bare = without_query_secrets(url);
    (!holds_secret(&bare)).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_link_is_told_from_a_public_one() {
        let check = |link: &str, want: bool| {
            assert_eq!(holds_secret(&Url::parse(link).unwrap()), want, "{link}");
        };
        for private in [
            "https://ada:pw@example.org/feed",
            "https://ada@example.org/feed",
            "https://example.org/rss/show?auth=Xy7",
            "https://example.org/rss?x=0123456789abcdef0",
            "https://example.org/feeds/7Hq2mVw81LzPq0Rt/rss",
            "https://example.org/show/private/3f2a-77.rss",
        ] {
            check(private, true);
        }
        for public in [
            "https://example.org/feed.xml?format=rss&page=2",
            "https://example.org/shows/5ea17537-f11f-4532-8202-294d976b9d5c",
            "https://example.org/the-show-with-a-long-name-of-2026/feed",
            "https://www.youtube.com/feeds/videos.xml?channel_id=UCabcdefgh0123456789abcd",
            "https://www.youtube.com/channel/UCabcdefgh0123456789abcd",
        ] {
            check(public, false);
        }
    }

    #[test]
    fn what_is_shared_has_lost_the_secret_and_nothing_else() {
        let check = |link: &str, want: Option<&str>| {
            let shared = shareable(&Url::parse(link).unwrap());
            assert_eq!(shared.as_ref().map(Url::as_str), want, "{link}");
        };
        check("https://ada:pw@example.org/feed?a=1", Some("https://example.org/feed?a=1"));
        check("https://example.org/rss?token=x&a=1", Some("https://example.org/rss?a=1"));
        check("https://example.org/rss?token=x", Some("https://example.org/rss"));
        check("https://example.org/7Hq2mVw81LzPq0Rt/rss", None);
        let url = Url::parse("https://example.org/7Hq2mVw81LzPq0Rt/rss?key=1&b=2").unwrap();
        assert_eq!(veiled_path(&url), "/…/rss");
        assert_eq!(veiled_query(&url).as_deref(), Some("key=…&b=2"));
    }
}
