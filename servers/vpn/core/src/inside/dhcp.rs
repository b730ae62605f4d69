//! The guest's lease (RFC 2131): one address for one link address, for ever the same.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use frame_api::GUEST_ADDRESS;
use smoltcp::wire::{
    DhcpMessageType, DhcpOption, DhcpPacket, DhcpRepr, EthernetAddress, UDP_HEADER_LEN,
};

use super::{Refusal, SERVICE_ADDRESS, emit};

/// The port that servers listen on.
pub(super) const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;

/// Seconds of a lease. Whoever loses it asks again; the answer is the same.
const LEASE_SECONDS: u32 = 3600;

/// The option that tells the link's MTU (RFC 2132, section 5.1).
const OPTION_MTU: u8 = 26;

/// The option that tells which domains are searched for short names (RFC 3397, section 2).
const OPTION_SEARCH: u8 = 119;

/// The mask of a pair of addresses (RFC 3021).
const PAIR_MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 254);

/// The domains in the form of an option: each as labels behind their lengths (RFC 1035, section 3.1).
pub(super) fn search_list(domains: &[String]) -> Vec<u8> {
    let labels = domains.iter().flat_map(|domain| {
        let labels = domain.split('.').map(str::as_bytes);
        labels.chain([&[][..]])
    });
    // Labels have less than 64 bytes.
    let length = |label: &[u8]| u8::try_from(label.len()).unwrap_or_default();
    labels
        .flat_map(|label| [&[length(label)], label].concat())
        .collect()
}

/// What the guest is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    /// The guest's address.
    pub(super) address: Ipv4Addr,
    /// Bytes of the longest IP packet.
    pub(super) mtu: u16,
}

impl Lease {
    /// The gateway as the guest's routing table names it: the other address of the pair.
    pub(super) fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address.to_bits() ^ 1)
    }

    /// The IP packet that answers the UDP segment `segment`, if it wants an answer; `search` is a [`search_list`].
    pub(super) fn answer(&self, segment: &[u8], search: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        let payload = segment.get(UDP_HEADER_LEN..).ok_or(Refusal::Malformed)?;
        let packet = DhcpPacket::new_checked(payload).map_err(|_| Refusal::Malformed)?;
        let request = DhcpRepr::parse(&packet).map_err(|_| Refusal::Malformed)?;
        if request.client_hardware_address != EthernetAddress(GUEST_ADDRESS) {
            return Err(Refusal::Link);
        }
        let Some(kind) = self.kind_of_answer(&request) else {
            return Ok(None);
        };
        let has_address = kind != DhcpMessageType::Nak;
        let informs = request.message_type == DhcpMessageType::Inform;
        let mtu = self.mtu.to_be_bytes();
        let options = [(OPTION_MTU, &mtu[..]), (OPTION_SEARCH, search)];
        let options = options.map(|(kind, data)| DhcpOption { kind, data });
        let told = match (has_address, search) {
            (false, _) => 0,
            (true, []) => 1,
            (true, _) => 2,
        };
        let answer = DhcpRepr {
            message_type: kind,
            your_ip: if has_address && !informs {
                self.address
            } else {
                Ipv4Addr::UNSPECIFIED
            },
            server_ip: Ipv4Addr::UNSPECIFIED,
            router: has_address.then(|| self.gateway()),
            subnet_mask: has_address.then_some(PAIR_MASK),
            server_identifier: Some(SERVICE_ADDRESS),
            dns_servers: has_address.then(|| [SERVICE_ADDRESS].into_iter().collect()),
            lease_duration: (has_address && !informs).then_some(LEASE_SECONDS),
            requested_ip: None,
            client_identifier: None,
            parameter_request_list: None,
            max_size: None,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &options[..told],
            ..request
        };
        self.emit(&answer).map(Some)
    }

    fn kind_of_answer(&self, request: &DhcpRepr<'_>) -> Option<DhcpMessageType> {
        let for_another = request
            .server_identifier
            .is_some_and(|server| server != SERVICE_ADDRESS);
        match request.message_type {
            _ if for_another => None,
            DhcpMessageType::Discover => Some(DhcpMessageType::Offer),
            DhcpMessageType::Inform => Some(DhcpMessageType::Ack),
            DhcpMessageType::Request => {
                let wanted = request.requested_ip.unwrap_or(request.client_ip);
                if wanted == self.address {
                    Some(DhcpMessageType::Ack)
                } else {
                    Some(DhcpMessageType::Nak)
                }
            }
            _ => None,
        }
    }

    fn emit(&self, answer: &DhcpRepr<'_>) -> Result<Vec<u8>, Refusal> {
        let mut payload = alloc::vec![0; answer.buffer_len()];
        let mut packet = DhcpPacket::new_unchecked(&mut payload);
        // The buffer has the length that the answer asked for.
        answer.emit(&mut packet).map_err(|_| Refusal::Malformed)?;
        // RFC 2131, section 4.1: to the address only if the client can take that.
        let is_refusal = answer.message_type == DhcpMessageType::Nak;
        let destination = if answer.client_ip != Ipv4Addr::UNSPECIFIED && !is_refusal {
            answer.client_ip
        } else if answer.broadcast || is_refusal {
            Ipv4Addr::BROADCAST
        } else {
            self.address
        };
        let source = (SERVICE_ADDRESS.into(), SERVER_PORT);
        let destination = (destination.into(), CLIENT_PORT);
        emit::udp(source, destination, &payload).ok_or(Refusal::Malformed)
    }
}
