//! The daemon's own notes of a scope's subscriptions: what of each feed was taken in, where it moved,
//! why it is not checked. Written only where something changed, so that the person's own file and
//! this one rest when nothing happens.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::subscription::SubscriptionId;

/// `feed-state.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FeedState {
    /// 1.
    #[serde(default = "one")]
    pub format: u32,
    /// One a subscription.
    #[serde(default)]
    pub feeds: Vec<FeedNote>,
}

fn one() -> u32 {
    1
}

impl Default for FeedState {
    fn default() -> FeedState {
        FeedState { format: 1, feeds: Vec::new() }
    }
}

/// What is noted of one subscription's feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FeedNote {
    /// The subscription.
    pub id: SubscriptionId,
    /// What the person followed when this was noted; another link makes a new note.
    pub url: String,
    /// The key of the show, kept wherever its feed moves: its own guid, else the first link.
    #[serde(default)]
    pub show_key: Option<String>,
    /// Where the feed has moved for good, in order; the last one is asked.
    #[serde(default)]
    pub moved_to: Vec<Url>,
    /// The hash of what was last taken in.
    #[serde(default)]
    pub consumed: Option<String>,
    /// When something was first taken in.
    #[serde(default)]
    pub first_checked_at: Option<DateTime<Utc>>,
    /// Why the feed is not asked any more, where it is not.
    #[serde(default)]
    pub stopped: Option<Notice>,
}

/// A sentence with its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema)]
pub struct Notice {
    /// When it was noticed.
    pub at: DateTime<Utc>,
    /// For a person.
    pub message: String,
}

/// Moves of one feed that are followed: a real one moves once in years, and a pair that points at
/// each other must end.
pub const MOVES_MAX: usize = 10;

impl FeedNote {
    /// A note of a subscription that was never checked.
    pub fn new(id: SubscriptionId, url: &str) -> FeedNote {
        FeedNote {
            id,
            url: url.to_owned(),
            show_key: None,
            moved_to: Vec::new(),
            consumed: None,
            first_checked_at: None,
            stopped: None,
        }
    }

    /// Notes that the feed has moved from `from` to `to`; whether that is followed. A place where it
    /// was before is not gone back to.
    pub fn move_to(&mut self, from: &Url, to: &Url) -> bool {
        if from == to || self.moved_to.contains(to) || self.moved_to.len() >= MOVES_MAX {
            return false;
        }
        self.moved_to.push(to.clone());
        true
    }
}

impl FeedState {
    /// The note of a subscription, if it is about the link that is followed now.
    pub fn find(&self, id: &SubscriptionId, url: &str) -> Option<&FeedNote> {
        self.feeds.iter().find(|note| note.id == *id && note.url == url)
    }

    /// The note of a subscription; made, or made new where the person now follows another link.
    pub fn note_mut(&mut self, id: &SubscriptionId, url: &str) -> &mut FeedNote {
        let at = match self.feeds.iter().position(|note| note.id == *id) {
            Some(at) => {
                if self.feeds[at].url != url {
                    self.feeds[at] = FeedNote::new(id.clone(), url);
                }
                at
            }
            None => {
                self.feeds.push(FeedNote::new(id.clone(), url));
                self.feeds.len() - 1
            }
        };
        &mut self.feeds[at]
    }

    /// Forgets the notes of subscriptions that are not there any more.
    pub fn keep_only(&mut self, is_there: impl Fn(&SubscriptionId) -> bool) {
        self.feeds.retain(|note| is_there(&note.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_note_is_about_the_link_that_is_followed_now() {
        let id: SubscriptionId = "a".parse().unwrap();
        let mut state = FeedState::default();
        state.note_mut(&id, "one").consumed = Some("x".to_owned());
        assert!(state.find(&id, "one").is_some() && state.find(&id, "two").is_none());
        assert_eq!(state.note_mut(&id, "one").consumed.as_deref(), Some("x"));
        assert_eq!(state.note_mut(&id, "two").consumed, None);
        state.keep_only(|_| false);
        assert_eq!(state.feeds, []);
    }

    #[test]
    fn two_feeds_that_point_at_each_other_come_to_rest() {
        let mut note = FeedNote::new("a".parse().unwrap(), "x");
        let (a, b) = (url("https://a.example/"), url("https://b.example/"));
        assert!(note.move_to(&a, &b) && note.move_to(&b, &a));
        assert!(!note.move_to(&a, &b) && !note.move_to(&b, &b));
        for n in 0..20 {
            note.move_to(&a, &url(&format!("https://{n}.example/")));
        }
        assert_eq!(note.moved_to.len(), MOVES_MAX);
    }
}
