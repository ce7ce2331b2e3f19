//! A file to samples of 16 kHz mono, block by block, so that a day of sound needs no more memory than a
//! minute. What is not read here goes to ffmpeg.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, ReadOnlySource};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::opus::Opus;
use super::resample::Resample;
use super::sniff::{self, Format};
use super::{AudioError, SAMPLE_RATE, ffmpeg, ms_of};

/// By how much a file may be shorter than it says and still be whole: encoders round, and count what
/// they put around the sound.
const SHORT_MS_MAX: u64 = 2_000;

/// Packets in a row that may be damaged before the rest is given up: of noise, each try costs time.
const DAMAGED_IN_A_ROW_MAX: u64 = 10_000;

/// What to decode, and within which bounds.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The file; under a name that Recap gave it.
    pub path: &'a Path,
    /// The program ffmpeg, where it is installed.
    pub ffmpeg: Option<&'a Path>,
    /// Longest sound that is heard, in hours; 24 is a sensible bound.
    pub hours_max: u32,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// What the file is.
    pub format: Format,
    /// How much was heard, in milliseconds.
    pub duration_ms: u64,
    /// How much is missing at the end by what the file says of its length, in milliseconds; 0 where it
    /// is whole, or says nothing.
    pub missing_ms: u64,
    /// Damaged packets that were passed over.
    pub damaged: u64,
    /// Whether ffmpeg decoded it.
    pub by_ffmpeg: bool,
}

impl Decoded {
    /// What a person should know of it, where it is not whole.
    pub fn note(&self) -> Option<String> {
        let minutes = |ms: u64| format!("{}:{:02}", ms / 60_000, ms / 1_000 % 60);
        if self.missing_ms > 0 {
            return Some(format!(
                "The sound file is cut off: {} of {} minutes are there. Fetch it again for the rest.",
                minutes(self.duration_ms),
                minutes(self.duration_ms + self.missing_ms),
            ));
        }
        (self.damaged > 0).then(|| {
            format!(
                "{} damaged places of the sound file were passed over; a few words may be missing there.",
                self.damaged
            )
        })
    }
}

/// Decodes a file, and gives its samples ([`SAMPLE_RATE`], mono) in blocks of at most a second or so;
/// `ControlFlow::Break` stops it.
///
/// # Errors
/// Each of [`AudioError`]. What was given before stays good: a cut off file is no error.
pub fn decode(
    order: &Order<'_>,
    give: &mut dyn FnMut(&[i16]) -> ControlFlow<()>,
) -> Result<Decoded, AudioError> {
    let format = sniff::file(order.path)?;
    let mut sink = Sink::new(order.hours_max, give);
    let native = if format.is_native() {
        natively(order.path, format, &mut sink)
    } else {
        Native::Unsupported
    };
    match native {
        Native::Done { said_ms, damaged } => {
            let heard = ms_of(sink.heard);
            let short = said_ms.unwrap_or(0).saturating_sub(heard);
            let missing_ms = if short > SHORT_MS_MAX { short } else { 0 };
            Ok(Decoded { format, duration_ms: heard, missing_ms, damaged, by_ffmpeg: false })
        }
        Native::Ended(error) => Err(error),
        // Only what gave nothing comes here, so nothing is heard twice.
        Native::Unsupported | Native::Nothing => {
            let Some(program) = order.ffmpeg else {
                return Err(match native {
                    Native::Nothing => AudioError::Damaged(format),
                    _ => AudioError::Unsupported(format),
                });
            };
            let outcome =
                ffmpeg::decode(program, order.path, format, &mut |block| sink.give(block));
            match outcome {
                // It ends badly where a file does, and what it gave is good.
                Err(AudioError::Ffmpeg(_)) if sink.heard > 0 => {}
                Err(AudioError::Ffmpeg(why)) if why.starts_with("it ended") => {
                    return Err(AudioError::Damaged(format));
                }
                other => other?,
            }
            if sink.heard == 0 {
                return Err(AudioError::Damaged(format));
            }
            let duration_ms = ms_of(sink.heard);
            Ok(Decoded { format, duration_ms, missing_ms: 0, damaged: 0, by_ffmpeg: true })
        }
    }
}

