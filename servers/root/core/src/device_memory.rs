//! Frames at given physical addresses: device registers and the boot archive.
//!
//! The kernel makes objects of an untyped in rising order only. So requests come sorted, and what lies
//! between them is made into untypeds that nobody uses.

use alloc::vec::Vec;

use sel4_sys::object::ObjectType;

use crate::{
    BuildError, Kernel, Slot, Untyped, WorkingSlot, error::Naming, working_slots::WorkingSlots,
};

const FAN_OUT: u32 = 256;

/// The device untypeds.
#[derive(Debug)]
pub(crate) struct DeviceMemory {
    untypeds: Vec<Untyped>,
}

/// A run of frames at consecutive physical addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// Whose it is, for messages.
    pub(crate) name: &'a str,
    /// Where.
    pub(crate) physical: u64,
    /// Logarithm of a frame's bytes: 12 or 21.
    pub(crate) bits: u8,
    /// How many frames.
    pub(crate) count: u32,
    /// Where the capabilities go.
    pub(crate) first: Slot,
}

impl DeviceMemory {
    pub(crate) fn new(untypeds: Vec<Untyped>) -> Self {
        Self { untypeds }
    }

    /// Makes the frames of all requests.
    pub(crate) fn make_all(
        &mut self,
        kernel: &mut impl Kernel,
        slots: &mut WorkingSlots,
        mut requests: Vec<Request<'_>>,
    ) -> Result<(), BuildError> {
        requests.sort_by_key(|request| request.physical);
        for request in requests {
            self.make(kernel, slots, request)?;
        }
        Ok(())
    }

    /// Makes the frames of one request, which lies above all that were made before in the same untyped.
    pub(crate) fn make(
        &mut self,
        kernel: &mut impl Kernel,
        slots: &mut WorkingSlots,
        request: Request<'_>,
    ) -> Result<(), BuildError> {
        let mut rest = request;
        while rest.count > 0 {
            let missing = || BuildError::NoDeviceMemory {
                object: rest.name.into(),
                physical: rest.physical,
            };
            let mut untypeds = self.untypeds.iter_mut();
            let untyped = untypeds
                .find(|untyped| untyped.covers(rest.physical))
                .ok_or_else(missing)?;
            skip(kernel, slots, untyped, &rest)?;
            let room = u32::try_from(untyped.room(rest.bits)).unwrap_or(u32::MAX);
            let count = room.min(rest.count).min(FAN_OUT);
            if count == 0 || untyped.physical + untyped.next_offset(rest.bits) != rest.physical {
                return Err(missing());
            }
            let object = match rest.bits {
                21 => ObjectType::LargePage,
                _ => ObjectType::Page,
            };
            kernel
                .retype(untyped.slot, (object, 0), rest.first, count)
                .naming(rest.name, "cannot be made")?;
            untyped.note(rest.bits, count);
            rest.physical += u64::from(count) << rest.bits;
            rest.first = rest.first.behind(count);
            rest.count -= count;
        }
        Ok(())
    }
}

/// Uses up what lies between the last object of `untyped` and the request, in the largest pieces.
fn skip(
    kernel: &mut impl Kernel,
    slots: &mut WorkingSlots,
    untyped: &mut Untyped,
    request: &Request<'_>,
) -> Result<(), BuildError> {
    let target = request.physical - untyped.physical;
    if untyped.used > target {
        return Err(BuildError::NoDeviceMemory {
            object: request.name.into(),
            physical: request.physical,
        });
    }
    while untyped.used < target {
        let left = target - untyped.used;
        let bits = left.ilog2().min(untyped.used.trailing_zeros());
        let bits = u8::try_from(bits).unwrap_or(u8::MAX);
        let WorkingSlot(slot) = slots.take(1)?;
        let first = Slot::Working(WorkingSlot(slot));
        kernel
            .retype(untyped.slot, (ObjectType::Untyped, bits), first, 1)
            .naming(request.name, "cannot be reached")?;
        untyped.note(bits, 1);
    }
    Ok(())
}
