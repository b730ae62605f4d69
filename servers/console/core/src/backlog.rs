//! The last bytes that a guest printed while another had the screen.

use alloc::collections::VecDeque;

/// Bytes that are kept; older ones are dropped.
const KEPT: usize = 8 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Backlog {
    bytes: VecDeque<u8>,
    dropped: u64,
}

impl Backlog {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.bytes.len() == KEPT {
                self.bytes.pop_front();
                self.dropped += 1;
            }
            self.bytes.push_back(byte);
        }
    }

    /// Takes everything out; also answers how many bytes are missing before it.
    pub(crate) fn take(&mut self) -> (VecDeque<u8>, u64) {
        (
            core::mem::take(&mut self.bytes),
            core::mem::take(&mut self.dropped),
        )
    }
}
