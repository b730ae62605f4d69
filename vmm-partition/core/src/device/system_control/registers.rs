//! Bits of port 0x61.

/// Gate of channel 2.
pub(super) const GATE_2: u8 = 1 << 0;
/// Bits that are kept as written.
pub(super) const WRITABLE: u8 = 0x0f;
/// Refresh: toggles with every read.
pub(super) const REFRESH: u8 = 1 << 4;
/// Output of channel 2.
pub(super) const OUTPUT_2: u8 = 1 << 5;
