//! What the processor can do, as far as the kernel cares.

use core::arch::x86_64::{__cpuid_count, CpuidResult};

/// Optional features; what every 64-bit processor with nested paging has is not asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Features {
    /// XSAVE with AVX: the extended state is saved by XSAVE with XCR0 = 7.
    pub(crate) xsave_avx: bool,
    /// RDFSBASE and its family.
    pub(crate) fs_gs_base: bool,
    /// Supervisor mode execution prevention.
    pub(crate) smep: bool,
    /// Supervisor mode access prevention.
    pub(crate) smap: bool,
    /// User mode instruction prevention.
    pub(crate) umip: bool,
    /// The local APIC timer compares with the TSC.
    pub(crate) tsc_deadline: bool,
    /// 1 GiB pages.
    pub(crate) huge_pages: bool,
    /// RDTSCP and the MSR TSC_AUX.
    pub(crate) rdtscp: bool,
    /// AMD's virtual machines with nested paging.
    pub(crate) svm: bool,
    /// Bits of a physical address.
    pub(crate) physical_address_bits: u8,
}

const fn bit(word: u32, number: u32) -> bool {
    word & (1 << number) != 0
}

/// Subleaf 0 of a leaf of CPUID; zeroes where the processor has no such leaf.
pub(crate) fn leaf(number: u32) -> CpuidResult {
    if number > __cpuid_count(number & 0xf000_0000, 0).eax {
        return CpuidResult {
            eax: 0,
            ebx: 0,
            ecx: 0,
            edx: 0,
        };
    }
    __cpuid_count(number, 0)
}

impl Features {
    /// Asks the processor.
    pub(crate) fn detect() -> Self {
        let basic = leaf(1);
        let structured = leaf(7);
        let extended = leaf(0x8000_0001);
        Self {
            xsave_avx: bit(basic.ecx, 26) && bit(basic.ecx, 28),
            fs_gs_base: bit(structured.ebx, 0),
            smep: bit(structured.ebx, 7),
            smap: bit(structured.ebx, 20),
            umip: bit(structured.ecx, 2),
            tsc_deadline: bit(basic.ecx, 24),
            huge_pages: bit(extended.edx, 26),
            rdtscp: bit(extended.edx, 27),
            svm: bit(extended.ecx, 2) && bit(leaf(0x8000_000a).edx, 0),
            physical_address_bits: leaf(0x8000_0008).eax.to_le_bytes()[0],
        }
    }
}
