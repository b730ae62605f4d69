//! What a key store holds: one text, such as the configuration of a tunnel with its keys, and a block of its reader's own.
//!
//! A length (u32, little-endian), then that many bytes, then zeroes; the last block is what the reader wrote there. An
//! empty store reads as zeroes, like every block that was never written. Texts that were put here before readers had a
//! block may reach into it; their readers leave it alone.

use alloc::vec;

use zeroize::Zeroize;

use crate::BLOCK_SIZE;
use crate::device::BlockDevice;
use crate::error::Error;
use crate::part::{KEY_STORE_BLOCKS, OWN_BLOCKS};
use crate::volume::Volume;

/// Bytes of a key store.
const BYTES: usize = 16 * BLOCK_SIZE;
/// Bytes for the length and the text.
const TEXT_BYTES: usize = 15 * BLOCK_SIZE;
/// Bytes of the length.
const LENGTH_BYTES: usize = 4;
/// The longest text.
pub const TEXT_MAX: usize = TEXT_BYTES - LENGTH_BYTES;

const _: () = assert!(BYTES as u64 == KEY_STORE_BLOCKS * BLOCK_SIZE as u64);
const _: () = assert!((BYTES - TEXT_BYTES) as u64 == OWN_BLOCKS * BLOCK_SIZE as u64);

/// Puts `text` (at most [`TEXT_MAX`] bytes) into the volume's key store and makes it durable; nothing of an earlier
/// one stays readable there. Older versions lie on the disk, encrypted, until their places are used again. The
/// reader's own block stays as it is.
///
/// # Errors
///
/// [`Error::OutOfRange`] if the text is too long or the volume has no key store; what reading and writing can fail with.
pub async fn put<D: BlockDevice>(volume: &Volume<D>, text: &[u8]) -> Result<(), Error> {
    let length = u32::try_from(text.len()).map_err(|_| Error::OutOfRange)?;
    if text.len() > TEXT_MAX {
        return Err(Error::OutOfRange);
    }
    let reached_the_end = text_length(volume).await? > TEXT_MAX;
    let mut bytes = vec![0; if reached_the_end { BYTES } else { TEXT_BYTES }];
    bytes[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    bytes[LENGTH_BYTES..][..text.len()].copy_from_slice(text);
    let written = replace(volume, &mut bytes).await;
    bytes.as_mut_slice().zeroize();
    written
}

/// Empties the volume's key store, the reader's own block too, and makes that durable.
///
/// # Errors
///
/// [`Error::OutOfRange`] if the volume has no key store; what writing can fail with.
pub async fn clear<D: BlockDevice>(volume: &Volume<D>) -> Result<(), Error> {
    replace(volume, &mut vec![0; BYTES]).await
}

/// Writes blocks (`data`, which is encrypted in place) as the key store's reader, who has its own block only; they are
/// durable when this returns.
///
/// # Errors
///
/// [`Error::OutOfRange`] for all other blocks; what writing can fail with.
pub async fn write_own<D: BlockDevice>(
    volume: &Volume<D>,
    first: u64,
    data: &mut [u8],
) -> Result<(), Error> {
    let blocks = data.len() / BLOCK_SIZE;
    let place = volume.parts().key_store.place_to_write(first, blocks)?;
    volume.write(place, data).await?;
    volume.flush().await
}

/// Whether the volume's key store holds no text.
///
/// # Errors
///
/// [`Error::OutOfRange`] if the volume has no key store; what reading can fail with.
pub async fn is_empty<D: BlockDevice>(volume: &Volume<D>) -> Result<bool, Error> {
    Ok(text_length(volume).await? == 0)
}

/// Bytes of the text, as the store says.
async fn text_length<D: BlockDevice>(volume: &Volume<D>) -> Result<usize, Error> {
    let mut block = vec![0; BLOCK_SIZE];
    let first = volume.parts().key_store.place(0, 1)?;
    let read = volume.read(first, &mut block).await;
    let length = block.first_chunk().copied().map_or(0, u32::from_le_bytes);
    block.as_mut_slice().zeroize();
    read.map(|()| usize::try_from(length).unwrap_or(usize::MAX))
}

async fn replace<D: BlockDevice>(volume: &Volume<D>, bytes: &mut [u8]) -> Result<(), Error> {
    let first = volume
        .parts()
        .key_store
        .place(0, bytes.len() / BLOCK_SIZE)?;
    volume.write(first, bytes).await?;
    volume.flush().await
}
