//! Memory for blocks on their way, used again and again.

use alloc::{boxed::Box, vec, vec::Vec};
use core::cell::RefCell;

use block_api::{BLOCK_SIZE, MAX_BLOCKS};

/// Room for the largest request.
pub(crate) type Buffer = Box<[u8]>;

/// Buffers that are not in use. There are never more than there were requests at once.
#[derive(Default)]
pub(crate) struct Buffers(RefCell<Vec<Buffer>>);

impl Buffers {
    /// A buffer; what it holds is left from an earlier request of the same client.
    pub(crate) fn take(&self) -> Buffer {
        let free = self.0.borrow_mut().pop();
        free.unwrap_or_else(|| vec![0; MAX_BLOCKS as usize * BLOCK_SIZE].into_boxed_slice())
    }

    pub(crate) fn give_back(&self, buffer: Buffer) {
        self.0.borrow_mut().push(buffer);
    }
}
