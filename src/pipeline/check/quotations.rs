//! Quotations of a point that were not said so: the same words in the same order, but for
//! hesitations
//! and what says nothing. A word that says something and was not said makes it no quotation.

use std::collections::HashSet;

use strsim::osa_distance;

use super::numbers::{Number, read};
use super::words::{SmallWords, Tongue, Word, words};

/// Words of a quotation that are compared, and quotations of a point: what is longer is no
/// quotation,
/// and a hostile text must not cost the product of two lengths.
const WORDS_MAX: usize = 60;
const QUOTATIONS_MAX: usize = 10;

/// With one of them a quotation may begin.
pub(super) const MARKS: [char; 8] = ['"', '“', '„', '«', '»', '「', '『', '‘'];

/// Cost of a function word that differs.
const SMALL: u32 = 1;
/// Cost of a word that was said and is left out of the quotation.
const LEFT_OUT: u32 = 2;
/// Cost of what no quotation may do.
const FORBIDDEN: u32 = 1_000;

/// Words to compare: numbers as values, hesitations left out.
pub(super) struct Sequence(Vec<Token>);

struct Token {
    text: String,
    is_small: bool,
}

impl Sequence {
    pub(super) fn of(words: &[Word<'_>], tongues: &[Tongue], small: &SmallWords) -> Sequence {
        let numbers: Vec<Number> = read(words, tongues);
        let mut tokens: Vec<Token> = Vec::new();
        let mut numbers = numbers.into_iter().peekable();
        let mut at = 0;
        while at < words.len() {
            if let Some(number) = numbers.next_if(|number| number.first == at) {
                at = number.last + 1;
                // One is an article in most languages.
                let is_small = number.value() == 1.0;
                tokens.push(Token { text: format!("#{}", number.value()), is_small });
                continue;
            }
            let word = &words[at].folded;
            at += 1;
            if !Tongue::is_filler(word) {
                tokens.push(Token { text: word.clone(), is_small: small.has(word) });
            }
        }
        Sequence(tokens)
    }

    /// Whether these words stand in others, in this order.
    fn is_in(&self, said: &Sequence) -> bool {
        let quoted = &self.0[..self.0.len().min(WORDS_MAX)];
        if quoted.is_empty() {
            return true;
        }
        // One small word in three may differ, or one word in six be left out.
        let bound = u32::try_from(quoted.len() / 3).unwrap_or(u32::MAX);
        // Cost of having the first words of the quotation end at the word of the transcript looked
        // at.
        let mut costs: Vec<u32> = Vec::with_capacity(quoted.len() + 1);
        costs.push(0);
        // Its first word is one that was said: what denies the rest often stands right behind that.
        costs.push(FORBIDDEN);
        for token in &quoted[1..] {
            costs.push(costs[costs.len() - 1] + added(token));
        }
        let mut before: Option<&Token> = None;
        for token in &said.0 {
            // A quotation may begin anywhere.
            let mut diagonal = costs[0];
            for (at, want) in quoted.iter().enumerate() {
                let differs = match differs(want, token) {
                    0 => 0,
                    _ if at == 0 => FORBIDDEN,
                    cost => cost,
                };
                let same = diagonal + differs;
                let skipped = if at + 1 == quoted.len() {
                    u32::MAX
                } else {
                    costs[at + 1].saturating_add(left_out(token, before))
                };
                let extra = costs[at] + if at == 0 { FORBIDDEN } else { added(want) };
                diagonal = costs[at + 1];
                // The end of the quotation keeps the best that was found.
                let kept = if at + 1 == quoted.len() { diagonal } else { u32::MAX };
                costs[at + 1] = same.min(skipped).min(extra).min(kept);
            }
            before = Some(token);
        }
        costs[quoted.len()] <= bound
    }
}

fn added(want: &Token) -> u32 {
    if want.is_small { SMALL } else { FORBIDDEN }
}

fn left_out(token: &Token, before: Option<&Token>) -> u32 {
    // A false start is said twice.
    let repeats = before.is_some_and(|before| before.text == token.text);
    match (repeats, token.is_small) {
        (true, _) => 0,
        (false, _) if Tongue::denies(&token.text) => FORBIDDEN,
        (false, true) => SMALL,
        (false, false) => LEFT_OUT,
    }
}

fn differs(want: &Token, said: &Token) -> u32 {
    let denies = Tongue::denies(&want.text) || Tongue::denies(&said.text);
    if want.text == said.text {
        0
    } else if want.is_small && said.is_small && !denies {
        SMALL
    } else if !want.is_small && !said.is_small && is_miswritten(&want.text, &said.text) {
        0
    } else {
        FORBIDDEN
    }
}

/// A letter that differs in a long word is a caption's mistake.
fn is_miswritten(one: &str, two: &str) -> bool {
    let (a, b) = (one.chars().count(), two.chars().count());
    let shorter = a.min(b);
    if one.starts_with('#') || two.starts_with('#') || a.abs_diff(b) > 2 || shorter < 4 {
        return false;
    }
    let plural = |one: &str, two: &str| one.strip_suffix('s') == Some(two);
    if plural(one, two) || plural(two, one) {
        return true;
    }
    shorter >= 6 && osa_distance(one, two) <= shorter / 6
}

/// A quotation where it stands in a point, in bytes and without its marks.
struct Quotation<'a> {
    text: &'a str,
    at: usize,
}

