//! Timed-text XML: YouTube's `srv1` (`text start dur`, seconds), `srv2` (`text t d`, milliseconds),
//! `srv3` and `ytt` (`p t d`), and the `p begin end` of plain TTML.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Refusal, Sheet, WrittenCue, markup, stamp};

/// No caption file nests deeper; a deeper one is an attack on whoever recurses.
const DEPTH_MAX: usize = 64;

pub(super) fn parse(text: &str, sheet: &mut Sheet) -> Result<(), Refusal> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
    config.expand_empty_elements = true;

    let (mut depth, mut count) = (0usize, 0usize);
    let mut open: Option<(WrittenCue, usize)> = None;
    loop {
        let event = match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => event,
            Err(_) if sheet.cues.is_empty() && open.is_none() => {
                let at = usize::try_from(reader.error_position()).unwrap_or(0).min(text.len());
                let line = 1 + text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count();
                return Err(Refusal::Broken { kind: "XML", line });
            }
            Err(_) => {
                sheet.skipped.note(count, "the XML breaks off after this item");
                break;
            }
        };
        match event {
            Event::Start(element) => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(Refusal::TooDeep("XML"));
                }
                match element.local_name().into_inner() {
                    "text" | "p" if open.is_none() => {
                        count += 1;
                        match times(&element) {
                            Some(cue) => open = Some((cue, depth)),
                            None => sheet.skipped.note(count, "this item has no start"),
                        }
                    }
                    "br" => push_str(&mut open, "\n"),
                    // One span a word, with no blank between, is what podcast TTML has.
                    "span" => push_str(&mut open, " "),
                    "tt" | "timedtext" | "transcript" => {
                        sheet.language = attribute(&element, "lang").filter(|l| !l.is_empty());
                    }
                    _ => {}
                }
            }
            Event::End(_) => {
                if open.as_ref().is_some_and(|(_, at)| depth <= *at) {
                    close(&mut open, sheet)?;
                }
                depth = depth.saturating_sub(1);
            }
            Event::Text(words) => push_str(&mut open, &words.into_inner()),
            Event::CData(words) => push_str(&mut open, &words.into_inner()),
            Event::GeneralRef(name) => {
                let entity = format!("&{};", name.into_inner());
                push_str(&mut open, &markup::unescape(&entity));
            }
            _ => {}
        }
    }
    close(&mut open, sheet)
}

fn push_str(open: &mut Option<(WrittenCue, usize)>, words: &str) {
    if let Some((cue, _)) = open {
        cue.text.push_str(words);
    }
}

fn close(open: &mut Option<(WrittenCue, usize)>, sheet: &mut Sheet) -> Result<(), Refusal> {
    let Some((mut cue, _)) = open.take() else {
        return Ok(());
    };
    // The older forms are escaped twice: `&amp;#39;`.
    cue.text = markup::plain(&cue.text);
    sheet.push(cue)
}

/// The cue that an element opens, if it says when.
fn times(element: &BytesStart) -> Option<WrittenCue> {
    let (mut start, mut end, mut duration, mut speaker) = (None, None, None, None);
    for attribute in element.html_attributes().with_checks(false).flatten() {
        let value = || attribute.value.trim();
        let seconds = || value().parse().ok().and_then(stamp::from_seconds);
        let millis = || value().parse().ok().and_then(stamp::from_millis);
        match attribute.key.local_name().into_inner() {
            "start" => start = seconds(),
            "dur" => duration = seconds().or_else(|| clock(value())),
            "t" => start = millis(),
            "d" => duration = millis(),
            "begin" => start = clock(value()),
            "end" => end = clock(value()),
            "agent" => speaker = Some(markup::unescape(value()).into_owned()),
            _ => {}
        }
    }
    let start: u64 = start?;
    let end_ms = end.or(duration.map(|duration| start.saturating_add(duration)));
    Some(WrittenCue { start_ms: Some(start), end_ms, speaker, text: String::new() })
}

/// A clock time or an offset of TTML: `00:00:01.5`, `1.5s`, `1500ms`.
fn clock(value: &str) -> Option<u64> {
    if let Some(number) = value.strip_suffix("ms") {
        return number.parse().ok().and_then(stamp::from_millis);
    }
    if let Some(number) = value.strip_suffix('s') {
        return number.parse().ok().and_then(stamp::from_seconds);
    }
    stamp::whole(value).or_else(|| value.parse().ok().and_then(stamp::from_seconds))
}

fn attribute(element: &BytesStart, name: &str) -> Option<String> {
    element
        .html_attributes()
        .with_checks(false)
        .flatten()
        .find(|attribute| attribute.key.local_name().into_inner() == name)
        .map(|attribute| attribute.value.trim().to_owned())
}
