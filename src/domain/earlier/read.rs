//! Reading values whose names and units are only guessed: texts, numbers, times, links, ids.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde_json::{Map, Value};
use url::Url;

use crate::domain::episode::EpisodeId;
use crate::domain::links::without_secrets;

/// Longest time within an episode that is believed: 30 days. A live stream may run for days; beyond
/// that a number is something else.
pub(super) const TIME_MS_MAX: u64 = 30 * 24 * 3_600_000;

/// A record of which is noted what was understood, so that the rest can be kept.
pub(super) struct Record<'a> {
    map: &'a Map<String, Value>,
    taken: Vec<&'a str>,
}

impl<'a> Record<'a> {
    pub(super) fn new(map: &'a Map<String, Value>) -> Record<'a> {
        Record { map, taken: Vec::new() }
    }

    /// The first of these keys that can be read; it counts as understood. A null says nothing.
    pub(super) fn take<T>(
        &mut self,
        names: &[&str],
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Option<T> {
        for name in names {
            let Some((key, value)) = self.map.get_key_value(*name) else { continue };
            if value.is_null() {
                self.taken.push(key);
            } else if let Some(found) = read(value) {
                self.taken.push(key);
                return Some(found);
            }
        }
        None
    }

    /// As [`Record::take`], but the key is kept too: what is read is not all that it says.
    pub(super) fn look<T>(
        &self,
        names: &[&str],
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Option<T> {
        names.iter().find_map(|name| self.map.get(*name).and_then(&read))
    }

    pub(super) fn mark(&mut self, name: &str) {
        if let Some((key, _)) = self.map.get_key_value(name) {
            self.taken.push(key);
        }
    }

    /// Takes back what [`Record::take`] noted.
    pub(super) fn keep(&mut self, names: &[&str]) {
        self.taken.retain(|taken| !names.contains(taken));
    }

    /// What was not understood, unchanged and in its order.
    pub(super) fn rest(&self) -> Map<String, Value> {
        self.map
            .iter()
            .filter(|(key, _)| !self.taken.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}

/// A text that says something.
pub(super) fn text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A text in one line: single spaces, no control characters.
pub(super) fn line(value: &Value) -> Option<String> {
    let line = one_line(value.as_str()?);
    (!line.is_empty()).then_some(line)
}

pub(super) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if !word.is_empty() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    out
}

/// The front of a text, for a sentence.
pub(super) fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(is) => Some(*is),
        Value::Number(n) => match n.as_f64() {
            Some(0.0) => Some(false),
            Some(1.0) => Some(true),
            _ => None,
        },
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A number that is finite and not negative, also where it is written as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(n) => n.as_f64()?,
        Value::String(text) => {
            let text = text.trim();
            let text = text.strip_suffix('s').unwrap_or(text);
            // Rust reads "inf", "nan" and "1e300" as numbers too.
            let plain = text.len() <= 24 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            plain.then(|| text.parse().ok())??
        }
        _ => return None,
    };
    // A negative zero is zero.
    (number.is_finite() && number >= 0.0).then_some(number.abs())
}

/// A place in a list.
pub(super) fn index(value: &Value) -> Option<usize> {
    let number = number(value)?;
    // Beyond this, floats skip whole numbers; no list is that long.
    (number.fract() == 0.0 && number <= 9e15).then_some(number as usize)
}

/// A time within an episode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stamp {
    /// Milliseconds, by its form or its key.
    Ms(u64),
    /// A number whose unit others have to prove.
    Bare(f64),
}

impl Stamp {
    /// In milliseconds; `None` where it is longer than any episode.
    pub(super) fn ms(self, bare_is_ms: bool) -> Option<u64> {
        match self {
            Stamp::Ms(ms) => Some(ms),
            Stamp::Bare(number) => {
                let ms = if bare_is_ms { number } else { number * 1000.0 };
                (ms <= TIME_MS_MAX as f64).then_some(ms.round() as u64)
            }
        }
    }
}

/// A time that is a bare number or written as `mm:ss`.
pub(super) fn stamp(value: &Value) -> Option<Stamp> {
    match value.as_str().and_then(clock_ms) {
        Some(ms) => Some(Stamp::Ms(ms)),
        None => number(value).map(Stamp::Bare),
    }
}

/// A time that its key says to be in milliseconds.
pub(super) fn stamp_ms(value: &Value) -> Option<Stamp> {
    number(value).and_then(|ms| Stamp::Bare(ms).ms(true)).map(Stamp::Ms)
}

/// A time that its key says to be in seconds.
pub(super) fn stamp_secs(value: &Value) -> Option<Stamp> {
    number(value).and_then(|secs| Stamp::Bare(secs).ms(false)).map(Stamp::Ms)
}

/// Milliseconds of `mm:ss`, `h:mm:ss`, each with or without a fraction or brackets.
pub(super) fn clock_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.len() > 24 {
        return None;
    }
    let text = text.trim_start_matches(['[', '(']).trim_end_matches([']', ')']);
    let (whole, fraction) = match text.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, fraction),
        None => (text, ""),
    };
    let parts: Vec<u64> = whole
        .split(':')
        .map(|part| {
            let digits = (1..=6).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            if digits { part.parse().ok() } else { None }
        })
        .collect::<Option<_>>()?;
    let secs = match parts[..] {
        [minutes, secs] if secs < 60 => minutes * 60 + secs,
        [hours, minutes, secs] if minutes < 60 && secs < 60 => hours * 3600 + minutes * 60 + secs,
        _ => return None,
    };
    if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let millis: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(secs * 1000 + millis).filter(|ms| *ms <= TIME_MS_MAX)
}

