//! ARP (RFC 826): questions of ours, and answers to them. Questions of others are answered by smoltcp's
//! interface, see [`lease`](crate::lease).

use alloc::{vec, vec::Vec};
use core::net::{IpAddr, Ipv4Addr};

use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
};

use crate::addresses::Addresses;
use crate::arrival::ETHERNET_HEADER;

/// The question who has `address`.
pub(crate) fn ask(address: Ipv4Addr, own: &Addresses) -> Option<Vec<u8>> {
    let message = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: EthernetAddress(own.mac),
        source_protocol_addr: own.ipv4?.address,
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: address,
    };
    let mut bytes = vec![0; ETHERNET_HEADER + message.buffer_len()];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    frame.set_src_addr(EthernetAddress(own.mac));
    frame.set_dst_addr(EthernetAddress::BROADCAST);
    frame.set_ethertype(EthernetProtocol::Arp);
    message.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
    Some(bytes)
}

/// Who says in answer to us where it is.
pub(crate) fn answer(frame: &[u8], own: &Addresses) -> Option<(IpAddr, [u8; 6])> {
    let packet = ArpPacket::new_checked(frame.get(ETHERNET_HEADER..)?).ok()?;
    let ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        target_protocol_addr,
        ..
    } = ArpRepr::parse(&packet).ok()?
    else {
        return None;
    };
    let is_answer = operation == ArpOperation::Reply && own.has(target_protocol_addr.into());
    is_answer.then_some((source_protocol_addr.into(), source_hardware_addr.0))
}
