//! The text of a JSON document: checked more strictly than a parser needs to, and changed in place
//! so that what a person wrote around a change stays as they wrote it.
//!
//! Own code and not a syntax-tree crate: those make a node of each token, which for a transcript of
//! 200,000 cues takes hundreds of megabytes, and they choose the form of what is inserted, where
//! here one cue or point is to stand on one line. This keeps spans alone.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;
use std::io;
use std::ops::Range;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

/// Where and why a document's text is not what it must be. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, as the end of a sentence.
    pub reason: String,
}

/// Deepest nesting that is taken. serde_json stops at 128, and an exported library holds each document
/// two levels deeper than its file does.
const DEPTH_MAX: usize = 120;

/// Keys of an object that are compared with each other; those of a larger one are looked up.
const KEYS_COMPARED_MAX: usize = 16;

/// A value's place in the text.
#[derive(Debug)]
struct Node<'a> {
    span: Range<usize>,
    kind: Kind<'a>,
}

#[derive(Debug)]
enum Kind<'a> {
    Scalar,
    Array(Vec<Node<'a>>),
    Object(Vec<Member<'a>>),
}

#[derive(Debug)]
struct Member<'a> {
    key: Cow<'a, str>,
    /// From the key's opening quote to the end of the value.
    span: Range<usize>,
    value: Node<'a>,
}

/// Decodes a file's bytes: a byte order mark is dropped, anything but UTF-8 is refused, and so is a
/// file without a value in it.
pub fn decode(bytes: &[u8]) -> Result<&str, Flaw> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
        flaw_at(&good, good.len(), "here is a byte that is not UTF-8: save the file as UTF-8")
    })?;
    if text.trim().is_empty() {
        return Err(Flaw { line: 1, column: 1, reason: "the file is empty".to_owned() });
    }
    Ok(text)
}

/// Checks what serde_json lets pass in a typed read: a key that stands twice in one object.
pub fn check(text: &str) -> Result<(), Flaw> {
    Scanner { text, at: 0 }.document().map(drop)
}

/// The line and column of a byte offset.
fn flaw_at(text: &str, offset: usize, reason: impl Into<String>) -> Flaw {
    let before = &text[..offset.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Flaw {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        reason: reason.into(),
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn document(mut self) -> Result<Node<'a>, Flaw> {
        let node = self.value(0)?;
        self.space();
        if self.at < self.text.len() {
            return Err(self.flaw("something stands after the end of the document"));
        }
        Ok(node)
    }

    fn flaw(&self, reason: impl Into<String>) -> Flaw {
        flaw_at(self.text, self.at, reason)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node<'a>, Flaw> {
        if depth > DEPTH_MAX {
            return Err(self.flaw(format!("it is nested deeper than {DEPTH_MAX} levels")));
        }
        self.space();
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => {
                self.string()?;
                Kind::Scalar
            }
            Some(_) => {
                // serde_json has checked or will check the scalar itself; only its end matters here.
                while self.peek().is_some_and(|b| !b" \t\r\n,]}:".contains(&b)) {
                    self.at += 1;
                }
                if self.at == start {
                    return Err(self.flaw("a value is missing"));
                }
                Kind::Scalar
            }
            None => return Err(self.flaw("the file ends where a value should stand")),
        };
        Ok(Node { span: start..self.at, kind })
    }

    fn object(&mut self, depth: usize) -> Result<Kind<'a>, Flaw> {
        self.at += 1;
        let mut members: Vec<Member<'a>> = Vec::new();
        // Of an object with many keys, as few have.
        let mut keys: HashSet<Cow<'a, str>> = HashSet::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Kind::Object(members));
        }
        loop {
            self.space();
            let start = self.at;
            let key = self.string()?;
            if members.len() == KEYS_COMPARED_MAX {
                keys.extend(members.iter().map(|member| member.key.clone()));
            }
            let is_known = if members.len() < KEYS_COMPARED_MAX {
                members.iter().any(|member| member.key == key)
            } else {
                !keys.insert(key.clone())
            };
            if is_known {
                self.at = start;
                return Err(self.flaw(format!("the key \"{key}\" stands twice in one object")));
            }
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.flaw("a `:` is missing after the key"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            members.push(Member { key, span: start..self.at, value });
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Kind::Object(members));
                }
                _ => return Err(self.flaw("a `,` or `}` is missing")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Kind<'a>, Flaw> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Kind::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Kind::Array(items));
                }
                _ => return Err(self.flaw("a `,` or `]` is missing")),
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Flaw> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.flaw("a key in double quotes is missing"));
        }
        self.at += 1;
        let mut is_plain = true;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_plain = false;
                    self.at += 2;
                }
                Some(byte) => {
                    is_plain &= byte >= b' ';
                    self.at += 1;
                }
                None => {
                    self.at = start;
                    return Err(self.flaw("this text is never closed by a `\"`"));
                }
            }
        }
        self.at += 1;
        if is_plain {
            return Ok(Cow::Borrowed(&self.text[start + 1..self.at - 1]));
        }
        serde_json::from_str(&self.text[start..self.at]).map(Cow::Owned).map_err(|_| {
            self.at = start;
            self.flaw("this text holds an escape or a control character that JSON does not know")
        })
    }
}

