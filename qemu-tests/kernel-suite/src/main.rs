//! The kernel's rules, one test each: a root task that runs on any kernel with seL4's interface
//! (x86_64, MCS, one core, debug build).
#![no_std]
#![no_main]

mod boot;
mod cnode;
mod paging;
mod untyped;

use sel4_sys::boot_info::BootInfo;

/// The program starts here, with the address of bootinfo.
#[unsafe(no_mangle)]
extern "C" fn root_task(boot: &'static BootInfo) -> ! {
    test_support::run_all(
        boot,
        &[boot::TESTS, untyped::TESTS, cnode::TESTS, paging::TESTS],
    )
}
