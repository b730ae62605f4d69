//! Offsets in the power management block, and bits.

/// PM1 status, two bytes; bits are cleared by writing ones.
pub(super) const STATUS: u16 = 0;
/// PM1 enable, two bytes.
pub(super) const ENABLE: u16 = 2;
/// PM1 control, two bytes.
pub(super) const CONTROL: u16 = 4;
/// PM timer, four bytes.
pub(super) const TIMER: u16 = 8;

/// The timer's frequency.
pub(super) const TIMER_HZ: u64 = 3_579_545;

/// Control: ACPI mode is on.
pub(super) const ACPI_ON: u16 = 1 << 0;
/// Control: enter the sleeping state.
pub(super) const SLEEP: u16 = 1 << 13;
/// Where the sleep type stands in the control register.
pub(super) const SLEEP_TYPE_SHIFT: u32 = 10;
/// Sleep type of S5, as the DSDT says.
pub(crate) const SLEEP_TYPE_OFF: u8 = 5;
