//! What a file is, by its bytes alone: names and media types of hosts are often wrong, and a playlist
//! that is called .mp3 would make a program fetch what it names.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::AudioError;

/// Bytes that are looked at. Junk before the first frame of an MP3 is rarely longer.
const HEAD_BYTES: usize = 64 * 1024;

/// Most of an MP4's table of contents that is searched for protection; that of a day has some ten MiB.
const TABLE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Most boxes at the top of an MP4 that are walked: a fragmented one has two a few seconds.
const BOXES_MAX: usize = 200_000;

/// A kind of sound file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// MPEG audio, layers I to III.
    Mp3,
    /// AAC in ADTS frames.
    Aac,
    /// MP4, M4A, M4B, MOV.
    Mp4,
    /// Ogg: Vorbis, Opus, FLAC.
    Ogg,
    /// FLAC.
    Flac,
    /// WAV, RF64 included.
    Wav,
    /// AIFF.
    Aiff,
    /// Matroska and WebM.
    Mkv,
    /// Core Audio.
    Caf,
    /// AC-3 and E-AC-3.
    Ac3,
    /// ASF: WMA, WMV.
    Asf,
    /// AVI.
    Avi,
    /// Flash video.
    Flv,
    /// MPEG transport stream.
    MpegTs,
    /// MPEG programme stream.
    MpegPs,
    /// AMR speech.
    Amr,
    /// WavPack.
    WavPack,
    /// Monkey's Audio.
    Ape,
    /// DTS.
    Dts,
}

impl Format {
    /// As it stands in records.
    pub fn word(self) -> &'static str {
        match self {
            Format::Mp3 => "mp3",
            Format::Aac => "aac",
            Format::Mp4 => "mp4",
            Format::Ogg => "ogg",
            Format::Flac => "flac",
            Format::Wav => "wav",
            Format::Aiff => "aiff",
            Format::Mkv => "mkv",
            Format::Caf => "caf",
            Format::Ac3 => "ac3",
            Format::Asf => "asf",
            Format::Avi => "avi",
            Format::Flv => "flv",
            Format::MpegTs => "mpeg-ts",
            Format::MpegPs => "mpeg-ps",
            Format::Amr => "amr",
            Format::WavPack => "wavpack",
            Format::Ape => "ape",
            Format::Dts => "dts",
        }
    }

    /// The name of ffmpeg's reader for it: it is always told, and so never guesses a playlist.
    pub(super) fn demuxer(self) -> &'static str {
        match self {
            Format::Mp3 => "mp3",
            Format::Aac => "aac",
            Format::Mp4 => "mov",
            Format::Ogg => "ogg",
            Format::Flac => "flac",
            Format::Wav => "wav",
            Format::Aiff => "aiff",
            Format::Mkv => "matroska",
            Format::Caf => "caf",
            Format::Ac3 => "eac3",
            Format::Asf => "asf",
            Format::Avi => "avi",
            Format::Flv => "flv",
            Format::MpegTs => "mpegts",
            Format::MpegPs => "mpeg",
            Format::Amr => "amr",
            Format::WavPack => "wv",
            Format::Ape => "ape",
            Format::Dts => "dts",
        }
    }

    /// Whether it is decoded without ffmpeg, as a rule: what is in a container may still not be.
    pub(super) fn is_native(self) -> bool {
        use Format::{Aac, Aiff, Caf, Flac, Mkv, Mp3, Mp4, Ogg, Wav};
        matches!(self, Mp3 | Aac | Mp4 | Ogg | Flac | Wav | Aiff | Mkv | Caf)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Mp3 => "MP3",
            Format::Aac => "AAC",
            Format::Mp4 => "MP4 or M4A",
            Format::Ogg => "Ogg",
            Format::Flac => "FLAC",
            Format::Wav => "WAV",
            Format::Aiff => "AIFF",
            Format::Mkv => "Matroska or WebM",
            Format::Caf => "CAF",
            Format::Ac3 => "AC-3",
            Format::Asf => "Windows Media",
            Format::Avi => "AVI",
            Format::Flv => "Flash video",
            Format::MpegTs => "an MPEG transport stream",
            Format::MpegPs => "an MPEG programme stream",
            Format::Amr => "AMR",
            Format::WavPack => "WavPack",
            Format::Ape => "Monkey's Audio",
            Format::Dts => "DTS",
        })
    }
}

