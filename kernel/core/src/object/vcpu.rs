//! The part of a virtual CPU that the kernel's decisions use; the rest is the machine's.

use core::cell::Cell;

use crate::{TableRef, TcbRef};

/// The decisions' part of a virtual CPU. Zero bytes are a valid new one.
#[repr(C)]
#[derive(Default)]
pub struct VcpuState {
    /// The root of the nested space that the guest runs in; valid only while its ASID names it.
    pub(crate) space: Cell<Option<TableRef>>,
    pub(crate) asid: Cell<u16>,
    /// The thread whose VCpuRun is under way.
    pub(crate) runner: Cell<Option<TcbRef>>,
}
