//! What `net` does with hostile devices, wires and clients.

use std::time::Duration;

use datagram_api::{DATA_AREA_SIZE, Datagram, Incoming, QUEUE_LENGTH};
use dma::DmaRegion;
use net_core::counters::Reason;
use net_core::settings::{Ipv4Setting, Ipv6Setting};
use net_core::{BrokenDevice, Driver};
use proptest::prelude::*;
use smoltcp::wire::{
    ArpOperation, Icmpv4DstUnreachable, Icmpv4Packet, Icmpv4Repr, Icmpv6DstUnreachable, Icmpv6Repr,
    IpProtocol, Ipv4Packet, Ipv4Repr, Ipv6Repr, NdiscNeighborFlags, NdiscPrefixInfoFlags,
    NdiscRepr, RawHardwareAddress,
};
use virtio::{StartError, Transport, status};

use crate::machine::device::{self, Device, Inside, RECEIVE, TRANSMIT};
use crate::machine::host::{self, GUEST_IPV4, GUEST_IPV6, Host, Kind};
use crate::machine::{Heard, Machine, PORTS, Peer};
use crate::noise::Noise;

/// How a device differs from an honest one.
type Change = fn(&mut Inside);

const ECHO: &str = "10.0.2.2:7";

/// A datagram for the first client.
fn datagram() -> Vec<u8> {
    let to = (GUEST_IPV4, PORTS[0]).into();
    host::udp_frame((host::IPV4, 7).into(), to, b"honest")
}

#[test]
fn devices_that_do_not_serve_are_refused() {
    let cases: [(Change, StartError); 5] = [
        (
            |device| device.features = device::MAC_FEATURE,
            StartError::MissingFeature,
        ),
        (
            |device| device.features = device::VERSION_1,
            StartError::MissingFeature,
        ),
        (|device| device.size_limit = 0, StartError::NoQueue),
        (|device| device.size_limit = 100, StartError::NoQueue),
        (
            |device| device.refuses_interrupt = true,
            StartError::NoInterrupt,
        ),
    ];
    for (change, error) in cases {
        let device = Device::new();
        change(&mut device.0.borrow_mut());
        let (rings, buffers) = device.memory();
        let region = |memory| DmaRegion::new(memory).expect("it has an address");
        let driver = Driver::start(device.clone(), region(rings), region(buffers));
        assert_eq!(driver.err(), Some(error));
        assert_ne!(device.status() & status::FAILED, 0);
        assert_eq!(device.status() & status::DRIVER_OK, 0);
    }
}

#[test]
fn small_queues_serve() {
    let device = Device::new();
    device.0.borrow_mut().size_limit = 4;
    let mut machine = Machine::with(device, Ipv4Setting::Dhcp, Ipv6Setting::Auto);
    let mut host = Host::new();
    machine.wait_with(Duration::from_secs(60), &mut host);
    machine.heard(0);
    for round in 0..20 {
        assert!(machine.send(0, ECHO, &[round; 700]));
        machine.run_with(&mut host);
        assert_eq!(machine.payloads(0).len(), 1);
    }
}

