//! An address that mail can be sent to, in the one form in which it is stored and compared.
//!
//! The grammar is lettre's; here stands only what is narrower: one plain ASCII address of a host
//! that has a name. Whoever asks with capital letters gets the mail of the stored address, so that
//! no look-alike is ever mailed a link to another's account.

use std::fmt;
use std::str::FromStr;

use lettre::Address;
use serde::{Deserialize, Serialize};

use crate::tokens::TokenHash;

/// Longest address, in bytes (RFC 5321 section 4.5.3.1.3: a path of 256 with its brackets).
pub const EMAIL_BYTES_MAX: usize = 254;

/// Longest part before the `@`, in bytes (RFC 5321 section 4.5.3.1.1).
const LOCAL_BYTES_MAX: usize = 64;

/// A valid address: ASCII, lower case, no spaces, no quotes, a host with a dot. Its `Debug` hides
/// it, since logs hold no addresses.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Nothing was given.
    #[error("The e-mail address is missing.")]
    Missing,
    /// Longer than [`EMAIL_BYTES_MAX`].
    #[error("An e-mail address has at most {EMAIL_BYTES_MAX} characters; this one has more.")]
    TooLong,
    /// Letters beyond ASCII: look-alikes could stand for another's address.
    #[error(
        "Only addresses in plain letters (a to z), digits and signs are taken here; write a host \
         with other letters in its xn-- form."
    )]
    NotPlain,
    /// Not one address.
    #[error("This is not one e-mail address of the form name@example.org.")]
    Malformed,
}

impl Email {
    /// Reads an address as a person types it: spaces around it and capital letters do not matter.
    ///
    /// # Errors
    /// Each of [`EmailError`].
    pub fn parse(text: &str) -> Result<Email, EmailError> {
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Err(EmailError::Missing);
        }
        if text.len() > EMAIL_BYTES_MAX {
            return Err(EmailError::TooLong);
        }
        if !text.is_ascii() {
            return Err(EmailError::NotPlain);
        }
        // A quoted name may hold anything, even `a@b.org"@`: nobody has one, attackers do.
        let is_plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b',' | b';');
        if !text.bytes().all(is_plain) {
            return Err(EmailError::Malformed);
        }
        let address = Address::from_str(text).map_err(|_| EmailError::Malformed)?;
        if address.user().len() > LOCAL_BYTES_MAX || address.user().contains('@') {
            return Err(EmailError::Malformed);
        }
        // A host with a name in the public tree: no number, no literal, no bare host of the
        // relay's own network, whose mailboxes a stranger must not reach.
        let last = address.domain().rsplit_once('.').map(|(_, last)| last);
        let is_public =
            last.is_some_and(|last| last.starts_with(|c: char| c.is_ascii_alphabetic()));
        if !is_public || address.domain().contains(['[', ']', ':']) {
            return Err(EmailError::Malformed);
        }
        Ok(Email(text.to_ascii_lowercase()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An address out of our own table, where only valid ones are put.
    pub(crate) fn of_stored(text: String) -> Email {
        Email(text)
    }

    /// For a counter's key: counters keep no addresses of strangers.
    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash::of_text("email:", &self.0)
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;
    fn try_from(text: String) -> Result<Email, EmailError> {
        Email::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> String {
        email.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_address_however_it_is_typed() {
        for (typed, kept) in [
            ("ann@example.org", "ann@example.org"),
            ("  Ann@Example.ORG ", "ann@example.org"),
            ("ann+news@sub.example.co", "ann+news@sub.example.co"),
            ("o'neil@example.org", "o'neil@example.org"),
            ("a.b_c-d@xn--bcher-kva.example", "a.b_c-d@xn--bcher-kva.example"),
        ] {
            assert_eq!(Email::parse(typed).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn what_is_not_one_plain_address_is_refused() {
        for (bad, why) in [
            ("", EmailError::Missing),
            ("   ", EmailError::Missing),
            ("ann", EmailError::Malformed),
            ("@example.org", EmailError::Malformed),
            ("ann@", EmailError::Malformed),
            ("ann@localhost", EmailError::Malformed),
            ("ann@127.0.0.1", EmailError::Malformed),
            ("ann@[127.0.0.1]", EmailError::Malformed),
            ("ann@[IPv6:::1]", EmailError::Malformed),
            ("ann@example.org.", EmailError::Malformed),
            ("ann@.org", EmailError::Malformed),
            ("ann@exa mple.org", EmailError::Malformed),
            ("ann@-example.org", EmailError::Malformed),
            ("ann@example.org\r\nBcc: eve@evil.org", EmailError::Malformed),
            ("ann@example.org\n", EmailError::Malformed),
            ("\tann@example.org", EmailError::Malformed),
            ("ann@example.org\0", EmailError::Malformed),
            ("ann@example.org,eve@evil.org", EmailError::Malformed),
            ("ann@example.org;eve@evil.org", EmailError::Malformed),
            ("ann@example.org eve@evil.org", EmailError::Malformed),
            ("Ann <ann@example.org>", EmailError::Malformed),
            ("<ann@example.org>", EmailError::Malformed),
            ("\"a b\"@example.org", EmailError::Malformed),
            ("\"a@x.org\"@example.org", EmailError::Malformed),
            ("ann@evil.org@example.org", EmailError::Malformed),
            ("a..b@example.org", EmailError::Malformed),
            (".a@example.org", EmailError::Malformed),
            ("ann@example.org\u{2028}", EmailError::NotPlain),
            ("a@x.com\u{ff20}evil.org", EmailError::NotPlain),
            ("\u{131}nfo@example.org", EmailError::NotPlain),
            ("e\u{301}ve@example.org", EmailError::NotPlain),
            ("ann@bücher.example", EmailError::NotPlain),
            ("\u{200b}ann@example.org", EmailError::NotPlain),
            ("\u{202e}ann@example.org", EmailError::NotPlain),
        ] {
            assert_eq!(Email::parse(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn both_sides_of_each_length() {
        let with_local = |n: usize| format!("{}@example.org", "a".repeat(n));
        assert!(Email::parse(&with_local(LOCAL_BYTES_MAX)).is_ok());
        assert!(Email::parse(&with_local(LOCAL_BYTES_MAX + 1)).is_err());
        let of_bytes = |n: usize| {
            let labels = format!("{}.", "b".repeat(62)).repeat(3);
            let rest = n - "a@".len() - labels.len() - ".org".len();
            format!("a@{labels}{}.org", "c".repeat(rest))
        };
        assert_eq!(of_bytes(EMAIL_BYTES_MAX).len(), EMAIL_BYTES_MAX);
        assert!(Email::parse(&of_bytes(EMAIL_BYTES_MAX)).is_ok());
        assert_eq!(Email::parse(&of_bytes(EMAIL_BYTES_MAX + 1)), Err(EmailError::TooLong));
        assert_eq!(Email::parse(&"a".repeat(1 << 20)), Err(EmailError::TooLong));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_read_is_one_plain_address_and_reads_as_itself(
            text in "(?s).{0,40}|[ -~]{0,20}@[ -~]{0,20}",
        ) {
            if let Ok(email) = Email::parse(&text) {
                let kept = email.as_str();
                assert_eq!(Email::parse(kept).unwrap().as_str(), kept);
                assert_eq!(kept.matches('@').count(), 1);
                assert!(kept.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase()));
                assert!(!kept.contains(['"', '\\', ',', ';', '[', ']']));
            }
        }
    }

    #[test]
    fn an_address_is_not_printed_for_debugging() {
        assert!(!format!("{:?}", Email::parse("ann@example.org")).contains("ann"));
    }
}
