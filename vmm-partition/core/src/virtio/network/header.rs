//! The header in front of each frame (section 5.1.6).

use frame_api::Checksum;

use super::{
    registers::{
        DATA_VALID, FEATURE_CSUM, FEATURE_GUEST_CSUM, FEATURE_HOST_ECN, FEATURE_HOST_TSO4,
        FEATURE_HOST_TSO6, GSO_ECN, GSO_NONE, GSO_TCPV4, GSO_TCPV6, HEADER_BYTES, NEEDS_CSUM,
    },
    segments::{Order, Version},
};

/// What a guest says of what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is one frame.
    Frame(Checksum),
    /// It is to be cut into frames.
    Large(Order),
}

/// What a guest that accepted `features` says by `header`; nothing if it asks for what was not agreed on. The
/// length of the headers (hdr_len) is left aside: it is a hint that nobody has to give.
pub(super) fn parse(header: [u8; HEADER_BYTES], features: u64) -> Option<Said> {
    let [flags, gso_type, _, _, fields @ ..] = header;
    let field = |at: usize| u16::from_le_bytes([fields[at], fields[at + 1]]);
    let (segment, start, offset) = (field(0), field(2), field(4));
    let checksum = if flags & NEEDS_CSUM == 0 {
        Checksum::Unchecked
    } else if features & FEATURE_CSUM != 0 {
        Checksum::Missing { start, offset }
    } else {
        return None;
    };
    let (feature, version) = match gso_type & !GSO_ECN {
        GSO_NONE => return (gso_type == GSO_NONE).then_some(Said::Frame(checksum)),
        GSO_TCPV4 => (FEATURE_HOST_TSO4, Version::Four),
        GSO_TCPV6 => (FEATURE_HOST_TSO6, Version::Six),
        _ => return None,
    };
    let ecn = if gso_type & GSO_ECN == 0 {
        0
    } else {
        FEATURE_HOST_ECN
    };
    let agreed = features & (feature | ecn) == feature | ecn;
    agreed.then_some(Said::Large(Order {
        version,
        checksum,
        segment: segment.into(),
    }))
}

/// The header of a frame for a guest that accepted `features`. A checksum that is missing cannot be passed on:
/// the gateway completes what it sends.
pub(super) fn emit(checksum: Checksum, features: u64) -> [u8; HEADER_BYTES] {
    let is_good = checksum == Checksum::Good && features & FEATURE_GUEST_CSUM != 0;
    let flags = if is_good { DATA_VALID } else { 0 };
    // One buffer for each frame.
    [flags, GSO_NONE, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]
}
