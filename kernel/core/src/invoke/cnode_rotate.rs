//! CNode Rotate: two capabilities move between three slots.

use super::Invocation;
use crate::capability::Capability;
use crate::error::{Error, LookupFailure};
use crate::lookup::Role;
use crate::{Kernel, Machine, SlotRef};

impl<M: Machine> Kernel<M> {
    /// Source to pivot, pivot to destination; source and destination may be the same slot.
    pub(super) fn cnode_rotate(
        &self,
        invocation: &Invocation,
        destination: SlotRef,
    ) -> Result<(), Error> {
        invocation.require(8, 2)?;
        let word = |index| self.argument(invocation, index);
        let (destination_data, pivot_index, pivot_depth) = (word(2), word(3), word(4));
        let (pivot_data, source_index, source_depth) = (word(5), word(6), word(7));
        let (_, pivot_root) = self.extra(invocation, 0)?;
        let (_, source_root) = self.extra(invocation, 1)?;
        let source = self.lookup_slot_in(source_root, source_index, source_depth, Role::Source)?;
        let pivot = self.lookup_slot_in(pivot_root, pivot_index, pivot_depth, Role::Destination)?;
        if pivot == source || pivot == destination {
            return Err(Error::IllegalOperation);
        }
        if source != destination {
            self.ensure_empty(destination)?;
        }
        let from_source = self.rotated(source, pivot_data, source_depth, Role::Source)?;
        let from_pivot = self.rotated(pivot, destination_data, pivot_depth, Role::Destination)?;
        let (Some(from_source), Some(from_pivot)) = (from_source, from_pivot) else {
            return Err(Error::IllegalOperation);
        };
        if source == destination {
            self.swap_capabilities((source, &from_source), (pivot, &from_pivot));
        } else {
            self.move_capability(&from_pivot, pivot, destination);
            self.move_capability(&from_source, source, pivot);
        }
        Ok(())
    }

    /// What a slot's capability becomes; `None` where the data is not allowed.
    fn rotated(
        &self,
        slot: SlotRef,
        data: u64,
        depth: u64,
        role: Role,
    ) -> Result<Option<Capability>, Error> {
        match self.slot(slot).capability() {
            Capability::Null => Err(Error::FailedLookup {
                source: role == Role::Source,
                failure: LookupFailure::MissingCapability { bits_left: depth },
            }),
            capability => Ok(Some(capability.mutated(data)).filter(|new| *new != Capability::Null)),
        }
    }
}
