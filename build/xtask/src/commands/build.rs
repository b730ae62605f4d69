//! `cargo xtask build`.

use std::iter;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use crate::products::is_product;
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
        // A test's program by itself: the features that it switches on, or lacks, would reach the others.
        let (products, others): (Vec<_>, Vec<_>) =
            here.into_iter().partition(|package| is_product(package));
        let others = others.into_iter().map(|package| vec![package]);
        for together in iter::once(products).chain(others) {
            if together.is_empty() {
                continue;
            }
            for file in program::build(home, &together, options)? {
                println!("{}", file.display());
            }
        }
    }
    if let Some(package) = chosen.first() {
        bail!("{} is not a program that runs on Sekisho", package.name);
    }
    Ok(ExitCode::SUCCESS)
}
