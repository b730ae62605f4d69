//! Guest kernels that are no Linux: a few instructions of a hostile guest, or a program that measures.

use anyhow::Result;

use super::unpacked;

/// Code behind the boot sector and one setup sector.
const CODE: usize = 1024;
/// The 64-bit entry's distance from the start of the code.
const ENTRY: usize = 0x200;

/// Where code of a few instructions is loaded.
const CODE_ADDRESS: u64 = 0x100_0000;
/// Where programs are linked (servers/lib/runtime/user.ld).
const PROGRAM_ADDRESS: u64 = 0x40_0000;

/// A bzImage that consists of this machine code, entered in 64-bit mode with interrupts off.
pub(crate) fn image(machine_code: &[u8]) -> Vec<u8> {
    let size = (ENTRY + machine_code.len()).next_multiple_of(16);
    let mut image = setup(CODE_ADDRESS);
    let paragraphs = u32::try_from(size / 16).unwrap_or(u32::MAX);
    image[0x1f4..0x1f8].copy_from_slice(&paragraphs.to_le_bytes());
    image.resize(CODE + size, 0);
    image[CODE + ENTRY..][..machine_code.len()].copy_from_slice(machine_code);
    image
}

/// A bzImage whose kernel is this freestanding program, an ELF file.
pub(crate) fn program(elf: &[u8]) -> Result<Vec<u8>> {
    unpacked::put_together(&setup(PROGRAM_ADDRESS), elf)
}

/// Boot sector and setup code of a kernel that is loaded at an address.
///
/// The header is the least that Linux's boot protocol 2.15 asks for (Documentation/arch/x86/boot.rst).
fn setup(address: u64) -> Vec<u8> {
    let mut image = vec![0; CODE];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x1f1, &[1]);
    put(0x1fe, &[0x55, 0xaa]);
    // A jump over the header; its second byte says where the header ends.
    put(0x200, &[0xeb, 0x66]);
    put(0x202, b"HdrS");
    put(0x206, &0x020f_u16.to_le_bytes());
    // It loads high, reaches everywhere, can be relocated, and has the 64-bit entry.
    put(0x211, &[1]);
    put(0x22c, &0x7fff_ffff_u32.to_le_bytes());
    put(0x230, &0x20_0000_u32.to_le_bytes());
    put(0x234, &[1]);
    put(0x236, &1_u16.to_le_bytes());
    put(0x238, &2047_u32.to_le_bytes());
    put(0x258, &address.to_le_bytes());
    put(0x260, &0x10_0000_u32.to_le_bytes());
    image
}
