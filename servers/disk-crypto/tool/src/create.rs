//! `volume create`.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use disk_crypto_core::BLOCK_SIZE;
use disk_crypto_core::header::Header;
use disk_crypto_core::key_slot::Cost;
use disk_crypto_core::tasks::block_on;
use disk_crypto_core::unlock;

use crate::image::{Image, Purpose, randomness, working_memory};
use crate::inspect::volume_name;
use crate::keys;
use crate::passphrase::{NewPassphrase, Passphrase};
use crate::size::{Size, readable};

/// What to do with an image that holds something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Leave it alone and say so.
    Keep,
    /// Lose what it holds.
    Overwrite,
}

pub(crate) fn execute(
    path: &Path,
    size: Option<Size>,
    existing: Existing,
    keys: Option<&Path>,
    passphrase: &NewPassphrase,
) -> Result<()> {
    check_target(path, existing)?;
    let keys = keys.map(keys::read_text).transpose()?;
    let passphrase = passphrase.get()?;
    let is_new = !path.exists();
    let created = create(path, size, &passphrase).and_then(|header| {
        if let Some(text) = keys {
            keys::store(path, &text, keys::Old::Replaced, &passphrase)?;
        }
        Ok(header)
    });
    if created.is_err() && is_new {
        // Half a volume is of no use. If it cannot be removed either, the first error says why.
        let _ = fs::remove_file(path);
    }
    let header = created.with_context(|| format!("{}", path.display()))?;
    println!(
        "created volume {}: {} for data",
        volume_name(&header.volume),
        readable(header.parts.guest.block_count() * BLOCK_SIZE as u64)
    );
    Ok(())
}

fn check_target(path: &Path, existing: Existing) -> Result<()> {
    let Ok(mut file) = File::open(path) else {
        return Ok(());
    };
    let is_empty = file.seek(SeekFrom::End(0)).is_ok_and(|end| end == 0);
    if existing == Existing::Overwrite || is_empty {
        return Ok(());
    }
    let is_volume = Image::new(file, Purpose::Read)
        .and_then(|image| image.read_headers())
        .is_ok();
    let what = if is_volume {
        "is a volume already"
    } else {
        "is not empty"
    };
    bail!(
        "{} {what}; --force overwrites it, and its data is lost",
        path.display()
    );
}

fn create(path: &Path, size: Option<Size>, passphrase: &Passphrase) -> Result<Header> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let is_block_device = file.metadata()?.file_type().is_block_device();
    match (size, is_block_device) {
        (Some(_), true) => bail!("a block device has the size that it has; leave --size out"),
        // The old contents go, so that a sparse file is sparse again.
        (Some(Size(bytes)), false) => {
            file.set_len(0)?;
            file.set_len(bytes)
                .context("the file cannot have this size")?;
        }
        (None, false) if file.metadata()?.len() == 0 => bail!("--size is needed for a new file"),
        (None, _) => {}
    }
    let image = Image::new(file, Purpose::Write)?;
    let new = unlock::NewPassphrase {
        passphrase,
        cost: Cost::DEFAULT,
        memory: &mut working_memory(),
    };
    block_on(unlock::create(&image, new, &mut randomness()?)).map_err(|error| image.explain(error))
}
