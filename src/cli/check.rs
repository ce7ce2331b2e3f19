//! `recap check`: every file of the data folder.

use std::sync::Arc;

use recap_mode::{Entropy, SystemEntropy};
use serde::Serialize;

use crate::history::Problem;
use crate::secrets::Secrets;

use super::{Failure, Setting, safe, say, say_json};

#[derive(clap::Args)]
pub(super) struct Check {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    files: usize,
    problems: Vec<Problem>,
}

impl Check {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let data = setting.data()?;
        if !data.is_dir() {
            return Err(Failure::input(format!("There is no data folder {}.", data.display())));
        }
        let mut report = Report { files: 0, problems: Vec::new() };
        let mut whole_file = |file: &str, problem: Option<(usize, usize, String)>| {
            report.files += usize::from(data.join(file).exists());
            report.problems.extend(problem.map(|(line, column, reason)| Problem {
                file: file.to_owned(),
                line,
                column,
                reason,
            }));
        };
        let config = crate::config::load(&data, &setting.environment, &serde_json::Map::new());
        whole_file("config.json", config.err().map(|error| error.place()));
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        whole_file(
            "secrets.json",
            Secrets::open(&data, None, entropy).err().map(|error| (1, 1, error.to_string())),
        );
        if data.join("history").is_dir() {
            let library = setting.library()?;
            for scope in library.scopes_now() {
                let (files, problems) = library.check_now(&scope)?;
                report.files += files;
                report.problems.extend(problems.into_iter().map(|problem| Problem {
                    file: format!("history/{}", problem.file),
                    ..problem
                }));
            }
        }
        let code = u8::from(!report.problems.is_empty());
        if self.json {
            say_json(&report)?;
            return Ok(code);
        }
        for problem in &report.problems {
            say(&safe(&problem.to_string()))?;
        }
        say(&match report.problems.len() {
            0 if report.files == 1 => "1 file is well.".to_owned(),
            0 => format!("{} files are well.", report.files),
            bad => format!("{bad} of {} files cannot be used as they are.", report.files),
        })?;
        Ok(code)
    }
}
