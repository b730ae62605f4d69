//! Builds what a scenario boots.
//!
//! All building comes before all booting: cargo uses every core by itself, and builds with
//! different features overwrite each other's files, so each result is copied to the scenario.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::SCENARIO_NONCE;
use super::file::{Boot, Clock, PeerMake, Scenario};
use super::foreign;
use super::work_folder;
use super::{disk, outside};
use crate::guest::{self, GuestCommand, GuestOptions};
use crate::program::{self, KERNEL, KERNEL_DEBUG, Options};
use crate::progress::step;
use crate::qemu::{Machine, Time};
use crate::system::{self, Equipment};
use crate::volumes::{self, Volume};
use crate::workspace::{self, Metadata};
use crate::{changed_system, disc, host, peer};

/// A scenario whose machines are ready.
pub(crate) struct Prepared<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) folder: PathBuf,
    /// One for each boot, but for what the host's shell does.
    pub(super) machines: Vec<Option<Machine>>,
    /// The images of the volumes that its systems share.
    pub(super) disks: Vec<PathBuf>,
    /// The folders of the peers at the other ends of its guests' tunnels, in the order of the volumes.
    pub(super) peers: Vec<PathBuf>,
}

impl Prepared<'_> {
    /// The scenario's name.
    pub(crate) fn name(&self) -> &str {
        &self.scenario.name
    }
}

/// Builds scenarios, each program with each set of features once.
pub(crate) struct Preparer<'a> {
    metadata: &'a Metadata,
    /// Copies of what was built, by package and features.
    built: HashMap<(String, Option<String>), PathBuf>,
}

impl<'a> Preparer<'a> {
    pub(crate) fn new(metadata: &'a Metadata) -> Preparer<'a> {
        Preparer {
            metadata,
            built: HashMap::new(),
        }
    }

    /// Builds what the scenario boots into a fresh folder.
    pub(crate) fn prepare<'s>(&mut self, scenario: &'s Scenario) -> Result<Prepared<'s>> {
        let folder = work_folder(scenario);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let mut outsides = scenario
            .boot
            .iter()
            .filter_map(|boot| boot.outside.as_ref());
        let place = match scenario.peer {
            PeerMake::Ours => outsides.next().map(|outside| outside.peer.place()),
            PeerMake::Foreign(_) => Some(foreign::PEER),
        };
        let manifests = manifests(scenario, &folder)?;
        let mut disks = Vec::new();
        let mut peers = Vec::new();
        for (number, volume) in volumes(scenario, &manifests)?.iter().enumerate() {
            let image = folder.join(format!("disk{}.img", suffix(number)));
            let mut keys = None;
            if volume.has_tunnel {
                let peer = folder.join(format!("peer{}", suffix(number)));
                keys = Some(peer::create(&peer, number, place)?);
                peers.push(peer);
            }
            disk::create(&image, keys.as_deref())?;
            disks.push(image);
        }
        let mut machines = Vec::new();
        for (number, (boot, manifest)) in (1..).zip(scenario.boot.iter().zip(&manifests)) {
            let image = folder.join(format!("root-{number}.img"));
            machines.push(match boot.host {
                Some(_) => None,
                None => Some(self.machine(boot, manifest.as_deref(), image, &disks)?),
            });
        }
        if matches!(scenario.peer, PeerMake::Foreign(_)) {
            machines.iter_mut().flatten().for_each(foreign::connect);
        }
        Ok(Prepared {
            scenario,
            folder,
            machines,
            disks,
            peers,
        })
    }

    /// The machine of one boot; `image` is where a system's root image goes.
    fn machine(
        &mut self,
        boot: &Boot,
        manifest: Option<&Path>,
        image: PathBuf,
        disks: &[PathBuf],
    ) -> Result<Machine> {
        let (kernel, root, equipment) = match (&boot.program, manifest) {
            (Some(package), _) => (
                self.program(
                    KERNEL,
                    boot.kernel_features.as_deref().or(Some(KERNEL_DEBUG)),
                )?,
                self.program(package, boot.features.as_deref())?,
                Equipment::default(),
            ),
            (None, Some(manifest)) => self.system(boot, manifest, image)?,
            (None, None) => bail!("there is nothing to boot"),
        };
        let mut network = equipment.network;
        if boot.wire.is_some() || boot.outside.is_some() {
            let network = network.as_mut().context("the system has no network")?;
            network.capture = Some(root.with_extension("pcap"));
            network.socket = boot.outside.as_ref().map(|_| outside::Socket::fresh_name());
        }
        let mut machine = match boot.firmware {
            None => Machine::new(kernel, root),
            Some(firmware) => {
                host::ensure(&host::DISC)?;
                host::ensure(&[host::OVMF])?;
                let image = root.with_extension("iso");
                disc::write(&kernel, &root, &image)?;
                Machine::with_disc(image, firmware)
            }
        };
        if let Some(memory) = &boot.memory {
            machine.memory.clone_from(memory);
        }
        machine.time = match boot.clock {
            Clock::Host => Time::Real,
            Clock::Instructions => Time::Instructions,
            Clock::Paced => Time::Paced,
        };
        if let Some(on_reset) = boot.on_reset {
            machine.on_reset = on_reset;
        }
        machine.extra.clone_from(&boot.qemu);
        machine.disk = disks.first().cloned();
        if equipment.second_disk {
            machine.second_disk = disks.get(1).cloned();
        }
        machine.network = network;
        if let (Some(image), Some(damage)) = (disks.first(), &boot.disk) {
            damage.prepare(image, &mut machine);
        }
        Ok(machine)
    }

    /// The kernel and the root image of a whole system, and what it wants of its machine.
    fn system(
        &mut self,
        boot: &Boot,
        manifest: &Path,
        image: PathBuf,
    ) -> Result<(PathBuf, PathBuf, Equipment)> {
        let kernel = self.program(KERNEL, boot.kernel_features.as_deref())?;
        let code = image.with_extension("bzimage");
        if let Some(machine_code) = &boot.guest_code {
            fs::write(&code, guest::bare_code::image(machine_code))?;
        }
        let guest = GuestOptions {
            extras: &boot.guest_programs,
            kernel: boot.guest_code.as_ref().map(|_| code.as_path()),
            command: boot.exec.as_deref().map(|text| GuestCommand {
                text,
                nonce: SCENARIO_NONCE,
            }),
            ..GuestOptions::default()
        };
        let root_server = Options {
            features: boot.features.as_deref(),
        };
        let equipment = system::pack(self.metadata, manifest, guest, root_server, &image)?;
        Ok((kernel, image, equipment))
    }

    /// The program's ELF file, in a place where no later build touches it.
    fn program(&mut self, package: &str, features: Option<&str>) -> Result<PathBuf> {
        let key = (package.to_owned(), features.map(str::to_owned));
        if let Some(file) = self.built.get(&key) {
            return Ok(file.clone());
        }
        let elf = step(&format!("Building {package}"), || {
            program::build_one(self.metadata, package, Options { features })
        })?;
        let folder = workspace::path("target/scenarios/programs");
        fs::create_dir_all(&folder)?;
        // Another run beside this one makes the same file, and finds it whole at any time.
        let copy = folder.join([package, features.unwrap_or("plain")].join("-"));
        let part = copy.with_extension(std::process::id().to_string());
        fs::copy(&elf, &part).with_context(|| format!("{} cannot be copied", elf.display()))?;
        fs::rename(&part, &copy)?;
        self.built.insert(key, copy.clone());
        Ok(copy)
    }
}

