//! From the parts of several windows to one list of topics without overlap: at each joint the windows
//! share some lines, and a topic that begins there is where one hands over to the next. Pure.

use std::ops::Range;

use super::items::{Draft, DraftPoint, Part};
use crate::domain::outline::{Outline, OutlinePoint, OutlineTopic};
use crate::domain::transcript::Transcript;

/// Words that stand between two topics and are of one of them: a minute of talk.
const GAP_WORDS_MAX: usize = 150;
/// The same for short transcripts: one word in so many.
const GAP_PART: usize = 10;
/// Points of a topic at most, once its parts are one.
const POINTS_MAX: usize = 8;
/// From this length on, a topic that covers half of an episode is odd: 20 minutes.
const LONG_MS: u64 = 1_200_000;
/// So many topics that begin within a minute are odd.
const CROWD: usize = 10;

/// Joins the parts of consecutive windows, in their order.
pub(super) fn join(parts: Vec<Part>) -> Vec<Draft> {
    let mut out: Vec<Draft> = Vec::new();
    let mut reached = 0;
    for part in parts {
        let shared = part.range.start..reached.min(part.range.end);
        reached = part.range.end.max(reached);
        hand_over(&mut out, part.topics, shared);
    }
    absorb(out)
}

/// Adds the topics of the next window, where both saw the lines of `shared`.
fn hand_over(out: &mut Vec<Draft>, mut next: Vec<Draft>, shared: Range<usize>) {
    let within =
        |topic: &Draft| topic.lines.start > shared.start && shared.contains(&topic.lines.start);
    if let Some(cut) = next.iter().find(|topic| within(topic)).map(|topic| topic.lines.start) {
        // The next window knows how the talk goes on, so its word counts first.
        out.retain_mut(|topic| keep_within(topic, 0..cut));
        next.retain_mut(|topic| keep_within(topic, cut..usize::MAX));
    } else if !shared.is_empty()
        && next.first().is_some_and(|first| first.lines.start <= shared.start)
        && let Some(last) = out.last_mut().filter(|last| last.lines.end > shared.start)
    {
        // To both it is one topic, which begins within what both saw or before.
        let first = next.remove(0);
        let middle = (shared.start.max(last.lines.start) + shared.end) / 2;
        if first.lines.end - shared.start > last.lines.len() {
            last.title = first.title;
        }
        let kept = first.points.into_iter().filter(|point| point.lines.start >= middle);
        last.points.retain(|point| point.lines.start < middle);
        last.points.extend(kept);
        last.lines.end = last.lines.end.max(first.lines.end);
    }
    let end = out.last().map_or(0, |last| last.lines.end);
    next.retain_mut(|topic| keep_within(topic, end..usize::MAX));
    out.extend(next);
}

/// A topic that lost all its points at a joint is part of the one before.
fn absorb(topics: Vec<Draft>) -> Vec<Draft> {
    let mut out: Vec<Draft> = Vec::with_capacity(topics.len());
    let mut waiting: Option<usize> = None;
    for mut topic in topics {
        match out.last_mut() {
            Some(last) if topic.points.is_empty() && last.lines.end == topic.lines.start => {
                last.lines.end = topic.lines.end;
            }
            _ if topic.points.is_empty() => waiting = waiting.or(Some(topic.lines.start)),
            _ => {
                topic.lines.start = waiting.take().unwrap_or(topic.lines.start);
                out.push(topic);
            }
        }
    }
    out
}

/// Cuts a topic to a range; false where nothing is left of it.
fn keep_within(topic: &mut Draft, range: Range<usize>) -> bool {
    let start = topic.lines.start.max(range.start);
    let end = topic.lines.end.min(range.end);
    if start >= end {
        return false;
    }
    topic.lines = start..end;
    topic.points.retain(|point| topic.lines.contains(&point.lines.start));
    for point in &mut topic.points {
        point.lines.end = point.lines.end.min(end);
    }
    true
}

