//! HTML: the podcast namespace's `cite`, `time` and `p`, and any other page as its lines of text.

use super::{Refusal, Sheet, WrittenCue, markup, stamp, text};

/// Elements whose content is no part of what was said.
const SILENT: [&str; 12] = [
    "script", "style", "title", "noscript", "template", "nav", "form", "button", "select", "svg",
    "textarea", "iframe",
];

/// Longest name taken from a `cite`, in bytes.
const NAME_BYTES_MAX: usize = 200;

/// Elements that stand on a line of their own.
const BLOCKS: [&str; 25] = [
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "dl",
    "dt",
    "dd",
    "tr",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "section",
    "article",
    "main",
    "header",
    "footer",
    "blockquote",
    "aside",
    "body",
    "hr",
];

pub(super) fn parse(source: &str, sheet: &mut Sheet) -> Result<(), Refusal> {
    if source.contains("<time") && (source.contains("<cite") || source.contains("</time>\n<p")) {
        namespace(source, sheet)?;
        if !sheet.cues.is_empty() {
            return Ok(());
        }
    }
    let mut page = String::with_capacity(source.len() / 2);
    walk(source, sheet, |found| {
        match found {
            Found::Words(words) => page.push_str(words),
            Found::Start("br") => page.push('\n'),
            Found::Start(name) | Found::End(name) if BLOCKS.contains(&name) => {
                // A blank line, once.
                page.push_str(if name == "p" || page.ends_with('\n') { "\n" } else { "\n\n" });
            }
            _ => {}
        }
        Ok(())
    })?;
    text::parse(&page, sheet)
}

/// `<cite>Name:</cite> <time>0:12</time> <p>words</p>`, again and again.
fn namespace(source: &str, sheet: &mut Sheet) -> Result<(), Refusal> {
    #[derive(Clone, Copy, PartialEq)]
    enum In {
        Nothing,
        Cite,
        Time,
        Words,
    }
    let (mut inside, mut buffer) = (In::Nothing, String::new());
    let (mut speaker, mut start) = (None, None);
    let mut cues = Vec::new();
    walk(source, sheet, |found| {
        match found {
            Found::Words(words) => buffer.push_str(words),
            Found::Start("br") => buffer.push('\n'),
            Found::Start(name @ ("cite" | "time" | "p"))
            | Found::End(name @ ("cite" | "time" | "p")) => {
                let piece = buffer.trim();
                match inside {
                    // Cut, because it is kept again for each of the paragraphs that follow.
                    In::Cite => {
                        let name = &piece[..piece.floor_char_boundary(NAME_BYTES_MAX)];
                        speaker = Some(name.trim_end_matches(':').trim().to_owned());
                    }
                    In::Time => start = stamp::whole(piece),
                    In::Words | In::Nothing if !piece.is_empty() && start.is_some() => {
                        cues.push(WrittenCue {
                            start_ms: start,
                            end_ms: None,
                            speaker: speaker.clone().filter(|name: &String| !name.is_empty()),
                            text: piece.to_owned(),
                        });
                        if cues.len() > super::CUES_MAX {
                            return Err(Refusal::TooManyCues);
                        }
                    }
                    _ => {}
                }
                buffer.clear();
                inside = match (&found, name) {
                    (Found::End(_), _) => In::Nothing,
                    (_, "cite") => In::Cite,
                    (_, "time") => In::Time,
                    _ => In::Words,
                };
            }
            _ => {}
        }
        Ok(())
    })?;
    let last = buffer.trim();
    if inside == In::Words && start.is_some() && !last.is_empty() {
        let text = last.to_owned();
        cues.push(WrittenCue { start_ms: start, end_ms: None, speaker, text });
    }
    sheet.cues = cues;
    Ok(())
}

enum Found<'a> {
    Words(&'a str),
    Start(&'a str),
    End(&'a str),
}

/// Goes through a page; what is never shown is left out, and `lang` of the page is noted.
fn walk(
    source: &str,
    sheet: &mut Sheet,
    mut visit: impl FnMut(Found) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let (mut rest, mut stray_quotes) = (source, 0);
    while !rest.is_empty() {
        let Some(at) = rest.find('<') else {
            return visit(Found::Words(&markup::unescape(rest)));
        };
        if at > 0 {
            visit(Found::Words(&markup::unescape(&rest[..at])))?;
        }
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        if !rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)) {
            visit(Found::Words("<"))?;
            rest = &rest[1..];
            continue;
        }
        // What no `>` closes is cut off.
        let Some(end) = tag_end(rest, &mut stray_quotes) else {
            return Ok(());
        };
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        let (tag, closing) = tag.strip_prefix('/').map_or((tag, false), |tag| (tag, true));
        let len = tag.bytes().take(12).take_while(u8::is_ascii_alphanumeric).count();
        let name = tag[..len].to_ascii_lowercase();
        if closing {
            visit(Found::End(&name))?;
            continue;
        }
        if name == "html" && sheet.language.is_none() {
            sheet.language = lang(tag);
        }
        if SILENT.contains(&name.as_str()) && !tag.ends_with('/') {
            rest = after_end(rest, &name);
            continue;
        }
        visit(Found::Start(&name))?;
    }
    Ok(())
}

/// Where a tag ends: the first `>` outside quotes, else the first one at all. Quotes are honoured
/// for short tags and until a few were stray, so that no page is looked through twice.
fn tag_end(tag: &str, stray_quotes: &mut usize) -> Option<usize> {
    const QUOTED_BYTES_MAX: usize = 65_536;
    const STRAY_MAX: usize = 16;
    let mut quote = None;
    if *stray_quotes < STRAY_MAX {
        for (at, byte) in tag.bytes().enumerate().take(QUOTED_BYTES_MAX) {
            match (quote, byte) {
                (None, b'>') => return Some(at),
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), byte) if byte == open => quote = None,
                _ => {}
            }
        }
        *stray_quotes += 1;
    }
    tag.find('>')
}

/// The rest after `</name`; nothing where it never comes, so that this is looked for once.
fn after_end<'a>(rest: &'a str, name: &str) -> &'a str {
    let mut from = 0;
    while let Some(at) = rest[from..].find("</") {
        let start = from + at + 2;
        let matches = rest.as_bytes()[start..]
            .get(..name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()));
        let end = start + name.len();
        // `</head` is not the end of `<header`.
        let whole = rest.as_bytes().get(end).is_some_and(|next| !next.is_ascii_alphanumeric());
        if matches && whole {
            return rest[end..].find('>').map_or("", |close| &rest[end + close + 1..]);
        }
        from = start;
    }
    ""
}

fn lang(tag: &str) -> Option<String> {
    let tag = &tag[..tag.floor_char_boundary(1024)];
    let at = tag.to_ascii_lowercase().find(" lang=")?;
    let value = tag[at + 6..].trim_start_matches(['"', '\'']);
    let len = value.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'-').count();
    (len > 0).then(|| value[..len].to_owned())
}
