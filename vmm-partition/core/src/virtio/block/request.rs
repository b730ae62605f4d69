//! A request of the driver, from its chain.

use super::registers::{
    HEADER_BYTES, SECTORS_PER_BLOCK, TYPE_FLUSH, TYPE_GET_ID, TYPE_IN, TYPE_OUT,
};
use crate::{
    guest_memory::{GuestMemory, OutsideMemory},
    host::BLOCK_BYTES,
    number::low_u32,
    virtio::chain::{Chain, Side},
};

/// Blocks that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) first: u64,
    pub(super) count: u64,
}

/// What the driver asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Read(Extent),
    Write(Extent),
    Flush,
    GetId,
    /// The request is complete, but what it asks cannot be done.
    Impossible,
    /// Of an unknown type.
    Unsupported,
}

/// Reads the header of a chain and checks it against the volume. A chain without room for header
/// and status is an error of the queue, as it could not even be answered.
pub(super) fn parse(
    chain: &Chain,
    memory: &impl GuestMemory,
    volume_blocks: u64,
) -> Result<Asked, OutsideMemory> {
    let mut header = [0; 16];
    chain.read(memory, 0, &mut header)?;
    let value = u128::from_le_bytes(header);
    let word = |shift: u32| u64::try_from((value >> shift) & u128::from(u64::MAX)).unwrap_or(0);
    let (kind, sector) = (low_u32(word(0)), word(64));
    let readable = chain.length(Side::Readable).saturating_sub(HEADER_BYTES);
    let writable = chain
        .length(Side::Writable)
        .checked_sub(1)
        .ok_or(OutsideMemory)?;
    Ok(match kind {
        TYPE_IN => extent(sector, writable, volume_blocks).map_or(Asked::Impossible, Asked::Read),
        TYPE_OUT => extent(sector, readable, volume_blocks).map_or(Asked::Impossible, Asked::Write),
        TYPE_FLUSH => Asked::Flush,
        TYPE_GET_ID => Asked::GetId,
        _ => Asked::Unsupported,
    })
}

/// Whole blocks inside the volume, at least one.
fn extent(sector: u64, bytes: u64, volume_blocks: u64) -> Option<Extent> {
    let block_bytes = u64::from(BLOCK_BYTES);
    let whole = sector.is_multiple_of(SECTORS_PER_BLOCK) && bytes.is_multiple_of(block_bytes);
    if !whole || bytes == 0 {
        return None;
    }
    let (first, count) = (sector / SECTORS_PER_BLOCK, bytes / block_bytes);
    (first.checked_add(count)? <= volume_blocks).then_some(Extent { first, count })
}
