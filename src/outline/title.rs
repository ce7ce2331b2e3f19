//! A short name for a section: what the talk itself announces, a short question that opens it, or
//! its most distinctive
//! phrase, in this order. Where no list of function words is known, the opening clause.

use std::collections::HashSet;

use super::clean::{capital, core};
use super::language::Language;
use super::rank::{Section, Weights};
use super::sentences::Sentence;
use super::spans::{self, Worth};
use super::words::{self, Term, Vocabulary, Weight, fold, is_unspaced};

/// No title has more words.
pub(super) const WORDS_MAX: usize = 8;
/// No title has more characters: a word can be as long as a page.
pub(super) const CHARS_MAX: usize = 80;
/// Titles in scripts without spaces are cut here, in characters.
const UNSPACED_MAX: usize = 18;
/// An announcement or a question is looked for in so many sentences.
const OPENING_SENTENCES: usize = 4;
/// Ends an announced topic: what follows is about something else.
const ANNOUNCEMENT_ENDS: [&str; 14] = [
    "because", "which", "that", "who", "before", "since", "so", "but", "then", "porque", "weil",
    "denn", "parce", "perché",
];
/// After these a name with its number is mentioned, not introduced.
const REFERRING: [&str; 12] =
    ["in", "from", "since", "see", "en", "desde", "aus", "siehe", "dans", "voir", "em", "nel"];
/// A question that stands alone begins with one of these; others ("that one?") lean on what came
/// before.
const QUESTION_WORDS: [&str; 38] = [
    "how", "what", "why", "when", "where", "who", "which", "is", "are", "do", "does", "did", "can",
    "should", "cómo", "qué", "por", "cuándo", "dónde", "quién", "wie", "warum", "wann", "wo",
    "wer", "comment", "pourquoi", "quand", "où", "qui", "como", "quando", "onde", "quem", "come",
    "perché", "dove", "chi",
];
/// Questions are titles only if their words matter that much to the section.
const QUESTION_WEIGHT_MIN: f32 = 1.2;

/// A name of fewer words with nothing behind it says less than the sentence that presents it.
const UNFRAMED_WORDS_MIN: usize = 8;

/// What titles are made from.
pub(super) struct Source<'a> {
    pub sentences: &'a [Sentence],
    pub weights: &'a Weights,
    pub language: &'a Language,
    /// Words of the names of those who speak or are spoken to, folded: who speaks is no topic.
    pub people: &'a HashSet<String>,
}

/// Candidates for a section's title, best first; may be empty.
pub(super) fn candidates(
    index: usize,
    section: &Section,
    source: &Source<'_>,
    vocabulary: &mut Vocabulary,
) -> Vec<String> {
    let Source { sentences, weights, language, people } = *source;
    let said = &sentences[section.sentences.clone()];
    let mut out = Vec::new();
    if language.stops.is_empty() || said.first().is_some_and(|s| s.text.chars().any(is_unspaced)) {
        out.extend(said.iter().take(OPENING_SENTENCES).map(|s| clause(&s.text)));
        return out;
    }
    for sentence in said.iter().take(OPENING_SENTENCES - 1) {
        out.extend(numbered(&sentence.text, vocabulary));
        out.extend(quoted(&sentence.text, vocabulary));
        out.extend(presented(&sentence.text, language, vocabulary));
    }
    for sentence in said.iter().take(OPENING_SENTENCES) {
        out.extend(announced(&sentence.text, language, vocabulary));
    }
    for sentence in said.iter().take(OPENING_SENTENCES - 1) {
        out.extend(question(&sentence.text, index, weights, language, vocabulary));
    }
    let worth = Worth { section: index, weights, language, people };
    out.extend(spans::named(said, &worth, vocabulary).iter().filter_map(|name| fitting(name, "")));
    out.extend(said.iter().take(2).map(|s| clause(&s.text)));
    out
}

