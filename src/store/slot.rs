//! Where a document lies, what it holds, and how one state of it is told from another.

use std::borrow::Cow;
use std::fmt;
use std::fs::Metadata;
use std::marker::PhantomData;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use recap_mode::Scope;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Problem;
use super::text;

/// A type that lies on disk as one JSON file.
pub trait Document: Serialize + DeserializeOwned + Default + Send + Sync + 'static {
    /// Arrays by these names are written with one item a line.
    const ONE_LINE_ITEMS: &'static [&'static str] = &[];

    /// A copy that the store may keep beside the hash of its text, so that a long document which is
    /// changed again and again is not read anew as long as its bytes are the ones that were written;
    /// `None` where it is not worth its memory.
    fn kept_copy(&self) -> Option<Self> {
        None
    }

    /// As [`Document::kept_copy`], of a value that nobody else wants.
    fn into_kept(self) -> Option<Self> {
        self.kept_copy()
    }

    /// What a document of an earlier form says in today's; `None` where it is not in an earlier form,
    /// a sentence where it is and cannot be understood. `stem` is the file's name without `.json`.
    fn from_earlier(_value: &Value, _stem: &str) -> Option<Result<Value, String>> {
        None
    }
}

/// How far into a file its form is looked for: today's documents begin with it.
const FORM_BYTES: usize = 4096;

/// The name of a document's file: ends in `.json`, no separators, no leading dot, at most 200 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(Arc<str>);

impl FileName {
    /// Takes a name that is safe in every folder.
    ///
    /// # Errors
    /// The sentence says what a name must be.
    pub fn parse(name: &str) -> Result<FileName, String> {
        let stem = name.strip_suffix(".json").unwrap_or_default();
        let safe = !stem.is_empty()
            && name.len() <= 200
            && !name.starts_with('.')
            && !name.contains(['/', '\\', '\0', ':'])
            && !name.chars().any(char::is_control);
        if safe {
            Ok(FileName(Arc::from(name)))
        } else {
            Err("a file name must end in .json, hold no path and not begin with a dot".to_owned())
        }
    }

    /// As it stands in the folder.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without `.json`.
    pub fn stem(&self) -> &str {
        self.0.strip_suffix(".json").unwrap_or(&self.0)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for FileName {
    type Error = String;
    fn try_from(name: String) -> Result<FileName, String> {
        FileName::parse(&name)
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> String {
        name.0.to_string()
    }
}

/// A document's place: whose, under which name, of which type.
pub struct Slot<T> {
    /// Whose.
    pub scope: Scope,
    /// Its file.
    pub name: FileName,
    kind: PhantomData<fn() -> T>,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Slot { scope: self.scope.clone(), name: self.name.clone(), kind: PhantomData }
    }
}

impl<T: Document> Slot<T> {
    /// The place of a document.
    pub fn new(scope: &Scope, name: FileName) -> Slot<T> {
        Slot { scope: scope.clone(), name, kind: PhantomData }
    }

    /// Reads a document's bytes; the answer holds the text without a byte order mark.
    pub(super) fn parse<'a>(&self, bytes: &'a [u8], own: Own<T>) -> Result<Parsed<'a, T>, Problem> {
        parse(&self.scope, &self.name, bytes, own)
    }
}

/// Reads the bytes of a document: typed, and strict about what a typed read lets pass. One of an
/// earlier form is read as what it says in today's, and its text is today's then.
pub(super) fn parse<'a, T: Document>(
    scope: &Scope,
    name: &FileName,
    bytes: &'a [u8],
    own: Own<T>,
) -> Result<Parsed<'a, T>, Problem> {
    let problem =
        |line, column, reason| Problem { file: format!("{scope}/{name}"), line, column, reason };
    if let Own::Kept(value) = own {
        let text =
            text::decode(bytes).map_err(|flaw| problem(flaw.line, flaw.column, flaw.reason))?;
        return Ok(Parsed { value, text: Cow::Borrowed(text), is_plain: true });
    }
    let text = text::decode(bytes).map_err(|flaw| problem(flaw.line, flaw.column, flaw.reason))?;
    let text = match in_todays_form::<T>(text, name) {
        None => Cow::Borrowed(text),
        Some(Ok(today)) => Cow::Owned(today),
        Some(Err(reason)) => return Err(problem(1, 1, reason)),
    };
    let is_own = matches!(own, Own::Plain);
    parse_text(scope, name, &text, is_own).map(|(value, is_plain)| Parsed { value, text, is_plain })
}

/// What the store remembers of a file's very bytes.
pub(super) enum Own<T> {
    /// Nothing: they are looked at for a person's hand.
    Unknown,
    /// It wrote them, as a new file is written.
    Plain,
    /// And this is what they say.
    Kept(T),
}

