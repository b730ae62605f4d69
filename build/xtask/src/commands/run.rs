//! `cargo xtask run`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use crate::guest::{GuestCommand, GuestOptions};
use crate::headless::{self, Passphrase};
use crate::program::{self, KERNEL, Options};
use crate::progress::step;
use crate::qemu::{Machine, OnReset};
use crate::system::{self, DEFAULT_MANIFEST};
use crate::user_tunnel::{self, Tunnel};
use crate::{host, nonce, user_disk, volumes, workspace};

/// Boot the system in QEMU, with an unmodified Linux as its guest.
///
/// The terminal becomes the machine's console; Ctrl-A X switches the machine off, Ctrl-C reaches
/// the guest. The guest's disk is an encrypted volume, created at the first run.
///
/// With --exec the exit status is the command's; 124 says that the time was up, 125 that the
/// command was not run to its end or that some of its output was lost.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Do not attach the terminal: only print what the console prints.
    #[arg(long)]
    headless: bool,
    /// Run this command in the guest's shell, print what it prints, power off.
    #[arg(long, value_name = "CMD", requires = "headless")]
    exec: Option<String>,
    /// Stop the machine after so many seconds [default: none, with --exec 600].
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// The system to boot [default: manifests/systems/one-network.toml].
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Kernel of the guest, a bzImage [default: Debian's, fetched once].
    #[arg(long, value_name = "FILE")]
    guest_kernel: Option<PathBuf>,
    /// Initramfs of the guest [default: busybox with the modules that it needs].
    #[arg(long, value_name = "FILE")]
    guest_initrd: Option<PathBuf>,
    /// Memory of the machine.
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = memory_size)]
    memory: String,
    /// Image file of the volume [default: ~/.local/share/sekisho/first-light.img]. A second guest's volume is the
    /// file beside it with -2 behind its name.
    #[arg(long, value_name = "FILE")]
    disk: Option<PathBuf>,
    /// File whose first line is the volume's passphrase: it is typed when the console first asks, and
    /// gets this one try. Needed with --headless.
    #[arg(long, value_name = "FILE", required_if_eq("headless", "true"))]
    passphrase_file: Option<PathBuf>,
    /// Configuration of the guest's end of its tunnel, as wg-quick reads it; it goes into the volume and stays
    /// there [default: a peer on this host, which is started]. Once for each tunnel, if there are several.
    #[arg(long, value_name = "FILE")]
    peer: Vec<PathBuf>,
    /// Show QEMU's command line.
    #[arg(long, short)]
    verbose: bool,
}

/// The guest's 512 MiB, the servers, and the boot archive beside its copies.
const LEAST_MEMORY_MIB: u64 = 1024;

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    match (start(arguments), &arguments.exec) {
        // The command's own status must stay the command's own.
        (Err(error), Some(_)) => {
            eprintln!("error: {error:#}");
            Ok(headless::NOT_RUN.into())
        }
        (result, _) => result,
    }
}

fn start(arguments: &Arguments) -> Result<ExitCode> {
    let nonce = nonce::fresh()?;
    let guest = GuestOptions {
        kernel: arguments.guest_kernel.as_deref(),
        initrd: arguments.guest_initrd.as_deref(),
        command: arguments.exec.as_deref().map(|text| GuestCommand {
            text,
            nonce: &nonce,
        }),
        ..GuestOptions::default()
    };
    // What the user gives is looked at first; the rest may take minutes.
    guest.check()?;
    let manifest = match &arguments.manifest {
        Some(file) => std::path::absolute(file)?,
        None => workspace::path(DEFAULT_MANIFEST),
    };
    system::check(&manifest)?;
    let passphrase_file = arguments.passphrase_file.as_deref();
    let passphrase = passphrase_file.map(Passphrase::read).transpose()?;

    host::ensure(&host::ALL)?;
    let disks = prepare_disks(arguments, &manifest)?;
    // They serve until this function ends.
    let peers = disks.iter().map(|disk| user_tunnel::start_peer(disk));
    let _peers = peers.collect::<Result<Vec<_>>>()?;
    let image = RootImage::fresh();
    let metadata = workspace::metadata()?;
    let kernel = step("Building the kernel", || {
        program::build_one(&metadata, KERNEL, Options::default())
    })?;
    let equipment = system::pack(&metadata, &manifest, guest, Options::default(), &image.0)?;

    let mut machine = Machine::new(kernel, image.0.clone());
    machine.memory.clone_from(&arguments.memory);
    machine.disk = disks.first().cloned();
    machine.second_disk = disks.get(1).cloned();
    machine.network = equipment.network;
    if arguments.exec.is_none() {
        machine.on_reset = OnReset::StartAgain;
    }
    if arguments.verbose {
        eprintln!("{}", machine.command_line());
    }
    let timeout = arguments.timeout.map(Duration::from_secs);
    match (&arguments.exec, arguments.headless, passphrase) {
        (Some(_), _, passphrase) => headless::execute(&machine, &nonce, passphrase, timeout),
        (None, true, passphrase) => headless::show(&machine, passphrase, timeout),
        (None, false, _) => {
            eprintln!("The console is this terminal. Ctrl-A X switches the machine off.");
            if machine.disks() > 1 {
                eprintln!(
                    "Ctrl-T 1 and Ctrl-T 2 show one guest or the other, and Ctrl-T h says more."
                );
            }
            let ending = machine.boot_on_terminal(timeout)?;
            eprintln!("the machine {ending}");
            Ok(ending.exit_code())
        }
    }
}

/// The image of each volume of the system, made now if it is not there yet.
fn prepare_disks(arguments: &Arguments, manifest: &Path) -> Result<Vec<PathBuf>> {
    let volumes = volumes::of(manifest)?;
    let tunnels = volumes.iter().filter(|volume| volume.has_tunnel).count();
    ensure!(
        arguments.peer.is_empty() || arguments.peer.len() == tunnels,
        "--peer is for each tunnel or for none: {} has {tunnels}",
        manifest.display()
    );
    let mut own = arguments.peer.iter();
    let mut next = match &arguments.disk {
        Some(image) => image.clone(),
        None => user_disk::default_image()?,
    };
    let mut images = Vec::new();
    for (number, volume) in volumes.iter().enumerate() {
        let tunnel = volume.has_tunnel.then(|| Tunnel {
            number,
            own: own.next().map(PathBuf::as_path),
        });
        user_disk::prepare(&next, arguments.passphrase_file.as_deref(), tunnel)?;
        let second = user_disk::beside(&next);
        images.push(std::mem::replace(&mut next, second));
    }
    Ok(images)
}

/// A size that QEMU understands, and that the system gets on with.
fn memory_size(text: &str) -> Result<String, String> {
    let unit = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let mebibytes = text[..text.len() - unit.len()].parse::<u64>().ok();
    let mebibytes = match (mebibytes, unit) {
        (Some(size), "M") => size,
        (Some(size), "G") => size.saturating_mul(1024),
        _ => return Err("a size is a number with M or G behind it".into()),
    };
    if mebibytes < LEAST_MEMORY_MIB {
        return Err("the system needs 1G at least".into());
    }
    Ok(text.into())
}

/// The root image of this run, gone when it ends: two runs at once have one each, and a guest's
/// command stays nowhere.
struct RootImage(PathBuf);

impl RootImage {
    fn fresh() -> RootImage {
        let name = format!("target/run/root-{}.img", std::process::id());
        RootImage(workspace::path(&name))
    }
}

impl Drop for RootImage {
    fn drop(&mut self) {
        // It was perhaps never written.
        let _ = fs::remove_file(&self.0);
    }
}
