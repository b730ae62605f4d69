//! CNode operations on one slot or two.

use sel4_sys::invocation as label;

use super::Invocation;
use crate::capability::{CNode, CapRights, Capability, NotCopied};
use crate::error::{Error, LookupFailure, Stop};
use crate::lookup::Role;
use crate::{Kernel, Machine, SlotRef};

impl From<NotCopied> for Error {
    fn from(reason: NotCopied) -> Self {
        match reason {
            NotCopied::HasChildren => Self::RevokeFirst,
            NotCopied::Never | NotCopied::NotMapped => Self::IllegalOperation,
        }
    }
}

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_cnode(&self, invocation: &Invocation, cnode: CNode) -> Result<(), Stop> {
        if !(label::CNODE_REVOKE..=label::CNODE_ROTATE).contains(&invocation.label) {
            return Err(Error::IllegalOperation.into());
        }
        invocation.require(2, 0)?;
        let slot = self.lookup_slot_in(
            Capability::CNode(cnode),
            self.argument(invocation, 0),
            self.argument(invocation, 1),
            Role::Destination,
        )?;
        match invocation.label {
            label::CNODE_COPY => Ok(self.cnode_copy(invocation, slot)?),
            label::CNODE_MINT => Ok(self.cnode_mint(invocation, slot)?),
            label::CNODE_MOVE => Ok(self.cnode_move(invocation, slot)?),
            label::CNODE_MUTATE => Ok(self.cnode_mutate(invocation, slot)?),
            label::CNODE_ROTATE => Ok(self.cnode_rotate(invocation, slot)?),
            label::CNODE_REVOKE => self.revoke(slot),
            label::CNODE_DELETE => self.delete(slot),
            _ => Ok(self.cnode_cancel_badged_sends(slot)?),
        }
    }

    /// The source of a copy or move: words 2 and 3 in extra capability 0.
    fn cnode_source(
        &self,
        invocation: &Invocation,
        destination: SlotRef,
    ) -> Result<(SlotRef, Capability), Error> {
        invocation.require(4, 1)?;
        self.ensure_empty(destination)?;
        let (_, root) = self.extra(invocation, 0)?;
        let depth = self.argument(invocation, 3);
        let slot = self.lookup_slot_in(root, self.argument(invocation, 2), depth, Role::Source)?;
        match self.slot(slot).capability() {
            Capability::Null => Err(Error::FailedLookup {
                source: true,
                failure: LookupFailure::MissingCapability { bits_left: depth },
            }),
            capability => Ok((slot, capability)),
        }
    }

    fn cnode_copy(&self, invocation: &Invocation, to: SlotRef) -> Result<(), Error> {
        let (from, capability) = self.cnode_source(invocation, to)?;
        invocation.require(5, 1)?;
        let rights = CapRights::from_word(self.argument(invocation, 4));
        let copy = self.copy_of(capability.masked(rights), from)?;
        self.insert_copy(&copy, from, to);
        Ok(())
    }

    fn cnode_mint(&self, invocation: &Invocation, to: SlotRef) -> Result<(), Error> {
        let (from, capability) = self.cnode_source(invocation, to)?;
        invocation.require(6, 1)?;
        let rights = CapRights::from_word(self.argument(invocation, 4));
        let data = self.argument(invocation, 5);
        let copy = self.copy_of(capability.masked(rights).minted(data), from)?;
        self.insert_copy(&copy, from, to);
        Ok(())
    }

    fn cnode_move(&self, invocation: &Invocation, to: SlotRef) -> Result<(), Error> {
        let (from, capability) = self.cnode_source(invocation, to)?;
        self.move_capability(&capability, from, to);
        Ok(())
    }

    fn cnode_mutate(&self, invocation: &Invocation, to: SlotRef) -> Result<(), Error> {
        let (from, capability) = self.cnode_source(invocation, to)?;
        invocation.require(5, 1)?;
        match capability.mutated(self.argument(invocation, 4)) {
            Capability::Null => Err(Error::IllegalOperation),
            mutated => {
                self.move_capability(&mutated, from, to);
                Ok(())
            }
        }
    }

    fn cnode_cancel_badged_sends(&self, slot: SlotRef) -> Result<(), Error> {
        match self.slot(slot).capability() {
            Capability::Endpoint(endpoint) if endpoint.rights == CapRights::ALL => {
                if endpoint.badge != 0 {
                    self.cancel_badged_sends(endpoint.object, endpoint.badge);
                }
                Ok(())
            }
            _ => Err(Error::IllegalOperation),
        }
    }

    /// What a copy of the capability in a slot, already changed to `capability`, is.
    pub(crate) fn copy_of(
        &self,
        capability: Capability,
        slot: SlotRef,
    ) -> Result<Capability, Error> {
        let has_children = || self.first_child(slot).is_some();
        Ok(capability.copied(has_children)?)
    }
}