/// The manifest of each boot that is of a system; those that are changed are written to the folder.
fn manifests(scenario: &Scenario, folder: &Path) -> Result<Vec<Option<PathBuf>>> {
    let manifest = |(number, boot): (usize, &Boot)| {
        let system = boot.system.as_deref()?;
        let result = folder.join(format!("system-{number}.toml"));
        Some(changed_system::manifest(
            system,
            boot.changes.as_deref(),
            result,
        ))
    };
    let manifests = (1..).zip(&scenario.boot).map(manifest);
    manifests.map(Option::transpose).collect()
}

/// What its systems want of their disks together; the host's shell wants one too.
fn volumes(scenario: &Scenario, manifests: &[Option<PathBuf>]) -> Result<Vec<Volume>> {
    let mut all = Vec::new();
    for (boot, manifest) in scenario.boot.iter().zip(manifests) {
        let wanted = match (&boot.program, manifest) {
            (Some(_), _) => Vec::new(),
            (None, Some(manifest)) => volumes::of(manifest)?,
            (None, None) => vec![Volume::default()],
        };
        if all.len() < wanted.len() {
            all.resize(wanted.len(), Volume::default());
        }
        for (volume, wanted) in all.iter_mut().zip(wanted) {
            volume.has_tunnel |= wanted.has_tunnel;
        }
    }
    Ok(all)
}

/// What stands behind the names of files that belong to a volume: nothing for the first.
fn suffix(number: usize) -> String {
    match number {
        0 => String::new(),
        _ => format!("-{}", number + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read_all;

    #[test]
    fn every_system_obeys_the_rules() {
        let folder = std::env::temp_dir().join(format!("xtask-systems-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        for scenario in read_all("").expect("scenarios can be read") {
            let manifests = manifests(&scenario, &folder).expect("they can be written");
            for manifest in manifests.into_iter().flatten() {
                let checked = system::check(&manifest);
                checked.unwrap_or_else(|error| panic!("{}: {error:#}", scenario.name));
            }
        }
        fs::remove_dir_all(&folder).expect("it was just made");
    }
}
