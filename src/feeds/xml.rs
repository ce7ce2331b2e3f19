//! XML as publishers write it, cut into opening tags, words and closing tags. Nothing is looked up
//! outside the text, no DTD is read, no entity of its own making is expanded.
//!
//! Our own, where captions are read by quick-xml: what publishers send is often no XML (`a < b`, `R&D`,
//! tags that nothing closes), so that half of this was needed around that reader all the same, and a
//! round over a thousand feeds has two million steps, of which each took it two or three times as long.
//! Tests hold this one against that one.

use std::borrow::Cow;

use memchr::{memchr, memchr3};
use smallvec::SmallVec;

use super::text;

/// Attributes of one tag that are looked at: the most that any known tag has is some thirty, and
/// the rest of a hostile one is passed over.
const ATTRIBUTES_MAX: usize = 256;

/// How often reading goes on after a piece that is no XML. Each time the rest of the text may be
/// looked through to its end, so the bound is on time.
const RESUMED_MAX: usize = 16;

/// An opening tag.
pub(super) struct Tag<'a> {
    /// With its prefix, as it is written: names are compared without regard to case.
    pub(super) name: &'a str,
    /// Names and values as they are written.
    attributes: SmallVec<[(&'a str, &'a str); 4]>,
}

impl<'a> Tag<'a> {
    /// `rest` is all between the name and `>` or `/>`.
    fn of(name: &'a str, rest: &'a str) -> Tag<'a> {
        let mut attributes = SmallVec::new();
        // Most tags of a feed are a name alone.
        if !rest.is_empty() {
            Attributes { rest }.take(ATTRIBUTES_MAX).for_each(|one| attributes.push(one));
        }
        Tag { name, attributes }
    }

    /// The value of an attribute by its name in lower case, with entities decoded and without
    /// blanks around it; an empty one counts as absent.
    pub(super) fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        let (_, value) = self.attributes.iter().find(|(key, _)| is_same(key, name))?;
        let value = match text::unescape(value) {
            Cow::Borrowed(value) => Cow::Borrowed(value.trim()),
            Cow::Owned(value) => Cow::Owned(value.trim().to_owned()),
        };
        (!value.is_empty()).then_some(value)
    }

    /// Every prefix (empty: the default) that this tag declares, with its address.
    pub(super) fn declarations(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        self.attributes.iter().filter_map(|(key, value)| {
            let rest = key.get(5..).filter(|_| key[..5].eq_ignore_ascii_case("xmlns"))?;
            let prefix = if rest.is_empty() { rest } else { rest.strip_prefix(':')? };
            Some((prefix, text::unescape(value)))
        })
    }
}

/// Names and values as they are written, in any of the ways that HTML allows: in either quotation marks,
/// in none, or a name alone.
struct Attributes<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let rest = past(self.rest, |b| is_blank(b) || b == b'/');
        // What begins with a `=` is a name all the same.
        let after_first = rest.get(rest.chars().next()?.len_utf8()..).unwrap_or_default();
        let behind = past(after_first, |b| !is_blank(b) && b != b'=');
        let name = &rest[..rest.len() - behind.len()];
        let Some(value) = past(behind, is_blank).strip_prefix('=') else {
            self.rest = behind;
            return Some((name, ""));
        };
        let value = past(value, is_blank);
        let quoted = match value.as_bytes().first() {
            Some(quote @ (b'"' | b'\'')) => memchr(*quote, &value.as_bytes()[1..]),
            _ => None,
        };
        let (value, behind) = match quoted {
            Some(len) => (&value[1..=len], &value[len + 2..]),
            None => {
                let behind = past(value, |b| !is_blank(b));
                (&value[..value.len() - behind.len()], behind)
            }
        };
        self.rest = behind;
        Some((name, value))
    }
}

