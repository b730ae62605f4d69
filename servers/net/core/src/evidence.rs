//! What was sent lately, so that errors about it can be told from inventions.
//!
//! Anybody can send an ICMP error, with any address as its sender. Who believed that packets are too large could be
//! made to send small ones for ever. So an error counts only if it quotes a datagram that was really sent (RFC 8201,
//! section 6, asks for as much as the sender can check): its length and its first bytes, which nobody knows who does not
//! see the path. Routers quote that much (RFC 1812, 4.3.2.3; RFC 4443, 3.2); of one that quotes less nothing is learned.

/// Bytes that are compared: a tunnel's header, with its session's number, and eight bytes of ciphertext.
pub(crate) const HEAD_SIZE: usize = 24;
/// Datagrams that are remembered for a place. When more were lost, the next that is sent again finds its error.
const MOST: usize = 16;

/// How a datagram is recognised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Bytes of payload.
    pub(crate) length: u16,
    /// The payload's beginning.
    pub(crate) head: [u8; HEAD_SIZE],
}

/// The datagrams that were sent to a place last and may have been too large.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    marks: [Mark; MOST],
    next: usize,
}

impl Evidence {
    /// Remembers a datagram that was sent, in the place of the oldest.
    pub(crate) fn note(&mut self, mark: Mark) {
        self.marks[self.next] = mark;
        self.next = (self.next + 1) % MOST;
    }

    /// Whether it was sent lately.
    pub(crate) fn has(&self, mark: &Mark) -> bool {
        mark.length > 0 && self.marks.contains(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(number: u8) -> Mark {
        Mark {
            length: 1400,
            head: [number; HEAD_SIZE],
        }
    }

    #[test]
    fn the_last_are_remembered_exactly() {
        let mut evidence = Evidence::default();
        assert!(!evidence.has(&Mark::default()));
        for number in 0..20 {
            evidence.note(mark(number));
        }
        assert!(!evidence.has(&mark(3)));
        assert!((4..20).all(|number| evidence.has(&mark(number))));
        let mut other = mark(7);
        other.head[HEAD_SIZE - 1] ^= 1;
        assert!(!evidence.has(&other));
        other = mark(7);
        other.length += 1;
        assert!(!evidence.has(&other));
    }
}
