//! Execution of one instruction on device memory.

use sel4_sys::extension::{exit_message::state, run_request::flag};

use super::{
    Cache, DeviceMemory,
    arithmetic::combine,
    fetch::fetch,
    form::{Action, Extend, Form, Repeat},
    registers::{get, set, sign_extend, source},
    string,
    walk::WalkError,
};
use crate::vcpu::{Exit, Request};

/// Why an instruction was not executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A page fault at an address is due in the guest.
    Page {
        /// The linear address.
        address: u64,
        /// The error code.
        code: u32,
    },
    /// The instruction or the mode is none that is supported.
    Unsupported,
}

/// Executes the instruction at the guest's instruction pointer, whose access to `address` was stopped.
pub(crate) fn execute(
    cache: &mut Cache,
    devices: &mut impl DeviceMemory,
    exit: &mut Exit,
    request: &mut Request,
) -> Result<(), Fault> {
    let linear = exit.linear_rip();
    let fetched = fetch(devices.ram(), exit).map_err(|error| fault_of(error, linear))?;
    let form = cache
        .decode(exit.rip, &fetched, bitness(exit))
        .ok_or(Fault::Unsupported)?;
    let address = exit.detail_2;
    match form.action {
        Action::StoreString(repeat) => {
            return string::store(devices, exit, request, &form, repeat);
        }
        Action::MoveString(repeat) => {
            return string::copy(devices, exit, request, &form, repeat);
        }
        _ => simple(devices, exit, request, &form, address),
    }
    finish(exit, request, &form);
    Ok(())
}

/// Moves the instruction pointer behind the instruction.
pub(super) fn finish(exit: &mut Exit, request: &mut Request, form: &Form) {
    exit.rip = exit.rip.wrapping_add(form.length);
    request.flags |= flag::RIP;
    if exit.state & state::INTERRUPT_SHADOW != 0 {
        request.flags |= flag::CLEAR_INTERRUPT_SHADOW;
    }
}

/// How many times a string instruction is to run: RCX with a repeat prefix.
pub(super) fn iterations(exit: &Exit, repeat: Repeat) -> u64 {
    match repeat {
        Repeat::Once => 1,
        Repeat::ByRcx => exit.general[crate::vcpu::general::RCX],
    }
}

pub(super) fn fault_of(error: WalkError, address: u64) -> Fault {
    match error {
        WalkError::PageFault(code) => Fault::Page { address, code },
        WalkError::Unsupported => Fault::Unsupported,
    }
}

pub(super) fn bitness(exit: &Exit) -> u32 {
    if exit.state & state::CODE_64 != 0 {
        64
    } else if exit.state & state::CODE_32 != 0 {
        32
    } else {
        16
    }
}

/// Everything but string instructions.
fn simple(
    devices: &mut impl DeviceMemory,
    exit: &mut Exit,
    request: &mut Request,
    form: &Form,
    address: u64,
) {
    let size = form.size;
    match form.action {
        Action::Store(from) => devices.write(address, size, source(exit, from)),
        Action::Load { to, extend } => {
            let value = devices.read(address, size);
            let value = match extend {
                Extend::Zero => value,
                Extend::Sign => sign_extend(value, size),
            };
            set(exit, request, to, value);
        }
        Action::Modify { with, source: from } => {
            let old = devices.read(address, size);
            let outcome = combine(with, old, source(exit, from), size, exit.rflags);
            set_flags(exit, request, outcome.rflags);
            if outcome.stores {
                devices.write(address, size, outcome.value);
            }
        }
        Action::Combine { with, register } => {
            let value = devices.read(address, size);
            let outcome = combine(with, get(exit, register), value, size, exit.rflags);
            set_flags(exit, request, outcome.rflags);
            if outcome.stores {
                set(exit, request, register, outcome.value);
            }
        }
        Action::Exchange(register) => {
            let old = devices.read(address, size);
            devices.write(address, size, get(exit, register));
            set(exit, request, register, old);
        }
        Action::StoreString(_) | Action::MoveString(_) => {}
    }
}

fn set_flags(exit: &mut Exit, request: &mut Request, rflags: u64) {
    exit.rflags = rflags;
    request.flags |= flag::RFLAGS;
}
