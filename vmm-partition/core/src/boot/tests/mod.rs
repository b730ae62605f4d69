//! Kernel images that are right, wrong in each field, and Debian's own where it is at hand.

extern crate std;

mod unpacked;

use alloc::{vec, vec::Vec};

use proptest::prelude::*;
use sel4_sys::extension::register;

use super::{BootError, Files, load};
use crate::{
    guest_memory::{GuestAddress, GuestMemory},
    layout::{BOOT_PARAMETERS, COMMAND_LINE},
    machine::test_host::TestMemory,
    vcpu::{Exit, Refused, Request, VirtualCpu},
};

/// A CPU that only remembers its registers.
#[derive(Default)]
struct Registers(Vec<u64>);

impl VirtualCpu for Registers {
    fn run(&mut self, _: &Request, _: &mut Exit) -> Result<(), Refused> {
        Err(Refused(3))
    }

    fn read_register(&mut self, _: u64) -> Result<u64, Refused> {
        Err(Refused(3))
    }

    fn write_registers(&mut self, pairs: &[u64]) -> Result<(), Refused> {
        self.0.extend(pairs);
        Ok(())
    }
}

impl Registers {
    /// The value written last.
    fn get(&self, register: u64) -> Option<u64> {
        self.0
            .chunks(2)
            .rfind(|pair| pair[0] == register)
            .map(|pair| pair[1])
    }
}

/// The smallest image that passes: one setup sector, 1 KiB of code, wanted at 16 MiB.
fn image() -> Vec<u8> {
    let mut image = vec![0; 2048];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x1f1, &[1]);
    put(0x1f4, &64u32.to_le_bytes());
    put(0x1fe, &[0x55, 0xaa]);
    put(0x200, &[0xeb, 0x66]);
    put(0x202, b"HdrS");
    put(0x206, &0x020fu16.to_le_bytes());
    put(0x211, &[1]);
    put(0x22c, &0x7fff_ffffu32.to_le_bytes());
    put(0x230, &0x20_0000u32.to_le_bytes());
    put(0x234, &[1]);
    put(0x236, &1u16.to_le_bytes());
    put(0x238, &2047u32.to_le_bytes());
    put(0x258, &0x100_0000u64.to_le_bytes());
    put(0x260, &0x10_0000u32.to_le_bytes());
    put(1024, b"first code");
    image
}

const RAM: usize = 32 << 20;

fn start(
    kernel: &[u8],
    initrd: &[u8],
    line: &[u8],
) -> (Result<(), BootError>, TestMemory, Registers) {
    start_at(7, kernel, initrd, line)
}

/// The same with the randomness that picks the place of an unpacked kernel.
fn start_at(
    random: u64,
    kernel: &[u8],
    initrd: &[u8],
    line: &[u8],
) -> (Result<(), BootError>, TestMemory, Registers) {
    let (memory, mut cpu) = (TestMemory::new(RAM), Registers::default());
    let files = Files {
        kernel,
        initrd,
        command_line: line,
        random,
    };
    (load(&files, &memory, &mut cpu), memory, cpu)
}

fn bytes<const N: usize>(memory: &TestMemory, at: u64) -> [u8; N] {
    let mut bytes = [0; N];
    assert_eq!(memory.read(GuestAddress(at), &mut bytes), Ok(()));
    bytes
}

#[test]
fn a_right_image_is_laid_out_as_the_protocol_says() {
    let (result, memory, cpu) = start(&image(), &[7; 5000], b"console=ttyS0");
    assert_eq!(result, Ok(()));
    assert_eq!(&bytes::<10>(&memory, 0x100_0000), b"first code");
    assert_eq!(&bytes::<14>(&memory, COMMAND_LINE.0), b"console=ttyS0\0");
    let parameter = |at: u64| u32::from_le_bytes(bytes(&memory, BOOT_PARAMETERS.0 + at));
    assert_eq!(&bytes::<4>(&memory, BOOT_PARAMETERS.0 + 0x202), b"HdrS");
    assert_eq!(parameter(0x228), 0x2_0000, "command line");
    assert_eq!(parameter(0x21c), 5000, "initial RAM disk");
    let initrd = u64::from(parameter(0x218));
    assert_eq!(initrd % 4096, 0);
    assert_eq!(bytes::<1>(&memory, initrd + 4999), [7]);
    assert_eq!(
        bytes::<1>(&memory, BOOT_PARAMETERS.0 + 0x1e8),
        [4],
        "memory map"
    );
    let rsdp = u64::from(parameter(0x70));
    assert_eq!(&bytes::<8>(&memory, rsdp), b"RSD PTR ");
    assert_eq!(cpu.get(register::RIP), Some(0x100_0200));
    assert_eq!(cpu.get(register::GENERAL + 6), Some(BOOT_PARAMETERS.0));
    assert_eq!(cpu.get(register::RFLAGS), Some(2));
}

