//! How large the device behind a channel is.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What [`Operation::Geometry`](crate::Operation::Geometry) puts at the request's place in the server's data area (16 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Geometry {
    /// Blocks that the device holds.
    pub block_count: U64,
    /// Bytes in a block: always [`BLOCK_SIZE`](crate::BLOCK_SIZE).
    pub block_size: U32,
    /// Reserved: written as 0, and not looked at.
    pub flags: U32,
}

impl Geometry {
    /// Bytes that the record takes.
    pub const SIZE: usize = size_of::<Self>();

    /// The record of a device of `block_count` blocks.
    pub fn new(block_count: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "the constant is 4096")]
        let block_size = crate::BLOCK_SIZE as u32;
        Self {
            block_count: block_count.into(),
            block_size: block_size.into(),
            flags: 0.into(),
        }
    }

    /// The record from the data area. The size is an allegation of the server.
    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        zerocopy::transmute!(bytes)
    }

    /// The record as it lies in the data area.
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        zerocopy::transmute!(self)
    }
}
