//! The transcript: `entries` become cues.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::read::{self, Record, Stamp, TIME_MS_MAX};
use crate::domain::transcript::{Cue, Times, Transcript};

/// What an entry holds beyond its cue is kept up to this many bytes. Times of single words, which
/// some recognisers add, are many times the text.
const ENTRY_EXTRA_BYTES_MAX: usize = 500;

/// A word in speech at 150 words a minute, where an end or a time has to be made up.
const WORD_MS: u64 = 400;

/// Words per unit of time from which on a number is surely no millisecond, and below which it is
/// surely no second: people speak 1 to 5 words a second.
const WORDS_PER_SECOND_MIN: f64 = 0.1;
const WORDS_PER_MS_MAX: f64 = 0.006;

/// Fewer words than this prove no unit.
const PROOF_WORDS_MIN: usize = 10;

/// A transcript, and how its cues lie to the entries that they come from.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) transcript: Transcript,
    /// By entry: its cue, or the next one where it became none. Empty where there are no cues.
    pub(super) cue_of: Vec<usize>,
    /// What entries hold beyond their cues, by cue.
    pub(super) extras: Vec<(usize, Map<String, Value>)>,
    /// Entries that became no cue and say something.
    pub(super) left: Vec<Value>,
    pub(super) notes: Vec<String>,
}

struct Line {
    at: usize,
    start: Option<Stamp>,
    end: Option<Stamp>,
    duration: Option<Stamp>,
    speaker: Option<String>,
    text: String,
    extra: Map<String, Value>,
}

/// Reads entries. `duration_ms` is the episode's length, where another field tells it for sure.
pub(super) fn entries(
    entries: &[Value],
    duration_ms: Option<u64>,
    names: &HashMap<String, String>,
) -> Entries {
    let mut out = Entries::default();
    let mut lines = Vec::with_capacity(entries.len());
    let mut wordless = 0_usize;
    let mut heavy_keys: Vec<String> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        match line(at, entry, &mut heavy_keys) {
            Some(line) => lines.push(line),
            None if says_nothing(entry) => wordless += 1,
            None => {
                let mut kept = Map::new();
                kept.insert("index".to_owned(), at.into());
                kept.insert("entry".to_owned(), entry.clone());
                out.left.push(Value::Object(kept));
            }
        }
    }
    if wordless > 0 {
        let count = read::counted(wordless, "line");
        out.notes.push(format!("{count} of the transcript had no words and left no trace."));
    }
    if !out.left.is_empty() {
        let count = read::counted(out.left.len(), "line");
        out.notes.push(format!(
            "{count} of the transcript could not be read; what stood there is kept under \
             `earlier.entries`."
        ));
    }
    if !heavy_keys.is_empty() {
        let keys = read::short(&heavy_keys.join("`, `"));
        out.notes.push(format!(
            "Lines of the transcript held more than is kept of them (`{keys}`); only what is \
             short was kept."
        ));
    }
    let starts = times(&lines, duration_ms, &mut out);
    // What was said earlier comes earlier; lines of the same time keep their order.
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|at| starts[*at].0);
    if !order.is_sorted() {
        out.notes
            .push("Lines of the transcript stood out of order; they go by their times.".to_owned());
    }
    out.cue_of = cue_of(entries.len(), &lines, &order);
    let mut keys: HashMap<String, String> = HashMap::new();
    let mut speakers = BTreeMap::new();
    let mut cues = Vec::with_capacity(lines.len());
    for (cue, at) in order.iter().enumerate() {
        let (start_ms, end_ms) = starts[*at];
        let next = order.get(cue + 1).map(|at| starts[*at].0);
        let line = &mut lines[*at];
        let said_ms = (line.text.split(' ').count() as u64).saturating_mul(WORD_MS);
        let end_ms = end_ms.or(next).unwrap_or(start_ms.saturating_add(said_ms).min(TIME_MS_MAX));
        let speaker = line.speaker.take().map(|raw| {
            let number = keys.len() + 1;
            let key = keys.entry(raw).or_insert_with_key(|raw| {
                let key = format!("s{number}");
                let name = names.get(raw).unwrap_or(raw).clone();
                speakers.insert(key.clone(), name);
                key
            });
            key.clone()
        });
        if !line.extra.is_empty() {
            out.extras.push((cue, std::mem::take(&mut line.extra)));
        }
        let text = std::mem::take(&mut line.text);
        cues.push(Cue { start_ms, end_ms: end_ms.max(start_ms), speaker, text });
    }
    out.transcript.speakers = speakers;
    out.transcript.cues = cues;
    out
}

