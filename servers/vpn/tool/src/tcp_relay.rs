//! Connections: the guest's half ends here, in smoltcp; the other half is the host's.
//!
//! A connection is answered only when the host's half stands, so that the guest learns of refusals as it would
//! without a relay: the packet that opens it waits until then.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use smoltcp::iface::SocketSet;
use smoltcp::socket::tcp::{Socket, SocketBuffer};

use crate::event::Event;
use crate::tcp_connection::Connection;

/// Connections at once.
const CONNECTIONS_MAX: usize = 256;
/// Bytes in flight each way.
const WINDOW: usize = 256 << 10;
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// How long data of ours may stay unacknowledged.
const SILENCE_MAX: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(120);

/// All connections.
pub(crate) struct TcpRelay {
    waiting: HashMap<u64, Waiting>,
    standing: HashMap<u64, Connection>,
    next: u64,
    events: Sender<Event>,
}

/// A connection whose host's half does not stand yet.
struct Waiting {
    guest: SocketAddr,
    destination: SocketAddr,
    opening: Vec<u8>,
}

impl TcpRelay {
    pub(crate) fn new(events: Sender<Event>) -> Self {
        Self {
            waiting: HashMap::new(),
            standing: HashMap::new(),
            next: 0,
            events,
        }
    }

    /// Keeps the packet that opens a connection to `place` of the host's side until that half stands.
    pub(crate) fn open(
        &mut self,
        guest: SocketAddr,
        destination: SocketAddr,
        place: SocketAddr,
        opening: Vec<u8>,
    ) {
        let is_known = |w: &Waiting| w.guest == guest && w.destination == destination;
        let count = self.waiting.len() + self.standing.len();
        if self.waiting.values().any(is_known) || count >= CONNECTIONS_MAX {
            return;
        }
        let connection = self.next;
        self.next += 1;
        let waiting = Waiting {
            guest,
            destination,
            opening,
        };
        self.waiting.insert(connection, waiting);
        let events = self.events.clone();
        thread::spawn(move || {
            let stream = TcpStream::connect_timeout(&place, CONNECT_PATIENCE);
            // Without anybody to hear of it, the peer has ended.
            let _ = events.send(Event::Connected { connection, stream });
        });
    }

    /// The host's half stands, or does not: the packet that opened the connection, for the guest's half to see.
    pub(crate) fn connected(
        &mut self,
        number: u64,
        stream: std::io::Result<TcpStream>,
        sockets: &mut SocketSet<'static>,
    ) -> Option<Vec<u8>> {
        let waiting = self.waiting.remove(&number)?;
        if let Ok(stream) = stream {
            let buffer = || SocketBuffer::new(vec![0; WINDOW]);
            let mut socket = Socket::new(buffer(), buffer());
            socket.set_timeout(Some(SILENCE_MAX));
            socket.set_nagle_enabled(false);
            // Nobody else listens there, and the port is none of those that cannot be listened to.
            socket.listen(waiting.destination).ok()?;
            let handle = sockets.add(socket);
            match Connection::new(handle, stream, &self.events) {
                Ok(connection) => drop(self.standing.insert(number, connection)),
                Err(_) => drop(sockets.remove(handle)),
            }
        }
        Some(waiting.opening)
    }

    /// Moves data of all connections, and forgets those that are over.
    pub(crate) fn advance(&mut self, sockets: &mut SocketSet<'static>) {
        self.standing.retain(|_, connection| {
            let is_over = connection.advance(sockets.get_mut(connection.handle));
            if is_over {
                sockets.remove(connection.handle);
            }
            !is_over
        });
    }
}
