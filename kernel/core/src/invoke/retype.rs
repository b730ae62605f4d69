//! Untyped Retype: memory becomes objects.

use sel4_sys::invocation as label;
use sel4_sys::object::{
    ObjectType, RETYPE_FAN_OUT_MAX, SCHED_CONTEXT_BITS_MIN, UNTYPED_BITS_MAX, UNTYPED_BITS_MIN,
};

use super::Invocation;
use super::arguments::ensure_between;
use crate::capability::{CNode, Capability, Untyped};
use crate::error::{Error, LookupFailure, Stop};
use crate::lookup::Role;
use crate::{Kernel, Machine, PhysicalAddress};

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
        let request = self.decode_retype(invocation, untyped)?;
        let size = request.count << request.bits;
        if !untyped.device && request.object != ObjectType::Untyped {
            let start = PhysicalAddress(untyped.start.0 + request.first);
            self.zero_memory(start, size)?;
        }
        let used = request.first + size;
        let parent = Capability::Untyped(Untyped { used, ..untyped });
        self.slot(invocation.slot).set_capability(&parent);
        for index in 0..request.count {
            let start = PhysicalAddress(untyped.start.0 + request.first + (index << request.bits));
            let capability =
                self.new_object(request.object, request.user_bits, start, untyped.device);
            let to = request.cnode.slot(request.offset + index);
            self.insert_original(&capability, invocation.slot, to);
        }
        Ok(())
    }

    fn decode_retype(&self, invocation: &Invocation, untyped: Untyped) -> Result<Request, Error> {
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
        let used = match self.first_child(invocation.slot) {
            Some(_) => untyped.used,
            // Everything made from it is gone: the memory is whole again.
            None => 0,
        };
        let free = untyped.size() - used;
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
            first: used.next_multiple_of(1 << bits),
        })
    }

    fn retype_destination(
        &self,
        invocation: &Invocation,
        index: u64,
        depth: u64,
    ) -> Result<CNode, Error> {
        let (_, root) = self.extra(invocation, 0)?;
        let node = if depth == 0 {
            root
        } else {
            let slot = self.lookup_slot_in(root, index, depth, Role::Destination)?;
            self.slot(slot).capability()
        };
        match node {
            Capability::CNode(cnode) => Ok(cnode),
            _ => Err(Error::lookup(LookupFailure::MissingCapability {
                bits_left: depth,
            })),
        }
    }

    /// Zeroes memory in steps; an interrupted Retype finds what it has done when it is made again.
    pub(super) fn zero_memory(&self, start: PhysicalAddress, size: u64) -> Result<(), Stop> {
        const STEP: u64 = 64 * 1024;
        let end = start.0 + size;
        let (from, done) = self.zeroed.get();
        let mut next = if from == start && done.0 <= end {
            done.0
        } else {
            start.0
        };
        while next < end {
            let step = STEP.min(end - next);
            self.machine().zero(PhysicalAddress(next), step);
            next += step;
            if next < end && self.machine().interrupt_pending() {
                self.zeroed.set((start, PhysicalAddress(next)));
                return Err(Stop::Preempted);
            }
        }
        self.zeroed.set((PhysicalAddress(0), PhysicalAddress(0)));
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
