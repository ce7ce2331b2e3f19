//! Which recaps hold a word: an inverted index with packed lists. Own code, since a search engine
//! would bring a second truth on disk beside the files (CRATES.md).

use std::collections::HashMap;

use unicode_segmentation::UnicodeSegmentation;

use crate::domain::recap::RecapId;
use crate::history::Stamp;

/// Shortest word that also stands for those that begin with it, in letters.
const PREFIX_LETTERS_MIN: usize = 3;

/// Longest word that is kept, in bytes.
const WORD_BYTES_MAX: usize = 64;

/// Share of forgotten documents at which the index is built anew.
const WASTE_MAX: f64 = 0.5;

/// How much a place says about a recap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    Said = 1,
    Point = 2,
    Topic = 4,
    Title = 8,
}

/// Hands every word of a text on, in lower case.
pub(super) fn each_word(text: &str, mut take: impl FnMut(&str)) {
    let mut lower = String::new();
    each_place(text, |_, word| {
        lower.clear();
        if word.is_ascii() {
            lower.push_str(word);
            lower.make_ascii_lowercase();
        } else {
            lower.extend(word.chars().flat_map(char::to_lowercase));
        }
        take(&lower);
    });
}

/// Hands every word of a text on as it is, with where it begins.
///
/// Unicode's rule (UAX 29). Most text is ASCII, for which the rule is short and this is many times
/// faster: letters and digits, with `'` or `.` between letters and `.` or `,` between digits.
fn each_place(text: &str, mut take: impl FnMut(usize, &str)) {
    if !text.is_ascii() {
        for (at, word) in
            text.unicode_word_indices().filter(|(_, word)| word.len() <= WORD_BYTES_MAX)
        {
            take(at, word);
        }
        return;
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !is_of_word(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && (is_of_word(bytes[at]) || joins(bytes, at)) {
            at += 1;
        }
        if at - start <= WORD_BYTES_MAX {
            take(start, &text[start..at]);
        }
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether the mark at `at` holds the word before and the word after it together.
fn joins(bytes: &[u8], at: usize) -> bool {
    let (Some(before), Some(after)) = (at.checked_sub(1).map(|at| bytes[at]), bytes.get(at + 1))
    else {
        return false;
    };
    match bytes[at] {
        b'\'' => before.is_ascii_alphabetic() && after.is_ascii_alphabetic(),
        b'.' => {
            before.is_ascii_alphabetic() && after.is_ascii_alphabetic()
                || before.is_ascii_digit() && after.is_ascii_digit()
        }
        b',' => before.is_ascii_digit() && after.is_ascii_digit(),
        _ => false,
    }
}

/// The words of a text, in lower case.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    each_word(text, |word| found.push(word.to_owned()));
    found
}

/// Whether a searched word stands for one that was found.
pub(super) fn stands_for(wanted: &str, found: &str) -> bool {
    found == wanted || (found.starts_with(wanted) && wanted.chars().count() >= PREFIX_LETTERS_MIN)
}

/// Where the first of the words stands in a text, in bytes.
pub(super) fn first_match(text: &str, wanted: &[String]) -> Option<usize> {
    let mut first = None;
    each_place(text, |at, word| {
        if first.is_none() {
            let word = word.to_lowercase();
            if wanted.iter().any(|one| stands_for(one, &word)) {
                first = Some(at);
            }
        }
    });
    first
}

/// The index of one scope.
#[derive(Default)]
pub(super) struct Index {
    words: HashMap<Box<str>, Postings>,
    documents: Vec<Option<RecapId>>,
    by_recap: HashMap<RecapId, (u32, Stamp)>,
}

/// Documents that hold a word: differences as variable-length numbers, each followed by a weight.
#[derive(Default)]
struct Postings {
    bytes: Vec<u8>,
    last: u32,
}

impl Postings {
    fn push(&mut self, document: u32, weight: Weight) {
        let mut difference = document - self.last;
        self.last = document;
        while difference >= 0x80 {
            self.bytes.push(difference as u8 | 0x80);
            difference >>= 7;
        }
        self.bytes.push(difference as u8);
        self.bytes.push(weight as u8);
    }

    fn iter(&self) -> impl Iterator<Item = (u32, u8)> + '_ {
        let mut bytes = self.bytes.iter();
        let mut document = 0;
        std::iter::from_fn(move || {
            let (mut difference, mut shift) = (0u32, 0);
            loop {
                let byte = *bytes.next()?;
                difference |= u32::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            document += difference;
            Some((document, *bytes.next()?))
        })
    }
}

/// The words of one recap while it is read.
#[derive(Default)]
pub(super) struct Draft(HashMap<Box<str>, Weight>);

impl Draft {
    pub(super) fn text(&mut self, text: &str, weight: Weight) {
        each_word(text, |word| match self.0.get_mut(word) {
            Some(best) => *best = (*best).max(weight),
            None => {
                self.0.insert(word.into(), weight);
            }
        });
    }
}

impl Index {
    pub(super) fn holds(&self, recap: &RecapId) -> bool {
        self.by_recap.contains_key(recap)
    }

    /// Forgets what `keep` does not want.
    pub(super) fn retain(&mut self, keep: impl Fn(&RecapId, &Stamp) -> bool) {
        let documents = &mut self.documents;
        self.by_recap.retain(|recap, (number, stamp)| {
            let stays = keep(recap, stamp);
            if !stays {
                documents[*number as usize] = None;
            }
            stays
        });
        let waste = 1.0 - self.by_recap.len() as f64 / self.documents.len().max(1) as f64;
        if self.documents.len() > 64 && waste > WASTE_MAX {
            *self = Index::default();
        }
    }

    pub(super) fn finish(&mut self, draft: Draft, recap: &RecapId, stamp: Stamp) {
        let Ok(number) = u32::try_from(self.documents.len()) else { return };
        self.documents.push(Some(recap.clone()));
        self.by_recap.insert(recap.clone(), (number, stamp));
        for (word, weight) in draft.0 {
            self.words.entry(word).or_default().push(number, weight);
        }
    }

    /// The recaps that hold every word, best first: rare words and telling places count more.
    pub(super) fn find(&self, wanted: &[String]) -> Vec<RecapId> {
        let mut scores: Option<HashMap<u32, f64>> = None;
        for word in wanted {
            let mut best: HashMap<u32, u8> = HashMap::new();
            let mut take = |postings: &Postings| {
                for (document, weight) in postings.iter() {
                    if self.documents[document as usize].is_some() {
                        let known = best.entry(document).or_insert(weight);
                        *known = (*known).max(weight);
                    }
                }
            };
            if word.chars().count() < PREFIX_LETTERS_MIN {
                self.words.get(word.as_str()).into_iter().for_each(&mut take);
            } else {
                self.words
                    .iter()
                    .filter(|(key, _)| key.starts_with(word))
                    .for_each(|(_, p)| take(p));
            }
            let rarity = (1.0 + self.by_recap.len() as f64 / best.len().max(1) as f64).ln();
            let own =
                best.into_iter().map(|(document, weight)| (document, f64::from(weight) * rarity));
            scores = Some(match scores {
                None => own.collect(),
                Some(before) => own
                    .filter_map(|(document, score)| {
                        Some((document, score + before.get(&document)?))
                    })
                    .collect(),
            });
        }
        let mut ranked: Vec<(f64, &RecapId)> = scores
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(document, score)| {
                Some((score, self.documents[document as usize].as_ref()?))
            })
            .collect();
        // Equal ones: the newest day first, which the id begins with.
        ranked.sort_by(|(a, left), (b, right)| b.total_cmp(a).then(right.cmp(left)));
        ranked.into_iter().map(|(_, recap)| recap.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_unicode_s_rule_also_where_the_short_way_is_taken() {
        for text in [
            "Don't wait 18 hours, or 4.5 (about 1,000 km): it's e.g. U.S.-made_up x.y 3. 'quoted' a,b 5,6 7.a b.8 __ -",
            "",
            ".",
            "'",
            "a.",
            ".a",
            "1,",
            "ends with '",
            "a''b",
            "a..b",
        ] {
            let by_rule: Vec<String> = text.unicode_words().map(str::to_lowercase).collect();
            let ours: Vec<String> =
                words(text).into_iter().filter(|word| word.bytes().any(|b| b != b'_')).collect();
            assert_eq!(ours, by_rule, "{text}");
        }
        assert_eq!(words("ÄRGER über 我们 x"), ["ärger", "über", "我", "们", "x"]);
        assert_eq!(words(&"x".repeat(65)), Vec::<String>::new());
    }

    #[test]
    fn packed_lists_come_out_as_they_went_in() {
        let mut postings = Postings::default();
        let want = [(0, 1), (1, 8), (127, 2), (128, 4), (300, 1), (70_000, 1), (u32::MAX, 1)];
        let weight = |w| {
            [Weight::Said, Weight::Point, Weight::Topic, Weight::Title]
                .into_iter()
                .find(|x| *x as u8 == w)
        };
        for (document, w) in want {
            postings.push(document, weight(w).unwrap());
        }
        assert_eq!(postings.iter().collect::<Vec<_>>(), want);
    }
}
