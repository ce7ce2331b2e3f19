//! The drift guard: a publisher's transcript that does not fit the sound, as advertisements differ
//! from
//! download to download. How long both are costs nothing to compare; where that is suspicious and a
//! recogniser runs on this machine, two short windows are heard and their words looked for in the
//! transcript. Only times are judged here, never words.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::path::Path;

use unicode_segmentation::UnicodeSegmentation;

use crate::audio::decode::{Order, decode};
use crate::audio::{AudioError, Piece, ms_of, samples_of};
use crate::domain::episode::Episode;
use crate::domain::recap::TranscriptSource;
use crate::domain::transcript::{Times, Transcript};
use crate::models::heard::settle;
use crate::models::speech::{HeardPiece, Known, Recogniser};

use super::listen::{self, Sound};
use super::resolve::short;
use super::step::{Progress, Step};
use super::{Heard, PipelineError, Stage, Tools, Workspace, blocking};

/// The recogniser on this machine, by the name of its instance: only it costs nothing.
const LOCAL: &str = "whisper";

/// By how much a transcript may be longer than the sound: lengths in feeds are rounded, and a last
/// cue
/// is often held.
const LONGER_MS_MAX: u64 = 15_000;

/// By how much it may be shorter: music, credits and an advertisement at the end.
const SHORTER_MS_MAX: u64 = 180_000;

/// The same as a part of the sound, one in so many: a long show has a long end.
const SHORTER_PART: u64 = 20;

/// Length of a window that is heard.
const WINDOW_MS: u64 = 30_000;

/// How far from its time a window's words are looked for.
const RANGE_MS: u64 = 15 * 60_000;

/// An offset that is drift: words are placed to some two seconds within a cue, and seeking five
/// seconds
/// too early or late still finds the sentence.
const OFFSET_MS_MAX: i64 = 5_000;

/// Words of a window that must agree on one offset.
const AGREEING_MIN: usize = 6;

/// Offsets within this are the same.
const SAME_MS: i64 = 4_000;

/// Least letters of a word that anchors; shorter ones stand everywhere.
const ANCHOR_LETTERS_MIN: usize = 4;

/// A word that is said more often in the range anchors nothing.
const OCCURRENCES_MAX: usize = 6;

/// What the lengths of a transcript and its sound say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lengths {
    /// They fit, or one is not known.
    Fit,
    /// The transcript ends so many milliseconds behind the sound.
    Longer(u64),
    /// The transcript ends so many milliseconds before the sound, more than an end without words
    /// explains.
    Shorter(u64),
}

/// Compares where a transcript ends with how long the sound is said to be.
pub(super) fn lengths(transcript: &Transcript, sound_ms: Option<u64>) -> Lengths {
    let end_ms = transcript.duration_ms();
    let sound_ms = sound_ms.unwrap_or_default();
    if !transcript.times.is_exact() || end_ms == 0 || sound_ms == 0 {
        return Lengths::Fit;
    }
    let (longer, shorter) = (end_ms.saturating_sub(sound_ms), sound_ms.saturating_sub(end_ms));
    if longer > LONGER_MS_MAX {
        Lengths::Longer(longer)
    } else if shorter > SHORTER_MS_MAX.max(sound_ms / SHORTER_PART) {
        Lengths::Shorter(shorter)
    } else {
        Lengths::Fit
    }
}

/// A stretch of the sound as it was heard.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    /// Where it begins in the sound, in milliseconds.
    pub(super) start_ms: u64,
    /// What was heard in it.
    pub(super) heard: HeardPiece,
}

/// What the windows say of the transcript's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drift {
    /// No window's words were found, so nothing can be said.
    Unknown,
    /// All that were found are where the transcript says.
    None,
    /// At this time of the sound the transcript's times are so many milliseconds off: too late
    /// where
    /// positive.
    Off { at_ms: u64, by_ms: i64 },
}

/// Looks for the words of heard windows in a transcript.
pub(super) fn drift(transcript: &Transcript, windows: &[Window]) -> Drift {
    let mut found = Drift::Unknown;
    for window in windows {
        match offset_ms(transcript, window) {
            Some(by_ms) if by_ms.abs() > OFFSET_MS_MAX => {
                return Drift::Off { at_ms: window.start_ms, by_ms };
            }
            Some(_) => found = Drift::None,
            None => {}
        }
    }
    found
}

