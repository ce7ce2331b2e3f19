//! `chunks` become topics, whose ranges cover the cues in order, without gap or overlap.

use serde_json::{Map, Value};

use super::entries::Entries;
use super::read::{self, Record, Stamp};
use crate::domain::recap::{Point, Topic};
use crate::domain::transcript::Cue;

/// Longest title of a topic that is taken, in characters, as with a recap's own.
const TITLE_CHARS_MAX: usize = 1000;

/// Words of a text that stand in for a title.
const TITLE_WORDS: usize = 8;

/// Keys that hold what a topic says, in the order in which they are read.
const SAYING: [&str; 8] = [
    "summary",
    "text",
    "description",
    "bullets",
    "points",
    "bulletPoints",
    "keyPoints",
    "summaryBullets",
];

/// A chunk that says something.
#[derive(Debug)]
pub(super) struct Draft {
    title: String,
    has_title: bool,
    pub(super) points: Vec<Said>,
    start: Place,
    end: Place,
    extra: Map<String, Value>,
    /// Where it stood in `chunks`.
    at: usize,
}

/// A point before its cues are known.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) text: String,
    place: Place,
}

/// Where something is said: by number of an entry, by time, by both or by none.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    index: Option<usize>,
    stamp: Option<Stamp>,
}

impl Draft {
    /// As one line of an overview, where there is no transcript to lay it over.
    pub(super) fn as_line(&self) -> String {
        let mut out = self.title.clone();
        if let Some(ms) = self.start.stamp.and_then(|stamp| stamp.ms(false)) {
            out.push_str(&format!(" ({}:{:02})", ms / 60_000, ms / 1000 % 60));
        }
        out.push(':');
        for point in &self.points {
            out.push(' ');
            out.push_str(&point.text);
        }
        if self.points.is_empty() {
            out.pop();
        }
        out
    }
}

/// What the chunks say; those that say nothing are put into `left`.
pub(super) fn drafts(chunks: &[Value], left: &mut Vec<Value>) -> Vec<Draft> {
    let mut drafts = Vec::with_capacity(chunks.len());
    for (at, chunk) in chunks.iter().enumerate() {
        match chunk.as_object().and_then(|map| draft(at, map)) {
            Some(draft) => drafts.push(draft),
            None => left.push(kept(at, chunk)),
        }
    }
    drafts
}

/// A chunk that is kept as it was, with where it stood.
fn kept(at: usize, chunk: &Value) -> Value {
    let mut kept = Map::new();
    kept.insert("index".to_owned(), at.into());
    kept.insert("chunk".to_owned(), chunk.clone());
    Value::Object(kept)
}

fn draft(at: usize, map: &Map<String, Value>) -> Option<Draft> {
    let mut record = Record::new(map);
    let is_title = |value| read::line(value).filter(|it| it.chars().count() <= TITLE_CHARS_MAX);
    let names = ["title", "heading", "name", "topic"];
    let title = record
        .take(&names, is_title)
        // One that is too long is cut, and kept whole beside the topic.
        .or_else(|| record.look(&names, read::line).map(|it| first_words(&it)));
    let mut points: Vec<Said> = Vec::new();
    for name in SAYING {
        let Some(value) = map.get(name) else { continue };
        let (said, is_all) = said(value);
        if is_all {
            record.mark(name);
        }
        points.extend(said);
    }
    // A summary and bullets that say the same are said once.
    let mut seen = std::collections::HashSet::new();
    let fresh: Vec<bool> = points.iter().map(|point| seen.insert(point.text.as_str())).collect();
    let mut fresh = fresh.into_iter();
    points.retain(|_| fresh.next().unwrap_or(true));
    let start = Place {
        index: record.take(&["startIndex", "start_index"], read::index),
        stamp: record
            .take(&["startMs", "start_ms"], read::stamp_ms)
            .or_else(|| record.take(&["startSeconds"], read::stamp_secs))
            .or_else(|| {
                record
                    .take(&["start", "startTime", "start_time", "offset", "timestamp"], read::stamp)
            }),
    };
    let end = Place {
        index: record.take(&["endIndex", "end_index"], read::index),
        stamp: record
            .take(&["endMs", "end_ms"], read::stamp_ms)
            .or_else(|| record.take(&["endSeconds"], read::stamp_secs))
            .or_else(|| record.take(&["end", "endTime", "end_time"], read::stamp)),
    };
    let has_title = title.is_some();
    let title = title.or_else(|| points.first().map(|point| first_words(&point.text)))?;
    Some(Draft { title, has_title, points, start, end, extra: record.rest(), at })
}

