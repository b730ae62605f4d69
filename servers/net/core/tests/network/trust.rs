//! Whom `net` believes about its own addresses, and for how long.

use std::net::Ipv4Addr;
use std::time::Duration;

use net_core::addresses::Ipv4;
use net_core::counters::Reason;
use smoltcp::wire::{DhcpMessageType, NdiscPrefixInfoFlags};

use crate::machine::dhcp6::{GIVEN, REBIND};
use crate::machine::host::{self, GUEST_IPV4, Host, Kind};
use crate::machine::{Machine, SEEDS};
use crate::path_mtu::{quoted, too_big};

/// A host somewhere else that claims to be a server.
const FAR: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 99);
const REQUEST: Kind = Kind::Dhcp(DhcpMessageType::Request);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn ipv4(machine: &Machine) -> Option<Ipv4> {
    machine.network.addresses().ipv4
}

fn unasked(machine: &Machine) -> u64 {
    machine.network.counters().dropped_for(Reason::Unasked)
}

/// Has `server` answer the last question, with another address.
fn answer(machine: &mut Machine, host: &mut Host, kind: DhcpMessageType, server: Ipv4Addr) {
    let frame = host.dhcp_answer(kind, server, OTHER);
    assert!(machine.device.inject(&frame));
    machine.run_with(host);
}

/// A machine whose server has fallen silent, with a lease of 1,200 seconds.
fn leased() -> (Machine, Host) {
    let mut machine = Machine::new();
    let mut host = Host::new();
    host.lease_seconds = 1200;
    machine.wait_with(seconds(2), &mut host);
    assert_eq!(ipv4(&machine).expect("it is given").address, GUEST_IPV4);
    host.dhcp_is_silent = true;
    host.seen.clear();
    (machine, host)
}

#[test]
fn a_lease_changes_only_when_it_is_asked_about() {
    let (mut machine, mut host) = leased();
    let before = ipv4(&machine);
    for (count, (kind, server)) in (1..).zip([
        (DhcpMessageType::Ack, FAR),
        (DhcpMessageType::Ack, host::IPV4),
        (DhcpMessageType::Nak, FAR),
        (DhcpMessageType::Nak, host::IPV4),
        (DhcpMessageType::Offer, host::IPV4),
    ]) {
        machine.wait_with(seconds(60), &mut host);
        answer(&mut machine, &mut host, kind, server);
        assert_eq!(ipv4(&machine), before, "{kind:?} of {server}");
        assert_eq!(unasked(&machine), count);
    }
    assert!(!host.seen.contains(&REQUEST));
}

#[test]
fn a_lease_is_prolonged_by_who_gave_it_once() {
    let (mut machine, mut host) = leased();
    machine.wait_with(seconds(605), &mut host);
    assert!(host.seen.contains(&REQUEST), "half of its time is over");
    let before = ipv4(&machine);
    answer(&mut machine, &mut host, DhcpMessageType::Ack, FAR);
    answer(&mut machine, &mut host, DhcpMessageType::Nak, FAR);
    assert_eq!((ipv4(&machine), unasked(&machine)), (before, 2));
    answer(&mut machine, &mut host, DhcpMessageType::Ack, host::IPV4);
    assert_eq!(ipv4(&machine).expect("a new one").address, OTHER);
    assert_eq!(unasked(&machine), 2);
    // That was the answer.
    answer(&mut machine, &mut host, DhcpMessageType::Nak, host::IPV4);
    assert_eq!(ipv4(&machine).expect("still").address, OTHER);
    assert_eq!(unasked(&machine), 3);
}

#[test]
fn anybody_may_prolong_a_lease_when_all_are_asked() {
    let (mut machine, mut host) = leased();
    machine.wait_with(seconds(1055), &mut host);
    answer(&mut machine, &mut host, DhcpMessageType::Ack, FAR);
    assert_eq!(ipv4(&machine).expect("a new one").address, OTHER);
    assert_eq!(unasked(&machine), 0);
}

#[test]
fn a_stranger_does_not_confirm_what_another_server_offered() {
    let mut machine = Machine::new();
    let mut host = Host::new();
    host.dhcp_is_silent = true;
    machine.wait_with(seconds(2), &mut host);
    answer(&mut machine, &mut host, DhcpMessageType::Offer, host::IPV4);
    assert!(host.seen.contains(&REQUEST), "the offer is taken up");
    answer(&mut machine, &mut host, DhcpMessageType::Ack, FAR);
    assert_eq!((ipv4(&machine), unasked(&machine)), (None, 1));
    answer(&mut machine, &mut host, DhcpMessageType::Ack, host::IPV4);
    assert_eq!(ipv4(&machine).expect("it is given").address, OTHER);
}

/// A router that names a prefix for ever.
fn rogue(router_seconds: u64) -> Host {
    let mut rogue = Host::new();
    rogue.router = "fe80::bad".parse().expect("legal");
    rogue.router_seconds = router_seconds;
    rogue.prefix.prefix = "2001:db8:bad::".parse().expect("legal");
    rogue.prefix.valid_lifetime = smoltcp::time::Duration::from_secs(u32::MAX.into());
    rogue
}