/// What a file is instead of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing in it.
    Empty,
    /// A page.
    Page,
    /// A list of addresses: HLS, DASH, ffconcat, PLS, ASX and their like. What it is called.
    Playlist(&'static str),
    /// Its sound is encrypted.
    Protected,
    /// Text of some other kind.
    Text,
    /// A known kind of file that holds no sound. What it is called.
    Other(&'static str),
    /// Nothing known.
    Unknown,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Empty => f.write_str("The file is empty. Fetch it again."),
            Refusal::Page => f.write_str(
                "In place of sound there is a web page: the host wants a sign-in, or the episode is gone. Open the \
                 link in a browser to see.",
            ),
            Refusal::Playlist(kind) => write!(
                f,
                "In place of sound there is a playlist ({kind}), and playlists are not followed. Give the link of the \
                 sound itself, or of the page that plays it.",
            ),
            Refusal::Protected => f.write_str(
                "The sound is encrypted by its publisher (DRM) and cannot be heard here. Look for a copy without it.",
            ),
            Refusal::Text => {
                f.write_str("In place of sound there is text. Give the link or the file of the sound.")
            }
            Refusal::Other(kind) => {
                write!(f, "In place of sound there is {kind}. Give the link or the file of the sound.")
            }
            Refusal::Unknown => f.write_str(
                "The file is of no kind of sound that is known here. Convert it to MP3, or give another.",
            ),
        }
    }
}

/// What a file is; looks past tags at its beginning, and into an MP4 for protection.
///
/// # Errors
/// [`AudioError::Read`], or [`AudioError::Refused`].
pub fn file(path: &Path) -> Result<Format, AudioError> {
    let mut file = File::open(path).map_err(AudioError::Read)?;
    let mut head = read_at(&mut file, 0)?;
    if let Some(length) = id3_length(&head) {
        let behind = read_at(&mut file, length)?;
        // A tag may stand before AAC and FLAC as well; where it is all that there is, it is an MP3's.
        if !behind.is_empty() {
            head = behind;
        }
    }
    let format = sniff(&head).map_err(AudioError::Refused)?;
    if format == Format::Mp4 && is_protected(&mut file)? {
        return Err(AudioError::Refused(Refusal::Protected));
    }
    Ok(format)
}

fn read_at(file: &mut File, at: u64) -> Result<Vec<u8>, AudioError> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(at)).map_err(AudioError::Read)?;
    file.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(AudioError::Read)?;
    Ok(head)
}

/// What bytes are, by the first of them.
///
/// # Errors
/// What they are instead.
pub fn sniff(head: &[u8]) -> Result<Format, Refusal> {
    if head.is_empty() {
        return Err(Refusal::Empty);
    }
    if let Some(format) = by_magic(head) {
        return Ok(format);
    }
    if let Some(refusal) = by_text(head) {
        return Err(refusal);
    }
    if let Some(kind) = other(head) {
        return Err(Refusal::Other(kind));
    }
    frames(head).ok_or(Refusal::Unknown)
}