/// By how much the transcript's times of a window's words are later than they were heard; `None`
/// where
/// too few of them are found in one place.
fn offset_ms(transcript: &Transcript, window: &Window) -> Option<i64> {
    let from = window.start_ms.saturating_sub(RANGE_MS);
    let to = window.start_ms.saturating_add(WINDOW_MS + RANGE_MS);
    let mut said: HashMap<String, Vec<u64>> = HashMap::new();
    for cue in &transcript.cues {
        if cue.end_ms >= from && cue.start_ms <= to {
            each_anchor(&cue.text, cue.start_ms, cue.end_ms, &mut |word, at_ms| {
                said.entry(word).or_default().push(at_ms);
            });
        }
    }
    let mut votes: Vec<(i64, usize)> = Vec::new();
    let mut anchors = 0;
    for segment in &window.heard.segments {
        let at = |ms: u64| window.start_ms.saturating_add(ms);
        each_anchor(&segment.text, at(segment.start_ms), at(segment.end_ms), &mut |word, at_ms| {
            let Some(places) = said.get(&word).filter(|places| places.len() <= OCCURRENCES_MAX)
            else {
                return;
            };
            anchors += 1;
            votes.extend(
                places.iter().map(|place| (signed(*place).saturating_sub(signed(at_ms)), anchors)),
            );
        });
    }
    votes.sort_unstable();
    // The most different words that agree, in one pass over the sorted offsets.
    let (mut best, mut first) = (0..0, 0);
    for (last, (offset, _)) in votes.iter().enumerate() {
        while offset.saturating_sub(votes[first].0) > SAME_MS {
            first += 1;
        }
        if last + 1 - first > best.len() {
            best = first..last + 1;
        }
    }
    let mut words: Vec<usize> = votes[best.clone()].iter().map(|(_, word)| *word).collect();
    words.sort_unstable();
    words.dedup();
    // Words that fall together by chance are a few of many.
    if words.len() < AGREEING_MIN || words.len() * 3 < anchors {
        return None;
    }
    Some(votes[best.start + best.len() / 2].0)
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX / 4)
}

/// Calls `each` with the words of a stretch that can anchor, and with pairs of them, which stand in
/// one place where each of the two stands in many; and about when each is said.
fn each_anchor(text: &str, start_ms: u64, end_ms: u64, each: &mut dyn FnMut(String, u64)) {
    let length_ms = end_ms.saturating_sub(start_ms);
    let bytes = text.len().max(1) as u64;
    let mut before: Option<String> = None;
    for (at, word) in text.unicode_word_indices() {
        if word.chars().count() < ANCHOR_LETTERS_MIN {
            continue;
        }
        // Within the stretch by the letters before it.
        let into = (at as u64).saturating_mul(length_ms) / bytes;
        let at_ms = start_ms.saturating_add(into);
        let word = word.to_lowercase();
        if let Some(before) = before.replace(word.clone()) {
            each(format!("{before} {word}"), at_ms);
        }
        each(word, at_ms);
    }
}

/// Judges a publisher's transcript by its sound and says so in its notes; times that do not fit
/// become
/// [`Times::About`]. Hearing windows is tried only where the lengths are suspicious and the
/// recogniser
/// of this machine is among those that the person chose; where it fails, the lengths decide.
pub(super) async fn guard(
    tools: &Tools,
    mut heard: Heard,
    sound: Option<Sound<'_>>,
    workspace: &Workspace,
    progress: &Progress<'_>,
) -> Heard {
    let lengths = lengths(&heard.transcript, heard.episode.duration_ms);
    let by_length = match lengths {
        Lengths::Fit => return heard,
        Lengths::Longer(ms) => format!("it ends {} behind the sound", spoken(ms)),
        Lengths::Shorter(ms) => format!("it ends {} before the sound", spoken(ms)),
    };
    let about = "The times shown are about right.";
    let note = match hear(tools, &heard, sound, workspace, progress).await {
        Ok(Drift::None) => return heard,
        Ok(Drift::Off { at_ms, by_ms }) => format!(
            "The publisher's transcript does not fit the sound, as with other advertisements in it: at {} its times are {} too {}. \
             {about}",
            clock(at_ms),
            spoken(by_ms.unsigned_abs()),
            if by_ms > 0 { "late" } else { "early" },
        ),
        Ok(Drift::Unknown) => {
            format!("The publisher's transcript may not fit the sound: {by_length}. {about}")
        }
        Err(error) => {
            tracing::info!(%error, "the sound could not be heard to check a transcript's times");
            format!("The publisher's transcript may not fit the sound: {by_length}. {about}")
        }
    };
    heard.transcript.times = Times::About;
    heard.notes.push(note);
    heard
}

