//! A guest whose every step comes from the input.

use sel4_sys::extension::{exit_message::state, reason};
use vmm_partition_core::{
    GuestAddress, GuestMemory,
    vcpu::{Exit, Refused, Request, VirtualCpu, general},
};

use crate::Ram;

/// The guest's devices: registers and MSI-X tables of the entropy device, the volume and the network, the I/O APIC.
const PLACES: [u64; 7] = [
    0xc001_0000,
    0xc001_4000,
    0xc002_0000,
    0xc002_4000,
    0xc003_0000,
    0xc003_4000,
    0xfec0_0000,
];
/// Words of an exit message.
const WORDS: u8 = 32;

/// The steps. A step's first byte says what it is; what the input does not hold ends the guest.
pub struct Script<'a> {
    ram: Ram,
    steps: &'a [u8],
    words: [u64; WORDS as usize],
}

impl<'a> Script<'a> {
    /// A guest over `ram` that takes `steps`.
    pub fn new(ram: Ram, steps: &'a [u8]) -> Self {
        Self {
            ram,
            steps,
            words: [0; WORDS as usize],
        }
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.steps.split_first_chunk()?;
        self.steps = rest;
        Some(*bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take().map(u8::from_le_bytes)
    }

    fn half(&mut self) -> Option<u64> {
        self.take().map(u16::from_le_bytes).map(u64::from)
    }

    fn word(&mut self) -> Option<u64> {
        self.take().map(u32::from_le_bytes).map(u64::from)
    }

    /// Takes steps up to the next exit.
    fn next(&mut self, exit: &mut Exit) -> Option<()> {
        loop {
            match self.byte()? % 8 {
                0..=2 => return self.device_access(exit),
                3 => return self.port_access(exit),
                4 | 5 => return self.any_exit(exit),
                6 => self.write_memory()?,
                _ => {
                    exit.reason = reason::NOTIFICATION;
                    return Some(());
                }
            }
        }
    }

    /// MOV between a register and device memory, its bytes given by the processor.
    fn device_access(&mut self, exit: &mut Exit) -> Option<()> {
        let shape = self.byte()?;
        let place = PLACES[usize::from(shape >> 3) % PLACES.len()];
        let address = place + (self.half()? & 0x3fff);
        // The opcode's lowest bit: not one byte; 0x88 stores, 0x8a loads. 0x66: two bytes, 0x48: eight.
        let load = if shape & 4 == 0 { 0 } else { 2 };
        let bytes = match shape & 3 {
            0 => [0x90, 0x88 | load, 0x07],
            1 => [0x66, 0x89 | load, 0x07],
            2 => [0x3e, 0x89 | load, 0x07],
            _ => [0x48, 0x89 | load, 0x07],
        };
        let skipped = usize::from(shape & 3 == 0);
        let mut low = [0; 8];
        low[..3 - skipped].copy_from_slice(&bytes[skipped..]);
        let length = 3 - skipped as u64;
        exit.reason = reason::MEMORY;
        exit.detail = u64::from(load == 0) << 1;
        exit.detail_2 = address;
        exit.state = state::CODE_64;
        exit.instruction_bytes = [u64::from_le_bytes(low), length << 56];
        exit.general[general::RDI] = address;
        if load == 0 {
            exit.general[general::RAX] = self.word()?;
        }
        Some(())
    }

    fn port_access(&mut self, exit: &mut Exit) -> Option<()> {
        let shape = self.byte()?;
        let port = self.half()?;
        let size = [1, 2, 4][usize::from(shape >> 1) % 3];
        exit.reason = reason::IO_PORT;
        exit.detail = port | u64::from(shape & 1) << 16 | size << 19;
        exit.next_rip = 1;
        if shape & 1 == 0 {
            exit.general[general::RAX] = self.word()?;
        }
        Some(())
    }

    /// Any exit message; words that the step does not give are those of the one before.
    fn any_exit(&mut self, exit: &mut Exit) -> Option<()> {
        let reason = u64::from(self.byte()? % 18);
        for _ in 0..self.byte()? % WORDS {
            let at = usize::from(self.byte()? % WORDS);
            self.words[at] = self.take().map(u64::from_le_bytes)?;
        }
        let words = self.words;
        exit.read(|index| words.get(index).copied().unwrap_or(0), 0);
        // The monitor of a guest that halts waits for signals, and there are none.
        exit.reason = if reason == reason::HALT {
            reason::NOTIFICATION
        } else {
            reason
        };
        Some(())
    }

    fn write_memory(&mut self) -> Option<()> {
        let address = GuestAddress(self.half()?);
        let bytes: [u8; 8] = self.take()?;
        let _ = self.ram.write(address, &bytes);
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
