//! What the manifest says about addresses.

use core::fmt;
use core::net::{AddrParseError, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use crate::addresses::{Ipv4, Ipv6, is_one_host};

/// Where the IPv4 address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv4Setting {
    /// There is none.
    Off,
    /// DHCP (RFC 2131).
    Dhcp,
    /// The manifest.
    Fixed(Ipv4),
}

/// Where the IPv6 address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv6Setting {
    /// There is none.
    Off,
    /// Routers (RFC 4862), or servers that they point at (RFC 8415).
    Auto,
    /// The manifest.
    Fixed(Ipv6),
}

/// The text of the manifest is none of the three forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSetting;

impl FromStr for Ipv4Setting {
    type Err = BadSetting;

    /// `dhcp`, `off`, or `A.B.C.D/BITS via GATEWAY`.
    fn from_str(text: &str) -> Result<Self, BadSetting> {
        match text {
            "off" => Ok(Self::Off),
            "dhcp" => Ok(Self::Dhcp),
            _ => {
                let (address, prefix_length, gateway) = fixed::<Ipv4Addr>(text)?;
                let is_legal = prefix_length <= 32
                    && is_one_host(address.into())
                    && is_one_host(gateway.into());
                is_legal.then_some(()).ok_or(BadSetting)?;
                Ok(Self::Fixed(Ipv4 {
                    address,
                    prefix_length,
                    gateway: Some(gateway),
                }))
            }
        }
    }
}

impl FromStr for Ipv6Setting {
    type Err = BadSetting;

    /// `auto`, `off`, or `ADDRESS/BITS via GATEWAY`.
    fn from_str(text: &str) -> Result<Self, BadSetting> {
        match text {
            "off" => Ok(Self::Off),
            "auto" => Ok(Self::Auto),
            _ => {
                let (address, prefix_length, gateway) = fixed::<Ipv6Addr>(text)?;
                let is_legal = prefix_length <= 128
                    && is_one_host(address.into())
                    && is_one_host(gateway.into())
                    && !address.is_unicast_link_local();
                is_legal.then_some(()).ok_or(BadSetting)?;
                Ok(Self::Fixed(Ipv6 {
                    address,
                    prefix_length,
                    gateway: Some(gateway),
                }))
            }
        }
    }
}

fn fixed<A: FromStr<Err = AddrParseError>>(text: &str) -> Result<(A, u8, A), BadSetting> {
    let (network, gateway) = text.split_once(" via ").ok_or(BadSetting)?;
    let (address, bits) = network.split_once('/').ok_or(BadSetting)?;
    Ok((
        address.parse().map_err(|_| BadSetting)?,
        bits.parse().map_err(|_| BadSetting)?,
        gateway.parse().map_err(|_| BadSetting)?,
    ))
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither `off`, nor `dhcp` or `auto`, nor `ADDRESS/BITS via GATEWAY`")
    }
}

impl core::error::Error for BadSetting {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_texts_are_read() {
        assert_eq!("off".parse(), Ok(Ipv4Setting::Off));
        assert_eq!("dhcp".parse(), Ok(Ipv4Setting::Dhcp));
        assert_eq!("auto".parse(), Ok(Ipv6Setting::Auto));
        let fixed = Ipv4Setting::Fixed(Ipv4 {
            address: Ipv4Addr::new(192, 0, 2, 9),
            prefix_length: 24,
            gateway: Some(Ipv4Addr::new(192, 0, 2, 1)),
        });
        assert_eq!("192.0.2.9/24 via 192.0.2.1".parse(), Ok(fixed));
        let fixed = "2001:db8::9/64 via fe80::1".parse();
        assert!(matches!(
            fixed,
            Ok(Ipv6Setting::Fixed(Ipv6 {
                prefix_length: 64,
                ..
            }))
        ));
    }

    #[test]
    fn others_are_not() {
        for text in [
            "",
            "auto",
            "DHCP",
            "192.0.2.9",
            "192.0.2.9/24",
            "192.0.2.9/33 via 192.0.2.1",
            "192.0.2.9/24 via",
            "224.0.0.1/4 via 192.0.2.1",
            "2001:db8::9/64 via fe80::1",
        ] {
            assert_eq!(text.parse::<Ipv4Setting>(), Err(BadSetting), "{text}");
        }
        for text in [
            "dhcp",
            "2001:db8::9/129 via fe80::1",
            "fe80::9/64 via fe80::1",
            "::1/128 via ::1",
        ] {
            assert_eq!(text.parse::<Ipv6Setting>(), Err(BadSetting), "{text}");
        }
    }
}
