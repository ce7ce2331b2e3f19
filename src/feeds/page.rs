//! What a web page says about feeds: the links in its head, and the channel of a YouTube page. A
//! scanner of its own, bounded in what it reads: of a page only a few tags matter.

use std::borrow::Cow;

use url::Url;

use crate::letters::decode::decode;
use crate::letters::entities::unescape;

use super::{TITLE_CHARS_MAX, links, place, text};

/// How much of a page is read, in bytes: the largest pages of YouTube have some 2 MB.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most feeds of one page that are told; a newspaper has one for each section.
pub const FEED_LINKS_MAX: usize = 20;

/// Most feeds of one page that are looked at before the best are chosen.
const CANDIDATES_MAX: usize = 500;

/// Longest tag of a language, in letters (RFC 5646, 4.4.1).
const LANGUAGE_LETTERS_MAX: usize = 35;

/// Attributes of one tag that are looked at.
const ATTRIBUTES_MAX: usize = 64;

/// Longest value of an attribute that is taken, in bytes; longer is passed over.
const VALUE_BYTES_MAX: usize = 16 * 1024;

/// Elements whose inside is not markup.
const RAW: &[&str] = &["script", "style", "textarea", "title", "noembed", "xmp"];

/// A feed that a page names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedLink {
    /// `http` or `https`, absolute.
    pub url: Url,
    /// As the page calls it: one line, at most [`TITLE_CHARS_MAX`] letters; may be empty.
    pub title: String,
}

/// The feeds that a page names in `<link rel="alternate">`, best first (RSS, Atom, other XML, JSON
/// Feed; feeds of comments last), each address once, at most [`FEED_LINKS_MAX`]. `charset` is what
/// the server named, `base` where the page came from. Only the first 4 MB are read.
pub fn feed_links(bytes: &[u8], charset: Option<&str>, base: &Url) -> Vec<FeedLink> {
    let text = head(bytes, charset);
    let mut document_base = None;
    let mut found: Vec<(u8, String, String)> = Vec::new();
    for tag in Tags::of(&text) {
        let href = tag.attribute("href").unwrap_or_default();
        match tag.name {
            // The first base holds, also for what stands before it.
            "base" if document_base.is_none() && !href.is_empty() => {
                document_base = links::http(&href, base);
            }
            "link" if !href.is_empty() && found.len() < CANDIDATES_MAX => {
                if let Some(rank) = rank(&tag) {
                    let title = tag.attribute("title").unwrap_or_default();
                    found.push((rank, href.into_owned(), text::line(&title, TITLE_CHARS_MAX)));
                }
            }
            _ => {}
        }
    }
    // A relative link would otherwise carry the page's user and password along.
    let base = links::without_secrets(document_base.as_ref().unwrap_or(base));
    let mut ranked: Vec<(u8, FeedLink)> = Vec::new();
    for (rank, href, title) in found {
        let Some(url) = links::http(&href, &base) else { continue };
        let rank = if is_of_comments(&url, &title) { rank + 10 } else { rank };
        ranked.push((rank, FeedLink { url, title }));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut best: Vec<FeedLink> = Vec::new();
    for (_, link) in ranked {
        if best.len() < FEED_LINKS_MAX && best.iter().all(|kept| kept.url != link.url) {
            best.push(link);
        }
    }
    best
}

/// The language that a page says it is in, as it writes it; many say what their template said.
pub fn language(bytes: &[u8], charset: Option<&str>) -> Option<String> {
    let text = head(bytes, charset);
    let tag = Tags::of(&text).find(|tag| tag.name == "html")?.attribute("lang")?.into_owned();
    let is_tag = (2..=LANGUAGE_LETTERS_MAX).contains(&tag.len())
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_tag.then_some(tag)
}

/// The id of the channel (`UC…`) of a YouTube page: of a channel's page its own, of a video's page
/// the one that published it. Only the first 4 MB are read.
pub fn youtube_channel(bytes: &[u8]) -> Option<String> {
    let text = head(bytes, Some("utf-8"));
    // What was found, by how sure it is.
    let mut in_tags: [Option<String>; 4] = Default::default();
    for tag in Tags::of(&text) {
        let value = |name: &str| tag.attribute(name).unwrap_or_default();
        let (kind, id) = match tag.name {
            "link" if has_word(&value("rel"), "alternate") => {
                (0, id_behind(&value("href"), "channel_id="))
            }
            "link" if has_word(&value("rel"), "canonical") => {
                (1, id_behind(&value("href"), "/channel/"))
            }
            "meta" if ["identifier", "channelid"].contains(&&*lower(&value("itemprop"))) => {
                (2, id_at(&value("content")))
            }
            "meta" if lower(&value("property")) == "og:url" => {
                (3, id_behind(&value("content"), "/channel/"))
            }
            _ => continue,
        };
        if id.is_some() && in_tags[kind].is_none() {
            in_tags[kind] = id;
        }
        if in_tags[0].is_some() {
            break;
        }
    }
    let in_scripts = || {
        let details = text.find("videoDetails").map_or("", |at| &text[at..]);
        in_script(&text, "externalId")
            .or_else(|| in_script(details, "channelId"))
            .or_else(|| in_script(&text, "externalChannelId"))
            .or_else(|| in_script(&text, "channelId"))
    };
    in_tags.into_iter().flatten().next().or_else(in_scripts)
}

/// The letters of a page's first megabytes.
fn head<'b>(bytes: &'b [u8], charset: Option<&str>) -> Cow<'b, str> {
    decode(&bytes[..bytes.len().min(PAGE_BYTES_MAX)], charset).text
}

