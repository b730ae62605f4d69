//! The machines whose guest measures or is measured.

use std::fs::{self, File};
use std::path::Path;

use anyhow::Result;

use crate::guest::{Extra, GuestCommand, GuestFiles, GuestOptions, Parts};
use crate::peer::{self, Peer};
use crate::program::{self, KERNEL, Options};
use crate::qemu::{Machine, Network, Time};
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
/// The port of the host's loopback interface at which iperf3 listens, for the guest at its peer's address.
pub(super) const IPERF3_PORT: u16 = 5201;
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

/// The default system with a fresh volume, a guest that has `extras` and executes `script`, and the peer at the other end
/// of its tunnel; for iperf3, with [`IPERF3_PORT`].
pub(super) fn with_tunnel(
    metadata: &Metadata,
    folder: &Path,
    script: &str,
    extras: &[Extra],
) -> Result<(Machine, Option<Peer>)> {
    start_afresh(folder)?;
    let place = folder.join(PEER);
    let keys = peer::create(&place, 0, None)?;
    create_volume(folder, Some(&keys))?;
    let manifest = workspace::path(DEFAULT_MANIFEST);
    let guest = GuestOptions {
        extras,
        ..executing(script)
    };
    let machine = machine(metadata, &manifest, folder, guest)?;
    let peer = match extras.contains(&Extra::Iperf3) {
        true => peer::start_forwarding(&place, IPERF3_PORT),
        false => peer::start(&place, None),
    };
    Ok((machine, peer?))
}

/// A plain machine in the emulator, Debian's kernel on it without us: what a guest of ours is held against. It has iperf3 and
/// a WireGuard of its own, and executes what `script` makes of the configuration of its end of a tunnel; and the peer at
/// the other end.
pub(super) fn plain(
    folder: &Path,
    script: impl Fn(&str) -> String,
) -> Result<(Machine, Option<Peer>)> {
    start_afresh(folder)?;
    let place = folder.join(PEER);
    let configuration = fs::read_to_string(peer::create(&place, 0, None)?)?;
    let script = script(&configuration);
    let guest = GuestOptions {
        extras: &[Extra::Iperf3, Extra::WireGuard],
        ..executing(&script)
    };
    let initrd = folder.join("initrd");
    fs::write(&initrd, GuestFiles::prepare(guest)?.initrd()?)?;
    let mut machine = Machine::new(Parts::fetch()?.kernel(), initrd);
    machine.memory = "512M".into();
    machine.extra = ["-append", "console=ttyS0 quiet"].map(String::from).into();
    machine.network = Some(Network::default());
    machine.time = recorded(folder);
    Ok((machine, peer::start_forwarding(&place, IPERF3_PORT)?))
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
