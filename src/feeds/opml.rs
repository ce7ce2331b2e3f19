//! Lists of subscriptions: OPML as other programs write it, and the table of YouTube channels that
//! Google's Takeout gives. Read into one flat list, written as OPML 2.0. Nothing is fetched and no
//! entity of a document's own is expanded; what a link leads to is [`super::place`]'s to say.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

use url::Url;

use crate::letters::decode::{Decoded, decode};

use super::xml::{Piece, Pieces, Tag, lowered};
use super::{TITLE_CHARS_MAX, links, place, sniff, text};

/// Most subscriptions of one list that are read; how many were left out is a warning.
pub const OUTLINES_MAX: usize = 50_000;

/// How deep folders are kept; what lies deeper is put into the last.
pub const FOLDERS_MAX: usize = 64;

/// Most columns of a table that are looked at.
const COLUMNS_MAX: usize = 32;

/// A list of subscriptions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opml {
    /// One line, at most [`TITLE_CHARS_MAX`] letters; may be empty.
    pub title: String,
    /// In the document's order, each link once, at most [`OUTLINES_MAX`].
    pub outlines: Vec<Outline>,
    /// Sentences about what was left out or could not be read; empty for a sound list.
    pub warnings: Vec<String>,
}

/// One subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// One line, at most [`TITLE_CHARS_MAX`] letters; may be empty.
    pub title: String,
    /// The feed's link as it is written, at most 8 KB and never empty; schemes such as `feed:` are
    /// made `https`, and no other scheme than the web's is in it. It may be no link at all:
    /// [`place::place`] says.
    pub url: String,
    /// The show's page.
    pub html_url: Option<Url>,
    /// From the outermost, at most [`FOLDERS_MAX`], none empty.
    pub folders: Vec<String>,
}

/// Why bytes are no list of subscriptions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpmlError {
    /// There is nothing in it.
    #[error("The file is empty. Export the list of subscriptions from the other program again.")]
    Empty,
    /// A feed, which is followed by its link.
    #[error(
        "This is not a list of subscriptions: it is a single feed. Follow it by its link instead."
    )]
    Feed,
    /// Something else, in words that fit behind “it is”.
    #[error(
        "This is not a list of subscriptions: it is {0}. Export one from the other program as OPML, \
         or from Google Takeout as a table of YouTube subscriptions."
    )]
    NotAList(&'static str),
}

/// Reads a list of subscriptions: OPML of any version, or Takeout's table of channels in any
/// language. `charset` is what the server named, if one did. A file that breaks off or is broken
/// in places keeps what could be read, with a sentence in [`Opml::warnings`].
///
/// # Errors
/// [`OpmlError`] by the first element, or by the first rows of a table.
pub fn read(bytes: &[u8], charset: Option<&str>) -> Result<Opml, OpmlError> {
    if bytes.starts_with(b"\x1f\x8b") {
        return Err(OpmlError::NotAList("a gzip archive; unpack it first"));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(OpmlError::NotAList("a ZIP archive; unpack it first"));
    }
    let Decoded { text, damaged, .. } = decode(bytes, charset);
    let mut list = match sniff::form(&text) {
        Err("an OPML list of feeds") => document(&text),
        Err("empty") => return Err(OpmlError::Empty),
        Ok(_) => return Err(OpmlError::Feed),
        Err("neither XML nor JSON") => match table(&text) {
            Some(list) => list,
            None => {
                return Err(OpmlError::NotAList(
                    "neither XML nor a table with channels of YouTube",
                ));
            }
        },
        Err(what) => return Err(OpmlError::NotAList(what)),
    };
    if damaged {
        list.warnings.push(
            "Some letters of the list are not in its encoding and may show wrongly.".to_owned(),
        );
    }
    Ok(list)
}

