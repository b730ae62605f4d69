//! The mechanism under the kernel's decisions: boot, traps, page tables, interrupt controllers, time,
//! virtual CPUs, and the objects in frames.
//!
//! # Soundness
//!
//! Everything here runs on one core with interrupts off, except in the few instructions that wait for
//! interrupts and say so; an interrupt that comes there only notes its number. State is therefore kept in
//! `Cell`s inside [`single_core::SingleCore`]. NMI, double fault and machine check end in a report and
//! touch no state. The boundaries with an argument of their own are named in the modules: objects by their
//! address (`store`), entry from user mode (`trap`), page tables of the kernel (`boot::kernel_space`),
//! device registers (`apic`), the world switch (`svm`).

#![cfg_attr(not(test), no_std)]

mod address_space;
mod apic;
pub mod boot;
mod cpu;
pub mod debug;
mod entry;
mod hardware;
mod memory_layout;
mod serial_port;
mod single_core;
mod speculation;
mod store;
mod svm;
mod thread_state;
mod time;
mod trap;

pub use cpu::segments::KERNEL_STACK_BYTES;