fn says_nothing(entry: &Value) -> bool {
    let nothing = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => read::one_line(text).is_empty(),
        _ => false,
    };
    let timing = ["offset", "start", "end", "duration", "time", "index"];
    match entry {
        Value::Object(map) => map.iter().all(|(key, value)| {
            nothing(value) || (value.is_number() && timing.contains(&key.as_str()))
        }),
        other => nothing(other),
    }
}

fn line(at: usize, entry: &Value, heavy_keys: &mut Vec<String>) -> Option<Line> {
    let map = match entry {
        Value::String(text) => {
            let (start, end, duration, speaker) = (None, None, None, None);
            let text = read::one_line(text);
            let line = Line { at, start, end, duration, speaker, text, extra: Map::new() };
            return (!line.text.is_empty()).then_some(line);
        }
        Value::Object(map) => map,
        _ => return None,
    };
    let mut record = Record::new(map);
    let text = record.take(&["text", "content", "line", "t"], read::line)?;
    let start = record
        .take(&["offsetMs", "startMs", "start_ms", "offset_ms"], read::stamp_ms)
        .or_else(|| record.take(&["startSeconds", "offsetSeconds"], read::stamp_secs))
        .or_else(|| {
            record.take(
                &["offset", "start", "startTime", "start_time", "timestamp", "time"],
                read::stamp,
            )
        });
    let end = record
        .take(&["endMs", "end_ms"], read::stamp_ms)
        .or_else(|| record.take(&["end", "endTime", "end_time"], read::stamp));
    let duration = record
        .take(&["durationMs", "duration_ms"], read::stamp_ms)
        .or_else(|| record.take(&["duration", "dur"], read::stamp));
    let speaker = record.take(&["speaker", "speakerId", "speakerLabel"], speaker_key);
    for name in ["index", "id"] {
        if map.get(name).and_then(read::index) == Some(at) {
            record.mark(name);
        }
    }
    let mut extra = record.rest();
    if !extra.is_empty()
        && serde_json::to_string(&extra).is_ok_and(|t| t.len() > ENTRY_EXTRA_BYTES_MAX)
    {
        extra = extra
            .into_iter()
            .filter(|(key, value)| {
                let is_light = !value.is_object()
                    && !value.is_array()
                    && key.len() + value.as_str().map_or(0, str::len) <= ENTRY_EXTRA_BYTES_MAX / 4;
                if !is_light && heavy_keys.len() < 5 && !heavy_keys.contains(key) {
                    heavy_keys.push(key.clone());
                }
                is_light
            })
            .take(4)
            .collect();
    }
    Some(Line { at, start, end, duration, speaker, text, extra })
}