/// Writes OPML 2.0, in the list's order; neighbours in the same folder share it. Control characters
/// are dropped, an outline without a link is left out. The same list gives the same text, and
/// [`read`] gives the list back.
pub fn write(title: &str, outlines: &[Outline]) -> String {
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\">\n");
    let _ = write!(out, "  <head>\n    <title>{}</title>\n  </head>\n  <body>\n", escaped(title));
    let mut open: Vec<&str> = Vec::new();
    for outline in outlines {
        let url = escaped(outline.url.trim());
        if url.is_empty() {
            continue;
        }
        let folders: Vec<&str> = outline
            .folders
            .iter()
            .map(String::as_str)
            .filter(|f| !f.is_empty())
            .take(FOLDERS_MAX)
            .collect();
        let same = open.iter().zip(&folders).take_while(|(a, b)| a == b).count();
        while open.len() > same {
            open.pop();
            let _ = writeln!(out, "{}</outline>", indent(open.len()));
        }
        for folder in &folders[same..] {
            let _ = writeln!(out, "{}<outline text=\"{}\">", indent(open.len()), escaped(folder));
            open.push(folder);
        }
        // The standard asks for a text; a program that shows it alone shows the link then.
        let title = escaped(&outline.title);
        let shown = if title.is_empty() { url.clone() } else { title.clone() };
        let _ = write!(out, "{}<outline type=\"rss\" text=\"{shown}\"", indent(open.len()));
        if !title.is_empty() {
            let _ = write!(out, " title=\"{title}\"");
        }
        let _ = write!(out, " xmlUrl=\"{url}\"");
        if let Some(page) = &outline.html_url {
            let _ = write!(out, " htmlUrl=\"{}\"", escaped(page.as_str()));
        }
        out.push_str("/>\n");
    }
    while open.pop().is_some() {
        let _ = writeln!(out, "{}</outline>", indent(open.len()));
    }
    out.push_str("  </body>\n</opml>\n");
    out
}

fn indent(folders: usize) -> String {
    " ".repeat(4 + 2 * folders)
}

/// Text as XML takes it, in one line.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => out.push(' '),
            // No XML may hold these, not even escaped.
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// What is gathered from a document or a table.
#[derive(Default)]
struct Gathered {
    outlines: Vec<Outline>,
    urls: HashSet<String>,
    doubled: usize,
    surplus: usize,
    without_link: usize,
    not_web: usize,
}

impl Gathered {
    fn add(&mut self, outline: Outline) {
        if self.urls.contains(&outline.url) {
            self.doubled += 1;
        } else if self.outlines.len() >= OUTLINES_MAX {
            self.surplus += 1;
        } else {
            self.urls.insert(outline.url.clone());
            self.outlines.push(outline);
        }
    }

    fn done(self, title: String, mut warnings: Vec<String>) -> Opml {
        let mut tell = |count: usize, one: &str, many: &str| match count {
            0 => {}
            1 => warnings.push(format!("One entry {one}")),
            _ => warnings.push(format!("{count} entries {many}")),
        };
        tell(
            self.without_link,
            "has no link to a feed and was left out.",
            "have no link to a feed and were left out.",
        );
        tell(
            self.not_web,
            "has a link that does not lead to the web and was left out.",
            "have a link that does not lead to the web and were left out.",
        );
        tell(
            self.doubled,
            "has the same link as one before it and was left out.",
            "have the same link as one before them and were left out.",
        );
        if self.surplus > 0 {
            warnings.push(format!(
                "The list has more than {OUTLINES_MAX} subscriptions; the first {OUTLINES_MAX} were \
                 read and {} left out.",
                self.surplus
            ));
        }
        Opml { title, outlines: self.outlines, warnings }
    }
}

