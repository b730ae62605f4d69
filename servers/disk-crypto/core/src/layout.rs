//! What lies where on the device, computed from the number of blocks that the volume offers.
//!
//! ```text
//! 0        header, first copy            n-2      root record, second copy
//! 1        root record, first copy       n-1      header, second copy
//! 2..258   log
//! 258..    tree nodes, two places each (top level first)
//! then     zones: 32 leaves' worth of blocks and 192 spare places each
//! ```
//!
//! Each node has two places, its twins: the one that counts and the one to be written next. Data blocks lie
//! anywhere within their zone, so that a block is never overwritten in place; which place is free
//! follows from the leaves of that zone alone, and blocks written in order lie in order.

use crate::BLOCK_SIZE;
use crate::node::NodeId;

/// Entries in a tree node.
pub const ENTRIES_PER_NODE: usize = 96;
/// The same, for arithmetic with block numbers.
pub const FAN_OUT: u64 = ENTRIES_PER_NODE as u64;
/// Leaves that share a zone.
pub const LEAVES_PER_ZONE: u64 = 32;
/// Data blocks of a full zone.
pub const BLOCKS_PER_ZONE: u64 = LEAVES_PER_ZONE * FAN_OUT;
/// Places of a zone beyond one for each of its blocks.
pub const SPARE_PLACES: u64 = 192;
/// Blocks of the log.
pub const LOG_BLOCKS: u32 = 256;
/// The most blocks that a volume may offer: 4 PiB.
pub const MAX_BLOCK_COUNT: u64 = 1 << 40;
/// The largest device that a volume may take: 8 PiB.
const MAX_DEVICE_BLOCKS: u64 = 2 * MAX_BLOCK_COUNT;
/// Levels of the tree of the largest volume; level 0 is the data.
const MAX_HEIGHT: usize = 7;

/// Where the first copy of the header lies.
pub const FIRST_HEADER: u64 = 0;
const FIRST_ROOT: u64 = 1;
const LOG_START: u64 = 2;
const NODES_START: u64 = LOG_START + LOG_BLOCKS as u64;

/// Which of two copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replica {
    /// At the start of the device.
    First,
    /// At the end of the volume.
    Second,
}

impl Replica {
    /// Both, in the order in which they are written.
    pub const BOTH: [Self; 2] = [Self::First, Self::Second];

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// The places of everything in a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    block_count: u64,
    height: u8,
    /// First device block of each level's nodes; index 0 (the data) is unused.
    level_starts: [u64; MAX_HEIGHT + 1],
    zones_start: u64,
    device_blocks: u64,
}

impl Layout {
    /// The layout of a volume that offers `block_count` blocks (1 to [`MAX_BLOCK_COUNT`]) on a device of
    /// `device_blocks`, if it fits.
    pub fn new(block_count: u64, device_blocks: u64) -> Option<Self> {
        let smallest = Self::smallest(block_count)?;
        let fits = (smallest.device_blocks..=MAX_DEVICE_BLOCKS).contains(&device_blocks);
        fits.then_some(Self {
            device_blocks,
            ..smallest
        })
    }

    /// The layout of a volume that offers `block_count` blocks on the smallest device that will do.
    pub fn smallest(block_count: u64) -> Option<Self> {
        if block_count == 0 || block_count > MAX_BLOCK_COUNT {
            return None;
        }
        let mut node_counts = [0; MAX_HEIGHT + 1];
        let mut height = 1;
        node_counts[1] = block_count.div_ceil(FAN_OUT);
        while node_counts[height] > 1 {
            node_counts[height + 1] = node_counts[height].div_ceil(FAN_OUT);
            height += 1;
        }
        let mut level_starts = [0; MAX_HEIGHT + 1];
        let mut next = NODES_START;
        for level in (1..=height).rev() {
            level_starts[level] = next;
            next += 2 * node_counts[level];
        }
        let zones = block_count.div_ceil(BLOCKS_PER_ZONE);
        let zones_end = next + block_count + zones * SPARE_PLACES;
        Some(Self {
            block_count,
            height: u8::try_from(height).ok()?,
            level_starts,
            zones_start: next,
            device_blocks: zones_end + 2,
        })
    }

