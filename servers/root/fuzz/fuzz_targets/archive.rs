//! Changed boot archives and strange devices: the root server builds a system or says why not.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use root_core::{Hardware, Machine, Untyped, WorkingSlot, build};
use root_fuzz::{Grantor, MANIFEST_START, archive};
use shared_memory::RegionWriter;

const ARCHIVE: u64 = 0x4000_0000;
const WINDOW: u64 = 0x10_0000_0000;
/// What changes reach: the table, and pages behind the manifest's first.
const REACHED: usize = MANIFEST_START + 0x4000;

struct Dice;

impl Hardware for Dice {
    fn random(&mut self) -> Option<u64> {
        Some(4)
    }

    fn seed(&mut self) -> Option<u64> {
        None
    }

    fn ticks(&mut self) -> u64 {
        0
    }
}

fn untyped(slot: u64, physical: u64, size_bits: u8) -> Untyped {
    Untyped {
        slot: WorkingSlot(slot),
        physical,
        size_bits,
        used: 0,
    }
}

/// Changes of the archive, what the clock answers, changes of PCI configuration.
type Input<'a> = (Vec<(u16, u8)>, &'a [u8], Vec<(u8, u32)>);

fuzz_target!(|input: Input<'_>| {
    static BASE: OnceLock<Vec<u8>> = OnceLock::new();
    static WINDOW_MEMORY: OnceLock<RegionWriter> = OnceLock::new();
    let (changes, answers, pci_changes) = input;
    let mut bytes = BASE.get_or_init(archive).clone();
    let reached = bytes.len().min(REACHED);
    for (at, byte) in changes {
        bytes[usize::from(at) % reached] = byte;
    }
    let ram = vec![untyped(20, 0x1_0000_0000, 28)];
    let device_memory = vec![untyped(30, ARCHIVE, 25), untyped(31, 0xc000_0000, 30)];
    let untypeds: Vec<_> = ram.iter().chain(&device_memory).copied().collect();
    let window = *WINDOW_MEMORY.get_or_init(|| RegionWriter::simulated(2 << 20, None));
    let mut kernel = Grantor::new(
        &untypeds,
        (&bytes, ARCHIVE),
        (window, WINDOW),
        answers,
        &pci_changes,
    );
    let machine = Machine {
        ram,
        device_memory,
        free_slots: 100..8000,
        archive: Some((ARCHIVE, bytes.len() as u64)),
        window,
        window_address: WINDOW,
        tsc_khz: 1000,
        boot_bytes: b"boot",
        report_ports: (WorkingSlot(99), 0x3f8, 0x3ff),
        hardware: &mut Dice,
        report: &mut String::new(),
    };
    let _ = build(&mut kernel, machine);
});
