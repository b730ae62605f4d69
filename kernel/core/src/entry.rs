//! The ways into the kernel. Each one ends with the choice of what to resume.

use crate::fault::FaultReport;
use crate::object::{Register, ThreadState};
use crate::{Kernel, Machine, Resume, TcbRef};

impl<M: Machine> Kernel<M> {
    /// The current thread executed `syscall`; its registers are in its TCB, RIP behind the instruction.
    /// The fast paths were asked before.
    #[inline(always)]
    pub fn handle_system_call(&self) -> Resume {
        let Some(current) = self.current() else {
            return self.leave();
        };
        let tcb = self.tcb(current);
        tcb.fault_address.set(tcb.system_call_address());
        let number = tcb.context.get(Register::Rdx).cast_signed();
        self.update_time();
        if self.check_budget() {
            self.system_call(current, number);
        } else {
            self.repeat_system_call(current);
        }
        self.leave()
    }

    /// The processor raised an exception in user code; page faults have their own entry.
    #[inline(always)]
    pub fn handle_user_exception(&self, vector: u64, code: u64) -> Resume {
        self.handle_fault(FaultReport::exception(vector, code))
    }

    /// User code executed `int n` with a number that seL4 takes for system calls.
    pub fn handle_unknown_system_call(&self, number: u64) -> Resume {
        if let Some(current) = self.enter_from_instruction() {
            if self.check_budget() {
                self.fault(current, FaultReport::unknown_system_call(number));
            } else {
                self.repeat_system_call(current);
            }
        }
        self.leave()
    }

    /// No time was left for a thread's system call: the call is made again when there is.
    fn repeat_system_call(&self, thread: TcbRef) {
        if self.is_runnable(thread) {
            let tcb = self.tcb(thread);
            tcb.fault_address.set(tcb.system_call_address());
            self.set_state(thread, ThreadState::Restart);
        }
    }

    /// A page fault in user code: the address, and the error code that the processor pushed.
    #[inline(always)]
    pub fn handle_page_fault(&self, address: u64, status: u64) -> Resume {
        self.handle_fault(FaultReport::memory(address, status))
    }

    #[inline(always)]
    fn handle_fault(&self, report: FaultReport) -> Resume {
        match self.fast_fault(&report) {
            Some(thread) => Resume::User(thread),
            None => self.general_fault(report),
        }
    }

    /// [`Self::handle_fault`] whatever the circumstances.
    #[inline(never)]
    pub(crate) fn general_fault(&self, report: FaultReport) -> Resume {
        if let Some(current) = self.enter_from_instruction()
            && self.check_budget()
        {
            self.fault(current, report);
        }
        self.leave()
    }

    /// An interrupt of line `irq` (vector − 32); the machine tells the interrupt controller afterwards.
    #[inline(always)]
    pub fn handle_interrupt(&self, irq: u8) -> Resume {
        match self.fast_interrupt(irq) {
            Some(resume) => resume,
            None => self.general_interrupt(irq),
        }
    }

    /// [`Self::handle_interrupt`] whatever the circumstances.
    #[inline(never)]
    pub(crate) fn general_interrupt(&self, irq: u8) -> Resume {
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
    fn enter_from_instruction(&self) -> Option<TcbRef> {
        self.update_time();
        let current = self.current()?;
        let tcb = self.tcb(current);
        if tcb.state.get() == ThreadState::Running {
            tcb.fault_address.set(tcb.context.get(Register::Rip));
        }
        Some(current)
    }
}
