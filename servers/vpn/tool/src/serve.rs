//! `serve`: the tunnel, the network behind it, and the loop that joins them.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow};
use vpn_core::configuration::{Configuration, Interface};
use vpn_core::tunnel::{Circumstances, Policy, Received, Sealed, Tunnel};
use zeroize::Zeroizing;

use crate::capture::Capture;
use crate::create::fresh_key;
use crate::event::Event;
use crate::host::{self, Host};
use crate::network::Network;
use crate::page;
use crate::wire::Wire;

/// What `serve` is told.
pub(crate) struct Options {
    pub(crate) configuration: PathBuf,
    pub(crate) post_quantum: Policy,
    pub(crate) forward: Vec<u16>,
    pub(crate) everywhere: bool,
    pub(crate) capture: Option<PathBuf>,
    pub(crate) until_input_ends: bool,
}

/// Room for a packet or a message.
const BUFFER: usize = 2048;
/// Events that are handled before packets leave.
const BATCH: usize = 64;
/// What is said on standard input for a new session.
const RENEW: &str = "renew";
/// The loop turns that often at least.
const IDLE: Duration = Duration::from_secs(10);

/// Serves until the process is ended.
pub(crate) fn serve(options: &Options) -> Result<()> {
    let file = options.configuration.display();
    let text = fs::read(&options.configuration);
    let text = Zeroizing::new(text.with_context(|| format!("{file} cannot be read"))?);
    let configuration = Configuration::parse(&text).map_err(|error| anyhow!("{file}: {error}"))?;
    let interface = &configuration.interface;
    let port = interface.listen_port;
    let port = port.with_context(|| format!("{file} names no ListenPort"))?;
    let (sender, events) = channel();
    let host = Host {
        own: own_addresses(interface),
        page: page::start()?,
        resolver: host::resolver(),
        forward: options.forward.clone(),
    };
    let circumstances = Circumstances {
        boot_time: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?,
        remembered_labels: Duration::ZERO,
        post_quantum: options.post_quantum,
    };
    let seed = fresh_key()?;
    let tunnel = Tunnel::new(&configuration, circumstances, *fresh_key()?);
    let tunnel = tunnel.map_err(|error| anyhow!("{file}: nobody can have the key {}", error.0))?;
    let mut peer = Peer {
        tunnel,
        network: Network::new(
            host,
            interface.mtu,
            u64::from_ne_bytes(*seed.first_chunk().context("a key has 32 bytes")?),
            &sender,
        ),
        wire: Wire::open(port, options.everywhere, &sender)?,
        capture: options
            .capture
            .as_deref()
            .map(Capture::create)
            .transpose()?,
        start: Instant::now(),
        sessions: 0,
    };
    say(&format!("the peer listens on UDP port {port}"));
    if options.until_input_ends {
        std::thread::spawn(move || {
            // Why it ends does not matter.
            for line in std::io::stdin().lines().map_while(Result::ok) {
                if line == RENEW {
                    let _ = sender.send(Event::Renew);
                }
            }
            std::process::exit(0);
        });
    }
    peer.run(&events)
}

/// The first address of each family.
fn own_addresses(
    interface: &Interface,
) -> (Option<std::net::Ipv4Addr>, Option<std::net::Ipv6Addr>) {
    let mut own = (None, None);
    for network in &interface.addresses {
        match network.address() {
            IpAddr::V4(address) => drop(own.0.get_or_insert(address)),
            IpAddr::V6(address) => drop(own.1.get_or_insert(address)),
        }
    }
    own
}

struct Peer {
    tunnel: Tunnel,
    network: Network,
    wire: Wire,
    capture: Option<Capture>,
    start: Instant,
    /// Sessions that were told of.
    sessions: u64,
}

impl Peer {
    fn run(&mut self, events: &Receiver<Event>) -> Result<()> {
        loop {
            match events.recv_timeout(self.patience()) {
                Ok(event) => self.handle(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            for event in events.try_iter().take(BATCH) {
                self.handle(event);
            }
            self.advance();
        }
    }

    fn patience(&mut self) -> Duration {
        let now = self.start.elapsed();
        let due = self.tunnel.next_deadline();
        let due = due.map(|deadline| deadline.saturating_sub(now));
        let network = self.network.delay(instant(now));
        [due, network]
            .into_iter()
            .flatten()
            .fold(IDLE, Duration::min)
    }

    fn handle(&mut self, event: Event) {
        let now = self.start.elapsed();
        let (from, payload) = match event {
            Event::Datagram { from, payload } => (from, payload),
            Event::Renew => return self.tunnel.renew(now, &mut self.wire),
            event => return self.network.handle(event),
        };
        let (datagram, mut room) = (payload.as_slice(), [0; BUFFER]);
        let received = self
            .tunnel
            .receive(from, &datagram, &mut room, now, &mut self.wire);
        if let Received::Packet(length) = received {
            self.note(&room[..length]);
            self.network.take(&room[..length]);
        }
    }

    fn advance(&mut self) {
        let now = self.start.elapsed();
        if self
            .tunnel
            .next_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            self.tunnel.on_deadline(now, &mut self.wire);
        }
        self.network.advance(instant(now));
        while let Some(packet) = self.network.next_packet() {
            self.note(&packet);
            self.send(&packet, now);
        }
        self.tell();
    }

    /// Captures a packet inside the tunnel; once the file takes no more, no further one.
    fn note(&mut self, packet: &[u8]) {
        if let Some(capture) = &mut self.capture
            && let Err(error) = capture.write(packet)
        {
            say(&format!("the capture ends: {error}"));
            self.capture = None;
        }
    }

    fn send(&mut self, packet: &[u8], now: Duration) {
        use vpn_core::tunnel::Wire as _;
        let (mut buffer, mut message) = ([0; BUFFER], [0; BUFFER]);
        let Some(room) = buffer.get_mut(..packet.len()) else {
            return;
        };
        room.copy_from_slice(packet);
        let length = packet.len();
        let sealed = self
            .tunnel
            .seal(&mut buffer, length, &mut message, now, &mut self.wire);
        if let Sealed::Message { to, length } = sealed {
            self.wire.send(to, &message[..length]);
        }
    }

    /// Says when a session begins, once.
    fn tell(&mut self) {
        let sessions = self.tunnel.counters().sessions;
        if sessions == self.sessions {
            return;
        }
        self.sessions = sessions;
        for peer in self.tunnel.peers() {
            let Some(endpoint) = peer.endpoint else {
                continue;
            };
            let safety = if peer.is_quantum_safe {
                "quantum-safe"
            } else {
                "not quantum-safe"
            };
            let key = peer.public_key;
            say(&format!(
                "session {sessions} with {key} at {endpoint}, {safety}"
            ));
        }
    }
}

fn instant(now: Duration) -> smoltcp::time::Instant {
    let milliseconds = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    smoltcp::time::Instant::from_millis(milliseconds)
}

/// Prints a line. Whoever started the peer may have stopped listening to it.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
