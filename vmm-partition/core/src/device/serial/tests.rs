//! What Linux's 8250 driver relies on.

use super::{
    registers::{
        DATA, HOLDING_EMPTY, INTERRUPT_ENABLE, INTERRUPT_IDENTIFICATION, LINE_STATUS,
        MODEM_CONTROL, MODEM_STATUS, SCRATCH,
    },
    state::Serial,
};
use crate::{clock::Clock, machine::test_host::TestHost};

fn clock() -> Clock {
    Clock::new(1_000_000, 0, 0)
}

fn ready() -> (Serial, TestHost) {
    let mut serial = Serial::new();
    serial.write(INTERRUPT_IDENTIFICATION, 0x07);
    serial.write(MODEM_CONTROL, 0x0b);
    (serial, TestHost::new())
}

#[test]
fn the_probe_of_linux_finds_a_16550a() {
    let mut serial = Serial::new();
    serial.write(INTERRUPT_ENABLE, 0x0f);
    assert_eq!(serial.read(INTERRUPT_ENABLE), 0x0f);
    serial.write(MODEM_CONTROL, 0x1a);
    assert_eq!(serial.read(MODEM_STATUS) & 0xf0, 0x90);
    serial.write(INTERRUPT_IDENTIFICATION, 1);
    assert_eq!(serial.read(INTERRUPT_IDENTIFICATION) >> 6, 3);
    serial.write(SCRATCH, 0xa5);
    assert_eq!(serial.read(SCRATCH), 0xa5);
}

#[test]
fn bytes_reach_the_console_and_the_empty_interrupt_comes_once() {
    let (mut serial, mut host) = ready();
    serial.write(INTERRUPT_ENABLE, 0x02);
    assert!(serial.interrupt());
    assert_eq!(serial.read(INTERRUPT_IDENTIFICATION) & 0xf, 0x02);
    assert!(!serial.interrupt());
    for byte in b"hello" {
        serial.write(DATA, *byte);
    }
    assert!(serial.interrupt());
    assert!(!serial.wants_flush());
    serial.write(DATA, b'\n');
    assert!(serial.wants_flush());
    serial.exchange(&mut host, &clock());
    assert!(!serial.wants_flush());
    assert_eq!(host.console_output(), b"hello\n");
}

#[test]
fn keystrokes_raise_the_received_interrupt_until_they_are_read() {
    let (mut serial, mut host) = ready();
    serial.write(INTERRUPT_ENABLE, 0x01);
    host.type_keys(&[3]);
    serial.exchange(&mut host, &clock());
    assert!(serial.interrupt());
    assert_eq!(serial.read(INTERRUPT_IDENTIFICATION) & 0xf, 0x04);
    assert_eq!(serial.read(DATA), 3);
    assert!(!serial.interrupt());
}

#[test]
fn a_console_that_takes_nothing_delays_and_then_loses_bytes() {
    let (mut serial, mut host) = ready();
    host.stall_console();
    for _ in 0..120 {
        serial.write(DATA, b'x');
    }
    serial.exchange(&mut host, &clock());
    assert_eq!(serial.read(LINE_STATUS) & HOLDING_EMPTY, 0);
    host.advance(2_000_000_000);
    serial.exchange(&mut host, &clock());
    assert_ne!(serial.read(LINE_STATUS) & HOLDING_EMPTY, 0);
    host.resume_console();
    serial.write(DATA, b'y');
    assert_eq!(serial.exchange(&mut host, &clock()), Some(120));
    assert_eq!(host.console_output(), b"y");
}
