//! Threads and their time: TCBs and scheduling contexts.

use sel4_sys::{Error, invocation as label};

use super::{Done, done};
use crate::Ipc;
use crate::user_context::{USER_CONTEXT_WORDS, UserContext};

/// `TCB_Configure` (MCS: no fault endpoint here).
pub fn tcb_configure(
    ipc: &Ipc,
    tcb: u64,
    cspace: (u64, u64),
    vspace: u64,
    buffer: (u64, u64),
) -> Done {
    let words = [cspace.1, 0, buffer.0];
    let operation = label::TCB_CONFIGURE;
    done(ipc, tcb, operation, &words, &[cspace.0, vspace, buffer.1])
}

/// `TCB_SetSchedParams`: maximum controlled priority, priority, scheduling context, fault endpoint.
pub fn tcb_set_sched_params(
    ipc: &Ipc,
    tcb: u64,
    authority: u64,
    priorities: (u64, u64),
    sched_context: u64,
    fault_endpoint: u64,
) -> Done {
    let words = [priorities.0, priorities.1];
    let caps = [authority, sched_context, fault_endpoint];
    done(ipc, tcb, label::TCB_SET_SCHED_PARAMS, &words, &caps)
}

/// `TCB_SetPriority`.
pub fn tcb_set_priority(ipc: &Ipc, tcb: u64, authority: u64, priority: u64) -> Done {
    done(ipc, tcb, label::TCB_SET_PRIORITY, &[priority], &[authority])
}

/// `TCB_SetTimeoutEndpoint`.
pub fn tcb_set_timeout_endpoint(ipc: &Ipc, tcb: u64, endpoint: u64) -> Done {
    done(ipc, tcb, label::TCB_SET_TIMEOUT_ENDPOINT, &[], &[endpoint])
}

/// `TCB_WriteRegisters` of all registers; `resume` starts the thread.
pub fn tcb_write_registers(ipc: &Ipc, tcb: u64, resume: Resume, context: &UserContext) -> Done {
    let mut words = [0; 2 + USER_CONTEXT_WORDS];
    words[0] = u64::from(resume == Resume::Yes);
    words[1] = USER_CONTEXT_WORDS as u64;
    words[2..].copy_from_slice(&context.to_words());
    done(ipc, tcb, label::TCB_WRITE_REGISTERS, &words, &[])
}

/// Whether a thread is started by an operation on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// It stays as it is.
    No,
    /// It is started.
    Yes,
}

/// `TCB_ReadRegisters` of all registers, without suspending the thread.
pub fn tcb_read_registers(ipc: &Ipc, tcb: u64) -> Result<UserContext, Error> {
    ipc.invoke(
        tcb,
        label::TCB_READ_REGISTERS,
        &[0, USER_CONTEXT_WORDS as u64],
        &[],
    )?;
    let mut words = [0; USER_CONTEXT_WORDS];
    for (index, word) in words.iter_mut().enumerate() {
        *word = ipc.word(index);
    }
    Ok(UserContext::from_words(&words))
}

/// `TCB_Suspend`.
pub fn tcb_suspend(ipc: &Ipc, tcb: u64) -> Done {
    done(ipc, tcb, label::TCB_SUSPEND, &[], &[])
}

/// `TCB_Resume`.
pub fn tcb_resume(ipc: &Ipc, tcb: u64) -> Done {
    done(ipc, tcb, label::TCB_RESUME, &[], &[])
}

/// `TCB_BindNotification`.
pub fn tcb_bind_notification(ipc: &Ipc, tcb: u64, notification: u64) -> Done {
    done(ipc, tcb, label::TCB_BIND_NOTIFICATION, &[], &[notification])
}

/// Parameters of a scheduling context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchedParams {
    /// Budget in microseconds.
    pub budget_us: u64,
    /// Period in microseconds.
    pub period_us: u64,
    /// Refills beyond the two that always fit.
    pub extra_refills: u64,
    /// Identifies the context in timeout faults.
    pub badge: u64,
}

/// `SchedControl_ConfigureFlags` without flags.
pub fn sched_control_configure(
    ipc: &Ipc,
    control: u64,
    context: u64,
    parameters: SchedParams,
) -> Done {
    let p = parameters;
    let words = [p.budget_us, p.period_us, p.extra_refills, p.badge, 0];
    let operation = label::SCHED_CONTROL_CONFIGURE_FLAGS;
    done(ipc, control, operation, &words, &[context])
}

/// `SchedContext_Bind` to a thread or notification.
pub fn sched_context_bind(ipc: &Ipc, context: u64, object: u64) -> Done {
    done(ipc, context, label::SCHED_CONTEXT_BIND, &[], &[object])
}
