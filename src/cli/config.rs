//! `recap config`: what is in force, and where each value comes from.

use serde_json::{Map, Value, json};

use crate::config::SETTINGS;

use super::{Failure, Setting, say, say_json};

#[derive(clap::Args)]
pub(super) struct Config {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Config {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let data = setting.data()?;
        let config = setting.config()?;
        let secrets = crate::secrets::Secrets::open(
            &data,
            setting.environment.operator_password(),
            std::sync::Arc::new(recap_mode::SystemEntropy),
        )
        .map_err(|error| Failure::input(error.to_string()))?;
        let password = match (setting.environment.operator_password(), secrets.password()) {
            (Some(_), _) => Some("variable"),
            (None, Some(_)) => Some("secrets.json"),
            (None, None) => None,
        };
        if self.json {
            let mut values: Map<String, Value> = config
                .sources
                .iter()
                .map(|(key, (value, source))| {
                    ((*key).to_owned(), json!({"value": value, "source": source.word()}))
                })
                .collect();
            values.insert(
                "data".to_owned(),
                json!({"value": data, "source": "flag, RECAP_DATA or the platform"}),
            );
            let shown = password.map(|_| "********");
            values.insert(
                "operator_password".to_owned(),
                json!({"value": shown, "source": password.unwrap_or("default")}),
            );
            say_json(&values)?;
            return Ok(0);
        }
        say(&format!("Data folder: {}\n", data.display()))?;
        for setting in &SETTINGS {
            if let Some((value, source)) = config.sources.get(setting.key) {
                say(&format!(
                    "{:28} {:24} {:12} {}",
                    setting.key,
                    value.to_string(),
                    source.word(),
                    setting.variable()
                ))?;
            }
        }
        let (shown, source) = match password {
            Some(source) => ("********", source),
            None => ("none", "default"),
        };
        say(&format!("{:28} {shown:24} {source:12} RECAP_OPERATOR_PASSWORD", "operator_password"))?;
        Ok(0)
    }
}
