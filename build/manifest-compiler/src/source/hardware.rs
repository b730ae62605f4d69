//! The hardware manifest: facts about a machine.

use serde::Deserialize;
use toml::Spanned;

use super::system::Value;
use super::{Size, Text};

/// `manifests/hardware/NAME.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Hardware {
    pub(crate) name: Text,
    pub(crate) why: Text,
    /// The device on whose ports the root server reports.
    pub(crate) boot_console: Text,
    /// Number of PCI buses, from 0.
    pub(crate) pci_buses: Spanned<u8>,
    pub(crate) memory: Vec<Memory>,
    pub(crate) device: Vec<Device>,
}

/// RAM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Memory {
    pub(crate) address: Spanned<u64>,
    pub(crate) size: Spanned<Size>,
    pub(crate) why: Text,
}

/// A device with its parts; each part can be granted by its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Device {
    pub(crate) name: Text,
    pub(crate) class: Spanned<Class>,
    pub(crate) why: Text,
    pub(crate) ports: Vec<PortPart>,
    pub(crate) interrupt: Vec<InterruptLine>,
    pub(crate) memory: Vec<MemoryPart>,
    /// At most one.
    pub(crate) pci: Vec<Spanned<PciPart>>,
    /// What the driver is told besides.
    pub(crate) parameter: Vec<Fact>,
}

/// What lies behind a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Class {
    /// Other machines.
    Network,
    /// Data that lasts.
    Storage,
    /// A human.
    Terminal,
    /// The machine itself: its clocks, timers and switches.
    Machine,
}

/// A range of I/O ports.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortPart {
    pub(crate) name: Text,
    pub(crate) first: Spanned<u16>,
    pub(crate) last: Spanned<u16>,
}

/// An input of an I/O APIC.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct InterruptLine {
    pub(crate) name: Text,
    pub(crate) io_apic: u8,
    pub(crate) pin: Spanned<u8>,
    pub(crate) trigger: TriggerWord,
    pub(crate) vector: Spanned<u8>,
}

/// How a line is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TriggerWord {
    EdgeHigh,
    LevelHigh,
    LevelLow,
}

/// Registers at a fixed physical address.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemoryPart {
    pub(crate) name: Text,
    pub(crate) address: Spanned<u64>,
    pub(crate) size: Spanned<Size>,
}

/// A PCI function.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PciPart {
    pub(crate) bus: u8,
    pub(crate) device: u8,
    pub(crate) function: u8,
    /// Vendor and device identification that must be found there.
    pub(crate) vendor: u16,
    pub(crate) identification: u16,
    /// Whether it reads and writes RAM on its own.
    pub(crate) bus_master: YesNo,
    pub(crate) bar: Vec<PciBar>,
    /// Entries of the MSI-X table.
    pub(crate) message: Vec<MessageLine>,
    /// At most one; none without messages.
    pub(crate) message_table: Vec<MessageTablePlace>,
}

/// Yes or no, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum YesNo {
    Yes,
    No,
}

/// A base address register and the address that it is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PciBar {
    pub(crate) name: Text,
    pub(crate) index: u8,
    pub(crate) address: Spanned<u64>,
    pub(crate) size: Spanned<Size>,
    pub(crate) width: Width,
}

/// Bits of a base address register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Width {
    #[serde(rename = "32 bits")]
    Bits32,
    #[serde(rename = "64 bits")]
    Bits64,
}

/// A message-signalled interrupt.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageLine {
    pub(crate) name: Text,
    pub(crate) entry: Spanned<u16>,
    pub(crate) vector: Spanned<u8>,
}

/// Where the MSI-X table lies.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageTablePlace {
    pub(crate) bar: Text,
    pub(crate) offset: Spanned<u32>,
}

/// Something about the device that its driver must know.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact {
    pub(crate) name: Text,
    pub(crate) value: Value,
}

impl Device {
    /// The names of all parts that can be granted.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Text> {
        let ports = self.ports.iter().map(|part| &part.name);
        let lines = self.interrupt.iter().map(|part| &part.name);
        let memory = self.memory.iter().map(|part| &part.name);
        let pci = self.pci.iter().flat_map(|pci| {
            let pci = pci.get_ref();
            let bars = pci.bar.iter().map(|part| &part.name);
            bars.chain(pci.message.iter().map(|part| &part.name))
        });
        ports.chain(lines).chain(memory).chain(pci)
    }
}