/// How a document is laid out: read off its text, so that what is added looks like what is there.
#[derive(Clone, Debug)]
struct Style<'a> {
    newline: &'static str,
    /// One level of indentation; `None` where the whole document stands on one line.
    indent: Option<String>,
    colon: &'static str,
    /// Arrays by these names hold one item a line.
    one_line_items: &'a [&'a str],
}

impl Style<'_> {
    fn of<'a>(text: &str, one_line_items: &'a [&'a str]) -> Style<'a> {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let indent = text.trim().split('\n').skip(1).find_map(|line| {
            let width = line.len() - line.trim_start_matches([' ', '\t']).len();
            (width > 0 && !line.trim().is_empty()).then(|| line[..width].to_owned())
        });
        let on_one_line = !text.trim().contains('\n');
        let compact = on_one_line && !text.contains("\": ");
        Style {
            newline,
            indent: if on_one_line {
                None
            } else {
                Some(indent.unwrap_or_else(|| "  ".to_owned()))
            },
            colon: if compact { ":" } else { ": " },
            one_line_items,
        }
    }

    fn break_at(&self, depth: usize) -> String {
        let mut out = String::new();
        self.push_break(depth, &mut out);
        out
    }

    fn push_break(&self, depth: usize, out: &mut String) {
        if let Some(indent) = &self.indent {
            out.push_str(self.newline);
            (0..depth).for_each(|_| out.push_str(indent));
        }
    }

    fn comma(&self) -> &'static str {
        if self.indent.is_none() && self.colon == ":" { "," } else { ", " }
    }

    /// Writes a new value, whose own line is indented by `depth` levels.
    fn render(&self, value: &Value, depth: usize, name: &str, out: &mut String) {
        match value {
            Value::Object(map) if !map.is_empty() && self.indent.is_some() => {
                out.push('{');
                for (i, (key, item)) in map.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { "," });
                    self.push_break(depth + 1, out);
                    push_quoted(key, out);
                    out.push_str(self.colon);
                    self.render(item, depth + 1, key, out);
                }
                self.push_break(depth, out);
                out.push('}');
            }
            Value::Array(items)
                if self.indent.is_some()
                    && !items.is_empty()
                    && (items.iter().any(|i| i.is_object() || i.is_array())
                        || self.one_line_items.contains(&name)) =>
            {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { "," });
                    self.push_break(depth + 1, out);
                    self.render_item(item, depth + 1, name, out);
                }
                self.push_break(depth, out);
                out.push(']');
            }
            _ => self.render_line(value, out),
        }
    }

    fn render_item(&self, item: &Value, depth: usize, array: &str, out: &mut String) {
        if self.one_line_items.contains(&array) {
            self.render_line(item, out);
        } else {
            self.render(item, depth, "", out);
        }
    }

    /// Writes a value without a line break.
    fn render_line(&self, value: &Value, out: &mut String) {
        match value {
            Value::Object(map) => {
                out.push('{');
                for (i, (key, item)) in map.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { self.comma() });
                    push_quoted(key, out);
                    out.push_str(self.colon);
                    self.render_line(item, out);
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { self.comma() });
                    self.render_line(item, out);
                }
                out.push(']');
            }
            Value::String(text) => push_quoted(text, out),
            // Writing into a text does not fail.
            scalar => _ = write!(out, "{scalar}"),
        }
    }
}

