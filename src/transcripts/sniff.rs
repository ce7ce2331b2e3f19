//! What the bytes are, by their content.

use crate::letters::decode;

use super::lines::Lines;
use super::{Format, Refusal, lrc, sbv, stamp};

/// How many lines are looked at before text counts as plain: a header may be long, not endless.
const SNIFF_LINES_MAX: usize = 2_000;

/// Which kind of file that is not text these bytes begin, by its magic number.
pub(super) fn binary(bytes: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let at = |from: usize, magic: &[u8]| bytes.get(from..).is_some_and(|b| b.starts_with(magic));
    let riff = |kind: &[u8]| starts(b"RIFF") && at(8, kind);
    let iso = at(4, b"ftyp");
    let kinds = [
        ("an audio file", iso && (at(8, b"M4A") || at(8, b"M4B"))),
        ("an audio file", riff(b"WAVE") || starts(b"ID3") || starts(b"OggS") || starts(b"fLaC")),
        ("an audio file", mpeg_frame(bytes)),
        ("a video file", iso || riff(b"AVI ") || starts(b"\x1a\x45\xdf\xa3") || starts(b"FLV\x01")),
        ("an image", riff(b"WEBP") || starts(b"\x89PNG") || starts(b"\xff\xd8\xff")),
        ("an image", starts(b"GIF8")),
        ("a zip archive or an office document", starts(b"PK\x03\x04") || starts(b"PK\x05\x06")),
        ("a PDF document", starts(b"%PDF-")),
        ("a gzip archive", starts(b"\x1f\x8b")),
        ("a packed archive", starts(b"BZh9") || starts(b"\xfd7zXZ\0") || starts(b"7z\xbc\xaf")),
        ("a packed archive", starts(b"\x28\xb5\x2f\xfd") || starts(b"Rar!\x1a")),
        ("a program", starts(b"\x7fELF") || starts(b"MZ\x90\0")),
        ("a database", starts(b"SQLite format 3\0")),
        ("a word processor's document", starts(b"{\\rtf") || starts(b"\xd0\xcf\x11\xe0")),
        ("a file of bytes", mostly_control(bytes)),
    ];
    kinds.into_iter().find(|(_, matches)| *matches).map(|(kind, _)| kind)
}

/// An MPEG audio frame: eleven set bits, then a version and a layer that exist. `FF FE` is the
/// byte order mark of UTF-16 and means no layer, so it is told apart by the bits after it.
fn mpeg_frame(bytes: &[u8]) -> bool {
    let [0xff, second, third, ..] = bytes else {
        return false;
    };
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    let adts = second & 0xf6 == 0xf0;
    let mp3 = second & 0xe0 == 0xe0 && version != 1 && layer != 0 && third >> 4 != 0xf;
    let mark = *second == 0xfe;
    !mark && (adts || mp3)
}

/// Control characters that no text has in a third of its head, unless it is UTF-16.
fn mostly_control(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4096)];
    let odd = |b: &&u8| **b < 9 || (14..27).contains(*b) || (28..32).contains(*b);
    head.iter().filter(odd).count() * 10 > head.len() * 3
        && encoding_rs::Encoding::for_bom(bytes).is_none()
        && decode::utf16_without_mark(bytes).is_none()
}

/// The form of a decoded text.
pub(super) fn format(text: &str) -> Result<Format, Refusal> {
    let start =
        text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    let first = start.split(['\n', '\r']).next().unwrap_or("");
    // A few stray bytes before the signature do not make it another format.
    if first.find("WEBVTT").is_some_and(|at| at <= 16) {
        return Ok(Format::Vtt);
    }
    if start.starts_with("#EXTM3U") {
        return Err(Refusal::NotATranscript("a playlist"));
    }
    if start.starts_with("[Script Info]") {
        return Err(Refusal::NotATranscript("SubStation Alpha subtitles; export them as SRT"));
    }
    if start.starts_with('{') && json_begins(&start[1..]) {
        return super::json::format(start);
    }
    if let Some(list) = start.strip_prefix('[') {
        let inner = list.trim_start();
        if inner.starts_with(['{', ']', '[', '"']) {
            return super::json::format(start);
        }
    }
    if start.starts_with('<') {
        return markup(start);
    }
    by_lines(start)
}

fn json_begins(after: &str) -> bool {
    after.trim_start().starts_with(['"', '}'])
}

/// XML or HTML by its first element.
fn markup(start: &str) -> Result<Format, Refusal> {
    let mut rest = start;
    // A declaration, comments and a doctype may stand before it.
    for _ in 0..64 {
        let Some(at) = rest.find('<') else { break };
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            match comment.find("-->") {
                Some(end) => rest = &comment[end + 3..],
                None => break,
            }
            continue;
        }
        let name: String = rest
            .chars()
            .take(20)
            .take_while(|c| c.is_alphanumeric() || ":!?-_".contains(*c))
            .collect();
        let name = name.to_ascii_lowercase();
        let local = name.rsplit(':').next().unwrap_or("");
        match local {
            "?xml" | "?xml-stylesheet" | "!doctype" | "" => continue,
            "timedtext" | "transcript" | "tt" => return Ok(Format::TimedText),
            "rss" | "feed" | "rdf" => return Err(Refusal::NotATranscript("a feed")),
            "opml" => return Err(Refusal::NotATranscript("an OPML list of feeds")),
            "svg" => return Err(Refusal::NotATranscript("an image")),
            "smil" | "sami" => return Err(Refusal::NotATranscript("SMIL or SAMI captions")),
            _ => break,
        }
    }
    // SRT whose first line happens to begin with a tag.
    match by_lines(start)? {
        Format::Text => Ok(Format::Html),
        format => Ok(format),
    }
}

fn by_lines(start: &str) -> Result<Format, Refusal> {
    let (mut stamped, mut fine, mut several, mut tags, mut html) = (0, 0, 0, 0, 0);
    for (_, line) in Lines::of(start).take(SNIFF_LINES_MAX) {
        if stamp::range(line, false).is_some() {
            return Ok(Format::Srt);
        }
        if sbv::times(line).is_some() {
            return Ok(Format::Sbv);
        }
        if lrc::tag(line).is_some() {
            tags += 1;
        } else if let Some((ms, rest)) = lrc::bracketed(line.trim()) {
            stamped += 1;
            several += usize::from(lrc::bracketed(rest.trim_start()).is_some());
            // A fraction of two or three digits is what lyrics have and what notes do not.
            let inside = &line.trim()[..line.trim().len() - rest.len()];
            fine += usize::from(ms > 0 && inside.contains('.') || inside.contains(".0"));
        }
        html += usize::from(has_block_tag(line));
    }
    if stamped > 0 && (tags > 0 || several > 0 || fine * 2 > stamped) {
        return Ok(Format::Lrc);
    }
    Ok(if html >= 2 { Format::Html } else { Format::Text })
}

fn has_block_tag(line: &str) -> bool {
    ["<p>", "</p>", "<br>", "<br/>", "<br />", "<time>", "<cite>", "</div>", "<p "]
        .iter()
        .any(|tag| line.contains(tag))
}
