//! Secrets that stand for a person: random tokens, the short code of a mail, and their hashes.
//!
//! Only hashes are stored; a plain SHA-256 is right for tokens, since 256 random bits cannot be
//! guessed from it. No clock, no database, no cookie here.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use recap_mode::Entropy;
use subtle::ConstantTimeEq;

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// Characters of a token: base64url without padding.
pub const TOKEN_CHARS: usize = 43;

/// Characters of a code, without the hyphen: 40 bits, with five tries in ten minutes.
pub const CODE_CHARS: usize = 8;

/// 32 signs that nobody confuses when reading them aloud: no 0, 1, I, O.
const CODE_SIGNS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// A secret of 256 random bits, shown to one browser or mailed once. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new one.
    pub fn random(entropy: &dyn Entropy) -> Token {
        let mut bytes = [0; TOKEN_BYTES];
        entropy.fill(&mut bytes);
        Token(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// As it goes into a cookie or a link: [`TOKEN_CHARS`] of `[A-Za-z0-9_-]`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of_text("", &self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// SHA-256 of a secret: all that the database knows of it.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of what a stranger presents; `None` where it cannot be a token, which then costs no
    /// look-up.
    pub fn of_presented(text: &str) -> Option<TokenHash> {
        let fits = text.len() == TOKEN_CHARS
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        fits.then(|| TokenHash::of_text("", text))
    }

    /// The hash of any text, apart from those of other purposes.
    pub(crate) fn of_text(purpose: &str, text: &str) -> TokenHash {
        let mut hash = Context::new(&SHA256);
        hash.update(purpose.as_bytes());
        hash.update(text.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.finish().as_ref());
        TokenHash(bytes)
    }

    /// A hash as it was stored; `None` where its length is wrong.
    pub(crate) fn of_stored(bytes: &[u8]) -> Option<TokenHash> {
        bytes.try_into().ok().map(TokenHash)
    }

    /// For a column.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// In hexadecimal digits, for a key or a payload.
    pub(crate) fn to_hex(self) -> String {
        base16ct::lower::encode_string(&self.0)
    }

    /// Reads [`TokenHash::to_hex`].
    pub(crate) fn of_hex(text: &str) -> Option<TokenHash> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
        }
        Some(TokenHash(bytes))
    }
}

impl PartialEq for TokenHash {
    /// In constant time.
    fn eq(&self, other: &TokenHash) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(hidden)")
    }
}

/// The short secret of a mail, typed by a person into the browser that asked. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// A new one.
    pub fn random(entropy: &dyn Entropy) -> Code {
        let mut bytes = [0; CODE_CHARS];
        entropy.fill(&mut bytes);
        // 32 signs divide 256: the low five bits are as even as the byte.
        Code(bytes.iter().map(|byte| char::from(CODE_SIGNS[usize::from(byte & 31)])).collect())
    }

    /// What a person typed: case, spaces and hyphens do not matter. `None` where it cannot be one.
    pub fn parse(text: &str) -> Option<Code> {
        if text.len() > 4 * CODE_CHARS {
            return None;
        }
        let signs: String = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '-'))
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let fits = signs.len() == CODE_CHARS && signs.bytes().all(|b| CODE_SIGNS.contains(&b));
        fits.then_some(Code(signs))
    }

    /// As it stands in the mail: `ABCD-EFGH`.
    pub fn shown(&self) -> String {
        format!("{}-{}", &self.0[..CODE_CHARS / 2], &self.0[CODE_CHARS / 2..])
    }

    /// What is stored of it, bound to the browser that asked.
    pub fn hash(&self, browser: &TokenHash) -> TokenHash {
        TokenHash::of_text(&format!("code:{}:", browser.to_hex()), &self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use recap_mode::{SeededEntropy, SystemEntropy};

    #[test]
    fn a_token_has_256_bits_and_is_known_again_by_its_hash_alone() {
        let entropy = SeededEntropy::new(1);
        let (one, two) = (Token::random(&entropy), Token::random(&entropy));
        assert_ne!(one.as_str(), two.as_str());
        assert_eq!(one.as_str().len(), TOKEN_CHARS);
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(one.as_str()).unwrap().len(), TOKEN_BYTES);
        assert_eq!(TokenHash::of_presented(one.as_str()), Some(one.hash()));
        assert_ne!(one.hash(), two.hash());
        assert_eq!(TokenHash::of_hex(&one.hash().to_hex()), Some(one.hash()));
        assert_eq!(TokenHash::of_stored(one.hash().as_bytes()), Some(one.hash()));
    }

    #[test]
    fn what_cannot_be_a_token_is_not_looked_up() {
        let right = Token::random(&SystemEntropy);
        for bad in [
            "",
            "x",
            &right.as_str()[1..],
            &format!("{}=", right.as_str()),
            &format!("{}\n", &right.as_str()[1..]),
            &format!("{}'", &right.as_str()[1..]),
            &format!("{}/", &right.as_str()[1..]),
            &"ä".repeat(TOKEN_CHARS),
            &"A".repeat(1 << 20),
        ] {
            assert!(TokenHash::of_presented(bad).is_none(), "{:?}", &bad[..bad.len().min(60)]);
        }
        assert!(TokenHash::of_hex("ä").is_none() && TokenHash::of_hex(&"g".repeat(64)).is_none());
        assert!(TokenHash::of_stored(&[0; 31]).is_none());
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = Code::random(&SeededEntropy::new(7));
        let shown = code.shown();
        assert_eq!(shown.len(), CODE_CHARS + 1);
        for typed in [
            shown.clone(),
            shown.to_lowercase(),
            shown.replace('-', ""),
            format!(" {} ", shown.replace('-', " - ")),
        ] {
            assert_eq!(Code::parse(&typed), Some(code.clone()), "{typed:?}");
        }
        for bad in
            ["", "ABCD-EFG", "ABCD-EFGH2", "ABCD-EFG0", "ABCD-EFGI", "ＡBCDEFGH", "ABCDEFG\n"]
        {
            assert_eq!(Code::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Code::parse(&"-".repeat(1 << 20)), None);
    }

    #[test]
    fn a_code_s_hash_belongs_to_one_browser() {
        let entropy = SeededEntropy::new(3);
        let code = Code::random(&entropy);
        let (here, there) = (Token::random(&entropy).hash(), Token::random(&entropy).hash());
        assert_eq!(code.hash(&here), code.hash(&here));
        assert_ne!(code.hash(&here), code.hash(&there));
    }

    #[test]
    fn nothing_secret_is_printed_for_debugging() {
        let entropy = SeededEntropy::new(5);
        let (token, code) = (Token::random(&entropy), Code::random(&entropy));
        let printed = format!("{token:?} {code:?} {:?}", token.hash());
        assert!(!printed.contains(token.as_str()) && !printed.contains(&code.0), "{printed}");
        assert!(!printed.contains(&token.hash().to_hex()));
    }
}
