//! A guest and an outside that try everything.

use core::net::Ipv4Addr;

use frame_api::{Checksum, MAX_FRAME, MIN_FRAME};
use proptest::prelude::*;
use smoltcp::wire::{EthernetProtocol, IpProtocol, TcpControl};
use vpn_core::inside::{Event, FromGuest, Inside, Refusal, SERVICE_ADDRESS, ToGuest};

use crate::guest::{
    CHOSEN_6, OWN, OWN_6, REMOTE, REMOTE_6, at, frame, frame_of, inside, ip, ping, receive, send,
    tcp, udp,
};

#[test]
fn spoofed_sources_stay_inside() {
    let mut inside = inside();
    for packet in [
        udp(Ipv4Addr::new(10, 66, 0, 3), REMOTE, (1, 2), b"x"),
        udp(REMOTE, REMOTE, (1, 2), b"x"),
        udp(Ipv4Addr::UNSPECIFIED, REMOTE, (1, 2), b"x"),
        udp(SERVICE_ADDRESS, REMOTE, (1, 2), b"x"),
        udp(REMOTE_6, REMOTE_6, (1, 2), b"x"),
    ] {
        assert_eq!(send(&mut inside, &packet, at(1)), Err(Refusal::Spoofed));
    }
    assert_eq!(inside.counters().refused(Refusal::Spoofed), 5);
    assert_eq!(inside.counters().to_tunnel, 0);
    let event = inside.next_event();
    assert_eq!(
        event,
        Some(Event::Spoofed(Ipv4Addr::new(10, 66, 0, 3).into()))
    );
    for packet in [
        ping(OWN, OWN, 1),
        udp(SERVICE_ADDRESS, OWN, (1, 5000), b"x"),
        udp(Ipv4Addr::LOCALHOST, OWN, (1, 5000), b"x"),
        udp(OWN_6, OWN_6, (1, 5000), b"x"),
    ] {
        assert_eq!(receive(&mut inside, &packet, at(1)), Err(Refusal::Spoofed));
    }
    let elsewhere = udp(REMOTE_6, CHOSEN_6, (1, 5000), b"x");
    assert_eq!(
        receive(&mut inside, &elsewhere, at(1)),
        Err(Refusal::NoAddress)
    );
}

#[test]
fn frames_of_other_kinds_stay_inside() {
    let mut inside = inside();
    let packet = udp(OWN, REMOTE, (1, 2), b"x");
    for protocol in [0x8100, 0x88a8, 0x88cc, 0x8863, 0x0100] {
        let mut frame = frame_of(EthernetProtocol::from(protocol), &packet);
        let refused = inside.from_guest(&mut frame, Checksum::Unchecked, at(1));
        assert_eq!(refused, FromGuest::Refused(Refusal::Protocol));
    }
    let mut contradiction = frame_of(EthernetProtocol::Ipv6, &packet);
    let refused = inside.from_guest(&mut contradiction, Checksum::Unchecked, at(1));
    assert_eq!(refused, FromGuest::Refused(Refusal::Malformed));
    for at_byte in [0, 6] {
        let mut foreign = frame(&packet);
        foreign[at_byte + 5] ^= 0x40;
        let refused = inside.from_guest(&mut foreign, Checksum::Unchecked, at(1));
        assert_eq!(refused, FromGuest::Refused(Refusal::Link));
    }
    for packet in [
        udp(OWN, Ipv4Addr::BROADCAST, (1, 2), b"x"),
        udp(OWN, Ipv4Addr::new(224, 0, 0, 251), (5353, 5353), b"x"),
        udp(OWN, Ipv4Addr::new(169, 254, 1, 1), (1, 2), b"x"),
        udp(OWN, Ipv4Addr::LOCALHOST, (1, 2), b"x"),
        udp(OWN, OWN, (1, 2), b"x"),
        udp(CHOSEN_6, OWN_6, (1, 2), b"x"),
    ] {
        assert_eq!(send(&mut inside, &packet, at(1)), Err(Refusal::NoRoute));
    }
    assert_eq!(inside.counters().to_tunnel, 0);
}

#[test]
fn hidden_headers_stay_inside() {
    let mut inside = inside();
    let mut options = udp(OWN, REMOTE, (1, 2), &[0; 20]);
    options[0] = 0x46;
    assert_eq!(send(&mut inside, &options, at(1)), Err(Refusal::Options));
    for extension in [0, 43, 60, 44] {
        let protocol = IpProtocol::from(extension);
        let mut packet = ip(CHOSEN_6, REMOTE_6, protocol, 32, |room, _, _| room.fill(0));
        if extension == 44 {
            // A fragment header in a fragment header.
            packet[40] = 44;
        }
        assert_eq!(
            send(&mut inside, &packet, at(1)),
            Err(Refusal::Options),
            "{extension}"
        );
    }
}

