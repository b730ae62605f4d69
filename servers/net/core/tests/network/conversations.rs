//! What `net` does with an honest device and an honest network.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::machine::host::{self, GUEST_IPV4, GUEST_IPV6, Host, Kind};
use crate::machine::{Heard, Machine, PORTS, device, pieces};
use datagram_api::{Incoming, QUEUE_LENGTH};
use net_core::Turn;
use net_core::counters::Reason;
use net_core::settings::{Ipv4Setting, Ipv6Setting};
use smoltcp::wire::{ArpOperation, DhcpMessageType};

const ECHO_IPV4: &str = "10.0.2.2:7";
const ECHO_IPV6: &str = "[fec0::2]:7";

fn payload(from: &str, bytes: &[u8]) -> Heard {
    Heard::Payload(from.parse().expect("an address"), bytes.to_vec())
}

#[test]
fn addresses_come_from_dhcp_and_routers() {
    let mut machine = Machine::new();
    let mut host = Host::new();
    machine.wait_with(Duration::from_secs(1), &mut host);
    let addresses = *machine.network.addresses();
    let ipv4 = addresses.ipv4.expect("a lease");
    assert_eq!((ipv4.address, ipv4.prefix_length), (GUEST_IPV4, 24));
    assert_eq!(ipv4.gateway, Some(host::IPV4));
    let ipv6 = addresses.ipv6.expect("a prefix");
    assert_eq!((ipv6.address, ipv6.prefix_length), (GUEST_IPV6, 64));
    assert_eq!(ipv6.gateway, Some(host::LINK_LOCAL));
    assert!(host.seen.contains(&Kind::Dhcp(DhcpMessageType::Discover)));
    assert!(host.seen.contains(&Kind::Dhcp(DhcpMessageType::Request)));
    assert!(host.seen.contains(&Kind::Discovery(133)));
    let state = machine.state(0).expect("the client is told");
    assert!(state.has_ipv4 && state.has_ipv6 && state.link_is_up);
}

#[test]
fn datagrams_go_and_come_back_over_both() {
    let (mut machine, mut host) = Machine::settled();
    for (round, to) in (0..200u8).zip([ECHO_IPV4, ECHO_IPV6].into_iter().cycle()) {
        for client in 0..PORTS.len() {
            for length in [0, 1, 64, usize::from(round), 1400, 1452] {
                let bytes = vec![round; length];
                assert!(machine.send(client, to, &bytes));
                machine.run_with(&mut host);
                assert_eq!(machine.payloads(client), [payload(to, &bytes)]);
            }
        }
    }
    let counters = machine.network.counters();
    assert_eq!((counters.sent, counters.received), (2400, 2400));
    assert_eq!(counters.dropped(), 0);
    // Nothing but what was sent, and one question for each host.
    host.seen.retain(|kind| *kind != Kind::Datagram);
    assert_eq!(host.seen, [Kind::Arp, Kind::Discovery(135)]);
}

#[test]
fn what_is_for_one_client_reaches_no_other() {
    let (mut machine, mut host) = Machine::settled();
    let hosts = [(host::IPV4.into(), 700), (host::IPV6.into(), 1280)];
    // Who sends somewhere gets pieces from there.
    for to in [ECHO_IPV4, ECHO_IPV6] {
        assert!(machine.send(1, to, b"hello"));
        machine.run_with(&mut host);
    }
    machine.heard(1);
    let beside = |port: u16| [port - 1, port, port + 1];
    let ports = PORTS.into_iter().flat_map(beside).chain([1, u16::MAX]);
    for (mark, port) in (1..).zip(ports) {
        for (ip, mtu) in hosts {
            let own: IpAddr = match ip {
                IpAddr::V4(_) => GUEST_IPV4.into(),
                IpAddr::V6(_) => GUEST_IPV6.into(),
            };
            let from = SocketAddr::new(ip, 7);
            let sent = vec![7; 1300];
            let frame = host::udp_frame(from, (own, port).into(), &sent);
            for frames in [vec![frame.clone()], pieces::cut(&frame, mtu, mark)] {
                for frame in frames {
                    assert!(machine.device.inject(&frame));
                }
                machine.run();
                for (client, own_port) in PORTS.into_iter().enumerate() {
                    let heard = machine.payloads(client);
                    let all = vec![Heard::Payload(from, sent.clone())];
                    let expected = if port == own_port { all } else { vec![] };
                    assert_eq!(heard, expected, "client {client}, port {port}");
                }
            }
        }
    }
}

