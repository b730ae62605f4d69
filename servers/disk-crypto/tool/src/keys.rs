//! `volume keys`: the key store.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use disk_crypto_core::key_store::{self, TEXT_MAX};
use disk_crypto_core::tasks::block_on;
use disk_crypto_core::{BlockDevice, Volume};
use zeroize::Zeroizing;

use crate::image::{Image, Purpose, randomness};
use crate::passphrase::{CurrentPassphrase, Passphrase};

/// Tree nodes (4 KiB each) that are kept in memory.
const CACHE_NODES: usize = 64;

/// What the store shall hold.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Contents {
    /// Put the text of FILE into the store; the text that it held is gone. What the text's reader keeps there stays: which
    /// timestamps a tunnel has used.
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    /// Empty the store; what its reader keeps there is gone too.
    #[arg(long)]
    clear: bool,
}

/// What becomes of a text that the store holds already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Old {
    Kept,
    Replaced,
}

/// Exit status when the store was left as it was.
const KEPT: u8 = 3;

pub(crate) fn execute(
    path: &Path,
    contents: &Contents,
    old: Old,
    current: &CurrentPassphrase,
) -> Result<ExitCode> {
    let text = match &contents.set {
        Some(file) => read_text(file)?,
        None => Zeroizing::default(),
    };
    if store(path, &text, old, &current.get()?)? == Old::Kept {
        println!("the key store holds a text already, which stays");
        return Ok(KEPT.into());
    }
    match text.len() {
        0 => println!("the key store is empty"),
        bytes => println!("the key store holds {bytes} bytes"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts the text into the volume's key store, or finds an old one there that is to be kept.
pub(crate) fn store(path: &Path, text: &str, old: Old, passphrase: &Passphrase) -> Result<Old> {
    let image = Image::open(path, Purpose::Write)?;
    let locked = image.read_headers()?;
    let has_store = locked
        .header()
        .is_some_and(|header| header.parts.key_store.block_count() > 0);
    ensure!(
        has_store,
        "{}: this volume has no key store: it was created before volumes had one",
        path.display()
    );
    let unlocked = image.unlock(passphrase)?;
    let opening = Volume::open(&image, unlocked, CACHE_NODES, randomness()?);
    let (volume, _) = block_on(opening).map_err(|error| image.explain(error))?;
    block_on(put(&volume, text.as_bytes(), old)).map_err(|error| image.explain(error))
}

async fn put<D: BlockDevice>(
    volume: &Volume<D>,
    text: &[u8],
    old: Old,
) -> Result<Old, disk_crypto_core::Error> {
    if old == Old::Kept && !key_store::is_empty(volume).await? {
        return Ok(Old::Kept);
    }
    match text {
        [] => key_store::clear(volume).await?,
        text => key_store::put(volume, text).await?,
    }
    Ok(Old::Replaced)
}

/// Reads a text that a key store can hold.
pub(crate) fn read_text(file: &Path) -> Result<Zeroizing<String>> {
    let text = fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    let text = Zeroizing::new(text);
    ensure!(!text.is_empty(), "{} is empty", file.display());
    ensure!(
        text.len() <= TEXT_MAX,
        "{} is too long: a key store holds {TEXT_MAX} bytes",
        file.display()
    );
    Ok(text)
}
