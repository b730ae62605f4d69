//! Where passphrases come from: a file, or the terminal without echo.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use zeroize::Zeroizing;

use crate::silent_terminal;

/// A passphrase, erased after use.
pub(crate) type Passphrase = Zeroizing<Vec<u8>>;

/// Where a passphrase that opens the volume comes from.
#[derive(Args)]
pub(crate) struct CurrentPassphrase {
    /// Read the present passphrase from the first line of FILE instead of asking for it.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Where a passphrase to be set comes from.
#[derive(Args)]
pub(crate) struct NewPassphrase {
    /// Read the new passphrase from the first line of FILE instead of asking for it.
    #[arg(long, value_name = "FILE")]
    pub(crate) new_passphrase_file: Option<PathBuf>,
}

impl CurrentPassphrase {
    pub(crate) fn get(&self) -> Result<Passphrase> {
        match &self.passphrase_file {
            Some(file) => read(file),
            None => ask("Passphrase: "),
        }
    }
}

impl NewPassphrase {
    pub(crate) fn get(&self) -> Result<Passphrase> {
        let passphrase = match &self.new_passphrase_file {
            Some(file) => read(file)?,
            None => ask_twice()?,
        };
        if passphrase.is_empty() {
            bail!("the passphrase must not be empty");
        }
        Ok(passphrase)
    }
}

fn ask_twice() -> Result<Passphrase> {
    let first = ask("New passphrase: ")?;
    let second = ask("The same again: ")?;
    if first != second {
        bail!("the two passphrases differ; nothing was changed");
    }
    Ok(first)
}

fn ask(prompt: &str) -> Result<Passphrase> {
    if !std::io::stdin().is_terminal() {
        bail!("there is no terminal to ask for the passphrase on; give it in a file");
    }
    silent_terminal::ask(prompt).context("the passphrase cannot be read")
}

fn read(file: &Path) -> Result<Passphrase> {
    let contents = fs::read(file).with_context(|| format!("{}", file.display()))?;
    let contents = Zeroizing::new(contents);
    let line = contents
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Ok(Zeroizing::new(line.to_vec()))
}