/// How good a link to a feed is, lower being better; `None` for what leads to none.
fn rank(tag: &Tag<'_>) -> Option<u8> {
    let rel = tag.attribute("rel").unwrap_or_default();
    let is_alternate = has_word(&rel, "alternate") && !has_word(&rel, "stylesheet");
    if !is_alternate && !has_word(&rel, "feed") {
        return None;
    }
    let kind = lower(&tag.attribute("type").unwrap_or_default());
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/rss+xml" | "application/x-rss+xml" | "text/rss+xml" | "application/rss" => {
            Some(0)
        }
        "application/atom+xml" | "text/atom+xml" | "application/atom" => Some(1),
        "application/rdf+xml" | "application/xml" | "text/xml" => Some(2),
        "application/feed+json" => Some(3),
        "application/json" => {
            // A blog's interface for programs (`/wp-json/`) is announced alike.
            let href = tag.attribute("href").unwrap_or_default();
            (!href.contains("wp-json")).then_some(4)
        }
        // The older `rel="feed"` needs no type.
        "" if has_word(&rel, "feed") => Some(2),
        _ => None,
    }
}

/// Whether a feed has a page's comments, by its title in some languages or its path.
fn is_of_comments(url: &Url, title: &str) -> bool {
    let title = title.to_lowercase();
    let in_title = ["comment", "kommentar", "comentari", "comentário"];
    in_title.iter().any(|word| title.contains(word)) || lower(url.path()).contains("comments")
}

fn has_word(text: &str, word: &str) -> bool {
    text.split_ascii_whitespace().any(|w| w.eq_ignore_ascii_case(word))
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// The channel's id that a text begins with.
fn id_at(text: &str) -> Option<String> {
    let id = text.get(..24).filter(|id| place::is_channel(id))?;
    let goes_on =
        text[24..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    (!goes_on).then(|| id.to_owned())
}

fn id_behind(text: &str, mark: &str) -> Option<String> {
    id_at(&text[text.find(mark)? + mark.len()..])
}

/// The first `"key":"UC…"` of a script; in some pages its quotes are written `\"` or `\x22`.
fn in_script(text: &str, key: &str) -> Option<String> {
    let mut rest = text;
    while let Some(at) = rest.find(key) {
        rest = &rest[at + key.len()..];
        let between = rest.bytes().take(20).take_while(|b| b"\"\\x2: ".contains(b)).count();
        // No less than `":"`.
        if between >= 3
            && let Some(id) = id_at(&rest[between..])
        {
            return Some(id);
        }
    }
    None
}

/// An opening tag of a page.
struct Tag<'t> {
    /// In lower case; one of those that are asked for.
    name: &'static str,
    /// Names as they are written, values between their quotes.
    attributes: Vec<(&'t str, &'t str)>,
}

impl<'t> Tag<'t> {
    /// The value of an attribute by its name in lower case, without blanks around it.
    fn attribute(&self, name: &str) -> Option<Cow<'t, str>> {
        let (_, value) = self.attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(match unescape(value) {
            Cow::Borrowed(value) => Cow::Borrowed(value.trim()),
            Cow::Owned(value) => Cow::Owned(value.trim().to_owned()),
        })
    }
}

