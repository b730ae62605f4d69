//! Events for a guest: interrupts wait in the processor's virtual interrupt (V_IRQ) until the guest can take
//! them, exceptions and NMI are injected at once (AMD64 manual 2, sections 15.20 and 15.21).

use sel4_sys::extension::event;

use super::vcpu::Vcpu;
use super::vmcb::virtual_interrupt;

/// Bits of the processor's event words, which are those of the interface but for bit 31's neighbours:
/// vector 7:0, kind 10:8, error code valid 11, valid 31, error code 63:32.
const VALID: u64 = 1 << 31;
const KIND_SOFTWARE: u64 = 4 << 8;
const VECTOR: u64 = 0xff;
const BREAKPOINT: u64 = 3;
const OVERFLOW: u64 = 4;

/// The bit of [`super::vmcb::Control::intercept_first`] that ends a run as soon as the guest could take an interrupt.
const VIRTUAL_INTERRUPT: u32 = 1 << 4;

impl Vcpu {
    /// Takes a checked event for the next entry; zero withdraws what waits.
    pub(crate) fn set_event(&self, word: u64) {
        let is_interrupt = word & event::KIND_MASK == event::EXTERNAL_INTERRUPT;
        if word == 0 || !is_interrupt {
            self.vmcb.control.event_injection.set(word);
        }
        if is_interrupt {
            self.set_interrupt(word);
        }
    }

    /// The interrupt that waits from now on; zero for none.
    fn set_interrupt(&self, word: u64) {
        let keep = virtual_interrupt::TASK_PRIORITY | virtual_interrupt::MASKING;
        let mut value = self.vmcb.control.virtual_interrupt.get() & keep;
        if word != 0 {
            let vector = word & VECTOR;
            value |= virtual_interrupt::PENDING
                | vector >> 4 << virtual_interrupt::PRIORITY_SHIFT
                | vector << virtual_interrupt::VECTOR_SHIFT;
        }
        self.vmcb.control.virtual_interrupt.set(value);
    }

    /// Whether the interrupt taken last by [`Vcpu::set_event`] still waits.
    pub(crate) fn is_interrupt_waiting(&self) -> bool {
        self.vmcb.control.virtual_interrupt.get() & virtual_interrupt::PENDING != 0
    }

    /// Lets the next entry end as soon as the guest could take an interrupt.
    pub(crate) fn request_interrupt_window(&self, request: bool) {
        self.window_requested.set(request);
    }

    /// Ends the interrupt shadow.
    pub(crate) fn clear_interrupt_shadow(&self) {
        self.vmcb.control.interrupt_shadow.set(0);
    }

    /// Before an entry: where a window is asked for and no interrupt waits, one that never arrives waits in
    /// its place, because the intercept comes before its delivery.
    pub(super) fn open_window(&self) {
        if !self.window_requested.get() {
            return;
        }
        let control = &self.vmcb.control;
        let first = control.intercept_first.get() | VIRTUAL_INTERRUPT;
        control.intercept_first.set(first);
        if !self.is_interrupt_waiting() {
            const HIGHEST: u64 = 0xf;
            let value = control.virtual_interrupt.get()
                | virtual_interrupt::PENDING
                | HIGHEST << virtual_interrupt::PRIORITY_SHIFT;
            control.virtual_interrupt.set(value);
        }
    }

    /// After an exit: takes the placeholder back. A window stays asked for over exits that only the kernel sees.
    pub(super) fn close_window(&self) {
        if !self.window_requested.get() {
            return;
        }
        let control = &self.vmcb.control;
        let first = control.intercept_first.get() & !VIRTUAL_INTERRUPT;
        control.intercept_first.set(first);
        // The placeholder is vector 0, which no monitor can ask for.
        if control.virtual_interrupt.get() >> virtual_interrupt::VECTOR_SHIFT & VECTOR == 0 {
            self.set_interrupt(0);
        }
    }

    /// The event whose delivery an exit interrupted, as the monitor or the kernel injects it again; zero if
    /// none. Software interrupts and the exceptions of INT3 and INTO are none: their instruction is run again.
    pub(super) fn interrupted_event(&self) -> u64 {
        let word = self.vmcb.control.exit_interrupted_event.get();
        let kind = word & event::KIND_MASK;
        let of_instruction = kind == KIND_SOFTWARE
            || kind == event::EXCEPTION && matches!(word & VECTOR, BREAKPOINT | OVERFLOW);
        if word & VALID == 0 || of_instruction {
            return 0;
        }
        let code = if word & event::ERROR_CODE_VALID != 0 {
            word & 0xffff_ffff_0000_0000
        } else {
            0
        };
        word & (VALID | event::KIND_MASK | event::ERROR_CODE_VALID | VECTOR) | code
    }

    /// After an exit that the monitor does not see: what it interrupted happens again.
    pub(super) fn inject_again(&self) {
        let word = self.interrupted_event();
        if word != 0
            && word & event::KIND_MASK == event::EXTERNAL_INTERRUPT
            && self.is_interrupt_waiting()
        {
            // A second one waits already: the interrupted one has been taken, so it goes first.
            self.vmcb.control.event_injection.set(word);
        } else if word != 0 {
            self.set_event(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_withdraws_all_that_waits() {
        // SAFETY: zero bytes are a valid virtual CPU: it is made of cells of integers and `Option`s.
        let vcpu: Box<Vcpu> = unsafe { Box::new_zeroed().assume_init() };
        vcpu.set_event(event::interrupt(40));
        vcpu.set_event(event::exception(14));
        assert!(vcpu.is_interrupt_waiting());
        assert_eq!(
            vcpu.vmcb.control.event_injection.get(),
            event::exception(14)
        );
        vcpu.set_event(0);
        assert!(!vcpu.is_interrupt_waiting());
        assert_eq!(vcpu.vmcb.control.event_injection.get(), 0);
    }
}
