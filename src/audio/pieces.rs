//! A stream of samples to pieces for a recogniser: cut in pauses, and without the stretches in which
//! nobody speaks, so that no text is invented for them. The same samples give the same pieces, whatever
//! the blocks that they come in: a job that was killed goes on with the piece that it has not.

use std::ops::ControlFlow;

use super::decode::{Decoded, Order, decode};
use super::gate::{self, FRAME_MS, FRAME_SAMPLES};
use super::{AudioError, Piece, ms_of, samples_of};

/// Longest piece: recognisers want all of it in memory, and lose little when they are killed.
pub const PIECE_MS_MAX: u64 = 600_000;

/// Shortest bound that makes sense: below, words at the cuts suffer.
pub const PIECE_MS_MIN: u64 = 10_000;

/// A stretch without speech from which on the piece ends. Shorter ones are left in: each piece costs a
/// recogniser a start, and a listener's pause for breath is no silence.
const SILENCE: usize = frames(5_000);

/// What is kept around speech: soft beginnings and ends of words lie below the gate.
const MARGIN: usize = frames(300);

/// Speech that a piece has at least, in all; less is a cough or a step.
const SPEECH_MIN: usize = frames(200);

/// What is read beyond a piece, so that its end is judged with what follows.
const AHEAD: usize = frames(10_000);

/// From which part of the longest length on a pause is looked for, in tenths.
const CUT_FROM_TENTHS: usize = 6;

/// Over how much the quietest place is looked for, where there is no pause.
const QUIET: usize = frames(200);

const fn frames(ms: u64) -> usize {
    (ms / FRAME_MS) as usize
}

/// Cuts a stream. Holds at most one piece and what is read beyond it.
pub struct Cutter {
    frames_max: usize,
    samples: Vec<i16>,
    levels: Vec<f32>,
    /// Samples of the stream before those that are held.
    passed: u64,
}

impl Cutter {
    /// For pieces of at most `piece_ms_max`, which is brought between [`PIECE_MS_MIN`] and [`PIECE_MS_MAX`].
    pub fn new(piece_ms_max: u64) -> Cutter {
        let frames_max = frames(piece_ms_max.clamp(PIECE_MS_MIN, PIECE_MS_MAX));
        Cutter { frames_max, samples: Vec::new(), levels: Vec::new(), passed: 0 }
    }

