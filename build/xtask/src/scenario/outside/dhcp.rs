//! The DHCP server (RFC 2131).

use std::net::Ipv4Addr;

use smoltcp::wire::{
    DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress,
};

use super::emit;
use super::file::Dhcp;
use super::places::{FIRST_LEASE, MASK, ROUTER};
use crate::qemu::MAC;

/// A server with one client.
pub(super) struct Server {
    pub(super) conduct: Dhcp,
    lease_seconds: u32,
    /// The address that the client may have.
    address: Ipv4Addr,
    /// The one that it has, until it looks for another.
    leased: Option<Ipv4Addr>,
}

impl Server {
    pub(super) fn new(conduct: Dhcp, lease_seconds: u32) -> Server {
        Server {
            conduct,
            lease_seconds,
            address: FIRST_LEASE,
            leased: None,
        }
    }

    /// The address that the client has.
    pub(super) fn leased(&self) -> Option<Ipv4Addr> {
        self.leased
    }

    /// What is answered to a message, as a packet, and what there is to be said of it.
    pub(super) fn take(&mut self, message: &[u8]) -> Option<(Vec<u8>, String)> {
        let message = DhcpPacket::new_checked(message).ok()?;
        let message = DhcpRepr::parse(&message).ok()?;
        if message.client_hardware_address != EthernetAddress(MAC) {
            return None;
        }
        if message.message_type == DhcpMessageType::Discover {
            self.leased = None;
        }
        match (self.conduct, message.message_type) {
            (Dhcp::Answers | Dhcp::Refuses, DhcpMessageType::Discover) => {
                let said = format!("DHCP offers {}", self.address);
                Some((self.answer(&message, DhcpMessageType::Offer), said))
            }
            (Dhcp::Answers, DhcpMessageType::Request) => Some(self.grant(&message)),
            (Dhcp::Refuses, DhcpMessageType::Request) => Some(self.refuse(&message)),
            _ => None,
        }
    }

    fn grant(&mut self, message: &DhcpRepr<'_>) -> (Vec<u8>, String) {
        let is_renewal = !message.client_ip.is_unspecified();
        let wanted = message.requested_ip.unwrap_or(message.client_ip);
        if wanted != self.address {
            return self.refuse(message);
        }
        self.leased = Some(self.address);
        let deed = if is_renewal { "prolongs" } else { "leases" };
        let said = format!("DHCP {deed} {} for {} s", self.address, self.lease_seconds);
        (self.answer(message, DhcpMessageType::Ack), said)
    }

    /// The client has to look for another address, which it gets.
    fn refuse(&mut self, message: &DhcpRepr<'_>) -> (Vec<u8>, String) {
        let said = format!("DHCP refuses {}", self.address);
        let answer = self.answer(message, DhcpMessageType::Nak);
        self.conduct = Dhcp::Answers;
        self.address = Ipv4Addr::from_bits(self.address.to_bits() + 1);
        (answer, said)
    }

    fn answer(&self, question: &DhcpRepr<'_>, kind: DhcpMessageType) -> Vec<u8> {
        let is_refusal = kind == DhcpMessageType::Nak;
        let (your_ip, lease_duration) = if is_refusal {
            (Ipv4Addr::UNSPECIFIED, None)
        } else {
            (self.address, Some(self.lease_seconds))
        };
        let answer = DhcpRepr {
            message_type: kind,
            transaction_id: question.transaction_id,
            secs: 0,
            client_hardware_address: EthernetAddress(MAC),
            client_ip: Ipv4Addr::UNSPECIFIED,
            your_ip,
            server_ip: ROUTER,
            router: Some(ROUTER),
            subnet_mask: Some(MASK),
            relay_agent_ip: Ipv4Addr::UNSPECIFIED,
            broadcast: false,
            requested_ip: None,
            client_identifier: None,
            server_identifier: Some(ROUTER),
            parameter_request_list: None,
            dns_servers: None,
            max_size: None,
            lease_duration,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        };
        let mut bytes = vec![0; answer.buffer_len()];
        // The room is as large as it says.
        let _ = answer.emit(&mut DhcpPacket::new_unchecked(&mut bytes[..]));
        let from = (ROUTER, DHCP_SERVER_PORT).into();
        let to = (Ipv4Addr::BROADCAST, DHCP_CLIENT_PORT).into();
        emit::datagram(from, to, &bytes)
    }
}
