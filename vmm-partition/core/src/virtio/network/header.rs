//! The header in front of each frame (section 5.1.6).

use frame_api::Checksum;

use super::registers::{
    DATA_VALID, FEATURE_CSUM, FEATURE_GUEST_CSUM, GSO_NONE, HEADER_BYTES, NEEDS_CSUM,
};

/// What a guest that accepted `features` says about the checksum of the frame behind `header`; nothing if it
/// asks for what was not agreed on.
pub(super) fn parse(header: [u8; HEADER_BYTES], features: u64) -> Option<Checksum> {
    let [
        flags,
        gso_type,
        _,
        _,
        _,
        _,
        start_low,
        start_high,
        offset_low,
        offset_high,
        ..,
    ] = header;
    if gso_type != GSO_NONE {
        return None;
    }
    if flags & NEEDS_CSUM == 0 {
        return Some(Checksum::Unchecked);
    }
    (features & FEATURE_CSUM != 0).then_some(Checksum::Missing {
        start: u16::from_le_bytes([start_low, start_high]),
        offset: u16::from_le_bytes([offset_low, offset_high]),
    })
}

/// The header of a frame for a guest that accepted `features`. A checksum that is missing cannot be passed on:
/// the gateway completes what it sends.
pub(super) fn emit(checksum: Checksum, features: u64) -> [u8; HEADER_BYTES] {
    let is_good = checksum == Checksum::Good && features & FEATURE_GUEST_CSUM != 0;
    let flags = if is_good { DATA_VALID } else { 0 };
    // One buffer for each frame.
    [flags, GSO_NONE, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]
}
