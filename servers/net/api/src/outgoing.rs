//! What a client asks of `net`.

use core::net::SocketAddr;

use crate::{BadDatagram, Datagram, Kind};

/// A payload to be sent. The only thing that a client can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub to: SocketAddr,
    /// Offset of the payload in the client's data area, in bytes.
    pub data: usize,
    /// Bytes of payload, at most [`SLOT_SIZE`](crate::SLOT_SIZE). What is larger than the path takes is sent in pieces up to
    /// [`LEAST_CARRIED`](crate::LEAST_CARRIED) bytes. Beyond, it is dropped, and
    /// [`Incoming::PathMtu`](crate::Incoming::PathMtu) says so.
    pub length: usize,
}

impl Outgoing {
    /// The message that asks for it.
    ///
    /// # Errors
    ///
    /// No data area has that place.
    pub fn to_datagram(self) -> Result<Datagram, BadDatagram> {
        Datagram::with_payload(self.to, self.data, self.length)
    }
}

impl Datagram {
    /// What a client asks for, whose data area has `area_size` bytes.
    ///
    /// # Errors
    ///
    /// The client breaks the rules of the channel.
    pub fn outgoing(&self, area_size: usize) -> Result<Outgoing, BadDatagram> {
        if self.kind != Kind::Payload as u16 {
            return Err(BadDatagram);
        }
        let (data, length) = self.payload(area_size)?;
        let to = self.place();
        Ok(Outgoing { to, data, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DATA_AREA_SIZE, SLOT_SIZE};

    fn outgoing(to: &str) -> Outgoing {
        Outgoing {
            to: to.parse().expect("an address"),
            data: 3 * SLOT_SIZE + 64,
            length: 1400,
        }
    }

    #[test]
    fn requests_survive_the_channel() {
        for to in ["192.0.2.1:51820", "[2001:db8::1]:65535", "[fe80::1]:0"] {
            let request = outgoing(to);
            let message = request.to_datagram().expect("a legal place");
            assert_eq!(message.outgoing(DATA_AREA_SIZE), Ok(request));
        }
        let message = outgoing("192.0.2.1:7").to_datagram().expect("legal");
        assert_eq!(message.address[10..], [255, 255, 192, 0, 2, 1]);
    }

    #[test]
    fn wild_requests_are_refused() {
        let legal = outgoing("192.0.2.1:7").to_datagram().expect("legal");
        let area = u32::try_from(DATA_AREA_SIZE).expect("areas are small");
        let wild = [
            Datagram { kind: 1, ..legal },
            Datagram { kind: 4, ..legal },
            Datagram {
                kind: u16::MAX,
                ..legal
            },
            Datagram {
                length: 2049,
                ..legal
            },
            Datagram {
                length: u32::MAX,
                ..legal
            },
            Datagram {
                data: area - 1399,
                ..legal
            },
            Datagram {
                data: u32::MAX,
                ..legal
            },
        ];
        for message in wild {
            let checked = message.outgoing(DATA_AREA_SIZE);
            assert_eq!(checked, Err(BadDatagram), "{message:?}");
        }
        let last = Datagram {
            data: area - 1400,
            ..legal
        };
        assert!(last.outgoing(DATA_AREA_SIZE).is_ok());
    }

    #[test]
    fn places_beyond_32_bits_make_no_message() {
        let request = Outgoing {
            data: usize::MAX,
            ..outgoing("192.0.2.1:7")
        };
        assert_eq!(request.to_datagram(), Err(BadDatagram));
    }
}
