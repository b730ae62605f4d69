//! BAR sizing, capability lists, masked messages.

use super::{Bus, Configuration, Identity, MsixTable, configuration::offset};

fn function() -> Configuration {
    Configuration::new(Identity {
        vendor: 0x1af4,
        device: 0x1042,
        revision: 1,
        class: 0x01_80_00,
        subsystem_vendor: 0x1af4,
        subsystem: 2,
    })
}

fn write_word(configuration: &mut Configuration, at: u8, value: u32) {
    for (index, byte) in (0..).zip(value.to_le_bytes()) {
        configuration.write_byte(at + index, byte);
    }
}

#[test]
fn a_bar_is_sized_by_writing_ones() {
    let mut configuration = function();
    configuration.add_memory_bar(0, 0x4000, 0xc000_0000);
    write_word(&mut configuration, offset::BAR_0, 0xffff_ffff);
    assert_eq!(configuration.word(offset::BAR_0), 0xffff_c000);
    write_word(&mut configuration, offset::BAR_0, 0xd000_1234);
    assert_eq!(configuration.bar(0), 0xd000_0000);
    assert_eq!(configuration.word(0), 0x1042_1af4);
    assert_eq!(configuration.word(8), 0x0180_0001);
}

#[test]
fn identification_is_read_only() {
    let mut configuration = function();
    for at in 0..=255 {
        configuration.write_byte(at, 0xff);
    }
    assert_eq!(configuration.word(0), 0x1042_1af4);
    assert_eq!(configuration.command(), 0x0406);
}

#[test]
fn capabilities_form_a_list() {
    let mut configuration = function();
    let first = configuration.add_capability(9, &[16, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let second = configuration.add_capability(0x11, &[0; 10]);
    assert_eq!(configuration.byte(offset::CAPABILITIES), first);
    assert_eq!(configuration.byte(first + 1), second);
    assert_eq!(configuration.byte(second + 1), 0);
    assert_eq!((first, second), (0x40, 0x50));
}

#[test]
fn a_masked_message_waits() {
    let mut table = MsixTable::new(2);
    table.write(16, 0xfee0_0000, true);
    table.write(24, 0x51, true);
    assert_eq!(table.trigger(1, true), None);
    assert_eq!(table.read(0x800), 2);
    assert_eq!(table.write(28, 0, true), Some((0xfee0_0000, 0x51)));
    assert_eq!(table.trigger(1, true), Some((0xfee0_0000, 0x51)));
    assert_eq!(table.trigger(2, true), None);
    assert_eq!(table.read(0xfff), 0);
}

#[test]
fn only_function_0_of_bus_0_answers() {
    let mut bus = Bus::new();
    bus.address = 0x8000_0810;
    assert_eq!(
        bus.select(2).map(|at| (at.device, at.offset)),
        Some((1, 0x12))
    );
    for address in [0x0000_0810, 0x8001_0810, 0x8000_0910, 0x8100_0810] {
        bus.address = address;
        assert_eq!(bus.select(0), None);
    }
}