/// What stands in quotation marks.
fn quotations(text: &str) -> Vec<Quotation<'_>> {
    let mut found = Vec::new();
    let mut open: Option<(usize, char)> = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if let Some((from, mark)) = open {
            let closes = match mark {
                '"' => c == '"',
                '“' | '„' => matches!(c, '”' | '“' | '"'),
                '«' => c == '»',
                '»' => c == '«',
                '「' => c == '」',
                '『' => c == '』',
                '‘' => {
                    let behind = text[at + c.len_utf8()..].chars().next();
                    c == '’' && !behind.is_some_and(char::is_alphabetic)
                }
                _ => true,
            };
            if closes {
                found.push(Quotation { text: &text[from..at], at: from });
                open = None;
            }
        } else if MARKS.contains(&c) {
            // An inch mark stands behind a digit, an apostrophe within a word.
            let is_none = match c {
                '"' => before.is_ascii_digit(),
                '‘' => before.is_alphanumeric(),
                _ => false,
            };
            if !is_none {
                open = Some((at + c.len_utf8(), c));
            }
        }
        before = c;
    }
    found.truncate(QUOTATIONS_MAX);
    found
}

/// The quotations of a point that were not said, as ranges of its bytes.
pub(super) fn missing(
    text: &str,
    said: &Sequence,
    known: &[Sequence],
    tongues: &[Tongue],
    small: &SmallWords,
) -> Vec<(usize, usize)> {
    let mut seen = HashSet::new();
    let mut missing = Vec::new();
    for quotation in quotations(text) {
        let inner = quotation.text.trim();
        if inner.is_empty() || !seen.insert(inner) {
            continue;
        }
        let is_said = parts(inner).all(|part| {
            let part = Sequence::of(&words(&part), tongues, small);
            part.is_in(said) || known.iter().any(|known| part.is_in(known))
        });
        if !is_said {
            let from = quotation.at + quotation.text.len() - quotation.text.trim_start().len();
            let shown = inner.trim_end_matches([',', '.', '!', '?', '…', ';']);
            missing.push((from, from + shown.len()));
        }
    }
    missing
}

/// The parts of a quotation between what was left out ("…") or put in by the writer ("[the oven]").
fn parts(text: &str) -> impl Iterator<Item = String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    let text = text.replace("...", "…");
    for c in text.chars() {
        match c {
            '[' => inside = true,
            ']' => {
                inside = false;
                parts.push(String::new());
            }
            '…' => parts.push(String::new()),
            _ if inside => {}
            c => {
                if let Some(part) = parts.last_mut() {
                    part.push(c);
                }
            }
        }
    }
    parts.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(point: &str, said: &str, want: &[&str]) {
        let tongues = [Tongue::En];
        let small = SmallWords::of(&tongues);
        let said = Sequence::of(&words(said), &tongues, &small);
        let found = missing(point, &said, &[], &tongues, &small);
        let found: Vec<&str> = found.iter().map(|(from, to)| &point[*from..*to]).collect();
        assert_eq!(found, want, "{point}");
    }

    const SAID: &str = "and i said um you you never really wash a cast iron pan with with soap because it it strips the uh \
        seasoning we waited twenty five minutes";

    #[test]
    fn words_in_order_are_a_quotation_with_or_without_hesitations() {
        check("He says \"you never really wash a cast-iron pan with soap\".", SAID, &[]);
        check("He says “You never wash a cast iron pan with soap.”", SAID, &[]);
        check("He says «it strips the seasoning», „we waited 25 minutes“.", SAID, &[]);
        check("He says “you never … wash a cast iron pan … strips the seasoning”.", SAID, &[]);
        check(
            "He says “it strips [the pan's] seasoning”, and ‘it strips the seasoning’.",
            SAID,
            &[],
        );
        check("“seasoning” and “soap”", SAID, &[]);
    }

    #[test]
    fn another_word_is_none() {
        check(
            "“you always wash a cast iron pan with soap”",
            SAID,
            &["you always wash a cast iron pan with soap"],
        );
        check("“it ruins the seasoning.”", SAID, &["it ruins the seasoning"]);
        check("“we waited 35 minutes”", SAID, &["we waited 35 minutes"]);
        check("“the seasoning strips it”", SAID, &["the seasoning strips it"]);
        check("“sugar” and “soap”", SAID, &["sugar"]);
        check(
            "“you wash a cast iron pan with soap”",
            SAID,
            &["you wash a cast iron pan with soap"],
        );
    }

    #[test]
    fn marks_that_are_none_do_no_harm() {
        check("A 6\" pan and a 10\" pan", SAID, &[]);
        check("It's the cooks' and ‘tis", SAID, &[]);
        check("“", SAID, &[]);
        check("“”", SAID, &[]);
        check("「鍋」", "鍋を洗う", &[]);
        check("「油」", "鍋を洗う", &["油"]);
    }
}
