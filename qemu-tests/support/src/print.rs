//! Printing through the kernel's debug console, so that a program needs no driver to be heard.

use core::fmt::{Arguments, Result, Write};

struct DebugConsole;

impl Write for DebugConsole {
    fn write_str(&mut self, text: &str) -> Result {
        text.bytes().for_each(kernel_calls::debug_put_char);
        Ok(())
    }
}

/// Prints formatted text; [`crate::print!`] and [`crate::println!`] call it.
pub fn print_formatted(arguments: Arguments<'_>) {
    // The console never fails.
    let _ = DebugConsole.write_fmt(arguments);
}

/// Prints.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => { $crate::print::print_formatted(core::format_args!($($argument)*)) };
}

/// Prints a line.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($argument:tt)*) => { $crate::print!("{}\n", core::format_args!($($argument)*)) };
}
