//! A small emitter of AML byte code (section 20): what a fixed board needs, no more.

use alloc::vec::Vec;

use crate::number::{length_u64, low_u8};

/// A name segment, padded with underscores.
pub(super) fn name_segment(name: &str) -> [u8; 4] {
    let mut segment = [b'_'; 4];
    for (place, byte) in segment.iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    segment
}

/// A package length (section 20.2.4) for content of `content` bytes, itself included.
fn package_length(content: usize) -> Vec<u8> {
    let content = length_u64(content);
    let follow: u8 = match content {
        0..=0x3e => 0,
        0x3f..=0xffd => 1,
        0xffe..=0xf_fffc => 2,
        _ => 3,
    };
    let total = content + 1 + u64::from(follow);
    if follow == 0 {
        return alloc::vec![low_u8(total)];
    }
    let mut bytes = alloc::vec![(follow << 6) | low_u8(total & 0xf)];
    bytes.extend((0..u32::from(follow)).map(|index| low_u8(total >> (4 + 8 * index))));
    bytes
}

fn with_length(operation: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = operation.to_vec();
    bytes.extend(package_length(content.len()));
    bytes.extend_from_slice(content);
    bytes
}

/// `Scope (path) { … }`.
pub(super) fn scope(name: &str, content: &[u8]) -> Vec<u8> {
    let mut inner = alloc::vec![b'\\'];
    inner.extend(name_segment(name));
    inner.extend_from_slice(content);
    with_length(&[0x10], &inner)
}

/// `Device (name) { … }`.
pub(super) fn device(name: &str, content: &[u8]) -> Vec<u8> {
    let mut inner = name_segment(name).to_vec();
    inner.extend_from_slice(content);
    with_length(&[0x5b, 0x82], &inner)
}

/// `Name (name, value)`.
pub(super) fn name(name: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = alloc::vec![0x08];
    bytes.extend(name_segment(name));
    bytes.extend_from_slice(value);
    bytes
}

/// An integer constant.
pub(super) fn integer(value: u32) -> Vec<u8> {
    match value {
        0 => alloc::vec![0x00],
        1 => alloc::vec![0x01],
        2..=0xff => alloc::vec![0x0a, low_u8(u64::from(value))],
        _ => {
            let mut bytes = alloc::vec![0x0c];
            bytes.extend(value.to_le_bytes());
            bytes
        }
    }
}

/// `Package () { … }`.
pub(super) fn package(elements: &[Vec<u8>]) -> Vec<u8> {
    let mut inner = alloc::vec![low_u8(length_u64(elements.len()))];
    inner.extend(elements.iter().flatten());
    with_length(&[0x12], &inner)
}

/// `ResourceTemplate () { … }`: a buffer of descriptors with its end tag.
pub(super) fn resources(descriptors: &[Vec<u8>]) -> Vec<u8> {
    let mut content: Vec<u8> = descriptors.iter().flatten().copied().collect();
    // End tag; checksum 0 means that there is none.
    content.extend([0x79, 0]);
    let mut inner = integer(u32::try_from(content.len()).unwrap_or(0));
    inner.extend(content);
    with_length(&[0x11], &inner)
}

/// `EisaId ("PNPxxxx")`: three letters in five bits each, four hexadecimal digits.
pub(super) fn eisa_id(letters: [u8; 3], product: u16) -> Vec<u8> {
    let [a, b, c] = letters.map(|letter| u16::from(letter - b'@'));
    let vendor = (a << 10) | (b << 5) | c;
    let mut bytes = alloc::vec![0x0c];
    bytes.extend(vendor.to_be_bytes());
    bytes.extend(product.to_be_bytes());
    bytes
}

/// `IO (Decode16, first, first, 1, length)`.
pub(super) fn ports(first: u16, length: u8) -> Vec<u8> {
    let [low, high] = first.to_le_bytes();
    alloc::vec![0x47, 1, low, high, low, high, 1, length]
}

/// `IRQNoFlags () { line }`: edge, active high.
pub(super) fn interrupt(line: u8) -> Vec<u8> {
    let [low, high] = (1u16 << (line & 15)).to_le_bytes();
    alloc::vec![0x22, low, high]
}

/// `WordBusNumber` from 0 to `last`.
pub(super) fn bus_numbers(last: u16) -> Vec<u8> {
    word_range(2, 0, 0, last)
}

/// `WordIO` of ports that a bus passes on.
pub(super) fn port_range(first: u16, last: u16) -> Vec<u8> {
    word_range(1, 3, first, last)
}

/// `DWordMemory`, not cacheable, read-write, that a bus passes on.
pub(super) fn memory_range(first: u32, last: u32) -> Vec<u8> {
    let mut bytes = alloc::vec![0x87, 23, 0, 0, 0x0c, 1];
    for word in [0, first, last, 0, last - first + 1] {
        bytes.extend(word.to_le_bytes());
    }
    bytes
}

/// Word address space descriptor (section 6.4.3.5.3): type, flags, range with fixed ends, produced.
fn word_range(kind: u8, flags: u8, first: u16, last: u16) -> Vec<u8> {
    let mut bytes = alloc::vec![0x88, 13, 0, kind, 0x0c, flags];
    for word in [0, first, last, 0, last - first + 1] {
        bytes.extend(word.to_le_bytes());
    }
    bytes
}
