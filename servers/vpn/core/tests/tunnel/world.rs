//! Two sides and the wire between them.

use std::{net::SocketAddr, time::Duration};

use base64ct::{Base64, Encoding};
use vpn_core::{
    configuration::Configuration,
    tunnel::{Circumstances, Policy, Received, Sealed, SecretKey, Tunnel, Wire},
};

use crate::packets::packet;

/// 2027-01-15.
const BOOT_TIME: Duration = Duration::from_secs(1_800_000_000);
/// How long a datagram travels in fair weather.
const TRAVEL: Duration = Duration::from_millis(10);

/// The secret key of side `number`.
pub(crate) fn secret(number: u8) -> SecretKey {
    SecretKey::from([number + 1; 32])
}

/// A key as it stands in a configuration.
pub(crate) fn key_text(key: &[u8; 32]) -> String {
    Base64::encode_string(key)
}

/// How a side is set up. Side 0 is 10.0.0.1 and fd00::1 inside, side 1 is 10.0.0.2 and fd00::2.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) boot_time: Duration,
    pub(crate) remembered_labels: Duration,
    pub(crate) policy: Policy,
    /// Added to `[Peer]`.
    pub(crate) peer_lines: String,
    /// Whether it knows where the other is.
    pub(crate) knows_endpoint: bool,
    pub(crate) seed: u8,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            boot_time: BOOT_TIME,
            remembered_labels: Duration::ZERO,
            policy: Policy::Off,
            peer_lines: String::new(),
            knows_endpoint: true,
            seed: 1,
        }
    }
}

impl Setup {
    /// The tunnel of side `number`.
    pub(crate) fn tunnel(&self, number: u8) -> Tunnel {
        let other = 1 - number;
        let private = key_text(&[number + 1; 32]);
        let public = key_text(secret(other).public_key().as_bytes());
        let endpoint = if self.knows_endpoint {
            format!("Endpoint = {}", address(other))
        } else {
            String::new()
        };
        let text = format!(
            "[Interface]\nPrivateKey = {private}\nAddress = 10.0.0.{own}/24, fd00::{own}/64\n\
             [Peer]\nPublicKey = {public}\nAllowedIPs = 10.0.0.{their}/32, fd00::{their}/128\n\
             {endpoint}\n{lines}\n",
            own = number + 1,
            their = other + 1,
            lines = self.peer_lines,
        );
        let seed = self.seed.wrapping_mul(2).wrapping_add(number);
        Self {
            seed,
            ..self.clone()
        }
        .tunnel_of(&text)
    }

    /// The tunnel of that configuration in these circumstances.
    pub(crate) fn tunnel_of(&self, text: &str) -> Tunnel {
        let configuration = Configuration::parse(text.as_bytes()).expect("legal");
        let circumstances = Circumstances {
            boot_time: self.boot_time,
            remembered_labels: self.remembered_labels,
            post_quantum: self.policy,
        };
        Tunnel::new(&configuration, circumstances, [self.seed; 32]).expect("keys are good")
    }
}

/// Where side `number` is at first.
fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, number + 1], 51820))
}

/// What happens to datagrams on their way.
#[derive(Clone, Copy, Default)]
pub(crate) struct Weather {
    /// Of 100 datagrams so many are lost,
    pub(crate) lost: u32,
    /// so many come twice,
    pub(crate) doubled: u32,
    /// and so many are late by up to a second.
    pub(crate) late: u32,
}

/// One side.
pub(crate) struct Side {
    pub(crate) tunnel: Tunnel,
    pub(crate) address: SocketAddr,
    /// What its volume holds of the labels that it used.
    pub(crate) remembered_labels: Duration,
    /// Packets that came out of the tunnel.
    pub(crate) delivered: Vec<Vec<u8>>,
}

/// A datagram on its way.
#[derive(Clone)]
pub(crate) struct Flying {
    arrival: Duration,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) sides: [Side; 2],
    pub(crate) weather: Weather,
    /// Every datagram that was ever sent.
    pub(crate) history: Vec<Flying>,
    flying: Vec<Flying>,
    chance: u64,
}

/// Collects what a tunnel sends by itself.
#[derive(Default)]
struct Outbox(Vec<(SocketAddr, Vec<u8>)>);

impl Wire for Outbox {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.0.push((to, datagram.to_vec()));
    }
}

impl World {
    pub(crate) fn new(setups: [&Setup; 2]) -> Self {
        let side = |number: u8| Side {
            tunnel: setups[usize::from(number)].tunnel(number),
            address: address(number),
            remembered_labels: setups[usize::from(number)].remembered_labels,
            delivered: Vec::new(),
        };
        Self {
            now: Duration::from_secs(1),
            sides: [side(0), side(1)],
            weather: Weather::default(),
            history: Vec::new(),
            flying: Vec::new(),
            chance: 88_172_645_463_325_252,
        }
    }

    /// Two sides that are set up in the same way.
    pub(crate) fn alike(setup: &Setup) -> Self {
        Self::new([setup, setup])
    }

