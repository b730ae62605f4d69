//! Time: deadlines of the machine's timers and what happens when one has come.

use core::fmt;

use super::Machine;
use crate::{
    host::Host,
    layout::{SERIAL_INTERRUPT, TIMER_INPUT},
};

/// Accesses to things that do not exist are reported this many times.
const REPORTS_MAX: u32 = 32;

impl<H: Host> Machine<H> {
    /// Looks at everything that may have happened outside: time, keystrokes, completions.
    pub(crate) fn poll(&mut self) {
        let now = self.host.now();
        if self.armed.is_some_and(|deadline| deadline <= now) {
            self.armed = None;
        }
        self.fabric.local_apic.poll_timer(&self.clock, now);
        if self.pit.poll(&self.clock, now) {
            self.fabric.pulse(TIMER_INPUT);
        }
        self.exchange_serial();
        if let Some(block) = &mut self.block {
            block.process(&mut self.fabric, &mut self.host);
        }
        if let Some(network) = &mut self.network {
            network.process(&mut self.fabric, &mut self.host);
        }
        self.update_wake();
    }

    /// Writes IA32_TSC_DEADLINE; a deadline that has passed fires at once.
    pub(crate) fn set_timer_deadline(&mut self, deadline: u64) {
        self.fabric.local_apic.set_timer_deadline(deadline);
        let now = self.host.now();
        self.fabric.local_apic.poll_timer(&self.clock, now);
        self.update_wake();
    }

    /// Moves console bytes and sets the serial port's line.
    pub(super) fn exchange_serial(&mut self) {
        if let Some(dropped) = self.serial.exchange(&mut self.host, &self.clock) {
            self.host.log(format_args!(
                "the console was busy: {dropped} bytes of the guest's output are lost"
            ));
        }
        self.fabric
            .set_line(SERIAL_INTERRUPT, self.serial.interrupt());
    }

    /// Asks the host for the earliest deadline. A host that was asked for an earlier one is left alone: it
    /// wakes us once in vain, which is cheaper than telling it of every change.
    pub(crate) fn update_wake(&mut self) {
        let timers = [
            self.fabric.local_apic.next_deadline(),
            self.pit.next_deadline(&self.clock),
            self.console_deadline(),
        ];
        let Some(next) = timers.into_iter().flatten().min() else {
            return;
        };
        if self.armed.is_none_or(|armed| next < armed) {
            let earliest = self.host.now().saturating_add(self.shortest_wait);
            let deadline = next.max(earliest);
            self.armed = Some(deadline);
            self.host.wake_at(Some(deadline));
        }
    }

    /// Tells the operator of an access that the machine refused, the first times.
    pub(crate) fn report_unknown(&mut self, what: fmt::Arguments<'_>) {
        if self.unknown_accesses < REPORTS_MAX {
            self.host.log(format_args!("refused: {what}"));
        } else if self.unknown_accesses == REPORTS_MAX {
            self.host
                .log(format_args!("more refused accesses are not reported"));
        }
        self.unknown_accesses = self.unknown_accesses.saturating_add(1);
    }

    fn console_deadline(&mut self) -> Option<u64> {
        self.serial
            .has_output()
            .then(|| self.host.now().saturating_add(self.console_delay))
    }
}
