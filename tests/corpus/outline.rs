//! Outlines of sectioned transcripts, in the form that `../shared/corpus/score.py` takes: where the sections
//! begin, a title for each section of the record's own division, a summary in the record's number of words.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

use flate2::read::GzDecoder;
use recap::domain::outline::Chapter;
use recap::domain::transcript::{Cue, Times, Transcript};
use recap::outline::{Options, outline};
use serde::Deserialize;
use serde_json::{Value, json};

/// A sectioned transcript; what nobody here reads is left out.
#[derive(Deserialize)]
pub struct Record {
    id: String,
    /// The series that it is from.
    pub set: String,
    /// BCP 47 tag.
    pub lang: String,
    /// `150wpm` where the times are made up, else `source`.
    clock: String,
    duration_seconds: f64,
    /// What is said, in order.
    pub segments: Vec<Segment>,
    /// Indexes of the segments that begin a section, the first left out.
    pub gold_boundaries: Vec<usize>,
    /// The same, finer; few records have them.
    pub fine_boundaries: Option<Vec<usize>>,
    summary_words: usize,
}

/// A line of a transcript.
#[derive(Deserialize)]
pub struct Segment {
    /// From the start of the episode.
    pub start_seconds: f64,
    text: String,
    speaker: Option<String>,
}

/// Calls `each` with one prediction for every record of a file.
pub fn outlines(file: &Path, each: impl Fn(&Value)) -> Result<(), String> {
    records(file, |record| each(&prediction(&record)))
}

/// Calls `each` with every record of a file.
pub fn records(file: &Path, mut each: impl FnMut(Record)) -> Result<(), String> {
    let shown = file.display();
    let open = File::open(file).map_err(|e| format!("{shown} cannot be opened: {e}"))?;
    for (at, line) in BufReader::new(GzDecoder::new(open)).lines().enumerate() {
        let line = line.map_err(|e| format!("Line {} of {shown} cannot be read: {e}", at + 1))?;
        let record = serde_json::from_str(&line)
            .map_err(|e| format!("Line {} of {shown} is no record: {e}", at + 1))?;
        each(record);
    }
    Ok(())
}

fn prediction(record: &Record) -> Value {
    let transcript = transcript(record);
    let options = Options { language: Some(record.lang.clone()), ..Options::default() };
    let started = Instant::now();
    let found = outline(&transcript, &options);
    let seconds = started.elapsed().as_secs_f64();
    let boundaries: Vec<usize> = found.topics.iter().skip(1).map(|t| t.first_cue).collect();
    let words = record.summary_words;
    let summary = (words > 0).then(|| {
        outline(&transcript, &Options { overview_words_max: words, ..options.clone() }).overview
    });
    json!({
        "id": record.id,
        "boundaries": boundaries,
        "titles": titles(record, &transcript, &options),
        "summary": summary,
        "seconds": seconds,
    })
}

/// A title of ours for each section of the record's division. Chapters begin with a sentence, so that two
/// sections can become one: both then have its title.
fn titles(record: &Record, transcript: &Transcript, options: &Options) -> Vec<String> {
    let starts: Vec<usize> = [0].into_iter().chain(record.gold_boundaries.clone()).collect();
    if starts.len() < 2 {
        return Vec::new();
    }
    let chapter =
        |cue: &usize| Chapter { start_ms: transcript.cues[*cue].start_ms, ..Chapter::default() };
    let chapters = starts.iter().map(chapter).collect();
    let found = outline(transcript, &Options { chapters, ..options.clone() });
    let ends = starts.iter().skip(1).copied().chain([transcript.cues.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(from, to)| (from + to) / 2)
        .filter_map(|cue| found.topics.iter().find(|topic| topic.last_cue >= cue))
        .map(|topic| topic.title.clone())
        .collect()
}

/// A record as the outliner takes it.
pub fn transcript(record: &Record) -> Transcript {
    let ms = |seconds: f64| (seconds * 1_000.0) as u64;
    let starts = record.segments.iter().map(|segment| ms(segment.start_seconds));
    let ends = starts.clone().skip(1).chain([ms(record.duration_seconds)]);
    let cue = |(segment, (start_ms, end_ms)): (&Segment, (u64, u64))| Cue {
        start_ms,
        end_ms: end_ms.max(start_ms),
        speaker: segment.speaker.clone(),
        text: segment.text.clone(),
    };
    let times = if record.clock == "source" { Times::Exact } else { Times::About };
    let cues = record.segments.iter().zip(starts.zip(ends)).map(cue).collect();
    Transcript { times, cues, ..Transcript::default() }
}
