//! Interrupts: signals to whoever waits for them.

use crate::capability::{CapRights, notification_of};
use crate::interrupt::IrqUse;
use crate::object::{Register, Tcb, ThreadState};
use crate::{Kernel, Machine, Resume};

impl Tcb {
    /// Where an interrupted thread would be restarted: where it is, or where it asked to run a guest.
    #[inline(always)]
    fn interrupted_address(&self) -> u64 {
        match self.state.get() {
            ThreadState::RunningGuest => self.fault_address.get(),
            _ => self.context.get(Register::Rip),
        }
    }
}

impl<M: Machine> Kernel<M> {
    /// Does what an interrupt asks for if it is something common, and says how to go on; otherwise changes
    /// nothing.
    #[inline(always)]
    pub(crate) fn fast_interrupt(&self, irq: u8) -> Option<Resume> {
        let current = self.current()?;
        if self.irq_use(irq) == IrqUse::Free {
            return None;
        }
        let words = self.slot(self.machine().irq_slot(irq)).words();
        let to = notification_of(words, CapRights::WRITE)?;
        let signal = self.fast_signal(&to)?;
        let woken = signal.wakes;
        if woken.is_some_and(|woken| !self.may_go_on(self.tcb(current), woken)) {
            return None;
        }
        self.machine().mask_irq(irq);
        self.deliver_signal(signal);
        if let Some(woken) = woken
            && self.go_on(current, woken, Tcb::interrupted_address) == woken
        {
            return Some(Resume::User(woken));
        }
        Some(self.resume(Some(current)))
    }
}
