//! What a path takes: from routers that say so about what was sent, and from nobody else (RFC 1191, RFC 8201).

use core::net::IpAddr;
use std::time::Duration;

use datagram_api::Incoming;
use net_core::counters::Reason;
use smoltcp::wire::{
    Icmpv4DstUnreachable, Icmpv4Packet, Icmpv4Repr, Icmpv6Repr, IpProtocol, Ipv4Repr, Ipv6Repr,
};

use crate::machine::host::{self, GUEST_IPV4, GUEST_IPV6, Host};
use crate::machine::{Heard, Machine, PORTS};

const ECHO: &str = "10.0.2.2:7";
const ECHO_6: &str = "[fec0::2]:7";

/// As large as a datagram over IPv4 can be here.
const LENGTH: usize = 1472;

/// A datagram's header and what is quoted of its payload.
pub(crate) fn quoted(length: usize, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(length + 8).expect("short");
    let ports = [PORTS[0].to_be_bytes(), 7u16.to_be_bytes()].concat();
    [&ports[..], &length.to_be_bytes(), &[0; 2], payload].concat()
}

/// A router says that a datagram to the echo needs fragmentation.
pub(crate) fn too_large(mtu: u16, data: &[u8]) -> Vec<u8> {
    let header = Ipv4Repr {
        src_addr: GUEST_IPV4,
        dst_addr: host::IPV4,
        next_header: IpProtocol::Udp,
        payload_len: LENGTH + 8,
        hop_limit: 63,
    };
    let reason = Icmpv4DstUnreachable::FragRequired;
    let mut frame = host::icmpv4(&Icmpv4Repr::DstUnreachable {
        reason,
        header,
        data,
    });
    frame[40..42].copy_from_slice(&mtu.to_be_bytes());
    Icmpv4Packet::new_unchecked(&mut frame[34..]).fill_checksum();
    frame
}

pub(crate) fn too_big(mtu: u32, data: &[u8]) -> Vec<u8> {
    let header = Ipv6Repr {
        src_addr: GUEST_IPV6,
        dst_addr: host::IPV6,
        next_header: IpProtocol::Udp,
        payload_len: data.len(),
        hop_limit: 63,
    };
    let message = Icmpv6Repr::PktTooBig { mtu, header, data };
    host::icmpv6(host::IPV6, GUEST_IPV6, &message, 64)
}

fn told(address: impl Into<IpAddr>, mtu: u32) -> Heard {
    let address = address.into();
    Heard::Other(Incoming::PathMtu { address, mtu })
}

/// A machine that has just sent `payload` there.
fn having_sent(to: &str, payload: &[u8]) -> (Machine, Host) {
    let (mut machine, mut host) = Machine::settled();
    // The first one waits for its next hop's address, and is a copy.
    for payload in [&b"hello"[..], payload] {
        assert!(machine.send(0, to, payload));
        machine.run_with(&mut host);
    }
    machine.heard(0);
    (machine, host)
}

fn payload() -> Vec<u8> {
    (0..LENGTH)
        .map(|at| u8::try_from(at % 251).expect("below 251"))
        .collect()
}

#[test]
fn a_path_takes_less_after_an_error_about_what_was_sent() {
    let payload = payload();
    let (mut machine, mut host) = having_sent(ECHO, &payload);
    let data = quoted(LENGTH, &payload[..500]);
    // Less and less, but never less than every host takes; more only when time has passed.
    for mtu in [1400, 100, 1450] {
        assert!(machine.device.inject(&too_large(mtu, &data)));
    }
    machine.run();
    let expected = [told(host::IPV4, 1400), told(host::IPV4, 576)];
    assert_eq!(machine.heard(0), expected);
    machine.now += Duration::from_secs(1);
    assert!(machine.send(0, ECHO, &[0; 1313]));
    assert!(machine.send(0, ECHO, &[0; 548]));
    machine.run_with(&mut host);
    let heard = machine.heard(0);
    assert_eq!(heard[0], told(host::IPV4, 576));
    assert!(matches!(&heard[1], Heard::Payload(_, payload) if payload.len() == 548));
    assert_eq!(machine.network.counters().dropped_for(Reason::TooLarge), 1);
    // The other client has nothing to do with this.
    assert_eq!(machine.heard(1), []);
    machine.now += Duration::from_secs(600);
    assert!(machine.send(0, ECHO, &payload));
    machine.run_with(&mut host);
    assert!(matches!(&machine.payloads(0)[..], [Heard::Payload(_, back)] if *back == payload));
}

#[test]
fn paths_over_ipv6_take_1280_at_least() {
    let payload = &payload()[..1400];
    let (mut machine, _) = having_sent(ECHO_6, payload);
    let data = quoted(1400, &payload[..1100]);
    for mtu in [1279, 0, 1280] {
        assert!(machine.device.inject(&too_big(mtu, &data)));
    }
    machine.run();
    assert_eq!(machine.heard(0), [told(host::IPV6, 1280)]);
    assert_eq!(
        machine.network.counters().dropped_for(Reason::UselessError),
        2
    );
}

#[test]
fn errors_that_quote_what_was_not_sent_are_not_believed() {
    let payload = payload();
    let (mut machine, _) = having_sent(ECHO, &payload);
    let mut other = payload.clone();
    other[23] ^= 1;
    let inventions = [
        // Another payload, another length, too little of it, the header alone.
        quoted(LENGTH, &other[..500]),
        quoted(LENGTH - 1, &payload[..500]),
        quoted(LENGTH, &payload[..23]),
        quoted(LENGTH, &[]),
        // It was sent, but is smaller than what it says gets through.
        quoted(5, b"hello"),
    ];
    for data in &inventions {
        assert!(machine.device.inject(&too_large(1400, data)));
    }
    // What was sent and fits cannot have been too large.
    let right = quoted(LENGTH, &payload[..24]);
    assert!(machine.device.inject(&too_large(1500, &right)));
    machine.run();
    assert_eq!(machine.heard(0), []);
    assert_eq!(
        machine.network.counters().dropped_for(Reason::UselessError),
        6
    );
    // Just enough of the right one.
    assert!(machine.device.inject(&too_large(1499, &right)));
    machine.run();
    assert_eq!(machine.heard(0), [told(host::IPV4, 1499)]);
}

#[test]
fn a_flood_of_inventions_changes_nothing() {
    let payload = payload();
    let (mut machine, mut host) = having_sent(ECHO, &payload);
    for number in 0..100_000u32 {
        let mut guess = payload[..24].to_vec();
        guess[4..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
        assert!(
            machine
                .device
                .inject(&too_large(576, &quoted(LENGTH, &guess)))
        );
        machine.run();
    }
    assert_eq!(machine.heard(0), []);
    assert!(machine.send(0, ECHO, &payload));
    machine.run_with(&mut host);
    assert!(matches!(&machine.heard(0)[..], [Heard::Payload(_, back)] if *back == payload));
}
