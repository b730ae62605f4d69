//! The header that description tables share (section 5.2.6), and checksums.

use alloc::vec::Vec;

use crate::number::{length_u64, low_u32};

/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 36;

/// A table from its signature, revision and what stands behind the header.
pub(super) fn table(signature: [u8; 4], revision: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
    bytes.extend_from_slice(&signature);
    let length = low_u32(length_u64(HEADER_BYTES + body.len()));
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&[revision, 0]);
    bytes.extend_from_slice(b"SEKISHPARTITIO");
    bytes.extend_from_slice(&1u32.to_le_bytes());
    bytes.extend_from_slice(b"SKSH");
    bytes.extend_from_slice(&1u32.to_le_bytes());
    bytes.extend_from_slice(body);
    bytes[9] = checksum(&bytes);
    bytes
}

/// The byte that makes the sum of all bytes zero.
pub(super) fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte))
}
