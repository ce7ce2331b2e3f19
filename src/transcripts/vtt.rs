//! WebVTT, by the parser of the W3C specification (sections 6.1 to 6.4); loosely for [`super::read`].

use super::lines::{Lines, append_line};
use super::markup::{Piece, Pieces, unescape};
use super::{Refusal, Sheet, WrittenCue, srt, stamp};

pub(super) fn parse(text: &str, sheet: &mut Sheet) -> Result<(), Refusal> {
    let mut lines = Lines::of(text).skip_while(|(_, line)| !line.contains("WEBVTT")).peekable();
    lines.next();
    // The header runs to a blank line or to the first timing.
    while let Some((_, line)) = lines.peek() {
        if line.is_empty() || is_timing(line, sheet.strict) {
            break;
        }
        if sheet.language.is_none() {
            sheet.language = header_value(line, "language");
        }
        lines.next();
    }

    let mut block = Block::default();
    let mut last_has_cue = false;
    for (number, line) in lines {
        if line.is_empty() {
            last_has_cue = block.close(sheet, last_has_cue)?;
        } else if is_timing(line, sheet.strict) {
            // A timing after the text, or after another timing, begins a cue without a blank line.
            if block.lines > 1 || block.timed {
                last_has_cue = block.close(sheet, last_has_cue)?;
            }
            block.timed = true;
            block.number = number;
            block.text.clear();
            block.lines += 1;
            block.times = stamp::range(line, sheet.strict);
            if block.times.is_none() {
                sheet.skipped.note(number, srt::BAD_TIMES);
            }
        } else {
            if block.lines == 0 {
                block.number = number;
            }
            block.lines += 1;
            append_line(&mut block.text, line);
        }
    }
    block.close(sheet, last_has_cue)?;
    Ok(())
}

/// The specification goes by the arrow alone; a file with another arrow or comma has it in a line
/// that can be read as times.
fn is_timing(line: &str, strict: bool) -> bool {
    line.contains("-->") || (!strict && stamp::range(line, false).is_some())
}

fn header_value(line: &str, name: &str) -> Option<String> {
    let (key, value) = line.split_once(':')?;
    let value = value.trim();
    (key.trim().eq_ignore_ascii_case(name) && !value.is_empty() && value.len() <= 64)
        .then(|| value.to_owned())
}

/// The lines between two blank ones.
#[derive(Default)]
struct Block {
    text: String,
    lines: usize,
    number: usize,
    timed: bool,
    times: Option<(u64, u64)>,
}

impl Block {
    /// Writes the block down and empties it; whether a text after it may belong to a cue.
    fn close(&mut self, sheet: &mut Sheet, last_has_cue: bool) -> Result<bool, Refusal> {
        let block = std::mem::take(self);
        if block.lines == 0 {
            return Ok(last_has_cue);
        }
        if let Some((start, end)) = block.times {
            push(sheet, start, end, &block.text)?;
            return Ok(true);
        }
        if block.timed && (sheet.strict || block.text.is_empty()) {
            return Ok(last_has_cue && !sheet.strict);
        }
        let word = block.text.split([' ', '\t', '\n']).next().unwrap_or("");
        if !block.timed && matches!(word, "NOTE" | "STYLE" | "REGION") {
            return Ok(false);
        }
        match sheet.cues.last_mut() {
            // A blank line inside a cue: by the letter its rest is lost, here it is not.
            Some(cue) if !sheet.strict && last_has_cue => {
                append_line(&mut cue.text, &voices(&block.text).1);
                Ok(true)
            }
            _ => {
                sheet.skipped.note(block.number, "this text has no times");
                Ok(false)
            }
        }
    }
}

fn push(sheet: &mut Sheet, start: u64, end: u64, source: &str) -> Result<(), Refusal> {
    let (parts, text) = voices(source);
    let cue = |speaker: Option<String>, text: String| WrittenCue {
        start_ms: Some(start),
        end_ms: Some(end),
        speaker,
        text,
    };
    let named = parts.iter().filter(|(name, _)| name.is_some()).count();
    if sheet.strict || named < 2 {
        let speaker = parts.into_iter().find_map(|(name, _)| name);
        return sheet.push(cue(speaker, text));
    }
    for (speaker, text) in parts {
        sheet.push(cue(speaker, text))?;
    }
    Ok(())
}

/// What each voice says, and the whole without its tags.
fn voices(source: &str) -> (Vec<(Option<String>, String)>, String) {
    let source = source.replace('\0', "\u{fffd}");
    let (mut parts, mut whole) = (Vec::new(), String::with_capacity(source.len()));
    let (mut speaker, mut part) = (None, String::new());
    for piece in Pieces::of(&source) {
        match piece {
            Piece::Words(words) => {
                let words = unescape(words);
                whole.push_str(&words);
                part.push_str(&words);
            }
            Piece::Tag(tag) if tag == "/v" || tag.starts_with("v ") || tag.starts_with("v.") => {
                if !part.trim().is_empty() {
                    parts.push((speaker.take(), std::mem::take(&mut part)));
                }
                speaker = tag.split_once(char::is_whitespace).and_then(|(_, name)| {
                    let name = unescape(name.trim()).into_owned();
                    (!name.is_empty()).then_some(name)
                });
            }
            Piece::Tag(_) => {}
        }
    }
    if !part.trim().is_empty() {
        parts.push((speaker, part));
    }
    (parts, whole)
}
