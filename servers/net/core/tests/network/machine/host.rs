//! A host on the wire: a DHCP server, a router for both kinds of IP, and an echo of datagrams.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress,
    EthernetFrame, EthernetProtocol, Icmpv4Packet, Icmpv4Repr, Icmpv6Packet, Icmpv6Repr, IpAddress,
    IpProtocol, Ipv4Packet, Ipv4Repr, Ipv6Packet, Ipv6Repr, NdiscNeighborFlags,
    NdiscPrefixInfoFlags, NdiscPrefixInformation, NdiscRepr, NdiscRouterFlags, RawHardwareAddress,
    UdpPacket, UdpRepr,
};

use super::pieces::{self, Puzzle};
use super::{device, dhcp6};

pub(crate) const MAC: [u8; 6] = [0x52, 0x55, 10, 0, 2, 2];
pub(crate) const IPV4: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
pub(crate) const GUEST_IPV4: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
pub(crate) const IPV6: Ipv6Addr = Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 2);
pub(crate) const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
pub(crate) const GUEST_IPV6: Ipv6Addr =
    Ipv6Addr::new(0xfec0, 0, 0, 0, 0x5054, 0x00ff, 0xfe12, 0x3456);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// What kind a frame is that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Arp,
    Dhcp(DhcpMessageType),
    Discovery(u8),
    Dhcp6(u8),
    /// A part of a datagram: so many bytes of an IP packet.
    Piece(usize),
    Datagram,
}

pub(crate) struct Host {
    /// Whether it answers ARP and neighbour solicitations.
    pub(crate) is_reachable: bool,
    /// Whether it leaves questions for an IPv4 address without an answer.
    pub(crate) dhcp_is_silent: bool,
    /// The number of the last of them.
    pub(crate) dhcp_transaction: u32,
    pub(crate) lease_seconds: u32,
    /// The router's own address, and how long it serves.
    pub(crate) router: Ipv6Addr,
    pub(crate) router_seconds: u64,
    pub(crate) prefix: NdiscPrefixInformation,
    /// What the router says of DHCPv6.
    pub(crate) flags: NdiscRouterFlags,
    pub(crate) dhcp6: dhcp6::Server,
    /// Its echoes are in packets of so many bytes.
    pub(crate) mtu: usize,
    puzzle: Puzzle,
    /// The frames that came, by kind.
    pub(crate) seen: Vec<Kind>,
}

