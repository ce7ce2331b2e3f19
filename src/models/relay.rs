//! An operator's relay: OpenAI's calls, made with the operator's key in the name of one of its users.
//! The names of the headers are the relay's own, as in `features/multi/src/relay.rs`.

use std::str::FromStr;

use http::HeaderValue;

/// Letters of an id at most; the relay refuses more.
const ID_LETTERS_MAX: usize = 128;

/// The header by which the relay knows its operator.
pub(super) const OPERATOR_KEY: &str = "x-recap-operator-key";
/// The header by which it knows whose credits are meant.
pub(super) const USER_ID: &str = "x-recap-user-id";
/// The header that ties the calls of one recap together.
pub(super) const JOB_ID: &str = "x-recap-job-id";

/// In whose name a relay is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayUser {
    /// The user, as the mode names the scope to the relay.
    pub user: RelayId,
    /// The job, so that its calls count as one.
    pub job: Option<RelayId>,
}

/// An id that a relay takes: 1 to 128 letters, digits, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayId(String);

impl RelayId {
    pub(super) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl FromStr for RelayId {
    type Err = String;
    fn from_str(text: &str) -> Result<RelayId, String> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if (1..=ID_LETTERS_MAX).contains(&text.len()) && text.bytes().all(fits) {
            Ok(RelayId(text.to_owned()))
        } else {
            Err("An id for the relay must be 1 to 128 letters, digits, `_` and `-`.".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_break_a_header_is_none() {
        for bad in ["", "a b", "a\r\nx-evil: 1", "ä", "a/b", &"x".repeat(129)] {
            assert!(bad.parse::<RelayId>().is_err(), "{bad:?}");
        }
        assert!("x".repeat(128).parse::<RelayId>().is_ok() && "a_B-9".parse::<RelayId>().is_ok());
    }
}