/// Tags that are asked for.
const WANTED: &[&str] = &["base", "html", "link", "meta"];

/// The tags of a page that are asked for, in its order. Every byte is looked at a fixed number of
/// times: what does not end, ends the reading.
struct Tags<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tags<'t> {
    fn of(text: &'t str) -> Tags<'t> {
        Tags { text, at: 0 }
    }

    /// Goes behind the next occurrence of a mark; to the end where there is none.
    fn skip_behind(&mut self, mark: &str) {
        let found = self.text[self.at..].find(mark);
        self.at = found.map_or(self.text.len(), |n| self.at + n + mark.len());
    }

    /// Goes to the closing tag of an element whose inside is not markup.
    fn skip_raw(&mut self, name: &str) {
        while let Some(n) = self.text[self.at..].find("</") {
            self.at += n + 2;
            let rest = &self.text[self.at..];
            if rest.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
                return;
            }
        }
        self.at = self.text.len();
    }

    /// The attributes up to the `>` that ends the tag; `None` where nothing ends it.
    fn attributes(&mut self) -> Option<Vec<(&'t str, &'t str)>> {
        let bytes = self.text.as_bytes();
        let mut found = Vec::new();
        let is_blank = |b: u8| b.is_ascii_whitespace() || b == b'/';
        loop {
            while self.at < bytes.len() && is_blank(bytes[self.at]) {
                self.at += 1;
            }
            let from = self.at;
            while self.at < bytes.len()
                && !is_blank(bytes[self.at])
                && !b"=>".contains(&bytes[self.at])
            {
                self.at += 1;
            }
            let name = &self.text[from..self.at];
            while self.at < bytes.len() && bytes[self.at].is_ascii_whitespace() {
                self.at += 1;
            }
            let mut value = "";
            if self.at < bytes.len() && bytes[self.at] == b'=' {
                self.at += 1;
                while self.at < bytes.len() && bytes[self.at].is_ascii_whitespace() {
                    self.at += 1;
                }
                value = self.value();
            } else if self.at >= bytes.len() {
                return None;
            } else if bytes[self.at] == b'>' {
                self.at += 1;
                if !name.is_empty() && found.len() < ATTRIBUTES_MAX {
                    found.push((name, value));
                }
                return Some(found);
            }
            if !name.is_empty() && found.len() < ATTRIBUTES_MAX && value.len() <= VALUE_BYTES_MAX {
                found.push((name, value));
            }
        }
    }

    /// An attribute's value, with or without quotes.
    fn value(&mut self) -> &'t str {
        let rest = &self.text[self.at..];
        let quote = rest.chars().next().filter(|c| *c == '"' || *c == '\'');
        let (from, len, behind) = match quote {
            Some(quote) => match rest[1..].find(quote) {
                Some(len) => (1, len, 1),
                None => (1, rest.len() - 1, 0),
            },
            None => {
                let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '>');
                (0, end.unwrap_or(rest.len()), 0)
            }
        };
        self.at += from + len + behind;
        &rest[from..from + len]
    }
}

impl<'t> Iterator for Tags<'t> {
    type Item = Tag<'t>;

