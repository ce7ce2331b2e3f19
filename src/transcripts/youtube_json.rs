//! YouTube's `json3`: events with times in milliseconds, each a list of words.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::json::{Few, Number, Wanted, Words, document};
use super::{Refusal, Sheet, WrittenCue, stamp};

#[derive(serde::Deserialize)]
struct Top {
    #[serde(default)]
    events: Few<Event>,
}

#[derive(serde::Deserialize)]
struct Event {
    #[serde(default, rename = "tStartMs")]
    start: Number,
    #[serde(default, rename = "dDurationMs")]
    duration: Number,
    #[serde(default, rename = "segs")]
    text: Joined,
}

impl Wanted for Event {
    /// Events without words open windows or break lines.
    fn wanted(&self) -> bool {
        !self.text.0.trim().is_empty()
    }
}

/// The words of all segments, joined while they are read so that no list of them is kept.
#[derive(Default)]
struct Joined(String);

impl<'de> Deserialize<'de> for Joined {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Segment {
            #[serde(default)]
            utf8: Words,
        }
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Joined;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of segments")
            }
            fn visit_unit<E>(self) -> Result<Joined, E> {
                Ok(Joined::default())
            }
            fn visit_str<E>(self, text: &str) -> Result<Joined, E> {
                Ok(Joined(text.to_owned()))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Joined, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Joined::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Joined, A::Error> {
                let mut joined = Joined::default();
                while let Some(segment) = seq.next_element::<Segment>()? {
                    joined.0.push_str(segment.utf8.0.as_deref().unwrap_or(""));
                }
                Ok(joined)
            }
        }
        deserializer.deserialize_any(List)
    }
}

pub(super) fn parse(text: &str, sheet: &mut Sheet) -> Result<(), Refusal> {
    let top: Top = document(text)?;
    for (index, event) in top.events.0.into_iter().enumerate() {
        let Some(start) = event.start.0.and_then(stamp::from_millis) else {
            sheet.skipped.note(index + 1, "this event has no start");
            continue;
        };
        let duration = event.duration.0.and_then(stamp::from_millis);
        sheet.push(WrittenCue {
            start_ms: Some(start),
            end_ms: duration.map(|duration| start.saturating_add(duration)),
            speaker: None,
            text: event.text.0,
        })?;
    }
    Ok(())
}
