//! Words of a text: where they stand, how many there are, and the terms that two sentences can have
//! in common.
//!
//! Scripts that write no spaces count two characters as a word and yield pairs of characters as
//! terms.

use std::collections::{HashMap, HashSet};

use rust_stemmers::Stemmer;

use super::language::Language;

/// A number for a stem; equal numbers are equal stems within one [`Vocabulary`].
pub(super) type Term = u32;

/// A word is compared by its first 64 bytes: no real word is longer, a hostile one is cut.
const WORD_BYTES_MAX: usize = 64;

/// Whether a character belongs to a script that puts no spaces between words.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c as u32,
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF // Thai, Lao, Burmese, Khmer
        | 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF // kana, Han
        | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

/// How long a text is in words, as a reader would count them.
pub(super) fn count(text: &str) -> usize {
    let (mut words, mut unspaced, mut inside) = (0, 0_usize, false);
    for c in text.chars() {
        if is_unspaced(c) {
            unspaced += 1;
            inside = false;
        } else if c.is_alphanumeric() {
            words += usize::from(!inside);
            inside = true;
        } else if c.is_whitespace() {
            inside = false;
        }
    }
    words + unspaced.div_ceil(2)
}

/// Calls `each` with every word of a text, in order: letters and digits with the apostrophes, dots
/// and commas
/// that stand within them ("don't", "3.5").
pub(super) fn each_word<'a>(text: &'a str, mut each: impl FnMut(&'a str)) {
    let mut start = None;
    let mut chars = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, c)) = chars.next() {
        if is_unspaced(c) {
            if let Some(from) = start.take() {
                each(&text[from..at]);
            }
            let pair = chars.peek().filter(|next| is_unspaced(next.1));
            let end = pair.map_or(at + c.len_utf8(), |next| next.0 + next.1.len_utf8());
            if pair.is_some() || !is_unspaced(before) {
                each(&text[at..end]);
            }
        } else if c.is_alphanumeric() {
            start = start.or(Some(at));
        } else if let Some(from) = start {
            let next = chars.peek().map_or(' ', |next| next.1);
            let joins = match c {
                '\'' | '’' => next.is_alphabetic(),
                '.' | ',' | ':' => before.is_numeric() && next.is_numeric(),
                _ => false,
            };
            if !joins {
                each(&text[from..at]);
                start = None;
            }
        }
        before = c;
    }
    if let Some(from) = start {
        each(&text[from..]);
    }
}

/// Lower case, with the straight apostrophe.
pub(super) fn fold(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    fold_into(&mut out, word);
    out
}

/// Adds a word in lower case, with the straight apostrophe.
pub(super) fn fold_into(out: &mut String, word: &str) {
    // Nearly all words, and many times as fast.
    if word.is_ascii() {
        let from = out.len();
        out.push_str(word);
        out[from..].make_ascii_lowercase();
        return;
    }
    for c in word.chars() {
        out.extend(if c == '’' { '\'' } else { c }.to_lowercase());
    }
}

/// The first `words` words of a text, folded and joined by single blanks, with a blank at the end.
pub(super) fn head(text: &str, words: usize) -> String {
    joined_head(text.split_whitespace().take(words))
}

/// The same of words without blanks; empty ones are passed over.
pub(super) fn head_of(tokens: &[&str], words: usize) -> String {
    joined_head(tokens.iter().copied().filter(|token| !token.is_empty()).take(words))
}

fn joined_head<'a>(tokens: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::with_capacity(96);
    for token in tokens {
        let core = token.trim_matches(|c: char| !c.is_alphanumeric());
        if !core.is_empty() {
            fold_into(&mut out, core);
            out.push(' ');
        }
    }
    out
}

/// "l'eau", "dell'acqua" without what is elided before the apostrophe.
pub(super) fn without_elision(word: &str) -> &str {
    const ELIDED: [&str; 21] = [
        "l", "d", "j", "n", "s", "c", "m", "t", "qu", "jusqu", "lorsqu", "puisqu", "dell", "all",
        "nell", "sull", "dall", "quell", "un", "bell", "tutt",
    ];
    let rest = word.find(['\'', '’']).and_then(|at| {
        let elided = ELIDED.iter().any(|elided| elided.eq_ignore_ascii_case(&word[..at]));
        elided.then(|| word[at..].trim_start_matches(['\'', '’']))
    });
    rest.unwrap_or(word)
}

/// What a word is to the outliner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// A function word.
    Stop,
    /// A word of talk; counts for cohesion, not for titles.
    Weak,
    /// A word that can name a topic.
    Strong,
}

/// The words met so far, with their terms and weights.
pub(super) struct Vocabulary {
    stemmer: Option<Stemmer>,
    /// Whether articles lose their vowel ("l'eau").
    elides: bool,
    stops: HashSet<&'static str>,
    weak: HashSet<&'static str>,
    words: HashMap<String, (Option<Term>, Weight, bool)>,
    stems: HashMap<String, Term>,
    /// By term: whether one of its forms is a word of talk.
    weak_terms: Vec<bool>,
    folded: String,
}

impl Vocabulary {
    /// An empty vocabulary of one language.
    pub(super) fn new(language: &Language) -> Self {
        Self {
            stemmer: language.stemmer.map(Stemmer::create),
            elides: matches!(language.code, "fr" | "it"),
            stops: language.stops.split_whitespace().collect(),
            weak: language.weak.split_whitespace().collect(),
            words: HashMap::new(),
            stems: HashMap::new(),
            weak_terms: Vec::new(),
            folded: String::new(),
        }
    }

