//! The kernel's rules, one test each: a root task that runs on any kernel with seL4's interface
//! (x86_64, MCS, one core, debug build).
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod asid;
mod boot;
mod cnode;
mod combined;
mod domain;
mod endpoint;
mod exception;
mod exit;
mod floating_point;
mod interrupt;
mod io_port;
mod notification;
mod order;
mod page_fault;
mod page_size;
mod paging;
mod refill;
mod reply;
mod scheduling;
mod tcb;
mod transfer;
mod untyped;
mod zeroing;

/// From what everything needs to what needs everything.
const GROUPS: &[&[test_support::Test]] = &[
    boot::TESTS,
    untyped::TESTS,
    zeroing::TESTS,
    cnode::TESTS,
    paging::TESTS,
    page_fault::TESTS,
    page_size::TESTS,
    tcb::TESTS,
    endpoint::TESTS,
    combined::TESTS,
    transfer::TESTS,
    reply::TESTS,
    scheduling::TESTS,
    refill::TESTS,
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
