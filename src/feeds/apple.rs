//! What Apple's public lookup says about a show: above all, where its feed is. Only reading; the
//! question is [`super::place::apple_lookup`]'s.

use serde_json::Value;
use url::Url;

use crate::letters::decode::decode;

use super::{TITLE_CHARS_MAX, links, text};

/// A show as Apple knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct AppleShow {
    /// The show's own feed, `http` or `https`.
    pub feed_url: Url,
    /// One line, at most [`TITLE_CHARS_MAX`] letters; may be empty.
    pub title: String,
    /// The largest picture that is named.
    pub image_url: Option<Url>,
}

/// Why an answer of Apple's names no feed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppleError {
    /// The answer is not JSON.
    #[error(
        "Apple's answer cannot be read: line {line}, column {column} is not as JSON should be. Try \
         again later, or give the link to the show's feed."
    )]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// It is JSON of another form.
    #[error(
        "Apple's answer has no list of results. Try again later, or give the link to the show's \
         feed."
    )]
    NoList,
    /// Apple knows no such show.
    #[error(
        "Apple Podcasts knows no show with this number: it may have been taken down. Look whether \
         the link still opens, or give the link to the show's feed."
    )]
    NoShow,
    /// The show has no public feed. The show's title, which may be empty.
    #[error(
        "{named} is played by Apple alone and has no public feed, so it cannot be followed. Look on \
         the show's own website for “RSS”, or on YouTube.",
        named = named(.0)
    )]
    NoFeed(String),
}

fn named(title: &str) -> String {
    if title.is_empty() { "This show".to_owned() } else { format!("The show “{title}”") }
}

/// Reads an answer of Apple's lookup (`{"resultCount", "results": [{"kind": "podcast", "feedUrl",
/// "collectionName", "artworkUrl600", …}]}`). Fields of the wrong kind count as absent.
///
/// # Errors
/// [`AppleError::Json`] for broken JSON, [`AppleError::NoList`] for other JSON,
/// [`AppleError::NoShow`] for no result, [`AppleError::NoFeed`] where none has a feed that is a
/// link to the web.
pub fn lookup(bytes: &[u8]) -> Result<AppleShow, AppleError> {
    let text = decode(bytes, None).text;
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| AppleError::Json { line: error.line(), column: error.column() })?;
    let list = value.get("results").and_then(Value::as_array).ok_or(AppleError::NoList)?;
    // An episode has its show's feed too, and no artist or album has one.
    let is_show = |result: &&Value| string(result, "kind") == "podcast";
    let shows = list.iter().filter(is_show).chain(list.iter().filter(|r| !is_show(r)));
    let mut without_feed = None;
    for result in shows {
        let name = match string(result, "collectionName") {
            "" => string(result, "trackName"),
            name => name,
        };
        let title = text::line(name, TITLE_CHARS_MAX);
        let feed_url = web(string(result, "feedUrl"));
        let Some(feed_url) = feed_url else {
            without_feed.get_or_insert(title);
            continue;
        };
        let image_url = ["artworkUrl600", "artworkUrl100", "artworkUrl60", "artworkUrl30"]
            .iter()
            .find_map(|name| web(string(result, name)));
        return Ok(AppleShow { feed_url, title, image_url });
    }
    Err(without_feed.map_or(AppleError::NoShow, AppleError::NoFeed))
}

fn string<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// An absolute link to the web.
fn web(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    links::http(text, &url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feed_of_the_show_is_found_among_results() {
        let check = |json: &str, want: (&str, &str, Option<&str>)| {
            let show = lookup(json.as_bytes()).unwrap();
            let image = show.image_url.as_ref().map(Url::as_str);
            assert_eq!((show.feed_url.as_str(), show.title.as_str(), image), want, "{json}");
        };
        check(
            "\n\n{\"resultCount\": 1, \"results\": [{\"wrapperType\": \"track\", \"kind\": \"podcast\", \"collectionName\":
             \" Rivers\\n & Bees \", \"feedUrl\": \"https://rivers.example/feed\", \"artworkUrl60\":
             \"https://i.example/60.jpg\", \"artworkUrl600\": \"https://i.example/600.jpg\"}]}",
            ("https://rivers.example/feed", "Rivers & Bees", Some("https://i.example/600.jpg")),
        );
        check(
            r#"{"results": [{"kind": "podcast-episode", "feedUrl": "https://a.example/e"},
                {"kind": "podcast", "trackName": "T", "collectionName": 7, "feedUrl": "http://a.example/f",
                 "artworkUrl600": "javascript:alert(1)", "artworkUrl30": "http://i.example/30"}]}"#,
            ("http://a.example/f", "T", Some("http://i.example/30")),
        );
        check(
            r#"{"results": [{"kind": "podcast"}, {"feedUrl": "https://a.example/f"}]}"#,
            ("https://a.example/f", "", None),
        );
    }

    #[test]
    fn what_names_no_feed_is_told_in_a_sentence() {
        let check = |bytes: &[u8], want: AppleError| {
            let said = want.to_string();
            assert_eq!(lookup(bytes), Err(want));
            assert!(said.ends_with('.') && said.len() < 250, "{said}");
        };
        check(b"", AppleError::Json { line: 1, column: 0 });
        check(b"<html>", AppleError::Json { line: 1, column: 1 });
        check(&b"[".repeat(100_000), AppleError::Json { line: 1, column: 128 });
        check(b"{}", AppleError::NoList);
        check(b"[]", AppleError::NoList);
        check(b"{\"results\": {}}", AppleError::NoList);
        check(b"{\"resultCount\": 0, \"results\": []}", AppleError::NoShow);
        let without = br#"{"results": [{"kind": "podcast", "collectionName": "Alone"}]}"#;
        check(without, AppleError::NoFeed("Alone".to_owned()));
        for bad in ["", "file:///etc/passwd", "javascript:alert(1)", "/feed", "feed"] {
            let json = format!(r#"{{"results": [{{"feedUrl": "{bad}"}}]}}"#);
            check(json.as_bytes(), AppleError::NoFeed(String::new()));
        }
        check(b"{\"results\": [7, null, {\"feedUrl\": 8}]}", AppleError::NoFeed(String::new()));
    }
}
