//! Floods from the guest and from outside: a million packets of each kind with `SEKISHO_LONG_TESTS` set, some
//! thousand without.

use core::time::Duration;

use frame_api::{Checksum, MIN_FRAME};
use smoltcp::wire::TcpControl;
use vpn_core::inside::{FromGuest, Inside, Refusal, SERVICE_ADDRESS, ToGuest};

use crate::guest::{
    CHOSEN_6, OWN, OWN_6, REMOTE, REMOTE_6, frame, inside, ping, receive, send, tcp, udp,
};
use crate::hostile::assert_clean;
use crate::names::query;

fn count() -> u32 {
    if std::env::var_os("SEKISHO_LONG_TESTS").is_some() {
        1_000_000
    } else {
        5_000
    }
}

/// Numbers that look random and are the same each time (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("it is below a usize")
    }

    /// The packet with up to four bytes changed and sometimes another length.
    fn damaged(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut packet = packet.to_vec();
        for _ in 0..self.below(5) {
            let at = self.below(packet.len().min(100));
            packet[at] = self.next().to_le_bytes()[0];
        }
        match self.below(8) {
            0 => packet.truncate(self.below(packet.len()).max(1)),
            1 => packet.resize(packet.len() + self.below(1500), 0xa5),
            _ => {}
        }
        packet
    }
}

fn drain(inside: &mut Inside) -> usize {
    let mut said = 0;
    while let Some(packet) = inside.next_packet() {
        assert_clean(&packet);
    }
    while inside.next_frame().is_some() {
        said += 1;
    }
    while inside.next_event().is_some() {}
    said
}

#[test]
fn floods_leave_the_gateway_as_it_was() {
    let from_guest = [
        udp(OWN, REMOTE, (4000, 9), b"data"),
        tcp(OWN, REMOTE, (4000, 80), TcpControl::Syn, b""),
        ping(CHOSEN_6, REMOTE_6, 7),
        udp(OWN, SERVICE_ADDRESS, (4000, 53), &query(1, "a.test")),
        udp(OWN, SERVICE_ADDRESS, (68, 67), &[1; 300]),
        tcp(CHOSEN_6, REMOTE_6, (1, 2), TcpControl::None, &[7; 1300]),
    ];
    let from_outside = [
        udp(REMOTE, OWN, (9, 5000), b"data"),
        tcp(REMOTE, OWN, (9, 22), TcpControl::Syn, b""),
        ping(REMOTE_6, OWN_6, 7),
        udp(
            crate::guest::RESOLVER,
            OWN,
            (53, 61000),
            &query(1, "a.test"),
        ),
    ];
    let mut numbers = Numbers(0x5eed_5eed);
    let mut inside = inside();
    let mut now = Duration::from_secs(100);
    let mut turn = |inside: &mut Inside, packet: &[u8], outward: bool| {
        now += Duration::from_micros(50);
        let mut frame = frame(&numbers.damaged(packet));
        if !outward {
            let _ = inside.to_guest(&mut frame, now);
        } else if let FromGuest::Packet(range) =
            inside.from_guest(&mut frame, Checksum::Unchecked, now)
        {
            assert_clean(&frame[range]);
        }
        if inside.next_deadline() <= now {
            inside.on_deadline(now);
        }
        drain(inside);
        now
    };
    let mut end = Duration::ZERO;
    for _ in 0..count() {
        for packet in &from_guest {
            turn(&mut inside, packet, true);
        }
        for packet in &from_outside {
            end = turn(&mut inside, packet, false);
        }
    }
    let counters = *inside.counters();
    assert!(counters.refused(Refusal::Malformed) > 0 && counters.refused(Refusal::Spoofed) > 0);
    // Ten seconds later the gateway works as on its first day.
    end += Duration::from_secs(10);
    let packet = udp(OWN, REMOTE, (4999, 9), b"x");
    assert!(send(&mut inside, &packet, end).is_ok());
    let answer = udp(REMOTE, OWN, (9, 4999), b"x");
    assert_eq!(receive(&mut inside, &answer, end), Ok(answer));
}

#[test]
fn a_flood_that_causes_errors_is_answered_by_few() {
    let mut inside = inside();
    let long = udp(OWN, REMOTE, (1, 2), &[0; 1450]);
    let mut said = 0;
    // A second of it.
    for number in 0..count() {
        let now = Duration::from_secs(100) + Duration::from_secs(1) * number / count();
        assert_eq!(send(&mut inside, &long, now), Err(Refusal::TooBig));
        said += drain(&mut inside);
    }
    assert!((100..=151).contains(&said), "{said}");
    let mut frame = vec![0; MIN_FRAME];
    frame.extend(udp(REMOTE, OWN, (1, 2), b""));
    let refused = inside.to_guest(&mut frame, Duration::from_secs(200));
    assert_eq!(refused, ToGuest::Refused(Refusal::Uninvited));
}
