//! The way to the peer: datagrams go to the same port of the host's loopback, and answers come back.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::file::Path;
use super::network::Event;

/// How often a flow looks whether it is still wanted.
const PAUSE: Duration = Duration::from_millis(200);

/// Both ends of what looks to the machine like one conversation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Flow {
    pub(super) machine: SocketAddr,
    pub(super) peer: SocketAddr,
}

/// What becomes of a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It is on the way, whatever happens to it there.
    Carried,
    /// It is not.
    Lost,
}

/// The way to the peer.
pub(super) struct Relay {
    path: Path,
    sockets: HashMap<Flow, UdpSocket>,
    events: Sender<Event>,
    out: Unreliable,
    back: Unreliable,
}

impl Relay {
    pub(super) fn new(path: Path, events: Sender<Event>) -> Relay {
        Relay {
            path,
            sockets: HashMap::new(),
            events,
            out: Unreliable::default(),
            back: Unreliable::default(),
        }
    }

    pub(super) fn set_path(&mut self, path: Path) {
        self.path = path;
    }

    /// Carries a datagram to the peer.
    pub(super) fn send(&mut self, flow: Flow, payload: &[u8]) -> Result<Fate> {
        if self.path == Path::Closed {
            return Ok(Fate::Lost);
        }
        let arriving = pass(self.path, &mut self.out, payload);
        let socket = match self.sockets.get(&flow) {
            Some(socket) => socket,
            None => {
                let socket = open(flow, self.events.clone())?;
                self.sockets.entry(flow).or_insert(socket)
            }
        };
        for datagram in arriving {
            // What nobody listens for comes back as an error of the next call.
            let _ = socket.send(&datagram);
        }
        Ok(Fate::Carried)
    }

    /// What of a datagram of the peer's arrives at the machine.
    pub(super) fn carry_back(&mut self, payload: &[u8]) -> Vec<Vec<u8>> {
        pass(self.path, &mut self.back, payload)
    }
}

fn pass(path: Path, unreliable: &mut Unreliable, datagram: &[u8]) -> Vec<Vec<u8>> {
    match path {
        Path::Open => vec![datagram.to_vec()],
        Path::Closed => Vec::new(),
        Path::Unreliable => unreliable.pass(datagram),
    }
}

/// A socket whose answers become events. Its thread ends with the network.
fn open(flow: Flow, events: Sender<Event>) -> Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("the host gives no UDP port")?;
    socket.connect((Ipv4Addr::LOCALHOST, flow.peer.port()))?;
    socket.set_read_timeout(Some(PAUSE))?;
    let receiver = socket.try_clone()?;
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let event = match receiver.recv(&mut buffer) {
                Ok(length) => Event::Answer(flow, buffer[..length].to_vec()),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                    Event::NobodyListens(flow)
                }
                Err(_) => Event::Nothing,
            };
            if events.send(event).is_err() {
                return;
            }
        }
    });
    Ok(socket)
}

/// Loses, repeats, damages and delays a part of what passes, always the same.
#[derive(Default)]
struct Unreliable {
    count: usize,
    late: Option<Vec<u8>>,
}

impl Unreliable {
    fn pass(&mut self, datagram: &[u8]) -> Vec<Vec<u8>> {
        self.count += 1;
        let datagram = datagram.to_vec();
        let mut arriving = match self.count {
            count if count.is_multiple_of(13) => Vec::new(),
            count if count.is_multiple_of(11) => {
                return self.late.replace(datagram).into_iter().collect();
            }
            count if count.is_multiple_of(7) => vec![damaged(datagram)],
            count if count.is_multiple_of(5) => vec![datagram.clone(), datagram],
            _ => vec![datagram],
        };
        arriving.extend(self.late.take());
        arriving
    }
}

/// A datagram with one bit inverted, in its middle.
fn damaged(mut datagram: Vec<u8>) -> Vec<u8> {
    let middle = datagram.len() / 2;
    if let Some(byte) = datagram.get_mut(middle) {
        *byte ^= 1;
    }
    datagram
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreliable_path_does_it_all() {
        let mut path = Unreliable::default();
        let mut arrived = Vec::new();
        for number in 1..=13 {
            arrived.extend(path.pass(&[number; 3]));
        }
        let of = |number: u8| {
            arrived
                .iter()
                .filter(|datagram| datagram[0] == number)
                .count()
        };
        assert_eq!((of(4), of(5), of(13)), (1, 2, 0));
        assert!(arrived.contains(&vec![7, 6, 7]), "the seventh is damaged");
        let place = |number| arrived.iter().position(|datagram| datagram[0] == number);
        assert!(place(12) < place(11), "the eleventh is late");
    }
}