#[test]
fn a_device_that_breaks_the_rules_is_reset_for_good() {
    let cases: [Change; 9] = [
        // More buffers than there are, one that does not exist, too much or too little written into one.
        |device| device.set_used_index(RECEIVE, u16::MAX),
        |device| device.report(RECEIVE, 256, 100),
        |device| device.report(RECEIVE, u32::MAX, 100),
        |device| device.report(RECEIVE, 0, 2049),
        |device| device.report(RECEIVE, 0, u32::MAX),
        |device| device.report(RECEIVE, 0, 11),
        // Sent what is not out, or the second half of it; the index going backwards.
        |device| device.report(TRANSMIT, 100, 0),
        |device| device.report(TRANSMIT, 1, 0),
        |device| device.set_used_index(TRANSMIT, u16::MAX),
    ];
    for misbehave in cases {
        let (mut machine, mut host) = Machine::settled();
        assert!(machine.send(0, ECHO, b"hello"));
        machine.run_with(&mut host);
        assert!(machine.send(0, ECHO, b"on its way"));
        let turn = machine.network.turn(machine.now);
        turn.expect("an honest device");
        let resets = machine.device.0.borrow().resets;
        misbehave(&mut machine.device.0.borrow_mut());
        for _ in 0..2 {
            assert_eq!(machine.network.turn(machine.now), Err(BrokenDevice));
        }
        assert_eq!(machine.device.0.borrow().resets, resets + 1);
        assert_eq!(machine.device.status(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_device_breaks_the_program(
        scribbles in proptest::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 0..40),
        reports in proptest::collection::vec((0usize..2, 0u32..300, 0u32..3000), 0..20),
    ) {
        let (mut machine, _) = Machine::settled();
        let (rings, _) = machine.device.memory();
        for _ in 0..10 {
            machine.send(0, ECHO, b"hello");
        }
        let mut reports = reports.into_iter();
        for (place, word) in scribbles {
            rings.write_u64_at(place.index(rings.len() - 8), word).expect("inside");
            if machine.device.0.borrow().queues[RECEIVE].is_some()
                && let Some((queue, id, written)) = reports.next()
            {
                machine.device.0.borrow_mut().report(queue, id, written);
            }
            if machine.network.turn(machine.now).is_err() {
                break;
            }
            machine.heard(0);
        }
    }
}

/// A change to a good datagram, and why it is dropped then.
type Damage = (fn(&mut Vec<u8>), Reason);

#[test]
fn damaged_datagrams_are_dropped_for_what_is_wrong() {
    let cases: [Damage; 17] = [
        (|frame| frame.truncate(13), Reason::Malformed),
        (|frame| frame.truncate(33), Reason::Malformed),
        (|frame| frame.truncate(40), Reason::Malformed),
        (|frame| frame.clear(), Reason::Malformed),
        (|frame| frame[5] ^= 4, Reason::NotForUs),
        (|frame| frame[12] = 0x88, Reason::OtherProtocol),
        (|frame| frame[14] = 0x65, Reason::Malformed),
        (|frame| frame[14] = 0x44, Reason::Malformed),
        (|frame| frame[14] = 0x4f, Reason::Malformed),
        (|frame| frame[17] = 0xff, Reason::Malformed),
        (|frame| frame[22] ^= 1, Reason::BadChecksum),
        (|frame| patch_ip(frame, 20, 0x20), Reason::Fragment),
        (|frame| patch_ip(frame, 21, 1), Reason::Fragment),
        (|frame| patch_ip(frame, 23, 6), Reason::OtherProtocol),
        (|frame| patch_ip(frame, 30, 224), Reason::NotForUs),
        (|frame| patch_ip(frame, 26, 224), Reason::BadSource),
        (
            |frame| *frame.last_mut().expect("not empty") ^= 1,
            Reason::BadChecksum,
        ),
    ];
    let (mut machine, _) = Machine::settled();
    for (number, (damage, reason)) in cases.into_iter().enumerate() {
        let mut frame = datagram();
        damage(&mut frame);
        let before = machine.network.counters().dropped_for(reason);
        assert!(machine.device.inject(&frame));
        machine.run();
        let counters = machine.network.counters();
        assert_eq!(
            counters.dropped_for(reason),
            before + 1,
            "case {number}: {counters}"
        );
    }
    assert!(
        machine.device.take_sent().is_empty(),
        "nothing is said to that"
    );
    assert_eq!(machine.payloads(0), []);
    assert!(machine.device.inject(&datagram()));
    machine.run();
    assert_eq!(machine.payloads(0).len(), 1);
}

/// Changes a byte of the IPv4 header and makes its checksum right again.
fn patch_ip(frame: &mut [u8], at: usize, byte: u8) {
    frame[at] = byte;
    Ipv4Packet::new_unchecked(&mut frame[14..]).fill_checksum();
}

#[test]
fn ports_of_nobody_and_pings_get_no_answer() {
    let (mut machine, _) = Machine::settled();
    let to_nobody = host::udp_frame((host::IPV4, 7).into(), (GUEST_IPV4, 9).into(), b"open?");
    let ping = host::icmpv4(&Icmpv4Repr::EchoRequest {
        ident: 1,
        seq_no: 1,
        data: b"alive?",
    });
    let ping6 = Icmpv6Repr::EchoRequest {
        ident: 1,
        seq_no: 1,
        data: b"alive?",
    };
    let ping6 = host::icmpv6(host::IPV6, GUEST_IPV6, &ping6, 64);
    let to_all = host::arp(ArpOperation::Request, host::IPV4, host::IPV4);
    for frame in [to_nobody, ping, ping6, to_all] {
        assert!(machine.device.inject(&frame));
    }
    machine.run();
    assert!(machine.device.take_sent().is_empty());
    assert_eq!(machine.network.counters().dropped_for(Reason::NoClient), 1);
    assert_eq!(
        machine.network.counters().dropped_for(Reason::UselessError),
        2
    );
}

#[test]
fn questions_for_our_addresses_are_answered() {
    let (mut machine, mut host) = Machine::settled();
    let arp = host::arp(ArpOperation::Request, host::IPV4, GUEST_IPV4);
    let lladdr = Some(RawHardwareAddress::from_bytes(&host::MAC));
    let target_addr = GUEST_IPV6;
    let solicitation = NdiscRepr::NeighborSolicit {
        target_addr,
        lladdr,
    };
    let near = host::discovery(host::IPV6, GUEST_IPV6, solicitation);
    let far = host::icmpv6(host::IPV6, GUEST_IPV6, &Icmpv6Repr::Ndisc(solicitation), 64);
    for frame in [arp, near, far] {
        assert!(machine.device.inject(&frame));
    }
    machine.run_with(&mut host);
    assert_eq!(host.seen, [Kind::Arp, Kind::Discovery(136)]);
}

#[test]
fn neighbours_cannot_be_impersonated_while_they_are_known() {
    let (mut machine, mut host) = Machine::settled();
    assert!(machine.send(0, "[fec0::2]:7", b"hello"));
    assert!(machine.send(0, ECHO, b"hello"));
    machine.run_with(&mut host);
    machine.heard(0);
    let advertisement = NdiscRepr::NeighborAdvert {
        flags: NdiscNeighborFlags::OVERRIDE,
        target_addr: host::IPV6,
        lladdr: Some(RawHardwareAddress::from_bytes(&[2, 6, 6, 6, 6, 6])),
    };
    let advertisement = host::discovery(host::IPV6, GUEST_IPV6, advertisement);
    let mut reply = host::arp(ArpOperation::Reply, host::IPV4, GUEST_IPV4);
    reply[22..28].copy_from_slice(&[2, 6, 6, 6, 6, 6]);
    assert!(machine.device.inject(&advertisement));
    assert!(machine.device.inject(&reply));
    machine.run();
    for to in ["[fec0::2]:7", ECHO] {
        assert!(machine.send(0, to, b"still there?"));
        machine.run();
        let sent = machine.device.take_sent();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0][..6], host::MAC);
    }
}

