//! What a guest may do without an exit: no port, and ten model-specific registers, which the processor
//! switches with the guest.

use core::cell::Cell;

use x86::msr::{
    IA32_CSTAR, IA32_FMASK, IA32_FS_BASE, IA32_GS_BASE, IA32_KERNEL_GSBASE, IA32_LSTAR, IA32_STAR,
    IA32_SYSENTER_CS, IA32_SYSENTER_EIP, IA32_SYSENTER_ESP,
};

/// One bit a port, and three more for an access that reaches beyond the last one: 12 KiB.
#[repr(C, align(4096))]
pub(super) struct PortMap([u8; 3 * 4096]);

/// Two bits a register, reading and writing: 8 KiB.
#[repr(C, align(4096))]
pub(super) struct MsrMap([u8; 2 * 4096]);

/// Every port exits.
pub(super) static PORTS: PortMap = PortMap([0xff; 3 * 4096]);

/// Every register exits but those that VMSAVE and VMLOAD switch.
pub(super) static MSRS: MsrMap = {
    let own = [
        IA32_FS_BASE,
        IA32_GS_BASE,
        IA32_KERNEL_GSBASE,
        IA32_STAR,
        IA32_LSTAR,
        IA32_CSTAR,
        IA32_FMASK,
        IA32_SYSENTER_CS,
        IA32_SYSENTER_ESP,
        IA32_SYSENTER_EIP,
    ];
    let mut map = [0xff; 2 * 4096];
    let mut index = 0;
    while index < own.len() {
        let (byte, bit) = place(own[index]);
        map[byte] &= !(3 << bit);
        index += 1;
    }
    MsrMap(map)
};

/// Byte and bit of a register in the map (AMD64 manual 2, section 15.11).
const fn place(msr: u32) -> (usize, u32) {
    let (base, number) = if msr < 0x2000 {
        (0, msr)
    } else {
        assert!(msr >= 0xc000_0000 && msr < 0xc000_2000);
        (0x800, msr - 0xc000_0000)
    };
    (base + number as usize / 4, number % 4 * 2)
}

/// Memory that only the processor reads or writes: the host's state during a guest's run.
#[repr(C, align(4096))]
pub(super) struct HostArea([Cell<u8>; 4096]);

impl HostArea {
    pub(super) const fn new() -> Self {
        Self([const { Cell::new(0) }; 4096])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_registers_are_the_guests_own() {
        let open: u32 = MSRS.0.iter().map(|byte| byte.count_zeros()).sum();
        assert_eq!(open, 20);
        // LSTAR, 0xc0000082: bits 4 and 5 of byte 0x820.
        assert_eq!(MSRS.0[0x820] & 0x30, 0);
        // EFER, 0xc0000080, exits.
        assert_eq!(MSRS.0[0x820] & 0x03, 0x03);
    }
}
