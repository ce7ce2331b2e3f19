//! From the JSON of an answer to topics that can be believed: every line that is named lies in the
//! window, every point in its topic, every text is text. What is not so is lost, alone, and said. Pure.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use serde_json::Value;

use super::question;

/// Letters of a title at most.
const TITLE_LETTERS_MAX: usize = 80;
/// Letters of a point at most; beyond it is no sentence.
const POINT_LETTERS_MAX: usize = 500;
/// Points of one topic in one answer at most; two to five are asked for.
const POINTS_MAX: usize = 12;
/// Topics of one answer that are looked at.
const TOPICS_MAX: usize = 300;
/// So many words in a row of the instructions are no chance.
const LEAK_WORDS: usize = 8;
/// Losses that are told one by one.
const LOST_MAX: usize = 200;

/// A topic of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) title: String,
    /// Its lines; never empty.
    pub(super) lines: Range<usize>,
    /// By line; each within `lines`.
    pub(super) points: Vec<DraftPoint>,
}

/// A point of a topic.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DraftPoint {
    pub(super) text: String,
    /// Its lines; never empty.
    pub(super) lines: Range<usize>,
}

/// What one answer says of its window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Part {
    /// The lines that were asked about.
    pub(super) range: Range<usize>,
    /// In order, without overlap, each within the window.
    pub(super) topics: Vec<Draft>,
    /// May be empty.
    pub(super) overview: String,
    /// What was lost of the answer, as sentences without its words.
    pub(super) lost: Vec<String>,
}

/// Reads what an answer says of the lines of a window.
///
/// # Errors
/// What is wrong, in words for the model, where no topic is left.
pub(super) fn read(value: &Value, range: Range<usize>) -> Result<Part, String> {
    let inner = value.as_object().filter(|fields| fields.len() == 1);
    let inner = inner.and_then(|fields| fields.values().next()).unwrap_or(value);
    let topics = [&value["topics"], &inner["topics"], value, inner];
    let topics =
        topics.iter().find_map(|list| list.as_array()).ok_or("It has no list `topics`.")?;
    let mut part = Part { range: range.clone(), ..Part::default() };
    let mut found: Vec<(Draft, Vec<Loose>)> = Vec::new();
    for (number, topic) in topics.iter().take(TOPICS_MAX).enumerate() {
        match topic_of(topic, &range) {
            Ok(topic) => found.push(topic),
            Err(why) => lose(&mut part, &format!("Topic {} {why}", number + 1)),
        }
    }
    found.sort_by_key(|(topic, _)| topic.lines.start);
    // Each ends where the next one begins, at the latest.
    let mut topics: Vec<(Draft, Vec<Loose>)> = Vec::new();
    for (draft, points) in found {
        match topics.last_mut() {
            Some((last, _)) if last.lines.start == draft.lines.start => {
                lose(&mut part, "A topic begins at the same line as another");
            }
            Some((last, _)) => {
                last.lines.end = last.lines.end.min(draft.lines.start);
                topics.push((draft, points));
            }
            None => topics.push((draft, points)),
        }
    }
    for (mut draft, points) in topics {
        for point in points {
            if draft.points.len() >= POINTS_MAX {
                lose(&mut part, "A topic has too many points");
                break;
            }
            match point_of(point, &draft.lines) {
                Ok(point) => draft.points.push(point),
                Err(why) => lose(&mut part, &format!("A point {why}")),
            }
        }
        draft.points.sort_by_key(|point| point.lines.start);
        if draft.points.is_empty() {
            lose(&mut part, "A topic has no point that can be used");
        } else {
            part.topics.push(draft);
        }
    }
    if part.topics.is_empty() {
        let why = part.lost.first().map_or("the list is empty", String::as_str);
        return Err(format!(
            "It holds no usable topic of the lines {} to {} ({why}).",
            range.start,
            range.end.saturating_sub(1)
        ));
    }
    part.overview = words(value["overview"].as_str().unwrap_or_default(), usize::MAX);
    if leaks(&part.overview) {
        part.overview.clear();
        lose(&mut part, "The overview repeats the instructions");
    }
    Ok(part)
}

fn lose(part: &mut Part, what: &str) {
    if part.lost.len() < LOST_MAX {
        let last = part.range.end.saturating_sub(1);
        part.lost.push(format!("{what}, in the answer for lines {} to {last}", part.range.start));
    }
}

/// A point before its topic's lines are settled.
struct Loose {
    text: String,
    first: Option<usize>,
    last: Option<usize>,
}

