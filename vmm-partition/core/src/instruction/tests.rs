//! Forms that drivers use on device registers, page walks, and bytes that are no such thing.

use alloc::{vec, vec::Vec};

use proptest::prelude::*;
use sel4_sys::extension::{exit_message::state, run_request::flag};

use super::{
    Cache, DeviceMemory, Fault, Intent, WalkError, arithmetic::combine, execute, form::Arithmetic,
    translate,
};
use crate::{
    guest_memory::{GuestAddress, GuestMemory},
    machine::test_host::TestMemory,
    vcpu::{
        Exit, Request,
        general::{RAX, RBX, RCX, RDI, RDX, RSI},
    },
};

/// Where the tests' device is.
const DEVICE: u64 = 0xc000_0000;
/// Where the tests' instructions are.
const CODE: u64 = 0x1000;

/// A device that remembers writes and answers reads with a pattern.
struct Device {
    ram: TestMemory,
    writes: Vec<(u64, usize, u64)>,
}

impl DeviceMemory for Device {
    type Ram = TestMemory;

    fn ram(&self) -> &TestMemory {
        &self.ram
    }

    fn read(&mut self, address: u64, size: usize) -> u64 {
        let pattern = 0x8877_6655_8433_22f1u64.wrapping_add(address.wrapping_sub(DEVICE));
        pattern & crate::number::mask_of_bytes(size)
    }

    fn write(&mut self, address: u64, size: usize, value: u64) {
        let value = value & crate::number::mask_of_bytes(size);
        self.writes.push((address, size, value));
    }
}

fn device() -> Device {
    Device {
        ram: TestMemory::new(0x10_0000),
        writes: Vec::new(),
    }
}

/// Executes `code` with these registers; the access went to the device's first byte.
fn run(
    device: &mut Device,
    code: &[u8],
    registers: &[(usize, u64)],
) -> (Exit, Request, Result<(), Fault>) {
    assert_eq!(device.ram.write(GuestAddress(CODE), code), Ok(()));
    let mut exit = Exit {
        rip: CODE,
        detail_2: DEVICE,
        state: state::CODE_64,
        ..Exit::default()
    };
    for (register, value) in registers {
        exit.general[*register] = *value;
    }
    let mut request = Request::default();
    let result = execute(&mut Cache::new(), device, &mut exit, &mut request);
    (exit, request, result)
}

#[test]
fn stores_write_the_operand_and_move_on() {
    for (code, size, value) in [
        (&[0x89, 0x18][..], 4, 0x5566_7788),
        (&[0x66, 0x89, 0x18], 2, 0x7788),
        (&[0x88, 0x18], 1, 0x88),
        (&[0x88, 0x38], 1, 0x77),
        (&[0x48, 0x89, 0x18], 8, 0x1122_3344_5566_7788),
        (&[0xc7, 0x00, 0x78, 0x56, 0x34, 0x12], 4, 0x1234_5678),
        (&[0xc6, 0x00, 0x5a], 1, 0x5a),
    ] {
        let mut device = device();
        let (exit, request, result) = run(&mut device, code, &[(RBX, 0x1122_3344_5566_7788)]);
        assert_eq!(result, Ok(()));
        assert_eq!(device.writes, vec![(DEVICE, size, value)]);
        assert_eq!(exit.rip, CODE + code.len() as u64);
        assert_eq!(request.flags & flag::RIP, flag::RIP);
    }
}

#[test]
fn loads_fill_the_register_as_the_cpu_would() {
    let old = 0xaaaa_aaaa_aaaa_aaaa;
    for (code, expected) in [
        (&[0x8b, 0x02][..], 0x8433_22f1),
        (&[0x8a, 0x02], 0xaaaa_aaaa_aaaa_aaf1),
        (&[0x8a, 0x22], 0xaaaa_aaaa_aaaa_f1aa),
        (&[0x66, 0x8b, 0x02], 0xaaaa_aaaa_aaaa_22f1),
        (&[0x48, 0x8b, 0x02], 0x8877_6655_8433_22f1),
        (&[0x0f, 0xb6, 0x02], 0xf1),
        (&[0x0f, 0xb7, 0x02], 0x22f1),
        (&[0x48, 0x0f, 0xbe, 0x02], 0xffff_ffff_ffff_fff1),
        (&[0x0f, 0xbe, 0x02], 0xffff_fff1),
        (&[0x48, 0x63, 0x02], 0xffff_ffff_8433_22f1),
    ] {
        let (exit, _, result) = run(&mut device(), code, &[(RAX, old), (RDX, DEVICE)]);
        assert_eq!(result, Ok(()));
        assert_eq!(exit.general[RAX], expected, "{code:x?}");
    }
}

