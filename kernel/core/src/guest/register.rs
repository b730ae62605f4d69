//! Which values a guest's registers may have.
//!
//! The processor itself refuses to enter a guest whose state makes no sense, which is an ordinary exit.
//! Refused here is what would do harm before or after: values that fault in the kernel when they are
//! loaded, and bits that belong to the host.

use sel4_sys::extension::register;

/// RFLAGS bits that exist, without the one that is always set (bit 1).
const FLAGS: u64 = 0x003f_7fd5;
/// CR0: PE MP EM TS ET NE WP AM NW CD PG.
const CR0: u64 = 0xe005_003f;
/// CR4: VME to OSXMMEXCPT, UMIP, FSGSBASE, PCIDE, OSXSAVE, SMEP, SMAP.
const CR4: u64 = 0x0037_0fff;
/// EFER: SCE LME LMA NXE FFXSR TCE. SVME is the host's.
const EFER: u64 = 0xcd01;
const PHYSICAL_ADDRESS: u64 = 0x000f_ffff_ffff_ffff;
const LOW_HALF: u64 = 0xffff_ffff;

/// The flags with the bits that the architecture fixes.
pub(super) const fn fixed_flags(value: u64) -> u64 {
    value & FLAGS | 2
}

/// The value to store when a monitor writes `value` to register `id`; `None` if it may not.
pub(crate) fn checked_register(id: u64, value: u64) -> Option<u64> {
    let within = |mask: u64| value & !mask == 0;
    let is_allowed = match id {
        register::RFLAGS => return Some(fixed_flags(value)),
        register::CR0 => within(CR0),
        register::CR3 => within(PHYSICAL_ADDRESS),
        register::CR4 => within(CR4),
        register::CR8 => within(15),
        register::EFER => within(EFER),
        register::DR6 | register::DR7 | register::TSC_AUX | register::SYSENTER_CS => {
            within(LOW_HALF)
        }
        register::GDTR_LIMIT | register::IDTR_LIMIT => within(0xffff),
        register::ES_BASE..=register::GDTR_BASE
        | register::IDTR_BASE
        | register::KERNEL_GS_BASE
        | register::LSTAR
        | register::CSTAR
        | register::SYSENTER_ESP
        | register::SYSENTER_EIP => is_canonical(value),
        register::PAT => value
            .to_le_bytes()
            .iter()
            .all(|kind| matches!(kind, 0 | 1 | 4..=7)),
        // x87, SSE and AVX, each with those before it.
        register::XCR0 => matches!(value, 1 | 3 | 7),
        _ => id < register::COUNT,
    };
    is_allowed.then_some(value)
}

const fn is_canonical(address: u64) -> bool {
    let top = address >> 47;
    top == 0 || top == 0x1_ffff
}
