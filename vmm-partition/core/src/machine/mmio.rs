//! The physical address space outside of RAM.

use super::Machine;
use crate::{
    host::Host,
    instruction::Cache,
    interrupt::Fabric,
    layout::IO_APIC,
    number::{low_u32, mask_of_bytes},
    virtio::{Access, Block, Device, Entropy, Network, VirtioFunction},
};

/// Bytes of the I/O APIC's page.
const IO_APIC_BYTES: u64 = 0x1000;

/// The parts of a machine that answer at memory addresses.
pub(crate) struct Registers<'a, H> {
    fabric: &'a mut Fabric,
    entropy: &'a mut VirtioFunction<Entropy>,
    block: &'a mut Option<VirtioFunction<Block>>,
    network: &'a mut Option<VirtioFunction<Network>>,
    pub(crate) host: &'a mut H,
}

/// Who answers at an address.
enum Target {
    IoApic(u64),
    Entropy(Access),
    Block(Access),
    Network(Access),
    Nobody,
}

impl<H: Host> Machine<H> {
    /// Splits off what an instruction on device memory needs.
    pub(crate) fn device_memory(&mut self) -> (Registers<'_, H>, &mut Cache) {
        let registers = Registers {
            fabric: &mut self.fabric,
            entropy: &mut self.entropy,
            block: &mut self.block,
            network: &mut self.network,
            host: &mut self.host,
        };
        (registers, &mut self.cache)
    }
}

impl<H: Host> Registers<'_, H> {
    /// Reads `size` bytes (1, 2, 4, 8); nobody answers with ones.
    pub(crate) fn mmio_read(&mut self, address: u64, size: usize) -> u64 {
        match self.target(address) {
            Target::IoApic(offset) => u64::from(self.fabric.io_apic_read(offset)),
            Target::Entropy(access) => self.entropy.read(access, size, self.fabric),
            Target::Block(access) => match self.block {
                Some(block) => block.read(access, size, self.fabric),
                None => 0,
            },
            Target::Network(access) => match self.network {
                Some(network) => network.read(access, size, self.fabric),
                None => 0,
            },
            Target::Nobody => mask_of_bytes(size),
        }
    }

    /// Writes `size` bytes; nobody takes them where nobody is.
    pub(crate) fn mmio_write(&mut self, address: u64, size: usize, value: u64) {
        let value = value & mask_of_bytes(size);
        match self.target(address) {
            Target::IoApic(offset) => self.fabric.io_apic_write(offset, low_u32(value)),
            Target::Entropy(access) => {
                self.entropy
                    .write(access, size, value, self.fabric, self.host);
            }
            Target::Block(access) => {
                if let Some(block) = self.block {
                    block.write(access, size, value, self.fabric, self.host);
                }
            }
            Target::Network(access) => {
                if let Some(network) = self.network {
                    network.write(access, size, value, self.fabric, self.host);
                }
            }
            Target::Nobody => {}
        }
    }

    fn target(&self, address: u64) -> Target {
        if let Some(access) = claim(self.block, address) {
            return Target::Block(access);
        }
        if let Some(access) = claim(self.network, address) {
            return Target::Network(access);
        }
        if let Some(access) = self.entropy.claim(address) {
            return Target::Entropy(access);
        }
        match address.checked_sub(IO_APIC) {
            Some(offset) if offset < IO_APIC_BYTES => Target::IoApic(offset),
            _ => Target::Nobody,
        }
    }
}

/// The part of a device that answers at `address`, if the machine has that device.
fn claim<D: Device>(function: &Option<VirtioFunction<D>>, address: u64) -> Option<Access> {
    function.as_ref()?.claim(address)
}
