//! Domains. The kernel is built with one domain: its schedule never changes anything, but the operations
//! check their arguments as they would with more.

use sel4_sys::invocation as label;

use super::Invocation;
use super::arguments::ensure_between;
use crate::capability::Capability;
use crate::error::Error;
use crate::{Kernel, Machine};

const DOMAINS: u64 = 1;
/// Entries of the domain schedule; all but the first are end marks for ever.
const SCHEDULE_ENTRIES: u64 = 1;

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_domain(&self, invocation: &Invocation) -> Result<(), Error> {
        match invocation.label {
            label::DOMAIN_SET_SET => self.domain_set(invocation),
            label::DOMAIN_SCHEDULE_CONFIGURE => self.domain_schedule_configure(invocation),
            label::DOMAIN_SCHEDULE_SET_START => {
                invocation.require(1, 0)?;
                ensure_between(self.argument(invocation, 0), 0, SCHEDULE_ENTRIES - 1)
            }
            _ => Err(Error::IllegalOperation),
        }
    }

    fn domain_set(&self, invocation: &Invocation) -> Result<(), Error> {
        invocation.require(1, 0)?;
        if self.argument(invocation, 0) >= DOMAINS {
            return Err(Error::InvalidArgument(0));
        }
        match self.extra(invocation, 0)? {
            (_, Capability::Thread(_)) => Ok(()),
            _ => Err(Error::InvalidArgument(1)),
        }
    }

    fn domain_schedule_configure(&self, invocation: &Invocation) -> Result<(), Error> {
        invocation.require(3, 0)?;
        ensure_between(self.argument(invocation, 0), 0, SCHEDULE_ENTRIES - 1)?;
        ensure_between(self.argument(invocation, 1), 0, DOMAINS - 1)?;
        let duration = self.argument(invocation, 2);
        if duration == 0 || duration >> 56 != 0 {
            return Err(Error::InvalidArgument(2));
        }
        Ok(())
    }
}
