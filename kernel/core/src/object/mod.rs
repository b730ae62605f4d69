//! The kernel objects as they lie in memory.
//!
//! All-zero memory is a valid, newly made object of every type; Retype relies on it.

mod create;
mod endpoint;
mod notification;
mod queue;
mod reply;
mod sched_context;
mod slot;
mod tcb;
mod vcpu;

pub use endpoint::Endpoint;
pub use notification::Notification;
pub(crate) use queue::Queue;
pub use reply::Reply;
pub use sched_context::{Refill, SchedContext};
pub use slot::Slot;
pub use tcb::{FPU_BYTES, FpuArea, Register, Tcb, ThreadState, UserContext};
pub use vcpu::VcpuState;