    /// The largest volume that fits on a device of `device_blocks` blocks, if any does.
    pub fn fitting(device_blocks: u64) -> Option<Self> {
        let device_blocks = device_blocks.min(MAX_DEVICE_BLOCKS);
        let fits = |block_count| {
            Self::smallest(block_count).is_some_and(|layout| layout.device_blocks <= device_blocks)
        };
        let (mut low, mut high) = (0, device_blocks.min(MAX_BLOCK_COUNT));
        while low < high {
            let middle = high - (high - low) / 2;
            if fits(middle) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Self::new(low, device_blocks)
    }

    /// Blocks that the volume offers.
    pub fn block_count(&self) -> u64 {
        self.block_count
    }

    /// Blocks of the device that the volume takes.
    pub fn device_blocks(&self) -> u64 {
        self.device_blocks
    }

    /// Where a copy of the header lies.
    pub fn header(&self, replica: Replica) -> u64 {
        match replica {
            Replica::First => FIRST_HEADER,
            Replica::Second => self.device_blocks - 1,
        }
    }

    /// Where a copy of the root record lies.
    pub fn root(&self, replica: Replica) -> u64 {
        match replica {
            Replica::First => FIRST_ROOT,
            Replica::Second => self.device_blocks - 2,
        }
    }

    /// Where a record of the log lies.
    pub fn log(&self, position: u32) -> u64 {
        LOG_START + u64::from(position)
    }

    /// The tree's top node.
    pub(crate) fn top(&self) -> NodeId {
        NodeId {
            level: self.height,
            index: 0,
        }
    }

    /// Where a twin (0 or 1) of a node lies.
    pub(crate) fn node(&self, node: NodeId, twin: u16) -> u64 {
        self.level_starts[usize::from(node.level)] + 2 * node.index + u64::from(twin & 1)
    }

    /// Where a place of a zone lies.
    pub fn place(&self, zone: u64, place: u16) -> u64 {
        self.zones_start + zone * (BLOCKS_PER_ZONE + SPARE_PLACES) + u64::from(place)
    }

    /// The zone of a block.
    pub fn zone_of(&self, block: u64) -> u64 {
        block / BLOCKS_PER_ZONE
    }

    /// The blocks of a zone: the first, and the one after the last.
    pub fn zone_blocks(&self, zone: u64) -> (u64, u64) {
        let first = zone * BLOCKS_PER_ZONE;
        (first, (first + BLOCKS_PER_ZONE).min(self.block_count))
    }

    /// Places that a zone has.
    pub fn zone_places(&self, zone: u64) -> u16 {
        let (first, end) = self.zone_blocks(zone);
        u16::try_from(end - first + SPARE_PLACES).unwrap_or(u16::MAX)
    }
}

/// Bytes in `blocks` blocks.
pub fn bytes(blocks: usize) -> usize {
    blocks * BLOCK_SIZE
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_devices_hold_no_volume() {
        let smallest = Layout::smallest(1)
            .expect("one block is legal")
            .device_blocks();
        assert_eq!(Layout::fitting(smallest - 1), None);
        assert_eq!(Layout::fitting(smallest), Layout::smallest(1));
    }

    #[test]
    fn a_256_mib_disk_offers_most_of_itself() {
        let layout = Layout::fitting(65_536).expect("256 MiB is plenty");
        assert!(layout.block_count() > 59_000, "{}", layout.block_count());
    }

    #[test]
    fn the_largest_volume_has_a_layout() {
        assert!(Layout::smallest(MAX_BLOCK_COUNT).is_some());
        assert!(Layout::smallest(MAX_BLOCK_COUNT + 1).is_none());
        assert!(Layout::fitting(u64::MAX).is_some());
    }

    proptest! {
        #[test]
        fn parts_follow_each_other_without_overlap(count in 1..=MAX_BLOCK_COUNT) {
            let layout = Layout::smallest(count).expect("within limits");
            let mut end = NODES_START;
            for level in (1..=layout.height).rev() {
                let top = NodeId { level, index: 0 };
                prop_assert_eq!(layout.node(top, 0), end);
                let last = (count - 1) / FAN_OUT.pow(u32::from(level));
                end = layout.node(NodeId { level, index: last }, 1) + 1;
            }
            prop_assert_eq!(layout.place(0, 0), end);
            let last_zone = layout.zone_of(count - 1);
            let zones_end = layout.place(last_zone, 0) + u64::from(layout.zone_places(last_zone));
            prop_assert_eq!(layout.root(Replica::Second), zones_end);
            prop_assert_eq!(layout.header(Replica::Second), zones_end + 1);
            prop_assert_eq!(layout.device_blocks(), zones_end + 2);
        }

        #[test]
        fn fitting_is_the_largest_that_fits(device in 0u64..1 << 41) {
            if let Some(layout) = Layout::fitting(device) {
                prop_assert_eq!(layout.device_blocks(), device.min(MAX_DEVICE_BLOCKS));
                let next = Layout::smallest(layout.block_count() + 1);
                prop_assert!(next.is_none_or(|next| next.device_blocks() > device));
            }
        }
    }
}
