//! `recap admin`: what a mode's operator does on the machine itself; the words are the mode's.

use std::path::PathBuf;
use std::sync::Arc;

use recap_mode::{FaultKind, SystemClock, SystemEntropy};

use crate::daemon::ModeRequest;

use super::{Failure, Setting, say, small_runtime};

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct Admin {
    /// What to do; `recap admin help` lists it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "WORDS")]
    words: Vec<String>,
}

/// Words that ask what there is, which needs no data.
const HELP: [&str; 3] = ["help", "--help", "-h"];

impl Admin {
    pub(super) fn run(mut self, mut setting: Setting) -> Result<u8, Failure> {
        if let Some(folder) = data_among(&mut self.words) {
            setting.data = Some(folder);
        }
        let (mut data, config) = (setting.data()?, setting.config()?);
        let elsewhere = tempfile::tempdir()?;
        if !data.is_dir() {
            // A slip of the pen in --data would make a database nobody looks for.
            if self.words.first().is_some_and(|word| !HELP.contains(&word.as_str())) {
                return Err(Failure::input(format!(
                    "There is no data folder {}. Give it with --data, or start the daemon first, which makes it.",
                    data.display()
                )));
            }
            data = elsewhere.path().to_owned();
        }
        let mode = (setting.choose_mode)(&ModeRequest {
            config: &config,
            data: &data,
            environment: &setting.environment,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        })
        .map_err(Failure::input)?;
        match small_runtime()?.block_on(mode.command(&self.words)) {
            Ok(said) => {
                say(said.trim_end())?;
                Ok(0)
            }
            Err(fault) if fault.kind == FaultKind::Internal => {
                Err(Failure::here(fault.to_string()))
            }
            Err(fault) => Err(Failure::input(fault.to_string())),
        }
    }
}

/// Takes `--data FOLDER` out of the words: it is every command's, and people write it at the end.
fn data_among(words: &mut Vec<String>) -> Option<PathBuf> {
    let at = words.iter().position(|word| word == "--data" || word.starts_with("--data="))?;
    let word = words.remove(at);
    match word.strip_prefix("--data=") {
        Some(folder) => Some(folder.into()),
        None if at < words.len() => Some(words.remove(at).into()),
        // What lacks its folder is a word of the mode's, which does not know it.
        None => {
            words.insert(at, word);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_may_stand_anywhere_among_the_words() {
        let check = |said: &str, folder: Option<&str>, left: &str| {
            let mut words: Vec<String> = said.split(' ').map(str::to_owned).collect();
            assert_eq!(data_among(&mut words), folder.map(PathBuf::from), "{said}");
            assert_eq!(words.join(" "), left);
        };
        check("tenants --data /x", Some("/x"), "tenants");
        check("--data=/x tenants", Some("/x"), "tenants");
        check("grant --data /x ada 10", Some("/x"), "grant ada 10");
        check("tenants", None, "tenants");
        check("tenants --data", None, "tenants --data");
    }
}
