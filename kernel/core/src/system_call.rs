//! System calls.

use sel4_sys::syscall;

use crate::capability::Capability;
use crate::error::LookupFailure;
use crate::fault::{FaultReport, sanitised};
use crate::ipc::{Blocking, Delivery};
use crate::message::{BADGE_REGISTER, DESTINATION_REGISTER, REPLY_REGISTER};
use crate::object::Register;
use crate::{Kernel, Machine, ReplyRef, TcbRef};

/// Whether a receiving call names a reply object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ReplyUse {
    Named,
    None,
}

impl<M: Machine> Kernel<M> {
    /// Does what system call `number` of the current thread asks for.
    pub(crate) fn system_call(&self, thread: TcbRef, number: i64) {
        let register = |register| self.tcb(thread).context.get(register);
        match number {
            syscall::CALL => self.invoke(thread, register(BADGE_REGISTER), Delivery::Call),
            syscall::REPLY_RECV => {
                self.invoke(thread, register(REPLY_REGISTER), Delivery::FirstHalf);
                self.receive_call(thread, Blocking::Wait, ReplyUse::Named);
            }
            syscall::NB_SEND_RECV => {
                self.invoke(thread, register(DESTINATION_REGISTER), Delivery::FirstHalf);
                self.receive_call(thread, Blocking::Wait, ReplyUse::Named);
            }
            syscall::NB_SEND_WAIT => {
                // The destination stands where other calls name a reply object.
                self.invoke(thread, register(REPLY_REGISTER), Delivery::FirstHalf);
                self.receive_call(thread, Blocking::Wait, ReplyUse::None);
            }
            syscall::SEND => self.invoke(thread, register(BADGE_REGISTER), Delivery::Blocking),
            syscall::NB_SEND => {
                self.invoke(thread, register(BADGE_REGISTER), Delivery::NonBlocking)
            }
            syscall::RECV => self.receive_call(thread, Blocking::Wait, ReplyUse::Named),
            syscall::NB_RECV => self.receive_call(thread, Blocking::Poll, ReplyUse::Named),
            syscall::WAIT => self.receive_call(thread, Blocking::Wait, ReplyUse::None),
            syscall::NB_WAIT => self.receive_call(thread, Blocking::Poll, ReplyUse::None),
            syscall::YIELD => self.yield_slice(),
            syscall::SET_TLS_BASE => {
                self.machine().release_thread(thread);
                let base = sanitised(Register::FsBase, register(BADGE_REGISTER));
                self.tcb(thread).context.set(Register::FsBase, base);
            }
            _ if M::HAS_DEBUG_CALLS && self.debug_call(thread, number) => (),
            _ => self.fault(
                thread,
                FaultReport::unknown_system_call(number.cast_unsigned()),
            ),
        }
    }

    fn receive_call(&self, thread: TcbRef, blocking: Blocking, reply_use: ReplyUse) {
        let address = self.tcb(thread).context.get(BADGE_REGISTER);
        if let Err((address, failure)) = self.try_receive(thread, address, blocking, reply_use) {
            self.fault(thread, FaultReport::capability(address, true, failure));
        }
    }

    fn try_receive(
        &self,
        thread: TcbRef,
        address: u64,
        blocking: Blocking,
        reply_use: ReplyUse,
    ) -> Result<(), (u64, LookupFailure)> {
        let missing = LookupFailure::MissingCapability { bits_left: 0 };
        let (_, capability) = self
            .lookup_capability(thread, address)
            .map_err(|failure| (address, failure))?;
        match capability {
            Capability::Endpoint(endpoint) if endpoint.rights.can_read() => {
                let reply = match reply_use {
                    ReplyUse::None => None,
                    ReplyUse::Named => Some(self.lookup_reply(thread)?),
                };
                self.receive(thread, endpoint.object, reply, blocking);
                Ok(())
            }
            Capability::Notification(notification) if notification.rights.can_read() => {
                let bound = self.notification(notification.object).bound_tcb.get();
                if bound.is_some_and(|bound| bound != thread) {
                    return Err((address, missing));
                }
                self.wait(thread, notification.object, blocking);
                Ok(())
            }
            _ => Err((address, missing)),
        }
    }

    fn lookup_reply(&self, thread: TcbRef) -> Result<ReplyRef, (u64, LookupFailure)> {
        let address = self.tcb(thread).context.get(REPLY_REGISTER);
        match self.lookup_capability(thread, address) {
            Ok((_, Capability::Reply(reply))) => Ok(reply.object),
            Ok(_) => Err((address, LookupFailure::MissingCapability { bits_left: 0 })),
            Err(failure) => Err((address, failure)),
        }
    }
}
