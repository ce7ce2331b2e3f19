//! `recap transcribe-worker`: the process that hears, started by the daemon and by commands. Not for people.

use std::path::PathBuf;

use crate::models::weights;

use super::{Failure, Setting};

/// By how much it is nicer than what started it: speech has time.
const NICENESS: i32 = 10;

#[derive(clap::Args)]
pub(super) struct TranscribeWorker {
    /// The file of weights
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// Threads that it works with
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

impl TranscribeWorker {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let Some(work) = setting.worker else {
            return Err(Failure::input(
                "This Recap was built without the recogniser. Build it with: cargo build --release --features whisper",
            ));
        };
        // Where the system refuses, it works all the same.
        let _ = rustix::process::nice(NICENESS);
        end_with_parent();
        weights::inspect(&self.weights).map_err(|error| Failure::input(error.to_string()))?;
        let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
        work(&self.weights, self.threads.max(1), &mut input, &mut output).map_err(Failure::here)?;
        Ok(0)
    }
}

/// A daemon that is killed in the middle of a piece leaves nobody who would kill its child.
fn end_with_parent() {
    #[cfg(target_os = "linux")]
    {
        // The pipe that closes ends it anyhow, though only after the piece.
        let _ =
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    }
}
