//! What the monitor does at each kind of exit: one file each.

mod cpuid;
mod debug_register;
mod emulated;
mod exception;
mod halt;
mod io_port;
mod memory;
mod msr_read;
mod msr_write;
mod other;
mod string_port;
#[cfg(test)]
mod tests;

use sel4_sys::extension::{event, exit_message::state, reason, run_request::flag};

use crate::{
    ending::{Ending, Stop},
    host::Host,
    machine::Machine,
    vcpu::{Exit, Request, VirtualCpu},
};

/// Handles one exit; answers how the guest ended, if it did.
pub(crate) fn handle<H: Host, V: VirtualCpu>(
    machine: &mut Machine<H>,
    vcpu: &mut V,
    exit: &mut Exit,
    request: &mut Request,
) -> Option<Ending> {
    match exit.reason {
        reason::IO_PORT => return io_port::handle(machine, exit, request),
        reason::MSR_WRITE => msr_write::handle(machine, vcpu, exit, request),
        reason::MSR_READ => msr_read::handle(machine, vcpu, exit, request),
        reason::MEMORY => return memory::handle(machine, vcpu, exit, request),
        reason::NOTIFICATION => machine.poll(),
        reason::HALT => return halt::handle(machine, exit, request),
        reason::CPUID => cpuid::handle(machine, vcpu, exit, request),
        reason::INTERRUPT_WINDOW => {}
        reason::HYPERCALL => emulated::hypercall(exit, request),
        reason::CACHE => emulated::cache(exit, request),
        reason::XSETBV => emulated::xsetbv(vcpu, exit, request),
        reason::DEBUG_REGISTER => debug_register::handle(machine, vcpu, exit, request),
        reason::EXCEPTION => exception::handle(exit, request),
        reason::FORBIDDEN_INSTRUCTION => inject(request, event::exception(vector::UNDEFINED)),
        reason::SHUTDOWN => return Some(Ending::TripleFault { rip: exit.rip }),
        _ => return Some(other::ending(exit)),
    }
    None
}

/// Exception vectors.
pub(crate) mod vector {
    /// Undefined instruction.
    pub(crate) const UNDEFINED: u8 = 6;
    /// General protection.
    pub(crate) const GENERAL_PROTECTION: u8 = 13;
    /// Page fault.
    pub(crate) const PAGE_FAULT: u8 = 14;
}

/// Moves behind an instruction of `length` bytes, unless the CPU said how long it is.
fn advance(exit: &mut Exit, request: &mut Request, length: u64) {
    exit.rip = match exit.next_rip {
        0 => exit.rip.wrapping_add(length),
        next => next,
    };
    request.flags |= flag::RIP;
    if exit.state & state::INTERRUPT_SHADOW != 0 {
        request.flags |= flag::CLEAR_INTERRUPT_SHADOW;
    }
}

/// Has the guest take an exception at its present instruction.
fn inject(request: &mut Request, event: u64) {
    request.event = event;
    request.flags |= flag::EVENT;
}

/// #GP(0).
fn inject_general_protection(request: &mut Request) {
    inject(
        request,
        event::exception_with_code(vector::GENERAL_PROTECTION, 0),
    );
}

/// #PF at an address.
fn inject_page_fault<V: VirtualCpu>(
    vcpu: &mut V,
    request: &mut Request,
    address: u64,
    code: u32,
) -> Option<Ending> {
    inject(
        request,
        event::exception_with_code(vector::PAGE_FAULT, code),
    );
    vcpu.write_registers(&[sel4_sys::extension::register::CR2, address])
        .err()
        .map(|refused| Ending::Stopped(Stop::KernelRefused { error: refused.0 }))
}
