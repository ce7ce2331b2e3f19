//! XML as publishers write it, cut into opening tags, words and closing tags. Nothing is looked up
//! outside the text, no DTD is read, no entity of its own making is expanded.
//!
//! Our own, where captions are read by quick-xml: what publishers send is often no XML (`a < b`, `R&D`,
//! tags that nothing closes), so that half of this was needed around that reader all the same, and a
//! round over a thousand feeds has two million steps, of which each took it two or three times as long.
//! Tests hold this one against that one.

use std::borrow::Cow;

use memchr::{memchr, memchr2_iter, memchr3};

use super::text;

/// Attributes of one tag that are looked at: the most that any known tag has is some thirty, and
/// the rest of a hostile one is passed over.
const ATTRIBUTES_MAX: usize = 256;

/// How often reading goes on after a piece that is no XML. Each time the rest of the text may be
/// looked through to its end, so the bound is on time.
const RESUMED_MAX: usize = 16;

/// An opening tag. Its attributes are read where they are asked for: most have none, and of most that
/// have some nobody wants any.
#[derive(Clone, Copy)]
pub(super) struct Tag<'a> {
    /// With its prefix, as it is written: names are compared without regard to case.
    pub(super) name: &'a str,
    /// All between the name and `>` or `/>`.
    rest: &'a str,
}

impl<'a> Tag<'a> {
    /// Whether it is a name alone.
    pub(super) fn is_bare(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether it may have an attribute whose name begins with `xml`, as those do that say something of the
    /// document.
    pub(super) fn may_declare(&self) -> bool {
        let bytes = self.rest.as_bytes();
        let is_xml = |at| bytes.get(at..at + 3).is_some_and(|it| it.eq_ignore_ascii_case(b"xml"));
        memchr2_iter(b'x', b'X', bytes).any(is_xml)
    }

    /// Names and values as they are written.
    fn attributes(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        Attributes { rest: self.rest }.take(ATTRIBUTES_MAX)
    }

    /// The value of an attribute by its name in lower case, with entities decoded and without
    /// blanks around it; an empty one counts as absent.
    pub(super) fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        if self.is_bare() {
            return None;
        }
        let (_, value) = self.attributes().find(|(key, _)| is_same(key, name))?;
        let value = match text::unescape(value) {
            Cow::Borrowed(value) => Cow::Borrowed(value.trim()),
            Cow::Owned(value) => Cow::Owned(value.trim().to_owned()),
        };
        (!value.is_empty()).then_some(value)
    }

    /// Every prefix (empty: the default) that this tag declares, with its address.
    pub(super) fn declarations(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        self.attributes().filter_map(|(key, value)| {
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
        let (text, bytes) = (self.rest, self.rest.as_bytes());
        // Every place below is beside an ASCII letter or at the end, and so between two letters.
        let from = past(bytes, 0, |b| is_blank(b) || b == b'/');
        bytes.get(from)?;
        // What begins with a `=` is a name all the same.
        let name_end = past(bytes, from + 1, |b| !is_blank(b) && b != b'=');
        let name = &text[from..name_end];
        let at = past(bytes, name_end, is_blank);
        if bytes.get(at) != Some(&b'=') {
            self.rest = &text[name_end..];
            return Some((name, ""));
        }
        let at = past(bytes, at + 1, is_blank);
        let quoted = match bytes.get(at) {
            Some(quote @ (b'"' | b'\'')) => memchr(*quote, &bytes[at + 1..]),
            _ => None,
        };
        let (value, end) = match quoted {
            Some(len) => (&text[at + 1..at + 1 + len], at + len + 2),
            None => {
                let end = past(bytes, at, |b| !is_blank(b));
                (&text[at..end], end)
            }
        };
        self.rest = &text[end..];
        Some((name, value))
    }
}

/// Where from `at` on the bytes of one kind end.
fn past(bytes: &[u8], at: usize, is_one: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().position(|b| !is_one(*b)).map_or(bytes.len(), |len| at + len)
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// Whether a tag's name goes on with this byte.
fn is_of_name(byte: u8) -> bool {
    // Letters are beyond all that end one.
    byte > b'>' || (byte != b'>' && !is_blank(byte))
}

/// Whether two names are the same but for case, which most are to the letter.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    a == b || a.eq_ignore_ascii_case(b)
}

/// A name in lower case.
pub(super) fn lowered(name: &str) -> Cow<'_, str> {
    if !name.bytes().any(|b| b.is_ascii_uppercase()) {
        return Cow::Borrowed(name);
    }
    match name {
        // Those that every item of a feed has.
        "pubDate" => Cow::Borrowed("pubdate"),
        "videoId" => Cow::Borrowed("videoid"),
        "channelId" => Cow::Borrowed("channelid"),
        "starRating" => Cow::Borrowed("starrating"),
        "episodeType" => Cow::Borrowed("episodetype"),
        _ => Cow::Owned(name.to_ascii_lowercase()),
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
    /// The last tag's name, whose end mostly comes next.
    opened: &'a str,
    /// A mark begins where we are.
    is_at_mark: bool,
    /// Whether words are a piece: between most tags nobody wants any.
    pub(super) wants_words: bool,
    resumed: usize,
    /// Line, from 1, of the first piece that is no XML.
    pub(super) broken_line: Option<usize>,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(text: &'a str) -> Pieces<'a> {
        Pieces {
            text,
            at: 0,
            closes: None,
            opened: "",
            is_at_mark: false,
            wants_words: true,
            resumed: 0,
            broken_line: None,
        }
    }

    /// Whether reading ended before the text did.
    pub(super) fn gave_up(&self) -> bool {
        self.resumed > RESUMED_MAX
    }

    /// Goes on at the next `<` behind a mark that does not end, of which there is no piece; at the end of
    /// the text where too much is broken.
    #[cold]
    fn resume(&mut self) -> Option<Piece<'a>> {
        let bytes = self.text.as_bytes();
        let line = || 1 + memchr::memchr_iter(b'\n', &bytes[..self.at]).count();
        self.broken_line.get_or_insert_with(line);
        self.resumed += 1;
        let next = memchr(b'<', &bytes[self.at + 1..]).filter(|_| self.resumed <= RESUMED_MAX);
        self.at = next.map_or(bytes.len(), |next| self.at + 1 + next);
        None
    }

    /// The opening tag that begins where we are.
    fn opening(&mut self) -> Option<Piece<'a>> {
        let (text, bytes, at) = (self.text, self.text.as_bytes(), self.at);
        let name_end = past(bytes, at + 1, is_of_name);
        let Some(to) = end_of_tag(bytes, name_end) else { return self.resume() };
        let closes_itself = bytes[to - 1] == b'/';
        let inner_end = if closes_itself { to - 1 } else { to };
        let name_end = name_end.min(inner_end);
        let name = &text[at + 1..name_end];
        self.closes = closes_itself.then_some(name);
        self.opened = name;
        self.at = to + 1;
        Some(Piece::Open(Tag { name, rest: &text[name_end..inner_end] }))
    }

    /// The closing tag that begins where we are.
    fn closing(&mut self) -> Option<Piece<'a>> {
        let (text, bytes, at) = (self.text, self.text.as_bytes(), self.at + 2);
        let expected = at + self.opened.len();
        if bytes.get(expected) == Some(&b'>') && bytes[at..expected] == *self.opened.as_bytes() {
            self.at = expected + 1;
            return Some(Piece::Close(self.opened));
        }
        let end = past(bytes, at, is_of_name);
        // Few have blanks behind them.
        let Some(blanks) = memchr(b'>', &bytes[end..]) else { return self.resume() };
        self.at = end + blanks + 1;
        Some(Piece::Close(if blanks == 0 { &text[at..end] } else { text[at..end + blanks].trim() }))
    }

