//! Any sequence of exits over any memory: the monitor answers, or stops the guest, never a panic.
#![no_main]

use std::{cell::RefCell, fmt};

use libfuzzer_sys::fuzz_target;
use sel4_sys::extension::reason;
use vmm_partition_core::{
    GuestAddress, GuestMemory, Machine, OutsideMemory,
    host::{
        BLOCK_BYTES, BLOCKS_PER_REQUEST, BlockChannel, BlockCompletion, BlockError, BlockRequest,
        Host, SlotRange,
    },
    machine::MachineParameters,
    vcpu::{Exit, Refused, Request, VirtualCpu},
};

const RAM_BYTES: usize = 1 << 20;

struct Ram(RefCell<Vec<u8>>);

impl GuestMemory for Ram {
    fn size(&self) -> u64 {
        RAM_BYTES as u64
    }

    fn read(&self, address: GuestAddress, buffer: &mut [u8]) -> Result<(), OutsideMemory> {
        let start = usize::try_from(address.0).map_err(|_| OutsideMemory)?;
        let end = start.checked_add(buffer.len()).ok_or(OutsideMemory)?;
        buffer.copy_from_slice(self.0.borrow().get(start..end).ok_or(OutsideMemory)?);
        Ok(())
    }

    fn write(&self, address: GuestAddress, bytes: &[u8]) -> Result<(), OutsideMemory> {
        let start = usize::try_from(address.0).map_err(|_| OutsideMemory)?;
        let end = start.checked_add(bytes.len()).ok_or(OutsideMemory)?;
        let mut ram = self.0.borrow_mut();
        ram.get_mut(start..end)
            .ok_or(OutsideMemory)?
            .copy_from_slice(bytes);
        Ok(())
    }
}

/// A volume that checks what it is asked and completes it with nothing done.
struct Volume(Vec<usize>);

impl BlockChannel for Volume {
    fn block_count(&self) -> u64 {
        64
    }

    fn slots(&self) -> usize {
        4
    }

    fn fill(&mut self, to: SlotRange, _: GuestAddress) -> Result<(), OutsideMemory> {
        assert!(to.slot < 4 && to.offset + to.length <= BLOCKS_PER_REQUEST * BLOCK_BYTES);
        Ok(())
    }

    fn drain(&mut self, from: SlotRange, _: GuestAddress) -> Result<(), OutsideMemory> {
        assert!(from.slot < 4 && from.offset + from.length <= BLOCKS_PER_REQUEST * BLOCK_BYTES);
        Ok(())
    }

    fn submit(&mut self, request: BlockRequest) -> Result<(), BlockError> {
        assert!(request.count <= BLOCKS_PER_REQUEST);
        assert!(request.block + u64::from(request.count) <= 64);
        self.0.push(request.slot);
        Ok(())
    }

    fn kick(&mut self) {}

    fn complete(&mut self) -> Option<BlockCompletion> {
        let slot = self.0.pop()?;
        Some(BlockCompletion {
            slot,
            result: Ok(()),
        })
    }
}

struct System {
    ram: Ram,
    volume: Volume,
    now: u64,
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

    fn console_read(&mut self, _: &mut [u8]) -> usize {
        0
    }

    fn log(&mut self, _: fmt::Arguments<'_>) {}

    fn block(&mut self) -> Option<&mut dyn BlockChannel> {
        Some(&mut self.volume)
    }
}

/// Exits taken from the input, eight words each.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn word(&mut self) -> Option<u64> {
        let (word, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*word))
    }

    fn next(&mut self, exit: &mut Exit) -> Option<()> {
        exit.reason = match self.word()? % 18 {
            // Waiting for nothing takes for ever.
            reason::HALT => reason::NOTIFICATION,
            reason => reason,
        };
        exit.detail = self.word()?;
        exit.detail_2 = self.word()?;
        exit.rip = self.word()? & 0xf_ffff;
        exit.next_rip = self.word()?;
        exit.state = self.word()?;
        exit.interrupted_event = self.word()?;
        let register = self.word()?;
        exit.general = [register; 16];
        exit.rflags = register;
        Some(())
    }
}

impl VirtualCpu for Script<'_> {
    fn run(&mut self, _: &Request, exit: &mut Exit) -> Result<(), Refused> {
        self.next(exit).ok_or(Refused(3))
    }

    fn read_register(&mut self, _: u64) -> Result<u64, Refused> {
        Ok(0)
    }

    fn write_registers(&mut self, pairs: &[u64]) -> Result<(), Refused> {
        if pairs.len() == 2 {
            Ok(())
        } else {
            Err(Refused(1))
        }
    }
}

fuzz_target!(|input: (&[u8], &[u8])| {
    let (memory, script) = input;
    let mut ram = vec![0; RAM_BYTES];
    let length = memory.len().min(RAM_BYTES);
    ram[..length].copy_from_slice(&memory[..length]);
    let system = System {
        ram: Ram(RefCell::new(ram)),
        volume: Volume(Vec::new()),
        now: 0,
    };
    let parameters = MachineParameters {
        tsc_khz: 1_000_000,
        unix_seconds: 0,
        unix_ticks: 0,
        entropy_seed: [0; 32],
    };
    let _ = Machine::new(system, &parameters).run(&mut Script(script));
});