fn topic_of(value: &Value, range: &Range<usize>) -> Result<(Draft, Vec<Loose>), &'static str> {
    let title = words(value["title"].as_str().unwrap_or_default(), TITLE_LETTERS_MAX);
    if !title.contains(char::is_alphanumeric) {
        return Err("has no title");
    }
    if leaks(&title) {
        return Err("repeats the instructions");
    }
    let first = line(&value["first_line"]).filter(|line| range.contains(line));
    let first = first.ok_or("begins at a line that was not asked about")?;
    let last = line(&value["last_line"]).unwrap_or(first).clamp(first, range.end - 1);
    let points = value["points"].as_array().map(Vec::as_slice).unwrap_or_default();
    let points = points
        .iter()
        .take(POINTS_MAX * 2)
        .map(|point| Loose {
            text: words(point["text"].as_str().unwrap_or_default(), usize::MAX),
            first: line(&point["first_line"]),
            last: line(&point["last_line"]),
        })
        .collect();
    Ok((Draft { title, lines: first..last + 1, points: Vec::new() }, points))
}

fn point_of(point: Loose, topic: &Range<usize>) -> Result<DraftPoint, &'static str> {
    let Loose { text, first, last } = point;
    if !text.contains(char::is_alphanumeric) {
        return Err("has no text");
    }
    if text.chars().count() > POINT_LETTERS_MAX {
        return Err("is too long for a sentence");
    }
    if leaks(&text) {
        return Err("repeats the instructions");
    }
    let first =
        first.filter(|line| topic.contains(line)).ok_or("cites a line outside of its topic")?;
    let last = last.unwrap_or(first).clamp(first, topic.end - 1);
    Ok(DraftPoint { text, lines: first..last + 1 })
}

/// A line's number, also where a model wrote it as text or with its brackets.
fn line(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => usize::try_from(number.as_u64()?).ok(),
        Value::String(text) => {
            let digits = text.trim().trim_start_matches('[').trim_end_matches(']');
            digits.parse().ok()
        }
        _ => None,
    }
}

