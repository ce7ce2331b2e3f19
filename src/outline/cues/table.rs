//! Made by `cargo run --release --example corpus -- train segmentation.dev.jsonl.gz`; never by hand.

use super::Cues;

pub(super) const CUES: Cues = Cues {
    base: -6.5418,
    facts: [
        -0.6146, // likeness of the words before and after, near
        -0.2514, // likeness of the words before and after, farther
        0.2649,  // gain of two sections over one
        0.5571,  // gain of two sections over one is highest nearby
        0.1801,  // terms dropped before
        1.0824,  // terms begun here
        0.8697,  // terms here that are new to the talk
        3.5932,  // names and numbers here
        -0.4309, // words here
        0.3176,  // words of the sentence before
        -0.4190, // another speaker
        0.4884,  // another speaker, who leads the talk
        0.1903,  // another speaker, whose turn asks
        0.3685,  // another speaker, who leads the talk, whose turn asks
        0.2879,  // another speaker, length of the turn
        0.3361,  // another speaker, length of the turn after it
        0.2058,  // length of the turn from here
        1.4430,  // opener here
        -0.3838, // opener here, another speaker
        0.8308,  // announcement here
        0.6612,  // step of a programme here
        0.5180,  // part of a programme here
        0.5718,  // step and part of a programme here
        0.2767,  // opener or announcement in the sentence after
        0.6216,  // closer here
        0.4474,  // closer before
        0.5905,  // closer one sentence earlier
        0.0267,  // housekeeping here
        0.5277,  // housekeeping before
        -0.2076, // question before
        0.4243,  // filler before
        -0.1446, // filler within the block
        0.1963,  // pause before
        -2.2918, // sentence before runs into the block
        0.6930,  // position in the talk
        0.5494,  // second and third minute of the talk
    ],
};
