//! Sections that are not yet read to their end.

use alloc::{string::String, vec::Vec};
use core::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{DEFAULT_MTU, Interface, Network, Peer, Problem};
use crate::tunnel::{PresharedKey, PublicKey, SecretKey};

/// What was read of `[Interface]`.
#[derive(Default)]
pub(super) struct InterfaceDraft {
    pub(super) private_key: Option<SecretKey>,
    pub(super) addresses: Vec<Network>,
    pub(super) dns: Vec<IpAddr>,
    pub(super) search: Vec<String>,
    pub(super) mtu: Option<u16>,
    pub(super) listen_port: Option<u16>,
}

/// What was read of a `[Peer]`.
#[derive(Default)]
pub(super) struct PeerDraft {
    pub(super) public_key: Option<PublicKey>,
    pub(super) preshared_key: Option<PresharedKey>,
    pub(super) allowed_ips: Vec<Network>,
    pub(super) endpoint: Option<SocketAddr>,
    pub(super) persistent_keepalive: Option<Option<Duration>>,
}

impl InterfaceDraft {
    pub(super) fn finish(self) -> Result<Interface, Problem> {
        let missing = |key| Problem::Missing {
            section: "Interface",
            key,
        };
        if self.addresses.is_empty() {
            return Err(missing("Address"));
        }
        Ok(Interface {
            private_key: self.private_key.ok_or(missing("PrivateKey"))?,
            addresses: self.addresses,
            dns: self.dns,
            search: self.search,
            mtu: self.mtu.unwrap_or(DEFAULT_MTU),
            listen_port: self.listen_port,
        })
    }
}

impl PeerDraft {
    pub(super) fn finish(self) -> Result<Peer, Problem> {
        let public_key = self.public_key.ok_or(Problem::Missing {
            section: "Peer",
            key: "PublicKey",
        })?;
        Ok(Peer {
            public_key,
            preshared_key: self.preshared_key.unwrap_or_default(),
            allowed_ips: self.allowed_ips,
            endpoint: self.endpoint,
            persistent_keepalive: self.persistent_keepalive.flatten(),
        })
    }
}
