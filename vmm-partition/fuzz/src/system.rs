//! The system around the machine: it checks what it is asked for.

use std::{collections::VecDeque, fmt};

use vmm_partition_core::{
    GuestAddress, GuestMemory, OutsideMemory,
    host::{
        BLOCK_BYTES, BLOCKS_PER_REQUEST, BlockChannel, BlockCompletion, BlockError, BlockOperation,
        BlockRequest, Host, Kicked, NetworkChannel, SlotRange,
    },
};

use crate::{Ram, gateway::Gateway};

const BLOCKS: u64 = 64;
const SLOTS: usize = 4;

/// A system with a volume, a gateway, a console that takes half of what it is given, and a clock that runs.
pub struct System {
    ram: Ram,
    volume: Volume,
    gateway: Gateway,
    now: u64,
}

impl System {
    /// A system over `ram`.
    pub fn new(ram: Ram) -> Self {
        let volume = Volume {
            ram: ram.clone(),
            in_flight: VecDeque::new(),
            asked: 0,
        };
        Self {
            gateway: Gateway::new(ram.clone()),
            ram,
            volume,
            now: 0,
        }
    }

    /// Frames that the guest sent.
    pub fn sent(&self) -> &[Vec<u8>] {
        &self.gateway.sent
    }
}

impl Host for System {
    type Memory = Ram;

    fn memory(&self) -> &Ram {
        &self.ram
    }

    fn now(&mut self) -> u64 {
        self.now += 1000;
        self.now
    }

    fn wake_at(&mut self, _: Option<u64>) {}

    fn wait(&mut self) {}

    fn console_write(&mut self, bytes: &[u8]) -> usize {
        bytes.len() / 2
    }

    fn console_read(&mut self, buffer: &mut [u8]) -> usize {
        match buffer.first_mut() {
            Some(first) => {
                *first = b'k';
                1
            }
            None => 0,
        }
    }

    fn log(&mut self, _: fmt::Arguments<'_>) {}

    fn block(&mut self) -> Option<&mut dyn BlockChannel> {
        Some(&mut self.volume)
    }

    fn network(&mut self) -> Option<&mut dyn NetworkChannel> {
        Some(&mut self.gateway)
    }
}

/// A volume that completes with nothing done, every third request with an error.
struct Volume {
    ram: Ram,
    in_flight: VecDeque<usize>,
    asked: usize,
}

impl Volume {
    /// A piece must lie in its slot, and the slot must not be the channel's at the moment.
    fn piece(&self, range: SlotRange) -> Vec<u8> {
        assert!(range.slot < SLOTS);
        assert!(range.offset + range.length <= BLOCKS_PER_REQUEST * BLOCK_BYTES);
        assert!(!self.in_flight.contains(&range.slot));
        vec![0; range.length as usize]
    }
}

impl BlockChannel for Volume {
    fn block_count(&self) -> u64 {
        BLOCKS
    }

    fn slots(&self) -> usize {
        SLOTS
    }

    fn fill(&mut self, to: SlotRange, from: GuestAddress) -> Result<(), OutsideMemory> {
        let mut piece = self.piece(to);
        self.ram.read(from, &mut piece)
    }

    fn drain(&mut self, from: SlotRange, to: GuestAddress) -> Result<(), OutsideMemory> {
        let piece = self.piece(from);
        self.ram.write(to, &piece)
    }

    fn submit(&mut self, request: BlockRequest) -> Result<(), BlockError> {
        assert!(request.slot < SLOTS && !self.in_flight.contains(&request.slot));
        if request.operation != BlockOperation::Flush {
            assert!((1..=BLOCKS_PER_REQUEST).contains(&request.count));
            assert!(request.block + u64::from(request.count) <= BLOCKS);
        }
        self.in_flight.push_back(request.slot);
        Ok(())
    }

    fn kick(&mut self) -> Kicked {
        Kicked::NotNeeded
    }

    fn complete(&mut self) -> Option<BlockCompletion> {
        // Half of the time it is not done yet.
        self.asked += 1;
        if self.asked.is_multiple_of(2) {
            return None;
        }
        let slot = self.in_flight.pop_front()?;
        let result = if self.asked.is_multiple_of(3) {
            Err(BlockError::Integrity)
        } else {
            Ok(())
        };
        Some(BlockCompletion { slot, result })
    }
}
