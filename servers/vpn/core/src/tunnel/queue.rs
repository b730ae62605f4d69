//! Packets that wait for a session: a few, and not for long.

use alloc::{collections::VecDeque, vec::Vec};

use zeroize::Zeroizing;

use super::transport::PADDING;

/// Most packets that wait for one peer.
pub(super) const PACKETS_MAX: usize = 32;
/// Most packets that wait for all peers together: who sends to many that are not there takes no more memory for it.
pub(super) const ALL_PACKETS_MAX: usize = 256;

/// How many packets wait for all peers of a tunnel.
#[derive(Default)]
pub(super) struct Waiting(usize);

/// The packets of one peer, oldest first. They are plaintext, so their memory is erased.
#[derive(Default)]
pub(super) struct Queue(VecDeque<Zeroizing<Vec<u8>>>);

impl Queue {
    /// Adds a packet. Whether one had to go for it: this peer's oldest, or, if others have all the room, the packet
    /// itself.
    pub(super) fn push(&mut self, packet: &[u8], waiting: &mut Waiting) -> bool {
        let is_full = self.0.len() == PACKETS_MAX || waiting.0 == ALL_PACKETS_MAX;
        if is_full && self.pop(waiting).is_none() {
            return true;
        }
        // With room for its padding, so that it is not moved for that and no copy is left behind.
        let mut copy = Zeroizing::new(Vec::with_capacity(packet.len() + PADDING));
        copy.extend_from_slice(packet);
        self.0.push_back(copy);
        waiting.0 += 1;
        is_full
    }

    pub(super) fn pop(&mut self, waiting: &mut Waiting) -> Option<Zeroizing<Vec<u8>>> {
        let packet = self.0.pop_front()?;
        waiting.0 -= 1;
        Some(packet)
    }

    /// Drops all, and says how many.
    pub(super) fn clear(&mut self, waiting: &mut Waiting) -> usize {
        let count = core::mem::take(&mut self.0).len();
        waiting.0 -= count;
        count
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn one_peer_and_all_together_have_bounds() {
        let mut waiting = Waiting::default();
        let mut queues: Vec<Queue> = (0..64).map(|_| Queue::default()).collect();
        for round in 0..40u8 {
            for queue in &mut queues {
                queue.push(&[round; 100], &mut waiting);
            }
            assert!(queues.iter().all(|queue| queue.0.len() <= PACKETS_MAX));
            assert!(waiting.0 <= ALL_PACKETS_MAX);
        }
        assert_eq!(waiting.0, ALL_PACKETS_MAX);
        // Each has its share, and of that the newest; who has none waits until there is room.
        assert_eq!(queues[7].pop(&mut waiting), Some(vec![36; 100].into()));
        assert!(!queues[7].push(&[1], &mut waiting));
        let mut late = Queue::default();
        assert!(late.push(&[1], &mut waiting) && late.0.is_empty());
        assert_eq!(queues[7].clear(&mut waiting), 4);
        assert!(!late.push(&[1], &mut waiting));
        let rest: usize = queues
            .iter_mut()
            .map(|queue| queue.clear(&mut waiting))
            .sum();
        assert_eq!((rest, late.clear(&mut waiting), waiting.0), (252, 1, 0));
    }

    #[test]
    fn a_single_peer_keeps_its_newest() {
        let mut waiting = Waiting::default();
        let mut queue = Queue::default();
        for number in 0..40 {
            assert_eq!(queue.push(&[number], &mut waiting), number >= 32);
        }
        assert_eq!(queue.pop(&mut waiting), Some(vec![8].into()));
        assert_eq!(waiting.0, PACKETS_MAX - 1);
    }
}
