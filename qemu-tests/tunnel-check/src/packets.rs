//! Frames with a UDP packet in them, from one guest to the other.

use alloc::{vec, vec::Vec};

use frame_api::{GATEWAY_ADDRESS, GUEST_ADDRESS};

/// Where the guests are inside: 10.9.0.1 and 10.9.0.2.
pub(crate) const ADDRESSES: [[u8; 4]; 2] = [[10, 9, 0, 1], [10, 9, 0, 2]];
/// Bytes of a frame before the body: Ethernet, IPv4, UDP.
pub(crate) const HEADERS: usize = 14 + 20 + 8;

/// What no wire may show.
pub(crate) const MARK: &[u8; 16] = b"in the clear ...";

/// A frame of guest `from` to the other guest, `length` bytes behind Ethernet's header, with a body that says its number.
pub(crate) fn frame(from: usize, ports: [u16; 2], length: usize, number: u32) -> Vec<u8> {
    let mut frame = Vec::with_capacity(14 + length);
    frame.extend(GATEWAY_ADDRESS);
    frame.extend(GUEST_ADDRESS);
    frame.extend([8, 0]);
    let total = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let mut header = vec![0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, 17, 0, 0];
    header.extend(ADDRESSES[from]);
    header.extend(ADDRESSES[1 - from]);
    let sum = checksum(&header);
    header[10..12].copy_from_slice(&sum);
    frame.extend(header);
    frame.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
    let udp = u16::try_from(length - 20).unwrap_or(u16::MAX).to_be_bytes();
    // No checksum (RFC 768).
    frame.extend([udp[0], udp[1], 0, 0]);
    frame.extend(number.to_le_bytes());
    frame.extend(MARK.iter().cycle().take(length - 32));
    frame
}

/// The body of a frame that has one.
pub(crate) fn body(frame: &[u8]) -> Option<(u32, &[u8])> {
    let is_udp = frame.get(12..14) == Some(&[8, 0]) && frame.get(23) == Some(&17);
    let (number, rest) = frame.get(HEADERS..)?.split_first_chunk()?;
    is_udp.then_some((u32::from_le_bytes(*number), rest))
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let words = bytes.chunks_exact(2);
    let sum: u32 = words
        .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]))
        .sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    let [_, _, high, low] = (!((sum & 0xffff) + (sum >> 16))).to_be_bytes();
    [high, low]
}