#[test]
fn routers_that_advertise_nonsense_are_not_believed() {
    let seconds = smoltcp::time::Duration::from_secs;
    let cases: [fn(&mut Host); 7] = [
        // Preferred for longer than it is valid (RFC 4862, section 5.5.3 c).
        |host| host.prefix.preferred_lifetime = host.prefix.valid_lifetime * 2,
        |host| host.prefix.prefix = "ff00::".parse().expect("legal"),
        |host| host.prefix.prefix = "::".parse().expect("legal"),
        |host| host.prefix.prefix = "fe80::".parse().expect("legal"),
        |host| host.prefix.prefix_len = 255,
        |host| host.prefix.prefix_len = 63,
        |host| host.prefix.flags = NdiscPrefixInfoFlags::ON_LINK,
    ];
    for change in cases {
        let mut machine = Machine::new();
        let mut host = Host::new();
        change(&mut host);
        machine.wait_with(Duration::from_secs(30), &mut host);
        assert_eq!(machine.network.addresses().ipv6, None);
    }
    // Nobody shortens the life of an address to nothing, and a second prefix changes nothing.
    let (mut machine, mut host) = Machine::settled();
    let address = |machine: &Machine| machine.network.addresses().ipv6.map(|ipv6| ipv6.address);
    let before = address(&machine);
    host.prefix.valid_lifetime = seconds(1);
    host.prefix.preferred_lifetime = seconds(1);
    assert!(machine.device.inject(&host.advertisement()));
    host.prefix.prefix = "2001:db8::".parse().expect("legal");
    assert!(machine.device.inject(&host.advertisement()));
    host.is_reachable = false;
    machine.wait_with(Duration::from_secs(60), &mut host);
    assert_eq!(address(&machine), before);
    assert!(before.is_some());
}

