//! Entering guests.

use sel4_sys::MessageInfo;
use sel4_sys::extension::{label, reason, register};

use super::RunRequest;
use super::request::General;
use crate::object::ThreadState;
use crate::{Kernel, Machine, Resume, TcbRef, VcpuRef};

impl<M: Machine> Kernel<M> {
    /// The thread becomes the runner of the vCPU, unless a signal waits for it.
    #[inline(always)]
    pub(crate) fn enter_guest(&self, thread: TcbRef, vcpu: VcpuRef, request: &RunRequest) {
        self.apply_request(vcpu, request);
        let tcb = self.tcb(thread);
        // Should the call be repeated after the thread was stopped, it must not set the registers back.
        tcb.set_message_info(MessageInfo::new(label::VCPU_RUN, 0, 0));
        tcb.vcpu.set(Some(vcpu));
        self.vcpu(vcpu).runner.set(Some(thread));
        tcb.state.set(ThreadState::RunningGuest);
        if let Some(notification) = tcb.bound_notification.get()
            && self.notification(notification).active.get()
        {
            let notification = self.notification(notification);
            notification.active.set(false);
            let badge = notification.badge.take();
            self.exit_guest(thread, [reason::NOTIFICATION, 0, 0], badge);
        }
    }

    #[inline(always)]
    fn apply_request(&self, vcpu: VcpuRef, request: &RunRequest) {
        let machine = self.machine();
        if let Some(rip) = request.rip {
            machine.vcpu_set_register(vcpu, register::RIP, rip);
        }
        if let Some(rflags) = request.rflags {
            machine.vcpu_set_register(vcpu, register::RFLAGS, rflags);
        }
        match &request.general {
            General::None => {}
            General::First(values) => machine.vcpu_set_general(vcpu, values),
            General::All(values) => machine.vcpu_set_general(vcpu, values),
        }
        if let Some(event) = request.event {
            machine.vcpu_set_event(vcpu, event);
        }
        if request.clear_interrupt_shadow {
            machine.vcpu_clear_interrupt_shadow(vcpu);
        }
        machine.vcpu_request_interrupt_window(vcpu, request.request_interrupt_window);
    }

    /// Whether the nested space of a vCPU still exists.
    #[inline(always)]
    pub(crate) fn has_valid_space(&self, vcpu: VcpuRef) -> bool {
        let state = self.vcpu(vcpu);
        let space = state.space.get();
        space.is_some() && self.nested_space_of(state.asid.get()) == space
    }

    /// How a thread that runs a guest goes on.
    pub(crate) fn resume_guest(&self, thread: TcbRef) -> Resume {
        match self.tcb(thread).vcpu.get() {
            Some(vcpu) if self.has_valid_space(vcpu) => Resume::Guest(vcpu),
            _ => {
                self.exit_guest(thread, [reason::INVALID_STATE, 0, 0], 0);
                Resume::User(thread)
            }
        }
    }

    /// The thread no longer runs its vCPU.
    pub(crate) fn leave_guest(&self, thread: TcbRef) -> Option<VcpuRef> {
        let vcpu = self.tcb(thread).vcpu.take()?;
        self.vcpu(vcpu).runner.set(None);
        Some(vcpu)
    }

    /// The last capability to a vCPU is gone.
    pub(crate) fn destroy_vcpu(&self, vcpu: VcpuRef) {
        if let Some(runner) = self.vcpu(vcpu).runner.get() {
            self.exit_guest(runner, [reason::INVALID_STATE, 0, 0], 0);
        }
        self.machine().release_vcpu(vcpu);
    }
}
