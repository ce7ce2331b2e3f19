//! `recap migrate`: documents of an earlier system in today's form.

use crate::history::migrate::Migrated;

use super::{Failure, Setting, safe, say, say_json, small_runtime};

#[derive(clap::Args)]
pub(super) struct Migrate {
    /// Say what would be done, and do nothing
    #[arg(long, required_unless_present = "apply", conflicts_with = "apply")]
    dry_run: bool,
    /// Do it; copies of the old files go to before-migrate/ in the data folder
    #[arg(long)]
    apply: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Migrate {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let library = setting.library()?;
        let runtime = small_runtime()?;
        let copies = setting.data()?.join("before-migrate");
        let mut done: Vec<Migrated> = Vec::new();
        if self.apply {
            let adopted = runtime.block_on(library.adopt_root())?;
            for name in adopted.moved {
                say(&safe(&format!("history/{name} is history/owner/{name} now.")))?;
            }
            for sentence in adopted.kept {
                say(&safe(&sentence))?;
            }
        }
        for scope in library.scopes_now() {
            let into = self.apply.then_some(copies.as_path());
            done.extend(runtime.block_on(library.migrate(&scope, into))?);
        }
        if self.json {
            say_json(&done)?;
            return Ok(0);
        }
        if done.is_empty() {
            say("Every document is in today's form.")?;
        }
        let mut code = 0;
        for one in &done {
            let is_unreadable = self.apply && !one.converted;
            code = code.max(u8::from(is_unreadable));
            let what = match (one.converted, self.apply) {
                (true, _) => "is in today's form now",
                (false, true) => "stays as it is",
                (false, false) => "is in an earlier form",
            };
            say(&safe(&format!("history/{} {what}.", one.file)))?;
            for sentence in &one.left {
                say(&safe(&format!("  {sentence}")))?;
            }
        }
        if self.apply && done.iter().any(|one| one.converted) {
            say(&safe(&format!("The old files are kept in {}.", copies.display())))?;
        }
        Ok(code)
    }
}
