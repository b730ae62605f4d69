//! The kernel's state, and the ways into it.

use crate::{Machine, TcbRef, VcpuRef};

/// What the machine does when the kernel is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resume {
    /// Return to user mode with the thread's context.
    User(TcbRef),
    /// Enter the guest of this vCPU on behalf of the thread.
    Guest(TcbRef, VcpuRef),
    /// Wait for an interrupt.
    Idle,
}

/// The kernel over a machine.
pub struct Kernel<M: Machine> {
    machine: M,
}

impl<M: Machine> Kernel<M> {
    /// A kernel that has not booted.
    pub const fn new(machine: M) -> Self {
        Self { machine }
    }

    /// The machine.
    pub fn machine(&self) -> &M {
        &self.machine
    }
}
