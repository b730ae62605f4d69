//! The network over a device in software, with clients, and a host on the wire that answers.
//!
//! Also the fuzz targets are built on this.

pub(crate) mod device;
pub(crate) mod dhcp6;
pub(crate) mod host;
pub(crate) mod pieces;

use std::net::SocketAddr;
use std::time::Duration;

use datagram_api::{DATA_AREA_SIZE, Datagram, Incoming, Outgoing, QUEUE_LENGTH, SLOT_SIZE, State};
use dma::DmaRegion;
use net_core::settings::{Ipv4Setting, Ipv6Setting};
use net_core::{Client, Driver, Network, Seeds, Setup, Turn};
use shared_memory::{Channel, ChannelError, Receiver, RegionWriter, Sender};

use self::device::Device;

/// Bytes of each side of a client's channel.
pub(crate) const CHANNEL: usize = 12 * 1024 + DATA_AREA_SIZE;
const CLIENTS_AT: u64 = 0x100_0000;

/// The ports of the clients.
pub(crate) const PORTS: [u16; 2] = [51820, 4000];

/// What everybody's chance begins with.
pub(crate) const SEEDS: Seeds = Seeds {
    identifications: 7,
    leases: 17,
    associations: 27,
};

/// A client's side of its channel.
pub(crate) struct Peer {
    /// The other side of it, and the client's port.
    net: (Channel, u16),
    pub(crate) channel: Channel,
    pub(crate) requests: Sender<Datagram>,
    pub(crate) answers: Receiver<Datagram>,
}

pub(crate) struct Machine {
    pub(crate) network: Network<Device>,
    pub(crate) device: Device,
    pub(crate) peers: Vec<Peer>,
    pub(crate) now: Duration,
}

/// What a client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Payload(SocketAddr, Vec<u8>),
    Other(Incoming),
}

/// The memory of a machine, which may be used again: simulations leak theirs.
pub(crate) struct Memory {
    rings: RegionWriter,
    buffers: RegionWriter,
    channels: Channels,
}

/// Both ends of each client's channel.
type Channels = [(Channel, Channel); PORTS.len()];

impl Memory {
    pub(crate) fn new() -> Self {
        let (rings, buffers) = Device::new().memory();
        Self {
            rings,
            buffers,
            channels: channels(),
        }
    }

    /// As it was at first, where that matters.
    fn clear(&self) {
        let clear = |region: RegionWriter, length| region.fill_at(0, length, 0);
        clear(self.rings, self.rings.len()).expect("all of it");
        for (ours, theirs) in &self.channels {
            for end in [ours, theirs] {
                clear(end.output(), CHANNEL - DATA_AREA_SIZE).expect("a part of it");
            }
        }
    }
}

fn channels() -> Channels {
    [0, 1].map(|number| Channel::simulated_pair(CHANNEL, Some(client_memory(number))))
}

fn client_memory(number: u64) -> u64 {
    CLIENTS_AT + number * 0x20_0000
}

impl Machine {
    /// With DHCP, addresses from routers, and what an ordinary device offers.
    pub(crate) fn new() -> Self {
        Self::over(&Memory::new())
    }

    /// The same, in memory that is there already.
    pub(crate) fn over(memory: &Memory) -> Self {
        memory.clear();
        let device = Device::over(memory.rings, memory.buffers);
        Self::connect(
            device,
            memory.channels,
            Ipv4Setting::Dhcp,
            Ipv6Setting::Auto,
        )
    }

    pub(crate) fn with(device: Device, ipv4: Ipv4Setting, ipv6: Ipv6Setting) -> Self {
        Self::connect(device, channels(), ipv4, ipv6)
    }

    /// As with [`new`](Self::new), and this chance.
    pub(crate) fn with_seeds(seeds: Seeds) -> Self {
        let setup = Setup {
            ipv4: Ipv4Setting::Dhcp,
            ipv6: Ipv6Setting::Auto,
            seeds,
        };
        Self::set_up(Device::new(), channels(), setup)
    }

    fn connect(device: Device, channels: Channels, ipv4: Ipv4Setting, ipv6: Ipv6Setting) -> Self {
        let seeds = SEEDS;
        Self::set_up(device, channels, Setup { ipv4, ipv6, seeds })
    }

    fn set_up(device: Device, channels: Channels, setup: Setup) -> Self {
        let mut peers = Vec::new();
        for (number, ((ours, theirs), port)) in (0..).zip(channels.into_iter().zip(PORTS)) {
            let at = client_memory(number);
            // Devices find the peer's side behind ours.
            device.add_memory(at, ours.output());
            device.add_memory(at + CHANNEL as u64, theirs.output());
            peers.push(Peer {
                net: (ours, port),
                requests: theirs.sender(QUEUE_LENGTH).expect("large enough"),
                answers: theirs.receiver(QUEUE_LENGTH).expect("large enough"),
                channel: theirs,
            });
        }
        Self::start(device, peers, setup, Duration::ZERO)
    }

