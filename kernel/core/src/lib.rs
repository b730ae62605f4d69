//! Every decision of the kernel, in safe Rust, tested on the host.
//!
//! The crate sees memory and hardware only through two traits, [`Store`] and [`Machine`]: the kernel
//! image implements them over real frames and registers, the host tests over ordinary boxes. All
//! kernel objects are plain structs of [`core::cell::Cell`]s that are shared freely (the kernel runs
//! with interrupts off under one lock), so no decision needs unsafe code.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod address;
mod boot;
mod capability;
mod core_state;
mod debug;
mod delete;
mod derivation;
mod entry;
mod error;
mod fast;
mod fault;
mod guest;
mod interrupt;
mod invoke;
mod ipc;
mod kernel;
mod lookup;
mod machine;
mod message;
pub mod mitigation;
mod object;
mod route;
mod schedule;
mod space;
mod system_call;
#[cfg(test)]
mod tests;

pub use address::{
    AsidPoolRef, BufferRef, EndpointRef, NotificationRef, PhysicalAddress, RefillRef, ReplyRef,
    SchedContextRef, SlotRef, TableRef, TcbRef, VcpuRef,
};
pub use boot::{BootError, BootInformation, ExtraChunk, Region, UserImage};
pub use kernel::{Kernel, Resume};
pub use machine::{Machine, PortWidth, Store, Trigger};
pub use object::{
    Endpoint, FPU_BYTES, FpuArea, Notification, Refill, Register, Reply, SchedContext, Slot, Tcb,
    ThreadState, UserContext, VcpuState,
};
