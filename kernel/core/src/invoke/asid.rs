//! ASID control and pools.

use core::cell::Cell;

use sel4_sys::invocation as label;
use sel4_sys::object::ASID_POOL_BITS;

use super::Invocation;
use crate::capability::{AsidPool, Capability, Level, Mapping, Table, Untyped};
use crate::error::{Error, LookupFailure, Stop};
use crate::lookup::Role;
use crate::{AsidPoolRef, Kernel, Machine, SlotRef};

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_asid_control(&self, invocation: &Invocation) -> Result<(), Stop> {
        if invocation.label != label::X86_ASID_CONTROL_MAKE_POOL {
            return Err(Error::IllegalOperation.into());
        }
        let (source, untyped, to, base) = self.decode_make_pool(invocation)?;
        let object = self.machine().kernel_address(untyped.start);
        let object = AsidPoolRef::new(object).ok_or(Error::InvalidCapability(1))?;
        self.machine().zero(untyped.start, untyped.size());
        let used = untyped.size();
        self.slot(source)
            .set_capability(&Capability::Untyped(Untyped { used, ..untyped }));
        let pool = AsidPool { object, base };
        self.insert_original(&Capability::AsidPool(pool), source, to);
        self.install_asid_pool(&pool);
        Ok(())
    }

    /// Makes a pool's identifiers count.
    pub(crate) fn install_asid_pool(&self, pool: &AsidPool) {
        if let Some(place) = self.asid_pools.get(usize::from(pool.base >> 9)) {
            place.set(Some(pool.object));
        }
    }

    fn decode_make_pool(
        &self,
        invocation: &Invocation,
    ) -> Result<(SlotRef, Untyped, SlotRef, u16), Error> {
        invocation.require(2, 2)?;
        let index = self.argument(invocation, 0);
        let depth = self.argument(invocation, 1);
        let (source, untyped) = self.extra(invocation, 0)?;
        let (_, root) = self.extra(invocation, 1)?;
        let free = self.asid_pools.iter().map(Cell::get);
        let (base, _) = (0u16..)
            .step_by(1 << 9)
            .zip(free)
            .find(|(_, pool)| pool.is_none())
            .ok_or(Error::DeleteFirst)?;
        let untyped = match untyped {
            Capability::Untyped(untyped)
                if u64::from(untyped.size_bits) == ASID_POOL_BITS && !untyped.device =>
            {
                untyped
            }
            _ => return Err(Error::InvalidCapability(1)),
        };
        self.ensure_no_children(source)?;
        let to = self.lookup_slot_in(root, index, depth, Role::Destination)?;
        self.ensure_empty(to)?;
        Ok((source, untyped, to, base))
    }

    pub(super) fn invoke_asid_pool(
        &self,
        invocation: &Invocation,
        pool: AsidPool,
    ) -> Result<(), Error> {
        if invocation.label != label::X86_ASID_POOL_ASSIGN {
            return Err(Error::IllegalOperation);
        }
        let (slot, root) = match self.extra(invocation, 0)? {
            (slot, Capability::Table(root))
                if root.level == Level::Root && root.mapping.is_none() =>
            {
                (slot, root)
            }
            _ => return Err(Error::InvalidCapability(1)),
        };
        match self.asid_pool_at(pool.base) {
            None => return Err(Error::lookup(LookupFailure::InvalidRoot)),
            Some(object) if object != pool.object => return Err(Error::InvalidCapability(0)),
            Some(_) => (),
        }
        let asid = self.free_asid(&pool).ok_or(Error::DeleteFirst)?;
        self.assign_root(slot, root, asid);
        Ok(())
    }

    /// Gives the root in a slot its identifier.
    pub(crate) fn assign_root(&self, slot: SlotRef, root: Table, asid: u16) {
        if !root.nested {
            self.machine().add_kernel_mappings(root.object);
        }
        let mapping = Some(Mapping { asid, address: 0 });
        self.slot(slot)
            .set_capability(&Capability::Table(Table { mapping, ..root }));
        self.assign_asid(asid, &root);
    }
}
