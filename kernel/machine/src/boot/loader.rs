//! What a boot loader tells, in the terms of no particular boot protocol.

use kernel_core::Region;

use super::early_memory::EarlyMemory;
use super::{Protocol, multiboot2, pvh};

/// Most entries of a memory map; more are dropped.
pub(super) const MAP_CAPACITY: usize = 64;

/// One entry of the firmware's memory map.
#[derive(Clone, Copy)]
pub(super) struct MapEntry {
    /// Where.
    pub(super) region: Region,
    /// The firmware's number for its use; 1 is RAM.
    pub(super) kind: u32,
}

/// RAM that anybody may use.
pub(super) const KIND_RAM: u32 = 1;

/// What a boot loader tells.
pub(super) struct LoaderInformation {
    map: [MapEntry; MAP_CAPACITY],
    map_count: usize,
    /// The root image: the first module.
    pub(super) module: Option<Region>,
    /// Where the command line lies.
    pub(super) command_line: Option<u64>,
    /// Where the ACPI root pointer (or the loader's copy of it) lies.
    pub(super) rsdp: Option<u64>,
}

impl LoaderInformation {
    /// Reads the information of a boot loader.
    pub(super) fn read(memory: &EarlyMemory, protocol: Protocol, at: u64) -> Option<Self> {
        match protocol {
            Protocol::Pvh => pvh::read(memory, at),
            Protocol::Multiboot2 => multiboot2::read(memory, at),
        }
    }

    /// Nothing known yet.
    pub(super) fn new() -> Self {
        let nothing = MapEntry {
            region: super::regions::region(0, 0),
            kind: 0,
        };
        Self {
            map: [nothing; MAP_CAPACITY],
            map_count: 0,
            module: None,
            command_line: None,
            rsdp: None,
        }
    }

    /// Adds an entry of the memory map.
    pub(super) fn add_map_entry(&mut self, start: u64, bytes: u64, kind: u32) {
        if let Some(entry) = self.map.get_mut(self.map_count) {
            let region = super::regions::region(start, start.saturating_add(bytes));
            *entry = MapEntry { region, kind };
            self.map_count += 1;
        }
    }

    /// The memory map.
    pub(super) fn map(&self) -> &[MapEntry] {
        &self.map[..self.map_count]
    }
}
