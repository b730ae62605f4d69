//! Somebody on the host's loopback who sends every datagram back.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How long a port that is in use is waited for: another run of the same scenario may have it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often an echo looks whether it is still wanted.
const PAUSE: Duration = Duration::from_millis(100);

/// Echoes that end with this value.
pub(crate) struct Echoes {
    end: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Echoes {
    /// Listens at those ports, over IPv4 and IPv6.
    pub(crate) fn start(ports: &[u16]) -> Result<Echoes> {
        let mut echoes = Echoes {
            end: Arc::default(),
            threads: Vec::new(),
        };
        for port in ports {
            for address in [
                SocketAddr::from((Ipv4Addr::LOCALHOST, *port)),
                SocketAddr::from((Ipv6Addr::LOCALHOST, *port)),
            ] {
                let socket = listen(address)?;
                let end = echoes.end.clone();
                let echo = move || echo(&socket, &end);
                echoes.threads.push(thread::spawn(echo));
            }
        }
        Ok(echoes)
    }
}

impl Drop for Echoes {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

fn listen(address: SocketAddr) -> Result<UdpSocket> {
    let deadline = Instant::now() + PATIENCE;
    let socket = loop {
        match UdpSocket::bind(address) {
            Err(_) if Instant::now() < deadline => thread::sleep(PAUSE),
            socket => break socket.with_context(|| format!("nobody can listen at {address}"))?,
        }
    };
    socket.set_read_timeout(Some(PAUSE))?;
    Ok(socket)
}

fn echo(socket: &UdpSocket, end: &AtomicBool) {
    let mut datagram = [0; 2048];
    while !end.load(Ordering::Relaxed) {
        if let Ok((length, from)) = socket.recv_from(&mut datagram) {
            // Whoever sends datagrams expects that some are lost.
            let _ = socket.send_to(&datagram[..length], from);
        }
    }
}