fn first_words(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(TITLE_WORDS).collect();
    let mut title: String = words.join(" ").chars().take(TITLE_CHARS_MAX / 4).collect();
    if title.len() < text.len() {
        title.push('…');
    }
    title
}

/// What a value says, and whether that is all of it.
fn said(value: &Value) -> (Vec<Said>, bool) {
    let bare = |text: String| {
        let clock = text.starts_with(['[', '(']).then(|| text.split([']', ')']).next());
        let ms = clock.flatten().and_then(read::clock_ms);
        Said { place: Place { index: None, stamp: ms.map(Stamp::Ms) }, text }
    };
    match value {
        Value::Null => (Vec::new(), true),
        Value::String(text) => (lines(text).into_iter().map(bare).collect(), true),
        Value::Array(list) => {
            let mut points = Vec::new();
            let mut is_all = true;
            for item in list {
                match item {
                    Value::String(text) => {
                        // One item is one point, of however many lines.
                        let text = read::one_line(unmarked(text.trim()).unwrap_or(text));
                        points.extend((!text.is_empty()).then(|| bare(text)));
                    }
                    Value::Object(map) => {
                        let mut record = Record::new(map);
                        let names = ["text", "point", "bullet", "summary", "content"];
                        let text = record.take(&names, read::line);
                        let index =
                            record.take(&["startIndex", "index", "entryIndex"], read::index);
                        let names = ["startTime", "start", "offset", "timestamp", "time"];
                        let stamp = record.take(&names, read::stamp);
                        is_all &= text.is_some() && record.rest().is_empty();
                        let place = Place { index, stamp };
                        points.extend(text.map(|text| Said { text, place }));
                    }
                    Value::Null => {}
                    _ => is_all = false,
                }
            }
            (points, is_all)
        }
        _ => (Vec::new(), false),
    }
}

/// The points of a text: its marked lines, with the lines that go on below them; where none is
/// marked, its lines.
fn lines(text: &str) -> Vec<String> {
    let has_marks = text.lines().any(|line| unmarked(line.trim()).is_some());
    let mut points: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let line = line.trim();
        let marked = unmarked(line);
        let said = read::one_line(marked.unwrap_or(line));
        if said.is_empty() {
            goes_on = false;
            continue;
        }
        match points.last_mut() {
            Some(point) if has_marks && goes_on && marked.is_none() => {
                point.push(' ');
                point.push_str(&said);
            }
            _ => points.push(said),
        }
        goes_on = true;
    }
    points
}

/// A line without its `-`, `*` or `•`; `None` where it has none. `**bold**` is no mark.
fn unmarked(line: &str) -> Option<&str> {
    match line.strip_prefix(['•', '–', '‣', '▪']) {
        Some(rest) => Some(rest),
        None => line.strip_prefix(['-', '*']).filter(|rest| {
            rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c.is_alphanumeric())
        }),
    }
}

/// Topics and what is kept beside each.
#[derive(Debug, Default)]
pub(super) struct Laid {
    pub(super) topics: Vec<Topic>,
    /// By topic.
    pub(super) extras: Vec<Map<String, Value>>,
    /// Chunks that have no topic of their own.
    pub(super) left: Vec<Value>,
    pub(super) notes: Vec<String>,
}

