//! The run loop: enter the guest, see why it left, handle that.

use sel4_sys::extension::run_request::flag;

use super::Machine;
use crate::{
    ending::{Ending, Stop},
    exit,
    host::Host,
    vcpu::{Exit, Request, VirtualCpu},
};

impl<H: Host> Machine<H> {
    /// Runs the guest until it ends.
    pub fn run<V: VirtualCpu>(&mut self, vcpu: &mut V) -> Ending {
        let mut exit = Exit::default();
        // An event may still wait for whom this CPU ran before.
        let mut request = Request {
            flags: flag::EVENT | flag::CLEAR_INTERRUPT_SHADOW,
            ..Request::default()
        };
        loop {
            if let Some(ending) = self.step(vcpu, &mut exit, &mut request) {
                self.exchange_serial();
                return ending;
            }
        }
    }

    /// One entry and one exit.
    fn step<V: VirtualCpu>(
        &mut self,
        vcpu: &mut V,
        exit: &mut Exit,
        request: &mut Request,
    ) -> Option<Ending> {
        self.prepare_events(exit, request);
        if let Err(refused) = vcpu.run(request, exit) {
            return Some(Ending::Stopped(Stop::KernelRefused { error: refused.0 }));
        }
        *request = Request::default();
        self.account_for_events(exit, request);
        exit::handle(self, vcpu, exit, request)
    }
}
