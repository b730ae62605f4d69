//! `cargo xtask pour`: a source of datagrams for measurements.
//!
//! Whoever asks, by a datagram that says `COUNT LENGTH`, gets as many of that length, as fast as he takes them and no
//! faster: now and then he says how many he has got, and never are more than some on their way.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

/// Send datagrams to whoever asks.
#[derive(Args)]
pub(crate) struct Arguments {}

/// Where it is asked.
pub(crate) const PORT: u16 = 5202;
/// Who got so many more says so.
pub(crate) const TOLD_EACH: u64 = 32;
/// Datagrams on their way at once: more than a machine takes at a time, and few enough for every queue.
const WINDOW: u64 = 256;
/// Bytes of the longest datagram.
const LONGEST: usize = 2048;
/// What has not arrived by then never will.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn execute(_: &Arguments) -> Result<ExitCode> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).context("the port is taken")?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut request = [0; 64];
    loop {
        // An error is an ICMP message about something sent before, or nobody asks for long.
        if let Ok((length, from)) = socket.recv_from(&mut request)
            && let Some((count, size)) = parse(&request[..length])
        {
            pour(&socket, from, count, size);
        }
    }
}

fn parse(request: &[u8]) -> Option<(u64, usize)> {
    let (count, size) = str::from_utf8(request).ok()?.split_once(' ')?;
    let size = size.parse().ok().filter(|size| *size <= LONGEST)?;
    Some((count.parse().ok()?, size))
}

fn pour(socket: &UdpSocket, to: SocketAddr, count: u64, size: usize) {
    let mut arrived = 0;
    for sent in 0..count {
        while sent.saturating_sub(arrived) >= WINDOW {
            // The rest is given up if nothing is heard.
            arrived = told(socket).unwrap_or(sent);
        }
        // Whoever does not listen any more misses it.
        let _ = socket.send_to(&[0; LONGEST][..size], to);
    }
}

/// How many have arrived.
fn told(socket: &UdpSocket) -> Option<u64> {
    let mut count = [0; 64];
    let length = socket.recv(&mut count).ok()?;
    str::from_utf8(&count[..length]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_say_how_many_and_how_long() {
        assert_eq!(parse(b"20 1372"), Some((20, 1372)));
        assert_eq!(parse(b"20 4096"), None);
        assert_eq!(parse(b"20"), None);
    }
}