    /// What is no tag and begins where we are. Of it CDATA alone is words.
    fn aside(&mut self) -> Option<Piece<'a>> {
        let (text, bytes, at) = (self.text, self.text.as_bytes(), self.at);
        // Where that ends what stands between such a beginning and such an end.
        let within = |begin: &str, end: &str| {
            let from = at + begin.len();
            Some((from, from + find(&bytes[from..], end)?, end.len()))
        };
        let rest = &text[at..];
        let is_literal = rest.starts_with(CDATA);
        let found = if is_literal {
            within(CDATA, "]]>")
        } else if rest.starts_with(COMMENT) {
            within(COMMENT, "-->")
        } else if rest.starts_with("<?") {
            within("<?", "?>")
        } else {
            end_of_declaration(rest).map(|len| (at, at + len, 0))
        };
        let Some((from, to, end)) = found else { return self.resume() };
        self.at = to + end;
        let is_piece = is_literal && self.wants_words;
        is_piece.then(|| Piece::Words(Words { written: &text[from..to], is_literal }))
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if let Some(name) = self.closes.take() {
            return Some(Piece::Close(name));
        }
        let text = self.text;
        while self.at < text.len() {
            if !std::mem::take(&mut self.is_at_mark) && !begins_mark(text, self.at) {
                let (begin, end) = (self.at, words_end(text, self.at));
                self.at = end;
                self.is_at_mark = end < text.len();
                if self.wants_words {
                    let written = &text[begin..end];
                    return Some(Piece::Words(Words { written, is_literal: false }));
                }
                continue;
            }
            let piece = match text.as_bytes().get(self.at + 1) {
                Some(b'/') => self.closing(),
                Some(b'?' | b'!') => self.aside(),
                _ => self.opening(),
            };
            if piece.is_some() {
                return piece;
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

/// Where the words end that begin at a place. A `<` that begins no mark (`a < b`, `<3`) is one of them.
fn words_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    // Between most tags stands a line end alone, for which looking far is slow.
    let mut at = past(bytes, at, is_blank);
    if at < bytes.len() && begins_mark(text, at) {
        return at;
    }
    while let Some(next) = memchr(b'<', &bytes[at..]) {
        at += next;
        if begins_mark(text, at) {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// Whether a mark begins at a place.
fn begins_mark(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    if bytes[at] != b'<' {
        return false;
    }
    match bytes.get(at + 1) {
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'?' | b'_' | b':') => true,
        Some(b'!') => {
            let text = &text[at..];
            let is_one = |known: &&str| {
                text.get(2..2 + known.len()).is_some_and(|said| said.eq_ignore_ascii_case(known))
            };
            text.starts_with(CDATA) || text.starts_with(COMMENT) || DECLARATIONS.iter().any(is_one)
        }
        Some(0x80..) => text[at + 1..].starts_with(char::is_alphabetic),
        _ => false,
    }
}

/// Where from `at` on the `>` is that ends a tag; one between quotation marks does not.
fn end_of_tag(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *text.get(at)? {
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
    fn words_that_nobody_wants_are_passed_over_and_every_tag_is_there() {
        let mut pieces = Pieces::of("<a>\n<b>x <3</b> <![CDATA[<y>]]><bc/>z</b ></a> end");
        pieces.wants_words = false;
        let mut read = String::new();
        for piece in pieces {
            match piece {
                Piece::Open(tag) => read += &format!("+{} ", tag.name),
                Piece::Words(_) => read += "words ",
                Piece::Close(name) => read += &format!("-{name} "),
            }
        }
        assert_eq!(read, "+a +b -b +bc -bc -b -a ");
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
                        for (key, value) in tag.attributes() {
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
