//! One message as it lies in a queue.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::SLOT_SIZE;

/// What a message is about. The number is what travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// A UDP payload: to be sent there, or received from there.
    Payload = 0,
    /// From `net`: packets of more than [`Datagram::value`] bytes do not reach the address.
    PathMtu = 1,
    /// From `net`: the address and port were reported as unreachable.
    Unreachable = 2,
    /// From `net`: [`Datagram::value`] says what the network is like now.
    State = 3,
}

/// A message is none that its receiver knows: the peer breaks the rules of the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadDatagram;

/// One message (32 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Datagram {
    /// The host at the other end: an IPv6 address, or an IPv4 address as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).
    pub address: [u8; 16],
    /// Where the payload lies in its producer's data area, in bytes.
    pub data: u32,
    /// Bytes of payload, at most [`SLOT_SIZE`].
    pub length: u32,
    /// The UDP port of the host at the other end.
    pub port: u16,
    /// The number of a [`Kind`].
    pub kind: u16,
    /// Depends on the kind.
    pub value: u32,
}

impl Datagram {
    /// A message about `place` without payload.
    pub(crate) fn about(kind: Kind, place: SocketAddr, value: u32) -> Self {
        let address = match place.ip() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        Self {
            address: address.octets(),
            data: 0,
            length: 0,
            port: place.port(),
            kind: kind as u16,
            value,
        }
    }

    /// A message with the payload of `length` bytes from `data` on.
    ///
    /// # Errors
    ///
    /// No data area has that place.
    pub(crate) fn with_payload(
        place: SocketAddr,
        data: usize,
        length: usize,
    ) -> Result<Self, BadDatagram> {
        Ok(Self {
            data: u32::try_from(data).map_err(|_| BadDatagram)?,
            length: u32::try_from(length).map_err(|_| BadDatagram)?,
            ..Self::about(Kind::Payload, place, 0)
        })
    }

    /// The host at the other end, and its port.
    pub(crate) fn place(&self) -> SocketAddr {
        let address = Ipv6Addr::from_octets(self.address);
        SocketAddr::new(address.to_canonical(), self.port)
    }

    /// Where the payload lies in an area of `area_size` bytes: offset and length.
    pub(crate) fn payload(&self, area_size: usize) -> Result<(usize, usize), BadDatagram> {
        let data = usize::try_from(self.data).map_err(|_| BadDatagram)?;
        let length = usize::try_from(self.length).map_err(|_| BadDatagram)?;
        let end = data.checked_add(length).ok_or(BadDatagram)?;
        if length <= SLOT_SIZE && end <= area_size {
            Ok((data, length))
        } else {
            Err(BadDatagram)
        }
    }
}

impl fmt::Display for BadDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message of a datagram channel makes no sense")
    }
}

impl core::error::Error for BadDatagram {}
