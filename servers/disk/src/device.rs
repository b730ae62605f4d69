//! The device with its interrupt.

use disk_core::{CONFIGURATION_LENGTH, Driver};
use dma::DmaRegion;
use mmio::Registers;
use runtime::{
    Component,
    environment::{Environment, Missing},
    kernel_calls::{Ipc, invoke::irq_handler_ack},
};
use virtio::{Pci, Places};

use crate::failure::Failure;

/// What the manifest calls the device.
const ROLE: &str = "disk";

pub(crate) struct Device {
    pub(crate) driver: Driver<Pci<1>>,
    ipc: Ipc,
    interrupt: u64,
    badge: u64,
}

impl Device {
    pub(crate) fn start(component: &Component) -> Result<Self, Failure> {
        let environment = component.environment;
        let registers = Registers::open(&component.memory, "disk.registers")?;
        let pci = Pci::new(&registers, &places(environment)?).map_err(Failure::Registers)?;
        let rings = DmaRegion::open(&component.memory, "rings").map_err(Failure::Rings)?;
        let device = Self {
            driver: Driver::start(pci, rings).map_err(Failure::Disk)?,
            ipc: component.ipc,
            interrupt: environment.capability_of(ROLE, "irq")?,
            badge: environment.integer_of(ROLE, "badge")?,
        };
        device.acknowledge()?;
        Ok(device)
    }

    /// Whether the device's interrupt is among the signals; if so, it may come again.
    pub(crate) fn take_interrupt(&self, signals: u64) -> Result<bool, Failure> {
        let is_here = signals & self.badge != 0;
        if is_here {
            self.acknowledge()?;
        }
        Ok(is_here)
    }

    fn acknowledge(&self) -> Result<(), Failure> {
        irq_handler_ack(&self.ipc, self.interrupt).map_err(Failure::Interrupt)
    }
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
