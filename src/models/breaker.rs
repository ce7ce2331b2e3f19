//! A server that fails again and again is left alone for a while: five failures in a row close the way
//! for a minute, then one call tries whether it is well again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row: one call alone makes at most three.
const FAILURES_MAX: u32 = 5;
/// How long it is left alone: a restart of a server takes about that.
const REST: Duration = Duration::from_secs(60);

/// Stands before one server, for all calls to it.
#[derive(Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    closed_until: Option<Instant>,
    /// Somebody is trying whether it is well again.
    is_tried: bool,
}

/// Leave to make one try.
pub(super) struct Leave<'a> {
    breaker: &'a Breaker,
    is_trial: bool,
}

impl Breaker {
    /// Asks for leave.
    ///
    /// # Errors
    /// The time that is left until it is tried again.
    pub(super) fn enter(&self) -> Result<Leave<'_>, Duration> {
        let mut state = self.lock();
        let Some(until) = state.closed_until else {
            return Ok(Leave { breaker: self, is_trial: false });
        };
        let left = until.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            return Err(left);
        }
        if state.is_tried {
            return Err(Duration::from_secs(1));
        }
        state.is_tried = true;
        Ok(Leave { breaker: self, is_trial: true })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leave<'_> {
    /// The server answered, whatever it was.
    pub(super) fn answered(self) {
        *self.breaker.lock() = State::default();
    }

    /// The server failed.
    pub(super) fn failed(self) {
        let mut state = self.breaker.lock();
        state.failures = state.failures.saturating_add(1);
        if self.is_trial || state.failures >= FAILURES_MAX {
            state.closed_until = Some(Instant::now() + REST);
        }
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        // A trial that was given up has told nothing: the next one may try.
        if self.is_trial {
            self.breaker.lock().is_tried = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn five_failures_close_the_way_for_a_minute_and_one_trial_opens_it() {
        let breaker = Breaker::default();
        for _ in 0..4 {
            breaker.enter().ok().unwrap().failed();
        }
        breaker.enter().ok().unwrap().answered();
        for _ in 0..5 {
            breaker.enter().ok().unwrap().failed();
        }
        assert_eq!(breaker.enter().err(), Some(REST));
        tokio::time::advance(REST - Duration::from_millis(1)).await;
        assert!(breaker.enter().is_err());
        tokio::time::advance(Duration::from_millis(1)).await;
        let trial = breaker.enter().ok().unwrap();
        assert!(breaker.enter().is_err(), "one tries, the others wait");
        drop(trial);
        breaker.enter().ok().unwrap().failed();
        assert_eq!(breaker.enter().err(), Some(REST), "a failed trial closes it at once");
        tokio::time::advance(REST).await;
        breaker.enter().ok().unwrap().answered();
        for _ in 0..4 {
            breaker.enter().ok().unwrap().failed();
        }
        assert!(breaker.enter().is_ok());
    }
}
