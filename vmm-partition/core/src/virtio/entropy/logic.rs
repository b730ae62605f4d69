//! Filling buffers.

use rand_chacha::rand_core::Rng;

use super::state::Entropy;
use crate::{
    host::Host,
    number::low_u32,
    virtio::{
        chain::Side,
        device::Device,
        queue::{Queue, QueueError},
    },
};

/// Most bytes that one request gets; the driver asks again for more.
const BYTES_MAX: u64 = 4096;
/// Bytes made at a time.
const PIECE: usize = 64;

impl Device for Entropy {
    const TYPE: u16 = 4;
    /// Encryption controller, other.
    const CLASS: u32 = 0x10_80_00;
    const QUEUES: u16 = 1;

    fn features(&self) -> u64 {
        0
    }

    fn configuration(&self) -> &[u8] {
        &[]
    }

    fn reset(&mut self) {}

    fn process<H: Host>(
        &mut self,
        queues: &mut [Queue],
        _: u64,
        host: &mut H,
    ) -> Result<(), QueueError> {
        let [queue] = queues else {
            return Ok(());
        };
        // At most one turn of the queue: a driver that refills it forever does not hold the monitor.
        for _ in 0..queue.size {
            if !queue.pop(host.memory(), &mut self.chain)? {
                break;
            }
            let length = self.chain.length(Side::Writable).min(BYTES_MAX);
            self.fill(length, host)?;
            queue.push_used(host.memory(), self.chain.head, low_u32(length))?;
        }
        Ok(())
    }
}

impl Entropy {
    fn fill<H: Host>(&mut self, length: u64, host: &mut H) -> Result<(), QueueError> {
        let mut offset = 0;
        while offset < length {
            let mut bytes = [0; PIECE];
            self.generator.fill_bytes(&mut bytes);
            let part = (length - offset).min(PIECE as u64);
            let piece = usize::try_from(part).ok().and_then(|end| bytes.get(..end));
            self.chain
                .write(host.memory(), offset, piece.unwrap_or(&[]))?;
            offset += part;
        }
        Ok(())
    }
}
