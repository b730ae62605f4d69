//! The outside of the tunnel: UDP sockets of the host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::Sender;
use std::thread;

use anyhow::{Context, Result};
use vpn_core::tunnel;

use crate::event::Event;

/// Bytes of the longest datagram.
const DATAGRAM_MAX: usize = 65_535;

/// A socket for each family; a host without IPv6 has one.
pub(crate) struct Wire {
    ipv4: UdpSocket,
    ipv6: Option<UdpSocket>,
}

impl Wire {
    /// Opens the sockets and starts to listen.
    pub(crate) fn open(port: u16, everywhere: bool, events: &Sender<Event>) -> Result<Self> {
        let (address, address_6): (IpAddr, IpAddr) = if everywhere {
            (Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into())
        } else {
            (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into())
        };
        let ipv4 = UdpSocket::bind((address, port));
        let ipv4 = ipv4.with_context(|| format!("UDP port {port} of the host cannot be had"))?;
        // Everywhere, some hosts have both families on one socket.
        let ipv6 = UdpSocket::bind((address_6, port)).ok();
        for socket in [Some(&ipv4), ipv6.as_ref()].into_iter().flatten() {
            listen(socket.try_clone()?, events.clone());
        }
        Ok(Self { ipv4, ipv6 })
    }
}

impl tunnel::Wire for Wire {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        let socket = match to {
            SocketAddr::V4(_) => Some(&self.ipv4),
            SocketAddr::V6(_) => self.ipv6.as_ref(),
        };
        if let Some(socket) = socket {
            // What is lost is lost, as on any wire.
            let _ = socket.send_to(datagram, to);
        }
    }
}

fn listen(socket: UdpSocket, events: Sender<Event>) {
    thread::spawn(move || {
        let mut buffer = vec![0; DATAGRAM_MAX];
        loop {
            // An error is an ICMP message about something sent before.
            if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let payload = buffer[..length].to_vec();
                if events.send(Event::Datagram { from, payload }).is_err() {
                    return;
                }
            }
        }
    });
}
