//! Packets that wait for a session: a few, and not for long.

use alloc::{collections::VecDeque, vec::Vec};

use zeroize::Zeroizing;

use super::transport::PADDING;

/// Most packets that wait for one peer.
pub(super) const PACKETS_MAX: usize = 32;

/// The packets of one peer, oldest first. They are plaintext, so their memory is erased.
#[derive(Default)]
pub(super) struct Queue(VecDeque<Zeroizing<Vec<u8>>>);

impl Queue {
    /// Adds a packet. Whether the oldest one had to go for it.
    pub(super) fn push(&mut self, packet: &[u8]) -> bool {
        let is_full = self.0.len() == PACKETS_MAX;
        if is_full {
            self.0.pop_front();
        }
        // With room for its padding, so that it is not moved for that and no copy is left behind.
        let mut copy = Zeroizing::new(Vec::with_capacity(packet.len() + PADDING));
        copy.extend_from_slice(packet);
        self.0.push_back(copy);
        is_full
    }

    pub(super) fn pop(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        self.0.pop_front()
    }

    /// Drops all, and says how many.
    pub(super) fn clear(&mut self) -> usize {
        core::mem::take(&mut self.0).len()
    }
}
