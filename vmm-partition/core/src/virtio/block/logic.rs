//! From chains to pieces in the channel, and back.

use super::{
    registers::{
        FEATURE_BLK_SIZE, FEATURE_FLUSH, FEATURE_SEG_MAX, HEADER_BYTES, ID, STATUS_IO_ERROR,
        STATUS_OK, STATUS_UNSUPPORTED,
    },
    request::{Asked, Extent, parse},
    state::{Block, InFlight, Piece},
};
use crate::{
    guest_memory::OutsideMemory,
    host::{
        BLOCK_BYTES, BLOCKS_PER_REQUEST, BlockChannel, BlockCompletion, BlockOperation,
        BlockRequest, Host, Kicked, SlotRange,
    },
    number::low_u32,
    virtio::{
        chain::Side,
        device::Device,
        queue::{Queue, QueueError},
    },
};

impl Device for Block {
    const TYPE: u16 = 2;
    /// Mass storage, other.
    const CLASS: u32 = 0x01_80_00;
    const QUEUES: u16 = 1;

    fn features(&self) -> u64 {
        FEATURE_SEG_MAX | FEATURE_BLK_SIZE | FEATURE_FLUSH
    }

    fn configuration(&self) -> &[u8] {
        self.configuration_bytes()
    }

    fn reset(&mut self) {
        for request in &mut self.requests {
            request.orphaned = true;
            if request.outstanding == 0 {
                request.active = false;
            }
        }
    }

    fn process<H: Host>(
        &mut self,
        queues: &mut [Queue],
        _: u64,
        host: &mut H,
    ) -> Result<(), QueueError> {
        let [queue] = queues else {
            return Ok(());
        };
        // The guest does not run meanwhile, so what it asks for comes to an end.
        loop {
            self.finish(queue, host)?;
            self.submit_waiting(host);
            self.take_requests(queue, host)?;
            match host.block().map(|channel| channel.kick()) {
                Some(Kicked::LookAgain) => {}
                Some(Kicked::NotNeeded) | None => return Ok(()),
            }
        }
    }
}

impl Block {
    /// Takes what the driver made available, as long as there is room for it.
    fn take_requests<H: Host>(
        &mut self,
        queue: &mut Queue,
        host: &mut H,
    ) -> Result<(), QueueError> {
        while let Some(index) = self.requests.iter().position(|request| !request.active) {
            let request = &mut self.requests[index];
            if !queue.pop(host.memory(), &mut request.chain)? {
                break;
            }
            if self.begin(index, host)? {
                self.submit(index, host);
            }
            self.answer_if_done(index, queue, host)?;
        }
        Ok(())
    }

    /// Takes the channel's completions.
    fn finish<H: Host>(&mut self, queue: &mut Queue, host: &mut H) -> Result<(), QueueError> {
        while let Some(completion) = host.block().and_then(|channel| channel.complete()) {
            let piece = self.slots.get_mut(completion.slot).and_then(Option::take);
            let Some(piece) = piece else {
                continue;
            };
            self.finish_piece(piece, completion, host);
            self.answer_if_done(piece.request, queue, host)?;
        }
        Ok(())
    }

    fn finish_piece<H: Host>(&mut self, piece: Piece, completion: BlockCompletion, host: &mut H) {
        let request = &mut self.requests[piece.request];
        request.outstanding -= 1;
        if request.orphaned {
            return;
        }
        let delivered = match completion.result {
            Err(_) => false,
            Ok(()) if request.operation == BlockOperation::Read => host
                .block()
                .is_some_and(|channel| drain(request, channel, completion.slot, piece).is_ok()),
            Ok(()) => true,
        };
        if !delivered {
            request.status = STATUS_IO_ERROR;
        }
    }

    /// Starts the request in `chain`; false if it is already answered by its status.
    fn begin<H: Host>(&mut self, index: usize, host: &mut H) -> Result<bool, QueueError> {
        let request = &mut self.requests[index];
        request.active = true;
        request.orphaned = false;
        request.submitted = 0;
        request.outstanding = 0;
        request.status = STATUS_OK;
        request.operation = BlockOperation::Flush;
        request.extent = Extent { first: 0, count: 0 };
        request.turn = self.next_turn;
        self.next_turn += 1;
        match parse(&request.chain, host.memory(), self.block_count)? {
            Asked::Read(extent) => {
                (request.operation, request.extent) = (BlockOperation::Read, extent)
            }
            Asked::Write(extent) => {
                (request.operation, request.extent) = (BlockOperation::Write, extent);
            }
            Asked::Flush => {}
            Asked::GetId => {
                let room = request.chain.length(Side::Writable) - 1;
                let length = usize::try_from(room).unwrap_or(0).min(ID.len());
                request.chain.write(host.memory(), 0, &ID[..length])?;
                request.submitted = 1;
                return Ok(false);
            }
            Asked::Impossible => request.status = STATUS_IO_ERROR,
            Asked::Unsupported => request.status = STATUS_UNSUPPORTED,
        }
        Ok(request.status == STATUS_OK)
    }

