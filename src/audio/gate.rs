//! Where somebody may be speaking, told by energy alone: frames that stand out of what is always there.
//! It lets music through and keeps steady noise, hum and tones out; words are the recogniser's matter.

use std::ops::Range;

use super::SAMPLE_RATE;

/// Length of a frame.
pub const FRAME_MS: u64 = 20;

/// Samples of a frame.
pub(super) const FRAME_SAMPLES: usize = (SAMPLE_RATE as u64 * FRAME_MS / 1_000) as usize;

/// Frames of a second.
const SECOND: usize = 1_000 / FRAME_MS as usize;

/// How far around a second its floor is looked for: long enough for pauses of breath in fast speech,
/// short enough for a change of room.
const AROUND: usize = 10 * SECOND;

/// By how many decibels speech stands out of the floor, the level that a tenth of the frames around stays
/// below: speech pauses in more than a tenth. Steady noise reaches 2.
const MARGIN_DB: f32 = 6.0;

/// Below this is silence, whatever the floor: dither and the noise of good converters.
const SILENCE_DB: f32 = -66.0;

/// Below this a frame tells nothing of the room: digital silence between joined parts.
const EMPTY_DB: f32 = -80.0;

/// How far the levels of speech without its pauses lie apart at least; those of steady noise do by 2.
const GATED_DB: f32 = 10.0;

/// Shorter than this is a click.
const CLICK: usize = 3;

/// Shorter than this is a smack of lips or a breath, where one looks closely.
const SMACK: usize = 6;

/// How far below the level that a tenth of the frames around reach clear speech lies at most.
const BELOW_LOUD_DB: f32 = 22.0;

/// Shorter pauses than this belong to the speech around them: stops within words.
const BRIDGED: usize = 10;

/// The level of a frame in decibels of full scale. Low tones count for less, as in every front end for
/// speech, so that hum, wind and steps do not pass for it.
pub(super) fn level(frame: &[i16]) -> f32 {
    let sum: f32 = frame
        .windows(2)
        .map(|pair| f32::from(pair[1]) - 0.97 * f32::from(pair[0]))
        .map(|sample| sample * sample)
        .sum();
    let mean = sum / frame.len().max(2) as f32 / (32_768.0 * 32_768.0);
    10.0 * mean.max(1e-12).log10()
}

/// What counts as speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// All that stands out of the room: nothing that may be a word is lost.
    Any,
    /// What is not far below the loudest around, and longer than a smack of lips: where speech begins.
    Clear,
}

/// Which frames may be speech.
pub(super) fn flags(levels: &[f32], care: Care) -> Vec<bool> {
    let mut flags = Vec::with_capacity(levels.len());
    let mut around = Vec::with_capacity(2 * AROUND + SECOND);
    for (second, frames) in levels.chunks(SECOND).enumerate() {
        let at = second * SECOND;
        around.clear();
        let window = &levels[at.saturating_sub(AROUND)..(at + SECOND + AROUND).min(levels.len())];
        around.extend(window.iter().copied().filter(|level| *level > EMPTY_DB));
        around.sort_unstable_by(f32::total_cmp);
        let at_part =
            |tenth: usize| around.get(around.len() * tenth / 10).copied().unwrap_or(EMPTY_DB);
        // Where a machine made the pauses wholly silent, what is left is speech in all its levels.
        let is_gated = around.len() * 10 <= window.len() * 9 && at_part(9) - at_part(1) > GATED_DB;
        let floor = if is_gated { EMPTY_DB } else { at_part(1) };
        let mut bound = (floor + MARGIN_DB).max(SILENCE_DB);
        if care == Care::Clear {
            bound = bound.max(at_part(9) - BELOW_LOUD_DB);
        }
        flags.extend(frames.iter().map(|level| *level > bound));
    }
    fill(&mut flags, true, CLICK);
    fill(&mut flags, false, BRIDGED);
    if care == Care::Clear {
        fill(&mut flags, true, SMACK);
    }
    flags
}

/// Turns runs of `what` that are shorter than `least` into their opposite, but for pauses at the ends.
fn fill(flags: &mut [bool], what: bool, least: usize) {
    let mut at = 0;
    for run in runs(flags) {
        let (start, length) = (at, run.1);
        at += length;
        let is_edge = start == 0 || at == flags.len();
        if run.0 == what && length < least && (what || !is_edge) {
            flags[start..at].fill(!what);
        }
    }
}

