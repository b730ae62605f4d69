//! An IPv6 address from a DHCPv6 server, honest and hostile (RFC 8415).

use std::time::Duration;

use net_core::addresses::Ipv6;
use net_core::counters::Reason;
use smoltcp::wire::{NdiscPrefixInfoFlags, NdiscRouterFlags};

use crate::machine::dhcp6::{self, ADVERTISE, GIVEN, REBIND, RENEW, REPLY, REQUEST, SOLICIT};
use crate::machine::host::{self, GUEST_IPV6, Host, Kind};
use crate::machine::{Heard, Machine};
use crate::noise::{Noise, mend};

const ECHO: &str = "[2001:db8::7]:7";

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The messages of DHCPv6 that were seen.
fn asked(host: &Host) -> Vec<u8> {
    let kinds = host.seen.iter().filter_map(|kind| match kind {
        Kind::Dhcp6(kind) => Some(*kind),
        _ => None,
    });
    kinds.collect()
}

fn address(machine: &Machine) -> Option<Ipv6> {
    machine.network.addresses().ipv6
}

fn dropped(machine: &Machine, reason: Reason) -> u64 {
    machine.network.counters().dropped_for(reason)
}

/// A machine that has its address from a server.
fn settled() -> (Machine, Host) {
    let mut machine = Machine::new();
    let mut host = Host::managed();
    machine.wait_with(seconds(10), &mut host);
    assert_eq!(address(&machine).expect("it is given").address, GIVEN);
    host.seen.clear();
    (machine, host)
}

#[test]
fn a_server_gives_what_routers_do_not() {
    for is_rapid in [false, true] {
        let mut machine = Machine::new();
        let mut host = Host::managed();
        host.dhcp6.is_rapid = is_rapid;
        machine.wait_with(seconds(10), &mut host);
        let expected = Ipv6 {
            address: GIVEN,
            prefix_length: 64,
            gateway: Some(host::LINK_LOCAL),
        };
        assert_eq!(address(&machine), Some(expected));
        let questions = if is_rapid {
            &[SOLICIT][..]
        } else {
            &[SOLICIT, REQUEST]
        };
        assert_eq!(asked(&host), questions);
        machine.heard(0);
        assert!(machine.send(0, ECHO, b"from there"));
        machine.run_with(&mut host);
        let back = Heard::Payload(ECHO.parse().expect("an address"), b"from there".to_vec());
        assert_eq!(machine.payloads(0), [back]);
        assert_eq!(machine.network.counters().dropped(), 0);
    }
}

#[test]
fn without_a_prefix_all_others_are_behind_the_router() {
    let mut machine = Machine::new();
    let mut host = Host::managed();
    host.prefix.flags = NdiscPrefixInfoFlags::empty();
    machine.wait_with(seconds(10), &mut host);
    let own = address(&machine).expect("it is given");
    assert_eq!((own.address, own.prefix_length), (GIVEN, 128));
    host.seen.clear();
    assert!(machine.send(0, "[fec0::2]:7", b"by the router"));
    machine.run_with(&mut host);
    // The router is asked for, not the host.
    assert_eq!(host.seen, [Kind::Discovery(135), Kind::Datagram]);
}

#[test]
fn servers_are_asked_only_where_routers_say_so() {
    // An address can be made, or nobody says that there is a server.
    let both = NdiscPrefixInfoFlags::ADDRCONF | NdiscPrefixInfoFlags::ON_LINK;
    for (flags, prefix, own) in [
        (NdiscRouterFlags::MANAGED, both, Some(GUEST_IPV6)),
        (NdiscRouterFlags::OTHER, NdiscPrefixInfoFlags::ON_LINK, None),
        (
            NdiscRouterFlags::empty(),
            NdiscPrefixInfoFlags::ON_LINK,
            None,
        ),
    ] {
        let mut machine = Machine::new();
        let mut host = Host::new();
        host.flags = flags;
        host.prefix.flags = prefix;
        machine.wait_with(seconds(100), &mut host);
        assert_eq!(asked(&host), []);
        assert_eq!(address(&machine).map(|ipv6| ipv6.address), own);
    }
}