/// An OPML document.
fn document(text: &str) -> Opml {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    let mut pieces = Pieces::of(text);
    let mut gathered = Gathered::default();
    // For each open outline whether it is a folder; those beyond the bound are only counted.
    let mut open: Vec<bool> = Vec::new();
    let mut deeper = 0usize;
    let mut folders: Vec<String> = Vec::new();
    let mut is_too_deep = false;
    let (mut title, mut in_title, mut has_title) = (String::new(), false, false);
    let (mut ended, mut began_body) = (false, false);
    for piece in pieces.by_ref() {
        match piece {
            Piece::Open(tag) => match &*local(tag.name) {
                "outline" => {
                    in_title = false;
                    began_body = true;
                    let (outline, name) = outline(&tag, &folders, &mut gathered);
                    let is_folder = outline.is_none() && !name.is_empty();
                    if let Some(outline) = outline {
                        gathered.add(outline);
                    }
                    if open.len() < FOLDERS_MAX {
                        open.push(is_folder);
                        if is_folder {
                            folders.push(name);
                        }
                    } else {
                        deeper += 1;
                        is_too_deep |= is_folder;
                    }
                }
                "body" => (began_body, in_title) = (true, false),
                "title" => in_title = !began_body && !has_title,
                _ => {}
            },
            Piece::Words(words) => {
                let left = (TITLE_CHARS_MAX * 4).saturating_sub(title.len());
                if in_title {
                    // An entity has up to ten letters for one.
                    let words = words.read(left * 10);
                    title.push_str(&words[..words.floor_char_boundary(left)]);
                }
            }
            Piece::Close(name) => match &*local(name) {
                "outline" if deeper > 0 => deeper -= 1,
                "outline" => {
                    let was_folder = open.pop() == Some(true);
                    if was_folder {
                        folders.pop();
                    }
                }
                "title" => {
                    has_title |= in_title;
                    in_title = false;
                }
                "opml" => ended = true,
                _ => {}
            },
        }
    }
    let mut warnings = Vec::new();
    if is_too_deep {
        warnings.push(format!(
            "The folders nest more than {FOLDERS_MAX} deep; what lies deeper was put into the last."
        ));
    }
    if let Some(line) = pieces.broken_line {
        let end =
            if pieces.gave_up() { "; it was read up to where too much was broken" } else { "" };
        warnings.push(format!(
            "The list's XML is broken at line {line}{end}. Some subscriptions may be missing."
        ));
    } else if !ended {
        warnings.push(
            "The list breaks off before its end. Some subscriptions may be missing.".to_owned(),
        );
    }
    gathered.done(text::line(&title, TITLE_CHARS_MAX), warnings)
}

/// A name without its prefix, in lower case.
fn local(name: &str) -> Cow<'_, str> {
    lowered(name.rsplit(':').next().unwrap_or(name))
}

/// The subscription that a tag is, if it is one, and the name that it has as a folder.
fn outline(
    tag: &Tag<'_>,
    folders: &[String],
    gathered: &mut Gathered,
) -> (Option<Outline>, String) {
    let name = tag.attribute("title").or(tag.attribute("text")).unwrap_or_default();
    let title = text::line(&name, TITLE_CHARS_MAX);
    let kind = tag.attribute("type").unwrap_or_default().to_ascii_lowercase();
    // What the standard calls a link or an inclusion is a page or another list, unless it names a
    // feed.
    let leads_elsewhere = kind == "link" || kind == "include";
    let written = tag.attribute("xmlurl").or(tag.attribute("feedurl"));
    let written = written.or_else(|| tag.attribute("url").filter(|_| !leads_elsewhere));
    let Some(written) = written else {
        let says_feed = matches!(kind.as_str(), "rss" | "atom" | "feed" | "podcast" | "rdf");
        gathered.without_link += usize::from(leads_elsewhere || says_feed);
        return (None, title);
    };
    let Some(url) = link(&written) else {
        gathered.not_web += 1;
        return (None, title);
    };
    let html_url = tag.attribute("htmlurl").and_then(|page| {
        let absolute = Url::parse(&page).ok()?;
        links::http(&page, &absolute)
    });
    let title =
        if tag.attribute("title").is_none() && title == url { String::new() } else { title };
    (Some(Outline { title, url, html_url, folders: folders.to_vec() }), String::new())
}

/// A link as it is written; those of other programs made `https`. `None` for what leads elsewhere
/// than to the web, and for more than 8 KB.
fn link(written: &str) -> Option<String> {
    let clean: String = written.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.trim();
    if clean.is_empty() || clean.len() > links::LINK_BYTES_MAX {
        return None;
    }
    match place::web_link(clean) {
        Ok(url) if place::is_of_a_program(clean) => Some(url.into()),
        Err(place::PlaceError::Scheme(_)) => None,
        _ => Some(clean.to_owned()),
    }
}

/// The table of channels that Takeout gives: a row is one if a field is a channel's id or leads to
/// a channel; the title is the last other field. `None` where no row is one.
fn table(text: &str) -> Option<Opml> {
    let text = text.trim_start_matches('\u{feff}');
    let head = &text[..text.floor_char_boundary(4096)];
    // Some spreadsheets write another mark between fields.
    let mark = [',', ';', '\t'].into_iter().max_by_key(|mark| head.matches(*mark).count())?;
    let mut gathered = Gathered::default();
    let mut rows = 0usize;
    let mut is_first = true;
    for row in Rows::of(text, mark) {
        let Some(id) = row.iter().find_map(|field| channel(field)) else {
            // The first row is the head of the table, in whatever language.
            gathered.without_link += usize::from(!is_first);
            is_first = false;
            continue;
        };
        is_first = false;
        rows += 1;
        let is_title = |field: &&String| channel(field).is_none() && !field.contains("://");
        let title = row.iter().rev().find(is_title).map(String::as_str).unwrap_or_default();
        gathered.add(Outline {
            title: text::line(title, TITLE_CHARS_MAX),
            url: format!("https://www.youtube.com/feeds/videos.xml?channel_id={id}"),
            html_url: Url::parse(&format!("https://www.youtube.com/channel/{id}")).ok(),
            folders: Vec::new(),
        });
    }
    (rows > 0).then(|| gathered.done(String::new(), Vec::new()))
}

