//! A job's place among those that run, given up while it waits for the recogniser: listening takes
//! hours, and captions behind it take seconds.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::turns::{Turn, Turns, Urgency};

/// The places of one job.
pub struct Places {
    running: Arc<Turns>,
    listening: Arc<Turns>,
    urgency: Urgency,
    whose: String,
    held: Mutex<Option<Turn>>,
}

impl Places {
    /// Waits for a place among those that run.
    pub async fn take(
        running: Arc<Turns>,
        listening: Arc<Turns>,
        urgency: Urgency,
        whose: &str,
    ) -> Places {
        let held = Mutex::new(Some(running.take(urgency, whose).await));
        Places { running, listening, urgency, whose: whose.to_owned(), held }
    }

    /// Places for a run that has the machine to itself.
    pub async fn alone() -> Places {
        let one = || Arc::new(Turns::new(1));
        Places::take(one(), one(), Urgency::Asked, "").await
    }

    /// Gives up the place among those that run, and waits for one to listen.
    pub(super) async fn listen(&self) -> Turn {
        self.held.lock().await.take();
        self.listening.take(self.urgency, &self.whose).await
    }

    /// Waits for a place among those that run again.
    pub(super) async fn go_on(&self) {
        let place = self.running.take(self.urgency, &self.whose).await;
        *self.held.lock().await = Some(place);
    }
}
