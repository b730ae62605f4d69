//! Datagrams that come in pieces (RFC 791, section 3.2; RFC 8200, section 4.5).
//!
//! Pieces cost memory and show nothing of who sent them. So there is room for a few datagrams, the one that came first makes way,
//! and pieces are taken only from hosts to which a client sent lately. Pieces that overlap are somebody's attempt to have one
//! thing looked at and another used: the whole datagram is dropped (RFC 5722), over IPv4 too. What is put together is checked
//! like any other datagram.

use alloc::{vec, vec::Vec};
use core::net::IpAddr;
use core::time::Duration;

use datagram_api::SLOT_SIZE;
use shared_memory::RegionReader;

use crate::arrival::UDP_HEADER;
use crate::counters::Reason;
use crate::pieces::UNIT;

/// Datagrams of which pieces are kept at a time.
const MOST: usize = 8;
/// Pieces of one: of an honest path of 576 bytes there are four.
const MOST_PIECES: usize = 8;
/// Bytes of the longest datagram that a client could get, with its UDP header.
const LONGEST: usize = UDP_HEADER + SLOT_SIZE;
/// How long the pieces of one are waited for (RFC 8200, section 4.5).
const LIFETIME: Duration = Duration::from_secs(60);

/// What a piece is a piece of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) from: IpAddr,
    pub(crate) to: IpAddr,
    /// Of 16 bits over IPv4, of 32 over IPv6.
    pub(crate) identification: u32,
}

/// A piece of a UDP datagram, where it lies in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) whole: Whole,
    /// Bytes before it in the datagram.
    pub(crate) offset: usize,
    pub(crate) is_last: bool,
    pub(crate) start: usize,
    pub(crate) length: usize,
}

/// A datagram that is put together.
#[derive(Debug)]
struct Assembly {
    whole: Whole,
    until: Duration,
    bytes: Vec<u8>,
    /// Where the pieces are that came.
    places: Vec<(usize, usize)>,
    /// Its length, once the last piece is there.
    end: Option<usize>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Reassembly {
    list: Vec<Assembly>,
}

impl Reassembly {
    /// Takes a piece out of `frame`. With the last one that was missing comes the datagram, from its UDP header on.
    pub(crate) fn take(
        &mut self,
        part: &Part,
        frame: &RegionReader,
        now: Duration,
    ) -> Result<Option<Vec<u8>>, Reason> {
        self.list.retain(|assembly| now < assembly.until);
        let end = part.offset + part.length;
        let is_legal =
            part.length > 0 && end <= LONGEST && (part.is_last || part.length.is_multiple_of(UNIT));
        if !is_legal {
            return Err(Reason::Fragment);
        }
        let number = self.find(part.whole, now);
        let added = self.list[number].add(part, frame);
        match added {
            Ok(()) if !self.list[number].is_complete() => Ok(None),
            Ok(()) => {
                let Assembly { mut bytes, end, .. } = self.list.remove(number);
                bytes.truncate(end.unwrap_or(0));
                Ok(Some(bytes))
            }
            Err(reason) => {
                self.list.remove(number);
                Err(reason)
            }
        }
    }

    /// The number of a datagram in the list, which may be new.
    fn find(&mut self, whole: Whole, now: Duration) -> usize {
        let known = self.list.iter().position(|known| known.whole == whole);
        known.unwrap_or_else(|| {
            if self.list.len() >= MOST {
                self.list.remove(0);
            }
            self.list.push(Assembly {
                whole,
                until: now + LIFETIME,
                bytes: vec![0; LONGEST],
                places: Vec::new(),
                end: None,
            });
            self.list.len() - 1
        })
    }
}

impl Assembly {
    fn add(&mut self, part: &Part, frame: &RegionReader) -> Result<(), Reason> {
        let (start, end) = (part.offset, part.offset + part.length);
        let overlaps = |place: &(usize, usize)| place.0 < end && start < place.1;
        let is_behind_the_end = self.end.is_some_and(|last| end > last || part.is_last);
        let is_before_others = part.is_last && self.places.iter().any(|place| place.1 > end);
        if self.places.iter().any(overlaps)
            || is_behind_the_end
            || is_before_others
            || self.places.len() >= MOST_PIECES
        {
            return Err(Reason::Fragment);
        }
        let room = self.bytes.get_mut(start..end).ok_or(Reason::Fragment)?;
        frame
            .read_at(part.start, room)
            .map_err(|_| Reason::Malformed)?;
        self.places.push((start, end));
        if part.is_last {
            self.end = Some(end);
        }
        Ok(())
    }

