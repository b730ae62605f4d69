//! The ports that end or restart the machine.

use core::time::Duration;

use runtime::{
    Clock, Component,
    environment::{Environment, Missing},
    kernel_calls::{
        self, Ipc,
        invoke::{io_port_out8, io_port_out16, io_port_out32},
    },
    sel4_sys,
};
use supervisor_core::{Action, Policy};

use crate::failure::Failure;

/// Statuses that the tests know, written to QEMU's isa-debug-exit device.
const PASSED: u32 = 0x10;
const FAILED: u32 = 0x11;
/// How long the console may take to take the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);
/// How long the serial line gets for what the console has taken, from everybody.
const SHOWING: Duration = Duration::from_millis(100);
/// How long the machine may take to obey; what it does meanwhile is nobody's concern any more.
const OBEDIENCE: Duration = Duration::from_secs(1);

/// The machine's switches: those that the policy needs.
pub(crate) struct Power {
    ipc: Ipc,
    clock: Clock,
    power: Option<Switch>,
    reset: Option<Switch>,
    debug_exit: Option<Switch>,
}

/// A port, the right to it, and what to write there.
#[derive(Clone, Copy)]
struct Switch {
    capability: u64,
    port: u16,
    value: u16,
}

impl Power {
    /// Finds the switches that `policy` names.
    pub(crate) fn new(component: &Component, policy: &Policy) -> Result<Self, Failure> {
        let environment = component.environment;
        let needed = |action, device| match policy.names(action) {
            true => Switch::find(environment, device).map(Some),
            false => Ok(None),
        };
        let debug_exit = needed(Action::Pass, "debug-exit")?;
        Ok(Self {
            ipc: component.ipc,
            clock: component.clock,
            power: needed(Action::PowerOff, "power")?,
            reset: needed(Action::Restart, "reset")?,
            debug_exit: debug_exit.or(needed(Action::Fail, "debug-exit")?),
        })
    }

    /// Does it; comes back if the machine does not obey.
    pub(crate) fn perform(&self, action: Action) -> Result<(), sel4_sys::Error> {
        match action {
            Action::GoOn => Ok(()),
            Action::PowerOff => self.write(self.power, |ipc, switch| {
                io_port_out16(ipc, switch.capability, switch.port, switch.value)
            }),
            Action::Restart => self.write(self.reset, |ipc, switch| {
                let [value, _] = switch.value.to_le_bytes();
                io_port_out8(ipc, switch.capability, switch.port, value)
            }),
            Action::Pass => self.exit(PASSED),
            Action::Fail => self.exit(FAILED),
        }
    }

    fn exit(&self, status: u32) -> Result<(), sel4_sys::Error> {
        self.write(self.debug_exit, |ipc, switch| {
            io_port_out32(ipc, switch.capability, switch.port, status)
        })
    }

    fn write(
        &self,
        switch: Option<Switch>,
        write: impl Fn(&Ipc, Switch) -> Result<(), sel4_sys::Error>,
    ) -> Result<(), sel4_sys::Error> {
        let Some(switch) = switch else {
            return Ok(());
        };
        // The lines that say why the machine ends should be seen.
        self.wait(LAST_LINES, || !runtime::output_is_taken());
        self.wait(SHOWING, || true);
        write(&self.ipc, switch)?;
        self.wait(OBEDIENCE, || true);
        Ok(())
    }

    /// Waits while `condition` holds, for `longest` at most.
    fn wait(&self, longest: Duration, condition: impl Fn() -> bool) {
        let deadline = self.clock.after(longest);
        while condition() && self.clock.now() < deadline {
            kernel_calls::yield_now();
        }
    }
}

impl Switch {
    fn find(environment: &Environment<'_>, device: &'static str) -> Result<Self, Failure> {
        let number = |part| -> Result<u64, Missing> { environment.integer_of(device, part) };
        let small = |value: u64| u16::try_from(value).map_err(|_| Failure::PortRange(device));
        Ok(Self {
            capability: environment.capability_of(device, "ports")?,
            port: small(number("port")?)?,
            // The debug exit device takes a status instead.
            value: small(number("value").unwrap_or(0))?,
        })
    }
}