fn by_magic(head: &[u8]) -> Option<Format> {
    let at = |offset: usize, bytes: &[u8]| {
        head.get(offset..).is_some_and(|rest| rest.starts_with(bytes))
    };
    let boxes: [&[u8]; 7] = [b"ftyp", b"moov", b"mdat", b"styp", b"moof", b"wide", b"free"];
    Some(match head {
        _ if at(0, b"ID3") => Format::Mp3,
        _ if boxes.iter().any(|name| at(4, name)) => Format::Mp4,
        _ if at(0, b"OggS") => Format::Ogg,
        _ if at(0, b"fLaC") => Format::Flac,
        _ if (at(0, b"RIFF") || at(0, b"RF64") || at(0, b"BW64")) && at(8, b"WAVE") => Format::Wav,
        _ if at(0, b"RIFF") && at(8, b"AVI ") => Format::Avi,
        _ if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) => Format::Aiff,
        _ if at(0, &[0x1a, 0x45, 0xdf, 0xa3]) => Format::Mkv,
        _ if at(0, b"caff") => Format::Caf,
        _ if at(0, &[0x0b, 0x77]) => Format::Ac3,
        _ if at(0, &[0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11]) => Format::Asf,
        _ if at(0, b"FLV\x01") => Format::Flv,
        _ if at(0, &[0x47]) && at(188, &[0x47]) && at(376, &[0x47]) => Format::MpegTs,
        _ if at(0, &[0, 0, 1, 0xba]) => Format::MpegPs,
        _ if at(0, b"#!AMR") => Format::Amr,
        _ if at(0, b"wvpk") => Format::WavPack,
        _ if at(0, b"MAC ") => Format::Ape,
        _ if at(0, &[0x7f, 0xfe, 0x80, 0x01]) => Format::Dts,
        _ => return None,
    })
}

/// What a text is: it begins with no control characters, in UTF-8, UTF-16 or any 8-bit alphabet.
fn by_text(head: &[u8]) -> Option<Refusal> {
    let head = &head[..head.len().min(2_048)];
    let wide = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    let plain: Vec<u8> = match head {
        _ if wide => head[2..].iter().copied().filter(|byte| *byte != 0).collect(),
        [0xef, 0xbb, 0xbf, rest @ ..] => rest.to_vec(),
        _ => head.to_vec(),
    };
    let is_text = plain.iter().all(|byte| *byte >= 0x20 || matches!(byte, 9 | 10 | 12 | 13 | 27));
    if !is_text || plain.is_empty() {
        return None;
    }
    let text = String::from_utf8_lossy(&plain).to_ascii_lowercase();
    let text = text.trim_start();
    let kinds = [
        ("#extm3u", "M3U"),
        ("#ext-x-", "HLS"),
        ("#extinf", "M3U"),
        ("ffconcat", "ffconcat"),
        ("[playlist]", "PLS"),
        ("[reference]", "ASX"),
        ("<asx", "ASX"),
        ("<smil", "SMIL"),
        ("<mpd", "DASH"),
        ("<playlist", "XSPF"),
        ("v=0\r\no=", "SDP"),
        ("v=0\no=", "SDP"),
        ("http://", "a list of addresses"),
        ("https://", "a list of addresses"),
        ("rtsp://", "a list of addresses"),
        ("file '", "ffconcat"),
    ];
    if let Some((_, kind)) = kinds.iter().find(|(begin, _)| text.starts_with(begin)) {
        return Some(Refusal::Playlist(if text.contains("#ext-x-") { "HLS" } else { kind }));
    }
    if (text.starts_with("<?xml") || text.starts_with("<!--"))
        && let Some((_, kind)) =
            kinds.iter().find(|(begin, _)| begin.starts_with('<') && text.contains(begin))
    {
        return Some(Refusal::Playlist(kind));
    }
    if text.starts_with("<!doctype html") || text.contains("<html") || text.contains("<head") {
        return Some(Refusal::Page);
    }
    // A few letters might begin a frame of sound; so many do not.
    let letters = plain.iter().filter(|byte| byte.is_ascii()).count();
    let is_mostly = std::str::from_utf8(&plain).is_ok() || letters * 10 >= plain.len() * 7;
    (plain.len() >= 16 && is_mostly).then_some(Refusal::Text)
}

fn other(head: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 9] = [
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
        (b"GIF8", "a picture"),
        (b"%PDF", "a PDF"),
        (b"PK\x03\x04", "an archive"),
        (b"\x1f\x8b", "an archive"),
        (b"7z\xbc\xaf", "an archive"),
        (b"Rar!", "an archive"),
        (b"MThd", "MIDI"),
    ];
    kinds.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind)
}

