//! Guest kernels of a few instructions, for tests of what a hostile guest can do.

/// Code behind the boot sector and one setup sector.
const CODE: usize = 1024;
/// The 64-bit entry's distance from the start of the code.
const ENTRY: usize = 0x200;

/// A bzImage that consists of this machine code, entered in 64-bit mode with interrupts off.
///
/// The header is the least that Linux's boot protocol 2.15 asks for (Documentation/arch/x86/boot.rst).
pub(crate) fn image(machine_code: &[u8]) -> Vec<u8> {
    let size = (ENTRY + machine_code.len()).next_multiple_of(16);
    let mut image = vec![0; CODE + size];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    let paragraphs = u32::try_from(size / 16).unwrap_or(u32::MAX);
    put(0x1f1, &[1]);
    put(0x1f4, &paragraphs.to_le_bytes());
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
    put(0x258, &0x100_0000_u64.to_le_bytes());
    put(0x260, &0x10_0000_u32.to_le_bytes());
    put(CODE + ENTRY, machine_code);
    image
}
