//! `cargo xtask bench`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::bench;
use crate::{host, workspace};

/// Measure the figures that docs/figures.md keeps; they repeat exactly.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Print one JSON object: name to value and unit.
    #[arg(long)]
    json: bool,
    /// Write the table in docs/figures.md anew.
    #[arg(long)]
    write: bool,
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    host::ensure(&host::ALL)?;
    let figures = bench::measure(&workspace::metadata()?)?;
    if arguments.json {
        println!("{:#}", bench::to_json(&figures));
    } else {
        print!("{}", bench::to_table(&figures));
    }
    if arguments.write {
        bench::write_page(&figures)?;
    }
    Ok(ExitCode::SUCCESS)
}
