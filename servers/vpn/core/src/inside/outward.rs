//! From the guest to the tunnel.

use core::net::IpAddr;
use core::time::Duration;

use frame_api::{Checksum, GATEWAY_ADDRESS, GUEST_ADDRESS, MIN_FRAME};
use smoltcp::wire::{EthernetAddress, EthernetFrame, EthernetProtocol};

use super::addresses::{halves, is_routable, joined};
use super::errors::{IPV6_MTU_MIN, Reason};
use super::packet::{Packet, Piece, Transport};
use super::translation::{self, Which};
use super::{Blocklist, Event, Inside, Refusal};
use super::{emit, names, neighbours, segment_size};

impl Inside {
    /// What the link carries for the tunnel, if anything: the length of the packet.
    pub(super) fn frame(
        &mut self,
        frame: &mut [u8],
        checksum: Checksum,
        now: Duration,
    ) -> Result<Option<usize>, Refusal> {
        let header = EthernetFrame::new_checked(&*frame).map_err(|_| Refusal::Malformed)?;
        let destination = header.dst_addr();
        let is_for_us = destination == EthernetAddress(GATEWAY_ADDRESS)
            || destination.is_broadcast()
            || destination.is_multicast();
        if header.src_addr() != EthernetAddress(GUEST_ADDRESS) || !is_for_us {
            return Err(Refusal::Link);
        }
        let protocol = header.ethertype();
        if let Checksum::Missing { start, offset } = checksum {
            translation::complete(frame, start.into(), offset.into());
        }
        let packet = frame.get_mut(MIN_FRAME..).unwrap_or_default();
        match protocol {
            EthernetProtocol::Arp => self.arp(packet).map(|()| None),
            EthernetProtocol::Ipv4 | EthernetProtocol::Ipv6 => {
                let headers = Packet::parse(packet)?;
                if headers.source.is_ipv4() != (protocol == EthernetProtocol::Ipv4) {
                    return Err(Refusal::Malformed);
                }
                self.packet(packet, headers, now)
            }
            _ => Err(Refusal::Protocol),
        }
    }

    fn arp(&mut self, payload: &[u8]) -> Result<(), Refusal> {
        let lease = self.lease.ok_or(Refusal::NoAddress)?;
        match neighbours::arp(payload, lease.gateway())? {
            Some(frame) => self.push_frame(frame),
            None => Ok(()),
        }
    }

    /// An IP packet of the guest: for the gateway, for the link, or for the outside.
    fn packet(
        &mut self,
        bytes: &mut [u8],
        packet: Packet,
        now: Duration,
    ) -> Result<Option<usize>, Refusal> {
        let transport = match packet.piece {
            Piece::Later(_) => None,
            _ => Some(packet.transport(bytes)?),
        };
        if self.is_of_the_link(&packet, transport) {
            return self.link_packet(bytes, &packet, transport).map(|()| None);
        }
        self.check_source(&packet, now)?;
        if packet.destination == emit::service_address(packet.destination) {
            return self.service_packet(bytes, packet, transport, now);
        }
        if !is_routable(packet.destination) || self.is_own(packet.destination) {
            return Err(Refusal::NoRoute);
        }
        if self.is_forbidden(&packet, transport, now) {
            self.complain(bytes, &packet, transport, Reason::Prohibited, now);
            return Err(Refusal::Blocked);
        }
        self.send(bytes, packet, transport, None, now).map(Some)
    }

    /// Whether the source is the guest's, and what the guest may call itself.
    fn check_source(&mut self, packet: &Packet, now: Duration) -> Result<(), Refusal> {
        let is_own = match packet.source {
            IpAddr::V4(source) => {
                let lease = self.lease.ok_or(Refusal::NoAddress)?;
                source == lease.address
            }
            IpAddr::V6(source) => {
                let own = self.ipv6.ok_or(Refusal::NoAddress)?;
                halves(source).0 == halves(own).0
            }
        };
        if !is_own {
            self.events.add(now, || Event::Spoofed(packet.source));
            return Err(Refusal::Spoofed);
        }
        if let IpAddr::V6(source) = packet.source {
            self.identifier = halves(source).1;
        }
        Ok(())
    }

    /// Passes a packet on to the tunnel, if the firewall lets it; to a resolver, if one is given.
    pub(super) fn send(
        &mut self,
        bytes: &mut [u8],
        mut packet: Packet,
        transport: Option<Transport>,
        resolver: Option<IpAddr>,
        now: Duration,
    ) -> Result<usize, Refusal> {
        let mtu = self.path.at(now);
        // IPv6 may count on so much (RFC 8200, section 5); over a narrower path `net` carries it in pieces.
        let carried = match packet.source {
            IpAddr::V4(_) => mtu,
            IpAddr::V6(_) => mtu.max(IPV6_MTU_MIN),
        };
        if packet.length > usize::from(carried) {
            self.complain(bytes, &packet, transport, Reason::TooBig(mtu), now);
            return Err(Refusal::TooBig);
        }
        let owner = self.owner(resolver.is_some());
        if let Some(resolver) = resolver {
            translation::replace(bytes, &mut packet, Which::Destination, resolver);
        }
        self.firewall.outgoing(&packet, transport, owner, now)?;
        segment_size::clamp(bytes, &packet, transport, mtu);
        if let (IpAddr::V6(_), Some(own)) = (packet.source, self.ipv6) {
            translation::replace(bytes, &mut packet, Which::Source, own.into());
            if let Some(Transport::Error(quoted)) = transport {
                let which = Which::Destination;
                translation::replace_quoted(bytes, &packet, &quoted, which, own.into());
            }
        }
        Ok(packet.length)
    }

    /// Tells the guest that no peer takes the packet that [`from_guest`](Self::from_guest) gave for the tunnel.
    pub fn no_peer_takes(&mut self, bytes: &mut [u8], now: Duration) {
        let Ok(mut packet) = Packet::parse(bytes) else {
            return;
        };
        let transport = match packet.piece {
            Piece::Later(_) => None,
            _ => packet.transport(bytes).ok(),
        };
        // It is quoted as the guest sent it.
        if let IpAddr::V6(own) = packet.source {
            let guest = joined(halves(own).0, self.identifier);
            translation::replace(bytes, &mut packet, Which::Source, guest.into());
        }
        self.complain(bytes, &packet, transport, Reason::NoRoute, now);
    }

    /// Whether the administrator forbids the packet's destination. With a list of names, others than the
    /// gateway are asked for none.
    fn is_forbidden(
        &mut self,
        packet: &Packet,
        transport: Option<Transport>,
        now: Duration,
    ) -> bool {
        let asks = matches!(
            transport,
            Some(
                Transport::Udp {
                    to: names::PORT,
                    ..
                } | Transport::Tcp {
                    to: names::PORT,
                    ..
                }
            )
        );
        let has_names = |list: &Blocklist| list.counts().0 > 0;
        asks && self.blocklist.as_ref().is_some_and(has_names)
            || self.forbids_address(packet.destination, now)
    }
}
