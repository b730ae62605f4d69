//! `cargo xtask mutate`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::mutation;

/// Break the kernel's decisions on purpose, one by one, and see that a test on random states finds each.
///
/// Works on a copy below target/; takes about a minute for each defect.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only the defects whose name contains this.
    #[arg(long, default_value = "", hide_default_value = true)]
    filter: String,
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    Ok(match mutation::try_all(&arguments.filter)? {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
