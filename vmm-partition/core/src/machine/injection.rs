//! Which event the guest takes next.

use sel4_sys::extension::{event, exit_message::state, run_request::flag};

use super::Machine;
use crate::{
    host::Host,
    number::low_u8,
    vcpu::{Exit, Request},
};

/// Breakpoint and overflow: instructions that raise them are executed again instead.
const RAISED_BY_INSTRUCTIONS: [u8; 2] = [3, 4];

impl<H: Host> Machine<H> {
    /// Learns from an exit whether the guest took what was held ready, and takes back what it could not.
    pub(super) fn account_for_events(&mut self, exit: &Exit, request: &mut Request) {
        self.fabric.local_apic.set_cr8(exit.cr8);
        if let Some(vector) = self.injected
            && exit.state & state::INTERRUPT_PENDING == 0
        {
            self.fabric.local_apic.begin_service(vector);
            self.injected = None;
        }
        if exit.interrupted_event & event::VALID != 0 {
            self.take_back(exit.interrupted_event, request);
        }
        if self.silent_end.take_end(self.host.memory()) {
            self.fabric.end_of_interrupt();
        }
    }

    /// Prepares the guest's next event, and how it may end it.
    pub(super) fn prepare_events(&mut self, exit: &Exit, request: &mut Request) {
        self.offer_interrupt(exit, request);
        self.offer_silent_end();
    }

    /// Adds the next interrupt to a request that does not carry an exception already.
    fn offer_interrupt(&mut self, exit: &Exit, request: &mut Request) {
        if request.flags & flag::EVENT != 0 {
            return;
        }
        if self.fabric.take_nmi() {
            request.event = event::VALID | event::NMI | 2;
            request.flags |= flag::EVENT;
            return;
        }
        let next = self.fabric.local_apic.deliverable(exit.cr8);
        if next != self.injected {
            request.event = next.map_or(0, event::interrupt);
            request.flags |= flag::EVENT;
            self.injected = next;
        }
    }

    /// The next end of interrupt may pass without an exit if it must belong to the one interrupt there is, and if
    /// no other waits for it.
    fn offer_silent_end(&mut self) {
        let apic = &self.fabric.local_apic;
        let memory = self.host.memory();
        match (self.injected, self.silent_end.is_offered()) {
            (None, false) => {}
            (None, true) if apic.is_nothing_requested() => {}
            (Some(vector), true) if apic.is_alone(vector) => {}
            (Some(vector), false) if apic.is_alone(vector) => self.silent_end.offer(memory),
            (_, true) => self.silent_end.withdraw(memory),
            (Some(_), false) => {}
        }
    }

    fn take_back(&mut self, word: u64, request: &mut Request) {
        let vector = low_u8(word);
        match word & event::KIND_MASK {
            event::EXTERNAL_INTERRUPT => self.fabric.local_apic.undo_service(vector),
            event::NMI => self.fabric.hold_nmi(),
            event::EXCEPTION if !RAISED_BY_INSTRUCTIONS.contains(&vector) => {
                request.event = word;
                request.flags |= flag::EVENT;
            }
            _ => {}
        }
    }
}