#[test]
fn cut_packets_do_no_harm() {
    let mut inside = inside();
    let packets = [
        udp(OWN, REMOTE, (1, 2), b"data"),
        tcp(OWN, REMOTE, (1, 2), TcpControl::Syn, b""),
        ping(CHOSEN_6, REMOTE_6, 1),
        udp(OWN, SERVICE_ADDRESS, (68, 67), &[0; 300]),
    ];
    for packet in &packets {
        for length in 0..packet.len() {
            let mut whole = frame(packet);
            whole.truncate(MIN_FRAME + length);
            let result = inside.from_guest(&mut whole, Checksum::Unchecked, at(1));
            assert_eq!(result, FromGuest::Refused(Refusal::Malformed), "{length}");
        }
    }
}

/// Packets that are nearly right, so that random changes reach deep.
fn nearly_right() -> impl Strategy<Value = Vec<u8>> {
    let seeds = vec![
        udp(OWN, REMOTE, (4000, 9), b"some data"),
        udp(
            OWN,
            SERVICE_ADDRESS,
            (4000, 53),
            &crate::names::query(1, "a.test"),
        ),
        udp(
            Ipv4Addr::UNSPECIFIED,
            Ipv4Addr::BROADCAST,
            (68, 67),
            &[1; 300],
        ),
        tcp(OWN, REMOTE, (4000, 80), TcpControl::Syn, b""),
        tcp(OWN, SERVICE_ADDRESS, (4000, 53), TcpControl::Psh, &[0; 40]),
        tcp(CHOSEN_6, REMOTE_6, (4000, 80), TcpControl::Syn, b""),
        ping(OWN, REMOTE, 7),
        ping(CHOSEN_6, REMOTE_6, 7),
        udp(REMOTE, OWN, (9, 4000), b"some data"),
        udp(REMOTE_6, OWN_6, (9, 5000), b"some data"),
        tcp(REMOTE, OWN, (9, 22), TcpControl::Syn, b""),
        ping(REMOTE, OWN, 7),
    ];
    let change = (0usize..80, any::<u8>());
    let changes = proptest::collection::vec(change, 0..6);
    (proptest::sample::select(seeds), changes, 0usize..1600).prop_map(
        |(mut packet, changes, length)| {
            for (at, value) in changes {
                if let Some(byte) = packet.get_mut(at) {
                    *byte = value;
                }
            }
            if length > 1000 {
                packet.resize(length, 0x5a);
            }
            packet
        },
    )
}

/// What must be true of whatever leaves for the tunnel, however it came about.
pub(crate) fn assert_clean(packet: &[u8]) {
    let is_own = match packet[0] >> 4 {
        4 => packet[12..16] == OWN.octets(),
        6 => packet[8..24] == OWN_6.octets(),
        _ => false,
    };
    assert!(is_own, "{packet:02x?}");
    assert!(packet.len() <= 1420);
}

fn drain(inside: &mut Inside) {
    while let Some(packet) = inside.next_packet() {
        assert_clean(&packet);
    }
    while let Some(frame) = inside.next_frame() {
        assert!((MIN_FRAME..=MAX_FRAME).contains(&frame.len()));
    }
    while inside.next_event().is_some() {}
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_leaves_is_the_guests(
        packets in proptest::collection::vec((nearly_right(), any::<bool>(), 0u64..100_000), 1..60),
    ) {
        let mut inside = inside();
        for (packet, outward, milliseconds) in packets {
            let now = core::time::Duration::from_millis(milliseconds);
            let mut frame = frame(if packet.is_empty() { &[0x40] } else { &packet });
            frame.truncate(2000);
            if outward {
                if let FromGuest::Packet(range) = inside.from_guest(&mut frame, Checksum::Unchecked, now) {
                    assert_clean(&frame[range]);
                }
            } else if let ToGuest::Frame(length) = inside.to_guest(&mut frame, now) {
                prop_assert!((MIN_FRAME..=MAX_FRAME.min(frame.len())).contains(&length));
            }
            inside.on_deadline(now);
            drain(&mut inside);
        }
    }

    #[test]
    fn noise_does_no_harm(
        mut frame in proptest::collection::vec(any::<u8>(), 0..200),
        start in 0u16..300, offset in 0u16..300,
    ) {
        let mut inside = inside();
        let missing = Checksum::Missing { start, offset };
        for checksum in [Checksum::Unchecked, Checksum::Good, missing] {
            if let FromGuest::Packet(range) = inside.from_guest(&mut frame, checksum, at(1)) {
                assert_clean(&frame[range]);
            }
            let _ = inside.to_guest(&mut frame, at(1));
            drain(&mut inside);
        }
    }
}
