//! `cargo xtask guest`: the guest's files alone. For those who work on the VMM.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::guest::{Parts, initramfs};
use crate::workspace;

/// Fetch the guest's kernel, build its initramfs, and print where both are.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Shell command that the guest runs instead of an interactive shell.
    #[arg(long)]
    exec: Option<String>,
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    let parts = Parts::fetch()?;
    let mut image = initramfs::build(&parts)?;
    if let Some(command) = &arguments.exec {
        image.extend(initramfs::command_archive(command, "guest")?);
    }
    let folder = workspace::path("target/guest");
    fs::create_dir_all(&folder)?;
    let file = folder.join("initramfs.cpio");
    fs::write(&file, image).with_context(|| format!("{} cannot be written", file.display()))?;
    println!("{}\n{}", parts.kernel().display(), file.display());
    Ok(ExitCode::SUCCESS)
}
