//! What one client does to the others, and to what this program itself has to say.

use std::time::Duration;

use datagram_api::{LEAST_CARRIED, QUEUE_LENGTH};
use net_core::counters::Reason;
use net_core::settings::{Ipv4Setting, Ipv6Setting};
use smoltcp::wire::ArpOperation;

use crate::machine::device::{Device, TRANSMIT};
use crate::machine::host::{self, GUEST_IPV4, Host, Kind};
use crate::machine::{Heard, Machine, PORTS, pieces};
use crate::pieces::narrowed;

const ECHO: &str = "10.0.2.2:7";
const ECHO_6: &str = "[fec0::2]:7";

fn back(from: &str, bytes: &[u8]) -> Heard {
    Heard::Payload(from.parse().expect("an address"), bytes.to_vec())
}

fn turn(machine: &mut Machine) {
    let turn = machine.network.turn(machine.now);
    turn.expect("an honest device");
}

/// A host on the link that does not exist: another for each number.
fn nobody(number: u32) -> String {
    if number.is_multiple_of(2) {
        format!("10.0.2.{}:7", 20 + number / 2 % 200)
    } else {
        format!("[fe80::1:{number:x}]:7")
    }
}

#[test]
fn a_client_that_asks_for_everybody_does_not_cut_off_the_other() {
    let (mut machine, mut host) = Machine::settled();
    let mut number = 0;
    for round in 0..150 {
        // The question for the gateway is not answered yet when the others are asked.
        let to = if round % 2 == 0 { ECHO } else { ECHO_6 };
        assert!(machine.send(1, to, b"honest"));
        turn(&mut machine);
        for _ in 0..50 {
            machine.send(0, &nobody(number), b"is anybody there?");
            number += 1;
        }
        machine.run_with(&mut host);
        assert_eq!(machine.payloads(1), [back(to, b"honest")], "round {round}");
        machine.heard(0);
        machine.wait_with(Duration::from_millis(100), &mut host);
    }
}

#[test]
fn a_client_waits_for_the_answers_of_few() {
    let (mut machine, mut host) = Machine::settled();
    for number in 0..50 {
        assert!(machine.send(0, &nobody(number), b"is anybody there?"));
    }
    machine.run_with(&mut host);
    let is_question = |kind: &&Kind| matches!(kind, Kind::Arp | Kind::Discovery(135));
    assert_eq!(host.seen.iter().filter(is_question).count(), 4);
    // All the others are dropped at once, those that wait when nobody answers.
    let dropped = |machine: &Machine| machine.network.counters().dropped_for(Reason::NoNeighbour);
    assert_eq!(dropped(&machine), 46);
    machine.wait_with(Duration::from_secs(3), &mut host);
    assert_eq!(dropped(&machine), 50);
    assert_eq!(machine.payloads(0).len(), 4, "it is told of those");
    // Then it may ask again.
    assert!(machine.send(0, ECHO, b"hello"));
    machine.run_with(&mut host);
    assert_eq!(machine.payloads(0), [back(ECHO, b"hello")]);
}

#[test]
fn a_client_that_sends_without_end_leaves_room_for_own_frames() {
    // A full queue, and one in which a quarter is less than that.
    for size in [256, 32] {
        let device = Device::new();
        device.0.borrow_mut().size_limit = size;
        let mut machine = Machine::with(device, Ipv4Setting::Dhcp, Ipv6Setting::Auto);
        let mut host = Host::new();
        machine.wait_with(Duration::from_secs(1), &mut host);
        assert!(machine.send(0, ECHO, b"first"));
        machine.run_with(&mut host);
        machine.heard(0);
        machine.heard(1);
        host.seen.clear();
        // The device is slow, and the client's queue always full.
        for _ in 0..10 {
            while machine.send(0, ECHO, b"again") {}
            turn(&mut machine);
            machine.device.send_some(1);
        }
        assert!(machine.device.0.borrow().would_interrupt(TRANSMIT));
        machine.device.take_sent();
        // Who asks for this machine is answered, and the other client's question asked.
        let question = host::arp(ArpOperation::Request, host::IPV4, GUEST_IPV4);
        assert!(machine.device.inject(&question));
        turn(&mut machine);
        machine.device.send();
        assert!(machine.send(1, ECHO_6, b"honest"));
        turn(&mut machine);
        while machine.send(0, ECHO, b"again") {}
        machine.run_with(&mut host);
        assert!(host.seen.contains(&Kind::Arp), "queues of {size}");
        assert!(host.seen.contains(&Kind::Discovery(135)));
        assert_eq!(machine.payloads(1), [back(ECHO_6, b"honest")]);
        let counters = machine.network.counters();
        assert_eq!(counters.dropped_for(Reason::DeviceIsFull), 0);
    }
}

#[test]
fn a_full_device_loses_no_datagram_in_pieces() {
    let (mut machine, mut host) = narrowed(ECHO, 576);
    let bytes = vec![7; LEAST_CARRIED];
    let before = machine.network.counters().sent;
    let mut sent = 0;
    for most in 1..100 {
        while machine.send(0, ECHO, &bytes) {
            sent += 1;
        }
        turn(&mut machine);
        machine.device.send_some(most % 7);
    }
    machine.run_with(&mut host);
    let counters = machine.network.counters();
    assert_eq!(counters.dropped_for(Reason::DeviceIsFull), 0);
    assert_eq!(counters.sent - before, sent);
    let free = machine.peers[0].requests.free();
    assert_eq!(free, Ok(QUEUE_LENGTH as u64));
}

#[test]
fn nothing_of_an_old_link_goes_on_to_the_new_one() {
    let (mut machine, mut host) = Machine::settled();
    // A datagram that came in part, and one that waits for a host that does not answer.
    assert!(machine.send(1, ECHO, b"hello"));
    machine.run_with(&mut host);
    machine.heard(1);
    let to = (GUEST_IPV4, PORTS[1]).into();
    let whole = host::udp_frame((host::IPV4, 7).into(), to, &[7; 1300]);
    let parts = pieces::cut(&whole, 700, 1);
    assert!(machine.device.inject(&parts[0]));
    host.is_reachable = false;
    assert!(machine.send(0, ECHO_6, b"old"));
    machine.run_with(&mut host);
    for link in [0, 1] {
        machine.device.0.borrow_mut().link = link;
        machine.network.look_at_link(machine.now);
    }
    let dropped = machine.network.counters().dropped_for(Reason::NoNeighbour);
    assert_eq!(dropped, 1);
    host.is_reachable = true;
    machine.wait_with(Duration::from_secs(1), &mut host);
    for part in &parts[1..] {
        assert!(machine.device.inject(part));
    }
    assert!(machine.send(0, ECHO_6, b"new"));
    machine.run_with(&mut host);
    assert_eq!(machine.payloads(0), [back(ECHO_6, b"new")]);
    assert_eq!(machine.payloads(1), []);
}
