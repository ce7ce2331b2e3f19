//! XML as publishers write it, cut into opening tags, words and closing tags. Nothing is looked up
//! outside the text, no DTD is read, no entity of its own making is expanded.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::text;

/// Attributes of one tag that are looked at: the most that any known tag has is some thirty, and
/// the rest of a hostile one is passed over.
const ATTRIBUTES_MAX: usize = 256;

/// How often reading goes on after a piece that is no XML. Each time the rest of the text may be
/// looked through to its end, so the bound is on time.
const RESUMED_MAX: usize = 16;

/// An opening tag.
pub(super) struct Tag {
    /// With its prefix, in lower case.
    pub(super) name: String,
    /// Names with their prefixes in lower case, and values with entities decoded.
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute, without blanks around it; an empty one counts as absent.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// Every prefix (empty: the default) that this tag declares, with its address.
    pub(super) fn declarations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().filter_map(|(key, value)| {
            let rest = key.strip_prefix("xmlns")?;
            let prefix = if rest.is_empty() { rest } else { rest.strip_prefix(':')? };
            Some((prefix, value.as_str()))
        })
    }
}

/// One step through a document.
pub(super) enum Piece<'a> {
    Open(Tag),
    Words(Cow<'a, str>),
    /// A closing tag's name with its prefix, in lower case.
    Close(String),
}

/// The steps through a document.
pub(super) struct Pieces<'a> {
    text: &'a str,
    /// Where in `text` the reader in use began.
    offset: usize,
    reader: Reader<&'a [u8]>,
    resumed: usize,
    /// Line, from 1, of the first piece that is no XML.
    pub(super) broken_line: Option<usize>,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(text: &'a str) -> Pieces<'a> {
        Pieces { text, offset: 0, reader: reader(text), resumed: 0, broken_line: None }
    }

    /// Whether reading ended before the text did.
    pub(super) fn gave_up(&self) -> bool {
        self.resumed > RESUMED_MAX
    }

    /// Goes on at the next tag after a piece that is no XML; `false` where too much is broken.
    fn resume(&mut self) -> bool {
        let at = usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX);
        let at = self.offset.saturating_add(at).min(self.text.len());
        let bytes = self.text.as_bytes();
        self.broken_line
            .get_or_insert_with(|| 1 + bytes[..at].iter().filter(|b| **b == b'\n').count());
        self.resumed += 1;
        let from = at.max(self.offset) + 1;
        let next = bytes.get(from..).and_then(|rest| rest.iter().position(|b| *b == b'<'));
        match next {
            Some(next) if self.resumed <= RESUMED_MAX => {
                self.offset = from + next;
                // A `<` is one byte of its own, so this is the beginning of a letter.
                self.reader = reader(&self.text[self.offset..]);
                true
            }
            _ => false,
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            match self.reader.read_event() {
                Ok(Event::Eof) => return None,
                Ok(Event::Start(start)) => return Some(Piece::Open(tag(&start))),
                Ok(Event::End(end)) => {
                    return Some(Piece::Close(end.name().0.trim().to_ascii_lowercase()));
                }
                Ok(Event::Text(words)) => return Some(Piece::Words(words.into_inner())),
                Ok(Event::CData(words)) => return Some(Piece::Words(words.into_inner())),
                Ok(Event::GeneralRef(name)) => {
                    let name = name.into_inner();
                    let mut words = String::new();
                    if !text::push_entity(&name, &mut words) {
                        words = format!("&{name};");
                    }
                    return Some(Piece::Words(Cow::Owned(words)));
                }
                Ok(_) => {}
                Err(_) => {
                    if !self.resume() {
                        return None;
                    }
                }
            }
        }
    }
}

fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
    config.expand_empty_elements = true;
    reader
}

fn tag(start: &BytesStart<'_>) -> Tag {
    let attributes = start
        .html_attributes()
        .with_checks(false)
        .take(ATTRIBUTES_MAX)
        .filter_map(Result::ok)
        .map(|a| (a.key.0.to_ascii_lowercase(), text::unescape(&a.value).into_owned()))
        .collect();
    Tag { name: start.name().0.to_ascii_lowercase(), attributes }
}

/// Marks that begin with `<!` and are none of the words of a text.
const BANGS: &[&str] =
    &["doctype", "entity", "element", "attlist", "notation", "[include", "[ignore"];

/// Makes a `<` that begins no tag (`a < b`, `<3`) the word that was meant: to the XML reader the
/// rest of the line would be one long tag.
pub(super) fn mend(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut done, mut at) = (0, 0);
    while let Some(next) = text[at..].find('<') {
        at += next;
        let rest = &text[at + 1..];
        let closed_by = if rest.starts_with("![CDATA[") {
            Some("]]>")
        } else if rest.starts_with("!--") {
            Some("-->")
        } else {
            None
        };
        if let Some(end) = closed_by {
            match rest.find(end) {
                Some(len) => at += 1 + len + end.len(),
                None => break,
            }
            continue;
        }
        let begins_tag = match rest.strip_prefix('!') {
            Some(bang) => {
                BANGS.iter().any(|b| bang.get(..b.len()).is_some_and(|w| w.eq_ignore_ascii_case(b)))
            }
            None => rest.starts_with(|c: char| c.is_alphabetic() || "/?_:".contains(c)),
        };
        if !begins_tag {
            out.push_str(&text[done..at]);
            out.push_str("&lt;");
            done = at + 1;
        }
        at += 1;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opening tags as `+name`, closing ones as `-name`, words as they are.
    fn steps(text: &str) -> (String, Option<usize>) {
        let mended = mend(text);
        let mut pieces = Pieces::of(&mended);
        let mut out = String::new();
        for piece in pieces.by_ref() {
            match piece {
                Piece::Open(tag) => out += &format!("+{} ", tag.name),
                Piece::Words(words) => out += &words,
                Piece::Close(name) => out += &format!("-{name} "),
            }
        }
        (out, pieces.broken_line)
    }

    #[test]
    fn slips_of_publishers_are_read_as_they_were_meant() {
        let check = |text: &str, want: &str| assert_eq!(steps(text).0, want, "{text:?}");
        check("<a>R&D & so</a>", "+a R&D & so-a ");
        check("<a>1 < 2 <3</a>", "+a 1 < 2 <3-a ");
        check("<a><![CDATA[1 < 2 &amp;]]></a>", "+a 1 < 2 &amp;-a ");
        check("<a>caf&eacute;&#233;&#x2019;&mine;</a>", "+a caféé’&mine;-a ");
        check("<A><B/></C></A>", "+a +b -b -c -a ");
        check("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "+a &b;-a ");
        check("<a <!x>", "+a ");
    }

    #[test]
    fn reading_goes_on_after_a_piece_that_is_no_xml() {
        let (read, line) = steps("<a>\n<b c=\"d></b>\n<e>f</e></a>");
        assert!(read.contains("+e f-e "), "{read:?}");
        assert_eq!(line, Some(2));
        let (read, _) = steps("<a><b>x</b><![CDATA[open <c>y</c>");
        assert!(read.contains("+c y-c "), "{read:?}");
    }
}
