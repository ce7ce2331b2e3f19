//! Files of each kind, made by ffmpeg where it is installed.

use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::audio::sniff::Refusal;

/// ffmpeg, or a sentence that it is not here.
fn ffmpeg() -> Option<PathBuf> {
    let found = ["/usr/bin/ffmpeg", "/usr/local/bin/ffmpeg", "/opt/homebrew/bin/ffmpeg"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.exists());
    if found.is_none() {
        println!("ffmpeg is not here; this test is skipped.");
    }
    found
}

/// Sound that tells where one is in it: a rising tone, over which a beat of 1 s lies.
const SWEEP: &str = "aevalsrc=0.4*sin(2*PI*(300+20*t)*t)*(0.3+0.7*lt(mod(t\\,1)\\,0.5)):s=44100";

struct Shop {
    folder: tempfile::TempDir,
    ffmpeg: PathBuf,
}

impl Shop {
    fn open() -> Option<Shop> {
        Some(Shop { folder: tempfile::tempdir().unwrap(), ffmpeg: ffmpeg()? })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a file of so many seconds.
    fn make(&self, name: &str, secs: u32, arguments: &[&str]) -> PathBuf {
        let path = self.path(name);
        let secs = secs.to_string();
        let made = Command::new(&self.ffmpeg)
            .args(["-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", SWEEP, "-t", &secs])
            .args(arguments)
            .arg(&path)
            .output()
            .unwrap();
        assert!(made.status.success(), "{name}: {}", String::from_utf8_lossy(&made.stderr));
        path
    }

    fn order<'a>(&'a self, path: &'a Path) -> Order<'a> {
        Order { path, ffmpeg: Some(&self.ffmpeg), hours_max: 24 }
    }

    /// Decodes without ffmpeg.
    fn hear(&self, path: &Path) -> (Decoded, Vec<i16>) {
        hear(&Order { path, ffmpeg: None, hours_max: 24 })
            .unwrap_or_else(|error| panic!("{}: {error:?}", path.display()))
    }
}

fn hear(order: &Order<'_>) -> Result<(Decoded, Vec<i16>), AudioError> {
    let mut samples = Vec::new();
    let decoded = decode(order, &mut |block| {
        samples.extend_from_slice(block);
        ControlFlow::Continue(())
    })?;
    assert_eq!(decoded.duration_ms, ms_of(samples.len() as u64));
    Ok((decoded, samples))
}

/// By how many milliseconds `sound` is late against `want`, and how alike they are there, in `-1..=1`.
fn alike(sound: &[i16], want: &[i16]) -> (i64, f64) {
    let span = 16_000..48_000_usize;
    let mut best = (0, -1.0);
    for shift in (-1_600_i64..=1_600).step_by(4) {
        let (mut product, mut a2, mut b2) = (0.0, 0.0, 0.0);
        for at in span.clone().step_by(3) {
            let moved = usize::try_from(at as i64 + shift).unwrap();
            let (a, b) = (f64::from(sound[moved]), f64::from(want[at]));
            product += a * b;
            a2 += a * a;
            b2 += b * b;
        }
        let score = product / (a2 * b2).sqrt().max(1.0);
        if score > best.1 {
            best = (shift / 16, score);
        }
    }
    best
}

#[test]
fn every_usual_kind_is_heard_whole_and_in_its_place() {
    let Some(shop) = Shop::open() else { return };
    let (_, want) = shop.hear(&shop.make("want.wav", 6, &["-ac", "1", "-ar", "16000"]));
    assert_eq!(want.len(), 96_000);
    let video = ["-f", "lavfi", "-i", "color=c=black:s=64x64:r=5", "-shortest"];
    let with_video = |more: &[&'static str]| [&video[..], more].concat();
    let kinds: Vec<(&str, Vec<&str>, Format)> = vec![
        ("a.wav", vec!["-ac", "2"], Format::Wav),
        ("24.wav", vec!["-c:a", "pcm_s24le", "-ar", "48000"], Format::Wav),
        ("float.wav", vec!["-c:a", "pcm_f32le"], Format::Wav),
        ("8.wav", vec!["-c:a", "pcm_u8", "-ar", "22050"], Format::Wav),
        ("law.wav", vec!["-c:a", "pcm_mulaw", "-ar", "16000"], Format::Wav),
        ("a.mp3", vec!["-b:a", "64k"], Format::Mp3),
        ("stereo.mp3", vec!["-ac", "2", "-b:a", "128k", "-ar", "48000"], Format::Mp3),
        ("low.mp3", vec!["-ar", "22050", "-b:a", "32k"], Format::Mp3),
        ("vbr.mp3", vec!["-q:a", "5", "-write_xing", "0"], Format::Mp3),
        ("untagged.mp3", vec!["-write_xing", "0", "-id3v2_version", "0"], Format::Mp3),
        ("a.mp2", vec!["-f", "mp2", "-b:a", "128k"], Format::Mp3),
        ("a.aac", vec!["-c:a", "aac"], Format::Aac),
        ("end.m4a", vec!["-c:a", "aac"], Format::Mp4),
        ("start.m4a", vec!["-c:a", "aac", "-movflags", "faststart"], Format::Mp4),
        ("pieces.mp4", vec!["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"], Format::Mp4),
        ("lossless.m4a", vec!["-c:a", "alac"], Format::Mp4),
        ("video.mp4", with_video(&["-c:a", "aac", "-c:v", "mpeg4"]), Format::Mp4),
        ("a.ogg", vec!["-c:a", "libvorbis"], Format::Ogg),
        ("a.opus", vec!["-c:a", "libopus", "-b:a", "24k"], Format::Ogg),
        ("music.opus", vec!["-c:a", "libopus", "-ac", "2", "-b:a", "96k"], Format::Ogg),
        ("a.oga", vec!["-c:a", "flac"], Format::Ogg),
        ("a.flac", vec![], Format::Flac),
        ("a.webm", vec!["-c:a", "libopus"], Format::Mkv),
        ("a.mka", vec!["-c:a", "libvorbis"], Format::Mkv),
        ("video.mkv", with_video(&["-c:a", "libmp3lame", "-c:v", "mpeg4"]), Format::Mkv),
        ("a.aiff", vec![], Format::Aiff),
        ("a.caf", vec![], Format::Caf),
    ];
    for (name, arguments, format) in kinds {
        let (decoded, sound) = shop.hear(&shop.make(name, 6, &arguments));
        assert_eq!((decoded.format, decoded.by_ffmpeg), (format, false), "{name}");
        assert_eq!((decoded.damaged, decoded.missing_ms), (0, 0), "{name}");
        assert!(decoded.duration_ms.abs_diff(6_000) < 120, "{name}: {}", decoded.duration_ms);
        let (late_ms, score) = alike(&sound, &want);
        assert!(late_ms.abs() <= 80 && score > 0.95, "{name}: {late_ms} ms late, {score:.3} alike");
    }
}

#[test]
fn what_is_not_decoded_here_goes_to_ffmpeg_or_is_a_sentence() {
    let Some(shop) = Shop::open() else { return };
    let kinds: [(&str, &[&str], Format); 6] = [
        ("a.ac3", &[], Format::Ac3),
        ("a.wma", &[], Format::Asf),
        ("a.ts", &["-c:a", "aac"], Format::MpegTs),
        ("a.avi", &["-c:a", "libmp3lame"], Format::Avi),
        ("ac3.mkv", &["-c:a", "ac3"], Format::Mkv),
        ("six.opus", &["-c:a", "libopus", "-ac", "6", "-b:a", "128k"], Format::Ogg),
    ];
    for (name, arguments, format) in kinds {
        let path = shop.make(name, 3, arguments);
        let (decoded, _) = hear(&shop.order(&path)).unwrap();
        assert_eq!((decoded.format, decoded.by_ffmpeg), (format, true), "{name}");
        assert!(decoded.duration_ms.abs_diff(3_000) < 150, "{name}: {}", decoded.duration_ms);
        let error = hear(&Order { ffmpeg: None, ..shop.order(&path) }).unwrap_err().to_string();
        assert!(error.contains("Install the program ffmpeg"), "{name}: {error}");
    }
}

#[test]
fn a_joined_mp3_is_heard_to_its_end() {
    let Some(shop) = Shop::open() else { return };
    let parts = [
        shop.make("advert.mp3", 5, &["-b:a", "128k", "-ac", "2"]),
        shop.make("show.mp3", 20, &["-b:a", "64k", "-ar", "22050", "-ac", "1"]),
        shop.make("last.mp3", 5, &["-b:a", "128k", "-ac", "2", "-ar", "48000"]),
    ];
    let joined: Vec<u8> = parts.iter().flat_map(|part| std::fs::read(part).unwrap()).collect();
    let path = shop.path("joined.mp3");
    std::fs::write(&path, joined).unwrap();
    let (decoded, _) = shop.hear(&path);
    assert!(decoded.duration_ms.abs_diff(30_000) < 400, "{decoded:?}");
    assert!(decoded.damaged <= 2, "{decoded:?}");
}

#[test]
fn a_chained_ogg_is_heard_to_its_end() {
    let Some(shop) = Shop::open() else { return };
    for codec in ["libopus", "libvorbis"] {
        let first = shop.make("first.ogg", 5, &["-c:a", codec]);
        let second = shop.make("second.ogg", 7, &["-c:a", codec, "-ac", "2"]);
        let chained = [std::fs::read(first).unwrap(), std::fs::read(second).unwrap()].concat();
        let path = shop.path("chained.ogg");
        std::fs::write(&path, chained).unwrap();
        let (decoded, _) = shop.hear(&path);
        assert!(decoded.duration_ms.abs_diff(12_000) < 200, "{codec}: {decoded:?}");
    }
}

#[test]
fn of_a_file_that_is_cut_off_all_that_is_there_is_heard_and_the_rest_told() {
    let Some(shop) = Shop::open() else { return };
    let kinds: [(&str, &[&str], bool); 7] = [
        ("start.m4a", &["-c:a", "aac", "-movflags", "faststart"], true),
        ("a.wav", &[], true),
        ("a.flac", &[], true),
        ("a.webm", &["-c:a", "libopus"], true),
        ("a.mp3", &["-b:a", "64k"], false),
        ("a.ogg", &["-c:a", "libvorbis"], false),
        ("a.opus", &["-c:a", "libopus"], false),
    ];
    for (name, arguments, says) in kinds {
        let path = shop.make(name, 20, arguments);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let (decoded, _) = shop.hear(&path);
        // The sweep's upper part takes more bits, so half the bytes are more than half the time.
        assert!((5_000..16_000).contains(&decoded.duration_ms), "{name}: {decoded:?}");
        assert_eq!(decoded.missing_ms > 0, says, "{name}: {decoded:?}");
        if says {
            let whole = decoded.duration_ms + decoded.missing_ms;
            assert!(whole.abs_diff(20_000) < 200, "{name}: {decoded:?}");
            assert!(decoded.note().unwrap().contains("of 0:20 minutes"), "{:?}", decoded.note());
        }
    }
}

#[test]
fn junk_in_the_middle_costs_no_more_than_itself() {
    let Some(shop) = Shop::open() else { return };
    let path = shop.make("a.mp3", 20, &["-b:a", "64k"]);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    let junk: Vec<u8> =
        (0..5_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    bytes.splice(middle..middle, junk);
    std::fs::write(&path, bytes).unwrap();
    let (decoded, _) = shop.hear(&path);
    assert!(decoded.duration_ms.abs_diff(20_000) < 700, "{decoded:?}");
}

#[test]
fn a_playlist_in_an_mp3_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.wav");
    std::fs::write(&secret, b"RIFF").unwrap();
    for text in [
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile://{}\n", secret.display()),
        format!("ffconcat version 1.0\nfile '{}'\n", secret.display()),
        "https://example.org/next.m3u8\n".to_owned(),
    ] {
        let path = folder.path().join("a.mp3");
        std::fs::write(&path, text).unwrap();
        // A program that would tell that it was started.
        let error = hear(&Order { path: &path, ffmpeg: Some(Path::new("/no/such")), hours_max: 1 });
        let refused = matches!(error, Err(AudioError::Refused(Refusal::Playlist(_))));
        assert!(refused, "{error:?}");
    }
}

#[test]
fn noise_that_calls_itself_sound_is_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let junk: Vec<u8> =
        (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    for head in [
        &b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0data\xff\xff\xff\xff"[..],
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"OggS\0\x02",
        b"fLaC\0\0\0\x22",
        b"\0\0\0\x20ftypM4A \0\0\0\0",
        b"\x1a\x45\xdf\xa3",
        b"ID3\x04\0\0\0\0\0\x0a",
        b"FORM\0\0\0\x40AIFFCOMM",
        b"caff\0\x01\0\0",
    ] {
        let path = folder.path().join("junk");
        std::fs::write(&path, [head, &junk].concat()).unwrap();
        let error = hear(&Order { path: &path, ffmpeg: None, hours_max: 1 });
        let said = match error {
            Ok((decoded, _)) => decoded.note().unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        assert!(said.ends_with('.'), "{}: {said:?}", String::from_utf8_lossy(head));
    }
    let path = folder.path().join("none");
    let error = hear(&Order { path: &path, ffmpeg: None, hours_max: 1 }).unwrap_err().to_string();
    assert!(error.contains("could not be read"), "{error}");
}

/// A WAV of 8 kHz, 8 bits: short to write, long to hear.
fn write_wav(path: &Path, secs: u32) {
    let length = secs * 8_000;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend_from_slice(&(length + 36).to_le_bytes());
    bytes.extend_from_slice(
        b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data",
    );
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend((0..length).map(|at| 96 + (at % 64) as u8));
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn the_bound_of_hours_is_held_on_both_its_sides() {
    let mut heard = 0;
    let mut give = |block: &[i16]| {
        heard += block.len();
        ControlFlow::Continue(())
    };
    let mut sink = Sink::new(1, &mut give);
    for _ in 0..60 {
        assert!(sink.give(&[0; 60 * 16_000]).is_continue());
    }
    let ControlFlow::Break(error) = sink.give(&[0]) else { panic!("a sample more is too many") };
    assert!(error.to_string().contains("longer than 1 hours"), "{error}");
    assert_eq!(heard, 3_600 * 16_000, "what is beyond is not given");
}

#[test]
fn a_file_that_is_too_long_is_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    write_wav(&path, 3);
    let error = hear(&Order { path: &path, ffmpeg: None, hours_max: 0 }).unwrap_err().to_string();
    assert!(error.contains("longer than 0 hours"), "{error}");
}

#[test]
fn who_wants_no_more_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    write_wav(&path, 100);
    let mut blocks = 0;
    let outcome = decode(&Order { path: &path, ffmpeg: None, hours_max: 1 }, &mut |_| {
        blocks += 1;
        if blocks == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(outcome, Err(AudioError::Stopped)));
    assert_eq!(blocks, 2);
}

#[test]
#[ignore = "reads three hours of sound: run once where the decoder or the cutter changes"]
fn three_hours_take_no_more_memory_than_a_minute() {
    let Some(shop) = Shop::open() else { return };
    for (name, arguments) in [
        ("long.mp3", &["-b:a", "32k", "-ar", "22050"][..]),
        ("long.m4a", &["-c:a", "aac", "-b:a", "32k", "-ar", "22050"]),
        ("long.opus", &["-c:a", "libopus", "-b:a", "16k"]),
    ] {
        let path = shop.make(name, 3 * 3_600, arguments);
        let before = resident_kib();
        let began = std::time::Instant::now();
        let mut peak = 0;
        let mut blocks = 0;
        let decoded = decode(&shop.order(&path), &mut |_| {
            blocks += 1;
            if blocks % 1_000 == 0 {
                peak = peak.max(resident_kib());
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        let grown = peak.saturating_sub(before);
        println!(
            "{name}: {} s heard in {:.1} s, {grown} KiB more memory at most",
            decoded.duration_ms / 1_000,
            began.elapsed().as_secs_f32()
        );
        assert!(grown < 32 * 1_024, "{name}: {grown} KiB");
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
