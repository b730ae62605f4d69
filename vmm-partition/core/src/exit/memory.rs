//! An access where no memory is: device registers, or nothing.

use crate::{
    ending::{Ending, Stop},
    guest_memory::GuestMemory,
    host::Host,
    instruction::{DeviceMemory, Fault, execute},
    machine::{Machine, Registers},
    vcpu::{Exit, Request, VirtualCpu},
};

use super::inject_page_fault;

/// Detail: instruction fetch.
const FETCH: u64 = 1 << 2;
/// Detail: during a walk of the guest's own page tables.
const WALK: u64 = 1 << 3;

pub(super) fn handle<H: Host, V: VirtualCpu>(
    machine: &mut Machine<H>,
    vcpu: &mut V,
    exit: &mut Exit,
    request: &mut Request,
) -> Option<Ending> {
    let address = exit.detail_2;
    if exit.detail & FETCH != 0 {
        return Some(Ending::Stopped(Stop::FetchOutsideMemory { address }));
    }
    let unsupported = Ending::Stopped(Stop::Instruction {
        rip: exit.rip,
        address,
    });
    if exit.detail & WALK != 0 || address < machine.host.memory().size() {
        return Some(unsupported);
    }
    let (mut devices, cache) = machine.device_memory();
    match execute(cache, &mut devices, exit, request) {
        Ok(()) => None,
        Err(Fault::Page { address, code }) => inject_page_fault(vcpu, request, address, code),
        Err(Fault::Unsupported) => Some(unsupported),
    }
}

impl<H: Host> DeviceMemory for Registers<'_, H> {
    type Ram = H::Memory;

    fn ram(&self) -> &H::Memory {
        self.host.memory()
    }

    fn read(&mut self, address: u64, size: usize) -> u64 {
        self.mmio_read(address, size)
    }

    fn write(&mut self, address: u64, size: usize, value: u64) {
        self.mmio_write(address, size, value);
    }
}
