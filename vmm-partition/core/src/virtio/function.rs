//! A virtio device as a PCI function: BARs, capabilities, interrupts (section 4.1).

use super::{
    device::Device,
    queue::QueueError,
    transport::{Effect, Transport, status},
};
use crate::{
    host::Host,
    interrupt::Fabric,
    layout::{PCI_INTERRUPT_BASE, PCI_WINDOW_START},
    number::{low_u8, low_u32, mask_of_bytes},
    pci::{
        COMMAND_BUS_MASTER, COMMAND_INTX_OFF, COMMAND_MEMORY, Configuration, Identity, MsixTable,
        NO_VECTOR, PENDING_OFFSET,
    },
};

/// Parts of BAR 0, one page each.
const COMMON: u64 = 0x0000;
const INTERRUPT_STATUS: u64 = 0x1000;
const DEVICE: u64 = 0x2000;
const NOTIFY: u64 = 0x3000;
/// Bytes of BAR 0.
const BAR_BYTES: u32 = 0x4000;
/// Bytes of BAR 1, the MSI-X table.
const MSIX_BYTES: u32 = 0x1000;

/// Interrupt status: a queue.
const STATUS_QUEUE: u8 = 1;
/// Interrupt status: the configuration.
const STATUS_CONFIGURATION: u8 = 2;

/// A place in one of the BARs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    bar: u8,
    offset: u64,
}

/// A virtio device on the bus.
pub(crate) struct VirtioFunction<D> {
    /// Its configuration space.
    pub(crate) configuration: Configuration,
    device: D,
    transport: Transport,
    msix: MsixTable,
    msix_capability: u8,
    interrupt_status: u8,
    line: u8,
}

impl<D: Device> VirtioFunction<D> {
    /// One vector for changes of the configuration, one for each queue.
    const VECTORS: u16 = 1 + D::QUEUES;

    /// Puts `device` on the bus as device `number`.
    pub(crate) fn new(device: D, number: u8) -> Self {
        let line = PCI_INTERRUPT_BASE + number - 1;
        let (configuration, msix_capability) = describe::<D>(number, line, Self::VECTORS);
        Self {
            configuration,
            transport: Transport::new(device.features(), D::QUEUES, Self::VECTORS),
            device,
            msix: MsixTable::new(Self::VECTORS),
            msix_capability,
            interrupt_status: 0,
            line,
        }
    }

    /// The part of the function that answers at `address`, if any.
    pub(crate) fn claim(&self, address: u64) -> Option<Access> {
        if self.configuration.command() & COMMAND_MEMORY == 0 {
            return None;
        }
        [(0, BAR_BYTES), (1, MSIX_BYTES)]
            .into_iter()
            .find_map(|(bar, size)| {
                let offset = address.checked_sub(self.configuration.bar(bar))?;
                (offset < u64::from(size)).then_some(Access { bar, offset })
            })
    }

    /// Reads `size` bytes (1 to 8).
    pub(crate) fn read(&mut self, access: Access, size: usize, fabric: &mut Fabric) -> u64 {
        let offset = access.offset & 0xfff;
        let value = match (access.bar, access.offset & !0xfff) {
            (0, COMMON) => self.transport.read(offset, size),
            (0, INTERRUPT_STATUS) => self.take_interrupt_status(fabric),
            (0, DEVICE) => self.read_device(offset),
            (1, _) => self.read_msix(offset, size),
            _ => 0,
        };
        value & mask_of_bytes(size)
    }

    /// Writes `size` bytes.
    pub(crate) fn write<H: Host>(
        &mut self,
        access: Access,
        size: usize,
        value: u64,
        fabric: &mut Fabric,
        host: &mut H,
    ) {
        let offset = access.offset & 0xfff;
        match (access.bar, access.offset & !0xfff) {
            (0, NOTIFY) => self.process(fabric, host),
            (0, COMMON) => self.write_common(offset, size, value, fabric),
            (1, _) => self.write_msix(offset, size, value, fabric),
            _ => {}
        }
    }

    /// Serves the queues: new chains, and completions of old ones.
    pub(crate) fn process<H: Host>(&mut self, fabric: &mut Fabric, host: &mut H) {
        let masters_bus = self.configuration.command() & COMMAND_BUS_MASTER != 0;
        let is_live = self.transport.is_live() && masters_bus;
        let mut broken = false;
        if !is_live {
            self.device.idle(host);
        } else if let Err(error) = self.serve(fabric, host) {
            host.log(format_args!(
                "virtio device {}: the driver broke its queue ({error:?}); the device waits for a reset",
                D::TYPE
            ));
            self.transport.status |= status::NEEDS_RESET;
            broken = true;
        }
        let changed = self.device.take_configuration_change();
        if changed {
            self.transport.generation = self.transport.generation.wrapping_add(1);
        }
        if broken || (changed && is_live) {
            let vector = self.transport.configuration_vector;
            self.raise(STATUS_CONFIGURATION, vector, fabric);
        }
    }

    /// A byte of the configuration space was written: interrupts may have been switched over.
    pub(crate) fn configuration_written(&mut self, fabric: &mut Fabric) {
        self.update_line(fabric);
        while self.msix_enabled()
            && let Some((address, data)) = self.msix.next_pending()
        {
            fabric.message_signalled(address, data);
        }
    }

    fn write_common(&mut self, offset: u64, size: usize, value: u64, fabric: &mut Fabric) {
        if self.transport.write(offset, size, value) == Effect::Reset {
            self.reset(fabric);
        }
    }

