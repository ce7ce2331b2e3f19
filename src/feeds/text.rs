//! Text as a person reads it, from what feeds carry: entities decoded, tags dropped, bounds kept.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;

pub(super) use crate::letters::entities::{push as push_entity, unescape};

/// Longest name of a tag that is looked at.
const TAG_NAME_BYTES_MAX: usize = 20;

/// Elements after or before which a line ends.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "td",
    "th",
    "tr",
    "ul",
];

/// Elements within a line, and the ones that do not show.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "audio", "b", "bdi", "bdo", "big", "body", "button", "center", "cite",
    "code", "del", "dfn", "em", "embed", "font", "form", "head", "html", "i", "iframe", "img",
    "input", "ins", "kbd", "label", "link", "mark", "meta", "noscript", "object", "option",
    "param", "picture", "q", "s", "samp", "script", "select", "small", "source", "span", "strike",
    "strong", "style", "sub", "summary", "sup", "svg", "tbody", "textarea", "tfoot", "thead",
    "time", "title", "tt", "u", "var", "video", "wbr",
];

/// Which tags of a text are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tags {
    /// All: the text is said to be HTML.
    All,
    /// Those that HTML has: the text may be HTML, or speak of `Vec<String>`.
    Known,
}

/// Whether a line ends at this element (its name in lower case).
pub(super) fn is_block(name: &str) -> bool {
    BLOCKS.binary_search(&name).is_ok()
}

/// Repairs a text that was encoded twice, as publishers' software does (`cafÃ©` for `café`): all
/// its letters are of one byte in Windows' Latin alphabet, and these bytes together are valid
/// UTF-8. A text that is meant like that hardly exists.
pub(super) fn undoubled(text: &str) -> Cow<'_, str> {
    // Each letter of two bytes or more begins with one of these.
    if !text.contains(|c: char| ('\u{c2}'..='\u{f4}').contains(&c)) {
        return Cow::Borrowed(text);
    }
    let (bytes, _, unmappable) = WINDOWS_1252.encode(text);
    match std::str::from_utf8(&bytes) {
        Ok(once) if !unmappable => Cow::Owned(once.to_owned()),
        _ => Cow::Borrowed(text),
    }
}

/// A text without its tags and with its entities decoded, line by line.
pub(super) fn from_html(html: &str, tags: Tags) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    // Set while inside an element that does not show.
    let mut hidden: Option<&'static str> = None;
    while !rest.is_empty() {
        let Some(at) = rest.find('<') else {
            push_words(rest, hidden, &mut out);
            break;
        };
        push_words(&rest[..at], hidden, &mut out);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            // A comment that nothing closes hides the rest, as in a browser.
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        match tag(rest, tags) {
            Some((name, closing, len)) => {
                match hidden {
                    Some(open) if closing && open == name => hidden = None,
                    None if !closing => {
                        hidden = ["script", "style"].into_iter().find(|h| *h == name)
                    }
                    _ => {}
                }
                if hidden.is_none() && is_block(&name) {
                    out.push('\n');
                }
                rest = &rest[len..];
            }
            None => {
                push_words("<", hidden, &mut out);
                rest = &rest[1..];
            }
        }
    }
    out
}

fn push_words(words: &str, hidden: Option<&str>, out: &mut String) {
    if hidden.is_none() {
        out.push_str(&unescape(words));
    }
}

/// The tag that a text starts with: its name in lower case, whether it closes, its length.
fn tag(text: &str, tags: Tags) -> Option<(String, bool, usize)> {
    let inner = &text[1..];
    let closing = inner.starts_with('/');
    let named = if closing { &inner[1..] } else { inner };
    if !named.starts_with(|c: char| c.is_ascii_alphabetic() || (!closing && (c == '!' || c == '?')))
    {
        return None;
    }
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b':' || *b == b'-';
    let len = named.bytes().take(TAG_NAME_BYTES_MAX).take_while(is_name).count();
    let name = named[..len].to_ascii_lowercase();
    let known = is_block(&name) || INLINE.binary_search(&name.as_str()).is_ok();
    if tags == Tags::Known && !known {
        return None;
    }
    // A tag ends before the next begins, so that a text of a million `<` is looked through once.
    let end = inner.find(['<', '>'])?;
    inner[end..].starts_with('>').then_some((name, closing, end + 2))
}

