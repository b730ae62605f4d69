//! The end after a defect of the kernel: say where, stop.

use core::panic::PanicInfo;

#[panic_handler]
fn panic(information: &PanicInfo<'_>) -> ! {
    kernel_machine::debug::kernel_panic(information)
}

/// Named by precompiled parts of the standard library; never called, because panics abort.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Named by precompiled parts of the standard library; never called, because panics abort.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    kernel_machine::debug::stop()
}
