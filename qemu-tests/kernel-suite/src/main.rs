//! The kernel's rules, one test each: a root task that runs on any kernel with seL4's interface
//! (x86_64, MCS, one core, debug build).
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod asid;
mod boot;
mod cnode;
mod domain;
mod endpoint;
mod exception;
mod exit;
mod floating_point;
mod interrupt;
mod io_port;
mod notification;
mod order;
mod paging;
mod scheduling;
mod tcb;
mod untyped;
mod zeroing;

/// From what everything needs to what needs everything.
const GROUPS: &[&[test_support::Test]] = &[
    boot::TESTS,
    untyped::TESTS,
    zeroing::TESTS,
    cnode::TESTS,
    paging::TESTS,
    tcb::TESTS,
    endpoint::TESTS,
    scheduling::TESTS,
    domain::TESTS,
    notification::TESTS,
    exception::TESTS,
    exit::TESTS,
    asid::TESTS,
    io_port::TESTS,
    order::TESTS,
    interrupt::TESTS,
    floating_point::TESTS,
];

test_support::root_task!(GROUPS);
