//! What the guest is told: ARP (RFC 826), echo replies (RFC 792), a lease (RFC 2131), a router advertisement
//! (RFC 4861) and echo replies of IPv6 (RFC 4443).
//!
//! Offsets below are from the frame's start: the header of Ethernet takes 14 bytes.

use frame_api::{Checksum, GATEWAY_ADDRESS, GUEST_ADDRESS, MAX_FRAME};

use crate::checksum::checksum;

/// The network; the last byte is the host.
const NETWORK: [u8; 3] = [10, 9, 0];
/// Ourselves.
const GATEWAY: u8 = 1;
/// What the guest is given.
const GUEST: u8 = 2;
/// fe80::1, ourselves.
const GATEWAY_6: [u8; 16] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/// All nodes of the link.
const ALL_NODES: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/// fd09::/64, where the guest picks its address.
const PREFIX_6: [u8; 16] = [0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

const ARP: [u8; 2] = [8, 6];
const IPV4: [u8; 2] = [8, 0];
const IPV6: [u8; 2] = [0x86, 0xdd];

/// What a frame of the guest leads to.
pub(crate) enum Answer {
    /// Nothing.
    None,
    /// The buffer holds an answer of this length.
    Frame(usize),
    /// The guest asked for this host of the network, which stands for a misdeed.
    Mischief(u8),
}

/// Answers the frame in the buffer, in the same buffer.
pub(crate) fn answer(frame: &mut [u8; MAX_FRAME], length: usize, missing: Checksum) -> Answer {
    match [frame[12], frame[13]] {
        ARP if length >= 42 => arp(frame),
        IPV4 if length >= 42 => ipv4(frame, length, missing),
        IPV6 if length >= 62 => ipv6(frame, length),
        _ => Answer::None,
    }
}

/// Back to the guest, from us.
fn turn_round(frame: &mut [u8; MAX_FRAME]) {
    frame[0..6].copy_from_slice(&GUEST_ADDRESS);
    frame[6..12].copy_from_slice(&GATEWAY_ADDRESS);
}

fn arp(frame: &mut [u8; MAX_FRAME]) -> Answer {
    let (is_request, target) = (frame[20..22] == [0, 1], [frame[38], frame[39], frame[40]]);
    if !is_request || target != NETWORK {
        return Answer::None;
    }
    match frame[41] {
        GATEWAY => {}
        GUEST => return Answer::None,
        host => return Answer::Mischief(host),
    }
    turn_round(frame);
    frame[21] = 2;
    frame.copy_within(22..32, 32);
    frame[22..28].copy_from_slice(&GATEWAY_ADDRESS);
    frame[28..31].copy_from_slice(&NETWORK);
    frame[31] = GATEWAY;
    Answer::Frame(42)
}

fn ipv4(frame: &mut [u8; MAX_FRAME], length: usize, missing: Checksum) -> Answer {
    if frame[14] != 0x45 {
        return Answer::None;
    }
    match (frame[23], frame[34]) {
        (1, 8) => {
            let total = usize::from(u16::from_be_bytes([frame[16], frame[17]]));
            if total < 28 || 14 + total > length {
                return Answer::None;
            }
            turn_round(frame);
            let (source, destination) = frame[26..34].split_at_mut(4);
            source.swap_with_slice(destination);
            frame[34] = 0;
            put_checksum(frame, 36, 34..14 + total, 0);
            Answer::Frame(14 + total)
        }
        (17, _) if frame[36..38] == [0, 67] && checksum_is_good(frame, length, missing) => {
            dhcp(frame, length)
        }
        _ => Answer::None,
    }
}

/// A datagram's checksum, completed if the guest left that to us.
fn checksum_is_good(frame: &mut [u8; MAX_FRAME], length: usize, missing: Checksum) -> bool {
    let end = 34 + usize::from(u16::from_be_bytes([frame[38], frame[39]]));
    if end > length || end < 42 {
        return false;
    }
    if let Checksum::Missing { start, offset } = missing {
        let (start, at) = (usize::from(start), usize::from(start + offset));
        let sum = checksum(0, &frame[start..end]);
        frame[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }
    let pseudo = !checksum(17, &frame[26..34]);
    let datagram = u32::from(pseudo) + u32::from(frame[38]) * 256 + u32::from(frame[39]);
    checksum(datagram, &frame[34..end]) == 0
}

/// An offer to a discover, a lease to a request. The message begins at 42, its options at 282, behind the cookie.
fn dhcp(frame: &mut [u8; MAX_FRAME], length: usize) -> Answer {
    if length < 285 || frame[42] != 1 {
        return Answer::None;
    }
    let kind = match find_kind(&frame[282..length]) {
        Some(1) => 2,
        Some(3) => 5,
        _ => return Answer::None,
    };
    turn_round(frame);
    let (us, guest) = (host(GATEWAY), host(GUEST));
    // IP: from us to everybody.
    frame[14..24].copy_from_slice(&[0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17]);
    frame[26..30].copy_from_slice(&us);
    frame[30..34].copy_from_slice(&[0xff; 4]);
    frame[34..38].copy_from_slice(&[0, 67, 0, 68]);
    frame[42] = 2;
    frame[58..62].copy_from_slice(&guest);
    let options = [
        &[53, 1, kind, 54, 4][..],
        &us,
        &[51, 4, 0, 0, 14, 16, 1, 4, 255, 255, 255, 0, 3, 4],
        &us,
        &[6, 4],
        &us,
        &[255],
    ]
    .concat();
    let end = 282 + options.len();
    frame[282..end].copy_from_slice(&options);
    put_length(frame, 16, end - 14);
    put_length(frame, 38, end - 34);
    put_checksum(frame, 24, 14..34, 0);
    // No checksum of UDP (RFC 768).
    frame[40..42].fill(0);
    Answer::Frame(end)
}

/// The message type among the options.
fn find_kind(mut options: &[u8]) -> Option<u8> {
    loop {
        options = match options {
            [53, 1, kind, ..] => return Some(*kind),
            [0, rest @ ..] => rest,
            [_, length, rest @ ..] => rest.get(usize::from(*length)..)?,
            _ => return None,
        };
    }
}

fn ipv6(frame: &mut [u8; MAX_FRAME], length: usize) -> Answer {
    let payload = usize::from(u16::from_be_bytes([frame[18], frame[19]]));
    if frame[20] != 58 || payload < 8 || 54 + payload > length {
        return Answer::None;
    }
    match frame[54] {
        // Echo request.
        128 => {
            turn_round(frame);
            let (source, destination) = frame[22..54].split_at_mut(16);
            source.swap_with_slice(destination);
            frame[54] = 129;
            finish_icmpv6(frame, payload)
        }
        // Router solicitation.
        133 => {
            turn_round(frame);
            frame[22..38].copy_from_slice(&GATEWAY_6);
            frame[38..54].copy_from_slice(&ALL_NODES);
            // Hop limit 64, router for 1,800 s; prefix of 64 bits, on the link and for addresses, for an hour.
            let advertisement = [134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
            let prefix = [3, 4, 64, 0xc0, 0, 0, 14, 16, 0, 0, 14, 16, 0, 0, 0, 0];
            let ours = [[1, 1].as_slice(), &GATEWAY_ADDRESS].concat();
            let message = [&advertisement[..], &prefix, &PREFIX_6, &ours].concat();
            frame[54..54 + message.len()].copy_from_slice(&message);
            finish_icmpv6(frame, message.len())
        }
        // Neighbour solicitation for us: the source becomes the destination, the target says who we are.
        135 if payload >= 24 && frame[62..78] == GATEWAY_6 && frame[22..38] != [0; 16] => {
            turn_round(frame);
            frame.copy_within(22..38, 38);
            frame[22..38].copy_from_slice(&GATEWAY_6);
            frame[54..62].copy_from_slice(&[136, 0, 0, 0, 0xe0, 0, 0, 0]);
            frame[78..80].copy_from_slice(&[2, 1]);
            frame[80..86].copy_from_slice(&GATEWAY_ADDRESS);
            finish_icmpv6(frame, 32)
        }
        _ => Answer::None,
    }
}

fn finish_icmpv6(frame: &mut [u8; MAX_FRAME], payload: usize) -> Answer {
    put_length(frame, 18, payload);
    frame[20..22].copy_from_slice(&[58, 255]);
    // The pseudo header: addresses, length, next header.
    let addresses = !checksum(0, &frame[22..54]);
    let length = u32::try_from(payload).unwrap_or(0);
    put_checksum(
        frame,
        56,
        54..54 + payload,
        u32::from(addresses) + length + 58,
    );
    Answer::Frame(54 + payload)
}

fn put_checksum(
    frame: &mut [u8; MAX_FRAME],
    at: usize,
    covered: core::ops::Range<usize>,
    start: u32,
) {
    frame[at..at + 2].fill(0);
    let sum = checksum(start, &frame[covered]);
    frame[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

fn put_length(frame: &mut [u8; MAX_FRAME], at: usize, length: usize) {
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    frame[at..at + 2].copy_from_slice(&length.to_be_bytes());
}

fn host(last: u8) -> [u8; 4] {
    let [a, b, c] = NETWORK;
    [a, b, c, last]
}
