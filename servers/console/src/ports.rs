//! The eight ports of the serial device, through the kernel.

use console_core::Ports;
use runtime::{
    kernel_calls::{
        Ipc,
        invoke::{io_port_in8, io_port_out8},
    },
    sel4_sys::Error,
};

pub(crate) struct KernelPorts {
    ipc: Ipc,
    capability: u64,
    first: u16,
}

impl KernelPorts {
    pub(crate) fn new(ipc: Ipc, capability: u64, first: u16) -> Self {
        Self {
            ipc,
            capability,
            first,
        }
    }
}

impl Ports for KernelPorts {
    type Error = Error;

    fn read(&mut self, offset: u16) -> Result<u8, Error> {
        io_port_in8(&self.ipc, self.capability, self.first.wrapping_add(offset))
    }

    fn write(&mut self, offset: u16, value: u8) -> Result<(), Error> {
        let port = self.first.wrapping_add(offset);
        io_port_out8(&self.ipc, self.capability, port, value)
    }
}