/// The text of a new document: pretty, two blanks, one item a line in `one_line_items`.
pub fn write(value: &Value, one_line_items: &[&str]) -> String {
    let style = Style { newline: "\n", indent: Some("  ".to_owned()), colon: ": ", one_line_items };
    let mut out = String::new();
    style.render(value, 0, "", &mut out);
    out.push('\n');
    out
}

/// Writes the same text as [`write`], straight from a typed value: without a tree of it in between, which
/// for a list of 50,000 lines takes longer and more memory than all else. Of an array it looks at the
/// first item alone; one that mixes words and objects comes out otherwise laid out.
///
/// # Errors
/// Where the value cannot be JSON; those of `out`.
pub(super) fn write_typed<T: Serialize>(
    value: &T,
    one_line_items: &[&str],
    mut out: impl io::Write,
) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut out, Plain::of(one_line_items)))?;
    out.write_all(b"\n").map_err(serde_json::Error::io)
}

/// Whether `text` is what [`write_typed`] makes of `value`, letter by letter: nobody's hand has been
/// there, no key stands twice and none is unknown. Ends at the first letter that differs.
pub(super) fn is_plain<T: Serialize>(text: &str, value: &T, one_line_items: &[&str]) -> bool {
    let mut rest = Same(text.as_bytes());
    let plain = Plain::of(one_line_items);
    value.serialize(&mut Serializer::with_formatter(&mut rest, plain)).is_ok() && rest.0 == b"\n"
}

/// Takes what is written as long as it is what should come.
struct Same<'a>(&'a [u8]);

impl io::Write for Same<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The layout of [`write`] for a serializer that comes past each value once.
struct Plain<'a> {
    one_line_items: &'a [&'a str],
    /// The containers that are open.
    open: Vec<Layout>,
    /// A container was opened and nothing has come into it.
    is_empty: bool,
    /// The value that comes next stands behind the key.
    is_member: bool,
    /// The key that was written last.
    key: Vec<u8>,
    in_key: bool,
}

/// How an open container is laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Each entry on a line of its own.
    Lines,
    /// Each item on a line of its own, and all of an item on that line.
    OneLineItems,
    /// All on one line.
    Line,
    /// An array whose first item is yet to come: it says whether there are lines.
    Unknown,
}

