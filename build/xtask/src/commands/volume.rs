//! `cargo xtask volume`: hands over to the tool that stands beside the server whose format it is.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::volume;

/// Create, inspect and change an encrypted volume; `volume --help` says more.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// What the tool is given.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    let status = Command::new(volume::tool()?)
        .args(&arguments.arguments)
        .status()
        .context("the volume tool cannot be started")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
