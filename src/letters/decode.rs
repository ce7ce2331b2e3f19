//! Bytes to text: byte order mark, then valid UTF-8, then the HTTP charset, then the document's own
//! declaration, then a guess.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How much the guess looks at: letters settle within a few kilobytes, and this bounds the time.
const GUESS_BYTES_MAX: usize = 1024 * 1024;

/// Where an XML or HTML declaration must stand (the HTML standard's own bound).
const DECLARATION_BYTES_MAX: usize = 1024;

/// Text with the name of what it was in.
pub struct Decoded<'a> {
    /// The letters.
    pub text: Cow<'a, str>,
    /// The encoding's name in the WHATWG Encoding Standard, or `UTF-32`.
    pub encoding: &'static str,
    /// Some bytes had no meaning in the encoding.
    pub damaged: bool,
}

/// Decodes bytes; `charset` is what the HTTP answer said. Never fails: what has no meaning becomes a
/// replacement character and is told.
pub fn decode<'a>(bytes: &'a [u8], charset: Option<&str>) -> Decoded<'a> {
    if let Some(big_endian) = utf32(bytes) {
        let (text, damaged) = from_utf32(bytes, big_endian);
        return Decoded { text, encoding: "UTF-32", damaged };
    }
    if let Some((encoding, mark_bytes)) = Encoding::for_bom(bytes) {
        return with(encoding, &bytes[mark_bytes..]);
    }
    if let Some(encoding) = utf16_without_mark(bytes) {
        return with(encoding, bytes);
    }
    let named = charset.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    let declared = || declared(bytes);
    // As `std::str::from_utf8`, several times as fast.
    match UTF_8.decode_without_bom_handling_and_without_replacement(bytes) {
        // This one is plain ASCII as far as UTF-8 can tell.
        Some(text) if is_2022(bytes, named.or_else(declared)) && text.is_ascii() => {
            return with(ISO_2022_JP, bytes);
        }
        Some(text) => return Decoded { text, encoding: UTF_8.name(), damaged: false },
        None if mostly_utf8(bytes) => return with(UTF_8, bytes),
        None => {}
    }
    let chosen = named.filter(is_legacy).or_else(|| declared().filter(is_legacy));
    with(chosen.unwrap_or_else(|| guess(bytes)), bytes)
}

fn with<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Decoded<'a> {
    let (text, damaged) =
        if encoding == UTF_8 { mostly(bytes) } else { encoding.decode_without_bom_handling(bytes) };
    Decoded { text, encoding: encoding.name(), damaged }
}

/// Whether a plain ASCII text is in ISO-2022-JP: by its name, or by the marks before its letters.
fn is_2022(bytes: &[u8], named: Option<&'static Encoding>) -> bool {
    let begins = |three: &[u8]| three == b"\x1b$B" || three == b"\x1b$@";
    named == Some(ISO_2022_JP)
        || memchr::memchr_iter(0x1b, bytes).any(|at| bytes.get(at..at + 3).is_some_and(begins))
}

/// UTF-8 and UTF-16 have been ruled out by the time a label is asked.
fn is_legacy(encoding: &&'static Encoding) -> bool {
    *encoding != UTF_8 && *encoding != UTF_16LE && *encoding != UTF_16BE
}

/// UTF-32 with its mark, or a document in it that begins with `<`; the answer is the byte order.
fn utf32(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, b'<', ..] => Some(true),
        [0xff, 0xfe, 0, 0, ..] | [b'<', 0, 0, 0, ..] => Some(false),
        _ => None,
    }
}

/// `encoding_rs` leaves UTF-32 out, as browsers do; some old feeds are in it.
fn from_utf32(bytes: &[u8], big_endian: bool) -> (Cow<'static, str>, bool) {
    let mut text = String::with_capacity(bytes.len() / 4);
    let mut damaged = !bytes.len().is_multiple_of(4);
    for four in bytes.as_chunks::<4>().0 {
        let code = if big_endian { u32::from_be_bytes(*four) } else { u32::from_le_bytes(*four) };
        let c = char::from_u32(code);
        damaged |= c.is_none();
        text.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    (Cow::Owned(text.trim_start_matches('\u{feff}').to_owned()), damaged)
}

/// In UTF-16 of European, Hebrew or Arabic text every other byte is the number of a page below 9,
/// zero for blanks and stops at least; East Asian text without a mark cannot be told.
pub fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        // A document begins with `<` and an ASCII letter, `?` or `!`: that much is told at once.
        [b'<', 0, 1..=255, 0, ..] => return Some(UTF_16LE),
        [0, b'<', 0, 1..=255, ..] => return Some(UTF_16BE),
        _ => {}
    }
    let head = &bytes[..bytes.len().min(4096) & !1];
    // Blanks have one, and no other text has any.
    if !head.contains(&0) {
        return None;
    }
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

