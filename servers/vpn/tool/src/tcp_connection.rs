//! One connection of the guest, and its other half on the host's side.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread;

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{Socket, State};

use crate::event::Event;

/// Bytes that are moved at once.
const CHUNK: usize = 16 << 10;
/// Chunks that wait each way; beyond that the sender is told to wait.
const WAITING: usize = 8;

/// A connection that stands.
pub(crate) struct Connection {
    pub(crate) handle: SocketHandle,
    stream: TcpStream,
    /// None once the guest has said all.
    to_host: Option<SyncSender<Vec<u8>>>,
    from_host: Receiver<Vec<u8>>,
    /// What is left of a chunk from the host.
    rest: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(
        handle: SocketHandle,
        stream: TcpStream,
        events: &Sender<Event>,
    ) -> std::io::Result<Self> {
        stream.set_nodelay(true)?;
        let (to_host, chunks) = sync_channel(WAITING);
        write(stream.try_clone()?, chunks, events.clone());
        let (chunks, from_host) = sync_channel(WAITING);
        read(stream.try_clone()?, chunks, events.clone());
        Ok(Self {
            handle,
            stream,
            to_host: Some(to_host),
            from_host,
            rest: Vec::new(),
        })
    }

    /// Moves what can be moved; whether the connection is over.
    pub(crate) fn advance(&mut self, socket: &mut Socket<'_>) -> bool {
        self.advance_to_host(socket);
        self.advance_to_guest(socket);
        socket.state() == State::Closed
    }

    fn advance_to_host(&mut self, socket: &mut Socket<'_>) {
        use State::{CloseWait, Closed, Closing, LastAck, TimeWait};
        while let Some(to_host) = self.to_host.as_ref().filter(|_| socket.can_recv()) {
            let moved = socket.recv(|bytes| {
                let chunk = &bytes[..bytes.len().min(CHUNK)];
                match to_host.try_send(chunk.to_vec()) {
                    Ok(()) => (chunk.len(), Some(())),
                    Err(TrySendError::Full(_)) => (0, Some(())),
                    Err(TrySendError::Disconnected(_)) => (bytes.len(), None),
                }
            });
            match moved {
                Ok(Some(())) if socket.can_recv() => break,
                Ok(Some(())) => {}
                _ => {
                    socket.abort();
                    return;
                }
            }
        }
        let is_said = matches!(
            socket.state(),
            CloseWait | Closed | Closing | LastAck | TimeWait
        );
        if is_said && !socket.can_recv() {
            self.to_host = None;
        }
    }

    fn advance_to_guest(&mut self, socket: &mut Socket<'_>) {
        while socket.can_send() {
            if self.rest.is_empty() {
                match self.from_host.try_recv() {
                    Ok(chunk) => self.rest = chunk,
                    Err(TryRecvError::Empty) => return,
                    Err(TryRecvError::Disconnected) => return socket.close(),
                }
            }
            match socket.send_slice(&self.rest) {
                Ok(sent) => drop(self.rest.drain(..sent)),
                Err(_) => return,
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Wakes the thread that reads. Whoever has closed it already is thanked.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn write(mut stream: TcpStream, chunks: Receiver<Vec<u8>>, events: Sender<Event>) {
    thread::spawn(move || {
        let ready = || events.send(Event::Ready);
        for chunk in chunks {
            if stream.write_all(&chunk).is_err() || ready().is_err() {
                return;
            }
        }
        let _ = stream.shutdown(Shutdown::Write);
    });
}

fn read(mut stream: TcpStream, chunks: SyncSender<Vec<u8>>, events: Sender<Event>) {
    thread::spawn(move || {
        let ready = || events.send(Event::Ready);
        loop {
            let mut chunk = vec![0; CHUNK];
            let Ok(length) = stream.read(&mut chunk) else {
                break;
            };
            chunk.truncate(length);
            if length == 0 || chunks.send(chunk).is_err() || ready().is_err() {
                break;
            }
        }
        drop(chunks);
        let _ = ready();
    });
}