impl<'a> Plain<'a> {
    fn of(one_line_items: &'a [&'a str]) -> Plain<'a> {
        Plain {
            one_line_items,
            open: Vec::new(),
            is_empty: false,
            is_member: false,
            key: Vec::new(),
            in_key: false,
        }
    }

    /// Whether a container that begins now stands within a line.
    fn is_in_line(&self) -> bool {
        matches!(self.open.last(), Some(Layout::Line | Layout::OneLineItems))
    }

    fn line_break<W: ?Sized + io::Write>(&self, out: &mut W, depth: usize) -> io::Result<()> {
        out.write_all(b"\n")?;
        (0..depth).try_for_each(|_| out.write_all(b"  "))
    }

    /// Before a value: what its array waits for, where it is the first in one.
    fn begin<W: ?Sized + io::Write>(&mut self, out: &mut W, is_container: bool) -> io::Result<()> {
        let depth = self.open.len();
        if let Some(layout @ Layout::Unknown) = self.open.last_mut() {
            *layout = if is_container { Layout::Lines } else { Layout::Line };
            if is_container {
                self.line_break(out, depth)?;
            }
        }
        Ok(())
    }

    fn open(&mut self, layout: Layout) -> io::Result<()> {
        // Deeper ones are refused at reading; the root is one of them.
        if self.open.len() > DEPTH_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.open.push(layout);
        self.is_empty = true;
        Ok(())
    }

    /// Between two entries, and before the first.
    fn between<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.is_empty = false;
        self.is_member = false;
        match self.open.last() {
            Some(Layout::Lines | Layout::OneLineItems) => {
                if !first {
                    out.write_all(b",")?;
                }
                self.line_break(out, self.open.len())
            }
            Some(Layout::Line) if !first => out.write_all(b", "),
            _ => Ok(()),
        }
    }

    fn close<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        let layout = self.open.pop();
        let is_empty = std::mem::take(&mut self.is_empty);
        match layout {
            Some(Layout::Lines | Layout::OneLineItems) if !is_empty => {
                self.line_break(out, self.open.len())
            }
            _ => Ok(()),
        }
    }
}

/// Scalars that first say that they are none of the containers.
macro_rules! scalars {
    ($($name:ident: $kind:ty),*) => {
        $(fn $name<W: ?Sized + io::Write>(&mut self, out: &mut W, value: $kind) -> io::Result<()> {
            self.begin(out, false)?;
            CompactFormatter.$name(out, value)
        })*
    };
}

impl Formatter for Plain<'_> {
    scalars! {
        write_bool: bool, write_i8: i8, write_i16: i16, write_i32: i32, write_i64: i64,
        write_i128: i128, write_u8: u8, write_u16: u16, write_u32: u32, write_u64: u64,
        write_u128: u128, write_f32: f32, write_f64: f64, write_number_str: &str,
        write_raw_fragment: &str
    }

    fn write_null<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, false)?;
        out.write_all(b"null")
    }

    fn begin_string<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        if !self.in_key {
            self.begin(out, false)?;
        }
        out.write_all(b"\"")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if self.in_key {
            self.key.extend_from_slice(fragment.as_bytes());
        }
        out.write_all(fragment.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        let is_named =
            self.is_member && self.one_line_items.iter().any(|name| name.as_bytes() == self.key);
        self.begin(out, true)?;
        let layout = match (self.is_in_line(), is_named) {
            (true, _) => Layout::Line,
            (false, true) => Layout::OneLineItems,
            (false, false) => Layout::Unknown,
        };
        self.open(layout)?;
        out.write_all(b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out)?;
        out.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.between(out, first)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, true)?;
        self.open(if self.is_in_line() { Layout::Line } else { Layout::Lines })?;
        out.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out)?;
        out.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.between(out, first)?;
        self.in_key = true;
        self.key.clear();
        Ok(())
    }

    fn end_object_key<W: ?Sized + io::Write>(&mut self, _out: &mut W) -> io::Result<()> {
        self.in_key = false;
        Ok(())
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.is_member = true;
        out.write_all(b": ")
    }
}

/// The text that says `new` where `text` said `base`, with everything else left as it stood: keys
/// that neither names, their order, the white space, the form of numbers.
///
/// `base` is what a reader made of `text` (so it may lack unknown keys and have defaults added).
///
/// # Errors
/// Where `text` is no JSON.
pub fn patch(
    text: &str,
    base: &Value,
    new: &Value,
    one_line_items: &[&str],
) -> Result<String, Flaw> {
    let root = Scanner { text, at: 0 }.document()?;
    let patcher = Patcher { text, style: Style::of(text, one_line_items) };
    let mut out = String::with_capacity(text.len() + 256);
    out.push_str(&text[..root.span.start]);
    patcher.value(&root, base, new, 0, "", &mut out);
    out.push_str(&text[root.span.end..]);
    Ok(out)
}

