//! Files of chapters as the podcast namespace has them (`application/json+chapters`, 1.x).

use serde_json::Value;

use crate::domain::outline::Chapter;

use crate::letters::decode::decode;

use super::{TITLE_CHARS_MAX, duration, in_order, text};

/// Why a file of chapters could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChaptersError {
    /// It is no JSON.
    #[error(
        "the file of chapters is not JSON: line {line}, column {column} is not as it should be"
    )]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// It is JSON without a list of chapters.
    #[error("the file has no list called “chapters”")]
    NoList,
    /// None of its chapters has a start that can be used.
    #[error("none of the file's {0} chapters has a start time that can be read")]
    NoStarts(usize),
}

/// Reads a file of chapters: by time, those that are not for the table of contents (`"toc": false`)
/// and those without a usable start left out, at most 5,000.
///
/// # Errors
/// [`ChaptersError::Json`], [`ChaptersError::NoList`] for other JSON, [`ChaptersError::NoStarts`]
/// where there are chapters and no start can be read.
pub fn chapters(bytes: &[u8]) -> Result<Vec<Chapter>, ChaptersError> {
    let text = decode(bytes, None).text;
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| ChaptersError::Json { line: error.line(), column: error.column() })?;
    let list = match &value {
        Value::Array(list) => list,
        other => other.get("chapters").and_then(Value::as_array).ok_or(ChaptersError::NoList)?,
    };
    let mut found = Vec::new();
    let mut readable = 0usize;
    for entry in list {
        let Some(start_ms) = entry.get("startTime").and_then(start) else { continue };
        readable += 1;
        // Some write `"toc": "false"`.
        let hidden =
            entry.get("toc").is_some_and(|toc| toc == &Value::Bool(false) || toc == "false");
        if !hidden {
            let title = entry.get("title").and_then(Value::as_str).unwrap_or_default();
            found.push(Chapter { start_ms, title: text::line(title, TITLE_CHARS_MAX) });
        }
    }
    if readable == 0 && !list.is_empty() {
        return Err(ChaptersError::NoStarts(list.len()));
    }
    Ok(in_order(found))
}

/// Seconds as a number, or as text (`62.5`, `1:02.5`).
fn start(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => duration::from_seconds(number.as_f64()?),
        Value::String(text) => duration::parse(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, want: &[(u64, &str)]) {
        let found = chapters(json.as_bytes()).unwrap();
        let found: Vec<_> = found.iter().map(|c| (c.start_ms, c.title.as_str())).collect();
        assert_eq!(found, want, "{json}");
    }

    #[test]
    fn chapters_come_by_time_and_hidden_ones_are_left_out() {
        check(
            r#"{"version": "1.2.0", "chapters": [
                {"startTime": 60.5, "title": " Second\n one ", "img": "x"}, {"startTime": 0, "title": "First"},
                {"startTime": "1:02:03", "title": "Third"}, {"startTime": "70"},
                {"startTime": 80, "title": "An image", "toc": false}, {"startTime": 81, "toc": true, "title": "B"}]}"#,
            &[
                (0, "First"),
                (60_500, "Second one"),
                (70_000, ""),
                (81_000, "B"),
                (3_723_000, "Third"),
            ],
        );
        check("\u{feff}{\"chapters\": []}", &[]);
        check(r#"{"chapters": [{"startTime": 0, "toc": false}]}"#, &[]);
        check(
            r#"[{"startTime": 1, "title": "A"}, {"startTime": 1, "title": "B"}]"#,
            &[(1_000, "A")],
        );
    }

    #[test]
    fn hostile_starts_are_skipped() {
        let hostile = r#"{"chapters": [{"startTime": -1}, {"startTime": 1e300}, {"startTime": null}, {},
            {"startTime": "NaN"}, {"startTime": [1]}, 7, {"startTime": 5, "title": {"a": 1}}]}"#;
        check(hostile, &[(5_000, "")]);
    }

    #[test]
    fn what_is_no_file_of_chapters_is_told() {
        let check = |bytes: &[u8], want: ChaptersError| assert_eq!(chapters(bytes), Err(want));
        check(b"", ChaptersError::Json { line: 1, column: 0 });
        check(b"<html>", ChaptersError::Json { line: 1, column: 1 });
        check(&b"[".repeat(100_000), ChaptersError::Json { line: 1, column: 128 });
        check(b"{}", ChaptersError::NoList);
        check(b"{\"chapters\": 1}", ChaptersError::NoList);
        check(b"{\"chapters\": [{}, {\"startTime\": -1}]}", ChaptersError::NoStarts(2));
    }

    #[test]
    fn chapters_beyond_the_bound_are_left_out() {
        let many: Vec<String> = (0..6_000).map(|n| format!("{{\"startTime\": {n}}}")).collect();
        let found = chapters(format!("[{}]", many.join(",")).as_bytes()).unwrap();
        assert_eq!(found.len(), super::super::CHAPTERS_MAX);
    }
}
