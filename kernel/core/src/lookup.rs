//! Finding capability slots by address in a space of guarded CNodes.

use crate::address::TcbSlot;
use crate::capability::{Capability, cnode_of};
use crate::error::{Error, LookupFailure};
use crate::{Kernel, Machine, SlotRef, TcbRef};

/// Bits of a capability address.
const ADDRESS_BITS: u64 = 64;

/// Which of an operation's slots is looked up: errors tell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Source,
    Destination,
}

impl<M: Machine> Kernel<M> {
    /// The slot at a capability address in a thread's own space.
    #[inline(always)]
    pub(crate) fn lookup_slot(
        &self,
        thread: TcbRef,
        address: u64,
    ) -> Result<SlotRef, LookupFailure> {
        if self.current() == Some(thread)
            && let Some(slot) = self.direct_slot(thread, address)
        {
            return Ok(slot);
        }
        let root = self.slot(thread.slot(TcbSlot::CSpace)).capability();
        self.resolve(root, address, ADDRESS_BITS)
            .map(|(slot, _)| slot)
    }

    /// The slot at `address`, of which only the low `depth` bits count, below a CNode capability;
    /// all those bits must be used up.
    pub(crate) fn lookup_slot_in(
        &self,
        root: Capability,
        address: u64,
        depth: u64,
        role: Role,
    ) -> Result<SlotRef, Error> {
        let failed = |failure| Error::FailedLookup {
            source: role == Role::Source,
            failure,
        };
        if !matches!(root, Capability::CNode(_)) {
            return Err(failed(LookupFailure::InvalidRoot));
        }
        if !(1..=ADDRESS_BITS).contains(&depth) {
            return Err(Error::Range {
                min: 1,
                max: ADDRESS_BITS,
            });
        }
        match self.resolve(root, address, depth) {
            Ok((slot, 0)) => Ok(slot),
            Ok((_, bits_left)) => Err(failed(LookupFailure::DepthMismatch {
                bits_left,
                bits_found: 0,
            })),
            Err(failure) => Err(failed(failure)),
        }
    }

    /// Walks CNodes from `root` until the address is used up or no CNode follows; answers the slot and
    /// the number of bits not used.
    fn resolve(
        &self,
        root: Capability,
        address: u64,
        depth: u64,
    ) -> Result<(SlotRef, u64), LookupFailure> {
        let Capability::CNode(mut cnode) = root else {
            return Err(LookupFailure::InvalidRoot);
        };
        let mut bits_left = depth;
        loop {
            let guard_bits = u64::from(cnode.guard_size);
            let level_bits = guard_bits + u64::from(cnode.radix);
            // Shifts are below 64: guard sizes are at most 63, and bits_left is at most 64 with a
            // non-empty guard.
            let guard_matches = guard_bits == 0
                || (guard_bits <= bits_left
                    && (address >> (bits_left - guard_bits)) & ((1 << guard_bits) - 1)
                        == cnode.guard);
            if !guard_matches {
                return Err(LookupFailure::GuardMismatch {
                    bits_left,
                    guard: cnode.guard,
                    guard_bits,
                });
            }
            if level_bits > bits_left {
                return Err(LookupFailure::DepthMismatch {
                    bits_left,
                    bits_found: level_bits,
                });
            }
            bits_left -= level_bits;
            let slot = cnode.slot(address >> ((bits_left & 63) as u32));
            if bits_left == 0 {
                return Ok((slot, 0));
            }
            match cnode_of(self.slot(slot).words()) {
                Some(next) if level_bits > 0 => cnode = next,
                _ => return Ok((slot, bits_left)),
            }
        }
    }

    /// The capability at an address in a thread's space, with its slot.
    #[inline(always)]
    pub(crate) fn lookup_capability(
        &self,
        thread: TcbRef,
        address: u64,
    ) -> Result<(SlotRef, Capability), LookupFailure> {
        let slot = self.lookup_slot(thread, address)?;
        Ok((slot, self.slot(slot).capability()))
    }
}
