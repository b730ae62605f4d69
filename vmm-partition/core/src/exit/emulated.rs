//! Instructions that are completed in a line: hypercalls, cache operations, XSETBV.

use sel4_sys::extension::register;

use super::{advance, inject_general_protection};
use crate::{
    number::low_u32,
    vcpu::{
        Exit, GeneralRegisters, Request, VirtualCpu,
        general::{RAX, RCX, RDX},
    },
};

/// KVM's answer to a hypercall that does not exist (-1000).
const NO_SUCH_HYPERCALL: u64 = (-1000i64).cast_unsigned();

/// No hypercall is offered.
pub(super) fn hypercall(exit: &mut Exit, request: &mut Request) {
    exit.general[RAX] = NO_SUCH_HYPERCALL;
    request.general_changed = GeneralRegisters::FirstChanged;
    advance(exit, request, 3);
}

/// The guest's memory is ordinary cached memory and devices are not: there is nothing to write back.
pub(super) fn cache(exit: &mut Exit, request: &mut Request) {
    advance(exit, request, 2);
}

/// XSETBV of XCR0; the kernel checks the value.
pub(super) fn xsetbv<V: VirtualCpu>(vcpu: &mut V, exit: &mut Exit, request: &mut Request) {
    let value = u64::from(low_u32(exit.general[RAX])) | (exit.general[RDX] << 32);
    let is_xcr0 = low_u32(exit.general[RCX]) == 0;
    if is_xcr0 && vcpu.write_registers(&[register::XCR0, value]).is_ok() {
        advance(exit, request, 3);
    } else {
        inject_general_protection(request);
    }
}
