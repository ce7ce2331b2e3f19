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
    let mut word = String::new();
    let mut rest = said.split_whitespace();
    while let Some(token) = rest.next() {
        word.clear();
        fold_into(&mut word, core(token));
        if word.is_empty() && out.is_empty() {
            continue;
        }
        let aside = aside(token, rest.clone(), out.last().copied(), language);
        if aside > 0 || language.hesitations.contains(&word.as_str()) {
            // "the, um, oven": the comma before it goes as well.
            if let Some(last) = out.last_mut() {
                *last = last.trim_end_matches(',');
            }
            // The first word of an aside is taken already.
            rest.by_ref().take(aside.saturating_sub(1)).for_each(drop);
            continue;
        }
        if out.is_empty()
            && language.fillers.contains(&word.as_str())
            && !token.ends_with(['?', '"', '”'])
            && is_idle(token, &word, rest.clone().next())
        {
            continue;
        }
        if rest.clone().next().is_some_and(|next| is_broken_off(token, &word, next, language)) {
            continue;
        }
        out.push(if english { first_person(token) } else { token });
        drop_double(&mut out, &word, language);
        // What comes next can change the last words, as many as a double has; a lone comma can
        // have become empty.
        if out.len() > words.saturating_add(DOUBLE_WORDS_MAX) {
            let full = &out[..out.len() - DOUBLE_WORDS_MAX];
            if full.iter().filter(|word| !word.is_empty()).count() >= words {
                break;
            }
        }
    }
    if out.is_empty() { said.split_whitespace().collect() } else { out }
}

/// Whether a filler fills only: "No, it is cold" but not "No oven is cold", "Así, …" but not "Así
/// que".
fn is_idle(token: &str, word: &str, next: Option<&str>) -> bool {
    const WITH_COMMA: [&str; 46] = [
        "no", "like", "look", "see", "listen", "right", "then", "sí", "así", "este", "bien",
        "vale", "mira", "oye", "vamos", "nada", "nein", "nee", "ja", "gut", "dann", "eben",
        "genau", "klar", "schau", "halt", "doch", "non", "oui", "bon", "ah", "après", "puis",
        "tiens", "écoute", "écoutez", "não", "sim", "bom", "bem", "olha", "assim", "sì", "bene",
        "senti", "guarda",
    ];
    const JOINED: [&str; 4] = ["que", "che", "dass", "qu'il"];
    let joined = next.is_some_and(|next| JOINED.iter().any(|word| is_same(word, next)));
    !joined && (!WITH_COMMA.contains(&word) || token != core(token) || next.is_none())
}

/// A run of at most so many words is a stammer when it is said twice on end.
const DOUBLE_WORDS_MAX: usize = 4;
/// Doubles that are meant: "very very", "he had had".
const MEANT: [&str; 6] = ["that", "had", "very", "so", "no", "bye"];

/// "the the oven", "it's a it's a shame": takes out the first of two equal runs at the end; the
/// later one carries the comma, if any. `word` is the last one, folded.
fn drop_double(out: &mut Vec<&str>, word: &str, language: &Language) {
    if word.is_empty() {
        return;
    }
    let short = word.len() < 5 && !MEANT.contains(&word);
    for run in usize::from(!short) + 1..=DOUBLE_WORDS_MAX {
        let Some(from) = out.len().checked_sub(2 * run) else { return };
        let (first, second) = out[from..].split_at(run);
        // "New York, New York" is meant.
        let idle = || run == 1 || first.iter().any(|token| is_stop(token, language));
        if first.iter().zip(second).all(|(a, b)| is_same(a, b)) && idle() {
            out.drain(from..from + run);
            return;
        }
    }
}

fn is_stop(token: &str, language: &Language) -> bool {
    language.stops.split(' ').any(|stop| is_same(stop, token))
}

fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (core(a), core(b));
    !a.is_empty() && (a.eq_ignore_ascii_case(b) || (!a.is_ascii() && fold(a) == fold(b)))
}

/// "th— the oven", "kn know": a word that breaks off and is begun again. `word` is the token's,
/// folded.
fn is_broken_off(token: &str, word: &str, next: &str, language: &Language) -> bool {
    if word.is_empty() || word.len() > 24 {
        return false;
    }
    let next = core(next);
    let again = next.len() > core(token).len()
        && next.get(..core(token).len()).is_some_and(|head| fold(head) == word);
    if !again {
        return false;
    }
    let dashed = token.ends_with(['-', '–', '—']);
    let bit = word.len() <= 2
        && word.bytes().all(|b| b.is_ascii_lowercase())
        && token == core(token)
        && !language.stops.is_empty()
        && !is_stop(word, language);
    dashed || bit
}

/// How many words an aside has that stands at a token between commas ("the oven, you know, is
/// cold") or before one at the head; 0 where there is none.
fn aside<'a>(
    token: &'a str,
    rest: impl Iterator<Item = &'a str> + Clone,
    before: Option<&str>,
    language: &Language,
) -> usize {
    if !before.is_none_or(|before| before.ends_with(',')) {
        return 0;
    }
    let stands = |phrase: &str| {
        let mut said = std::iter::once(token).chain(rest.clone());
        let mut last = "";
        let all = phrase.split(' ').all(|word| {
            last = said.next().unwrap_or_default();
            is_same(word, last)
        });
        all && last.ends_with(',')
    };
    let found = language.asides.split('|').find(|phrase| !phrase.is_empty() && stands(phrase));
    found.map_or(0, |phrase| phrase.split(' ').count())
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
        check("We, we went to the, to the oven.", "We went to the oven.");
        check("It was the th— the old oven.", "It was the old oven.");
        check("bu but I kn know it's a it's a shame.", "I know it's a shame.");
        check("The oven, you know, is, I mean, cold.", "The oven is cold.");
        check("You know, it is cold.", "It is cold.");
        check("You know it is very very cold.", "You know it is very very cold.");
        check("I mean the oven, the oven of clay.", "I mean the oven of clay.");
        check("an ox oxbow", "An oxbow.");
        check("No oven is cold.", "No oven is cold.");
        check("No, the oven is cold.", "The oven is cold.");
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
            "I mean, we, we went to the, to the oven, you know, th- the old one in the in the yard",
            "it was in the it was in the it was in the oven",
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
        assert_eq!(plain_start(&long, &english, 6).len(), 6 + DOUBLE_WORDS_MAX + 1);
    }

    #[test]
    fn what_is_left_out_turns_no_meaning_in_any_language() {
        for (code, said, want) in [
            ("es", "No lo sé.", "No lo sé."),
            ("es", "Bueno, pues el horno está frío", "El horno está frío."),
            ("es", "Así que el horno está frío.", "Así que el horno está frío."),
            ("de", "Ja, also der Ofen, ähm, ist kalt", "Der Ofen ist kalt."),
            ("de", "Nein heißt nein.", "Nein heißt nein."),
            ("fr", "Euh, alors le four est, tu vois, froid", "Le four est froid."),
            ("fr", "Alors que le four est froid.", "Alors que le four est froid."),
            ("fr", "Du pain et de l'eau.", "Du pain et de l'eau."),
            ("pt", "Então, o forno, quer dizer, está frio", "O forno está frio."),
            ("pt", "Não sei.", "Não sei."),
            ("it", "Allora, il forno è, cioè, freddo", "Il forno è freddo."),
            ("it", "Non lo so.", "Non lo so."),
        ] {
            let language = language::of(&Transcript::default(), Some(code));
            assert_eq!(point(said, false, &language), want);
        }
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
