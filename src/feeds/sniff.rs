//! What a text is, by how it begins.

/// How much of a text is looked at, in bytes: a long licence in a comment may stand first.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Tags that a server's own warnings put before a feed.
const WARNING_TAGS: &[&str] = &["br", "b", "p", "pre", "div", "font"];

/// The forms of feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Xml,
    Json,
}

/// The form of a feed, or what else the text looks like, in words that fit behind “it is”.
pub(super) fn form(text: &str) -> Result<Form, &'static str> {
    let start =
        text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    let head = &start[..start.floor_char_boundary(HEAD_BYTES_MAX)];
    if head.is_empty() {
        return Err("empty");
    }
    if head.starts_with('{') {
        let version =
            head.contains("jsonfeed.org/version") || head.contains("jsonfeed.org\\/version");
        return if version { Ok(Form::Json) } else { Err("JSON of another kind") };
    }
    let is_rdf_feed = || {
        let lower = head.to_ascii_lowercase();
        ["purl.org/rss/", "purl.org/net/rss", "netscape.com/rdf/", "<channel", "<item"]
            .iter()
            .any(|mark| lower.contains(mark))
    };
    let mut rest = head;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        if let Some(bang) = rest.strip_prefix('!') {
            let name = bang.get(..12).unwrap_or(bang).to_ascii_lowercase();
            if name == "doctype html" {
                return Err("a web page");
            }
            // The inner part of a document type holds marks of its own.
            if name.starts_with("doctype") {
                let end = bang.find('>').unwrap_or(bang.len());
                let has_inner = bang[..end].contains('[');
                let end = if has_inner { bang.find(']').unwrap_or(bang.len()) } else { end };
                rest = &bang[end..];
            }
            continue;
        }
        let len =
            rest.find(|c: char| !(c.is_alphanumeric() || ":_-.".contains(c))).unwrap_or(rest.len());
        let name = rest[..len].to_ascii_lowercase();
        match name.rsplit(':').next().unwrap_or_default() {
            "rss" | "feed" | "channel" => return Ok(Form::Xml),
            // An entry may be a document of its own (RFC 4287, 2).
            "entry" if head.to_ascii_lowercase().contains("w3.org/2005/atom") => {
                return Ok(Form::Xml);
            }
            "rdf" if is_rdf_feed() => return Ok(Form::Xml),
            "" => {}
            "html" | "head" | "body" | "title" | "meta" | "script" => return Err("a web page"),
            "opml" => return Err("an OPML list of feeds"),
            "tt" | "timedtext" | "transcript" => return Err("a transcript"),
            "svg" => return Err("an image"),
            "urlset" | "sitemapindex" => return Err("a site map"),
            tag if WARNING_TAGS.contains(&tag) => {}
            _ => return Err("XML or HTML of another kind"),
        }
    }
    Err(if head.starts_with('<') { "XML or HTML of another kind" } else { "neither XML nor JSON" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_told_from_what_is_none() {
        let rdf = "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"";
        for feed in [
            "<rss version=\"2.0\">",
            "\u{feff} \n<?xml version=\"1.0\"?><!-- <html> --><rss>",
            "<RSS>",
            "<feed xmlns=\"http://www.w3.org/2005/Atom\">",
            "<a:feed>",
            "<channel>",
            "<!DOCTYPE rss [<!ENTITY html \"<html>\">]><rss>",
            "<!DOCTYPE rss PUBLIC \"-//N//DTD RSS 0.91//EN\" \"http://example.org/rss.dtd\"><rss>",
            "<br />\n<b>Warning</b>: no such file in <b>x.php</b><br />\n<rss>",
            &format!("{rdf} xmlns=\"http://purl.org/rss/1.0/\">"),
        ] {
            assert_eq!(form(feed), Ok(Form::Xml), "{feed:?}");
        }
        assert_eq!(form("{\"version\": \"https://jsonfeed.org/version/1.1\"}"), Ok(Form::Json));
        for (other, what) in [
            ("", "empty"),
            (" \n", "empty"),
            ("WEBVTT\n\n", "neither XML nor JSON"),
            ("<!doctype html><rss>", "a web page"),
            ("<html><body><rss>", "a web page"),
            ("<?xml version=\"1.0\"?><opml><rss>", "an OPML list of feeds"),
            ("<tt xmlns=\"http://www.w3.org/ns/ttml\">", "a transcript"),
            ("<timedtext>", "a transcript"),
            ("{\"version\": \"1.0.0\", \"segments\": []}", "JSON of another kind"),
            ("<svg>", "an image"),
            ("<note><rss>", "XML or HTML of another kind"),
            (&format!("{rdf}><foaf:Person/>"), "XML or HTML of another kind"),
        ] {
            assert_eq!(form(other), Err(what), "{other:?}");
        }
    }

    #[test]
    fn only_the_head_is_looked_at() {
        assert!(form(&format!("<!--{}--><rss>", "x".repeat(60_000))).is_ok());
        assert!(form(&format!("<!--{}--><rss>", "x".repeat(70_000))).is_err());
        assert!(form(&"<br>".repeat(1_000_000)).is_err());
    }
}
