//! What both publishers' feeds and transcripts need to be read as text: bytes to letters, and the
//! names of HTML's entities. Pure, and below every room that reads.

pub mod decode;
pub mod entities;
