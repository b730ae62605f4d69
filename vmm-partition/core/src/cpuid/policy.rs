//! From the host's answers to the guest's.

use super::{
    features::{
        ALWAYS_RUNNING_TIMER, INVARIANT_TSC, LEAF_1_ECX, LEAF_1_ECX_PROVIDED, LEAF_1_ECX_XSAVE,
        LEAF_1_EDX, LEAF_7_EBX, LEAF_7_EBX_XSAVE, LEAF_7_ECX, LEAF_7_EDX, LEAF_8000_0001_ECX,
        LEAF_8000_0001_EDX, LEAF_8000_0008_EBX, LEAF_D1_EAX, OSXSAVE, REPEATED_EDX,
        XCR0_COMPONENTS,
    },
    table::{EXTENDED, Leaf, STANDARD, Table},
};
use crate::number::low_u32;

/// Last standard leaf.
const LAST_STANDARD: u32 = 0xd;
/// Last extended leaf.
const LAST_EXTENDED: u32 = 0x8000_001e;

/// KVM's features that are offered: no port delays needed, kvmclock, ends of interrupts without an exit, and that
/// the clock is stable. Linux accepts x2APIC without interrupt remapping under this signature.
const KVM_FEATURES: u32 = 1 << 1 | 1 << 3 | 1 << 6 | 1 << 24;
/// "KVMKVMKVM" in EBX, ECX, EDX.
const KVM_SIGNATURE: [u32; 3] = [0x4b4d_564b, 0x564b_4d56, 0x4d];

/// Most address bits that a guest can use.
const PHYSICAL_ADDRESS_BITS: u32 = 46;

/// Builds the guest's table; `native` answers CPUID on the host.
pub(crate) fn build(native: impl Fn(u32, u32) -> Leaf) -> Table {
    let mut table = Table {
        standard: [Leaf::default(); STANDARD],
        extended: [Leaf::default(); EXTENDED],
        hypervisor: [
            Leaf {
                eax: 0x4000_0001,
                ebx: KVM_SIGNATURE[0],
                ecx: KVM_SIGNATURE[1],
                edx: KVM_SIGNATURE[2],
            },
            Leaf {
                eax: KVM_FEATURES,
                ..Leaf::default()
            },
        ],
        topology_core: Leaf {
            ebx: 1,
            ecx: 0x201,
            ..Leaf::default()
        },
        extended_state: [Leaf::default(); 2],
    };
    let has_xsave = native(1, 0).ecx & OSXSAVE != 0;
    standard(&mut table, has_xsave, &native);
    extended(&mut table, &native);
    table
}

fn standard(table: &mut Table, has_xsave: bool, native: &impl Fn(u32, u32) -> Leaf) {
    let host_last = native(0, 0).eax;
    table.standard[0] = Leaf {
        eax: LAST_STANDARD,
        ..native(0, 0)
    };
    table.standard[1] = leaf_1(native(1, 0), has_xsave);
    table.standard[6].eax = ALWAYS_RUNNING_TIMER;
    if host_last >= 7 {
        table.standard[7] = leaf_7(native(7, 0), has_xsave);
    }
    table.standard[0xb] = Leaf {
        ebx: 1,
        ecx: 0x100,
        ..Leaf::default()
    };
    if has_xsave && host_last >= 0xd {
        extended_state(table, native);
    }
}

fn leaf_1(host: Leaf, has_xsave: bool) -> Leaf {
    let without_xsave = if has_xsave { 0 } else { LEAF_1_ECX_XSAVE };
    Leaf {
        eax: host.eax,
        // CLFLUSH line size; one logical CPU with identification 0.
        ebx: (host.ebx & 0xff00) | (1 << 16),
        ecx: (host.ecx & LEAF_1_ECX & !without_xsave) | LEAF_1_ECX_PROVIDED,
        edx: host.edx & LEAF_1_EDX,
    }
}

fn leaf_7(host: Leaf, has_xsave: bool) -> Leaf {
    let without_xsave = if has_xsave { 0 } else { LEAF_7_EBX_XSAVE };
    Leaf {
        eax: 0,
        ebx: host.ebx & LEAF_7_EBX & !without_xsave,
        ecx: host.ecx & LEAF_7_ECX,
        edx: host.edx & LEAF_7_EDX,
    }
}

/// Leaf 0xd for the components that both the CPU and the kernel have.
fn extended_state(table: &mut Table, native: &impl Fn(u32, u32) -> Leaf) {
    let components = native(0xd, 0).eax & XCR0_COMPONENTS;
    let avx = native(0xd, 2);
    let size = if components & 4 != 0 {
        avx.ebx + avx.eax
    } else {
        LEGACY_STATE_BYTES
    };
    table.standard[0xd] = Leaf {
        eax: components,
        ebx: size,
        ecx: size,
        edx: 0,
    };
    table.extended_state[0].eax = native(0xd, 1).eax & LEAF_D1_EAX;
    if components & 4 != 0 {
        table.extended_state[1] = Leaf {
            eax: avx.eax,
            ebx: avx.ebx,
            ..Leaf::default()
        };
    }
}

/// x87 and SSE state with the XSAVE header.
pub(super) const LEGACY_STATE_BYTES: u32 = 576;

impl Table {
    /// Finishes an answer that depends on the guest's registers: leaf 1 shows CR4.OSXSAVE, and the size
    /// in leaf 0xd is that of the components in XCR0.
    pub(crate) fn adapt(
        &self,
        leaf: u32,
        sub_leaf: u32,
        answer: &mut Leaf,
        cr4: u64,
        xcr0: impl FnOnce() -> u64,
    ) {
        const CR4_OSXSAVE: u64 = 1 << 18;
        if leaf == 1 && cr4 & CR4_OSXSAVE != 0 {
            answer.ecx |= OSXSAVE;
        }
        let has_avx = || low_u32(xcr0()) & 4 != 0;
        if (leaf, sub_leaf) == (0xd, 0) && answer.ebx > LEGACY_STATE_BYTES && !has_avx() {
            answer.ebx = LEGACY_STATE_BYTES;
        }
    }
}

fn extended(table: &mut Table, native: &impl Fn(u32, u32) -> Leaf) {
    let last = native(0x8000_0000, 0).eax.clamp(0x8000_0008, LAST_EXTENDED);
    let pass = |leaf: u32| native(leaf, 0);
    table.extended[0] = Leaf {
        eax: last,
        ..pass(0x8000_0000)
    };
    let features = pass(0x8000_0001);
    table.extended[1] = Leaf {
        eax: features.eax,
        ebx: 0,
        ecx: features.ecx & LEAF_8000_0001_ECX,
        edx: features.edx & (LEAF_8000_0001_EDX | REPEATED_EDX),
    };
    // Brand string and caches.
    for index in 2..=6 {
        table.extended[index] = pass(0x8000_0000 + u32::try_from(index).unwrap_or(0));
    }
    table.extended[7].edx = INVARIANT_TSC;
    let sizes = pass(0x8000_0008);
    table.extended[8] = Leaf {
        eax: (sizes.eax & 0xff00) | (sizes.eax & 0xff).min(PHYSICAL_ADDRESS_BITS),
        ebx: sizes.ebx & LEAF_8000_0008_EBX,
        ..Leaf::default()
    };
}
