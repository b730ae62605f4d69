//! Requests in flight and the slots that carry their pieces.

use alloc::{boxed::Box, vec::Vec};

use super::{
    registers::{SEGMENTS, STATUS_OK},
    request::Extent,
};
use crate::{
    host::{BLOCK_BYTES, BlockOperation},
    virtio::chain::Chain,
};

/// A request of the driver that is being served.
pub(super) struct InFlight {
    pub(super) chain: Chain,
    pub(super) active: bool,
    /// The driver reset the device meanwhile: finish, but answer nobody.
    pub(super) orphaned: bool,
    pub(super) operation: BlockOperation,
    pub(super) extent: Extent,
    /// Blocks handed to the channel.
    pub(super) submitted: u64,
    /// Pieces in the channel.
    pub(super) outstanding: usize,
    pub(super) status: u8,
    /// Order of arrival, so that pieces are submitted first come, first served.
    pub(super) turn: u64,
}

impl InFlight {
    pub(super) fn idle() -> Self {
        Self {
            chain: Chain::new(),
            active: false,
            orphaned: false,
            operation: BlockOperation::Flush,
            extent: Extent { first: 0, count: 0 },
            submitted: 0,
            outstanding: 0,
            status: STATUS_OK,
            turn: 0,
        }
    }

    /// Whether everything was handed to the channel, or nothing more will be.
    pub(super) fn is_submitted(&self) -> bool {
        self.submitted >= self.extent.count.max(1) || self.status != STATUS_OK || self.orphaned
    }
}

/// What a slot of the channel carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Index of the request.
    pub(super) request: usize,
    /// Where its data lies in the request's.
    pub(super) offset: u64,
    /// Blocks.
    pub(super) count: u32,
}

/// The block device.
pub(crate) struct Block {
    pub(super) block_count: u64,
    pub(super) requests: Box<[InFlight]>,
    pub(super) slots: Box<[Option<Piece>]>,
    pub(super) next_turn: u64,
    /// Pieces wait because all slots were taken.
    pub(super) starved: bool,
    configuration: [u8; CONFIGURATION_BYTES],
}

/// Capacity u64, size_max u32, seg_max u32, geometry u32, blk_size u32.
const CONFIGURATION_BYTES: usize = 24;

impl Block {
    /// A device over a volume of `block_count` blocks and a channel of `slots` slots.
    pub(crate) fn new(block_count: u64, slots: usize) -> Self {
        let mut configuration = [0; CONFIGURATION_BYTES];
        configuration[0..8].copy_from_slice(&block_count.saturating_mul(8).to_le_bytes());
        configuration[12..16].copy_from_slice(&SEGMENTS.to_le_bytes());
        configuration[20..24].copy_from_slice(&BLOCK_BYTES.to_le_bytes());
        Self {
            block_count,
            requests: (0..slots)
                .map(|_| InFlight::idle())
                .collect::<Vec<_>>()
                .into(),
            slots: (0..slots).map(|_| None).collect::<Vec<_>>().into(),
            next_turn: 0,
            starved: false,
            configuration,
        }
    }

    pub(super) fn configuration_bytes(&self) -> &[u8] {
        &self.configuration
    }
}
