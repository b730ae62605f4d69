//! The emulator's exit device.

use kernel_calls::{
    Ipc,
    invoke::{self, SlotPath},
};
use sel4_sys::slot;

use crate::resources::{ROOT_SLOTS, start_ipc};

/// Value that says that all was well.
pub const PASSED: u32 = 0x10;
/// Value that says that something was wrong.
pub const FAILED: u32 = 0x11;

const EXIT_PORT: u16 = 0xf4;

/// The last slot of the first CNode is kept for the exit device's port.
const EXIT_SLOT: u64 = ROOT_SLOTS - 1;

/// Issues the capability to the exit device, before anything can fail.
pub fn prepare_exit(ipc: &Ipc) {
    let to = SlotPath {
        root: slot::CNODE,
        index: EXIT_SLOT,
        depth: 64,
    };
    // Refused only when it was issued before.
    let _ = invoke::io_port_control_issue(ipc, slot::IO_PORT_CONTROL, EXIT_PORT, EXIT_PORT + 3, to);
}

/// Ends the machine with a value at the exit device.
pub fn exit(value: u32) -> ! {
    if let Some(ipc) = start_ipc() {
        prepare_exit(&ipc);
        let _ = invoke::io_port_out32(&ipc, EXIT_SLOT, EXIT_PORT, value);
    }
    loop {
        core::hint::spin_loop();
    }
}