/// A text cut to what a title may be: at most [`WORDS_MAX`] words, capital in front, no marks
/// around.
pub(super) fn clause(text: &str) -> String {
    let end =
        text.find(['.', ',', ';', '!', '?', '。', '、', '，', '！', '？', '؟', '،', ':', '—']);
    let head = text[..end.filter(|at| *at > 0).unwrap_or(text.len())].trim();
    let head = if words::count(head) == 0 { text } else { head };
    let unspaced = head.chars().filter(|c| is_unspaced(*c)).count();
    let limit = if unspaced > UNSPACED_MAX / 2 { UNSPACED_MAX } else { CHARS_MAX };
    let mut out = String::new();
    for word in head.split_whitespace().take(WORDS_MAX) {
        if !out.is_empty() {
            if out.chars().count() + word.chars().count() >= limit {
                break;
            }
            out.push(' ');
        }
        out.push_str(word);
    }
    let out: String = out.chars().filter(|c| !c.is_control()).take(limit + 1).collect();
    if out.chars().count() <= limit {
        return capital(core(&out));
    }
    let cut = match limit {
        UNSPACED_MAX => unspaced_head(&out),
        _ => &out[..out.char_indices().nth(limit).map_or(out.len(), |(at, _)| at)],
    };
    capital(core(cut))
}

/// The head of a text without spaces, of at most [`UNSPACED_MAX`] characters, cut where a word
/// begins, as far as the script shows: in Japanese where kanji or katakana follow hiragana, in
/// Chinese before a particle. Particles at its end are left out.
fn unspaced_head(text: &str) -> &str {
    const PARTICLES: [char; 22] = [
        'は', 'が', 'を', 'に', 'で', 'と', 'も', 'の', 'へ', 'や', '的', '了', '在', '是', '和',
        '与', '就', '都', '也', '把', '被', '对',
    ];
    let chars: Vec<(usize, char)> = text.char_indices().take(UNSPACED_MAX + 1).collect();
    let is_hiragana = |c: char| matches!(c as u32, 0x3040..=0x309F);
    let begins = |at: usize| {
        let (before, c) = (chars[at - 1].1, chars[at].1);
        (is_hiragana(before) && !is_hiragana(c)) || (!is_hiragana(c) && PARTICLES.contains(&c))
    };
    // A title of less than half the length says too little.
    let cut = (UNSPACED_MAX / 2..chars.len()).rev().find(|at| begins(*at));
    let end = cut.or(chars.len().checked_sub(1)).map_or(text.len(), |at| chars[at].0);
    text[..end].trim_end_matches(PARTICLES)
}

/// "Let's talk about the chain, because …" announces "The chain".
fn announced(text: &str, language: &Language, vocabulary: &mut Vocabulary) -> Option<String> {
    let tokens: Vec<&str> = text.split_whitespace().take(60).collect();
    let folded: Vec<String> = tokens.iter().map(|token| fold(core(token))).collect();
    let mut after = None;
    for phrase in language.announcements.split('|') {
        let phrase: Vec<&str> = phrase.split_whitespace().collect();
        if phrase.is_empty() {
            continue;
        }
        let at = folded.windows(phrase.len()).position(|window| window == phrase.as_slice());
        // One word in the middle of a sentence is chance; at its head it announces.
        let at = at.filter(|at| *at <= if phrase.len() <= 2 { 2 } else { 14 });
        let Some(at) = at else { continue };
        let end = at + phrase.len();
        let broken = tokens[at..end - 1].iter().any(|token| token.ends_with(['.', '?', ',']));
        if !broken && after.is_none_or(|known| end > known) {
            after = Some(end);
        }
    }
    let mut topic: Vec<&str> = Vec::new();
    for (token, word) in tokens.iter().zip(&folded).skip(after?) {
        if language.hesitations.contains(&word.as_str()) {
            continue;
        }
        if !topic.is_empty() && ANNOUNCEMENT_ENDS.contains(&word.as_str()) {
            break;
        }
        topic.push(token);
        if token.ends_with([',', '.', '?', '!', ';', ':', '—']) || topic.len() > WORDS_MAX {
            break;
        }
    }
    // "What we're talking about here is still a draft" goes on with a sentence, not with a name.
    let names = topic.first().is_some_and(|token| {
        let word = core(token);
        vocabulary.look_up(word).1 != Weight::Stop
            || spans::is_article(word)
            || QUESTION_WORDS.contains(&fold(word).as_str())
    });
    if topic.len() > WORDS_MAX || !names {
        return None;
    }
    while topic.last().is_some_and(|t| vocabulary.look_up(core(t)).1 == Weight::Stop) {
        topic.pop();
    }
    let strong = |t: &&&str| vocabulary.look_up(core(t)).1 == Weight::Strong;
    if topic.iter().filter(strong).count() == 0 {
        return None;
    }
    fitting(&topic.join(" "), "")
}

