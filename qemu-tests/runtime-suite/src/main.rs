//! What `runtime` gives to a program, tried where it runs: the heap, the memory functions that the
//! compiler calls, the window of root tasks, printing and the clock.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod heap;
mod memory_functions;
mod window;

use core::convert::Infallible;

use runtime::{
    RootTask,
    kernel_calls::{
        Ipc,
        invoke::{SlotPath, io_port_control_issue, io_port_out32},
    },
    println,
    sel4_sys::{self, slot},
};

runtime::root_task!(main, stack = 65536, heap = 1048576);

/// A test: its name, and what it does. It panics when something is wrong.
type Test = (&'static str, fn(&RootTask));

const TESTS: [Test; 6] = [
    ("heap-blocks-are-disjoint", heap::blocks_are_disjoint),
    ("heap-gives-back-what-was-freed", heap::freed_blocks_return),
    ("memory-copies-like-a-loop", memory_functions::copies),
    ("memory-moves-like-a-loop", memory_functions::moves),
    ("memory-compares-like-a-loop", memory_functions::compares),
    (
        "window-reaches-a-mapped-frame",
        window::reaches_a_mapped_frame,
    ),
];

/// The port and the status by which QEMU ends and says that all is well.
const EXIT_PORT: u16 = 0xf4;
const PASSED: u32 = 0x10;

fn main(root: RootTask) -> Result<Infallible, &'static str> {
    for (name, test) in TESTS {
        test(&root);
        println!("ok {name}");
    }
    println!("all {} tests of the runtime pass", TESTS.len());
    exit(&root.ipc, root.boot_info.empty.start).map_err(|_| "the exit port is out of reach")?;
    Err("the machine does not end")
}

fn exit(ipc: &Ipc, free_slot: u64) -> Result<(), sel4_sys::Error> {
    let place = SlotPath {
        root: slot::CNODE,
        index: free_slot,
        depth: 64,
    };
    io_port_control_issue(ipc, slot::IO_PORT_CONTROL, EXIT_PORT, EXIT_PORT + 3, place)?;
    io_port_out32(ipc, free_slot, EXIT_PORT, PASSED)
}