/// Closes small gaps, drops what has no point, and tells the lines that are in no topic.
pub(super) fn settle(
    mut topics: Vec<Draft>,
    transcript: &Transcript,
) -> (Vec<Draft>, Vec<Range<usize>>) {
    let words: Vec<usize> =
        transcript.cues.iter().map(|cue| cue.text.split_whitespace().count().max(1)).collect();
    let all: usize = words.iter().sum();
    let small = GAP_WORDS_MAX.min(all / GAP_PART);
    let is_small = |gap: &Range<usize>| words[gap.clone()].iter().sum::<usize>() <= small;
    topics.retain(|topic| !topic.points.is_empty());
    let mut gaps = Vec::new();
    let mut end = 0;
    for at in 0..topics.len() {
        let gap = end..topics[at].lines.start;
        if !gap.is_empty() {
            match at.checked_sub(1) {
                Some(before) if is_small(&gap) => topics[before].lines.end = gap.end,
                None if is_small(&gap) => topics[at].lines.start = gap.start,
                _ => gaps.push(gap),
            }
        }
        end = topics[at].lines.end;
    }
    let gap = end..words.len();
    if !gap.is_empty() {
        match topics.last_mut() {
            Some(last) if is_small(&gap) => last.lines.end = gap.end,
            _ => gaps.push(gap),
        }
    }
    (topics, gaps)
}

/// Sets the publisher's chapters as topics: their lines and titles, and in each the points that were
/// found there; where none was found, those of the built-in outline. What no model answered for
/// (`gaps`) stays uncovered.
pub(super) fn by_chapters(
    found: Vec<Draft>,
    chapters: &Outline,
    gaps: &[Range<usize>],
) -> (Vec<Draft>, usize) {
    let mut points: Vec<DraftPoint> = found.into_iter().flat_map(|topic| topic.points).collect();
    points.sort_by_key(|point| point.lines.start);
    let mut filled = 0;
    let topics = chapters.topics.iter().filter_map(|chapter| {
        let lines = chapter.first_cue..chapter.last_cue + 1;
        let is_gap = |line: &usize| gaps.iter().any(|gap| gap.contains(line));
        if lines.clone().all(|line| is_gap(&line)) {
            return None;
        }
        let mut own: Vec<DraftPoint> = points
            .iter()
            .filter(|point| lines.contains(&point.lines.start))
            .map(|point| DraftPoint {
                text: point.text.clone(),
                lines: point.lines.start..point.lines.end.min(lines.end),
            })
            .collect();
        if own.is_empty() {
            filled += 1;
            own = chapter
                .points
                .iter()
                .map(|point| DraftPoint {
                    text: point.text.clone(),
                    lines: point.cue..point.last_cue + 1,
                })
                .collect();
        }
        Some(Draft { title: chapter.title.clone(), lines, points: own })
    });
    let topics = topics.collect();
    (topics, filled)
}

/// As the rest of the house knows it.
pub(super) fn outline(topics: Vec<Draft>, overview: String) -> Outline {
    let topics = topics
        .into_iter()
        .map(|mut topic| {
            topic.points.dedup_by(|a, b| a.text == b.text);
            let points = evenly(topic.points, POINTS_MAX);
            OutlineTopic {
                title: topic.title,
                first_cue: topic.lines.start,
                last_cue: topic.lines.end - 1,
                points: points
                    .into_iter()
                    .map(|point| OutlinePoint {
                        text: point.text,
                        cue: point.lines.start,
                        last_cue: point.lines.end - 1,
                    })
                    .collect(),
            }
        })
        .collect();
    Outline { overview, topics }
}

/// As many of a list as may be, from its beginning to its end.
fn evenly<A>(list: Vec<A>, most: usize) -> Vec<A> {
    let count = list.len();
    let is_taken = |at: usize| count <= most || (0..most).any(|n| n * count / most == at);
    list.into_iter().enumerate().filter(|(at, _)| is_taken(*at)).map(|(_, item)| item).collect()
}

