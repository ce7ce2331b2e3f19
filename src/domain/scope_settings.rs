//! What a scope has chosen: by whom its transcripts and recaps are made, in which language, by which
//! rules, and what that may cost. `settings.json`, which people may edit by hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::outline::{Granularity, Length};
use crate::domain::recap::TranscriptSource;
use crate::domain::spending::Caps;

/// Longest text of a person's own rules, in characters: it is sent with every call.
pub const RULES_CHARS_MAX: usize = 4_000;

/// Longest list of names.
pub const NAMES_MAX: usize = 20;

/// The choices of one scope. What is absent is as the operator's settings say.
#[derive(
    Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema,
)]
pub struct ScopeSettings {
    /// 1.
    #[serde(default = "one")]
    pub format: u32,
    /// Where a transcript may come from, best first: `podcast` (the publisher's own), `captions`,
    /// `speech`. All three in this order without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub transcript_sources: Option<Vec<TranscriptSource>>,
    /// Names of the recognisers of speech to try, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcribers: Option<Vec<String>>,
    /// Names of the models that write the outline, in order; an empty list means the built-in outline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// How finely an episode is divided into topics, where no chapters divide it.
    #[serde(default, skip_serializing_if = "Granularity::is_auto")]
    pub granularity: Granularity,
    /// How much of each topic is said.
    #[serde(default, skip_serializing_if = "Length::is_normal")]
    pub length: Length,
    /// BCP 47 tag of the language in which a model writes; that of the episode without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// BCP 47 tag of a machine's translation of captions that is wanted in place of what was spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption_translation: Option<String>,
    /// What a model should mind, in the person's own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rules: String,
    /// When the person's cookies are shown to video sites.
    #[serde(default, skip_serializing_if = "CookieMode::is_never")]
    pub cookies: CookieMode,
    /// Most that models and recognisers may cost in a day, in the currency of their prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_day_max: Option<f64>,
    /// The same of a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_month_max: Option<f64>,
    /// The scope's own model servers, in the form of the operator's; their keys are kept apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub model_servers: Vec<Map<String, Value>>,
}

fn one() -> u32 {
    1
}

/// When a person's cookies are shown.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CookieMode {
    /// Not at all.
    #[default]
    Never,
    /// Where a site wants a sign-in and says so; this spares the account.
    WhenNeeded,
    /// Each time.
    Always,
}

impl CookieMode {
    fn is_never(&self) -> bool {
        *self == CookieMode::Never
    }
}

impl ScopeSettings {
    /// Where a transcript may come from, best first.
    pub fn sources(&self) -> Vec<TranscriptSource> {
        self.transcript_sources.clone().unwrap_or_else(|| {
            vec![TranscriptSource::Podcast, TranscriptSource::Captions, TranscriptSource::Speech]
        })
    }

    /// What is wrong with the choices, as a sentence; `None` where nothing is.
    pub fn flaw(&self) -> Option<String> {
        let is_tag = |tag: &String| {
            (2..=35).contains(&tag.len())
                && tag.split('-').all(|part| {
                    (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
                })
        };
        if let Some(tag) = [&self.language, &self.caption_translation]
            .into_iter()
            .flatten()
            .find(|tag| !is_tag(tag))
        {
            return Some(format!(
                "“{}” is no language; write one such as en, pt-BR or de.",
                cut(tag)
            ));
        }
        if self.rules.chars().count() > RULES_CHARS_MAX {
            return Some(format!("The rules may have {RULES_CHARS_MAX} characters at most."));
        }
        let lists = [&self.transcribers, &self.models];
        if lists.into_iter().flatten().any(|names| names.len() > NAMES_MAX) {
            return Some(format!("A list of names may have {NAMES_MAX} at most."));
        }
        if self.transcript_sources.as_ref().is_some_and(|sources| {
            sources.is_empty() || sources.contains(&TranscriptSource::Upload) || sources.len() > 3
        }) {
            return Some(
                "transcript_sources is a list of podcast, captions and speech, each at most once, and at least one of them."
                    .to_owned(),
            );
        }
        let amounts = [self.cost_per_day_max, self.cost_per_month_max];
        if amounts.into_iter().flatten().any(|amount| !(0.0..1e9).contains(&amount)) {
            return Some("A cap of costs is a number from 0.".to_owned());
        }
        if self.model_servers.len() > NAMES_MAX {
            return Some(format!(
                "A library may have {NAMES_MAX} model servers of its own at most."
            ));
        }
        None
    }

    /// The caps of what may be spent: the smaller of its own and the operator's.
    pub fn caps(&self, day_max: Option<f64>, month_max: Option<f64>) -> Caps {
        // Between nothing and a billion units, so it fits.
        let micros = |amount: f64| (amount * 1e6).round() as u64;
        let least = |own: Option<f64>, operator: Option<f64>| {
            own.into_iter().chain(operator).map(micros).min()
        };
        Caps {
            day_micros_max: least(self.cost_per_day_max, day_max),
            month_micros_max: least(self.cost_per_month_max, month_max),
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_checked_and_say_what_is_wrong() {
        let flaw = |text: &str| serde_json::from_str::<ScopeSettings>(text).unwrap().flaw();
        for good in [
            "{}",
            r#"{"language": "pt-BR", "models": []}"#,
            r#"{"transcript_sources": ["speech"]}"#,
        ] {
            assert_eq!(flaw(good), None, "{good}");
        }
        for (bad, part) in [
            (r#"{"language": "../x"}"#, "no language"),
            (r#"{"caption_translation": "e"}"#, "no language"),
            (r#"{"transcript_sources": []}"#, "transcript_sources"),
            (r#"{"transcript_sources": ["upload"]}"#, "transcript_sources"),
        ] {
            assert!(flaw(bad).is_some_and(|said| said.contains(part)), "{bad}");
        }
        let rules = |count| ScopeSettings { rules: "ä".repeat(count), ..ScopeSettings::default() };
        assert!(
            rules(RULES_CHARS_MAX).flaw().is_none() && rules(RULES_CHARS_MAX + 1).flaw().is_some()
        );
        assert!(serde_json::from_str::<ScopeSettings>(r#"{"cookies": "sometimes"}"#).is_err());
    }
}
