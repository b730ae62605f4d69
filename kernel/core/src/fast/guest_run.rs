//! VCpuRun of a virtual CPU that nobody runs.

use sel4_sys::extension::label;

use crate::capability::vcpu_of;
use crate::guest::RunRequest;
use crate::message::{BADGE_REGISTER, BufferUse};
use crate::{Kernel, Machine, Resume, TcbRef};

impl<M: Machine> Kernel<M> {
    #[inline(always)]
    pub(super) fn fast_run(&self, current: TcbRef) -> Option<Resume> {
        let runner = self.tcb(current);
        let slot = self.fast_lookup(current, runner.context.get(BADGE_REGISTER))?;
        let vcpu = vcpu_of(self.slot(slot).words())?;
        let info = runner.message_info();
        let notification = runner.bound_notification.get();
        if info.label() != label::VCPU_RUN
            || info.extra_caps() != 0
            || self.is_deleting()
            || self.vcpu(vcpu).runner.get().is_some()
            || notification.is_some_and(|bound| self.notification(bound).active.get())
            || !self.has_valid_space(vcpu)
        {
            return None;
        }
        let buffer = self.buffer(current, BufferUse::Read);
        let word = |index| self.message_word(current, buffer, index);
        let request = RunRequest::decode(info.length(), word).ok()?;
        runner.fault_address.set(runner.system_call_address());
        self.enter_guest(current, vcpu, &request);
        Some(Resume::Guest(current, vcpu))
    }
}
