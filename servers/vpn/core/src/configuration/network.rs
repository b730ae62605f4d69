//! An address and the length of its prefix.

use core::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// An address with the length of its network's prefix: `10.0.0.2/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_length: u8,
}

impl Network {
    /// The network of `prefix_length` bits around `address`; none if an address has fewer bits.
    #[must_use]
    pub const fn new(address: IpAddr, prefix_length: u8) -> Option<Self> {
        if prefix_length > bits(&address) {
            return None;
        }
        Some(Self {
            address,
            prefix_length,
        })
    }

    /// The address, host bits included.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// Bits of the network's prefix.
    #[must_use]
    pub const fn prefix_length(&self) -> u8 {
        self.prefix_length
    }

    /// Whether `address` lies in the network. An IPv4 address lies in no IPv6 network.
    #[must_use]
    pub const fn contains(&self, address: &IpAddr) -> bool {
        match (self.address, *address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let difference = own.to_bits() ^ other.to_bits();
                difference.leading_zeros() >= self.prefix_length as u32
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let difference = own.to_bits() ^ other.to_bits();
                difference.leading_zeros() >= self.prefix_length as u32
            }
            _ => false,
        }
    }

    /// The same network with its host bits zero.
    #[must_use]
    pub const fn truncated(&self) -> Self {
        let host_bits = (bits(&self.address) - self.prefix_length) as u32;
        let address = match self.address {
            IpAddr::V4(address) => {
                let mask = match u32::MAX.checked_shl(host_bits) {
                    Some(mask) => mask,
                    None => 0,
                };
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
            }
            IpAddr::V6(address) => {
                let mask = match u128::MAX.checked_shl(host_bits) {
                    Some(mask) => mask,
                    None => 0,
                };
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
            }
        };
        Self {
            address,
            prefix_length: self.prefix_length,
        }
    }
}

/// The text is no address with a prefix that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    /// `ADDRESS/LENGTH`, or `ADDRESS` for a network of that one address.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let prefix_length = match length {
            None => bits(&address),
            // `u8::from_str` takes a sign; a prefix has none.
            Some(length) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                length.parse().map_err(|_| NotANetwork)?
            }
            Some(_) => return Err(NotANetwork),
        };
        Self::new(address, prefix_length).ok_or(NotANetwork)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_length)
    }
}

const fn bits(address: &IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}