/// Hears two windows with the recogniser of this machine; [`Drift::Unknown`] where there is none.
async fn hear(
    tools: &Tools,
    heard: &Heard,
    sound: Option<Sound<'_>>,
    workspace: &Workspace,
    progress: &Progress<'_>,
) -> Result<Drift, PipelineError> {
    let local = tools.recognisers.iter().find(|one| one.name() == LOCAL);
    let may_listen = tools.wish.sources.contains(&TranscriptSource::Speech);
    let (Some(recogniser), Some(sound), true) = (local, sound, may_listen) else {
        return Ok(Drift::Unknown);
    };
    let folder = workspace.sound_folder()?;
    let file = listen::fetched(tools, sound, folder.path(), &heard.episode, progress).await?;
    progress(Step::of(
        Stage::Transcript,
        format!("Comparing the transcript of {} with its sound", short(&heard.episode.title)),
    ));
    let sound_ms = heard.episode.duration_ms.unwrap_or(u64::MAX);
    let length_ms = heard.transcript.duration_ms().min(sound_ms);
    let starts = [length_ms / 3, length_ms / 3 * 2];
    let limits = tools.sound.clone();
    let pieces =
        blocking(move || windows(&file, limits.ffmpeg.as_deref(), limits.hours_max, &starts))
            .await??;
    let turn = tools.places.listen().await;
    let outcome = hear_pieces(recogniser.as_ref(), &heard.episode, heard, &pieces).await;
    drop(turn);
    tools.places.go_on().await;
    Ok(drift(&heard.transcript, &outcome?))
}

async fn hear_pieces(
    recogniser: &dyn Recogniser,
    episode: &Episode,
    heard: &Heard,
    pieces: &[Piece],
) -> Result<Vec<Window>, PipelineError> {
    let known = Known {
        language: heard.transcript.language.clone(),
        words: format!("{}. {}", episode.title, episode.show.title),
    };
    let mut windows = Vec::new();
    for piece in pieces {
        let mut heard = recogniser.hear(piece, &known).await?;
        heard.segments = settle(piece, heard.segments).segments;
        windows.push(Window { start_ms: piece.start_ms, heard });
    }
    Ok(windows)
}

/// The sound of windows that begin at some times, ascending. Blocks; reads the file to the last of
/// them.
fn windows(
    path: &Path,
    ffmpeg: Option<&Path>,
    hours_max: u32,
    starts_ms: &[u64],
) -> Result<Vec<Piece>, AudioError> {
    let mut samples: BTreeMap<u64, Vec<i16>> = BTreeMap::new();
    let end = starts_ms.iter().map(|start| samples_of(start + WINDOW_MS)).max().unwrap_or(0);
    let mut passed = 0_u64;
    let order = Order { path, ffmpeg, hours_max };
    let outcome = decode(&order, &mut |block: &[i16]| {
        let behind = passed + block.len() as u64;
        for start in starts_ms.iter().map(|start| samples_of(*start)) {
            let from = start.max(passed);
            let to = (start + samples_of(WINDOW_MS)).min(behind);
            if from < to {
                // Both lie within the block.
                let part = &block[(from - passed) as usize..(to - passed) as usize];
                samples.entry(start).or_default().extend_from_slice(part);
            }
        }
        passed = behind;
        if passed >= end { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match outcome {
        Ok(_) | Err(AudioError::Stopped) => {}
        Err(error) => return Err(error),
    }
    let piece = |(start, samples): (u64, Vec<i16>)| Piece {
        samples: samples.into(),
        start_ms: ms_of(start),
    };
    Ok(samples.into_iter().map(piece).collect())
}

/// A length for a person.
fn spoken(ms: u64) -> String {
    match ms.saturating_add(500) / 1_000 {
        1 => "1 second".to_owned(),
        seconds @ 0..120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", (seconds + 30) / 60),
    }
}

fn clock(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds / 3_600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests;