#[test]
fn only_the_router_that_is_kept_names_prefixes() {
    let mut machine = Machine::new();
    let mut host = Host::managed();
    // Before there is a router, and after.
    assert!(machine.device.inject(&rogue(0).advertisement()));
    machine.run();
    assert_eq!(machine.network.addresses().ipv6, None);
    assert!(machine.device.inject(&host.advertisement()));
    assert!(machine.device.inject(&rogue(1800).advertisement()));
    machine.wait_with(seconds(10), &mut host);
    let ipv6 = machine.network.addresses().ipv6.expect("it is given");
    assert_eq!(
        (ipv6.address, ipv6.gateway),
        (GIVEN, Some(host::LINK_LOCAL))
    );
    // Nor when it has the last word.
    for seconds in [1800, 0, 1800] {
        assert!(machine.device.inject(&rogue(seconds).advertisement()));
        machine.run();
        assert_eq!(machine.network.addresses().ipv6, Some(ipv6));
    }
}

#[test]
fn only_routers_of_the_link_are_heard() {
    let honest = Host::new().advertisement();
    let mut far = Host::new();
    far.router = "2001:db8::1".parse().expect("legal");
    let changed = |at: usize, byte: u8| {
        let mut frame = honest.clone();
        frame[at] = byte;
        frame
    };
    // From a global address; over a router (the hop limit); with a checksum that is wrong.
    let (hop_limit, checksum) = (14 + 7, 14 + 40 + 2);
    for frame in [
        far.advertisement(),
        changed(hop_limit, 254),
        changed(checksum, !honest[checksum]),
    ] {
        let mut machine = Machine::new();
        machine.run();
        // An address is used once nobody has said for a second that it is his.
        let mut hear = |frame: &[u8]| {
            assert!(machine.device.inject(frame));
            machine.run();
            machine.now += seconds(1);
            machine.run();
            machine.network.addresses().ipv6
        };
        assert_eq!(hear(&frame), None);
        assert!(hear(&honest).is_some());
    }
}

#[test]
fn a_prefix_is_forgotten_when_another_router_is_kept() {
    let mut machine = Machine::new();
    machine.wait_with(seconds(10), &mut rogue(60));
    assert!(machine.network.addresses().ipv6.is_some());
    // That one goes; a server gives addresses, as the next one says.
    let mut host = Host::managed();
    host.prefix.flags = NdiscPrefixInfoFlags::empty();
    machine.wait_with(seconds(100), &mut host);
    let ipv6 = machine.network.addresses().ipv6.expect("it is given");
    assert_eq!((ipv6.address, ipv6.prefix_length), (GIVEN, 128));
}

#[test]
fn no_server_has_itself_asked_again_at_once() {
    for times in [[u32::MAX, 0, 0, 1000], [u32::MAX, 0, 1, 1000]] {
        let mut machine = Machine::new();
        let mut host = Host::managed();
        host.dhcp6.times = times;
        // 60 seconds, with answers that take a hundredth.
        for _ in 0..6000 {
            machine.run();
            machine.now += Duration::from_millis(10);
            for frame in machine.device.take_sent() {
                for answer in host.answer(&frame) {
                    assert!(machine.device.inject(&answer));
                }
            }
        }
        let rebinds = host
            .seen
            .iter()
            .filter(|kind| **kind == Kind::Dhcp6(REBIND));
        assert!((10..=12).contains(&rebinds.count()), "{times:?}");
    }
}

#[test]
fn what_is_seen_of_one_kind_of_chance_says_nothing_of_another() {
    let numbers = |seeds| {
        let mut managed = Host::managed();
        Machine::with_seeds(seeds).wait_with(seconds(10), &mut managed);
        let mut machine = Machine::with_seeds(seeds);
        let mut host = Host::new();
        machine.wait_with(seconds(10), &mut host);
        for bytes in [&[1; 5][..], &[1; 1400]] {
            assert!(machine.send(0, "[fec0::2]:7", bytes));
            machine.run_with(&mut host);
        }
        let error = too_big(1280, &quoted(1400, &[1; 40]));
        assert!(machine.device.inject(&error));
        machine.run();
        assert!(machine.send(0, "[fec0::2]:7", &[1; 1300]));
        machine.run();
        let pieces = machine.device.take_sent();
        // Behind Ethernet's header, IPv6's and half of that of pieces.
        let identification = pieces[0][58..62].to_vec();
        let question = managed.dhcp6.question[1..4].to_vec();
        (identification, host.dhcp_transaction, question)
    };
    let first = numbers(SEEDS);
    let (mut a, mut b, mut c) = (SEEDS, SEEDS, SEEDS);
    (a.identifications, b.leases, c.associations) = (1, 2, 3);
    let (a, b, c) = (numbers(a), numbers(b), numbers(c));
    assert!(a.0 != first.0 && (a.1, &a.2) == (first.1, &first.2));
    assert!(b.1 != first.1 && (&b.0, &b.2) == (&first.0, &first.2));
    assert!(c.2 != first.2 && (&c.0, c.1) == (&first.0, first.1));
}
