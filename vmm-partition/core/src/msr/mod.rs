//! Model-specific registers that the kernel does not handle by itself.
//!
//! An unknown register raises #GP in the guest and, the first times, a line for the operator.

mod kvm_clock;
mod numbers;
mod processor;
mod silent_end;

pub(crate) use kvm_clock::KvmClock;
pub(crate) use numbers::number;
pub(crate) use processor::{is_probed, kernel_register, read_constant, write_is_harmless};
pub(crate) use silent_end::SilentEnd;