#[test]
fn read_modify_write_and_exchange_do_both() {
    let mut device = device();
    let (exit, _, result) = run(&mut device, &[0x83, 0x0a, 0x0e], &[]);
    assert_eq!(result, Ok(()));
    assert_eq!(device.writes, vec![(DEVICE, 4, 0x8433_22ff)]);
    assert_eq!(exit.rflags & (1 << 7), 1 << 7, "the sign flag");
    device.writes.clear();
    let (exit, _, result) = run(&mut device, &[0x87, 0x02], &[(RAX, 5)]);
    assert_eq!(result, Ok(()));
    assert_eq!(
        (exit.general[RAX], device.writes),
        (0x8433_22f1, vec![(DEVICE, 4, 5)])
    );
}

#[test]
fn comparisons_only_set_flags() {
    let mut device = device();
    let (exit, request, result) = run(&mut device, &[0x3b, 0x02], &[(RAX, 0x8433_22f1)]);
    assert_eq!(result, Ok(()));
    assert_eq!(exit.rflags & (1 << 6), 1 << 6, "the zero flag");
    assert_eq!(request.flags & flag::RFLAGS, flag::RFLAGS);
    assert!(device.writes.is_empty());
    assert_eq!(exit.general[RAX], 0x8433_22f1);
}

#[test]
fn string_stores_stop_at_a_page_and_go_on() {
    let mut device = device();
    let near_end = 0x5000 - 8;
    let (exit, request, result) = run(
        &mut device,
        &[0xf3, 0xab],
        &[(RAX, 7), (RCX, 5), (RDI, near_end)],
    );
    assert_eq!(result, Ok(()));
    assert_eq!(exit.general[RCX], 3);
    assert_eq!(exit.general[RDI], 0x5000);
    assert_eq!(exit.rip, CODE, "the instruction is run again");
    assert_eq!(request.flags & flag::RIP, 0);
}

#[test]
fn string_moves_copy_from_the_device_to_memory() {
    let mut device = device();
    let registers = [(RCX, 3), (RSI, DEVICE & 0xffff_ffff), (RDI, 0x8000)];
    let (exit, _, result) = run(&mut device, &[0xf3, 0xa4], &registers);
    assert_eq!(result, Ok(()));
    let word = device.ram.read_u64(GuestAddress(0x8000));
    assert_eq!(word, Ok(0x00f3_f2f1));
    assert_eq!(exit.rip, CODE + 2);
    assert_eq!(exit.general[RCX], 0);
}

#[test]
fn other_instructions_are_left_to_the_caller() {
    for code in [
        &[0x0f, 0xb1, 0x02][..],
        &[0x0f, 0x11, 0x02],
        &[0xff, 0x32],
        &[0x8e, 0x02],
        &[0x90],
        &[0x0f, 0x0b],
        &[0x06],
    ] {
        let (exit, _, result) = run(&mut device(), code, &[]);
        assert_eq!(result, Err(Fault::Unsupported), "{code:x?}");
        assert_eq!(exit.rip, CODE);
    }
}

/// Long mode ignores the base of CS, which a CPU keeps from before.
#[test]
fn a_base_of_cs_counts_outside_of_64_bit_code_only() {
    let exit = Exit {
        rip: 0x10,
        cs_base: 0xffff_0000,
        ..Exit::default()
    };
    assert_eq!(exit.linear_rip(), 0xffff_0010);
    let wide = Exit {
        state: state::CODE_64,
        ..exit
    };
    assert_eq!(wide.linear_rip(), 0x10);
}

#[test]
fn a_changed_instruction_is_decoded_anew() {
    let mut device = device();
    let mut cache = Cache::new();
    for (code, size) in [([0x89, 0x18], 4), ([0x88, 0x18], 1), ([0x89, 0x18], 4)] {
        assert_eq!(device.ram.write(GuestAddress(CODE), &code), Ok(()));
        let mut exit = Exit {
            rip: CODE,
            detail_2: DEVICE,
            state: state::CODE_64,
            ..Exit::default()
        };
        let result = execute(&mut cache, &mut device, &mut exit, &mut Request::default());
        assert_eq!(result, Ok(()));
        assert_eq!(device.writes.last().map(|write| write.1), Some(size));
    }
}

