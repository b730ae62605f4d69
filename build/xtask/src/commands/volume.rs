//! `cargo xtask volume`: hands over to the tool that stands beside the server whose format it is.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::process::run_quietly;
use crate::progress::step;
use crate::workspace;

/// Package and binary of the tool.
const TOOL: &str = "volume";

/// Create, inspect and change an encrypted volume; `volume --help` says more.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// What the tool is given.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    let status = std::process::Command::new(tool()?)
        .args(&arguments.arguments)
        .status()
        .context("the volume tool cannot be started")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Builds the tool and says where it is.
pub(crate) fn tool() -> Result<PathBuf> {
    // Optimised: a passphrase is made slow to guess on purpose.
    let mut build = workspace::cargo();
    build.args(["build", "--quiet", "--profile", "tool", "--package", TOOL]);
    step("Building the volume tool", || run_quietly(&mut build))?;
    Ok(workspace::path("target/tool").join(TOOL))
}