#[test]
fn a_device_that_fills_in_checksums_is_left_to_it() {
    let device = device::Device::new();
    device.0.borrow_mut().features |= device::CHECKSUM | device::GUEST_CHECKSUM | device::MTU;
    device.0.borrow_mut().mtu = 1400;
    let mut machine = Machine::with(device, Ipv4Setting::Dhcp, Ipv6Setting::Auto);
    let mut host = Host::new();
    machine.wait_with(Duration::from_secs(1), &mut host);
    // The device in the test fills in what it is asked to; the host checks it.
    for to in [ECHO_IPV4, ECHO_IPV6] {
        for round in 0..3 {
            assert!(machine.send(0, to, &[round; 333]));
            machine.run_with(&mut host);
            assert_eq!(machine.payloads(0), [payload(to, &[round; 333])]);
        }
    }
    // A wrong checksum is passed if the device vouches for it.
    let to = (GUEST_IPV4, PORTS[0]).into();
    let mut frame = host::udp_frame((host::IPV4, 7).into(), to, b"offloaded");
    frame[40] ^= 1;
    machine.device.0.borrow_mut().flags = 1;
    machine.device.inject(&frame);
    machine.run();
    assert_eq!(machine.payloads(0), [payload(ECHO_IPV4, b"offloaded")]);
    machine.device.0.borrow_mut().flags = 0;
    machine.device.inject(&frame);
    machine.run();
    assert_eq!(machine.payloads(0), []);
    // The device's MTU counts.
    assert!(machine.send(0, ECHO_IPV4, &[0; 1373]));
    machine.run();
    let small = Incoming::PathMtu {
        address: host::IPV4.into(),
        mtu: 1400,
    };
    assert_eq!(machine.payloads(0), [Heard::Other(small)]);
}

#[test]
fn fixed_addresses_need_nobody() {
    let ipv4 = "192.0.2.9/24 via 192.0.2.1".parse().expect("legal");
    let ipv6 = "2001:db8::9/64 via fe80::2".parse().expect("legal");
    let mut machine = Machine::with(device::Device::new(), ipv4, ipv6);
    let mut host = Host::new();
    machine.wait_with(Duration::from_secs(100), &mut host);
    let state = machine.state(0).expect("the client is told");
    assert!(state.has_ipv4 && state.has_ipv6);
    assert_eq!(host.seen, []);
    assert!(machine.send(0, "[2001:db8:1::1]:7", b"by the router"));
    machine.run_with(&mut host);
    assert_eq!(
        machine.payloads(0),
        [payload("[2001:db8:1::1]:7", b"by the router")]
    );
}

#[test]
fn what_is_off_is_silent() {
    let device = device::Device::new();
    let mut machine = Machine::with(device, Ipv4Setting::Off, Ipv6Setting::Off);
    let mut host = Host::new();
    machine.device.inject(&host.advertisement());
    machine
        .device
        .inject(&host::arp(ArpOperation::Request, host::IPV4, GUEST_IPV4));
    machine.wait_with(Duration::from_secs(100), &mut host);
    assert!(machine.send(0, ECHO_IPV4, b"lost"));
    assert!(machine.send(0, ECHO_IPV6, b"lost"));
    machine.run_with(&mut host);
    assert_eq!(host.seen, []);
    let counters = machine.network.counters();
    assert_eq!(counters.dropped_for(Reason::NoAddress), 2);
}

