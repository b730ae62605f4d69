//! `volume locate`: where in the image a block's current version lies.

use std::path::Path;

use anyhow::{Context, Result};
use disk_crypto_core::tasks::block_on;
use disk_crypto_core::{BLOCK_SIZE, BlockDevice, DeviceError, Volume};

use crate::image::{Image, Purpose, randomness};
use crate::passphrase::CurrentPassphrase;

/// Tree nodes (4 KiB each) that are kept in memory.
const CACHE_NODES: usize = 64;

pub(crate) fn execute(path: &Path, blocks: &[u64], current: &CurrentPassphrase) -> Result<()> {
    let image = Image::open(path, Purpose::Read)?;
    let unlocked = image.unlock(&current.get()?)?;
    let opening = Volume::open(Unwritten(&image), unlocked, CACHE_NODES, randomness()?);
    let (volume, _) = block_on(opening).map_err(|error| image.explain(error))?;
    for &block in blocks {
        let place = block_on(volume.locate(block))
            .map_err(|error| image.explain(error))
            .with_context(|| format!("block {block}"))?;
        match place {
            Some(place) => println!("block {block} lies at byte {}", place * BLOCK_SIZE as u64),
            None => println!("block {block} was never written"),
        }
    }
    Ok(())
}

/// An image that stays as it is: repairs at the opening go no further than memory.
struct Unwritten<'a>(&'a Image);

impl BlockDevice for Unwritten<'_> {
    fn block_count(&self) -> u64 {
        self.0.block_count()
    }

    async fn read(&self, first: u64, data: &mut [u8]) -> Result<(), DeviceError> {
        self.0.read(first, data).await
    }

    async fn write(&self, _: u64, _: &[u8]) -> Result<(), DeviceError> {
        Ok(())
    }

    async fn flush(&self) -> Result<(), DeviceError> {
        Ok(())
    }
}