/// A name with its number, as things in a list have them: "Next is Rust Bitcoin #4907".
fn numbered(text: &str, vocabulary: &mut Vocabulary) -> Option<String> {
    let tokens: Vec<&str> = text.split_whitespace().take(24).collect();
    let at = (1..tokens.len()).find(|at| {
        let number =
            tokens[*at].trim_start_matches('#').trim_end_matches(|c: char| !c.is_alphanumeric());
        tokens[*at].starts_with('#')
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    })?;
    let named = |token: &str| {
        core(token).starts_with(char::is_uppercase) && token.ends_with(char::is_alphanumeric)
    };
    let first = (0..at).rev().take_while(|i| named(tokens[*i])).last()?;
    // "As we said in Issue #40" is about another.
    if first > 0 && REFERRING.contains(&fold(core(tokens[first - 1])).as_str()) {
        return None;
    }
    name(&tokens[first.max((at + 1).saturating_sub(WORDS_MAX))..=at], "", vocabulary)
}

/// What a sentence names in quotation marks: "Next is “Channel rebalancing research”." The closing
/// mark may stand in a later sentence.
fn quoted(text: &str, vocabulary: &mut Vocabulary) -> Option<String> {
    let at = text.find(['"', '“', '„', '«'])?;
    let mark = text[at..].chars().next()?;
    let rest = text[at + mark.len_utf8()..].trim_start();
    let end = rest.find(['"', '”', '“', '»']).unwrap_or(rest.len());
    let inner = rest[..end].trim();
    if !inner.starts_with(|c: char| c.is_uppercase() || c.is_numeric()) {
        return None;
    }
    let ask = if inner.ends_with('?') { "?" } else { "" };
    let inner = inner.trim_end_matches(|c: char| !c.is_alphanumeric());
    if inner.contains(['.', '?', '!', ';', ','])
        && inner.split(' ').any(|w| w.ends_with(['.', '?', '!', ';', ',']))
    {
        return None;
    }
    name(&inner.split(' ').collect::<Vec<_>>(), ask, vocabulary)
}

/// What a sentence presents as the next of several: "The last item is light clients, which …".
fn presented(text: &str, language: &Language, vocabulary: &mut Vocabulary) -> Option<String> {
    let tokens: Vec<&str> = text.split_whitespace().take(40).collect();
    let folded: Vec<String> = tokens.iter().map(|token| fold(core(token))).collect();
    let ends = |at: usize| tokens[at].ends_with([',', '.', '?', '!', ';', ':', '—']);
    let start = frame(&tokens, &folded, language)?;
    let end = (start..tokens.len()).find(|at| ends(*at)).map_or(tokens.len(), |at| at + 1);
    let end = (start + 1..end)
        .find(|at| ANNOUNCEMENT_ENDS.contains(&folded[*at].as_str()))
        .unwrap_or(end);
    if start >= end {
        return None;
    }
    // "The next one, I think we …" presents nothing.
    let first = vocabulary.look_up(core(tokens[start])).1;
    let led = super::spans::is_article(core(tokens[start]));
    let named = tokens[start].starts_with(char::is_uppercase) && first != Weight::Stop;
    if !led && !named && first != Weight::Strong {
        return None;
    }
    name(&tokens[start..end], "", vocabulary)
}

/// How many words of a sentence only present the next of several: those of "The last item is".
fn frame(tokens: &[&str], folded: &[String], language: &Language) -> Option<usize> {
    let is_in = |list: &str, at: usize| list.split(' ').any(|word| word == folded[at]);
    let ends = |at: usize| tokens[at].ends_with([',', '.', '?', '!', ';', ':', '—']);
    let ordinal = (0..tokens.len().min(6)).find(|at| is_in(language.steps, *at))?;
    if (ordinal > 0 && tokens[ordinal - 1].ends_with(['.', '?', '!'])) && ordinal > 3 {
        return None;
    }
    let link = (ordinal..tokens.len().min(ordinal + 14))
        .find(|at| ends(*at) || (*at > ordinal && is_in(language.links, *at)))?;
    let mut start = link + 1;
    while start < tokens.len() && is_in(language.links, start) {
        start += 1;
    }
    Some(start)
}

