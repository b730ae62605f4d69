//! What a key store holds: one text, such as the configuration of a tunnel with its keys.
//!
//! A length (u32, little-endian), then that many bytes, then zeroes. An empty store reads as zeroes, like every block
//! that was never written.

use alloc::vec;

use zeroize::Zeroize;

use crate::BLOCK_SIZE;
use crate::device::BlockDevice;
use crate::error::Error;
use crate::part::KEY_STORE_BLOCKS;
use crate::volume::Volume;

/// Bytes of a key store.
const BYTES: usize = 16 * BLOCK_SIZE;
/// Bytes of the length.
const LENGTH_BYTES: usize = 4;
/// The longest text.
pub const TEXT_MAX: usize = BYTES - LENGTH_BYTES;

const _: () = assert!(BYTES as u64 == KEY_STORE_BLOCKS * BLOCK_SIZE as u64);

/// Puts `text` (at most [`TEXT_MAX`] bytes) into the volume's key store and makes it durable; nothing of an earlier
/// one stays readable there. Older versions lie on the disk, encrypted, until their places are used again.
///
/// # Errors
///
/// [`Error::OutOfRange`] if the text is too long or the volume has no key store; what writing can fail with.
pub async fn put<D: BlockDevice>(volume: &Volume<D>, text: &[u8]) -> Result<(), Error> {
    let length = u32::try_from(text.len()).map_err(|_| Error::OutOfRange)?;
    if text.len() > TEXT_MAX {
        return Err(Error::OutOfRange);
    }
    let mut bytes = vec![0; BYTES];
    bytes[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    bytes[LENGTH_BYTES..][..text.len()].copy_from_slice(text);
    let written = write(volume, &mut bytes).await;
    bytes.as_mut_slice().zeroize();
    written
}

/// Whether the volume's key store holds no text.
///
/// # Errors
///
/// [`Error::OutOfRange`] if the volume has no key store; what reading can fail with.
pub async fn is_empty<D: BlockDevice>(volume: &Volume<D>) -> Result<bool, Error> {
    let mut block = vec![0; BLOCK_SIZE];
    let first = volume.parts().key_store.place(0, 1)?;
    let read = volume.read(first, &mut block).await;
    let is_empty = block[..LENGTH_BYTES].iter().all(|byte| *byte == 0);
    block.as_mut_slice().zeroize();
    read.map(|()| is_empty)
}

async fn write<D: BlockDevice>(volume: &Volume<D>, bytes: &mut [u8]) -> Result<(), Error> {
    let first = volume
        .parts()
        .key_store
        .place(0, bytes.len() / BLOCK_SIZE)?;
    volume.write(first, bytes).await?;
    volume.flush().await
}
