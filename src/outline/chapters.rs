//! The publisher's chapters: which of them can set the topics, and at which cue each begins.

use crate::domain::outline::Chapter;
use crate::domain::transcript::{Cue, Transcript};

use super::sentences::Sentence;

/// A chapter begins with the sentence that begins this close to it, rather than in the middle of
/// one.
const SNAP_MS: u64 = 6_000;
/// Talk before the first chapter is a topic of its own from this length on; shorter, it belongs to
/// that chapter.
const BEFORE_FIRST_MS: u64 = 30_000;
/// With fewer there is nothing that a publisher has divided.
const CHAPTERS_MIN: usize = 2;

/// First cue and title of each topic that the chapters set, in order, the first at cue 0; a title
/// may be empty. Empty
/// where fewer than two chapters are usable: in the wrong order is usable, past the end or doubled
/// is not.
pub(super) fn usable(
    chapters: &[Chapter],
    transcript: &Transcript,
    sentences: &[Sentence],
) -> Vec<(usize, String)> {
    let cues = &transcript.cues;
    let last_start_ms = cues.iter().map(|cue| cue.start_ms).max().unwrap_or(0);
    let mut wanted: Vec<(u64, String)> = chapters
        .iter()
        .filter(|chapter| chapter.start_ms <= last_start_ms)
        .map(|chapter| (chapter.start_ms, single_spaced(&chapter.title)))
        .collect();
    wanted.sort_by_key(|(start_ms, _)| *start_ms);
    let mut out: Vec<(usize, String)> = Vec::new();
    for (start_ms, title) in wanted {
        let cue = snap(start_ms, cues, sentences);
        match out.last_mut().filter(|(last, _)| *last >= cue) {
            // Two at one cue: the first one that has a title.
            Some((_, known)) => {
                if known.is_empty() {
                    *known = title;
                }
            }
            None => out.push((cue, title)),
        }
    }
    if out.len() < CHAPTERS_MIN {
        return Vec::new();
    }
    if out[0].0 > 0 {
        let begins_ms = cues[0].start_ms;
        if cues[out[0].0].start_ms.saturating_sub(begins_ms) >= BEFORE_FIRST_MS {
            out.insert(0, (0, String::new()));
        } else {
            out[0].0 = 0;
        }
    }
    out
}

fn single_spaced(title: &str) -> String {
    title
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The cue at which a chapter begins: the nearest start of a sentence, else the nearest start of a
/// cue.
fn snap(start_ms: u64, cues: &[Cue], sentences: &[Sentence]) -> usize {
    let after = sentences.partition_point(|s| cues[s.first_cue].start_ms < start_ms);
    let near = [after.checked_sub(1), Some(after)]
        .into_iter()
        .flatten()
        .filter_map(|at| sentences.get(at))
        .map(|s| s.first_cue)
        .min_by_key(|cue| cues[*cue].start_ms.abs_diff(start_ms));
    if let Some(cue) = near.filter(|cue| cues[*cue].start_ms.abs_diff(start_ms) <= SNAP_MS) {
        return cue;
    }
    let after = cues.partition_point(|cue| cue.start_ms < start_ms);
    [after.saturating_sub(1), after.min(cues.len() - 1)]
        .into_iter()
        .min_by_key(|cue| cues[*cue].start_ms.abs_diff(start_ms))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::{language, sentences};

    #[track_caller]
    fn check(chapters: &[(u64, &str)], want: &[(usize, &str)]) {
        let cues = (0..60)
            .map(|i| Cue {
                start_ms: i * 4_000,
                end_ms: i * 4_000 + 4_000,
                text: if i % 2 == 0 { "The oven".to_owned() } else { "is warm today.".to_owned() },
                speaker: None,
            })
            .collect();
        let transcript = Transcript { cues, ..Transcript::default() };
        let split = sentences::split(&transcript, &language::of(&transcript, Some("en")));
        let chapters: Vec<Chapter> = chapters
            .iter()
            .map(|(start_ms, title)| Chapter { start_ms: *start_ms, title: (*title).to_owned() })
            .collect();
        let found = usable(&chapters, &transcript, &split);
        let found: Vec<_> = found.iter().map(|(cue, title)| (*cue, title.as_str())).collect();
        assert_eq!(found, want);
    }

    #[test]
    fn chapters_begin_where_a_sentence_does() {
        check(&[(0, "A"), (81_000, "B")], &[(0, "A"), (20, "B")]);
        check(&[(0, "A"), (83_900, "B")], &[(0, "A"), (20, "B")]);
        check(&[(0, "A"), (84_100, " B\n b ")], &[(0, "A"), (22, "B b")]);
    }

    #[test]
    fn order_doubles_and_chapters_past_the_end_are_mended() {
        check(&[(80_000, "B"), (0, "A")], &[(0, "A"), (20, "B")]);
        check(&[(0, ""), (0, "A"), (80_000, "B"), (80_500, "C")], &[(0, "A"), (20, "B")]);
        check(&[(0, "A"), (80_000, "B"), (900_000, "C")], &[(0, "A"), (20, "B")]);
        check(&[(0, "A"), (900_000, "C")], &[]);
        check(&[(0, "A")], &[]);
        check(&[], &[]);
    }

    #[test]
    fn talk_before_the_first_chapter_is_kept() {
        check(&[(16_000, "A"), (80_000, "B")], &[(0, "A"), (20, "B")]);
        check(&[(40_000, "A"), (80_000, "B")], &[(0, ""), (10, "A"), (20, "B")]);
    }
}
