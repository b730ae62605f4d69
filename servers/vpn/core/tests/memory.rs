//! How much memory one guest can make its tunnel take: the bounds that servers/vpn/README.md states.
//!
//! Alone in its program, because it looks at the memory that the program has.

use std::{
    fmt::Write,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use base64ct::{Base64, Encoding};
use frame_api::{Checksum, GATEWAY_ADDRESS, GUEST_ADDRESS, MIN_FRAME};
use vpn_core::{
    configuration::{Configuration, PEERS_MAX},
    inside::{self, FromGuest, Inbound, Inside, Refusal},
    tunnel::{Circumstances, DropReason, Policy, Sealed, SecretKey, Tunnel, Wire},
};

const KIB: u64 = 1 << 10;
const PAGE: u64 = 4 * KIB;
/// What gateway and tunnel together take at most, without a blocklist.
const MOST: u64 = 1536 * KIB;
/// What they take with one peer, before there are packets.
const ORDINARY: u64 = 400 * KIB;
/// What the allocator may keep for itself.
const SLACK: u64 = 256 * KIB;

/// A wire on which everything is lost.
struct Lost;

impl Wire for Lost {
    fn send(&mut self, _: SocketAddr, _: &[u8]) {}
}

/// Bytes of this program's own that are in memory: not its code (proc(5)).
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let mut pages = text
        .split(' ')
        .map(|number| number.parse::<u64>().expect("a number"));
    let (all, shared) = (pages.nth(1), pages.next());
    (all.expect("the second") - shared.expect("the third")) * PAGE
}

/// So many peers, each with a network of its own, and none of them there.
fn configuration(peers: usize) -> Configuration {
    let mut text = format!(
        "[Interface]\nPrivateKey = {}\nAddress = 10.66.0.2/32\n",
        Base64::encode_string(&[200; 32])
    );
    for number in (1..).take(peers) {
        let key = SecretKey::from([number; 32]).public_key();
        let key = Base64::encode_string(key.as_bytes());
        write!(
            text,
            "[Peer]\nPublicKey = {key}\nAllowedIPs = 10.{number}.0.0/16\nEndpoint = 192.0.2.{number}:1\n"
        )
        .expect("there is room");
    }
    Configuration::parse(text.as_bytes()).expect("legal")
}

/// The guest's frame with a datagram as long as its link takes, for a place that depends on `number`.
fn frame(number: u32, frame: &mut [u8]) {
    let [_, high, middle, low] = number.to_be_bytes();
    let to = Ipv4Addr::new(10, 1 + low % 64, high, middle);
    let length = u16::try_from(frame.len() - MIN_FRAME).expect("short");
    frame[..6].copy_from_slice(&GATEWAY_ADDRESS);
    frame[6..12].copy_from_slice(&GUEST_ADDRESS);
    frame[12..14].copy_from_slice(&[8, 0]);
    frame[14..18].copy_from_slice(&[0x45, 0, length.to_be_bytes()[0], length.to_be_bytes()[1]]);
    frame[18..26].copy_from_slice(&[0, 0, 0, 0, 64, 17, 0, 0]);
    frame[26..30].copy_from_slice(&[10, 66, 0, 2]);
    frame[30..34].copy_from_slice(&to.octets());
    let udp = (length - 20).to_be_bytes();
    frame[34..42].copy_from_slice(&[middle, low, 0, 9, udp[0], udp[1], 0, 0]);
}

struct Guest {
    inside: Inside,
    tunnel: Tunnel,
    now: Duration,
}

impl Guest {
    fn new(peers: usize) -> Self {
        let configuration = configuration(peers);
        let circumstances = Circumstances {
            boot_time: Duration::from_secs(1_800_000_000),
            remembered_labels: Duration::ZERO,
            post_quantum: Policy::Prefer,
        };
        let inside = inside::Configuration {
            ipv4: Some(Ipv4Addr::new(10, 66, 0, 2)),
            ipv6: None,
            resolvers: Vec::new(),
            search: Vec::new(),
            mtu: 1420,
            inbound: Inbound::default(),
            flows_per_second: 1_000_000,
            blocklist: None,
        };
        Self {
            tunnel: Tunnel::new(&configuration, circumstances, [3; 32]).expect("keys are good"),
            inside: Inside::new(inside, [4; 32], Duration::ZERO),
            now: Duration::from_secs(1),
        }
    }

    /// Sends `count` datagrams to as many places; how many of them wait.
    fn flood(&mut self, count: u32) -> u32 {
        let mut buffer = vec![0; 2048];
        let mut message = vec![0; 2048];
        let mut queued = 0;
        for number in 0..count {
            self.now += Duration::from_micros(20);
            let length = MIN_FRAME + 1420;
            frame(number, &mut buffer[..length]);
            let sent = self
                .inside
                .from_guest(&mut buffer[..length], Checksum::Unchecked, self.now);
            let FromGuest::Packet(packet) = sent else {
                panic!("{sent:?}");
            };
            let packet = &mut buffer[packet.start..];
            let sealed = self
                .tunnel
                .seal(packet, 1420, &mut message, self.now, &mut Lost);
            queued += u32::from(sealed == Sealed::Queued);
            if self
                .tunnel
                .next_deadline()
                .is_some_and(|due| due <= self.now)
            {
                self.tunnel.on_deadline(self.now, &mut Lost);
            }
        }
        queued
    }
}

#[test]
fn a_guest_with_64_silent_peers_takes_what_it_may_and_no_more() {
    let before = resident();
    let ordinary = Guest::new(1);
    let small = resident() - before;
    assert!(small < ORDINARY, "{} KiB", small / KIB);
    drop(ordinary);
    let mut guest = Guest::new(PEERS_MAX);
    let count = if std::env::var_os("SEKISHO_LONG_TESTS").is_some() {
        1_000_000
    } else {
        50_000
    };
    assert_eq!(guest.flood(count), count);
    let most = resident() - before;
    assert!(most < MOST, "{} KiB", most / KIB);
    assert_eq!(guest.flood(count), count);
    let grown = (resident() - before).saturating_sub(most);
    assert!(grown < SLACK, "{} KiB more", grown / KIB);
    assert!(guest.tunnel.counters().dropped(DropReason::QueueFull) > u64::from(count));
    assert_eq!(guest.inside.counters().refused(Refusal::Rate), 0);
    println!(
        "{} KiB with one peer, {} KiB at most",
        small / KIB,
        most / KIB
    );
}
