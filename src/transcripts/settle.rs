//! The cues of a file into a transcript: each line once, names as keys, times in order.

use std::collections::{BTreeMap, HashMap};

use crate::domain::transcript::{Cue, Times, Transcript};

use super::{
    CUE_TEXT_BYTES_MAX, CUES_MAX, Format, Hint, Refusal, Skipped, Written, WrittenCue, cut,
    rolling, speakers,
};

/// A cue that begins later is damage: no episode lasts forty days.
const START_MS_MAX: u64 = 1_000 * 3_600_000;

/// A page with neither times nor names and fewer words is an error page or a sign-in.
const PAGE_WORDS_MIN: u64 = 30;

/// Longest name kept, in bytes; a longer one is cut.
const NAME_BYTES_MAX: usize = 100;

/// More names than this are not people: later ones are left out.
const SPEAKERS_MAX: usize = 500;

/// Cues of one or two words each (word-by-word timing) are joined up to a line of this length.
const JOINED_BYTES_MAX: usize = 120;

/// Words further apart than this are not joined: somebody paused.
const JOINED_PAUSE_MS_MAX: u64 = 1_500;

pub(super) struct Settled {
    pub(super) transcript: Transcript,
    pub(super) skipped: Skipped,
    pub(super) mended: usize,
}

pub(super) fn settle(written: Written, hint: &Hint) -> Result<Settled, Refusal> {
    let Written { format, language, mut cues, mut skipped, .. } = written;
    for cue in &mut cues {
        clean_lines(&mut cue.text);
    }
    if matches!(format, Format::Vtt | Format::Srt | Format::Sbv | Format::TimedText) {
        rolling::say_once(&mut cues);
    }
    cues.retain(|cue| !cue.text.trim().is_empty());
    speakers::lift(&mut cues);
    for cue in &mut cues {
        cue.text = one_line(&cue.text);
    }
    cues.retain(|cue| !cue.text.is_empty());
    let mut index = 0;
    cues.retain(|cue| {
        index += 1;
        let keep = cue.start_ms.is_none_or(|start| start <= START_MS_MAX);
        if !keep {
            skipped.note(index, "this cue begins after a thousand hours");
        }
        keep
    });
    if cues.is_empty() {
        return Err(Refusal::NoCues(format.name()));
    }
    let times = fill_starts(&mut cues);
    let words = || cues.iter().map(|cue| cut::words(&cue.text)).sum::<u64>();
    let bare = times == Times::About && cues.iter().all(|cue| cue.speaker.is_none());
    if format == Format::Html && bare && words() < PAGE_WORDS_MIN {
        return Err(Refusal::NotATranscript("a web page with hardly any words"));
    }
    // Stable, so that cues of one moment keep the order of the file.
    cues.sort_by_key(|cue| cue.start_ms);
    let mended = fill_ends(&mut cues, format);
    join_words(&mut cues);

    let mut cast = Names::default();
    let mut out = Vec::with_capacity(cues.len());
    for cue in cues {
        let speaker = cue.speaker.as_deref().and_then(|name| cast.key(name));
        cut_long(cue, speaker, &mut out);
        if out.len() > CUES_MAX {
            return Err(Refusal::TooManyCues);
        }
    }
    // A piece of a long cue may begin after the next cue that overlaps it.
    out.sort_by_key(|cue: &Cue| cue.start_ms);
    let language = [language, hint.language.clone()]
        .into_iter()
        .flatten()
        .map(|tag| tag.trim().replace('_', "-"))
        .find(|tag| is_tag(tag));
    let transcript = Transcript { language, times, speakers: cast.names, cues: out };
    Ok(Settled { transcript, skipped, mended })
}

