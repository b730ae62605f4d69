//! Ports and bits of the 8254 data sheet.

/// Counting frequency.
pub(super) const FREQUENCY_HZ: u64 = 1_193_182;

/// First channel's port; the others follow.
pub(super) const CHANNEL_0: u16 = 0x40;
/// Last channel's port.
pub(super) const CHANNEL_2: u16 = 0x42;
/// Control port.
pub(super) const CONTROL: u16 = 0x43;

/// Control: channel field 3 is a read-back command.
pub(super) const READ_BACK: u8 = 3;
