//! How a user program calls the kernel: the `syscall` instruction, messages, typed invocations.
//!
//! Numbers and layouts are the interface itself and stand in [`sel4_sys`], which the kernel shares.
//! Here is what only programs need: [`syscall()`] moves a call's registers, [`Ipc`] owns the
//! thread's IPC buffer and sends and receives with it, and [`invoke`] has one function for each
//! operation on a kernel object.
//!
//! # Soundness
//!
//! Unsafe code stands in `instruction` (the `syscall` instruction) and in `ipc` (the pointer to the
//! thread's IPC buffer). A system call cannot break Rust's memory rules of its caller except by
//! changing mappings of memory that the caller uses; capabilities to one's own address space are
//! held by the root server alone, and it maps only into a window kept for that.
#![no_std]

mod instruction;
pub mod invoke;
mod ipc;
pub mod ipc_buffer;
pub mod user_context;

pub use instruction::{
    Registers, debug_cap_identify, debug_put_char, set_tls_base, syscall, yield_now,
};
pub use ipc::{Ipc, Received};
