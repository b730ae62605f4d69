//! Invocations: what capabilities are asked to do.
//!
//! An operation first checks everything and changes nothing, then does its work, which cannot fail. Work
//! that may take long stops at an interrupt; the thread then makes the same call again and goes on from
//! what is done.

mod arguments;
mod asid;
mod cnode;
mod cnode_rotate;
mod domain;
mod frame;
mod io_port;
mod irq_control;
mod irq_handler;
mod nested;
mod retype;
mod sched_context;
mod sched_control;
mod table;
mod tcb;
mod tcb_registers;
mod tcb_schedule;
mod tcb_space;
mod vcpu;

pub(crate) use arguments::Invocation;

use sel4_sys::MessageInfo;

use crate::capability::Capability;
use crate::error::{Error, LookupFailure, Stop};
use crate::fault::FaultReport;
use crate::ipc::{Delivery, Sending};
use crate::message::BufferUse;
use crate::object::ThreadState;
use crate::{Kernel, Machine, TcbRef};

impl<M: Machine> Kernel<M> {
    /// `thread` invokes the capability at an address of its space.
    pub(crate) fn invoke(&self, thread: TcbRef, address: u64, delivery: Delivery) {
        let (invocation, capability) = match self.find_invocation(thread, address, delivery) {
            Ok(found) => found,
            Err((address, failure)) => {
                if !delivery.is_lossy() {
                    self.fault(thread, FaultReport::capability(address, false, failure));
                }
                return;
            }
        };
        self.tcb(thread).state.set(ThreadState::Restart);
        match self.perform(&invocation, capability, delivery) {
            // Still set to restart: exactly what a preempted operation needs.
            Err(Stop::Preempted) => return,
            Err(Stop::Refused(error)) if invocation.wants_answer => {
                let (label, words, count) = error.message();
                let words = words.iter().copied().zip(0..count).map(|(word, _)| word);
                self.answer_from_kernel(thread, label, words);
            }
            Ok(()) if invocation.wants_answer && self.is_restarting(thread) => {
                self.answer_from_kernel(thread, 0, []);
            }
            Err(Stop::Refused(_)) | Ok(()) => (),
        }
        if self.is_restarting(thread) {
            self.tcb(thread).state.set(ThreadState::Running);
        }
    }

    /// Whether the invoking thread still is where it began: nothing has stopped it or answered it.
    fn is_restarting(&self, thread: TcbRef) -> bool {
        self.tcb(thread).state.get() == ThreadState::Restart
    }

    fn find_invocation(
        &self,
        thread: TcbRef,
        address: u64,
        delivery: Delivery,
    ) -> Result<(Invocation, Capability), (u64, LookupFailure)> {
        let (slot, capability) = self
            .lookup_capability(thread, address)
            .map_err(|failure| (address, failure))?;
        let info = self.tcb(thread).message_info();
        let invocation = Invocation {
            thread,
            slot,
            label: info.label(),
            length: info.length(),
            buffer: self.buffer(thread, BufferUse::Read),
            extra: self.lookup_extra_caps(thread, info.extra_caps())?,
            wants_answer: delivery == Delivery::Call,
        };
        Ok((invocation, capability))
    }

    fn perform(
        &self,
        invocation: &Invocation,
        capability: Capability,
        delivery: Delivery,
    ) -> Result<(), Stop> {
        let thread = invocation.thread;
        match capability {
            Capability::Endpoint(endpoint) if endpoint.rights.can_write() => {
                let sending = Sending {
                    to: endpoint,
                    can_donate: matches!(delivery, Delivery::Call | Delivery::FirstHalf),
                    delivery,
                };
                self.send(thread, sending);
                Ok(())
            }
            Capability::Notification(notification) if notification.rights.can_write() => {
                self.signal(notification.object, notification.badge);
                Ok(())
            }
            Capability::Reply(reply) => {
                self.answer(thread, reply.object, reply.can_grant);
                Ok(())
            }
            _ if delivery == Delivery::FirstHalf => Err(Error::InvalidCapability(0).into()),
            _ => self.invoke_kernel_object(invocation, capability),
        }
    }

    fn invoke_kernel_object(
        &self,
        invocation: &Invocation,
        capability: Capability,
    ) -> Result<(), Stop> {
        if self.is_deleting() {
            // What was looked up may be among what is deleted: finish, then look again.
            self.finish_deletions()?;
            return Err(Stop::Preempted);
        }
        match capability {
            Capability::Untyped(untyped) => self.invoke_untyped(invocation, untyped),
            Capability::CNode(cnode) => self.invoke_cnode(invocation, cnode),
            Capability::Thread(thread) => self.invoke_thread(invocation, thread),
            Capability::Frame(frame) => Ok(self.invoke_frame(invocation, frame)?),
            Capability::Table(table) => self.invoke_table(invocation, table),
            Capability::SchedContext(context) => {
                Ok(self.invoke_sched_context(invocation, context.object)?)
            }
            Capability::SchedControl => Ok(self.invoke_sched_control(invocation)?),
            Capability::IrqControl => Ok(self.invoke_irq_control(invocation)?),
            Capability::IrqHandler(irq) => self.invoke_irq_handler(invocation, irq),
            Capability::IoPortControl => Ok(self.invoke_io_port_control(invocation)?),
            Capability::IoPorts(ports) => Ok(self.invoke_io_ports(invocation, ports)?),
            Capability::Domain => Ok(self.invoke_domain(invocation)?),
            Capability::AsidControl => self.invoke_asid_control(invocation),
            Capability::AsidPool(pool) => Ok(self.invoke_asid_pool(invocation, pool)?),
            Capability::Vcpu(vcpu) => Ok(self.invoke_vcpu(invocation, vcpu)?),
            Capability::Null
            | Capability::Endpoint(_)
            | Capability::Notification(_)
            | Capability::Reply(_) => Err(Error::InvalidCapability(0).into()),
        }
    }

    /// Answers the invoking thread, if it wants that; the operation is done.
    pub(crate) fn answer_with(
        &self,
        invocation: &Invocation,
        words: impl IntoIterator<Item = u64>,
    ) {
        if invocation.wants_answer {
            self.answer_from_kernel(invocation.thread, 0, words);
        }
        self.tcb(invocation.thread).state.set(ThreadState::Running);
    }

    pub(crate) fn answer_from_kernel(
        &self,
        thread: TcbRef,
        label: u64,
        words: impl IntoIterator<Item = u64>,
    ) {
        let buffer = self.buffer(thread, BufferUse::Write);
        let length = self.set_message(thread, buffer, words);
        let tcb = self.tcb(thread);
        tcb.set_badge(0);
        tcb.set_message_info(MessageInfo::new(label, 0, length));
    }
}
