//! Text as a person reads it, from what feeds carry: entities decoded, tags dropped, bounds kept.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;

use crate::letters::entities::push_first;
pub(super) use crate::letters::entities::unescape;

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

/// The lists as numbers, which are compared faster than texts; in the same order.
const BLOCK_KEYS: [u128; BLOCKS.len()] = keys(BLOCKS);
const INLINE_KEYS: [u128; INLINE.len()] = keys(INLINE);
const SCRIPT: u128 = packed(b"script");
const STYLE: u128 = packed(b"style");

const fn keys<const COUNT: usize>(names: &[&str]) -> [u128; COUNT] {
    let mut keys = [0; COUNT];
    let mut at = 0;
    while at < COUNT {
        keys[at] = packed(names[at].as_bytes());
        at += 1;
    }
    keys
}

/// A name in lower case as a number, the first letter highest; 0 for one of more than 16 bytes,
/// which no element of HTML has.
const fn packed(name: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    if name.len() > bytes.len() {
        return 0;
    }
    let mut at = 0;
    while at < name.len() {
        bytes[at] = name[at].to_ascii_lowercase();
        at += 1;
    }
    u128::from_be_bytes(bytes)
}

/// Whether a line ends at this element.
pub(super) fn is_block(name: &str) -> bool {
    BLOCK_KEYS.binary_search(&packed(name.as_bytes())).is_ok()
}

/// Repairs a text that was encoded twice, as publishers' software does (`cafÃ©` for `café`): all
/// its letters are of one byte in Windows' Latin alphabet, and these bytes together are valid
/// UTF-8. A text that is meant like that hardly exists.
pub(super) fn undoubled(text: &str) -> Cow<'_, str> {
    // The first letter that is not ASCII is the first byte of one of two bytes or more, and what
    // follows it is none: told without a copy for all but what was encoded twice.
    let begins = |c: char| ('\u{c2}'..='\u{f4}').contains(&c);
    let goes_on = |c: char| !c.is_ascii() && !('\u{c0}'..='\u{ff}').contains(&c);
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut odd = text.trim_start_matches(|c: char| c.is_ascii()).chars();
    if !odd.next().is_some_and(begins) || !odd.next().is_some_and(goes_on) {
        return Cow::Borrowed(text);
    }
    let (bytes, _, unmappable) = WINDOWS_1252.encode(text);
    match std::str::from_utf8(&bytes) {
        Ok(once) if !unmappable => Cow::Owned(once.to_owned()),
        _ => Cow::Borrowed(text),
    }
}

/// Whether a text has anything that [`from_html`] would read as other than itself.
pub(super) fn holds_marks(text: &str) -> bool {
    plain_bytes(text.as_bytes()) < text.len()
}

/// A text without its tags and with its entities decoded, line by line.
pub(super) fn from_html(html: &str, tags: Tags) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    // Set while inside an element that does not show.
    let mut hidden: Option<u128> = None;
    loop {
        let words = plain_bytes(rest.as_bytes());
        if hidden.is_none() {
            out.push_str(&rest[..words]);
        }
        rest = &rest[words..];
        if rest.is_empty() {
            return out;
        }
        if rest.starts_with('&') {
            let before = out.len();
            rest = &rest[push_first(rest, &mut out)..];
            if hidden.is_some() {
                out.truncate(before);
            }
            continue;
        }
        if let Some(comment) = rest.strip_prefix("<!--") {
            // A comment that nothing closes hides the rest, as in a browser.
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        match tag(rest, tags) {
            Some(tag) => {
                match hidden {
                    Some(open) if tag.closes && open == tag.key => hidden = None,
                    None if !tag.closes => {
                        hidden = [SCRIPT, STYLE].into_iter().find(|h| *h == tag.key)
                    }
                    _ => {}
                }
                if hidden.is_none() && tag.is_block {
                    out.push('\n');
                }
                rest = &rest[tag.len..];
            }
            None => {
                if hidden.is_none() {
                    out.push('<');
                }
                rest = &rest[1..];
            }
        }
    }
}

/// How many bytes a text has before its first tag or entity.
fn plain_bytes(text: &[u8]) -> usize {
    let ends = |b: &u8| (*b == b'<') | (*b == b'&');
    // Sixteen at a time, without a branch between them, is what compilers make fast.
    let is_plain = |part: &&[u8; 16]| !part.iter().fold(false, |found, b| found | ends(b));
    let whole = text.as_chunks::<16>().0.iter().take_while(is_plain).count() * 16;
    whole + text[whole..].iter().position(ends).unwrap_or(text.len() - whole)
}

/// A tag of a text.
struct Found {
    /// Its name, [`packed`].
    key: u128,
    closes: bool,
    is_block: bool,
    /// All of it, in bytes.
    len: usize,
}