#[test]
fn the_first_page_tables_map_four_gibibytes_to_themselves() {
    let (_, memory, cpu) = start(&image(), &[], b"");
    let exit = Exit {
        cr0: cpu.get(register::CR0).unwrap_or(0),
        cr3: cpu.get(register::CR3).unwrap_or(0),
        cr4: cpu.get(register::CR4).unwrap_or(0),
        efer: cpu.get(register::EFER).unwrap_or(0),
        ..Exit::default()
    };
    for address in [0, 0x100_0200, 0xfee0_0000, 0xffff_ffff] {
        let translated = crate::instruction::translate(
            &memory,
            &exit,
            address,
            crate::instruction::Intent::Write,
        );
        assert_eq!(translated, Ok(GuestAddress(address)));
    }
}

#[test]
fn each_wrong_field_has_its_own_error() {
    let cases: [(usize, &[u8], BootError); 9] = [
        (0x1fe, &[0, 0], BootError::NotLinux),
        (0x202, b"hdrs", BootError::NotLinux),
        (
            0x206,
            &[0x0b, 2],
            BootError::ProtocolTooOld { version: 0x20b },
        ),
        (0x211, &[0], BootError::LoadsLow),
        (0x236, &[0, 0], BootError::Not64Bit),
        (0x234, &[0], BootError::NotRelocatable),
        (
            0x1f4,
            &[0xff, 0, 0, 0],
            BootError::KernelTruncated {
                expected: 1024 + 255 * 16,
                bytes: 2048,
            },
        ),
        (0x258, &[1], BootError::BadPlacement),
        (0x201, &[0x10], BootError::BadPlacement),
    ];
    for (at, wrong, expected) in cases {
        let mut image = image();
        image[at..at + wrong.len()].copy_from_slice(wrong);
        let (result, _, cpu) = start(&image, &[], b"");
        assert_eq!(result, Err(expected));
        assert!(cpu.0.is_empty(), "the CPU is untouched");
    }
}

#[test]
fn missing_files_and_too_much_of_everything_are_told() {
    assert_eq!(
        start(&[], &[], b"").0,
        Err(BootError::KernelMissing { bytes: 0 })
    );
    let large = vec![0; 20 << 20];
    assert!(matches!(
        start(&image(), &large, b"").0,
        Err(BootError::MemoryTooSmall { .. })
    ));
    assert_eq!(
        start(&image(), &[], &[b'x'; 2048]).0,
        Err(BootError::CommandLineTooLong {
            bytes: 2048,
            limit: 2047
        })
    );
    assert_eq!(
        start(&image(), &[], b"a\0b").0,
        Err(BootError::CommandLineHasZero)
    );
}

/// Debian's kernel from the cache of the build tool, where there is one.
#[test]
fn debians_kernel_is_accepted() {
    let Some(home) = std::env::home_dir() else {
        return;
    };
    let Ok(kernel) = std::fs::read(home.join(".cache/sekisho/guest-2/vmlinuz")) else {
        return;
    };
    let memory = TestMemory::new(256 << 20);
    let files = Files {
        kernel: kernel.as_slice(),
        initrd: [1; 100].as_slice(),
        command_line: b"console=ttyS0",
        random: 7,
    };
    assert_eq!(load(&files, &memory, &mut Registers::default()), Ok(()));
}

proptest! {
    #[test]
    fn no_header_makes_the_loader_panic(changes in proptest::collection::vec((0x1f0usize..0x270, any::<u8>()), 0..12), length in 0usize..2100) {
        let mut image = image();
        for (at, byte) in changes {
            image[at] = byte;
        }
        image.truncate(length);
        let _ = start(&image, &[1; 100], b"x");
    }
}
