//! What happens in a scope, told to whoever has a page of it open. Bounded: a listener that is too
//! slow is told to look at everything again, and nobody waits for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use recap_mode::Scope;
use serde_json::Value;
use tokio::sync::broadcast;

/// Events that a listener may be behind.
const KEPT: usize = 256;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// `recap_saved`, `recap_changed`, `recap_deleted`, `library_changed`, `job_changed`,
    /// `file_problem`, `file_mended`, `config_problem`, `config_changed`.
    pub name: String,
    /// What it is about.
    pub data: Value,
}

/// Passes events on, scope by scope.
#[derive(Default)]
pub struct EventHub {
    scopes: Mutex<HashMap<Scope, broadcast::Sender<Event>>>,
}

impl EventHub {
    /// Tells the scope's listeners; without any, it is forgotten.
    pub fn publish(&self, scope: &Scope, name: &str, data: Value) {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = scopes.get(scope)
            && sender.send(Event { name: name.to_owned(), data }).is_err()
        {
            scopes.remove(scope);
        }
    }

    /// Listens to a scope from now on.
    pub fn subscribe(&self, scope: &Scope) -> broadcast::Receiver<Event> {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        scopes.entry(scope.clone()).or_insert_with(|| broadcast::Sender::new(KEPT)).subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::broadcast::error::TryRecvError;

    #[test]
    fn a_scope_hears_its_own_events_alone() {
        let hub = EventHub::default();
        let (a, b) = (Scope::parse("a").unwrap(), Scope::parse("b").unwrap());
        let (mut hears_a, mut hears_b) = (hub.subscribe(&a), hub.subscribe(&b));
        hub.publish(&a, "recap_saved", Value::from(1));
        assert_eq!(hears_a.try_recv().map(|event| event.name), Ok("recap_saved".to_owned()));
        assert_eq!(hears_b.try_recv(), Err(TryRecvError::Empty));
    }

    #[test]
    fn a_slow_listener_is_told_that_it_missed_something() {
        let hub = EventHub::default();
        let scope = Scope::owner();
        let mut slow = hub.subscribe(&scope);
        for n in 0..=KEPT {
            hub.publish(&scope, "x", Value::from(n));
        }
        assert!(matches!(slow.try_recv(), Err(TryRecvError::Lagged(1))));
    }
}