#[test]
fn what_a_server_gave_is_kept_when_a_prefix_comes() {
    let (mut machine, mut host) = settled();
    host.prefix.flags |= NdiscPrefixInfoFlags::ADDRCONF;
    assert!(machine.device.inject(&host.advertisement()));
    machine.wait_with(seconds(600), &mut host);
    assert_eq!(address(&machine).expect("still").address, GIVEN);
    // It is prolonged as before. When it ends, one is made.
    assert_eq!(asked(&host), [RENEW]);
    host.dhcp6.is_silent = true;
    host.router_seconds = 9000;
    assert!(machine.device.inject(&host.advertisement()));
    machine.wait_with(seconds(1000), &mut host);
    assert_eq!(address(&machine).expect("made").address, GUEST_IPV6);
}

#[test]
fn addresses_are_prolonged_by_who_gave_them_then_by_anybody_and_end() {
    let (mut machine, mut host) = settled();
    host.router_seconds = 9000;
    assert!(machine.device.inject(&host.advertisement()));
    machine.wait_with(seconds(485), &mut host);
    assert_eq!(asked(&host), []);
    machine.wait_with(seconds(20), &mut host);
    assert_eq!(asked(&host), [RENEW]);
    // From then on with nobody: first the one, then all.
    host.dhcp6.is_silent = true;
    machine.wait_with(seconds(780), &mut host);
    let count = asked(&host).len();
    assert!(asked(&host).iter().all(|kind| *kind == RENEW));
    // From T1 on, after 10, 20, 40, 80, 160 seconds.
    assert!((5..=7).contains(&count), "{count}");
    machine.wait_with(seconds(30), &mut host);
    assert_eq!(asked(&host).last(), Some(&REBIND));
    assert!(address(&machine).is_some());
    // Somebody else prolongs it.
    host.dhcp6.is_silent = false;
    host.dhcp6.identifier = vec![0, 2, 9, 9, 9];
    machine.wait_with(seconds(60), &mut host);
    host.seen.clear();
    machine.wait_with(seconds(510), &mut host);
    assert_eq!(asked(&host), [RENEW], "the new one is asked");
    // Nobody does: it ends, and another is looked for.
    host.dhcp6.is_silent = true;
    machine.heard(0);
    machine.wait_with(seconds(1010), &mut host);
    assert_eq!(address(&machine), None);
    assert!(!machine.state(0).expect("the client is told").has_ipv6);
    assert_eq!(asked(&host).last(), Some(&SOLICIT));
    host.dhcp6.is_silent = false;
    machine.wait_with(seconds(3600), &mut host);
    assert_eq!(address(&machine).expect("again").address, GIVEN);
}

#[test]
fn what_never_ends_is_never_asked_for_again() {
    let mut machine = Machine::new();
    let mut host = Host::managed();
    host.dhcp6.times = [0, 0, u32::MAX, u32::MAX];
    machine.wait_with(seconds(10), &mut host);
    host.seen.clear();
    machine.wait_with(seconds(1_000_000), &mut host);
    assert_eq!(asked(&host), []);
    assert!(address(&machine).is_some());
}

#[test]
fn the_client_chooses_when_the_server_does_not() {
    let mut machine = Machine::new();
    let mut host = Host::managed();
    host.dhcp6.times = [0, 0, 1000, 1000];
    machine.wait_with(seconds(10), &mut host);
    host.seen.clear();
    machine.wait_with(seconds(485), &mut host);
    assert_eq!(asked(&host), []);
    machine.wait_with(seconds(10), &mut host);
    assert_eq!(asked(&host), [RENEW]);
    // However short: not at once again.
    host.dhcp6.times = [0, 0, 0, 1000];
    machine.wait_with(seconds(500), &mut host);
    host.seen.clear();
    machine.wait_with(seconds(100), &mut host);
    assert!((19..=21).contains(&asked(&host).len()), "{:?}", host.seen);
}

#[test]
fn the_silent_are_asked_ever_more_rarely() {
    let mut machine = Machine::new();
    let mut host = Host::managed();
    host.router_seconds = 9000;
    host.dhcp6.is_silent = true;
    machine.wait_with(seconds(4000), &mut host);
    // After 1, 2, 4, ... seconds.
    let count = asked(&host).len();
    assert!((11..=13).contains(&count), "{count}");
    // Except if a server says that a minute is long enough.
    host.dhcp6.options = dhcp6::option(82, &60u32.to_be_bytes());
    host.dhcp6.times[3] = 0;
    let useless = dhcp6::frame(&host.dhcp6.message(ADVERTISE));
    assert!(machine.device.inject(&useless));
    machine.run_with(&mut host);
    assert_eq!(dropped(&machine, Reason::UselessGrant), 1);
    assert_eq!(address(&machine), None);
}

