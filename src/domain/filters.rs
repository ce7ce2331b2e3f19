//! Which episodes of a show are found, and which are passed over: words, regular expressions of an
//! engine that takes linear time, length and age.

use chrono::{DateTime, TimeDelta, Utc};
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest pattern, in bytes: far beyond what a person writes, and cheap to refuse.
pub const PATTERN_BYTES_MAX: usize = 1_000;

/// Memory that a compiled pattern may take. The engine is linear in the title; what could grow is
/// the pattern itself (`(?:){4294967295}`, CVE-2022-24713).
const PATTERN_MEMORY_MAX: usize = 256 * 1024;

/// Most words in one list.
const WORDS_MAX: usize = 100;

/// As they stand on a subscription. Everything is optional; an empty object lets all pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Filters {
    /// At least one of these must be in the title, regardless of case.
    #[serde(default)]
    pub words: Vec<String>,
    /// None of these may be in the title, regardless of case.
    #[serde(default)]
    pub not_words: Vec<String>,
    /// A regular expression that must match the title, regardless of case.
    #[serde(default)]
    pub pattern: Option<String>,
    /// A regular expression that must not match the title, regardless of case.
    #[serde(default)]
    pub not_pattern: Option<String>,
    /// Shorter episodes are passed over; one whose length is not told is not.
    #[serde(default)]
    pub min_minutes: Option<u32>,
    /// Longer episodes are passed over; one whose length is not told is not.
    #[serde(default)]
    pub max_minutes: Option<u32>,
    /// Episodes that are older when they are first seen are passed over.
    #[serde(default)]
    pub max_age_days: Option<u32>,
}

/// Filters that can be used.
#[derive(Clone, Debug, Default)]
pub struct Sieve {
    words: Vec<String>,
    not_words: Vec<String>,
    pattern: Option<Regex>,
    not_pattern: Option<Regex>,
    min_minutes: Option<u32>,
    max_minutes: Option<u32>,
    max_age_days: Option<u32>,
}

/// Why an episode was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PassedOver {
    /// Its title lacks a word or does not match the pattern.
    Words,
    /// Its title holds a word or matches a pattern that is not wanted.
    NotWords,
    /// Too short.
    Short,
    /// Too long.
    Long,
    /// Too old.
    Old,
}

impl PassedOver {
    /// The word of the seen list.
    pub fn word(self) -> &'static str {
        match self {
            PassedOver::Words => "words",
            PassedOver::NotWords => "not-words",
            PassedOver::Short => "short",
            PassedOver::Long => "long",
            PassedOver::Old => "old",
        }
    }
}

impl Filters {
    /// Makes them usable.
    ///
    /// # Errors
    /// A sentence about the one that cannot be used.
    pub fn sieve(&self) -> Result<Sieve, String> {
        for (name, list) in [("words", &self.words), ("not_words", &self.not_words)] {
            if list.len() > WORDS_MAX {
                return Err(format!("`filters.{name}` holds more than {WORDS_MAX} words."));
            }
        }
        if let (Some(min), Some(max)) = (self.min_minutes, self.max_minutes)
            && min > max
        {
            return Err(format!(
                "`filters.min_minutes` ({min}) is more than `filters.max_minutes` ({max}): nothing would pass."
            ));
        }
        let lower = |list: &Vec<String>| {
            list.iter().map(|word| word.trim().to_lowercase()).filter(|w| !w.is_empty()).collect()
        };
        Ok(Sieve {
            words: lower(&self.words),
            not_words: lower(&self.not_words),
            pattern: compiled("pattern", self.pattern.as_deref())?,
            not_pattern: compiled("not_pattern", self.not_pattern.as_deref())?,
            min_minutes: self.min_minutes,
            max_minutes: self.max_minutes,
            max_age_days: self.max_age_days,
        })
    }
}

fn compiled(name: &str, pattern: Option<&str>) -> Result<Option<Regex>, String> {
    let Some(pattern) = pattern.filter(|pattern| !pattern.is_empty()) else { return Ok(None) };
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!("`filters.{name}` is longer than {PATTERN_BYTES_MAX} bytes."));
    }
    let built = RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(PATTERN_MEMORY_MAX)
        .dfa_size_limit(PATTERN_MEMORY_MAX)
        .nest_limit(50)
        .build();
    built.map(Some).map_err(|error| {
        // The engine's own words draw the place over several lines; the last one says what it is.
        let said = error.to_string();
        let said = said.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
        format!("`filters.{name}` is no regular expression that can be used: {said}.")
    })
}