/// A sentence without the words that only present the next of several, where a name with a capital
/// follows them: "The last item is Rust Bitcoin, which …". What was first or last stays, unless it is a part
/// of a programme, has a number, or is what the section's `title` names (empty: nothing): "The last king was
/// Ahab" says more than "Ahab".
pub(super) fn unframed<'a>(text: &'a str, title: &str, language: &Language) -> &'a str {
    let tokens: Vec<&str> = text.split_whitespace().take(40).collect();
    let folded: Vec<String> = tokens.iter().map(|token| fold(core(token))).collect();
    let Some(start) = frame(&tokens, &folded, language) else { return text };
    let Some(at) = tokens.get(start).map(|token| token.as_ptr().addr() - text.as_ptr().addr())
    else {
        return text;
    };
    let rest = &text[at..];
    // What the section is named by is what is presented.
    let is_title = !title.is_empty() && fold(rest).starts_with(&fold(title));
    if is_title && words::count(rest) >= UNFRAMED_WORDS_MIN {
        return rest;
    }
    let lists = [language.stops, language.weak, language.parts, language.steps, language.links];
    let is_idle =
        |word: &String| lists.iter().any(|list| list.split_whitespace().any(|w| w == word));
    let is_numbered = tokens[start..].iter().take(WORDS_MAX).any(|token| token.starts_with('#'));
    if !is_numbered && !folded[..start].iter().all(is_idle) {
        return text;
    }
    let names = tokens.get(start).is_some_and(|token| {
        let word = core(token);
        word.starts_with(|c: char| c.is_uppercase() || c.is_numeric())
            && !language.stops.split_whitespace().any(|stop| stop == fold(word))
    });
    if names { rest } else { text }
}

/// Words that are a title as they stand, if they are few and one of them can name a topic.
fn name(tokens: &[&str], end: &str, vocabulary: &mut Vocabulary) -> Option<String> {
    if tokens.len() > WORDS_MAX || tokens.len() < 2 {
        return None;
    }
    let weights: Vec<Weight> = tokens.iter().map(|t| vocabulary.look_up(core(t)).1).collect();
    if !weights.contains(&Weight::Strong)
        || (end.is_empty() && weights.last() == Some(&Weight::Stop))
    {
        return None;
    }
    fitting(&tokens.join(" "), end)
}

/// A short question at the head of a section names it, where its words are the section's words.
fn question(
    text: &str,
    index: usize,
    weights: &Weights,
    language: &Language,
    vocabulary: &mut Vocabulary,
) -> Option<String> {
    if !text.ends_with('?') {
        return None;
    }
    let tokens = super::clean::plain(text, language);
    let asks = |token: &&str| QUESTION_WORDS.contains(&fold(core(token)).as_str());
    if !tokens.first().is_some_and(asks) {
        return None;
    }
    if !(4..=WORDS_MAX).contains(&tokens.len()) {
        return None;
    }
    let strong: Vec<Term> = tokens
        .iter()
        .map(|token| vocabulary.look_up(core(token)))
        .filter(|found| found.1 == Weight::Strong)
        .filter_map(|found| found.0)
        .collect();
    let weight = strong.iter().map(|term| weights.of(index, *term)).fold(0.0, f32::max);
    if strong.len() < 2 || weight < QUESTION_WEIGHT_MIN {
        return None;
    }
    let joined = tokens.join(" ");
    let inner = joined.trim_end_matches('?');
    if inner.contains(['.', '?', '!', ';', ',']) {
        return None;
    }
    fitting(inner, "?")
}

