//! Faults find their handler.

use sel4_sys::fault;

use crate::address::TcbSlot;
use crate::capability::Capability;
use crate::error::LookupFailure;
use crate::ipc::{Delivery, Sending};
use crate::object::ThreadState;
use crate::{Kernel, Machine, SchedContextRef, TcbRef};

/// What happened to a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FaultReport {
    /// The label of its message.
    pub(crate) kind: u64,
    /// What the message says beyond the thread's registers, and how many of the words count.
    pub(crate) words: [u64; 6],
    count: u64,
}

impl FaultReport {
    const fn new(kind: u64, words: [u64; 4], count: u64) -> Self {
        let [first, second, third, fourth] = words;
        Self {
            kind,
            words: [first, second, third, fourth, 0, 0],
            count,
        }
    }

    /// A capability address led nowhere.
    pub(crate) const fn capability(address: u64, receiving: bool, failure: LookupFailure) -> Self {
        let ([kind, first, second, third], count) = failure.words();
        Self {
            kind: fault::CAP_FAULT,
            words: [address, receiving as u64, kind, first, second, third],
            count: count + 2,
        }
    }

    /// There is no such system call.
    pub(crate) const fn unknown_system_call(number: u64) -> Self {
        Self::new(fault::UNKNOWN_SYSCALL, [number, 0, 0, 0], 1)
    }

    /// The processor raised an exception.
    pub(crate) const fn exception(vector: u64, code: u64) -> Self {
        Self::new(fault::USER_EXCEPTION, [vector, code, 0, 0], 2)
    }

    /// The page tables do not allow an access; `status` is the processor's error code.
    pub(crate) const fn memory(address: u64, status: u64) -> Self {
        let is_instruction = status >> 4 & 1;
        Self::new(fault::VM_FAULT, [address, is_instruction, status, 0], 3)
    }

    /// The budget is used up.
    const fn timeout(badge: u64, consumed_us: u64) -> Self {
        Self::new(fault::TIMEOUT, [badge, consumed_us, 0, 0], 2)
    }
}

impl<M: Machine> Kernel<M> {
    /// The thread stops and its handler is told; without a handler it stops for good.
    pub(crate) fn fault(&self, thread: TcbRef, report: FaultReport) {
        let can_donate = self.tcb(thread).sched_context.get().is_some();
        if !self.report_fault(thread, report, TcbSlot::FaultHandler, can_donate) {
            self.set_state(thread, ThreadState::Inactive);
            if M::HAS_DEBUG_CALLS {
                self.print_fault(thread, &report);
            }
        }
    }

    /// The timeout handler is told that the thread's budget is used up.
    pub(crate) fn timeout_fault(&self, thread: TcbRef, context: SchedContextRef) {
        let badge = self.sched_context(context).badge.get();
        let report = FaultReport::timeout(badge, self.take_consumed(context));
        self.report_fault(thread, report, TcbSlot::TimeoutHandler, false);
    }

    pub(crate) fn has_timeout_handler(&self, thread: TcbRef) -> bool {
        is_fault_handler(&self.slot(thread.slot(TcbSlot::TimeoutHandler)).capability())
    }

    fn report_fault(
        &self,
        thread: TcbRef,
        report: FaultReport,
        handler: TcbSlot,
        can_donate: bool,
    ) -> bool {
        let capability = self.slot(thread.slot(handler)).capability();
        let Capability::Endpoint(endpoint) = capability else {
            return false;
        };
        if !is_fault_handler(&capability) {
            return false;
        }
        let fault = &self.tcb(thread).fault;
        fault.kind.set(report.kind);
        fault.word_count.set(report.count);
        for (cell, word) in fault.words.iter().zip(report.words) {
            cell.set(word);
        }
        let sending = Sending {
            to: endpoint,
            can_donate,
            delivery: Delivery::Blocking,
        };
        self.send(thread, sending);
        true
    }
}

/// Whether a capability can be a thread's fault or timeout handler: faults are calls.
pub(crate) fn is_fault_handler(capability: &Capability) -> bool {
    matches!(capability, Capability::Endpoint(endpoint)
        if endpoint.rights.can_write()
            && endpoint.rights.can_call())
}
