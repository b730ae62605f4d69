//! What `net` tells a client.

use core::net::{IpAddr, SocketAddr};

use crate::{BadDatagram, Datagram, Kind, State};

/// Something that `net` tells a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A datagram came for the client's port. Whoever sent it can have written any address.
    Payload {
        /// Where from, as the packet says.
        from: SocketAddr,
        /// Offset of the payload in the server's data area, in bytes.
        data: usize,
        /// Bytes of payload.
        length: usize,
    },
    /// Larger packets do not reach the address: IP and UDP header included.
    PathMtu {
        /// The host.
        address: IpAddr,
        /// Bytes of the largest IP packet that gets there.
        mtu: u32,
    },
    /// Nobody takes datagrams there (an ICMP error about a packet of this client came, or nobody answers
    /// on the link). A hint, never a reason to believe that the peer is gone.
    Unreachable {
        /// Where the datagrams were sent.
        to: SocketAddr,
    },
    /// What the network is like from now on. The first message of a channel, and sent at each change.
    State(State),
}

impl Incoming {
    /// The message that says it.
    ///
    /// # Errors
    ///
    /// No data area has the payload's place.
    pub fn to_datagram(self) -> Result<Datagram, BadDatagram> {
        match self {
            Self::Payload { from, data, length } => Datagram::with_payload(from, data, length),
            Self::PathMtu { address, mtu } => {
                let place = SocketAddr::new(address, 0);
                Ok(Datagram::about(Kind::PathMtu, place, mtu))
            }
            Self::Unreachable { to } => Ok(Datagram::about(Kind::Unreachable, to, 0)),
            Self::State(state) => {
                let nowhere = SocketAddr::new(IpAddr::from([0; 16]), 0);
                Ok(Datagram::about(Kind::State, nowhere, state.to_bits()))
            }
        }
    }
}

impl Datagram {
    /// What `net` says, whose data area for this client has `area_size` bytes.
    ///
    /// # Errors
    ///
    /// `net` breaks the rules of the channel.
    pub fn incoming(&self, area_size: usize) -> Result<Incoming, BadDatagram> {
        const PAYLOAD: u16 = Kind::Payload as u16;
        const PATH_MTU: u16 = Kind::PathMtu as u16;
        const UNREACHABLE: u16 = Kind::Unreachable as u16;
        const STATE: u16 = Kind::State as u16;
        match self.kind {
            PAYLOAD => {
                let (data, length) = self.payload(area_size)?;
                let from = self.place();
                Ok(Incoming::Payload { from, data, length })
            }
            PATH_MTU => Ok(Incoming::PathMtu {
                address: self.place().ip(),
                mtu: self.value,
            }),
            UNREACHABLE => Ok(Incoming::Unreachable { to: self.place() }),
            STATE => Ok(Incoming::State(State::from_bits(self.value))),
            _ => Err(BadDatagram),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DATA_AREA_SIZE, SLOT_SIZE};

    #[test]
    fn messages_survive_the_channel() {
        let place: SocketAddr = "[2001:db8::7]:51820".parse().expect("an address");
        let messages = [
            Incoming::Payload {
                from: place,
                data: 255 * SLOT_SIZE,
                length: SLOT_SIZE,
            },
            Incoming::PathMtu {
                address: IpAddr::from([192, 0, 2, 9]),
                mtu: 1280,
            },
            Incoming::Unreachable { to: place },
            Incoming::State(State {
                has_ipv4: true,
                has_ipv6: false,
                link_is_up: true,
            }),
        ];
        for message in messages {
            let datagram = message.to_datagram().expect("a legal place");
            assert_eq!(datagram.incoming(DATA_AREA_SIZE), Ok(message));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let state = Incoming::State(State::default());
        let legal = state.to_datagram().expect("no place to be wrong");
        let unknown = Datagram { kind: 4, ..legal };
        assert_eq!(unknown.incoming(DATA_AREA_SIZE), Err(BadDatagram));
        let outside = Datagram {
            kind: Kind::Payload as u16,
            data: 1,
            length: 2048,
            ..legal
        };
        assert_eq!(outside.incoming(SLOT_SIZE), Err(BadDatagram));
    }
}
