//! `volume backup-header` and `restore-header`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use disk_crypto_core::header::Header;
use disk_crypto_core::layout::Replica;
use disk_crypto_core::tasks::block_on;
use disk_crypto_core::{BLOCK_SIZE, BlockDevice};

use crate::image::{Image, Purpose, device_error};
use crate::inspect::volume_name;

/// What to check before a header is restored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// That a header of the same volume is there.
    SameVolume,
    /// Nothing.
    Skip,
}

pub(crate) fn save(path: &Path, backup: &Path) -> Result<()> {
    let image = Image::open(path, Purpose::Read)?;
    let locked = image.read_headers()?;
    let block = locked
        .header_block()
        .ok_or_else(|| anyhow!("there is no header"))?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(backup)
        .and_then(|mut file| file.write_all(block).and_then(|()| file.sync_all()))
        .with_context(|| format!("{}", backup.display()))?;
    println!("the header is saved; keep the file as safe as the passphrases");
    Ok(())
}

pub(crate) fn restore(path: &Path, backup: &Path, check: Check) -> Result<()> {
    let block = fs::read(backup).with_context(|| format!("{}", backup.display()))?;
    let (header, block) = decode(&block).with_context(|| format!("{}", backup.display()))?;
    let image = Image::open(path, Purpose::Write)?;
    if check == Check::SameVolume {
        check_same_volume(&image, &header)?;
    }
    let needed = header.layout.device_blocks();
    if image.block_count() < needed {
        bail!(
            "the volume of this header needs {needed} blocks of 4 KiB, the image has {}",
            image.block_count()
        );
    }
    for replica in Replica::BOTH {
        block_on(image.write(header.layout.header(replica), &block))
            .map_err(|error| image.explain(device_error(error)))?;
        block_on(image.flush()).map_err(|error| image.explain(device_error(error)))?;
    }
    println!(
        "the header of volume {} is restored",
        volume_name(&header.volume)
    );
    Ok(())
}

fn decode(file: &[u8]) -> Result<(Header, [u8; BLOCK_SIZE])> {
    let Ok(block) = <[u8; BLOCK_SIZE]>::try_from(file) else {
        bail!(
            "a saved header has {BLOCK_SIZE} bytes, this file has {}",
            file.len()
        );
    };
    Ok((Header::decode(&block)?, block))
}

fn check_same_volume(image: &Image, header: &Header) -> Result<()> {
    let locked = image.read_headers().context(
        "the image holds no readable header to compare with; --force restores the saved one all the same",
    )?;
    match locked.header() {
        Some(present) if present.volume == header.volume => Ok(()),
        _ => bail!("the saved header belongs to another volume; --force restores it all the same"),
    }
}