#[test]
fn leases_are_renewed_and_end() {
    let mut machine = Machine::new();
    let mut host = Host::new();
    host.lease_seconds = 600;
    machine.wait_with(Duration::from_secs(1), &mut host);
    host.seen.clear();
    // Half of the lease later.
    machine.wait_with(Duration::from_secs(310), &mut host);
    let request = Kind::Dhcp(DhcpMessageType::Request);
    assert!(host.seen.contains(&request), "{:?}", host.seen);
    assert!(machine.network.addresses().ipv4.is_some());
    // With nobody to renew it, it ends.
    let mut nobody = Nobody;
    machine.wait_without(Duration::from_secs(700), &mut nobody);
    assert_eq!(machine.network.addresses().ipv4, None);
    assert!(!machine.state(0).expect("the client is told").has_ipv4);
    machine.wait_with(Duration::from_secs(60), &mut host);
    assert!(machine.network.addresses().ipv4.is_some());
}

/// Nobody on the wire.
struct Nobody;

impl Machine {
    fn wait_without(&mut self, span: Duration, _: &mut Nobody) {
        let end = self.now + span;
        let mut turns = 0;
        while self.now < end {
            self.run();
            self.device.take_sent();
            let next = self.network.deadline().unwrap_or(end).min(end);
            self.now = next.max(self.now + Duration::from_millis(1));
            turns += 1;
            assert!(turns < 2000, "it does not wait busily");
        }
        self.run();
    }
}

#[test]
fn routers_and_prefixes_end() {
    let mut machine = Machine::new();
    let mut host = Host::new();
    host.router_seconds = 60;
    host.prefix.valid_lifetime = smoltcp::time::Duration::from_secs(90);
    host.prefix.preferred_lifetime = smoltcp::time::Duration::from_secs(90);
    machine.wait_with(Duration::from_secs(1), &mut host);
    assert!(machine.network.addresses().ipv6.is_some());
    machine.wait_without(Duration::from_secs(65), &mut Nobody);
    let ipv6 = machine.network.addresses().ipv6.expect("still");
    assert_eq!(ipv6.gateway, None);
    machine.wait_without(Duration::from_secs(30), &mut Nobody);
    assert_eq!(machine.network.addresses().ipv6, None);
    // It has asked meanwhile, and asks again, ever more rarely.
    machine.wait_with(Duration::from_secs(120), &mut host);
    assert!(machine.network.addresses().ipv6.is_some());
}

#[test]
fn silent_hosts_are_reported() {
    let (mut machine, mut host) = Machine::settled();
    host.is_reachable = false;
    assert!(machine.send(0, ECHO_IPV4, b"anybody?"));
    machine.wait_with(Duration::from_secs(5), &mut host);
    assert_eq!(host.seen, [Kind::Arp; 3]);
    let to = ECHO_IPV4.parse().expect("an address");
    let unreachable = Heard::Other(Incoming::Unreachable { to });
    assert_eq!(machine.payloads(0), [unreachable]);
    assert_eq!(
        machine.network.counters().dropped_for(Reason::NoNeighbour),
        1
    );
    // Later it is there.
    host.is_reachable = true;
    assert!(machine.send(0, ECHO_IPV4, b"again"));
    machine.run_with(&mut host);
    assert_eq!(machine.payloads(0), [payload(ECHO_IPV4, b"again")]);
}

#[test]
fn hosts_are_asked_again_while_they_are_used() {
    let (mut machine, mut host) = Machine::settled();
    for _ in 0..100 {
        assert!(machine.send(0, ECHO_IPV6, b"ping"));
        machine.wait_with(Duration::from_secs(2), &mut host);
        assert_eq!(machine.payloads(0), [payload(ECHO_IPV6, b"ping")]);
    }
    let questions = host
        .seen
        .iter()
        .filter(|kind| **kind == Kind::Discovery(135));
    assert!((3..=5).contains(&questions.count()));
}

