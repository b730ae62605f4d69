//! COM1 as the kernel's debug port: 115200 baud, 8 bits, polled.

use x86::io::{inb, outb};

const COM1: u16 = 0x3f8;
const LINE_STATUS: u16 = COM1 + 5;
const TRANSMITTER_EMPTY: u8 = 1 << 5;

/// Sets the port up.
pub(crate) fn initialize() {
    // Interrupts off; divisor latch on; divisor 1; 8 bits; FIFOs on; DTR, RTS, OUT2.
    for (offset, value) in [
        (1, 0),
        (3, 0x80),
        (0, 1),
        (1, 0),
        (3, 3),
        (2, 0xc7),
        (4, 0x0b),
    ] {
        // SAFETY: the debug port belongs to the kernel's debug build until user programs take it over.
        unsafe { outb(COM1 + offset, value) };
    }
}

/// Sends one byte; gives up waiting when there is no port.
pub(crate) fn put(byte: u8) {
    const TRIES: u32 = 100_000;
    for _ in 0..TRIES {
        // SAFETY: reading the line status changes nothing that matters to anybody.
        if unsafe { inb(LINE_STATUS) } & TRANSMITTER_EMPTY != 0 {
            break;
        }
    }
    // SAFETY: as in `initialize`.
    unsafe { outb(COM1, byte) };
}
