//! Floods from strangers: a million datagrams of each kind with `SEKISHO_LONG_TESTS` set, some thousand without.
//!
//! Alone in its program, because it looks at the memory that the program has.

use std::{net::SocketAddr, time::Duration};

use vpn_core::{
    configuration::Configuration,
    tunnel::{Circumstances, DropReason, Policy, Received, SecretKey, Tunnel, Wire},
};

const LENGTHS: [(u8, usize); 5] = [(1, 148), (2, 92), (3, 64), (4, 1452), (5, 100)];
/// What the allocator may keep for itself.
const SLACK_PAGES: u64 = 256;

/// Counts what is sent, and keeps the last of it.
#[derive(Default)]
struct Sent {
    datagrams: u64,
    last: Vec<u8>,
}

impl Wire for Sent {
    fn send(&mut self, _: SocketAddr, datagram: &[u8]) {
        self.datagrams += 1;
        self.last = datagram.to_vec();
    }
}

fn tunnel(own: u8, other: u8) -> Tunnel {
    use base64ct::{Base64, Encoding};
    let public = SecretKey::from([other; 32]).public_key();
    let text = format!(
        "[Interface]\nPrivateKey = {}\nAddress = 10.0.0.{own}\n[Peer]\nPublicKey = {}\nAllowedIPs = 10.0.0.{other}\nEndpoint = 192.0.2.{other}:1\n",
        Base64::encode_string(&[own; 32]),
        Base64::encode_string(public.as_bytes()),
    );
    let configuration = Configuration::parse(text.as_bytes()).expect("legal");
    let circumstances = Circumstances {
        boot_time: Duration::from_secs(1_800_000_000),
        remembered_labels: Duration::ZERO,
        post_quantum: Policy::Prefer,
    };
    Tunnel::new(&configuration, circumstances, [own; 32]).expect("keys are good")
}

/// Pages of this program that are in memory (proc(5)).
fn pages() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let resident = text.split(' ').nth(1).expect("the second number");
    resident.parse().expect("a number")
}

#[test]
fn floods_are_answered_by_little_and_leave_nothing() {
    let hostile: u32 = if std::env::var_os("SEKISHO_LONG_TESTS").is_some() {
        1_000_000
    } else {
        20_000
    };
    let (mut victim, mut peer) = (tunnel(1, 2), tunnel(2, 1));
    let mut now = Duration::from_secs(1);
    let mut sent = Sent::default();
    // A genuine initiation, so that what strangers send has the right first MAC some of the time.
    let mut packet = [0x45; 64];
    packet[..20].copy_from_slice(&[
        0x45, 0, 0, 40, 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1,
    ]);
    peer.seal(&mut packet, 40, &mut [0; 128], now, &mut sent);
    let genuine = sent.last.clone();
    let mut before = None;
    for (kind, length) in LENGTHS {
        let mut sent = Sent::default();
        let template: Vec<u8> = if kind == 1 {
            genuine.clone()
        } else {
            vec![kind; length]
        };
        for number in 0..hostile {
            let mut datagram = template.clone();
            datagram[..4].copy_from_slice(&[kind, 0, 0, 0]);
            let [a, b, c, d] = number.to_be_bytes();
            if number % 4 != 0 {
                datagram[4..8].copy_from_slice(&[d, c, b, a]);
            }
            now += Duration::from_micros(20);
            let source = SocketAddr::from(([198, 18 + a, b, c], u16::from(d) + 1));
            let datagram = datagram.as_slice();
            let received = victim.receive(source, &datagram, &mut [0; 2048], now, &mut sent);
            let is_answer = number == 0 && kind == 1;
            assert!(
                is_answer || matches!(received, Received::Dropped(_)),
                "{received:?}"
            );
            if number == hostile / 4 {
                before.get_or_insert_with(pages);
            }
        }
        assert!(
            sent.datagrams <= u64::from(hostile),
            "more answers than questions"
        );
    }
    let grown = pages().saturating_sub(before.expect("some were sent"));
    assert!(grown < SLACK_PAGES, "{grown} pages more");
    assert!(victim.counters().dropped(DropReason::CookieSent) > 0);
    assert!(victim.counters().dropped(DropReason::WrongMac) > 0);
    assert!(victim.counters().dropped(DropReason::Malformed) > 0);
}
