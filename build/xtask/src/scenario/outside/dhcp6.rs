//! The DHCPv6 server (RFC 8415).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::emit;
use super::file::Dhcp6;
use super::places::{LEASE_6, ROUTER_6, SERVER_6};
use crate::qemu::MAC;

/// Where clients and servers listen (section 7.2), and the group of all servers of the link (section 7.1).
pub(super) const CLIENT_PORT: u16 = 546;
pub(super) const SERVER_PORT: u16 = 547;
pub(super) const ALL_SERVERS: SocketAddr = SocketAddr::new(
    IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2)),
    SERVER_PORT,
);

/// What is asked and answered (section 7.3).
const SOLICIT: u8 = 1;
pub(super) const ADVERTISE: u8 = 2;
const REQUEST: u8 = 3;
const RENEW: u8 = 5;
const REBIND: u8 = 6;
pub(super) const REPLY: u8 = 7;

/// A server with one client.
pub(super) struct Server {
    pub(super) conduct: Dhcp6,
    lease_seconds: u32,
}

impl Server {
    pub(super) fn new(conduct: Dhcp6, lease_seconds: u32) -> Server {
        Server {
            conduct,
            lease_seconds,
        }
    }

    /// What is answered to a message, as a packet, and what there is to be said of it.
    pub(super) fn take(&self, from: SocketAddr, message: &[u8]) -> Option<(Vec<u8>, String)> {
        let (&[kind, a, b, c], options) = message.split_first_chunk()?;
        if self.conduct == Dhcp6::Silent || !options.starts_with(&option(1, &identifier(MAC))) {
            return None;
        }
        let (answer, deed) = match kind {
            SOLICIT => (ADVERTISE, "offers"),
            REQUEST => (REPLY, "leases"),
            RENEW | REBIND => (REPLY, "prolongs"),
            _ => return None,
        };
        let message = grant(answer, [a, b, c], LEASE_6, self.lease_seconds);
        let said = format!("DHCPv6 {deed} {LEASE_6} for {} s", self.lease_seconds);
        let packet = emit::datagram((ROUTER_6, SERVER_PORT).into(), from, &message);
        Some((packet, said))
    }
}

/// The message that gives the machine an address, or offers it.
pub(super) fn grant(kind: u8, transaction: [u8; 3], address: Ipv6Addr, seconds: u32) -> Vec<u8> {
    let seconds = seconds.to_be_bytes();
    // Preferred and valid for as long; when it is prolonged is the client's to choose.
    let address = [&address.octets()[..], &seconds, &seconds].concat();
    let association = [
        &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &option(5, &address),
    ]
    .concat();
    [
        &[kind][..],
        &transaction,
        &option(1, &identifier(MAC)),
        &option(2, &SERVER_6),
        &option(3, &association),
    ]
    .concat()
}

/// The machine's link-local address (RFC 4291, appendix A).
pub(super) fn client() -> Ipv6Addr {
    let [a, b, c, d, e, f] = MAC;
    Ipv6Addr::from_octets([
        0xfe,
        0x80,
        0,
        0,
        0,
        0,
        0,
        0,
        a ^ 2,
        b,
        c,
        0xff,
        0xfe,
        d,
        e,
        f,
    ])
}

/// What a machine with one card calls itself (section 11.4).
fn identifier(mac: [u8; 6]) -> Vec<u8> {
    [&[0, 3, 0, 1][..], &mac].concat()
}

fn option(number: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).unwrap_or(0);
    [&[0, number, 0, length], value].concat()
}
