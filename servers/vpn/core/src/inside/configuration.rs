//! What the guest's side is told: addresses, resolvers, what may come in.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Blocklist;

/// The gateway's own IPv4 address on the guest's link, where it resolves names: link-local (RFC 3927), so that no
/// host of the outside can have it.
pub const SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 83, 75);

/// The gateway's own IPv6 address, where it resolves names: of a unique local prefix (RFC 4193) that is used for
/// nothing else.
pub const SERVICE_ADDRESS_6: Ipv6Addr =
    Ipv6Addr::new(0xfd53, 0x656b, 0x6973, 0x686f, 0, 0, 0, 0x53);

/// Resolvers that are used; a configuration may name more.
pub const RESOLVERS_MAX: usize = 4;

/// What the guest's side is told at its start.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// The guest's address towards the peers; none: no IPv4.
    pub ipv4: Option<Ipv4Addr>,
    /// The guest's address towards the peers; none: no IPv6.
    pub ipv6: Option<Ipv6Addr>,
    /// Where names are asked for, through the tunnel. The first [`RESOLVERS_MAX`] are used, in this order.
    pub resolvers: Vec<IpAddr>,
    /// The domains in which the guest looks for short names.
    pub search: Vec<String>,
    /// Bytes of the longest IP packet that fits the tunnel.
    pub mtu: u16,
    /// What the outside may begin.
    pub inbound: Inbound,
    /// How many flows the guest, and how many the outside, may begin in a second.
    pub flows_per_second: u32,
    /// Names and addresses that the administrator forbids.
    pub blocklist: Option<Blocklist>,
}

/// What the outside may begin; everything else is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inbound {
    /// IP protocol and port of the guest.
    ports: Vec<(u8, u16)>,
    /// Whether the guest may be pinged.
    echo: bool,
}

/// A word that does not say what may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboundError<'a>(pub &'a str);

impl Inbound {
    /// Reads words such as `tcp/22`, `udp/5000` and `echo`, with blanks between them.
    ///
    /// # Errors
    ///
    /// The first word that is none of these.
    pub fn parse(text: &str) -> Result<Self, InboundError<'_>> {
        let mut inbound = Self::default();
        for word in text.split_ascii_whitespace() {
            let port = |port: &str| port.parse().ok().filter(|port| *port != 0);
            match word.split_once('/') {
                None if word == "echo" => inbound.echo = true,
                Some(("tcp", text)) => {
                    let port = port(text).ok_or(InboundError(word))?;
                    inbound.ports.push((super::packet::TCP, port));
                }
                Some(("udp", text)) => {
                    let port = port(text).ok_or(InboundError(word))?;
                    inbound.ports.push((super::packet::UDP, port));
                }
                _ => return Err(InboundError(word)),
            }
        }
        Ok(inbound)
    }

    /// Whether the outside may send to this port first.
    pub(super) fn has_port(&self, protocol: u8, port: u16) -> bool {
        self.ports.contains(&(protocol, port))
    }

    /// Whether the outside may ping.
    pub(super) fn has_echo(&self) -> bool {
        self.echo
    }
}

impl fmt::Display for InboundError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.0.escape_default();
        write!(f, "`{word}` is none of tcp/PORT, udp/PORT and echo")
    }
}

impl core::error::Error for InboundError<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inside::packet::{TCP, UDP};

    #[test]
    fn words_are_read() {
        let inbound = Inbound::parse(" tcp/22  udp/5000 echo").expect("it is right");
        assert!(inbound.has_port(TCP, 22) && inbound.has_port(UDP, 5000) && inbound.has_echo());
        assert!(!inbound.has_port(UDP, 22) && !inbound.has_port(TCP, 5000));
        assert_eq!(Inbound::parse(""), Ok(Inbound::default()));
    }

    #[test]
    fn other_words_are_named() {
        for word in [
            "tcp",
            "tcp/",
            "tcp/0",
            "tcp/65536",
            "sctp/1",
            "Echo",
            "udp/53/53",
        ] {
            assert_eq!(Inbound::parse(word), Err(InboundError(word)));
        }
    }
}
