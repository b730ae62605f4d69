//! What the clock chip remembers.

/// The real-time clock.
pub(crate) struct Rtc {
    pub(super) index: u8,
    pub(super) ram: [u8; 128],
}

impl Rtc {
    /// A clock whose RAM is empty.
    pub(crate) fn new() -> Self {
        Self {
            index: 0,
            ram: [0; 128],
        }
    }
}
