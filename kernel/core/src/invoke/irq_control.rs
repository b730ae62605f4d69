//! IRQ control: handlers for interrupt lines.

use sel4_sys::invocation as label;

use super::Invocation;
use super::arguments::ensure_between;
use crate::capability::Capability;
use crate::error::Error;
use crate::interrupt::IrqUse;
use crate::lookup::Role;
use crate::{Kernel, Machine, SlotRef, Trigger};

/// The line that vector argument 0 means: vector 0x30.
const FIRST_USER_IRQ: u8 = 16;
/// The largest vector argument: vector 155.
const LAST_VECTOR_ARGUMENT: u64 = 107;
/// Pins of an I/O APIC.
const IOAPIC_PINS: u64 = 24;

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_irq_control(&self, invocation: &Invocation) -> Result<(), Error> {
        match invocation.label {
            label::X86_IRQ_ISSUE_HANDLER_IO_APIC => self.issue_ioapic_handler(invocation),
            label::X86_IRQ_ISSUE_HANDLER_MSI => self.issue_msi_handler(invocation),
            // Not where there are I/O APICs.
            label::IRQ_ISSUE_HANDLER => invocation.require(3, 1).and(Err(Error::IllegalOperation)),
            _ => Err(Error::IllegalOperation),
        }
    }

    fn issue_ioapic_handler(&self, invocation: &Invocation) -> Result<(), Error> {
        invocation.require(7, 1)?;
        let word = |index| self.argument(invocation, index);
        let (index, depth, ioapic, pin) = (word(0), word(1), word(2), word(3));
        let (level, polarity, vector) = (word(4), word(5), word(6));
        let irq = self.free_irq(vector)?;
        let to = self.handler_slot(invocation, index, depth)?;
        let count = self.machine().ioapic_count();
        let last = count.checked_sub(1).ok_or(Error::IllegalOperation)?;
        ensure_between(ioapic, 0, last)?;
        ensure_between(pin, 0, IOAPIC_PINS - 1)?;
        ensure_between(level, 0, 1)?;
        ensure_between(polarity, 0, 1)?;
        let trigger = Trigger {
            level: level == 1,
            active_low: polarity == 1,
        };
        self.machine().route_ioapic(ioapic, pin, trigger, irq);
        self.issue_handler(invocation, irq, IrqUse::IoApic, to);
        // As in seL4, the first interrupt needs no acknowledgement before it.
        self.machine().unmask_irq(irq);
        Ok(())
    }

    fn issue_msi_handler(&self, invocation: &Invocation) -> Result<(), Error> {
        invocation.require(7, 1)?;
        let word = |index| self.argument(invocation, index);
        let (index, depth) = (word(0), word(1));
        let (bus, device, function, vector) = (word(2), word(3), word(4), word(6));
        let irq = self.free_irq(vector)?;
        let to = self.handler_slot(invocation, index, depth)?;
        // Without interrupt remapping the source is only told, not enforced.
        ensure_between(bus, 0, 255)?;
        ensure_between(device, 0, 31)?;
        ensure_between(function, 0, 7)?;
        self.issue_handler(invocation, irq, IrqUse::Msi, to);
        Ok(())
    }

    /// The line of a vector argument; it must have no handler.
    fn free_irq(&self, vector: u64) -> Result<u8, Error> {
        ensure_between(vector, 0, LAST_VECTOR_ARGUMENT)?;
        let irq = (vector & 0x7f) as u8 + FIRST_USER_IRQ;
        match self.irq_use(irq) {
            IrqUse::Free => Ok(irq),
            _ => Err(Error::RevokeFirst),
        }
    }

    fn handler_slot(
        &self,
        invocation: &Invocation,
        index: u64,
        depth: u64,
    ) -> Result<SlotRef, Error> {
        let (_, root) = self.extra(invocation, 0)?;
        let slot = self.lookup_slot_in(root, index, depth, Role::Destination)?;
        self.ensure_empty(slot)?;
        Ok(slot)
    }

    fn issue_handler(&self, invocation: &Invocation, irq: u8, usage: IrqUse, to: SlotRef) {
        self.set_irq_use(irq, usage);
        self.insert_copy(&Capability::IrqHandler(irq), invocation.slot, to);
    }
}