struct Patcher<'a> {
    text: &'a str,
    style: Style<'a>,
}

impl Patcher<'_> {
    fn value(
        &self,
        node: &Node<'_>,
        base: &Value,
        new: &Value,
        depth: usize,
        name: &str,
        out: &mut String,
    ) {
        if base == new || same_number(base, new) {
            out.push_str(&self.text[node.span.clone()]);
            return;
        }
        match (&node.kind, base, new) {
            (Kind::Object(members), Value::Object(base), Value::Object(new)) => {
                self.object(node, members, base, new, depth, out);
            }
            (Kind::Array(items), Value::Array(base), Value::Array(new))
                if items.len() == base.len() =>
            {
                self.array(node, items, (base, new), depth, name, out);
            }
            _ => self.style.render(new, depth, name, out),
        }
    }

    fn object(
        &self,
        node: &Node<'_>,
        members: &[Member<'_>],
        base: &serde_json::Map<String, Value>,
        new: &serde_json::Map<String, Value>,
        depth: usize,
        out: &mut String,
    ) {
        let mut entries: Vec<Entry> = Vec::new();
        for (at, member) in members.iter().enumerate() {
            let key = &*member.key;
            let mut text = String::new();
            match (base.get(key), new.get(key)) {
                (Some(_), None) => continue,
                (Some(was), Some(is)) => {
                    text.push_str(&self.text[member.span.start..member.value.span.start]);
                    self.value(&member.value, was, is, depth + 1, key, &mut text);
                }
                (None, Some(is)) => {
                    text.push_str(&self.text[member.span.start..member.value.span.start]);
                    self.style.render(is, depth + 1, key, &mut text);
                }
                (None, None) => text.push_str(&self.text[member.span.clone()]),
            }
            entries.push(Entry { was: Some(at), text });
        }
        let is_many = members.len() > KEYS_COMPARED_MAX;
        let there: HashSet<&str> =
            members.iter().filter(|_| is_many).map(|member| &*member.key).collect();
        for (key, value) in new {
            let is_there = there.contains(key.as_str())
                || !is_many && members.iter().any(|member| member.key == *key);
            // A default that the reader filled in and nobody changed is not written down.
            if is_there || base.get(key) == Some(value) {
                continue;
            }
            let mut text = String::new();
            push_quoted(key, &mut text);
            text.push_str(self.style.colon);
            self.style.render(value, depth + 1, key, &mut text);
            entries.push(Entry { was: None, text });
        }
        let spans: Vec<Range<usize>> = members.iter().map(|member| member.span.clone()).collect();
        self.join(node, &spans, entries, depth, out);
    }

    fn array(
        &self,
        node: &Node<'_>,
        items: &[Node<'_>],
        (base, new): (&[Value], &[Value]),
        depth: usize,
        name: &str,
        out: &mut String,
    ) {
        let mut by_identity: HashMap<String, VecDeque<usize>> = HashMap::new();
        for (at, item) in base.iter().enumerate() {
            by_identity.entry(identity(item)).or_default().push_back(at);
        }
        let mut source: Vec<Option<usize>> = new
            .iter()
            .map(|item| by_identity.get_mut(&identity(item)).and_then(VecDeque::pop_front))
            .collect();
        if base.len() == new.len() {
            // Same length: an item that has no namesake is the changed one at its place.
            let used: HashSet<usize> = source.iter().flatten().copied().collect();
            for (at, slot) in source.iter_mut().enumerate() {
                if slot.is_none() && !used.contains(&at) {
                    *slot = Some(at);
                }
            }
        }
        let entries = new
            .iter()
            .zip(source)
            .map(|(item, was)| {
                let mut text = String::new();
                match was {
                    Some(at) => self.value(&items[at], &base[at], item, depth + 1, "", &mut text),
                    None => self.style.render_item(item, depth + 1, name, &mut text),
                }
                Entry { was, text }
            })
            .collect();
        let spans: Vec<Range<usize>> = items.iter().map(|item| item.span.clone()).collect();
        self.join(node, &spans, entries, depth, out);
    }

    /// Puts a container together again, with the gaps that stood between neighbours that still are.
    fn join(
        &self,
        node: &Node<'_>,
        spans: &[Range<usize>],
        entries: Vec<Entry>,
        depth: usize,
        out: &mut String,
    ) {
        let text = &self.text[node.span.clone()];
        let (open, close) = (&text[..1], &text[text.len() - 1..]);
        if entries.is_empty() {
            out.push_str(open);
            out.push_str(close);
            return;
        }
        let (lead, tail, between) = match (spans.first(), spans.last()) {
            (Some(first), Some(last)) => {
                let lead = self.text[node.span.start + 1..first.start].to_owned();
                let tail = self.text[last.end..node.span.end - 1].to_owned();
                let between = match spans {
                    [a, b, ..] => self.text[a.end..b.start].to_owned(),
                    _ if lead.contains('\n') => format!(",{lead}"),
                    _ => self.style.comma().to_owned(),
                };
                (lead, tail, between)
            }
            _ => {
                let lead = self.style.break_at(depth + 1);
                (lead.clone(), self.style.break_at(depth), format!(",{lead}"))
            }
        };
        out.push_str(open);
        out.push_str(&lead);
        let mut before: Option<usize> = None;
        for (i, entry) in entries.iter().enumerate() {
            if i > 0 {
                match (before, entry.was) {
                    (Some(a), Some(b)) if b == a + 1 => {
                        out.push_str(&self.text[spans[a].end..spans[b].start])
                    }
                    _ => out.push_str(&between),
                }
            }
            out.push_str(&entry.text);
            before = entry.was;
        }
        out.push_str(&tail);
        out.push_str(close);
    }
}

struct Entry {
    /// Its place in the old container.
    was: Option<usize>,
    text: String,
}

/// A text as JSON has it.
fn push_quoted(text: &str, out: &mut String) {
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        // Writing into a text does not fail.
        let _ = write!(out, "{}", Value::from(text));
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// `1` and `1.0` say the same, and people's tools write either.
fn same_number(a: &Value, b: &Value) -> bool {
    a.is_number() && b.is_number() && a.as_f64() == b.as_f64()
}

/// By what an array's item is known again: its id where it has one, else all of it.
fn identity(item: &Value) -> String {
    for key in ["id", "episode_id", "url"] {
        if let Some(Value::String(id)) = item.get(key) {
            return format!("{key} {id}");
        }
    }
    item.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_typed_value_is_written_as_its_tree_is() {
        let check = |text: &str| {
            let value = value(text);
            let lines = ["cues", "episodes"];
            let want = write(&value, &lines);
            let mut typed = Vec::new();
            write_typed(&value, &lines, &mut typed).unwrap();
            assert_eq!(String::from_utf8(typed).unwrap(), want);
            assert!(is_plain(&want, &value, &lines));
            for other in [format!("{want} "), want.trim_end().to_owned(), want.replacen(' ', "", 1)]
            {
                assert!(other == want || !is_plain(&other, &value, &lines), "{other}");
            }
        };
        for text in [
            "{}",
            "[]",
            "1",
            "\"a\\n\\u0001\"",
            r#"{"a": [], "b": {}, "c": null, "d": [1, 2.5, -3], "e": ["x", "\"y\\"]}"#,
            r#"{"a": [{}], "b": [[]], "c": [[1, 2], [3]], "d": [{"x": [1], "y": {"z": true}}]}"#,
            r#"{"cues": [], "x": {"cues": [{"a": [1, {"b": [{}]}]}, {}], "n": [{"cues": [1]}]}}"#,
            r#"{"episodes": ["a b", "c"], "cues": [[{"episodes": [{"a": 1}]}]], "é\"": "ü"}"#,
            r#"{"cues": {"x": [{"a": 1}, {"a": 2}]}, "y": [[["z"]]]}"#,
        ] {
            check(text);
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_never_plain() {
        for (depth, is_fine) in [(DEPTH_MAX, true), (DEPTH_MAX + 2, false)] {
            let value: Value = value(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
            let text = write(&value, &[]);
            assert_eq!(is_plain(&text, &value, &[]), is_fine, "{depth}");
            assert_eq!(check(&text).is_ok(), is_fine, "{depth}");
        }
    }

    #[track_caller]
    fn check_patch(text: &str, base: &str, new: &str, want: &str) {
        let got = patch(text, &value(base), &value(new), &["cues"]).unwrap();
        assert_eq!(got, want);
        value(&got);
    }

    #[test]
    fn a_key_that_stands_twice_is_found_among_few_and_many() {
        for count in 1..3 * KEYS_COMPARED_MAX {
            let members: Vec<String> = (0..count).map(|n| format!("\"k{n}\": {n}")).collect();
            let object = |last: &str| format!("{{{}{last}}}", members.join(", "));
            assert!(check(&object("")).is_ok(), "{count}");
            for again in [0, count / 2, count - 1] {
                // As it is, and with its first letter escaped.
                for key in [format!("k{again}"), format!("\\u006b{again}")] {
                    let flaw = check(&object(&format!(", \"{key}\": 0"))).unwrap_err();
                    assert!(flaw.reason.contains("stands twice"), "{count} {key}: {flaw:?}");
                }
            }
        }
    }

    #[test]
    fn a_change_touches_its_own_line_alone() {
        check_patch(
            "{\n\t\"b\" : 4.50,\n\t\"mine\": [1,2 , 3],\n\n\t\"a\": \"x\"\n}\n",
            r#"{"a": "x", "b": 4.5}"#,
            r#"{"a": "y", "b": 4.5}"#,
            "{\n\t\"b\" : 4.50,\n\t\"mine\": [1,2 , 3],\n\n\t\"a\": \"y\"\n}\n",
        );
    }

    #[test]
    fn a_new_key_is_added_at_the_end_in_the_file_s_own_indentation() {
        check_patch(
            "{\n    \"a\": 1\n}",
            r#"{"a": 1}"#,
            r#"{"a": 1, "c": {"d": 1}}"#,
            "{\n    \"a\": 1,\n    \"c\": {\n        \"d\": 1\n    }\n}",
        );
        check_patch(r#"{"a":1}"#, r#"{"a": 1}"#, r#"{"a": 1, "b": [1,2]}"#, r#"{"a":1,"b":[1,2]}"#);
        check_patch(r#"{"a": 1}"#, r#"{"a": 1}"#, r#"{"a": 1, "b": 2}"#, r#"{"a": 1, "b": 2}"#);
        check_patch("{}", "{}", r#"{"b": 2}"#, r#"{"b":2}"#);
        check_patch(
            "{\r\n  \"a\": 1\r\n}\r\n",
            r#"{"a": 1}"#,
            r#"{"a": 1, "b": 2}"#,
            "{\r\n  \"a\": 1,\r\n  \"b\": 2\r\n}\r\n",
        );
    }

    #[test]
    fn a_number_that_says_the_same_stays_as_it_was_written() {
        check_patch(
            r#"{"a": 1, "b": 2}"#,
            r#"{"a": 1, "b": 2}"#,
            r#"{"a": 1.0, "b": 3}"#,
            r#"{"a": 1, "b": 3}"#,
        );
    }

    #[test]
    fn a_removed_key_takes_its_comma_with_it() {
        check_patch(
            "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}",
            r#"{"a": 1, "b": 2, "c": 3}"#,
            r#"{"a": 1, "c": 3}"#,
            "{\n  \"a\": 1,\n  \"c\": 3\n}",
        );
        check_patch(
            "{\n  \"a\": 1,\n  \"b\": 2\n}",
            r#"{"a": 1, "b": 2}"#,
            r#"{"a": 1}"#,
            "{\n  \"a\": 1\n}",
        );
        check_patch("{ \"a\": 1 }", r#"{"a": 1}"#, "{}", "{}");
    }

    #[test]
    fn an_item_keeps_what_the_reader_does_not_know_even_when_it_moves() {
        check_patch(
            "[\n  {\"id\": \"1\", \"mine\": true},\n  {\"id\": \"2\"}\n]",
            r#"[{"id": "1"}, {"id": "2"}]"#,
            r#"[{"id": "2"}, {"id": "3"}, {"id": "1", "n": 1}]"#,
            "[\n  {\"id\": \"2\"},\n  {\n    \"id\": \"3\"\n  },\n  {\"id\": \"1\", \"mine\": true, \"n\": 1}\n]",
        );
    }

    #[test]
    fn a_default_that_nobody_changed_is_not_written_into_a_person_s_file() {
        check_patch(
            r#"{"a": 1}"#,
            r#"{"a": 1, "extra": [], "n": null}"#,
            r#"{"a": 2, "extra": [], "n": null}"#,
            r#"{"a": 2}"#,
        );
    }

    #[test]
    fn new_documents_hold_one_cue_a_line() {
        let text = write(
            &value(
                r#"{"cues": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], "tags": ["p", "q"], "none": [], "o": {}}"#,
            ),
            &["cues"],
        );
        assert_eq!(
            text,
            "{\n  \"cues\": [\n    {\"a\": 1, \"b\": \"x\"},\n    {\"a\": 2, \"b\": \"y\"}\n  ],\n  \"tags\": [\"p\", \"q\"],\n  \"none\": [],\n  \"o\": {}\n}\n"
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_named_with_its_place() {
        let flaw = check("{\n  \"a\": 1,\n  \"ä\\u0061\": 2, \"äa\": 3\n}").unwrap_err();
        assert_eq!((flaw.line, flaw.column), (3, 17));
        assert!(flaw.reason.contains("stands twice"), "{}", flaw.reason);
    }

    #[test]
    fn empty_files_and_other_encodings_are_refused_with_a_place() {
        assert_eq!(decode(b"").unwrap_err().reason, "the file is empty");
        assert_eq!(decode(b" \n\t").unwrap_err().reason, "the file is empty");
        let flaw = decode(b"{\n \"a\": \"\xE4\"}").unwrap_err();
        assert_eq!((flaw.line, flaw.column), (2, 8));
        assert_eq!(decode(b"\xEF\xBB\xBF{}"), Ok("{}"));
    }

    #[test]
    fn hostile_depth_and_cut_off_texts_end_with_a_sentence() {
        for text in [
            &"[".repeat(1_000_000),
            "{\"a",
            "{\"a\":",
            "[1,",
            "{,}",
            "[1 2]",
            "\"\\",
            "{\"a\" 1}",
            "[] []",
        ] {
            assert!(check(text).is_err(), "{text:.20} passed");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_patch_always_says_what_is_new(base in tree(), new in tree()) {
            let text = write(&base, &["cues"]);
            let got = patch(&text, &base, &new, &["cues"]).unwrap();
            proptest::prop_assert_eq!(serde_json::from_str::<Value>(&got).unwrap(), new);
        }
    }

    fn tree() -> impl proptest::strategy::Strategy<Value = Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "[a-c\"\\\\\n]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::vec(("[a-e]|id", inner), 0..5)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }
}
