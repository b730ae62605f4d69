//! Writing blocks.

use crate::BLOCK_SIZE;
use crate::device::BlockDevice;
use crate::entry::Entry;
use crate::error::Error;
use crate::keys::Subject;
use crate::layout::bytes;
use crate::read::MAX_RUN;
use crate::volume::Volume;
use crate::zone::Run;

impl<D: BlockDevice> Volume<D> {
    /// Stores `data` (whole blocks) from block `first` on; `data` is encrypted in place. After power loss
    /// each block is as before or as written; a later [`flush`](Self::flush) makes the latter certain.
    pub async fn write(&self, first: u64, data: &mut [u8]) -> Result<(), Error> {
        self.check_range(first, data.len())?;
        let mut next = first;
        let mut rest = data;
        while !rest.is_empty() {
            let done = self.write_stretch(next, rest).await?;
            next += done as u64;
            rest = &mut rest[bytes(done)..];
        }
        Ok(())
    }

    /// Writes as many blocks as one request can store; returns how many.
    async fn write_stretch(&self, first: u64, data: &mut [u8]) -> Result<usize, Error> {
        let zone = self.layout.zone_of(first);
        let zone_end = self.layout.zone_blocks(zone).1;
        let limit = (zone_end - first)
            .min((data.len() / BLOCK_SIZE) as u64)
            .min(MAX_RUN as u64);
        let inside = self.gate.enter_together().await;
        if self.state().read_only {
            return Err(Error::ReadOnly);
        }
        let run = self
            .with_nodes(|state, layout| {
                if state.is_commit_due() {
                    return Ok(None);
                }
                state.prepare_leaf(first, layout)?;
                state.prepare_leaf(first + limit - 1, layout)?;
                state.prepare_zone(zone, layout)?;
                let limit = u16::try_from(limit).unwrap_or(1);
                Ok(state.allocate(first, limit, layout))
            })
            .await?;
        let Some(run) = run else {
            drop(inside);
            self.commit().await?;
            return Ok(0);
        };
        let length = usize::from(run.length);
        self.store(first, run, &mut data[..bytes(length)]).await?;
        Ok(length)
    }

    /// Seals blocks and writes them to places that nobody else uses.
    async fn store(&self, first: u64, run: Run, data: &mut [u8]) -> Result<(), Error> {
        let entries = self.seal(first, run, data);
        let zone = self.layout.zone_of(first);
        let written = self
            .device
            .write(self.layout.place(zone, run.first), data)
            .await;
        let mut state = self.state();
        if let Err(error) = written {
            state.retire(zone, run);
            return Err(error.into());
        }
        for (block, entry) in (first..).zip(&entries[..usize::from(run.length)]) {
            state.record(block, *entry, &self.layout);
        }
        Ok(())
    }

    fn seal(&self, first: u64, run: Run, data: &mut [u8]) -> [Entry; MAX_RUN] {
        let mut entries = [Entry::NEVER; MAX_RUN];
        let mut state = self.state();
        let blocks = (first..).zip(data.chunks_exact_mut(BLOCK_SIZE));
        for ((place, entry), (block, data)) in (run.first..).zip(&mut entries).zip(blocks) {
            let nonce = state.randomness.bytes();
            let tag = self.keys.seal(Subject::Block(block), &nonce, data);
            *entry = Entry::new(place, nonce, tag);
        }
        entries
    }
}
