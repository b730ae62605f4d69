//! Reading and writing threads' registers.

use super::Invocation;
use super::arguments::ensure_between;
use crate::capability::Capability;
use crate::error::Error;
use crate::object::Register;
use crate::{Kernel, Machine, TcbRef};

/// The registers that a system call reads, changes or keeps; the others are the integer registers.
const FRAME_REGISTERS: usize = 18;

impl<M: Machine> Kernel<M> {
    pub(super) fn tcb_read_registers(
        &self,
        invocation: &Invocation,
        tcb: TcbRef,
    ) -> Result<(), Error> {
        const SUSPEND: u64 = 1;
        invocation.require(2, 0)?;
        let flags = self.argument(invocation, 0);
        let count = self.argument(invocation, 1);
        ensure_between(count, 1, Register::ALL.len() as u64)?;
        self.ensure_not_self(invocation, tcb)?;
        if flags & SUSPEND != 0 {
            self.suspend(tcb);
        }
        self.machine().release_thread(tcb);
        let state = self.tcb(tcb);
        let values = Register::ALL.iter().zip(0..count);
        let values = values.map(|(register, _)| state.visible_register(*register));
        self.answer_with(invocation, values);
        Ok(())
    }

    pub(super) fn tcb_write_registers(
        &self,
        invocation: &Invocation,
        tcb: TcbRef,
    ) -> Result<(), Error> {
        const RESUME: u64 = 1;
        invocation.require(2, 0)?;
        let flags = self.argument(invocation, 0);
        let count = self.argument(invocation, 1);
        if invocation.length() - 2 < count {
            return Err(Error::Truncated);
        }
        self.ensure_not_self(invocation, tcb)?;
        self.machine().release_thread(tcb);
        let state = self.tcb(tcb);
        for (register, index) in Register::ALL.iter().zip(0..count) {
            state.set_visible_register(*register, self.argument(invocation, index + 2));
        }
        self.go_on_at_fault_address(tcb);
        if flags & RESUME != 0 {
            self.restart(tcb);
        }
        Ok(())
    }

    pub(super) fn tcb_copy_registers(
        &self,
        invocation: &Invocation,
        tcb: TcbRef,
    ) -> Result<(), Error> {
        const SUSPEND_SOURCE: u64 = 1;
        const RESUME_TARGET: u64 = 2;
        const FRAME: u64 = 4;
        const INTEGER: u64 = 8;
        invocation.require(1, 1)?;
        let flags = self.argument(invocation, 0);
        let (_, Capability::Thread(source)) = self.extra(invocation, 0)? else {
            return Err(Error::InvalidCapability(1));
        };
        if flags & SUSPEND_SOURCE != 0 {
            self.suspend(source);
        }
        if flags & RESUME_TARGET != 0 {
            self.restart(tcb);
        }
        self.machine().release_thread(source);
        self.machine().release_thread(tcb);
        let (frame, integer) = Register::ALL.split_at(FRAME_REGISTERS);
        if flags & FRAME != 0 {
            self.copy_registers(source, tcb, frame);
            self.go_on_at_fault_address(tcb);
        }
        if flags & INTEGER != 0 {
            self.copy_registers(source, tcb, integer);
        }
        if self.current() == Some(tcb) {
            self.reschedule();
        }
        Ok(())
    }

    fn copy_registers(&self, source: TcbRef, target: TcbRef, registers: &[Register]) {
        for register in registers {
            let value = self.tcb(source).visible_register(*register);
            self.tcb(target).set_visible_register(*register, value);
        }
    }

    /// A thread whose instruction pointer was changed goes on there, also if it is not restarted.
    fn go_on_at_fault_address(&self, tcb: TcbRef) {
        let state = self.tcb(tcb);
        state.context.set(Register::Rip, state.fault_address.get());
    }

    fn ensure_not_self(&self, invocation: &Invocation, tcb: TcbRef) -> Result<(), Error> {
        if invocation.thread == tcb {
            Err(Error::IllegalOperation)
        } else {
            Ok(())
        }
    }
}