/// The id of the channel that a field is or leads to.
fn channel(field: &str) -> Option<String> {
    let field = field.trim();
    if place::is_channel(field) {
        return Some(field.to_owned());
    }
    let is_link = field.contains("youtube.com/channel/");
    match place::place(field) {
        Ok(place::Place::YoutubeChannel(id)) if is_link => Some(id),
        _ => None,
    }
}

/// The rows of a table (RFC 4180): fields may be in quotation marks, and hold line ends then.
struct Rows<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    mark: char,
}

impl Rows<'_> {
    fn of(text: &str, mark: char) -> Rows<'_> {
        Rows { rest: text.chars().peekable(), mark }
    }
}

impl Iterator for Rows<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        loop {
            self.rest.peek()?;
            let mut row = vec![String::new()];
            let mut quoted = false;
            while let Some(c) = self.rest.next() {
                let last = row.len() - 1;
                match c {
                    '"' if quoted && self.rest.peek() == Some(&'"') => {
                        self.rest.next();
                        row[last].push('"');
                    }
                    '"' if quoted => quoted = false,
                    '"' if row[last].is_empty() => quoted = true,
                    '\n' if !quoted => break,
                    c if c == self.mark && !quoted && row.len() < COLUMNS_MAX => {
                        row.push(String::new());
                    }
                    c => row[last].push(c),
                }
            }
            if row.iter().any(|field| !field.trim().is_empty()) {
                return Some(row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(text: &str) -> Opml {
        read(text.as_bytes(), None).unwrap()
    }

    fn body(outlines: &str) -> Opml {
        list(&format!("<opml version=\"2.0\"><head/><body>{outlines}</body></opml>"))
    }

    /// Folders, title and link of each outline in one line.
    fn lines(list: &Opml) -> Vec<String> {
        list.outlines
            .iter()
            .map(|o| format!("{}|{}|{}", o.folders.join("/"), o.title, o.url))
            .collect()
    }

    #[test]
    fn outlines_come_in_order_with_their_folders() {
        let found = list(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- <html> --><opml version=\"1.0\"><head><title> My &amp; shows\n</title></head><body>
             <outline text=\"Folder one\"><outline type=\"rss\" text=\"A\" title=\"\" xmlUrl=\" https://a.example/f \" htmlUrl=\"https://a.example\"/>
               <outline title='Inner' text='no'><outline text='B' XMLURL='https://b.example/f' htmlUrl='javascript:1'></outline></outline>
             </outline>
             <OUTLINE Text='text' Title='C' xmlurl='https://c.example/f?a=1&amp;b=2&c=3'/>
             <outline><outline type=atom text='d' url='https://d.example/f'/></outline></body></opml>",
        );
        assert_eq!((found.title.as_str(), &found.warnings), ("My & shows", &vec![]));
        assert_eq!(
            lines(&found),
            [
                "Folder one|A|https://a.example/f",
                "Folder one/Inner|B|https://b.example/f",
                "|C|https://c.example/f?a=1&b=2&c=3",
                "|d|https://d.example/f",
            ]
        );
        let pages: Vec<_> = found.outlines.iter().map(|o| o.html_url.is_some()).collect();
        assert_eq!(pages, [true, false, false, false]);
    }

    #[test]
    fn links_are_kept_as_written_and_lead_to_the_web_only() {
        let check = |written: &str, want: &str| {
            let found = body(&format!("<outline text='T' xmlUrl='{written}'/>"));
            assert_eq!(found.outlines.first().map_or("", |o| &o.url), want, "{written}");
            assert_eq!(found.outlines.is_empty(), !found.warnings.is_empty(), "{written}");
        };
        check("http://a.example", "http://a.example");
        check("http://a.&#10;example/x\ty", "http://a.example/xy");
        check("https://me:secret@a.example/f", "https://me:secret@a.example/f");
        check("feed://a.example/f", "https://a.example/f");
        check("feed:http://a.example/f", "http://a.example/f");
        check("itpc://a.example/f", "https://a.example/f");
        check("a.example/f", "a.example/f");
        check("no link", "no link");
        for bad in [
            "javascript:alert(1)",
            "JavaScript:1",
            "file:///etc/passwd",
            "data:,x",
            "ftp://a.example/f",
        ] {
            check(bad, "");
        }
        let long = |bytes: usize| format!("https://a.example/{}", "x".repeat(bytes - 18));
        check(&long(links::LINK_BYTES_MAX), &long(links::LINK_BYTES_MAX));
        check(&long(links::LINK_BYTES_MAX + 1), "");
    }

    #[test]
    fn what_is_left_out_is_told_with_its_number() {
        let check = |outlines: &str, count: usize, warnings: &[&str]| {
            let found = body(outlines);
            assert_eq!(found.outlines.len(), count, "{outlines}");
            assert_eq!(found.warnings, warnings, "{outlines}");
        };
        check(
            "<outline type='link' text='a' url='https://a.example'/><outline type='Include' url='b'/>
             <outline type='rss' text='c' xmlUrl=''/>",
            0,
            &["3 entries have no link to a feed and were left out."],
        );
        check("<outline type='link' text='a' xmlUrl='https://a.example'/>", 1, &[]);
        check("<outline text='only words'/><outline text='a folder'><outline/></outline>", 0, &[]);
        check(
            "<outline xmlUrl='https://a.example'/><outline text='x'><outline xmlUrl='https://a.example'/></outline>",
            1,
            &["One entry has the same link as one before it and was left out."],
        );
        check(
            "<outline xmlUrl='file:///x'/>",
            0,
            &["One entry has a link that does not lead to the web and was left out."],
        );
    }

    #[test]
    fn a_list_that_breaks_off_or_is_broken_keeps_what_was_read() {
        let check = |text: &str, want: &[&str], warning: &str| {
            let found = list(text);
            assert_eq!(lines(&found), want, "{text}");
            assert!(found.warnings.iter().any(|w| w.contains(warning)), "{:?}", found.warnings);
        };
        let head =
            "<opml><body>\n<outline text='F'><outline text='R&D' xmlUrl='https://a.example'/>";
        check(head, &["F|R&D|https://a.example"], "breaks off");
        check(&format!("{head}<outline text='b"), &["F|R&D|https://a.example"], "broken at line 2");
        check(
            &format!("{head}<outline x=\"y></outline>\n<outline xmlUrl='https://b.example'/>"),
            &["F|R&D|https://a.example", "||https://b.example"],
            "broken at line 2",
        );
        // Without a body, and with entities of HTML.
        let found = list(
            "<opml><outline text='caf&eacute; &mine; &#233;' xmlUrl='https://a.example'/></opml>",
        );
        assert_eq!(lines(&found), ["|café &mine; é|https://a.example"]);
        assert!(found.warnings.is_empty());
        assert!(list("<opml/>").outlines.is_empty());
        assert!(
            list("<opml version='2.0'><head><title>x</title></head></opml>").warnings.is_empty()
        );
    }

    #[test]
    fn no_entity_of_the_document_s_own_is_expanded() {
        let bomb: String = (1..40)
            .map(|n| format!("<!ENTITY e{n} \"&e{};&e{};&e{};\">", n - 1, n - 1, n - 1))
            .collect();
        let found = list(&format!(
            "<?xml version=\"1.0\"?><!DOCTYPE opml SYSTEM \"http://127.0.0.1/x.dtd\" [<!ENTITY e0 \"ha\">{bomb}
             <!ENTITY file SYSTEM \"file:///etc/passwd\"><!ENTITY % p SYSTEM \"http://127.0.0.1/p\">%p;]>
             <opml><head><title>&e39;</title></head><body><outline text=\"&file;\" xmlUrl=\"https://a.example/?&e0;\"/></body></opml>"
        ));
        assert_eq!(
            (found.title.as_str(), lines(&found)),
            ("&e39;", vec!["|&file;|https://a.example/?&e0;".to_owned()])
        );
    }

    #[test]
    fn other_encodings_are_read() {
        let text = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><opml><outline text=\"caf\u{e9}\" xmlUrl=\"a.example\"/></opml>";
        let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
        assert_eq!(read(&latin, None).unwrap().outlines[0].title, "café");
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&wide, None).unwrap().outlines[0].title, "café");
        let cyrillic = b"<opml><outline text='\xcf\xf7' xmlUrl='a.example'/></opml>";
        assert_eq!(read(cyrillic, Some("windows-1251")).unwrap().outlines[0].title, "Пч");
        let mut broken = "<opml><outline text='ééééé ".as_bytes().to_vec();
        broken.extend(b"\xe9' xmlUrl='a.example'/></opml>");
        let found = read(&broken, None).unwrap();
        assert_eq!((found.outlines[0].title.as_str(), found.warnings.len()), ("ééééé é", 1));
    }