/// An error about a datagram of the first client to the echo, or another place.
fn error_about(port: u16, reason: Icmpv4DstUnreachable) -> Vec<u8> {
    let header = Ipv4Repr {
        src_addr: GUEST_IPV4,
        dst_addr: host::IPV4,
        next_header: IpProtocol::Udp,
        payload_len: 20,
        hop_limit: 63,
    };
    let [high, low] = PORTS[0].to_be_bytes();
    let [to_high, to_low] = port.to_be_bytes();
    let data = [high, low, to_high, to_low, 0, 20, 0, 0];
    let data = &data;
    host::icmpv4(&Icmpv4Repr::DstUnreachable {
        reason,
        header,
        data,
    })
}

#[test]
fn errors_about_our_datagrams_are_passed_on() {
    let (mut machine, mut host) = Machine::settled();
    assert!(machine.send(0, ECHO, b"hello"));
    machine.run_with(&mut host);
    machine.heard(0);
    // Unreachable: told, but not more often than once a second.
    let unreachable = error_about(7, Icmpv4DstUnreachable::PortUnreachable);
    for _ in 0..10 {
        assert!(machine.device.inject(&unreachable));
    }
    machine.run();
    let to = ECHO.parse().expect("an address");
    assert_eq!(
        machine.heard(0),
        [Heard::Other(Incoming::Unreachable { to })]
    );
    assert_eq!(
        machine.network.counters().dropped_for(Reason::UselessError),
        9
    );
    // The other client has nothing to do with this.
    assert_eq!(machine.heard(1), []);
}

#[test]
fn errors_over_ipv6_are_passed_on_too() {
    let (mut machine, mut host) = Machine::settled();
    assert!(machine.send(1, "[fec0::2]:7", b"hello"));
    machine.run_with(&mut host);
    machine.heard(1);
    let header = Ipv6Repr {
        src_addr: GUEST_IPV6,
        dst_addr: host::IPV6,
        next_header: IpProtocol::Udp,
        payload_len: 20,
        hop_limit: 63,
    };
    let [high, low] = PORTS[1].to_be_bytes();
    let data = &[high, low, 0, 7, 0, 20, 0, 0];
    let reason = Icmpv6DstUnreachable::PortUnreachable;
    let unreachable = Icmpv6Repr::DstUnreachable {
        reason,
        header,
        data,
    };
    let frame = host::icmpv6(host::IPV6, GUEST_IPV6, &unreachable, 64);
    assert!(machine.device.inject(&frame));
    machine.run();
    let to = "[fec0::2]:7".parse().expect("an address");
    assert_eq!(
        machine.heard(1),
        [Heard::Other(Incoming::Unreachable { to })]
    );
}