/// The tag that a text starts with.
fn tag(text: &str, tags: Tags) -> Option<Found> {
    let inner = &text.as_bytes()[1..];
    let closes = inner.first() == Some(&b'/');
    let named = if closes { &inner[1..] } else { inner };
    let begins = |b: &u8| b.is_ascii_alphabetic() || (!closes && (*b == b'!' || *b == b'?'));
    if !named.first().is_some_and(begins) {
        return None;
    }
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || **b == b':' || **b == b'-';
    let len = named.iter().take(TAG_NAME_BYTES_MAX).take_while(is_name).count();
    let key = packed(&named[..len]);
    let is_block = BLOCK_KEYS.binary_search(&key).is_ok();
    if tags == Tags::Known && !is_block && INLINE_KEYS.binary_search(&key).is_err() {
        return None;
    }
    // A tag ends before the next begins, so that a text of a million `<` is looked through once.
    let end = inner.iter().position(|b| matches!(b, b'<' | b'>'))?;
    (inner[end] == b'>').then_some(Found { key, closes, is_block, len: end + 2 })
}

/// One line: blanks and line ends are one blank, control characters are none; at most this many
/// letters, then `…`.
pub(super) fn line(text: &str, chars_max: usize) -> String {
    // A letter has at most four bytes, and the mark at the end three.
    let mut out = String::with_capacity(text.len().min(chars_max.saturating_mul(4)) + 3);
    push_line(text, false, chars_max, &mut out);
    out
}

/// Several lines, each as `line`; empty ones are left out but for one between paragraphs.
pub(super) fn lines(text: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(chars_max.saturating_mul(4)) + 3);
    let mut left = chars_max;
    let mut gap = false;
    let mut rest = text;
    loop {
        let before = out.len();
        if before > 0 {
            out.push_str(if gap { "\n\n" } else { "\n" });
        }
        let (read, count) = push_line(rest, true, left, &mut out);
        if count == 0 {
            out.truncate(before);
            gap = before > 0;
        } else {
            gap = false;
            // The line end before it may be two.
            left = left.saturating_sub(count + 2);
        }
        // Behind the line is its end, which is one byte, or the end of the text.
        match rest.get(read + 1..) {
            Some(behind) if left > 0 => rest = behind,
            _ => return out,
        }
    }
}

/// Adds a text, or its first line alone, as `line` says; how many bytes of it were read (fewer
/// than it has where it was cut) and how many letters were added.
fn push_line(text: &str, one: bool, chars_max: usize, out: &mut String) -> (usize, usize) {
    let bytes = text.as_bytes();
    let (mut at, mut count, mut blank) = (0, 0, false);
    while at < bytes.len() {
        if one && matches!(bytes[at], b'\n' | b'\r') {
            break;
        }
        // Most of a text is ASCII words with one blank between: they are taken as they stand.
        let from = at;
        at += words_bytes(&bytes[at..]);
        let next = if at > from { None } else { text[at..].chars().next() };
        if let Some(c) = next {
            at += c.len_utf8();
            if c.is_whitespace() {
                blank = count > 0;
                continue;
            }
            if is_unseen(c) {
                continue;
            }
        }
        let fits = chars_max.saturating_sub(count + usize::from(blank));
        if fits > 0 && blank {
            out.push(' ');
            count += 1;
            blank = false;
        }
        let len = at - from;
        match next {
            Some(c) if fits > 0 => {
                out.push(c);
                count += 1;
            }
            None if fits >= len => {
                out.push_str(&text[from..at]);
                count += len;
            }
            _ => {
                let kept = if next.is_none() { text[from..from + fits].trim_end() } else { "" };
                out.push_str(kept);
                out.push('…');
                return (at, count + kept.len() + 1);
            }
        }
    }
    (at, count)
}

/// How many bytes of words in ASCII with one blank between them a text begins with.
fn words_bytes(text: &[u8]) -> usize {
    if !text.first().is_some_and(u8::is_ascii_graphic) {
        return 0;
    }
    let is_odd =
        |this: u8, next: u8| !(b' '..=b'~').contains(&this) | ((this == b' ') & (next == b' '));
    // Sixteen at a time, without a branch between them, is what compilers make fast.
    let is_plain = |(these, nexts): &(&[u8; 16], &[u8; 16])| {
        !these.iter().zip(*nexts).fold(false, |odd, (this, next)| odd | is_odd(*this, *next))
    };
    let (these, nexts) = (text.as_chunks::<16>().0, text[1..].as_chunks::<16>().0);
    let mut at = these.iter().zip(nexts).take_while(is_plain).count() * 16;
    while at < text.len() {
        let follows_word = at > 0 && text[at - 1] != b' ';
        if text[at].is_ascii_graphic() || (text[at] == b' ' && follows_word) {
            at += 1;
        } else {
            break;
        }
    }
    if text[at - 1] == b' ' { at - 1 } else { at }
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
