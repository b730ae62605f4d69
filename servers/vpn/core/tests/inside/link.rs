//! What the guest's link tells it: lease, router, neighbours. The guest of smoltcp is a stranger's.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use frame_api::{Checksum, GATEWAY_ADDRESS, GUEST_ADDRESS};
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::{dhcpv4, tcp};
use smoltcp::time::Instant;
use smoltcp::wire::{
    EthernetAddress, HardwareAddress, Icmpv6Packet, IpCidr, Ipv4Cidr, NdiscRepr, TcpControl,
};
use vpn_core::inside::{FromGuest, Inside, Refusal, SERVICE_ADDRESS, SERVICE_ADDRESS_6};

use crate::guest::{
    CHOSEN_6, MTU, OWN, OWN_6, REMOTE, assert_right, at, inside, ip, ping, receive, said, send,
    tcp as segment,
};

/// A network card whose wire is the gateway.
struct Card<'a> {
    inside: &'a mut Inside,
    /// What went to the tunnel.
    sent: Vec<Vec<u8>>,
    /// What comes from the tunnel: frames, as they left the gateway.
    received: Vec<Vec<u8>>,
}

struct Incoming(Vec<u8>);
struct Outgoing<'b, 'a>(&'b mut Card<'a>);

impl RxToken for Incoming {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, use_frame: F) -> R {
        use_frame(&self.0)
    }
}

impl TxToken for Outgoing<'_, '_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, make: F) -> R {
        let mut frame = vec![0; length];
        let result = make(&mut frame);
        if let FromGuest::Packet(range) =
            self.0
                .inside
                .from_guest(&mut frame, Checksum::Unchecked, at(1))
        {
            self.0.sent.push(frame[range].to_vec());
        }
        result
    }
}

impl<'a> Device for Card<'a> {
    type RxToken<'b>
        = Incoming
    where
        Self: 'b;
    type TxToken<'b>
        = Outgoing<'b, 'a>
    where
        Self: 'b;

