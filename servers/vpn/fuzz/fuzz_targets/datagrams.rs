//! What the wire does to a tunnel: genuine datagrams lost, doubled, late, changed, cut and mixed with noise, while time
//! passes. Whatever comes out of the tunnel was put in at the other end, and comes out once.

#![no_main]

use std::{net::SocketAddr, time::Duration};

use libfuzzer_sys::fuzz_target;
use vpn_core::{
    configuration::Configuration,
    tunnel::{Circumstances, Policy, Received, Sealed, Tunnel, Wire},
};

/// Configurations of two tunnels that know each other; the keys are of this file alone.
const CONFIGURATIONS: [&str; 2] = [
    "[Interface]\nPrivateKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\nAddress = 10.0.0.1\n\
     [Peer]\nPublicKey = zo060cy2M+x7cMF4FKXHbs0CloUFDTRHRboFhw5YfVk=\nAllowedIPs = 10.0.0.2\nEndpoint = 192.0.2.2:2\n",
    "[Interface]\nPrivateKey = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\nAddress = 10.0.0.2\n\
     [Peer]\nPublicKey = pOCSkrZRwni5dyxWn1+puxPZBrRqtoyd+dwrRAn4ogk=\nAllowedIPs = 10.0.0.1\nEndpoint = 192.0.2.1:1\n",
];

#[derive(Default)]
struct Outbox(Vec<Vec<u8>>);

impl Wire for Outbox {
    fn send(&mut self, _: SocketAddr, datagram: &[u8]) {
        self.0.push(datagram.to_vec());
    }
}

struct World {
    tunnels: [Tunnel; 2],
    now: Duration,
    /// Datagrams for each side that are or were on their way.
    flying: [Vec<Vec<u8>>; 2],
    /// Numbers of the packets that each side said, and that came out for it.
    said: u16,
    heard: [Vec<u16>; 2],
}

impl World {
    fn new(policy: Policy) -> Self {
        let tunnel = |side: usize| {
            let read = Configuration::parse(CONFIGURATIONS[side].as_bytes()).expect("legal");
            let circumstances = Circumstances {
                boot_time: Duration::from_secs(1_800_000_000),
                remembered_labels: Duration::ZERO,
                post_quantum: policy,
            };
            let seed = [u8::try_from(side).expect("0 or 1"); 32];
            Tunnel::new(&read, circumstances, seed).expect("keys are good")
        };
        Self {
            tunnels: [tunnel(0), tunnel(1)],
            now: Duration::from_secs(1),
            flying: [Vec::new(), Vec::new()],
            said: 0,
            heard: [Vec::new(), Vec::new()],
        }
    }

    fn say(&mut self, side: usize) {
        self.said += 1;
        let last = u8::try_from(side).expect("0 or 1");
        let [high, low] = self.said.to_be_bytes();
        let mut buffer = [0; 64];
        buffer[..22].copy_from_slice(&[
            0x45,
            0,
            0,
            22,
            0,
            0,
            0,
            0,
            64,
            253,
            0,
            0,
            10,
            0,
            0,
            1 + last,
            10,
            0,
            0,
            2 - last,
            high,
            low,
        ]);
        let (mut message, mut outbox) = ([0; 128], Outbox::default());
        let sealed = self.tunnels[side].seal(&mut buffer, 22, &mut message, self.now, &mut outbox);
        if let Sealed::Message { length, .. } = sealed {
            outbox.0.push(message[..length].to_vec());
        }
        self.flying[1 - side].append(&mut outbox.0);
    }

    fn deliver(&mut self, side: usize, datagram: Vec<u8>) {
        let (datagram, mut room) = (datagram.as_slice(), [0; 2048]);
        let mut outbox = Outbox::default();
        let from = SocketAddr::from(([192, 0, 2, 9], 9));
        match self.tunnels[side].receive(from, &datagram, &mut room, self.now, &mut outbox) {
            Received::Packet(length) => {
                let packet = &room[..length];
                assert_eq!(packet.len(), 22, "a packet that nobody said");
                let number = u16::from_be_bytes([packet[20], packet[21]]);
                assert!(number <= self.said, "a packet that nobody said");
                assert!(!self.heard[side].contains(&number), "a packet came twice");
                self.heard[side].push(number);
            }
            Received::Nothing | Received::Dropped(_) => {}
        }
        self.flying[1 - side].append(&mut outbox.0);
    }

    fn pass(&mut self, span: Duration) {
        self.now += span;
        for side in [0, 1] {
            let mut outbox = Outbox::default();
            self.tunnels[side].on_deadline(self.now, &mut outbox);
            self.flying[1 - side].append(&mut outbox.0);
            let next = self.tunnels[side].next_deadline();
            assert!(
                next.is_none_or(|next| next > self.now),
                "a deadline that does not pass"
            );
        }
    }
}

fuzz_target!(|input: (bool, Vec<(u8, u8, u16, Vec<u8>)>)| {
    let (requires, actions) = input;
    let mut world = World::new(if requires {
        Policy::Require
    } else {
        Policy::Prefer
    });
    for (action, choice, number, bytes) in actions {
        let side = usize::from(choice & 1);
        let count = world.flying[side].len();
        let chosen = world.flying[side]
            .get(usize::from(choice >> 1) % count.max(1))
            .cloned();
        match (action % 8, chosen) {
            (0 | 1, _) => world.say(side),
            (2, _) => world.pass(Duration::from_millis(number.into())),
            (3, Some(_)) => {
                let newest = world.flying[side].pop().expect("there is one");
                world.deliver(side, newest);
            }
            (4, Some(chosen)) => world.deliver(side, chosen),
            (5, Some(mut chosen)) => {
                let at = usize::from(number) % chosen.len();
                for (place, byte) in chosen[at..].iter_mut().zip(&bytes) {
                    *place ^= byte;
                }
                world.deliver(side, chosen);
            }
            (6, Some(mut chosen)) => {
                chosen.truncate(usize::from(number) % 256);
                world.deliver(side, chosen);
            }
            (_, _) => world.deliver(side, bytes),
        }
    }
});
