//! Access rights to frames.

use sel4_sys::CapRights;

/// Rights to a frame. Writing without reading is not a thing that page tables can express.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
#[repr(u8)]
pub(crate) enum FrameRights {
    /// The user cannot reach it.
    None = 0,
    Read = 1,
    ReadWrite = 2,
}

impl FrameRights {
    /// What is left of these rights under a mask.
    pub(crate) const fn masked(self, mask: CapRights) -> Self {
        match (self, mask.can_read(), mask.can_write()) {
            (Self::None, ..) | (_, false, _) => Self::None,
            (Self::Read, true, _) | (Self::ReadWrite, true, false) => Self::Read,
            (Self::ReadWrite, true, true) => Self::ReadWrite,
        }
    }
}