#[test]
fn full_queues_pass_in_order() {
    let (mut machine, mut host) = Machine::settled();
    assert!(machine.send(0, ECHO_IPV4, b"first"));
    machine.run_with(&mut host);
    machine.heard(0);
    for _ in 0..5 {
        let mut sent = 0u16;
        while machine.send(0, ECHO_IPV4, &sent.to_le_bytes()) {
            sent += 1;
        }
        assert_eq!(usize::from(sent), QUEUE_LENGTH);
        machine.run_with(&mut host);
        let expected: Vec<_> = (0..sent)
            .map(|number| payload(ECHO_IPV4, &number.to_le_bytes()))
            .collect();
        assert_eq!(machine.payloads(0), expected);
        // Who had filled its queue is woken when there is room.
        assert_eq!(machine.network.whom_to_wake().count(), 1);
        assert_eq!(machine.network.whom_to_wake().count(), 0);
    }
    assert_eq!(machine.network.counters().dropped(), 0);
}

#[test]
fn slots_are_not_released_before_the_device_is_done() {
    let (mut machine, mut host) = Machine::settled();
    assert!(machine.send(0, ECHO_IPV4, b"first"));
    machine.run_with(&mut host);
    for _ in 0..10 {
        assert!(machine.send(0, ECHO_IPV4, b"on its way"));
    }
    let turn = machine.network.turn(machine.now);
    turn.expect("an honest device");
    let free = |machine: &mut Machine| machine.peers[0].requests.free();
    assert_eq!(free(&mut machine), Ok(QUEUE_LENGTH as u64 - 10));
    machine.device.send();
    machine.run();
    assert_eq!(free(&mut machine), Ok(QUEUE_LENGTH as u64));
}

#[test]
fn a_new_link_is_learned_anew() {
    let (mut machine, mut host) = Machine::settled();
    machine.device.0.borrow_mut().link = 0;
    machine.network.look_at_link(machine.now);
    machine.run_with(&mut host);
    assert!(!machine.state(0).expect("the client is told").link_is_up);
    machine.device.0.borrow_mut().link = 1;
    machine.network.look_at_link(machine.now);
    machine.wait_with(Duration::from_secs(1), &mut host);
    let state = machine.state(0).expect("the client is told");
    assert!(state.link_is_up && state.has_ipv4 && state.has_ipv6);
    assert!(host.seen.contains(&Kind::Dhcp(DhcpMessageType::Discover)));
}

#[test]
fn a_network_that_starts_again_goes_on() {
    let (mut machine, mut host) = Machine::settled();
    assert!(machine.send(0, ECHO_IPV4, b"taken by none"));
    let Machine {
        device,
        peers,
        now,
        network,
    } = machine;
    drop(network);
    // The device is reset, everything else learned anew; the peers take notice and go on.
    let mut machine = Machine::again(device, peers, now);
    for client in 0..PORTS.len() {
        assert_eq!(machine.heard(client), []);
        assert!(!machine.send(client, ECHO_IPV4, b"not yet"));
    }
    machine.wait_with(Duration::from_secs(1), &mut host);
    for client in 0..PORTS.len() {
        let state = machine.state(client).expect("it is told again");
        assert!(state.has_ipv4 && state.has_ipv6 && state.link_is_up);
        for round in 0..3 {
            assert!(machine.send(client, ECHO_IPV4, &[round]));
            machine.run_with(&mut host);
            assert_eq!(machine.payloads(client), [payload(ECHO_IPV4, &[round])]);
        }
    }
    assert_eq!(machine.network.counters().dropped(), 0);
}