#[test]
fn who_offers_and_does_not_give_is_left() {
    // Refused, or not answered.
    for status in [2, 4] {
        let mut machine = Machine::new();
        let mut host = Host::managed();
        host.dhcp6.status = status;
        machine.wait_with(seconds(100), &mut host);
        let asked_for = asked(&host);
        let pairs = asked_for.chunks(2);
        assert!(
            pairs
                .clone()
                .all(|pair| [SOLICIT, REQUEST].starts_with(pair))
        );
        // Each time after a longer while.
        assert!((4..=9).contains(&pairs.len()), "{asked_for:?}");
        assert_eq!(address(&machine), None);
        host.dhcp6.status = 0;
        machine.wait_with(seconds(300), &mut host);
        assert!(address(&machine).is_some());
    }
    let mut machine = Machine::new();
    let mut host = Host::managed();
    host.dhcp6.identifier = vec![0, 2, 0, 0, 0, 9, 1];
    machine.wait_with(seconds(1), &mut host);
    while asked(&host).is_empty() {
        machine.wait_with(Duration::from_millis(100), &mut host);
    }
    // The one that made the offer is gone, another is there.
    host.dhcp6.identifier = vec![0, 2, 0, 0, 0, 9, 2];
    machine.wait_with(seconds(600), &mut host);
    let requests = asked(&host).iter().filter(|kind| **kind == REQUEST).count();
    assert_eq!(requests, 11);
    assert!(address(&machine).is_some());
}

#[test]
fn servers_may_forget_and_take_away() {
    let (mut machine, mut host) = settled();
    host.router_seconds = 9000;
    assert!(machine.device.inject(&host.advertisement()));
    // No binding: asked for anew, and used meanwhile.
    host.dhcp6.status = 3;
    machine.wait_with(seconds(505), &mut host);
    assert_eq!(asked(&host)[..2], [RENEW, REQUEST]);
    assert!(address(&machine).is_some());
    host.dhcp6.status = 0;
    machine.wait_with(seconds(60), &mut host);
    host.seen.clear();
    machine.wait_with(seconds(400), &mut host);
    assert_eq!(asked(&host), [], "it was given again");
    // Taken away, and another one given.
    host.dhcp6.times[2..].fill(0);
    machine.wait_with(seconds(100), &mut host);
    assert_eq!(address(&machine), None);
    host.dhcp6.times = [500, 800, 900, 1000];
    host.dhcp6.address = "fec0::78".parse().expect("an address");
    machine.wait_with(seconds(100), &mut host);
    let own = address(&machine).expect("another");
    assert_eq!(own.address, host.dhcp6.address);
}

#[test]
fn on_a_new_link_an_address_is_looked_for_anew() {
    let (mut machine, mut host) = settled();
    for link in [0, 1] {
        machine.device.0.borrow_mut().link = link;
        machine.network.look_at_link(machine.now);
    }
    assert_eq!(address(&machine), None);
    host.dhcp6.address = "fec0::79".parse().expect("an address");
    machine.wait_with(seconds(10), &mut host);
    assert_eq!(asked(&host), [SOLICIT, REQUEST]);
    let own = address(&machine).expect("the new network's");
    assert_eq!(own.address, host.dhcp6.address);
}

#[test]
fn the_offer_most_wanted_is_taken_up() {
    let mut machine = Machine::new();
    let mut host = Host::managed();
    host.dhcp6.is_silent = true;
    while asked(&host).is_empty() {
        machine.wait_with(Duration::from_millis(100), &mut host);
    }
    for (preference, identifier) in [(3, 1), (9, 2), (5, 3)] {
        host.dhcp6.identifier = vec![0, 2, 0, 0, 0, 9, identifier];
        host.dhcp6.options = dhcp6::option(7, &[preference]);
        let offer = dhcp6::frame(&host.dhcp6.message(ADVERTISE));
        assert!(machine.device.inject(&offer));
    }
    host.dhcp6.identifier = vec![0, 2, 0, 0, 0, 9, 2];
    host.dhcp6.options.clear();
    host.dhcp6.is_silent = false;
    machine.run_with(&mut host);
    assert_eq!(asked(&host), [SOLICIT], "others may have better offers");
    machine.wait_with(seconds(3), &mut host);
    assert_eq!(asked(&host), [SOLICIT, REQUEST]);
    assert!(address(&machine).is_some());
}

