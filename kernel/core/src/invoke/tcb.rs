//! Thread operations: dispatch, and the small ones.

use sel4_sys::invocation as label;

use super::Invocation;
use crate::capability::Capability;
use crate::error::{Error, Stop};
use crate::fault::sanitised;
use crate::object::Register;
use crate::{Kernel, Machine, TcbRef};

/// The flags that SetFlags knows: bit 0, the thread may not use the FPU.
const KNOWN_FLAGS: u64 = 1;

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_thread(&self, invocation: &Invocation, tcb: TcbRef) -> Result<(), Stop> {
        match invocation.label {
            label::TCB_READ_REGISTERS => Ok(self.tcb_read_registers(invocation, tcb)?),
            label::TCB_WRITE_REGISTERS => Ok(self.tcb_write_registers(invocation, tcb)?),
            label::TCB_COPY_REGISTERS => Ok(self.tcb_copy_registers(invocation, tcb)?),
            label::TCB_CONFIGURE => self.tcb_configure(invocation, tcb),
            label::TCB_SET_PRIORITY => Ok(self.tcb_set_priority(invocation, tcb)?),
            label::TCB_SET_MC_PRIORITY => Ok(self.tcb_set_mc_priority(invocation, tcb)?),
            label::TCB_SET_SCHED_PARAMS => self.tcb_set_sched_params(invocation, tcb),
            label::TCB_SET_TIMEOUT_ENDPOINT => self.tcb_set_timeout_endpoint(invocation, tcb),
            label::TCB_SET_IPC_BUFFER => self.tcb_set_ipc_buffer(invocation, tcb),
            label::TCB_SET_SPACE => self.tcb_set_space(invocation, tcb),
            label::TCB_SUSPEND => {
                self.suspend(tcb);
                Ok(())
            }
            label::TCB_RESUME => {
                self.restart(tcb);
                Ok(())
            }
            label::TCB_BIND_NOTIFICATION => Ok(self.tcb_bind_notification(invocation, tcb)?),
            label::TCB_UNBIND_NOTIFICATION => Ok(self.tcb_unbind_notification(tcb)?),
            label::TCB_SET_TLS_BASE => Ok(self.tcb_set_tls_base(invocation, tcb)?),
            label::TCB_SET_FLAGS => Ok(self.tcb_set_flags(invocation, tcb)?),
            _ => Err(Error::IllegalOperation.into()),
        }
    }

    fn tcb_bind_notification(&self, invocation: &Invocation, tcb: TcbRef) -> Result<(), Error> {
        let (_, capability) = self.extra(invocation, 0)?;
        let Capability::Notification(notification) = capability else {
            return Err(Error::IllegalOperation);
        };
        let state = self.notification(notification.object);
        if self.tcb(tcb).bound_notification.get().is_some()
            || !notification.rights.can_read()
            || state.bound_tcb.get().is_some()
            || state.queue.head.get().is_some()
        {
            return Err(Error::IllegalOperation);
        }
        self.bind_notification(tcb, notification.object);
        Ok(())
    }

    fn tcb_unbind_notification(&self, tcb: TcbRef) -> Result<(), Error> {
        if self.tcb(tcb).bound_notification.get().is_none() {
            return Err(Error::IllegalOperation);
        }
        self.unbind_notification(tcb);
        Ok(())
    }

    fn tcb_set_tls_base(&self, invocation: &Invocation, tcb: TcbRef) -> Result<(), Error> {
        invocation.require(1, 0)?;
        let base = sanitised(Register::FsBase, self.argument(invocation, 0));
        self.machine().release_thread(tcb);
        self.tcb(tcb).context.set(Register::FsBase, base);
        Ok(())
    }

    fn tcb_set_flags(&self, invocation: &Invocation, tcb: TcbRef) -> Result<(), Error> {
        invocation.require(2, 0)?;
        let clear = self.argument(invocation, 0);
        let set = self.argument(invocation, 1) & KNOWN_FLAGS;
        // Whether the FPU is usable takes effect when the machine loads the thread again.
        self.machine().release_thread(tcb);
        let flags = &self.tcb(tcb).flags;
        flags.set(flags.get() & !clear | set);
        self.answer_with(invocation, [flags.get()]);
        Ok(())
    }
}
