//! Datagrams that a path takes only in pieces, out and in (RFC 791, section 3.2; RFC 8200, section 4.5; RFC 5722).

use std::time::Duration;

use datagram_api::{Incoming, LEAST_CARRIED, QUEUE_LENGTH};
use net_core::counters::Reason;

use crate::machine::host::{self, GUEST_IPV4, GUEST_IPV6, Host, Kind};
use crate::machine::{Heard, Machine, PORTS, device, pieces};
use crate::noise::Noise;
use crate::path_mtu::{quoted, too_big, too_large};

const ECHO: &str = "10.0.2.2:7";
const ECHO_6: &str = "[fec0::2]:7";

/// Numbers of bytes that go in pieces, and some that do not.
const LENGTHS: [usize; 9] = [LEAST_CARRIED, 1311, 1305, 1304, 1240, 1233, 1232, 1231, 1];

fn payload(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| u8::try_from(at % 249).expect("below 249"))
        .collect()
}

fn back(from: &str, bytes: &[u8]) -> Heard {
    Heard::Payload(from.parse().expect("an address"), bytes.to_vec())
}

/// A machine that knows that the path to the echo takes packets of `mtu` bytes.
pub(crate) fn narrowed(to: &str, mtu: u16) -> (Machine, Host) {
    let (mut machine, mut host) = Machine::settled();
    narrow(&mut machine, &mut host, to, mtu);
    (machine, host)
}

fn narrow(machine: &mut Machine, host: &mut Host, to: &str, mtu: u16) {
    for bytes in [&payload(5), &payload(1400)] {
        assert!(machine.send(0, to, bytes));
        machine.run_with(host);
    }
    let quote = quoted(1400, &payload(40));
    let error = if to == ECHO {
        too_large(mtu, &quote)
    } else {
        too_big(mtu.into(), &quote)
    };
    assert!(machine.device.inject(&error));
    machine.run();
    machine.heard(0);
    host.seen.clear();
}

#[test]
fn what_is_always_carried_is_carried_in_pieces() {
    for (to, mtus) in [
        (ECHO, &[576, 700, 1300, 1339][..]),
        (ECHO_6, &[1280, 1300, 1359]),
    ] {
        for mtu in mtus {
            let (mut machine, mut host) = narrowed(to, *mtu);
            for length in LENGTHS {
                let bytes = payload(length);
                assert!(machine.send(0, to, &bytes));
                machine.run_with(&mut host);
                assert_eq!(machine.payloads(0), [back(to, &bytes)], "{length} by {mtu}");
            }
            let is_small = |kind: &Kind| match kind {
                Kind::Piece(length) => *length <= usize::from(*mtu),
                other => *other == Kind::Datagram,
            };
            assert!(host.seen.iter().all(is_small), "{:?}", host.seen);
            assert!(host.seen.contains(&Kind::Piece((*mtu).into())) || mtu % 8 != 0 || to == ECHO);
            // One byte more is refused, and the client hears why.
            machine.now += Duration::from_secs(1);
            host.seen.clear();
            assert!(machine.send(0, to, &payload(LEAST_CARRIED + 60)));
            machine.run_with(&mut host);
            assert!(matches!(
                machine.payloads(0)[..],
                [Heard::Other(Incoming::PathMtu { .. })]
            ));
            assert_eq!(host.seen, []);
            // In ten minutes it is tried whole again.
            machine.now += Duration::from_secs(600);
            assert!(machine.send(0, to, &payload(LEAST_CARRIED)));
            machine.run_with(&mut host);
            assert!(!host.seen.iter().any(|kind| matches!(kind, Kind::Piece(_))));
        }
    }
}

#[test]
fn pieces_have_their_sum_whoever_fills_in_others() {
    let device = device::Device::new();
    device.0.borrow_mut().features |= device::CHECKSUM | device::GUEST_CHECKSUM;
    let auto = "auto".parse().expect("legal");
    let mut machine = Machine::with(device, "dhcp".parse().expect("legal"), auto);
    let mut host = Host::new();
    machine.wait_with(Duration::from_secs(1), &mut host);
    for (to, mtu) in [(ECHO, 900), (ECHO_6, 1280)] {
        narrow(&mut machine, &mut host, to, mtu);
        assert!(machine.send(0, to, &payload(LEAST_CARRIED)));
        machine.run_with(&mut host);
        assert_eq!(machine.payloads(0), [back(to, &payload(LEAST_CARRIED))]);
        assert!(host.seen.len() > 1);
    }
}

