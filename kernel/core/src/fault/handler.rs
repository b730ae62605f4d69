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
pub(crate) enum FaultReport {
    /// A capability address led nowhere.
    Capability {
        address: u64,
        receiving: bool,
        failure: LookupFailure,
    },
    /// There is no such system call.
    UnknownSystemCall { number: u64 },
    /// The processor raised an exception.
    Exception { vector: u64, code: u64 },
    /// The page tables do not allow an access.
    Memory {
        address: u64,
        is_instruction: bool,
        status: u64,
    },
    /// The budget is used up.
    Timeout { badge: u64, consumed_us: u64 },
}

impl FaultReport {
    const fn kind(self) -> u64 {
        match self {
            Self::Capability { .. } => fault::CAP_FAULT,
            Self::UnknownSystemCall { .. } => fault::UNKNOWN_SYSCALL,
            Self::Exception { .. } => fault::USER_EXCEPTION,
            Self::Memory { .. } => fault::VM_FAULT,
            Self::Timeout { .. } => fault::TIMEOUT,
        }
    }

    /// What the message says beyond the thread's registers.
    const fn words(self) -> ([u64; 6], u64) {
        match self {
            Self::Capability {
                address,
                receiving,
                failure,
            } => {
                let ([kind, first, second, third], count) = failure.words();
                let words = [address, receiving as u64, kind, first, second, third];
                (words, count + 2)
            }
            Self::UnknownSystemCall { number } => ([number, 0, 0, 0, 0, 0], 1),
            Self::Exception { vector, code } => ([vector, code, 0, 0, 0, 0], 2),
            Self::Memory {
                address,
                is_instruction,
                status,
            } => ([address, is_instruction as u64, status, 0, 0, 0], 3),
            Self::Timeout { badge, consumed_us } => ([badge, consumed_us, 0, 0, 0, 0], 2),
        }
    }
}

impl<M: Machine> Kernel<M> {
    /// The thread stops and its handler is told; without a handler it stops for good.
    pub(crate) fn fault(&self, thread: TcbRef, report: FaultReport) {
        let can_donate = self.tcb(thread).sched_context.get().is_some();
        if !self.report_fault(thread, report, TcbSlot::FaultHandler, can_donate) {
            self.set_state(thread, ThreadState::Inactive);
        }
    }

    /// The timeout handler is told that the thread's budget is used up.
    pub(crate) fn timeout_fault(&self, thread: TcbRef, context: SchedContextRef) {
        let report = FaultReport::Timeout {
            badge: self.sched_context(context).badge.get(),
            consumed_us: self.take_consumed(context),
        };
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
        let (words, count) = report.words();
        fault.kind.set(report.kind());
        fault.word_count.set(count);
        for (cell, word) in fault.words.iter().zip(words) {
            cell.set(word);
        }
        let sending = Sending {
            badge: endpoint.badge,
            can_grant: endpoint.rights.can_grant(),
            can_grant_reply: endpoint.rights.can_grant_reply(),
            can_donate,
            delivery: Delivery::Blocking,
        };
        self.send(thread, endpoint.object, sending);
        true
    }
}

/// Whether a capability can be a thread's fault or timeout handler: faults are calls.
pub(crate) fn is_fault_handler(capability: &Capability) -> bool {
    matches!(capability, Capability::Endpoint(endpoint)
        if endpoint.rights.can_write()
            && (endpoint.rights.can_grant() || endpoint.rights.can_grant_reply()))
}
