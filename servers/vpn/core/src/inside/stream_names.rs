//! Names over TCP: the guest's connection to the gateway is passed on to a resolver, and every segment must hold
//! whole queries, so that each name is seen. (Resolvers in use write a query and its length at once.)

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpAddress, IpRepr, TcpControl, TcpPacket, TcpRepr};

use super::emit::HOP_LIMIT;
use super::packet::{Packet, TCP, word};
use super::question::Question;

/// Why a segment is not passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does not consist of whole queries.
    Cut,
    /// It asks for this forbidden name.
    Forbidden(String),
}

/// Looks at the queries in a segment.
pub(super) fn check(segment: &[u8], is_forbidden: impl Fn(&str) -> bool) -> Result<(), Fault> {
    let view = TcpPacket::new_checked(segment).map_err(|_| Fault::Cut)?;
    let mut rest = view.payload();
    while !rest.is_empty() {
        let length = word(rest, 0).map(usize::from).ok_or(Fault::Cut)?;
        let query = rest.get(2..2 + length).ok_or(Fault::Cut)?;
        let question = Question::of_query(query).ok_or(Fault::Cut)?;
        if is_forbidden(&question.name) {
            return Err(Fault::Forbidden(question.name));
        }
        rest = &rest[2 + length..];
    }
    Ok(())
}

/// The packet that ends the connection towards the guest.
pub(super) fn reset(bytes: &[u8], packet: &Packet) -> Option<Vec<u8>> {
    let segment = TcpPacket::new_checked(packet.payload(bytes)).ok()?;
    let reset = TcpRepr {
        src_port: segment.dst_port(),
        dst_port: segment.src_port(),
        control: TcpControl::Rst,
        seq_number: segment.ack_number(),
        ack_number: None,
        window_len: 0,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    };
    let (source, destination): (IpAddress, IpAddress) =
        (packet.destination.into(), packet.source.into());
    let length = reset.buffer_len();
    let header = IpRepr::new(source, destination, TCP.into(), length, HOP_LIMIT);
    let capabilities = ChecksumCapabilities::default();
    let mut answer = vec![0; header.header_len() + length];
    let (network, transport) = answer.split_at_mut(header.header_len());
    header.emit(network, &capabilities);
    let mut view = TcpPacket::new_unchecked(transport);
    reset.emit(&mut view, &source, &destination, &capabilities);
    Some(answer)
}
