//! What the tunnel costs: a handshake, counted at both ends together, and one packet of 1,400 bytes sealed and opened.
//! What `vpn` costs beyond it is channels, gateway and firewall.

use alloc::{format, vec, vec::Vec};
use core::net::SocketAddr;
use core::time::Duration;

use base64ct::{Base64, Encoding};
use test_support::{Failure, Outcome, Test, Tester, ensure, expect, println};
use vpn_core::configuration::Configuration;
use vpn_core::tunnel::{Circumstances, Policy, Received, Sealed, SecretKey, Tunnel, Wire};

use crate::timed;

/// Bytes of a buffer for a packet or a message.
const ROOM: usize = 2048;
/// Bytes of the packet that is sealed and opened.
const PACKET: u16 = 1400;
/// Rounds of a measurement, of which the least counts.
const ROUNDS: usize = 32;
/// When packets are sealed: the handshake is over.
const NOW: Duration = Duration::from_secs(3);

pub(crate) const MEASUREMENTS: &[Test] = &[
    Test {
        id: "handshake",
        rule: "two ends that know each other get a session",
        run: |_| handshake("handshake", Policy::Off),
    },
    Test {
        id: "handshake-post-quantum",
        rule: "they agree on a key against tomorrow's computers, too",
        run: |_| handshake("handshake-post-quantum", Policy::Require),
    },
    Test {
        id: "packets",
        rule: "a packet that is sealed at one end opens at the other",
        run: packets,
    },
];

/// What an end sends.
#[derive(Default)]
struct Outbox(Vec<Vec<u8>>);

impl Wire for Outbox {
    fn send(&mut self, _: SocketAddr, datagram: &[u8]) {
        self.0.push(datagram.to_vec());
    }
}

fn handshake(name: &str, policy: Policy) -> Outcome {
    let mut ends = ends(policy)?;
    let ((), took) = timed(|| connect(&mut ends));
    ensure(
        seal(&mut ends[0], &mut packet(), &mut [0; ROOM]).is_some(),
        "there is no session",
    )?;
    println!("\nfigure {name} {took} instructions");
    Ok(())
}

fn packets(_: &mut Tester) -> Outcome {
    let mut ends = ends(Policy::Off)?;
    connect(&mut ends);
    let [sender, receiver] = &mut ends;
    let (mut least_seal, mut least_open) = (u64::MAX, u64::MAX);
    for _ in 0..ROUNDS {
        let (mut packet, mut message, mut room) = (packet(), [0; ROOM], [0; ROOM]);
        let (length, took) = timed(|| seal(sender, &mut packet, &mut message));
        least_seal = least_seal.min(took);
        let message = &message[..expect(length, "a packet could not be sealed")?];
        let mut said = Outbox::default();
        let (received, took) =
            timed(|| receiver.receive(place(), &message, &mut room, NOW, &mut said));
        least_open = least_open.min(took);
        let is_packet = matches!(received, Received::Packet(_));
        ensure(is_packet, "what was sealed does not open")?;
    }
    println!("\nfigure tunnel-seal-1400 {least_seal} instructions");
    println!("figure tunnel-open-1400 {least_open} instructions");
    Ok(())
}

/// Two ends that know each other's keys; the first knows where the second is.
fn ends(policy: Policy) -> Result<[Tunnel; 2], Failure> {
    Ok([end(1, 2, policy)?, end(2, 1, policy)?])
}

fn end(own: u8, other: u8, policy: Policy) -> Result<Tunnel, Failure> {
    let public = SecretKey::from([other; 32]).public_key();
    let text = format!(
        "[Interface]\nPrivateKey = {}\nAddress = 10.0.0.{own}\n[Peer]\nPublicKey = {}\nAllowedIPs = 10.0.0.{other}\nEndpoint = 192.0.2.9:1\n",
        Base64::encode_string(&[own; 32]),
        Base64::encode_string(public.as_bytes()),
    );
    let circumstances = Circumstances {
        boot_time: Duration::from_secs(1_800_000_000),
        remembered_labels: Duration::ZERO,
        post_quantum: policy,
    };
    let configuration = Configuration::parse(text.as_bytes());
    let configuration = expect(configuration.ok(), "the configuration is legal")?;
    let tunnel = Tunnel::new(&configuration, circumstances, [own; 32]);
    expect(tunnel.ok(), "the keys are good")
}

/// Lets both speak until neither has anything to say; the first has a packet to send. Time goes on at each turn, because a
/// second handshake within some milliseconds of the first would be taken for a repeated one.
fn connect(ends: &mut [Tunnel; 2]) {
    let mut now = Duration::from_secs(1);
    let mut said = [Outbox::default(), Outbox::default()];
    ends[0].seal(
        &mut packet(),
        PACKET.into(),
        &mut [0; ROOM],
        now,
        &mut said[0],
    );
    let mut receiver = 1;
    while said.iter().any(|said| !said.0.is_empty()) {
        now += Duration::from_millis(50);
        for datagram in core::mem::take(&mut said[1 - receiver].0) {
            let (datagram, answers) = (datagram.as_slice(), &mut said[receiver]);
            ends[receiver].receive(place(), &datagram, &mut [0; ROOM], now, answers);
        }
        ends[receiver].on_deadline(now, &mut said[receiver]);
        receiver = 1 - receiver;
    }
}

/// Seals a packet; the length of the message.
fn seal(end: &mut Tunnel, packet: &mut [u8], message: &mut [u8]) -> Option<usize> {
    match end.seal(packet, PACKET.into(), message, NOW, &mut Outbox::default()) {
        Sealed::Message { length, .. } => Some(length),
        _ => None,
    }
}

/// A packet of IPv4 from the first end to the second, in a buffer of [`ROOM`] bytes.
fn packet() -> Vec<u8> {
    let mut packet = vec![0; ROOM];
    let length = PACKET.to_be_bytes();
    packet[..20].copy_from_slice(&[
        0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ]);
    packet
}

/// Where each sees the other.
fn place() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 9], 1))
}