    /// Pieces do not overlap, so enough bytes are all bytes.
    fn is_complete(&self) -> bool {
        let bytes: usize = self.places.iter().map(|(start, end)| end - start).sum();
        self.end == Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use shared_memory::RegionWriter;

    use super::*;

    fn part(identification: u32, offset: usize, length: usize, is_last: bool) -> Part {
        Part {
            whole: Whole {
                from: IpAddr::from([192, 0, 2, 1]),
                to: IpAddr::from([192, 0, 2, 2]),
                identification,
            },
            offset,
            is_last,
            start: offset,
            length,
        }
    }

    /// Where each byte says where it is.
    fn frame() -> RegionReader {
        let region = RegionWriter::simulated(LONGEST, None);
        let bytes: Vec<u8> = (0..LONGEST).map(|at| at.to_le_bytes()[0]).collect();
        region.write_at(0, &bytes).expect("all of it");
        region.reader()
    }

    #[test]
    fn pieces_in_any_order_are_put_together() {
        let frame = frame();
        let parts = [
            part(1, 0, 400, false),
            part(1, 400, 160, false),
            part(1, 560, 41, true),
        ];
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            let mut reassembly = Reassembly::default();
            let mut taken = order.map(|number| {
                reassembly
                    .take(&parts[number], &frame, Duration::ZERO)
                    .expect("legal")
            });
            let last = taken[2].take().expect("the last one completes it");
            assert_eq!(taken, [None, None, None]);
            assert_eq!(last.len(), 601);
            assert!((0..601).all(|at| last[at] == at.to_le_bytes()[0]));
            assert!(reassembly.list.is_empty());
        }
    }

    #[test]
    fn overlaps_drop_the_whole() {
        let frame = frame();
        let cases = [
            [part(1, 0, 400, false), part(1, 0, 400, false)],
            [part(1, 0, 400, false), part(1, 392, 80, false)],
            [part(1, 80, 400, false), part(1, 0, 88, false)],
            [part(1, 80, 40, true), part(1, 120, 8, false)],
            [part(1, 80, 40, true), part(1, 200, 8, true)],
            [part(1, 80, 400, false), part(1, 0, 40, true)],
        ];
        for (number, [first, second]) in cases.iter().enumerate() {
            let mut reassembly = Reassembly::default();
            let mut take = |part| reassembly.take(part, &frame, Duration::ZERO);
            assert_eq!(take(first), Ok(None), "{number}");
            assert_eq!(take(second), Err(Reason::Fragment), "{number}");
            assert!(reassembly.list.is_empty());
        }
    }

    #[test]
    fn pieces_that_cannot_be_are_refused_and_memory_is_bounded() {
        let frame = frame();
        let mut reassembly = Reassembly::default();
        let mut take = |part: Part, seconds| {
            let taken = reassembly.take(&part, &frame, Duration::from_secs(seconds));
            (taken, reassembly.list.len())
        };
        for bad in [
            part(1, 0, 0, true),
            part(1, 0, 7, false),
            part(1, 2048, 9, true),
            part(1, 65528, 8, true),
        ] {
            assert_eq!(take(bad, 0), (Err(Reason::Fragment), 0));
        }
        for number in 0..1000 {
            let (taken, count) = take(part(number, 0, 8, false), 0);
            assert_eq!(taken, Ok(None));
            assert!(count <= MOST);
        }
        // The newest is still there; too many pieces of it.
        for piece in 1..MOST_PIECES {
            assert_eq!(take(part(999, 16 * piece, 8, false), 0), (Ok(None), MOST));
        }
        let one_more = part(999, 16 * MOST_PIECES, 8, false);
        assert_eq!(take(one_more, 0), (Err(Reason::Fragment), MOST - 1));
        // With time all are forgotten.
        assert_eq!(take(part(5000, 0, 8, false), 60), (Ok(None), 1));
    }
}
