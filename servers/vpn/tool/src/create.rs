//! `create`: keys and configurations for both ends.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use vpn_core::configuration::DEFAULT_MTU;
use vpn_core::tunnel::SecretKey;
use zeroize::Zeroizing;

use crate::places::End;

/// What `create` calls its files: the guest's end, for its volume, and the peer's.
pub(crate) const GUEST_FILE: &str = "guest.conf";
pub(crate) const PEER_FILE: &str = "peer.conf";

/// Where the two ends are.
pub(crate) struct Places {
    /// The number of the tunnel, which its inside addresses contain.
    pub(crate) tunnel: u8,
    /// Where the guest's machine reaches the host.
    pub(crate) host: IpAddr,
    /// The peer's UDP port there; one that is free now if it does not matter.
    pub(crate) port: Option<u16>,
}

/// Makes `guest.conf` and `peer.conf` in the folder.
pub(crate) fn create(folder: &Path, places: &Places) -> Result<()> {
    let port = match places.port {
        Some(port) => port,
        None => free_port()?,
    };
    let mut maker = fs::DirBuilder::new();
    maker.recursive(true).mode(0o700);
    maker
        .create(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    let (guest, peer, preshared) = (fresh_key()?, fresh_key()?, fresh_key()?);
    let text = |secret: &[u8; 32]| Zeroizing::new(BASE64_STANDARD.encode(secret));
    let public = |secret: &[u8; 32]| {
        BASE64_STANDARD.encode(SecretKey::from(*secret).public_key().as_bytes())
    };
    let endpoint = SocketAddr::new(places.host, port);
    let (inside, there) = (End::guest(places.tunnel), End::peer(places.tunnel));
    let addresses = format!("{}/32, {}/128", inside.ipv4, inside.ipv6);
    let guest_text = Zeroizing::new(format!(
        "[Interface]\nPrivateKey = {}\nAddress = {addresses}\nDNS = {}, {}\n\
         MTU = {DEFAULT_MTU}\n\n[Peer]\nPublicKey = {}\nPresharedKey = {}\n\
         AllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = {endpoint}\nPersistentKeepalive = 25\n",
        *text(&guest),
        there.ipv4,
        there.ipv6,
        public(&peer),
        *text(&preshared),
    ));
    let peer_text = Zeroizing::new(format!(
        "[Interface]\nPrivateKey = {}\nAddress = {}/32, {}/128\nListenPort = {port}\n\
         MTU = {DEFAULT_MTU}\n\n[Peer]\nPublicKey = {}\nPresharedKey = {}\n\
         AllowedIPs = {addresses}\n",
        *text(&peer),
        there.ipv4,
        there.ipv6,
        public(&guest),
        *text(&preshared),
    ));
    write(&folder.join(GUEST_FILE), &guest_text)?;
    write(&folder.join(PEER_FILE), &peer_text)
}

/// A port that nobody uses now, below those that Linux hands out by itself (ip_local_port_range begins at 32768): so
/// hardly anybody takes it before the peer is started, which then says so.
fn free_port() -> Result<u16> {
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 20_000;
    const TRIES: usize = 100;
    for _ in 0..TRIES {
        let random = fresh_key()?;
        let port = FIRST + u16::from_le_bytes([random[0], random[1]]) % COUNT;
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("the host gives no UDP port")
}

pub(crate) fn fresh_key() -> Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let mut source = fs::File::open("/dev/urandom").context("there is no source of randomness")?;
    source.read_exact(&mut *key)?;
    Ok(key)
}

/// Writes a file that only its owner reads and that is not there yet.
pub(crate) fn write(file: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
        .open(file)
        .and_then(|mut opened| opened.write_all(text.as_bytes()))
        .with_context(|| format!("{} cannot be written", file.display()))
}

#[cfg(test)]
mod tests {
    use vpn_core::configuration::Configuration;

    use super::*;

    #[test]
    fn both_ends_know_each_other() {
        let folder = tempfile::tempdir().expect("there is room");
        let folder = folder.path().join("peer");
        let places = Places {
            tunnel: 7,
            host: "10.0.2.2".parse().expect("it is an address"),
            port: Some(4711),
        };
        create(&folder, &places).expect("it is made");
        let read = |name: &str| {
            let text = fs::read(folder.join(name)).expect("it is there");
            Configuration::parse(&text).expect("it is right")
        };
        let (guest, peer) = (read(GUEST_FILE), read(PEER_FILE));
        assert_eq!(
            guest.peers[0].public_key,
            peer.interface.private_key.public_key()
        );
        assert_eq!(
            peer.peers[0].public_key,
            guest.interface.private_key.public_key()
        );
        let preshared = |end: &Configuration| *end.peers[0].preshared_key.as_bytes();
        assert_eq!(preshared(&guest), preshared(&peer));
        assert_ne!(preshared(&guest), [0; 32]);
        assert_eq!(peer.interface.listen_port, Some(4711));
        assert_eq!(guest.peers[0].endpoint, Some((places.host, 4711).into()));
        let address = |end: &Configuration| end.interface.addresses[0].address();
        assert_eq!(address(&guest), IpAddr::from([10, 66, 7, 2]));
        assert_eq!(peer.peers[0].allowed_ips, guest.interface.addresses);
        assert_eq!(guest.interface.dns[0], address(&peer));
        let again = create(&folder, &places);
        assert!(again.is_err(), "keys in use are not replaced");
    }
}
