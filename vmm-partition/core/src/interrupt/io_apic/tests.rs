//! Edges, levels, masks and ends of interrupts.

use super::{
    registers::{ENTRIES, SELECT, WINDOW},
    state::IoApic,
};
use crate::interrupt::{Delivery, Message};

fn program(io_apic: &mut IoApic, input: u32, low: u32) -> Option<Message> {
    io_apic.write(SELECT, ENTRIES + input * 2);
    io_apic.write(WINDOW, low)
}

#[test]
fn an_edge_is_delivered_once() {
    let mut io_apic = IoApic::new();
    program(&mut io_apic, 4, 0x34);
    let message = io_apic.set_line(4, true);
    assert_eq!(
        message.map(|message| message.delivery),
        Some(Delivery::Vector(0x34))
    );
    assert_eq!(io_apic.set_line(4, true), None);
    assert_eq!(io_apic.set_line(4, false), None);
    assert!(io_apic.set_line(4, true).is_some());
}

#[test]
fn a_level_comes_back_until_it_is_withdrawn() {
    let mut io_apic = IoApic::new();
    program(&mut io_apic, 16, 0x8051);
    assert!(io_apic.set_line(16, true).is_some());
    assert!(io_apic.end_of_interrupt(0x51, 0).is_some());
    io_apic.set_line(16, false);
    assert_eq!(io_apic.end_of_interrupt(0x51, 0), None);
    assert!(io_apic.set_line(16, true).is_some());
}

#[test]
fn a_masked_level_fires_when_unmasked_and_an_edge_does_not() {
    let mut io_apic = IoApic::new();
    io_apic.set_line(5, true);
    io_apic.set_line(6, true);
    assert!(program(&mut io_apic, 5, 0x8040).is_some());
    assert_eq!(program(&mut io_apic, 6, 0x40), None);
}

#[test]
fn registers_behind_the_end_read_zero_and_ignore_writes() {
    let mut io_apic = IoApic::new();
    for index in 0..=255 {
        io_apic.write(SELECT, index);
        io_apic.write(WINDOW, 0xffff_ffff);
    }
    io_apic.write(SELECT, 0xff);
    assert_eq!(io_apic.read(WINDOW), 0);
    assert_eq!(io_apic.set_line(200, true), None);
}
