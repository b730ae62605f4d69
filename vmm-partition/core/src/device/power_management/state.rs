//! What the fixed hardware remembers.

/// What the guest wants of the machine's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Switch off.
    PowerOff,
}

/// ACPI fixed hardware.
#[derive(Default)]
pub(crate) struct PowerManagement {
    pub(super) enable: u16,
    pub(super) control: u16,
}

impl PowerManagement {
    /// Registers as after a reset.
    pub(crate) fn new() -> Self {
        Self::default()
    }
}
