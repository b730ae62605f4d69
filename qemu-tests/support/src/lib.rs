//! What the test programs share: they are root tasks, alone on the kernel.
//!
//! A test program gets the whole machine from the kernel, makes what a test needs out of one
//! piece of untyped memory, and revokes that piece afterwards: every test starts from the same
//! state, and every test also tests revocation. Programs that only use the standard API run on
//! any kernel that speaks it.
//!
//! # Soundness
//!
//! Unsafe code stands in [`start`] (entry, memory functions), [`threads`] (stacks and IPC buffers
//! in the image), [`heap`], [`memory`] (windows into which tests map frames), [`bare`], [`cpu`] and [`registers`]
//! (single instructions). Threads of a test share the program's memory; they share data only through
//! atomics.
#![no_std]

pub mod bare;
pub mod canary;
pub mod cpu;
pub mod faults;
pub mod floating_point;
pub mod guest;
pub mod guest_programs;
pub mod heap;
pub mod memory;
pub mod outcome;
pub mod ports;
pub mod print;
pub mod random;
pub mod registers;
pub mod resources;
pub mod run;
pub mod start;
pub mod threads;

pub use sel4_sys::boot_info::BootInfo;

pub use outcome::{Failure, Outcome, ensure, equal, expect, refused};
pub use resources::Tester;
pub use run::{Test, run_all};
pub use threads::{Plan, Thread};
