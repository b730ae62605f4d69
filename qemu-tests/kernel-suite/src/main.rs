//! The kernel's rules, one test each: a root task that runs on any kernel with seL4's interface
//! (x86_64, MCS, one core, debug build).
#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod boot;
mod cnode;
mod endpoint;
mod paging;
mod scheduling;
mod tcb;
mod untyped;

use sel4_sys::boot_info::BootInfo;

/// From what everything needs to what needs everything.
const GROUPS: &[&[test_support::Test]] = &[
    boot::TESTS,
    untyped::TESTS,
    cnode::TESTS,
    paging::TESTS,
    tcb::TESTS,
    endpoint::TESTS,
    scheduling::TESTS,
];

/// The program starts here, with the address of bootinfo.
#[expect(
    unsafe_code,
    reason = "the start-up code finds the program by this name"
)]
#[unsafe(no_mangle)]
extern "C" fn root_task(boot: &'static BootInfo) -> ! {
    test_support::run_all(boot, GROUPS)
}
