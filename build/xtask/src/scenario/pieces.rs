//! Packets that the machine sent in pieces, put together again so that they can be judged whole.
//!
//! Pieces of one packet leave one behind the other and in order, and are alike in all but their lengths and places. What does
//! not fit the piece before stays a piece, and no kind of frame is one.

use std::borrow::Cow;

use anyhow::{Result, bail};

use super::kind::{self, Kind, Known};

const ETHERNET_HEADER: usize = 14;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
/// The header that says what a piece is a piece of, over IPv6 (RFC 8200, section 4.5).
const FRAGMENT_HEADER: usize = 8;

/// A frame, or what pieces come to.
pub(super) enum Packet<'f> {
    /// A frame of its own.
    Frame(&'f [u8]),
    /// As one frame, which never went over the wire.
    Joined(Vec<u8>),
}

impl Packet<'_> {
    /// What it is. The error says what should not be in it.
    pub(super) fn kind(&self) -> Result<Known<'_>> {
        match self {
            Packet::Frame(frame) => kind::of(frame),
            Packet::Joined(frame) => match kind::of(frame)? {
                known if known.kind == Kind::Tunnel => Ok(Known {
                    kind: Kind::TunnelInPieces,
                    ..known
                }),
                known => bail!("{:?} was cut into pieces", known.kind),
            },
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Packet::Frame(frame) => frame,
            Packet::Joined(frame) => frame,
        }
    }
}

/// The frames, those that belong together as one packet. Of one that was being sent when the machine ended, the rest may
/// be missing.
pub(super) fn join<'f>(frames: impl Iterator<Item = &'f [u8]>) -> Vec<Packet<'f>> {
    let mut packets = Vec::new();
    let mut waiting: Vec<(&[u8], Piece<'_>)> = Vec::new();
    for frame in frames {
        let piece = Piece::read(frame);
        let continues = match (&piece, waiting.last()) {
            (Some(piece), Some((_, before))) => piece.follows(before),
            (Some(piece), None) => piece.offset == 0,
            (None, _) => false,
        };
        if !continues {
            packets.extend(waiting.drain(..).map(|(frame, _)| Packet::Frame(frame)));
        }
        match piece {
            Some(piece) if continues || piece.offset == 0 => waiting.push((frame, piece)),
            _ => packets.push(Packet::Frame(frame)),
        }
        if waiting.last().is_some_and(|(_, piece)| piece.is_last) {
            packets.push(Packet::Joined(whole(&waiting)));
            waiting.clear();
        }
    }
    packets
}

/// A piece of a packet.
struct Piece<'f> {
    /// The headers before it, but for the lengths and places.
    headers: Cow<'f, [u8]>,
    offset: usize,
    is_last: bool,
    part: &'f [u8],
}

