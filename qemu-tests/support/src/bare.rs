//! For programs that are guests: alone on a virtual CPU, in 64-bit mode, all memory mapped to itself.
//!
//! They start as Linux would, at the entry of [`crate::start`]. Here is what a root task has no right to:
//! ports, control registers, device memory. A program that runs as a root task must not call any of it.

use core::arch::asm;
use core::fmt::{Result, Write};

/// First serial port of a PC.
const SERIAL: u16 = 0x3f8;
/// Power management control of the monitor's PC.
const POWER: u16 = 0x604;
/// Sleep type 5 (off), and go.
const OFF: u16 = 5 << 10 | 1 << 13;

/// Makes a guest out of a function; when it returns, the guest switches itself off.
#[macro_export]
macro_rules! guest {
    ($main:path) => {
        /// The start-up code calls it by this name.
        #[unsafe(no_mangle)]
        extern "C" fn root_task() -> ! {
            $crate::bare::run($main)
        }
    };
}

/// Makes the CPU ready for compiled code, runs `main`, and switches the power off.
pub fn run(main: fn()) -> ! {
    // SAFETY: CR4.OSFXSR and OSXMMEXCPT allow the vector instructions that the compiler uses; nothing
    // before this line needs any. Nobody else is there to be disturbed.
    unsafe {
        asm!("mov {value}, cr4", "or {value}, 0x600", "mov cr4, {value}", value = out(reg) _, options(nostack));
    }
    main();
    write_port(POWER, OFF);
    loop {
        core::hint::spin_loop();
    }
}

/// Writes a byte to a port.
pub fn write_port8(port: u16, value: u8) {
    // SAFETY: the ports of a guest's PC reach no memory of the guest: no device of it is told to.
    unsafe {
        asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags));
    }
}

fn write_port(port: u16, value: u16) {
    // SAFETY: the same.
    unsafe {
        asm!("out dx, ax", in("dx") port, in("ax") value, options(nomem, nostack, preserves_flags));
    }
}

/// Writes the register select of the I/O APIC.
pub fn select_io_apic_register(index: u32) {
    const SELECT: u64 = 0xfec0_0000;
    // SAFETY: there is no memory at that address, and the register only says which one the next access is for.
    unsafe {
        asm!("mov [{place}], {value:e}", place = in(reg) SELECT, value = in(reg) index, options(nostack, preserves_flags));
    }
}

/// The guest's serial line.
pub struct Serial;

impl Write for Serial {
    fn write_str(&mut self, text: &str) -> Result {
        text.bytes().for_each(|byte| write_port8(SERIAL, byte));
        Ok(())
    }
}
