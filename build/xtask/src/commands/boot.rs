//! `cargo xtask boot`: a kernel and a root image in QEMU, nothing else. For those who work on them.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use crate::guest::GuestOptions;
use crate::host;
use crate::program::{self, KERNEL, KERNEL_DEBUG, Options};
use crate::qemu::{Machine, Network, Time};
use crate::system;
use crate::workspace::{self, Metadata};

/// Boot a kernel with a root image headless; succeeds when the machine exits with "pass" or powers off.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Kernel ELF file; built from this repository when not given.
    #[arg(long)]
    kernel: Option<PathBuf>,
    /// Cargo features of the kernel that is built [default: none with --system, else debug].
    #[arg(long, conflicts_with = "kernel")]
    kernel_features: Option<String>,
    /// Root image file.
    #[arg(long, required_unless_present_any = ["program", "system"])]
    root: Option<PathBuf>,
    /// Package to build and use as the root image, instead of --root.
    #[arg(long, conflicts_with = "root")]
    program: Option<String>,
    /// System manifest to build and use as the root image, instead of --root.
    #[arg(long, conflicts_with_all = ["root", "program"])]
    system: Option<PathBuf>,
    /// Cargo features of the program, or of the system's root server.
    #[arg(long, conflicts_with = "root")]
    features: Option<String>,
    /// Stop the machine after so many seconds.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
    /// Memory of the machine, as QEMU writes it.
    #[arg(long, default_value = "2G")]
    memory: String,
    /// Count instructions instead of time, so that a run repeats exactly.
    #[arg(long)]
    icount: bool,
    /// Show QEMU's command line.
    #[arg(long, short)]
    verbose: bool,
    /// Further arguments for QEMU.
    #[arg(last = true)]
    qemu: Vec<String>,
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    host::ensure(&[host::QEMU])?;
    let metadata = workspace::metadata()?;
    let kernel = match &arguments.kernel {
        Some(file) => file.clone(),
        None => {
            let of_programs = arguments.system.is_none().then_some(KERNEL_DEBUG);
            let features = arguments.kernel_features.as_deref().or(of_programs);
            program::build_one(&metadata, KERNEL, Options { features })?
        }
    };
    let (root, network) = root_image(arguments, &metadata)?;
    let mut machine = Machine::new(kernel, root);
    machine.network = network;
    machine.memory.clone_from(&arguments.memory);
    machine.extra.clone_from(&arguments.qemu);
    if arguments.icount {
        machine.time = Time::Instructions;
    }
    if arguments.verbose {
        eprintln!("{}", machine.command_line());
    }
    let ending = machine.boot_to_stdout(Duration::from_secs(arguments.timeout))?;
    eprintln!("the machine {ending}");
    Ok(ending.exit_code())
}

/// The root image that was named, or one that is built now; and the network, if what is built has use for it.
fn root_image(arguments: &Arguments, metadata: &Metadata) -> Result<(PathBuf, Option<Network>)> {
    let options = Options {
        features: arguments.features.as_deref(),
    };
    if let Some(file) = &arguments.root {
        return Ok((file.clone(), None));
    }
    if let Some(name) = &arguments.program {
        return Ok((program::build_one(metadata, name, options)?, None));
    }
    let Some(manifest) = &arguments.system else {
        bail!("a root image is needed: --root FILE, --program PACKAGE or --system MANIFEST");
    };
    let image = workspace::path("target/boot/root.img");
    let manifest = std::path::absolute(manifest)?;
    let equipment = system::pack(
        metadata,
        &manifest,
        GuestOptions::default(),
        options,
        &image,
    )?;
    Ok((image, equipment.network))
}
