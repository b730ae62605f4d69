//! An open volume: what its users call.

use core::cell::{RefCell, RefMut};

use crate::BLOCK_SIZE;
use crate::device::BlockDevice;
use crate::error::Error;
use crate::keys::Keys;
use crate::layout::Layout;
use crate::node::{Node, NodeId};
use crate::part::Parts;
use crate::state::{Missing, State};
use crate::tasks::Gate;

pub use crate::keys::{MasterKey, Randomness, VolumeId};
pub use crate::recovery::Opened;

/// An open volume. Its methods take `&self`, so that many requests can be in flight.
pub struct Volume<D> {
    pub(crate) device: D,
    pub(crate) layout: Layout,
    pub(crate) parts: Parts,
    pub(crate) keys: Keys,
    pub(crate) state: RefCell<State>,
    /// Writes pass it together, a commit alone. Reads need not: they see blocks that are complete.
    pub(crate) gate: Gate,
}

impl<D: BlockDevice> Volume<D> {
    /// Whose blocks are whose: who serves several clients keeps each to its part.
    pub fn parts(&self) -> Parts {
        self.parts
    }

    /// Blocks that the volume offers, to all clients together.
    pub fn block_count(&self) -> u64 {
        self.layout.block_count()
    }

    /// The device below.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// Blocks in `data`, if they lie within the volume.
    pub(crate) fn check_range(&self, first: u64, length: usize) -> Result<(), Error> {
        let blocks = u64::try_from(length / BLOCK_SIZE).map_err(|_| Error::OutOfRange)?;
        let end = first.checked_add(blocks).ok_or(Error::OutOfRange)?;
        if end > self.block_count() || !length.is_multiple_of(BLOCK_SIZE) {
            return Err(Error::OutOfRange);
        }
        Ok(())
    }

    /// Looks something up in memory, fetching nodes until everything that it needs is there.
    pub(crate) async fn with_nodes<T>(
        &self,
        mut look_up: impl FnMut(&mut State, &Layout) -> Result<T, Missing>,
    ) -> Result<T, Error> {
        loop {
            let missing = match look_up(&mut self.state(), &self.layout) {
                Ok(found) => return Ok(found),
                Err(missing) => missing,
            };
            self.fetch(missing).await?;
        }
    }

    /// The engine's memory; never held across a wait.
    pub(crate) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    async fn fetch(&self, missing: Missing) -> Result<(), Error> {
        let Missing { id, entry } = missing;
        let Some(twin) = entry.place() else {
            return Ok(());
        };
        let mut node = alloc::boxed::Box::new(Node::EMPTY);
        let bytes = zerocopy::IntoBytes::as_mut_bytes(&mut *node);
        self.device.read(self.layout.node(id, twin), bytes).await?;
        let opened = self.keys.open(subject(id), &entry.nonce, &entry.tag, bytes);
        if opened.is_err() {
            return self.check_outdated(id, missing);
        }
        self.state().cache.insert_clean(id, node);
        Ok(())
    }

    /// A node that does not open is no forgery if it was written anew while it was being read.
    fn check_outdated(&self, id: NodeId, read_as: Missing) -> Result<(), Error> {
        let mut state = self.state();
        let is_current = state
            .entry(id, &self.layout)
            .is_ok_and(|entry| entry == read_as.entry);
        if is_current && state.cache.get(id).is_none() {
            return Err(Error::TamperedNode {
                level: id.level,
                index: id.index,
            });
        }
        Ok(())
    }
}

pub(crate) fn subject(id: NodeId) -> crate::keys::Subject {
    crate::keys::Subject::Node {
        level: id.level,
        index: id.index,
    }
}
