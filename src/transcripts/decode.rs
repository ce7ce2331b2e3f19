//! Bytes to text: byte order mark, then valid UTF-8, then the HTTP charset, then the file's own
//! declaration, then a guess.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};

/// How much the guess looks at: letters settle within a few kilobytes, and this bounds the time.
const GUESS_BYTES_MAX: usize = 1024 * 1024;

/// Where an XML or HTML declaration must stand (the HTML standard's own bound).
const DECLARATION_BYTES_MAX: usize = 1024;

/// Text with the name of what it was in.
pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) encoding: &'static str,
    /// Some bytes had no meaning in the encoding.
    pub(super) damaged: bool,
}

pub(super) fn decode<'a>(bytes: &'a [u8], charset: Option<&str>) -> Decoded<'a> {
    if let Some((encoding, mark_bytes)) = Encoding::for_bom(bytes) {
        return with(encoding, &bytes[mark_bytes..]);
    }
    if let Some(encoding) = utf16_without_mark(bytes) {
        return with(encoding, bytes);
    }
    if bytes.windows(3).any(|three| three == b"\x1b$B" || three == b"\x1b$@") && bytes.is_ascii() {
        return with(ISO_2022_JP, bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Decoded { text: Cow::Borrowed(text), encoding: UTF_8.name(), damaged: false };
    }
    if mostly_utf8(bytes) {
        return with(UTF_8, bytes);
    }
    let named = charset.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    let chosen = named.filter(is_single_bytes).or_else(|| declared(bytes));
    with(chosen.unwrap_or_else(|| guess(bytes)), bytes)
}

fn with<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Decoded<'a> {
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    Decoded { text, encoding: encoding.name(), damaged }
}

/// UTF-8 and UTF-16 have been ruled out by the time a label is asked.
fn is_single_bytes(encoding: &&'static Encoding) -> bool {
    *encoding != UTF_8 && *encoding != UTF_16LE && *encoding != UTF_16BE
}

/// In UTF-16 of European, Hebrew or Arabic text every other byte is the number of a page below 9,
/// zero for blanks and stops at least; East Asian text without a mark cannot be told.
pub(super) fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(4096) & !1];
    let pairs = head.len() / 2;
    let count = |side: usize, max: u8| {
        head.iter().skip(side).step_by(2).filter(|byte| **byte <= max).count()
    };
    let is_high = |side: usize| count(side, 8) * 10 >= pairs * 6 && count(side, 0) * 20 >= pairs;
    let is_low = |side: usize| count(side, 8) * 20 <= pairs;
    if pairs < 4 {
        None
    } else if is_high(1) && is_low(0) {
        Some(UTF_16LE)
    } else if is_high(0) && is_low(1) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// A few broken bytes in a text of valid sequences are damage, not another encoding; letters of a
/// legacy encoding hardly ever form valid sequences.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut valid, mut broken) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    valid > broken * 4
}

/// `encoding="…"` of an XML declaration or `charset=…` of an HTML one.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(DECLARATION_BYTES_MAX)].to_ascii_lowercase();
    for key in [&b"encoding="[..], b"charset="] {
        let Some(at) = head.windows(key.len()).position(|w| w == key) else {
            continue;
        };
        let rest = &head[at + key.len()..];
        let rest = rest.strip_prefix(b"\"").or(rest.strip_prefix(b"'")).unwrap_or(rest);
        let end = rest
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || b"-_:.".contains(b)))
            .unwrap_or(rest.len());
        let found = Encoding::for_label(&rest[..end]).filter(is_single_bytes);
        if found.is_some() {
            return found;
        }
    }
    None
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    // From the first byte that is not ASCII, so that a long plain head does not use up the bound.
    let from = bytes.iter().position(|b| !b.is_ascii()).unwrap_or(0).saturating_sub(64);
    let sample = &bytes[from..bytes.len().min(from + GUESS_BYTES_MAX)];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    detector.guess(None, Utf8Detection::Deny)
}
