//! Datagrams: a socket of the host for each flow of the guest.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use crate::event::Event;

/// Flows at once; the one that was silent longest gives way.
const FLOWS_MAX: usize = 256;
/// How long a silent flow lives.
const PATIENCE: Duration = Duration::from_secs(60);
const DATAGRAM_MAX: usize = 65_535;

/// The guest's end and the end that it believes it speaks with.
pub(crate) type Ends = (SocketAddr, SocketAddr);

/// All flows.
pub(crate) struct UdpRelay {
    flows: HashMap<u64, Flow>,
    next: u64,
    events: Sender<Event>,
}

struct Flow {
    ends: Ends,
    socket: Arc<UdpSocket>,
    used: Instant,
}

impl UdpRelay {
    pub(crate) fn new(events: Sender<Event>) -> Self {
        Self {
            flows: HashMap::new(),
            next: 0,
            events,
        }
    }

    /// Sends a datagram on to `place` of the host's side. What cannot be sent is lost, as datagrams are.
    pub(crate) fn send(&mut self, ends: Ends, place: SocketAddr, payload: &[u8]) {
        let known = self.flows.values_mut().find(|flow| flow.ends == ends);
        if let Some(flow) = known {
            flow.used = Instant::now();
            let _ = flow.socket.send(payload);
        } else if let Ok(socket) = self.begin(ends, place) {
            let _ = socket.send(payload);
        }
    }

    /// Whose answer it is that came for the flow.
    pub(crate) fn ends(&mut self, flow: u64) -> Option<Ends> {
        let flow = self.flows.get_mut(&flow)?;
        flow.used = Instant::now();
        Some(flow.ends)
    }

    fn begin(&mut self, ends: Ends, place: SocketAddr) -> std::io::Result<Arc<UdpSocket>> {
        self.make_room();
        let any = if place.is_ipv4() {
            "0.0.0.0:0"
        } else {
            "[::]:0"
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(place)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let socket = Arc::new(socket);
        let flow = self.next;
        self.next += 1;
        listen(Arc::clone(&socket), flow, self.events.clone());
        let entry = Flow {
            ends,
            socket: Arc::clone(&socket),
            used: Instant::now(),
        };
        self.flows.insert(flow, entry);
        Ok(socket)
    }

    fn make_room(&mut self) {
        self.flows.retain(|_, flow| flow.used.elapsed() < PATIENCE);
        if self.flows.len() >= FLOWS_MAX {
            let oldest = self.flows.iter().min_by_key(|(_, flow)| flow.used);
            if let Some(oldest) = oldest.map(|(number, _)| *number) {
                self.flows.remove(&oldest);
            }
        }
    }
}

/// Waits for answers until the flow is forgotten.
fn listen(socket: Arc<UdpSocket>, flow: u64, events: Sender<Event>) {
    thread::spawn(move || {
        let mut buffer = vec![0; DATAGRAM_MAX];
        loop {
            let result = socket.recv(&mut buffer);
            if Arc::strong_count(&socket) == 1 {
                return;
            }
            match result {
                Ok(length) => {
                    let payload = buffer[..length].to_vec();
                    if events.send(Event::Answer { flow, payload }).is_err() {
                        return;
                    }
                }
                Err(error) if is_passing(error.kind()) => {}
                Err(_) => return,
            }
        }
    });
}

/// Time that ran out, or a host that said that nobody listens there.
fn is_passing(kind: ErrorKind) -> bool {
    use ErrorKind::{ConnectionRefused, Interrupted, TimedOut, WouldBlock};
    matches!(
        kind,
        TimedOut | WouldBlock | Interrupted | ConnectionRefused
    )
}
