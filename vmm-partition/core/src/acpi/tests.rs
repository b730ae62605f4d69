//! Checksums and pointers, walked as an operating system would; the DSDT by a small reader of AML.

use alloc::vec::Vec;

use super::build;
use crate::guest_memory::GuestAddress;

const START: u64 = 0xe_0000;

fn number(bytes: &[u8], at: usize, size: usize) -> u64 {
    bytes[at..at + size]
        .iter()
        .rev()
        .fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

/// The table at an address, its sum checked.
fn table(all: &[u8], address: u64) -> &[u8] {
    let at = usize::try_from(address - START).unwrap_or(usize::MAX);
    let length = usize::try_from(number(all, at + 4, 4)).unwrap_or(usize::MAX);
    let table = &all[at..at + length];
    assert_eq!(sum(table), 0, "sum of {:?}", &table[..4]);
    table
}

fn sum(bytes: &[u8]) -> u8 {
    bytes
        .iter()
        .fold(0, |sum: u8, byte| sum.wrapping_add(*byte))
}

#[test]
fn every_table_is_reached_from_the_root_and_sums_to_zero() {
    let tables = build(GuestAddress(START));
    assert_eq!(tables.rsdp, GuestAddress(START));
    let all = &tables.bytes;
    assert_eq!(&all[..8], b"RSD PTR ");
    assert_eq!((sum(&all[..20]), sum(&all[..36])), (0, 0));
    let xsdt = table(all, number(all, 24, 8));
    let signatures: Vec<_> = xsdt[36..]
        .chunks(8)
        .map(|entry| &table(all, number(entry, 0, 8))[..4])
        .collect();
    assert_eq!(signatures, [b"FACP", b"APIC"]);
}

#[test]
fn the_fixed_hardware_is_where_the_machine_has_it() {
    let tables = build(GuestAddress(START));
    let all = &tables.bytes;
    let xsdt = table(all, number(all, 24, 8));
    let fadt = table(all, number(xsdt, 36, 8));
    assert_eq!(fadt.len(), 276);
    assert_eq!(number(fadt, 46, 2), 9, "interrupt");
    assert_eq!(number(fadt, 56, 4), 0x600, "PM1 events");
    assert_eq!(number(fadt, 64, 4), 0x604, "PM1 control");
    assert_eq!(number(fadt, 76, 4), 0x608, "timer");
    assert_eq!((number(fadt, 120, 8), fadt[128]), (0xcf9, 6), "reset");
    assert_eq!(&table(all, number(fadt, 140, 8))[..4], b"DSDT");
    let facs = usize::try_from(number(fadt, 36, 4) - START).unwrap_or(0);
    assert_eq!(&all[facs..facs + 4], b"FACS");
    assert_eq!(facs % 64, 0);
}

/// Reads a package length; answers the bytes it takes and the end of the package.
fn package_end(aml: &[u8], at: usize) -> (usize, usize) {
    let follow = usize::from(aml[at] >> 6);
    let mut length = usize::from(aml[at] & if follow == 0 { 0x3f } else { 0xf });
    for index in 0..follow {
        length |= usize::from(aml[at + 1 + index]) << (4 + 8 * index);
    }
    (follow + 1, at + length)
}

/// Names of devices in a term list of what this board uses, and every object's end where its content ends.
fn devices(aml: &[u8], mut at: usize, end: usize, found: &mut Vec<[u8; 4]>) {
    while at < end {
        match (aml[at], aml[at + 1]) {
            (0x10, _) => {
                let (taken, inner) = package_end(aml, at + 1);
                devices(aml, at + 1 + taken + 5, inner, found);
                at = inner;
            }
            (0x5b, 0x82) => {
                let (taken, inner) = package_end(aml, at + 2);
                let name = at + 2 + taken;
                found.push([aml[name], aml[name + 1], aml[name + 2], aml[name + 3]]);
                devices(aml, name + 4, inner, found);
                at = inner;
            }
            (0x08, _) => at = value_end(aml, at + 5),
            other => panic!("unexpected {other:x?} at {at:#x}"),
        }
    }
    assert_eq!(at, end);
}

fn value_end(aml: &[u8], at: usize) -> usize {
    match aml[at] {
        0x00 | 0x01 => at + 1,
        0x0a => at + 2,
        0x0c => at + 5,
        0x11 => package_end(aml, at + 1).1,
        0x12 => {
            let (taken, end) = package_end(aml, at + 1);
            let mut element = at + 1 + taken + 1;
            for _ in 0..aml[at + 1 + taken] {
                element = value_end(aml, element);
            }
            assert_eq!(element, end, "elements fill their package");
            end
        }
        other => panic!("unexpected value {other:#x} at {at:#x}"),
    }
}

#[test]
fn the_dsdt_is_well_formed_and_names_the_devices() {
    let dsdt = super::dsdt::build();
    let mut found = Vec::new();
    devices(&dsdt, 36, dsdt.len(), &mut found);
    assert_eq!(found, [*b"PCI0", *b"COM1", *b"RTC_", *b"MBRD"]);
}

#[test]
fn identifications_are_coded_as_the_specification_shows() {
    // Section 19.3.4: PNP0A03 is 0x030ad041 when read as a little-endian number.
    assert_eq!(
        super::aml::eisa_id(*b"PNP", 0x0a03),
        [0x0c, 0x41, 0xd0, 0x0a, 0x03]
    );
}
