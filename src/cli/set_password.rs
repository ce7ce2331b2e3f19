//! `recap set-password`.

use std::io::{IsTerminal, Read};
use std::sync::Arc;

use recap_mode::SystemEntropy;

use crate::secrets::{PASSWORD_BYTES_MAX, Secrets};

use super::{Failure, Setting, say};

#[derive(clap::Args)]
pub(super) struct SetPassword {
    /// Take the password away: everybody who reaches the address gets in
    #[arg(long)]
    remove: bool,
}

impl SetPassword {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let data = setting.data()?;
        let secrets = Secrets::open(&data, None, Arc::new(SystemEntropy))
            .map_err(|error| Failure::input(error.to_string()))?;
        let failed = |error: crate::secrets::SecretsError| Failure::input(error.to_string());
        if self.remove {
            secrets.set_password(None).map_err(failed)?;
            say("There is no password any more.")?;
            return Ok(0);
        }
        let password = read_password()?;
        secrets.set_password(Some(&password)).map_err(failed)?;
        say(&format!(
            "The password is set in {}. Whoever was signed in signs in again.",
            data.join("secrets.json").display()
        ))?;
        Ok(0)
    }
}

fn read_password() -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .take(PASSWORD_BYTES_MAX as u64 + 2)
            .read_to_string(&mut text)
            .map_err(|error| Failure::input(format!("The password cannot be read: {error}.")))?;
        return Ok(text.trim_end_matches(['\n', '\r']).to_owned());
    }
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt)
            .map_err(|error| Failure::input(format!("The password cannot be read: {error}.")))
    };
    let first = ask("New password: ")?;
    if ask("The same again: ")? != first {
        return Err(Failure::input("The two are not the same; nothing was changed."));
    }
    Ok(first)
}
