//! HLT: wait until the guest has an interrupt to take.

use super::advance;
use crate::{
    ending::Ending,
    host::Host,
    machine::Machine,
    vcpu::{Exit, RFLAGS_INTERRUPT, Request},
};

pub(super) fn handle<H: Host>(
    machine: &mut Machine<H>,
    exit: &mut Exit,
    request: &mut Request,
) -> Option<Ending> {
    advance(exit, request, 1);
    machine.poll();
    while !machine.fabric.has_work(exit.cr8) {
        if exit.rflags & RFLAGS_INTERRUPT == 0 {
            return Some(Ending::Halted);
        }
        machine.host.wait();
        machine.poll();
    }
    None
}
