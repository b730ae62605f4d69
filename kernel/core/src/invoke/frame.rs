//! Frames: map, unmap, and where they are.

use sel4_sys::extension::label as extension;
use sel4_sys::invocation as label;
use sel4_sys::object::USER_TOP;

use super::Invocation;
use super::nested::GUEST_PHYSICAL_END;
use crate::capability::{CapRights, Frame, Level, Mapping, Table, remapped_frame, table_of};
use crate::error::{Error, LookupFailure};
use crate::space::{Attributes, Entry};
use crate::{Kernel, Machine};

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_frame(&self, invocation: &Invocation, frame: Frame) -> Result<(), Error> {
        match invocation.label {
            label::X86_PAGE_MAP => self.page_map(invocation, frame, false),
            label::X86_PAGE_UNMAP => {
                self.page_unmap(invocation, &frame);
                Ok(())
            }
            label::X86_PAGE_GET_ADDRESS => {
                self.answer_with(invocation, [frame.start.0]);
                Ok(())
            }
            extension::NESTED_PAGE_MAP => self.page_map(invocation, frame, true),
            _ => Err(Error::IllegalOperation),
        }
    }

    #[inline(always)]
    pub(crate) fn page_unmap(&self, invocation: &Invocation, frame: &Frame) {
        self.unmap_frame(frame);
        self.set_mapping(invocation, None, false);
    }

    /// Maps a frame in a space of either kind.
    #[inline(always)]
    pub(crate) fn page_map(
        &self,
        invocation: &Invocation,
        frame: Frame,
        nested: bool,
    ) -> Result<(), Error> {
        invocation.require(3, 1)?;
        let address = self.argument(invocation, 0);
        let rights = CapRights::from_word(self.argument(invocation, 1));
        let attributes = Attributes::of(self.argument(invocation, 2), nested);
        let (root, asid) = self.root_argument(invocation, nested)?;
        let mapping = Mapping { asid, address };
        self.ensure_may_map(&frame, mapping, nested)?;
        let end = if nested { GUEST_PHYSICAL_END } else { USER_TOP };
        if address.saturating_add(frame.size.bytes()) > end {
            return Err(Error::InvalidArgument(0));
        }
        self.ensure_root_in_use(&root, asid)?;
        if address & (frame.size.bytes() - 1) != 0 {
            return Err(Error::Alignment);
        }
        let level = frame.size.level();
        let entry = self
            .entry(root.object, address, level)
            .map_err(Error::lookup)?;
        let old = entry.get();
        let is_table = level != Level::Table && old.as_table().is_some();
        if is_table {
            return Err(Error::DeleteFirst);
        }
        let rights = frame.rights.masked(rights);
        entry.set(Entry::frame(frame.start, level, rights, attributes));
        if old.is_present() {
            self.invalidate_page(root.object, address, nested);
        }
        self.set_mapping(invocation, Some(mapping), nested);
        Ok(())
    }

    /// Refuses to map a frame capability in a second place.
    #[inline(always)]
    fn ensure_may_map(&self, frame: &Frame, wanted: Mapping, nested: bool) -> Result<(), Error> {
        match frame.mapping {
            None => Ok(()),
            Some(mapping) if mapping.asid != wanted.asid => Err(Error::InvalidCapability(1)),
            Some(_) if frame.nested != nested => Err(Error::IllegalOperation),
            Some(mapping) if mapping.address != wanted.address => Err(Error::InvalidArgument(0)),
            Some(_) => Ok(()),
        }
    }

    /// Writes down where the invoked frame is mapped now.
    #[inline(always)]
    fn set_mapping(&self, invocation: &Invocation, mapping: Option<Mapping>, nested: bool) {
        let slot = self.slot(invocation.slot);
        slot.set_words(remapped_frame(slot.words(), mapping, nested));
    }

    /// Extra capability 0 as a root with an ASID.
    #[inline(always)]
    pub(super) fn root_argument(
        &self,
        invocation: &Invocation,
        nested: bool,
    ) -> Result<(Table, u16), Error> {
        let slot = invocation.extra_slot(0)?;
        table_of(self.slot(slot).words())
            .filter(|root| root.level == Level::Root && root.nested == nested)
            .and_then(|root| Some((root, root.mapping?.asid)))
            .ok_or(Error::InvalidCapability(1))
    }

    /// Refuses a root whose ASID was taken away.
    #[inline(always)]
    pub(super) fn ensure_root_in_use(&self, root: &Table, asid: u16) -> Result<(), Error> {
        match self.root_of(asid, root.nested) {
            None => Err(Error::lookup(LookupFailure::InvalidRoot)),
            Some(found) if found != root.object => Err(Error::InvalidCapability(1)),
            Some(_) => Ok(()),
        }
    }
}
