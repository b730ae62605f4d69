//! The end of a program that cannot go on.

use core::panic::PanicInfo;

/// Says where and why on the console, then faults, so that the supervisor names the program.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    crate::println!("{info}");
    crate::component::stop()
}

/// Precompiled libraries name it; programs that abort on panic never call it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() -> ! {
    crate::component::stop()
}

/// Precompiled libraries name it; programs that abort on panic never call it.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    crate::component::stop()
}
