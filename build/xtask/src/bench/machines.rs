//! The machines whose guest measures or is measured.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::changed_system;
use crate::guest::{Extra, GuestCommand, GuestFiles, GuestOptions, Parts};
use crate::peer::{self, Peer};
use crate::program::{self, KERNEL, Options};
use crate::qemu::{Machine, Network, Time};
use crate::scenario::foreign;
use crate::system::{self, DEFAULT_MANIFEST};
use crate::volume;
use crate::workspace::{self, Metadata};

/// The system that encrypts nothing.
const MANIFEST_WITHOUT_ENCRYPTION: &str = "qemu-tests/bench/system/system.toml";

/// Opens the volume.
pub(crate) const PASSPHRASE: &str = "bench";
const VOLUME_SIZE: &str = "512M";
/// Bytes of a disk that is not encrypted.
const PLAIN_SIZE: u64 = 512 << 20;
/// The disk's file.
const DISK: &str = "disk.img";
/// The folder of the other end of the guest's tunnel.
const PEER: &str = "peer";
/// What is different in a network of the host's own.
const ABROAD: &str = "qemu-tests/wireguard-go/changes.toml";
/// What marks the output of the guest's command.
pub(super) const NONCE: &str = "bench";

/// The system of `manifest` with a fresh volume and a guest that executes `script`, its instructions counted;
/// everything that it is made of goes into `folder`, and nothing else stays there.
pub(crate) fn encrypted(
    metadata: &Metadata,
    manifest: &Path,
    folder: &Path,
    script: &str,
) -> Result<Machine> {
    start_afresh(folder)?;
    create_volume(folder, None)?;
    machine(metadata, manifest, folder, executing(script))
}

/// The default system with a fresh volume, a guest that executes `script`, and the peer at the other end of its tunnel.
pub(super) fn with_tunnel(
    metadata: &Metadata,
    folder: &Path,
    script: &str,
) -> Result<(Machine, Option<Peer>)> {
    start_afresh(folder)?;
    let place = folder.join(PEER);
    let keys = peer::create(&place, 0, None)?;
    create_volume(folder, Some(&keys))?;
    let manifest = workspace::path(DEFAULT_MANIFEST);
    let machine = machine(metadata, &manifest, folder, executing(script))?;
    Ok((machine, peer::start(&place, None)?))
}

/// Clears `folder` for a machine in a network of the host's own; the folder of the keys of both ends of its tunnel.
pub(super) fn fresh_keys(folder: &Path) -> Result<PathBuf> {
    start_afresh(folder)?;
    let place = folder.join(PEER);
    peer::create(&place, 0, Some(foreign::PEER))?;
    Ok(place)
}

/// The default system in that network, with the keys in `folder`, and a guest that has `extras` and executes
/// `script`. There is nobody who gives addresses: the system's are in its manifest.
pub(super) fn with_tunnel_abroad(
    metadata: &Metadata,
    folder: &Path,
    script: &str,
    extras: &[Extra],
) -> Result<Machine> {
    create_volume(folder, Some(&peer::guest_keys(&folder.join(PEER))))?;
    let result = folder.join("system.toml");
    let manifest = changed_system::manifest(DEFAULT_MANIFEST, Some(ABROAD), result)?;
    let guest = GuestOptions {
        extras,
        ..executing(script)
    };
    let mut machine = machine(metadata, &manifest, folder, guest)?;
    foreign::connect(&mut machine);
    Ok(machine)
}

/// A plain machine in that network, Debian's kernel on it without us: what a guest of ours is held against.
pub(super) fn plain(folder: &Path, script: &str, extras: &[Extra]) -> Result<Machine> {
    let guest = GuestOptions {
        extras,
        ..executing(script)
    };
    let initrd = folder.join("initrd");
    fs::write(&initrd, GuestFiles::prepare(guest)?.initrd()?)?;
    let mut machine = Machine::new(Parts::fetch()?.kernel(), initrd);
    machine.memory = "512M".into();
    machine.extra = ["-append", "console=ttyS0 quiet"].map(String::from).into();
    machine.network = Some(Network::default());
    machine.time = recorded(folder);
    foreign::connect(&mut machine);
    Ok(machine)
}

fn recorded(folder: &Path) -> Time {
    Time::Recorded {
        control_socket: folder.join("control"),
    }
}

fn create_volume(folder: &Path, keys: Option<&Path>) -> Result<()> {
    let passphrase = folder.join("passphrase");
    fs::write(&passphrase, PASSPHRASE)?;
    volume::create(&folder.join(DISK), VOLUME_SIZE, Some(&passphrase), keys)
}

/// The same system and guest with an empty disk and a component that encrypts nothing.
pub(super) fn not_encrypted(metadata: &Metadata, folder: &Path, script: &str) -> Result<Machine> {
    with_guest(metadata, folder, executing(script))
}

/// The same system with any guest, whose files stand outside of `folder`.
pub(super) fn with_guest(
    metadata: &Metadata,
    folder: &Path,
    guest: GuestOptions<'_>,
) -> Result<Machine> {
    start_afresh(folder)?;
    File::create(folder.join(DISK))?.set_len(PLAIN_SIZE)?;
    let manifest = workspace::path(MANIFEST_WITHOUT_ENCRYPTION);
    machine(metadata, &manifest, folder, guest)
}

fn executing(script: &str) -> GuestOptions<'_> {
    GuestOptions {
        command: Some(GuestCommand {
            text: script,
            nonce: NONCE,
        }),
        ..GuestOptions::default()
    }
}

fn start_afresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}

fn machine(
    metadata: &Metadata,
    manifest: &Path,
    folder: &Path,
    guest: GuestOptions<'_>,
) -> Result<Machine> {
    let image = folder.join("root.img");
    let kernel = program::build_one(metadata, KERNEL, Options::default())?;
    let equipment = system::pack(metadata, manifest, guest, Options::default(), &image)?;
    let mut machine = Machine::new(kernel, image);
    machine.disk = Some(folder.join(DISK));
    machine.network = equipment.network;
    machine.time = recorded(folder);
    Ok(machine)
}
