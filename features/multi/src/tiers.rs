//! Tiers: what was bought, whether it still holds, and what it allows. Pure: `now` is an argument.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use recap_mode::{Allowance, Entitlement, Fault, FaultKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a tenant bought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Nothing: an account with its credits.
    #[default]
    Core,
    /// Subscriptions.
    Pro,
    /// Subscriptions, and more of everything.
    Max,
}

impl Tier {
    /// All of them, from the least to the most.
    pub const ALL: [Tier; 3] = [Tier::Core, Tier::Pro, Tier::Max];

    /// As it is stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Tier::Core => "core",
            Tier::Pro => "pro",
            Tier::Max => "max",
        }
    }

    /// What holds at `now` of a tier that ends at `expires_at` (`None`: without an end). At its
    /// very end it is over.
    pub fn effective(self, expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Tier {
        match expires_at {
            Some(end) if end <= now => Tier::Core,
            _ => self,
        }
    }
}

/// A word that names no tier.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("There is no tier of this name; take core, pro or max.")]
pub struct TierError;

impl FromStr for Tier {
    type Err = TierError;
    fn from_str(text: &str) -> Result<Tier, TierError> {
        Tier::ALL.into_iter().find(|tier| tier.word() == text).ok_or(TierError)
    }
}

/// Who wants something: the question of [`Standing::entitled`] and of [`Allowances::of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// An anonymous visitor with a trial.
    Trial,
    /// A tenant, by the tier that holds now.
    Tenant(Tier),
    /// The operator.
    Admin,
}

impl Standing {
    /// Whether this one may do `what`.
    ///
    /// # Errors
    /// [`FaultKind::NotEntitled`] with a sentence that says what would allow it.
    pub fn entitled(self, what: Entitlement) -> Result<(), Fault> {
        let refused =
            |message: &str, hint: &str| Err(Fault::new(FaultKind::NotEntitled, message).hint(hint));
        match (what, self) {
            (Entitlement::Process, _) | (_, Standing::Admin) => Ok(()),
            (Entitlement::Subscriptions, Standing::Tenant(Tier::Pro | Tier::Max)) => Ok(()),
            (Entitlement::Subscriptions, Standing::Tenant(Tier::Core)) => refused(
                "Following shows needs the tier Pro or Max, and yours is Core now.",
                "Buy Pro or Max on your account page; what you follow is kept and goes on then.",
            ),
            (Entitlement::Subscriptions, Standing::Trial) => refused(
                "Following shows needs an account with the tier Pro or Max.",
                "Sign in first; what you made here comes along into a new account.",
            ),
            (Entitlement::PrivateAddresses, _) => refused(
                "Only the operator of this Recap may fetch from addresses of its own network.",
                "Use an address that the whole internet can reach.",
            ),
        }
    }
}

const MIB: u64 = 1024 * 1024;

/// The table of what each tier allows; part of the operator's settings, where a row is given whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Allowances {
    /// Anonymous visitors.
    pub trial: Allowance,
    /// Tenants without a tier, or whose tier is over.
    pub core: Allowance,
    /// Pro.
    pub pro: Allowance,
    /// Max.
    pub max: Allowance,
}

impl Default for Allowances {
    /// A recap takes some 300 KB, so a gibibyte holds 3,000; a two-hour episode as speech is 120
    /// minutes, and one processor core recognises about a day's worth in a day.
    fn default() -> Allowances {
        Allowances {
            trial: Allowance {
                subscriptions_max: 0,
                open_queue_items_max: 1,
                upload_bytes_max: 50 * MIB,
                storage_bytes_max: 20 * MIB,
                speech_minutes_daily_max: 60,
            },
            core: Allowance {
                subscriptions_max: 0,
                open_queue_items_max: 5,
                upload_bytes_max: 200 * MIB,
                storage_bytes_max: 512 * MIB,
                speech_minutes_daily_max: 120,
            },
            pro: Allowance {
                subscriptions_max: 50,
                open_queue_items_max: 200,
                upload_bytes_max: 500 * MIB,
                storage_bytes_max: 2048 * MIB,
                speech_minutes_daily_max: 300,
            },
            max: Allowance {
                subscriptions_max: 250,
                open_queue_items_max: 1000,
                upload_bytes_max: 1024 * MIB,
                storage_bytes_max: 10 * 1024 * MIB,
                speech_minutes_daily_max: 900,
            },
        }
    }
}