/// UTF-8, into which a publisher's software may have pasted pieces of Windows' Latin alphabet.
fn mostly(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (Cow::Borrowed(text), false);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    (Cow::Owned(text), true)
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

/// `encoding="…"` of an XML declaration, or `charset=…` of an HTML one.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(DECLARATION_BYTES_MAX)].to_ascii_lowercase();
    let end_of_xml = head.windows(2).position(|two| two == b"?>").unwrap_or(0);
    label_after(&head[..end_of_xml], b"encoding").or_else(|| label_after(&head, b"charset"))
}

fn label_after(head: &[u8], key: &[u8]) -> Option<&'static Encoding> {
    let at = head.windows(key.len()).position(|window| window == key)?;
    let is_label = |b: &u8| b.is_ascii_alphanumeric() || b"-_:.".contains(b);
    let rest = &head[at + key.len()..];
    let from = rest.iter().position(is_label)?;
    let to = rest[from..].iter().position(|b| !is_label(b)).map_or(rest.len(), |n| from + n);
    Encoding::for_label(&rest[from..to])
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    // From the first byte that is not ASCII, so that a long plain head does not use up the bound.
    let from = bytes.iter().position(|b| !b.is_ascii()).unwrap_or(0).saturating_sub(64);
    let sample = &bytes[from..bytes.len().min(from + GUESS_BYTES_MAX)];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    detector.guess(None, Utf8Detection::Deny)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_goes_before_valid_utf_8_before_the_header_before_the_declaration() {
        let check = |bytes: &[u8], charset: Option<&str>, want: &str| {
            assert_eq!(decode(bytes, charset).text, want, "{bytes:?} {charset:?}");
        };
        check("\u{feff}<a>ü".as_bytes(), Some("koi8-r"), "<a>ü");
        check(b"\xff\xfe<\0a\0>\0\xfc\0", None, "<a>ü");
        check(b"\xfe\xff\0<\0a\0>\0\xfc", None, "<a>ü");
        check(b"<\0a\0>\0\xfc\0", None, "<a>ü");
        check(b"\0<\0a\0>\0\xfc", None, "<a>ü");
        check(b"\0\0\xfe\xff\0\0\0<\0\0\0\xfc", None, "<ü");
        check(b"<\0\0\0\xfc\0\0\0", None, "<ü");
        check(
            "<?xml encoding='koi8-r'?>ü".as_bytes(),
            Some("koi8-r"),
            "<?xml encoding='koi8-r'?>ü",
        );
        check(b"<a>\xd0", Some("koi8-r"), "<a>п");
        let declared = b"<?xml version='1.0' encoding = 'windows-1251'?>\xef";
        check(declared, Some("koi8-r"), "<?xml version='1.0' encoding = 'windows-1251'?>О");
        check(declared, Some("utf-8"), "<?xml version='1.0' encoding = 'windows-1251'?>п");
        check(declared, Some("no-such"), "<?xml version='1.0' encoding = 'windows-1251'?>п");
        check(b"<a>\x93quoted\x94 caf\xe9", None, "<a>“quoted” café");
    }

    #[test]
    fn a_few_broken_bytes_do_not_change_the_encoding_and_are_told() {
        let mut bytes = "äöüßéèêñç".repeat(4).into_bytes();
        bytes.push(0xf1);
        let Decoded { text, damaged, .. } = decode(&bytes, Some("koi8-r"));
        assert!(damaged && text.starts_with("äöü") && text.ends_with('ñ'));
        assert!(
            decode(b"\0\0\xfe\xff\0\x11\0\0\0", None).damaged,
            "no such letter, and a byte over"
        );
    }
}
