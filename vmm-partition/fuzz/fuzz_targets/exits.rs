//! Any sequence of exits over any memory: the monitor answers, or stops the guest, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vmm_partition_core::{Machine, machine::MachineParameters};
use vmm_partition_fuzz::{Ram, Script, System, start_devices};

const RAM_BYTES: usize = 1 << 20;

fuzz_target!(|input: (bool, &[u8], &[u8])| {
    let (starts_devices, memory, script) = input;
    let ram = Ram::new(RAM_BYTES, memory);
    let parameters = MachineParameters {
        tsc_khz: 1_000_000,
        unix_ns: 0,
        entropy_seed: [0; 32],
    };
    let mut steps = if starts_devices {
        start_devices()
    } else {
        Vec::new()
    };
    steps.extend_from_slice(script);
    let _ = Machine::new(System::new(ram.clone()), &parameters).run(&mut Script::new(ram, &steps));
});
