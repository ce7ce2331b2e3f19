//! Lines of a text with their numbers, whatever ends them.

/// Goes through the lines of a text; CR, LF and CRLF each end one.
#[derive(Clone)]
pub(super) struct Lines<'a> {
    rest: Option<&'a str>,
    number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Lines { rest: Some(text), number: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    /// The line without its end, and its number from 1.
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest?;
        self.number += 1;
        match rest.bytes().position(|b| b == b'\n' || b == b'\r') {
            None => {
                self.rest = None;
                (!rest.is_empty()).then_some((self.number, rest))
            }
            Some(end) => {
                let crlf = rest[end..].starts_with("\r\n");
                self.rest = Some(&rest[end + 1 + usize::from(crlf)..]);
                Some((self.number, &rest[..end]))
            }
        }
    }
}

/// Joins lines by `\n` without a list in between.
pub(super) fn append_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}