/// Long mode with tables at 0x10000.
fn long_mode() -> Exit {
    Exit {
        cr0: 1 << 31 | 1 << 16,
        cr3: 0x1_0000,
        efer: 1 << 10,
        ..Exit::default()
    }
}

fn entry(memory: &TestMemory, table: u64, index: u64, value: u64) {
    let address = GuestAddress(table + index * 8);
    assert_eq!(memory.write(address, &value.to_le_bytes()), Ok(()));
}

#[test]
fn page_walks_follow_four_levels_and_rights() {
    let memory = TestMemory::new(0x10_0000);
    entry(&memory, 0x1_0000, 511, 0x1_1007);
    entry(&memory, 0x1_1000, 510, 0x1_2007);
    entry(&memory, 0x1_2000, 0, 0x0020_0087);
    entry(&memory, 0x1_2000, 1, 0x1_3007);
    entry(&memory, 0x1_3000, 3, 0x8001);
    let exit = long_mode();
    let base = 0xffff_ffff_8000_0000u64;
    assert_eq!(
        translate(&memory, &exit, base + 0x1234, Intent::Write),
        Ok(GuestAddress(0x20_1234))
    );
    let small = base + 0x20_3456;
    assert_eq!(
        translate(&memory, &exit, small, Intent::Read),
        Ok(GuestAddress(0x8456))
    );
    assert_eq!(
        translate(&memory, &exit, small, Intent::Write),
        Err(WalkError::PageFault(3))
    );
    let user = Exit {
        state: 3 << 4,
        ..exit
    };
    assert_eq!(
        translate(&memory, &user, small, Intent::Read),
        Err(WalkError::PageFault(5))
    );
    assert_eq!(
        translate(&memory, &exit, base + 0x40_0000, Intent::Read),
        Err(WalkError::PageFault(0))
    );
    let wild = Exit {
        cr3: 0xffff_f000,
        ..exit
    };
    assert_eq!(
        translate(&memory, &wild, base, Intent::Read),
        Err(WalkError::Unsupported)
    );
}

proptest! {
    #[test]
    fn results_and_flags_are_those_of_the_language(first: u64, second: u64) {
        let check32 = |operation, value: u32, carry: bool, overflow: bool| {
            let outcome = combine(operation, first, second, 4, 0);
            prop_assert_eq!(outcome.value, u64::from(value));
            prop_assert_eq!(outcome.rflags & 1 != 0, carry);
            prop_assert_eq!(outcome.rflags & (1 << 11) != 0, overflow);
            prop_assert_eq!(outcome.rflags & (1 << 6) != 0, value == 0);
            prop_assert_eq!(outcome.rflags & (1 << 7) != 0, value >> 31 != 0);
            Ok(())
        };
        let (a, b) = (crate::number::low_u32(first), crate::number::low_u32(second));
        let (sum, carry) = a.overflowing_add(b);
        let overflow = a.cast_signed().checked_add(b.cast_signed()).is_none();
        check32(Arithmetic::Add, sum, carry, overflow)?;
        let (difference, borrow) = a.overflowing_sub(b);
        let overflow = a.cast_signed().checked_sub(b.cast_signed()).is_none();
        check32(Arithmetic::Subtract, difference, borrow, overflow)?;
        check32(Arithmetic::Compare, difference, borrow, overflow)?;
        check32(Arithmetic::And, a & b, false, false)?;
        check32(Arithmetic::Or, a | b, false, false)?;
        check32(Arithmetic::Xor, a ^ b, false, false)?;
    }

    #[test]
    fn no_instruction_and_no_register_makes_it_panic(
        code in proptest::collection::vec(any::<u8>(), 1..15),
        registers: [u64; 16],
        cr0: u64,
        cr3: u64,
        words: [u64; 4],
    ) {
        let mut device = device();
        prop_assert_eq!(device.ram.write(GuestAddress(CODE), &code), Ok(()));
        let mut exit = Exit {
            rip: CODE,
            general: registers,
            detail: words[0],
            detail_2: DEVICE,
            cr0: cr0 & !(1 << 31),
            cr3,
            state: words[1],
            rflags: words[2],
            ..Exit::default()
        };
        let _ = execute(&mut Cache::new(), &mut device, &mut exit, &mut Request::default());
        exit.cr0 |= 1 << 31;
        exit.efer = 1 << 10;
        let _ = execute(&mut Cache::new(), &mut device, &mut exit, &mut Request::default());
        let _ = translate(&device.ram, &exit, words[3], Intent::Write);
    }
}
