//! Another host has the address that this machine was about to use, or says so (RFC 4862, section 5.4).

use std::net::Ipv6Addr;
use std::time::Duration;

use net_core::notices::Notice;
use smoltcp::wire::{NdiscNeighborFlags, NdiscPrefixInfoFlags, NdiscRepr, RawHardwareAddress};

use crate::machine::Machine;
use crate::machine::dhcp6::{DECLINE, GIVEN, REQUEST, SOLICIT};
use crate::machine::host::{self, GUEST_IPV6, Host, Kind};

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn address(machine: &Machine) -> Option<Ipv6Addr> {
    machine.network.addresses().ipv6.map(|ipv6| ipv6.address)
}

/// Another host says to all that it has `address`.
fn claim(address: Ipv6Addr) -> Vec<u8> {
    let message = NdiscRepr::NeighborAdvert {
        flags: NdiscNeighborFlags::OVERRIDE,
        target_addr: address,
        lladdr: Some(RawHardwareAddress::from_bytes(&host::MAC)),
    };
    host::discovery(address, ALL_NODES, message)
}

/// Another host asks whether anybody has `address`, which it would like to have.
fn probe(address: Ipv6Addr) -> Vec<u8> {
    let [.., a, b, c] = address.octets();
    let low = u16::from_be_bytes([b, c]);
    let to = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), low);
    let message = NdiscRepr::NeighborSolicit {
        target_addr: address,
        lladdr: None,
    };
    host::discovery(Ipv6Addr::UNSPECIFIED, to, message)
}

/// What the servers were asked, and how often it was asked who has an address.
fn asked(host: &Host) -> (Vec<u8>, usize) {
    let kinds = host.seen.iter().filter_map(|kind| match kind {
        Kind::Dhcp6(kind) => Some(*kind),
        _ => None,
    });
    let solicitations = host.seen.iter();
    let solicitations = solicitations.filter(|kind| **kind == Kind::Discovery(135));
    (kinds.collect(), solicitations.count())
}

#[test]
fn an_address_is_used_when_nobody_has_it() {
    let mut machine = Machine::new();
    let mut host = Host::new();
    machine.wait_with(Duration::from_millis(999), &mut host);
    assert_eq!((address(&machine), asked(&host).1), (None, 1));
    machine.wait_with(Duration::from_millis(1), &mut host);
    assert_eq!(address(&machine), Some(GUEST_IPV6));
    // From then on it is this machine's, whatever anybody says, and is asked for no more.
    for frame in [claim(GUEST_IPV6), probe(GUEST_IPV6)] {
        assert!(machine.device.inject(&frame));
        machine.wait_with(seconds(100), &mut host);
        assert_eq!(address(&machine), Some(GUEST_IPV6));
    }
    assert_eq!(asked(&host).1, 1);
}

#[test]
fn an_address_that_somebody_has_is_not_used_until_it_is_free() {
    for claim in [claim, probe] {
        let mut machine = Machine::new();
        let mut host = Host::new();
        machine.run_with(&mut host);
        for round in 1..5 {
            assert_eq!(asked(&host).1, round);
            assert!(machine.device.inject(&claim(GUEST_IPV6)));
            machine.wait_with(seconds(10), &mut host);
            assert_eq!(address(&machine), None);
        }
        let notices: Vec<_> = core::iter::from_fn(|| machine.network.take_notice()).collect();
        assert!(notices.contains(&Notice::Taken(GUEST_IPV6)));
        // The other one is gone; IPv4 was there all the time.
        assert!(machine.network.addresses().ipv4.is_some());
        machine.wait_with(seconds(1), &mut host);
        assert_eq!(address(&machine), Some(GUEST_IPV6));
    }
}

#[test]
fn what_is_said_of_other_addresses_or_by_the_link_itself_says_nothing() {
    let mut machine = Machine::new();
    let mut host = Host::new();
    machine.run_with(&mut host);
    let mut echo = probe(GUEST_IPV6);
    echo[6..12].copy_from_slice(&crate::machine::device::MAC);
    let mut from_afar = claim(GUEST_IPV6);
    from_afar[14 + 7] = 254;
    for frame in [claim(GIVEN), probe(GIVEN), echo, from_afar] {
        assert!(machine.device.inject(&frame));
    }
    machine.wait_with(seconds(1), &mut host);
    assert_eq!(address(&machine), Some(GUEST_IPV6));
}

#[test]
fn a_server_gets_back_what_somebody_has() {
    let mut machine = Machine::new();
    let mut host = Host::managed();
    while asked(&host).1 == 0 {
        machine.wait_with(Duration::from_millis(100), &mut host);
    }
    assert_eq!(asked(&host).0, [SOLICIT, REQUEST]);
    assert!(machine.device.inject(&claim(GIVEN)));
    machine.run_with(&mut host);
    assert_eq!(asked(&host).0, [SOLICIT, REQUEST, DECLINE]);
    assert!(host.dhcp6.question.ends_with(&[0; 8]));
    assert!(
        host.dhcp6
            .question
            .windows(16)
            .any(|part| part == GIVEN.octets())
    );
    host.dhcp6.address = "fec0::78".parse().expect("an address");
    machine.wait_with(seconds(10), &mut host);
    assert_eq!(
        asked(&host).0,
        [SOLICIT, REQUEST, DECLINE, SOLICIT, REQUEST]
    );
    assert_eq!(address(&machine), Some(host.dhcp6.address));
}

#[test]
fn a_server_that_does_not_listen_is_told_four_times() {
    let mut machine = Machine::new();
    let mut host = Host::managed();
    while asked(&host).1 == 0 {
        machine.wait_with(Duration::from_millis(100), &mut host);
    }
    host.dhcp6.is_silent = true;
    // Also when an address can be made meanwhile.
    host.prefix.flags |= NdiscPrefixInfoFlags::ADDRCONF;
    assert!(machine.device.inject(&claim(GIVEN)));
    assert!(machine.device.inject(&host.advertisement()));
    machine.wait_with(seconds(100), &mut host);
    assert_eq!(asked(&host).0[2..], [DECLINE; 4]);
    assert_eq!(address(&machine), Some(GUEST_IPV6));
}

#[test]
fn who_claims_all_addresses_does_not_use_up_the_servers() {
    let mut machine = Machine::new();
    let mut host = Host::managed();
    host.router_seconds = 9000;
    let mut claims = 0;
    for _ in 0..36_000 {
        let before = asked(&host).1;
        machine.wait_with(Duration::from_millis(100), &mut host);
        if asked(&host).1 > before {
            claims += 1;
            assert!(machine.device.inject(&claim(GIVEN)));
        }
        assert_eq!(address(&machine), None);
    }
    // An hour: after two seconds, four, ... at most 128.
    assert!((30..=120).contains(&claims), "{claims}");
    machine.wait_with(seconds(140), &mut host);
    assert_eq!(address(&machine), Some(GIVEN));
}