    fn receive(&mut self, _: Instant) -> Option<(Incoming, Outgoing<'_, 'a>)> {
        let frame = self.inside.next_frame().or_else(|| self.received.pop())?;
        Some((Incoming(frame), Outgoing(self)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outgoing<'_, 'a>> {
        Some(Outgoing(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

#[test]
fn a_stranger_gets_a_lease_and_a_connection() {
    let mut inside = inside();
    let mut card = Card {
        inside: &mut inside,
        sent: Vec::new(),
        received: Vec::new(),
    };
    let config = Config::new(HardwareAddress::Ethernet(EthernetAddress(GUEST_ADDRESS)));
    let mut interface = Interface::new(config, &mut card, Instant::from_millis(0));
    let mut sockets = SocketSet::new(Vec::new());
    let mut answer = [0; 600];
    let mut client = dhcpv4::Socket::new();
    client.set_receive_packet_buffer(&mut answer);
    let lease = sockets.add(client);
    let buffer = || tcp::SocketBuffer::new(vec![0; 4096]);
    let stream = sockets.add(tcp::Socket::new(buffer(), buffer()));
    let mut configured = false;
    for time in 0..100 {
        interface.poll(Instant::from_millis(time * 100), &mut card, &mut sockets);
        let event = sockets.get_mut::<dhcpv4::Socket<'_>>(lease).poll();
        if let Some(dhcpv4::Event::Configured(config)) = event {
            assert_eq!(config.address, Ipv4Cidr::new(OWN, 31));
            assert_eq!(config.router, Some(Ipv4Addr::new(10, 66, 0, 3)));
            assert_eq!(config.dns_servers.as_slice(), [SERVICE_ADDRESS]);
            let packet = config.packet.expect("it is kept");
            let mtu = packet.options().find(|option| option.kind == 26);
            assert_eq!(mtu.expect("it is told").data, MTU.to_be_bytes());
            let search = packet.options().find(|option| option.kind == 119);
            let domains = b"\x03lab\x07example\0\x04test\0";
            assert_eq!(search.expect("it is told").data, domains);
            interface.update_ip_addrs(|addresses| {
                addresses
                    .push(IpCidr::Ipv4(config.address))
                    .expect("there is room");
            });
            let router = config.router.expect("it is told");
            interface
                .routes_mut()
                .add_default_ipv4_route(router)
                .expect("there is room");
            let socket = sockets.get_mut::<tcp::Socket<'_>>(stream);
            let context = interface.context();
            socket
                .connect(context, (REMOTE, 80), 4000)
                .expect("it is closed");
            configured = true;
        }
        if let Some(packet) = card.sent.pop() {
            let (source, destination, opening) = assert_right(&packet);
            assert_eq!((source, destination), (OWN.into(), REMOTE.into()));
            assert_eq!(opening[13] & 2, 2, "it is a SYN");
            assert!(configured);
            return;
        }
    }
    panic!("there was no connection");
}

fn arp(operation: u8, source: [u8; 6], target: Ipv4Addr) -> Vec<u8> {
    let mut payload = vec![0, 1, 8, 0, 6, 4, 0, operation];
    payload.extend(source);
    payload.extend(OWN.octets());
    payload.extend([0; 6]);
    payload.extend(target.octets());
    crate::guest::frame_of(smoltcp::wire::EthernetProtocol::Arp, &payload)
}

#[test]
fn arp_is_answered_for_the_gateway_only() {
    let mut inside = inside();
    for (target, answered) in [
        (Ipv4Addr::new(10, 66, 0, 3), true),
        (SERVICE_ADDRESS, true),
        (OWN, false),
        (REMOTE, false),
        (Ipv4Addr::new(10, 66, 0, 1), false),
    ] {
        let mut frame = arp(1, GUEST_ADDRESS, target);
        let taken = inside.from_guest(&mut frame, Checksum::Unchecked, at(1));
        assert_eq!(taken, FromGuest::Taken);
        let answer = inside.next_frame();
        assert_eq!(answer.is_some(), answered, "{target}");
        if let Some(answer) = answer {
            assert_eq!(answer[..6], GUEST_ADDRESS);
            assert_eq!(
                answer[20..28],
                [[0, 2].as_slice(), &GATEWAY_ADDRESS].concat()
            );
            assert_eq!(answer[28..32], target.octets());
        }
    }
    let mut foreign = arp(1, [2, 0, 0, 0, 0, 9], SERVICE_ADDRESS);
    let refused = inside.from_guest(&mut foreign, Checksum::Unchecked, at(1));
    assert_eq!(refused, FromGuest::Refused(Refusal::Link));
    assert_eq!(inside.next_frame(), None);
}

/// A message of neighbour discovery.
fn discovery(source: Ipv6Addr, destination: Ipv6Addr, hops: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = ip(
        source,
        destination,
        smoltcp::wire::IpProtocol::Icmpv6,
        body.len(),
        |room, _, _| {
            room.copy_from_slice(body);
            Icmpv6Packet::new_unchecked(room).fill_checksum(&source, &destination);
        },
    );
    packet[7] = hops;
    packet
}

const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x53, 0x4bff, 0xfe00, 2);
const GATEWAY: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x53, 0x4bff, 0xfe00, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

#[test]
fn the_router_says_what_an_address_is_made_of() {
    let mut inside = inside();
    let solicitation = discovery(LINK_LOCAL, ALL_ROUTERS, 255, &[133, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(send(&mut inside, &solicitation, at(1)), Ok(Vec::new()));
    let answer = said(&mut inside).expect("it is answered");
    let (source, _, message) = assert_right(&answer);
    assert_eq!(source, IpAddr::from(GATEWAY));
    assert_eq!(answer[7], 255);
    let view = Icmpv6Packet::new_checked(message).expect("it is whole");
    let Ok(NdiscRepr::RouterAdvert {
        router_lifetime,
        mtu,
        prefix_info: Some(prefix),
        ..
    }) = NdiscRepr::parse(&view)
    else {
        panic!("{message:02x?}");
    };
    assert!(router_lifetime.secs() > 600);
    assert_eq!(mtu, Some(MTU.into()));
    assert_eq!(
        (prefix.prefix, prefix.prefix_len),
        ("fd00:66::".parse().expect("it is one"), 64)
    );
    assert_eq!(prefix.flags.bits(), 0x40, "autonomous, not on link");
    let resolvers = &message[message.len() - 24..];
    assert_eq!(resolvers[..2], [25, 3]);
    assert_eq!(resolvers[8..], SERVICE_ADDRESS_6.octets());
    let routed = discovery(LINK_LOCAL, ALL_ROUTERS, 254, &[133, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(send(&mut inside, &routed, at(1)), Err(Refusal::Malformed));
}

#[test]
fn the_router_speaks_unasked() {
    let mut inside = inside();
    assert_eq!(inside.next_deadline(), at(0));
    let mut advertisements = 0;
    for seconds in 0..1000 {
        inside.on_deadline(at(seconds));
        assert!(inside.next_deadline() > at(seconds));
        while said(&mut inside).is_some() {
            advertisements += 1;
        }
    }
    assert_eq!(advertisements, 5);
}

#[test]
fn neighbours_are_told_of_the_gateway_only() {
    let mut inside = inside();
    for (target, answered) in [
        (GATEWAY, true),
        (SERVICE_ADDRESS_6, true),
        (CHOSEN_6, false),
        (OWN_6, false),
    ] {
        let mut body = vec![135, 0, 0, 0, 0, 0, 0, 0];
        body.extend(target.octets());
        for source in [LINK_LOCAL, Ipv6Addr::UNSPECIFIED] {
            let packet = discovery(
                source,
                "ff02::1:ff00:1".parse().expect("it is one"),
                255,
                &body,
            );
            assert_eq!(send(&mut inside, &packet, at(1)), Ok(Vec::new()));
            let answer = said(&mut inside);
            assert_eq!(answer.is_some(), answered, "{target}");
            if let Some(answer) = answer {
                let (_, _, message) = assert_right(&answer);
                assert_eq!(message[0], 136);
                assert_eq!(message[8..24], target.octets());
                assert_eq!(message[26..32], GATEWAY_ADDRESS);
            }
        }
    }
}

#[test]
fn the_gateway_answers_pings_and_offers_nothing_else() {
    let mut inside = inside();
    for packet in [
        ping(OWN, SERVICE_ADDRESS, 9),
        ping(CHOSEN_6, SERVICE_ADDRESS_6, 9),
        ping(LINK_LOCAL, GATEWAY, 9),
    ] {
        assert_eq!(send(&mut inside, &packet, at(1)), Ok(Vec::new()));
        let answer = said(&mut inside).expect("it is answered");
        let (_, _, message) = assert_right(&answer);
        let (_, _, request) = assert_right(&packet);
        assert!([0, 129].contains(&message[0]));
        assert_eq!(message[4..], request[4..]);
    }
    let opening = segment(OWN, SERVICE_ADDRESS, (4000, 80), TcpControl::Syn, b"");
    assert_eq!(send(&mut inside, &opening, at(1)), Err(Refusal::NoService));
    let answer = said(&mut inside).expect("it is answered");
    assert_eq!(assert_right(&answer).2[..2], [3, 3]);
    // Nobody outside speaks with it.
    assert_eq!(
        receive(&mut inside, &ping(REMOTE, SERVICE_ADDRESS, 1), at(1)),
        Err(Refusal::NoAddress)
    );
}

#[test]
fn without_an_address_nothing_is_offered() {
    let configuration = vpn_core::inside::Configuration {
        mtu: MTU,
        flows_per_second: 10,
        ..Default::default()
    };
    let mut inside = Inside::new(configuration, [1; 32], at(0));
    assert_eq!(inside.next_deadline(), core::time::Duration::MAX);
    let solicitation = discovery(LINK_LOCAL, ALL_ROUTERS, 255, &[133, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        send(&mut inside, &solicitation, at(1)),
        Err(Refusal::NoAddress)
    );
    assert_eq!(
        send(&mut inside, &ping(OWN, REMOTE, 1), at(1)),
        Err(Refusal::NoAddress)
    );
    assert_eq!(
        receive(&mut inside, &ping(REMOTE, OWN, 1), at(1)),
        Err(Refusal::NoAddress)
    );
    let mut frame = arp(1, GUEST_ADDRESS, SERVICE_ADDRESS);
    let refused = inside.from_guest(&mut frame, Checksum::Unchecked, at(1));
    assert_eq!(refused, FromGuest::Refused(Refusal::NoAddress));
}