impl Sieve {
    /// Whether an episode is found, or why it is passed over.
    pub fn lets_pass(
        &self,
        title: &str,
        duration_ms: Option<u64>,
        published_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(), PassedOver> {
        // Most shows have no filters, and a first check asks for sixty thousand titles.
        let asks = !self.words.is_empty() || !self.not_words.is_empty();
        let lower = if asks { title.to_lowercase() } else { String::new() };
        let holds = |word: &String| lower.contains(word.as_str());
        let misses = |pattern: &Regex| !pattern.is_match(title);
        if !self.words.is_empty() && !self.words.iter().any(holds)
            || self.pattern.as_ref().is_some_and(misses)
        {
            return Err(PassedOver::Words);
        }
        if self.not_words.iter().any(holds)
            || self.not_pattern.as_ref().is_some_and(|pattern| pattern.is_match(title))
        {
            return Err(PassedOver::NotWords);
        }
        let minute = 60_000;
        if let (Some(min), Some(ms)) = (self.min_minutes, duration_ms)
            && ms < u64::from(min) * minute
        {
            return Err(PassedOver::Short);
        }
        if let (Some(max), Some(ms)) = (self.max_minutes, duration_ms)
            && ms > u64::from(max) * minute
        {
            return Err(PassedOver::Long);
        }
        if let (Some(days), Some(at)) = (self.max_age_days, published_at)
            && at < now - TimeDelta::days(i64::from(days))
        {
            return Err(PassedOver::Old);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn check(filters: &str, title: &str, minutes: Option<u64>, want: Result<(), PassedOver>) {
        let filters: Filters = serde_json::from_str(filters).unwrap();
        let sieve = filters.sieve().unwrap();
        let day = Some(now() - TimeDelta::days(7));
        let got = sieve.lets_pass(title, minutes.map(|m| m * 60_000), day, now());
        assert_eq!(got, want, "{filters:?} on {title:?}");
    }

    #[test]
    fn each_filter_passes_over_what_it_says_and_nothing_else() {
        check("{}", "", None, Ok(()));
        check(r#"{"words": ["bees", "Oven"]}"#, "The OVEN in the square", None, Ok(()));
        check(r#"{"words": ["bees"]}"#, "The oven", None, Err(PassedOver::Words));
        check(r#"{"words": ["", " "]}"#, "The oven", None, Ok(()));
        check(r#"{"not_words": ["trailer"]}"#, "Trailer: bees", None, Err(PassedOver::NotWords));
        check(r#"{"pattern": "^#\\d+"}"#, "#12 Bees", None, Ok(()));
        check(r#"{"pattern": "^#\\d+"}"#, "Bees", None, Err(PassedOver::Words));
        check(r#"{"not_pattern": "(re)?run"}"#, "A Rerun", None, Err(PassedOver::NotWords));
        check(r#"{"min_minutes": 10}"#, "x", Some(10), Ok(()));
        check(r#"{"min_minutes": 10}"#, "x", Some(9), Err(PassedOver::Short));
        check(r#"{"min_minutes": 10}"#, "x", None, Ok(()));
        check(r#"{"max_minutes": 10}"#, "x", Some(10), Ok(()));
        check(r#"{"max_minutes": 10}"#, "x", Some(11), Err(PassedOver::Long));
        check(r#"{"max_age_days": 7}"#, "x", None, Ok(()));
        check(r#"{"max_age_days": 6}"#, "x", None, Err(PassedOver::Old));
    }

    #[test]
    fn a_pattern_that_would_cost_too_much_is_refused_with_a_sentence() {
        for pattern in ["(", "a{1000000}", "[", "(?<x", &"(".repeat(400), &"x".repeat(1_001)] {
            let filters = Filters { pattern: Some(pattern.to_owned()), ..Filters::default() };
            let said = filters.sieve().unwrap_err();
            assert!(said.starts_with("`filters.pattern`") && said.ends_with('.'), "{said}");
        }
        let filters = Filters { min_minutes: Some(9), max_minutes: Some(8), ..Filters::default() };
        assert!(filters.sieve().unwrap_err().contains("nothing would pass"));
    }

    #[test]
    fn a_pattern_made_to_explode_is_linear() {
        let title = format!("{}b", "a".repeat(100_000));
        for pattern in ["(a+)+$", "(?:){4294967295}$^"] {
            let filters = Filters { pattern: Some(pattern.to_owned()), ..Filters::default() };
            let sieve = filters.sieve().unwrap();
            assert_eq!(sieve.lets_pass(&title, None, None, now()), Err(PassedOver::Words));
        }
    }
}
