//! Making writes durable.
//!
//! A commit first flushes the device, so that every block that it speaks of is on the medium. Then it
//! says so: usually by records in the log, now and then (a checkpoint) by writing the changed nodes of the tree to
//! their other twins. Last come the root records, the first one flushed before the second is
//! written. Up to the moment at which the first one is complete on the medium the state before
//! counts, and nothing that belongs to it has been overwritten.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use zerocopy::IntoBytes;

use crate::BLOCK_SIZE;
use crate::device::BlockDevice;
use crate::entry::Entry;
use crate::error::Error;
use crate::layout::{LOG_BLOCKS, Replica, bytes};
use crate::log::{CHANGES_PER_RECORD, Place, Record};
use crate::node::{Node, NodeId};
use crate::root::Root;
use crate::volume::{Volume, subject};

/// Records that are written with one request.
const RECORDS_PER_WRITE: usize = 16;

impl<D: BlockDevice> Volume<D> {
    /// Makes every write that has completed survive power loss.
    pub async fn flush(&self) -> Result<(), Error> {
        self.commit().await
    }

    pub(crate) async fn commit(&self) -> Result<(), Error> {
        let _alone = self.gate.enter_alone().await;
        let (needed, read_only) = {
            let state = self.state();
            (
                state.has_uncommitted() || state.is_checkpoint_due(),
                state.read_only,
            )
        };
        match (needed, read_only) {
            // Whatever was written has been committed, so it is durable already.
            (false, _) => return Ok(()),
            (true, true) => return Err(Error::ReadOnly),
            (true, false) => {}
        }
        let committed = self.commit_alone().await;
        if committed.is_err() {
            // What is on the medium is open now, and a device may report a lost write only once.
            self.state().read_only = true;
        }
        committed
    }

    async fn commit_alone(&self) -> Result<(), Error> {
        self.device.flush().await?;
        let changes = self.uncommitted();
        let records = changes.len().div_ceil(CHANGES_PER_RECORD);
        let (root, is_checkpoint_due) = {
            let state = self.state();
            (state.root, state.is_checkpoint_due())
        };
        let free_records = LOG_BLOCKS.saturating_sub(root.log_length) as usize;
        let new_root = if is_checkpoint_due || records > free_records {
            self.checkpoint(root).await?
        } else {
            self.append_to_log(root, &changes).await?
        };
        self.write_roots(&new_root).await?;
        self.state().committed(new_root);
        Ok(())
    }

    fn uncommitted(&self) -> Vec<(u64, Entry)> {
        let state = self.state();
        let changes = state.uncommitted.iter();
        changes.map(|(&block, &entry)| (block, entry)).collect()
    }

    /// Writes the changes behind the log; returns the root that makes them count.
    async fn append_to_log(&self, mut root: Root, changes: &[(u64, Entry)]) -> Result<Root, Error> {
        for changes in changes.chunks(CHANGES_PER_RECORD * RECORDS_PER_WRITE) {
            let start = root.log_length;
            let records = changes.len().div_ceil(CHANGES_PER_RECORD);
            let mut buffer = vec![0; bytes(records)];
            let (blocks, _) = buffer.as_chunks_mut::<BLOCK_SIZE>();
            for (block, changes) in blocks.iter_mut().zip(changes.chunks(CHANGES_PER_RECORD)) {
                let place = Place {
                    generation: root.generation,
                    position: root.log_length,
                    previous: root.log_tail,
                };
                let randomness = &mut self.state().randomness;
                root.log_tail = Record::encode(changes, &place, &self.keys, randomness, block);
                root.log_length += 1;
            }
            self.device.write(self.layout.log(start), &buffer).await?;
        }
        Ok(root)
    }

    /// Writes all changed nodes, children before parents; returns the root that makes them count.
    async fn checkpoint(&self, root: Root) -> Result<Root, Error> {
        let mut root = Root {
            generation: root.generation + 1,
            log_length: 0,
            log_tail: [0; 16],
            tree: root.tree,
        };
        let dirty = self.state().cache.dirty();
        for id in dirty {
            let Some((twin, entry, node)) = self.seal_node(id, &root) else {
                continue;
            };
            self.device
                .write(self.layout.node(id, twin), node.as_bytes())
                .await?;
            if id == self.layout.top() {
                root.tree = entry;
            } else if let Some(parent) = self.state().cache.get(id.parent()) {
                parent.entries[id.position()] = entry;
            }
        }
        // The nodes must be on the medium before a root record speaks of them: a root that is
        // complete while they are not would be the newest one.
        self.device.flush().await?;
        self.state().cache.mark_all_clean();
        Ok(root)
    }

    /// A changed node, sealed, with the twin that does not count yet and the entry that will make it count.
    fn seal_node(&self, id: NodeId, root: &Root) -> Option<(u16, Entry, Box<Node>)> {
        let mut state = self.state();
        let mut node = Box::new(state.cache.get(id)?.clone());
        let current = if id == self.layout.top() {
            root.tree
        } else {
            state.cache.get(id.parent())?.entries[id.position()]
        };
        let twin = current.place().map_or(0, |twin| twin ^ 1);
        let nonce = state.randomness.bytes();
        let tag = self.keys.seal(subject(id), &nonce, node.as_mut_bytes());
        Some((twin, Entry::new(twin, nonce, tag), node))
    }

    /// Writes both root records. The second need not be flushed here: the next commit begins with a
    /// flush, and until then the first one is complete.
    async fn write_roots(&self, root: &Root) -> Result<(), Error> {
        let block = root.encode(&self.keys, &mut self.state().randomness);
        self.device
            .write(self.layout.root(Replica::First), &block)
            .await?;
        self.device.flush().await?;
        self.device
            .write(self.layout.root(Replica::Second), &block)
            .await?;
        Ok(())
    }
}