    #[test]
    fn folders_are_kept_to_the_bound_and_nothing_recurses() {
        let nested = |count: usize| {
            body(&format!(
                "{}<outline xmlUrl='a.example'/>{}<outline xmlUrl='b.example'/>",
                "<outline text='f'>".repeat(count),
                "</outline>".repeat(count)
            ))
        };
        for (count, kept, warnings) in [
            (FOLDERS_MAX, FOLDERS_MAX, 0),
            (FOLDERS_MAX + 1, FOLDERS_MAX, 1),
            (100_000, FOLDERS_MAX, 1),
        ] {
            let found = nested(count);
            let depths: Vec<_> = found.outlines.iter().map(|o| o.folders.len()).collect();
            assert_eq!((depths, found.warnings.len()), (vec![kept, 0], warnings), "{count}");
        }
        let open = "<outline text='f'>".repeat(100_000);
        assert_eq!(list(&format!("<opml><body>{open}")).warnings.len(), 2);
    }

    #[test]
    fn outlines_are_read_to_the_bound() {
        let many = |count: usize| {
            let all: String =
                (0..count).map(|n| format!("<outline xmlUrl='a.example/{n}'/>")).collect();
            let found = body(&all);
            (found.outlines.len(), found.warnings)
        };
        assert_eq!(many(OUTLINES_MAX), (OUTLINES_MAX, vec![]));
        let (count, warnings) = many(OUTLINES_MAX + 3);
        assert_eq!((count, warnings.len()), (OUTLINES_MAX, 1));
        assert!(warnings[0].contains("3 left out"), "{warnings:?}");
    }

