//! The Podcasting 2.0 JSON transcript (`segments` with `startTime`, `endTime`, `speaker`, `body`),
//! and the like lists that speech recognisers and caption fetchers write.

use super::json::{Few, Number, Wanted, Words, document};
use super::{Refusal, Sheet, WrittenCue, stamp};

#[derive(serde::Deserialize)]
struct Top {
    #[serde(default)]
    language: Words,
    #[serde(default)]
    segments: Few<Segment>,
    #[serde(default)]
    transcript: Few<Segment>,
    #[serde(default)]
    cues: Few<Segment>,
}

#[derive(serde::Deserialize)]
struct Segment {
    #[serde(default)]
    speaker: Words,
    #[serde(default, rename = "startTime")]
    start_time: Number,
    #[serde(default)]
    start: Number,
    #[serde(default)]
    offset: Number,
    #[serde(default, rename = "endTime")]
    end_time: Number,
    #[serde(default)]
    end: Number,
    #[serde(default)]
    duration: Number,
    #[serde(default)]
    body: Words,
    #[serde(default)]
    text: Words,
}

impl Wanted for Segment {
    fn wanted(&self) -> bool {
        self.body.0.is_some() || self.text.0.is_some()
    }
}

pub(super) fn parse(text: &str, sheet: &mut Sheet) -> Result<(), Refusal> {
    let segments = if text.trim_start().starts_with('[') {
        let list: Few<Segment> = document(text)?;
        list.0
    } else {
        let top: Top = document(text)?;
        sheet.language = top.language.0;
        [top.segments.0, top.transcript.0, top.cues.0]
            .into_iter()
            .max_by_key(Vec::len)
            .unwrap_or_default()
    };
    if segments.is_empty() && text.trim_start().starts_with('[') {
        return Err(Refusal::NotATranscript("JSON of another kind"));
    }
    for (index, segment) in segments.into_iter().enumerate() {
        let first = |numbers: [Number; 3]| numbers.into_iter().find_map(|number| number.0);
        let start = first([segment.start_time, segment.start, segment.offset]);
        let Some(start_ms) = start.and_then(stamp::from_seconds) else {
            sheet.skipped.note(index + 1, "this segment has no start");
            continue;
        };
        let end = first([segment.end_time, segment.end, Number(None)]);
        let duration = segment.duration.0.and_then(stamp::from_seconds);
        sheet.push(WrittenCue {
            start_ms: Some(start_ms),
            end_ms: end
                .and_then(stamp::from_seconds)
                .or(duration.map(|duration| start_ms.saturating_add(duration))),
            speaker: segment.speaker.0.filter(|name| !name.trim().is_empty()),
            text: segment.body.0.or(segment.text.0).unwrap_or_default(),
        })?;
    }
    Ok(())
}
