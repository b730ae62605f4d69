//! The kernel interface: seL4's ABI for x86_64 MCS in numbers and layouts.
//!
//! Both sides of the interface depend on this crate and on nothing else: the kernel answers by
//! these numbers, and user programs call by them, through the library `kernel-calls`. The numbers
//! are those of seL4 in one configuration (x86_64, MCS, one core); everything that is Sekisho's own
//! stands in [`extension`] and starts at 64 (object types) and 4096 (labels), so that the standard
//! numbers never move.
#![no_std]
#![forbid(unsafe_code)]

pub mod boot_info;
pub mod error;
pub mod extension;
pub mod fault;
pub mod invocation;
pub mod ipc_buffer;
pub mod message;
pub mod object;
pub mod slot;
pub mod syscall;

pub use error::Error;
pub use message::{CNodeCapData, CapRights, MessageInfo};
