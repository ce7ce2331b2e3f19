//! Named entities of HTML (the HTML standard, section 13.5). quick-xml 0.42 has a table too, in which
//! some 440 names stand for the wrong letters (`&alpha;` for `;`), so html-escape's is asked.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;
use html_escape::decode_html_entities_to_string;

/// Longest entity name: `&CounterClockwiseContourIntegral;` and some room.
const NAME_BYTES_MAX: usize = 40;

/// Decodes `&amp;`, `&#39;`, `&nbsp;` and the like, once; what is no entity stays as written.
pub fn unescape(text: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'&', text.as_bytes()) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let read = push_first(&rest[at..], &mut out);
        rest = &rest[at + read..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Adds what the entity stands for that a text begins with, or the `&` itself where it is none; how
/// many bytes of the text that was.
pub fn push_first(text: &str, out: &mut String) -> usize {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'#';
    let name_len = text[1..].bytes().take(NAME_BYTES_MAX).take_while(is_name).count();
    let name = &text[1..1 + name_len];
    if text[1 + name_len..].starts_with(';') && push(name, out) {
        name_len + 2
    } else {
        out.push('&');
        1
    }
}

/// Adds what `&name;` or `&#number;` stands for (`name` without `&` and `;`); an unknown one adds
/// nothing and is `false`.
pub fn push(name: &str, out: &mut String) -> bool {
    match name.strip_prefix('#') {
        Some(number) => push_number(number, out),
        None => push_name(name, out),
    }
}

fn push_number(number: &str, out: &mut String) -> bool {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    match code {
        Ok(0) | Err(_) => false,
        // As HTML says: publishers mean the Windows letters, not the control characters.
        Ok(code @ 0x80..=0x9f) => {
            let byte = [code as u8];
            out.push_str(&WINDOWS_1252.decode_without_bom_handling(&byte).0);
            true
        }
        Ok(code) => char::from_u32(code).map(|c| out.push(c)).is_some(),
    }
}

fn push_name(name: &str, out: &mut String) -> bool {
    // The names that nearly every text has, without a look into the table of two thousand.
    let common = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => '\0',
    };
    if common != '\0' {
        out.push(common);
        return true;
    }
    // Longer than any name there is, or no name at all: not looked up.
    if name.len() > NAME_BYTES_MAX || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return false;
    }
    let written = format!("&{name};");
    let before = out.len();
    decode_html_entities_to_string(&written, out);
    let is_known = out[before..] != written;
    if !is_known {
        out.truncate(before);
    }
    is_known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_their_letters_and_unknown_ones_for_nothing() {
        let check = |name: &str, want: &str| {
            let mut out = "a".to_owned();
            assert_eq!(push(name, &mut out), !want.is_empty(), "{name}");
            assert_eq!(out, format!("a{want}"), "{name}");
        };
        for (name, want) in [
            ("amp", "&"),
            ("lt", "<"),
            ("quot", "\""),
            ("apos", "'"),
            ("nbsp", "\u{a0}"),
            ("alpha", "α"),
            ("Omega", "Ω"),
            ("scaron", "š"),
            ("oelig", "œ"),
            ("Yuml", "Ÿ"),
            ("euro", "€"),
            ("hellip", "…"),
            ("yacy", "я"),
            ("AMP", "&"),
            ("no_such", ""),
            ("", ""),
            ("amp amp", ""),
            ("&", ""),
            ("x", ""),
        ] {
            check(name, want);
        }
        check(&"x".repeat(1_000_000), "");
        for (number, want) in [
            ("#233", "é"),
            ("#xE9", "é"),
            ("#146", "’"),
            ("#0", ""),
            ("#xD800", ""),
            ("#x110000", ""),
            ("#99999999999", ""),
            ("#", ""),
        ] {
            check(number, want);
        }
    }

    #[test]
    fn a_text_is_decoded_once_and_a_stray_mark_stays() {
        for (text, want) in [
            ("a &amp;amp; b", "a &amp; b"),
            ("R&D &nosuch; & &#233;t&eacute;", "R&D &nosuch; & été"),
            ("&", "&"),
            ("&;", "&;"),
            ("plain", "plain"),
        ] {
            assert_eq!(unescape(text), want, "{text}");
        }
        assert_eq!(unescape(&"&".repeat(100_000)).len(), 100_000);
    }
}
