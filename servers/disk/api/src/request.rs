//! The client's side of the conversation.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{BLOCK_SIZE, Geometry, MAX_BLOCKS, Refusal};

/// What a request asks for. The number is what travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Operation {
    /// Fetch blocks into the server's data area.
    Read = 0,
    /// Store blocks from the client's data area.
    Write = 1,
    /// Make every write that has completed survive a power cut.
    Flush = 2,
    /// Put a [`Geometry`] into the server's data area.
    Geometry = 3,
}

/// One request (24 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Request {
    /// The first block.
    pub block: u64,
    /// Chosen by the client, returned in the completion.
    pub id: u32,
    /// The number of an [`Operation`].
    pub operation: u32,
    /// Blocks to move: 1 to [`MAX_BLOCKS`] for reads and writes; otherwise not looked at.
    pub count: u32,
    /// Where the data lies in the data area, in bytes; a multiple of [`BLOCK_SIZE`].
    pub data: u32,
}

/// A request that asks for something possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckedRequest {
    /// Fetch `blocks` blocks from `first` on to `data` in the server's area.
    Read {
        /// The first block.
        first: u64,
        /// Blocks to fetch, at least one.
        blocks: usize,
        /// Offset in the data area, in bytes.
        data: usize,
    },
    /// Store `blocks` blocks at `first` from `data` in the client's area.
    Write {
        /// The first block.
        first: u64,
        /// Blocks to store, at least one.
        blocks: usize,
        /// Offset in the data area, in bytes.
        data: usize,
    },
    /// Make completed writes durable.
    Flush,
    /// Put the geometry at `data` in the server's area.
    Geometry {
        /// Offset in the data area, in bytes.
        data: usize,
    },
}

impl Request {
    /// What the request asks of a device of `block_count` blocks over data areas of `area_size` bytes.
    pub fn check(&self, block_count: u64, area_size: usize) -> Result<CheckedRequest, Refusal> {
        match self.operation {
            0 => self
                .checked_range(block_count, area_size)
                .map(|(blocks, data)| CheckedRequest::Read {
                    first: self.block,
                    blocks,
                    data,
                }),
            1 => self
                .checked_range(block_count, area_size)
                .map(|(blocks, data)| CheckedRequest::Write {
                    first: self.block,
                    blocks,
                    data,
                }),
            2 => Ok(CheckedRequest::Flush),
            3 => self
                .checked_place(Geometry::SIZE, area_size)
                .map(|data| CheckedRequest::Geometry { data }),
            _ => Err(Refusal::OutOfRange),
        }
    }

    fn checked_range(&self, block_count: u64, area_size: usize) -> Result<(usize, usize), Refusal> {
        let end = self.block.checked_add(u64::from(self.count));
        let inside = end.is_some_and(|end| end <= block_count);
        if !inside || self.count == 0 || self.count > MAX_BLOCKS {
            return Err(Refusal::OutOfRange);
        }
        let blocks = self.count as usize;
        let data = self.checked_place(blocks * BLOCK_SIZE, area_size)?;
        Ok((blocks, data))
    }

    fn checked_place(&self, size: usize, area_size: usize) -> Result<usize, Refusal> {
        let data = self.data as usize;
        let inside = data.checked_add(size).is_some_and(|end| end <= area_size);
        if inside && data.is_multiple_of(BLOCK_SIZE) {
            Ok(data)
        } else {
            Err(Refusal::OutOfRange)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DATA_AREA_SIZE;

    const READ: Request = Request {
        block: 8,
        id: 1,
        operation: Operation::Read as u32,
        count: 2,
        data: 4096,
    };

    fn check(request: Request) -> Result<CheckedRequest, Refusal> {
        request.check(10, DATA_AREA_SIZE)
    }

    #[test]
    fn legal_requests_pass() {
        let read = CheckedRequest::Read {
            first: 8,
            blocks: 2,
            data: 4096,
        };
        assert_eq!(check(READ), Ok(read));
        let geometry = Request {
            operation: Operation::Geometry as u32,
            ..READ
        };
        assert_eq!(check(geometry), Ok(CheckedRequest::Geometry { data: 4096 }));
    }

    #[test]
    fn wild_requests_are_refused() {
        let last_block = u32::try_from(DATA_AREA_SIZE - BLOCK_SIZE).expect("areas are small");
        let wild = [
            Request { block: 9, ..READ },
            Request {
                block: u64::MAX,
                ..READ
            },
            Request { count: 0, ..READ },
            Request {
                count: MAX_BLOCKS + 1,
                block: 0,
                ..READ
            },
            Request {
                count: u32::MAX,
                ..READ
            },
            Request { data: 1, ..READ },
            Request {
                data: last_block,
                ..READ
            },
            Request {
                data: u32::MAX,
                ..READ
            },
            Request {
                operation: 4,
                ..READ
            },
            Request {
                operation: 3,
                data: u32::MAX - 4095,
                ..READ
            },
        ];
        for request in wild {
            assert_eq!(check(request), Err(Refusal::OutOfRange), "{request:?}");
        }
    }
}
