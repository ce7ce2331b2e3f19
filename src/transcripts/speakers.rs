//! Labels at the head of what somebody says: `Anna: words`.

use std::collections::HashMap;

use super::WrittenCue;

/// Longest label in bytes that can be a name: `Dr. Maria-Luise von Hohenstein (host)`.
const NAME_BYTES_MAX: usize = 60;

/// Small words inside a name.
const PARTICLES: [&str; 14] =
    ["of", "the", "and", "de", "la", "da", "di", "du", "van", "von", "der", "den", "bin", "y"];

/// Words that stand before a colon and speak not.
const NOT_NAMES: [&str; 10] =
    ["note", "warning", "ps", "http", "https", "transcript", "example", "date", "title", "summary"];

/// The label and the words after it; whether it is a speaker is for the whole file to say.
pub(super) fn label(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || ">-–—,.;•".contains(c));
    let head = &text[..text.floor_char_boundary(NAME_BYTES_MAX + 1)];
    let (at, colon) = head.char_indices().find(|(_, c)| matches!(c, ':' | '：'))?;
    let (name, rest) = (text[..at].trim_end(), &text[at + colon.len_utf8()..]);
    let parted = colon == '：' || rest.is_empty() || rest.starts_with(char::is_whitespace);
    (parted && is_name(name)).then(|| (name, rest.trim_start()))
}

/// Whether a short text looks like somebody's name: a few words with capitals, or in a script
/// that has none.
pub(super) fn is_name(text: &str) -> bool {
    if text.is_empty() || text.len() > NAME_BYTES_MAX {
        return false;
    }
    let bare = text.trim_matches(['[', ']', '*', '_']);
    let mut words = 0;
    let mut has_letter = false;
    for word in bare.split_whitespace() {
        words += 1;
        let inner = word.trim_matches(|c: char| "()[]\"'“”.,".contains(c));
        let aside = word.starts_with(['(', '[']) || word.ends_with([')', ']']);
        if inner.chars().any(|c| !(c.is_alphanumeric() || "'’.-&_#/".contains(c) || is_mark(c))) {
            return false;
        }
        let first = inner.chars().next();
        has_letter |= inner.chars().any(char::is_alphabetic);
        let low = first.is_some_and(char::is_lowercase);
        if low && !aside && (words == 1 || !PARTICLES.contains(&inner)) {
            return false;
        }
    }
    let plain = bare.to_lowercase();
    has_letter && (1..=5).contains(&words) && !NOT_NAMES.contains(&plain.as_str())
}

/// Combining marks are letters of Thai, Hindi and others.
fn is_mark(c: char) -> bool {
    !c.is_ascii() && !c.is_whitespace() && !c.is_ascii_punctuation() && !"«»–—…“”".contains(c)
}

/// Which labels of a file are speakers: those said again, unless they are rare (two "Remember:" in
/// an hour), or in text all where most pieces have one.
pub(super) struct Cast {
    seen: HashMap<String, usize>,
    most: bool,
    often: bool,
}

impl Cast {
    /// From the texts of all pieces.
    pub(super) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Cast {
        let (mut seen, mut labelled, mut all) = (HashMap::<String, usize>::new(), 0usize, 0usize);
        for text in texts {
            all += 1;
            if let Some((name, _)) = label(text) {
                labelled += 1;
                *seen.entry(name.to_owned()).or_default() += 1;
            }
        }
        let again: usize = seen.values().filter(|times| **times >= 2).sum();
        Cast { seen, often: again * 100 >= all, most: labelled * 2 >= all }
    }

    /// The label of a text if it is a speaker's, and what is said.
    pub(super) fn says<'a>(&self, text: &'a str) -> Option<(&'a str, &'a str)> {
        let (name, rest) = label(text)?;
        let times = self.seen.get(name).copied().unwrap_or(0);
        ((self.often && times >= 2) || (self.most && times > 0)).then_some((name, rest))
    }
}

/// Turns labels into speakers; who was named last goes on speaking.
pub(super) fn lift(cues: &mut [WrittenCue]) {
    if cues.iter().any(|cue| cue.speaker.is_some()) {
        return;
    }
    let mut cast =
        Cast::of(cues.iter().map(|cue| cue.text.as_str()).filter(|t| !t.trim().is_empty()));
    // Captions show signs as well (`Exit: left`), so that once is not enough.
    cast.most = false;
    let mut current: Option<String> = None;
    for cue in cues {
        let found = cast.says(&cue.text).map(|(name, rest)| (name.to_owned(), rest.to_owned()));
        if let Some((name, rest)) = found {
            cue.text = rest;
            current = Some(name);
        }
        cue.speaker.clone_from(&current);
    }
}
