//! CPUID: a look-up in the table of the policy.

use sel4_sys::extension::register;

use super::advance;
use crate::{
    host::Host,
    machine::Machine,
    number::low_u32,
    vcpu::{
        Exit, GeneralRegisters, Request, VirtualCpu,
        general::{RAX, RBX, RCX, RDX},
    },
};

pub(super) fn handle<H: Host, V: VirtualCpu>(
    machine: &mut Machine<H>,
    vcpu: &mut V,
    exit: &mut Exit,
    request: &mut Request,
) {
    let (leaf, sub_leaf) = (low_u32(exit.general[RAX]), low_u32(exit.general[RCX]));
    let mut answer = machine.cpuid.look_up(leaf, sub_leaf);
    if leaf == 1 || leaf == 0xd {
        let xcr0 = || vcpu.read_register(register::XCR0).unwrap_or(0);
        machine
            .cpuid
            .adapt(leaf, sub_leaf, &mut answer, exit.cr4, xcr0);
    }
    exit.general[RAX] = u64::from(answer.eax);
    exit.general[RBX] = u64::from(answer.ebx);
    exit.general[RCX] = u64::from(answer.ecx);
    exit.general[RDX] = u64::from(answer.edx);
    request.general_changed = GeneralRegisters::FirstChanged;
    advance(exit, request, 2);
}
