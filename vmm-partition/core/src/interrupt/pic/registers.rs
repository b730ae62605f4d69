//! Ports and bits of the 8259A data sheet.

/// First controller.
pub(super) const MASTER_COMMAND: u16 = 0x20;
/// Its mask.
pub(super) const MASTER_DATA: u16 = 0x21;
/// Second controller.
pub(super) const SLAVE_COMMAND: u16 = 0xa0;
/// Its mask.
pub(super) const SLAVE_DATA: u16 = 0xa1;

/// ICW1: start of initialization.
pub(super) const INITIALIZE: u8 = 1 << 4;
/// ICW1: a fourth word follows.
pub(super) const FOUR_WORDS: u8 = 1 << 0;
/// ICW1: no cascade, so no third word.
pub(super) const SINGLE: u8 = 1 << 1;
