//! The addresses of this machine, and which way is to where.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// This machine's IPv4 on the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    /// Its address.
    pub address: Ipv4Addr,
    /// Bits of the address that all hosts of the link share, at most 32.
    pub prefix_length: u8,
    /// The way to all others.
    pub gateway: Option<Ipv4Addr>,
}

/// This machine's IPv6 on the link, beside the link-local address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6 {
    /// Its address.
    pub address: Ipv6Addr,
    /// Bits of the address that all hosts of the link share, at most 128.
    pub prefix_length: u8,
    /// The way to all others.
    pub gateway: Option<Ipv6Addr>,
}

/// All addresses of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Of the device.
    pub mac: [u8; 6],
    /// Once it is known.
    pub ipv4: Option<Ipv4>,
    /// Nothing but the way to it makes IPv6 off: no link-local address, no neighbours.
    pub link_local: Option<Ipv6Addr>,
    /// Once it is known.
    pub ipv6: Option<Ipv6>,
}

/// How a packet gets to where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The address that it comes from.
    pub source: IpAddr,
    /// The host on the link that gets it.
    pub next_hop: IpAddr,
}

/// Why there is no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// Nothing can be sent to that address, ever.
    Impossible,
    /// There is no address of that kind yet, or no gateway.
    NotYet,
}

impl Addresses {
    /// Whether `address` is one of this machine's.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.ipv4.is_some_and(|own| own.address == address),
            IpAddr::V6(address) => {
                self.link_local == Some(address)
                    || self.ipv6.is_some_and(|own| own.address == address)
            }
        }
    }

    /// How packets get to `to`.
    ///
    /// # Errors
    ///
    /// They do not.
    pub fn route(&self, to: IpAddr) -> Result<Route, NoRoute> {
        if !is_one_host(to) || self.has(to) {
            return Err(NoRoute::Impossible);
        }
        match to {
            IpAddr::V4(to) => self.route_ipv4(to),
            IpAddr::V6(to) => self.route_ipv6(to),
        }
    }

    fn route_ipv4(&self, to: Ipv4Addr) -> Result<Route, NoRoute> {
        let own = self.ipv4.ok_or(NoRoute::NotYet)?;
        let next_hop = if own.is_on_link(to) {
            if own.is_broadcast(to) {
                return Err(NoRoute::Impossible);
            }
            to
        } else {
            own.gateway.ok_or(NoRoute::NotYet)?
        };
        Ok(Route {
            source: own.address.into(),
            next_hop: next_hop.into(),
        })
    }

    fn route_ipv6(&self, to: Ipv6Addr) -> Result<Route, NoRoute> {
        let (source, next_hop) = if to.is_unicast_link_local() {
            (self.link_local.ok_or(NoRoute::NotYet)?, to)
        } else {
            let own = self.ipv6.ok_or(NoRoute::NotYet)?;
            let next_hop = if own.is_on_link(to) {
                to
            } else {
                own.gateway.ok_or(NoRoute::NotYet)?
            };
            (own.address, next_hop)
        };
        Ok(Route {
            source: source.into(),
            next_hop: next_hop.into(),
        })
    }
}

impl Ipv4 {
    fn mask(&self) -> u32 {
        let host_bits = 32 - u32::from(self.prefix_length.min(32));
        u32::MAX.checked_shl(host_bits).unwrap_or(0)
    }

    fn is_on_link(&self, address: Ipv4Addr) -> bool {
        (self.address.to_bits() ^ address.to_bits()) & self.mask() == 0
    }

    /// The last address of the link means all, the first is its name (RFC 1122, 3.2.1.3); links of two
    /// addresses or one have neither (RFC 3021).
    fn is_broadcast(&self, address: Ipv4Addr) -> bool {
        let host = address.to_bits() & !self.mask();
        self.prefix_length < 31 && (host == !self.mask() || host == 0)
    }
}

impl Ipv6 {
    fn is_on_link(&self, address: Ipv6Addr) -> bool {
        is_in_prefix(address, self.address, self.prefix_length)
    }
}

/// Whether the first `bits` of an address are those of `prefix`.
pub(crate) fn is_in_prefix(address: Ipv6Addr, prefix: Ipv6Addr, bits: u8) -> bool {
    let host_bits = 128 - u32::from(bits.min(128));
    let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
    (prefix.to_bits() ^ address.to_bits()) & mask == 0
}