/// A text behind the bytes of one kind that it begins with; these, or those that are not, are ASCII.
fn past(text: &str, is_one: impl Fn(u8) -> bool) -> &str {
    let len = text.bytes().position(|b| !is_one(b)).unwrap_or(text.len());
    &text[len..]
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// Whether two names are the same but for case, which most are to the letter.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    a == b || a.eq_ignore_ascii_case(b)
}

/// A name in lower case.
pub(super) fn lowered(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Words between tags.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    written: &'a str,
    /// Of CDATA, in which nothing stands for anything else.
    is_literal: bool,
}

impl<'a> Words<'a> {
    /// As they are meant, read up to so many bytes of what is written.
    pub(super) fn read(self, bytes_max: usize) -> Cow<'a, str> {
        let written = &self.written[..self.written.floor_char_boundary(bytes_max)];
        if self.is_literal { Cow::Borrowed(written) } else { text::unescape(written) }
    }
}

/// One step through a document.
pub(super) enum Piece<'a> {
    Open(Tag<'a>),
    Words(Words<'a>),
    /// A closing tag's name with its prefix, as it is written. A tag that closes itself is two steps.
    Close(&'a str),
}

/// The steps through a document.
pub(super) struct Pieces<'a> {
    text: &'a str,
    /// Up to where it was read.
    at: usize,
    /// What the tag before closes with it.
    closes: Option<&'a str>,
    resumed: usize,
    /// Line, from 1, of the first piece that is no XML.
    pub(super) broken_line: Option<usize>,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(text: &'a str) -> Pieces<'a> {
        Pieces { text, at: 0, closes: None, resumed: 0, broken_line: None }
    }

    /// Whether reading ended before the text did.
    pub(super) fn gave_up(&self) -> bool {
        self.resumed > RESUMED_MAX
    }

    /// Goes on at the next `<` behind a mark that does not end; at the end of the text where too much is
    /// broken.
    fn resume(&mut self) {
        let bytes = self.text.as_bytes();
        let line = || 1 + memchr::memchr_iter(b'\n', &bytes[..self.at]).count();
        self.broken_line.get_or_insert_with(line);
        self.resumed += 1;
        let next = memchr(b'<', &bytes[self.at + 1..]).filter(|_| self.resumed <= RESUMED_MAX);
        self.at = next.map_or(bytes.len(), |next| self.at + 1 + next);
    }

    /// The mark that begins where we are and how many bytes it has, `None` for one that is not ended; no
    /// piece for what tells nothing.
    fn mark(&mut self) -> Option<(Option<Piece<'a>>, usize)> {
        let rest = &self.text[self.at..];
        let behind = |begin: &str, end: &str| {
            let len = find(&rest.as_bytes()[begin.len()..], end)?;
            Some((&rest[begin.len()..begin.len() + len], begin.len() + len + end.len()))
        };
        match rest.as_bytes().get(1) {
            Some(b'/') => {
                let len = rest.bytes().position(|b| b == b'>')?;
                let name = &rest[2..len];
                // Few have blanks around them.
                let name = if name.bytes().any(is_blank) { name.trim() } else { name };
                Some((Some(Piece::Close(name)), len + 1))
            }
            Some(b'?') => behind("<?", "?>").map(|(_, len)| (None, len)),
            Some(b'!') if rest.starts_with(CDATA) => {
                let (written, len) = behind(CDATA, "]]>")?;
                Some((Some(Piece::Words(Words { written, is_literal: true })), len))
            }
            Some(b'!') if rest.starts_with(COMMENT) => {
                behind(COMMENT, "-->").map(|(_, len)| (None, len))
            }
            Some(b'!') => end_of_declaration(rest).map(|len| (None, len)),
            _ => {
                let name_len = rest.bytes().position(|b| is_blank(b) || b == b'>')?;
                let len = end_of_tag(rest.as_bytes(), name_len)?;
                let closed = rest[..len].strip_suffix('/');
                let inner = closed.unwrap_or(&rest[..len]);
                let name = &rest[1..name_len.min(inner.len())];
                let tag = Tag::of(name, inner.get(name_len..).unwrap_or_default());
                self.closes = closed.map(|_| name);
                Some((Some(Piece::Open(tag)), len + 1))
            }
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if let Some(name) = self.closes.take() {
            return Some(Piece::Close(name));
        }
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            if !begins_mark(rest) {
                let written = &rest[..words_len(rest)];
                self.at += written.len();
                return Some(Piece::Words(Words { written, is_literal: false }));
            }
            match self.mark() {
                Some((piece, len)) => {
                    self.at += len;
                    if piece.is_some() {
                        return piece;
                    }
                }
                None => self.resume(),
            }
        }
        None
    }
}

/// Where an end is whose first letter is rare in a text: looking for that alone is faster than making
/// ready to look for all of it.
fn find(text: &[u8], end: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr(end.as_bytes()[0], &text[at..])?;
        if text[at..].starts_with(end.as_bytes()) {
            return Some(at);
        }
        at += 1;
    }
}

const CDATA: &str = "<![CDATA[";
const COMMENT: &str = "<!--";

/// What else may stand behind `<!`.
const DECLARATIONS: &[&str] =
    &["doctype", "entity", "element", "attlist", "notation", "[include", "[ignore"];

/// How many bytes of words a text begins with. A `<` that begins no mark (`a < b`, `<3`) is one of them.
fn words_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(next) = memchr(b'<', &bytes[at..]) {
        at += next;
        if begins_mark(&text[at..]) {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// Whether a text begins with a mark.
fn begins_mark(text: &str) -> bool {
    if !text.starts_with('<') {
        return false;
    }
    match text.as_bytes().get(1) {
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'?' | b'_' | b':') => true,
        Some(b'!') => {
            let is_one = |known: &&str| {
                text.get(2..2 + known.len()).is_some_and(|said| said.eq_ignore_ascii_case(known))
            };
            text.starts_with(CDATA) || text.starts_with(COMMENT) || DECLARATIONS.iter().any(is_one)
        }
        Some(0x80..) => text[1..].starts_with(char::is_alphabetic),
        _ => false,
    }
}

/// Where from `at` on the `>` is that ends a tag; one between quotation marks does not.
fn end_of_tag(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match text[at] {
            b'>' => return Some(at),
            quote @ (b'"' | b'\'') => at += 2 + memchr(quote, &text[at + 1..])?,
            _ => at += 1,
        }
        at += memchr3(b'>', b'"', b'\'', &text[at..])?;
    }
}

/// How many bytes the declaration has that a text begins with, with those that lie within it, quoted
/// texts and comments.
fn end_of_declaration(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (1, 1);
    loop {
        at += bytes[at..].iter().position(|b| matches!(b, b'<' | b'>' | b'"' | b'\''))?;
        let rest = &bytes[at..];
        at += match rest[0] {
            b'<' if rest.starts_with(COMMENT.as_bytes()) => find(rest, "-->")? + 3,
            b'<' if rest.starts_with(b"<?") => find(rest, "?>")? + 2,
            b'<' => {
                depth += 1;
                1
            }
            b'>' => {
                depth -= 1;
                1
            }
            quote => memchr(quote, &rest[1..])? + 2,
        };
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Opening tags as `+name`, closing ones as `-name`, words as they are.
    fn steps(text: &str) -> (String, Option<usize>) {
        let mut pieces = Pieces::of(text);
        let mut out = String::new();
        for piece in pieces.by_ref() {
            match piece {
                Piece::Open(tag) => out += &format!("+{} ", lowered(tag.name)),
                Piece::Words(words) => out += &words.read(usize::MAX),
                Piece::Close(name) => out += &format!("-{} ", lowered(name)),
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
        assert_eq!(declared, [("", "u".into()), ("P", "v<".into())]);
        assert_eq!(tags[2].attribute("f").as_deref(), Some("g"), "the first counts");
    }

    /// The same steps as quick-xml takes them.
    fn steps_of_quick_xml(text: &str) -> String {
        use quick_xml::events::Event;
        let mut reader = quick_xml::Reader::from_str(text);
        reader.config_mut().check_end_names = false;
        reader.config_mut().allow_unmatched_ends = true;
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().allow_dangling_amp = true;
        let mut out = String::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => return out,
                Event::Start(tag) => {
                    out += &format!("+{} ", tag.name().0.to_ascii_lowercase());
                    for attribute in tag.attributes().map(Result::unwrap) {
                        out += &format!("{}={} ", attribute.key.0, attribute.value);
                    }
                }
                Event::End(tag) => {
                    out += &format!("-{} ", tag.name().0.trim().to_ascii_lowercase())
                }
                Event::Text(words) => out += &words.into_inner(),
                Event::CData(words) => out += &words.into_inner(),
                Event::GeneralRef(name) => {
                    let name = name.into_inner();
                    if !crate::letters::entities::push(&name, &mut out) {
                        out += &format!("&{name};");
                    }
                }
                _ => {}
            }
        }
    }

    /// What stands between the tags of a document, or is one.
    fn part() -> impl Strategy<Value = String> {
        let name = "[a-zA-Z_][a-zA-Z0-9:._é-]{0,6}";
        let blank = "[ \n\t]{0,2}";
        let value = prop_oneof!["\"[^\"<&]{0,6}\"", "'[^'<&]{0,6}'"];
        // One that stands twice is no XML.
        let attributes =
            prop::collection::btree_map(name, (blank, value, blank), 0..6).prop_map(|all| {
                let written =
                    |(name, (before, value, after))| format!(" {name}{before}={after}{value}");
                all.into_iter().map(written).collect::<String>()
            });
        prop_oneof![
            "[^<&>]{0,20}",
            "&(amp|lt|eacute|mine|#233|#x2019|R D);?",
            "<!\\[CDATA\\[[^\\]]{0,9}\\]?[^\\]>]{0,3}\\]\\]>",
            "<!--[^-]{0,9}-?[^->]{0,3}-->",
            "<\\?[a-z]{1,4} [^?]{0,9}\\?>",
            (name, attributes, "/?").prop_map(|(name, all, end)| format!("<{name}{all}{end}>")),
            (name, blank).prop_map(|(name, blank)| format!("</{name}{blank}>")),
        ]
    }

    proptest! {
        #[test]
        fn what_is_xml_is_read_as_quick_xml_reads_it(
            parts in prop::collection::vec(part(), 0..20),
        ) {
            let text = format!("<!DOCTYPE a [<!ENTITY b \"c>\"><!-- ' -->]>{}", parts.concat());
            let mut own = String::new();
            for piece in Pieces::of(&text) {
                match piece {
                    Piece::Open(tag) => {
                        own += &format!("+{} ", lowered(tag.name));
                        for (key, value) in &tag.attributes {
                            own += &format!("{key}={value} ");
                        }
                    }
                    Piece::Words(words) => own += &words.read(usize::MAX),
                    Piece::Close(name) => own += &format!("-{} ", lowered(name)),
                }
            }
            prop_assert_eq!(own, steps_of_quick_xml(&text));
        }

        #[test]
        fn anything_at_all_is_read_to_its_end(text in "(<|>|!|\\[|\\]|-|\\?|/|=|\"|'|&|;|a| |é|CDATA|DOCTYPE){0,40}") {
            let mut pieces = Pieces::of(&text);
            while pieces.next().is_some() {}
            prop_assert!(pieces.at == text.len() || pieces.gave_up());
        }
    }

    #[test]
    fn a_text_of_nothing_but_beginnings_is_given_up_in_time() {
        for part in ["<", "<a ", "<!--", "<![CDATA[", "<!DOCTYPE [", "<?", "<a b=\"", "</", "&"] {
            let text = part.repeat(400_000);
            assert!(Pieces::of(&text).count() <= 2 * RESUMED_MAX + 2, "{part}");
        }
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
