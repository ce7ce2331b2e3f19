//! Opus packets to samples (RFC 6716): the decoder gives 16 kHz mono by itself.

use ropus::{Channels, DecodeMode, Decoder};

use super::SAMPLE_RATE;

/// Most samples of one packet: 120 ms.
const PACKET_SAMPLES_MAX: usize = SAMPLE_RATE as usize * 120 / 1_000;

/// Rate in which a header counts what is to be skipped (RFC 7845, 5.1).
const HEADER_RATE: usize = 48_000;

/// One stream of Opus.
pub(super) struct Opus {
    decoder: Decoder,
    samples: Vec<i16>,
    to_skip: usize,
}

impl Opus {
    /// By the header that a container keeps (`OpusHead`); `None` where it has more than two channels,
    /// which takes several decoders.
    pub(super) fn new(header: Option<&[u8]>, channels: usize) -> Option<Opus> {
        let header = header.filter(|header| header.starts_with(b"OpusHead"));
        let family = header.and_then(|header| header.get(18)).copied().unwrap_or(0);
        if !(1..=2).contains(&channels) || family > 1 {
            return None;
        }
        let skip = header
            .and_then(|header| header.get(10..12))
            .map_or(0, |bytes| usize::from(u16::from_le_bytes([bytes[0], bytes[1]])));
        Some(Opus {
            decoder: Decoder::new(SAMPLE_RATE, Channels::Mono).ok()?,
            samples: vec![0; PACKET_SAMPLES_MAX],
            to_skip: skip * SAMPLE_RATE as usize / HEADER_RATE,
        })
    }

    /// The samples of a packet; `None` where it is damaged.
    pub(super) fn decode(&mut self, packet: &[u8]) -> Option<&[i16]> {
        // An empty packet would be filled up by guessing.
        if packet.is_empty() {
            return None;
        }
        let made = self.decoder.decode(packet, &mut self.samples, DecodeMode::Normal).ok()?;
        let skipped = self.to_skip.min(made);
        self.to_skip -= skipped;
        self.samples.get(skipped..made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_noise_are_damage_or_sound_and_nothing_worse() {
        let mut state = 7_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        let mut opus = Opus::new(None, 2).unwrap();
        for _ in 0..5_000 {
            let packet: Vec<u8> = (0..next() % 300).map(|_| next() as u8).collect();
            if let Some(samples) = opus.decode(&packet) {
                assert!(samples.len() <= PACKET_SAMPLES_MAX);
            }
        }
    }

    #[test]
    fn a_header_says_what_to_skip_and_too_many_channels_are_left_to_others() {
        let header = |skip: u16, family: u8| {
            let mut header = b"OpusHead\x01\x02".to_vec();
            header.extend_from_slice(&skip.to_le_bytes());
            header.extend_from_slice(&[0x80, 0xbb, 0, 0, 0, 0, family]);
            header
        };
        assert_eq!(Opus::new(Some(&header(312, 0)), 2).unwrap().to_skip, 104);
        assert_eq!(Opus::new(Some(b"OpusHead"), 1).unwrap().to_skip, 0);
        assert_eq!(Opus::new(Some(b"nonsense that is long enough"), 1).unwrap().to_skip, 0);
        assert!(Opus::new(Some(&header(0, 255)), 2).is_none());
        for (channels, taken) in [(0, false), (1, true), (2, true), (3, false), (255, false)] {
            assert_eq!(Opus::new(None, channels).is_some(), taken, "{channels}");
        }
    }
}
