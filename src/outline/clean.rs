//! A spoken sentence made readable: without "so, um" at its head, with a capital and an end.
//!
//! Words are only ever left out, never put in: what a point says must stand in the cues that it
//! cites.

use std::collections::HashSet;

use super::language::Language;
use super::words::{fold, fold_into, is_unspaced};

/// No point is longer; a run-on ends at a clause with "…".
pub(super) const POINT_WORDS_MAX: usize = 40;
/// A run-on is not cut before this word, even if a clause ends there.
const CLAUSE_WORDS_MIN: usize = 18;
/// The same bound for scripts without spaces, in characters.
const POINT_CHARS_MAX: usize = 110;
/// Closing marks that may follow the mark that ends a sentence.
const CLOSERS: [char; 6] = ['"', '”', '’', '\'', ')', '」'];

/// The sentence as a point. `is_cut` says that it does not end where the text ends. Empty when
/// nothing is left.
pub(super) fn point(said: &str, is_cut: bool, language: &Language) -> String {
    sentence(said, is_cut, POINT_WORDS_MAX, language)
}

/// The same with another limit.
pub(super) fn sentence(said: &str, is_cut: bool, words_max: usize, language: &Language) -> String {
    let tokens = plain(said, language);
    let (tokens, shortened) = shorten(&tokens, words_max);
    let text = tokens.join(" ");
    let (text, shortened) = match text.char_indices().nth(POINT_CHARS_MAX * 3) {
        Some((end, _)) => (&text[..end], true),
        None => (text.as_str(), shortened),
    };
    let (text, shortened) = shorten_unspaced(text, shortened);
    finish(text, is_cut || shortened)
}

/// The words without fillers at the head, hesitations and stammered doubles.
pub(super) fn plain<'a>(said: &'a str, language: &Language) -> Vec<&'a str> {
    plain_start(said, language, usize::MAX)
}

/// The same, but of a long sentence only a part that holds its first `words` plain words.
pub(super) fn plain_start<'a>(said: &'a str, language: &Language, words: usize) -> Vec<&'a str> {
    let english = language.code == "en" && !language.stops.is_empty();
    // A word and its blank are some six bytes.
    let mut out: Vec<&str> = Vec::with_capacity((said.len() / 6).min(words) + 2);
    let (mut word, mut before) = (String::new(), String::new());
    for token in said.split_whitespace() {
        word.clear();
        fold_into(&mut word, core(token));
        if word.is_empty() && out.is_empty() {
            continue;
        }
        if language.hesitations.contains(&word.as_str()) {
            // "the, um, oven": the comma before it goes as well.
            if let Some(last) = out.last_mut() {
                *last = last.trim_end_matches(',');
            }
            continue;
        }
        if out.is_empty()
            && language.fillers.contains(&word.as_str())
            && !token.ends_with(['?', '"', '”'])
        {
            continue;
        }
        if !word.is_empty() && word == before && word.len() < 5 && word != "that" && word != "had" {
            // "the the oven": the later one carries the comma, if any.
            out.pop();
        }
        out.push(if english { first_person(token) } else { token });
        std::mem::swap(&mut before, &mut word);
        // What comes next changes the last word at most; a lone comma can have become empty.
        if out.len() > words
            && out[..out.len() - 1].iter().filter(|word| !word.is_empty()).count() >= words
        {
            break;
        }
    }
    if out.is_empty() { said.split_whitespace().collect() } else { out }
}

/// Automatic captions write "i": English does not.
fn first_person(token: &str) -> &str {
    match token {
        "i" => "I",
        "i'm" => "I'm",
        "i've" => "I've",
        "i'll" => "I'll",
        "i'd" => "I'd",
        _ => token,
    }
}

/// Whether a sentence asks.
pub(super) fn is_question(text: &str) -> bool {
    text.trim_end_matches(CLOSERS).ends_with(['?', '？', '؟'])
}

/// Whether a sentence begins by calling somebody by name: "Edda, how …".
pub(super) fn addresses(text: &str, people: &HashSet<String>) -> bool {
    let mut tokens = text.split_whitespace().take(3);
    tokens.any(|token| token.ends_with(',') && people.contains(fold(core(token)).as_str()))
}

/// A token without the marks around it.
pub(super) fn core(token: &str) -> &str {
    token.trim_matches(|c: char| !c.is_alphanumeric())
}

/// At most `words_max` words, cut after the last clause that fits.
fn shorten<'a, 'b>(tokens: &'b [&'a str], words_max: usize) -> (&'b [&'a str], bool) {
    if tokens.len() <= words_max {
        return (tokens, false);
    }
    let clause = (CLAUSE_WORDS_MIN..words_max)
        .rev()
        .find(|at| tokens[*at].ends_with([',', ';', ':', '—', '–', '.', '?', '!']));
    let end = clause.map_or(words_max - 2, |at| at + 1);
    (&tokens[..end], true)
}

