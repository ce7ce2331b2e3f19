//! Tags and entities inside a caption's text.

pub(super) use crate::letters::entities::unescape;

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
