//! What the operator configured, as `config.json` names it; who reads that file is the daemon.

use std::path::PathBuf;

use serde_json::Value;
use url::Url;

use crate::MultiError;
use crate::email::Email;
use crate::ledger::{CreditRules, Period};
use crate::mail::{MailSettings, MailWay, SmtpPassword, SmtpSecurity, SmtpSettings};
use crate::relay::RelaySettings;
use crate::sign_in::SignInSettings;
use crate::tiers::Allowances;
use crate::trials::TrialSettings;

/// The settings of a service, each under the name that it has in `config.json`.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each field is the setting of that name, described in the README")]
pub struct Given {
    pub public_url: Url,
    pub admin_email: Option<String>,
    pub sign_ups_open: bool,
    pub tenant_default_credits: i64,
    pub tenant_credit_replenish_period: String,
    pub trial_credits_per_visitor: i64,
    pub trials_per_ip_lifetime: i64,
    pub tier_allowances: Option<Value>,
    pub mail_from: Option<String>,
    pub mail_folder: Option<PathBuf>,
    pub smtp_host: Option<String>,
    pub smtp_port: Option<u16>,
    pub smtp_security: String,
    pub smtp_user: Option<String>,
    pub smtp_password: Option<String>,
    pub smtp_ca_file: Option<PathBuf>,
    pub relay_url: Option<Url>,
    pub relay_operator_key: Option<String>,
}

/// The same, seen to be sound.
pub(crate) struct Settings {
    pub(crate) public_url: Url,
    pub(crate) sign_in: SignInSettings,
    pub(crate) credits: CreditRules,
    pub(crate) trials: TrialSettings,
    pub(crate) allowances: Allowances,
    /// `None`: nobody can be sent a link.
    pub(crate) mail: Option<MailSettings>,
    /// `None`: tiers are kept here.
    pub(crate) relay: Option<RelaySettings>,
}

impl Settings {
    /// # Errors
    /// [`MultiError::Setting`] with the setting that is not taken.
    pub(crate) fn of(given: Given) -> Result<Settings, MultiError> {
        let refused = |key: &'static str, why: String| MultiError::Setting { key, why };
        let admin_email = match given.admin_email.as_deref().map(Email::parse) {
            None => None,
            Some(Ok(email)) => Some(email),
            Some(Err(error)) => return Err(refused("admin_email", error.to_string())),
        };
        let period: Period =
            serde_json::from_value(Value::from(given.tenant_credit_replenish_period))
                .map_err(|error| refused("tenant_credit_replenish_period", error.to_string()))?;
        let credits = CreditRules::new(given.tenant_default_credits, period)
            .map_err(|error| refused("tenant_default_credits", error.to_string()))?;
        let allowances = match given.tier_allowances {
            None => Allowances::default(),
            Some(table) => serde_json::from_value(table)
                .map_err(|error| refused("tier_allowances", error.to_string()))?,
        };
        let relay = match (given.relay_url, given.relay_operator_key) {
            (None, _) => None,
            (Some(url), Some(operator_key)) => Some(RelaySettings { url, operator_key }),
            (Some(_), None) => {
                let why = "the operator's key is missing: set RECAP_RELAY_OPERATOR_KEY".to_owned();
                return Err(refused("relay_url", why));
            }
        };
        let from = given.mail_from.unwrap_or_else(|| {
            format!("Recap <recap@{}>", given.public_url.host_str().unwrap_or("localhost"))
        });
        let way = match (given.mail_folder, given.smtp_host) {
            (Some(_), Some(_)) => {
                let why = "mails go into mail_folder or to smtp_host, not both ways".to_owned();
                return Err(refused("mail_folder", why));
            }
            (Some(folder), None) => Some(MailWay::Folder(folder)),
            (None, None) => None,
            (None, Some(host)) => {
                let security: SmtpSecurity =
                    serde_json::from_value(Value::from(given.smtp_security))
                        .map_err(|error| refused("smtp_security", error.to_string()))?;
                Some(MailWay::Smtp(SmtpSettings {
                    host,
                    port: given.smtp_port,
                    security,
                    user: given.smtp_user,
                    password: given.smtp_password.map(SmtpPassword),
                    ca_file: given.smtp_ca_file,
                }))
            }
        };
        Ok(Settings {
            public_url: given.public_url,
            sign_in: SignInSettings {
                admin_email,
                sign_ups_open: given.sign_ups_open,
                ..SignInSettings::default()
            },
            credits,
            trials: TrialSettings {
                trial_credits_per_visitor: given.trial_credits_per_visitor,
                trials_per_ip_lifetime: given.trials_per_ip_lifetime,
            },
            allowances,
            mail: way.map(|way| MailSettings { from, way }),
            relay,
        })
    }
}
