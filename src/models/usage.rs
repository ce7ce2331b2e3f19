//! What asking a model took, and what that costs.

use std::ops::AddAssign;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What calls took.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema,
)]
pub struct Usage {
    /// Calls that were answered, those included whose answer was no use.
    #[serde(default)]
    pub calls: u64,
    /// Tokens sent, as the server counted them.
    #[serde(default)]
    pub input_tokens: u64,
    /// Tokens of the answers, as the server counted them.
    #[serde(default)]
    pub output_tokens: u64,
    /// Milliseconds of sound sent.
    #[serde(default)]
    pub audio_ms: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        self.calls = self.calls.saturating_add(other.calls);
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.audio_ms = self.audio_ms.saturating_add(other.audio_ms);
    }
}

/// What an instance costs, in millionths of its currency's unit; zero where it costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Of a million tokens sent.
    #[serde(default)]
    pub input_per_million_micros: u64,
    /// Of a million tokens answered.
    #[serde(default)]
    pub output_per_million_micros: u64,
    /// Of a minute of sound.
    #[serde(default)]
    pub audio_per_minute_micros: u64,
}

impl Price {
    /// What a usage costs, in millionths, rounded up.
    pub fn of(&self, usage: &Usage) -> u64 {
        let part = |amount: u64, price: u64, per: u128| {
            (u128::from(amount) * u128::from(price)).div_ceil(per)
        };
        let sum = part(usage.input_tokens, self.input_per_million_micros, 1_000_000)
            + part(usage.output_tokens, self.output_per_million_micros, 1_000_000)
            + part(usage.audio_ms, self.audio_per_minute_micros, 60_000);
        u64::try_from(sum).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_rounded_up_and_never_runs_over() {
        let price = Price {
            input_per_million_micros: 150_000,
            output_per_million_micros: 600_000,
            audio_per_minute_micros: 6_000,
        };
        let usage = Usage { calls: 2, input_tokens: 10, output_tokens: 1, audio_ms: 30_000 };
        assert_eq!(price.of(&usage), 2 + 1 + 3_000);
        let most = Price { input_per_million_micros: u64::MAX, ..price };
        let much = Usage { input_tokens: u64::MAX, ..usage };
        assert_eq!(most.of(&much), u64::MAX);
        let mut sum = much;
        sum += much;
        assert_eq!(sum.input_tokens, u64::MAX);
    }
}
