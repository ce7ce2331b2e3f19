//! Captions that roll: each shows the line before again, so that every line would be said twice.

use super::WrittenCue;

/// Captions show two lines, rarely four; more are never compared.
const LINES_MAX: usize = 4;

/// A caption repeats the one that just went: a real repetition comes after a pause or in a file
/// that does not roll.
const PAUSE_MS_MAX: u64 = 250;

/// Leaves each line only where it is said first, where the file as a whole rolls.
pub(super) fn say_once(cues: &mut Vec<WrittenCue>) {
    if !rolls(cues) {
        return;
    }
    let mut fresh: Vec<Option<String>> = Vec::with_capacity(cues.len());
    let mut before: Option<&WrittenCue> = None;
    for cue in cues.iter() {
        if cue.text.trim().is_empty() {
            fresh.push(None);
            continue;
        }
        let new = match before.and_then(|before| repeated(before, cue)) {
            Some(bytes) => cue.text[bytes..].trim(),
            None => cue.text.trim(),
        };
        fresh.push((!new.is_empty()).then(|| new.to_owned()));
        before = Some(cue);
    }
    let mut fresh = fresh.into_iter();
    cues.retain_mut(|cue| match fresh.next().flatten() {
        Some(text) => {
            cue.text = text;
            true
        }
        None => false,
    });
}

/// Whether at least two cues, and a third of all, repeat the one before.
fn rolls(cues: &[WrittenCue]) -> bool {
    let (mut pairs, mut repeats) = (0usize, 0usize);
    let mut before: Option<&WrittenCue> = None;
    for cue in cues.iter().filter(|cue| !cue.text.trim().is_empty()) {
        if let Some(before) = before {
            pairs += 1;
            repeats += usize::from(repeated(before, cue).is_some());
        }
        before = Some(cue);
    }
    repeats >= 2 && repeats * 3 >= pairs
}

/// How many bytes of a cue's text the one before has shown: its last lines again, or its last line
/// grown by some words.
fn repeated(before: &WrittenCue, cue: &WrittenCue) -> Option<usize> {
    let end = before.end_ms.or(before.start_ms)?;
    if cue.start_ms? > end.saturating_add(PAUSE_MS_MAX) {
        return None;
    }
    let shown: Vec<&str> = {
        let mut lines: Vec<&str> = lines(&before.text).rev().take(LINES_MAX).map(|l| l.1).collect();
        lines.reverse();
        lines
    };
    let now: Vec<(usize, &str)> = lines(&cue.text).take(LINES_MAX).collect();
    for count in (1..=shown.len().min(now.len())).rev() {
        let same = shown[shown.len() - count..].iter().zip(&now).all(|(a, b)| *a == b.1);
        if same {
            return Some(now[count - 1].0);
        }
    }
    // Fewer lines of the same, as when a finished one leaves.
    if now.len() < LINES_MAX && now.iter().all(|(_, line)| shown.contains(line)) {
        return now.last().map(|(end, _)| *end);
    }
    let (last, first) = (shown.last()?, now.first()?);
    let grown = first.1.strip_prefix(*last)?;
    // Two words at least, or any "I" would count as the head of the next sentence.
    let long = last.split_whitespace().nth(1).is_some();
    (long && grown.starts_with(' ')).then(|| first.0 - grown.len())
}

/// The lines that hold something, trimmed, each with the byte after it.
fn lines(text: &str) -> impl DoubleEndedIterator<Item = (usize, &str)> {
    text.split('\n').map(str::trim).filter(|line| !line.is_empty()).map(|line| {
        // Both lie in the same text.
        (line.as_ptr() as usize - text.as_ptr() as usize + line.len(), line)
    })
}