#[test]
fn a_client_that_starts_again_goes_on() {
    let (mut machine, mut host) = Machine::settled();
    assert!(machine.send(0, ECHO_IPV4, b"first"));
    machine.run_with(&mut host);
    // The device still reads what the client sent in its life before.
    assert!(machine.send(0, ECHO_IPV4, b"on its way"));
    let turn = machine.network.turn(machine.now);
    turn.expect("an honest device");
    machine.peers[0].start_again();
    let turn = machine.network.turn(machine.now);
    turn.expect("an honest device");
    assert!(!machine.send(0, ECHO_IPV4, b"over what is read"));
    machine.run_with(&mut host);
    let state = machine.state(0).expect("it is told again");
    assert!(state.has_ipv4 && state.has_ipv6 && state.link_is_up);
    for round in 0..3 {
        assert!(machine.send(0, ECHO_IPV4, &[round]));
        machine.run_with(&mut host);
        assert_eq!(machine.payloads(0), [payload(ECHO_IPV4, &[round])]);
    }
    // The other did not notice.
    assert!(machine.send(1, ECHO_IPV4, b"as ever"));
    machine.run_with(&mut host);
    assert_eq!(machine.payloads(1), [payload(ECHO_IPV4, b"as ever")]);
}

#[test]
fn a_client_that_sends_without_end_leaves_room_for_the_other() {
    let (mut machine, mut host) = Machine::settled();
    for client in 0..PORTS.len() {
        assert!(machine.send(client, ECHO_IPV4, b"first"));
    }
    machine.run_with(&mut host);
    let before = machine.network.counters().sent;
    let mut sent = [0, 0];
    for _ in 0..50 {
        // A device with room for few at a time.
        for (client, sent) in sent.iter_mut().enumerate() {
            while machine.send(client, ECHO_IPV4, b"again") {
                *sent += 1;
            }
        }
        let turn = machine.network.turn(machine.now);
        turn.expect("an honest device");
        machine.device.send_some(20);
        machine.device.take_sent();
    }
    let went = machine.network.counters().sent - before;
    let waiting = |peer: &mut crate::machine::Peer| {
        QUEUE_LENGTH as u64 - peer.requests.free().expect("net behaves")
    };
    let [first, second] = [0, 1].map(|client| sent[client] - waiting(&mut machine.peers[client]));
    assert!(went > 1000, "{went} datagrams went out");
    assert!(
        first.abs_diff(second) < went / 4,
        "{first} of one, {second} of the other"
    );
}

#[test]
fn a_full_device_interrupts_when_there_is_room_again() {
    let (mut machine, mut host) = Machine::settled();
    assert!(machine.send(0, ECHO_IPV4, b"first"));
    machine.run_with(&mut host);
    machine.heard(0);
    let mut sent = 0;
    while machine.send(0, ECHO_IPV4, b"again") {
        sent += 1;
    }
    let turn = |machine: &mut Machine| {
        let turn = machine.network.turn(machine.now);
        turn.expect("an honest device")
    };
    while turn(&mut machine) == Turn::More {}
    assert!(machine.device.0.borrow().would_interrupt(device::TRANSMIT));
    // So it does, and the rest follows, of which nobody has to be told.
    let first = machine.device.send_some(usize::MAX);
    while turn(&mut machine) == Turn::More {}
    assert!(machine.device.0.borrow().would_interrupt(device::TRANSMIT) || first == sent);
    while machine.device.send() {
        while turn(&mut machine) == Turn::More {}
    }
    assert!(!machine.device.0.borrow().would_interrupt(device::TRANSMIT));
    assert_eq!(machine.device.take_sent().len(), sent);
    // What is sent last is noticed before long.
    assert!(machine.send(0, ECHO_IPV4, b"last"));
    turn(&mut machine);
    let soon = machine.now + Duration::from_millis(100);
    assert_eq!(machine.network.deadline(), Some(soon));
}

#[test]
fn a_device_that_sends_at_once_is_kept_busy() {
    let (mut machine, mut host) = Machine::settled();
    assert!(machine.send(0, ECHO_IPV4, b"first"));
    machine.run_with(&mut host);
    machine.device.0.borrow_mut().sends_at_once = true;
    let mut sent = 0;
    while machine.send(0, ECHO_IPV4, b"again") {
        sent += 1;
    }
    loop {
        let turn = machine.network.turn(machine.now);
        if turn.expect("an honest device") == Turn::Idle {
            break;
        }
    }
    assert_eq!(machine.device.take_sent().len(), sent);
}