/// The title, if it is not too long for one.
fn fitting(text: &str, end: &str) -> Option<String> {
    let text = capital(text.trim_matches(|c: char| !c.is_alphanumeric()));
    (text.chars().count() < CHARS_MAX && words::count(&text) > 0).then(|| text + end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::Transcript;
    use crate::outline::language;

    #[test]
    fn a_clause_is_short_and_never_ends_in_a_mark() {
        assert_eq!(clause("so the oven, which is old"), "So the oven");
        assert_eq!(clause("古い窯の話をします。火が消えた後も"), "古い窯の話をします");
        assert_eq!(clause(&"word ".repeat(90)).split(' ').count(), WORDS_MAX);
        assert!(clause(&"窯".repeat(90)).chars().count() <= UNSPACED_MAX);
        assert!(clause(&"x".repeat(900)).chars().count() <= CHARS_MAX);
        assert_eq!(clause("..."), "");
    }

    #[test]
    fn what_only_presents_the_next_of_several_is_left_out_before_a_name() {
        let english = language::of(&Transcript::default(), Some("en"));
        for (said, want) in [
            ("The last item is Slow Bread, which is new.", "Slow Bread, which is new."),
            ("Next is Oven Club #12, and it burns.", "Oven Club #12, and it burns."),
            ("The first repair of this week is Yard Club #40.", "Yard Club #40."),
            ("The last king of the valley was Ahab.", "The last king of the valley was Ahab."),
            (
                "The next one is a bread that takes days.",
                "The next one is a bread that takes days.",
            ),
            ("The oven is Dutch.", "The oven is Dutch."),
            ("Next", "Next"),
            ("", ""),
        ] {
            assert_eq!(unframed(said, "", &english), want, "{said}");
        }
        let said =
            "The first recipe is bread that takes days, and the baker has brought three loaves.";
        assert_eq!(unframed(said, "", &english), said);
        assert_eq!(
            unframed(said, "bread that takes days", &english),
            &said["The first recipe is ".len()..]
        );
        let said = "The first recipe is bread that takes days.";
        assert_eq!(
            unframed(said, "Bread that takes days", &english),
            said,
            "and nothing behind it"
        );
    }

    #[test]
    fn a_title_without_spaces_is_cut_where_a_word_begins() {
        assert_eq!(
            clause("町の古い窯をもう一度使えるようにするための工事について"),
            "町の古い窯をもう一度使えるようにする"
        );
        assert_eq!(
            clause("今天我们讨论村里老面包炉的修理以及下一步的计划"),
            "今天我们讨论村里老面包炉"
        );
        assert!(clause(&"は".repeat(90)).chars().count() <= UNSPACED_MAX);
    }

    #[track_caller]
    fn check_named(text: &str, want: Option<&str>) {
        let english = language::of(&Transcript::default(), Some("en"));
        let mut vocabulary = Vocabulary::new(&english);
        let found = numbered(text, &mut vocabulary)
            .or_else(|| quoted(text, &mut vocabulary))
            .or_else(|| presented(text, &english, &mut vocabulary));
        assert_eq!(found.as_deref(), want, "{text}");
    }

    #[test]
    fn what_is_quoted_numbered_or_presented_is_a_name() {
        check_named(
            "The next item is titled, \"Winter feeding of weak hives\".",
            Some("Winter feeding of weak hives"),
        );
        check_named("\"How do you wire a dome? Someone asked that.", None);
        check_named("Next question, \"How do you wire a dome?\"", Some("How do you wire a dome?"));
        check_named("He said \"no\" to that.", None);
        check_named("He said \"no way, never, I will not\" to that.", None);
        check_named("We go on with Oven Club #4907, which cracked.", Some("Oven Club #4907"));
        check_named("As we said in Issue #40 it cracks.", None);
        check_named("First of all, I'm the baker of Lindau.", None);
        check_named("That was #1 of the year.", None);
        check_named("The last item is winter feeding, which is hard.", Some("Winter feeding"));
        check_named("Second on the list is the quality of clay.", Some("The quality of clay"));
        check_named("The next one, I think we know.", None);
        check_named("We bake bread in it.", None);
        check_named(
            "Next is \"a title of many more words than any title ought to have here\".",
            None,
        );
    }

    #[test]
    fn a_question_names_a_section_that_is_about_its_words() {
        let english = language::of(&Transcript::default(), Some("en"));
        let mut vocabulary = Vocabulary::new(&english);
        let about = vocabulary.terms("oven oven oven dome dome dome");
        let section = Section { cues: 0..1, sentences: 0..1 };
        let other = Section { cues: 1..2, sentences: 1..2 };
        let terms = [about, vocabulary.terms("hive bees")];
        let weights = Weights::new(&[section, other], &terms, &vocabulary);
        let mut ask =
            |text: &str, index| question(text, index, &weights, &english, &mut vocabulary);
        let named = ask("So how does an oven dome crack?", 0);
        assert_eq!(named.as_deref(), Some("How does an oven dome crack?"));
        assert_eq!(ask("So how does an oven dome crack?", 1), None);
        assert_eq!(ask("That oven dome is old?", 0), None);
        assert_eq!(ask("How does an oven dome crack.", 0), None);
        assert_eq!(ask("How?", 0), None);
    }

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        let english = language::of(&Transcript::default(), Some("en"));
        let mut vocabulary = Vocabulary::new(&english);
        assert_eq!(announced(text, &english, &mut vocabulary).as_deref(), want, "{text}");
    }

    #[test]
    fn what_is_announced_is_the_title() {
        check("Okay, let's talk about the rear wheel, because it wobbles.", Some("The rear wheel"));
        check("So I wanted to ask you about winter feeding.", Some("Winter feeding"));
        check("Let's talk about, uh, the rear wheel.", Some("The rear wheel"));
        check("Let's talk about it.", None);
        check("We never talk.", None);
        check("Let's talk about", None);
    }
}
