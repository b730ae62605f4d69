//! Reading blocks.

use crate::BLOCK_SIZE;
use crate::device::BlockDevice;
use crate::entry::Entry;
use crate::error::Error;
use crate::keys::Subject;
use crate::layout::{Layout, bytes};
use crate::node::NodeId;
use crate::state::{Missing, State};
use crate::volume::Volume;

/// Blocks that are fetched with one request to the device.
pub(crate) const MAX_RUN: usize = 16;

/// Blocks whose current versions lie one after the other.
struct Stretch {
    entries: [Entry; MAX_RUN],
    length: usize,
}

impl<D: BlockDevice> Volume<D> {
    /// Fills `data` (whole blocks) from block `first` on. Blocks that were never written are zeroes.
    pub async fn read(&self, first: u64, data: &mut [u8]) -> Result<(), Error> {
        self.check_range(first, data.len())?;
        let mut next = first;
        let mut rest = data;
        while !rest.is_empty() {
            let done = self.read_stretch(next, rest).await?;
            next += done as u64;
            rest = &mut rest[bytes(done)..];
        }
        Ok(())
    }

    /// Where on the device the current version of a block lies; `None` if it was never written.
    pub async fn locate(&self, block: u64) -> Result<Option<u64>, Error> {
        self.check_range(block, BLOCK_SIZE)?;
        let entry = self
            .with_nodes(|state, layout| state.entry(NodeId::block(block), layout))
            .await?;
        let zone = self.layout.zone_of(block);
        Ok(entry.place().map(|place| self.layout.place(zone, place)))
    }

    /// Reads as many blocks as one request can fetch; returns how many. None, if it must be tried again.
    async fn read_stretch(&self, first: u64, data: &mut [u8]) -> Result<usize, Error> {
        let limit = (data.len() / BLOCK_SIZE).min(MAX_RUN);
        let stretch = self
            .with_nodes(|state, layout| Stretch::find(state, layout, first, limit))
            .await?;
        let data = &mut data[..bytes(stretch.length)];
        let Some(place) = stretch.entries[0].place() else {
            data.fill(0);
            return Ok(stretch.length);
        };
        let zone = self.layout.zone_of(first);
        self.device
            .read(self.layout.place(zone, place), data)
            .await?;
        let entries = &stretch.entries[..stretch.length];
        let mut block = first;
        for (entry, data) in entries.iter().zip(data.chunks_exact_mut(BLOCK_SIZE)) {
            let subject = Subject::Block(block);
            if self
                .keys
                .open(subject, &entry.nonce, &entry.tag, data)
                .is_err()
            {
                self.check_outdated_block(block, entry).await?;
                break;
            }
            block += 1;
        }
        Ok(usize::try_from(block - first).unwrap_or(0))
    }

    /// A block that does not open is no forgery if it was written anew while it was being read.
    async fn check_outdated_block(&self, block: u64, read_as: &Entry) -> Result<(), Error> {
        let current = self
            .with_nodes(|state, layout| state.entry(NodeId::block(block), layout))
            .await?;
        if current == *read_as {
            return Err(Error::TamperedBlock(block));
        }
        Ok(())
    }
}

impl Stretch {
    /// The longest stretch from `first` on that has at most `limit` blocks.
    fn find(state: &mut State, layout: &Layout, first: u64, limit: usize) -> Result<Self, Missing> {
        let zone = layout.zone_of(first);
        let entry = state.entry(NodeId::block(first), layout)?;
        let mut stretch = Self {
            entries: [entry; MAX_RUN],
            length: 1,
        };
        for (block, length) in (first + 1..).zip(1..limit) {
            if layout.zone_of(block) != zone {
                break;
            }
            let entry = state.entry(NodeId::block(block), layout)?;
            if !follows(&stretch.entries[length - 1], &entry) {
                break;
            }
            stretch.entries[length] = entry;
            stretch.length += 1;
        }
        Ok(stretch)
    }
}

/// Whether one request can fetch both.
fn follows(before: &Entry, after: &Entry) -> bool {
    match (before.place(), after.place()) {
        (None, None) => true,
        (Some(before), Some(after)) => before + 1 == after,
        _ => false,
    }
}
