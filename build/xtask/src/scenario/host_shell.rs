//! The host's shell, which a scenario gives what a user might type: `"$XTASK"` is this tool,
//! `"$FOLDER"` the scenario's own, `"$DISK"` its volume, `"$PASSPHRASE"` the file that opens it.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::disk;
use super::file::Boot;
use crate::qemu::Session;
use crate::workspace;

/// Starts the shell; what it says as errors comes with its output.
pub(super) fn start(boot: &Boot, folder: &Path, image: Option<&Path>) -> Result<Session> {
    let image = image.context("the scenario has no disk")?;
    let script = boot.host.as_deref().unwrap_or_default();
    let mut command = if boot.terminal {
        // script(1) gives a terminal, passes its input on, and ends with the shell's status.
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--flush", "--command"]);
        command.args([script, "/dev/null"]);
        command.env("SHELL", "/bin/sh");
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec 2>&1 </dev/null\n{script}")]);
        command
    };
    command
        .env("XTASK", std::env::current_exe()?)
        .env("FOLDER", folder)
        .env("DISK", image)
        .env("PASSPHRASE", disk::passphrase_file(image))
        .current_dir(workspace::root());
    Session::of(&mut command, Stdio::inherit()).context("the host's shell cannot be started")
}