/// What is strange about an outline, as sentences.
pub(super) fn oddities(outline: &Outline, transcript: &Transcript) -> Vec<String> {
    let cues = &transcript.cues;
    let mut odd = Vec::new();
    let whole_ms = transcript.duration_ms();
    let starts_ms: Vec<u64> = outline.topics.iter().map(|t| cues[t.first_cue].start_ms).collect();
    for topic in &outline.topics {
        let start_ms = cues[topic.first_cue].start_ms;
        let length_ms = cues[topic.last_cue].end_ms.saturating_sub(start_ms);
        if whole_ms > LONG_MS && length_ms * 2 >= whole_ms {
            odd.push(format!(
                "One topic covers {} of the episode's {} minutes.",
                length_ms / 60_000,
                whole_ms / 60_000
            ));
        }
    }
    let crowd = starts_ms.windows(CROWD).find(|s| s[CROWD - 1].saturating_sub(s[0]) < 60_000);
    if let Some(crowd) = crowd {
        odd.push(format!(
            "{CROWD} topics begin within a minute, from minute {} on.",
            crowd[0] / 60_000
        ));
    }
    odd
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::transcript::Cue;

    fn draft(title: &str, lines: Range<usize>) -> Draft {
        let point = |line| DraftPoint { text: format!("{title} {line}."), lines: line..line + 1 };
        let points = lines.clone().step_by(5).map(point).collect();
        Draft { title: title.to_owned(), lines, points }
    }

    fn part(range: Range<usize>, topics: &[(&str, Range<usize>)]) -> Part {
        let topics = topics.iter().map(|(title, lines)| draft(title, lines.clone())).collect();
        Part { range, topics, ..Part::default() }
    }

    fn transcript(cues: usize, cue_ms: u64) -> Transcript {
        let cue = |n: u64| Cue {
            start_ms: n * cue_ms,
            end_ms: (n + 1) * cue_ms,
            text: "ten words of talk that stand in each one here".to_owned(),
            speaker: None,
        };
        Transcript { cues: (0..cues as u64).map(cue).collect(), ..Transcript::default() }
    }

    #[track_caller]
    fn check(parts: Vec<Part>, want: &[(&str, usize, usize)]) {
        let joined = join(parts);
        let got: Vec<(&str, usize, usize)> =
            joined.iter().map(|t| (t.title.as_str(), t.lines.start, t.lines.end)).collect();
        assert_eq!(got, want);
        for topic in &joined {
            assert!(topic.points.iter().all(|p| topic.lines.contains(&p.lines.start)), "{topic:?}");
        }
    }

    #[test]
    fn windows_hand_over_where_a_topic_begins() {
        let first = || part(0..100, &[("a", 0..60), ("b", 60..100)]);
        // The next one says where a topic begins.
        check(
            vec![first(), part(90..190, &[("b2", 90..95), ("c", 95..190)])],
            &[("a", 0, 60), ("b", 60, 95), ("c", 95, 190)],
        );
        // Only the one before does.
        check(
            vec![part(0..100, &[("a", 0..93), ("b", 93..100)]), part(90..190, &[("b2", 90..190)])],
            &[("a", 0, 93), ("b2", 93, 190)],
        );
        // What lost its points at the joint belongs to the one before.
        let bare = Draft { points: Vec::new(), ..draft("b", 60..100) };
        let bare = Part { topics: vec![draft("a", 0..60), bare], ..part(0..100, &[]) };
        check(vec![bare], &[("a", 0, 100)]);
        // Neither does: it is one topic, named after its longer half.
        check(vec![first(), part(90..190, &[("b2", 90..190)])], &[("a", 0, 60), ("b2", 60, 190)]);
        check(
            vec![first(), part(90..190, &[("b2", 90..110), ("c", 110..190)])],
            &[("a", 0, 60), ("b", 60, 110), ("c", 110, 190)],
        );
        // No overlap: one after the other.
        check(
            vec![first(), part(100..200, &[("c", 100..200)])],
            &[("a", 0, 60), ("b", 60, 100), ("c", 100, 200)],
        );
        // The next window begins late: nothing is made up between.
        check(
            vec![first(), part(90..190, &[("c", 120..190)])],
            &[("a", 0, 60), ("b", 60, 100), ("c", 120, 190)],
        );
        // A window is missing.
        check(
            vec![first(), part(180..280, &[("d", 180..280)])],
            &[("a", 0, 60), ("b", 60, 100), ("d", 180, 280)],
        );
    }

    #[test]
    fn small_gaps_are_closed_and_large_ones_said() {
        let transcript = transcript(100, 1_000);
        let topics = vec![draft("a", 3..20), draft("b", 25..50), draft("c", 80..98)];
        let (topics, gaps) = settle(topics, &transcript);
        let lines: Vec<_> = topics.iter().map(|topic| topic.lines.clone()).collect();
        assert_eq!(lines, [0..25, 25..50, 80..100]);
        assert_eq!(gaps, std::slice::from_ref(&(50..80)));
        let empty = Draft { points: Vec::new(), ..draft("b", 25..60) };
        let (topics, gaps) =
            settle(vec![draft("a", 0..25), empty, draft("c", 60..100)], &transcript);
        assert_eq!((topics.len(), gaps.as_slice()), (2, std::slice::from_ref(&(25..60))));
        assert_eq!(settle(Vec::new(), &transcript).1, std::slice::from_ref(&(0..100)));
    }

    #[test]
    fn chapters_set_lines_and_titles_and_keep_their_points() {
        let chapters = outline(
            vec![draft("One", 0..50), draft("Two", 50..70), draft("Three", 70..100)],
            String::new(),
        );
        let found = vec![draft("x", 0..30), draft("y", 30..52)];
        let (topics, filled) = by_chapters(found, &chapters, std::slice::from_ref(&(70..100)));
        let got: Vec<_> = topics.iter().map(|t| (t.title.as_str(), t.lines.clone())).collect();
        assert_eq!(got, [("One", 0..50), ("Two", 50..70)]);
        assert_eq!(topics[0].points.len(), 10);
        assert!(topics[1].points.iter().all(|point| point.text.starts_with('y')));
        assert_eq!(filled, 0);
        let (topics, filled) = by_chapters(vec![draft("x", 0..30)], &chapters, &[]);
        assert_eq!((topics.len(), filled), (3, 2));
    }

    #[test]
    fn too_many_points_are_thinned_from_beginning_to_end() {
        for count in 0..60 {
            let kept = evenly((0..count).collect(), 8);
            assert_eq!(kept.len(), count.min(8), "{count}: {kept:?}");
            let last = kept.last().copied().unwrap_or(0);
            assert!(last + count / 8 + 1 >= count, "{count}: {kept:?}");
        }
    }

    #[test]
    fn what_is_strange_is_noticed() {
        let long = transcript(130, 10_000);
        let whole = |topics| outline(topics, String::new());
        assert_eq!(oddities(&whole(vec![draft("a", 0..64), draft("b", 64..130)]), &long).len(), 1);
        let even = vec![draft("a", 0..60), draft("b", 60..100), draft("c", 100..130)];
        assert!(oddities(&whole(even), &long).is_empty());
        assert!(oddities(&whole(vec![draft("a", 0..120)]), &transcript(120, 10_000)).is_empty());
        let crowd = |ms| {
            let topics = (0..10).map(|n| draft("a", n..n + 1)).collect();
            oddities(&whole(topics), &transcript(100, ms)).len()
        };
        assert_eq!((crowd(6_000), crowd(7_000)), (1, 0));
    }

    proptest! {
        #[test]
        fn joined_topics_never_overlap_and_stay_in_order(
            cuts in proptest::collection::vec(proptest::collection::vec(0_usize..40, 1..6), 1..6),
        ) {
            let parts = cuts.iter().enumerate().map(|(number, cuts)| {
                let range = number * 36..number * 36 + 40;
                let mut starts: Vec<usize> = cuts.iter().map(|cut| range.start + cut).collect();
                starts.sort_unstable();
                starts.dedup();
                let ends: Vec<usize> = starts[1..].iter().copied().chain([range.end]).collect();
                let topics = starts.iter().zip(ends).map(|(a, b)| draft("t", *a..b)).collect();
                Part { range, topics, ..Part::default() }
            });
            let count = cuts.len();
            let joined = join(parts.collect());
            let transcript = transcript((count - 1) * 36 + 40, 1_000);
            let (topics, gaps) = settle(joined, &transcript);
            let mut covered = vec![0; transcript.cues.len()];
            for range in topics.iter().map(|topic| &topic.lines).chain(&gaps) {
                for line in range.clone() {
                    covered[line] += 1;
                }
            }
            prop_assert!(covered.iter().all(|count| *count == 1), "{covered:?}");
        }
    }
}