impl Allowances {
    /// What `who` may have.
    pub fn of(&self, who: Standing) -> Allowance {
        match who {
            Standing::Trial => self.trial,
            Standing::Tenant(Tier::Core) => self.core,
            Standing::Tenant(Tier::Pro) => self.pro,
            Standing::Tenant(Tier::Max) => self.max,
            Standing::Admin => Allowance::UNLIMITED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_is_over_at_its_very_end_and_core_never_is() {
        let end: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
        let (before, after) =
            (end - chrono::TimeDelta::milliseconds(1), end + chrono::TimeDelta::milliseconds(1));
        for tier in Tier::ALL {
            assert_eq!(tier.effective(Some(end), before), tier);
            assert_eq!(tier.effective(Some(end), end), Tier::Core);
            assert_eq!(tier.effective(Some(end), after), Tier::Core);
            assert_eq!(tier.effective(None, after), tier);
            assert_eq!(tier.word().parse(), Ok(tier));
        }
        for bad in ["", "Pro", "gold", "pro "] {
            assert_eq!(bad.parse::<Tier>(), Err(TierError));
        }
    }

    #[test]
    fn following_needs_pro_or_max_or_the_operator_and_private_addresses_the_operator() {
        use Entitlement::{PrivateAddresses, Process, Subscriptions};
        for (who, allowed) in [
            (Standing::Trial, vec![Process]),
            (Standing::Tenant(Tier::Core), vec![Process]),
            (Standing::Tenant(Tier::Pro), vec![Process, Subscriptions]),
            (Standing::Tenant(Tier::Max), vec![Process, Subscriptions]),
            (Standing::Admin, vec![Process, Subscriptions, PrivateAddresses]),
        ] {
            for what in Entitlement::ALL {
                match who.entitled(what) {
                    Ok(()) => assert!(allowed.contains(&what), "{who:?} may {what:?}"),
                    Err(fault) => {
                        assert!(!allowed.contains(&what), "{who:?} may not {what:?}");
                        assert_eq!(fault.kind, FaultKind::NotEntitled);
                        assert!(fault.hint.is_some());
                    }
                }
            }
        }
    }

    #[test]
    fn more_is_never_less() {
        let table = Allowances::default();
        let rows = [
            Standing::Trial,
            Standing::Tenant(Tier::Core),
            Standing::Tenant(Tier::Pro),
            Standing::Tenant(Tier::Max),
            Standing::Admin,
        ]
        .map(|who| table.of(who));
        for pair in rows.windows(2) {
            assert!(pair[0].subscriptions_max <= pair[1].subscriptions_max);
            assert!(pair[0].open_queue_items_max <= pair[1].open_queue_items_max);
            assert!(pair[0].upload_bytes_max <= pair[1].upload_bytes_max);
            assert!(pair[0].storage_bytes_max <= pair[1].storage_bytes_max);
            assert!(pair[0].speech_minutes_daily_max <= pair[1].speech_minutes_daily_max);
        }
    }

    #[test]
    fn the_table_is_a_setting_and_a_misspelt_word_is_refused() {
        let none: Allowances = serde_json::from_str("{}").unwrap();
        assert_eq!(none, Allowances::default());
        let one: Allowances = serde_json::from_str(
            r#"{"pro": {"subscriptions_max": 7, "open_queue_items_max": 1, "upload_bytes_max": 2,
                "storage_bytes_max": 3, "speech_minutes_daily_max": 4}}"#,
        )
        .unwrap();
        assert_eq!(one.of(Standing::Tenant(Tier::Pro)).subscriptions_max, 7);
        assert_eq!(one.max, Allowances::default().max);
        for bad in [
            r#"{"gold": {}}"#,
            r#"{"pro": {"subscriptions_max": 7}}"#,
            r#"{"pro": {"subscriptions_max": -1, "open_queue_items_max": 1, "upload_bytes_max": 2,
                "storage_bytes_max": 3, "speech_minutes_daily_max": 4}}"#,
        ] {
            assert!(serde_json::from_str::<Allowances>(bad).is_err(), "{bad}");
        }
    }
}
