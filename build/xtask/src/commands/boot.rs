//! `cargo xtask boot`: a kernel and a root image in QEMU, nothing else. For those who work on them.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use crate::host;
use crate::program::{self, KERNEL, Options};
use crate::qemu::{Machine, Time};
use crate::workspace;

/// Boot a kernel with a root image headless; succeeds when the machine exits with "pass" or powers off.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Kernel ELF file; built from this repository when not given.
    #[arg(long)]
    kernel: Option<PathBuf>,
    /// Cargo features of the kernel that is built.
    #[arg(long, conflicts_with = "kernel")]
    kernel_features: Option<String>,
    /// Root image file.
    #[arg(long, required_unless_present = "program")]
    root: Option<PathBuf>,
    /// Package to build and use as the root image, instead of --root.
    #[arg(long, conflicts_with = "root")]
    program: Option<String>,
    /// Cargo features of the program that is built.
    #[arg(long, requires = "program")]
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
            let features = arguments.kernel_features.as_deref();
            program::build_one(&metadata, KERNEL, Options { features })?
        }
    };
    let root = match (&arguments.root, &arguments.program) {
        (Some(file), _) => file.clone(),
        (None, Some(name)) => {
            let features = arguments.features.as_deref();
            program::build_one(&metadata, name, Options { features })?
        }
        (None, None) => bail!("a root image is needed: --root FILE or --program PACKAGE"),
    };
    let mut machine = Machine::new(kernel, root);
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
