//! Episodes that a person refused: they are not offered again.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::episode::EpisodeId;

/// `skip-list.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SkipList {
    /// 1.
    #[serde(default = "one")]
    pub format: u32,
    /// Oldest first.
    #[serde(default)]
    pub episodes: Vec<Skipped>,
}

fn one() -> u32 {
    1
}

impl Default for SkipList {
    fn default() -> SkipList {
        SkipList { format: 1, episodes: Vec::new() }
    }
}

/// One refused episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// Which.
    pub episode_id: EpisodeId,
    /// For the person who reads the file.
    #[serde(default)]
    pub title: String,
    /// When.
    pub skipped_at: DateTime<Utc>,
    /// Why: `deleted`, `skipped`.
    #[serde(default)]
    pub reason: String,
}

impl SkipList {
    /// Whether an episode is on the list.
    pub fn holds(&self, id: &EpisodeId) -> bool {
        self.episodes.iter().any(|skipped| skipped.episode_id == *id)
    }

    /// Adds an episode; one that is there stays as it was noted first.
    pub fn add(&mut self, id: &EpisodeId, title: &str, reason: &str, now: DateTime<Utc>) {
        if !self.holds(id) {
            self.episodes.push(Skipped {
                episode_id: id.clone(),
                title: title.to_owned(),
                skipped_at: now,
                reason: reason.to_owned(),
            });
        }
    }

    /// Takes an episode off; whether it was there.
    pub fn remove(&mut self, id: &EpisodeId) -> bool {
        let before = self.episodes.len();
        self.episodes.retain(|skipped| skipped.episode_id != *id);
        self.episodes.len() < before
    }
}
