//! Sound of any rate to [`SAMPLE_RATE`], mono, block by block.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};

use super::SAMPLE_RATE;

/// Frames that are turned at a time: some 20 ms.
const CHUNK_FRAMES: usize = 1_024;

/// Rates that are taken: telephones begin at 4 kHz, studios end at 384 kHz. Others are damage, and
/// would ask for tables of any size.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;

/// Turns blocks of one rate.
pub(super) struct Resample {
    rate: u32,
    /// Absent where nothing is to be turned.
    inner: Option<Fft<f32>>,
    waiting: Vec<f32>,
    turned: Vec<f32>,
    /// Samples at the beginning of the output that are the filter's own.
    to_drop: usize,
    taken: u64,
    given: u64,
}

impl Resample {
    /// For a rate; `None` where it is none of sound.
    pub(super) fn new(rate: u32) -> Option<Resample> {
        if !RATES.contains(&rate) {
            return None;
        }
        let inner = match rate {
            SAMPLE_RATE => None,
            _ => {
                let (from, to) = (rate as usize, SAMPLE_RATE as usize);
                Some(Fft::new(from, to, CHUNK_FRAMES, 1, FixedSync::Input).ok()?)
            }
        };
        let to_drop = inner.as_ref().map_or(0, |inner| inner.output_delay());
        let room = inner.as_ref().map_or(0, |inner| inner.output_frames_max());
        let turned = vec![0.0; room];
        Some(Resample { rate, inner, waiting: Vec::new(), turned, to_drop, taken: 0, given: 0 })
    }

    /// The rate of what it takes.
    pub(super) fn rate(&self) -> u32 {
        self.rate
    }

    /// Takes mono samples in `-1.0..=1.0`, and appends what is ready to `out`.
    pub(super) fn push(&mut self, samples: &[f32], out: &mut Vec<i16>) {
        self.taken += samples.len() as u64;
        if self.inner.is_none() {
            self.given += samples.len() as u64;
            out.extend(samples.iter().map(|sample| quantised(*sample)));
            return;
        }
        self.waiting.extend_from_slice(samples);
        let mut at = 0;
        while let Some(wanted) = self.wanted().filter(|wanted| self.waiting.len() - at >= *wanted) {
            let end = at + wanted;
            self.turn(at..end, out);
            at = end;
        }
        self.waiting.drain(..at);
    }

    /// Gives what is still inside; no more is taken afterwards.
    pub(super) fn flush(&mut self, out: &mut Vec<i16>) {
        // As much as came in, in time; the filter's tail ends beyond it.
        let due = self.taken.saturating_mul(u64::from(SAMPLE_RATE)).div_ceil(u64::from(self.rate));
        while self.given < due {
            let Some(wanted) = self.wanted() else { break };
            // Silence behind it pushes out what the filter holds.
            self.waiting.resize(wanted, 0.0);
            if !self.turn(0..wanted, out) {
                break;
            }
            self.waiting.clear();
        }
        let over = usize::try_from(self.given.saturating_sub(due)).unwrap_or(0);
        out.truncate(out.len() - over.min(out.len()));
        self.given -= over as u64;
    }

    fn wanted(&self) -> Option<usize> {
        self.inner.as_ref().map(|inner| inner.input_frames_next())
    }

    /// Turns a part of what waits; it fails only where buffers are too small, and they are of its own sizes.
    fn turn(&mut self, range: std::ops::Range<usize>, out: &mut Vec<i16>) -> bool {
        let Some(inner) = &mut self.inner else { return false };
        let input = &self.waiting[range];
        let room = self.turned.len();
        let (Ok(from), Ok(mut to)) = (
            InterleavedSlice::new(input, 1, input.len()),
            InterleavedSlice::new_mut(&mut self.turned, 1, room),
        ) else {
            return false;
        };
        let Ok((_, made)) = inner.process_into_buffer(&from, &mut to, None) else { return false };
        let dropped = self.to_drop.min(made);
        self.to_drop -= dropped;
        self.given += (made - dropped) as u64;
        out.extend(self.turned[dropped..made].iter().map(|sample| quantised(*sample)));
        true
    }
}

/// A sample as an integer; what overshoots is clipped.
fn quantised(sample: f32) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the range of an i16 before")]
    let whole = (sample * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f32, secs: f32) -> Vec<f32> {
        let count = (rate as f32 * secs) as usize;
        let step = hertz * std::f32::consts::TAU / rate as f32;
        (0..count).map(|at| (at as f32 * step).sin() * 0.5).collect()
    }

    #[test]
    fn every_rate_keeps_its_length_and_its_place_in_time() {
        for rate in [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 44_101, 48_000, 96_000]
        {
            let sound = tone(rate, 440.0, 1.234);
            // Whatever the size of the blocks.
            for block in [1, 160, 1_152, 100_000] {
                let mut resample = Resample::new(rate).unwrap();
                let mut out = Vec::new();
                sound.chunks(block).for_each(|chunk| resample.push(chunk, &mut out));
                resample.flush(&mut out);
                let want = (sound.len() as u64 * 16_000).div_ceil(u64::from(rate));
                assert_eq!(out.len() as u64, want, "{rate} in blocks of {block}");
                let same = tone(SAMPLE_RATE, 440.0, 1.2);
                let worst = (2_000..17_000)
                    .map(|at| (f32::from(out[at]) / 32_767.0 - same[at]).abs())
                    .fold(0.0, f32::max);
                // A sample late is 0.09.
                assert!(worst < 0.08, "{rate} in blocks of {block}: {worst}");
            }
        }
    }

    #[test]
    fn a_rate_that_is_none_is_refused() {
        for (rate, taken) in [
            (0, false),
            (3_999, false),
            (4_000, true),
            (384_000, true),
            (384_001, false),
            (u32::MAX, false),
        ] {
            assert_eq!(Resample::new(rate).is_some(), taken, "{rate}");
        }
    }

    #[test]
    fn nothing_in_is_nothing_out_and_a_little_is_a_little() {
        for (samples, want) in [(0, 0), (1, 1), (3, 2), (441, 160)] {
            let mut resample = Resample::new(44_100).unwrap();
            let mut out = Vec::new();
            resample.push(&vec![0.1; samples], &mut out);
            resample.flush(&mut out);
            assert_eq!(out.len(), want, "{samples}");
        }
    }
}
