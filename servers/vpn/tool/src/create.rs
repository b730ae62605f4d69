//! `create`: keys and configurations for both ends.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use vpn_core::configuration::DEFAULT_MTU;
use vpn_core::tunnel::SecretKey;
use zeroize::Zeroizing;

use crate::places::{GUEST, GUEST_6, PEER, PEER_6};

/// Makes `guest.conf` and `peer.conf` in the folder.
pub(crate) fn create(folder: &Path, port: Option<u16>, host: IpAddr) -> Result<()> {
    let port = match port {
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
    let endpoint = SocketAddr::new(host, port);
    let guest_text = Zeroizing::new(format!(
        "[Interface]\nPrivateKey = {}\nAddress = {GUEST}/32, {GUEST_6}/128\nDNS = {PEER}, {PEER_6}\n\
         MTU = {DEFAULT_MTU}\n\n[Peer]\nPublicKey = {}\nPresharedKey = {}\n\
         AllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = {endpoint}\nPersistentKeepalive = 25\n",
        *text(&guest),
        public(&peer),
        *text(&preshared),
    ));
    let peer_text = Zeroizing::new(format!(
        "[Interface]\nPrivateKey = {}\nAddress = {PEER}/32, {PEER_6}/128\nListenPort = {port}\n\
         MTU = {DEFAULT_MTU}\n\n[Peer]\nPublicKey = {}\nPresharedKey = {}\n\
         AllowedIPs = {GUEST}/32, {GUEST_6}/128\n",
        *text(&peer),
        public(&guest),
        *text(&preshared),
    ));
    write(&folder.join("guest.conf"), &guest_text)?;
    write(&folder.join("peer.conf"), &peer_text)
}

/// A port that nobody uses now. Somebody may by the time the peer is started, which then says so.
fn free_port() -> Result<u16> {
    let socket = UdpSocket::bind("127.0.0.1:0").context("the host gives no UDP port")?;
    Ok(socket.local_addr()?.port())
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
        let host = "10.0.2.2".parse().expect("it is an address");
        create(&folder, Some(4711), host).expect("it is made");
        let read = |name: &str| {
            let text = fs::read(folder.join(name)).expect("it is there");
            Configuration::parse(&text).expect("it is right")
        };
        let (guest, peer) = (read("guest.conf"), read("peer.conf"));
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
        assert_eq!(guest.peers[0].endpoint, Some((host, 4711).into()));
        let again = create(&folder, Some(4711), host);
        assert!(again.is_err(), "keys in use are not replaced");
    }
}
