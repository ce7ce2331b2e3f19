//! A number of credits that is always a number one may have.

use serde::{Deserialize, Serialize};

/// Credits: whole, never negative, at most [`Credits::MAX`].
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(try_from = "i64", into = "i64")]
#[schema(value_type = i64, minimum = 0, maximum = 2_000_000_000)]
pub struct Credits(i64);

/// Why a number is no number of credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreditsError {
    /// Below zero, above the bound, or not whole.
    #[error("A number of credits is a whole number from 0 to {}.", Credits::MAX.0)]
    NotCredits,
    /// Zero, or above what is given at once.
    #[error("Credits are given in whole numbers from 1 to {}.", Credits::AT_ONCE_MAX.0)]
    NotAnAmount,
}

impl Credits {
    /// None.
    pub const ZERO: Credits = Credits(0);

    /// The most there can be in a bucket. Two such buckets and a lifetime of them stay far within
    /// what JavaScript counts exactly (2^53).
    pub const MAX: Credits = Credits(2_000_000_000);

    /// The most that adding may bring a bucket to. It lies below [`Credits::MAX`] so that a refund,
    /// which nobody may refuse, always finds room.
    pub const FULL: Credits = Credits(1_000_000_000);

    /// The most that is given at once, by hand, by purchase or by a refill: a slip of the keyboard
    /// is refused before it is a fortune.
    pub const AT_ONCE_MAX: Credits = Credits(1_000_000);

    /// A number of credits.
    ///
    /// # Errors
    /// [`CreditsError::NotCredits`] below 0 and above [`Credits::MAX`].
    pub const fn new(number: i64) -> Result<Credits, CreditsError> {
        if number >= 0 && number <= Credits::MAX.0 {
            Ok(Credits(number))
        } else {
            Err(CreditsError::NotCredits)
        }
    }

    /// An amount to give: 1 to [`Credits::AT_ONCE_MAX`].
    ///
    /// # Errors
    /// [`CreditsError::NotAnAmount`] outside that.
    pub const fn amount(number: i64) -> Result<Credits, CreditsError> {
        if number >= 1 && number <= Credits::AT_ONCE_MAX.0 {
            Ok(Credits(number))
        } else {
            Err(CreditsError::NotAnAmount)
        }
    }

    /// [`Credits::amount`] of a number that may have come as anything: halves, infinity and what is
    /// no number are refused.
    ///
    /// # Errors
    /// [`CreditsError::NotAnAmount`].
    pub fn amount_from(number: f64) -> Result<Credits, CreditsError> {
        let whole = number as i64;
        // The cast saturates and drops the fraction: what comes back unchanged was whole.
        if whole as f64 == number { Credits::amount(whole) } else { Err(CreditsError::NotAnAmount) }
    }

    /// As a plain number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Credits {
    type Error = CreditsError;
    fn try_from(number: i64) -> Result<Credits, CreditsError> {
        Credits::new(number)
    }
}

impl From<Credits> for i64 {
    fn from(credits: Credits) -> i64 {
        credits.0
    }
}

impl std::fmt::Display for Credits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_credits_is_whole_and_within_its_bounds() {
        for (number, fits) in [
            (0, true),
            (1, true),
            (2_000_000_000, true),
            (2_000_000_001, false),
            (-1, false),
            (i64::MIN, false),
            (i64::MAX, false),
        ] {
            assert_eq!(Credits::new(number).is_ok(), fits, "{number}");
        }
        for (text, fits) in [
            ("5", true),
            ("-5", false),
            ("2.5", false),
            ("1e3", false),
            ("\"5\"", false),
            ("null", false),
        ] {
            assert_eq!(serde_json::from_str::<Credits>(text).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn an_amount_to_give_is_finite_positive_whole_and_bounded() {
        for (number, fits) in [
            (1.0, true),
            (1_000_000.0, true),
            (1_000_001.0, false),
            (0.0, false),
            (-0.0, false),
            (-1.0, false),
            (0.5, false),
            (1.0 + f64::EPSILON, false),
            (f64::NAN, false),
            (f64::INFINITY, false),
            (f64::NEG_INFINITY, false),
            (1e300, false),
            (9.3e18, false),
        ] {
            assert_eq!(Credits::amount_from(number).is_ok(), fits, "{number}");
        }
        for (number, fits) in
            [(0, false), (1, true), (1_000_000, true), (1_000_001, false), (-7, false)]
        {
            assert_eq!(Credits::amount(number).is_ok(), fits, "{number}");
        }
    }
}
