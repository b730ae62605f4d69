//! The kernel's virtual CPU object.

use runtime::{
    kernel_calls::{Ipc, invoke},
    sel4_sys::{
        Error, MessageInfo,
        extension::{label, run_request},
    },
};
use vmm_partition_core::vcpu::{Exit, GeneralRegisters, Refused, Request, VirtualCpu};

/// The virtual CPU behind a capability.
pub(crate) struct KernelVirtualCpu {
    ipc: Ipc,
    capability: u64,
}

impl KernelVirtualCpu {
    pub(crate) const fn new(ipc: Ipc, capability: u64) -> Self {
        Self { ipc, capability }
    }

    /// Puts the first general registers into the message.
    #[inline]
    fn send_general<const COUNT: usize>(&self, registers: &[u64; COUNT]) {
        for (index, register) in registers.iter().enumerate() {
            self.ipc.set_word(run_request::GENERAL + index, *register);
        }
    }
}

fn refused(error: Error) -> Refused {
    Refused(error as u64)
}

impl VirtualCpu for KernelVirtualCpu {
    fn run(&mut self, request: &Request, exit: &mut Exit) -> Result<(), Refused> {
        match request.general_changed {
            GeneralRegisters::Unchanged => {}
            GeneralRegisters::FirstChanged => {
                let [rax, rcx, rdx, rbx, ..] = exit.general;
                self.send_general(&[rax, rcx, rdx, rbx]);
            }
            GeneralRegisters::Changed => self.send_general(&exit.general),
        }
        let message = [request.flags, exit.rip, exit.rflags, request.event];
        let info = MessageInfo::new(label::VCPU_RUN, 0, request.length());
        let reply = self.ipc.call(self.capability, info, message);
        if let Some(error) = reply.error() {
            return Err(refused(error));
        }
        exit.read(|index| self.ipc.word(index), reply.badge);
        Ok(())
    }

    fn read_register(&mut self, register: u64) -> Result<u64, Refused> {
        invoke::vcpu_read_register(&self.ipc, self.capability, register).map_err(refused)
    }

    fn write_registers(&mut self, pairs: &[u64]) -> Result<(), Refused> {
        invoke::vcpu_write_registers(&self.ipc, self.capability, pairs).map_err(refused)
    }
}