    pub(crate) fn set_chance(&mut self, chance: u64) {
        self.chance = chance | 1;
    }

    /// Sends a packet into the tunnel of a side.
    pub(crate) fn send(&mut self, side: usize, packet: &[u8]) -> Sealed {
        let mut buffer = [packet, &[0xaa; 16]].concat();
        let mut message = vec![0; packet.len() + 64];
        let mut outbox = Outbox::default();
        let tunnel = &mut self.sides[side].tunnel;
        let sealed = tunnel.seal(
            &mut buffer,
            packet.len(),
            &mut message,
            self.now,
            &mut outbox,
        );
        if let Sealed::Message { to, length } = sealed {
            self.fly(side, to, message[..length].to_vec());
        }
        self.post(side, outbox);
        sealed
    }

    /// A packet from one side to the other.
    pub(crate) fn say(&mut self, side: usize, mark: u8) -> Vec<u8> {
        let packet = if side == 0 {
            packet("10.0.0.1", "10.0.0.2", 100, mark)
        } else {
            packet("10.0.0.2", "10.0.0.1", 100, mark)
        };
        self.send(side, &packet);
        packet
    }

    /// Starts a side's machine afresh, `set_back` before the time that the default says.
    pub(crate) fn restart(&mut self, side: u8, set_back: Duration, setup: &Setup) {
        let place = &mut self.sides[usize::from(side)];
        let setup = Setup {
            boot_time: setup.boot_time.saturating_sub(set_back),
            remembered_labels: place.remembered_labels,
            seed: setup.seed.wrapping_add(9),
            ..setup.clone()
        };
        place.tunnel = setup.tunnel(side);
    }

    /// Has a side begin a new session.
    pub(crate) fn renew(&mut self, side: usize) {
        let mut outbox = Outbox::default();
        self.sides[side].tunnel.renew(self.now, &mut outbox);
        self.post(side, outbox);
    }

    /// Gives a side a datagram at once.
    pub(crate) fn deliver(&mut self, side: usize, from: SocketAddr, bytes: &[u8]) -> Received {
        let mut room = [0; 2048];
        let mut outbox = Outbox::default();
        let tunnel = &mut self.sides[side].tunnel;
        let received = tunnel.receive(from, &bytes, &mut room, self.now, &mut outbox);
        if let Received::Packet(length) = received {
            self.sides[side].delivered.push(room[..length].to_vec());
        }
        self.post(side, outbox);
        received
    }

    /// Lets `span` pass, with all that happens in it.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        let mut steps = 0;
        loop {
            let arrival = self.flying.iter().map(|datagram| datagram.arrival).min();
            let deadlines = self.sides.iter().map(|side| side.tunnel.next_deadline());
            let next = deadlines.chain([arrival]).flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            self.step();
            steps += 1;
            assert!(steps < 100_000, "deadlines that never pass");
        }
        self.now = end;
    }

    fn step(&mut self) {
        for side in 0..2 {
            let mut outbox = Outbox::default();
            let tunnel = &mut self.sides[side].tunnel;
            if tunnel
                .next_deadline()
                .is_some_and(|deadline| deadline <= self.now)
            {
                tunnel.on_deadline(self.now, &mut outbox);
            }
            self.post(side, outbox);
        }
        let now = self.now;
        let mut arrived: Vec<_> = self
            .flying
            .extract_if(.., |datagram| datagram.arrival <= now)
            .collect();
        arrived.sort_by_key(|datagram| datagram.arrival);
        for datagram in arrived {
            let receiver = self
                .sides
                .iter()
                .position(|side| side.address == datagram.to);
            if let Some(side) = receiver {
                self.deliver(side, datagram.from, &datagram.bytes);
            }
        }
    }

    fn post(&mut self, side: usize, outbox: Outbox) {
        let Side {
            tunnel,
            remembered_labels,
            ..
        } = &mut self.sides[side];
        *remembered_labels = tunnel
            .label_to_remember(self.now)
            .unwrap_or(*remembered_labels);
        for (to, bytes) in outbox.0 {
            self.fly(side, to, bytes);
        }
    }

    fn fly(&mut self, side: usize, to: SocketAddr, bytes: Vec<u8>) {
        let datagram = Flying {
            arrival: self.now + TRAVEL,
            from: self.sides[side].address,
            to,
            bytes,
        };
        self.history.push(datagram.clone());
        let copies = match self.dice() {
            dice if dice < self.weather.lost => 0,
            dice if dice < self.weather.lost + self.weather.doubled => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let mut copy = datagram.clone();
            if self.dice() < self.weather.late {
                copy.arrival += Duration::from_millis(10 * u64::from(self.dice()));
            }
            self.flying.push(copy);
        }
    }

    /// A number below 100 (xorshift).
    fn dice(&mut self) -> u32 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        u32::try_from(self.chance >> 32).expect("32 bits") % 100
    }

    /// How many datagrams of a kind were ever sent.
    pub(crate) fn count(&self, kind: u8) -> usize {
        let all = self.history.iter();
        all.filter(|datagram| datagram.bytes[0] == kind).count()
    }
}