impl Host {
    pub(crate) fn new() -> Self {
        let seconds = smoltcp::time::Duration::from_secs;
        Self {
            is_reachable: true,
            dhcp_is_silent: false,
            dhcp_transaction: 0,
            lease_seconds: 86400,
            router: LINK_LOCAL,
            router_seconds: 1800,
            prefix: NdiscPrefixInformation {
                prefix_len: 64,
                flags: NdiscPrefixInfoFlags::ADDRCONF | NdiscPrefixInfoFlags::ON_LINK,
                valid_lifetime: seconds(86400),
                preferred_lifetime: seconds(14400),
                prefix: Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0),
            },
            flags: NdiscRouterFlags::empty(),
            dhcp6: dhcp6::Server::new(),
            mtu: 1500,
            puzzle: Puzzle::default(),
            seen: Vec::new(),
        }
    }

    /// In a network in which a server gives addresses, and nobody makes any.
    pub(crate) fn managed() -> Self {
        let mut host = Self::new();
        host.flags = NdiscRouterFlags::MANAGED;
        host.prefix.flags = NdiscPrefixInfoFlags::ON_LINK;
        host
    }

    /// What it answers to a frame; one that nobody should send fails the test.
    pub(crate) fn answer(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let frame = EthernetFrame::new_checked(bytes).expect("a whole frame");
        assert_eq!(frame.src_addr().0, device::MAC);
        if Puzzle::is_part(bytes) {
            self.seen.push(Kind::Piece(bytes.len() - 14));
            let whole = self.puzzle.add(bytes);
            return whole.map_or_else(Vec::new, |whole| self.answer(&whole));
        }
        match frame.ethertype() {
            EthernetProtocol::Arp => self.answer_arp(frame.payload()),
            EthernetProtocol::Ipv4 => self.answer_ipv4(frame.payload()),
            EthernetProtocol::Ipv6 => self.answer_ipv6(frame.payload()),
            other => panic!("nobody should send {other:?}"),
        }
    }

    fn answer_arp(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.seen.push(Kind::Arp);
        let packet = ArpPacket::new_checked(bytes).expect("whole");
        let ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr,
            source_protocol_addr,
            target_protocol_addr,
            ..
        } = ArpRepr::parse(&packet).expect("legal")
        else {
            panic!("only IPv4 over Ethernet");
        };
        assert_eq!(source_hardware_addr.0, device::MAC);
        if operation != ArpOperation::Request || target_protocol_addr != IPV4 || !self.is_reachable
        {
            return Vec::new();
        }
        vec![arp(ArpOperation::Reply, IPV4, source_protocol_addr)]
    }

    fn answer_ipv4(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let checksums = ChecksumCapabilities::default();
        let packet = Ipv4Packet::new_checked(bytes).expect("whole");
        let ip = Ipv4Repr::parse(&packet, &checksums).expect("legal");
        assert_eq!(ip.next_header, IpProtocol::Udp, "only UDP leaves");
        let udp = UdpPacket::new_checked(packet.payload()).expect("whole");
        let (from, to) = (IpAddress::from(ip.src_addr), IpAddress::from(ip.dst_addr));
        let header = UdpRepr::parse(&udp, &from, &to, &checksums).expect("a good checksum");
        if (header.src_port, header.dst_port) == (68, 67) {
            return self.answer_dhcp(udp.payload());
        }
        assert!(packet.dont_frag());
        self.seen.push(Kind::Datagram);
        let from = SocketAddr::from((ip.dst_addr, header.dst_port));
        let to = SocketAddr::from((ip.src_addr, header.src_port));
        self.send(udp_frame(from, to, udp.payload()))
    }

    fn answer_dhcp(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let packet = DhcpPacket::new_checked(bytes).expect("whole");
        let request = DhcpRepr::parse(&packet).expect("legal");
        self.seen.push(Kind::Dhcp(request.message_type));
        self.dhcp_transaction = request.transaction_id;
        if self.dhcp_is_silent {
            return Vec::new();
        }
        let message_type = match request.message_type {
            DhcpMessageType::Discover => DhcpMessageType::Offer,
            DhcpMessageType::Request => DhcpMessageType::Ack,
            other => panic!("a client does not send {other:?}"),
        };
        let answer = DhcpRepr {
            message_type,
            your_ip: GUEST_IPV4,
            server_ip: IPV4,
            server_identifier: Some(IPV4),
            router: Some(IPV4),
            subnet_mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
            lease_duration: Some(self.lease_seconds),
            requested_ip: None,
            client_identifier: None,
            parameter_request_list: None,
            max_size: None,
            additional_options: &[],
            ..request
        };
        let mut bytes = vec![0; answer.buffer_len()];
        let mut packet = DhcpPacket::new_unchecked(&mut bytes[..]);
        answer.emit(&mut packet).expect("there is room");
        let to = SocketAddr::from((Ipv4Addr::BROADCAST, 68));
        vec![udp_frame((IPV4, 67).into(), to, &bytes)]
    }

    fn answer_ipv6(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let checksums = ChecksumCapabilities::default();
        let packet = Ipv6Packet::new_checked(bytes).expect("whole");
        let ip = Ipv6Repr::parse(&packet).expect("legal");
        if ip.next_header == IpProtocol::Udp {
            let udp = UdpPacket::new_checked(packet.payload()).expect("whole");
            let (from, to) = (IpAddress::from(ip.src_addr), IpAddress::from(ip.dst_addr));
            let header = UdpRepr::parse(&udp, &from, &to, &checksums).expect("a good checksum");
            if (header.src_port, header.dst_port) == (546, 547) {
                assert_eq!(ip.dst_addr, dhcp6::ALL_SERVERS);
                self.seen.push(Kind::Dhcp6(udp.payload()[0]));
                return self.dhcp6.answer(udp.payload());
            }
            self.seen.push(Kind::Datagram);
            let from = SocketAddr::from((ip.dst_addr, header.dst_port));
            let to = SocketAddr::from((ip.src_addr, header.src_port));
            return self.send(udp_frame(from, to, udp.payload()));
        }
        assert_eq!(ip.next_header, IpProtocol::Icmpv6);
        assert_eq!(ip.hop_limit, 255);
        let message = Icmpv6Packet::new_checked(packet.payload()).expect("whole");
        let parsed = Icmpv6Repr::parse(&ip.src_addr, &ip.dst_addr, &message, &checksums);
        self.seen
            .push(Kind::Discovery(u8::from(message.msg_type())));
        match parsed.expect("legal") {
            Icmpv6Repr::Ndisc(NdiscRepr::RouterSolicit { .. }) => vec![self.advertisement()],
            Icmpv6Repr::Ndisc(NdiscRepr::NeighborSolicit { target_addr, .. })
                if [IPV6, LINK_LOCAL].contains(&target_addr) && self.is_reachable =>
            {
                let message = NdiscRepr::NeighborAdvert {
                    flags: NdiscNeighborFlags::SOLICITED,
                    target_addr,
                    lladdr: Some(RawHardwareAddress::from_bytes(&MAC)),
                };
                vec![discovery(target_addr, ip.src_addr, message)]
            }
            Icmpv6Repr::Ndisc(
                NdiscRepr::NeighborSolicit { .. } | NdiscRepr::NeighborAdvert { .. },
            ) => Vec::new(),
            other => panic!("nobody should send {other:?}"),
        }
    }

    fn send(&self, frame: Vec<u8>) -> Vec<Vec<u8>> {
        match frame.len() - 14 <= self.mtu {
            true => vec![frame],
            false => pieces::cut(&frame, self.mtu, 77),
        }
    }

    /// A server's offer to nobody in particular.
    pub(crate) fn offer(&self) -> Vec<u8> {
        self.dhcp_message(DhcpMessageType::Offer, 7, IPV4, GUEST_IPV4)
    }

    /// What that server says to the last question: `address`, and that itself is the gateway.
    pub(crate) fn dhcp_answer(
        &self,
        kind: DhcpMessageType,
        server: Ipv4Addr,
        address: Ipv4Addr,
    ) -> Vec<u8> {
        self.dhcp_message(kind, self.dhcp_transaction, server, address)
    }

    fn dhcp_message(
        &self,
        message_type: DhcpMessageType,
        transaction_id: u32,
        server: Ipv4Addr,
        address: Ipv4Addr,
    ) -> Vec<u8> {
        let message = DhcpRepr {
            message_type,
            transaction_id,
            secs: 0,
            client_hardware_address: EthernetAddress(device::MAC),
            client_ip: Ipv4Addr::UNSPECIFIED,
            your_ip: address,
            server_ip: server,
            router: Some(server),
            subnet_mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
            relay_agent_ip: Ipv4Addr::UNSPECIFIED,
            broadcast: false,
            requested_ip: None,
            client_identifier: None,
            server_identifier: Some(server),
            parameter_request_list: None,
            dns_servers: None,
            max_size: None,
            lease_duration: Some(self.lease_seconds),
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        };
        let mut bytes = vec![0; message.buffer_len()];
        let mut packet = DhcpPacket::new_unchecked(&mut bytes[..]);
        message.emit(&mut packet).expect("there is room");
        let to = SocketAddr::from((GUEST_IPV4, 68));
        udp_frame((server, 67).into(), to, &bytes)
    }

    pub(crate) fn advertisement(&self) -> Vec<u8> {
        let seconds = smoltcp::time::Duration::from_secs;
        let message = NdiscRepr::RouterAdvert {
            hop_limit: 64,
            flags: self.flags,
            router_lifetime: seconds(self.router_seconds),
            reachable_time: seconds(0),
            retrans_time: seconds(0),
            lladdr: Some(RawHardwareAddress::from_bytes(&MAC)),
            mtu: None,
            prefix_info: Some(self.prefix),
        };
        discovery(self.router, ALL_NODES, message)
    }
}

