//! The window: address space of the root server's own in which it maps frames to fill them.

use compiled_manifest::{Caching, Rights};
use sel4_sys::object::ObjectType;
use shared_memory::RegionWriter;

use crate::{
    BuildError, Kernel, Slot, WorkingSlot,
    error::Naming,
    ram::{Placement, Ram, Run},
    working_slots::WorkingSlots,
};

/// Bytes of a page of the window.
pub(crate) const PAGE: usize = 4096;
/// Pages that one page table covers.
const PAGES: usize = 512;
/// The root server's address space.
const OWN_SPACE: Slot = Slot::Working(WorkingSlot(sel4_sys::slot::VSPACE));

/// 2 MiB of address space, with paging structures and nothing mapped.
#[derive(Debug)]
pub(crate) struct OwnWindow {
    region: RegionWriter,
    address: u64,
}

impl OwnWindow {
    /// Makes the paging structures for the window at `address`.
    pub(crate) fn new(
        kernel: &mut impl Kernel,
        ram: &mut Ram,
        slots: &mut WorkingSlots,
        region: RegionWriter,
        address: u64,
    ) -> Result<Self, BuildError> {
        // The first table of the third level is there already: the program itself lies in the same 512 GiB.
        for object in [ObjectType::PageDirectory, ObjectType::PageTable] {
            let table = Slot::Working(slots.take(1)?);
            let run = Run {
                name: "the window's paging",
                object: (object, 0),
                bits: 12,
                first: table,
                count: 1,
                placement: Placement::Anywhere,
            };
            ram.make(kernel, run)?;
            kernel
                .map_table(object, table, OWN_SPACE, address)
                .naming(run.name, "cannot be mapped")?;
        }
        Ok(Self { region, address })
    }

    /// Maps up to 512 frames from `first` on, lets `use_them` copy, and unmaps them again.
    pub(crate) fn with<T>(
        &mut self,
        kernel: &mut impl Kernel,
        first: Slot,
        count: u32,
        use_them: impl FnOnce(&RegionWriter) -> Result<T, BuildError>,
    ) -> Result<T, BuildError> {
        self.with_runs(kernel, &[(first, count, Rights::READ_WRITE)], use_them)
    }

    /// Maps runs of frames one behind the other, up to 512 in all, lets `use_them` copy, and unmaps them again.
    pub(crate) fn with_runs<T>(
        &mut self,
        kernel: &mut impl Kernel,
        runs: &[(Slot, u32, Rights)],
        use_them: impl FnOnce(&RegionWriter) -> Result<T, BuildError>,
    ) -> Result<T, BuildError> {
        let mut page = 0;
        for &(first, count, rights) in runs {
            for index in 0..count {
                if page == PAGES {
                    return Err(BuildError::Window);
                }
                let address = self.address + (page * PAGE) as u64;
                let access = (rights, Caching::WriteBack);
                kernel
                    .map_frame(first.behind(index), OWN_SPACE, address, access)
                    .naming("a frame", "cannot be mapped for filling")?;
                page += 1;
            }
        }
        let result = use_them(&self.region);
        for &(first, count, _) in runs {
            for index in 0..count {
                kernel
                    .unmap_frame(first.behind(index))
                    .naming("a frame", "cannot be unmapped after filling")?;
            }
        }
        result
    }

    /// Maps one page of device registers, lets `use_it` work on them, and unmaps it again.
    pub(crate) fn with_registers<T>(
        &mut self,
        kernel: &mut impl Kernel,
        frame: Slot,
        use_it: impl FnOnce(&RegionWriter) -> Result<T, BuildError>,
    ) -> Result<T, BuildError> {
        let access = (Rights::READ_WRITE, Caching::Uncached);
        kernel
            .map_frame(frame, OWN_SPACE, self.address, access)
            .naming("a page of registers", "cannot be mapped")?;
        let result = use_it(&self.region);
        kernel
            .unmap_frame(frame)
            .naming("a page of registers", "cannot be unmapped")?;
        result
    }
}