    /// How many terms there are.
    pub(super) fn len(&self) -> usize {
        self.stems.len()
    }

    /// The term of a word (none for a function word or a lone letter) and its weight.
    pub(super) fn look_up(&mut self, word: &str) -> (Option<Term>, Weight) {
        let word = &word[..word.floor_char_boundary(WORD_BYTES_MAX.min(word.len()))];
        self.folded.clear();
        fold_into(&mut self.folded, word);
        let small = word.starts_with(char::is_lowercase);
        if let Some((term, weight, said_small)) = self.words.get_mut(self.folded.as_str()) {
            *said_small |= small;
            return (*term, *weight);
        }
        let folded = self.folded.clone();
        let bare = folded.strip_suffix("'s").unwrap_or(&folded);
        let bare = if self.elides { without_elision(bare) } else { bare };
        let lone = folded.chars().nth(1).is_none() && folded.is_ascii();
        let stop = self.stops.contains(folded.as_str()) || self.stops.contains(bare);
        let found = if stop || lone || bare.is_empty() {
            (None, Weight::Stop)
        } else {
            let stem = match &self.stemmer {
                Some(stemmer) => stemmer.stem(bare).into_owned(),
                None => bare.to_owned(),
            };
            let next = self.stems.len() as Term;
            let term = *self.stems.entry(stem).or_insert(next);
            if term == next {
                self.weak_terms.push(false);
            }
            let weak = self.weak.contains(bare) || bare.chars().all(char::is_numeric);
            self.weak_terms[term as usize] |= weak;
            (Some(term), if weak { Weight::Weak } else { Weight::Strong })
        };
        self.words.insert(folded, (found.0, found.1, small));
        found
    }

    /// Whether the word has been met with a small letter in front, so that its capital at the head
    /// of a sentence is
    /// not its own.
    pub(super) fn is_said_small(&self, word: &str) -> bool {
        self.words.get(fold(word).as_str()).is_some_and(|(_, _, said_small)| *said_small)
    }

    /// Whether a term is a word of talk rather than of a topic.
    pub(super) fn is_weak(&self, term: Term) -> bool {
        self.weak_terms.get(term as usize).copied().unwrap_or(false)
    }

    /// The terms of a text in order, function words left out.
    pub(super) fn terms(&mut self, text: &str) -> Vec<Term> {
        let mut out = Vec::new();
        each_word(text, |word| out.extend(self.look_up(word).0));
        out
    }
}

/// The share of the smaller set of terms that is in the other. Long lists are compared by their
/// first 64.
pub(super) fn overlap(a: &[Term], b: &[Term]) -> f32 {
    let (a, b) = (&a[..a.len().min(64)], &b[..b.len().min(64)]);
    let least = a.len().min(b.len());
    if least == 0 {
        return 0.0;
    }
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    few.iter().filter(|term| many.contains(term)).count() as f32 / least as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::language;

    fn words(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        each_word(text, |word| out.push(word));
        out
    }

    #[test]
    fn words_keep_what_stands_within_them() {
        assert_eq!(
            words("It don't cost 3.5, or 1,200."),
            ["It", "don't", "cost", "3.5", "or", "1,200"]
        );
        assert_eq!(words("re-use the 'pan'"), ["re", "use", "the", "pan"]);
        assert_eq!(words(""), Vec::<&str>::new());
        assert_eq!(words("\0…—"), Vec::<&str>::new());
    }

    #[test]
    fn scripts_without_spaces_yield_pairs() {
        assert_eq!(words("古い窯"), ["古い", "い窯"]);
        assert_eq!(words("窯 oven"), ["窯", "oven"]);
        assert_eq!(count("古い窯です"), 3);
        assert_eq!(count("two words, 古い"), 3);
    }

    #[test]
    fn forms_of_a_word_are_one_term_and_function_words_none() {
        let transcript = crate::domain::transcript::Transcript::default();
        let mut vocabulary = Vocabulary::new(&language::of(&transcript, Some("en")));
        let terms = vocabulary.terms("The ovens and the oven, baking to bake it.");
        assert_eq!(terms.len(), 4);
        assert_eq!(terms[0], terms[1]);
        assert_eq!(terms[2], terms[3]);
        assert_eq!(vocabulary.look_up("really").1, Weight::Weak);
        assert_eq!(vocabulary.look_up("The"), (None, Weight::Stop));
    }

    #[test]
    fn overlap_is_the_share_of_the_smaller() {
        assert_eq!(overlap(&[1, 2], &[2, 3, 4]), 0.5);
        assert_eq!(overlap(&[], &[2]), 0.0);
    }

    #[test]
    fn what_is_elided_belongs_to_no_word() {
        let transcript = crate::domain::transcript::Transcript::default();
        let mut french = Vocabulary::new(&language::of(&transcript, Some("fr")));
        assert_eq!(french.look_up("l'eau"), french.look_up("eau"));
        assert_eq!(french.look_up("qu'il"), (None, Weight::Stop));
        assert_eq!(without_elision("dell’acqua"), "acqua");
        assert_eq!(without_elision("acqua"), "acqua");
        assert_eq!(without_elision("aujourd'hui"), "aujourd'hui");
    }

    #[test]
    fn a_word_without_end_is_cut() {
        let transcript = crate::domain::transcript::Transcript::default();
        let mut vocabulary = Vocabulary::new(&language::of(&transcript, Some("en")));
        assert_eq!(vocabulary.terms(&"é".repeat(1_000_000)).len(), 1);
    }
}
