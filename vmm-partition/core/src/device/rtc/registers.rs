//! Register indexes of the MC146818A data sheet, and the century byte that PCs added.

pub(super) const SECONDS: u8 = 0x00;
pub(super) const MINUTES: u8 = 0x02;
pub(super) const HOURS: u8 = 0x04;
pub(super) const WEEKDAY: u8 = 0x06;
pub(super) const DAY: u8 = 0x07;
pub(super) const MONTH: u8 = 0x08;
pub(super) const YEAR: u8 = 0x09;
pub(super) const STATUS_A: u8 = 0x0a;
pub(super) const STATUS_B: u8 = 0x0b;
pub(super) const STATUS_C: u8 = 0x0c;
pub(super) const STATUS_D: u8 = 0x0d;
/// Century, as the FADT says.
pub(crate) const CENTURY: u8 = 0x32;

/// Status A: 32768 Hz time base.
pub(super) const STATUS_A_VALUE: u8 = 0x26;
/// Status B: 24-hour mode, BCD.
pub(super) const STATUS_B_VALUE: u8 = 0x02;
/// Status D: valid RAM and time.
pub(super) const STATUS_D_VALUE: u8 = 0x80;
