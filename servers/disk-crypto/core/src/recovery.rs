//! Opening a volume, after an orderly end or a power cut alike.

use core::cell::RefCell;

use crate::BLOCK_SIZE;
use crate::device::BlockDevice;
use crate::error::{Error, OpenError};
use crate::keys::{Keys, Randomness};
use crate::layout::{LOG_BLOCKS, Layout, Replica};
use crate::log::{Place, Record};
use crate::node::NodeId;
use crate::root::Root;
use crate::state::State;
use crate::tasks::Gate;
use crate::unlock::Unlocked;
use crate::volume::Volume;

use alloc::boxed::Box;
use alloc::vec::Vec;

/// What opening a volume found to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// A copy of the header was damaged or out of date and was rewritten.
    pub repaired_header: bool,
    /// A copy of the root record was damaged or out of date and was rewritten.
    pub repaired_root: bool,
    /// Records of the log that were read.
    pub log_records: u32,
}

/// A genuine copy of the root record.
struct Candidate {
    replica: Replica,
    root: Root,
    block: Box<[u8; BLOCK_SIZE]>,
}

impl<D: BlockDevice> Volume<D> {
    /// Opens an unlocked volume with room for about `cache_nodes` tree nodes (4 KiB each) in memory. The master key
    /// is erased.
    pub async fn open(
        device: D,
        mut unlocked: Unlocked,
        cache_nodes: usize,
        randomness: Randomness,
    ) -> Result<(Self, Opened), OpenError> {
        let repaired_header = unlocked.repair(&device).await?;
        let keys = unlocked.keys();
        let layout = unlocked.header().layout.clone();
        let parts = unlocked.header().parts;
        drop(unlocked);

        let candidates = read_roots(&device, &layout, &keys).await?;
        let mut error = OpenError::NoRoot;
        for candidate in &candidates {
            let Some(log) = read_log(&device, &layout, &keys, &candidate.root).await? else {
                error = OpenError::ForgedLog;
                continue;
            };
            let repaired_root = candidate.settle(&candidates, &device, &layout).await?;
            let volume = Self {
                state: RefCell::new(State::new(candidate.root, cache_nodes, randomness)),
                device,
                layout,
                parts,
                keys,
                gate: Gate::default(),
            };
            volume.replay(&log).await.map_err(|error| match error {
                Error::Device => OpenError::Device,
                other => OpenError::Tree(other),
            })?;
            let log_records = candidate.root.log_length;
            let opened = Opened {
                repaired_header,
                repaired_root,
                log_records,
            };
            return Ok((volume, opened));
        }
        Err(error)
    }

    /// Brings the tree in memory up to date with the log.
    async fn replay(&self, log: &[Box<Record>]) -> Result<(), Error> {
        for change in log.iter().flat_map(|record| record.changes()) {
            let block = change.block.get();
            if block >= self.layout.block_count() {
                return Err(Error::OutOfRange);
            }
            self.with_nodes(|state, layout| {
                state.prepare_leaf(block, layout)?;
                let id = NodeId::block(block);
                if let Some(leaf) = state.cache.get(id.parent()) {
                    leaf.entries[id.position()] = change.entry;
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}

impl Candidate {
    /// Makes both root records equal to this one, before anything else is written; says whether they were not.
    ///
    /// From then on a torn write of either leaves the other.
    async fn settle(
        &self,
        candidates: &[Self],
        device: &impl BlockDevice,
        layout: &Layout,
    ) -> Result<bool, OpenError> {
        let other = self.replica.other();
        let is_intact = candidates
            .iter()
            .any(|candidate| candidate.replica == other && candidate.block == self.block);
        if is_intact {
            return Ok(false);
        }
        // After a restart without a power cut this record and what it speaks of may still be on their way
        // to the medium.
        device.flush().await?;
        device.write(layout.root(other), &*self.block).await?;
        device.flush().await?;
        Ok(true)
    }
}

/// The genuine root records, the newest first.
async fn read_roots(
    device: &impl BlockDevice,
    layout: &Layout,
    keys: &Keys,
) -> Result<Vec<Candidate>, OpenError> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for replica in Replica::BOTH {
        let mut block = Box::new([0; BLOCK_SIZE]);
        device.read(layout.root(replica), &mut *block).await?;
        if let Some(root) = Root::decode(&block, keys) {
            let is_newest = candidates
                .first()
                .is_some_and(|other| root.is_newer_than(&other.root));
            let at = if is_newest { 0 } else { candidates.len() };
            candidates.insert(
                at,
                Candidate {
                    replica,
                    root,
                    block,
                },
            );
        }
    }
    Ok(candidates)
}

/// The records that the root speaks of; `None` if they are not there.
async fn read_log(
    device: &impl BlockDevice,
    layout: &Layout,
    keys: &Keys,
    root: &Root,
) -> Result<Option<Vec<Box<Record>>>, OpenError> {
    let mut records = Vec::new();
    let mut previous = [0; 16];
    for position in 0..root.log_length.min(LOG_BLOCKS) {
        let mut block = [0; BLOCK_SIZE];
        device.read(layout.log(position), &mut block).await?;
        let place = Place {
            generation: root.generation,
            position,
            previous,
        };
        let Ok(record) = Record::decode(&block, &place, keys) else {
            return Ok(None);
        };
        previous = record.tag();
        records.push(record);
    }
    Ok((previous == root.log_tail).then_some(records))
}
