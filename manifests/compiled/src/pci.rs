//! PCI functions that the root server sets up and then locks by giving up configuration access.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

/// Where a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PciAddress {
    /// 0 to 255.
    pub bus: u8,
    /// 0 to 31.
    pub device: u8,
    /// 0 to 7.
    pub function: u8,
}

/// The whole of PCI as far as the root server touches it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PciTopology {
    /// Buses 0 up to, not including, this one are searched: functions that the manifest does not name lose bus mastering.
    pub buses: u8,
    /// The functions that components drive.
    pub functions: Vec<PciFunction>,
}

/// A function and how it is set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PciFunction {
    /// The hardware manifest's name of the device.
    pub name: String,
    /// Where it is.
    pub address: PciAddress,
    /// What must be found there.
    pub vendor: u16,
    /// What must be found there.
    pub device: u16,
    /// Where its registers and memory are put.
    pub bars: Vec<Bar>,
    /// Interrupts by MSI-X; empty for none.
    pub messages: Vec<Message>,
    /// Where the MSI-X table lies; the page is mapped to nobody.
    pub message_table: Option<MessageTable>,
    /// Whether it may read and write memory on its own.
    pub bus_master: bool,
}

/// A base address register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// 0 to 5.
    pub index: u8,
    /// Physical address to be written.
    pub address: u64,
    /// Bytes that the register must claim; a power of two.
    pub size: u64,
    /// How the register is laid out.
    pub width: BarWidth,
}

/// Layout of a memory base address register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BarWidth {
    /// One register.
    Bits32,
    /// Two registers.
    Bits64,
}

/// Place of a function's MSI-X table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageTable {
    /// Index of the base address register.
    pub bar: u8,
    /// Bytes from its address, a multiple of 8.
    pub offset: u32,
}

/// An entry of a function's MSI-X table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Which entry.
    pub entry: u16,
    /// User vector, 0 to 107; the device writes vector + 0x30.
    pub vector: u8,
}

impl core::fmt::Display for PciAddress {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self {
            bus,
            device,
            function,
        } = self;
        write!(f, "{bus:02x}:{device:02x}.{function}")
    }
}
