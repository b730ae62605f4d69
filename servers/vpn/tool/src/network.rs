//! The guest's Internet: what becomes of the packets that leave the tunnel.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::Sender;
use std::time::Duration;

use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::Instant;
use smoltcp::wire::{
    HardwareAddress, IpCidr, IpProtocol, IpRepr, Ipv4Packet, Ipv6Packet, TcpPacket, UdpPacket,
    UdpRepr,
};

use crate::event::Event;
use crate::host::Host;
use crate::link::Link;
use crate::names;
use crate::places::NAMES_PORT;
use crate::tcp_relay::TcpRelay;
use crate::udp_relay::UdpRelay;

const UDP_HEADER: usize = 8;
const HOP_LIMIT: u8 = 64;

/// The network behind the tunnel.
pub(crate) struct Network {
    host: Host,
    link: Link,
    interface: Interface,
    sockets: SocketSet<'static>,
    tcp: TcpRelay,
    udp: UdpRelay,
}

impl Network {
    pub(crate) fn new(host: Host, mtu: u16, seed: u64, events: &Sender<Event>) -> Self {
        let mut link = Link {
            incoming: VecDeque::new(),
            outgoing: VecDeque::new(),
            mtu: mtu.into(),
        };
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut link, Instant::ZERO);
        // With a route by itself to everywhere, the interface takes packets for everybody.
        interface.set_any_ip(true);
        interface.update_ip_addrs(|addresses| {
            let own = host.own.0.map(|a| IpCidr::new(a.into(), 32));
            let own_6 = host.own.1.map(|a| IpCidr::new(a.into(), 128));
            for address in own.into_iter().chain(own_6) {
                // There is room for two.
                let _ = addresses.push(address);
            }
        });
        if let Some(own) = host.own.0 {
            let _ = interface.routes_mut().add_default_ipv4_route(own);
        }
        if let Some(own) = host.own.1 {
            let _ = interface.routes_mut().add_default_ipv6_route(own);
        }
        Self {
            host,
            link,
            interface,
            sockets: SocketSet::new(Vec::new()),
            tcp: TcpRelay::new(events.clone()),
            udp: UdpRelay::new(events.clone()),
        }
    }

    /// Takes a packet of the guest.
    pub(crate) fn take(&mut self, packet: &[u8]) {
        let Some((source, destination, protocol, payload)) = read(packet) else {
            return;
        };
        match protocol {
            IpProtocol::Icmp | IpProtocol::Icmpv6 if self.host.is_own(destination) => {
                self.link.incoming.push_back(packet.to_vec());
            }
            IpProtocol::Tcp => self.take_segment(source, destination, payload, packet),
            IpProtocol::Udp => self.take_datagram(source, destination, payload),
            _ => {}
        }
    }

    fn take_segment(&mut self, source: IpAddr, destination: IpAddr, payload: &[u8], packet: &[u8]) {
        let Ok(segment) = TcpPacket::new_checked(payload) else {
            return;
        };
        let guest = SocketAddr::new(source, segment.src_port());
        let destination = SocketAddr::new(destination, segment.dst_port());
        let opens = segment.syn() && !segment.ack();
        match self.host.tcp(destination) {
            Some(place) if opens => self.tcp.open(guest, destination, place, packet.to_vec()),
            _ => self.link.incoming.push_back(packet.to_vec()),
        }
    }

    fn take_datagram(&mut self, source: IpAddr, destination: IpAddr, payload: &[u8]) {
        let Ok(datagram) = UdpPacket::new_checked(payload) else {
            return;
        };
        let guest = SocketAddr::new(source, datagram.src_port());
        let destination = SocketAddr::new(destination, datagram.dst_port());
        let is_query = destination.port() == NAMES_PORT && self.host.is_own(destination.ip());
        let answer = is_query.then(|| names::answer(datagram.payload(), self.host.own));
        if let Some(answer) = answer.flatten() {
            self.send(destination, guest, &answer);
        } else if let Some(place) = self.host.udp(destination) {
            self.udp
                .send((guest, destination), place, datagram.payload());
        }
    }

    /// Does what an event asks for.
    pub(crate) fn handle(&mut self, event: Event) {
        match event {
            Event::Datagram { .. } | Event::Renew | Event::Ready => {}
            Event::Connected { connection, stream } => {
                let opening = self.tcp.connected(connection, stream, &mut self.sockets);
                self.link.incoming.extend(opening);
            }
            Event::Answer { flow, payload } => {
                if let Some((guest, destination)) = self.udp.ends(flow) {
                    self.send(destination, guest, &payload);
                }
            }
        }
    }

    /// Does all that can be done now.
    pub(crate) fn advance(&mut self, now: Instant) {
        let Self {
            interface,
            link,
            sockets,
            ..
        } = self;
        interface.poll(now, link, sockets);
        self.tcp.advance(sockets);
        interface.poll(now, link, sockets);
    }

    /// How long nothing has to be done without an event.
    pub(crate) fn delay(&mut self, now: Instant) -> Option<Duration> {
        let delay = self.interface.poll_delay(now, &self.sockets);
        delay.map(Duration::from)
    }

    /// The next packet for the guest.
    pub(crate) fn next_packet(&mut self) -> Option<Vec<u8>> {
        self.link.outgoing.pop_front()
    }

    /// Sends a datagram to the guest; one that does not fit is lost.
    fn send(&mut self, source: SocketAddr, guest: SocketAddr, payload: &[u8]) {
        if source.is_ipv4() != guest.is_ipv4() {
            return;
        }
        let length = UDP_HEADER + payload.len();
        let (from, to) = (source.ip().into(), guest.ip().into());
        let header = IpRepr::new(from, to, IpProtocol::Udp, length, HOP_LIMIT);
        let mut packet = vec![0; header.header_len() + length];
        if packet.len() > self.link.mtu {
            return;
        }
        let (network, transport) = packet.split_at_mut(header.header_len());
        let capabilities = ChecksumCapabilities::default();
        header.emit(network, &capabilities);
        let ports = UdpRepr {
            src_port: source.port(),
            dst_port: guest.port(),
        };
        let mut view = UdpPacket::new_unchecked(transport);
        let fill = |room: &mut [u8]| room.copy_from_slice(payload);
        ports.emit(&mut view, &from, &to, payload.len(), fill, &capabilities);
        self.link.outgoing.push_back(packet);
    }
}

/// Addresses, protocol and payload of a packet that is whole.
fn read(packet: &[u8]) -> Option<(IpAddr, IpAddr, IpProtocol, &[u8])> {
    match packet.first()? >> 4 {
        4 => {
            let view = Ipv4Packet::new_checked(packet).ok()?;
            let is_piece = view.more_frags() || view.frag_offset() != 0;
            let addresses = (view.src_addr().into(), view.dst_addr().into());
            let whole = (addresses.0, addresses.1, view.next_header(), view.payload());
            (!is_piece).then_some(whole)
        }
        6 => {
            let view = Ipv6Packet::new_checked(packet).ok()?;
            let addresses = (view.src_addr().into(), view.dst_addr().into());
            Some((addresses.0, addresses.1, view.next_header(), view.payload()))
        }
        _ => None,
    }
}
