//! A datagram that its path takes only in pieces (RFC 791, section 3.2; RFC 8200, section 4.5).
//!
//! They are few: only what an inner network must be able to send whatever the path is like ([`datagram_api::LEAST_CARRIED`]) goes
//! in pieces, and TCP inside is told to send less.

use core::net::IpAddr;
use core::ops::Range;

use crate::arrival::{IPV4_HEADER, IPV6_HEADER, UDP_HEADER};

/// Bytes of the header that says what a piece is a piece of, over IPv6.
pub(crate) const FRAGMENT_HEADER: usize = 8;
/// Pieces of the longest datagram that is sent in pieces: over IPv4, on a path of 576 bytes.
pub(crate) const MOST_PIECES: usize = 3;
/// Offsets are counted in these.
pub(crate) const UNIT: usize = 8;

/// A piece of a UDP datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Bytes before it, of the UDP header and the payload; a multiple of 8.
    pub(crate) offset: usize,
    /// The part of the payload in it. The first has the UDP header before that.
    pub(crate) payload: Range<usize>,
    pub(crate) is_last: bool,
}

impl Cut {
    /// Bytes behind the IP headers.
    pub(crate) fn length(&self) -> usize {
        let header = if self.offset == 0 { UDP_HEADER } else { 0 };
        header + self.payload.len()
    }
}

/// The pieces of a datagram with a payload of `length` bytes on a path that takes packets of `mtu` bytes.
pub(crate) fn cut(length: usize, mtu: u16, to: IpAddr) -> impl ExactSizeIterator<Item = Cut> {
    let headers = if to.is_ipv4() {
        IPV4_HEADER
    } else {
        IPV6_HEADER + FRAGMENT_HEADER
    };
    let room = usize::from(mtu).saturating_sub(headers).max(2 * UNIT) / UNIT * UNIT;
    let total = UDP_HEADER + length;
    let count = total.div_ceil(room);
    (0..count).map(move |number| {
        let offset = number * room;
        let end = (offset + room).min(total);
        Cut {
            offset,
            payload: offset.saturating_sub(UDP_HEADER)..end - UDP_HEADER,
            is_last: end == total,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn pieces_fit_and_are_the_whole() {
        for to in ["192.0.2.1", "2001:db8::1"].map(|to| to.parse::<IpAddr>().expect("legal")) {
            let headers = if to.is_ipv4() { 20 } else { 48 };
            for mtu in [576, 577, 583, 584, 1280, 1300, 1339] {
                for length in [0, 1, 500, 528, 529, 1231, 1232, 1272, 1311, 1312] {
                    let cuts: Vec<_> = cut(length, mtu, to).collect();
                    let mut end = 0;
                    for (number, cut) in cuts.iter().enumerate() {
                        assert_eq!(cut.payload.start, end);
                        end = cut.payload.end;
                        assert!(headers + cut.length() <= usize::from(mtu));
                        assert!(cut.offset.is_multiple_of(8));
                        assert_eq!(cut.is_last, number + 1 == cuts.len());
                        assert!(cut.is_last || cut.length().is_multiple_of(8));
                    }
                    assert_eq!(end, length);
                }
            }
        }
        assert_eq!(
            cut(1312, 576, IpAddr::from([192, 0, 2, 1])).len(),
            MOST_PIECES
        );
        assert_eq!(cut(1312, 1280, IpAddr::from([1; 16])).len(), 2);
    }
}
