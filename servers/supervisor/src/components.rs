//! The components by the badges of their messages.

use alloc::format;

use runtime::{
    Component,
    environment::{Environment, Value},
    kernel_calls::{
        Ipc,
        invoke::{Resume, tcb_suspend, tcb_write_registers},
        user_context::UserContext,
    },
    sel4_sys::{self, MessageInfo},
};

use crate::failure::Failure;

/// The role of the channels over which guest monitors report.
const GUEST: &str = "guest";
/// The parameters that say how often a component may be started afresh.
const RESTART: &str = "restart";
/// Badges of faults are smaller: the component's index and one.
const FIRST_CALL_BADGE: u64 = 0x1_0000;

/// What somebody's message is.
#[derive(Clone, Copy)]
pub(crate) enum Sender {
    /// The kernel's, about a component that faulted.
    Kernel { culprit: &'static str },
    /// A guest monitor's own.
    Monitor(&'static str),
    /// The manifest gives nobody this badge.
    Unknown,
}

pub(crate) struct Components {
    environment: &'static Environment<'static>,
    ipc: Ipc,
}

impl Components {
    pub(crate) fn new(component: &Component) -> Self {
        Self {
            environment: component.environment,
            ipc: component.ipc,
        }
    }

    pub(crate) fn sender(&self, badge: u64) -> Sender {
        if badge >= FIRST_CALL_BADGE {
            let mut monitors = self.monitors();
            return monitors
                .find(|(_, other)| *other == badge)
                .map_or(Sender::Unknown, |(name, _)| Sender::Monitor(name));
        }
        let index = badge.checked_sub(1);
        match index.map(|index| self.environment.text(&format!("component.{index}"))) {
            Some(Ok(culprit)) => Sender::Kernel { culprit },
            _ => Sender::Unknown,
        }
    }

    /// Guest monitors and the badges of their reports.
    pub(crate) fn monitors(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.environment.parameters.iter().filter_map(|parameter| {
            let name = parameter.name.strip_prefix(GUEST)?.strip_prefix('.')?;
            match parameter.value {
                Value::Integer(badge) => Some((name.strip_suffix(".badge")?, badge)),
                _ => None,
            }
        })
    }

    /// The components that may be started afresh, and how often within a minute.
    pub(crate) fn restartable(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.environment.parameters.iter().filter_map(|parameter| {
            let name = parameter.name.strip_prefix(RESTART)?.strip_prefix('.')?;
            match parameter.value {
                Value::Integer(limit) => Some((name, limit)),
                _ => None,
            }
        })
    }

    /// Starts a suspended component's program from its beginning, in life `life`.
    pub(crate) fn start_afresh(&self, name: &str, life: u64) -> Result<(), Failure> {
        let environment = self.environment;
        let registers = UserContext {
            rip: environment.integer_of("entry", name)?,
            rsp: environment.integer_of("stack", name)?,
            rdi: runtime::environment::ADDRESS,
            rsi: life,
            rdx: environment.integer_of("stack-size", name)?,
            ..UserContext::default()
        };
        let thread = environment.capability_of("thread", name)?;
        tcb_write_registers(&self.ipc, thread, Resume::Yes, &registers).map_err(Failure::Kernel)
    }

    /// Makes sure that a component does not run. Who waits for its answer is told that none will come.
    pub(crate) fn stop(&self, name: &str) -> Result<(), sel4_sys::Error> {
        // Without the right to its thread: it stays in its fault, as nobody answers that.
        if let Ok(thread) = self.environment.capability_of("thread", name) {
            tcb_suspend(&self.ipc, thread)?;
        }
        if let Ok(reply) = self.environment.capability_of("reply", name) {
            let nothing = MessageInfo::new(runtime::PEER_RESET, 0, 0);
            self.ipc.nb_send(reply, nothing, [0; 4]);
        }
        Ok(())
    }
}
