//! Registers of the CPU: those that the kernel keeps, and those that read as constants.

use sel4_sys::extension::register;

use super::number;

/// The kernel's name of a register that it keeps for the guest.
pub(crate) fn kernel_register(msr: u32) -> Option<u64> {
    Some(match msr {
        number::SYSENTER_CS => register::SYSENTER_CS,
        number::SYSENTER_ESP => register::SYSENTER_ESP,
        number::SYSENTER_EIP => register::SYSENTER_EIP,
        number::PAT => register::PAT,
        number::EFER => register::EFER,
        number::STAR => register::STAR,
        number::LSTAR => register::LSTAR,
        number::CSTAR => register::CSTAR,
        number::SFMASK => register::SFMASK,
        number::FS_BASE => register::FS_BASE,
        number::GS_BASE => register::GS_BASE,
        number::KERNEL_GS_BASE => register::KERNEL_GS_BASE,
        number::TSC_AUX => register::TSC_AUX,
        _ => return None,
    })
}

/// Registers that only report.
///
/// DE_CFG says that LFENCE serialises (bit 1), which Linux would otherwise try to set; the microcode level is
/// one that no loader finds an update for.
pub(crate) fn read_constant(msr: u32) -> Option<u64> {
    match msr {
        number::PATCH_LEVEL => Some(0xffff_ffff),
        number::DECODE_CONFIGURATION => Some(1 << 1),
        // The TSC counts at the rate of the highest performance state.
        number::HARDWARE_CONFIGURATION => Some(1 << 24),
        number::DEBUG_CONTROL
        | number::SYSTEM_CONFIGURATION
        | number::NORTHBRIDGE_CONFIGURATION => Some(0),
        _ => None,
    }
}

/// Registers that Linux probes for and does without: not worth a line.
pub(crate) fn is_probed(msr: u32) -> bool {
    matches!(
        msr,
        number::MACHINE_CHECK_CAPABILITY
            | number::PERFORMANCE_SELECT_0
            | number::LOAD_STORE_CONFIGURATION
            | number::FLOATING_POINT_CONFIGURATION
    )
}

/// Whether a write leaves a reporting register as it is, or asks only for what PCI configuration accesses do
/// anyway (northbridge configuration, bit 46: extended accesses through ports).
pub(crate) fn write_is_harmless(msr: u32, value: u64) -> bool {
    const EXTENDED_CONFIGURATION: u64 = 1 << 46;
    read_constant(msr) == Some(value)
        || (msr == number::NORTHBRIDGE_CONFIGURATION && value == EXTENDED_CONFIGURATION)
}

#[cfg(test)]
mod tests {
    use super::{kernel_register, read_constant, write_is_harmless};

    #[test]
    fn unknown_registers_are_unknown() {
        for msr in [0, 0x179, 0x2ff, 0xc001_0114, 0xc001_0117, 0xffff_ffff] {
            assert_eq!(kernel_register(msr), None);
            assert_eq!(read_constant(msr), None);
            assert!(!write_is_harmless(msr, 0));
        }
        assert!(write_is_harmless(0xc001_1029, 2));
        assert!(!write_is_harmless(0xc001_1029, 0));
    }
}
