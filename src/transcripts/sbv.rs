//! SubViewer as YouTube writes it: `0:00:01.000,0:00:02.500`, the text, a blank line.

use super::lines::{Lines, append_line};
use super::{Refusal, Sheet, WrittenCue, srt, stamp};

pub(super) fn parse(text: &str, sheet: &mut Sheet) -> Result<(), Refusal> {
    if !sheet.strict {
        // Text after a blank line inside a cue is kept with it.
        return srt::blocks(text, sheet, times, clean);
    }
    let mut open: Option<WrittenCue> = None;
    for (number, line) in Lines::of(text) {
        if let Some((start, end)) = times(line) {
            if let Some(cue) = open.take() {
                sheet.push(cue)?;
            }
            let (start_ms, end_ms) = (Some(start), Some(end));
            open = Some(WrittenCue { start_ms, end_ms, ..WrittenCue::default() });
        } else if line.trim().is_empty() {
            if let Some(cue) = open.take() {
                sheet.push(cue)?;
            }
        } else {
            match &mut open {
                Some(cue) => append_line(&mut cue.text, &clean(line)),
                None => sheet.skipped.note(number, "this text has no times"),
            }
        }
    }
    open.map_or(Ok(()), |cue| sheet.push(cue))
}

/// Both times of a line that holds nothing else.
pub(super) fn times(line: &str) -> Option<(u64, u64)> {
    // The comma parts the two, so that a fraction needs its dot.
    let (start, end) = line.trim().split_once(',')?;
    if !start.contains('.') {
        return None;
    }
    Some((stamp::whole(start)?, stamp::whole(end)?))
}

fn clean(text: &str) -> String {
    text.replace("[br]", "\n")
}