/// MPEG audio or ADTS frames, the first of which may come after junk: two in a row count.
fn frames(head: &[u8]) -> Option<Format> {
    (0..head.len().saturating_sub(8)).find_map(|at| {
        let rest = &head[at..];
        for (length, format) in [(mpeg_frame(rest), Format::Mp3), (adts_frame(rest), Format::Aac)] {
            let Some(next) = length.and_then(|length| rest.get(length..)) else { continue };
            let follows = match format {
                Format::Mp3 => mpeg_frame(next).is_some(),
                _ => adts_frame(next).is_some(),
            };
            // At the very beginning, a single frame whose end is the file's end is one, too.
            if follows || (at == 0 && next.is_empty()) {
                return Some(format);
            }
        }
        None
    })
}

/// Length in bytes of the MPEG audio frame that begins here (ISO 11172-3, 2.4.1.3; 13818-3 for the lower rates).
fn mpeg_frame(bytes: &[u8]) -> Option<usize> {
    let &[a, b, c, ..] = bytes else { return None };
    if a != 0xff || b & 0xe0 != 0xe0 {
        return None;
    }
    let (version, layer) = ((b >> 3) & 3, (b >> 1) & 3);
    let (rate_at, hertz_at) = (usize::from(c >> 4), usize::from((c >> 2) & 3));
    if version == 1 || layer == 0 || rate_at == 0 || rate_at == 15 || hertz_at == 3 {
        return None;
    }
    let kilobits: [usize; 14] = match (version, layer) {
        (3, 3) => [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        (3, 2) => [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        (3, _) => [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        (_, 3) => [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        _ => [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    };
    let hertz = [44_100, 48_000, 32_000][hertz_at] >> [2, 0, 1, 0][usize::from(version)];
    let bits = kilobits[rate_at - 1] * 1_000;
    let padding = usize::from((c >> 1) & 1);
    Some(match (version, layer) {
        (_, 3) => (12 * bits / hertz + padding) * 4,
        (3, _) | (_, 2) => 144 * bits / hertz + padding,
        _ => 72 * bits / hertz + padding,
    })
}

/// Length in bytes of the ADTS frame that begins here (ISO 13818-7, 6.2).
fn adts_frame(bytes: &[u8]) -> Option<usize> {
    let &[a, b, c, d, e, f, ..] = bytes else { return None };
    let fits = a == 0xff && b & 0xf6 == 0xf0 && (c >> 2) & 0xf < 13;
    let length = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
    (fits && length >= 7).then_some(length)
}

/// Bytes of the ID3v2 tag at the beginning (id3.org, id3v2.4.0-structure, 3.1), its header included.
fn id3_length(head: &[u8]) -> Option<u64> {
    let tag = head.get(..10).filter(|tag| tag.starts_with(b"ID3"))?;
    let length = tag[6..10].iter().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f));
    let footer = if tag[5] & 0x10 == 0 { 0 } else { 10 };
    Some(10 + length + footer)
}

/// Whether a track of an MP4 is encrypted: its sample description is `enca`, `encv` or `drms`
/// (ISO 14496-12, 8.12).
fn is_protected(file: &mut File) -> Result<bool, AudioError> {
    let end = file.metadata().map_err(AudioError::Read)?.len();
    let mut at = 0;
    for _ in 0..BOXES_MAX {
        if at >= end {
            return Ok(false);
        }
        file.seek(SeekFrom::Start(at)).map_err(AudioError::Read)?;
        let mut head = Vec::new();
        file.by_ref().take(16).read_to_end(&mut head).map_err(AudioError::Read)?;
        let Some(length) = box_length(&head) else { return Ok(false) };
        if head.get(4..8) == Some(b"moov") {
            let mut table = Vec::new();
            let length = length.unwrap_or(u64::MAX).min(TABLE_BYTES_MAX);
            file.seek(SeekFrom::Start(at)).map_err(AudioError::Read)?;
            file.by_ref().take(length).read_to_end(&mut table).map_err(AudioError::Read)?;
            return Ok(names_protection(&table));
        }
        // A box without an end is the last.
        let Some(next) = length.and_then(|length| at.checked_add(length)) else { return Ok(false) };
        at = next;
    }
    Ok(false)
}

/// Length of a box by its first 16 bytes; the inner `None` is *to the end of the file*.
fn box_length(head: &[u8]) -> Option<Option<u64>> {
    let short = u32::from_be_bytes(head.get(..4)?.try_into().ok()?);
    Some(match short {
        0 => None,
        1 => Some(u64::from_be_bytes(head.get(8..16)?.try_into().ok()?))
            .filter(|length| *length >= 16),
        2..8 => None,
        length => Some(u64::from(length)),
    })
}

fn names_protection(table: &[u8]) -> bool {
    table.windows(4).enumerate().filter(|(_, name)| *name == b"stsd").any(|(at, _)| {
        // Version and flags, the count, the length of the first description, then its name.
        let name = table.get(at + 16..at + 20);
        matches!(name, Some(b"enca" | b"encv" | b"drms"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mp3(frames: usize) -> Vec<u8> {
        // MPEG-1 layer III, 128 kbit/s, 44,100 Hz: 417 bytes.
        let mut frame = vec![0xff, 0xfb, 0x90, 0x00];
        frame.resize(417, 0);
        frame.repeat(frames)
    }

    #[test]
    fn each_kind_is_known_by_its_first_bytes() {
        let check = |head: &[u8], want: Format| assert_eq!(sniff(head), Ok(want), "{want}");
        check(&mp3(2), Format::Mp3);
        check(&[&b"\0\0\0junk of some length"[..], &mp3(3)].concat(), Format::Mp3);
        check(b"ID3\x04\0\0\0\0\0\x0aTIT2", Format::Mp3);
        let adts = [0xff, 0xf1, 0x50, 0x80, 0x01, 0x1f, 0xfc, 0x00].repeat(4);
        check(&adts, Format::Aac);
        check(b"\0\0\0\x20ftypM4A \0\0\0\0", Format::Mp4);
        check(b"\0\0\0\x20moov\0\0\0\0", Format::Mp4);
        check(b"OggS\0\x02", Format::Ogg);
        check(b"fLaC\0\0", Format::Flac);
        check(b"RIFF\x24\0\0\0WAVEfmt ", Format::Wav);
        check(b"RF64\xff\xff\xff\xffWAVEds64", Format::Wav);
        check(b"RIFF\x24\0\0\0AVI LIST", Format::Avi);
        check(b"FORM\0\0\0\0AIFC", Format::Aiff);
        check(&[0x1a, 0x45, 0xdf, 0xa3, 1], Format::Mkv);
        check(b"caff\0\x01", Format::Caf);
        check(&[0x0b, 0x77, 0, 0], Format::Ac3);
        check(&[0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, 0xa6], Format::Asf);
        let mut ts = vec![0; 400];
        (ts[0], ts[188], ts[376]) = (0x47, 0x47, 0x47);
        check(&ts, Format::MpegTs);
        check(b"#!AMR-WB\n", Format::Amr);
        check(b"FLV\x01\x05", Format::Flv);
        check(b"wvpk\0\0", Format::WavPack);
        check(b"MAC \x96", Format::Ape);
        check(&[0x7f, 0xfe, 0x80, 0x01], Format::Dts);
        check(&[0, 0, 1, 0xba, 0x44], Format::MpegPs);
    }

    #[test]
    fn what_is_no_sound_is_refused_by_its_kind() {
        let check = |head: &[u8], want: Refusal| {
            assert_eq!(sniff(head), Err(want), "{}", String::from_utf8_lossy(head));
        };
        check(b"", Refusal::Empty);
        check(b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n", Refusal::Playlist("HLS"));
        check(b"#EXTM3U\nfile:///etc/passwd\n", Refusal::Playlist("M3U"));
        check(b"\xef\xbb\xbf  #extm3u\r\n", Refusal::Playlist("M3U"));
        check(b"\xff\xfe#\0E\0X\0T\0M\x003\0U\0\n\0", Refusal::Playlist("M3U"));
        check(b"ffconcat version 1.0\nfile '/etc/passwd'\n", Refusal::Playlist("ffconcat"));
        check(b"[playlist]\nFile1=http://example.org/a\n", Refusal::Playlist("PLS"));
        check(b"<ASX version=\"3\"><entry/>", Refusal::Playlist("ASX"));
        check(b"<?xml version=\"1.0\"?>\n<MPD xmlns=\"a\">", Refusal::Playlist("DASH"));
        check(b"<?xml version=\"1.0\"?><playlist version=\"1\">", Refusal::Playlist("XSPF"));
        check(b"https://example.org/live.m3u8\n", Refusal::Playlist("a list of addresses"));
        check(b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", Refusal::Playlist("SDP"));
        check(b"<!DOCTYPE html><p>Sign in", Refusal::Page);
        check(b"\n <html lang=\"en\">", Refusal::Page);
        check(b"{\"error\": \"no such episode\"}", Refusal::Text);
        check(b"\x89PNG\r\n\x1a\n", Refusal::Other("a picture"));
        check(b"%PDF-1.7\n%\xe2\xe3", Refusal::Other("a PDF"));
        check(&[0; 4_096], Refusal::Unknown);
        check(&[0xff; 4_096], Refusal::Unknown);
        check(b"\x01", Refusal::Unknown);
    }

    #[test]
    fn each_refusal_is_a_sentence_with_a_cure() {
        for refusal in [
            Refusal::Empty,
            Refusal::Page,
            Refusal::Playlist("HLS"),
            Refusal::Protected,
            Refusal::Text,
            Refusal::Other("a PDF"),
            Refusal::Unknown,
        ] {
            let said = refusal.to_string();
            assert!(said.ends_with('.') && said.matches(". ").count() >= 1, "{said}");
        }
    }

    /// A box of an MP4.
    fn boxed(name: &[u8; 4], inner: &[u8]) -> Vec<u8> {
        let length = u32::try_from(inner.len() + 8).unwrap();
        [&length.to_be_bytes()[..], name, inner].concat()
    }

    fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn an_encrypted_mp4_is_refused_wherever_its_table_stands() {
        let check = |kind: &[u8; 4], protected: bool| {
            let described = [&[0; 4][..], &1_u32.to_be_bytes(), &boxed(kind, &[0; 28])].concat();
            let moov = boxed(b"moov", &boxed(b"trak", &boxed(b"stsd", &described)));
            let ftyp = boxed(b"ftyp", b"M4A \0\0\0\0");
            let mdat = boxed(b"mdat", &[7; 100_000]);
            for order in [[&ftyp[..], &moov, &mdat], [&ftyp[..], &mdat, &moov]] {
                let got = file(written(&order.concat()).path());
                let refused = matches!(got, Err(AudioError::Refused(Refusal::Protected)));
                assert_eq!(refused, protected, "{:?}", String::from_utf8_lossy(kind));
            }
        };
        check(b"enca", true);
        check(b"drms", true);
        check(b"encv", true);
        check(b"mp4a", false);
    }

    #[test]
    fn a_box_that_never_ends_or_leads_nowhere_ends_the_search() {
        for bytes in [
            &b"\0\0\0\x08free"[..],
            b"\0\0\0\0ftyp",
            b"\0\0\0\x03ftyp",
            b"\0\0\0\x01ftyp\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\0\0\0\x01ftyp\0\0\0\0\0\0\0\0",
            b"\xff\xff\xff\xffmoovstsd",
        ] {
            assert_eq!(file(written(bytes).path()).unwrap(), Format::Mp4);
        }
    }

    #[test]
    fn a_playlist_behind_a_tag_is_still_one() {
        let mut bytes = b"ID3\x04\0\0\0\0\0\x0a0123456789".to_vec();
        bytes.extend_from_slice(b"#EXTM3U\n#EXT-X-KEY:a\n");
        let got = file(written(&bytes).path());
        assert!(matches!(got, Err(AudioError::Refused(Refusal::Playlist("HLS")))), "{got:?}");
        let mut tagged = b"ID3\x04\0\0\0\0\0\x0a0123456789".to_vec();
        tagged.extend_from_slice(b"fLaC\0\0\0");
        assert_eq!(file(written(&tagged).path()).unwrap(), Format::Flac);
        let only_a_tag = file(written(b"ID3\x04\0\0\0\0\x7f\x7f").path());
        assert_eq!(only_a_tag.unwrap(), Format::Mp3);
    }
}
