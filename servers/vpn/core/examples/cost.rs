//! What the tunnel costs, to be counted from outside: `cost STEP TIMES [BYTES]`, once with few and once with many times,
//! under `valgrind --tool=callgrind`; the difference by the difference. Steps: seal, open, handshake, exchange.

use std::{net::SocketAddr, time::Duration};

use vpn_core::{
    configuration::Configuration,
    tunnel::{Circumstances, Policy, PublicKey, Received, Sealed, SecretKey, Tunnel, Wire},
};

const ROOM: usize = 2048;

#[derive(Default)]
struct Outbox(Vec<Vec<u8>>);

impl Wire for Outbox {
    fn send(&mut self, _: SocketAddr, datagram: &[u8]) {
        self.0.push(datagram.to_vec());
    }
}

fn tunnel(own: u8, other: u8, policy: Policy) -> Tunnel {
    use base64ct::{Base64, Encoding};
    let public: PublicKey = SecretKey::from([other; 32]).public_key();
    let text = format!(
        "[Interface]\nPrivateKey = {}\nAddress = 10.0.0.{own}\n[Peer]\nPublicKey = {}\nAllowedIPs = 10.0.0.{other}\nEndpoint = 192.0.2.{other}:1\n",
        Base64::encode_string(&[own; 32]),
        Base64::encode_string(public.as_bytes()),
    );
    let configuration = Configuration::parse(text.as_bytes()).expect("legal");
    let circumstances = Circumstances {
        boot_time: Duration::from_secs(1_800_000_000),
        post_quantum: policy,
    };
    Tunnel::new(&configuration, circumstances, [own; 32]).expect("keys are good")
}

/// Lets both speak until neither has anything to say.
fn converse(tunnels: &mut [Tunnel; 2], mut said: Outbox, now: Duration) {
    let mut receiver = 1;
    let from = SocketAddr::from(([192, 0, 2, 9], 1));
    let mut other = Outbox::default();
    while !said.0.is_empty() || !other.0.is_empty() {
        for datagram in std::mem::take(&mut said.0) {
            let (datagram, mut room) = (datagram.as_slice(), [0; ROOM]);
            tunnels[receiver].receive(from, &datagram, &mut room, now, &mut other);
        }
        tunnels[receiver].on_deadline(now, &mut other);
        std::mem::swap(&mut said, &mut other);
        receiver = 1 - receiver;
    }
}

fn packet(bytes: usize) -> Vec<u8> {
    let mut packet = vec![0; ROOM];
    let length = u16::try_from(bytes).expect("a packet").to_be_bytes();
    packet[..20].copy_from_slice(&[
        0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ]);
    packet
}

fn connected(policy: Policy, now: Duration) -> [Tunnel; 2] {
    let mut tunnels = [tunnel(1, 2, policy), tunnel(2, 1, policy)];
    let mut said = Outbox::default();
    let mut packet = packet(64);
    tunnels[0].seal(&mut packet, 64, &mut [0; ROOM], now, &mut said);
    converse(&mut tunnels, said, now);
    tunnels
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let times: u32 = arguments[2].parse().expect("a number");
    let bytes: usize = arguments
        .get(3)
        .map_or(64, |bytes| bytes.parse().expect("a number"));
    let now = Duration::from_secs(1);
    let policy = if arguments[1] == "exchange" {
        Policy::Require
    } else {
        Policy::Off
    };
    if matches!(arguments[1].as_str(), "handshake" | "exchange") {
        (0..times).for_each(|_| drop(connected(policy, now)));
        return;
    }
    let mut tunnels = connected(policy, now);
    let from = SocketAddr::from(([192, 0, 2, 9], 1));
    let mut outbox = Outbox::default();
    let (mut buffer, mut message, mut room) = (packet(bytes), [0; ROOM], [0; ROOM]);
    for _ in 0..times {
        let sealed = tunnels[0].seal(&mut buffer, bytes, &mut message, now, &mut outbox);
        let Sealed::Message { length, .. } = sealed else {
            panic!("there is a session");
        };
        if arguments[1] == "open" {
            let message = &message[..length];
            let received = tunnels[1].receive(from, &message, &mut room, now, &mut outbox);
            assert!(matches!(received, Received::Packet(_)));
        }
    }
}