    fn next(&mut self) -> Option<Tag<'t>> {
        loop {
            self.skip_behind("<");
            let rest = &self.text[self.at..];
            if rest.is_empty() {
                return None;
            }
            if rest.starts_with("!--") {
                // `<!-->` is a whole comment to a browser.
                self.at += 1;
                self.skip_behind("--");
                self.skip_behind(">");
                continue;
            }
            let len = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
            let ends = rest
                .as_bytes()
                .get(len)
                .is_none_or(|b| b.is_ascii_whitespace() || b"/>".contains(b));
            if !ends || len == 0 || len > 10 {
                continue;
            }
            let is = |name: &&&str| rest[..len].eq_ignore_ascii_case(name);
            self.at += len;
            if let Some(name) = RAW.iter().find(is) {
                self.attributes()?;
                self.skip_raw(name);
            } else if let Some(name) = WANTED.iter().find(is) {
                let attributes = self.attributes()?;
                return Some(Tag { name, attributes });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: &str = "UCabcdefghij_klmnopqrs-t";

    fn base() -> Url {
        Url::parse("https://me:secret@example.org/blog/post").unwrap()
    }

    fn check(html: &str, want: &[(&str, &str)]) {
        let found = feed_links(html.as_bytes(), None, &base());
        let found: Vec<_> = found.iter().map(|f| (f.url.as_str(), f.title.as_str())).collect();
        assert_eq!(found, want, "{html}");
    }

    #[test]
    fn the_feeds_of_a_page_come_best_first_and_comments_last() {
        check(
            "<!doctype html><html><head><title>A <link rel=alternate type=application/rss+xml href=/no></title>
             <link rel='alternate' type='application/json' href='/wp-json/x'>
             <link rel=alternate type=application/feed+json href=/f.json>
             <link rel=\"alternate\" type=\"application/rss+xml\" title=\"Comments &raquo; on it\" href=\"/c\">
             <LINK HREF='feed.xml?a=1&amp;b=2' TYPE='Application/RSS+XML; charset=x' REL='home ALTERNATE' TITLE=' The\n &#8216;show&#8217; '/>
             <link rel=alternate type=application/atom+xml href=//cdn.example/atom>
             <link rel=alternate type=application/rss+xml href=/post/comments/feed/>
             <link rel=feed href=/plain><link rel=alternate hreflang=de href=/de>
             <link rel=stylesheet href=/s.css><link rel='alternate stylesheet' type=text/xml href=/x>
             <link rel=alternate type=application/rss+xml href=feed.xml?a=1&b=2>",
            &[
                ("https://example.org/blog/feed.xml?a=1&b=2", "The ‘show’"),
                ("https://cdn.example/atom", ""),
                ("https://example.org/plain", ""),
                ("https://example.org/f.json", ""),
                ("https://example.org/c", "Comments » on it"),
                ("https://example.org/post/comments/feed/", ""),
            ],
        );
    }

    #[test]
    fn a_page_says_its_language_or_none() {
        for (html, want) in [
            ("<!doctype html><HTML class=x LANG=' pt-BR '><p lang=de>", Some("pt-BR")),
            ("<html><p lang=de>", None),
            ("<html lang=\"\">", None),
            ("<html lang='../x'>", None),
            ("<html lang=x>", None),
            ("", None),
        ] {
            assert_eq!(language(html.as_bytes(), None).as_deref(), want, "{html}");
        }
        let long = |letters| format!("<html lang={}>", "x".repeat(letters));
        assert!(language(long(LANGUAGE_LETTERS_MAX).as_bytes(), None).is_some());
        assert!(language(long(LANGUAGE_LETTERS_MAX + 1).as_bytes(), None).is_none());
    }

    #[test]
    fn the_first_base_of_the_document_holds_for_all_links() {
        check(
            "<link rel=alternate type=application/rss+xml href=feed><base target=_top>
             <base href='//cdn.example/x/'><base href='https://no.example/'>",
            &[("https://cdn.example/x/feed", "")],
        );
        check(
            "<base href='javascript:1'><link rel=alternate type=text/xml href=feed>",
            &[("https://example.org/blog/feed", "")],
        );
    }

    #[test]
    fn only_links_to_the_web_leave_a_page() {
        for bad in ["", "javascript:alert(1)", "JAVA\tSCRIPT:x", "data:,x", "file:///etc/passwd"] {
            check(&format!("<link rel=alternate type=application/rss+xml href='{bad}'>"), &[]);
        }
    }

    #[test]
    fn what_is_no_markup_is_passed_over() {
        let link = "<link rel=alternate type=application/rss+xml href=/no>";
        for html in [
            format!("<!-- {link} -->"),
            format!("<!-- {link}"),
            format!("<script>'{link}'</script >"),
            format!("<STYLE a='>'>{link}</style>"),
            format!("<textarea>{link}"),
            format!("<a title='{link}'>"),
            "<linkrel=alternate type=application/rss+xml href=/no>".to_owned(),
        ] {
            let html = if html.starts_with("<a ") { html.replace("<a ", "<meta ") } else { html };
            check(&html, &[]);
        }
        check(&format!("<!--><script/></script>{link}"), &[("https://example.org/no", "")]);
    }

    #[test]
    fn a_page_in_another_encoding_is_read() {
        let html = "<meta charset=windows-1251><link rel=alternate type=application/rss+xml title=";
        let bytes = [html.as_bytes(), b"\xcf\xee\xe4\xea\xe0\xf1\xf2 href=/f>"].concat();
        assert_eq!(feed_links(&bytes, None, &base())[0].title, "Подкаст");
        let bytes = b"<link rel=alternate type=text/xml title=caf\xe9 href=/f>";
        assert_eq!(feed_links(bytes, Some("latin1"), &base())[0].title, "café");
    }

    #[test]
    fn bounds_are_kept_on_both_sides() {
        let link = |n: usize| format!("<link rel=alternate type=application/rss+xml href=/{n}>");
        let many = |count: usize| {
            let html: String = (0..count).map(link).collect();
            feed_links(html.as_bytes(), None, &base()).len()
        };
        assert_eq!((many(FEED_LINKS_MAX), many(FEED_LINKS_MAX + 1)), (20, 20));
        assert_eq!((many(FEED_LINKS_MAX - 1), many(10_000)), (19, 20));
        let behind = |bytes: usize| format!("{}{}", " ".repeat(bytes), link(1));
        let fits = behind(PAGE_BYTES_MAX - link(1).len());
        assert_eq!(feed_links(fits.as_bytes(), None, &base()).len(), 1);
        assert!(feed_links((fits + " ").as_bytes(), None, &base()).len() == 1);
        let over = behind(PAGE_BYTES_MAX - link(1).len() + 1);
        assert!(feed_links(over.as_bytes(), None, &base()).is_empty());
    }

    #[test]
    fn the_channel_of_a_youtube_page_is_found_wherever_it_stands() {
        let check = |html: &str, want: bool| {
            let found = youtube_channel(html.as_bytes());
            assert_eq!(found.as_deref(), want.then_some(CHANNEL), "{html}");
        };
        let other = "UCzzzzzzzzzzzzzzzzzzzzzz";
        let feed = "https://www.youtube.com/feeds/videos.xml?channel_id=";
        check(&format!("<script>{{\"channelId\":\"{other}\"}}</script><link rel=\"canonical\" href=\"/channel/{other}\">
            <link rel=\"alternate\" type=\"application/rss+xml\" title=\"RSS\" href=\"{feed}{CHANNEL}\">"), true);
        check(
            &format!("<link rel=canonical href=https://www.youtube.com/channel/{CHANNEL}>"),
            true,
        );
        check(
            &format!(
                "<meta itemprop=\"identifier\" content=\"a-b_c0123Zz\"><meta itemprop=\"channelId\" content=\"{CHANNEL}\">"
            ),
            true,
        );
        check(
            &format!(
                "<meta property=\"og:url\" content=\"https://www.youtube.com/channel/{CHANNEL}\">"
            ),
            true,
        );
        check(&format!("<script>{{\"channelId\":\"{other}\",\"externalId\":\"{CHANNEL}\"}}"), true);
        check(
            &format!(
                "{{\"channelId\":\"{other}\"}},\"videoDetails\":{{\"videoId\":\"x\",\"channelId\" : \"{CHANNEL}\"}}"
            ),
            true,
        );
        check(&format!("x\\x22externalId\\x22:\\x22{CHANNEL}\\x22"), true);
        check(&format!("{{\\\"channelId\\\":\\\"{CHANNEL}\\\"}}"), true);
        check(&format!("\"channelId\":\"{CHANNEL}0\""), false);
        check("\"channelId\":\"UCabc\"", false);
        check("<link rel=alternate href='https://m.youtube.com/@name'>", false);
        check("", false);
    }

    #[test]
    fn hostile_pages_end_soon() {
        // Ten megabytes of the shortest, and one of each; a quadratic reader takes hours.
        let check = |piece: &str, bytes: usize| {
            let html = piece.repeat(bytes / piece.len());
            let _ = feed_links(html.as_bytes(), None, &base());
            let _ = youtube_channel(html.as_bytes());
        };
        check("<link", 10 * 1024 * 1024);
        for piece in [
            "<link",
            "<link ",
            "<link rel=alternate href=\"",
            "<link a='",
            "<link a='b\"",
            "<",
            "</",
            "<!--",
            "<!-- --",
            "<script>",
            "</script",
            "<title>",
            "<link a=",
            "<link =",
            "<link a a ",
            "<base href=a>",
            "<link rel=alternate type=text/xml href=a>",
            "externalId",
            "\"channelId\":\"UC",
            "&amp;",
            "videoDetails",
            "<link x='&&&&'>",
        ] {
            check(piece, 1024 * 1024);
        }
    }
}
