//! PCI configuration: identification, base addresses, MSI-X, who may master the bus.
//!
//! Mechanism 1 of the PCI Local Bus Specification 3.0, 3.2.2.3.2: an address written to port 0xcf8,
//! data at 0xcfc. Registers and bits: chapter 6; MSI-X: 6.8.2.

use compiled_manifest::{Bar, BarWidth, PciAddress, PciFunction};

use crate::{BuildError, Kernel, Slot, error::Naming};

const ADDRESS_PORT: u16 = 0xcf8;
const DATA_PORT: u16 = 0xcfc;
const ENABLE: u32 = 1 << 31;

const IDENTIFICATION: u8 = 0x00;
const COMMAND: u8 = 0x04;
const CLASS: u8 = 0x08;
const HEADER_TYPE: u8 = 0x0c;
const FIRST_BAR: u8 = 0x10;
const CAPABILITIES: u8 = 0x34;

const COMMAND_IO: u32 = 1 << 0;
const COMMAND_MEMORY: u32 = 1 << 1;
const COMMAND_BUS_MASTER: u32 = 1 << 2;
const COMMAND_NO_INTX: u32 = 1 << 10;
const COMMAND_BITS: u32 = 0xffff;
const STATUS_CAPABILITIES: u32 = 1 << 20;

const CLASS_BRIDGE: u32 = 0x06;
const MULTI_FUNCTION: u32 = 1 << 23;
const NOBODY: u32 = 0xffff_ffff;

const CAPABILITY_MSI: u32 = 0x05;
const CAPABILITY_MSI_X: u32 = 0x11;
const MSI_ENABLE: u32 = 1 << 16;
const MSI_X_ENABLE: u32 = 1 << 31;
const MSI_X_FUNCTION_MASK: u32 = 1 << 30;

/// Configuration space, by the ports that the root server issued to itself.
pub(crate) struct Configuration<'a, K> {
    pub(crate) kernel: &'a mut K,
    pub(crate) ports: Slot,
}

/// Where a function's MSI-X table lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundTable {
    pub(crate) bar: u8,
    pub(crate) offset: u32,
    pub(crate) entries: u32,
    /// Offset of the capability in configuration space.
    pub(crate) capability: u8,
}

