//! Messages of the kernel on COM1, in debug builds; and the end after a defect.

use core::fmt::{self, Write};
use core::panic::PanicInfo;

use crate::serial_port;

/// Writes formatted text where the kernel's messages go.
struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        tell(text);
        Ok(())
    }
}

/// Prints text that everybody shall see, while no program uses the port yet.
pub(crate) fn tell(text: &str) {
    for byte in text.bytes() {
        if byte == b'\n' {
            serial_port::put(b'\r');
        }
        serial_port::put(byte);
    }
}

/// Prints a line, in debug builds.
pub(crate) fn print_line(line: fmt::Arguments<'_>) {
    if cfg!(feature = "debug") {
        // The console cannot fail.
        let _ = writeln!(Console, "{line}");
    }
}

/// Prints a line on the kernel's console, in debug builds.
macro_rules! log {
    ($($argument:tt)*) => { $crate::debug::print_line(format_args!($($argument)*)) };
}
pub(crate) use log;

/// Reports a defect of the kernel and stops the machine.
pub fn kernel_panic(information: &PanicInfo<'_>) -> ! {
    log!("\nkernel panic: {information}");
    end(KERNEL_PANIC)
}

/// Stops this core for good.
pub fn stop() -> ! {
    loop {
        // SAFETY: without interrupts the core sleeps until it is reset; nothing depends on it any more.
        unsafe { core::arch::asm!("cli", "hlt", options(nomem, nostack)) };
    }
}

/// Exit values for an emulator's exit device at port 0xf4. That a program halts the machine by a debug call
/// is a failure of the run: success is told by whoever holds the port.
const KERNEL_PANIC: u32 = 0x12;
const HALTED: u32 = 0x11;

/// Stops the machine because a program asked for it, or because the kernel does not run on it.
pub(crate) fn halt() -> ! {
    end(HALTED)
}

/// Ends an emulator that listens, in debug builds; otherwise stops.
fn end(value: u32) -> ! {
    if cfg!(feature = "debug") {
        // SAFETY: the port belongs to the emulator's exit device where it exists and to nothing on a PC.
        unsafe { x86::io::outl(0xf4, value) };
    }
    stop()
}
