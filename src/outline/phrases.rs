//! Turns of phrase of a language, kept so that looking for hundreds of them in every sentence stays
//! cheap.
//!
//! Texts are given as [`words::head`](super::words::head) makes them: folded words with single
//! blanks.

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

/// A phrase and how many words it has.
struct Phrase {
    text: &'static str,
    words: usize,
}

/// Phrases by their first byte: of the dozens in a list few begin like a text, and to compare those
/// takes less time than to hash its first word.
pub(super) struct Phrases(Vec<Vec<Phrase>>);

impl Phrases {
    /// Phrases that a list separates by `|`.
    fn new(list: &'static str) -> Self {
        let mut by_first: Vec<Vec<Phrase>> = Vec::new();
        by_first.resize_with(usize::from(u8::MAX) + 1, Vec::new);
        for text in list.split('|').map(str::trim).filter(|phrase| !phrase.is_empty()) {
            let words = text.split(' ').count();
            by_first[usize::from(text.as_bytes()[0])].push(Phrase { text, words });
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
        let Some(first) = text.as_bytes().first() else {
            return false;
        };
        self.0[usize::from(*first)].iter().any(|phrase| {
            phrase.words >= words_min
                && text
                    .strip_prefix(phrase.text)
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
