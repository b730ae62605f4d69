//! What the port remembers.

/// Port 0x61.
#[derive(Default)]
pub(crate) struct SystemControl {
    pub(super) written: u8,
    pub(super) refresh: bool,
}

impl SystemControl {
    /// As after a reset.
    pub(crate) fn new() -> Self {
        Self::default()
    }
}
