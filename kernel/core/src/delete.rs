//! Deletion and revocation of capabilities.
//!
//! When the last capability to a CNode or thread goes, the capabilities inside must go too, which may
//! destroy further containers, to any depth. The kernel has no stack for that: the destroyed container
//! becomes the one *dying* container, and a container found inside it takes its place, while the outer
//! one's progress is parked in the slot where the inner one's capability was. An endpoint or notification
//! may have any number of threads waiting, which are told one by one before anything else is deleted. Any
//! operation on kernel objects first finishes what is dying, so nothing can be made of that memory before
//! its time.

use crate::address::{TCB_SLOT_COUNT, TcbSlot};
use crate::capability::Capability;
use crate::error::Stop;
use crate::ipc::Meeting;
use crate::{Kernel, Machine, SlotRef, TcbRef};

/// A destroyed CNode or thread whose capabilities are being deleted, the last one first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Dying {
    base: SlotRef,
    /// Slots not deleted yet.
    remaining: u64,
    /// Where the progress of the container around this one is parked.
    outer: Option<SlotRef>,
}

/// Steps of a long operation between two looks for interrupts.
const STEPS_PER_LOOK: u32 = 8;

impl<M: Machine> Kernel<M> {
    /// Deletes the capability in a slot, and with a last capability its object.
    pub(crate) fn delete(&self, slot: SlotRef) -> Result<(), Stop> {
        if let Some(dying) = self.delete_one(slot) {
            self.dying.set(Some(dying));
        }
        self.finish_deletions()
    }

    /// Deletes all capabilities that were made from the one in a slot.
    pub(crate) fn revoke(&self, slot: SlotRef) -> Result<(), Stop> {
        while let Some(child) = self.first_child(slot) {
            self.delete(child)?;
            self.preemption_point()?;
        }
        Ok(())
    }

    pub(crate) fn is_deleting(&self) -> bool {
        self.dying.get().is_some() || self.deserted.get().is_some()
    }

    /// Wakes who waits at a destroyed object, and deletes what is inside destroyed containers.
    pub(crate) fn finish_deletions(&self) -> Result<(), Stop> {
        loop {
            if let Some(deserted) = self.deserted.get() {
                let waits = self.cancel_first_wait(deserted);
                self.deserted.set(waits.then_some(deserted));
            } else if let Some(dying) = self.dying.get() {
                self.dying.set(self.step(dying));
            } else {
                return Ok(());
            }
            self.preemption_point()?;
        }
    }

    fn step(&self, dying: Dying) -> Option<Dying> {
        let Some(last) = dying.remaining.checked_sub(1) else {
            return dying.outer.and_then(|parked| self.unpark(parked));
        };
        let slot = dying.base.offset(last);
        match self.delete_one(slot) {
            Some(inner) => {
                let progress = [dying.base.address(), last];
                self.slot(slot).park(progress, dying.outer);
                Some(Dying {
                    outer: Some(slot),
                    ..inner
                })
            }
            None => Some(Dying {
                remaining: last,
                ..dying
            }),
        }
    }

    fn unpark(&self, parked: SlotRef) -> Option<Dying> {
        let ([base, remaining], outer) = self.slot(parked).parked();
        self.slot(parked).clear();
        Some(Dying {
            base: SlotRef::new(base)?,
            remaining,
            outer,
        })
    }

    /// Deletes one capability; answers the container that is destroyed with it.
    fn delete_one(&self, slot: SlotRef) -> Option<Dying> {
        let capability = self.slot(slot).capability();
        let is_final = self.is_final(slot);
        let container = if is_final {
            self.destroy_object(&capability)
        } else {
            None
        };
        if let Capability::Frame(frame) = capability {
            self.unmap_frame(&frame);
        }
        self.unlink(slot);
        // It may have been a thread's.
        if matches!(capability, Capability::Table(_) | Capability::CNode(_)) {
            self.forget_routes();
        }
        container
    }

    /// The last capability to an object goes: nothing may refer to the object any more.
    fn destroy_object(&self, capability: &Capability) -> Option<Dying> {
        match capability {
            Capability::CNode(cnode) => {
                return Some(Dying {
                    base: cnode.base,
                    remaining: cnode.slots(),
                    outer: None,
                });
            }
            Capability::Thread(thread) => {
                self.destroy_thread(*thread);
                return Some(Dying {
                    base: thread.slot(TcbSlot::CSpace),
                    remaining: TCB_SLOT_COUNT,
                    outer: None,
                });
            }
            Capability::Endpoint(endpoint) => {
                self.deserted.set(Some(Meeting::Endpoint(endpoint.object)));
            }
            Capability::Notification(notification) => {
                self.destroy_notification(notification.object);
            }
            Capability::Reply(reply) => self.destroy_reply(reply.object),
            Capability::SchedContext(context) => self.destroy_context(context.object),
            Capability::Table(table) => self.unmap_table(table),
            Capability::AsidPool(pool) => self.destroy_asid_pool(pool),
            Capability::IrqHandler(irq) => self.destroy_irq_handler(*irq),
            Capability::IoPorts(ports) => self.free_ports(*ports),
            Capability::Vcpu(vcpu) => self.destroy_vcpu(*vcpu),
            Capability::Null
            | Capability::Untyped(_)
            | Capability::Frame(_)
            | Capability::SchedControl
            | Capability::IrqControl
            | Capability::IoPortControl
            | Capability::Domain
            | Capability::AsidControl => (),
        }
        None
    }

    fn destroy_thread(&self, thread: TcbRef) {
        if M::HAS_DEBUG_CALLS {
            self.unlist_thread(thread);
        }
        self.unbind_notification(thread);
        if let Some(context) = self.tcb(thread).sched_context.get() {
            if let Some(yielder) = self.sched_context(context).yield_from.get() {
                self.complete_yield_to(yielder);
            }
            self.unbind_thread(context);
        }
        self.suspend(thread);
        self.machine().release_thread(thread);
    }

    /// Ends a long operation for now if an interrupt waits.
    pub(crate) fn preemption_point(&self) -> Result<(), Stop> {
        let steps = self.steps.get() + 1;
        if steps < STEPS_PER_LOOK {
            self.steps.set(steps);
            return Ok(());
        }
        self.steps.set(0);
        if self.machine().interrupt_pending() {
            Err(Stop::Preempted)
        } else {
            Ok(())
        }
    }
}
