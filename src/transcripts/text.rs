//! Plain text, as people keep transcripts: paragraphs, with or without names and times.

use super::lines::{Lines, append_line};
use super::speakers::{self, Cast};
use super::{Refusal, Sheet, WrittenCue, cut, stamp};

/// A name may stand before a time; what comes later in a line is prose.
const NAME_BYTES_MAX: usize = 64;

/// A piece between two blank lines, stamps or labels.
#[derive(Default)]
struct Paragraph {
    start: Option<u64>,
    end: Option<u64>,
    speaker: Option<String>,
    text: String,
}

pub(super) fn parse(text: &str, sheet: &mut Sheet) -> Result<(), Refusal> {
    let cast = cast(text);
    let mut paragraphs = paragraphs(text, &cast, true)?;
    let timed = are_times(&paragraphs);
    if !timed {
        paragraphs = self::paragraphs(text, &cast, false)?;
    }
    let mut current: Option<String> = None;
    for paragraph in paragraphs {
        if paragraph.speaker.is_some() {
            current = paragraph.speaker;
        }
        let text = paragraph.text.trim();
        if text.is_empty() {
            continue;
        }
        let cue = |start_ms, text: &str| WrittenCue {
            start_ms,
            end_ms: paragraph.end,
            speaker: current.clone(),
            text: text.to_owned(),
        };
        if timed {
            sheet.push(cue(paragraph.start, text))?;
        } else {
            for sentence in cut::sentences(text) {
                sheet.push(cue(None, sentence))?;
            }
        }
    }
    Ok(())
}

/// Which labels are speakers', counted over paragraphs, or over lines where each line has one.
fn cast(text: &str) -> Cast {
    let lines = Lines::of(text).map(|(_, line)| line.trim()).filter(|line| !line.is_empty());
    Cast::of(lines.map(|line| match head(line) {
        Some(head) if head.name.is_none() => head.rest,
        _ => line,
    }))
}

fn paragraphs(text: &str, cast: &Cast, stamps: bool) -> Result<Vec<Paragraph>, Refusal> {
    let mut done: Vec<Paragraph> = Vec::new();
    let mut open = Paragraph::default();
    // A text without stamps is bounded by its bytes; each paragraph holds a line of it.
    let mut close = |open: &mut Paragraph| {
        let paragraph = std::mem::take(open);
        if done.len() > super::CUES_MAX {
            return Err(Refusal::TooManyCues);
        }
        if paragraph.start.is_some() || paragraph.speaker.is_some() || !paragraph.text.is_empty() {
            done.push(paragraph);
        }
        Ok(())
    };
    for (_, line) in Lines::of(text) {
        let mut line = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if line.is_empty() {
            // A time or a name alone belongs to the words that follow it.
            if !open.text.is_empty() {
                close(&mut open)?;
            }
            continue;
        }
        if let Some(head) = head(line).filter(|_| stamps) {
            // A name alone on the line before belongs to this time.
            let waiting = open.text.is_empty() && open.start.is_none();
            let name = if waiting { open.speaker.take() } else { None };
            close(&mut open)?;
            open.start = Some(head.start);
            open.end = head.end;
            open.speaker = head.name.map(str::to_owned).or(name);
            line = head.rest;
        }
        if let Some((name, rest)) = cast.says(line) {
            if !open.text.is_empty() || open.speaker.is_some() {
                close(&mut open)?;
            }
            open.speaker = Some(name.to_owned());
            line = rest;
        }
        if !line.is_empty() {
            append_line(&mut open.text, line);
        }
    }
    close(&mut open)?;
    Ok(done)
}

/// Stamps are times where there are two of them, or one at the top, and they mostly ascend.
fn are_times(paragraphs: &[Paragraph]) -> bool {
    let starts: Vec<u64> = paragraphs.iter().filter_map(|paragraph| paragraph.start).collect();
    let first = paragraphs.first().is_some_and(|paragraph| paragraph.start.is_some());
    let falls = starts.windows(2).filter(|pair| pair[1] < pair[0]).count();
    (starts.len() >= 2 || first)
        && falls * 5 <= starts.len()
        && starts.len() * 10 >= paragraphs.len()
}

/// What a line with a time begins with.
struct Head<'a> {
    start: u64,
    end: Option<u64>,
    name: Option<&'a str>,
    rest: &'a str,
}

/// `[00:12:34] words`, `(12:34)`, `00:12:34 words`, `Name (00:01): words`, `Name 00:01`.
fn head(line: &str) -> Option<Head<'_>> {
    if let Some((start, end, rest)) = time(line) {
        return Some(Head { start, end, name: None, rest: after(rest) });
    }
    let mut before = ' ';
    for (at, c) in line.char_indices().take_while(|(at, _)| *at <= NAME_BYTES_MAX) {
        let bracket = matches!(c, '(' | '[');
        let parted = before.is_whitespace() || bracket;
        before = c;
        if at == 0 || !parted || !(bracket || c.is_ascii_digit()) {
            continue;
        }
        let Some((start, end, rest)) = time(&line[at..]) else {
            continue;
        };
        let name = line[..at].trim_end_matches(|c: char| c.is_whitespace() || ":-–—|,".contains(c));
        let rest = after(rest);
        // Bare times within a line are prose unless nothing follows.
        if !speakers::is_name(name) || !(bracket || rest.is_empty()) {
            return None;
        }
        return Some(Head { start, end, name: Some(name), rest });
    }
    None
}

fn after(rest: &str) -> &str {
    rest.trim_start_matches(|c: char| c.is_whitespace() || ":-–—|".contains(c))
}

/// A time, bracketed or bare, perhaps with its end, and what follows.
fn time(text: &str) -> Option<(u64, Option<u64>, &str)> {
    let close = match text.chars().next()? {
        '[' => Some(']'),
        '(' => Some(')'),
        _ => None,
    };
    let inner = if close.is_some() { text[1..].trim_start() } else { text };
    let (start, rest) = stamp::loose(inner)?;
    let (end, rest) = match range_end(rest) {
        Some((end, rest)) => (Some(end), rest),
        None => (None, rest),
    };
    match close {
        Some(close) => Some((start, end, rest.trim_start().strip_prefix(close)?)),
        // `10:30am` is a time of day, `3:1` a score.
        None => {
            let parted = rest.is_empty() || rest.starts_with([' ', '\t', '-', '–', '|', ':']);
            let digits =
                inner[..inner.len() - rest.len()].bytes().filter(u8::is_ascii_digit).count();
            (parted && digits >= 3).then_some((start, end, rest))
        }
    }
}

fn range_end(rest: &str) -> Option<(u64, &str)> {
    let rest = rest.trim_start();
    let rest = ["-->", "->", "-", "–", "—"].iter().find_map(|mark| rest.strip_prefix(mark))?;
    stamp::loose(rest.trim_start())
}
