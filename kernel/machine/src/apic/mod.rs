//! Interrupt controllers: the local APIC, I/O APICs, and the old PICs, which stay silent.
//!
//! # Soundness
//!
//! The controllers' pages are mapped in the device window for the kernel alone, never cached; user programs
//! get no capability to them. Register numbers are constants inside the page.

pub(crate) mod io_apic;
pub(crate) mod legacy;
pub(crate) mod local;

use crate::memory_layout::{DEVICE_WINDOW, PAGE};

/// Virtual address of the local APIC's registers.
pub(crate) const LOCAL_APIC_WINDOW: u64 = DEVICE_WINDOW;

/// Virtual address of an I/O APIC's registers.
pub(crate) const fn io_apic_window(index: u64) -> u64 {
    DEVICE_WINDOW + PAGE * (1 + index)
}
