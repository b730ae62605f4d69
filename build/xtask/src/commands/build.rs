//! `cargo xtask build`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use crate::program::{self, Home, Options};
use crate::workspace;

/// Build the kernel and the programs that run on it, and print where each ELF file is.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Packages to build; without any, all of them.
    packages: Vec<String>,
    /// Cargo features to switch on, comma separated.
    #[arg(long)]
    features: Option<String>,
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    let metadata = workspace::metadata()?;
    let mut chosen = Vec::new();
    for name in &arguments.packages {
        chosen.push(program::find(&metadata, name)?);
    }
    if chosen.is_empty() {
        chosen.extend(&metadata.packages);
        chosen.retain(|package| Home::of(package).is_some());
    }
    let options = Options {
        features: arguments.features.as_deref(),
    };
    for home in Home::ALL {
        let here: Vec<_> = chosen
            .extract_if(.., |package| Home::of(package) == Some(home))
            .collect();
        if here.is_empty() {
            continue;
        }
        for file in program::build(home, &here, options)? {
            println!("{}", file.display());
        }
    }
    if let Some(package) = chosen.first() {
        bail!("{} is not a program that runs on Sekisho", package.name);
    }
    Ok(ExitCode::SUCCESS)
}
