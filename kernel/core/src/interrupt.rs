//! Interrupts become signals.

use crate::capability::{Capability, IoPorts};
use crate::kernel::IRQ_LINES;
use crate::{Kernel, Machine};

/// What an interrupt line is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum IrqUse {
    /// Nobody has a handler.
    Free,
    /// An I/O APIC pin.
    IoApic,
    /// Messages from a PCI device.
    Msi,
}

impl<M: Machine> Kernel<M> {
    /// What a line is used for; lines that do not exist are free.
    pub(crate) fn irq_use(&self, irq: u8) -> IrqUse {
        self.irq_use
            .get(usize::from(irq))
            .map_or(IrqUse::Free, core::cell::Cell::get)
    }

    pub(crate) fn set_irq_use(&self, irq: u8, usage: IrqUse) {
        debug_assert!(usize::from(irq) < IRQ_LINES);
        if let Some(cell) = self.irq_use.get(usize::from(irq)) {
            cell.set(usage);
        }
    }

    /// Signals the notification of an interrupt line and keeps the line quiet until it is acknowledged.
    pub(crate) fn interrupt(&self, irq: u8) {
        if self.irq_use(irq) == IrqUse::Free {
            return;
        }
        self.machine().mask_irq(irq);
        let slot = self.machine().irq_slot(irq);
        if let Capability::Notification(notification) = self.slot(slot).capability()
            && notification.rights.can_write()
        {
            self.signal(notification.object, notification.badge);
        }
    }

    /// The last handler capability of a line is gone.
    pub(crate) fn destroy_irq_handler(&self, irq: u8) {
        self.machine().mask_irq(irq);
        self.forget_irq_notification(irq);
        if self.irq_use(irq) == IrqUse::IoApic {
            self.machine().unroute_irq(irq);
        }
        self.set_irq_use(irq, IrqUse::Free);
    }

    /// Deletes the capability to what a line signals. It is never a container's: deletion does not
    /// go deeper from here.
    pub(crate) fn forget_irq_notification(&self, irq: u8) {
        let slot = self.machine().irq_slot(irq);
        if let Capability::Notification(notification) = self.slot(slot).capability()
            && self.is_final(slot)
        {
            self.destroy_notification(notification.object);
        }
        self.unlink(slot);
    }

    /// Whether none of these ports belongs to a capability.
    pub(crate) fn are_ports_free(&self, ports: IoPorts) -> bool {
        (ports.first..=ports.last).all(|port| {
            let (word, bit) = self.port_bit(port);
            word.get() & bit == 0
        })
    }

    pub(crate) fn take_ports(&self, ports: IoPorts) {
        for port in ports.first..=ports.last {
            let (word, bit) = self.port_bit(port);
            word.set(word.get() | bit);
        }
    }

    /// The last capability to a range of ports is gone.
    pub(crate) fn free_ports(&self, ports: IoPorts) {
        for port in ports.first..=ports.last {
            let (word, bit) = self.port_bit(port);
            word.set(word.get() & !bit);
        }
    }

    fn port_bit(&self, port: u16) -> (&core::cell::Cell<u64>, u64) {
        (&self.ports[usize::from(port >> 6)], 1 << (port & 63))
    }
}