/// Lays drafts over the cues. There must be cues.
pub(super) fn lay(mut drafts: Vec<Draft>, chunks: &[Value], entries: &Entries) -> Laid {
    let mut laid = Laid::default();
    let cues = &entries.transcript.cues;
    if cues.is_empty() || drafts.is_empty() {
        return laid;
    }
    count_from_zero(&mut drafts, entries.cue_of.len());
    let is_ms = is_ms(&drafts, cues);
    let cue_at = |place: Place| cue_at(place, entries, is_ms);
    let wanted: Vec<(Option<usize>, Option<usize>)> =
        drafts.iter().map(|draft| (cue_at(draft.start), cue_at(draft.end))).collect();
    let starts = wanted_starts(&wanted, cues.len());
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by_key(|at| starts[*at]);
    let kept = order.len().min(cues.len());
    let firsts = apart(order[..kept].iter().map(|at| starts[*at]), cues.len());

    let mut drafts: Vec<Option<Draft>> = drafts.into_iter().map(Some).collect();
    let mut moved = 0_usize;
    let mut untitled = 0_usize;
    let mut point_number = 0_usize;
    for (number, at) in order[..kept].iter().enumerate() {
        let first = firsts[number];
        let last = firsts.get(number + 1).map_or(cues.len(), |next| *next) - 1;
        let (start, end) = match wanted[*at] {
            (Some(start), Some(end)) if start > end => (Some(end), Some(start)),
            as_written => as_written,
        };
        let is_moved = start.is_some_and(|start| start != first)
            // Whether the earlier end was inclusive is not known.
            || end.is_some_and(|end| end != last && end != last + 1);
        moved += usize::from(is_moved);
        let mut own: Vec<Draft> = drafts[*at].take().into_iter().collect();
        if number + 1 == kept {
            for surplus in &order[kept..] {
                own.extend(drafts[*surplus].take());
            }
        }
        let mut topic: Option<Topic> = None;
        for draft in own {
            untitled += usize::from(!draft.has_title);
            let points = draft.points.into_iter().map(|said| {
                point_number += 1;
                point(point_number, said, (first, last), cues, &cue_at)
            });
            match &mut topic {
                None => {
                    laid.extras.push(draft.extra);
                    topic = Some(Topic {
                        title: draft.title,
                        start_ms: if first == 0 { 0 } else { cues[first].start_ms },
                        end_ms: cues[first..=last].iter().map(|cue| cue.end_ms).max().unwrap_or(0),
                        first_cue: first,
                        last_cue: last,
                        id: format!("t{}", number + 1),
                        made: String::new(),
                        points: points.collect(),
                        doubts: Vec::new(),
                    });
                }
                Some(topic) => {
                    topic.points.extend(points);
                    laid.left.extend(chunks.get(draft.at).map(|chunk| self::kept(draft.at, chunk)));
                }
            }
        }
        laid.topics.extend(topic);
    }
    // A pause between two topics belongs to the first.
    for at in 1..laid.topics.len() {
        let start_ms = laid.topics[at].start_ms;
        let before = &mut laid.topics[at - 1];
        before.end_ms = start_ms.max(before.start_ms);
    }
    say(&mut laid, moved, untitled);
    laid
}

fn say(laid: &mut Laid, moved: usize, untitled: usize) {
    if moved > 0 {
        let count = read::counted(moved, "topic");
        laid.notes.push(format!(
            "The ranges of {count} left gaps or overlapped in the earlier form; they were moved \
             to meet."
        ));
    }
    if untitled > 0 {
        let count = read::counted(untitled, "topic");
        laid.notes.push(format!("{count} had no title; the first words of the text stand for it."));
    }
    if !laid.left.is_empty() {
        let count = read::counted(laid.left.len(), "topic");
        laid.notes.push(format!(
            "{count} found no line of the transcript to stand over; the points were put into \
             the last topic."
        ));
    }
}

/// A point cites what it names, else its whole topic: the earlier form says no more.
fn point(
    number: usize,
    said: Said,
    (first, last): (usize, usize),
    cues: &[Cue],
    cue_at: &impl Fn(Place) -> Option<usize>,
) -> Point {
    let named = cue_at(said.place).filter(|cue| (first..=last).contains(cue));
    let cue = named.unwrap_or(first);
    Point {
        id: format!("p{number}"),
        text: said.text,
        cue,
        last_cue: (named.is_none() && last > first).then_some(last),
        start_ms: cues[cue].start_ms,
        made: String::new(),
    }
}

