//! Cutting what Linux hands over at once, up to 64 KiB of TCP, into frames (section 5.1.6.2).
//!
//! Each frame has a copy of the headers, in which only what must differ differs: lengths, the identification and
//! checksum of IPv4, and of TCP the sequence number, the flags and the sum of the pseudo header. Where the headers
//! end is found in the headers themselves. They are read once, and never again from the guest's memory; the
//! payload's bytes are of no concern here.

use frame_api::{Checksum, MAX_FRAME};

use crate::number::{low_u16, low_u32};

/// Bytes of the longest frame that is cut: 64 KiB behind a header of Ethernet (section 5.1.6.3.1).
pub(super) const LARGE_MAX: usize = 65_550;
/// Fewest bytes of payload in a segment but the last. Linux asks for no less (its TCP_MIN_GSO_SIZE), and what is
/// handed over at once becomes some 8,000 frames at most.
pub(super) const SEGMENT_MIN: usize = 8;

/// Bytes of headers: Ethernet's, those of IP and TCP without options, and what the two of TCP and IPv4 can have
/// at most.
const ETHERNET: usize = 14;
const IPV4: usize = 20;
const IPV6: usize = 40;
const TCP: usize = 20;
const WITH_OPTIONS: usize = 60;
/// Most bytes of all headers.
pub(super) const HEADERS_MAX: usize = ETHERNET + WITH_OPTIONS + WITH_OPTIONS;

/// Places in the headers of Ethernet, of IPv4 (RFC 791) and of IPv6 (RFC 8200), from the frame's start.
const ETHERTYPE: usize = 12;
const LENGTH_4: usize = ETHERNET + 2;
const IDENTIFICATION_4: usize = ETHERNET + 4;
const PROTOCOL_4: usize = ETHERNET + 9;
const CHECKSUM_4: usize = ETHERNET + 10;
const LENGTH_6: usize = ETHERNET + 4;
const PROTOCOL_6: usize = ETHERNET + 6;
/// Places in TCP's header (RFC 9293), from its start.
const SEQUENCE: usize = 4;
const DATA_OFFSET: usize = 12;
const FLAGS: usize = 13;
const CHECKSUM: u16 = 16;

/// The protocol's number (IANA).
const PROTOCOL_TCP: u8 = 6;
/// FIN and PSH, which the last segment alone has.
const LAST_ONLY: u8 = 0x01 | 0x08;
/// CWR, which the first segment alone has (RFC 3168, section 6.1.2).
const FIRST_ONLY: u8 = 0x80;

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Four,
    Six,
}

/// How a guest wants its frame to be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) version: Version,
    pub(super) checksum: Checksum,
    /// Bytes of payload in each segment but the last.
    pub(super) segment: usize,
}

/// A large frame that is being cut.
#[derive(Debug)]
pub(super) struct Segments {
    order: Order,
    /// The headers: first the guest's, then those of the segment that was made last.
    headers: [u8; HEADERS_MAX],
    /// Where TCP's header begins.
    transport: usize,
    /// Where the payload begins.
    end: usize,
    /// Bytes of the payload, and those of them that were cut off.
    payload: usize,
    done: usize,
    /// What the guest's headers had in places that change.
    identification: u16,
    sequence: u32,
    flags: u8,
    /// The sum of the pseudo header, but for its length.
    sum: u16,
}

/// A segment: what is in front of its payload, and where that lies in the large frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    pub(super) headers: &'a [u8],
    pub(super) from: usize,
    /// Bytes of its payload.
    pub(super) payload: usize,
    pub(super) checksum: Checksum,
}

