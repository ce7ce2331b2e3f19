//! Bytes to a transcript, pure: whatever a publisher, YouTube or a person hands over.
//!
//! Here live the readers, one file a format, and the two steps every format takes after its
//! reader: [`read`] = decode, recognise, parse ([`written`]), then settle (say each line once,
//! name speakers, mend times). The format is told by the content, never by a name or a MIME type.
//! Nothing here reads a file, waits, asks the clock or knows where the bytes came from.
//!
//! Work and memory are linear in the bytes given, which [`BYTES_MAX`] bounds.

mod cut;
mod html;
mod json;
mod lines;
mod lrc;
mod markup;
mod podcast_json;
mod refusal;
mod rolling;
mod sbv;
mod settle;
mod sniff;
mod speakers;
mod srt;
mod stamp;
mod text;
mod timedtext;
mod vtt;
mod youtube_json;

pub use refusal::Refusal;

use crate::domain::transcript::Transcript;
use crate::letters::decode::decode;

/// Largest input in bytes: a 24-hour transcript with a stamp on every word stays below it.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most cues one transcript may hold: 24 hours at more than two a second.
pub const CUES_MAX: usize = 200_000;

/// Longest text of one cue in bytes; a longer one is cut at sentences and its time shared out by
/// length, so that a receipt never points at a page of text.
pub const CUE_TEXT_BYTES_MAX: usize = 1_000;

/// How many skipped pieces are named one by one; the rest are only counted.
pub const SKIPS_NAMED_MAX: usize = 20;

/// Most text of all cues together, in bytes: decoding can grow the input threefold, and only a line
/// that is said again and again (LRC) could grow it further.
const TEXT_BYTES_MAX: usize = 4 * BYTES_MAX;

/// What is known of the bytes from outside, used only where the bytes do not say it themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// `charset` of the HTTP answer, in any of the WHATWG labels; an unknown one is passed over.
    pub charset: Option<String>,
    /// BCP 47 tag of the language that the link or the feed promised.
    pub language: Option<String>,
}

/// A form in which transcripts are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// W3C WebVTT.
    Vtt,
    /// SubRip.
    Srt,
    /// YouTube's older SubViewer form.
    Sbv,
    /// YouTube `json3`.
    YouTubeJson,
    /// YouTube `srv1`, `srv2`, `srv3` and `ytt`, and plain TTML.
    TimedText,
    /// Podcasting 2.0 JSON, and the lists of segments that speech recognisers write.
    PodcastJson,
    /// A web page, or the podcast namespace's `cite`, `time` and `p`.
    Html,
    /// Lines with stamps in square brackets, as for lyrics.
    Lrc,
    /// Plain text, with or without times.
    Text,
}

impl Format {
    /// The name shown to a person.
    pub fn name(self) -> &'static str {
        match self {
            Format::Vtt => "WebVTT",
            Format::Srt => "SRT",
            Format::Sbv => "SBV",
            Format::YouTubeJson => "YouTube JSON",
            Format::TimedText => "timed-text XML",
            Format::PodcastJson => "podcast JSON",
            Format::Html => "HTML",
            Format::Lrc => "LRC",
            Format::Text => "plain text",
        }
    }

    /// The word that stands in files: `made_by.transcript.format` of a recap.
    pub fn word(self) -> &'static str {
        match self {
            Format::Vtt => "vtt",
            Format::Srt => "srt",
            Format::Sbv => "sbv",
            Format::YouTubeJson => "json3",
            Format::TimedText => "timedtext",
            Format::PodcastJson => "json",
            Format::Html => "html",
            Format::Lrc => "lrc",
            Format::Text => "text",
        }
    }
}

/// One thing that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Line of the decoded text, from 1; for JSON and XML, and for a
    /// cue that was read and then left out, its number from 1.
    pub line: usize,
    /// Why, as a clause for a person.
    pub reason: &'static str,
}

/// What a reader left out: counted in full, named for the first few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// All of them.
    pub count: usize,
    /// The first [`SKIPS_NAMED_MAX`], in the order of the file.
    pub first: Vec<Skip>,
}

impl Skipped {
    fn note(&mut self, line: usize, reason: &'static str) {
        self.count += 1;
        if self.first.len() < SKIPS_NAMED_MAX {
            self.first.push(Skip { line, reason });
        }
    }
}

/// A cue just as its format's own rules give it: not cleaned, not sorted, perhaps empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenCue {
    /// Milliseconds; `None` where the source gives this piece no time.
    pub start_ms: Option<u64>,
    /// Milliseconds; `None` where the source gives no end. May lie before the start.
    pub end_ms: Option<u64>,
    /// Name as the source marks it up; labels inside the text are still in the text.
    pub speaker: Option<String>,
    /// Without markup, entities decoded; lines are parted by `\n`.
    pub text: String,
}