    /// Takes samples, and gives the pieces that are ready.
    pub fn push(
        &mut self,
        mut block: &[i16],
        give: &mut dyn FnMut(Piece) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let room = (self.frames_max + AHEAD) * FRAME_SAMPLES;
        while !block.is_empty() {
            // Always filled to the same mark, so that the sizes of blocks decide nothing.
            let (now, later) = block.split_at(block.len().min(room - self.samples.len()));
            self.samples.extend_from_slice(now);
            block = later;
            let measured = self.levels.len() * FRAME_SAMPLES;
            self.levels
                .extend(self.samples[measured..].chunks_exact(FRAME_SAMPLES).map(gate::level));
            if self.samples.len() == room {
                self.cut(false, give)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Gives what is left.
    pub fn finish(mut self, give: &mut dyn FnMut(Piece) -> ControlFlow<()>) -> ControlFlow<()> {
        let rest = &self.samples[self.levels.len() * FRAME_SAMPLES..];
        if !rest.is_empty() {
            self.levels.push(gate::level(rest));
        }
        self.cut(true, give)
    }

    /// Gives each piece that ends within what is held.
    fn cut(
        &mut self,
        is_end: bool,
        give: &mut dyn FnMut(Piece) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        loop {
            let flags = gate::flags(&self.levels, gate::Care::Any);
            let Some(first) = flags.iter().position(|is_speech| *is_speech) else {
                // Its last part may be the soft beginning of what comes.
                let kept = if is_end { 0 } else { MARGIN };
                self.pass(flags.len().saturating_sub(kept));
                return ControlFlow::Continue(());
            };
            let begin = first.saturating_sub(MARGIN);
            let speech_end = stretch_end(&flags, first, is_end);
            let end = match speech_end.map(|end| (end + MARGIN).min(flags.len())) {
                Some(end) if end - begin <= self.frames_max => end,
                None if flags.len() - begin < self.frames_max => {
                    self.pass(begin);
                    return ControlFlow::Continue(());
                }
                _ => self.pause(&flags, begin),
            };
            let spoken = flags[begin..end].iter().filter(|is_speech| **is_speech).count();
            if spoken >= SPEECH_MIN {
                give(self.piece(begin, end))?;
            }
            self.pass(end);
        }
    }

    fn piece(&self, begin: usize, end: usize) -> Piece {
        let end = (end * FRAME_SAMPLES).min(self.samples.len());
        let begin = begin * FRAME_SAMPLES;
        Piece {
            samples: self.samples[begin..end].into(),
            start_ms: ms_of(self.passed + begin as u64),
        }
    }

    /// Where a piece is cut that would be too long: in the longest pause of its last part, else where
    /// it is quietest.
    fn pause(&self, flags: &[bool], begin: usize) -> usize {
        let last = (begin + self.frames_max).min(flags.len());
        let from = begin + (last - begin) * CUT_FROM_TENTHS / 10;
        let mut at = from;
        let mut best = (0, 0);
        for (is_speech, length) in gate::runs(&flags[from..last]) {
            if !is_speech && length >= best.1 {
                best = (at + length / 2, length);
            }
            at += length;
        }
        if best.1 > 0 {
            return best.0.max(begin + 1);
        }
        let loudness = |at: usize| self.levels[at..at + QUIET].iter().sum::<f32>();
        (from..last - QUIET)
            .min_by(|a, b| loudness(*a).total_cmp(&loudness(*b)))
            .map_or(last, |at| at + QUIET / 2)
    }

    /// Lets go of frames at the beginning.
    fn pass(&mut self, frames: usize) {
        let samples = (frames * FRAME_SAMPLES).min(self.samples.len());
        self.samples.drain(..samples);
        self.levels.drain(..frames.min(self.levels.len()));
        self.passed += samples as u64;
    }
}

/// Where the speech that begins at `first` ends in a silence; `None` where it may go on.
fn stretch_end(flags: &[bool], first: usize, is_end: bool) -> Option<usize> {
    let mut at = first;
    let mut speech_end = first;
    for (is_speech, length) in gate::runs(&flags[first..]) {
        if !is_speech && length >= SILENCE {
            return Some(speech_end);
        }
        at += length;
        if is_speech {
            speech_end = at;
        }
    }
    is_end.then_some(speech_end)
}

/// Decodes a file and gives its pieces. `ControlFlow::Break` stops it.
///
/// # Errors
/// Each of [`AudioError`]; the pieces that were given stay good.
pub fn cut(
    order: &Order<'_>,
    piece_ms_max: u64,
    give: &mut dyn FnMut(Piece) -> ControlFlow<()>,
) -> Result<Decoded, AudioError> {
    let mut cutter = Cutter::new(piece_ms_max);
    let decoded = decode(order, &mut |block| cutter.push(block, give))?;
    match cutter.finish(give) {
        ControlFlow::Continue(()) => Ok(decoded),
        ControlFlow::Break(()) => Err(AudioError::Stopped),
    }
}

/// The samples between two times of a piece, in milliseconds; what lies past its end is left out.
pub fn within(samples: &[i16], start_ms: u64, end_ms: u64) -> &[i16] {
    let at = |ms| usize::try_from(samples_of(ms)).unwrap_or(usize::MAX).min(samples.len());
    let end = at(end_ms);
    &samples[at(start_ms).min(end)..end]
}

#[cfg(test)]
mod tests {
    use super::super::gate::tests::{babble, noise};
    use super::*;

    /// The pieces of samples that come in blocks of a size, as (start, length) in milliseconds.
    fn pieces(samples: &[i16], piece_ms_max: u64, block: usize) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        let mut cutter = Cutter::new(piece_ms_max);
        let mut give = |piece: Piece| {
            found.push((piece.start_ms, piece.duration_ms()));
            ControlFlow::Continue(())
        };
        for block in samples.chunks(block) {
            assert!(cutter.push(block, &mut give).is_continue());
        }
        assert!(cutter.finish(&mut give).is_continue());
        found
    }

    #[test]
    fn where_nobody_speaks_there_is_no_piece() {
        for samples in [
            Vec::new(),
            vec![0; 1],
            vec![0; 16_000 * 300],
            noise(16_000 * 300, 2_000.0),
            vec![i16::MIN; 16_000 * 30],
        ] {
            assert_eq!(pieces(&samples, 60_000, 4_096), []);
        }
    }

    #[test]
    fn a_silence_ends_a_piece_and_is_left_out() {
        let mut samples = vec![0; 16_000 * 20];
        samples.extend(babble(15_000, 8_000.0));
        samples.extend(vec![0; 16_000 * 40]);
        samples.extend(babble(12_000, 8_000.0));
        samples.extend(vec![0; 16_000 * 100]);
        let found = pieces(&samples, 600_000, 4_096);
        assert_eq!(found.len(), 2, "{found:?}");
        for ((start, length), (want_start, want_length)) in
            found.iter().zip([(19_700, 15_300), (74_700, 12_300)])
        {
            assert!(start.abs_diff(want_start) <= 100, "{found:?}");
            assert!(length.abs_diff(want_length) <= 350, "{found:?}");
        }
    }

    #[test]
    fn a_long_talk_is_cut_in_pauses_and_nothing_of_it_is_lost() {
        let samples = babble(200_000, 8_000.0);
        let found = pieces(&samples, 60_000, 4_096);
        assert!(found.len() >= 4, "{found:?}");
        let mut at = 0;
        for (start, length) in &found {
            assert!(*length <= 60_000, "{found:?}");
            assert!(start.abs_diff(at) <= 400, "nothing but pauses is between them: {found:?}");
            at = start + length;
        }
        assert!(at >= 199_000, "{found:?}");
        for (start, _) in &found[1..] {
            let within = start % 1_500;
            assert!((1_000..1_500).contains(&within), "the cut at {start} is in a pause: {within}");
        }
    }

    #[test]
    fn the_size_of_blocks_decides_nothing() {
        let mut samples = babble(95_000, 8_000.0);
        samples.extend(noise(16_000 * 30, 50.0));
        samples.extend(babble(70_003, 3_000.0));
        let want = pieces(&samples, 30_000, 4_096);
        assert!(want.len() >= 5);
        for block in [7, 320, 16_001, usize::MAX] {
            assert_eq!(pieces(&samples, 30_000, block), want, "{block}");
        }
    }

    #[test]
    fn a_talk_without_any_pause_is_cut_where_it_must_be() {
        // Syllables without the pause between sentences.
        let samples: Vec<i16> =
            babble(1_200, 8_000.0).iter().copied().cycle().take(16_000 * 90).collect();
        let found = pieces(&samples, 20_000, 4_096);
        assert!(found.len() >= 4 && found.iter().all(|(_, length)| *length <= 20_000), "{found:?}");
    }

    #[test]
    fn the_bound_is_brought_into_its_range() {
        assert_eq!(Cutter::new(0).frames_max, frames(PIECE_MS_MIN));
        assert_eq!(Cutter::new(u64::MAX).frames_max, frames(PIECE_MS_MAX));
        assert_eq!(Cutter::new(60_000).frames_max, frames(60_000));
    }

    #[test]
    fn who_wants_no_more_gets_no_more() {
        let mut cutter = Cutter::new(10_000);
        let mut given = 0;
        let stopped = cutter.push(&babble(100_000, 8_000.0), &mut |_| {
            given += 1;
            ControlFlow::Break(())
        });
        assert!(stopped.is_break());
        assert_eq!(given, 1);
    }

    #[test]
    fn a_part_of_a_piece_never_reaches_past_it() {
        let samples: Vec<i16> = (0..160).collect();
        let check = |start, end, want: usize| {
            assert_eq!(within(&samples, start, end).len(), want, "{start}..{end}");
        };
        check(0, 5, 80);
        check(5, 50, 80);
        check(11, 12, 0);
        check(8, 2, 0);
        check(0, u64::MAX, 160);
    }
}
