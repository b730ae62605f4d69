//! The virtual machine control block: AMD64 manual volume 2, appendix B.

use core::cell::Cell;
use core::mem::offset_of;

/// What the processor does and tells, in the first 1024 bytes.
#[repr(C)]
pub(super) struct Control {
    pub(super) intercept_control_registers: Cell<u32>,
    pub(super) intercept_debug_registers: Cell<u32>,
    pub(super) intercept_exceptions: Cell<u32>,
    pub(super) intercept_first: Cell<u32>,
    pub(super) intercept_second: Cell<u32>,
    pub(super) intercept_third: Cell<u32>,
    reserved_018: [u64; 5],
    pub(super) io_permissions: Cell<u64>,
    pub(super) msr_permissions: Cell<u64>,
    pub(super) tsc_offset: Cell<u64>,
    pub(super) asid: Cell<u32>,
    pub(super) tlb_control: Cell<u32>,
    pub(super) virtual_interrupt: Cell<u64>,
    pub(super) interrupt_shadow: Cell<u64>,
    pub(super) exit_code: Cell<u64>,
    pub(super) exit_information_1: Cell<u64>,
    pub(super) exit_information_2: Cell<u64>,
    pub(super) exit_interrupted_event: Cell<u64>,
    pub(super) nested_paging: Cell<u64>,
    reserved_098: [u64; 2],
    pub(super) event_injection: Cell<u64>,
    pub(super) nested_root: Cell<u64>,
    reserved_0b8: [u64; 2],
    pub(super) next_rip: Cell<u64>,
    /// The number of bytes, then fifteen bytes.
    pub(super) instruction: [Cell<u64>; 2],
    reserved_0e0: [u64; 100],
}

/// A segment register.
#[repr(C)]
pub(super) struct Segment {
    pub(super) selector: Cell<u16>,
    /// Bits 55:52 and 47:40 of a descriptor.
    pub(super) attributes: Cell<u16>,
    pub(super) limit: Cell<u32>,
    pub(super) base: Cell<u64>,
}

/// Index of each segment in [`Save::segments`].
#[derive(Clone, Copy)]
#[repr(usize)]
pub(super) enum SegmentName {
    Es,
    Cs,
    Ss,
    Ds,
    Fs,
    Gs,
    Gdtr,
    Ldtr,
    Idtr,
    Tr,
}

/// The guest's state.
#[repr(C)]
pub(super) struct Save {
    pub(super) segments: [Segment; 10],
    reserved_0a0: [u8; 43],
    pub(super) privilege_level: Cell<u8>,
    reserved_0cc: u32,
    pub(super) efer: Cell<u64>,
    reserved_0d8: [u64; 14],
    pub(super) cr4: Cell<u64>,
    pub(super) cr3: Cell<u64>,
    pub(super) cr0: Cell<u64>,
    pub(super) dr7: Cell<u64>,
    pub(super) dr6: Cell<u64>,
    pub(super) rflags: Cell<u64>,
    pub(super) rip: Cell<u64>,
    reserved_180: [u64; 11],
    pub(super) rsp: Cell<u64>,
    reserved_1e0: [u64; 3],
    pub(super) rax: Cell<u64>,
    pub(super) star: Cell<u64>,
    pub(super) lstar: Cell<u64>,
    pub(super) cstar: Cell<u64>,
    pub(super) sfmask: Cell<u64>,
    pub(super) kernel_gs_base: Cell<u64>,
    pub(super) sysenter_cs: Cell<u64>,
    pub(super) sysenter_esp: Cell<u64>,
    pub(super) sysenter_eip: Cell<u64>,
    pub(super) cr2: Cell<u64>,
    reserved_248: [u64; 4],
    pub(super) pat: Cell<u64>,
}

/// The block: one page.
#[repr(C, align(4096))]
pub(super) struct Vmcb {
    pub(super) control: Control,
    pub(super) save: Save,
}

const _: () = {
    assert!(offset_of!(Control, io_permissions) == 0x040);
    assert!(offset_of!(Control, asid) == 0x058);
    assert!(offset_of!(Control, exit_code) == 0x070);
    assert!(offset_of!(Control, event_injection) == 0x0a8);
    assert!(offset_of!(Control, next_rip) == 0x0c8);
    assert!(offset_of!(Vmcb, save) == 0x400);
    assert!(offset_of!(Save, privilege_level) == 0x0cb);
    assert!(offset_of!(Save, efer) == 0x0d0);
    assert!(offset_of!(Save, cr4) == 0x148);
    assert!(offset_of!(Save, rip) == 0x178);
    assert!(offset_of!(Save, rsp) == 0x1d8);
    assert!(offset_of!(Save, rax) == 0x1f8);
    assert!(offset_of!(Save, cr2) == 0x240);
    assert!(offset_of!(Save, pat) == 0x268);
    assert!(size_of::<Vmcb>() == 4096);
};

impl Save {
    /// One of the segments.
    pub(super) fn segment(&self, name: SegmentName) -> &Segment {
        &self.segments[name as usize]
    }
}

/// Bits of [`Control::virtual_interrupt`] (offset 0x060).
pub(super) mod virtual_interrupt {
    pub(in crate::svm) const TASK_PRIORITY: u64 = 0xf;
    pub(in crate::svm) const PENDING: u64 = 1 << 8;
    pub(in crate::svm) const PRIORITY_SHIFT: u32 = 16;
    pub(in crate::svm) const MASKING: u64 = 1 << 24;
    pub(in crate::svm) const VECTOR_SHIFT: u32 = 32;
}