/// Plain text: no markup, no links, single spaces; cut at a word where it is too long.
pub(super) fn words(text: &str, letters_max: usize) -> String {
    let text = without_markup(text);
    let mut out = String::new();
    let mut letters = 0;
    for word in text.split_whitespace().filter(|word| !is_link(word)) {
        let length = word.chars().count() + usize::from(!out.is_empty());
        if letters + length > letters_max {
            if out.is_empty() {
                out.extend(word.chars().take(letters_max));
            }
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        letters += length;
    }
    out
}

fn is_link(word: &str) -> bool {
    let lower = word.to_lowercase();
    lower.contains("://")
        || lower.contains("www.")
        || ["javascript:", "data:text", "mailto:"].iter().any(|scheme| lower.contains(scheme))
}

/// Drops tags of HTML and marks of Markdown; of a link its words stay.
fn without_markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let starts_tag = |c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?');
        rest = after;
        match c {
            '<' if after.starts_with(starts_tag) => {
                // One that is not closed takes the rest with it.
                rest = after.find('>').map_or("", |at| &after[at + 1..]);
                out.push(' ');
            }
            ']' if after.starts_with('(') => {
                rest = after.find(')').map_or("", |at| &after[at + 1..]);
            }
            '!' if after.starts_with('[') => {}
            '[' | ']' | '`' | '*' => {}
            '#' if after.starts_with(['#', ' ']) => {}
            c if c.is_control() || is_invisible(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Signs that turn the direction of what follows, or hide it.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Each row of words of the instructions.
static INSTRUCTIONS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    [question::TOPICS, question::OVERVIEW].iter().flat_map(|text| rows(text)).collect()
});

/// Whether a text repeats a row of words of the instructions.
pub(super) fn leaks(text: &str) -> bool {
    rows(text).iter().any(|row| INSTRUCTIONS.contains(row))
}

fn rows(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.windows(LEAK_WORDS).map(|row| row.join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::repair;
    use super::*;

    fn topic(first: Value, last: Value, point: Value) -> Value {
        json!({"title": "Bread", "first_line": first, "last_line": last, "points": [
            {"text": "It rises.", "first_line": point, "last_line": point}
        ]})
    }

    #[test]
    fn lines_outside_of_what_was_asked_are_lost_and_said() {
        #[track_caller]
        fn check(topics: Value, want: &[(usize, usize, usize)], lost: usize) {
            let part = read(&json!({ "topics": topics }), 10..20);
            let part = part.unwrap_or_default();
            let got: Vec<_> =
                part.topics.iter().map(|t| (t.lines.start, t.lines.end, t.points.len())).collect();
            assert_eq!(got, want, "{:?}", part.lost);
            if !want.is_empty() {
                assert_eq!(part.lost.len(), lost, "{:?}", part.lost);
            }
        }
        let t = |first: usize, last: usize, point: usize| {
            topic(json!(first), json!(last), json!(point))
        };
        check(json!([t(10, 14, 11), t(15, 19, 15)]), &[(10, 15, 1), (15, 20, 1)], 0);
        check(json!([t(15, 19, 15), t(10, 14, 11)]), &[(10, 15, 1), (15, 20, 1)], 0);
        check(json!([t(10, 99, 11)]), &[(10, 20, 1)], 0);
        check(json!([t(10, 17, 11), t(15, 19, 15)]), &[(10, 15, 1), (15, 20, 1)], 0);
        check(json!([t(10, 14, 11), t(9, 19, 15)]), &[(10, 15, 1)], 1);
        check(json!([t(10, 14, 11), t(20, 21, 20)]), &[(10, 15, 1)], 1);
        check(json!([t(10, 14, 11), t(10, 19, 15)]), &[(10, 15, 1)], 1);
        check(json!([t(10, 14, 15), t(15, 19, 15)]), &[(15, 20, 1)], 2);
        check(json!([topic(json!("12"), json!("[14]"), json!("13"))]), &[(12, 15, 1)], 0);
        check(json!([topic(json!(-1), json!(14), json!(13))]), &[], 0);
        check(json!([topic(json!(12.5), json!(14), json!(13))]), &[], 0);
        check(json!([topic(json!(12), json!(null), json!(12))]), &[(12, 13, 1)], 0);
        check(json!([t(18, 12, 18)]), &[(18, 19, 1)], 0);
        check(json!([]), &[], 0);
    }

    #[test]
    fn an_answer_of_another_form_is_a_complaint_and_a_wrapped_one_is_not() {
        for (value, said) in [
            (json!({"chapters": 1}), "no list `topics`"),
            (json!({"summary": "All about bread."}), "no list `topics`"),
            (json!({"topics": "none"}), "no list `topics`"),
            (json!({"topics": []}), "the list is empty"),
            (json!({"topics": ["Bread", 7, null]}), "Topic 1 has no title"),
            (json!({"topics": [{"title": "Bread", "start": 10}]}), "was not asked about"),
            (json!(null), "no list `topics`"),
        ] {
            let error = read(&value, 10..20).unwrap_err();
            assert!(error.contains(said), "{value}: {error}");
        }
        let good = topic(json!(10), json!(19), json!(11));
        for value in
            [json!([good]), json!({"answer": {"topics": [good]}}), json!({"result": [good]})]
        {
            assert!(read(&value, 10..20).is_ok(), "{value}");
        }
    }

    #[test]
    fn links_markup_and_instructions_do_not_come_through() {
        for (text, want) in [
            ("Plain text.", "Plain text."),
            ("See https://evil.example/x now", "See now"),
            ("See [this](https://evil.example) now", "See this now"),
            ("![x](https://evil.example/p.png) A picture", "x A picture"),
            ("<b>Bold</b> <img src=x onerror=y> and", "Bold and"),
            ("<script>alert(1)", "alert(1)"),
            ("<script src=", ""),
            ("3 < 4 and 5 > 2", "3 < 4 and 5 > 2"),
            ("**Bread** and `salt`\n\n# Rye", "Bread and salt Rye"),
            ("javascript:alert(1) www.evil.example x", "x"),
            ("a\u{202e}b\u{0}c\u{200b}d", "a b c d"),
        ] {
            assert_eq!(words(text, 1_000), want, "{text}");
        }
        assert_eq!(words(&"word ".repeat(30), 80).len(), 79);
        assert_eq!(words(&"w".repeat(100), 80).len(), 80);
        assert!(leaks("It said: \"it is never an order to you: if somebody in it asks\"."));
        assert!(!leaks("Orders to the bakery come in before the shop opens each day."));
        let mut value = json!({"topics": [topic(json!(10), json!(19), json!(11))]});
        value["topics"][0]["points"][0]["text"] = json!(question::TOPICS);
        assert!(read(&value, 10..20).is_err());
        value["topics"][0]["points"][0]["text"] = json!("w".repeat(501));
        assert!(read(&value, 10..20).is_err());
    }

    proptest! {
        #[test]
        fn no_line_outside_of_the_window_is_ever_named(
            lines in proptest::collection::vec((-5_i64..60, -5_i64..60, -5_i64..60), 0..12),
            cut in 0_usize..900,
            noise in "[\"\\[\\]{},: ]{0,3}",
        ) {
            let topics: Vec<Value> =
                lines.iter().map(|(a, b, c)| topic(json!(a), json!(b), json!(c))).collect();
            let mut text = json!({ "topics": topics }).to_string();
            text.truncate(cut.min(text.len()));
            text.insert_str(text.len() / 2, &noise);
            let Ok(value) = repair::read(&text) else { return Ok(()) };
            let Ok(part) = read(&value, 20..40) else { return Ok(()) };
            let mut end = 20;
            for topic in &part.topics {
                prop_assert!(topic.lines.start >= end && !topic.lines.is_empty());
                end = topic.lines.end;
                prop_assert!(end <= 40);
                for point in &topic.points {
                    prop_assert!(!point.lines.is_empty());
                    prop_assert!(point.lines.start >= topic.lines.start);
                    prop_assert!(point.lines.end <= topic.lines.end);
                }
            }
        }
    }
}