impl<K: Kernel> Configuration<'_, K> {
    /// Takes bus mastering from every function of buses 0 up to, not including, `buses`, but bridges.
    pub(crate) fn silence_all(&mut self, buses: u8) -> Result<(), BuildError> {
        for bus in 0..buses {
            for device in 0..32 {
                self.silence_device(bus, device)?;
            }
        }
        Ok(())
    }

    fn silence_device(&mut self, bus: u8, device: u8) -> Result<(), BuildError> {
        for function in 0..8 {
            let address = PciAddress {
                bus,
                device,
                function,
            };
            if self.read(address, IDENTIFICATION)? != NOBODY {
                // Behind a bridge are other buses; it masters for them, and they are searched themselves.
                if self.read(address, CLASS)? >> 24 != CLASS_BRIDGE {
                    self.change_command(address, COMMAND_BUS_MASTER, 0)?;
                }
            }
            if function == 0 && self.read(address, HEADER_TYPE)? & MULTI_FUNCTION == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Checks that the function is the one that the manifest means, and writes its base addresses.
    /// It answers to memory accesses afterwards, and is still no bus master.
    pub(crate) fn place(&mut self, function: &PciFunction) -> Result<(), BuildError> {
        let address = function.address;
        let found = self.read(address, IDENTIFICATION)?.to_le_bytes();
        let [v0, v1, d0, d1] = found;
        let found = (u16::from_le_bytes([v0, v1]), u16::from_le_bytes([d0, d1]));
        let expected = (function.vendor, function.device);
        if found != expected {
            return Err(BuildError::WrongFunction {
                address,
                expected,
                found,
            });
        }
        // Nothing answers while addresses are half written.
        let all = COMMAND_IO | COMMAND_MEMORY | COMMAND_BUS_MASTER;
        self.change_command(address, all, COMMAND_NO_INTX)?;
        for bar in &function.bars {
            self.place_bar(address, bar)?;
        }
        self.change_command(address, 0, COMMAND_MEMORY)
    }

    /// Switches the function's messages on, and bus mastering if the manifest says so.
    pub(crate) fn enable(
        &mut self,
        function: &PciFunction,
        table: Option<FoundTable>,
    ) -> Result<(), BuildError> {
        let address = function.address;
        if let Some(table) = table {
            let control = self.read(address, table.capability)?;
            let control = (control | MSI_X_ENABLE) & !MSI_X_FUNCTION_MASK;
            self.write(address, table.capability, control)?;
        }
        if function.bus_master {
            self.change_command(address, 0, COMMAND_BUS_MASTER)?;
        }
        Ok(())
    }

    /// The function's MSI-X table, if it has one. Plain MSI is switched off on the way.
    pub(crate) fn message_table(
        &mut self,
        address: PciAddress,
    ) -> Result<Option<FoundTable>, BuildError> {
        if self.read(address, COMMAND)? & STATUS_CAPABILITIES == 0 {
            return Ok(None);
        }
        let mut found = None;
        let mut at = self.read(address, CAPABILITIES)?.to_le_bytes()[0] & !3;
        // A list of capabilities has at most 48 entries: 192 bytes of 4 each.
        for _ in 0..48 {
            if at == 0 {
                break;
            }
            let head = self.read(address, at)?;
            if head & 0xff == CAPABILITY_MSI {
                self.write(address, at, head & !MSI_ENABLE)?;
            }
            if head & 0xff == CAPABILITY_MSI_X {
                let behind = at.checked_add(4).ok_or(BuildError::BadFunction {
                    address,
                    what: "has a capability that its configuration space does not hold",
                })?;
                let table = self.read(address, behind)?;
                found = Some(FoundTable {
                    bar: table.to_le_bytes()[0] & 7,
                    offset: table & !7,
                    entries: ((head >> 16) & 0x7ff) + 1,
                    capability: at,
                });
            }
            at = head.to_le_bytes()[1] & !3;
        }
        Ok(found)
    }

    /// Writes a base address, after asking the register how much it claims.
    fn place_bar(&mut self, address: PciAddress, bar: &Bar) -> Result<(), BuildError> {
        let bad = |what| BuildError::BadFunction { address, what };
        let register = FIRST_BAR + 4 * bar.index;
        self.write(address, register, u32::MAX)?;
        let low = self.read(address, register)?;
        let is_64 = low & 7 == 4;
        if low & 1 != 0 || is_64 != (bar.width == BarWidth::Bits64) {
            return Err(bad("has a base address register of another kind"));
        }
        let high = if is_64 {
            self.write(address, register + 4, u32::MAX)?;
            self.read(address, register + 4)?
        } else {
            u32::MAX
        };
        let mask = (u64::from(high) << 32) | u64::from(low & !0xf);
        if mask.wrapping_neg() != bar.size {
            return Err(bad("claims another amount of addresses"));
        }
        let [low, high] = [bar.address, bar.address >> 32];
        let word = |part: u64| u32::try_from(part & u64::from(u32::MAX)).unwrap_or(0);
        self.write(address, register, word(low))?;
        if is_64 {
            self.write(address, register + 4, word(high))?;
        }
        if self.read(address, register)? & !0xf != word(low) {
            return Err(bad("does not take its base address"));
        }
        Ok(())
    }

    fn change_command(
        &mut self,
        address: PciAddress,
        clear: u32,
        set: u32,
    ) -> Result<(), BuildError> {
        // The upper half is the status register, whose bits are cleared by writing ones.
        let command = self.read(address, COMMAND)? & COMMAND_BITS;
        self.write(address, COMMAND, (command & !clear) | set)
    }

    fn select(&mut self, address: PciAddress, register: u8) -> Result<(), BuildError> {
        let place = u32::from(address.bus) << 16
            | u32::from(address.device) << 11
            | u32::from(address.function) << 8
            | u32::from(register & !3);
        self.kernel
            .port_out32(self.ports, ADDRESS_PORT, ENABLE | place)
            .naming("PCI configuration", "cannot be reached")
    }

    fn read(&mut self, address: PciAddress, register: u8) -> Result<u32, BuildError> {
        self.select(address, register)?;
        self.kernel
            .port_in32(self.ports, DATA_PORT)
            .naming("PCI configuration", "cannot be read")
    }

    fn write(&mut self, address: PciAddress, register: u8, value: u32) -> Result<(), BuildError> {
        self.select(address, register)?;
        self.kernel
            .port_out32(self.ports, DATA_PORT, value)
            .naming("PCI configuration", "cannot be written")
    }
}
