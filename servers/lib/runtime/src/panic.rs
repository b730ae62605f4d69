//! The end of a program that cannot go on.

/// Says where and why on the console, then faults, so that the supervisor names the program.
///
/// The entry macros make it the panic handler of the program, and not this crate, because host tools
/// check this crate together with crates that use `std`, which has its own.
#[doc(hidden)]
#[macro_export]
macro_rules! panic_handler {
    () => {
        #[panic_handler]
        fn panic(info: &::core::panic::PanicInfo<'_>) -> ! {
            $crate::println!("{info}");
            $crate::start::stop()
        }
    };
}

/// Precompiled libraries name it; programs that abort on panic never call it.
#[cfg(not(test))]
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() -> ! {
    crate::component::stop()
}

/// Precompiled libraries name it; programs that abort on panic never call it.
#[cfg(not(test))]
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    crate::component::stop()
}
