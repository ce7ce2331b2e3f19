//! Made by `cargo run --release --example corpus -- train segmentation.dev.jsonl.gz`; never by hand.

use super::Cues;

pub(super) const CUES: Cues = Cues {
    base: -6.567,
    facts: [
        -0.610, // likeness of the words before and after, near
        -0.247, // likeness of the words before and after, farther
        0.273,  // gain of two sections over one
        0.537,  // gain of two sections over one is highest nearby
        0.184,  // terms dropped before
        1.120,  // terms begun here
        0.895,  // terms here that are new to the talk
        3.551,  // names and numbers here
        -0.375, // words here
        0.323,  // words of the sentence before
        -0.380, // another speaker
        0.325,  // another speaker, who leads the talk
        0.154,  // another speaker, whose turn asks
        0.497,  // another speaker, who leads the talk, whose turn asks
        0.286,  // another speaker, length of the turn
        0.330,  // another speaker, length of the turn after it
        0.202,  // length of the turn from here
        1.424,  // opener here
        -0.322, // opener here, another speaker
        0.651,  // announcement here
        0.607,  // step of a programme here
        0.537,  // part of a programme here
        0.561,  // step and part of a programme here
        0.348,  // opener or announcement in the sentence after
        0.606,  // closer here
        0.394,  // closer before
        0.544,  // closer one sentence earlier
        0.220,  // housekeeping here
        0.631,  // housekeeping before
        -0.174, // question before
        0.458,  // filler before
        -0.143, // filler within the block
        0.196,  // pause before
        1.469,  // sentence before runs into the block
        0.666,  // position in the talk
        0.550,  // second and third minute of the talk
    ],
};
