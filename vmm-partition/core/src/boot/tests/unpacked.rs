//! Kernels that are not packed: segments in their places, moved as the lists behind them say.

use alloc::{vec, vec::Vec};

use proptest::prelude::*;
use sel4_sys::extension::register;

use super::{Registers, bytes, image, start_at};
use crate::{boot::BootError, layout::BOOT_PARAMETERS, machine::test_host::TestMemory};

/// Where the packed kernel's code stands in the image.
const CODE: usize = 1024;
/// Bytes of ELF header and one program header.
const HEADERS: usize = 64 + 56;
/// What the kernel believes its address to be.
const LINKED_AT: u64 = 0xffff_ffff_8100_0000;
const LOADED_AT: u64 = 0x100_0000;

/// An image whose payload is an ELF file with one segment: a word of each kind that moving changes.
fn unpacked() -> Vec<u8> {
    let mut content = Vec::new();
    content.extend(0x8100_0010u32.to_le_bytes());
    content.extend(0x7000_0000u32.to_le_bytes());
    content.extend((LINKED_AT + 0x20).to_le_bytes());
    let place = |offset: u32| 0x8100_0000u32 + offset;
    let lists = [0, place(8), 0, place(4), 0, place(0)];

    let mut elf = vec![0; HEADERS];
    let mut put = |at: usize, bytes: &[u8]| elf[at..at + bytes.len()].copy_from_slice(bytes);
    let end = (HEADERS + content.len()) as u64;
    put(0, b"\x7fELF\x02\x01\x01");
    put(0x18, &LOADED_AT.to_le_bytes());
    put(0x20, &64u64.to_le_bytes());
    put(0x28, &end.to_le_bytes());
    put(0x38, &1u16.to_le_bytes());
    put(64, &1u32.to_le_bytes());
    put(64 + 0x08, &(HEADERS as u64).to_le_bytes());
    put(64 + 0x10, &LINKED_AT.to_le_bytes());
    put(64 + 0x18, &LOADED_AT.to_le_bytes());
    put(64 + 0x20, &(content.len() as u64).to_le_bytes());
    put(64 + 0x28, &0x1_0000u64.to_le_bytes());
    elf.extend(content);
    elf.extend(lists.iter().flat_map(|word| word.to_le_bytes()));

    let mut image = image();
    let length = u32::try_from(elf.len()).expect("it is small");
    image[0x24c..0x250].copy_from_slice(&length.to_le_bytes());
    image[CODE..CODE + elf.len()].copy_from_slice(&elf);
    image
}

fn words(memory: &TestMemory) -> (u32, u32, u64) {
    (
        u32::from_le_bytes(bytes(memory, LOADED_AT)),
        u32::from_le_bytes(bytes(memory, LOADED_AT + 4)),
        u64::from_le_bytes(bytes(memory, LOADED_AT + 8)),
    )
}

fn entry(cpu: &Registers) -> Option<u64> {
    cpu.get(register::RIP)
}

fn is_marked_as_moved(memory: &TestMemory) -> bool {
    bytes::<1>(memory, BOOT_PARAMETERS.0 + 0x211)[0] & 2 != 0
}

#[test]
fn every_listed_word_moves_with_the_kernel() {
    let (result, memory, cpu) = start_at(3, &unpacked(), &[], b"quiet");
    assert_eq!(result, Ok(()));
    assert_eq!(entry(&cpu), Some(LOADED_AT));
    // Three times the alignment.
    let distance = 0x60_0000;
    assert_eq!(
        words(&memory),
        (
            0x8100_0010 + distance,
            0x7000_0000 - distance,
            LINKED_AT + 0x20 + u64::from(distance)
        )
    );
    assert!(is_marked_as_moved(&memory));
}

#[test]
fn it_stays_where_it_is_if_the_command_line_says_so() {
    let (result, memory, _) = start_at(3, &unpacked(), &[], b"quiet nokaslr");
    assert_eq!(result, Ok(()));
    assert_eq!(words(&memory), (0x8100_0010, 0x7000_0000, LINKED_AT + 0x20));
    assert!(!is_marked_as_moved(&memory));
}

#[test]
fn a_kernel_without_lists_stays_where_it_is() {
    let mut image = unpacked();
    let length = u32::try_from(HEADERS + 16).expect("it is small");
    image[0x24c..0x250].copy_from_slice(&length.to_le_bytes());
    let (result, memory, _) = start_at(3, &image, &[], b"");
    assert_eq!(result, Ok(()));
    assert_eq!(words(&memory), (0x8100_0010, 0x7000_0000, LINKED_AT + 0x20));
}

#[test]
fn what_contradicts_itself_is_refused() {
    let lists = CODE + HEADERS + 16;
    let cases: [(usize, &[u8], BootError); 6] = [
        // An entry outside of the kernel.
        (CODE + 0x18, &[0; 8], BootError::BadSegments),
        (CODE + 0x38, &[17], BootError::BadSegments),
        // A segment below the kernel's place, and one larger in the file than in memory.
        (CODE + 64 + 0x18, &[0; 8], BootError::BadSegments),
        (CODE + 64 + 0x28, &[1, 0, 0, 0], BootError::BadSegments),
        // Three lists have three ends.
        (lists, &[8, 0, 0, 0x81], BootError::BadSegments),
        // A place outside of memory.
        (lists + 20, &[0, 0, 0, 0xff], BootError::Memory),
    ];
    for (at, wrong, expected) in cases {
        let mut image = unpacked();
        image[at..at + wrong.len()].copy_from_slice(wrong);
        let (result, _, cpu) = start_at(3, &image, &[], b"");
        assert_eq!(result, Err(expected), "{at:#x}");
        assert_eq!(entry(&cpu), None, "the CPU is untouched");
    }
}

proptest! {
    #[test]
    fn the_kernel_stays_in_its_mapping(random: u64) {
        let (result, memory, _) = start_at(random, &unpacked(), &[], b"");
        prop_assert_eq!(result, Ok(()));
        let (_, _, moved) = words(&memory);
        prop_assert!((LINKED_AT..=0xffff_ffff_bff0_0000).contains(&(moved - 0x20)));
        prop_assert_eq!((moved - 0x20) % 0x20_0000, 0);
    }

    #[test]
    fn no_payload_makes_the_loader_panic(changes in proptest::collection::vec((0usize..200, any::<u8>()), 0..12), random: u64) {
        let mut image = unpacked();
        for (at, byte) in changes {
            image[CODE + at] = byte;
        }
        let _ = start_at(random, &image, &[1; 100], b"x");
    }
}