#[test]
fn what_waits_for_its_next_hop_goes_in_pieces_too() {
    let (mut machine, mut host) = narrowed(ECHO, 1300);
    // It is forgotten, and does not answer at first.
    host.is_reachable = false;
    machine.now += Duration::from_secs(61);
    assert!(machine.send(0, ECHO, b"where is it?"));
    machine.wait_with(Duration::from_secs(10), &mut host);
    machine.heard(0);
    assert!(machine.send(0, ECHO, &payload(LEAST_CARRIED)));
    machine.run_with(&mut host);
    host.is_reachable = true;
    machine.wait_with(Duration::from_secs(2), &mut host);
    assert_eq!(machine.payloads(0), [back(ECHO, &payload(LEAST_CARRIED))]);
}

#[test]
fn a_place_is_released_when_all_its_pieces_are_sent() {
    let (mut machine, mut host) = narrowed(ECHO, 576);
    assert!(machine.send(0, ECHO, &payload(LEAST_CARRIED)));
    let turn = machine.network.turn(machine.now);
    turn.expect("an honest device");
    for sent in 0..3 {
        let free = machine.peers[0].requests.free();
        assert_eq!(free, Ok(QUEUE_LENGTH as u64 - 1), "{sent} pieces are sent");
        assert_eq!(machine.device.send_some(1), 1);
        machine.network.turn(machine.now).expect("an honest device");
    }
    assert_eq!(machine.peers[0].requests.free(), Ok(QUEUE_LENGTH as u64));
    // Hundreds of them: none is held back for ever.
    for _ in 0..20 {
        while machine.send(0, ECHO, &payload(LEAST_CARRIED)) {}
        machine.run_with(&mut host);
        machine.heard(0);
    }
    assert_eq!(machine.peers[0].requests.free(), Ok(QUEUE_LENGTH as u64));
}

#[test]
fn a_path_shrinks_after_an_error_about_a_piece() {
    let (mut machine, mut host) = narrowed(ECHO_6, 1340);
    let bytes = payload(LEAST_CARRIED);
    assert!(machine.send(0, ECHO_6, &bytes));
    machine.run_with(&mut host);
    machine.heard(0);
    let udp = quoted(LEAST_CARRIED, &bytes[..1000]);
    // The first piece is quoted behind its header; what quotes another shows nothing.
    for (place, heard) in [([5, 40], 0), ([0, 1], 1)] {
        let header = [&[17, 0][..], &place, &[1, 2, 3, 4]].concat();
        let mut error = too_big(1280, &[&header, &udp[..]].concat());
        error[14 + 40 + 8 + 6] = 44;
        crate::noise::mend(&mut error);
        assert!(machine.device.inject(&error));
        machine.run();
        assert_eq!(machine.payloads(0).len(), heard);
    }
}

#[test]
fn datagrams_in_pieces_are_put_together() {
    let (mut machine, mut host) = Machine::settled();
    for (to, mtu) in [(ECHO, 576), (ECHO, 1300), (ECHO_6, 1280)] {
        host.mtu = mtu;
        for length in [1232, 1300, 1400, 1440] {
            assert!(machine.send(0, to, &payload(length)));
            machine.run_with(&mut host);
            assert_eq!(machine.payloads(0), [back(to, &payload(length))]);
        }
    }
    assert_eq!(machine.network.counters().dropped(), 0);
    // In any order, mixed with others of the same host.
    let frames = [payload(1400), payload(1401)].map(|payload| {
        let to = (GUEST_IPV6, PORTS[0]).into();
        host::udp_frame((host::IPV6, 7).into(), to, &payload)
    });
    let [first, second] = [0u16, 1].map(|mark| pieces::cut(&frames[usize::from(mark)], 1280, mark));
    for frame in [&second[1], &first[1], &first[0], &second[0]] {
        assert!(machine.device.inject(frame));
        machine.run();
    }
    let both = [1400, 1401].map(|length| back(ECHO_6, &payload(length)));
    assert_eq!(machine.payloads(0), both);
    // One piece that is all (RFC 6946).
    let atomic = pieces::cut(&frames[0], 1500, 3);
    assert_eq!(atomic.len(), 1);
    assert!(machine.device.inject(&atomic[0]));
    machine.run();
    assert_eq!(machine.payloads(0), both[..1]);
}