/// By what entries and names tell a speaker.
fn speaker_key(value: &Value) -> Option<String> {
    match value {
        Value::String(_) => read::line(value),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Start and end by line; the end where it is known.
fn times(lines: &[Line], duration_ms: Option<u64>, out: &mut Entries) -> Vec<(u64, Option<u64>)> {
    let words = |line: &Line| line.text.split(' ').count();
    if lines.iter().all(|line| line.start.is_none()) {
        if !lines.is_empty() {
            out.transcript.times = Times::About;
            out.notes.push(
                "The earlier transcript had no times; these are made up from the length of the \
                 text."
                    .to_owned(),
            );
        }
        let all: u64 = lines.iter().map(|line| words(line) as u64).sum::<u64>().max(1);
        let whole_ms = duration_ms.unwrap_or(all.saturating_mul(WORD_MS)).min(TIME_MS_MAX);
        let at_ms = |word: u64| {
            u64::try_from(u128::from(word) * u128::from(whole_ms) / u128::from(all))
                .unwrap_or(whole_ms)
        };
        let mut word = 0;
        return lines
            .iter()
            .map(|line| {
                let start = at_ms(word);
                word += words(line) as u64;
                (start, Some(at_ms(word)))
            })
            .collect();
    }
    let last = late(lines);
    let word_count: usize = lines.iter().map(words).sum();
    let is_ms = is_ms(last, word_count, duration_ms);
    let mut before = 0;
    let mut untimed = 0_usize;
    let starts = lines
        .iter()
        .map(|line| {
            match line.start.and_then(|start| start.ms(is_ms)) {
                Some(ms) => before = ms,
                None => untimed += 1,
            }
            let lasts = line.duration.and_then(|it| it.ms(is_ms)).filter(|ms| *ms > 0);
            let end = line
                .end
                .and_then(|end| end.ms(is_ms))
                .filter(|end| *end >= before)
                .or_else(|| lasts.map(|ms| before.saturating_add(ms)))
                .filter(|end| *end <= TIME_MS_MAX);
            (before, end)
        })
        .collect();
    if untimed > 0 {
        let count = read::counted(untimed, "line");
        out.notes.push(format!(
            "{count} of the transcript had no time that can be read; that of the line before \
             stands for it."
        ));
    }
    if untimed * 2 > lines.len() {
        out.transcript.times = Times::About;
    }
    starts
}

/// A bare start near the end: the last but a tenth, since one broken number must not decide.
fn late(lines: &[Line]) -> f64 {
    let mut starts: Vec<f64> = lines
        .iter()
        .filter_map(|line| match line.start {
            // What is no time in either unit says nothing.
            Some(Stamp::Bare(number)) if number <= TIME_MS_MAX as f64 => Some(number),
            _ => None,
        })
        .collect();
    if starts.is_empty() {
        return 0.0;
    }
    let at = (starts.len() * 9).div_ceil(10) - 1;
    *starts.select_nth_unstable_by(at, f64::total_cmp).1
}

/// Whether bare numbers are milliseconds: seconds unless the episode's length, the pace of speech
/// or, with too few words, a day in seconds speaks against it.
fn is_ms(last: f64, words: usize, duration_ms: Option<u64>) -> bool {
    if let Some(duration_ms) = duration_ms.filter(|ms| *ms > 0) {
        let as_seconds = last * 1000.0 / duration_ms as f64;
        // A thousandth of the length would be an episode that ends with its first words.
        if as_seconds <= 3.0 {
            return false;
        }
        if (100.0..=3000.0).contains(&as_seconds) {
            return true;
        }
    }
    let pace = words as f64 / last.max(1.0);
    if words >= PROOF_WORDS_MIN && pace >= WORDS_PER_SECOND_MIN {
        return false;
    }
    if words >= PROOF_WORDS_MIN && pace <= WORDS_PER_MS_MAX {
        return true;
    }
    last > 86_400.0
}

fn cue_of(count: usize, lines: &[Line], order: &[usize]) -> Vec<usize> {
    if lines.is_empty() {
        return Vec::new();
    }
    let mut place = vec![0; lines.len()];
    for (cue, at) in order.iter().enumerate() {
        place[*at] = cue;
    }
    let mut cue_of = vec![0; count];
    let mut next = lines.len();
    for at in (0..count).rev() {
        if next > 0 && lines[next - 1].at >= at {
            next -= 1;
        }
        cue_of[at] = place[next.min(lines.len() - 1)];
    }
    cue_of
}

/// Names of speakers by what entries call them, and whether they say all that stands there.
pub(super) fn speaker_names(value: &Value, names: &mut HashMap<String, String>) -> bool {
    let mut all = true;
    let mut add = |key: Option<String>, name: &Value| match name {
        Value::Object(map) => {
            let mut record = Record::new(map);
            let own = record.take(&["id", "key", "speaker", "label", "index"], speaker_key);
            let name = record.take(&["name", "displayName", "title"], read::line);
            all &= record.rest().is_empty();
            match (own.or(key), name) {
                (Some(key), Some(name)) => {
                    names.insert(key, name);
                }
                _ => all = false,
            }
        }
        name => match (key, read::line(name)) {
            (Some(key), Some(name)) => {
                names.insert(key, name);
            }
            _ => all = false,
        },
    };
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, name)| add(Some(read::one_line(key)), name))
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, name)| add(Some(at.to_string()), name));
        }
        _ => all = false,
    }
    all
}
