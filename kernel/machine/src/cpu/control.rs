//! Control registers as the kernel wants them.

use x86::controlregs::{Cr0, Cr4, cr0, cr0_write, cr4, cr4_write};

use super::features::Features;

/// Sets CR0 and CR4.
///
/// # Safety
/// The kernel's own page tables are active; its mappings and code must already obey the protections that
/// are switched on here: it executes no user page and reads none through a user mapping.
pub(crate) unsafe fn initialize(features: &Features) {
    let mut flags = Cr4::CR4_ENABLE_PAE
        | Cr4::CR4_ENABLE_GLOBAL_PAGES
        | Cr4::CR4_ENABLE_SSE
        | Cr4::CR4_UNMASKED_SSE;
    flags.set(Cr4::CR4_ENABLE_OS_XSAVE, features.xsave_avx);
    flags.set(Cr4::CR4_ENABLE_FSGSBASE, features.fs_gs_base);
    flags.set(Cr4::CR4_ENABLE_SMEP, features.smep);
    flags.set(Cr4::CR4_ENABLE_SMAP, features.smap);
    flags.set(Cr4::CR4_ENABLE_UMIP, features.umip);
    // SAFETY: each flag is set only where the processor has the feature, and the caller promises the rest.
    unsafe {
        cr4_write(flags);
        cr0_write(
            Cr0::CR0_ENABLE_PAGING
                | Cr0::CR0_WRITE_PROTECT
                | Cr0::CR0_NUMERIC_ERROR
                | Cr0::CR0_EXTENSION_TYPE
                | Cr0::CR0_MONITOR_COPROCESSOR
                | Cr0::CR0_PROTECTED_MODE,
        );
    }
    // A processor that ignores one of them would leave a protection off without a word.
    // SAFETY: reading control registers changes nothing.
    let set = unsafe { cr4().contains(flags) && cr0().contains(Cr0::CR0_WRITE_PROTECT) };
    assert!(set, "the processor ignores a control register");
}
