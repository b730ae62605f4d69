//! The channel to the guest's volume: requests to `disk-crypto`, each with a slot of the data areas of its own.

use block_api::{
    BLOCK_SIZE, Completion, DATA_AREA_SIZE, Geometry, LOOKS_BY_ITSELF, MAX_BLOCKS, Operation,
    QUEUE_LENGTH, Refusal, Request,
};
use runtime::{
    Component, Notification, println,
    shared_memory::{Channel, OpenError, Receiver, RegionReader, RegionWriter, Sender},
};
use vmm_partition_core::{
    GuestAddress, OutsideMemory,
    host::{
        BlockChannel, BlockCompletion, BlockError, BlockOperation, BlockRequest, Kicked, SlotRange,
    },
};

use crate::{
    failure::Failure,
    guest_ram::{GuestRam, place},
};

/// Bytes of a slot.
const SLOT_BYTES: usize = MAX_BLOCKS as usize * BLOCK_SIZE;

/// The volume's channel.
pub(crate) struct Volume {
    channel: Channel,
    requests: Sender<Request>,
    completions: Receiver<Completion>,
    output: RegionWriter,
    input: RegionReader,
    memory: GuestRam,
    block_count: u64,
    in_flight: usize,
    unsignalled: bool,
}

impl Volume {
    /// Opens the channel `volume`, if there is one, and waits for the volume's size.
    pub(crate) fn open(
        component: &Component,
        notification: Notification,
        memory: GuestRam,
    ) -> Result<Option<Self>, Failure> {
        let channel = match Channel::open(&component.memory, "volume") {
            Ok(channel) => channel,
            Err(OpenError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut volume = Self {
            requests: channel.sender(QUEUE_LENGTH)?,
            completions: channel.receiver(QUEUE_LENGTH)?,
            output: channel.output_data::<Request>(QUEUE_LENGTH),
            input: channel.input_data::<Completion>(QUEUE_LENGTH),
            channel,
            memory,
            block_count: 0,
            in_flight: 0,
            unsignalled: false,
        };
        match volume.ask_for_size(notification)? {
            Ok(block_count) => {
                volume.block_count = block_count;
                Ok(Some(volume))
            }
            Err(refusal) => {
                println!("the volume cannot be used ({refusal:?}); the guest starts without it");
                Ok(None)
            }
        }
    }

    fn ask_for_size(
        &mut self,
        notification: Notification,
    ) -> Result<Result<u64, Refusal>, Failure> {
        let request = Request {
            block: 0,
            id: 0,
            operation: Operation::Geometry as u32,
            count: 0,
            data: 0,
        };
        let mut is_asked = false;
        loop {
            // If this program was started afresh, the server has to notice that first.
            if !is_asked && self.requests.push(&request).is_ok() {
                self.channel.signal();
                is_asked = true;
            }
            if let Some(completion) = self.completions.pop()? {
                return Ok(completion
                    .outcome()
                    .map(|()| self.geometry().block_count.get()));
            }
            let _ = notification.wait();
        }
    }

    /// Asks for everything that was written to be made durable; false if the server does not take it.
    pub(crate) fn ask_to_flush(&mut self) -> bool {
        let flush = BlockRequest {
            slot: 0,
            operation: BlockOperation::Flush,
            block: 0,
            count: 0,
        };
        let asked = self.submit(flush).is_ok();
        self.kick();
        asked
    }

    /// Whether every request has been answered.
    pub(crate) fn is_idle(&mut self) -> bool {
        while self.complete().is_some() {}
        self.in_flight == 0
    }

    fn geometry(&self) -> Geometry {
        let mut words = [0; 2];
        for (index, word) in words.iter_mut().enumerate() {
            *word = self.input.read_u64_at(index * 8).unwrap_or(0);
        }
        Geometry::new(words[0])
    }
}

/// Where a piece of a slot lies in a data area.
fn area_offset(range: SlotRange) -> Result<usize, OutsideMemory> {
    let offset = usize::try_from(range.offset).map_err(|_| OutsideMemory)?;
    let end = offset + usize::try_from(range.length).map_err(|_| OutsideMemory)?;
    if range.slot < QUEUE_LENGTH && end <= SLOT_BYTES {
        Ok(range.slot * SLOT_BYTES + offset)
    } else {
        Err(OutsideMemory)
    }
}

impl BlockChannel for Volume {
    fn block_count(&self) -> u64 {
        self.block_count
    }

    fn slots(&self) -> usize {
        QUEUE_LENGTH.min(DATA_AREA_SIZE / SLOT_BYTES)
    }

    fn fill(&mut self, to: SlotRange, from: GuestAddress) -> Result<(), OutsideMemory> {
        let length = usize::try_from(to.length).map_err(|_| OutsideMemory)?;
        self.output
            .copy_from(area_offset(to)?, &self.memory.0, place(from), length)
            .map_err(|_| OutsideMemory)
    }

    fn drain(&mut self, from: SlotRange, to: GuestAddress) -> Result<(), OutsideMemory> {
        let length = usize::try_from(from.length).map_err(|_| OutsideMemory)?;
        let offset = area_offset(from)?;
        self.memory
            .0
            .copy_from(place(to), &self.input, offset, length)
            .map_err(|_| OutsideMemory)
    }

    fn submit(&mut self, request: BlockRequest) -> Result<(), BlockError> {
        let slot = u32::try_from(request.slot).map_err(|_| BlockError::Device)?;
        let data = u32::try_from(request.slot * SLOT_BYTES).map_err(|_| BlockError::Device)?;
        let operation = match request.operation {
            BlockOperation::Read => Operation::Read,
            BlockOperation::Write => Operation::Write,
            BlockOperation::Flush => Operation::Flush,
        };
        let message = Request {
            block: request.block,
            id: slot,
            operation: operation as u32,
            count: request.count,
            data,
        };
        self.requests
            .push(&message)
            .map_err(|_| BlockError::Device)?;
        self.unsignalled = true;
        self.in_flight += 1;
        Ok(())
    }

    /// The server runs before this thread goes on. What it can answer meanwhile needs no signal back.
    fn kick(&mut self) -> Kicked {
        if !core::mem::take(&mut self.unsignalled) {
            return Kicked::NotNeeded;
        }
        self.channel.set_attention(LOOKS_BY_ITSELF);
        self.channel.signal();
        self.channel.set_attention(0);
        Kicked::LookAgain
    }

    /// A server that breaks the rules of the channel completes nothing any more.
    fn complete(&mut self) -> Option<BlockCompletion> {
        let completion = self.completions.pop().ok().flatten()?;
        self.in_flight = self.in_flight.saturating_sub(1);
        Some(BlockCompletion {
            slot: usize::try_from(completion.id).unwrap_or(usize::MAX),
            result: completion.outcome().map_err(|refusal| match refusal {
                Refusal::InputOutput => BlockError::Device,
                Refusal::OutOfRange => BlockError::OutOfRange,
                Refusal::Integrity => BlockError::Integrity,
            }),
        })
    }
}
