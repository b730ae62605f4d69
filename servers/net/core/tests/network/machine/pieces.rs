//! Packets in pieces, as hosts and routers make and mend them (RFC 791, section 3.2; RFC 8200, section 4.5).

use smoltcp::wire::Ipv4Packet;

const IP: usize = 14;

/// Cuts the packet in a frame into pieces for packets of `mtu` bytes; with `mark`, their identification.
pub(crate) fn cut(frame: &[u8], mtu: usize, mark: u16) -> Vec<Vec<u8>> {
    let (headers, payload) = parts(frame);
    let room = (mtu - (headers - IP) - if is_ipv4(frame) { 0 } else { 8 }) / 8 * 8;
    let mut pieces = Vec::new();
    for (number, part) in payload.chunks(room).enumerate() {
        let offset = number * room;
        let is_last = offset + part.len() == payload.len();
        pieces.push(piece(frame, part, offset, is_last, mark));
    }
    pieces
}

/// A piece of the packet in `frame`: whatever part of it, wherever it is said to be.
pub(crate) fn piece(frame: &[u8], part: &[u8], offset: usize, is_last: bool, mark: u16) -> Vec<u8> {
    let (headers, _) = parts(frame);
    let offset = u16::try_from(offset).expect("short");
    let mut piece = frame[..headers].to_vec();
    if is_ipv4(frame) {
        piece.extend(part);
        let length = u16::try_from(piece.len() - IP).expect("short");
        let mut packet = Ipv4Packet::new_unchecked(&mut piece[IP..]);
        packet.set_total_len(length);
        packet.set_ident(mark);
        packet.set_dont_frag(false);
        packet.set_more_frags(!is_last);
        packet.set_frag_offset(offset);
        packet.fill_checksum();
        return piece;
    }
    let length = u16::try_from(8 + part.len()).expect("short");
    piece[IP + 4..IP + 6].copy_from_slice(&length.to_be_bytes());
    let protocol = std::mem::replace(&mut piece[IP + 6], 44);
    piece.extend([protocol, 0]);
    piece.extend((offset | u16::from(!is_last)).to_be_bytes());
    piece.extend([7, 7]);
    piece.extend(mark.to_be_bytes());
    piece.extend(part);
    piece
}

/// Pieces of one packet, in order, until it is whole.
#[derive(Default)]
pub(crate) struct Puzzle {
    mark: Vec<u8>,
    payload: Vec<u8>,
}

impl Puzzle {
    /// Whether a frame has a piece only.
    pub(crate) fn is_part(frame: &[u8]) -> bool {
        match is_ipv4(frame) {
            true => {
                frame[12] == 8 && frame[13] == 0 && (frame[IP + 6] & 0x3f, frame[IP + 7]) != (0, 0)
            }
            false => frame[12] == 0x86 && frame[IP + 6] == 44,
        }
    }

    /// The frame with the whole packet, if the piece was the last.
    pub(crate) fn add(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let (headers, payload) = parts(frame);
        let mut whole = frame[..headers].to_vec();
        let (mark, offset, is_last, part) = if is_ipv4(frame) {
            let packet = Ipv4Packet::new_checked(&frame[IP..]).expect("whole");
            assert!(packet.verify_checksum() && !packet.dont_frag());
            let mark = packet.ident().to_be_bytes().to_vec();
            (mark, packet.frag_offset(), !packet.more_frags(), payload)
        } else {
            let place = u16::from_be_bytes([payload[2], payload[3]]);
            assert_eq!((payload[0], payload[1], place & 6), (17, 0, 0));
            whole[IP + 6] = payload[0];
            let mark = payload[4..8].to_vec();
            (mark, place & 0xfff8, place & 1 == 0, &payload[8..])
        };
        if offset == 0 {
            (self.mark, self.payload) = (mark.clone(), Vec::new());
        }
        assert_eq!(
            (&mark, usize::from(offset)),
            (&self.mark, self.payload.len())
        );
        assert!(is_last || part.len().is_multiple_of(8));
        self.payload.extend(part);
        if !is_last {
            return None;
        }
        whole.extend(&self.payload);
        let length = u16::try_from(whole.len() - headers).expect("short");
        if is_ipv4(frame) {
            let mut packet = Ipv4Packet::new_unchecked(&mut whole[IP..]);
            packet.set_total_len(20 + length);
            packet.clear_flags();
            packet.set_dont_frag(true);
            packet.set_frag_offset(0);
            packet.fill_checksum();
        } else {
            whole[IP + 4..IP + 6].copy_from_slice(&length.to_be_bytes());
        }
        Some(whole)
    }
}

fn is_ipv4(frame: &[u8]) -> bool {
    frame[IP] >> 4 == 4
}

/// Bytes of the frame before the IP packet's payload, and that payload.
fn parts(frame: &[u8]) -> (usize, &[u8]) {
    let header = if is_ipv4(frame) { 20 } else { 40 };
    (IP + header, &frame[IP + header..])
}
