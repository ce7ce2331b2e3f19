//! XML as publishers write it, cut into opening tags, words and closing tags. Nothing is looked up
//! outside the text, no DTD is read, no entity of its own making is expanded.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;
use quick_xml::events::attributes::Attributes;

use super::text;

/// Attributes of one tag that are looked at: the most that any known tag has is some thirty, and
/// the rest of a hostile one is passed over.
const ATTRIBUTES_MAX: usize = 256;

/// How often reading goes on after a piece that is no XML. Each time the rest of the text may be
/// looked through to its end, so the bound is on time.
const RESUMED_MAX: usize = 16;

/// An opening tag.
pub(super) struct Tag<'a> {
    /// With its prefix, in lower case.
    pub(super) name: Cow<'a, str>,
    /// Names and values as they are written.
    attributes: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Tag<'a> {
    /// `inner` is all between `<` and `>`, beginning with the name of so many bytes.
    fn of(inner: &'a str, name_bytes: usize) -> Tag<'a> {
        let name = lowered(inner.get(..name_bytes).unwrap_or_default());
        // Most tags of a feed are a name alone.
        if inner.len() == name_bytes {
            return Tag { name, attributes: Vec::new() };
        }
        let mut all = Attributes::html(inner, name_bytes);
        all.with_checks(false);
        let found = all.take(ATTRIBUTES_MAX).filter_map(Result::ok);
        Tag {
            name,
            attributes: found.map(|attribute| (attribute.key.0, attribute.value)).collect(),
        }
    }

    /// The value of an attribute by its name in lower case, with entities decoded and without
    /// blanks around it; an empty one counts as absent.
    pub(super) fn attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, value) = self.attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        let value = match text::unescape(value) {
            Cow::Borrowed(value) => Cow::Borrowed(value.trim()),
            Cow::Owned(value) => Cow::Owned(value.trim().to_owned()),
        };
        (!value.is_empty()).then_some(value)
    }

    /// Every prefix (empty: the default; in lower case) that this tag declares, with its address.
    pub(super) fn declarations(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.attributes.iter().filter_map(|(key, value)| {
            let rest = key.get(5..).filter(|_| key[..5].eq_ignore_ascii_case("xmlns"))?;
            let prefix = if rest.is_empty() { rest } else { rest.strip_prefix(':')? };
            Some((lowered(prefix), text::unescape(value)))
        })
    }
}