#[test]
fn errors_about_what_was_not_sent_are_not_believed() {
    let (mut machine, mut host) = Machine::settled();
    assert!(machine.send(0, ECHO, b"hello"));
    machine.run_with(&mut host);
    machine.heard(0);
    let reason = Icmpv4DstUnreachable::PortUnreachable;
    let mut damaged = error_about(7, reason);
    damaged[45] ^= 1;
    // Of another port; about another machine's; without the ports; of another kind.
    let mut of_nobody = error_about(7, reason);
    of_nobody[62] ^= 1;
    let mut of_another = error_about(7, reason);
    of_another[57] ^= 1;
    for frame in [&mut of_nobody, &mut of_another] {
        Icmpv4Packet::new_unchecked(&mut frame[34..]).fill_checksum();
    }
    for frame in [damaged, of_nobody, of_another, error_about(8, reason)] {
        assert!(machine.device.inject(&frame));
    }
    machine.run();
    assert_eq!(machine.heard(0), []);
    assert_eq!(
        machine.network.counters().dropped_for(Reason::BadChecksum),
        1
    );
    assert_eq!(
        machine.network.counters().dropped_for(Reason::UselessError),
        3
    );
}

#[test]
fn a_client_that_broke_the_rules_is_heard_when_it_is_started_afresh() {
    let illegal = Datagram {
        address: [0; 16],
        data: u32::MAX,
        length: u32::MAX,
        port: 7,
        kind: 0,
        value: 0,
    };
    let breaks: [fn(&mut Peer, &Datagram); 2] = [
        |peer, illegal| peer.requests.push(illegal).expect("there is room"),
        |peer, _| {
            let output = peer.channel.output();
            output.write_u64_at(0, 1 << 40).expect("inside");
        },
    ];
    for break_rules in breaks {
        let (mut machine, mut host) = Machine::settled();
        // Some frames of its first life are still with the device.
        for _ in 0..3 {
            assert!(machine.send(0, ECHO, b"hello"));
        }
        let turn = machine.network.turn(machine.now);
        assert!(turn.is_ok());
        break_rules(&mut machine.peers[0], &illegal);
        assert!(machine.network.turn(machine.now).is_ok());
        machine.peers[0].start_again();
        machine.run_with(&mut host);
        machine.heard(0);
        machine.run_with(&mut host);
        assert!(machine.send(0, ECHO, b"again"));
        machine.run_with(&mut host);
        let back = Heard::Payload(ECHO.parse().expect("an address"), b"again".to_vec());
        assert_eq!(machine.payloads(0), [back]);
    }
}

#[test]
fn a_client_that_breaks_the_rules_is_cut_off_alone() {
    let area = u32::try_from(DATA_AREA_SIZE).expect("areas are small");
    let legal = Datagram {
        address: [0; 16],
        data: 0,
        length: 1,
        port: 7,
        kind: 0,
        value: 0,
    };
    let wild = [
        Datagram { kind: 3, ..legal },
        Datagram {
            length: 2049,
            ..legal
        },
        Datagram {
            data: area,
            ..legal
        },
        Datagram {
            data: u32::MAX,
            length: u32::MAX,
            ..legal
        },
    ];
    for message in wild {
        let (mut machine, mut host) = Machine::settled();
        let pushed = machine.peers[0].requests.push(&message);
        pushed.expect("there is room");
        machine.run();
        assert!(machine.send(0, ECHO, b"hello"));
        assert!(machine.device.inject(&datagram()));
        assert!(machine.send(1, ECHO, b"hello"));
        machine.run_with(&mut host);
        assert_eq!(machine.payloads(0), []);
        assert_eq!(machine.payloads(1).len(), 1);
    }
    // Counts that cannot be.
    let (mut machine, mut host) = Machine::settled();
    let output = machine.peers[0].channel.output();
    output.write_u64_at(0, 1 << 40).expect("inside");
    machine.run();
    assert!(machine.send(1, ECHO, b"hello"));
    machine.run_with(&mut host);
    assert_eq!(machine.payloads(1).len(), 1);
}

#[test]
fn where_nothing_can_be_sent_nothing_is() {
    let (mut machine, mut host) = Machine::settled();
    let places = [
        "0.0.0.0:7",
        "255.255.255.255:7",
        "10.0.2.255:7",
        "224.0.0.1:7",
        "127.0.0.1:7",
        "10.0.2.15:7",
        "[::]:7",
        "[::1]:7",
        "[ff02::1]:7",
        "[fec0::5054:ff:fe12:3456]:7",
        "10.0.2.2:0",
    ];
    for to in places {
        assert!(machine.send(0, to, b"hello"));
    }
    machine.run_with(&mut host);
    assert_eq!(host.seen, []);
    let dropped = machine.network.counters().dropped_for(Reason::NotSendable);
    assert_eq!(dropped, places.len() as u64);
}