impl<'f> Piece<'f> {
    /// The piece in a frame, if it has one, and nothing else.
    fn read(frame: &'f [u8]) -> Option<Piece<'f>> {
        let piece = match frame.get(12..15)? {
            [0x08, 0x00, 0x45] => Piece::read_ipv4(frame)?,
            [0x86, 0xdd, _] => Piece::read_ipv6(frame)?,
            _ => return None,
        };
        let is_cut_well = piece.is_last || piece.part.len().is_multiple_of(8);
        (is_cut_well && !piece.part.is_empty()).then_some(piece)
    }

    fn read_ipv4(frame: &'f [u8]) -> Option<Piece<'f>> {
        let start = ETHERNET_HEADER + IPV4_HEADER;
        let mut headers = frame.get(..start)?.to_vec();
        let place = number(frame, ETHERNET_HEADER + 6)?;
        let length = usize::from(number(frame, ETHERNET_HEADER + 2)?);
        // Whole packets are none; two flags have no business in pieces.
        if place & 0x3fff == 0 || place & 0xc000 != 0 {
            return None;
        }
        for field in [2..4, 6..8, 10..12] {
            headers[ETHERNET_HEADER..][field].fill(0);
        }
        Some(Piece {
            headers: headers.into(),
            offset: usize::from(place & 0x1fff) * 8,
            is_last: place & 0x2000 == 0,
            part: part(frame, start, ETHERNET_HEADER + length)?,
        })
    }

    fn read_ipv6(frame: &'f [u8]) -> Option<Piece<'f>> {
        let start = ETHERNET_HEADER + IPV6_HEADER + FRAGMENT_HEADER;
        let mut headers = frame.get(..start)?.to_vec();
        let behind = ETHERNET_HEADER + IPV6_HEADER;
        let length = usize::from(number(frame, ETHERNET_HEADER + 4)?);
        let place = number(frame, behind + 2)?;
        let is_piece = headers[ETHERNET_HEADER + 6] == 44;
        let is_plain = headers[behind..behind + 2] == [17, 0] && place & 6 == 0;
        if !is_piece || !is_plain {
            return None;
        }
        headers[ETHERNET_HEADER + 4..ETHERNET_HEADER + 6].fill(0);
        headers[behind + 2..behind + 4].fill(0);
        Some(Piece {
            headers: headers.into(),
            offset: usize::from(place & 0xfff8),
            is_last: place & 1 == 0,
            part: part(frame, start, behind + length)?,
        })
    }

    fn follows(&self, before: &Piece<'_>) -> bool {
        self.headers == before.headers && self.offset == before.offset + before.part.len()
    }
}

/// The frame as it would have been.
fn whole(pieces: &[(&[u8], Piece<'_>)]) -> Vec<u8> {
    let Some((_, first)) = pieces.first() else {
        return Vec::new();
    };
    let parts: Vec<&[u8]> = pieces.iter().map(|(_, piece)| piece.part).collect();
    let payload = parts.concat();
    let is_ipv4 = first.headers[12] == 8;
    let mut frame = first.headers.to_vec();
    let (place, length) = if is_ipv4 {
        (ETHERNET_HEADER + 2, IPV4_HEADER + payload.len())
    } else {
        frame.truncate(ETHERNET_HEADER + IPV6_HEADER);
        frame[ETHERNET_HEADER + 6] = 17;
        (ETHERNET_HEADER + 4, payload.len())
    };
    // Frames that hold more do not exist; a wrong length would be found.
    let length = u16::try_from(length).unwrap_or(0).to_be_bytes();
    frame[place..place + 2].copy_from_slice(&length);
    frame.extend(payload);
    frame
}

/// What lies there, if there are but zeroes behind it.
fn part(frame: &[u8], start: usize, end: usize) -> Option<&[u8]> {
    let behind = frame.get(end..)?;
    let is_all = behind.iter().all(|byte| *byte == 0);
    frame.get(start..end).filter(|_| is_all)
}

fn number(frame: &[u8], at: usize) -> Option<u16> {
    let bytes = frame.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qemu::MAC;

    /// A tunnel's datagram of 300 bytes.
    fn datagram(length: u16) -> Vec<u8> {
        let mut message = vec![4, 0, 0, 0, 1, 2, 3, 4, 9, 0, 0, 0, 0, 0, 0, 0];
        message.resize(length.into(), 0xc0);
        let length = (length + 8).to_be_bytes();
        let udp = [0xca, 0x6c, 0x12, 0x34, length[0], length[1], 1, 2];
        [&udp[..], &message].concat()
    }

    fn ipv4(place: u16, part: &[u8]) -> Vec<u8> {
        let [p0, p1] = place.to_be_bytes();
        let [l0, l1] = u16::try_from(20 + part.len()).expect("short").to_be_bytes();
        let ip = [0x45, 0, l0, l1, 7, 7, p0, p1, 64, 17, l1, p1];
        [&[2; 6], &MAC[..], &[8, 0], &ip, &[9; 8], part].concat()
    }

    fn ipv6(place: u16, part: &[u8]) -> Vec<u8> {
        let [p0, p1] = place.to_be_bytes();
        let [l0, l1] = u16::try_from(8 + part.len()).expect("short").to_be_bytes();
        let ip = [0x60, 0, 0, 0, l0, l1, 44, 64];
        let piece = [17, 0, p0, p1, 1, 2, 3, 4];
        [
            &[2; 6],
            &MAC[..],
            &[0x86, 0xdd],
            &ip,
            &[9; 32],
            &piece,
            part,
        ]
        .concat()
    }

    fn kinds(frames: &[Vec<u8>]) -> Vec<Option<Kind>> {
        let packets = join(frames.iter().map(Vec::as_slice));
        let kinds = packets.iter().map(|packet| packet.kind().ok());
        kinds.map(|known| Some(known?.kind)).collect()
    }

    #[test]
    fn a_tunnels_pieces_are_known_if_all_are_there() {
        let datagram = datagram(300);
        let (first, second) = datagram.split_at(160);
        let four = [ipv4(0x2000, first), ipv4(160 / 8, second)];
        let six = [ipv6(1, first), ipv6(160, second)];
        for frames in [&four, &six] {
            assert_eq!(kinds(frames), [Some(Kind::TunnelInPieces)]);
            // The end of the capture may cut the last one off, and nothing else may.
            assert_eq!(kinds(&frames[..1]), []);
            assert_eq!(kinds(&frames[1..]), [None]);
            let twice = [frames[0].clone(), frames[0].clone(), frames[1].clone()];
            assert_eq!(kinds(&twice), [None, Some(Kind::TunnelInPieces)]);
            let swapped = [frames[1].clone(), frames[0].clone()];
            assert_eq!(kinds(&swapped), [None]);
            let mut of_another = frames.clone();
            of_another[1][30] ^= 1;
            assert_eq!(kinds(&of_another), [None, None]);
            let mut followed = frames.clone();
            followed[1].push(1);
            assert_eq!(kinds(&followed), [None, None]);
        }
    }

    #[test]
    fn nothing_else_may_be_in_pieces() {
        let mut other = datagram(300);
        other[8..12].copy_from_slice(b"text");
        let (first, second) = other.split_at(160);
        assert_eq!(kinds(&[ipv4(0x2000, first), ipv4(20, second)]), [None]);
        // A place between pieces, or behind the datagram's end.
        let datagram = datagram(300);
        let (first, second) = datagram.split_at(160);
        assert_eq!(
            kinds(&[ipv4(0x2000, first), ipv4(21, second)]),
            [None, None]
        );
        let longer = [second, b"text"].concat();
        assert_eq!(kinds(&[ipv6(1, first), ipv6(160, &longer)]), [None]);
    }
}
