//! What every user-mode program of Sekisho starts with.
//!
//! [`component!`] makes a component out of a function: it reads the environment that the root
//! server left, gives the function its [`Component`], and turns an error into a line on the
//! console and a fault that the supervisor names. [`root_task!`] does the same for the program
//! that the kernel starts.
//!
//! # Soundness
//!
//! Unsafe code here stands on three facts. A program has **one thread**: nothing is shared between
//! threads, and the locks exist for Rust's rules, not for waiting. It **starts once
//! in a life**, in `_start`, before which nothing ran, or whose traces are undone before anything looks at them:
//! so one [`Memory`](shared_memory::Memory), one
//! [`Ipc`](kernel_calls::Ipc), one heap are made. And what the **root server** says in the environment
//! is true; it is trusted by everything anyway, and it made the mappings that it describes.

#![cfg_attr(not(test), no_std)]

mod archive_note;
mod clock;
mod component;
mod deadline;
mod endpoint;
#[cfg(not(test))]
mod extended_registers;
#[cfg(not(test))]
mod heap;
#[cfg(not(test))]
mod life;
#[cfg(not(test))]
mod memory_functions;
mod notification;
mod output;
mod panic;
mod processor_level;
mod processor_random;
mod random;
mod root_task;

pub use clock::{Clock, Ticks};
pub use component::Component;
pub use deadline::DeadlineTimer;
pub use endpoint::{CallError, Endpoint, Event, PEER_RESET, Request, Server};
pub use environment;
pub use kernel_calls;
pub use notification::{Notification, Signal};
pub use output::{output_is_taken, print_arguments, redirect_output, status_is_wanted};
pub use processor_level::missing_from_v3;
pub use processor_random::ProcessorRandom;
pub use random::Random;
pub use root_task::RootTask;
pub use sel4_sys;
pub use shared_memory;

/// What the macros need.
#[doc(hidden)]
pub mod start {
    pub use crate::archive_note::ArchiveNote;
    pub use crate::component::{start as component, stop};
    pub use crate::root_task::{Stack, start as root_task};
}