    /// Submits what earlier requests could not, oldest first.
    fn submit_waiting<H: Host>(&mut self, host: &mut H) {
        if !self.starved {
            return;
        }
        self.starved = false;
        while let Some(index) = self.oldest_waiting() {
            let before = self.requests[index].submitted;
            self.submit(index, host);
            if self.requests[index].submitted == before {
                return;
            }
        }
    }

    fn oldest_waiting(&self) -> Option<usize> {
        let waiting = |request: &InFlight| request.active && !request.is_submitted();
        (0..self.requests.len())
            .filter(|&index| waiting(&self.requests[index]))
            .min_by_key(|&index| self.requests[index].turn)
    }

    /// Hands as many pieces of a request to the channel as slots are free.
    fn submit<H: Host>(&mut self, index: usize, host: &mut H) {
        while !self.requests[index].is_submitted() {
            let Some(slot) = self.slots.iter().position(Option::is_none) else {
                self.starved = true;
                return;
            };
            let request = &mut self.requests[index];
            let left = request.extent.count - request.submitted.min(request.extent.count);
            let count = low_u32(left.min(u64::from(BLOCKS_PER_REQUEST)));
            let piece = Piece {
                request: index,
                offset: request.submitted * u64::from(BLOCK_BYTES),
                count,
            };
            let submitted = host
                .block()
                .is_some_and(|channel| submit_piece(request, channel, slot, piece).is_ok());
            if submitted {
                request.submitted += u64::from(count).max(1);
                request.outstanding += 1;
                self.slots[slot] = Some(piece);
            } else {
                request.status = STATUS_IO_ERROR;
            }
        }
    }

    /// Answers a request whose last piece ended.
    fn answer_if_done<H: Host>(
        &mut self,
        index: usize,
        queue: &mut Queue,
        host: &mut H,
    ) -> Result<(), QueueError> {
        let request = &mut self.requests[index];
        if !request.active || request.outstanding > 0 || !request.is_submitted() {
            return Ok(());
        }
        request.active = false;
        if request.orphaned {
            return Ok(());
        }
        let length = request.chain.length(Side::Writable);
        let status_at = length.checked_sub(1).ok_or(QueueError::Length)?;
        request
            .chain
            .write(host.memory(), status_at, &[request.status])?;
        let written = u32::try_from(length).unwrap_or(u32::MAX);
        queue.push_used(host.memory(), request.chain.head, written)
    }
}

/// Copies a piece's data if it is a write, and puts it into the channel.
fn submit_piece(
    request: &InFlight,
    channel: &mut dyn BlockChannel,
    slot: usize,
    piece: Piece,
) -> Result<(), PieceError> {
    if request.operation == BlockOperation::Write {
        let length = u64::from(piece.count) * u64::from(BLOCK_BYTES);
        let offset = HEADER_BYTES + piece.offset;
        let visit = |address, at, part| {
            channel.fill(
                SlotRange {
                    slot,
                    offset: low_u32(at),
                    length: low_u32(part),
                },
                address,
            )
        };
        request.chain.visit(Side::Readable, offset, length, visit)?;
    }
    let request = BlockRequest {
        slot,
        operation: request.operation,
        block: request.extent.first + piece.offset / u64::from(BLOCK_BYTES),
        count: piece.count,
    };
    channel.submit(request).map_err(|_| PieceError)
}

/// Copies a piece that was read to the guest.
fn drain(
    request: &InFlight,
    channel: &mut dyn BlockChannel,
    slot: usize,
    piece: Piece,
) -> Result<(), OutsideMemory> {
    let length = u64::from(piece.count) * u64::from(BLOCK_BYTES);
    request
        .chain
        .visit(Side::Writable, piece.offset, length, |address, at, part| {
            channel.drain(
                SlotRange {
                    slot,
                    offset: low_u32(at),
                    length: low_u32(part),
                },
                address,
            )
        })
}

/// A piece could not be handed to the channel.
struct PieceError;

impl From<OutsideMemory> for PieceError {
    fn from(_: OutsideMemory) -> Self {
        Self
    }
}
