//! Domains: which thread belongs to which, and when each has its turn.

use sel4_sys::invocation as label;

use super::Invocation;
use super::arguments::at_most;
use crate::capability::Capability;
use crate::core_state::DOMAINS;
use crate::error::Error;
use crate::schedule::{DURATION_MAX, ENTRIES};
use crate::{Kernel, Machine};

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_domain(&self, invocation: &Invocation) -> Result<(), Error> {
        match invocation.label {
            label::DOMAIN_SET_SET => self.domain_set(invocation),
            label::DOMAIN_SCHEDULE_CONFIGURE => self.domain_schedule_configure(invocation),
            label::DOMAIN_SCHEDULE_SET_START => self.domain_schedule_set_start(invocation),
            _ => Err(Error::IllegalOperation),
        }
    }

    fn domain_set(&self, invocation: &Invocation) -> Result<(), Error> {
        invocation.require(1, 0)?;
        let domain = self.argument(invocation, 0);
        let domain = at_most(domain, DOMAINS - 1).map_err(|_| Error::InvalidArgument(0))?;
        match self.extra(invocation, 0)? {
            (_, Capability::Thread(thread)) => {
                self.set_domain(thread, domain);
                Ok(())
            }
            _ => Err(Error::InvalidArgument(1)),
        }
    }

    fn domain_schedule_configure(&self, invocation: &Invocation) -> Result<(), Error> {
        invocation.require(3, 0)?;
        let [index, domain, duration] = [0, 1, 2].map(|word| self.argument(invocation, word));
        let domains = &self.core.domains;
        let index = at_most(index, ENTRIES - 2)?;
        let domain = at_most(domain, DOMAINS - 1)?;
        if duration > DURATION_MAX {
            return Err(Error::InvalidArgument(2));
        }
        if duration == 0 && domain != 0 {
            return Err(Error::InvalidArgument(1));
        }
        if duration == 0 && index == domains.start.get() {
            return Err(Error::InvalidArgument(2));
        }
        domains.entry(index).set((domain, duration));
        Ok(())
    }

    fn domain_schedule_set_start(&self, invocation: &Invocation) -> Result<(), Error> {
        invocation.require(1, 0)?;
        let index = at_most(self.argument(invocation, 0), ENTRIES - 1)?;
        if self.core.domains.entry(index).get().1 == 0 {
            return Err(Error::InvalidArgument(0));
        }
        self.start_domain_schedule(index);
        Ok(())
    }
}
