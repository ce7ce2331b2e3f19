//! Tags and entities inside a caption's text.

use std::borrow::Cow;

use crate::letters::entities;

/// Longest entity name: `&CounterClockwiseContourIntegral;` and some room.
const ENTITY_BYTES_MAX: usize = 40;

/// Decodes `&amp;`, `&#39;`, `&nbsp;` and the like, once; what is no entity stays as written.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('&') else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let name_len = rest[1..]
            .bytes()
            .take(ENTITY_BYTES_MAX)
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'#')
            .count();
        let name = &rest[1..1 + name_len];
        if rest[1 + name_len..].starts_with(';') && entity(name, &mut out) {
            rest = &rest[name_len + 2..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn entity(name: &str, out: &mut String) -> bool {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        match code.ok().filter(|code| *code != 0).and_then(char::from_u32) {
            Some(c) => out.push(c),
            None => return false,
        }
        return true;
    }
    entities::push(name, out)
}

/// A piece of a text with tags.
pub(super) enum Piece<'a> {
    /// Words, entities not yet decoded.
    Words(&'a str),
    /// What stands between `<` and `>`.
    Tag(&'a str),
}

/// Parts a text at its tags. A `<` that nothing closes, or that is followed by neither a letter,
/// `/`, `.`, `!`, `?`, `>` nor a time, is a word like others: `a < b`.
pub(super) struct Pieces<'a> {
    rest: &'a str,
    /// Set once no `>` is left, so that a text of a million `<` is looked through once.
    closed: bool,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Pieces { rest: text, closed: false }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        if !self.closed && self.rest.starts_with('<') && opens_tag(&self.rest[1..]) {
            match self.rest.find('>') {
                Some(end) => {
                    let tag = &self.rest[1..end];
                    self.rest = &self.rest[end + 1..];
                    return Some(Piece::Tag(tag));
                }
                None => self.closed = true,
            }
        }
        let from = usize::from(self.rest.starts_with('<'));
        let end = if self.closed { None } else { self.rest[from..].find('<').map(|at| at + from) };
        let end = end.unwrap_or(self.rest.len());
        let words = &self.rest[..end];
        self.rest = &self.rest[end..];
        Some(Piece::Words(words))
    }
}

fn opens_tag(after: &str) -> bool {
    let next = after.trim_start().chars().next();
    if after.starts_with(char::is_whitespace) {
        return next.is_some_and(|c| c.is_ascii_digit());
    }
    next.is_some_and(|c| c.is_ascii_alphanumeric() || "/.!?>".contains(c))
}

/// A text without its tags and with its entities decoded.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in Pieces::of(text) {
        match piece {
            Piece::Words(words) => out.push_str(&unescape(words)),
            Piece::Tag(tag) if tag.trim_end_matches('/').trim().eq_ignore_ascii_case("br") => {
                out.push('\n');
            }
            Piece::Tag(_) => {}
        }
    }
    out
}
