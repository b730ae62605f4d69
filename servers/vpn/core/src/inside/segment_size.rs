//! TCP is told how much fits the tunnel, whatever the ends believe (RFC 9293, section 3.7.1).

use smoltcp::wire::TcpOption;

use super::packet::{Packet, Transport, word};
use super::translation::adjust;

const FIXED_HEADER: usize = 20;
const HEADERS_4: u16 = 40;
const HEADERS_6: u16 = 60;
const CHECKSUM: usize = 16;
/// Kind, length and value of the option.
const OPTION_LENGTH: usize = 4;

/// Lowers the maximum segment size that a segment with SYN announces to what fits `mtu` bytes.
pub(super) fn clamp(bytes: &mut [u8], packet: &Packet, transport: Option<Transport>, mtu: u16) {
    let opens = matches!(transport, Some(Transport::Tcp { flags, .. }) if flags.opens);
    if !opens {
        return;
    }
    let headers = if packet.source.is_ipv4() {
        HEADERS_4
    } else {
        HEADERS_6
    };
    let limit = mtu.saturating_sub(headers);
    let Some((at, announced)) = find(packet.payload(bytes)) else {
        return;
    };
    if announced <= limit {
        return;
    }
    let place = packet.transport + at;
    let new = limit.to_be_bytes();
    if let Some(room) = bytes.get_mut(place..place + 2) {
        room.copy_from_slice(&new);
        // An option may begin at an odd offset: then its bytes count crosswise.
        let (mut old, mut new) = (announced.to_be_bytes(), new);
        if !at.is_multiple_of(2) {
            old.reverse();
            new.reverse();
        }
        adjust(bytes, packet.transport + CHECKSUM, &old, &new);
    }
}

/// Where the value lies in the segment, and what it is.
fn find(segment: &[u8]) -> Option<(usize, u16)> {
    let header = usize::from(*segment.get(12)? >> 4) * 4;
    let options = segment.get(FIXED_HEADER..header)?;
    let mut rest = options;
    while !rest.is_empty() {
        let at = FIXED_HEADER + options.len() - rest.len();
        let (behind, option) = TcpOption::parse(rest).ok()?;
        match option {
            TcpOption::EndOfList => return None,
            TcpOption::MaxSegmentSize(_) => {
                let value = at + OPTION_LENGTH - 2;
                return Some((value, word(segment, value)?));
            }
            _ => rest = behind,
        }
    }
    None
}