/// Numbers that run from one to the count of the entries are taken for what they are.
fn count_from_zero(drafts: &mut [Draft], entries: usize) {
    let starts = || drafts.iter().filter_map(|draft| draft.start.index);
    let last = drafts.iter().filter_map(|draft| draft.end.index).max();
    if starts().min() != Some(1) || last != Some(entries) {
        return;
    }
    for draft in drafts {
        let places = [&mut draft.start, &mut draft.end];
        let points = draft.points.iter_mut().map(|said| &mut said.place);
        for place in places.into_iter().chain(points) {
            place.index = place.index.map(|index| index.saturating_sub(1));
        }
    }
}

/// Whether bare times of chunks are milliseconds: they would lie far behind the end as seconds, and
/// do not as milliseconds.
fn is_ms(drafts: &[Draft], cues: &[Cue]) -> bool {
    let spoken_ms = cues.iter().map(|cue| cue.end_ms).max().unwrap_or(0) as f64;
    let last = drafts
        .iter()
        .flat_map(|draft| [draft.start.stamp, draft.end.stamp])
        .filter_map(|stamp| match stamp {
            Some(Stamp::Bare(number)) => Some(number),
            _ => None,
        })
        .filter(|number| *number <= read::TIME_MS_MAX as f64)
        .fold(0.0, f64::max);
    last * 1000.0 > spoken_ms * 2.0 + 60_000.0 && last <= spoken_ms * 1.5 + 60_000.0
}

/// The cue that is meant. A number beyond the entries counts only where no time is given.
fn cue_at(place: Place, entries: &Entries, is_ms: bool) -> Option<usize> {
    let cues = &entries.transcript.cues;
    if let Some(cue) = place.index.and_then(|index| entries.cue_of.get(index)) {
        return Some(*cue);
    }
    if let Some(ms) = place.stamp.and_then(|stamp| stamp.ms(is_ms)) {
        let next = cues.partition_point(|cue| cue.start_ms < ms);
        // Times of chunks may be rounded, so the nearest is meant and not the one before.
        let is_before = next > 0
            && cues.get(next).is_none_or(|cue| cue.start_ms - ms > ms - cues[next - 1].start_ms);
        return Some(if is_before { next - 1 } else { next });
    }
    place.index.map(|_| cues.len() - 1)
}

/// Where each chunk should begin, in the order in which they stand: where it says; else behind the
/// one before; else evenly between its neighbours.
fn wanted_starts(wanted: &[(Option<usize>, Option<usize>)], cues: usize) -> Vec<usize> {
    let mut starts: Vec<Option<usize>> = wanted
        .iter()
        .enumerate()
        .map(|(at, (start, end))| match (start, end) {
            (Some(start), Some(end)) => Some(*start.min(end)),
            (Some(start), None) => Some(*start),
            (None, _) if at == 0 => Some(0),
            (None, _) => match wanted[at - 1] {
                (start, Some(end)) => Some(start.map_or(end, |start| start.max(end)) + 1),
                _ => None,
            },
        })
        .collect();
    let mut at = 1;
    while at < starts.len() {
        if starts[at].is_some() {
            at += 1;
            continue;
        }
        let from = starts[at - 1].unwrap_or(0);
        let run = starts[at..].iter().take_while(|start| start.is_none()).count();
        let to = starts.get(at + run).copied().flatten().unwrap_or(cues).max(from);
        for step in 0..run {
            starts[at + step] = Some(from + (to - from) * (step + 1) / (run + 1));
        }
        at += run;
    }
    starts.into_iter().map(|start| start.unwrap_or(0).min(cues - 1)).collect()
}

/// Starts that rise, of which the first is 0, each as near to what is wanted as the others allow.
/// There must not be more of them than cues.
fn apart(wanted: impl Iterator<Item = usize>, cues: usize) -> Vec<usize> {
    let mut starts: Vec<usize> = Vec::new();
    for start in wanted {
        let first = starts.last().map_or(0, |before| before + 1);
        starts.push(if starts.is_empty() { 0 } else { start.max(first) });
    }
    let mut bound = cues;
    for start in starts.iter_mut().rev() {
        *start = (*start).min(bound.saturating_sub(1));
        bound = *start;
    }
    starts
}
