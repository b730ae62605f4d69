//! `cargo xtask clean`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::{folders, workspace};

/// Remove what was built; volumes are never touched.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Remove the downloads too (~/.cache/sekisho).
    #[arg(long)]
    cache: bool,
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    remove(&workspace::path("target"))?;
    if arguments.cache {
        remove(&folders::cache()?)?;
    }
    println!("Volumes stay in {}", folders::data()?.display());
    Ok(ExitCode::SUCCESS)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Ok(()) => println!("Removed {}", folder.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be removed", folder.display()));
        }
    }
    Ok(())
}
