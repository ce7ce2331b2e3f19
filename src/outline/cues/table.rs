//! Made by `cargo run --release --example corpus -- train segmentation.dev.jsonl.gz`; never by hand.

use super::Cues;

pub(super) const CUES: Cues = Cues {
    base: -6.543,
    facts: [
        -0.613, // likeness of the words before and after, near
        -0.252, // likeness of the words before and after, farther
        0.265,  // gain of two sections over one
        0.556,  // gain of two sections over one is highest nearby
        0.180,  // terms dropped before
        1.075,  // terms begun here
        0.886,  // terms here that are new to the talk
        3.595,  // names and numbers here
        -0.432, // words here
        0.318,  // words of the sentence before
        -0.419, // another speaker
        0.492,  // another speaker, who leads the talk
        0.190,  // another speaker, whose turn asks
        0.371,  // another speaker, who leads the talk, whose turn asks
        0.286,  // another speaker, length of the turn
        0.338,  // another speaker, length of the turn after it
        0.206,  // length of the turn from here
        1.435,  // opener here
        -0.387, // opener here, another speaker
        0.795,  // announcement here
        0.663,  // step of a programme here
        0.519,  // part of a programme here
        0.572,  // step and part of a programme here
        0.280,  // opener or announcement in the sentence after
        0.610,  // closer here
        0.426,  // closer before
        0.582,  // closer one sentence earlier
        0.126,  // housekeeping here
        0.588,  // housekeeping before
        -0.209, // question before
        0.425,  // filler before
        -0.148, // filler within the block
        0.196,  // pause before
        -2.292, // sentence before runs into the block
        0.688,  // position in the talk
        0.548,  // second and third minute of the talk
    ],
};
