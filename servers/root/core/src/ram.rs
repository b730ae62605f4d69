//! Which piece of RAM becomes which object.
//!
//! Objects are made in order of falling size, each run in the smallest untyped that holds all of it. So nothing is
//! lost to alignment, large untypeds stay whole for large runs, and every run is contiguous unless no untyped
//! is large enough.

use alloc::vec::Vec;

use sel4_sys::object::ObjectType;

use crate::{BuildError, Kernel, Slot, Untyped, error::Naming};

/// The kernel makes at most this many objects at a time.
const FAN_OUT: u32 = 256;

/// Free RAM.
#[derive(Debug)]
pub(crate) struct Ram {
    untypeds: Vec<Untyped>,
}

/// A run of equal objects that is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    /// Whose it is, for messages.
    pub(crate) name: &'a str,
    /// What Retype is asked for.
    pub(crate) object: (ObjectType, u8),
    /// Logarithm of the bytes of one.
    pub(crate) bits: u8,
    /// Where the capabilities go.
    pub(crate) first: Slot,
    /// How many.
    pub(crate) count: u32,
    /// Whether they must lie side by side.
    pub(crate) placement: Placement,
}

/// How a run may lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// In pieces, if need be.
    Anywhere,
    /// In one piece.
    Contiguous,
}

impl Ram {
    pub(crate) fn new(untypeds: Vec<Untyped>) -> Self {
        Self { untypeds }
    }

    /// Makes a run of objects; answers the physical address of the first.
    pub(crate) fn make(
        &mut self,
        kernel: &mut impl Kernel,
        run: Run<'_>,
    ) -> Result<u64, BuildError> {
        let mut rest = run;
        let mut first_address = None;
        while rest.count > 0 {
            let piece = self.choose(&rest)?;
            let (untyped, count) = piece;
            let address = make_in(kernel, &mut self.untypeds[untyped], &rest, count)?;
            first_address.get_or_insert(address);
            rest.first = rest.first.behind(count);
            rest.count -= count;
        }
        first_address.ok_or_else(|| BuildError::NoMemory(run.name.into()))
    }

    /// The untyped for the run and how much of the run it takes.
    fn choose(&self, run: &Run<'_>) -> Result<(usize, u32), BuildError> {
        let rooms = self.untypeds.iter().enumerate();
        let rooms = rooms.map(|(index, untyped)| (index, untyped.room(run.bits)));
        let whole = rooms
            .clone()
            .filter(|&(_, room)| room >= u64::from(run.count));
        if let Some((index, _)) = whole.min_by_key(|&(_, room)| room) {
            return Ok((index, run.count));
        }
        match rooms.max_by_key(|&(_, room)| room) {
            Some((index, room)) if room > 0 && run.placement == Placement::Anywhere => {
                // Less than the run's count, which is an u32.
                Ok((index, u32::try_from(room).unwrap_or(run.count)))
            }
            _ => Err(BuildError::NoMemory(run.name.into())),
        }
    }
}

/// Makes `count` of the run's objects of one untyped.
fn make_in(
    kernel: &mut impl Kernel,
    untyped: &mut Untyped,
    run: &Run<'_>,
    count: u32,
) -> Result<u64, BuildError> {
    let mut made = 0;
    let mut first_address = None;
    while made < count {
        let step = (count - made).min(FAN_OUT);
        let first = run.first.behind(made);
        kernel
            .retype(untyped.slot, run.object, first, step)
            .naming(run.name, "cannot be made")?;
        first_address.get_or_insert(untyped.note(run.bits, step));
        made += step;
    }
    first_address.ok_or_else(|| BuildError::NoMemory(run.name.into()))
}

impl Slot {
    /// The slot `count` behind this one.
    pub(crate) fn behind(self, count: u32) -> Self {
        match self {
            Self::Working(crate::WorkingSlot(slot)) => {
                Self::Working(crate::WorkingSlot(slot + u64::from(count)))
            }
            Self::Vault(slot) => Self::Vault(slot + count),
            Self::Component { cnode, radix, slot } => Self::Component {
                cnode,
                radix,
                slot: slot + count,
            },
        }
    }
}