pub(crate) fn arp(operation: ArpOperation, source: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let message = ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: EthernetAddress(MAC),
        source_protocol_addr: source,
        target_hardware_addr: EthernetAddress(device::MAC),
        target_protocol_addr: target,
    };
    let mut bytes = ethernet(EthernetProtocol::Arp, message.buffer_len());
    message.emit(&mut ArpPacket::new_unchecked(&mut bytes[14..]));
    bytes
}

pub(crate) fn discovery(from: Ipv6Addr, to: Ipv6Addr, message: NdiscRepr<'_>) -> Vec<u8> {
    icmpv6(from, to, &Icmpv6Repr::Ndisc(message), 255)
}

pub(crate) fn icmpv4(message: &Icmpv4Repr<'_>) -> Vec<u8> {
    let checksums = ChecksumCapabilities::default();
    let ip = Ipv4Repr {
        src_addr: IPV4,
        dst_addr: GUEST_IPV4,
        next_header: IpProtocol::Icmp,
        payload_len: message.buffer_len(),
        hop_limit: 64,
    };
    let length = ip.buffer_len() + ip.payload_len;
    let mut frame = ethernet(EthernetProtocol::Ipv4, length);
    let mut packet = Ipv4Packet::new_unchecked(&mut frame[14..]);
    ip.emit(&mut packet, &checksums);
    message.emit(
        &mut Icmpv4Packet::new_unchecked(packet.payload_mut()),
        &checksums,
    );
    frame
}

