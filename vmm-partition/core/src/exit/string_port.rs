//! INS and OUTS: several accesses between a port and memory.
//!
//! One exit moves at most [`ACCESSES_MAX`] units; the guest then executes the instruction again.

use sel4_sys::extension::event;

use super::{advance, inject, vector};
use crate::{
    ending::Ending,
    guest_memory::{GuestAddress, GuestMemory},
    host::Host,
    instruction::{Intent, WalkError, translate},
    machine::{Machine, PortAccess},
    vcpu::{
        Exit, GeneralRegisters, Request,
        general::{RCX, RDI, RSI},
    },
};

const INPUT: u64 = 1 << 16;
const REPEAT: u64 = 1 << 18;
const DIRECTION: u64 = 1 << 10;
/// Most units that one exit moves.
const ACCESSES_MAX: u64 = 64;

pub(super) fn handle<H: Host>(
    machine: &mut Machine<H>,
    exit: &mut Exit,
    request: &mut Request,
    access: PortAccess,
) -> Option<Ending> {
    let repeats = exit.detail & REPEAT != 0;
    let wanted = if repeats { exit.general[RCX] } else { 1 };
    for _ in 0..wanted.min(ACCESSES_MAX) {
        let moved = if exit.detail & INPUT != 0 {
            input(machine, exit, access)
        } else {
            output(machine, exit, access)
        };
        match moved {
            Ok(None) => {}
            Ok(ending) => return ending,
            Err(_) => {
                // The address does not lead to memory: no device is reached this way.
                inject(request, event::exception(vector::UNDEFINED));
                request.general_changed = GeneralRegisters::Changed;
                return None;
            }
        }
        if repeats {
            exit.general[RCX] = exit.general[RCX].wrapping_sub(1);
        }
    }
    request.general_changed = GeneralRegisters::Changed;
    if !repeats || exit.general[RCX] == 0 {
        advance(exit, request, 1);
    }
    None
}

fn input<H: Host>(
    machine: &mut Machine<H>,
    exit: &mut Exit,
    access: PortAccess,
) -> Result<Option<Ending>, WalkError> {
    let to = locate(machine, exit, RDI, Intent::Write)?;
    let bytes = machine.port_read(access).to_le_bytes();
    let part = bytes.get(..access.size).unwrap_or(&bytes);
    machine
        .host
        .memory()
        .write(to, part)
        .map_err(|_| WalkError::Unsupported)?;
    step(exit, RDI, access.size);
    Ok(None)
}

fn output<H: Host>(
    machine: &mut Machine<H>,
    exit: &mut Exit,
    access: PortAccess,
) -> Result<Option<Ending>, WalkError> {
    let from = locate(machine, exit, RSI, Intent::Read)?;
    let mut bytes = [0; 4];
    let part = bytes.get_mut(..access.size).ok_or(WalkError::Unsupported)?;
    machine
        .host
        .memory()
        .read(from, part)
        .map_err(|_| WalkError::Unsupported)?;
    step(exit, RSI, access.size);
    Ok(machine.port_write(access, u32::from_le_bytes(bytes)))
}

fn locate<H: Host>(
    machine: &Machine<H>,
    exit: &Exit,
    register: usize,
    intent: Intent,
) -> Result<GuestAddress, WalkError> {
    translate(machine.host.memory(), exit, exit.general[register], intent)
}

fn step(exit: &mut Exit, register: usize, size: usize) {
    let size = size as u64;
    let value = exit.general[register];
    exit.general[register] = if exit.rflags & DIRECTION != 0 {
        value.wrapping_sub(size)
    } else {
        value.wrapping_add(size)
    };
}
