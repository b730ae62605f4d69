//! IRQ handlers: which notification an interrupt line signals.

use sel4_sys::invocation as label;

use super::Invocation;
use crate::capability::Capability;
use crate::error::{Error, Stop};
use crate::{Kernel, Machine};

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_irq_handler(&self, invocation: &Invocation, irq: u8) -> Result<(), Stop> {
        let slot = self.machine().irq_slot(irq);
        match invocation.label {
            label::IRQ_ACK => self.machine().unmask_irq(irq),
            label::IRQ_SET_HANDLER => {
                let (source, capability) = self.extra(invocation, 0)?;
                match capability {
                    Capability::Notification(notification) if notification.rights.can_write() => {}
                    _ => return Err(Error::InvalidCapability(0).into()),
                }
                self.forget_irq_notification(irq);
                self.finish_deletions()?;
                self.insert_copy(&capability, source, slot);
            }
            label::IRQ_CLEAR_HANDLER => {
                self.forget_irq_notification(irq);
                self.finish_deletions()?;
            }
            _ => return Err(Error::IllegalOperation.into()),
        }
        Ok(())
    }
}
