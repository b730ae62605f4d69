//! The device's registers and its two interrupts.

use dma::DmaRegion;
use mmio::Registers;
use net_core::{Driver, driver::CONFIGURATION_LENGTH};
use runtime::{
    Component,
    environment::{Environment, Missing},
    kernel_calls::{Ipc, invoke::irq_handler_ack},
};
use virtio::{Pci, Places};

use crate::failure::Failure;

/// What the manifest calls the device.
const ROLE: &str = "net";
/// Its queues: one each way.
const QUEUES: usize = 2;

pub(crate) type Transport = Pci<QUEUES>;

/// Resets the device and starts it.
pub(crate) fn start(component: &Component) -> Result<Driver<Transport>, Failure> {
    let registers = Registers::open(&component.memory, "net.registers")?;
    let places = places(component.environment)?;
    let pci = Pci::new(&registers, &places).map_err(Failure::Registers)?;
    let rings = DmaRegion::open(&component.memory, "rings").map_err(Failure::Memory)?;
    let buffers = DmaRegion::open(&component.memory, "buffers").map_err(Failure::Memory)?;
    Driver::start(pci, rings, buffers).map_err(Failure::Device)
}

/// An interrupt of the device.
pub(crate) struct Interrupt {
    ipc: Ipc,
    handler: u64,
    badge: u64,
}

impl Interrupt {
    pub(crate) fn open(component: &Component, part: &str, badge: u64) -> Result<Self, Failure> {
        let interrupt = Self {
            ipc: component.ipc,
            handler: component.environment.capability_of(ROLE, part)?,
            badge,
        };
        interrupt.acknowledge()?;
        Ok(interrupt)
    }

    /// Whether the interrupt is among the signals; if so, it may come again.
    pub(crate) fn take(&self, signals: u64) -> Result<bool, Failure> {
        let is_here = signals & self.badge != 0;
        if is_here {
            self.acknowledge()?;
        }
        Ok(is_here)
    }

    fn acknowledge(&self) -> Result<(), Failure> {
        irq_handler_ack(&self.ipc, self.handler).map_err(Failure::Interrupt)
    }
}

/// The bit of a signal of the device's interrupt called `part`.
pub(crate) fn badge(environment: &Environment<'_>, part: &str) -> Result<u64, Missing> {
    environment.integer_of(
        runtime::environment::Name::new(ROLE, part).as_str(),
        "badge",
    )
}

fn places(environment: &Environment<'_>) -> Result<Places, Missing> {
    let place = |part| {
        let offset = environment.integer_of(ROLE, part)?;
        // A place beyond the address space is beyond the registers too, and refused with them.
        Ok(usize::try_from(offset).unwrap_or(usize::MAX))
    };
    Ok(Places {
        common: place("common-offset")?,
        device: place("device-offset")?,
        device_length: CONFIGURATION_LENGTH,
        notify: place("notify-offset")?,
        notify_multiplier: place("notify-multiplier")?,
    })
}