impl Segments {
    /// What a frame of `length` bytes, at most [`LARGE_MAX`], is cut into. `first` are its first [`HEADERS_MAX`]
    /// bytes, or all.
    ///
    /// Nothing if it cannot be cut as ordered: it is no TCP over that version of IP, has a tag or extension headers
    /// (the gateway takes neither) or no payload, or its segments were too small or too large for a frame.
    pub(super) fn new(order: Order, first: &[u8], length: usize) -> Option<Self> {
        let transport = transport(order.version, first)?;
        let header = usize::from(*first.get(transport + DATA_OFFSET)? >> 4) * 4;
        let end = transport + header;
        let payload = length.checked_sub(end).filter(|payload| *payload > 0)?;
        let missing = Checksum::Missing {
            start: u16::try_from(transport).ok()?,
            offset: CHECKSUM,
        };
        let fits = (SEGMENT_MIN..=MAX_FRAME - end).contains(&order.segment);
        if header < TCP || order.checksum != missing || !fits {
            return None;
        }
        let mut headers = [0; HEADERS_MAX];
        headers.get_mut(..end)?.copy_from_slice(first.get(..end)?);
        let sum = u16::from_be_bytes(take(first, transport + usize::from(CHECKSUM))?);
        let whole = u16::try_from(length - transport).ok()?;
        Some(Self {
            order,
            transport,
            end,
            payload,
            done: 0,
            identification: u16::from_be_bytes(take(first, IDENTIFICATION_4)?),
            sequence: u32::from_be_bytes(take(first, transport + SEQUENCE)?),
            flags: *first.get(transport + FLAGS)?,
            sum: add(sum, !whole),
            headers,
        })
    }

    /// Whether nothing is left to be cut off.
    pub(super) fn is_done(&self) -> bool {
        self.done == self.payload
    }

    /// Cuts the next segment off, if anything is left.
    pub(super) fn next(&mut self) -> Option<Segment<'_>> {
        if self.is_done() {
            return None;
        }
        let from = self.done;
        let payload = self.order.segment.min(self.payload - from);
        self.done += payload;
        match self.order.version {
            Version::Four => self.renew_4(payload),
            Version::Six => self.put(LENGTH_6, length_bytes(self.end - ETHERNET - IPV6 + payload)),
        }
        self.renew_tcp(from, payload);
        Some(Segment {
            headers: &self.headers[..self.end],
            from: self.end + from,
            payload,
            checksum: self.order.checksum,
        })
    }

    fn renew_4(&mut self, payload: usize) {
        self.put(LENGTH_4, length_bytes(self.end - ETHERNET + payload));
        self.put(IDENTIFICATION_4, self.identification.to_be_bytes());
        self.identification = self.identification.wrapping_add(1);
        self.put(CHECKSUM_4, [0; 2]);
        let (pairs, _) = self.headers[ETHERNET..self.transport].as_chunks();
        let numbers = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
        self.put(CHECKSUM_4, (!numbers.fold(0, add)).to_be_bytes());
    }

    /// For the segment that has `payload` bytes behind the first `from`.
    fn renew_tcp(&mut self, from: usize, payload: usize) {
        let not_first = if from > 0 { FIRST_ONLY } else { 0 };
        let not_last = if self.is_done() { 0 } else { LAST_ONLY };
        let sequence = self.sequence.wrapping_add(low_u32(from as u64));
        let length = u16::from_be_bytes(length_bytes(self.end - self.transport + payload));
        let at = self.transport;
        self.put(at + SEQUENCE, sequence.to_be_bytes());
        self.put(at + FLAGS, [self.flags & !not_first & !not_last]);
        self.put(
            at + usize::from(CHECKSUM),
            add(self.sum, length).to_be_bytes(),
        );
    }

    fn put<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        self.headers[at..at + N].copy_from_slice(&bytes);
    }
}

/// Where TCP's header begins in a frame that has one, over that version of IP.
fn transport(version: Version, frame: &[u8]) -> Option<usize> {
    let (ethertype, protocol, header) = match version {
        Version::Four => {
            let words = frame.get(ETHERNET)?.checked_sub(0x40)?;
            ([0x08, 0x00], PROTOCOL_4, usize::from(words) * 4)
        }
        Version::Six => ([0x86, 0xdd], PROTOCOL_6, IPV6),
    };
    let is_tcp = take(frame, ETHERTYPE)? == ethertype && *frame.get(protocol)? == PROTOCOL_TCP;
    let is_header = (IPV4..=WITH_OPTIONS).contains(&header);
    (is_tcp && is_header).then_some(ETHERNET + header)
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// A length field of a segment, which is shorter than any that does not fit.
fn length_bytes(length: usize) -> [u8; 2] {
    low_u16(length as u64).to_be_bytes()
}

/// The sum of two numbers as Internet checksums count it (RFC 1071).
fn add(one: u16, other: u16) -> u16 {
    let (sum, carry) = one.overflowing_add(other);
    sum + u16::from(carry)
}
