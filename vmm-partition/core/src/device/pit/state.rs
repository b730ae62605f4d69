//! What the timer chip remembers.

/// Which byte of a count is read or written next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Byte {
    #[default]
    Low,
    High,
}

/// How counts are read and written: bits 5:4 of the control word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Access {
    LowOnly,
    HighOnly,
    #[default]
    LowThenHigh,
}

/// One counter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Channel {
    pub(super) access: Access,
    /// Mode 0 to 5.
    pub(super) mode: u8,
    /// Count as written; 0 stands for 65536.
    pub(super) reload: u16,
    pub(super) write_byte: Byte,
    pub(super) read_byte: Byte,
    pub(super) latched_count: Option<u16>,
    pub(super) latched_status: Option<u8>,
    /// TSC at which counting began, if it did.
    pub(super) started: Option<u64>,
    /// Periods of channel 0 for which the interrupt was raised.
    pub(super) periods_reported: u64,
}

/// The timer chip.
#[derive(Default)]
pub(crate) struct Pit {
    pub(super) channels: [Channel; 3],
    /// Gate of channel 2.
    pub(super) gate: bool,
}

impl Pit {
    /// A chip as after a reset: nothing counts.
    pub(crate) fn new() -> Self {
        Self::default()
    }
}
