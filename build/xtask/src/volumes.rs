//! The volumes of a system: one on each disk of its machine, and in it perhaps the keys of a guest's tunnel.
//!
//! Which component's keys lie on which disk follows from the manifest's channels: the one that keeps a tunnel reads
//! them from the one that encrypts the volume, which has its blocks from the one that drives the disk.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The hardware manifest's names of the disks, in their order.
const DISKS: [&str; 2] = ["disk0", "disk1"];

/// The needs of the component that keeps a tunnel.
const TUNNEL: &str = "servers/vpn/needs.toml";

/// A volume of a system.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Volume {
    /// Whether the keys of a tunnel lie in it.
    pub(crate) has_tunnel: bool,
}

/// The volumes of a manifest that obeys the rules, in the order of the disks.
pub(crate) fn of(manifest: &Path) -> Result<Vec<Volume>> {
    let text = fs::read_to_string(manifest)
        .with_context(|| format!("{} cannot be read", manifest.display()))?;
    let system: System = toml::from_str(&text)?;
    system
        .volumes()
        .with_context(|| format!("{} cannot be run", manifest.display()))
}

/// As much of a manifest as matters here.
#[derive(Deserialize)]
struct System {
    component: Vec<Component>,
    #[serde(default)]
    channel: Vec<Channel>,
}

#[derive(Deserialize)]
struct Component {
    name: String,
    needs: String,
    #[serde(default)]
    device: Vec<Device>,
}

#[derive(Deserialize)]
struct Device {
    device: String,
}

#[derive(Deserialize)]
struct Channel {
    client: String,
    server: String,
}

impl System {
    fn volumes(&self) -> Result<Vec<Volume>> {
        let disks = DISKS
            .iter()
            .take_while(|disk| self.component.iter().any(|component| component.has(disk)));
        let mut volumes = vec![Volume::default(); disks.count()];
        for component in &self.component {
            if component.needs != TUNNEL {
                continue;
            }
            // A test may keep the keys elsewhere.
            let disk = self.disk_of_keys(&component.name);
            let Some(volume) = disk.and_then(|disk| volumes.get_mut(disk)) else {
                continue;
            };
            ensure!(
                !volume.has_tunnel,
                "the keys of {} are in the volume of another tunnel",
                component.name
            );
            volume.has_tunnel = true;
        }
        Ok(volumes)
    }

    /// The number of the disk whose volume has the component's keys.
    fn disk_of_keys(&self, component: &str) -> Option<usize> {
        let cipher = self.server(component, "keys")?;
        let driver = self.server(cipher, "disk")?;
        let driver = self.component.iter().find(|other| other.name == driver)?;
        DISKS.iter().position(|disk| driver.has(disk))
    }

    /// The component at the other end of a client's channel.
    fn server(&self, client: &str, role: &str) -> Option<&str> {
        let end = format!("{client}.{role}");
        let channel = self.channel.iter().find(|channel| channel.client == end)?;
        let (server, _) = channel.server.split_once('.')?;
        Some(server)
    }
}

impl Component {
    fn has(&self, device: &str) -> bool {
        self.device.iter().any(|own| own.device == device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    fn tunnels(manifest: &str) -> Vec<bool> {
        let volumes = of(&workspace::path(manifest)).expect("it can be run");
        volumes.iter().map(|volume| volume.has_tunnel).collect()
    }

    #[test]
    fn keys_are_found_along_the_channels() {
        assert_eq!(tunnels("manifests/systems/hello.toml"), [false; 0]);
        assert_eq!(tunnels("manifests/systems/first-light.toml"), [false]);
        assert_eq!(tunnels("manifests/systems/one-network.toml"), [true]);
        assert_eq!(tunnels("qemu-tests/tunnel-check/system.toml"), [false; 0]);
    }

    #[test]
    fn two_tunnels_do_not_share_a_volume() {
        let file = workspace::path("manifests/systems/one-network.toml");
        let text = fs::read_to_string(file).expect("it is there");
        let mut system: System = toml::from_str(&text).expect("it is a manifest");
        system.component.push(Component {
            name: "other".into(),
            needs: TUNNEL.into(),
            device: Vec::new(),
        });
        system.channel.push(Channel {
            client: "other.keys".into(),
            server: "disk-crypto.keys".into(),
        });
        let error = system.volumes().expect_err("two guests' keys are there");
        assert_eq!(
            error.to_string(),
            "the keys of other are in the volume of another tunnel"
        );
    }
}