#[test]
fn pieces_are_checked_like_all_that_comes() {
    let (mut machine, mut host) = Machine::settled();
    let to = (GUEST_IPV4, PORTS[0]).into();
    let frame = host::udp_frame((host::IPV4, 7).into(), to, &payload(1200));
    // Nobody sent there yet.
    for piece in pieces::cut(&frame, 700, 1) {
        assert!(machine.device.inject(&piece));
    }
    machine.run();
    let dropped = |machine: &Machine, reason| machine.network.counters().dropped_for(reason);
    assert_eq!(dropped(&machine, Reason::Fragment), 2);
    assert!(machine.send(0, ECHO, b"hello"));
    machine.run_with(&mut host);
    machine.heard(0);
    let udp = &frame[34..];
    let piece = |range: std::ops::Range<usize>, is_last, mark| {
        pieces::piece(&frame, &udp[range.clone()], range.start, is_last, mark)
    };
    let mut damaged = piece(600..1208, true, 4);
    damaged[100] ^= 1;
    let mut other_protocol = piece(0..600, false, 5);
    other_protocol[23] = 6;
    smoltcp::wire::Ipv4Packet::new_unchecked(&mut other_protocol[14..]).fill_checksum();
    let cases = [
        // An overlap, whatever is in it, drops all of the datagram: the rest begins another one.
        (
            vec![piece(0..600, false, 2), piece(592..1208, true, 2)],
            Reason::Fragment,
        ),
        (
            vec![piece(0..600, false, 3), piece(0..600, false, 3)],
            Reason::Fragment,
        ),
        (vec![piece(0..600, false, 4), damaged], Reason::BadChecksum),
        (vec![other_protocol], Reason::OtherProtocol),
        // Less than the UDP header says, and less than a header.
        (
            vec![piece(0..600, false, 6), piece(600..1200, true, 6)],
            Reason::Malformed,
        ),
        (
            vec![piece(600..608, true, 7), piece(0..600, false, 7)],
            Reason::Malformed,
        ),
        (vec![piece(0..7, false, 8)], Reason::Fragment),
    ];
    for (number, (frames, reason)) in cases.iter().enumerate() {
        let before = dropped(&machine, *reason);
        for frame in frames {
            assert!(machine.device.inject(frame));
            machine.run();
        }
        assert_eq!(dropped(&machine, *reason), before + 1, "case {number}");
        assert_eq!(machine.payloads(0), [], "case {number}");
    }
    assert!(
        machine.device.take_sent().is_empty(),
        "nothing is said to that"
    );
    // For a port of nobody.
    let to_nobody = host::udp_frame(
        (host::IPV4, 7).into(),
        (GUEST_IPV4, 9).into(),
        &payload(900),
    );
    for piece in pieces::cut(&to_nobody, 700, 9) {
        assert!(machine.device.inject(&piece));
    }
    machine.run();
    assert_eq!(dropped(&machine, Reason::NoClient), 1);
}

#[test]
fn a_flood_of_pieces_leaves_room_for_honest_ones() {
    let (mut machine, mut host) = Machine::settled();
    assert!(machine.send(0, ECHO, b"hello"));
    machine.run_with(&mut host);
    machine.heard(0);
    let to = (GUEST_IPV4, PORTS[0]).into();
    let frame = host::udp_frame((host::IPV4, 7).into(), to, &payload(1400));
    let mut noise = Noise::new(0x91ec);
    let samples = pieces::cut(&frame, 576, 1);
    for _ in 0..20_000 {
        machine.device.inject(&noise.frame(&samples));
        machine.run();
        machine.heard(0);
    }
    for piece in pieces::cut(&frame, 576, 0x7777) {
        assert!(machine.device.inject(&piece));
        machine.run();
    }
    let heard = machine.payloads(0);
    assert_eq!(heard, [back(ECHO, &payload(1400))]);
}