/// Whether the address is one that some other host can have.
pub(crate) fn is_one_host(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, ..] = address.octets();
            // 0.0.0.0/8, loopback, multicast, reserved, broadcast (RFC 1122, 3.2.1.3).
            first != 0 && first != 127 && first < 224
        }
        IpAddr::V6(address) => {
            // ::/96 holds the unspecified address, loopback and what is deprecated (RFC 4291, 2.5).
            !address.is_multicast()
                && address.to_bits() >> 32 != 0
                && address.to_ipv4_mapped().is_none()
        }
    }
}

/// The link-local address of a device (RFC 4291, 2.5.1 and appendix A).
#[must_use]
pub fn link_local(mac: [u8; 6]) -> Ipv6Addr {
    with_interface_identifier(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), mac)
}

/// The Ethernet address of a group (RFC 2464, 7).
pub(crate) fn multicast_mac(group: Ipv6Addr) -> [u8; 6] {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

/// The address of a device in a prefix of 64 bits.
#[must_use]
pub(crate) fn with_interface_identifier(prefix: Ipv6Addr, mac: [u8; 6]) -> Ipv6Addr {
    let mut octets = prefix.octets();
    let [a, b, c, d, e, f] = mac;
    octets[8..].copy_from_slice(&[a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    octets.into()
}

#[cfg(test)]
mod tests {
    use std::{format, string::String};

    use super::*;

    const MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

    fn addresses() -> Addresses {
        Addresses {
            mac: MAC,
            ipv4: Some(Ipv4 {
                address: Ipv4Addr::new(192, 0, 2, 15),
                prefix_length: 24,
                gateway: Some(Ipv4Addr::new(192, 0, 2, 1)),
            }),
            link_local: Some(link_local(MAC)),
            ipv6: Some(Ipv6 {
                address: with_interface_identifier("2001:db8::".parse().expect("legal"), MAC),
                prefix_length: 64,
                gateway: None,
            }),
        }
    }

    fn next_hop(to: &str) -> Result<String, NoRoute> {
        let route = addresses().route(to.parse().expect("an address"));
        route.map(|route| format!("{} by {}", route.source, route.next_hop))
    }

    #[test]
    fn routes_are_on_the_link_or_by_the_gateway() {
        assert_eq!(
            next_hop("192.0.2.77"),
            Ok("192.0.2.15 by 192.0.2.77".into())
        );
        assert_eq!(
            next_hop("198.51.100.7"),
            Ok("192.0.2.15 by 192.0.2.1".into())
        );
        let own = "2001:db8::5054:ff:fe12:3456";
        assert_eq!(next_hop("2001:db8::1"), Ok(format!("{own} by 2001:db8::1")));
        assert_eq!(next_hop("2001:db8:1::1"), Err(NoRoute::NotYet));
        let local = "fe80::5054:ff:fe12:3456";
        assert_eq!(next_hop("fe80::1"), Ok(format!("{local} by fe80::1")));
    }

    #[test]
    fn nothing_is_sent_to_all_nobody_or_oneself() {
        for to in [
            "192.0.2.255",
            "192.0.2.0",
            "255.255.255.255",
            "0.0.0.0",
            "127.0.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "192.0.2.15",
            "::",
            "::1",
            "::192.0.2.1",
            "::ffff:192.0.2.1",
            "ff02::1",
            "2001:db8::5054:ff:fe12:3456",
            "fe80::5054:ff:fe12:3456",
        ] {
            assert_eq!(next_hop(to), Err(NoRoute::Impossible), "{to}");
        }
    }

    #[test]
    fn links_of_any_size_have_a_mask() {
        for (prefix_length, on_link) in [(0, true), (31, true), (32, false)] {
            let own = Ipv4 {
                prefix_length,
                ..addresses().ipv4.expect("there is one")
            };
            assert_eq!(own.is_on_link(Ipv4Addr::new(192, 0, 2, 14)), on_link);
        }
        let own = addresses().ipv6.expect("there is one");
        assert!(
            Ipv6 {
                prefix_length: 0,
                ..own
            }
            .is_on_link("fe80::".parse().expect("legal"))
        );
        assert!(
            !Ipv6 {
                prefix_length: 128,
                ..own
            }
            .is_on_link("2001:db8::".parse().expect("legal"))
        );
    }
}