#[test]
fn answers_that_are_none_are_dropped_and_counted() {
    let (mut machine, mut host) = settled();
    let mut honest = dhcp6::Server::new();
    // Nothing is being asked.
    assert!(machine.device.inject(&dhcp6::frame(&honest.message(REPLY))));
    machine.run();
    assert_eq!(dropped(&machine, Reason::Unasked), 1);
    host.dhcp6.is_silent = true;
    machine.wait_with(seconds(505), &mut host);
    honest.question.clone_from(&host.dhcp6.question);
    assert_eq!(honest.question[0], RENEW);
    honest.address = "fec0::bad".parse().expect("an address");
    let good = honest.message(REPLY);
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut message = good.clone();
        change(&mut message);
        message
    };
    // The client's identifier begins at 8, the server's at 22, the association at 35, its times at 39, its address at 51.
    let cases = [
        (changed(|message| message[3] ^= 1), Reason::Unasked),
        (changed(|message| message[17] ^= 1), Reason::Unasked),
        (changed(|message| message[30] ^= 1), Reason::Unasked),
        (changed(|message| message[0] = ADVERTISE), Reason::Unasked),
        (changed(|message| message[0] = SOLICIT), Reason::Malformed),
        (changed(|message| message.truncate(70)), Reason::Malformed),
        (changed(|message| message.truncate(30)), Reason::Malformed),
        (changed(|message| message.push(0)), Reason::Malformed),
        (changed(|message| message.clear()), Reason::Malformed),
        (changed(|message| message[34] += 1), Reason::Malformed),
        // T1 > T2, lives of nothing, of less than its preferred part, of link-local and group addresses.
        (changed(|message| message[39] = 1), Reason::UselessGrant),
        (
            changed(|message| message[67..75].fill(0)),
            Reason::UselessGrant,
        ),
        (changed(|message| message[67] = 1), Reason::UselessGrant),
        (
            changed(|message| message[51..53].copy_from_slice(&[0xfe, 0x80])),
            Reason::UselessGrant,
        ),
        (changed(|message| message[51] = 0xff), Reason::UselessGrant),
    ];
    for (number, (message, reason)) in cases.iter().enumerate() {
        let before = dropped(&machine, *reason);
        assert!(machine.device.inject(&dhcp6::frame(message)));
        machine.run();
        assert_eq!(dropped(&machine, *reason), before + 1, "case {number}");
    }
    // From afar, from another port, damaged.
    let to = (dhcp6::CLIENT, 546).into();
    let far = host::udp_frame((host::IPV6, 547).into(), to, &good);
    let port = host::udp_frame((host::LINK_LOCAL, 99).into(), to, &good);
    let to_other = host::udp_frame((host::LINK_LOCAL, 547).into(), (GIVEN, 546).into(), &good);
    let mut damaged = dhcp6::frame(&good);
    *damaged.last_mut().expect("not empty") ^= 1;
    let before = machine.network.counters().dropped();
    for frame in [far, port, to_other, damaged] {
        assert!(machine.device.inject(&frame));
    }
    machine.run();
    assert_eq!(machine.network.counters().dropped(), before + 4);
    assert_eq!(dropped(&machine, Reason::BadSource), 3);
    assert_eq!(address(&machine).expect("still").address, GIVEN);
    // The good one, and not twice.
    for _ in 0..2 {
        assert!(machine.device.inject(&dhcp6::frame(&good)));
    }
    machine.wait_with(seconds(1), &mut host);
    assert_eq!(address(&machine).expect("another").address, honest.address);
    assert_eq!(dropped(&machine, Reason::Unasked), 6);
}

#[test]
fn floods_of_answers_cause_no_questions() {
    let mut machine = Machine::new();
    let mut host = Host::managed();
    host.dhcp6.is_silent = true;
    machine.wait_with(seconds(100), &mut host);
    let questions = asked(&host).len();
    let mut noise = Noise::new(0xd6c6);
    let mut server = dhcp6::Server::new();
    server.question.clone_from(&host.dhcp6.question);
    // Half of them know the transaction, not the rest.
    let samples: Vec<_> = [ADVERTISE, REPLY]
        .map(|kind| dhcp6::frame(&server.message(kind)))
        .into();
    for number in 0..20_000 {
        let mut frame = noise.frame(&samples);
        if number % 2 == 0 {
            for guess in frame.iter_mut().skip(63).take(3) {
                *guess = guess.wrapping_add(1);
            }
            mend(&mut frame);
        }
        machine.device.inject(&frame);
        machine.run();
        machine.device.take_sent();
    }
    // Time did not pass: at most one offer was taken up, once.
    machine.run_with(&mut host);
    assert!(asked(&host).len() <= questions + 1);
    assert!(machine.network.counters().dropped() > 5000);
}
