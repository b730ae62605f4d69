//! Any file as the guest's kernel: it is refused or laid out, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vmm_partition_core::boot::{Files, load};
use vmm_partition_fuzz::{Ram, Script};

/// Bytes in front of the kernel's code: the boot sector and one sector of set-up code.
const HEAD: usize = 0x400;
/// Bytes of an unpacked kernel's ELF header and program headers here.
const ELF_HEAD: usize = 0x100;
/// Bytes of its one segment; what follows are relocations.
const SEGMENT: usize = 0x200;
const LOAD_ADDRESS: u64 = 0x100_0000;

/// What a loader may rely on in a file with `code` bytes of code (Linux, Documentation/arch/x86/boot.rst).
fn head(code: usize) -> Vec<u8> {
    let mut head = vec![0; HEAD];
    let mut put = |at: usize, bytes: &[u8]| head[at..at + bytes.len()].copy_from_slice(bytes);
    let length = u32::try_from(code).unwrap_or(u32::MAX);
    put(0x1f1, &[1]);
    put(0x1f4, &(length / 16).to_le_bytes());
    put(0x1fe, b"\x55\xaa\xeb\x66HdrS\x0f\x02");
    put(0x211, &[1]);
    put(0x22c, &0x7fff_ffffu32.to_le_bytes());
    put(0x230, &0x20_0000u32.to_le_bytes());
    put(0x234, &[1, 21, 1]);
    put(0x238, &2047u32.to_le_bytes());
    put(0x24c, &length.to_le_bytes());
    put(0x258, &LOAD_ADDRESS.to_le_bytes());
    put(0x260, &0x10_0000u32.to_le_bytes());
    head
}

/// The start of a kernel that is not packed: an ELF file with one segment, which ends where relocations begin.
fn elf_head() -> Vec<u8> {
    let mut head = vec![0; ELF_HEAD];
    let mut put = |at: usize, bytes: &[u8]| head[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x00, b"\x7fELF\x02\x01\x01");
    put(0x18, &LOAD_ADDRESS.to_le_bytes());
    put(0x20, &0x40u64.to_le_bytes());
    put(0x28, &((ELF_HEAD + SEGMENT) as u64).to_le_bytes());
    put(0x38, &1u16.to_le_bytes());
    put(0x40, &1u32.to_le_bytes());
    put(0x48, &(ELF_HEAD as u64).to_le_bytes());
    put(0x58, &LOAD_ADDRESS.to_le_bytes());
    put(0x60, &(SEGMENT as u64).to_le_bytes());
    put(0x68, &(SEGMENT as u64).to_le_bytes());
    head
}

/// Whether the kernel is packed, changes of its heads, its code, initial RAM disk and command line, MiB of RAM.
type Input<'a> = (bool, Vec<(u16, u8)>, &'a [u8], &'a [u8], &'a [u8], u8);

fuzz_target!(|input: Input<'_>| {
    let (is_packed, changes, code, initrd, command_line, ram_mib) = input;
    let mut payload = Vec::new();
    if !is_packed {
        payload = elf_head();
    }
    payload.extend_from_slice(code);
    let mut kernel = head(payload.len());
    kernel.extend_from_slice(&payload);
    for (at, byte) in changes {
        let reached = kernel.len().min(HEAD + ELF_HEAD);
        kernel[usize::from(at) % reached] = byte;
    }
    let ram = Ram::new(usize::from(ram_mib) << 20, &[]);
    let files = Files {
        kernel: kernel.as_slice(),
        initrd,
        command_line,
        random: 7,
    };
    let _ = load(&files, &ram.clone(), &mut Script::new(ram, &[]));
});
