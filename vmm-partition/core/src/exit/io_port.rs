//! IN and OUT: one access of one to four bytes.

use super::{advance, string_port};
use crate::{
    ending::{Ending, Stop},
    host::Host,
    machine::{Machine, PortAccess},
    number::{low_u16, low_u32, mask_of_bytes},
    vcpu::{Exit, GeneralRegisters, Request, general::RAX},
};

/// Detail: input.
const INPUT: u64 = 1 << 16;
/// Detail: INS or OUTS.
const STRING: u64 = 1 << 17;

pub(super) fn handle<H: Host>(
    machine: &mut Machine<H>,
    exit: &mut Exit,
    request: &mut Request,
) -> Option<Ending> {
    if exit.next_rip == 0 {
        return Some(Ending::Stopped(Stop::UnknownExit {
            reason: exit.reason,
            detail: exit.detail,
            rip: exit.rip,
        }));
    }
    let port = low_u16(exit.detail);
    let Ok(size @ (1 | 2 | 4)) = usize::try_from((exit.detail >> 19) & 7) else {
        return None;
    };
    let access = PortAccess { port, size };
    if exit.detail & STRING != 0 {
        return string_port::handle(machine, exit, request, access);
    }
    let ending = if exit.detail & INPUT != 0 {
        let value = u64::from(machine.port_read(access));
        put_input(exit, size, value);
        request.general_changed = GeneralRegisters::FirstChanged;
        None
    } else {
        let value = low_u32(exit.general[RAX] & mask_of_bytes(size));
        machine.port_write(access, value)
    };
    advance(exit, request, 1);
    ending
}

/// Puts `size` bytes into RAX as IN does: four clear the upper half, fewer leave the rest.
fn put_input(exit: &mut Exit, size: usize, value: u64) {
    let mask = mask_of_bytes(size);
    let kept = if size == 4 {
        0
    } else {
        exit.general[RAX] & !mask
    };
    exit.general[RAX] = kept | (value & mask);
}