/// A name in lower case.
fn lowered(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// One step through a document.
pub(super) enum Piece<'a> {
    Open(Tag<'a>),
    Words(Cow<'a, str>),
    /// A closing tag's name with its prefix, in lower case.
    Close(Cow<'a, str>),
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

    /// A part of the text that the reader gave, as a part of the text itself: the reader's own
    /// lives no longer than its event. `None` for a copy.
    fn own(&self, part: &str) -> Option<&'a str> {
        let from = part.as_ptr().addr().checked_sub(self.text.as_ptr().addr())?;
        self.text.get(from..from.checked_add(part.len())?)
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
                Ok(Event::Start(start)) => {
                    let name_bytes = start.name().0.len();
                    // A reader of a slice copies no opening tag.
                    let inner = self.own(&start).unwrap_or_default();
                    return Some(Piece::Open(Tag::of(inner, name_bytes)));
                }
                Ok(Event::End(end)) => {
                    let name = end.name().0;
                    // That of `<br/>` is a copy.
                    let name = self.own(name).map_or_else(
                        || Cow::Owned(name.trim().to_ascii_lowercase()),
                        |name| lowered(name.trim()),
                    );
                    return Some(Piece::Close(name));
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

/// Marks that begin with `<!` and are none of the words of a text.
const BANGS: &[&str] =
    &["doctype", "entity", "element", "attlist", "notation", "[include", "[ignore"];

/// Makes a `<` that begins no tag (`a < b`, `<3`) the word that was meant: to the XML reader the
/// rest of the line would be one long tag.
pub(super) fn mend(text: &str) -> Cow<'_, str> {
    if is_sound(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let (mut done, mut at) = (0, 0);
    while let Some(next) = text[at..].find('<') {
        at += next;
        let rest = &text[at + 1..];
        let closed_by = if rest.starts_with("![CDATA[") {
            match end_of_cdata(rest) {
                Some(len) => at += 1 + len,
                None => break,
            }
            continue;
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
            Some(bang) => is_bang(bang),
            None => match rest.as_bytes().first() {
                Some(b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'?' | b'_' | b':') => true,
                Some(0x80..) => rest.starts_with(char::is_alphabetic),
                _ => false,
            },
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

/// Whether a text behind `<!` is one of [`BANGS`].
fn is_bang(text: &str) -> bool {
    BANGS.iter().any(|bang| text.get(..bang.len()).is_some_and(|w| w.eq_ignore_ascii_case(bang)))
}

/// Whether each `<` of a text, also within CDATA and comments, begins a tag, as in most feeds; the
/// loop over pairs of bytes is one that compilers make fast.
fn is_sound(text: &str) -> bool {
    let is_odd = |this: u8, next: u8| {
        let is_letter = (next | 0x20).wrapping_sub(b'a') < 26;
        let is_mark =
            (next == b'/') | (next == b'?') | (next == b'_') | (next == b':') | (next == b'!');
        (this == b'<') & !(is_letter | is_mark)
    };
    let bytes = text.as_bytes();
    let Some((&last, body)) = bytes.split_last() else { return true };
    let (these, rest) = body.as_chunks::<64>();
    let (nexts, _) = bytes[1..].as_chunks::<64>();
    let has_odd = |(these, nexts): (&[u8; 64], &[u8; 64])| {
        these.iter().zip(nexts).fold(false, |odd, (this, next)| odd | is_odd(*this, *next))
    };
    if last == b'<' || these.iter().zip(nexts).any(has_odd) {
        return false;
    }
    let rest = &bytes[body.len() - rest.len()..];
    if rest.windows(2).any(|pair| is_odd(pair[0], pair[1])) {
        return false;
    }
    memchr::memmem::find_iter(bytes, "<!").all(|at| {
        let bang = &text[at + 2..];
        bang.starts_with("[CDATA[") || bang.starts_with("--") || is_bang(bang)
    })
}

/// Where the `]]>` of a text ends. Square brackets are rare, so that looking for one is faster than
/// looking for three letters.
fn end_of_cdata(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text[at..].find(']')?;
        if text.as_bytes()[at..].starts_with(b"]]>") {
            return Some(at + 3);
        }
        at += 1;
    }
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
                Piece::Close(name) => out += &format!("-{} ", name),
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
        check("<a><Ab/><c /></a >", "+a +ab -ab +c -c -a ");
        check("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "+a &b;-a ");
        check("<a <!x>", "+a ");
    }

    #[test]
    fn a_mark_that_begins_no_tag_is_found_anywhere_in_a_text() {
        for len in 0..200 {
            let sound = format!("{}<b>{}", "a".repeat(len), "<!-- x --><![CDATA[y]]></b>");
            assert!(matches!(mend(&sound), Cow::Borrowed(_)));
            for odd in ["< ", "<3", "<!x", "<![x", "<"] {
                for behind in [0, 1, 63, 64, 65] {
                    let text = format!("{}{odd}{}", "a".repeat(len), " b".repeat(behind));
                    assert_eq!(mend(&text), text.replace('<', "&lt;"), "{len} {odd} {behind}");
                }
            }
        }
    }

    #[test]
    fn the_attributes_of_a_tag_are_known_in_any_writing() {
        let text = "<x><!a b='c'><Ab X=' 1 &amp; 2 ' y=z w Q=\"\" xmlns='u' XMLNS:P='v&lt;'/><e f='g' f='h'>";
        let tags: Vec<Tag<'_>> = Pieces::of(text)
            .filter_map(|piece| match piece {
                Piece::Open(tag) => Some(tag),
                _ => None,
            })
            .collect();
        let check = |name: &str, want: Option<&str>| {
            assert_eq!(tags[1].attribute(name).as_deref(), want, "{name}");
        };
        check("x", Some("1 & 2"));
        check("y", Some("z"));
        for absent in ["w", "q", "b", "n"] {
            check(absent, None);
        }
        let declared: Vec<_> = tags[1].declarations().collect();
        assert_eq!(declared, [("".into(), "u".into()), ("p".into(), "v<".into())]);
        assert_eq!(tags[2].attribute("f").as_deref(), Some("g"), "the first counts");
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