/// The same for scripts without spaces.
fn shorten_unspaced(text: &str, shortened: bool) -> (&str, bool) {
    let unspaced = text.chars().filter(|c| is_unspaced(*c)).count();
    let Some((end, _)) =
        text.char_indices().nth(POINT_CHARS_MAX).filter(|_| unspaced * 2 > POINT_CHARS_MAX)
    else {
        return (text, shortened);
    };
    let clause = text[..end].char_indices().rfind(|(_, c)| matches!(c, '、' | '，' | '；' | '。'));
    (clause.map_or(&text[..end], |(at, _)| &text[..at]), true)
}

/// A capital in front and a mark at the end.
fn finish(text: &str, is_cut: bool) -> String {
    let mut text =
        text.trim_start_matches([',', ';', ':', '-', '–', '—', '.', '…', ' ', ')']).trim_end();
    if is_cut {
        text = text.trim_end_matches([',', ';', ':', '-', '–', '—', '.', '…', ' ']);
    } else {
        text = text.trim_end_matches([',', ';', ':', '-', '–', '—', ' ']);
    }
    let mut out = capital(text);
    let last = out.trim_end_matches(CLOSERS).chars().next_back();
    if is_cut {
        out.push('…');
    } else if last.is_some_and(is_unspaced) {
        out.push('。');
    } else if !last.is_some_and(|c| ".!?…。！？؟।".contains(c)) {
        out.push('.');
    }
    out
}

/// With a capital as its first letter.
pub(super) fn capital(text: &str) -> String {
    let Some((at, first)) = text.char_indices().find(|(_, c)| c.is_alphanumeric()) else {
        return text.to_owned();
    };
    let mut upper = first.to_uppercase();
    let mut out = String::with_capacity(text.len() + 4);
    out.push_str(&text[..at]);
    match (upper.next(), upper.next()) {
        // The micro sign's capital is another letter's: only what comes back the same is the same
        // word.
        (Some(one), None) if first.is_uppercase() || one.to_lowercase().eq([first]) => {
            out.push(one)
        }
        _ => out.push(first),
    }
    out.push_str(&text[at + first.len_utf8()..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::Transcript;
    use crate::outline::language;

    #[track_caller]
    fn check(said: &str, want: &str) {
        let english = language::of(&Transcript::default(), Some("en"));
        assert_eq!(point(said, false, &english), want);
    }

    #[test]
    fn fillers_go_and_words_stay() {
        check("So, um, we lit the oven at six", "We lit the oven at six.");
        check("the, um, oven is is cold.", "The oven is cold.");
        check("Well.", "Well.");
        check("um", "Um.");
        check("\"It is cold,\" she said.", "\"It is cold,\" she said.");
        check("is it cold?", "Is it cold?");
        check("when i asked i'm told it is", "When I asked I'm told it is.");
        check("he had had enough.", "He had had enough.");
        check("ßtrange", "ßtrange.");
        check("µm", "µm.");
    }

    #[test]
    fn a_part_of_a_sentence_begins_as_the_whole_does() {
        let english = language::of(&Transcript::default(), Some("en"));
        for said in [
            "So, um, well, the the oven is, um, is is cold and we lit it at six on a Saturday",
            "x , um , um , um , um , um so the the oven oven , um is is cold",
            "um uh um",
            "One two three four five six, um, seven",
            "one two three four five is is six",
            "",
        ] {
            for words in 0..9 {
                let whole = crate::outline::words::head_of(&plain(said, &english), words);
                let part = plain_start(said, &english, words);
                assert_eq!(crate::outline::words::head_of(&part, words), whole, "{said} {words}");
            }
        }
        let long = "oven bread ".repeat(1_000);
        assert_eq!(plain_start(&long, &english, 6).len(), 7);
    }

    #[test]
    fn a_run_on_ends_at_a_clause() {
        let said = format!("{}, and {}", ["ovens"; 25].join(" "), ["bread"; 30].join(" "));
        let english = language::of(&Transcript::default(), Some("en"));
        let text = point(&said, false, &english);
        assert!(text.ends_with("ovens…") && text.split(' ').count() == 25, "{text}");
        let whole = ["abcde"; POINT_WORDS_MAX].join(" ");
        assert!(point(&whole, false, &english).ends_with("abcde."));
        assert!(point(&format!("{whole} abcde"), false, &english).ends_with("abcde…"));
        assert!(point(&"窯".repeat(500), false, &english).chars().count() <= POINT_CHARS_MAX + 1);
    }
}
