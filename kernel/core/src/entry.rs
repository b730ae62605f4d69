//! The ways into the kernel. Each one ends with the choice of what to resume.

use crate::fault::FaultReport;
use crate::object::{Register, ThreadState};
use crate::{Kernel, Machine, Resume};

impl<M: Machine> Kernel<M> {
    /// The current thread executed `syscall`; its registers are in its TCB, RIP behind the instruction.
    #[inline(always)]
    pub fn handle_system_call(&self) -> Resume {
        match self.fast_message() {
            Some(thread) => Resume::User(thread),
            None => self.handle_any_system_call(),
        }
    }

    #[inline(never)]
    pub(crate) fn handle_any_system_call(&self) -> Resume {
        let Some(current) = self.current() else {
            return self.leave();
        };
        if let Some(resume) = self.fast_run_guest(current) {
            return resume;
        }
        let tcb = self.tcb(current);
        tcb.fault_address.set(tcb.system_call_address());
        let number = tcb.context.get(Register::Rdx).cast_signed();
        self.update_time();
        if self.check_budget() {
            self.system_call(current, number);
        } else if self.is_runnable(current) {
            // No time left for it: the call is made again when there is.
            self.set_state(current, ThreadState::Restart);
        }
        self.leave()
    }

    /// The processor raised an exception in user code; page faults have their own entry.
    pub fn handle_user_exception(&self, vector: u64, code: u64) -> Resume {
        self.handle_fault(FaultReport::Exception { vector, code })
    }

    /// User code executed `int n` with a number that seL4 takes for system calls.
    pub fn handle_unknown_system_call(&self, number: u64) -> Resume {
        self.handle_fault(FaultReport::UnknownSystemCall { number })
    }

    /// A page fault in user code: the address, and the error code that the processor pushed.
    pub fn handle_page_fault(&self, address: u64, status: u64) -> Resume {
        const INSTRUCTION_FETCH: u64 = 1 << 4;
        self.handle_fault(FaultReport::Memory {
            address,
            is_instruction: status & INSTRUCTION_FETCH != 0,
            status,
        })
    }

    fn handle_fault(&self, report: FaultReport) -> Resume {
        if let Some(current) = self.enter_from_instruction()
            && self.check_budget()
        {
            self.fault(current, report);
        }
        self.leave()
    }

    /// An interrupt of line `irq` (vector − 32); the machine has acknowledged it to the interrupt controller.
    pub fn handle_interrupt(&self, irq: u8) -> Resume {
        self.enter_from_instruction();
        self.check_budget();
        self.interrupt(irq);
        self.leave()
    }

    /// The timer that [`Machine::set_timer`] asked for.
    pub fn handle_timer(&self) -> Resume {
        self.enter_from_instruction();
        self.check_budget();
        self.check_domain_time();
        self.core.timer_is_stale.set(true);
        self.leave()
    }

    /// The kernel was entered in the middle of user code: the thread would go on where it is.
    fn enter_from_instruction(&self) -> Option<crate::TcbRef> {
        self.update_time();
        let current = self.current()?;
        let tcb = self.tcb(current);
        if tcb.state.get() == ThreadState::Running {
            tcb.fault_address.set(tcb.context.get(Register::Rip));
        }
        Some(current)
    }
}
