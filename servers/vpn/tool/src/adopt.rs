//! `adopt`: a configuration of somebody else's making for the guest's end.

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use vpn_core::configuration::Configuration;
use zeroize::Zeroizing;

use crate::create::{GUEST_FILE, PEER_FILE, write};

/// Checks the configuration and puts it into the folder as `guest.conf`, in the place of what was made there before.
pub(crate) fn adopt(file: &Path, folder: &Path) -> Result<()> {
    let read = fs::read_to_string(file);
    let text = Zeroizing::new(read.with_context(|| format!("{} cannot be read", file.display()))?);
    let text = checked(&text).with_context(|| format!("{} cannot be used", file.display()))?;
    let mut maker = fs::DirBuilder::new();
    maker
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    for old in [GUEST_FILE, PEER_FILE].map(|name| folder.join(name)) {
        match fs::remove_file(&old) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", old.display()));
            }
            _ => {}
        }
    }
    write(&folder.join(GUEST_FILE), &text)
}

/// The text with addresses in the place of names, if it is a configuration with which a guest gets somewhere.
fn checked(text: &str) -> Result<Zeroizing<String>> {
    let mut found = Zeroizing::new(String::new());
    for (number, line) in (1..).zip(text.lines()) {
        match name_of_endpoint(line) {
            None => found.push_str(line),
            Some((name, port)) => {
                let place = look_up(name, port).with_context(|| format!("line {number}"))?;
                println!("{name} is {}; the volume keeps this address", place.ip());
                found.push_str(&format!("Endpoint = {place}"));
            }
        }
        found.push('\n');
    }
    let configuration =
        Configuration::parse(found.as_bytes()).map_err(|error| anyhow!("{error}"))?;
    let mut endpoints = configuration.peers.iter().filter_map(|peer| peer.endpoint);
    ensure!(
        configuration
            .peers
            .iter()
            .any(|peer| peer.endpoint.is_some()),
        "no [Peer] has an `Endpoint`, and nobody outside can begin"
    );
    ensure!(
        configuration
            .peers
            .iter()
            .any(|peer| !peer.allowed_ips.is_empty()),
        "no [Peer] has `AllowedIPs`, so no packet would go to one"
    );
    if let Some(place) = endpoints.find(|place| is_nowhere(*place)) {
        bail!(
            "the `Endpoint` {place} would be the guest's machine itself; it reaches the host that QEMU runs on at \
             10.0.2.2 and [fec0::2]"
        );
    }
    Ok(found)
}

/// The name and the port, if the line is an `Endpoint` that is not an address.
fn name_of_endpoint(line: &str) -> Option<(&str, u16)> {
    let content = line.split('#').next()?;
    let (key, value) = content.split_once('=')?;
    let value = value.trim();
    let is_named =
        key.trim().eq_ignore_ascii_case("endpoint") && value.parse::<SocketAddr>().is_err();
    let (name, port) = value.rsplit_once(':').filter(|_| is_named)?;
    let is_name = |character: char| character.is_ascii_alphanumeric() || "-._".contains(character);
    (!name.is_empty() && name.chars().all(is_name)).then_some(())?;
    Some((name, port.parse().ok()?))
}

/// An address of the name's, of IPv4 if it has one: every machine has that.
fn look_up(name: &str, port: u16) -> Result<SocketAddr> {
    let places = (name, port).to_socket_addrs();
    let places = places.with_context(|| format!("the name {name} cannot be looked up"))?;
    let (ipv4, ipv6): (Vec<_>, Vec<_>) = places.partition(SocketAddr::is_ipv4);
    let place = ipv4.into_iter().chain(ipv6).next();
    place.with_context(|| format!("the name {name} has no address"))
}

fn is_nowhere(place: SocketAddr) -> bool {
    place.ip().is_loopback() || place.ip().is_unspecified()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::create::{Places, create};

    /// A configuration that is right but for its endpoint.
    fn with_endpoint(line: &str) -> String {
        let folder = tempfile::tempdir().expect("there is room");
        let places = Places {
            tunnel: 0,
            host: IpAddr::from([192, 0, 2, 1]),
            port: Some(51820),
        };
        create(folder.path(), &places).expect("it is made");
        let text = fs::read_to_string(folder.path().join(GUEST_FILE)).expect("it is there");
        assert!(text.contains("Endpoint = 192.0.2.1:51820\n"));
        text.replace("Endpoint = 192.0.2.1:51820\n", line)
    }

    fn complaint(line: &str) -> String {
        let error = checked(&with_endpoint(line)).expect_err("it is of no use");
        format!("{error:#}")
    }

    #[test]
    fn a_right_configuration_stays_as_it_is_and_takes_the_place_of_another() {
        let folder = tempfile::tempdir().expect("there is room");
        let (file, folder) = (folder.path().join("own.conf"), folder.path().join("peer"));
        let text = with_endpoint("Endpoint = [2001:db8::1]:7\n");
        fs::write(&file, &text).expect("there is room");
        let places = Places {
            tunnel: 0,
            host: IpAddr::from([192, 0, 2, 1]),
            port: Some(1),
        };
        create(&folder, &places).expect("it is made");
        adopt(&file, &folder).expect("it is right");
        let adopted = fs::read_to_string(folder.join(GUEST_FILE)).expect("it is there");
        assert_eq!(adopted, text);
        assert!(!folder.join(PEER_FILE).exists());
    }

    #[test]
    fn names_are_looked_up() {
        let line = "  endpoint= localhost:99 # here";
        assert_eq!(name_of_endpoint(line), Some(("localhost", 99)));
        let place = look_up("localhost", 99).expect("every host has it");
        assert!(place.ip().is_loopback() && place.port() == 99);
        for other in [
            "Endpoint = 192.0.2.1:51820",
            "Endpoint = [2001:db8::1]:51820",
            "Endpoint = name",
            "Address = 10.0.0.2/32",
            "# Endpoint = localhost:99",
        ] {
            assert_eq!(name_of_endpoint(other), None, "{other}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_refused() {
        assert_eq!(
            complaint(""),
            "no [Peer] has an `Endpoint`, and nobody outside can begin"
        );
        assert!(
            complaint("Endpoint = 127.0.0.1:7\n")
                .starts_with("the `Endpoint` 127.0.0.1:7 would be")
        );
        assert!(complaint("Endpoint = localhost:7\n").contains("at 10.0.2.2 and [fec0::2]"));
        assert!(complaint("Endpoint = no..name:7\n").starts_with("line 11: the name no..name"));
        let text = with_endpoint("Endpoint = 192.0.2.1:7\n");
        let text = text.replace("AllowedIPs = 0.0.0.0/0, ::/0\n", "");
        let error = checked(&text).expect_err("it is of no use");
        assert!(error.to_string().starts_with("no [Peer] has `AllowedIPs`"));
        assert!(complaint("Endpoint = 192.0.2.1\n").contains("line 11: `Endpoint` must be"));
    }
}
