//! Where the parts of the kernel image lie in physical memory.

use kernel_core::Region;

use super::regions::region;
use crate::memory_layout::IMAGE_OFFSET;

/// The parts of the kernel image, by physical address in whole pages.
#[derive(Clone, Copy)]
pub struct Image {
    pub(super) text: Region,
    pub(super) constants: Region,
    pub(super) data: Region,
    /// Virtual address of the page below the stack.
    pub(super) guard_page: u64,
}

impl Image {
    /// The image with these virtual addresses: start and end of the text, end of the constants that follow
    /// it, the page below the stack, and the end of the data that follow the constants.
    #[must_use]
    pub fn new(
        text: u64,
        text_end: u64,
        constants_end: u64,
        guard_page: u64,
        data_end: u64,
    ) -> Self {
        let physical = |start: u64, end: u64| region(start - IMAGE_OFFSET, end - IMAGE_OFFSET);
        Self {
            text: physical(text, text_end),
            constants: physical(text_end, constants_end),
            data: physical(constants_end, data_end),
            guard_page,
        }
    }

    /// All of it.
    pub(super) fn whole(&self) -> Region {
        region(self.text.start.0, self.data.end.0)
    }
}