/// Where samples go, counted.
struct Sink<'a> {
    give: &'a mut dyn FnMut(&[i16]) -> ControlFlow<()>,
    heard: u64,
    hours_max: u32,
}

impl<'a> Sink<'a> {
    fn new(hours_max: u32, give: &'a mut dyn FnMut(&[i16]) -> ControlFlow<()>) -> Sink<'a> {
        Sink { give, heard: 0, hours_max }
    }

    fn give(&mut self, block: &[i16]) -> ControlFlow<AudioError> {
        if block.is_empty() {
            return ControlFlow::Continue(());
        }
        self.heard += block.len() as u64;
        if self.heard > u64::from(self.hours_max) * 3_600 * u64::from(SAMPLE_RATE) {
            return ControlFlow::Break(AudioError::TooLong { hours_max: self.hours_max });
        }
        (self.give)(block).map_break(|()| AudioError::Stopped)
    }
}

/// How decoding here ended.
enum Native {
    /// At the end of the file, or where it is cut off.
    Done { said_ms: Option<u64>, damaged: u64 },
    /// By a bound, or by who listens.
    Ended(AudioError),
    /// It holds what is not decoded here.
    Unsupported,
    /// Nothing could be decoded.
    Nothing,
}

fn natively(path: &Path, format: Format, sink: &mut Sink<'_>) -> Native {
    let open = || File::open(path);
    let (Ok(first), Ok(second)) = (open(), open()) else { return Native::Nothing };
    match attempt(Box::new(first), format, sink) {
        // An MP4 that is cut off misses the end that its table names, and cannot be read by seeking;
        // in one go, all that is there comes out.
        // So is a Matroska file without its end.
        Native::Nothing | Native::Unsupported => {
            attempt(Box::new(ReadOnlySource::new(second)), format, sink)
        }
        other => other,
    }
}

/// What turns the packets of one track into samples.
enum Codec {
    Any(Box<dyn AudioDecoder>),
    Opus(Box<Opus>),
}

fn make_decoder(parameters: &AudioCodecParameters) -> Option<Box<dyn AudioDecoder>> {
    // By default it ends where the first header says that the file ends: a joined MP3, as hosts of
    // advertisements send them, would be cut after its first part without an error.
    let options = AudioDecoderOptions::default().gapless(false);
    symphonia::default::get_codecs().make_audio_decoder(parameters, &options).ok()
}

/// The track that is heard, with its codec; `None` where it is not decoded here.
fn choose(reader: &dyn FormatReader) -> Option<(u32, Codec)> {
    let track = reader.default_track(TrackType::Audio)?;
    let Some(CodecParameters::Audio(parameters)) = &track.codec_params else { return None };
    let codec = if parameters.codec == CODEC_ID_OPUS {
        let channels = parameters.channels.as_ref().map_or(1, |channels| channels.count());
        Codec::Opus(Box::new(Opus::new(parameters.extra_data.as_deref(), channels)?))
    } else {
        Codec::Any(make_decoder(parameters)?)
    };
    Some((track.id, codec))
}

fn said_ms(reader: &dyn FormatReader, format: Format) -> Option<u64> {
    // Of MP3 and AAC it is a guess by the first frames, or what one of several parts says.
    if matches!(format, Format::Mp3 | Format::Aac) {
        return None;
    }
    let track = reader.default_track(TrackType::Audio)?;
    let whole = reader.media_info();
    // Matroska says it of all tracks together.
    let (base, duration) = match track.duration {
        Some(duration) => (track.time_base?, duration),
        None => (whole.time_base?, whole.duration?),
    };
    let time = base.calc_duration(duration)?;
    u64::try_from(time.as_millis()).ok()
}

fn attempt(source: Box<dyn MediaSource>, format: Format, sink: &mut Sink<'_>) -> Native {
    let stream = MediaSourceStream::new(source, Default::default());
    let probed = symphonia::default::get_probe().probe(
        &Hint::new(),
        stream,
        FormatOptions::default(),
        MetadataOptions::default(),
    );
    let mut reader = match probed {
        Ok(reader) => reader,
        Err(Error::Unsupported(_)) => return Native::Unsupported,
        Err(_) => return Native::Nothing,
    };
    let said_ms = said_ms(reader.as_ref(), format);
    let Some((mut track, mut codec)) = choose(reader.as_ref()) else { return Native::Unsupported };
    let mut out = Output::default();
    let (mut damaged, mut in_a_row) = (0, 0);
    loop {
        let packet = match reader.next_packet() {
            Ok(Some(packet)) => packet,
            // A chained Ogg: another stream begins, with another header.
            Err(Error::ResetRequired) => match choose(reader.as_ref()) {
                Some(chosen) => {
                    (track, codec) = chosen;
                    continue;
                }
                None => break,
            },
            // The end, or where the file is cut off.
            Ok(None) | Err(_) => break,
        };
        if packet.track_id != track {
            continue;
        }
        match out.take(&mut codec, &packet) {
            Ok(()) => in_a_row = 0,
            Err(()) => {
                (damaged, in_a_row) = (damaged + 1, in_a_row + 1);
                if in_a_row > DAMAGED_IN_A_ROW_MAX {
                    break;
                }
            }
        }
        if let ControlFlow::Break(error) = sink.give(&out.ready) {
            return Native::Ended(error);
        }
        out.ready.clear();
    }
    out.flush();
    if let ControlFlow::Break(error) = sink.give(&out.ready) {
        return Native::Ended(error);
    }
    if sink.heard == 0 { Native::Nothing } else { Native::Done { said_ms, damaged } }
}

/// Samples on their way from a codec to who listens.
#[derive(Default)]
struct Output {
    resample: Option<Resample>,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
    ready: Vec<i16>,
}

impl Output {
    /// Decodes a packet; `Err` where it is damaged.
    fn take(&mut self, codec: &mut Codec, packet: &Packet) -> Result<(), ()> {
        let decoder = match codec {
            Codec::Opus(opus) => {
                self.ready.extend_from_slice(opus.decode(&packet.data).ok_or(())?);
                return Ok(());
            }
            Codec::Any(decoder) => decoder,
        };
        if decoder.decode(packet).is_err() {
            // Decoders keep to the rate and the channels of their first packet, and the next part of a
            // joined file may have others: a new decoder takes them.
            *decoder = make_decoder(&decoder.codec_params().clone()).ok_or(())?;
            decoder.decode(packet).map_err(|_| ())?;
        }
        let decoded = decoder.last_decoded();
        let (rate, channels) = (decoded.spec().rate(), decoded.num_planes());
        if decoded.frames() == 0 || channels == 0 {
            return Ok(());
        }
        self.interleaved.clear();
        decoded.copy_to_vec_interleaved(&mut self.interleaved);
        self.mono.clear();
        let share = 1.0 / channels as f32;
        self.mono.extend(self.interleaved.chunks_exact(channels).map(|frame| {
            let mixed = frame.iter().sum::<f32>() * share;
            // Files of floats may hold anything, and one NaN would spread over a whole block.
            if mixed.is_finite() { mixed.clamp(-1.0, 1.0) } else { 0.0 }
        }));
        if self.resample.as_ref().is_none_or(|resample| resample.rate() != rate) {
            // A joined file may go on in another rate.
            self.flush();
            self.resample = Some(Resample::new(rate).ok_or(())?);
        }
        if let Some(resample) = &mut self.resample {
            resample.push(&self.mono, &mut self.ready);
        }
        Ok(())
    }

    fn flush(&mut self) {
        if let Some(mut resample) = self.resample.take() {
            resample.flush(&mut self.ready);
        }
    }
}

#[cfg(test)]
mod tests;
