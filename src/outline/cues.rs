//! What each fact of a joint is worth: how likely a section begins there.
//!
//! A logistic regression. Its numbers (`table`) are made by a program beside the tests, never by
//! hand; what the facts are stands in `joints`, what is done with the odds in `segment`.

mod table;

use super::joints::{FACTS, Joint};

/// The weights of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cues {
    /// Log-odds of a section at a joint of which nothing is seen.
    pub base: f32,
    /// What a unit of each fact adds, in the order of [`FACTS`].
    pub facts: [f32; FACTS.len()],
}

impl Cues {
    /// The weights that ship.
    pub const DEFAULT: Self = table::CUES;

    /// The log-odds that a section begins at a joint.
    pub fn log_odds(&self, joint: &Joint) -> f32 {
        let worth = joint.facts.iter().zip(&self.facts).map(|(fact, weight)| fact * weight);
        self.base + worth.sum::<f32>()
    }
}
