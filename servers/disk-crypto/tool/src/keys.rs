//! `volume keys`: the key store.

use std::fs;
use std::path::{Path, PathBuf};

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
    /// Put the text of FILE into the store; what it held is gone.
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    /// Empty the store.
    #[arg(long)]
    clear: bool,
}

pub(crate) fn execute(path: &Path, contents: &Contents, current: &CurrentPassphrase) -> Result<()> {
    let text = match &contents.set {
        Some(file) => read_text(file)?,
        None => Zeroizing::default(),
    };
    store(path, &text, &current.get()?)?;
    match text.len() {
        0 => println!("the key store is empty"),
        bytes => println!("the key store holds {bytes} bytes"),
    }
    Ok(())
}

/// Puts the text into the volume's key store.
pub(crate) fn store(path: &Path, text: &str, passphrase: &Passphrase) -> Result<()> {
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
    block_on(put(&volume, text.as_bytes())).map_err(|error| image.explain(error))
}

async fn put<D: BlockDevice>(
    volume: &Volume<D>,
    text: &[u8],
) -> Result<(), disk_crypto_core::Error> {
    key_store::put(volume, text).await
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
