//! Who speaks for how long: the turn of one speaker that each block of sentences belongs to.

use std::collections::HashMap;

use super::joints::{Block, Said};
use super::segment::Unit;
use super::sentences::Sentence;
use crate::domain::transcript::Cue;

/// The turn of one speaker, as it is seen from one block of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Turn {
    /// Words from its start to the block.
    pub words_before: usize,
    /// Words of all of it.
    pub words: usize,
    /// Words of the turn after it.
    pub words_next: usize,
    /// Whether it holds a question.
    pub asks: bool,
    /// Who speaks, as a number; 0 is nobody that the source names.
    pub speaker: usize,
}

/// The turn of each block.
pub(super) fn turns(
    cues: &[Cue],
    sentences: &[Sentence],
    blocks: &[Block],
    units: &[Unit],
    said: &[Said],
) -> Vec<Turn> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut out: Vec<Turn> = Vec::with_capacity(blocks.len());
    // The turn so far, where it and the one before it began, in blocks.
    let (mut turn, mut first, mut previous) = (Turn::default(), 0, 0);
    let ends = blocks.iter().skip(1).map(|block| block.first).chain([sentences.len()]);
    for ((at, block), end) in blocks.iter().enumerate().zip(ends) {
        if at > 0 && block.new_speaker {
            finish(&mut out, previous, first, &turn);
            (previous, first) = (first, at);
            turn = Turn::default();
        }
        if at == first {
            let named = cues[sentences[block.opening].first_cue].speaker.as_deref();
            turn.speaker = named.map_or(0, |name| {
                let next = numbers.len() + 1;
                *numbers.entry(name).or_insert(next)
            });
        }
        out.push(turn);
        turn.words_before += units[at].words;
        turn.asks |= said[block.first..end].iter().any(|said| said.asks);
    }
    finish(&mut out, previous, first, &turn);
    out
}

/// Tells the blocks of a turn what is known at its end, and those of the one before what comes
/// next.
fn finish(out: &mut [Turn], previous: usize, first: usize, turn: &Turn) {
    for earlier in &mut out[first..] {
        (earlier.words, earlier.asks) = (turn.words_before, turn.asks);
    }
    for earlier in &mut out[previous..first] {
        earlier.words_next = turn.words_before;
    }
}

/// Who opens and announces most often: who leads the talk. Of equals, who spoke first.
pub(super) fn host(turns: &[Turn], blocks: &[Block], said: &[Said]) -> usize {
    let speakers = 1 + turns.iter().map(|turn| turn.speaker).max().unwrap_or(0);
    let mut counts = vec![0_usize; speakers];
    for (turn, block) in turns.iter().zip(blocks) {
        let said = said[block.opening];
        counts[turn.speaker] += usize::from(said.opens || said.announces);
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    counts.iter().position(|count| *count == most).unwrap_or(0)
}
