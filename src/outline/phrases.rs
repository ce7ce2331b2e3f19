//! Turns of phrase of a language, kept so that looking for hundreds of them in every sentence stays
//! cheap.
//!
//! Texts are given as [`words::head`](super::words::head) makes them: folded words with single
//! blanks.

use std::collections::HashMap;

use super::language::Language;

/// The phrase lists of one language; what each is for stands at [`Language`].
pub(super) struct Phrasebook {
    pub openers: Phrases,
    pub closers: Phrases,
    pub announcements: Phrases,
    pub conclusions: Phrases,
    pub housekeeping: Phrases,
}

impl Phrasebook {
    /// Reads the lists of a language.
    pub(super) fn new(language: &Language) -> Self {
        Self {
            openers: Phrases::new(language.openers),
            closers: Phrases::new(language.closers),
            announcements: Phrases::new(language.announcements),
            conclusions: Phrases::new(language.conclusions),
            housekeeping: Phrases::new(language.housekeeping),
        }
    }
}

/// Phrases by their first word.
pub(super) struct Phrases(HashMap<&'static str, Vec<&'static str>>);

impl Phrases {
    /// Phrases that a list separates by `|`.
    fn new(list: &'static str) -> Self {
        let mut by_first: HashMap<&str, Vec<&str>> = HashMap::new();
        for phrase in list.split('|').map(str::trim).filter(|phrase| !phrase.is_empty()) {
            let first = phrase.split(' ').next().unwrap_or(phrase);
            by_first.entry(first).or_default().push(phrase);
        }
        Self(by_first)
    }

    /// Whether a text begins with one of the phrases, as whole words.
    pub(super) fn begins(&self, text: &str) -> bool {
        self.stands_at_head_of(text, 1)
    }

    /// Whether a text holds one of the phrases that have at least `words_min` words, as whole
    /// words.
    pub(super) fn holds(&self, text: &str, words_min: usize) -> bool {
        let mut rest = text;
        while !rest.is_empty() {
            if self.stands_at_head_of(rest, words_min) {
                return true;
            }
            rest = rest.split_once(' ').map_or("", |(_, after)| after);
        }
        false
    }

    fn stands_at_head_of(&self, text: &str, words_min: usize) -> bool {
        let first = text.split(' ').next().unwrap_or_default();
        let Some(phrases) = self.0.get(first) else {
            return false;
        };
        phrases.iter().any(|phrase| {
            phrase.split(' ').count() >= words_min
                && text
                    .strip_prefix(phrase)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_match_whole_words_only() {
        assert!(Phrases::new("last|next").begins("next week we bake "));
        assert!(!Phrases::new("last|next").begins("nextdoor we bake "));
        assert!(!Phrases::new("").begins("we bake "));
        assert!(!Phrases::new("next").begins(""));
        assert!(Phrases::new("the rule is").holds("and so the rule is simple ", 3));
        assert!(!Phrases::new("the rule is").holds("and so the rule is simple ", 4));
        assert!(!Phrases::new("the rule").holds("and so the ruler is simple ", 1));
        assert!(Phrases::new("a|\n b c").holds("so b c", 1));
    }
}
