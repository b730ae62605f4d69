//! I/O APICs: which pin raises which interrupt line, masked or not.

use core::cell::Cell;

use kernel_core::Trigger;

use super::io_apic_window;
use crate::boot::IO_APIC_CAPACITY;
use crate::cpu::interrupt_table::vector;

const SELECT: u64 = 0x00;
const WINDOW: u64 = 0x10;
const VERSION: u32 = 1;
const REDIRECTION: u32 = 0x10;

const MASKED: u32 = 1 << 16;
const LEVEL: u32 = 1 << 15;
const ACTIVE_LOW: u32 = 1 << 13;

/// Number of interrupt lines.
const LINES: usize = 256;

/// A pin of an I/O APIC, with the low half of its redirection entry.
#[derive(Clone, Copy)]
struct Pin {
    io_apic: u64,
    number: u32,
    entry: u32,
}

/// All I/O APICs.
pub(crate) struct IoApics {
    count: Cell<u64>,
    pins: [Cell<Option<Pin>>; LINES],
}

fn read(io_apic: u64, register: u32) -> u32 {
    let base = io_apic_window(io_apic);
    // SAFETY: see the soundness paragraph of `apic`; callers name an I/O APIC that exists.
    unsafe {
        ((base + SELECT) as *mut u32).write_volatile(register);
        ((base + WINDOW) as *const u32).read_volatile()
    }
}

fn write(io_apic: u64, register: u32, value: u32) {
    let base = io_apic_window(io_apic);
    // SAFETY: see the soundness paragraph of `apic`; callers name an I/O APIC that exists.
    unsafe {
        ((base + SELECT) as *mut u32).write_volatile(register);
        ((base + WINDOW) as *mut u32).write_volatile(value);
    }
}

/// Number of pins of an I/O APIC.
fn pin_count(io_apic: u64) -> u32 {
    (read(io_apic, VERSION) >> 16 & 0xff) + 1
}

impl IoApics {
    pub(crate) const fn new() -> Self {
        Self {
            count: Cell::new(0),
            pins: [const { Cell::new(None) }; LINES],
        }
    }

    /// Masks all pins of the I/O APICs, which are mapped in the device window.
    pub(crate) fn initialize(&self, count: u64) {
        assert!(count <= IO_APIC_CAPACITY as u64);
        self.count.set(count);
        for io_apic in 0..count {
            for pin in 0..pin_count(io_apic) {
                write(io_apic, REDIRECTION + 2 * pin, MASKED);
            }
        }
    }

    /// Number of I/O APICs.
    pub(crate) fn count(&self) -> u64 {
        self.count.get()
    }

    /// Number of pins of an I/O APIC; zero for one that does not exist.
    pub(crate) fn pin_count(&self, io_apic: u64) -> u64 {
        if io_apic < self.count() {
            pin_count(io_apic).into()
        } else {
            0
        }
    }

    /// Lets a pin raise a line on this core, masked at first.
    pub(crate) fn route(&self, io_apic: u64, pin: u64, trigger: Trigger, irq: u8) {
        let Ok(number) = u32::try_from(pin) else {
            return;
        };
        if pin >= self.pin_count(io_apic) {
            return;
        }
        let mut entry = MASKED | u32::from(vector::FIRST_INTERRUPT + irq);
        if trigger.level {
            entry |= LEVEL;
        }
        if trigger.active_low {
            entry |= ACTIVE_LOW;
        }
        // The destination: the local APIC with identification 0, that of the boot core.
        write(io_apic, REDIRECTION + 2 * number + 1, 0);
        write(io_apic, REDIRECTION + 2 * number, entry);
        self.pins[usize::from(irq)].set(Some(Pin {
            io_apic,
            number,
            entry,
        }));
    }

    /// Silences the pin behind a line for good.
    pub(crate) fn unroute(&self, irq: u8) {
        self.mask(irq);
        self.pins[usize::from(irq)].set(None);
    }

    /// Keeps the pin behind a line, if there is one, quiet.
    pub(crate) fn mask(&self, irq: u8) {
        self.change(irq, |entry| entry | MASKED);
    }

    /// Lets the pin behind a line, if there is one, be heard.
    pub(crate) fn unmask(&self, irq: u8) {
        self.change(irq, |entry| entry & !MASKED);
    }

    fn change(&self, irq: u8, new: impl Fn(u32) -> u32) {
        let place = &self.pins[usize::from(irq)];
        if let Some(mut pin) = place.get() {
            pin.entry = new(pin.entry);
            write(pin.io_apic, REDIRECTION + 2 * pin.number, pin.entry);
            place.set(Some(pin));
        }
    }
}
