//! Named entities of HTML (the HTML standard, section 13.5). quick-xml 0.42 has a table too, in which
//! some 440 names stand for the wrong letters (`&alpha;` for `;`), so html-escape's is asked.

use html_escape::decode_html_entities_to_string;

/// Adds what `&name;` stands for; an unknown name adds nothing and is `false`.
pub fn push(name: &str, out: &mut String) -> bool {
    // Longer than any name there is, or no name at all: not looked up.
    if name.len() > 40 || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
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
    }
}