    /// The same machine with a network that was started afresh, and clients that were not.
    pub(crate) fn again(device: Device, mut peers: Vec<Peer>, now: Duration) -> Self {
        for peer in &mut peers {
            peer.net.0 = peer.net.0.in_life(1);
        }
        let setup = Setup {
            ipv4: Ipv4Setting::Dhcp,
            ipv6: Ipv6Setting::Auto,
            seeds: Seeds { leases: 8, ..SEEDS },
        };
        Self::start(device, peers, setup, now)
    }

    fn start(device: Device, peers: Vec<Peer>, setup: Setup, now: Duration) -> Self {
        let client = |peer: &Peer| Client::new("vpn", peer.net.0, peer.net.1);
        let clients = peers.iter().map(client);
        let clients = clients.collect::<Result<_, _>>().expect("good channels");
        let (rings, buffers) = device.memory();
        let region = |memory| DmaRegion::new(memory).expect("it has an address");
        let driver = Driver::start(device.clone(), region(rings), region(buffers));
        let driver = driver.expect("an honest device");
        Self {
            network: Network::new(driver, setup, clients, now),
            device,
            peers,
            now,
        }
    }

    /// Turns until nothing is left to do, the device sending all it gets.
    pub(crate) fn run(&mut self) {
        loop {
            let turn = self.network.turn(self.now).expect("an honest device");
            if !self.device.send() && turn == Turn::Idle {
                return;
            }
        }
    }

    /// The same, with `host` on the wire, until both are silent.
    pub(crate) fn run_with(&mut self, host: &mut host::Host) {
        loop {
            self.run();
            let frames = self.device.take_sent();
            if frames.is_empty() {
                return;
            }
            for frame in frames {
                for answer in host.answer(&frame) {
                    if !self.device.inject(&answer) {
                        self.run();
                        assert!(self.device.inject(&answer), "there is room");
                    }
                }
            }
        }
    }

    /// As time goes by.
    pub(crate) fn wait_with(&mut self, span: Duration, host: &mut host::Host) {
        let end = self.now + span;
        loop {
            self.run_with(host);
            match self.network.deadline() {
                Some(next) if next <= end => self.now = next.max(self.now),
                _ => break,
            }
        }
        self.now = end;
        self.run_with(host);
    }

    /// A client sends; the place of the payload follows the protocol.
    pub(crate) fn send(&mut self, client: usize, to: &str, payload: &[u8]) -> bool {
        let to = to.parse().expect("an address");
        self.peers[client].send(to, payload)
    }

    /// What a client was told since the last time.
    pub(crate) fn heard(&mut self, client: usize) -> Vec<Heard> {
        self.peers[client].heard()
    }

    /// The same, but for the state.
    pub(crate) fn payloads(&mut self, client: usize) -> Vec<Heard> {
        let mut heard = self.heard(client);
        heard.retain(|heard| !matches!(heard, Heard::Other(Incoming::State(_))));
        heard
    }

    /// The last state that a client was told.
    pub(crate) fn state(&mut self, client: usize) -> Option<State> {
        let mut states = self
            .heard(client)
            .into_iter()
            .filter_map(|heard| match heard {
                Heard::Other(Incoming::State(state)) => Some(state),
                _ => None,
            });
        states.next_back()
    }

    /// A machine that has its addresses, and has told so.
    pub(crate) fn settled() -> (Self, host::Host) {
        let mut machine = Self::new();
        let mut host = host::Host::new();
        machine.wait_with(Duration::from_secs(1), &mut host);
        for client in 0..PORTS.len() {
            let state = machine.state(client).expect("it is told");
            assert!(state.has_ipv4 && state.has_ipv6 && state.link_is_up);
        }
        machine.network.whom_to_wake().for_each(drop);
        host.seen.clear();
        (machine, host)
    }
}

impl Peer {
    pub(crate) fn send(&mut self, to: SocketAddr, payload: &[u8]) -> bool {
        if !matches!(self.requests.free(), Ok(1..)) {
            return false;
        }
        let data = self.requests.next_place() * SLOT_SIZE;
        let area = self.channel.output_data::<Datagram>(QUEUE_LENGTH);
        area.write_at(data, payload).expect("it fits");
        let length = payload.len();
        let message = Outgoing { to, data, length }.to_datagram().expect("legal");
        self.requests.push(&message).is_ok()
    }

    /// The client is started afresh.
    pub(crate) fn start_again(&mut self) {
        self.channel = self.channel.in_life(1);
        self.requests = self.channel.sender(QUEUE_LENGTH).expect("large enough");
        self.answers = self.channel.receiver(QUEUE_LENGTH).expect("large enough");
    }

    fn next(&mut self) -> Option<Datagram> {
        match self.answers.pop() {
            Err(ChannelError::PeerReset) => self.answers.pop().expect("net behaves"),
            message => message.expect("net behaves"),
        }
    }

    pub(crate) fn heard(&mut self) -> Vec<Heard> {
        let area = self.channel.input_data::<Datagram>(QUEUE_LENGTH);
        let mut all = Vec::new();
        while let Some(message) = self.next() {
            let incoming = message.incoming(area.len()).expect("net makes sense");
            all.push(match incoming {
                Incoming::Payload { from, data, length } => {
                    let mut payload = vec![0; length];
                    area.read_at(data, &mut payload).expect("inside");
                    Heard::Payload(from, payload)
                }
                other => Heard::Other(other),
            });
        }
        all
    }
}
