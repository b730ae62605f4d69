//! What the engine knows in memory, between two waits.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::cache::Cache;
use crate::entry::Entry;
use crate::keys::Randomness;
use crate::layout::{ENTRIES_PER_NODE, Layout};
use crate::node::{Node, NodeId};
use crate::root::Root;
use crate::zone::{Run, Zone};

/// Blocks that may change between two commits.
const MAX_UNCOMMITTED: usize = 4096;
/// Leaves that may change between two checkpoints. Part of the format: recovery needs as many in memory.
const MAX_DIRTY_LEAVES: usize = 1024;
/// Zones whose free places are kept in memory (3.2 KiB each).
const MAX_ZONES: usize = 256;

/// A node has to be fetched from the disk first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Missing {
    pub(crate) id: NodeId,
    pub(crate) entry: Entry,
}

/// A place in a zone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ZonePlace {
    pub(crate) zone: u64,
    pub(crate) place: u16,
}

/// Everything that changes.
pub(crate) struct State {
    pub(crate) cache: Cache,
    /// What the root records on the disk say.
    pub(crate) root: Root,
    /// Blocks written since the last commit.
    pub(crate) uncommitted: BTreeMap<u64, Entry>,
    /// Places that nothing needs any more once the next commit is durable.
    retired: Vec<ZonePlace>,
    zones: BTreeMap<u64, Zone>,
    pub(crate) randomness: Randomness,
    /// A device failure left it open what is on the disk: nothing may be written any more.
    pub(crate) read_only: bool,
}

impl State {
    pub(crate) fn new(root: Root, cache_nodes: usize, randomness: Randomness) -> Self {
        Self {
            cache: Cache::new(cache_nodes),
            root,
            uncommitted: BTreeMap::new(),
            retired: Vec::new(),
            zones: BTreeMap::new(),
            randomness,
            read_only: false,
        }
    }

    /// The current version of a block or node.
    pub(crate) fn entry(&mut self, id: NodeId, layout: &Layout) -> Result<Entry, Missing> {
        if id == layout.top() {
            return Ok(self.root.tree);
        }
        let parent = id.parent();
        if let Some(node) = self.cache.get(parent) {
            return Ok(node.entries[id.position()]);
        }
        let entry = self.entry(parent, layout)?;
        match entry.place() {
            None => Ok(Entry::NEVER),
            Some(_) => Err(Missing { id: parent, entry }),
        }
    }

    /// Makes the leaf of `block`, and all above it, ready to be changed.
    pub(crate) fn prepare_leaf(&mut self, block: u64, layout: &Layout) -> Result<(), Missing> {
        let leaf = NodeId::block(block).parent();
        if self.cache.is_dirty(leaf) {
            return Ok(());
        }
        let mut path = Vec::new();
        let mut id = leaf;
        while id != layout.top() {
            path.push(id);
            id = id.parent();
        }
        path.push(id);
        for &id in path.iter().rev() {
            if self.cache.get(id).is_none() {
                let entry = self.entry(id, layout)?;
                if entry.place().is_some() {
                    return Err(Missing { id, entry });
                }
                self.cache.insert_clean(id, Box::new(Node::EMPTY));
            }
            self.cache.mark_dirty(id);
        }
        Ok(())
    }

    /// Makes the free places of a zone known.
    pub(crate) fn prepare_zone(&mut self, number: u64, layout: &Layout) -> Result<(), Missing> {
        if self.zones.contains_key(&number) {
            return Ok(());
        }
        let (first, end) = layout.zone_blocks(number);
        let leaf_starts = || (first..end).step_by(ENTRIES_PER_NODE);
        let mut zone = Zone::new(layout.zone_places(number));
        for start in leaf_starts() {
            // Fetches the leaf if it exists; one that does not takes no places.
            self.entry(NodeId::block(start), layout)?;
            if let Some(leaf) = self.cache.get(NodeId::block(start).parent()) {
                leaf.entries
                    .iter()
                    .filter_map(Entry::place)
                    .for_each(|place| zone.take(place));
            }
        }
        self.zones.insert(number, zone);
        Ok(())
    }

    /// Takes places for up to `length` blocks from `block` on, all in one zone.
    pub(crate) fn allocate(&mut self, block: u64, length: u16, layout: &Layout) -> Option<Run> {
        let number = layout.zone_of(block);
        let preferred = u16::try_from(block - layout.zone_blocks(number).0).ok()?;
        self.zones.get_mut(&number)?.allocate(preferred, length)
    }

    /// Notes that a block's new version has been written to the disk.
    pub(crate) fn record(&mut self, block: u64, entry: Entry, layout: &Layout) {
        let id = NodeId::block(block);
        let Some(leaf) = self.cache.get(id.parent()) else {
            // The leaf was made dirty before the write began, and dirty nodes stay.
            debug_assert!(false, "the leaf of block {block} is gone");
            self.read_only = true;
            return;
        };
        let old = core::mem::replace(&mut leaf.entries[id.position()], entry);
        let was_uncommitted = self.uncommitted.insert(block, entry).is_some();
        let zone = layout.zone_of(block);
        match old.place() {
            Some(place) if was_uncommitted => self.release(ZonePlace { zone, place }),
            Some(place) => self.retired.push(ZonePlace { zone, place }),
            None => {}
        }
    }

    /// Keeps places out of use until the next commit.
    pub(crate) fn retire(&mut self, zone: u64, run: Run) {
        let places = run.first..run.first + run.length;
        self.retired
            .extend(places.map(|place| ZonePlace { zone, place }));
    }

    /// Whether a commit has anything to do.
    pub(crate) fn has_uncommitted(&self) -> bool {
        !self.uncommitted.is_empty() || !self.retired.is_empty()
    }

    /// Whether so much has changed that a commit is due before more does.
    pub(crate) fn is_commit_due(&self) -> bool {
        self.uncommitted.len() >= MAX_UNCOMMITTED || self.is_checkpoint_due()
    }

    /// Whether the next commit should write the tree rather than the log.
    pub(crate) fn is_checkpoint_due(&self) -> bool {
        self.cache.dirty_leaves() >= MAX_DIRTY_LEAVES
    }

    /// Notes that `root` is durable.
    pub(crate) fn committed(&mut self, root: Root) {
        self.root = root;
        self.uncommitted.clear();
        for place in core::mem::take(&mut self.retired) {
            self.release(place);
        }
        if self.zones.len() > MAX_ZONES {
            self.zones.clear();
        }
    }

    fn release(&mut self, place: ZonePlace) {
        if let Some(zone) = self.zones.get_mut(&place.zone) {
            zone.release(place.place);
        }
    }
}
