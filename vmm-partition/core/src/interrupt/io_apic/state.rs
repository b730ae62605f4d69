//! What an I/O APIC remembers.

use super::registers::{INPUTS, entry};

/// The I/O APIC.
pub(crate) struct IoApic {
    pub(super) select: u32,
    pub(super) id: u32,
    pub(super) entries: [u64; INPUTS],
    /// Level of each input.
    pub(super) lines: u32,
}

impl IoApic {
    /// All inputs masked, as after a reset.
    pub(crate) fn new() -> Self {
        Self {
            select: 0,
            id: 0,
            entries: [entry::MASKED; INPUTS],
            lines: 0,
        }
    }
}
