//! Frames of a hostile guest and packets of a hostile outside, at any time. Whatever leaves for the tunnel must
//! come from the guest's own address and fit; whatever goes to the guest must be a frame.
#![no_main]

use core::net::{Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use arbitrary::Arbitrary;
use frame_api::{Checksum, GATEWAY_ADDRESS, GUEST_ADDRESS, MAX_FRAME, MIN_FRAME};
use libfuzzer_sys::fuzz_target;
use vpn_core::inside::{Configuration, FromGuest, Inbound, Inside, ToGuest};

const OWN: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 2);
const OWN_6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x66, 0, 0, 0, 0, 0, 2);
const MTU: u16 = 1420;

#[derive(Arbitrary, Debug)]
enum Step {
    /// A frame as it is.
    Frame(Vec<u8>),
    /// A packet in a frame with the right header, its source the guest's if it has room for one.
    Packet {
        bytes: Vec<u8>,
        checksum: Option<(u16, u16)>,
    },
    /// A packet from outside to the guest.
    Outside(Vec<u8>),
    /// Time passes.
    Wait(u16),
}

fuzz_target!(|steps: Vec<Step>| {
    let configuration = Configuration {
        ipv4: Some(OWN),
        ipv6: Some(OWN_6),
        resolvers: vec![Ipv4Addr::new(10, 66, 0, 1).into()],
        search: vec!["office.example".into()],
        mtu: MTU,
        inbound: Inbound::parse("tcp/22 udp/5000 echo").expect("it is right"),
        flows_per_second: 100,
        blocklist: None,
    };
    let mut now = Duration::ZERO;
    let mut inside = Inside::new(configuration, [1; 32], now);
    for step in steps {
        match step {
            Step::Frame(mut frame) => from_guest(&mut inside, &mut frame, Checksum::Unchecked, now),
            Step::Packet { bytes, checksum } => {
                let mut frame = framed(&bytes, Which::Source);
                let checksum = match checksum {
                    Some((start, offset)) => Checksum::Missing { start, offset },
                    None => Checksum::Good,
                };
                from_guest(&mut inside, &mut frame, checksum, now);
            }
            Step::Outside(bytes) => {
                let mut frame = framed(&bytes, Which::Destination);
                if let ToGuest::Frame(length) = inside.to_guest(&mut frame, now) {
                    assert!((MIN_FRAME..=MAX_FRAME.min(frame.len())).contains(&length));
                }
            }
            Step::Wait(milliseconds) => now += Duration::from_millis(milliseconds.into()),
        }
        if inside.next_deadline() <= now {
            inside.on_deadline(now);
        }
        while let Some(packet) = inside.next_packet() {
            assert_own(&packet);
        }
        while let Some(frame) = inside.next_frame() {
            assert!((MIN_FRAME..=MAX_FRAME).contains(&frame.len()));
        }
        while inside.next_event().is_some() {}
    }
});

fn from_guest(inside: &mut Inside, frame: &mut [u8], checksum: Checksum, now: Duration) {
    if let FromGuest::Packet(range) = inside.from_guest(frame, checksum, now) {
        assert_own(&frame[range]);
    }
}

enum Which {
    Source,
    Destination,
}

/// The frame of a packet, with a right header and the guest's address in its place.
fn framed(bytes: &[u8], which: Which) -> Vec<u8> {
    let mut packet = bytes.to_vec();
    let is_6 = packet.first().is_some_and(|first| first >> 4 == 6);
    let (at, own): (usize, &[u8]) = match (is_6, which) {
        (true, Which::Source) => (8, &OWN_6.octets()),
        (true, Which::Destination) => (24, &OWN_6.octets()),
        (false, Which::Source) => (12, &OWN.octets()),
        (false, Which::Destination) => (16, &OWN.octets()),
    };
    if let Some(room) = packet.get_mut(at..at + own.len()) {
        room.copy_from_slice(own);
    }
    let protocol: [u8; 2] = if is_6 { [0x86, 0xdd] } else { [8, 0] };
    [&GATEWAY_ADDRESS[..], &GUEST_ADDRESS, &protocol, &packet].concat()
}

fn assert_own(packet: &[u8]) {
    let is_own = match packet[0] >> 4 {
        4 => packet[12..16] == OWN.octets(),
        6 => packet[8..24] == OWN_6.octets(),
        _ => false,
    };
    assert!(is_own && packet.len() <= MTU.into());
}
