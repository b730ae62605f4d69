//! STOS and MOVS, in 64-bit mode.
//!
//! One exit executes iterations up to the end of a page; the guest then executes the instruction
//! again with what is left, exactly as after an interrupt.

use super::{
    DeviceMemory,
    execute::{Fault, fault_of, finish, iterations},
    form::{Form, Repeat},
    walk::{Intent, translate},
};
use crate::{
    guest_memory::{GuestAddress, GuestMemory},
    number::mask_of_bytes,
    vcpu::{
        Exit, GeneralRegisters, Request,
        general::{RAX, RCX, RDI, RSI},
    },
};

/// RFLAGS.DF.
const DIRECTION: u64 = 1 << 10;

/// Reads RAM or a device.
fn read(devices: &mut impl DeviceMemory, address: GuestAddress, size: usize) -> u64 {
    let mut bytes = [0; 8];
    let from_ram = bytes
        .get_mut(..size)
        .map(|part| devices.ram().read(address, part));
    match from_ram {
        Some(Ok(())) => u64::from_le_bytes(bytes),
        _ => devices.read(address.0, size),
    }
}

/// Writes RAM or a device.
fn write(devices: &mut impl DeviceMemory, address: GuestAddress, size: usize, value: u64) {
    let bytes = value.to_le_bytes();
    let part = bytes.get(..size).unwrap_or(&bytes);
    if devices.ram().write(address, part).is_err() {
        devices.write(address.0, size, value & mask_of_bytes(size));
    }
}

/// STOS.
pub(super) fn store(
    devices: &mut impl DeviceMemory,
    exit: &mut Exit,
    request: &mut Request,
    form: &Form,
    repeat: Repeat,
) -> Result<(), Fault> {
    let count = turns(exit, form, repeat, &[RDI]);
    let value = exit.general[RAX];
    for _ in 0..count {
        let to = locate(devices.ram(), exit, RDI, Intent::Write)?;
        write(devices, to, form.size, value);
        advance(exit, request, form, repeat, &[RDI]);
    }
    end(exit, request, form, repeat);
    Ok(())
}

/// MOVS.
pub(super) fn copy(
    devices: &mut impl DeviceMemory,
    exit: &mut Exit,
    request: &mut Request,
    form: &Form,
    repeat: Repeat,
) -> Result<(), Fault> {
    let count = turns(exit, form, repeat, &[RSI, RDI]);
    for _ in 0..count {
        let from = locate(devices.ram(), exit, RSI, Intent::Read)?;
        let to = locate(devices.ram(), exit, RDI, Intent::Write)?;
        let value = read(devices, from, form.size);
        write(devices, to, form.size, value);
        advance(exit, request, form, repeat, &[RSI, RDI]);
    }
    end(exit, request, form, repeat);
    Ok(())
}

fn locate(
    memory: &impl GuestMemory,
    exit: &Exit,
    register: usize,
    intent: Intent,
) -> Result<GuestAddress, Fault> {
    let linear = exit.general[register];
    translate(memory, exit, linear, intent).map_err(|error| fault_of(error, linear))
}

/// Iterations of this exit: all, but none that starts behind the page of its first one.
fn turns(exit: &Exit, form: &Form, repeat: Repeat, registers: &[usize]) -> u64 {
    let wanted = iterations(exit, repeat);
    let size = form.size as u64;
    let room = |register: &usize| {
        let offset = exit.general[*register] & 0xfff;
        if exit.rflags & DIRECTION != 0 {
            offset / size + 1
        } else {
            (0x1000 - offset).div_ceil(size)
        }
    };
    registers
        .iter()
        .map(room)
        .fold(wanted, |least, room| least.min(room))
}

fn advance(
    exit: &mut Exit,
    request: &mut Request,
    form: &Form,
    repeat: Repeat,
    registers: &[usize],
) {
    let size = form.size as u64;
    for &register in registers {
        let value = exit.general[register];
        exit.general[register] = if exit.rflags & DIRECTION != 0 {
            value.wrapping_sub(size)
        } else {
            value.wrapping_add(size)
        };
    }
    if repeat == Repeat::ByRcx {
        exit.general[RCX] = exit.general[RCX].wrapping_sub(1);
    }
    request.general_changed = GeneralRegisters::Changed;
}

/// The instruction is over when it does not repeat or nothing is left.
fn end(exit: &mut Exit, request: &mut Request, form: &Form, repeat: Repeat) {
    if repeat == Repeat::Once || exit.general[RCX] == 0 {
        finish(exit, request, form);
    }
}
