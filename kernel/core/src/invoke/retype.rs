//! Untyped Retype: memory becomes objects.
//!
//! New objects find their memory zeroed. It is zeroed some way ahead of its use, in steps, so that most
//! Retypes find it done; how far is noted in the untyped capability itself, where an interrupted Retype goes
//! on when it is made again. When everything made of the memory is gone, all of it counts as unknown again.

use sel4_sys::invocation as label;
use sel4_sys::object::{
    ObjectType, RETYPE_FAN_OUT_MAX, SCHED_CONTEXT_BITS_MIN, UNTYPED_BITS_MAX, UNTYPED_BITS_MIN,
};

use super::Invocation;
use super::arguments::ensure_between;
use crate::capability::{CNode, Capability, Untyped, cnode_of};
use crate::error::{Error, LookupFailure, Stop};
use crate::lookup::Role;
use crate::{Kernel, Machine, PhysicalAddress, SlotRef};

/// What a Retype makes.
struct Request {
    object: ObjectType,
    /// As the user gave it: for types of more than one size.
    user_bits: u64,
    /// Logarithm of one object's bytes.
    bits: u32,
    cnode: CNode,
    offset: u64,
    count: u64,
    /// Where the first object begins, in bytes from the untyped memory's start.
    first: u64,
}

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_untyped(
        &self,
        invocation: &Invocation,
        untyped: Untyped,
    ) -> Result<(), Stop> {
        if invocation.label != label::UNTYPED_RETYPE {
            return Err(Error::IllegalOperation.into());
        }
        self.retype(invocation, untyped)
    }

    pub(crate) fn retype(&self, invocation: &Invocation, untyped: Untyped) -> Result<(), Stop> {
        let mut parent = self.without_children(invocation.slot, untyped);
        let request = self.decode_retype(invocation, &parent)?;
        let end = request.first + (request.count << request.bits);
        if !untyped.device && request.object != ObjectType::Untyped {
            self.zero_ahead(invocation.slot, &mut parent, end)?;
        }
        parent.used = end;
        self.slot(invocation.slot)
            .set_capability(&Capability::Untyped(parent));
        for index in 0..request.count {
            let start = PhysicalAddress(untyped.start.0 + request.first + (index << request.bits));
            let capability =
                self.new_object(request.object, request.user_bits, start, untyped.device);
            let to = request.cnode.slot(request.offset + index);
            self.insert_original(&capability, invocation.slot, to);
        }
        Ok(())
    }

    fn decode_retype(&self, invocation: &Invocation, untyped: &Untyped) -> Result<Request, Error> {
        invocation.require(6, 1)?;
        let word = |index| self.argument(invocation, index);
        let (kind, user_bits, index) = (word(0), word(1), word(2));
        let (depth, offset, count) = (word(3), word(4), word(5));
        let object = ObjectType::from_number(kind).ok_or(Error::InvalidArgument(0))?;
        let bits = object_bits(object, user_bits)?;
        let cnode = self.retype_destination(invocation, index, depth)?;
        let slots = cnode.slots();
        ensure_between(offset, 0, slots - 1)?;
        ensure_between(count, 1, RETYPE_FAN_OUT_MAX)?;
        ensure_between(count, 1, slots - offset)?;
        self.ensure_window_empty(&cnode, offset, count)?;
        let free = untyped.size() - untyped.used;
        if free >> bits < count {
            return Err(Error::NotEnoughMemory(free));
        }
        let is_frame = matches!(
            object,
            ObjectType::Page | ObjectType::LargePage | ObjectType::HugePage
        );
        if untyped.device && !is_frame && object != ObjectType::Untyped {
            return Err(Error::InvalidArgument(1));
        }
        Ok(Request {
            object,
            user_bits,
            bits,
            cnode,
            offset,
            count,
            first: untyped.used.next_multiple_of(1 << bits),
        })
    }

    fn retype_destination(
        &self,
        invocation: &Invocation,
        index: u64,
        depth: u64,
    ) -> Result<CNode, Error> {
        let mut slot = invocation.extra_slot(0)?;
        if depth != 0 {
            let root = self.slot(slot).capability();
            slot = self.lookup_slot_in(root, index, depth, Role::Destination)?;
        }
        let missing = LookupFailure::MissingCapability { bits_left: depth };
        cnode_of(self.slot(slot).words()).ok_or(Error::lookup(missing))
    }

    /// The untyped memory in a slot; whole again if everything made of it is gone.
    fn without_children(&self, slot: SlotRef, untyped: Untyped) -> Untyped {
        if untyped.used == 0 || self.first_child(slot).is_some() {
            return untyped;
        }
        Untyped::new(untyped.start, untyped.size_bits, untyped.device)
    }

    /// Zeroes memory up to `end` and to the end of the step there.
    fn zero_ahead(&self, slot: SlotRef, untyped: &mut Untyped, end: u64) -> Result<(), Stop> {
        while untyped.zeroed < end {
            let from = untyped.zeroed.max(untyped.used);
            untyped.zeroed = (from + 1).next_multiple_of(Untyped::ZEROED_STEP);
            let to = untyped.zeroed.min(untyped.size());
            self.machine()
                .zero(PhysicalAddress(untyped.start.0 + from), to - from);
            if untyped.zeroed < end && self.machine().interrupt_pending() {
                self.slot(slot)
                    .set_capability(&Capability::Untyped(*untyped));
                return Err(Stop::Preempted);
            }
        }
        Ok(())
    }
}

/// Logarithm of an object's size in bytes, if the user's size makes sense for it.
fn object_bits(object: ObjectType, user_bits: u64) -> Result<u32, Error> {
    let range = Error::Range {
        min: 0,
        max: UNTYPED_BITS_MAX,
    };
    if user_bits >= 64 || object.size_bits(user_bits) > UNTYPED_BITS_MAX {
        return Err(range);
    }
    let too_small = match object {
        ObjectType::CNode => user_bits == 0,
        ObjectType::Untyped => user_bits < UNTYPED_BITS_MIN,
        ObjectType::SchedContext => user_bits < SCHED_CONTEXT_BITS_MIN,
        _ => false,
    };
    if too_small {
        return Err(Error::InvalidArgument(1));
    }
    u32::try_from(object.size_bits(user_bits)).map_err(|_| range)
}
