//! The derivation list: which capability was made from which.
//!
//! All capabilities of a family stand in one doubly linked list in pre-order, a parent before its
//! children. The tree is not stored: who is whose child follows from the capabilities themselves and
//! two flags, so that copying costs a list insertion and no memory.

use crate::capability::{CNode, Capability, badge_of, covers, same_object};
use crate::error::Error;
use crate::{Kernel, Machine, SlotRef};

impl<M: Machine> Kernel<M> {
    /// Puts a copy of `source`'s capability, possibly with less in it, into the empty slot `to`.
    pub(crate) fn insert_copy(&self, capability: &Capability, source: SlotRef, to: SlotRef) {
        let original = self.slot(source).capability();
        let revocable = original.copy_is_revocable(capability);
        if let (Capability::Untyped(mut parent), Capability::Untyped(child)) =
            (original, capability)
            && parent.start == child.start
            && parent.size_bits == child.size_bits
        {
            // From now on the memory is the child's to give away.
            parent.used = parent.size();
            self.slot(source)
                .set_capability(&Capability::Untyped(parent));
        }
        self.link_after(source, to);
        self.slot(to).set_capability(capability);
        self.slot(to).set_original(revocable);
    }

    /// Puts the first capability to a new object into the empty slot `to`, as a child of `parent`.
    pub(crate) fn insert_original(&self, capability: &Capability, parent: SlotRef, to: SlotRef) {
        self.link_after(parent, to);
        self.slot(to).set_capability(capability);
        self.slot(to).set_original(true);
    }

    fn link_after(&self, before: SlotRef, slot: SlotRef) {
        let next = self.slot(before).next();
        self.slot(slot).clear();
        self.slot(slot).set_previous(Some(before));
        self.slot(slot).set_next(next);
        self.slot(before).set_next(Some(slot));
        if let Some(next) = next {
            self.slot(next).set_previous(Some(slot));
        }
    }

    /// Moves what `from` holds to the empty slot `to`, changed to `capability`.
    pub(crate) fn move_capability(&self, capability: &Capability, from: SlotRef, to: SlotRef) {
        self.slot(to).assign(self.slot(from));
        self.slot(from).clear();
        self.slot(to).set_capability(capability);
        self.relink_neighbours(to);
    }

    /// Exchanges two slots' capabilities, changed to `first_new` (from `first`) and `second_new`.
    pub(crate) fn swap_capabilities(
        &self,
        (first, first_new): (SlotRef, &Capability),
        (second, second_new): (SlotRef, &Capability),
    ) {
        let (a, b) = (self.slot(first), self.slot(second));
        let (a_next, b_next) = (a.next(), b.next());
        let held = crate::object::Slot::default();
        held.assign(a);
        a.assign(b);
        b.assign(&held);
        a.set_capability(second_new);
        b.set_capability(first_new);
        // Neighbours in the list would now point at themselves.
        if a_next == Some(second) {
            b.set_next(Some(first));
            a.set_previous(Some(second));
        } else if b_next == Some(first) {
            a.set_next(Some(second));
            b.set_previous(Some(first));
        }
        self.relink_neighbours(first);
        self.relink_neighbours(second);
    }

    fn relink_neighbours(&self, slot: SlotRef) {
        if let Some(previous) = self.slot(slot).previous() {
            self.slot(previous).set_next(Some(slot));
        }
        if let Some(next) = self.slot(slot).next() {
            self.slot(next).set_previous(Some(slot));
        }
    }

    /// Takes the slot out of the list and empties it.
    pub(crate) fn unlink(&self, slot: SlotRef) {
        let (previous, next) = (self.slot(slot).previous(), self.slot(slot).next());
        if let Some(previous) = previous {
            self.slot(previous).set_next(next);
        }
        if let Some(next) = next {
            self.slot(next).set_previous(previous);
            // Copies of a badged capability do not become those of another with the same badge.
            if self.slot(slot).is_first_badged() {
                self.slot(next).set_first_badged();
            }
        }
        self.slot(slot).clear();
    }

    /// The slot after this one, if its capability was made from this one's.
    pub(crate) fn first_child(&self, parent: SlotRef) -> Option<SlotRef> {
        let next = self.slot(parent).next()?;
        self.is_parent(parent, next).then_some(next)
    }

    pub(crate) fn is_parent(&self, parent: SlotRef, child: SlotRef) -> bool {
        let (parent, child) = (self.slot(parent), self.slot(child));
        if !parent.is_revocable() {
            return false;
        }
        let (above, below) = (parent.words(), child.words());
        // Copies of a badged capability are its children, other badges are not.
        let is_badged = badge_of(above).is_some_and(|badge| badge != 0);
        covers(above, below, self.machine())
            && (!is_badged || above[1] == below[1] && !child.is_first_badged())
    }

    /// Whether no other capability names the slot's object.
    pub(crate) fn is_final(&self, slot: SlotRef) -> bool {
        let slot = self.slot(slot);
        let same = |neighbour: Option<SlotRef>| {
            neighbour.is_some_and(|other| same_object(slot.words(), self.slot(other).words()))
        };
        !same(slot.previous()) && !same(slot.next())
    }

    /// Refuses a capability that has children.
    pub(crate) fn ensure_no_children(&self, slot: SlotRef) -> Result<(), Error> {
        match self.first_child(slot) {
            Some(_) => Err(Error::RevokeFirst),
            None => Ok(()),
        }
    }

    /// Refuses a slot that is in use.
    pub(crate) fn ensure_empty(&self, slot: SlotRef) -> Result<(), Error> {
        if self.slot(slot).is_empty() {
            Ok(())
        } else {
            Err(Error::DeleteFirst)
        }
    }

    /// The first `count` slots of a CNode from `offset` on; all of them must be empty.
    pub(crate) fn ensure_window_empty(
        &self,
        cnode: &CNode,
        offset: u64,
        count: u64,
    ) -> Result<(), Error> {
        (offset..offset + count).try_for_each(|index| self.ensure_empty(cnode.slot(index)))
    }
}
