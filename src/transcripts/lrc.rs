//! LRC: stamps in square brackets before each line, several where a line is sung again.

use super::lines::Lines;
use super::{Refusal, Sheet, WrittenCue, markup, stamp};

pub(super) fn parse(text: &str, sheet: &mut Sheet) -> Result<(), Refusal> {
    let mut offset_ms = 0i64;
    for (number, line) in Lines::of(text) {
        let mut rest = line.trim();
        let mut starts = Vec::new();
        while let Some((start, after)) = bracketed(rest) {
            starts.push(start);
            rest = after.trim_start();
        }
        if starts.is_empty() {
            match tag(rest) {
                // A positive offset means sooner.
                Some(("offset", value)) => offset_ms = value.trim().parse().unwrap_or(0),
                Some(("la" | "lang" | "language", value)) => {
                    sheet.language = Some(value.trim().to_owned());
                }
                Some(_) => {}
                None if rest.is_empty() => {}
                None => sheet.skipped.note(number, "this line has no time"),
            }
            continue;
        }
        let words = markup::plain(rest);
        for start in starts {
            sheet.push(WrittenCue {
                start_ms: Some(start.saturating_add_signed(offset_ms.saturating_neg())),
                text: words.clone(),
                ..WrittenCue::default()
            })?;
        }
    }
    // A line sung again stands where it is sung first.
    sheet.cues.sort_by_key(|cue| cue.start_ms);
    Ok(())
}

/// A stamp in square brackets and what follows it.
pub(super) fn bracketed(text: &str) -> Option<(u64, &str)> {
    let inner = text.strip_prefix('[')?;
    let (ms, rest) = stamp::loose(inner)?;
    Some((ms, rest.strip_prefix(']')?))
}

/// `[key:value]` alone on its line.
pub(super) fn tag(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim().strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
    let known = ["ti", "ar", "al", "au", "by", "re", "ve", "tool", "offset", "length", "la"];
    let known = known.contains(&key) || key == "lang" || key == "language" || key == "lr";
    (known || key.starts_with('#')).then_some((key, value))
}
