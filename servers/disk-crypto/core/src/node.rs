//! Nodes of the tree: 96 entries in one block.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::BLOCK_SIZE;
use crate::entry::Entry;
use crate::layout::{ENTRIES_PER_NODE, FAN_OUT};

/// Names a node, or, on level 0, a data block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeId {
    /// Levels above the data: 1 is a leaf.
    pub(crate) level: u8,
    /// Number within the level.
    pub(crate) index: u64,
}

impl NodeId {
    /// A data block, as the tree sees it.
    pub(crate) fn block(block: u64) -> Self {
        Self {
            level: 0,
            index: block,
        }
    }

    /// The node whose entries name this one.
    pub(crate) fn parent(self) -> Self {
        Self {
            level: self.level + 1,
            index: self.index / FAN_OUT,
        }
    }

    /// Which of its parent's entries names this node.
    pub(crate) fn position(self) -> usize {
        (self.index % FAN_OUT) as usize
    }
}

/// A node in memory and, sealed, on the disk.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Node {
    /// One for each child.
    pub(crate) entries: [Entry; ENTRIES_PER_NODE],
    reserved: [u8; 64],
}

const _: () = assert!(size_of::<Node>() == BLOCK_SIZE);

impl Node {
    /// A node whose children were never written.
    pub(crate) const EMPTY: Self = Self {
        entries: [Entry::NEVER; ENTRIES_PER_NODE],
        reserved: [0; 64],
    };
}