    #[test]
    fn a_table_of_channels_is_read_in_any_language() {
        let a = "UCabcdefghij_klmnopqrs-t";
        let b = "UCzzzzzzzzzzzzzzzzzzzzzz";
        let check = |text: &str, want: &[&str]| {
            let found = list(text);
            let titles: Vec<_> = found.outlines.iter().map(|o| o.title.as_str()).collect();
            assert_eq!(titles, want, "{text}");
            assert_eq!(
                found.outlines[0].url,
                format!("https://www.youtube.com/feeds/videos.xml?channel_id={a}")
            );
            assert_eq!(
                found.outlines[0].html_url.as_ref().map(Url::as_str),
                Some(&*format!("https://www.youtube.com/channel/{a}"))
            );
        };
        check(
            &format!(
                "Channel Id,Channel Url,Channel Title\r\n{a},http://www.youtube.com/channel/{a},Rivers\r\n{b},http://www.youtube.com/channel/{b},\"Bees, \"\"more\"\" & so\"\r\n\r\n"
            ),
            &["Rivers", "Bees, \"more\" & so"],
        );
        check(&format!("\u{feff}Kanal-ID,Kanal-URL,Kanaltitel\n{a},x://y,Übung\n"), &["Übung"]);
        check(
            &format!("チャンネル ID;URL;タイトル\n{a};http://www.youtube.com/channel/{a};川\n"),
            &["川"],
        );
        check(&format!("Title\tUrl\nRivers\thttps://www.youtube.com/channel/{a}\n"), &["Rivers"]);
        check(&format!("{a},http://www.youtube.com/channel/{a},\"two\nlines\""), &["two lines"]);
        check(&format!("h\n{a},,Rivers\n{a},,Again"), &["Rivers"]);
        let found = list(&format!("h,i\n{a},,Rivers\nno,channel\n"));
        assert_eq!(found.warnings, ["One entry has no link to a feed and was left out."]);
    }

