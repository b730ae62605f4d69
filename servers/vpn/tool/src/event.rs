//! What wakes the peer. Threads that wait for the host send events; one thread does everything else.

use std::net::SocketAddr;

/// What happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// A datagram came for the tunnel.
    Datagram { from: SocketAddr, payload: Vec<u8> },
    /// A connection to the host's side stands, or does not.
    Connected {
        connection: u64,
        stream: std::io::Result<std::net::TcpStream>,
    },
    /// Whoever started the peer wants a new session.
    Renew,
    /// There is something to read from a connection, or room to write.
    Ready,
    /// A UDP flow got an answer.
    Answer { flow: u64, payload: Vec<u8> },
}
