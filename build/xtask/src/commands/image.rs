//! `cargo xtask image`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::guest::GuestOptions;
use crate::program::{self, KERNEL, Options};
use crate::progress::step;
use crate::system::{self, DEFAULT_MANIFEST};
use crate::{disc, host, workspace};

/// Make an image that a computer starts from.
///
/// It starts by BIOS and by UEFI (without Secure Boot). The system expects the hardware that its
/// manifest names.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Make an ISO image, with GRUB as the boot loader.
    #[arg(long, required = true)]
    iso: bool,
    /// The system that it holds [default: manifests/systems/one-network.toml].
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Kernel of the guest, a bzImage [default: Debian's, fetched once].
    #[arg(long, value_name = "FILE")]
    guest_kernel: Option<PathBuf>,
    /// Initramfs of the guest [default: busybox with the modules that it needs].
    #[arg(long, value_name = "FILE")]
    guest_initrd: Option<PathBuf>,
    /// Where the image goes [default: target/image/NAME.iso, NAME being the manifest's].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    host::ensure(&host::DISC)?;
    let manifest = match &arguments.manifest {
        Some(file) => std::path::absolute(file)?,
        None => workspace::path(DEFAULT_MANIFEST),
    };
    let folder = workspace::path("target/image");
    let root_image = folder.join("root.img");
    let metadata = workspace::metadata()?;
    let kernel = step("Building the kernel", || {
        program::build_one(&metadata, KERNEL, Options::default())
    })?;
    let guest = GuestOptions {
        kernel: arguments.guest_kernel.as_deref(),
        initrd: arguments.guest_initrd.as_deref(),
        ..GuestOptions::default()
    };
    system::pack(&metadata, &manifest, guest, Options::default(), &root_image)?;
    let output = match &arguments.output {
        Some(file) => file.clone(),
        None => folder.join(name(&manifest)?).with_extension("iso"),
    };
    disc::write(&kernel, &root_image, &output)?;
    println!("{}", output.display());
    Ok(ExitCode::SUCCESS)
}

/// The manifest's file name without its ending.
fn name(manifest: &Path) -> Result<&std::ffi::OsStr> {
    let name = manifest.file_stem();
    name.with_context(|| format!("{} is no file", manifest.display()))
}
