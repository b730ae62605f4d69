//! The components by the badges of their messages.

use alloc::format;

use runtime::{
    Component,
    environment::{Environment, Value},
    kernel_calls::{Ipc, invoke::tcb_suspend},
    sel4_sys,
};

/// The role of the channels over which guest monitors report.
const GUEST: &str = "guest";
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

    /// Makes sure that a component does not run.
    pub(crate) fn suspend(&self, name: &str) -> Result<(), sel4_sys::Error> {
        match self.environment.capability_of("thread", name) {
            Ok(thread) => tcb_suspend(&self.ipc, thread),
            // Without the right to its thread: it stays in its fault, as nobody answers that.
            Err(_) => Ok(()),
        }
    }
}
