//! Page faults: what they say, and what their handlers do.

use kernel_calls::Ipc;
use sel4_sys::CapRights;
use sel4_sys::fault::{VM_FAULT, VM_FAULT_WORDS};
use test_support::memory::{self, fresh_address};
use test_support::threads::{clear_notes, noted};
use test_support::{Outcome, Plan, Test, Tester, ensure, equal};

use crate::paging::{RW, read_word, write_faults, write_word};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "page-rights-0001",
        rule: "writing to a page mapped read-only faults with the address and error code 7",
        run: write_to_read_only,
    },
    Test {
        id: "page-rights-0002",
        rule: "rights of the capability limit those of the mapping",
        run: capability_limits,
    },
    Test {
        id: "page-fault-0001",
        rule: "reading and writing an unmapped page faults with error codes 4 and 6",
        run: unmapped,
    },
    Test {
        id: "page-fault-0002",
        rule: "executing an unmapped page faults as instruction fetch",
        run: execute_unmapped,
    },
    Test {
        id: "page-fault-0003",
        rule: "kernel addresses fault like others, with the present bit at most",
        run: kernel_addresses,
    },
    Test {
        id: "page-fault-0004",
        rule: "a handler that maps the page lets the thread go on",
        run: map_on_demand,
    },
];

fn execute(_: Ipc, address: u64) {
    memory::call(address);
}

fn write_to_read_only(t: &mut Tester) -> Outcome {
    let (frame, address) = (t.frame()?, fresh_address(1));
    t.map(frame, address, CapRights::READ)?;
    equal("a word read", memory::load(address), 0)?;
    write_faults(t, address + 0x10)?;
    equal("the word after the fault", memory::load(address + 0x10), 0)
}

fn capability_limits(t: &mut Tester) -> Outcome {
    let (frame, address) = (t.frame()?, fresh_address(1));
    let read_only = t.copy(frame, CapRights::READ)?;
    t.map(read_only, address, RW)?;
    equal("a word read", memory::load(address), 0)?;
    write_faults(t, address)
}

fn unmapped(t: &mut Tester) -> Outcome {
    let address = fresh_address(1) + 0x123_4568;
    let fault = t.fault_of(read_word, address)?;
    equal("the label", fault.label, VM_FAULT)?;
    equal("the length", fault.length, VM_FAULT_WORDS)?;
    equal("the address", fault.words[1], address)?;
    equal("whether it is a fetch", fault.words[2], 0)?;
    equal("the error code of a read", fault.words[3], 4)?;
    let fault = t.fault_of(write_word, address)?;
    equal("the address", fault.words[1], address)?;
    equal("the error code of a write", fault.words[3], 6)?;
    let image = t.boot.ipc_buffer;
    ensure(
        (0x40_0000..image).contains(&fault.words[0]),
        "the instruction pointer is outside the program",
    )
}

fn execute_unmapped(t: &mut Tester) -> Outcome {
    let address = fresh_address(1) + 0x5000;
    let fault = t.fault_of(execute, address)?;
    equal("the label", fault.label, VM_FAULT)?;
    equal("the instruction pointer", fault.words[0], address)?;
    equal("the address", fault.words[1], address)?;
    equal("whether it is a fetch", fault.words[2], 1)?;
    // Bit 4 (fetch) is set where the CPU has execute-disable switched on.
    equal("the error code", fault.words[3] & !0x10, 4)
}

fn kernel_addresses(t: &mut Tester) -> Outcome {
    for address in [
        0xffff_ffff_8000_0000,
        0xffff_ff80_0000_0000,
        0xffff_8000_0000_0000,
        0xffff_ffff_fee0_0000,
        0xffff_ffff_ffff_fff8,
    ] {
        let read = t.fault_of(read_word, address)?;
        equal("the label of a read", read.label, VM_FAULT)?;
        equal("the address read", read.words[1], address)?;
        equal("the error code", read.words[3] & !1, 4)?;
        let write = t.fault_of(write_word, address)?;
        equal("the label of a write", write.label, VM_FAULT)?;
        equal("the error code", write.words[3] & !1, 6)?;
    }
    Ok(())
}

fn map_on_demand(t: &mut Tester) -> Outcome {
    let (frame, address) = (t.frame()?, fresh_address(1));
    clear_notes();
    let watched = t.watch(Plan::new(read_word, address + 0x18))?;
    let fault = t.next_fault(&watched)?;
    ensure(fault.is_some(), "no fault")?;
    t.map(frame, address, RW)?;
    memory::store(address + 0x18, 0xfeed);
    t.answer(&watched, 0, &[]);
    ensure(t.next_fault(&watched)?.is_none(), "a second fault")?;
    equal("the word read", noted(0), 0xfeed)
}