/// A transcript as its file has it, before [`read`] settles it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What the bytes turned out to be.
    pub format: Format,
    /// WHATWG name of the encoding they were in.
    pub encoding: &'static str,
    /// As the file names it.
    pub language: Option<String>,
    /// In the order of the file.
    pub cues: Vec<WrittenCue>,
    /// What could not be read.
    pub skipped: Skipped,
}

/// A transcript ready for use, and how it was come by.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Sorted, each line once, every cue with text, a start and an end not before it.
    pub transcript: Transcript,
    /// What the bytes turned out to be.
    pub format: Format,
    /// WHATWG name of the encoding they were in, such as `UTF-8`.
    pub encoding: String,
    /// What could not be read.
    pub skipped: Skipped,
    /// Cues whose end lay before their start: they now end where the next one begins.
    pub mended: usize,
}

/// Reads a transcript of any known format.
///
/// Lenient where the words would be lost otherwise: a `,` for a `.` in WebVTT, a blank line inside
/// a cue, several voices in one. Labels such as `Anna:` become speakers, rolling captions are said
/// once, and text without times gets 150 words a minute and `Times::About`.
///
/// # Errors
/// A [`Refusal`] that says what the bytes look like instead.
pub fn read(bytes: &[u8], hint: &Hint) -> Result<Reading, Refusal> {
    let written = parse(bytes, hint, false)?;
    let (format, encoding) = (written.format, written.encoding.to_owned());
    let settled = settle::settle(written, hint)?;
    Ok(Reading {
        transcript: settled.transcript,
        format,
        encoding,
        skipped: settled.skipped,
        mended: settled.mended,
    })
}

/// Reads the cues exactly as the format's own specification yields them, rolling repeats, labels
/// and all; a valid file without cues is an empty list.
///
/// # Errors
/// As for [`read`], but never [`Refusal::NoCues`] for a file that has a known form.
pub fn written(bytes: &[u8], hint: &Hint) -> Result<Written, Refusal> {
    parse(bytes, hint, true)
}

/// What a reader writes onto: bounded, so that no reader needs to count.
struct Sheet {
    cues: Vec<WrittenCue>,
    skipped: Skipped,
    language: Option<String>,
    /// By the letter of the specification, for [`written`].
    strict: bool,
    /// Bytes of text so far.
    text_bytes: usize,
}

impl Sheet {
    fn push(&mut self, cue: WrittenCue) -> Result<(), Refusal> {
        if self.cues.len() >= CUES_MAX {
            return Err(Refusal::TooManyCues);
        }
        self.text_bytes += cue.text.len();
        if self.text_bytes > TEXT_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        self.cues.push(cue);
        Ok(())
    }
}

fn parse(bytes: &[u8], hint: &Hint, strict: bool) -> Result<Written, Refusal> {
    if bytes.len() > BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    if let Some(kind) = sniff::binary(bytes) {
        return Err(Refusal::Binary(kind));
    }
    let decoded = decode(bytes, hint.charset.as_deref());
    let source = decoded.text.as_ref();
    if source.chars().all(|c| c.is_whitespace() || c == '\0' || c == '\u{feff}') {
        return Err(Refusal::Empty);
    }
    let format = sniff::format(source)?;
    let mut sheet = Sheet {
        cues: Vec::new(),
        skipped: Skipped::default(),
        language: None,
        strict,
        text_bytes: 0,
    };
    if decoded.damaged {
        sheet
            .skipped
            .note(1, "some bytes are not in the file's encoding and are shown as \u{fffd}");
    }
    match format {
        Format::Vtt => vtt::parse(source, &mut sheet)?,
        Format::Srt => srt::parse(source, &mut sheet)?,
        Format::Sbv => sbv::parse(source, &mut sheet)?,
        Format::YouTubeJson => youtube_json::parse(source, &mut sheet)?,
        Format::TimedText => timedtext::parse(source, &mut sheet)?,
        Format::PodcastJson => podcast_json::parse(source, &mut sheet)?,
        Format::Html => html::parse(source, &mut sheet)?,
        Format::Lrc => lrc::parse(source, &mut sheet)?,
        Format::Text => text::parse(source, &mut sheet)?,
    }
    Ok(Written {
        format,
        encoding: decoded.encoding,
        language: sheet.language,
        cues: sheet.cues,
        skipped: sheet.skipped,
    })
}

#[cfg(test)]
mod tests;
