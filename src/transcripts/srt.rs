//! SubRip, which has no specification: a line with two times begins a cue, all up to the next such
//! line is its text, and a number right above such a line is an index.

use super::lines::{Lines, append_line};
use super::{Refusal, Sheet, WrittenCue, markup, stamp};

/// Said of a line of times that is none; its words are not lost.
pub(super) const BAD_TIMES: &str =
    "the times of this cue cannot be read, so that its words are with the cue before";

pub(super) fn parse(text: &str, sheet: &mut Sheet) -> Result<(), Refusal> {
    blocks(text, sheet, |line| stamp::range(line, false), clean)
}

/// Reads a format of blocks that each begin with a line of times.
pub(super) fn blocks(
    text: &str,
    sheet: &mut Sheet,
    times: impl Fn(&str) -> Option<(u64, u64)>,
    clean: impl Fn(&str) -> String,
) -> Result<(), Refusal> {
    let mut open: Option<(u64, u64)> = None;
    let mut body: Vec<&str> = Vec::new();
    // Whether the file numbers its cues: then a number above a timing is an index even where no
    // blank line parts it from the text.
    let mut indexed: Option<bool> = None;
    for (number, line) in Lines::of(text) {
        let Some(range) = times(line) else {
            if line.contains("-->") && line.contains(':') {
                sheet.skipped.note(number, BAD_TIMES);
                if !sheet.strict {
                    body.pop_if(|line| is_index(line));
                    continue;
                }
            }
            body.push(line);
            continue;
        };
        let has_index = body.last().is_some_and(|line| is_index(line))
            && (body.len() < 2 || body[body.len() - 2].trim().is_empty() || indexed == Some(true));
        indexed.get_or_insert(has_index);
        if has_index {
            body.pop();
        }
        close(sheet, open.replace(range), &mut body, number, &clean)?;
    }
    let last_line = usize::MAX;
    close(sheet, open, &mut body, last_line, &clean)
}

fn close(
    sheet: &mut Sheet,
    open: Option<(u64, u64)>,
    body: &mut Vec<&str>,
    number: usize,
    clean: &impl Fn(&str) -> String,
) -> Result<(), Refusal> {
    let mut text = String::new();
    for line in body.drain(..).filter(|line| !line.trim().is_empty()) {
        append_line(&mut text, line);
    }
    match open {
        Some((start, end)) => sheet.push(WrittenCue {
            start_ms: Some(start),
            end_ms: Some(end),
            speaker: None,
            text: clean(&text),
        }),
        None => {
            if !text.is_empty() && number != usize::MAX {
                sheet.skipped.note(1, "there is text before the first time");
            }
            Ok(())
        }
    }
}

fn is_index(line: &str) -> bool {
    let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    !line.is_empty() && line.len() <= 9 && line.bytes().all(|b| b.is_ascii_digit())
}

/// Without tags and without the braces of SubStation (`{\an8}`).
fn clean(text: &str) -> String {
    let plain = markup::plain(text);
    if !plain.contains("{\\") {
        return plain;
    }
    let mut out = String::with_capacity(plain.len());
    let mut rest = plain.as_str();
    while let Some(at) = rest.find("{\\") {
        let Some(len) = rest[at..].find('}') else {
            break;
        };
        out.push_str(&rest[..at]);
        rest = &rest[at + len + 1..];
    }
    out.push_str(rest);
    out
}
