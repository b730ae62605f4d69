//! Interrupts become signals.

use core::cell::Cell;

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
            .map_or(IrqUse::Free, Cell::get)
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
        self.port_bits(ports)
            .all(|(word, bits)| word.get() & bits == 0)
    }

    pub(crate) fn take_ports(&self, ports: IoPorts) {
        for (word, bits) in self.port_bits(ports) {
            word.set(word.get() | bits);
        }
    }

    /// The last capability to a range of ports is gone.
    pub(crate) fn free_ports(&self, ports: IoPorts) {
        for (word, bits) in self.port_bits(ports) {
            word.set(word.get() & !bits);
        }
    }

    /// The words of the map that have bits of these ports, and those bits.
    fn port_bits(&self, ports: IoPorts) -> impl Iterator<Item = (&Cell<u64>, u64)> {
        let (first, last) = (ports.first >> 6, ports.last >> 6);
        let words = self.ports.get(usize::from(first)..=usize::from(last));
        let inner = move |(index, word)| {
            let below = if index == first { ports.first & 63 } else { 0 };
            let above = if index == last { !ports.last & 63 } else { 0 };
            (word, u64::MAX >> above & u64::MAX << below)
        };
        (first..).zip(words.unwrap_or_default()).map(inner)
    }
}