/// A document that was read.
pub(super) struct Parsed<'a, T> {
    pub(super) value: T,
    /// Without a byte order mark, and in today's form.
    pub(super) text: Cow<'a, str>,
    /// The text is what a new file with this value would be.
    pub(super) is_plain: bool,
}

/// What an earlier document says, as a new file would say it.
pub(super) fn in_todays_form<T: Document>(
    text: &str,
    name: &FileName,
) -> Option<Result<String, String>> {
    let front = &text.as_bytes()[..text.len().min(FORM_BYTES)];
    let has_form = front.windows(8).any(|piece| piece == b"\"format\"");
    if has_form {
        return None;
    }
    // What is no JSON is reported by the typed read, with its place.
    let value: Value = serde_json::from_str(text).ok()?;
    let today = T::from_earlier(&value, name.stem())?;
    Some(today.map(|today| text::write(&today, T::ONE_LINE_ITEMS)))
}

fn parse_text<T: Document>(
    scope: &Scope,
    name: &FileName,
    text: &str,
    is_own: bool,
) -> Result<(T, bool), Problem> {
    let problem =
        |line, column, reason| Problem { file: format!("{scope}/{name}"), line, column, reason };
    if let Some(newer) = newer_form(text) {
        let reason = format!(
            "it is in form {newer}, which a newer Recap has written; this one reads form 1 and leaves it alone"
        );
        return Err(problem(1, 1, reason));
    }
    // Noting the path takes longer than reading, and only who is refused wants to know it.
    let value: T = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) => {
            with_path(text).map_err(|(line, column, reason)| problem(line, column, reason))?
        }
    };
    let is_plain = is_own || text::is_plain(text, &value, T::ONE_LINE_ITEMS);
    if !is_plain {
        text::check(text).map_err(|flaw| problem(flaw.line, flaw.column, flaw.reason))?;
    }
    Ok((value, is_plain))
}

/// The form of a document that this version does not know: its own `format`, where that is not 1.
fn newer_form(text: &str) -> Option<u64> {
    /// The one form that this version writes.
    const FORM: u64 = 1;
    #[derive(Deserialize)]
    struct Form {
        #[serde(default)]
        format: Value,
    }
    let front = &text.as_bytes()[..text.len().min(FORM_BYTES)];
    // Nearly every document says `"format": 1`, and need not be read twice to know it.
    let at = front.windows(8).position(|piece| piece == b"\"format\"")?;
    let said = front[at + 8..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    if said.first() == Some(&b'1') && !said.get(1).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let form: Form = serde_json::from_str(text).ok()?;
    form.format.as_u64().filter(|form| *form > FORM)
}

/// Reads a value; where it cannot be read, the line, the column and why, with the place in the value.
fn with_path<T: Document>(text: &str) -> Result<T, (usize, usize, String)> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        // serde_json says the place again at the end of its sentence; here it stands in front.
        let said = cause.to_string();
        let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
        let reason = if [".", "?", ".."].contains(&path.as_str()) {
            said.to_owned()
        } else {
            format!("{said} at {path}")
        };
        (cause.line(), cause.column(), reason)
    })?;
    reader.end().map_err(|e| {
        (e.line(), e.column(), "something stands after the end of the document".to_owned())
    })?;
    Ok(value)
}

/// The state of a file's bytes: equal where the bytes are. 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Etag(String);

impl Etag {
    /// The state of these bytes.
    pub fn of(bytes: &[u8]) -> Etag {
        let hash = digest(&SHA256, bytes);
        Etag(base16ct::lower::encode_string(&hash.as_ref()[..16]))
    }

    /// As a strong HTTP entity tag (RFC 9110, 8.8.3), with its quotes.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// By which a change of a file is noticed without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Bytes.
    pub size_bytes: u64,
    /// Replacing a file gives it a new one.
    pub inode: u64,
}

impl Stamp {
    /// The stamp of a file.
    pub fn of(meta: &Metadata) -> Stamp {
        Stamp {
            mtime_ns: meta.mtime().wrapping_mul(1_000_000_000).wrapping_add(meta.mtime_nsec()),
            size_bytes: meta.len(),
            inode: meta.ino(),
        }
    }
}

/// A document as it was read.
#[derive(Clone, Debug)]
pub struct Stored<T> {
    /// Its value; the default where the file is missing.
    pub value: T,
    /// Its text, unknown fields and all; empty where the file is missing.
    pub text: String,
    /// The state of the file; `None` where it is missing.
    pub etag: Option<Etag>,
    /// Why the file itself could not be used; `value` and `text` are the last good ones then.
    pub problem: Option<Problem>,
}

impl<T: Default> Stored<T> {
    pub(super) fn missing() -> Stored<T> {
        Stored { value: T::default(), text: String::new(), etag: None, problem: None }
    }
}
