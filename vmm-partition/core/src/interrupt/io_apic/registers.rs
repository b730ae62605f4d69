//! Offsets, indexes and bits of the 82093AA data sheet.

/// Number of inputs.
pub(super) const INPUTS: usize = 24;

/// Register select.
pub(super) const SELECT: u64 = 0x00;
/// Register window.
pub(super) const WINDOW: u64 = 0x10;
/// Directed end of interrupt (version 0x20 and later; this one has version 0x11).
pub(super) const END_OF_INTERRUPT: u64 = 0x40;

/// Identification.
pub(super) const ID: u32 = 0;
/// Version and number of the last input.
pub(super) const VERSION: u32 = 1;
/// Arbitration identification.
pub(super) const ARBITRATION: u32 = 2;
/// First half of the first entry.
pub(super) const ENTRIES: u32 = 0x10;

/// Value of the version register: version 0x20 (with directed end of interrupt), 24 inputs.
pub(super) const VERSION_VALUE: u32 = 0x0017_0020;

/// Bits of a redirection entry.
pub(super) mod entry {
    /// Destination is logical.
    pub(crate) const LOGICAL: u64 = 1 << 11;
    /// A level was accepted and its service has not ended.
    pub(crate) const REMOTE_IRR: u64 = 1 << 14;
    /// Level-triggered.
    pub(crate) const LEVEL: u64 = 1 << 15;
    /// Masked.
    pub(crate) const MASKED: u64 = 1 << 16;
    /// Bits that software writes.
    pub(crate) const WRITABLE: u64 = 0xff00_0000_0001_afff;
    /// Where the destination stands.
    pub(crate) const DESTINATION_SHIFT: u32 = 56;
}
