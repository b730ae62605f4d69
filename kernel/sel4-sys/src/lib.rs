//! The kernel interface: seL4's ABI for x86_64 MCS in numbers, layouts and stubs.
//!
//! Both sides of the interface depend on this crate and on nothing else: the kernel takes
//! numbers and layouts from it, user programs take the system call stubs and the typed
//! invocations. The numbers are those of seL4 in one configuration (x86_64, MCS, one core);
//! everything that is Sekisho's own stands in [`extension`] and starts at 64 (object types)
//! and 4096 (labels), so that the standard numbers never move.
//!
//! # Soundness
//!
//! Unsafe code stands in [`syscall`] (the `syscall` instruction) and in [`ipc`] (the pointer to
//! the thread's IPC buffer). A system call cannot break Rust's memory rules of its caller except
//! by changing mappings of memory that the caller uses; capabilities to one's own address space
//! are held by the root server alone, and it maps only into a window kept for that.
#![no_std]

pub mod boot_info;
pub mod error;
pub mod extension;
pub mod fault;
pub mod invocation;
pub mod invoke;
pub mod ipc;
pub mod ipc_buffer;
pub mod message;
pub mod object;
pub mod slot;
pub mod syscall;
pub mod user_context;

pub use error::Error;
pub use ipc::Ipc;
pub use message::{CNodeCapData, CapRights, MessageInfo};