/// Runs of the same value, with their lengths.
pub(super) fn runs(flags: &[bool]) -> Vec<(bool, usize)> {
    flags.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect()
}

/// The stretches in which somebody may be speaking, in milliseconds, in order.
pub fn speech(samples: &[i16], care: Care) -> Vec<Range<u64>> {
    let levels: Vec<f32> = samples.chunks(FRAME_SAMPLES).map(level).collect();
    let mut at = 0;
    let mut found = Vec::new();
    for (is_speech, length) in runs(&flags(&levels, care)) {
        let length = length as u64 * FRAME_MS;
        if is_speech {
            found.push(at..at + length);
        }
        at += length;
    }
    found
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Noise by a fixed rule, in `-amplitude..amplitude`.
    pub(in crate::audio) fn noise(samples: usize, amplitude: f32) -> Vec<i16> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        (0..samples)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (((state >> 40) as f32 / 8_388_608.0 - 1.0) * amplitude) as i16
            })
            .collect()
    }

    /// Something with the rhythm of speech: syllables of 180 ms, five in a row, then a pause of 300 ms.
    pub(in crate::audio) fn babble(ms: usize, amplitude: f32) -> Vec<i16> {
        let carrier = noise(ms * 16, amplitude);
        let shape = |at: usize| {
            let within = at / 16 % 1_500;
            if within >= 1_200 {
                return 0.001;
            }
            let phase = (within % 240) as f32 / 240.0;
            (phase * std::f32::consts::PI).sin().max(0.02)
        };
        carrier.iter().enumerate().map(|(at, s)| (f32::from(*s) * shape(at)) as i16).collect()
    }

    fn tone(ms: usize, hertz: f32, amplitude: f32) -> Vec<i16> {
        let step = hertz * std::f32::consts::TAU / SAMPLE_RATE as f32;
        (0..ms * 16).map(|at| ((at as f32 * step).sin() * amplitude) as i16).collect()
    }

    #[test]
    fn silence_steady_noise_hum_and_tones_are_no_speech() {
        let check = |samples: &[i16], what: &str| {
            assert!(
                speech(samples, Care::Any).is_empty(),
                "{what}: {:?}",
                speech(samples, Care::Any)
            );
        };
        check(&[], "nothing");
        check(&vec![0; 16_000 * 60], "silence");
        check(&vec![9_000; 16_000 * 60], "an offset");
        for amplitude in [3.0, 100.0, 3_000.0, 30_000.0] {
            check(&noise(16_000 * 60, amplitude), "noise");
            check(&tone(60_000, 50.0, amplitude), "hum");
            check(&tone(60_000, 1_000.0, amplitude), "a tone");
        }
        let mut click = vec![0; 16_000 * 20];
        click[160_000..160_020].fill(30_000);
        check(&click, "a click");
    }

    #[test]
    fn speech_stands_out_of_silence_and_of_noise_at_its_edges() {
        for floor in [0.0, 30.0, 300.0] {
            let mut samples = noise(16_000 * 30, floor);
            for (at, sample) in babble(10_000, 8_000.0).iter().enumerate() {
                samples[160_000 + at] = samples[160_000 + at].saturating_add(*sample);
            }
            let found = speech(&samples, Care::Any);
            let (first, last) = (found.first().unwrap().start, found.last().unwrap().end);
            assert!(first.abs_diff(10_000) <= 60, "{floor}: {found:?}");
            assert!(last.abs_diff(20_000) <= 150, "{floor}: {found:?}");
            assert!(found.len() >= 6, "the pauses within are told at {floor}, too: {found:?}");
        }
    }

    #[test]
    fn quiet_speech_after_loud_noise_is_heard() {
        let mut samples = noise(16_000 * 60, 20_000.0);
        samples.extend(noise(16_000 * 15, 4.0));
        samples.extend(babble(30_000, 500.0));
        let found = speech(&samples, Care::Any);
        assert!(found.iter().any(|range| range.start >= 75_000), "{found:?}");
        assert!(found.iter().all(|range| range.end > 59_000), "not the noise itself: {found:?}");
    }
}
