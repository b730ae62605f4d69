//! The port space.

use super::{
    Machine,
    state::{BLOCK_DEVICE, ENTROPY_DEVICE, NETWORK_DEVICE},
};
use crate::{
    device::Request,
    ending::{Ending, ResetBy},
    host::Host,
    layout::{POWER_MANAGEMENT_PORT, RESET_PORT, SERIAL_INTERRUPT},
    number::low_u8,
    pci::{Configuration, Selected},
};

/// First serial port.
const SERIAL_PORT: u16 = 0x3f8;
/// Last port of the power management block.
const POWER_MANAGEMENT_LAST: u16 = POWER_MANAGEMENT_PORT + 0xf;
/// PCI configuration address.
const PCI_ADDRESS: u16 = 0xcf8;
/// PCI configuration data.
const PCI_DATA: u16 = 0xcfc;
/// Keyboard controller command: pulse the reset line.
const KEYBOARD_RESET: u8 = 0xfe;
/// Reset bit of the reset register.
const RESET_BIT: u8 = 1 << 2;

/// A port and a width of 1, 2 or 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PortAccess {
    pub(crate) port: u16,
    pub(crate) size: usize,
}

impl<H: Host> Machine<H> {
    /// Reads a port; the caller takes as many bytes as it asked for. Nobody answers with ones.
    pub(crate) fn port_read(&mut self, access: PortAccess) -> u32 {
        let port = access.port;
        match port {
            SERIAL_PORT..=0x3ff => self.serial_read(port - SERIAL_PORT),
            PCI_ADDRESS if access.size == 4 => self.bus.address,
            PCI_DATA..=0xcff => self.configuration_read(access),
            POWER_MANAGEMENT_PORT..=POWER_MANAGEMENT_LAST => {
                let now = self.host.now();
                self.power
                    .read(port - POWER_MANAGEMENT_PORT, &self.clock, now)
            }
            0x20 | 0x21 | 0xa0 | 0xa1 => u32::from(self.fabric.pic_read(port)),
            0x40..=0x42 => {
                let now = self.host.now();
                u32::from(self.pit.read(port, &self.clock, now))
            }
            0x61 => {
                let now = self.host.now();
                u32::from(self.system_control.read(&self.pit, &self.clock, now))
            }
            0x71 => {
                let now = self.host.now();
                u32::from(self.rtc.read(&self.clock, now))
            }
            _ => u32::MAX,
        }
    }

    /// Writes a port; answers if that ends the guest.
    pub(crate) fn port_write(&mut self, access: PortAccess, value: u32) -> Option<Ending> {
        let byte = low_u8(u64::from(value));
        match access.port {
            port @ SERIAL_PORT..=0x3ff => self.serial_write(port - SERIAL_PORT, byte),
            PCI_ADDRESS if access.size == 4 => self.bus.address = value,
            RESET_PORT if byte & RESET_BIT != 0 => {
                return Some(Ending::Reset(ResetBy::ResetRegister));
            }
            PCI_DATA..=0xcff => self.configuration_write(access, value),
            port @ POWER_MANAGEMENT_PORT..=POWER_MANAGEMENT_LAST => {
                let request = self.power.write(port - POWER_MANAGEMENT_PORT, value);
                return request.map(|Request::PowerOff| Ending::PowerOff);
            }
            port @ (0x20 | 0x21 | 0xa0 | 0xa1) => self.fabric.pic_write(port, byte),
            port @ 0x40..=0x43 => {
                let now = self.host.now();
                self.pit.write(port, byte, &self.clock, now);
                self.update_wake();
            }
            0x61 => {
                let now = self.host.now();
                self.system_control.write(byte, &mut self.pit, now);
            }
            0x64 if byte == KEYBOARD_RESET => {
                return Some(Ending::Reset(ResetBy::KeyboardController));
            }
            0x70 => self.rtc.select(byte),
            0x71 => self.rtc.write(byte),
            0x92 if byte & 1 != 0 => return Some(Ending::Reset(ResetBy::SystemControlPort)),
            _ => {}
        }
        None
    }

    fn serial_read(&mut self, offset: u16) -> u32 {
        let value = self.serial.read(offset);
        self.fabric
            .set_line(SERIAL_INTERRUPT, self.serial.interrupt());
        u32::from(value)
    }

    fn serial_write(&mut self, offset: u16, value: u8) {
        self.serial.write(offset, value);
        if self.serial.wants_flush() {
            self.exchange_serial();
        } else {
            self.fabric
                .set_line(SERIAL_INTERRUPT, self.serial.interrupt());
        }
        if self.serial.has_output() {
            self.update_wake();
        }
    }

    fn configuration_read(&mut self, access: PortAccess) -> u32 {
        let [_, _, _, index] = u32::from(access.port - PCI_DATA).to_be_bytes();
        self.bus
            .select(index)
            .and_then(|at| Some(self.function(at)?.word(at.offset)))
            .unwrap_or(u32::MAX)
    }

    fn configuration_write(&mut self, access: PortAccess, value: u32) {
        let first = low_u8(u64::from(access.port - PCI_DATA));
        for (index, byte) in (first..4).zip(value.to_le_bytes()).take(access.size) {
            if let Some(at) = self.bus.select(index)
                && let Some(configuration) = self.function(at)
            {
                configuration.write_byte(at.offset, byte);
            }
        }
        self.entropy.configuration_written(&mut self.fabric);
        if let Some(block) = &mut self.block {
            block.configuration_written(&mut self.fabric);
        }
        if let Some(network) = &mut self.network {
            network.configuration_written(&mut self.fabric);
        }
    }

    fn function(&mut self, at: Selected) -> Option<&mut Configuration> {
        match at.device {
            0 => Some(&mut self.bus.host_bridge),
            ENTROPY_DEVICE => Some(&mut self.entropy.configuration),
            BLOCK_DEVICE => self.block.as_mut().map(|block| &mut block.configuration),
            NETWORK_DEVICE => {
                let network = self.network.as_mut()?;
                Some(&mut network.configuration)
            }
            _ => None,
        }
    }
}
