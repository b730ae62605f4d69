//! VCpuRun: from an exit back into the guest.

use sel4_sys::{MessageInfo, ipc_buffer};

use crate::capability::vcpu_of;
use sel4_sys::extension::{label, run_request};

use crate::guest::RunRequest;
use crate::message::{BADGE_REGISTER, BufferUse, INFO_REGISTER, MESSAGE_REGISTERS};
use crate::{Kernel, Machine, Resume, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Does the current thread's Call if it runs a guest in the common way, and says how to go on; otherwise
    /// changes nothing.
    #[inline(always)]
    pub fn handle_fast_run_guest(&self, current: TcbRef) -> Option<Resume> {
        let tcb = self.tcb(current);
        let info = MessageInfo(tcb.context.get(INFO_REGISTER));
        if info.label() != label::VCPU_RUN {
            return None;
        }
        let slot = self.direct_slot(current, tcb.context.get(BADGE_REGISTER))?;
        let vcpu = vcpu_of(self.slot(slot).words())?;
        let has_signal = tcb
            .bound_notification
            .get()
            .is_some_and(|bound| self.notification(bound).active.get());
        if !self.has_plain_message(current)
            || has_signal
            || self.vcpu(vcpu).runner.get().is_some()
            || !self.has_valid_space(vcpu)
        {
            return None;
        }
        let buffer = self.buffer(current, BufferUse::Read)?;
        let words = MESSAGE_REGISTERS.map(|register| tcb.context.get(register));
        let general = |index| {
            let word = ipc_buffer::MESSAGE + (run_request::GENERAL + index) as u64;
            self.machine().load(buffer.word(word))
        };
        let request = RunRequest::decode(info.length(), words, general).ok()?;
        tcb.fault_address.set(tcb.system_call_address());
        self.enter_guest(current, vcpu, &request);
        Some(Resume::Guest(vcpu))
    }
}
