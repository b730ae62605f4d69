//! What an 8259 remembers.

/// One controller: its mask and how many initialization words it still expects.
#[derive(Clone, Copy, Default)]
pub(super) struct Chip {
    pub(super) mask: u8,
    pub(super) words_to_come: u8,
}

/// Both controllers.
#[derive(Default)]
pub(crate) struct Pic {
    pub(super) chips: [Chip; 2],
}

impl Pic {
    /// Controllers as after a reset.
    pub(crate) fn new() -> Self {
        Self::default()
    }
}