/// A BCP 47 tag has letters, digits and hyphens; anything else in its place is noise.
fn is_tag(tag: &str) -> bool {
    (2..=35).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Takes out what is never shown: controls, zero-width blanks, marks of direction and of order.
fn clean_lines(text: &mut String) {
    let unseen = |c: char| {
        (c.is_control() && !c.is_whitespace())
            || matches!(
                c,
                '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}' | '\u{202a}'..='\u{202e}'
            )
            || matches!(c, '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    if text.contains(unseen) {
        text.retain(|c| !unseen(c));
    }
}

fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Gives every cue a start: by 150 words a minute where the source has none at all, between its
/// timed neighbours where it has some.
fn fill_starts(cues: &mut [WrittenCue]) -> Times {
    let untimed = cues.iter().filter(|cue| cue.start_ms.is_none()).count();
    let mut at = 0;
    // Where the run that is being filled begins, in milliseconds.
    let mut from = 0;
    while at < cues.len() {
        if let Some(start) = cues[at].start_ms {
            if cues.get(at + 1).is_some_and(|next| next.start_ms.is_none()) {
                from = start.saturating_add(cut::spoken_ms(&cues[at].text));
            }
            at += 1;
            continue;
        }
        let len = cues[at..].iter().take_while(|cue| cue.start_ms.is_none()).count();
        let next = cues.get(at + len).and_then(|cue| cue.start_ms);
        let natural: u64 = cues[at..at + len].iter().map(|cue| cut::spoken_ms(&cue.text)).sum();
        let before = at.checked_sub(1).and_then(|i| cues[i].start_ms).unwrap_or(0);
        let begin = next.map_or(from, |next| from.min(next.max(before)));
        // Squeezed where the next time leaves less room than the words take.
        let room = next.map_or(natural, |next| natural.min(next.saturating_sub(begin)));
        let mut said = 0u64;
        for cue in &mut cues[at..at + len] {
            let share = u128::from(room) * u128::from(said) / u128::from(natural.max(1));
            let share = u64::try_from(share).unwrap_or(room);
            cue.start_ms = Some(begin.saturating_add(share));
            said += cut::spoken_ms(&cue.text);
        }
        from = begin.saturating_add(room);
        at += len;
    }
    if untimed * 2 > cues.len() { Times::About } else { Times::Exact }
}

/// Gives every cue an end not before its start; how many ends had to be mended.
fn fill_ends(cues: &mut [WrittenCue], format: Format) -> usize {
    // YouTube's automatic captions stay on the screen while the next one is spoken.
    let clipped = matches!(format, Format::YouTubeJson | Format::TimedText);
    let mut mended = 0;
    // The first start that is later than this cue's.
    let mut later: Option<u64> = None;
    for at in (0..cues.len()).rev() {
        let start = cues[at].start_ms.unwrap_or(0);
        let next = cues.get(at + 1).and_then(|cue| cue.start_ms);
        if next.is_some_and(|next| next > start) {
            later = next;
        }

        let end = match cues[at].end_ms {
            Some(end) if end < start => {
                mended += 1;
                later.unwrap_or(start)
            }
            Some(end) if clipped => later.map_or(end, |later| end.min(later)),
            Some(end) => end,
            None => later.unwrap_or_else(|| start.saturating_add(cut::spoken_ms(&cues[at].text))),
        };
        cues[at].end_ms = Some(end.min(start.saturating_add(START_MS_MAX)));
    }
    mended
}

/// Joins word-by-word cues into lines.
fn join_words(cues: &mut Vec<WrittenCue>) {
    // A file below twenty cues is as good as it is; the bytes rule most others out.
    let bytes: usize = cues.iter().map(|cue| cue.text.len()).sum();
    let long = |cues: &[WrittenCue]| {
        let words: u64 = cues.iter().map(|cue| cut::words(&cue.text)).sum();
        words > cues.len() as u64 * 2
    };
    if cues.len() < 20 || bytes > cues.len() * 40 || long(cues) {
        return;
    }
    let mut out: Vec<WrittenCue> = Vec::with_capacity(cues.len() / 4);
    for cue in std::mem::take(cues) {
        match out.last_mut() {
            Some(line) if joins(line, &cue) => {
                line.text.push(' ');
                line.text.push_str(&cue.text);
                line.end_ms = line.end_ms.max(cue.end_ms);
            }
            _ => out.push(cue),
        }
    }
    *cues = out;
}

fn joins(line: &WrittenCue, cue: &WrittenCue) -> bool {
    let pause = cue.start_ms.unwrap_or(0).saturating_sub(line.end_ms.unwrap_or(0));
    line.speaker == cue.speaker
        && pause <= JOINED_PAUSE_MS_MAX
        && line.text.len() + cue.text.len() < JOINED_BYTES_MAX
        && !line.text.ends_with(['.', '!', '?', '。', '！', '？'])
}

/// Cuts a cue that is too long at its sentences and shares its time out by length.
fn cut_long(cue: WrittenCue, speaker: Option<String>, out: &mut Vec<Cue>) {
    let start = cue.start_ms.unwrap_or(0);
    let end = cue.end_ms.unwrap_or(start);
    if cue.text.len() <= CUE_TEXT_BYTES_MAX {
        out.push(Cue { start_ms: start, end_ms: end, speaker, text: cue.text });
        return;
    }
    let all = cue.text.len() as u128;
    let at = |bytes: usize| {
        let share = u128::from(end - start) * bytes as u128 / all;
        start + u64::try_from(share).unwrap_or(end - start)
    };
    let mut said = 0;
    for piece in cut::pieces(&cue.text, CUE_TEXT_BYTES_MAX) {
        let start_ms = at(said);
        said = (said + piece.len() + 1).min(cue.text.len());
        let (speaker, text) = (speaker.clone(), piece.to_owned());
        out.push(Cue { start_ms, end_ms: at(said), speaker, text });
    }
}

/// Keys by name, in order of first appearance.
#[derive(Default)]
struct Names {
    keys: HashMap<String, String>,
    names: BTreeMap<String, String>,
}

impl Names {
    fn key(&mut self, name: &str) -> Option<String> {
        let mut name = one_line(&name[..name.floor_char_boundary(NAME_BYTES_MAX)]);
        clean_lines(&mut name);
        if name.is_empty() {
            return None;
        }
        if let Some(key) = self.keys.get(&name) {
            return Some(key.clone());
        }
        if self.keys.len() >= SPEAKERS_MAX {
            return None;
        }
        let key = format!("s{}", self.keys.len() + 1);
        self.keys.insert(name.clone(), key.clone());
        self.names.insert(key.clone(), name);
        Some(key)
    }
}
