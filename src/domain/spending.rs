//! What models and recognisers have cost a scope: sums by day and month, and whether more may be spent.
//! `spending.json`, the daemon's own notes.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Days that are kept singly; months are kept for good.
const DAYS_KEPT: usize = 62;

/// Calls whose cost is remembered, so that what is noted twice after a crash counts once.
const JOBS_KEPT: usize = 500;

/// The sums of one scope.
#[derive(
    Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema,
)]
pub struct Spending {
    /// 1.
    #[serde(default = "one")]
    pub format: u32,
    /// By month (`2026-11`, UTC) and instance.
    #[serde(default)]
    pub months: BTreeMap<String, BTreeMap<String, Spent>>,
    /// By day (`2026-11-27`, UTC) over all instances, in millionths of the currency's unit.
    #[serde(default)]
    pub days: BTreeMap<String, u64>,
    /// What was noted last, by job and instance.
    #[serde(default)]
    pub noted: Vec<String>,
}

fn one() -> u32 {
    1
}

/// What one instance took.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema,
)]
pub struct Spent {
    /// Calls.
    #[serde(default)]
    pub calls: u64,
    /// Tokens sent.
    #[serde(default)]
    pub input_tokens: u64,
    /// Tokens answered.
    #[serde(default)]
    pub output_tokens: u64,
    /// Milliseconds of sound.
    #[serde(default)]
    pub audio_ms: u64,
    /// Length of the episodes that recaps were made of, in milliseconds: what an estimate goes by.
    #[serde(default)]
    pub episodes_ms: u64,
    /// Millionths of the currency's unit.
    #[serde(default)]
    pub cost_micros: u64,
}

impl Spent {
    fn add(&mut self, other: &Spent) {
        self.calls = self.calls.saturating_add(other.calls);
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.audio_ms = self.audio_ms.saturating_add(other.audio_ms);
        self.episodes_ms = self.episodes_ms.saturating_add(other.episodes_ms);
        self.cost_micros = self.cost_micros.saturating_add(other.cost_micros);
    }
}

/// Most that may be spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// In a day, in millionths.
    pub day_micros_max: Option<u64>,
    /// In a month, in millionths.
    pub month_micros_max: Option<u64>,
}

/// A cap that is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapReached {
    /// `day` or `month`.
    pub period: &'static str,
    /// The cap, in millionths.
    pub micros_max: u64,
    /// When it begins anew.
    pub until: DateTime<Utc>,
}

fn month_of(day: NaiveDate) -> String {
    day.format("%Y-%m").to_string()
}

impl Spending {
    /// Notes what a job took of an instance, once.
    pub fn note(&mut self, key: &str, instance: &str, spent: &Spent, now: DateTime<Utc>) {
        let key = format!("{key} {instance}");
        if self.noted.contains(&key) {
            return;
        }
        self.noted.push(key);
        let surplus = self.noted.len().saturating_sub(JOBS_KEPT);
        self.noted.drain(..surplus);
        let today = now.date_naive();
        let month = self.months.entry(month_of(today)).or_default();
        month.entry(instance.to_owned()).or_default().add(spent);
        let day = self.days.entry(today.to_string()).or_default();
        *day = day.saturating_add(spent.cost_micros);
        while self.days.len() > DAYS_KEPT {
            self.days.pop_first();
        }
    }

    /// What was spent today, in millionths.
    pub fn today_micros(&self, now: DateTime<Utc>) -> u64 {
        self.days.get(&now.date_naive().to_string()).copied().unwrap_or(0)
    }

    /// What was spent this month, in millionths.
    pub fn month_micros(&self, now: DateTime<Utc>) -> u64 {
        let month = self.months.get(&month_of(now.date_naive()));
        let sum = month.into_iter().flat_map(BTreeMap::values);
        sum.fold(0, |sum: u64, spent| sum.saturating_add(spent.cost_micros))
    }

    /// The cap that forbids to spend more now.
    pub fn cap_reached(&self, caps: &Caps, now: DateTime<Utc>) -> Option<CapReached> {
        let today = now.date_naive();
        let begins = |day: Option<NaiveDate>| {
            let day = day.unwrap_or(today + Duration::days(1));
            day.and_hms_opt(0, 0, 0).map_or(now, |at| at.and_utc())
        };
        if let Some(most) = caps.month_micros_max
            && self.month_micros(now) >= most
        {
            let (year, month) = (today.year(), today.month());
            let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            let until = begins(NaiveDate::from_ymd_opt(next.0, next.1, 1));
            return Some(CapReached { period: "month", micros_max: most, until });
        }
        let most = caps.day_micros_max.filter(|most| self.today_micros(now) >= *most)?;
        let until = begins(Some(today + Duration::days(1)));
        Some(CapReached { period: "day", micros_max: most, until })
    }
}

/// What an hour of talk takes of a model, where there is no history: 150 words a minute are some 200
/// tokens, sent with line numbers and a tenth of overlap.
const INPUT_TOKENS_PER_MINUTE: u64 = 320;

