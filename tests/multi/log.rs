//! What the daemons of this process log, kept for tests that look into it.

use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};

static KEPT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Kept;

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        KEPT.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Keeps from now on what is logged, of ours everything.
pub fn keep() {
    static BEGUN: OnceLock<()> = OnceLock::new();
    BEGUN.get_or_init(|| {
        tracing_subscriber::fmt()
            .with_env_filter("info,recap=trace,recap_multi=trace,recap_mode=trace")
            .with_ansi(false)
            .with_writer(|| Kept)
            .init();
    });
}

/// What was logged so far.
pub fn so_far() -> String {
    String::from_utf8_lossy(&KEPT.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}
