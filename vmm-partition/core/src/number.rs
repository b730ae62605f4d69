//! The low parts of wider numbers, by name instead of by a truncating `as`.

/// Bits 7 to 0.
pub(crate) const fn low_u8(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

/// Bits 15 to 0.
pub(crate) const fn low_u16(value: u64) -> u16 {
    let bytes = value.to_le_bytes();
    u16::from_le_bytes([bytes[0], bytes[1]])
}

/// Bits 31 to 0.
pub(crate) const fn low_u32(value: u64) -> u32 {
    let bytes = value.to_le_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// Bits 63 to 32.
pub(crate) const fn high_u32(value: u64) -> u32 {
    low_u32(value >> 32)
}

/// A mask of `bytes` bytes (8 and more: all bits).
pub(crate) const fn mask_of_bytes(bytes: usize) -> u64 {
    match bytes {
        0 => 0,
        1 => 0xff,
        2 => 0xffff,
        3 => 0xff_ffff,
        4 => 0xffff_ffff,
        5..8 => (1 << (bytes * 8)) - 1,
        _ => u64::MAX,
    }
}

/// A byte of a collection's length; lengths here are far below 2^64.
pub(crate) const fn length_u64(length: usize) -> u64 {
    length as u64
}
