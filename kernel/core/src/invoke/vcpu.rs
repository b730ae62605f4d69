//! Virtual CPU operations.

use sel4_sys::extension::{label, register, run_request};

use super::Invocation;
use super::arguments::ensure_between;
use crate::error::{Error, LookupFailure};
use crate::guest::{RunRequest, checked_register};
use crate::{Kernel, Machine, VcpuRef};

/// The most registers that one call reads.
const READ_MAX: u64 = 100;
/// The most registers that one call writes.
const WRITE_MAX: u64 = 50;

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_vcpu(&self, invocation: &Invocation, vcpu: VcpuRef) -> Result<(), Error> {
        match invocation.label {
            label::VCPU_RUN => self.vcpu_run(invocation, vcpu),
            label::VCPU_SET_SPACE => self.vcpu_set_space(invocation, vcpu),
            label::VCPU_READ_REGISTERS => self.vcpu_read_registers(invocation, vcpu),
            label::VCPU_WRITE_REGISTERS => self.vcpu_write_registers(invocation, vcpu),
            _ => Err(Error::IllegalOperation),
        }
    }

    fn vcpu_set_space(&self, invocation: &Invocation, vcpu: VcpuRef) -> Result<(), Error> {
        let (root, asid) = self.root_argument(invocation, true)?;
        self.ensure_root_in_use(&root, asid)?;
        self.ensure_not_running(vcpu)?;
        let state = self.vcpu(vcpu);
        state.space.set(Some(root.object));
        state.asid.set(asid);
        self.machine().vcpu_set_space(vcpu, root.object, asid);
        Ok(())
    }

    fn vcpu_run(&self, invocation: &Invocation, vcpu: VcpuRef) -> Result<(), Error> {
        let word = |index| self.argument(invocation, index);
        let words = core::array::from_fn(|index| word(index as u64));
        let general = |index| word((run_request::GENERAL + index) as u64);
        let request = RunRequest::decode(invocation.length(), words, general)?;
        if !invocation.wants_answer {
            return Err(Error::IllegalOperation);
        }
        self.ensure_not_running(vcpu)?;
        if !self.has_valid_space(vcpu) {
            return Err(Error::lookup(LookupFailure::InvalidRoot));
        }
        self.enter_guest(invocation.thread, vcpu, &request);
        Ok(())
    }

    fn vcpu_read_registers(&self, invocation: &Invocation, vcpu: VcpuRef) -> Result<(), Error> {
        ensure_between(invocation.length(), 1, READ_MAX)?;
        for index in 0..invocation.length() {
            if self.argument(invocation, index) >= register::COUNT {
                return Err(Error::InvalidArgument(index));
            }
        }
        // Each answer takes the place of its question; a question that was changed since is answered by zero.
        let values = (0..invocation.length()).map(|index| match self.argument(invocation, index) {
            id if id < register::COUNT => self.machine().vcpu_register(vcpu, id),
            _ => 0,
        });
        self.answer_with(invocation, values);
        Ok(())
    }

    fn vcpu_write_registers(&self, invocation: &Invocation, vcpu: VcpuRef) -> Result<(), Error> {
        let length = invocation.length();
        ensure_between(length, 2, 2 * WRITE_MAX)?;
        if !length.is_multiple_of(2) {
            return Err(Error::Truncated);
        }
        self.ensure_not_running(vcpu)?;
        let checked = |index| {
            let id = self.argument(invocation, index);
            let value = checked_register(id, self.argument(invocation, index + 1))?;
            Some((id, value))
        };
        for index in (0..length).step_by(2) {
            checked(index).ok_or(Error::InvalidArgument(index))?;
        }
        // Asked again: a device may have changed the words since, and a pair that is wrong now is left out.
        for (id, value) in (0..length).step_by(2).filter_map(checked) {
            self.machine().vcpu_set_register(vcpu, id, value);
        }
        Ok(())
    }

    fn ensure_not_running(&self, vcpu: VcpuRef) -> Result<(), Error> {
        match self.vcpu(vcpu).runner.get() {
            Some(_) => Err(Error::IllegalOperation),
            None => Ok(()),
        }
    }
}
