//! MOV to a debug register. The CPU names the debug register; which general register it takes stands in
//! the instruction. The kernel checks the value.

use sel4_sys::extension::register;

use super::{advance, inject, inject_general_protection, vector};
use crate::{
    host::Host,
    instruction::debug_register_source,
    machine::Machine,
    vcpu::{Exit, Request, VirtualCpu},
};

/// Detail: the first write; reads are below.
const FIRST_WRITE: u64 = 16;

pub(super) fn handle<H: Host, V: VirtualCpu>(
    machine: &mut Machine<H>,
    vcpu: &mut V,
    exit: &mut Exit,
    request: &mut Request,
) {
    let name = exit.detail.checked_sub(FIRST_WRITE).and_then(kernel_name);
    let source = debug_register_source(machine.host.memory(), exit);
    let (Some(name), Some((general, length))) = (name, source) else {
        inject(
            request,
            sel4_sys::extension::event::exception(vector::UNDEFINED),
        );
        return;
    };
    let value = exit.general.get(general).copied().unwrap_or(0);
    if vcpu.write_registers(&[name, value]).is_ok() {
        advance(exit, request, length);
    } else {
        inject_general_protection(request);
    }
}

/// DR4 and DR5 are other names of DR6 and DR7 (AMD64 Architecture Programmer's Manual volume 2, 13.1.1).
fn kernel_name(number: u64) -> Option<u64> {
    match number {
        0..=3 => Some(register::DR0 + number),
        4 | 6 => Some(register::DR6),
        5 | 7 => Some(register::DR7),
        _ => None,
    }
}
