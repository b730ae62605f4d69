//! What a scenario says about the network outside.

use std::net::{IpAddr, Ipv6Addr};

use serde::Deserialize;

use super::super::foreign::ForeignDeed;
use super::hostile::Hostile;
use super::places::{PEER, PEER_6, PREFIX, ROUTER_6};

/// What the network is like when the machine is switched on.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Outside {
    /// Over which of the two the guest's tunnel finds its peer.
    pub(crate) peer: Family,
    /// How the DHCP server begins.
    pub(super) dhcp: Dhcp,
    /// How the DHCPv6 server begins.
    #[serde(default = "Dhcp6::silent")]
    pub(super) dhcp6: Dhcp6,
    /// How long both lease addresses.
    pub(super) lease_seconds: u32,
    /// Whether the router answers who asks for routers.
    pub(super) router: Router,
    /// How the way to the peer is.
    pub(super) path: Path,
}

/// A version of IP.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// Where the peer is.
    pub(crate) fn place(self) -> IpAddr {
        match self {
            Family::Ipv4 => PEER.into(),
            Family::Ipv6 => PEER_6.into(),
        }
    }
}

/// What the DHCP server does.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Dhcp {
    /// It leases an address, and again.
    Answers,
    /// It does not prolong the lease, and gives another address afterwards.
    Refuses,
    /// It says nothing.
    Silent,
}

/// What the DHCPv6 server does.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Dhcp6 {
    /// It leases an address, and again.
    Answers,
    /// It says nothing.
    Silent,
}

impl Dhcp6 {
    fn silent() -> Dhcp6 {
        Dhcp6::Silent
    }
}

/// What the router does by itself.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Router {
    /// It answers who asks for routers: addresses are to be made.
    Answers,
    /// It answers them: addresses are the DHCPv6 server's to give.
    Manages,
    /// It says nothing of IPv6.
    Silent,
}

/// What happens to datagrams on their way to the peer and back.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Path {
    /// They arrive.
    Open,
    /// They are lost.
    Closed,
    /// Some are lost, repeated, damaged, or arrive late.
    Unreliable,
}

/// Something that happens while the machine runs.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) enum Deed {
    /// The peer's process is ended or started.
    Peer(PeerProcess),
    /// The DHCP server changes.
    Dhcp(Dhcp),
    /// The DHCPv6 server changes.
    Dhcp6(Dhcp6),
    /// The router changes.
    Router(Router),
    /// The way to the peer changes.
    Path(Path),
    /// Somebody on the link advertises to be a router.
    Advertise(Advertisement),
    /// Somebody on the link sends frames of each of those kinds.
    Flood(Vec<Hostile>),
    /// The peer of another make, or the way to it, changes.
    Foreign(ForeignDeed),
}

impl Deed {
    /// How many kinds of frames it sends very many of.
    pub(crate) fn kinds_in_flood(&self) -> usize {
        match self {
            Deed::Flood(kinds) => kinds.len(),
            _ => 0,
        }
    }
}

/// What becomes of the peer.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PeerProcess {
    /// It ends, and with it its sessions.
    Stops,
    /// It is there again, and knows nothing.
    Starts,
    /// It begins a new session although the old one is young.
    Renews,
}

/// A router advertisement (RFC 4861, section 4.2); what is not said is as the honest router says it.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Advertisement {
    /// Who it seems to come from.
    pub(super) from: Ipv6Addr,
    pub(super) prefix: Ipv6Addr,
    /// Of the router and of the prefix.
    pub(super) lifetime_seconds: u16,
    pub(super) mtu: Option<u32>,
    pub(super) addresses: Addresses,
}

/// Where addresses are to come from.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Addresses {
    /// Who wants one makes it of the prefix.
    Made,
    /// A server gives them.
    Given,
}

impl Default for Advertisement {
    fn default() -> Self {
        Advertisement {
            from: ROUTER_6,
            prefix: PREFIX,
            lifetime_seconds: 1800,
            mtu: None,
            addresses: Addresses::Made,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        deed: Deed,
    }

    fn deed(text: &str) -> Option<Deed> {
        let file: File = toml::from_str(&format!("deed = {{ {text} }}")).ok()?;
        Some(file.deed)
    }

    #[test]
    fn deeds_have_names() {
        assert_eq!(deed("dhcp = 'refuses'"), Some(Deed::Dhcp(Dhcp::Refuses)));
        let honest = Deed::Advertise(Advertisement::default());
        assert_eq!(deed("advertise = {}"), Some(honest));
        assert_eq!(deed("dhcp6 = 'answers'"), Some(Deed::Dhcp6(Dhcp6::Answers)));
        assert!(deed("advertise = { addresses = 'given' }").is_some());
        assert!(deed("advertise = { from = 'fe80::bad', mtu = 68 }").is_some());
        assert!(deed("flood = ['noise', 'replayed']").is_some());
        assert_eq!(deed("flood = ['water']"), None);
        assert_eq!(deed("dhcp = 'forgets'"), None);
    }
}