/// One line: blanks and line ends are one blank, control characters are none; at most this many
/// letters, then `…`.
pub(super) fn line(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = count > 0;
            continue;
        }
        if is_unseen(c) {
            continue;
        }
        if count + usize::from(blank) >= chars_max {
            out.push('…');
            return out;
        }
        if blank {
            out.push(' ');
            count += 1;
            blank = false;
        }
        out.push(c);
        count += 1;
    }
    out
}

/// Several lines, each as [`line`]; empty ones are left out but for one between paragraphs.
pub(super) fn lines(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    let mut left = chars_max;
    let mut gap = false;
    for raw in text.split(['\n', '\r']) {
        let one = line(raw, left);
        if one.is_empty() {
            gap = !out.is_empty();
            continue;
        }
        if !out.is_empty() {
            out.push_str(if gap { "\n\n" } else { "\n" });
        }
        gap = false;
        // The line end before it may be two.
        left = left.saturating_sub(one.chars().count() + 2);
        out.push_str(&one);
        if left == 0 {
            break;
        }
    }
    out
}

/// Controls, and the marks that turn the direction of the text around them.
fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_tags_are_in_order() {
        assert!(BLOCKS.is_sorted() && INLINE.is_sorted());
    }

    #[test]
    fn an_entity_is_decoded_once_and_what_is_none_stays() {
        let check = |text: &str, want: &str| assert_eq!(unescape(text), want, "{text:?}");
        check("a &amp; b &lt; c", "a & b < c");
        check("&amp;amp;", "&amp;");
        check("caf&eacute; &#233; &#xE9; &hearts;", "café é é ♥");
        check("&#147;so&#148; &#150; he", "“so” – he");
        check(
            "AT&T & R&D; &unknown; &#0; &#xD800; &#99999999; &",
            "AT&T & R&D; &unknown; &#0; &#xD800; &#99999999; &",
        );
        check(&"&".repeat(100), &"&".repeat(100));
    }

    #[test]
    fn what_was_encoded_twice_is_repaired_and_nothing_else() {
        let check = |text: &str, want: &str| assert_eq!(undoubled(text), want, "{text:?}");
        check("cafÃ© Ã\u{a0} Paris â€™", "café à Paris ’");
        check("café à Paris ’", "café à Paris ’");
        check("cafÃ© and café", "cafÃ© and café");
        check("cafÃ© ☕", "cafÃ© ☕");
        check("plain", "plain");
    }

    #[test]
    fn html_becomes_lines_of_words() {
        let check = |html: &str, want: &str| {
            assert_eq!(lines(&from_html(html, Tags::All), 1000), want, "{html:?}");
        };
        check("<p>One</p><p>Two <b>bold</b> &amp; so</p>", "One\n\nTwo bold & so");
        check("a<br/>b<BR>c", "a\nb\nc");
        check("x<script>alert(1)</script>y<style>p{}</style>z", "xyz");
        check("a<!-- <p>hidden</p> -->b<!-- open", "ab");
        check("1 < 2 and <3, a<b>c</b>", "1 < 2 and <3, ac");
        check("<a href=\"x\">link</a> <unclosed", "link <unclosed");
    }

    #[test]
    fn text_that_may_be_html_keeps_what_html_has_not() {
        let check = |html: &str, want: &str| assert_eq!(from_html(html, Tags::Known), want);
        check("Why Vec<String> is <i>slow</i>", "Why Vec<String> is slow");
        check("&lt;b&gt; explained", "<b> explained");
    }

    #[test]
    fn bounds_are_kept_on_both_sides() {
        assert_eq!(line("abc", 3), "abc");
        assert_eq!(line("abcd", 3), "abc…");
        assert_eq!(line("ab c", 3), "ab…");
        assert_eq!(line("ab c", 4), "ab c");
        assert_eq!(line(" a\u{0}\u{202e}\n  b ", 9), "a b");
        assert_eq!(lines("ab\n\n\ncd\nef", 100), "ab\n\ncd\nef");
        assert_eq!(lines(&"x\n".repeat(100), 4), "x\nx");
    }

    #[test]
    fn open_tags_without_end_are_looked_through_once() {
        for tags in [Tags::All, Tags::Known] {
            for hostile in ["<x", "<b", "</", "<!-", "&#", "<!--"] {
                from_html(&hostile.repeat(50_000), tags);
                from_html(&(hostile.repeat(50_000) + ">"), tags);
            }
        }
    }
}
