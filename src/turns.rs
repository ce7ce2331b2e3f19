//! Places for work that a machine can do only so much of at once. What a person asked for just now goes
//! before what runs in the background, and of people who ask for much each one comes in turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore, watch};

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// A person, in front of the page.
    Asked,
    /// Nobody in particular: an item of the queue.
    Background,
}

/// The places.
#[derive(Debug)]
pub struct Turns {
    places: Arc<Semaphore>,
    /// The line of each who asked: only its first stands in the line for places, so that twenty of one
    /// are not twenty before another's first.
    lines: Mutex<HashMap<String, Weak<AsyncMutex<()>>>>,
    asked_waiting: watch::Sender<usize>,
}

/// A place; it is given back when this is dropped.
#[derive(Debug)]
pub struct Turn {
    _place: OwnedSemaphorePermit,
}

impl Turns {
    /// So many places.
    pub fn new(places: usize) -> Turns {
        Turns {
            places: Arc::new(Semaphore::new(places)),
            lines: Mutex::default(),
            asked_waiting: watch::Sender::new(0),
        }
    }

    /// Waits for a place for somebody.
    pub async fn take(&self, urgency: Urgency, whose: &str) -> Turn {
        match urgency {
            Urgency::Asked => {
                let _waiting = Waiting::new(&self.asked_waiting);
                let line = self.line_of(whose);
                let _first = line.lock().await;
                Turn { _place: self.place().await }
            }
            Urgency::Background => {
                let mut asked = self.asked_waiting.subscribe();
                loop {
                    // The sender lives as long as we do, so this only ends with nobody waiting.
                    if asked.wait_for(|count| *count == 0).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                    let place = self.place().await;
                    if *self.asked_waiting.borrow() == 0 {
                        return Turn { _place: place };
                    }
                }
            }
        }
    }

    fn line_of(&self, whose: &str) -> Arc<AsyncMutex<()>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_, line| line.strong_count() > 0);
        if let Some(line) = lines.get(whose).and_then(Weak::upgrade) {
            return line;
        }
        let line = Arc::default();
        lines.insert(whose.to_owned(), Arc::downgrade(&line));
        line
    }

    async fn place(&self) -> OwnedSemaphorePermit {
        match self.places.clone().acquire_owned().await {
            Ok(place) => place,
            Err(_) => unreachable!("the places are never closed"),
        }
    }
}

/// Counts one who waits, also when they go away in the middle.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl Waiting<'_> {
    fn new(count: &watch::Sender<usize>) -> Waiting<'_> {
        count.send_modify(|count| *count += 1);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn what_was_asked_for_goes_before_what_waited_longer() {
        let turns = Turns::new(1);
        let held = turns.take(Urgency::Asked, "ann").await;
        let mut background = Box::pin(turns.take(Urgency::Background, "ann"));
        assert!(background.as_mut().now_or_never().is_none());
        let mut asked = Box::pin(turns.take(Urgency::Asked, "ann"));
        assert!(asked.as_mut().now_or_never().is_none());
        drop(held);
        assert!(background.as_mut().now_or_never().is_none(), "it lets the other go first");
        let turn = asked.await;
        assert!(background.as_mut().now_or_never().is_none());
        drop(turn);
        background.await;
    }

    #[tokio::test]
    async fn one_who_asks_for_much_lets_others_in_between() {
        let turns = Turns::new(1);
        let held = turns.take(Urgency::Asked, "ann").await;
        let mut anns: Vec<_> =
            (0..3).map(|_| Box::pin(turns.take(Urgency::Asked, "ann"))).collect();
        for ann in &mut anns {
            assert!(ann.as_mut().now_or_never().is_none());
        }
        let mut ben = Box::pin(turns.take(Urgency::Asked, "ben"));
        assert!(ben.as_mut().now_or_never().is_none());
        drop(held);
        drop(anns.remove(0).await);
        let turn = ben.await;
        assert!(anns[0].as_mut().now_or_never().is_none(), "her next one stands behind his");
        drop(turn);
        drop(anns.remove(0).await);
        anns.remove(0).await;
    }

    #[tokio::test]
    async fn who_goes_away_while_waiting_holds_nobody_up() {
        let turns = Turns::new(1);
        let held = turns.take(Urgency::Background, "ann").await;
        let mut asked = Box::pin(turns.take(Urgency::Asked, "ann"));
        assert!(asked.as_mut().now_or_never().is_none());
        drop(asked);
        drop(held);
        assert!(turns.take(Urgency::Background, "ann").now_or_never().is_some());
    }
}