    fn serve<H: Host>(&mut self, fabric: &mut Fabric, host: &mut H) -> Result<(), QueueError> {
        let transport = &mut self.transport;
        self.device
            .process(&mut transport.queues, transport.accepted, host)?;
        for index in 0..self.transport.queues.len() {
            let queue = &mut self.transport.queues[index];
            if queue.take_interrupt(host.memory())? {
                let vector = queue.vector;
                self.raise(STATUS_QUEUE, vector, fabric);
            }
        }
        Ok(())
    }

    fn reset(&mut self, fabric: &mut Fabric) {
        self.transport.reset();
        self.device.reset();
        self.interrupt_status = 0;
        self.update_line(fabric);
    }

    fn raise(&mut self, bit: u8, vector: u16, fabric: &mut Fabric) {
        if self.msix_capable() {
            if vector != NO_VECTOR
                && let Some((address, data)) = self.msix.trigger(vector, self.msix_enabled())
            {
                fabric.message_signalled(address, data);
            }
        } else {
            self.interrupt_status |= bit;
            self.update_line(fabric);
        }
    }

    /// Reading the interrupt status clears it and the line.
    fn take_interrupt_status(&mut self, fabric: &mut Fabric) -> u64 {
        let bits = core::mem::take(&mut self.interrupt_status);
        self.update_line(fabric);
        u64::from(bits)
    }

    fn update_line(&mut self, fabric: &mut Fabric) {
        let asserted = self.interrupt_status != 0;
        self.configuration.show_interrupt(asserted);
        let allowed = self.configuration.command() & COMMAND_INTX_OFF == 0 && !self.msix_capable();
        fabric.set_line(self.line, asserted && allowed);
    }

    fn read_device(&self, offset: u64) -> u64 {
        let mut bytes = [0; 8];
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let configuration = self.device.configuration().iter().skip(start);
        for (byte, place) in bytes.iter_mut().zip(configuration) {
            *byte = *place;
        }
        u64::from_le_bytes(bytes)
    }

    /// Message control of MSI-X: enabled, all masked.
    fn msix_control(&self) -> (bool, bool) {
        let high = self.configuration.byte(self.msix_capability + 3);
        (high & 0x80 != 0, high & 0x40 != 0)
    }

    fn msix_capable(&self) -> bool {
        self.msix_control().0
    }

    fn msix_enabled(&self) -> bool {
        self.msix_control() == (true, false)
    }

    fn read_msix(&self, offset: u64, size: usize) -> u64 {
        let low = self.msix.read(offset & !3);
        if size == 8 {
            u64::from(low) | (u64::from(self.msix.read((offset & !3) + 4)) << 32)
        } else {
            u64::from(low) >> ((offset & 3) * 8)
        }
    }

    /// Entries are written by whole words of four or eight bytes.
    fn write_msix(&mut self, offset: u64, size: usize, value: u64, fabric: &mut Fabric) {
        if !offset.is_multiple_of(4) || size < 4 {
            return;
        }
        let enabled = self.msix_enabled();
        let second = (size == 8).then_some((offset + 4, value >> 32));
        for (at, word) in [(offset, value)].into_iter().chain(second) {
            if let Some((address, data)) = self.msix.write(at, low_u32(word), enabled) {
                fabric.message_signalled(address, data);
            }
        }
    }
}

/// The configuration space of a virtio function, and where its MSI-X capability is.
fn describe<D: Device>(number: u8, line: u8, vectors: u16) -> (Configuration, u8) {
    let mut configuration = Configuration::new(Identity {
        vendor: 0x1af4,
        device: 0x1040 + D::TYPE,
        revision: 1,
        class: D::CLASS,
        subsystem_vendor: 0x1af4,
        subsystem: D::TYPE,
    });
    let base = low_u32(PCI_WINDOW_START) + u32::from(number) * 0x1_0000;
    configuration.add_memory_bar(0, BAR_BYTES, base);
    configuration.add_memory_bar(1, MSIX_BYTES, base + BAR_BYTES);
    configuration.set_interrupt(line);
    let structures = [(1, COMMON), (3, INTERRUPT_STATUS), (4, DEVICE)];
    for (kind, offset) in structures {
        configuration.add_capability(0x09, &structure(16, kind, offset));
    }
    // Notification: one register for all queues (multiplier 0).
    let mut notify = [0; 18];
    notify[..14].copy_from_slice(&structure(20, 2, NOTIFY));
    configuration.add_capability(0x09, &notify);
    let mut msix = [0; 10];
    msix[0] = low_u8(u64::from(vectors - 1));
    msix[2] = 1;
    msix[6..10].copy_from_slice(&(low_u32(PENDING_OFFSET) | 1).to_le_bytes());
    let msix_capability = configuration.add_capability(0x11, &msix);
    configuration.allow(msix_capability + 3, &[0xc0]);
    (configuration, msix_capability)
}

/// A virtio structure capability behind its first two bytes: length, kind, BAR 0, offset, one page.
fn structure(length: u8, kind: u8, offset: u64) -> [u8; 14] {
    let mut body = [0; 14];
    body[0] = length;
    body[1] = kind;
    body[6..10].copy_from_slice(&low_u32(offset).to_le_bytes());
    body[10..14].copy_from_slice(&0x1000u32.to_le_bytes());
    body
}