    #[test]
    fn what_is_no_list_is_told_in_a_sentence() {
        let check = |bytes: &[u8], want: &str| {
            let said = read(bytes, None).unwrap_err().to_string();
            assert!(said.contains(want) && said.ends_with('.') && said.len() < 250, "{said}");
        };
        check(b"", "empty");
        check(b" \n", "empty");
        check(b"<rss><channel/></rss>", "a single feed");
        check(b"<feed xmlns='http://www.w3.org/2005/Atom'/>", "a single feed");
        check(b"{\"version\": \"https://jsonfeed.org/version/1.1\"}", "a single feed");
        check(b"<!doctype html><title>x</title>", "a web page");
        check(b"{\"a\": 1}", "JSON");
        check(b"[1]", "neither XML nor");
        check(b"<configuration/>", "XML or HTML of another kind");
        check(b"a,b,c\n1,2,3\n", "neither XML nor");
        check(b"Video ID,Time\na-b_c0123Zz,2024\n", "neither XML nor");
        check(b"\x1f\x8b\x08", "gzip");
        check(b"PK\x03\x04", "ZIP");
        check(&"\"".repeat(1_000_000).into_bytes(), "neither XML nor");
    }

    #[test]
    fn a_list_is_written_nested_and_escaped() {
        let outline = |title: &str, url: &str, folders: &[&str]| Outline {
            title: title.to_owned(),
            url: url.to_owned(),
            html_url: None,
            folders: folders.iter().map(|f| (*f).to_owned()).collect(),
        };
        let mut all = vec![
            outline("A \"<&>' \u{0}\u{7}", "https://a.example/?a=1&b=2", &["F", "G"]),
            outline("", "https://b.example", &["F"]),
            outline("C", "https://c.example", &[]),
            outline("D", " ", &["never"]),
        ];
        all[2].html_url = Url::parse("https://c.example/\"x").ok();
        let want = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<opml version=\"2.0\">
  <head>
    <title>Mine &lt;3</title>
  </head>
  <body>
    <outline text=\"F\">
      <outline text=\"G\">
        <outline type=\"rss\" text=\"A &quot;&lt;&amp;&gt;' \" title=\"A &quot;&lt;&amp;&gt;' \" xmlUrl=\"https://a.example/?a=1&amp;b=2\"/>
      </outline>
      <outline type=\"rss\" text=\"https://b.example\" xmlUrl=\"https://b.example\"/>
    </outline>
    <outline type=\"rss\" text=\"C\" title=\"C\" xmlUrl=\"https://c.example\" htmlUrl=\"https://c.example/%22x\"/>
  </body>
</opml>
";
        assert_eq!(write("Mine <3", &all), want);
        assert_eq!(list(want).title, "Mine <3");
        assert_eq!(write("", &[]).matches("outline").count(), 0);
        assert!(list(&write("", &[])).outlines.is_empty());
    }

    fn outlines() -> impl Strategy<Value = Vec<Outline>> {
        let name = "[ -~äж川&;<>\"'\u{0}\u{202e}]{0,12}".prop_map(|s: String| text::line(&s, 20));
        let folder = "[ -~é&]{1,6}"
            .prop_map(|s: String| text::line(&s, 20))
            .prop_filter("named", |s| !s.is_empty());
        let tail = "[!-~é]{0,20}";
        let page = prop::option::of(Just(Url::parse("https://p.example/?a=1&b='").unwrap()));
        let one = (name, tail, page, prop::collection::vec(folder, 0..4));
        prop::collection::vec(one, 0..20).prop_map(|all| {
            all.into_iter()
                .enumerate()
                .map(|(n, (title, tail, html_url, folders))| Outline {
                    title,
                    url: format!("https://{n}.example/{tail}"),
                    html_url,
                    folders,
                })
                .collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn what_is_written_is_read_back(title in "[ -~é<&]{0,20}", outlines in outlines()) {
            let title = text::line(&title, 100);
            let found = read(write(&title, &outlines).as_bytes(), None).unwrap();
            prop_assert_eq!(found, Opml { title, outlines, warnings: vec![] });
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes, None);
            let _ = read(&[b"<opml><body><outline ", &bytes[..]].concat(), None);
        }

        #[test]
        fn any_text_is_a_place_or_refused(text in ".{0,60}", link in "[a-z:/?&=.@%<> -]{0,40}") {
            for text in [text, format!("https://youtube.com/{link}"), link] {
                if let Ok(place::Place::Link(url)) = place::place(&text) {
                    prop_assert!(matches!(url.scheme(), "http" | "https") && url.host().is_some());
                }
            }
        }
    }
}