pub(crate) fn icmpv6(
    from: Ipv6Addr,
    to: Ipv6Addr,
    message: &Icmpv6Repr<'_>,
    hop_limit: u8,
) -> Vec<u8> {
    let ip = Ipv6Repr {
        src_addr: from,
        dst_addr: to,
        next_header: IpProtocol::Icmpv6,
        payload_len: message.buffer_len(),
        hop_limit,
    };
    let mut bytes = ethernet(EthernetProtocol::Ipv6, ip.buffer_len() + ip.payload_len);
    let mut packet = Ipv6Packet::new_unchecked(&mut bytes[14..]);
    ip.emit(&mut packet);
    let mut inner = Icmpv6Packet::new_unchecked(packet.payload_mut());
    message.emit(&from, &to, &mut inner, &ChecksumCapabilities::default());
    bytes
}

/// A datagram on the wire, to the device under test.
pub(crate) fn udp_frame(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let header = UdpRepr {
        src_port: from.port(),
        dst_port: to.port(),
    };
    let payload_len = header.header_len() + payload.len();
    let checksums = ChecksumCapabilities::default();
    let (mut bytes, at) = match (from.ip(), to.ip()) {
        (IpAddr::V4(src_addr), IpAddr::V4(dst_addr)) => {
            let ip = Ipv4Repr {
                src_addr,
                dst_addr,
                next_header: IpProtocol::Udp,
                payload_len,
                hop_limit: 64,
            };
            let mut bytes = ethernet(EthernetProtocol::Ipv4, ip.buffer_len() + payload_len);
            ip.emit(&mut Ipv4Packet::new_unchecked(&mut bytes[14..]), &checksums);
            (bytes, 34)
        }
        (IpAddr::V6(src_addr), IpAddr::V6(dst_addr)) => {
            let ip = Ipv6Repr {
                src_addr,
                dst_addr,
                next_header: IpProtocol::Udp,
                payload_len,
                hop_limit: 64,
            };
            let mut bytes = ethernet(EthernetProtocol::Ipv6, ip.buffer_len() + payload_len);
            ip.emit(&mut Ipv6Packet::new_unchecked(&mut bytes[14..]));
            (bytes, 54)
        }
        _ => panic!("addresses of one kind"),
    };
    header.emit(
        &mut UdpPacket::new_unchecked(&mut bytes[at..]),
        &from.ip().into(),
        &to.ip().into(),
        payload.len(),
        |place| place.copy_from_slice(payload),
        &checksums,
    );
    bytes
}

pub(crate) fn ethernet(kind: EthernetProtocol, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; 14 + length];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    frame.set_src_addr(EthernetAddress(MAC));
    frame.set_dst_addr(EthernetAddress(device::MAC));
    frame.set_ethertype(kind);
    bytes
}