/// The same of an answer: some thirty lines of an hour.
const OUTPUT_TOKENS_PER_MINUTE: u64 = 40;

/// What a recap will probably take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Expected {
    /// Tokens to be sent.
    pub input_tokens: u64,
    /// Tokens to be answered.
    pub output_tokens: u64,
    /// Whether that is by this scope's own history with the model.
    pub by_history: bool,
}

impl Spending {
    /// What an episode of that length takes of an instance, by what earlier ones took.
    pub fn expect(&self, instance: &str, duration_ms: u64) -> Expected {
        let mut sum = Spent::default();
        for spent in self.months.values().filter_map(|month| month.get(instance)) {
            sum.add(spent);
        }
        let of = |tokens: u64, per_minute: u64| {
            let (tokens, per) = match sum.episodes_ms {
                0 => (u128::from(per_minute), 60_000),
                ms => (u128::from(tokens), u128::from(ms)),
            };
            u64::try_from(u128::from(duration_ms) * tokens / per).unwrap_or(u64::MAX)
        };
        Expected {
            input_tokens: of(sum.input_tokens, INPUT_TOKENS_PER_MINUTE),
            output_tokens: of(sum.output_tokens, OUTPUT_TOKENS_PER_MINUTE),
            by_history: sum.episodes_ms > 0,
        }
    }
}

/// An amount as people write it: `0.0123`.
pub fn amount(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let cut = text.trim_end_matches('0');
    // Two places at least, as prices have.
    let least = text.len() - 4;
    text[..cut.len().max(least)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_noted_twice_counts_once() {
        let mut spending = Spending::default();
        let spent = Spent { calls: 1, cost_micros: 700_000, ..Spent::default() };
        let now = at("2026-11-30T23:59:59Z");
        spending.note("job-1", "gpt", &spent, now);
        spending.note("job-1", "gpt", &spent, now);
        spending.note("job-1", "whisper", &spent, now);
        assert_eq!(
            (spending.today_micros(now), spending.month_micros(now)),
            (1_400_000, 1_400_000)
        );
        let next = at("2026-12-01T00:00:00Z");
        assert_eq!((spending.today_micros(next), spending.month_micros(next)), (0, 0));
        assert_eq!(spending.months["2026-11"]["gpt"].calls, 1);
    }

    #[test]
    fn a_cap_holds_until_its_day_or_month_is_over() {
        let mut spending = Spending::default();
        let spent = Spent { cost_micros: 500, ..Spent::default() };
        let now = at("2026-12-31T12:00:00Z");
        spending.note("a", "x", &spent, now);
        let cap = |day, month| {
            let caps = Caps { day_micros_max: day, month_micros_max: month };
            spending.cap_reached(&caps, now).map(|cap| (cap.period, cap.until.to_rfc3339()))
        };
        assert_eq!(cap(None, None), None);
        assert_eq!(cap(Some(501), Some(501)), None);
        assert_eq!(cap(Some(500), None), Some(("day", "2027-01-01T00:00:00+00:00".to_owned())));
        assert_eq!(cap(Some(500), Some(500)).unwrap().0, "month");
        assert_eq!(cap(Some(0), None).unwrap().0, "day", "a cap of nothing forbids from the start");
    }

    #[test]
    fn what_comes_is_expected_by_what_was() {
        let mut spending = Spending::default();
        let hour = 3_600_000;
        let expected = spending.expect("gpt", hour);
        assert_eq!((expected.input_tokens, expected.by_history), (19_200, false));
        let spent = Spent {
            input_tokens: 10_000,
            output_tokens: 500,
            episodes_ms: hour / 2,
            ..Spent::default()
        };
        spending.note("a", "gpt", &spent, at("2026-10-01T00:00:00Z"));
        spending.note(
            "b",
            "other",
            &Spent { input_tokens: 1, episodes_ms: 1, ..spent },
            at("2026-10-01T00:00:00Z"),
        );
        let expected = spending.expect("gpt", hour);
        assert_eq!(
            (expected.input_tokens, expected.output_tokens, expected.by_history),
            (20_000, 1_000, true)
        );
    }

    #[test]
    fn notes_do_not_grow_without_end() {
        let mut spending = Spending::default();
        let mut now = at("2026-01-01T00:00:00Z");
        for job in 0..1_000 {
            spending.note(&format!("job-{job}"), "x", &Spent::default(), now);
            now += Duration::days(1);
        }
        assert_eq!((spending.days.len(), spending.noted.len()), (DAYS_KEPT, JOBS_KEPT));
    }

    #[test]
    fn amounts_read_as_prices_do() {
        for (micros, want) in [
            (0, "0.00"),
            (1, "0.000001"),
            (1_500_000, "1.50"),
            (12_300, "0.0123"),
            (u64::MAX, "18446744073709.551615"),
        ] {
            assert_eq!(amount(micros), want);
        }
    }
}
