//! How interrupts travel from devices to the virtual CPU.
//!
//! Devices raise lines of the I/O APIC or send messages; both end in the local APIC, which says
//! which vector the CPU should take next. The 8259 answers its registers and delivers nothing.

mod fabric;
mod io_apic;
mod local_apic;
mod message;
mod pic;

pub(crate) use fabric::Fabric;
pub(crate) use local_apic::{AccessError, LocalApic};
pub(crate) use message::{Delivery, Message};
