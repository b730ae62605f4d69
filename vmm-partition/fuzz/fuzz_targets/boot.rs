//! Any file as the guest's kernel: it is refused or laid out, never a panic.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use vmm_partition_core::{
    GuestAddress, GuestMemory, OutsideMemory,
    boot::{Files, load},
    vcpu::{Exit, Refused, Request, VirtualCpu},
};

struct Ram(RefCell<Vec<u8>>);

impl GuestMemory for Ram {
    fn size(&self) -> u64 {
        self.0.borrow().len() as u64
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

struct Registers;

impl VirtualCpu for Registers {
    fn run(&mut self, _: &Request, _: &mut Exit) -> Result<(), Refused> {
        Err(Refused(3))
    }

    fn read_register(&mut self, _: u64) -> Result<u64, Refused> {
        Ok(0)
    }

    fn write_registers(&mut self, _: &[u64]) -> Result<(), Refused> {
        Ok(())
    }
}

fuzz_target!(|input: (&[u8], &[u8])| {
    let (kernel, line) = input;
    let ram = Ram(RefCell::new(vec![0; 32 << 20]));
    let files = Files {
        kernel,
        initrd: [].as_slice(),
        command_line: line,
        random: 7,
    };
    let _ = load(&files, &ram, &mut Registers);
});