#[test]
fn clients_that_do_not_listen_lose_what_is_for_them() {
    let (mut machine, _) = Machine::settled();
    for _ in 0..300 {
        assert!(machine.device.inject(&datagram()));
        machine.run();
    }
    assert_eq!(machine.payloads(0).len(), QUEUE_LENGTH);
    let counters = machine.network.counters();
    assert_eq!(
        counters.dropped_for(Reason::ClientIsSlow),
        300 - QUEUE_LENGTH as u64
    );
    assert!(machine.device.inject(&datagram()));
    machine.run();
    assert_eq!(machine.payloads(0).len(), 1);
}

#[test]
fn floods_do_not_fill_the_console() {
    let (mut machine, mut host) = Machine::settled();
    let mut frame = datagram();
    frame[37] ^= 1;
    let mut lines = 0;
    for round in 0..600 {
        for _ in 0..200 {
            assert!(machine.device.inject(&frame));
        }
        // The router comes and goes, and with it the way to everywhere.
        host.router_seconds = 1800 * (round % 2);
        assert!(machine.device.inject(&host.advertisement()));
        machine.wait_with(Duration::from_secs(1), &mut host);
        while machine.network.take_notice().is_some() {
            lines += 1;
        }
    }
    assert!((10..=210).contains(&lines), "{lines} lines in ten minutes");
    assert_eq!(machine.network.counters().dropped(), 120_000);
}

/// Packets of noise: some, or all in `cargo xtask test --full`.
fn many() -> u64 {
    match std::env::var_os("SEKISHO_LONG_TESTS") {
        Some(_) => 1_000_000,
        None => 30_000,
    }
}

#[test]
fn a_million_hostile_packets_do_no_harm() {
    let (mut machine, mut host) = Machine::settled();
    assert!(machine.send(0, ECHO, b"hello"));
    machine.run_with(&mut host);
    machine.heard(0);
    let mut noise = Noise::new(0x0bad_cafe);
    let samples = [
        datagram(),
        host::udp_frame(
            (host::IPV6, 7).into(),
            (GUEST_IPV6, PORTS[1]).into(),
            &[7; 100],
        ),
        host::arp(ArpOperation::Request, host::IPV4, GUEST_IPV4),
        host::arp(ArpOperation::Reply, host::IPV4, GUEST_IPV4),
        host.advertisement(),
        error_about(7, Icmpv4DstUnreachable::FragRequired),
        error_about(7, Icmpv4DstUnreachable::HostUnreachable),
        host.offer(),
    ];
    let total = many();
    for number in 0..total {
        let frame = noise.frame(&samples);
        machine.device.inject(&frame);
        if number % 64 == 63 {
            machine.now += Duration::from_millis(10);
            while machine.network.turn(machine.now).expect("an honest device")
                == net_core::Turn::More
            {}
            machine.device.send();
            assert!(
                machine.device.take_sent().len() <= 64,
                "no more is said than was heard"
            );
            machine.heard(0);
            machine.heard(1);
            while machine.network.take_notice().is_some() {}
        }
    }
    let counters = machine.network.counters();
    assert!(counters.dropped() > total / 2, "{counters}");
    // It still serves.
    host.is_reachable = true;
    machine.wait_with(Duration::from_secs(600), &mut host);
    machine.heard(0);
    assert!(machine.network.addresses().ipv4.is_some());
    assert!(machine.send(0, ECHO, b"still there"));
    machine.run_with(&mut host);
    let heard = machine.payloads(0);
    assert!(
        heard
            .iter()
            .any(|heard| matches!(heard, Heard::Payload(_, payload) if payload == b"still there")),
        "{heard:?}"
    );
}
