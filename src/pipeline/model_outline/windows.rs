//! How much of a transcript goes into one question: tokens estimated so that they are rather too many,
//! and windows of whole cues that overlap by a tenth. Pure.

use std::ops::Range;

use crate::domain::transcript::Transcript;

/// A window has no more than this, however large the model's: about an hour of talk. Of much longer
/// ones models leave out the middle.
const LINES_TOKENS_MAX: u64 = 24_000;
/// A window shorter than this holds no topic; a model that cannot take it is of no use.
pub(super) const LINES_TOKENS_MIN: u64 = 200;
/// One part in so many of a window is also in the next one.
const OVERLAP_PART: usize = 10;

/// Tokens of a text, rather too many than too few: three letters of the Latin alphabet a token, each
/// mark and digit one, each letter of another alphabet one, a little more for those of India and its
/// east, and two for each sign of the large scripts. Held against the public vocabularies cl100k and
/// o200k on the corpus it gives 1.45 to 1.71 times their count for English and Spanish, and for a
/// sentence in each of eight other languages 1.0 to 3.2 times.
pub(super) fn tokens(text: &str) -> u64 {
    let mut thirds = 0_u64;
    for c in text.chars() {
        thirds += match c {
            'a'..='z' | 'A'..='Z' | ' ' => 1,
            '\0'..='\x7f' => 3,
            '\u{80}'..='\u{24f}' => 2,
            '\u{900}'..='\u{109f}' => 4,
            '\u{250}'..='\u{2e7f}' => 3,
            _ => 6,
        };
    }
    thirds.div_ceil(3)
}

/// The tokens of each line as it is sent, its number included.
pub(super) fn line_tokens(transcript: &Transcript) -> Vec<u64> {
    let mut before = None;
    transcript
        .cues
        .iter()
        .enumerate()
        .map(|(number, cue)| {
            // The number is written in digits, of which each may be a token.
            let frame = u64::from(number.checked_ilog10().unwrap_or(0)) + 5;
            let name =
                if before == cue.speaker.as_deref() { None } else { transcript.speaker_name(cue) };
            before = cue.speaker.as_deref();
            frame + tokens(&cue.text) + name.map_or(0, |name| tokens(name) + 2)
        })
        .collect()
}

/// Divides a range of lines into windows of at most so many tokens, each beginning within the one
/// before. A line that alone is longer is a window of its own.
pub(super) fn plan(lines: &[u64], range: Range<usize>, budget: u64) -> Vec<Range<usize>> {
    let budget = budget.clamp(1, LINES_TOKENS_MAX);
    let sum: u64 = lines[range.clone()].iter().sum();
    // Windows of even size: a last one of a few lines would be a topic by its size alone.
    let overlapped = budget - budget / OVERLAP_PART as u64;
    let count = if sum <= budget { 1 } else { sum.div_ceil(overlapped.max(1)) };
    let share = if count == 1 {
        sum
    } else {
        (sum.div_ceil(count) + budget / OVERLAP_PART as u64).min(budget)
    };
    let mut windows = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let mut end = start;
        let mut used = 0;
        while end < range.end && (end == start || used + lines[end] <= share) {
            used += lines[end];
            end += 1;
        }
        windows.push(start..end);
        if end == range.end {
            break;
        }
        // Back by a tenth of what was taken, and always on.
        let shared = used / OVERLAP_PART as u64;
        let mut next = end;
        let mut back = 0;
        while next - 1 > start && back + lines[next - 1] <= shared {
            next -= 1;
            back += lines[next];
        }
        // Beside a very long line there is no room for what was already there.
        start = if back + lines[end] > share { end } else { next };
    }
    windows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_are_rather_too_many() {
        // What public vocabularies make of them is less each time.
        for (text, least) in [
            ("the baker waits for the dough to rise", 8),
            ("In 1987, at 4.5 %", 9),
            ("Der Bäcker wartet auf den Teig", 8),
            ("我们等了十八个小时", 9),
            ("пекарь ждёт", 4),
            ("आटा फूलने तक", 9),
            ("", 0),
        ] {
            assert!(tokens(text) >= least, "{text}: {}", tokens(text));
        }
    }

    #[test]
    fn windows_cover_all_overlap_by_a_tenth_and_keep_within_their_bound() {
        let lines = vec![10; 1_000];
        assert_eq!(plan(&lines, 0..1_000, 20_000), std::slice::from_ref(&(0..1_000)));
        let windows = plan(&lines, 0..1_000, 1_000);
        for pair in windows.windows(2) {
            let overlap = pair[0].end - pair[1].start;
            assert!((8..=11).contains(&overlap), "{windows:?}");
        }
        assert!(windows.iter().all(|w| w.len() <= 100 && w.len() >= 70), "{windows:?}");
        assert_eq!(plan(&[500, 5_000, 500], 0..3, 1_000), [0..1, 1..2, 2..3], "too long alone");
        assert_eq!(plan(&lines, 5..5, 100), Vec::<Range<usize>>::new());
        assert_eq!(
            plan(&vec![100; 1_000], 0..1_000, u64::MAX).len(),
            5,
            "however large the window"
        );
    }

    proptest! {
        #[test]
        fn no_line_is_left_out(
            lines in proptest::collection::vec(1_u64..400, 1..300),
            budget in 1_u64..3_000,
        ) {
            let windows = plan(&lines, 0..lines.len(), budget);
            prop_assert_eq!(windows[0].start, 0);
            prop_assert_eq!(windows[windows.len() - 1].end, lines.len());
            for pair in windows.windows(2) {
                prop_assert!(pair[1].start <= pair[0].end && pair[1].start > pair[0].start);
                prop_assert!(pair[1].end > pair[0].end);
            }
            for window in &windows {
                let sum: u64 = lines[window.clone()].iter().sum();
                prop_assert!(sum <= budget || window.len() == 1);
            }
        }
    }
}