/// A moment: ISO, RFC 2822 or yt-dlp text, or seconds or milliseconds since 1970.
pub(super) fn moment(value: &Value) -> Option<DateTime<Utc>> {
    // Nothing here was made before the web or will be made in a century.
    let known = |at: &DateTime<Utc>| (631_152_000..4_102_444_800).contains(&at.timestamp());
    let of_number = |number: f64| {
        // As seconds this is the year 5138, as milliseconds 1973.
        let ms = if number < 1e11 { number * 1000.0 } else { number };
        (ms < 1e15).then(|| DateTime::from_timestamp_millis(ms as i64))?
    };
    let at = match value {
        Value::Number(_) => of_number(number(value)?),
        Value::String(text) => {
            let text = text.trim();
            if text.len() > 64 {
                return None;
            }
            let date = |form: &str| {
                NaiveDate::parse_from_str(text, form)
                    .ok()?
                    .and_hms_opt(0, 0, 0)
                    .map(|at| at.and_utc())
            };
            let naive =
                |form: &str| NaiveDateTime::parse_from_str(text, form).ok().map(|at| at.and_utc());
            DateTime::parse_from_rfc3339(text)
                .or_else(|_| DateTime::parse_from_rfc2822(text))
                .map(|at| at.to_utc())
                .ok()
                .or_else(|| naive("%Y-%m-%dT%H:%M:%S%.f"))
                .or_else(|| naive("%Y-%m-%d %H:%M:%S%.f"))
                .or_else(|| date("%Y-%m-%d"))
                .or_else(|| if text.len() == 8 { date("%Y%m%d") } else { None })
                .or_else(|| of_number(number(value)?))
        }
        _ => None,
    };
    at.filter(known)
}

/// A web address, without user and password: recaps are exported and shared.
pub(super) fn link(value: &Value) -> Option<Url> {
    let text = text(value)?;
    let bare = text.len() < 2000 && !text.contains("://") && is_hostlike(text);
    let url = if bare { Url::parse(&format!("https://{text}")) } else { Url::parse(text) };
    let url = url.ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())?;
    Some(without_secrets(&url))
}

/// Whether a text without a scheme begins as an address does: `example.org/feed`.
pub(super) fn is_hostlike(text: &str) -> bool {
    let host = text.split(['/', '?']).next().unwrap_or_default();
    host.contains('.')
        && !host.contains("..")
        && !host.starts_with(['.', '-'])
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        && !text.contains(char::is_whitespace)
}

/// Whether a text is what YouTube calls a video.
pub(super) fn is_video_id(text: &str) -> bool {
    text.len() == 11 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// As [`is_video_id`], for a text that may as well be a word: YouTube's are 64 bits in 11 signs, so
/// that the last one has four of its six bits.
pub(super) fn is_surely_video_id(text: &str) -> bool {
    is_video_id(text) && text.ends_with(|c| "AEIMQUYcgkosw048".contains(c))
}

/// The video that a link of YouTube names.
pub(super) fn video_of(url: &Url) -> Option<&str> {
    let host = url.host_str()?;
    let host = ["www.", "m.", "music."].iter().find_map(|it| host.strip_prefix(it)).unwrap_or(host);
    let mut parts = url.path_segments()?;
    let id = match host {
        "youtu.be" => parts.next()?,
        "youtube.com" | "youtube-nocookie.com" => match parts.next()? {
            "watch" => {
                let mut pairs = url.query()?.split('&');
                pairs.find_map(|pair| pair.strip_prefix("v="))?
            }
            "embed" | "v" | "live" | "shorts" => parts.next()?,
            _ => return None,
        },
        _ => return None,
    };
    is_video_id(id).then_some(id)
}

pub(super) fn youtube(id: &str) -> Option<EpisodeId> {
    format!("yt:{id}").parse().ok()
}

pub(super) fn watch_page(id: &str) -> Option<Url> {
    Url::parse(&format!("https://www.youtube.com/watch?v={id}")).ok()
}

/// Bytes that are the same for the same text, where something has to be made up once and for all.
pub(super) fn eight_bytes(text: &str) -> [u8; 8] {
    let hash = digest(&SHA256, text.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash.as_ref()[..8]);
    bytes
}
